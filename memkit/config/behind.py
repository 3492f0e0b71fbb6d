"""What QEMU checks right behind its option loop: options that need or exclude each other.

Source: qemu_validate_options, qemu_process_help_options and parse_memory_options in softmmu/vl.c,
qdev_device_help in softmmu/qdev-monitor.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from memkit.config.keyval import Tree
from memkit.config.options import known_options
from memkit.config.qemuopts import is_help, warn_hex
from memkit.config.specs import Option
from memkit.config.wrong import Wrong, refuse
from memkit.errors import CommandLineError
from memkit.versions import QemuFacts

__all__ = ["ask_no_help", "check_behind", "check_kernel"]
_KERNEL = frozenset(("append", "initrd", "shim"))
# QEMU reads a date with %d-%d-%d, and does not look behind it.
_DATE = re.compile(r"(?:utc|localtime)\Z|\s*[+-]?\d+-\s*[+-]?\d+-\s*[+-]?\d")
_CLOCK = re.compile(r"(?:host|rt|vm)\Z")
_DRIFT = re.compile(r"(?:slew|none)\Z")


def ask_no_help(option: Option) -> CommandLineError:
    """The answer to an option that asks QEMU for help."""
    return CommandLineError(f"{option.text} asks QEMU for help and starts no guest; leave it out",
                            word=option.text, position=option.index)


def check_behind(
    options: Sequence[Option], machine: Tree, warnings: list[str], qemu: QemuFacts
) -> None:
    """Raise Refused or CommandLineError for the first mistake; add QEMU's late warnings to ``warnings``."""
    if qemu.compound_options and not _KERNEL.isdisjoint(machine):
        check_kernel(options, machine, shim="shim" in known_options(qemu.version))
    last = {option.name: option for option in options}
    if "incoming" in last or "loadvm" in last:
        _start(last, qemu)
    if "rtc" in last:
        _clock([option for option in options if option.name == "rtc"])
    if "device" in last:
        _devices([option for option in options if option.name == "device"])
    if "m" in last and qemu.compound_options and not qemu.strict_sizes:
        _memory([option for option in options if option.name == "m"], warnings)


def check_kernel(
    options: Sequence[Option], machine: Tree, *, compound: bool = True, shim: bool = False
) -> None:
    """Raise Refused for -append or -initrd without -kernel."""
    if isinstance(machine.get("kernel"), str):
        return
    for name in ("append", "initrd", "shim") if shim else ("append", "initrd"):
        # Where the machine options are no tree, an empty -append is none.
        if isinstance(machine.get(name), str) and (compound or name != "append" or machine[name]):
            at = next((o for o in reversed(options) if o.name in (name, "machine")), options[-1])
            refuse(at, Wrong(f"-{name} only allowed with -kernel option",
                             f"-{name} is for a kernel that QEMU loads itself.", "add -kernel FILE"),
                   located=False)


def _start(last: dict[str, Option], qemu: QemuFacts) -> None:
    """Refuse two ways of starting at once."""
    incoming, loadvm = last.get("incoming"), last.get("loadvm")
    message = ""
    if not qemu.compound_options:
        if incoming and "preconfig" in last:
            message = "'preconfig' and 'incoming' options are mutually exclusive"
    elif loadvm and incoming:
        message = "'incoming' and 'loadvm' options are mutually exclusive"
    elif loadvm and "preconfig" in last:
        message = "'preconfig' and 'loadvm' options are mutually exclusive"
    elif incoming and "preconfig" in last and incoming.value != "defer":
        message = "'preconfig' supports '-incoming defer' only"
    if message:
        refuse(loadvm or incoming or last["preconfig"],
               Wrong(message, "A guest starts from one place: power-on, a snapshot or a stream.",
                     "leave one of them out"), located=False)


def _clock(options: Sequence[Option]) -> None:
    """Refuse values of ``-rtc`` (configure_rtc, softmmu/rtc.c)."""
    given = {key: value for option in options for key, value in option.args}
    words = {
        "base": (_DATE, "invalid datetime format", "write base=utc or base=2026-01-31T12:00:00"),
        "clock": (_CLOCK, "invalid option value '{}'", "write clock=host, clock=rt or clock=vm"),
        "driftfix": (_DRIFT, "invalid option value '{}'", "write driftfix=slew or driftfix=none"),
    }
    for key, (known, message, hint) in words.items():
        if key in given and known.match(given[key]) is None:
            why = f"{given[key]!r:.60} is no {key}= of the guest's clock."
            refuse(options[-1], Wrong(message.format(given[key]), why, hint), located=False)


def _devices(options: Sequence[Option]) -> None:
    for option in options:
        value = option.value or ""
        if value[:1] == "{" or not ("help" in value or "?" in value):
            continue
        words = dict(option.args)
        if "driver" in words and (is_help(words["driver"]) or "help" in words or "?" in words):
            raise ask_no_help(option)


def _memory(options: Sequence[Option], warnings: list[str]) -> None:
    """QEMU reads sizes a second time, and then warns without saying where."""
    given = {key: value for option in options for key, value in option.args}
    for key in ("size", "maxmem"):
        text = given.get(key, "")
        if key == "size" and text[-1:].isdigit():
            text += "M"
        warn_hex(text, lambda said: warnings.append(f"warning: {said}"))
