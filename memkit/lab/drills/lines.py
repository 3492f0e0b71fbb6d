"""Command lines for drills, made from a seed: larger and odder with each level.

Levels: 1 is one thing at a time, 2 has two or three things, 3 has sizes that are not round and more kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from memkit.hazards import RULES, Rule
from memkit.host import Host

__all__ = ["MAKERS", "Made"]


class Made(NamedTuple):
    """A line for a drill: what it runs on, and the block, address or hazard that the question is about.

    ``qemu`` is the QEMU that reads it where nobody asks for another.
    """

    line: str
    host: Host | None = None
    of: str = ""
    qemu: str | None = None


Maker = Callable[[Random, int], Made]
_BOARDS = ("q35", "pc")


def _board(pick: Random) -> str:
    return f"-M {pick.choice(_BOARDS)}"


def _ram(pick: Random, level: int, least: int = 1) -> str:
    """A size for -m: whole gigabytes, then halves, then megabytes."""
    whole = pick.randint(least, 12 if level == 1 else 40)
    if level == 1:
        return f"{whole}G"
    if level == 2:
        return f"{whole * 1024 + pick.choice((0, 512))}M"
    return f"{whole * 1024 + pick.randrange(0, 1024, 2)}M"


def _dimms(pick: Random, level: int) -> str:
    """Some DIMMs, with backends of any kind from level 2 on."""
    parts = []
    for number in range(1, (1 if level == 1 else pick.randint(2, level + 1)) + 1):
        size = pick.choice(("512M", "1G", "2G") if level < 3 else ("256M", "640M", "1G", "1536M"))
        backend = _backend(pick, level, f"m{number}", size)
        parts.append(f"{backend} -device pc-dimm,id=d{number},memdev=m{number}")
    return " ".join(parts)


def _backend(pick: Random, level: int, id: str, size: str) -> str:
    kinds = ["memory-backend-ram,id={id},size={size}"]
    if level > 1:
        kinds += ["memory-backend-memfd,id={id},size={size}",
                  "memory-backend-file,id={id},size={size},mem-path=/dev/shm/{id}",
                  "memory-backend-file,id={id},size={size},mem-path=/dev/shm/{id},share=on"]
    if level > 2:
        kinds += ["memory-backend-memfd,id={id},size={size},share=off",
                  "memory-backend-ram,id={id},size={size},share=on",
                  "memory-backend-file,id={id},size={size},mem-path=/dev/hugepages/{id}",
                  "memory-backend-memfd,id={id},size={size},hugetlb=on,hugetlbsize=2M"]
    return "-object " + pick.choice(kinds).format(id=id, size=size)


def _plain(pick: Random, level: int) -> Made:
    return Made(f"{_board(pick)} -m {_ram(pick, level)}")


def _large(pick: Random, level: int) -> Made:
    return Made(f"{_board(pick)} -m {_ram(pick, level, least=4)}")


def _with_dimms(pick: Random, level: int) -> Made:
    return Made(f"{_board(pick)} -m {_ram(pick, level)},slots=8,maxmem=64G {_dimms(pick, level)}")


def _backends(pick: Random, level: int) -> Made:
    """Main RAM and DIMMs, all with backends of some kind."""
    size = pick.choice(("1G", "2G", "4G"))
    main = _backend(pick, max(level, 2), "ram0", size)
    machine = f"-M {pick.choice(_BOARDS)},memory-backend=ram0"
    return Made(f"{machine} -m {size},slots=8,maxmem=64G {main} {_dimms(pick, max(level, 2))}")


def _devices(pick: Random, level: int) -> Made:
    """Cards with memory of their own."""
    cards = ["-device VGA,id=v", "-device e1000,id=n", "-device virtio-net-pci,id=n",
             "-device secondary-vga,id=w", "-device qxl-vga,id=q,vram_size_mb=16", "-device ati-vga,id=a"]
    some = pick.sample(cards, level)
    extra = "" if level == 1 else (
        f",slots=4,maxmem=32G {_backend(pick, level, 'm1', '1G')} -device pc-dimm,id=d1,memdev=m1")
    return Made(f"{_board(pick)} -vga none -nic none -m {_ram(pick, level)}{extra} {' '.join(some)}")


def _nameless(pick: Random, level: int) -> Made:
    """Like ``_devices``, and from level 2 on backends that nobody shows."""
    made = _devices(pick, level)
    spare = "" if level == 1 else f" {_backend(pick, level, 'spare', '512M')}"
    return Made(made.line + spare)


def _migrated(pick: Random, level: int) -> Made:
    """Backends of kinds that migrations treat differently."""
    kinds = [
        "memory-backend-ram,id=m,size={size}", "memory-backend-memfd,id=m,size={size}",
        "memory-backend-file,id=m,size={size},mem-path=/dev/shm/m,share=on",
        "memory-backend-file,id=m,size={size},mem-path=/dev/shm/m",
        "memory-backend-file,id=m,size={size},mem-path=/var/tmp/m,share=on",
        "memory-backend-file,id=m,size={size},mem-path=/dev/hugepages/m,share=on",
        "memory-backend-memfd,id=m,size={size},hugetlb=on",
    ]
    size = pick.choice(("512M", "1G"))
    main = "-object " + pick.choice(kinds).format(size=size)
    machine = f"-M {pick.choice(_BOARDS)},memory-backend=m"
    extra = "" if level == 1 else (
        f" {_backend(pick, level, 'm1', '512M')} -device pc-dimm,id=d1,memdev=m1")
    shape = f"{size},slots=4,maxmem=32G"
    return Made(f"{machine} -m {shape} {main}{extra}")


def _overlaps(pick: Random, level: int) -> Made:
    machine = pick.choice(("q35", "pc") if level < 3 else ("q35", "pc", "microvm"))
    return Made(f"-M {machine} -m {_ram(pick, min(level, 2))}")


def _of_rules(rules: list[Rule]) -> Maker:
    def make(pick: Random, level: int) -> Made:
        fitting = [r for r in rules if len(r.features) <= level + 1] or rules
        rule = pick.choice(fitting)
        return Made(rule.example, rule.host, rule.id)

    return make


_NOW = [rule for rule in RULES.values() if not rule.architectures or "x86_64" in rule.architectures]

MAKERS: dict[str, Maker] = {
    "gpa-of-dimm": _with_dimms,
    "ram-above-4g": _plain,
    "offset-at": _large,
    "gpa-of-offset": _large,
    "ram-addr-of": _with_dimms,
    "ram-blocks": _devices,
    "who-answers": _overlaps,
    "what-a-write-does": _overlaps,
    "page-size-of": _backends,
    "dirty-pages": _with_dimms,
    "shared-blocks": _backends,
    "name-of-block": _devices,
    "migrated-blocks": _nameless,
    "boots": _with_dimms,
    "all-of-ram": _backends,
    "vhost-user-sees": _backends,
    "migration-outcome": _migrated,
    "postcopy-works": _migrated,
    "which-hazard": _of_rules(_NOW),
    "mend": _of_rules([rule for rule in _NOW if rule.mend is not None]),
}
