"""data/windows of all targets but x86: the fixed windows that boards have in address space "memory".

A board has windows that some option adds or removes.  Every board starts with all *features*, then once
without each; a window that is gone then needs that feature.  Some features exchange windows for others (the
third interrupt controller of an Arm board for the second): there the board is recorded with and without them.
Each versioned machine type starts once more as it is, which shows the features that it has by default.

``memory`` lists windows for each board, those in front of others first; ``when`` names the features that a
window needs, ``unless`` those that take it away, ``inside`` its subregions with addresses relative to it;
an alias names its ``alias`` and the ``offset`` there.  ``outside`` lists the regions that only aliases show.
``defaults`` has, newest first, [version, features]: what machine types up to that version have without any
option.  RAM, ROM and flash are not listed, nor what is somewhere else with more RAM.
"""

from __future__ import annotations

import itertools
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .ask import Binary, split
from .board_trees import Region, Tree, read_boards_tree
from .files import provenance
from .windows import dump, read_flat

# Target → family → the words that every start needs.
BOARDS: dict[str, dict[str, str]] = {
    "aarch64": {"virt": "-cpu cortex-a57", "sbsa-ref": "", "raspi3b": ""},
    "arm": {"virt": "", "vexpress-a15": ""},
    "ppc64": {"pseries": "", "powernv9": ""},
    "riscv64": {"virt": "", "sifive_u": ""},
    "s390x": {"s390-ccw-virtio": ""},
}
PACKAGES = {"aarch64": "qemu-system-arm", "arm": "qemu-system-arm", "ppc64": "qemu-system-ppc"}
# Feature → (the words that have it, the words that do not).
ARM_VIRT = {
    "gic3": ("-machine gic-version=3", "-machine gic-version=2"),
    "its": ("", "-machine its=off"),
    "secure": ("-machine secure=on", ""),
    "virtualization": ("-machine virtualization=on", ""),
    "smmuv3": ("-machine iommu=smmuv3", ""),
    "nvdimm": ("-machine nvdimm=on", ""),
    "ged": ("-bios FIRMWARE", ""),
    "msi": ("", "-machine msi=off"),
    "uart2": ("-serial null -serial null", "-serial null"),
}
SOCKETS = {f"sockets{count}": (f"-smp {count},sockets={count}", "") for count in (2, 4, 8, 16)}
FEATURES: dict[tuple[str, str], dict[str, tuple[str, str]]] = {
    ("aarch64", "virt"): ARM_VIRT,
    ("arm", "virt"): ARM_VIRT,
    ("arm", "vexpress-a15"): {
        "nic": ("-net nic", ""),
        "virtualization": ("", "-machine virtualization=off"),
    },
    ("ppc64", "pseries"): {"xive": ("", "-machine ic-mode=xics")},
    ("ppc64", "powernv9"): SOCKETS,
    ("riscv64", "virt"): {"iommu-sys": ("-machine iommu-sys=on", "")},
}
# Features that exchange windows.
EXCHANGING = ("gic3", "secure", "ged")
# Of these, the greater ones need the smaller.
CUMULATIVE = tuple(SOCKETS)
# How the names begin of what board modules place: it depends on other options, on CPUs or the version.
MOVED = {
    "virt": (
        "cxl_host_reg", "device-memory", "gpex_", "pcie-ecam", "pcie-mmio", "riscv.aclint", "riscv.aplic",
        "riscv.imsic", "riscv.sifive.plic",
    ),
    "pseries": ("device-memory", "pci@"),
    "sbsa-ref": ("device-memory",),
}
VERSIONED = re.compile(r"-(\d+\.\d+(?:\.\d+)?)$")


class Board:
    """One board of one QEMU program, started again and again."""

    def __init__(self, binary: Binary, family: str, firmware: str) -> None:
        self.binary, self.family, self.firmware = binary, family, firmware
        self.words = BOARDS[binary.target][family]
        self.features = self._switchable(FEATURES.get((binary.target, family), {}))
        self.depends: set[str] = set()

    def _switchable(self, features: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
        """The features that this QEMU can have and be without."""
        found = {}
        for feature, ways in features.items():
            if all(not way or self._start(self.family, way) is not None for way in ways):
                found[feature] = ways
            else:
                print(f"{self.family}: no feature {feature}", file=sys.stderr)
        return found

    def _start(self, machine: str, words: str) -> Tree | None:
        text = f"-M {machine} {self.words} {words}".replace("FIRMWARE", self.firmware)
        answer = self.binary.start(split(text), ["info mtree -D", "info mtree -f"])
        if not answer.started:
            return None
        tree = read_boards_tree(answer.results[0], read_flat(answer.results[1])["memory"])
        tree.keep(self.is_fixed)
        return tree

    def is_fixed(self, region: Region) -> bool:
        """True for a window that belongs into the list."""
        names = MOVED.get(self.family, ())
        return region.type in ("i/o", "container") and not region.name.startswith(names)

    def start(self, features: Iterable[str], more: str = "", machine: str = "") -> Tree:
        """The windows with just ``features``; exits if it does not start."""
        wanted = set(features)
        sockets = [f for f in self.features if f in CUMULATIVE and f in wanted]
        parts = [there if f in wanted else gone for f, (there, gone) in self.features.items()
                 if f not in CUMULATIVE]
        parts += [self.features[f][0] for f in sockets[-1:]]
        words = " ".join(["-nodefaults", *filter(None, parts), more])
        tree = self._start(machine or self.family, words)
        if tree is None:
            sys.exit(f"{self.binary.target} {self.family} does not start with: {words}")
        return tree

    def without(self, features: Sequence[str], gone: str) -> list[str]:
        """``features`` less one, and those that need it."""
        behind = CUMULATIVE[CUMULATIVE.index(gone):] if gone in CUMULATIVE else (gone,)
        return [f for f in features if f not in behind]

    def find_moving(self, tree: Tree) -> None:
        """Note the windows of ``tree`` that are elsewhere with more RAM."""
        size = self._other_size()
        other = self.start(self.features, size) if size else None
        if other is not None:
            there = {key for key, _ in other.walk()}
            self.depends |= {key for key, _ in tree.walk() if key not in there}
            for key in sorted(self.depends):
                print(f"{self.family}: depends on RAM: {key}", file=sys.stderr)

    def _other_size(self) -> str:
        return next((f"-m {size}" for size in ("3G", "1G", "256M")
                     if self._start(self.family, f"-m {size}") is not None), "")

    def record(self) -> tuple[list[Region], list[Region]]:
        """The windows of ``system`` and those outside, each with the features it needs."""
        swaps = [f for f in EXCHANGING if f in self.features]
        known: dict[str, Region] = {}
        where: dict[str, list[frozenset[str]]] = {}
        bases: list[frozenset[str]] = []
        trees: list[Tree] = []
        for off in itertools.chain(*(itertools.combinations(swaps, n) for n in range(len(swaps) + 1))):
            features = [f for f in self.features if f not in off]
            full = self.start(features)
            if not bases:
                self.find_moving(full)
            full.drop(self.depends)
            base = frozenset(features)
            bases.append(base)
            trees.append(full)
            fresh = [(key, region) for key, region in full.walk() if key not in known]
            for key, _ in full.walk():
                where.setdefault(key, []).append(base)
            known.update(fresh)
            if not fresh:
                continue
            for feature in features:
                if feature not in swaps:
                    left = {key for key, _ in self.start(self.without(features, feature)).walk()}
                    for key, region in fresh:
                        if key not in left:
                            region.when.add(feature)
        for key, region in known.items():
            for swap in swaps:
                ways = {swap in base for base in where[key]}
                if len(ways) == 1:
                    (region.when if ways.pop() else region.unless).add(swap)
            there = [base for base in bases if base >= region.when & set(swaps) and not base & region.unless]
            assert there == where[key], f"{self.family}: {key} is no simple matter of features"
        return joined(trees)

    def defaults(self, windows: list[Region]) -> list[tuple[str, list[str]]]:
        """[version, features] for each change, newest first."""
        flat = {key: region for root in windows for key, region in root.walk()}
        swaps = [f for f in EXCHANGING if f in self.features]
        found: list[tuple[str, list[str]]] = []
        for machine in self.machine_types():
            features: set[str] = set()
            for swap in ("", *swaps):
                words = self.features[swap][0] if swap else ""
                tree = self._start(machine, words)
                if tree is None:
                    continue
                shown = {f for key, _ in tree.walk() if key in flat for f in flat[key].when}
                features |= shown if not swap else shown - set(swaps)
                if not swap:
                    for key, _ in tree.walk():
                        if key not in flat and key not in self.depends:
                            print(f"{machine}: not in {self.family}: {key}", file=sys.stderr)
            version = VERSIONED.search(machine)
            entry = (version[1] if version else "0", sorted(features))
            if not found or found[-1][1] != entry[1]:
                found.append(entry)
        return found

    def machine_types(self) -> list[str]:
        """The versioned machine types of the board, newest first; or the board itself."""
        names = [line.split()[0] for line in self.binary.help("-M", "help").splitlines()[1:]]
        pattern = re.compile(re.escape(self.family) + VERSIONED.pattern)
        versioned = [n for n in names if pattern.fullmatch(n) and self.binary.wants(n)]
        numbers = {n: tuple(map(int, n.rpartition("-")[2].split("."))) for n in versioned}
        return sorted(versioned, key=numbers.__getitem__, reverse=True) or [self.family]


def joined(trees: list[Tree]) -> tuple[list[Region], list[Region]]:
    """The roots of all ``trees``, one of each, the winner of every overlap in front of the loser."""
    found: tuple[list[Region], list[Region]] = ([], [])
    for tree in trees:
        for known, roots in zip(found, (tree.system, tree.outside), strict=True):
            merge(known, roots)
    for roots in found:
        in_front(roots, trees)
    return found


def merge(known: list[Region], roots: list[Region]) -> None:
    """Add to ``known`` what ``roots`` have more."""
    keys = {region.key: region for region in known}
    for region in roots:
        same = keys.get(region.key)
        if same is None:
            known.append(region)
        else:
            merge(same.inside, region.inside)
            same.seen |= region.seen


def in_front(regions: list[Region], trees: list[Tree]) -> None:
    """Sort ``regions`` by priority, and the winner of an overlap to the front."""
    ordered: list[Region] = []
    for region in sorted(regions, key=lambda r: (-r.priority, r.at)):
        in_front(region.inside, trees)
        place = len(ordered)
        for index, other in enumerate(ordered):
            if other.priority == region.priority and any(tree.wins(region, other) for tree in trees):
                place = index
                break
        ordered.insert(place, region)
    regions[:] = ordered


def record_board_windows(binary: Binary, path: Path) -> None:
    """Ask, and write the file."""
    told: dict[str, Any] = {
        "about": provenance(binary, PACKAGES.get(binary.target, "qemu-system-misc")),
        "features": {}, "defaults": {}, "memory": {}, "outside": {},
    }
    with tempfile.NamedTemporaryFile(suffix=".bin") as firmware:
        firmware.write(b"\0" * 4096)
        firmware.flush()
        for family in BOARDS[binary.target]:
            board = Board(binary, family, firmware.name)
            system, outside = board.record()
            told["memory"][family] = [region.plain() for region in system]
            told["outside"][family] = [region.plain() for region in outside]
            every = [r for root in (*system, *outside) for _, r in root.walk()]
            told["features"][family] = sorted({f for r in every for f in r.when | r.unless})
            told["defaults"][family] = board.defaults([*system, *outside])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(told) + "\n", encoding="utf-8")
