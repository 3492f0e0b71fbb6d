"""What each device did to a guest when a real QEMU started with it: RAMBlocks, regions, buses, refusals.

Each device was compared with the same start without it, on pc, q35 and microvm.

``qemu`` is the version of the program: one of KNOWN_QEMU.

Source: data/devices/x86_64-VERSION.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from memkit.boards.device_facts import model_name
from memkit.boards.recorded import load

__all__ = [
    "Block", "Observation", "SecondaryBus", "SizeRule", "address_space_name", "observed",
    "refused_bare", "refused_below", "refused_twice", "secondary_bus", "size_rule",
]


@dataclass(frozen=True, slots=True)
class Block:
    """A RAMBlock that a device brings; sizes in bytes.

    ``name`` starts with ``%/`` where QEMU puts the device's path (``0000:00:02.0/vga.vram``).
    """

    name: str
    size: int
    used: int
    page_size: int = 4096

    def idstr(self, path: str) -> str:
        """The name for a device at ``path``.

        >>> Block("%/vga.vram", 1 << 24, 1 << 24).idstr("0000:00:02.0")
        '0000:00:02.0/vga.vram'
        """
        return path + self.name[1:] if self.name.startswith("%/") else self.name


@dataclass(frozen=True, slots=True)
class Observation:
    """What one device did on one board, compared with the same start without it.

    ``refusal`` is QEMU's first line (then the rest is empty), or "".  ``spaces`` are new address spaces
    with their region lines (a plain bus master container: no lines).  ``tree`` and ``flat`` lines start with
    "+ " or "- "; tree lines with the container's name.  ``functions`` hold class, BARs and, if it is not
    the first free slot, devfn of each PCI function.  ``buses`` are (name, type), ``buses_with_id``
    those with ``id=ID``.
    ``recipe`` names the options that make a refused device start; ``then`` is what happens with them.
    """

    refusal: str = ""
    warnings: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    spaces: Mapping[str, tuple[str, ...]] | None = None
    spaces_gone: tuple[str, ...] = ()
    tree: tuple[str, ...] = ()
    flat: Mapping[str, tuple[str, ...]] | None = None
    functions: tuple[Mapping[str, Any], ...] = ()
    buses: tuple[tuple[str, str], ...] = ()
    buses_with_id: tuple[tuple[str, str], ...] = ()
    romfile: str = ""
    recipe: str = ""
    then: Observation | None = None


@dataclass(frozen=True, slots=True)
class SizeRule:
    """How a property sets the size of a RAMBlock, fitted to starts with many values.

    ``unit`` is the bytes that 1 stands for; ``round`` is none, pow2 or 4K.
    """

    unit: int
    round: str
    factor: int
    minimum: int
    maximum: int
    default: int | str | None
    size: int

    def apply(self, value: int) -> int:
        """The block's size in bytes when the property is ``value``.

        >>> rule = size_rule("7.2", "VGA", "%/vga.vram", "vgamem_mb")
        >>> rule.apply(12) >> 20, rule.apply(1024) >> 20
        (16, 512)
        """
        wanted = value * self.unit
        if self.round == "pow2":
            wanted = 1 << max(wanted - 1, 0).bit_length()
        elif self.round == "4K":
            wanted = -(-wanted // 4096) * 4096
        return min(max(wanted * self.factor, self.minimum), self.maximum)


@dataclass(frozen=True, slots=True)
class SecondaryBus:
    """The bus behind a bridge: PCI, PCI Express or (Express, too) CXL."""

    express: bool = False
    cxl: bool = False


_BUS_KINDS = {"PCI": SecondaryBus(), "PCIE": SecondaryBus(True), "CXL": SecondaryBus(True, True)}


def _expand(driver: str, bus: str, props: str, text: str) -> str:
    if text == "no bus":
        text = f"%: No '{bus}' bus found for device '{driver}'"
    return f"-device {driver}{props}{text[1:]}" if text.startswith("%: ") else text


def _observation(qemu: str, driver: str, bus: str, raw: Mapping[str, Any], props: str = "") -> Observation:
    lists = load("devices", qemu)["lists"]

    def lines(key: str) -> tuple[str, ...]:
        found = raw.get(key)
        return tuple(lists[found] if isinstance(found, int) else found or ())

    recipe = raw.get("with", "")
    words = recipe.rpartition(f"-device {driver}")[2]
    spaces: dict[str, tuple[str, ...]] = {}
    for space in raw.get("spaces") or ():
        spaces |= {n: tuple(r) for n, r in space.items()} if isinstance(space, dict) else {space: ()}
    return Observation(
        refusal=_expand(driver, bus, props, raw.get("refusal", "")),
        warnings=tuple(raw.get("warnings") or ()),
        blocks=tuple(Block(b[0], b[1], *(b[2:] or (b[1],))) for b in raw.get("blocks") or ()),
        spaces=spaces, spaces_gone=lines("spaces_gone"), tree=lines("tree"),
        flat={name: lines(f"flat {name}") for name in ("memory", "I/O")},
        functions=tuple(raw.get("pci") or ()), buses=tuple((n, t) for n, t in raw.get("buses") or ()),
        buses_with_id=tuple((n, t) for n, t in raw.get("buses_with_id") or raw.get("buses") or ()),
        romfile=raw.get("romfile") or "", recipe=recipe,
        then=_observation(qemu, driver, bus, raw["then"], words) if "then" in raw else None,
    )


@lru_cache(maxsize=1024)
def observed(qemu: str, name: str, board: str) -> Observation | None:
    """What the device did on ``board`` (pc, q35, microvm, isapc: the newest); None if it is not known.

    >>> observed("7.2", "VGA", "pc").blocks[0].name, observed("7.2", "VGA", "microvm").refusal
    ('%/vga.vram', "-device VGA: No 'PCI' bus found for device 'VGA'")
    """
    if board == "powernv9":
        # Devices were recorded on pseries, which minds bridges; those are like elsewhere.
        seen = observed(qemu, name, "pseries")
        minded = seen is not None and "PCI Bridge lacks" in seen.refusal
        return observed(qemu.partition("-")[2], name, "q35") if minded else seen
    name = model_name(qemu, name)
    row = load("devices", qemu)["devices"].get(name)
    # What finds a bus on isapc does there as on pc, whose ISA bus is like it.
    board = "pc" if board == "isapc" else board
    if row is None or board not in row:
        return None
    raw = row["pc"] if row[board] == "pc" else row[board]
    if isinstance(raw, str):
        raw = {"refusal": raw}
    elif raw.get("like") == "pc":
        raw = {**row["pc"], **raw}
    return _observation(qemu, name, row["bus"], raw)


def refused_below(qemu: str, name: str, bridge: str) -> str:
    """QEMU's words when the device is plugged below ``bridge`` (pci-bridge, pcie-root-port), or ""."""
    row = load("devices", qemu)["devices"].get(model_name(qemu, name), {})
    found = row.get(f"below {bridge}", "")
    return _expand(model_name(qemu, name), row["bus"], ",bus=B", found) if isinstance(found, str) else ""


def refused_twice(qemu: str, name: str) -> str:
    """QEMU's words when a guest has two of this device, or "": two are fine, or one does not start."""
    row = load("devices", qemu)["devices"].get(model_name(qemu, name), {})
    return _expand(model_name(qemu, name), row["bus"], "", row["twice"]) if "twice" in row else ""


def refused_bare(qemu: str, name: str) -> str:
    """QEMU's words when the device has its bus, but no drive or whatever else it needs, or ""."""
    row = load("devices", qemu)["devices"].get(model_name(qemu, name), {})
    return _expand(model_name(qemu, name), row["bus"], "", row["bare"]) if "bare" in row else ""


_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}


def size_rule(qemu: str, name: str, block: str, prop: str) -> SizeRule | None:
    """How ``prop`` sets the size of ``block`` (as in ``Block.name``), where a rule fits all values tried."""
    row = load("devices", qemu)["devices"].get(model_name(qemu, name), {})
    rule = row.get("rules", {}).get(block, {}).get(prop)
    if not isinstance(rule, dict):
        return None
    return SizeRule(
        _UNITS[rule["unit"]], rule["round"], rule.get("factor", 1), rule.get("min", 0),
        rule.get("max", 1 << 64), rule.get("default"), rule["size"],
    )


@lru_cache(maxsize=1024)
def secondary_bus(qemu: str, driver: str) -> SecondaryBus | None:
    """The PCI bus that a bridge of type ``driver`` makes, or None for other devices.

    >>> secondary_bus("7.2", "pcie-root-port").express, secondary_bus("7.2", "e1000")
    (True, None)
    """
    for board in ("pc", "q35", "virt", "pseries", "powernv9"):
        seen = observed(qemu, driver, board)
        seen = seen.then if seen is not None and seen.refusal else seen
        for _, kind in seen.buses if seen else ():
            if kind in _BUS_KINDS:
                return _BUS_KINDS[kind]
    return None


def address_space_name(driver: str) -> str:
    """The name of a PCI device's own view of memory (its DMA address space): the type's name."""
    return driver
