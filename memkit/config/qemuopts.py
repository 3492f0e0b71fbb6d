"""QEMU's older grammar: ``key=value`` lists split at commas, a doubled comma standing for one.

The first value can leave out its key, ``share`` means ``share=on`` and ``noshare`` ``share=off``
(both deprecated).

Source: get_opt_name_value, opts_parse and qemu_opts_create in util/qemu-option.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from memkit.config.groups import Group
from memkit.config.numbers import SizeReader, c_integer, read_bool
from memkit.config.wrong import HelpWanted, Wrong, near
from memkit.units import parse_size

__all__ = ["Pairs", "check_id", "check_value", "is_help", "read_opts", "read_value", "split_opts",
           "warn_hex", "well_formed_id"]

Pairs = tuple[tuple[str, str], ...]
Warn = Callable[[str], None]
_MOST_KEPT = 1000
_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*\Z")
_HEX_WITH_SUFFIX = re.compile(r"[ \t\n\v\f\r]*\+?0[xX][0-9a-fA-F]+[kKmMgGtTpP]\Z")
SIZE_HELP = (
    "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively."
)


def is_help(text: str) -> bool:
    """True if ``text`` is a request for help: ``help`` or ``?``."""
    return text in ("help", "?")


@lru_cache(maxsize=1024)
def well_formed_id(text: str) -> bool:
    """True if ``text`` can be an id: letters, digits, ``-._``, starting with a letter.

    >>> well_formed_id("mem-1"), well_formed_id("1mem")
    (True, False)
    """
    return _ID.match(text) is not None


def check_id(text: str) -> None:
    """Raise Wrong unless ``text`` can be an id."""
    if not well_formed_id(text):
        raise Wrong(
            "Parameter 'id' expects an identifier\n"
            "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.",
            f"{text!r} cannot be an id.", "start the id with a letter and use no other signs than - . _",
        )


def read_value(text: str, start: int) -> tuple[str, int]:
    """The value at ``start``, with doubled commas undone, and where the next parameter starts."""
    pieces = []
    while True:
        comma = text.find(",", start)
        if comma < 0:
            pieces.append(text[start:])
            return "".join(pieces), len(text)
        if text[comma + 1:comma + 2] != ",":
            pieces.append(text[start:comma])
            return "".join(pieces), comma + 1
        pieces.append(text[start:comma + 1])
        start = comma + 2


# The same line is read again and again, with another size or one more device.
@lru_cache(maxsize=1024)
def _parts(text: str, implied: str | None) -> tuple[Pairs, frozenset[int]]:
    """The pairs of ``text``, and the places of those that were bare switches."""
    pairs: list[tuple[str, str]] = []
    switches: list[int] = []
    if text and ",," not in text:
        # A comma at the end starts nothing.
        for part in (text[:-1] if text[-1] == "," else text).split(","):
            key, equals, value = part.partition("=")
            if equals:
                pairs.append((key, value))
            elif implied is not None:
                pairs.append((implied, key))
            else:
                switches.append(len(pairs))
                pairs.append(_switch(key))
            implied = None
        return tuple(pairs), frozenset(switches)
    position = 0
    while position < len(text):
        comma, equals_at = text.find(",", position), text.find("=", position)
        end = len(text) if comma < 0 else comma
        if 0 <= equals_at < end:
            key = text[position:equals_at]
            value, position = read_value(text, equals_at + 1)
            pairs.append((key, value))
        elif implied is not None:
            value, position = read_value(text, position)
            pairs.append((implied, value))
        else:
            switches.append(len(pairs))
            pairs.append(_switch(text[position:end]))
            position = end + 1
        implied = None
    return tuple(pairs), frozenset(switches)


def _split(text: str, implied: str | None) -> tuple[Pairs, frozenset[int]]:
    # What somebody pasted by mistake is not worth keeping.
    return (_parts if len(text) <= _MOST_KEPT else _parts.__wrapped__)(text, implied)


def _switch(name: str) -> tuple[str, str]:
    return (name[2:], "off") if name[:2] == "no" else (name, "on")


def _warn_switch(key: str, value: str, warn: Warn) -> None:
    advice = f"{key}={value}"
    if key == "delay":
        advice = f"nodelay={'on' if value == 'off' else 'off'}"
    prefix = "no" if value == "off" else ""
    warn(f"short-form boolean option '{prefix}{key}' deprecated\nPlease use {advice} instead")


def split_opts(text: str, implied: str | None = None) -> Pairs:
    """The pairs of a QemuOpts string, unchecked; ``implied`` names the key of a bare first value.

    >>> split_opts("4G,slots=2", "size")
    (('size', '4G'), ('slots', '2'))
    >>> split_opts("pc-dimm,nohotplugged,path=a,,b", "driver")
    (('driver', 'pc-dimm'), ('hotplugged', 'off'), ('path', 'a,b'))
    """
    return _split(text, implied)[0]


def read_opts(
    group: Group, text: str, warn: Warn, ids: set[str], *, abbreviated: bool = True,
    sizes: SizeReader = parse_size, merged_ids: bool = False,
) -> Pairs:
    """The pairs of an option of ``group``, checked as the option loop does; raises Wrong, HelpWanted.

    ``warn`` gets QEMU's warnings; ``ids`` are the ids that the group already has, and a new one is
    added.  Without ``abbreviated``, the first value needs its key.  ``sizes`` reads sizes.  With
    ``merged_ids``, an option that merges can have an id, and is lost with it.
    """
    pairs, switches = _split(text, group.implied if abbreviated else None)
    name = _find_id(text, pairs) if "id" in text else None
    if name is not None:
        if group.merges and not merged_ids:
            raise Wrong("Invalid parameter 'id'", "All options of this name make one, so none has an id.",
                        "leave out id=")
        check_id(name)
        if name in ids and not group.merges:
            raise Wrong(f"Duplicate ID '{name}' for {group.name}",
                        f"Two options of this kind have the id {name!r}.", "give each its own id=")
        ids.add(name)
    if group.kinds is not None or switches:
        _check_pairs(pairs, switches, group.kinds, warn, sizes)
    return tuple(pairs) if name is None or not group.merges else ()


def _check_pairs(
    pairs: Pairs, switches: frozenset[int], kinds: dict[str, str] | None, warn: Warn,
    sizes: SizeReader,
) -> None:
    """Warn of bare switches, and raise Wrong for what ``kinds`` do not allow."""
    for place, (key, value) in enumerate(pairs):
        if place in switches:
            if value == "off" or not is_help(key):
                _warn_switch(key, value, warn)
            elif kinds is not None:
                raise HelpWanted
        if kinds is None or key == "id":
            continue
        kind = kinds.get(key)
        if kind is None:
            raise Wrong(f"Invalid parameter '{key}'", f"The option has no part called {key!r:.60}.",
                        near(key, kinds))
        if kind != "str":
            check_value(key, kind, value, warn, sizes)


def _find_id(text: str, pairs: Pairs) -> str | None:
    """The first id=; QEMU looks for it before it knows of implied keys."""
    if text[:2] == "id" or text[:4] == "noid":
        first = text.partition(",")[0]
        if first in ("id", "noid"):
            return "on" if first == "id" else "off"
    for key, value in pairs:
        if key == "id":
            return value
    return None


def check_value(
    key: str, kind: str, value: str, warn: Warn, sizes: SizeReader = parse_size
) -> None:
    """Raise Wrong unless ``value`` is a bool, number or size, as QemuOpts checks it."""
    try:
        if kind == "size":
            sizes(value)
            warn_hex(value, warn)
        elif kind == "number":
            c_integer(value)
        elif kind == "bool":
            read_bool(value)
    except OverflowError:
        if kind == "size":
            raise Wrong(f"Value '{value}' is out of range for parameter '{key}'",
                        "Sizes are below 2^64 bytes.", "use a smaller number, or a smaller suffix") from None
        raise Wrong(f"Value '{value}' is too large for parameter '{key}'", "Numbers are below 2^64.",
                    "use a smaller number") from None
    except ValueError as e:
        if kind == "size":
            raise Wrong(f"Parameter '{key}' expects a non-negative number below 2^64\n{SIZE_HELP}",
                        f"{e}." if len(value) < 80 else "The value is no size.",
                        f"write {key}=4G or {key}=512M") from None
        if kind == "number":
            raise Wrong(f"Parameter '{key}' expects a number", f"{value!r:.60} is no whole number.",
                        f"write {key}=4") from None
        raise Wrong(f"Parameter '{key}' expects 'on' or 'off'", f"{value!r:.60} is neither on nor off.",
                    f"write {key}=on or {key}=off") from None


def warn_hex(value: str, warn: Warn) -> None:
    """Warn as QEMU does where a hexadecimal number has a suffix."""
    if "x" in value[:8].lower() and _HEX_WITH_SUFFIX.match(value):
        warn(f"Using a multiplier suffix on hex numbers is deprecated: {value}")
