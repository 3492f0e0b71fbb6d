"""Options that QEMU 5.2 still has and 7.2 no longer: what the option loop says to them.

Source: qemu_init in softmmu/vl.c, select_watchdog in hw/watchdog/watchdog.c (QEMU 5.2 as Debian builds it).
"""

from __future__ import annotations

from memkit.config.qemuopts import is_help
from memkit.config.specs import Option
from memkit.config.wrong import HelpWanted, Wrong, refuse

__all__ = ["OLD_OPTIONS", "take_old_option"]

_DEPRECATED = {
    "show-cursor": (
        "The -show-cursor option is deprecated. Please add show-cursor=on to your -display options.",
        "When using the default display you can use -display default,show-cursor=on",
    ),
    "tb-size": ("The -tb-size option is deprecated, use -accel tcg,tb-size instead",),
    "realtime": ("'-realtime mlock=...' is deprecated, please use '-overcommit mem-lock=...' instead",),
}
OLD_OPTIONS = frozenset(("sdl", "watchdog", *_DEPRECATED))


def take_old_option(option: Option, ids: dict[str, set[str]]) -> list[str]:
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
    return [f"{option.text}: warning: {text}" for text in _DEPRECATED.get(option.name, ())]
