"""From words to a Config: QEMU's option loop, with its own refusals.

Mistakes that QEMU reports later (a missing backend, sizes that do not add up) are found when
the guest is booted.  Source: qemu_init in softmmu/vl.c, lookup_opt (QEMU 7.2).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from memkit.config.config import Config
from memkit.config.options import ALIASES, KNOWN, TAKES_ARGUMENT
from memkit.config.qemuopts import id_wellformed, split_keyval, split_opts
from memkit.config.specs import Option
from memkit.config.words import split
from memkit.errors import CommandLineError, Refused

__all__ = ["parse", "parse_option"]

# Options that are QemuOpts lists: the implied key, and the known keys where QEMU checks them at once.
_OPTS: dict[str, tuple[str | None, tuple[str, ...] | None]] = {
    "m": ("size", ("size", "slots", "maxmem")), "object": ("qom-type", None), "device": ("driver", None),
    "numa": ("type", None), "nic": ("type", None), "net": ("type", None), "netdev": ("type", None),
    "drive": (None, None), "overcommit": (None, ("mem-lock", "cpu-pm")), "global": (None, None),
    "chardev": ("backend", None), "fsdev": ("fsdriver", None), "virtfs": ("fsdriver", None),
    "accel": ("accel", None), "rtc": (None, ("base", "clock", "driftfix")),
}
_KEYVAL = {"machine": "type", "smp": "cpus", "boot": "order", "audiodev": "driver"}
_JSON = frozenset(("object", "device", "blockdev", "netdev", "display"))
_HELP = frozenset(("help", "version", "audio-help"))
_HELP_VALUE = frozenset(("machine", "cpu", "device", "object", "accel", "netdev", "nic", "chardev", "vga"))
_UNIQUE = frozenset(("object", "device", "drive", "netdev", "chardev"))


def parse(line: str | Sequence[str]) -> Config:
    """The Config of ``line``, text or argv list.

    Raises CommandLineError where the text is no command line, Refused where QEMU's option loop
    refuses, in QEMU's words.

    >>> parse("-m 4G,slots=2 -M q35").machine["type"]
    'q35'
    """
    target, program, words = split(line)
    options: list[Option] = []
    warnings: list[str] = []
    seen: set[tuple[str, str]] = set()
    index = 0
    while index < len(words):
        word = words[index]
        if not word.startswith("-"):
            options.append(Option("drive", "", word, (("file", word),), index))
            index += 1
            continue
        name = word[2:] if word.startswith("--") else word[1:]
        name = ALIASES.get(name, name)
        if name not in KNOWN:
            raise _unknown(word, name, index)
        value = None
        position = index
        if name in TAKES_ARGUMENT:
            index += 1
            if index >= len(words):
                raise Refused(
                    f"{word}: requires an argument", explanation=f"{word} is the last word.",
                    hint=f"write {word} VALUE", option=word, position=position,
                )
            value = words[index]
        elif name in _HELP:
            raise CommandLineError(f"{word} asks QEMU for help and starts no guest; leave it out",
                                   word=word, position=position)
        options.append(_check(parse_option(word, value, position, warnings.append), seen))
        index += 1
    return Config(tuple(options), program, target, tuple(warnings))


def _unknown(word: str, name: str, index: int) -> Refused:
    from difflib import get_close_matches

    close = get_close_matches(name, KNOWN, 3)
    near = f"did you mean {' or '.join('-' + c for c in close)}?" if close else "qemu-system-x86_64 -help lists all"
    return Refused(
        f"{word}: invalid option", explanation=f"QEMU has no option {word} (word {index}).", hint=near,
        option=word, position=index,
    )


def parse_option(
    word: str, value: str | None, index: int = 0, warn: Callable[[str], None] = lambda _text: None
) -> Option:
    """One option with its argument split as QEMU does; raises Refused, CommandLineError."""
    name = word.lstrip("-")
    name = ALIASES.get(name, name)
    bare = Option(name, word, value, (), index)
    if value is None:
        return bare
    if name in _HELP_VALUE and value.split(",")[0] in ("help", "?"):
        raise CommandLineError(f"{bare.text} asks QEMU for help and starts no guest; leave it out",
                               word=bare.text, position=index)
    if name == "readconfig":
        raise Refused(
            f"{bare.text}: the model opens no file, so it cannot read a configuration",
            explanation="-readconfig names a file with more options; memkit only sees what is on the line.",
            hint="write the file's options on the command line", option=bare.text, position=index,
        )
    if name in _JSON and value.startswith("{"):
        return Option(name, word, value, _flatten(_json(bare)), index)
    if name in _KEYVAL:
        try:
            return Option(name, word, value, split_keyval(value, _KEYVAL[name]), index)
        except ValueError as e:
            _refuse(bare, str(e), "machine options are a list of key=value", "write key=value,key=value")
    if name in _OPTS:
        implied, known = _OPTS[name]
        pairs = split_opts(value, implied, lambda text: warn(f"{bare.text}: warning: {text}"))
        if known is not None:
            for key, _ in pairs:
                if key not in known:
                    _refuse(bare, f"Invalid parameter '{key}'", f"-{name} has no part called {key!r}.",
                            f"known: {', '.join(known)}")
        return Option(name, word, value, pairs, index)
    return bare


def _refuse(option: Option, message: str, why: str, hint: str) -> NoReturn:
    raise Refused(f"{option.text}: {message}", explanation=why, hint=hint, option=option.text,
                  position=option.index)


def _json(option: Option) -> dict[str, Any]:
    text = option.value or ""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as e:
        what = "premature EOI" if e.pos >= len(text.rstrip()) else f"stray '{text[e.pos:e.pos + 1]}'"
        _refuse(option, f"JSON parse error, {what}", f"{e.msg} at character {e.pos}.",
                "check the braces and quotes")
    except (RecursionError, ValueError):
        _refuse(option, "JSON parse error, JSON value is too complex",
                "The value is nested too deeply, or a number is too long.", "write a plain object")
    assert isinstance(value, dict)
    return value


def _flatten(value: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((k, v if isinstance(v, str) else json.dumps(v)) for k, v in value.items())


def _check(option: Option, seen: set[tuple[str, str]]) -> Option:
    """Checks of the option loop that need the other options: ids, and objects against their schema."""
    ids = [v for k, v in option.args if k == "id"] if option.name in _UNIQUE else []
    json_form = bool(option.value) and option.value.startswith("{")  # type: ignore[union-attr]
    if ids and not json_form:
        if not id_wellformed(ids[0]):
            _refuse(option, "Parameter 'id' expects an identifier\nIdentifiers consist of letters, digits, "
                    "'-', '.', '_', starting with a letter.", f"{ids[0]!r} cannot be an id.",
                    "start the id with a letter")
        if (option.name, ids[0]) in seen:
            _refuse(option, f"Duplicate ID '{ids[0]}' for {option.name}",
                    f"Two -{option.name} options have the id {ids[0]!r}.", "give each its own id=")
        seen.add((option.name, ids[0]))
    if option.name == "object":
        from memkit.config.config import object_spec

        object_spec(option)
    elif option.name == "device":
        driver = dict(option.args).get("driver", "")
        if not driver or (json_form and not isinstance(json.loads(option.value or "{}").get("driver"), str)):
            _refuse(option, "Parameter 'driver' is missing", "-device starts with the device's type.",
                    "write -device pc-dimm,memdev=ID")
    return option
