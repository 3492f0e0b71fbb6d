"""What the controls of the explorer show: a Config read as machine type, RAM, slots and backends.

Reading never fails: what QEMU would refuse is left to the boot, which says so in QEMU's words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from memkit.boards.machine import DEFAULT_RAM
from memkit.config import Config, MemoryOptions, ObjectSpec
from memkit.errors import MemkitError
from memkit.units import human

__all__ = ["SIZES", "Controls", "Part", "read_controls", "step_of", "with_ram"]

_MIB, _GIB = 1 << 20, 1 << 30
# Where the slider stops: powers of two, with a stop half-way where people buy memory.
SIZES = (
    16 * _MIB, 32 * _MIB, 64 * _MIB, 128 * _MIB, 256 * _MIB, 512 * _MIB, 768 * _MIB,
    *(n * _GIB // 2 for n in (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16)),
    *(n * _GIB for n in (10, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)),
)
_SIZE_WORD = re.compile(r"(?<![^,])size=[^,]*")


@dataclass(frozen=True, slots=True)
class Part:
    """One memory backend of the command line and what shows it; ``size`` in bytes, None if not given."""

    id: str
    type: str
    size: int | None
    share: bool
    path: str
    shown_by: tuple[str, ...]

    @property
    def text(self) -> str:
        """The backend in a few words.

        >>> Part("m1", "memory-backend-ram", 1 << 30, False, "", ("pc-dimm d1",)).text
        'm1: ram, 1 GiB, private, shown by pc-dimm d1'
        """
        words = [self.type.removeprefix("memory-backend-")]
        words += [human(self.size)] if self.size is not None else []
        words += ["shared" if self.share else "private"]
        words += [self.path] if self.path else []
        words += [f"shown by {' and '.join(self.shown_by)}" if self.shown_by else "shown by nobody"]
        return f"{self.id}: {', '.join(words)}"


@dataclass(frozen=True, slots=True)
class Controls:
    """The values of all controls: texts as on the command line, ``ram`` in bytes."""

    machine: str
    ram: int
    ram_text: str
    slots: int
    maxmem_text: str
    parts: tuple[Part, ...]


def read_controls(config: Config) -> Controls:
    """What the controls show for ``config``; 0 slots and empty texts stand for words that are not there.

    >>> from memkit.config import parse
    >>> controls = read_controls(parse("-M q35 -m 4G,slots=2,maxmem=8G"))
    >>> controls.machine, controls.ram, controls.slots, controls.maxmem_text
    ('q35', 4294967296, 2, '8G')
    """
    words = config.merged("m")
    try:
        memory = config.memory_options()
    except MemkitError:
        memory = MemoryOptions()
    parts = _parts(config)
    main = next((p for p in parts if p.id == config.machine.get("memory-backend")), None)
    ram = memory.size or (main.size if main else None) or DEFAULT_RAM
    return Controls(
        config.machine_type, ram, words.get("size", ""), memory.slots or 0, words.get("maxmem", ""), parts,
    )


def _parts(config: Config) -> tuple[Part, ...]:
    shown: dict[str, list[str]] = {}
    for device in config.devices:
        if "memdev" in device.props:
            name = f"{device.driver} {device.id or ''}".strip()
            shown.setdefault(str(device.props["memdev"]), []).append(name)
    for count, option in enumerate(config.all("numa")):
        words = dict(option.args)
        if "memdev" in words:
            shown.setdefault(words["memdev"], []).append(f"NUMA node {words.get('nodeid', count)}")
    if "memory-backend" in config.machine:
        shown.setdefault(config.machine["memory-backend"], []).append("the machine, as its RAM")
    return tuple(_part(o, shown.get(o.id, [])) for o in config.objects if o.qom_type.startswith("memory-"))


def _part(spec: ObjectSpec, shown: list[str]) -> Part:
    size = spec.props.get("size")
    share = bool(spec.props.get("share", spec.qom_type in ("memory-backend-memfd", "memory-backend-shm")))
    return Part(spec.id, spec.qom_type, size, share, str(spec.props.get("mem-path", "")), tuple(shown))


def step_of(size: int) -> int:
    """The slider's stop at ``size`` bytes, or the last one below it.

    >>> SIZES[step_of(5000 << 20)] >> 20
    4096
    """
    return max(bisect_right(SIZES, size) - 1, 0)


def with_ram(config: Config, size: int | str) -> Config:
    """``config`` with another RAM size (bytes, or text as on a command line).

    A backend that is all of the guest's RAM changes with it, because QEMU wants both to be equal.
    Raises Refused where QEMU's option loop would refuse.
    """
    old = read_controls(config)
    new = config.with_memory(size=size)
    main = [p for p in old.parts if p.size == old.ram and any(
        who.startswith(("the machine", "NUMA")) for who in p.shown_by)]
    if len(main) != 1:
        return new
    word = new.merged("m")["size"]
    # Without a suffix, -m counts in MiB and an object in bytes.
    word = f"{word}M" if word.isdecimal() else word
    spec = next(o for o in new.objects if o.id == main[0].id)
    value = _SIZE_WORD.sub(f"size={word}", spec.option.value or "", count=1)
    return new.replace(spec.option, value)
