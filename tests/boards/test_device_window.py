"""A place in the device-memory window: the lowest that is free, found without asking every device again."""

from __future__ import annotations

import random

import pytest

from memkit.boards.device_window import DeviceWindow, Plugged


def lowest(taken: list[tuple[int, int]], base: int, size: int, align: int) -> int:
    """The same answer by trying every place."""
    addr = -(-base // align) * align
    while any(start < addr + size and addr < start + length for start, length in taken):
        addr += align
    return addr


@pytest.mark.parametrize("seed", range(20))
def test_the_lowest_free_place_is_found_whatever_sizes_and_alignments_came_before(seed: int) -> None:
    rnd = random.Random(seed)
    window, taken, base = DeviceWindow(), [], rnd.randrange(8)
    for _ in range(60):
        size, align = rnd.choice([1, 2, 3, 8]), rnd.choice([1, 2, 4])
        addr = window.free_address(base, size, align)
        assert addr == lowest(taken, base, size, align)
        if rnd.random() < 0.3:
            addr = rnd.randrange(base, 300)  # As if addr= were given.
        in_the_way = sorted(t for t in taken if t[0] < addr + size and addr < t[0] + t[1])
        found = window.conflict(addr, size)
        assert (found and (found.addr, found.size)) == (in_the_way[0] if in_the_way else None)
        if not in_the_way:
            window.insert(Plugged(addr, size, None))
            taken.append((addr, size))
    assert window.used == sum(size for _, size in taken)


def test_each_device_of_one_size_looks_at_its_neighbours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    overlaps = Plugged.overlaps

    def counted(self: Plugged, addr: int, size: int) -> bool:
        nonlocal looks
        looks += 1
        return overlaps(self, addr, size)

    monkeypatch.setattr(Plugged, "overlaps", counted)
    window = DeviceWindow()
    for number in range(1000):
        addr = window.free_address(0, 4, 4)
        assert addr == 4 * number
        assert window.conflict(addr, 4) is None
        window.insert(Plugged(addr, 4, None))
    assert looks < 5000
