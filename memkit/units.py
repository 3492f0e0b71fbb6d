"""Sizes and addresses as QEMU reads and writes them.

Source: qemu_strtosz in util/cutils.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["format_size", "hex_address", "human", "parse_address", "parse_size"]

_SUFFIXES = "BKMGTPE"
# What strtoull takes: leading blanks, a sign, then digits; hexadecimal numbers have no fraction.
_SIZE = re.compile(
    r"[ \t\n\v\f\r]*(?P<sign>[+-]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|(?P<whole>[0-9]+)(?P<fraction>\.[0-9]*)?)"
    r"(?P<suffix>[a-zA-Z]?)\Z"
)
_UNITS = ((60, "EiB"), (50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB"))
_LIMIT = 1 << 64


# A line with many devices says the same sizes again and again.
@lru_cache(maxsize=1024)
def parse_size(text: str, default_suffix: str = "B") -> int:
    """``text`` as bytes, read as QEMU reads a size.

    Suffixes k, M, G, T, P, E are binary, in either case; a fraction needs one; ``8GB`` is no size.
    Raises ValueError for what is no size, and OverflowError where QEMU says "out of range".
    Source: do_strtosz in util/cutils.c (QEMU 7.2).

    >>> parse_size("1.5G"), parse_size("512", "M"), parse_size("0x1000")
    (1610612736, 536870912, 4096)
    """
    match = _SIZE.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size; write a number with k, M, G or T, such as 512M")
    sign, hexadecimal, digits, fraction, suffix = match.groups()
    # A number of thousands of digits is out of range without being converted.
    number = hexadecimal or digits
    value = _LIMIT if len(number.lstrip("0")) > 20 else int(number, 16 if hexadecimal else 10)
    if value >= _LIMIT:
        # C's conversion stops here, so whatever follows the digits makes it no number at all.
        if suffix or fraction:
            raise ValueError(f"{text!r} is far too large for a size")
        raise OverflowError(f"{text!r} is 2^64 or more")
    if sign == "-":
        raise ValueError(f"{text!r} is negative; a size is not")
    letter = (suffix or default_suffix).upper()
    if letter not in _SUFFIXES:
        raise ValueError(f"{text!r} has an unknown suffix {suffix!r}; use k, M, G, T, P or E")
    scale = 1 << 10 * _SUFFIXES.index(letter)
    # QEMU keeps the fraction as 64 bits behind the point and rounds the product.
    part = int(float("0" + fraction) * _LIMIT) % _LIMIT if fraction and len(fraction) > 1 else 0
    if part and scale == 1:
        raise ValueError(f"{text!r} has a fraction of a byte; add a suffix such as M or G")
    value = value * scale + (part * scale + _LIMIT // 2) // _LIMIT
    if value >= _LIMIT:
        raise OverflowError(f"{text!r} is 2^64 or more")
    return value


def parse_address(text: str) -> int:
    """``text`` as an address or a number of bytes, as people type it: hexadecimal, decimal, or 4G.

    Raises ValueError that says what to write, also for what a monitor prints without 0x.

    >>> parse_address("0x1_4000_0000") == parse_address("5G") == parse_address("5 GiB")
    True
    """
    word = text.strip()
    if not 0 < len(word) <= 60:
        raise ValueError(f"{text.strip()[:60]!r} is no address; write 0x100000000, 0x1_0000_0000 or 4G")
    if not re.match(r"[+-]?0[bBoO]", word):
        try:
            return int(word, 0)
        except ValueError:
            pass
    if re.fullmatch(r"(?=.*[a-fA-F]|0)[0-9a-fA-F_]+", word):
        raise ValueError(f"{word!r} could be hexadecimal without its 0x; write 0x{word.lstrip('0_') or '0'}")
    try:
        return parse_size(re.sub(r"\s*([kKmMgGtTpPeE])(?:iB)?\Z", r"\1", word))
    except (ValueError, OverflowError):
        raise ValueError(
            f"{word!r} is no address; write hexadecimal with 0x (0x1_0000_0000), a whole number, or a size "
            "such as 4G"
        ) from None


def format_size(size: int) -> str:
    """``size`` bytes as a command line writes it: the largest suffix that leaves a whole number.

    >>> format_size(1 << 30), format_size(3588 << 20), format_size(1000)
    ('1G', '3588M', '1000B')
    """
    for shift, suffix in ((40, "T"), (30, "G"), (20, "M"), (10, "K")):
        if size and size % (1 << shift) == 0:
            return f"{size >> shift}{suffix}"
    return f"{size}B"


def human(size: int) -> str:
    """``size`` bytes for people, with binary units and at most two decimals.

    >>> human(4 << 30), human(640 << 10), human(3584 << 20), human(1000 << 20), human(0)
    ('4 GiB', '640 KiB', '3.5 GiB', '1000 MiB', '0 bytes')
    """
    for shift, unit in _UNITS:
        if size >= 1 << shift:
            value = size / (1 << shift)
            if size % (1 << shift) == 0:
                return f"{size >> shift} {unit}"
            if size * 100 % (1 << shift) == 0:
                return f"{value:g} {unit}"
            if shift > 10 and size % (1 << (shift - 10)) == 0:
                continue
            return f"{value:.2f} {unit}"
    return "1 byte" if size == 1 else f"{size} bytes"


def hex_address(address: int) -> str:
    """``address`` in hexadecimal, grouped by four digits.

    >>> hex_address(0x140000000), hex_address(0xa0000)
    ('0x1_4000_0000', '0xa_0000')
    """
    return f"{address:#_x}"
