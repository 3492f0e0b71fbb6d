"""QEMU's option loop: every option in the order of argv, checked as far as QEMU checks it there.

Mistakes that QEMU finds later (a missing backend, sizes that do not add up) are found when the guest is
booted.  Options that do not touch memory are read only as far as their grammar goes.

Source: qemu_init and object_option_parse in softmmu/vl.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from memkit.config import others
from memkit.config.behind import ask_no_help, check_behind
from memkit.config.groups import GROUPS, MEM_LOCK_WORD, OLD_GROUPS
from memkit.config.json_form import flatten_json, read_json
from memkit.config.json_push import read_located
from memkit.config.keyval import Tree, merge, parse_into
from memkit.config.numbers import size_reader
from memkit.config.old_objects import old_object
from memkit.config.old_options import OLD_OPTIONS, take_old_option
from memkit.config.options import on_target
from memkit.config.qemuopts import Pairs, check_value, is_help, read_opts, split_opts
from memkit.config.remembered import recall, remember_option
from memkit.config.schema import object_schema
from memkit.config.specs import ObjectSpec, Option, Written, new_object, new_option
from memkit.config.visit import check_text, check_type, missing, read_opts_members, read_tree
from memkit.config.wrong import HelpWanted, Wrong, near, refuse
from memkit.errors import Refused
from memkit.versions import DEFAULT_QEMU, qemu_facts

__all__ = ["Loop"]

# Options that only set a machine property.
_SWITCHES = {
    "no-acpi": ("acpi", "off"), "no-hpet": ("hpet", "off"), "usb": ("usb", "on"),
    "nographic": ("graphics", "off"), "enable-kvm": ("accel", "kvm"),
}
_VALUES = {"bios": "firmware", **{name: name for name in ("kernel", "initrd", "append", "dtb", "shim")}}
_MOST_WARNINGS = 100
_NO_ABBREVIATION = frozenset(("drive", "global", "semihosting-config"))
_GLOBAL = re.compile(r"([^.=]{1,63})\.([^=]{1,63})=", re.S)
_SET = re.compile(r"([^.]{1,63})\.([^.]{1,63})\.([^=]{1,63})=", re.S)
# Groups whose name in -set differs from the option's.
_SET_NAMES = {group.name: group for group in GROUPS.values()}
_NOT_IN_SET = frozenset(("object", "machine", "smp-opts", "boot-opts"))


class Loop:
    """What the option loop has collected so far.

    ``machine`` is the tree of machine options, ``warnings`` QEMU's, ``objects`` the typed objects,
    ``changes`` what ``-set`` changed: (group, id) to pairs.  ``machine_pairs`` are the machine options one
    by one, as QEMU sets them where they are no tree.
    """

    def __init__(self, target: str = "x86_64", qemu: str = DEFAULT_QEMU) -> None:
        self.target = target
        self.qemu = qemu_facts(qemu)
        self.sizes = size_reader(self.qemu)
        self.machine: Tree = {}
        self.machine_pairs: list[tuple[str, str]] = []
        self.warnings: list[str] = []
        self.objects: list[ObjectSpec] = []
        self.changes: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._ids: dict[str, set[str]] = {}
        self._option = Option("", "")
        self._warned = False
        # An object whose option is not finished, so that the spec cannot point at it yet.
        self._make_object: Callable[[Option], ObjectSpec] | None = None

    def run(self, options: Sequence[Written]) -> tuple[Option, ...]:
        """The options completed by their pairs, or themselves; raises Refused, CommandLineError."""
        done = tuple([self._again(option) or self._take(option) for option in options])
        if self.changes and not self.qemu.typed_objects:
            # -set reaches objects, too.
            self.objects = [
                old_object(o.option, self.changes.get(("object", o.id), ()), self.qemu.version, self.sizes)
                for o in self.objects
            ]
        check_behind(done, self.machine, self.warnings, self.qemu)
        return done

    def _again(self, written: Written) -> Option | None:
        """The option completed, if one like it was read before and its id is free."""
        known = recall(written, self.qemu.version, self._ids)
        if known is None:
            return None
        option, typed = known
        if typed is not None:
            self.objects.append(new_object((*typed, option, None)))
        elif option.name == "object":
            self.objects.append(old_object(option, (), self.qemu.version, self.sizes))
        return option

    def _take(self, written: Written) -> Option:
        option = written if isinstance(written, Option) else new_option(written)
        if not option.word:
            return option
        if not on_target(option.name, self.target, self.qemu.version):
            raise Refused(
                f"{option.text}: Option not supported for this target",
                explanation=f"QEMU for {self.target} does not have {option.word}.", hint="leave it out",
                option=option.text, position=option.index,
            )
        value = option.value
        if value is None:
            return self._switch(option)
        self._option, self._warned = option, False
        try:
            reader = _READERS.get(option.name)
            if reader is not None:
                pairs = reader(self, option, value)
            elif option.name in GROUPS:
                pairs = self._opts(option.name, value)
            else:
                return option
        except Wrong as wrong:
            refuse(option, wrong)
        except HelpWanted:
            raise ask_no_help(option) from None
        if option.args != pairs:
            option = new_option((option.name, option.word, value, pairs, option.index))
        typed = None
        if self._make_object is not None:
            self.objects.append(self._make_object(option))
            self._make_object = None
            typed = self.objects[-1][:3] if self.qemu.typed_objects else None
        if not self._warned:
            remember_option(option, self.qemu.version, typed)
        return option

    def _switch(self, option: Option) -> Option:
        if option.name in ("help", "version", "audio-help"):
            raise ask_no_help(option)
        if option.name in _SWITCHES:
            self._set_machine(*_SWITCHES[option.name])
        if option.name in OLD_OPTIONS:
            self.warnings += take_old_option(option, self._ids, self.qemu.version)
        return option

    def _set_machine(self, name: str, value: str) -> None:
        self.machine[name] = value
        self.machine_pairs.append((name, value))

    def _warn(self, text: str) -> None:
        if not self.qemu.warns_of_switches:
            return
        self._warned = True
        # A pasted megabyte could earn a warning for every comma, each with the whole option in front.
        if len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(f"{self._option.text}: warning: {text}")

    def _opts(self, name: str, value: str, *, abbreviated: bool = True) -> Pairs:
        group = GROUPS[name]
        ids = self._ids.setdefault(group.name, set())
        return read_opts(group, value, self._warn, ids,
                         abbreviated=abbreviated and name not in _NO_ABBREVIATION, sizes=self.sizes,
                         merged_ids=not self.qemu.merged_without_id)

    # -- one reader per option that is more than a list

    def _machine(self, option: Option, value: str) -> Pairs:
        if self.qemu.compound_options:
            return parse_into(self.machine, value, "type")
        pairs = self._old_group(option, value)
        for pair in pairs:
            self._set_machine(*pair)
        return pairs

    def _old_group(self, option: Option, value: str) -> Pairs:
        pairs = read_opts(OLD_GROUPS[option.name], value, self._warn, set(),
                          merged_ids=not self.qemu.merged_without_id)
        if any(is_help(text) for pair in pairs for text in pair):
            raise HelpWanted
        return pairs

    def _machine_group(self, option: Option, value: str) -> Pairs:
        if not self.qemu.compound_options:
            return self._old_group(option, value)
        tree: Tree = {}
        pairs = parse_into(tree, value, OLD_GROUPS[option.name].implied)
        merge(self.machine, {option.name: tree})
        return pairs

    def _machine_value(self, option: Option, value: str) -> Pairs:
        self._set_machine(_VALUES[option.name], value)
        return ()

    def _usbdevice(self, _option: Option, _value: str) -> Pairs:
        self._set_machine("usb", "on")
        return ()

    def _old(self, option: Option, value: str) -> Pairs:
        self.warnings += take_old_option(option, self._ids, self.qemu.version)
        return self._opts(option.name, value) if option.name in GROUPS else ()

    def _json(self, value: str) -> dict[str, Any]:
        return read_json(value, read_located if self.qemu.json_located else None)

    def _object(self, _option: Option, value: str) -> Pairs:
        qemu = self.qemu.version
        if not self.qemu.typed_objects:
            pairs = self._opts("object", value)
            self._make_object = lambda done: old_object(done, (), qemu, self.sizes)
            if {"help", "?"} & {*dict(pairs), dict(pairs).get("qom-type")}:
                raise HelpWanted
            return pairs
        if value[:1] == "{":
            whole = self._json(value)
            qom_type, name = whole.get("qom-type"), whole.get("id")
            check_text("qom-type", qom_type, "qom-type" in whole)
            check_type(str(qom_type), qemu)
            check_text("id", name, "id" in whole)
            props = read_tree(object_schema(str(qom_type), qemu), whole, ("qom-type", "id"))
            self._make_object = partial(ObjectSpec, str(qom_type), str(name), props)
            return flatten_json(whole)
        pairs = self._opts("object", value)
        words = dict(pairs)
        qom_type = words.get("qom-type")
        if qom_type is None:
            raise missing("qom-type")
        if is_help(qom_type):
            raise HelpWanted
        check_type(qom_type, qemu)
        if "help" in words or "?" in words:
            raise HelpWanted
        if "id" not in words:
            raise missing("id")
        # Of several ids, the first counts.
        name = words["id"] if len(words) == len(pairs) else next(v for k, v in pairs if k == "id")
        props = read_opts_members(object_schema(qom_type, qemu), pairs, self._warn, ("qom-type", "id"),
                                  self.sizes)
        self._make_object = partial(ObjectSpec, qom_type, name, props)
        return pairs

    def _device(self, _option: Option, value: str) -> Pairs:
        if value[:1] == "{" and self.qemu.json_device:
            return flatten_json(self._json(value))
        return self._opts("device", value)

    def _blockdev(self, _option: Option, value: str) -> Pairs:
        whole, pairs = self._tree(value, "driver")
        others.check_blockdev(whole)
        return pairs

    def _netdev(self, _option: Option, value: str) -> Pairs:
        if not self.qemu.modern_netdevs or (
            value[:1] != "{" and dict(split_opts(value, "type")).get("type") not in ("stream", "dgram")
        ):
            return self._opts("netdev", value)
        whole, pairs = self._tree(value, "type")
        others.check_netdev(whole, self.qemu.version, keyval=value[:1] != "{")
        return pairs

    def _display(self, _option: Option, value: str) -> Pairs:
        if is_help(value):
            raise HelpWanted
        if value[:3] == "vnc":
            if value[3:4] != "=":
                raise Wrong("VNC requires a display argument vnc=<display>",
                            "-display vnc needs to know where.", "write -display vnc=:1")
            return self._opts("vnc", value[4:], abbreviated=not is_help(value[4:]))
        whole, pairs = self._tree(value, "type")
        others.check_display(whole, self.qemu.version, keyval=value[:1] != "{")
        return pairs

    def _vnc(self, _option: Option, value: str) -> Pairs:
        return self._opts("vnc", value, abbreviated=not is_help(value))

    def _audiodev(self, _option: Option, value: str) -> Pairs:
        if is_help(value):
            raise HelpWanted
        whole, pairs = self._tree(value, "driver")
        for name in ("id", "driver"):
            if name not in whole:
                raise missing(name)
        return pairs

    def _audio(self, _option: Option, value: str) -> Pairs:
        pairs = parse_into({}, value, "driver")
        words = dict(pairs)
        if is_help(words.get("driver", "")) or is_help(words.get("model", "")):
            raise HelpWanted
        if self.qemu.audio_models and "model" not in words:
            raise missing("model")
        if not self.qemu.audio_models:
            others.check_audio(words)
        return pairs

    def _compat(self, _option: Option, value: str) -> Pairs:
        whole, pairs = self._tree(value, None)
        others.check_compat(whole, self.qemu.version, keyval=value[:1] != "{")
        return pairs

    def _tree(self, value: str, implied: str | None) -> tuple[Tree, Pairs]:
        """JSON or keyval, whichever ``value`` is; there is no help for these."""
        if value[:1] == "{":
            whole = self._json(value)
            return whole, flatten_json(whole)
        tree: Tree = {}
        try:
            return tree, parse_into(tree, value, implied)
        except HelpWanted:
            raise Wrong("Help is not available for this option", "QEMU has no help for it.",
                        "leave out help") from None

    def _accel(self, _option: Option, value: str) -> Pairs:
        pairs = self._opts("accel", value)
        if is_help(dict(pairs).get("accel", "help")):
            raise HelpWanted
        return pairs

    def _global(self, _option: Option, value: str) -> Pairs:
        match = _GLOBAL.match(value)
        if match is not None:
            return ("driver", match[1]), ("property", match[2]), ("value", value[match.end():])
        pairs = self._opts("global", value)
        given = {key for key, _ in pairs}
        if self.qemu.whole_globals and not {"driver", "property", "value"} <= given:
            raise Wrong("options 'driver', 'property', and 'value' are required",
                        "-global says which property of which device gets which value.",
                        "write -global DRIVER.PROPERTY=VALUE")
        return pairs

    def _set(self, _option: Option, value: str) -> Pairs:
        match = _SET.match(value)
        if match is None:
            raise Wrong(f"can't parse: \"{value}\"", "-set changes one property of one option with an id.",
                        "write -set device.ID.PROPERTY=VALUE")
        kind, name, key, text = *match.groups(), value[match.end():]
        if kind in _NOT_IN_SET and (self.qemu.typed_objects or kind != "object"):
            raise Wrong(f"-set is not supported with {kind}", "QEMU keeps these options in another way.",
                        f"change the option -{kind} itself")
        group = _SET_NAMES.get(kind)
        if group is None:
            raise Wrong(f"There is no option group '{kind}'", "-set starts with a kind of option.",
                        near(kind, _SET_NAMES))
        if name not in self._ids.get(kind, ()):
            raise Wrong(f"there is no {kind} \"{name}\" defined",
                        f"No -{kind} in front of this -set has the id {name!r}.",
                        "put -set behind the option")
        if group.kinds is not None:
            if key not in group.kinds:
                raise Wrong(f"Invalid parameter '{key}'", "The option has no such part.",
                            near(key, group.kinds))
            check_value(key, group.kinds[key], text, self._warn, self.sizes)
        self.changes.setdefault((kind, name), []).append((key, text))
        return ((f"{kind}.{name}.{key}", text),)

    def _overcommit(self, _option: Option, value: str) -> Pairs:
        if not self.qemu.mem_lock_word:
            return self._opts("overcommit", value)
        pairs = read_opts(MEM_LOCK_WORD, value, self._warn, set())
        others.check_mem_lock(dict(pairs))
        return pairs

    def _checked(self, option: Option, value: str) -> Pairs:
        pairs = self._opts(option.name, value) if option.name in GROUPS else ()
        others.CHECKS[option.name](value, dict(pairs))
        return pairs

    def _monitor(self, option: Option, value: str) -> Pairs:
        if value[:8] != "chardev:" and not (option.name == "monitor" and value[:4] == "none"):
            others.check_character_device(value, option.text)
        return ()

    def _readconfig(self, option: Option, _value: str) -> Pairs:
        raise Wrong("the model opens no file, so it cannot read a configuration",
                    "-readconfig names a file with more options; memkit only sees what is on the line.",
                    "write the file's options on the command line")

    def _often_help(self, option: Option, value: str) -> Pairs:
        """Options that QEMU answers with a list when they say help, some of them late."""
        if is_help(value):
            raise HelpWanted
        return self._opts(option.name, value) if option.name in GROUPS else ()


_Reader = Callable[[Loop, Option, str], Pairs]
_READERS: dict[str, _Reader] = {
    "machine": Loop._machine, "smp": Loop._machine_group, "boot": Loop._machine_group, "object": Loop._object,
    "device": Loop._device, "blockdev": Loop._blockdev, "netdev": Loop._netdev, "display": Loop._display,
    "vnc": Loop._vnc, "audiodev": Loop._audiodev, "audio": Loop._audio, "compat": Loop._compat,
    "accel": Loop._accel, "global": Loop._global, "set": Loop._set, "readconfig": Loop._readconfig,
    "monitor": Loop._monitor, "qmp": Loop._monitor, "qmp-pretty": Loop._monitor,
    "usbdevice": Loop._usbdevice, **dict.fromkeys(OLD_OPTIONS, Loop._old),
    "overcommit": Loop._overcommit, "cpu": Loop._often_help, "vga": Loop._often_help,
    "chardev": Loop._often_help, "nic": Loop._often_help, "d": Loop._often_help, "L": Loop._often_help,
    **dict.fromkeys(_VALUES, Loop._machine_value), **dict.fromkeys(others.CHECKS, Loop._checked),
}
