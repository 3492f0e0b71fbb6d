"""Options that later releases no longer have: what the option loop says to them.

Source: qemu_init in softmmu/vl.c, select_watchdog in hw/watchdog/watchdog.c (QEMU 5.2 as Debian builds it);
qemu_init in system/vl.c (QEMU 8.2).
"""

from __future__ import annotations

from memkit.config.qemuopts import is_help
from memkit.config.specs import Option
from memkit.config.wrong import HelpWanted, Wrong, refuse
from memkit.versions import holds

__all__ = ["OLD_OPTIONS", "take_old_option"]

# Option → the releases that warn (see memkit.versions.holds), and what they say.
_DEPRECATED: dict[str, tuple[str, tuple[str, ...]]] = {
    "show-cursor": ("<6.0", (
        "The -show-cursor option is deprecated. Please add show-cursor=on to your -display options.",
        "When using the default display you can use -display default,show-cursor=on",
    )),
    "tb-size": ("<6.0", ("The -tb-size option is deprecated, use -accel tcg,tb-size instead",)),
    "realtime": ("<6.0", (
        "'-realtime mlock=...' is deprecated, please use '-overcommit mem-lock=...' instead",
    )),
    "no-acpi": ("8.0<9.0", ("-no-acpi is deprecated, use '-machine acpi=off' instead",)),
    "no-hpet": ("8.0<9.0", ("-no-hpet is deprecated, use '-machine hpet=off' instead",)),
    "chroot": ("8.2<9.0", ("option is deprecated, use '-run-with chroot=...' instead",)),
}
OLD_OPTIONS = frozenset(("sdl", "watchdog", *_DEPRECATED))


def take_old_option(option: Option, ids: dict[str, set[str]], qemu: str) -> list[str]:
    """QEMU's warnings about ``option``; raises Refused, HelpWanted.

    ``ids`` remembers that there was a ``-watchdog``.
    """
    if option.name == "sdl":
        refuse(option, Wrong("SDL support is disabled", "Debian's package is built without it.",
                             "use -display none"))
    if option.name == "watchdog":
        if is_help(option.value or ""):
            raise HelpWanted
        if ids.setdefault("watchdog", set()):
            raise Wrong("only one watchdog option may be given", "A board has one watchdog.",
                        "leave out one of them")
        ids["watchdog"].add(option.value or "-")
    span, texts = _DEPRECATED.get(option.name, ("", ()))
    return [f"{option.text}: warning: {text}" for text in texts if holds(qemu, span)]
