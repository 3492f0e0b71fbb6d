"""The order in which QEMU walks through a set of properties: that of its hash table, QDict.

It decides which of two mistakes in one option is reported.

Source: qobject/qdict.c (QEMU 7.2): the hash of tdb, 512 buckets, the newest entry of a bucket first.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

__all__ = ["hash_order"]

_BUCKETS = 512
_WORD = (1 << 32) - 1


@lru_cache(maxsize=1024)
def _bucket(name: str) -> int:
    data = name.encode("utf-8", "surrogatepass")
    value = 0x238F13AF * len(data)
    for index, byte in enumerate(data):
        # C shifts into the sign and wraps at 32 bits; only the low bits of the product count.
        value += byte << index * 5 % 24
    return (1103515243 * value + 12345 & _WORD) % _BUCKETS


def hash_order(names: Iterable[str]) -> list[str]:
    """``names`` (in the order in which they were put in) as QEMU walks through them.

    >>> hash_order(["size", "prealloc", "reserve"])
    ['reserve', 'prealloc', 'size']
    """
    ordered = list(names)
    if len(ordered) > 1:
        # Sorting leaves those of one bucket in their order.
        ordered.reverse()
        ordered.sort(key=_bucket)
    return ordered
