"""Which of several unknown names QEMU mentions: the first that its hash table, GLib's GHashTable, comes upon.

A visitor puts all names that are given into such a table and takes out what it reads; what is left when it
has finished is a mistake, and it names the first.

Source: opts_check_struct in qapi/opts-visitor.c, qobject_input_check_struct in qapi/qobject-input-visitor.c
(QEMU 7.2); the table is open-addressed, with the hash of g_str_hash (GLib 2.66 to 2.84).
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["first_left"]

_WORD = (1 << 32) - 1
# No name has this sign.
_GONE = "\0"
_SMALLEST = 3
# The prime below each power of two, by which hashes are reduced.
_PRIMES = (1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521)


def first_left(names: Iterable[str], used: Iterable[str]) -> str | None:
    """The first of ``names``, put into the table in this order, once ``used`` are taken out; None if none is.

    >>> first_left(["id", "size", "merge"], ["id"])
    'merge'
    """
    table = _Table()
    for name in names:
        table.insert(name)
    for name in used:
        table.remove(name)
    return next((slot for slot in table.slots if slot not in (None, _GONE)), None)


class _Table:
    """The names by their places; _GONE marks a place that was used, None one that never was."""

    def __init__(self) -> None:
        self.slots: list[str | None] = []
        self._set_shift(_SMALLEST)
        self.count = self.occupied = 0

    def _set_shift(self, shift: int) -> None:
        self.shift = min(max(shift, _SMALLEST), len(_PRIMES) - 1)
        self.slots = [None] * (1 << self.shift)

    def _place(self, name: str) -> int:
        """Where ``name`` is, or would be put."""
        index = _hash(name) * 11 % (1 << 32) % _PRIMES[self.shift]
        step, free = 0, -1
        while self.slots[index] is not None:
            if self.slots[index] == name:
                return index
            if self.slots[index] == _GONE and free < 0:
                free = index
            step += 1
            index = (index + step) & (len(self.slots) - 1)
        return index if free < 0 else free

    def insert(self, name: str) -> None:
        place = self._place(name)
        if self.slots[place] == name:
            return
        self.occupied += self.slots[place] is None
        self.slots[place] = name
        self.count += 1
        self._resize()

    def remove(self, name: str) -> None:
        place = self._place(name)
        if self.slots[place] == name:
            self.slots[place] = _GONE
            self.count -= 1
            self._resize()

    def _resize(self) -> None:
        size = len(self.slots)
        roomy = size > self.count * 4 and size > 1 << _SMALLEST
        if not roomy and size > self.occupied + self.occupied // 16:
            return
        kept = [name for name in self.slots if name is not None and name != _GONE]
        self._set_shift(int(self.count * 1.333).bit_length())
        for name in kept:
            self.slots[self._place(name)] = name
        self.occupied = self.count


def _hash(name: str) -> int:
    value = 5381
    for byte in name.encode("utf-8", "surrogatepass"):
        # C's char has a sign here.
        value = value * 33 + (byte - 256 if byte > 127 else byte) & _WORD
    # 0 and 1 mark places that are free.
    return max(value, 2)
