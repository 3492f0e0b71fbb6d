"""Numbers, switches and ranges as C and QEMU read them from text.

Source: qemu_strtou64 and parse_uint in util/cutils.c, opts_type_uint64 in qapi/opts-visitor.c,
qapi_bool_parse in qapi/qapi-util.c (QEMU 7.2).
"""

from __future__ import annotations

import re

__all__ = ["c_integer", "read_bool", "uint", "uint_range"]

# strtoull with base 0: blanks, a sign, then hexadecimal, octal or decimal digits.
_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
_LIMIT = 1 << 64
# OPTS_VISITOR_RANGE_MAX in qapi/opts-visitor.c.
_RANGE_MAX = 65536
_BOOL = {
    "on": True, "yes": True, "true": True, "y": True, "off": False, "no": False, "false": False, "n": False,
}


def _head(text: str) -> tuple[int, int]:
    """The integer at the start of ``text`` and where it ends; raises ValueError if there is none."""
    match = _INTEGER.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a whole number")
    sign, hexadecimal, octal, decimal = match.groups()
    digits, base = (hexadecimal, 16) if hexadecimal else (octal, 8) if octal else (decimal, 10)
    digits = digits.lstrip("0")
    # Thousands of digits are out of range without being converted.
    value = _LIMIT if len(digits) > 22 else int(digits or "0", base)
    return -value if sign == "-" else value, match.end()


def c_integer(text: str, *, signed: bool = False) -> int:
    """``text`` as a 64-bit integer, in any of C's notations (10, 0x1f, 017).

    An unsigned number may have a minus sign: it then wraps around, as in C.  Raises ValueError for
    what is no number, OverflowError for what does not fit.

    >>> c_integer("0x10"), c_integer("017"), c_integer("-1") == 2**64 - 1, c_integer("-1", signed=True)
    (16, 15, True, -1)
    """
    value, end = _head(text)
    if end != len(text):
        raise ValueError(f"{text!r} is not a whole number")
    low, high = (-(1 << 63), 1 << 63) if signed else (1 - _LIMIT, _LIMIT)
    if not low <= value < high:
        raise OverflowError(f"{text!r} does not fit into 64 bits")
    return value if signed else value % _LIMIT


def uint(text: str) -> int:
    """``text`` as an unsigned 64-bit integer without a minus sign; raises ValueError.

    >>> uint("7")
    7
    """
    value, end = _head(text)
    if end != len(text) or not 0 <= value < _LIMIT or "-" in text:
        raise ValueError(f"{text!r} is not an unsigned number")
    return value


def uint_range(text: str) -> range:
    """The numbers of ``text``, ``N`` or ``N-M``; raises ValueError for anything else.

    >>> list(uint_range("0-2")), list(uint_range("5"))
    ([0, 1, 2], [5])
    """
    _, end = _head(text)
    first = uint(text[:end])
    if end == len(text):
        return range(first, first + 1)
    if text[end] != "-":
        raise ValueError(text)
    last = uint(text[end + 1:])
    if not first <= last < first + _RANGE_MAX:
        raise ValueError(text)
    return range(first, last + 1)


def read_bool(text: str) -> bool:
    """``text`` as a switch: on, yes, true, y or off, no, false, n; raises ValueError.

    >>> read_bool("on"), read_bool("n")
    (True, False)
    """
    value = _BOOL.get(text)
    if value is None:
        raise ValueError(f"{text!r} is neither on nor off")
    return value
