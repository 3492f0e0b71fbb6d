"""All sections of data/windows: the fixed I/O windows of the x86 boards.

A board has windows that some option adds or removes.  Every board starts with all of them, then once
without each *feature*; a window that is gone then needs that feature.  Each versioned machine type
starts once more as it is, which shows the features that it has by default.

``io`` and ``memory`` list windows for each board, those in front of others first; ``when`` names the
features that a window needs, ``inside`` its subregions with addresses relative to it.  ``defaults``
has, newest first, [version, features]: what machine types up to that version have without any option.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from .ask import Binary, split
from .files import provenance

BOARDS = {"pc": "pc-i440fx-", "q35": "pc-q35-", "microvm": "microvm", "isapc": "isapc"}
# Devices that a board makes by itself where all others have them on PCI: what they map is their own.
ALONE = {"isapc": "-vga none -nic none"}
# Feature → (the words that have it, the words that do not).
COMMON: dict[str, tuple[str, str]] = {
    "acpi": ("", "-machine acpi=off"),
    "apic": ("", "-cpu qemu64,-apic"),
    "fw-cfg-dma": ("", "-global fw_cfg.dma_enabled=off"),
    "pic": ("", "-machine pic=off"),
    "pit": ("", "-machine pit=off"),
    "serial": ("-serial null", "-serial none"),
}
PC = COMMON | {
    "hpet": ("", "-machine hpet=off"),
    "i8042": ("", "-machine i8042=off"),
    "nvdimm": ("-machine nvdimm=on", ""),
    "parallel": ("-parallel null", "-parallel none"),
    "slots": ("-m 256M,slots=2,maxmem=1G", "-m 256M"),
    "vmport": ("", "-machine vmport=off"),
}
BRIDGE = "acpi-pci-hotplug-with-bridge-support"
FEATURES = {
    "pc": PC | {
        "pci-hotplug": ("", f"-global PIIX4_PM.{BRIDGE}=off -global PIIX4_PM.acpi-root-pci-hotplug=off"),
    },
    "q35": PC | {
        "floppy": ("-drive if=floppy,driver=null-co,read-zeroes=on", ""),
        "pci-hotplug": ("", f"-global ICH9-LPC.{BRIDGE}=off"),
    },
    "microvm": COMMON | {
        "ioapic2": ("", "-machine ioapic2=off"),
        "isa-serial": ("", "-machine isa-serial=off"),
        "rtc": ("", "-machine rtc=off"),
        "usb": ("-machine usb=on", ""),
    },
    "isapc": COMMON | {
        # Its default CPU, a 486, has none.
        "apic": ("-cpu pentium", ""),
        "i8042": PC["i8042"], "nvdimm": PC["nvdimm"], "parallel": PC["parallel"], "vmport": PC["vmport"],
    },
}
# Graphics cards exclude each other: feature → -vga.
CARDS = {"pc": {"vga": "std", "cirrus": "cirrus"}, "q35": {"vga": "std", "cirrus": "cirrus"}}
PORTS = {"serial": 4, "parallel": 3}
NUMBERED = {"pc": PORTS, "q35": PORTS, "isapc": PORTS, "microvm": {"serial": 1}}
# Ports that close ranks: without the first, the second takes its place.  Older QEMUs treat serial ports
# so, too (``none`` in serial_parse, softmmu/vl.c).
CLOSING = {"parallel"}
# The board's own code maps these: their size or place depends on RAM, or they are no windows.
NOT_FIXED = {"device-memory", "smbase-blackhole", "tseg-blackhole"}

LINE = re.compile(r"( *)([0-9a-f]{16})-([0-9a-f]{16}) \(prio (-?\d+), ([a-z/-]+)\): (.*)")


class Printed(NamedTuple):
    """A line of ``info mtree``: ``at`` is relative to the region around, ``first`` as printed."""

    name: str
    at: int
    size: int
    priority: int
    type: str
    first: int
    disabled: bool


class Around(Protocol):
    """What has regions inside."""

    inside: list[Any]


Node = TypeVar("Node", bound=Around)


@dataclass
class Window:
    """A region of the tree; ``at`` is relative to the region around it."""

    name: str
    at: int
    size: int
    priority: int
    type: str
    disabled: bool = False
    container: str = ""
    inside: list[Window] = field(default_factory=list)
    when: set[str] = field(default_factory=set)
    passes: bool = False

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.container, self.name, self.at, self.size


@dataclass
class Start:
    """What one start showed: the windows of the two address spaces, and their flat ranges."""

    io: list[Window]
    memory: list[Window]
    flat: dict[str, list[tuple[int, int, str, int]]]

    def all(self) -> list[Window]:
        return [*self.io, *self.memory]


def ask(binary: Binary, words: str) -> Start:
    """The windows of one paused start; exits with QEMU's words if it does not start."""
    answer = binary.start(split(words), ["info mtree -D", "info mtree -f"])
    if not answer.started:
        sys.exit(f"{words}\n{answer.refusal}")
    flat = read_flat(answer.results[1])
    io, memory = read_tree(answer.results[0], "I/O"), read_tree(answer.results[0], "memory")
    for window in (*io, *memory):
        settle(window, {name for ranges in flat.values() for _, _, name, _ in ranges})
    return Start([w for root in io for w in root.inside], fixed(memory), flat)


def settle(window: Window, seen: set[str]) -> None:
    """A region with subregions that never answers itself is a container, as far as one can see."""
    window.passes = bool(window.inside) and window.name not in seen
    for sub in window.inside:
        settle(sub, seen)


def fixed(roots: list[Window]) -> list[Window]:
    """The fixed i/o windows below ``system`` and ``pci``."""
    found: list[Window] = []
    for root in roots:
        for window in root.inside:
            if window.name == "pci":
                found += fixed([window])
            elif window.type == "i/o" and window.name not in NOT_FIXED:
                window.container = root.name
                found.append(window)
    return found


def read_tree(text: str, space: str) -> list[Window]:
    """The tree of one address space, without aliases, in printing order."""
    wanted = f"address-space: {space}"
    stanza = next(s for s in text.split("\n\n") if wanted in s.strip().split("\n"))
    plain = [line for line in stanza.split("\n") if ": alias " not in line]
    return nested(plain, lambda p: Window(p.name, p.at, p.size, p.priority, p.type, p.disabled))


def nested(lines: Iterable[str], make: Callable[[Printed], Node]) -> list[Node]:
    """What ``make`` makes of each line of ``info mtree``, in the ``inside`` of the region around it."""
    above: list[tuple[int, int, list[Node]]] = []
    roots: list[Node] = []
    for line in lines:
        match = LINE.fullmatch(line)
        if not match:
            continue
        blanks, first, last, priority, kind, rest = match.groups()
        while above and above[-1][0] >= len(blanks):
            above.pop()
        base, siblings = (above[-1][1], above[-1][2]) if above else (0, roots)
        start, name = int(first, 16), rest.removesuffix(" [disabled]")
        size = int(last, 16) - start + 1
        node = make(Printed(name, start - base, size, int(priority), kind, start, name != rest))
        siblings.append(node)
        above.append((len(blanks), start, node.inside))
    return roots


def read_flat(text: str) -> dict[str, list[tuple[int, int, str, int]]]:
    """Flat ranges by space: (first, last, region name, address of the region's first byte)."""
    found: dict[str, list[tuple[int, int, str, int]]] = {}
    for stanza in text.split("\n\n"):
        for space in ("I/O", "memory"):
            if f' AS "{space}"' not in stanza:
                continue
            ranges = found.setdefault(space, [])
            for line in stanza.split("\n"):
                if match := LINE.fullmatch(line):
                    name, _, offset = match[6].partition(" @")
                    first = int(match[2], 16)
                    ranges.append((first, int(match[3], 16), name, first - int(offset or "0", 16)))
    return found


# -- which feature does a window need?


def words(board: str, features: Iterable[str]) -> str:
    """The options of a start with just ``features``."""
    wanted = set(features)
    parts = []
    for name, (there, gone) in FEATURES[board].items():
        ports = [name, *(f"{name}{i}" for i in range(2, NUMBERED[board].get(name, 1) + 1))]
        parts += [there if port in wanted else gone for port in ports]
    if board in CARDS:
        parts.append("-vga " + next((v for f, v in CARDS[board].items() if f in wanted), "none"))
    parts.append(ALONE.get(board, ""))
    return " ".join(p for p in parts if p)


def everything(board: str, card: str) -> list[str]:
    """All features of a board with one of its graphics cards."""
    numbered = [f"{name}{i}" for name, count in NUMBERED[board].items() for i in range(2, count + 1)]
    return [*FEATURES[board], *numbered, *([card] if card else [])]


def without(features: Sequence[str], gone: str) -> list[str]:
    """``features`` less one.

    A port whose ``none`` leaves no gap takes those behind it along.
    """
    kind = gone.rstrip("0123456789")
    behind = {f for f in features if kind in CLOSING and f.startswith(kind) and f >= gone}
    return [f for f in features if f != gone and f not in behind]


def closing(binary: Binary, board: str) -> None:
    """Find out if serial ports close ranks: then ``-serial none`` in front changes nothing."""
    if NUMBERED[board].get("serial", 1) > 1:
        first = [ask(binary, f"-M {board} {text}-serial null").io for text in ("", "-serial none ")]
        same = [w.key for w in first[0]] == [w.key for w in first[1]]
        (CLOSING.add if same else CLOSING.discard)("serial")


def switchable(binary: Binary, board: str) -> None:
    """Forget the features that this QEMU cannot have or be without: it refuses the words, or aborts."""
    for feature, ways in list(FEATURES[board].items()):
        for way in ways:
            words = ["-M", board, *split(way)]
            if way and not binary.start(words, []).started:
                print(f"{board}: {feature} cannot be switched by {way}", file=sys.stderr)
                FEATURES[board].pop(feature, None)


def record_board(binary: Binary, board: str) -> tuple[list[Window], list[Window]]:
    """The windows of one board, each with the features it needs, those in front first."""
    io: dict[tuple[str, str, int, int], Window] = {}
    memory: dict[tuple[str, str, int, int], Window] = {}
    starts = []
    for card in CARDS.get(board, [""]):
        features = everything(board, card)
        full = ask(binary, f"-M {board} -m 256M {words(board, features)}")
        starts.append(full)
        for feature in features:
            left = ask(binary, f"-M {board} -m 256M {words(board, without(features, feature))}")
            kept = {w.key for w in left.all()}
            for window in full.all():
                if window.key not in kept:
                    window.when.add(feature)
        for known, found in ((io, full.io), (memory, full.memory)):
            for window in found:
                same = known.setdefault(window.key, window)
                assert same.when == window.when, (same, window)
    for name, known in (("I/O", io), ("memory", memory)):
        ordered = in_front(sorted(known.values(), key=lambda w: (-w.priority, w.at)), name, starts)
        known.clear()
        known.update((w.key, w) for w in ordered)
    return list(io.values()), list(memory.values())


def in_front(windows: list[Window], space: str, starts: list[Start]) -> list[Window]:
    """``windows`` with the winner of every overlap in front of the loser."""
    keys = [{w.key for w in start.all()} for start in starts]

    def wins(window: Window, other: Window) -> bool:
        low, high = max(window.at, other.at), min(window.at + window.size, other.at + other.size) - 1
        return any(
            first <= high and low <= last and name == window.name and begin == window.at
            for start, there in zip(starts, keys, strict=True) if {window.key, other.key} <= there
            for first, last, name, begin in start.flat[space]
        )

    ordered: list[Window] = []
    for window in windows:
        place = len(ordered)
        for index, other in enumerate(ordered):
            same = other.priority == window.priority and other.container == window.container
            if same and not other.disabled and not window.disabled and wins(window, other):
                place = index
                break
        ordered.insert(place, window)
    return ordered


# -- which features does a machine type have by default?


def record_defaults(
    binary: Binary, board: str, windows: list[Window], types: list[str]
) -> list[tuple[str, list[str]]]:
    """[version, features] for each change, newest first."""
    found: list[tuple[str, list[str]]] = []
    for machine in types:
        version = machine.removeprefix(BOARDS[board]) or "0"
        there = {w.key for w in ask(binary, f"-M {machine} {ALONE.get(board, '')}").all()}
        features = sorted({f for w in windows if w.key in there for f in w.when})
        if not found or found[-1][1] != features:
            found.append((version, features))
    return found


def machine_types(binary: Binary, board: str) -> list[str]:
    """The versioned machine types of a board, newest first."""
    names = [line.split()[0] for line in binary.help("-M", "help").splitlines()[1:]]
    prefix = BOARDS[board]
    versioned = [n for n in names if re.fullmatch(re.escape(prefix) + r"[\d.]*", n) and binary.wants(n)]
    numbers = {n: tuple(map(int, re.findall(r"\d+", n.removeprefix(prefix)))) for n in versioned}
    return sorted(versioned, key=numbers.__getitem__, reverse=True)


# -- the file


def plain(window: Window) -> dict[str, Any]:
    """One window as JSON; what is usual is left out."""
    told: dict[str, Any] = {"name": window.name, "at": hex(window.at), "size": hex(window.size)}
    if window.priority:
        told["priority"] = window.priority
    if window.container and window.container != "system":
        told["container"] = window.container
    if window.passes:
        told["kind"] = "container"
    if window.disabled:
        told["disabled"] = True
    if window.when:
        told["when"] = sorted(window.when)
    if window.inside:
        told["inside"] = [plain(w) for w in window.inside]
    return told


def dump(told: Any, depth: int = 0) -> str:
    """JSON with one window or one machine version a line."""
    blanks = "  " * (depth + 1)
    if isinstance(told, dict) and (depth < 2 and "name" not in told):
        parts = [f"{blanks}{json.dumps(k)}: {dump(v, depth + 1)}" for k, v in told.items()]
        return "{\n" + ",\n".join(parts) + "\n" + "  " * depth + "}"
    if isinstance(told, list) and told and not isinstance(told[0], str):
        return "[\n" + ",\n".join(blanks + json.dumps(v) for v in told) + "\n" + "  " * depth + "]"
    return json.dumps(told)


def record_windows(binary: Binary, path: Path) -> None:
    """Ask, and write the file."""
    told: dict[str, Any] = {
        "about": provenance(binary, "qemu-system-x86"),
        "features": {}, "defaults": {}, "io": {}, "memory": {},
    }
    for board in BOARDS:
        switchable(binary, board)
        closing(binary, board)
        io, memory = record_board(binary, board)
        told["io"][board], told["memory"][board] = [[plain(w) for w in ws] for ws in (io, memory)]
        told["features"][board] = sorted({f for w in (*io, *memory) for f in w.when})
        told["defaults"][board] = record_defaults(
            binary, board, [*io, *memory], machine_types(binary, board)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(told) + "\n", encoding="utf-8")
