"""Text that no monitor prints, or far too much of it, ends in a MemkitError that says what is too much."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memkit
from memkit.errors import MemkitError

SYSTEM = "address-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n"


def line(level: int, first: int, last: int, rest: str, kind: str = "i/o", prio: int = 0) -> str:
    return "  " * level + f"{first:016x}-{last:016x} (prio {prio}, {kind}): {rest}\n"


def alias(level: int, name: str, target: str, first: int = 0, last: int = 4095) -> str:
    return line(level, first, last, f"alias {name} @{target} {first:016x}-{last:016x}")


def chain(length: int) -> str:
    """A window on a window on a window …"""
    return SYSTEM + alias(2, "a", "t0") + "".join(
        f"memory-region: t{i}\n{alias(1, f't{i}', f't{i + 1}')}" for i in range(length))


def doubled(depth: int) -> str:
    """Each region shows the next one twice, so that the last is shown 2^depth times."""
    return SYSTEM + alias(2, "a", "t0") + "".join(
        "memory-region: "
        f"t{i}\n{line(1, 0, 4095, f't{i}')}{alias(2, 'x', f't{i + 1}') * 2}" for i in range(depth))


def windows(count: int) -> str:
    """Many windows onto a region with as many regions inside."""
    big = line(1, 0, (1 << 20) - 1, "big") + "".join(line(2, i * 16, i * 16 + 15, f"k{i}") for i in range(count))
    shown = "".join(
        line(2, i << 20, (i + 1 << 20) - 1, "alias w @big "
                                            f"{0:016x}-{(1 << 20) - 1:016x}") for i in range(count))
    return f"{SYSTEM}{shown}memory-region: big\n{big}"


def blocks(count: int) -> str:
    return "Block Name    PSize\n" + "".join(
        f"b{i}    4 KiB  0x{i << 12:016x} 0x{4096:016x} 0x{4096:016x}\n" for i in range(count))


CASES: dict[str, tuple[Callable[[], str], str]] = {
    "ten megabytes": (lambda: "a" * 10_000_000, "has 10,000,000 characters; up to 6,000,000 are read"),
    "a million lines": (lambda: "\n" * 1_000_000, "has 1,000,000 lines; up to 80,000 are read"),
    "unpacked lines": (lambda: '{"return": "' + "1 nodes\\r\\n" * 100_000 + '"}', "has 100,000 lines"),
    "zeros": (lambda: "\0" * 1_000_000, "not the text of a QEMU monitor"),
    "a program": (lambda: "".join(map(chr, range(256))) * 1000, "the content of some other file"),
    "one endless line": (lambda: f"(qemu) info numa\n{'x' * 100_000}", "longer than 1,000 characters"),
    "html": (lambda: "<tr><td>address-space: memory</td></tr>\n" * 1000, "not the text of a QEMU monitor"),
    "a deep tree": (lambda: SYSTEM + "".join(line(i, 0, 9, "d") for i in range(2, 200)), "deeper than 100 levels"),
    "regions": (lambda: SYSTEM + "".join(line(2, i, i, "r") for i in range(13_000)), "up to 12,000 regions"),
    "hidden regions": (lambda: SYSTEM + (line(90, 0, 9, "d") + line(2, 0, 9, "r")) * 500, "12,000 regions"),
    "spaces": (lambda: SYSTEM[:22] * 6000 + SYSTEM[22:], "6,000 address spaces; up to 5,000 are read"),
    "windows on windows": (lambda: chain(1000), "windows on windows, more than 200 deep"),
    "doubled windows": (lambda: doubled(60), "through too many windows to follow"),
    "many windows": (lambda: windows(1500), "through too many windows to follow"),
    "overlaps": (lambda: SYSTEM + "".join(line(2, i, 1 << 40, "r", "ram") for i in range(9000)), "too many windows"),
    "one name": (lambda: SYSTEM + alias(2, "a", "x") + "".join(
        f"memory-region: x\n{line(1, 0, i, 'x')}" for i in range(900)), "900 regions called 'x' behind aliases"),
    "blocks": (lambda: blocks(6000), "up to 5,000 of them are read"),
    "ranges": (lambda: "FlatView #0\n" + "".join(line(1, i, i, "r") for i in range(26_000)), "25,000 ranges"),
    "views": (lambda: "".join(f"FlatView #{i}\n" for i in range(3000)), "up to 2,000 FlatViews"),
    "nodes": (lambda: "node 5000 size: 1 MB\n" + "1 nodes\nnode 5000 size: 1 MB\n", "up to 1023"),
    "host nodes": (lambda: "memory backend: m\n  host nodes: 0-4000000000\n", "host nodes has an odd value"),
    "a huge size": (lambda: f"memory backend: m\n  size:  {'9' * 900}\n", "size has an odd value"),
    "a huge address": (lambda: f'Memory device [dimm]: "d"\n  addr: 0x{"f" * 30}\n', "missing or odd"),
    "no page": (lambda: blocks(1).replace("4 KiB", "0 KiB"), "a page size is a power of two, not 0"),
    "an odd page": (lambda: blocks(1).replace("4 KiB", "3 KiB"), "a page size is a power of two, not 3072"),
    "used beyond total": (lambda: blocks(1).replace(f"{4096:016x}", f"{8192:016x}", 1), "used is at most total"),
    "backwards": (lambda: "FlatView #0\n" + line(1, 9, 0, "r"), "rise and do not overlap"),
    "overlapping": (lambda: "FlatView #0\n" + line(1, 0, 9, "r") * 2, "rise and do not overlap"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_too_much_or_odd_is_refused_in_words(name: str) -> None:
    make, words = CASES[name]
    with pytest.raises(MemkitError) as caught:
        memkit.read_monitor(make())
    assert words in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("value", [None, 5, b"address-space: memory", ["info mtree"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(MemkitError, match="monitor text is a str, not"):
        memkit.read_monitor(value)  # type: ignore[arg-type]


def test_windows_in_a_ring_show_nothing() -> None:
    text = f"{SYSTEM}{alias(2, 'a', 'b')}memory-region: b\n{alias(1, 'b', 'c')}"
    text += f"memory-region: c\n{alias(1, 'c', 'b')}"
    guest = memkit.read_monitor(text)
    assert guest.flat_view("memory").ranges == ()
    assert {r.type for r in guest.address_space("memory").root.walk()} == {"i/o"}


def test_more_than_twenty_notes_are_counted() -> None:
    text = "".join(f"memory backend: m{i}\n" for i in range(1000))
    notes = memkit.read_monitor(text).notes
    assert len(notes) == 20
    assert re.fullmatch(r"\d+ more things in the text are not clear", notes[-1])


PIECES = st.sampled_from((
    "address-space: memory\n", "memory-region: a\n", "memory-region: b\n", "FlatView #0\n", ' AS "memory", root: a\n',
    " Root memory region: a\n", "  No rendered FlatView\n", "(qemu) ", "info mtree\n", "info numa\n", "1 nodes\n",
    "node 0 cpus: 0\n", "node 0 size: 5 MB\n", "memory backend: m\n", "  size:  4096\n", "  host nodes: 0\n",
    'Memory device [dimm]: "d"\n', "  addr: 0x1000\n", "Block Name    PSize\n", blocks(1)[20:], "\n", "\x1b[K", "> ",
    "    Dispatch\n", "\0", "é", line(2, 5, 4, "z"), line(3, 0, (1 << 64) - 1, "a [disabled]"),
))
LINES = st.builds(
    line, st.integers(0, 6), st.sampled_from((0, 1, 4096, 1 << 63)), st.sampled_from((0, 4095, 8191, (1 << 64) - 1)),
    st.sampled_from(("a", "b", "c", f"alias a @b {0:016x}-{4095:016x}", f"alias b @a {4096:016x}-{8191:016x}",
                     f"alias c @c {0:016x}-{(1 << 64) - 1:016x}", "alias x @y", "a [disabled]", "", "a @0000000000001000")),
    st.sampled_from(("ram", "rom", "i/o", "container", "romd", "RW", "R-", "odd")), st.integers(-2, 2),
)


@given(st.lists(PIECES | LINES, max_size=25).map("".join))
def test_any_pieces_of_monitor_text_in_any_order_are_read_or_refused(text: str) -> None:
    try:
        guest = memkit.read_monitor(text)
    except MemkitError as refused:
        assert len(str(refused)) < 500  # noqa: PT017
        return
    assert str(guest)
    assert guest.graph().text()
    assert guest.map().svg()
    assert guest.tables().html()
    for found in guest.main_flat_view.ranges:
        assert str(guest.explain(found.start))
    assert guest.hazards() is not None
    assert not memkit.diff(guest, guest)
    assert str(guest.all_of_ram())
    assert str(memkit.migrate(guest, guest))
