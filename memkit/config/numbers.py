"""Numbers, sizes, switches and ranges as C and QEMU read them from text.

Source: qemu_strtou64, parse_uint and do_strtosz in util/cutils.c (QEMU 5.2, 7.2, 8.2), opts_type_uint64
in qapi/opts-visitor.c, qapi_bool_parse in qapi/qapi-util.c (QEMU 7.2).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from memkit.units import parse_size
from memkit.versions import QemuFacts

__all__ = ["SizeReader", "c_integer", "read_bool", "size_reader", "uint", "uint_range"]

# Reads a size in bytes; raises ValueError for what is no size, OverflowError for what is out of range.
SizeReader = Callable[[str], int]

# strtoull with base 0: blanks, a sign, then hexadecimal, octal or decimal digits.
_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
_LIMIT = 1 << 64
# OPTS_VISITOR_RANGE_MAX in qapi/opts-visitor.c.
_RANGE_MAX = 65536
_BOOL = {
    "on": True, "yes": True, "true": True, "y": True, "off": False, "no": False, "false": False, "n": False,
}
# What strtod takes, and QEMU's suffix behind it.
_FLOAT = re.compile(
    r"[ \t\n\v\f\r]*([+-]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?"
    r"|(?![+-]?0[xX][0-9a-fA-F.])(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))([bBkKmMgGtTpPeE]?)\Z"
)
_HEX_WITH_SUFFIX = re.compile(r"[ \t\n\v\f\r]*[+-]?0[xX][0-9a-fA-F]+[^0-9a-fA-F]")
_NEGATIVE = re.compile(r"[ \t\n\v\f\r]*-[0-9]+\Z")
_LONGEST_FLOAT = 400


def size_reader(qemu: QemuFacts) -> SizeReader:
    """The function by which that release reads sizes.

    >>> from memkit.versions import qemu_facts
    >>> size_reader(qemu_facts("5.2"))("1e3"), size_reader(qemu_facts("7.2"))("0x10M")
    (1000, 16777216)
    """
    if qemu.strict_sizes:
        return _strict_size
    return parse_size if qemu.exact_sizes else _rough_size


def _strict_size(text: str) -> int:
    if _NEGATIVE.match(text):
        raise OverflowError(f"{text!r} is negative; a size is not")
    if _HEX_WITH_SUFFIX.match(text):
        raise ValueError(f"{text!r} is hexadecimal with a suffix; write the number without 0x")
    return parse_size("0" + text if text[:1] == "." and text[1:2].isdigit() else text)


def _rough_size(text: str) -> int:
    """A size by way of a floating-point number, with its exponents and its limits."""
    match = _FLOAT.match(text)
    if match is None or len(text) > _LONGEST_FLOAT:
        raise ValueError(f"{text!r:.60} is not a size; write a number with k, M, G or T, such as 512M")
    digits, suffix = match.groups()
    try:
        value = float.fromhex(digits) if "x" in digits.lower() else float(digits)
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        # strtod is out of range before the suffix is looked at.
        if suffix:
            raise ValueError(f"{text!r} is far too large for a size")
        raise OverflowError(f"{text!r} is 2^64 or more")
    scale = 1 << 10 * "BKMGTPE".index(suffix.upper() or "B")
    if scale == 1 and value != int(value):
        raise ValueError(f"{text!r} has a fraction of a byte; add a suffix such as M or G")
    if value < 0 or value * scale >= _LIMIT:
        raise OverflowError(f"{text!r} is not between 0 and 2^64")
    return int(value * scale)


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
