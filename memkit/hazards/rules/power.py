"""pseries: what room for more memory costs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from memkit.hazards.mending import set_machine
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.units import human

__all__ = ["RULES"]

# spapr_hpt_shift_for_ramsize in hw/ppc/spapr.c: a 128th, between 256 KiB and 64 TiB.
_SHARE, _LEAST, _MOST = 7, 18, 46
# These cannot resize the table (spapr_machine_2_9_class_options).
_OLD = re.compile(r"pseries-2\.[1-9]")
# What one connector is for (SPAPR_MEMORY_BLOCK_SIZE), and the room that takes seconds.
_PIECE, _LARGE = 256 << 20, 1 << 40
# The least part of RAM that is worth a word.
_PART = 16


def _table(size: int) -> int:
    """The bytes of the hash page table for so much memory."""
    return 1 << min(max((size - 1).bit_length() - _SHARE, _LEAST), _MOST)


def _hash_table(scene: Scene) -> Iterator[Culprit]:
    kind, word = scene.guest.machine_type, scene.machine.get("resize-hpt", "default")
    fixed = word == "disabled" or (word == "default" and _OLD.fullmatch(kind))
    if not kind.startswith("pseries") or not fixed or scene.config is None:
        return
    memory = scene.config.memory_options()
    ram = sum(backend.size for backend in scene.main_ram)
    cost, option = _table(memory.maxmem or ram), scene.config.last("m")
    if cost > ram // _PART and cost > _table(ram):
        yield Culprit(
            f"maxmem={human(memory.maxmem or 0)} takes a table of {human(cost)} for {human(ram)} of RAM; -m "
            f"alone takes {human(_table(ram))}.", ("maxmem=",), (option,) if option else ())


def _connectors(scene: Scene) -> Iterator[Culprit]:
    if not scene.guest.machine_type.startswith("pseries") or scene.config is None:
        return
    room = (scene.config.memory_options().maxmem or 0) - sum(backend.size for backend in scene.main_ram)
    option = scene.config.last("m")
    if room >= _LARGE:
        yield Culprit(f"maxmem= leaves room for {human(room)}: {room // _PIECE} connectors.", ("maxmem=",),
                      (option,) if option else ())


_LINE = "qemu-system-ppc64 -M pseries,resize-hpt={} -m 1G,slots=2,maxmem=64G"

RULES = (
    Rule(
        "ppc-huge-maxmem-hpt", "Room for memory that costs memory at once", "performance", ("maxmem",),
        "Without resize-hpt a guest has one hash page table for its whole life, a 128th of what it may once "
        "have. The host gives that memory at each start, and gets it back from guests that choose a radix "
        "table. Only KVM on a host with radix tables waits until a guest chooses a hash table.",
        "leave resize-hpt= alone, take a machine type since 2.10, or a smaller maxmem=",
        ("hw/ppc/spapr.c: spapr_machine_reset, spapr_setup_hpt, spapr_hpt_shift_for_ramsize, 7.2",
         "hw/ppc/spapr.c: spapr_machine_2_9_class_options, 7.2"),
        _hash_table, example=_LINE.format("disabled"), innocent=_LINE.format("enabled"),
        mend=set_machine(resize_hpt="enabled"), since="2.10", architectures=("ppc64",),
    ),
    Rule(
        "ppc-maxmem-slow-start", "Room for memory that costs time at each start", "performance", ("maxmem",),
        "Each 256 MiB that may be plugged once has a connector, which QEMU makes at start. The time grows "
        "with the square of their number: 2 seconds for 1 TiB on one machine, 14 for 2 TiB.",
        "use a smaller maxmem=",
        ("hw/ppc/spapr.c: spapr_create_lmb_dr_connectors, 7.2",),
        _connectors, example="qemu-system-ppc64 -M pseries -m 1G,slots=2,maxmem=2T",
        innocent="qemu-system-ppc64 -M pseries -m 1G,slots=2,maxmem=512G", architectures=("ppc64",),
    ),
)
