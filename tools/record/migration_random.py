"""Migrations drawn at random, with a fixed seed: what nobody thought of."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .migration_case import Case
from .migration_cases import BACKINGS, WAYS, board, memory

__all__ = ["random_cases"]

SEED = 2018
MODELS = ("pc-dimm", "nvdimm", "virtio-pmem-pci", "virtio-mem-pci")
CARDS = (
    "VGA", "VGA,vgamem_mb=8", "cirrus-vga", "bochs-display", "virtio-vga", "e1000,romfile=", "virtio-rng-pci",
)
EXTRA = (
    "multifd", "x-ignore-shared", "release-ram", "return-path", "validate-uuid", "xbzrle", "postcopy-ram",
)


@dataclass(frozen=True)
class Drawn:
    """What a guest is made of; each field is something in which two guests may differ."""

    machine: str = "pc"
    megabytes: int = 64
    kind: str = ""
    name: str = "mem0"
    sticks: tuple[tuple[str, str, str, int], ...] = ()
    cards: tuple[str, ...] = ()
    ivshmem: str = ""
    nodes: int = 0

    def argv(self) -> list[str]:
        """The command line."""
        words: list[str] = []
        share = self.megabytes // self.nodes if self.nodes else 0
        for number in range(self.nodes):
            words += [*memory(f"n{number}", self.kind or "anon", share), "-numa", f"node,memdev=n{number}"]
        for model, kind, name, megabytes in self.sticks:
            words += [*memory(name, kind, megabytes), "-device", f"{model},memdev={name}"]
        for card in self.cards:
            words += ["-device", card]
        if self.ivshmem:
            words += [*memory("iv", self.ivshmem, 4), "-device", "ivshmem-plain,memdev=iv,master=on"]
        room = ",slots=4,maxmem=1G" if self.sticks else ""
        nvdimm = ",nvdimm=on" if any(stick[0] == "nvdimm" for stick in self.sticks) else ""
        return board(
            *words, kind="" if self.nodes else self.kind, name=self.name, machine=self.machine + nvdimm,
            size=f"{self.megabytes}M{room}",
        )


def random_cases(count: int = 160) -> Iterator[Case]:
    """Always the same cases: two guests, equal or with one or two differences, and a way."""
    chance = random.Random(SEED)
    for number in range(count):
        source = _draw(chance)
        destination = source
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            destination = _differ(chance, destination)
        mode, capabilities, transport = WAYS[chance.choice(list(WAYS))]
        if chance.random() < 0.3:
            capabilities = tuple(dict.fromkeys((*capabilities, chance.choice(EXTRA))))
        yield Case(
            f"random/{number}", source.argv(),
            destination.argv() if transport == "unix" or destination != source else None,
            mode, capabilities, two_hosts=chance.random() < 0.5, transport=transport,
            tries=3 if "postcopy-ram" in capabilities else 1,
        )


def _draw(chance: random.Random) -> Drawn:
    sticks = tuple(_stick(chance, n) for n in range(chance.choice((0, 0, 1, 1, 2))))
    return Drawn(
        machine=chance.choice(("pc", "pc", "q35")), kind=chance.choice(("", *BACKINGS)),
        name=chance.choice(("mem0", "pc.ram")), sticks=sticks,
        cards=tuple(chance.sample(CARDS, chance.choice((0, 0, 1)))),
        ivshmem=chance.choice(("", "", "", "tmpfs-shared", "disk-shared", "memfd")),
        nodes=chance.choice((0, 0, 0, 2)),
    )


def _stick(chance: random.Random, number: int) -> tuple[str, str, str, int]:
    return (chance.choice(MODELS), chance.choice(list(BACKINGS)), f"m{number}", 64)


def _differ(chance: random.Random, guest: Drawn) -> Drawn:
    """The guest with one difference."""
    with_sticks = ["stick", "fewer", "swap"] if guest.sticks else []
    what = chance.choice(["kind", "name", "cards", "nodes", "more", "size", *with_sticks])
    sticks = guest.sticks
    if what == "kind":
        return replace(guest, kind=chance.choice(("", *BACKINGS)))
    if what == "name":
        return replace(guest, name="pc.ram" if guest.name == "mem0" else "mem0")
    if what == "cards":
        return replace(guest, cards=tuple(chance.sample(CARDS, chance.choice((0, 1)))))
    if what == "nodes":
        return replace(guest, nodes=0 if guest.nodes else 2)
    if what == "size":
        return replace(guest, megabytes=128)
    if what == "more":
        return replace(guest, sticks=(*sticks, _stick(chance, len(sticks))))
    if what == "fewer":
        return replace(guest, sticks=sticks[:-1])
    if what == "swap":
        return replace(guest, sticks=sticks[::-1])
    model, kind, name, megabytes = sticks[0]
    others = (
        (model, "anon", name, megabytes), (model, kind, name, 128), (chance.choice(MODELS), kind, name, 64),
    )
    return replace(guest, sticks=(chance.choice(others), *sticks[1:]))
