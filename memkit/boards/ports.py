"""The I/O address space of the x86 boards, and the board's own i/o windows in ``memory``.

x86 CPUs have a second address space of 64 KiB for ``in`` and ``out``.  Which windows a board has there
depends on its *features*: names such as ``acpi`` or ``serial2`` that stand for what an option adds or
removes.  The windows are data, recorded from a real QEMU by ``tools/record``.

Source: data/windows/x86_64-VERSION.json; memory_map_init in softmmu/physmem.c makes the container ``io``
(QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from memkit.boards import catalog, cpus
from memkit.boards.recorded import load
from memkit.memory.region import MemoryRegion, RegionKind
from memkit.versions import parse_version

if TYPE_CHECKING:
    from memkit.boards.build import Build

__all__ = [
    "FEATURES", "MemoryWindow", "default_features", "features_of", "io_space", "memory_windows",
    "parallel_ports", "port_shift", "serial_ports",
]

IO_SIZE = 0x10000

FEATURES = {
    "acpi": "power management and hotplug registers (-machine acpi=on)",
    "apic": "a local APIC: the CPU model has one, or there are several CPUs",
    "cirrus": "the default graphics card is a Cirrus (-vga cirrus)",
    "floppy": "a floppy drive; pc has its controller even without one",
    "fw-cfg-dma": "the firmware's configuration channel can use DMA (fw_cfg.dma_enabled)",
    "hpet": "the high-precision timer (-machine hpet=on)",
    "i8042": "the keyboard controller (-machine i8042=on); vmport needs it, too",
    "ioapic2": "a second IOAPIC and 16 more virtio-mmio transports (microvm)",
    "isa-serial": "microvm may have a serial port (-machine isa-serial=on)",
    "nvdimm": "the channel to nvdimm labels (-machine nvdimm=on)",
    "parallel": "the first parallel port",
    "parallel2": "a second one; needs the first",
    "parallel3": "a third one; needs both others",
    "pci-hotplug": "ACPI hotplug for PCI bridges (acpi-pci-hotplug-with-bridge-support)",
    "pic": "the two interrupt controllers of old PCs (-machine pic=on)",
    "pit": "the old timer and the speaker that it drives (-machine pit=on)",
    "rtc": "the clock and CMOS memory (microvm)",
    "serial": "the serial port COM1 (the first -serial)",
    "serial2": "COM2 (the second -serial)",
    "serial3": "COM3",
    "serial4": "COM4",
    "slots": "slots for memory devices (-m slots=)",
    "usb": "microvm's USB controller (-machine usb=on)",
    "vga": "the default graphics card is VGA-compatible, but no Cirrus",
    "vmport": "the VMware backdoor (-machine vmport=on)",
}


class MemoryWindow(NamedTuple):
    """An i/o window in address space ``memory``: ``addr`` counts bytes from the start of ``container``.

    ``container`` is ``system``, ``pci`` or an earlier window; ``kind`` is i/o or container.
    """

    name: str
    addr: int
    size: int
    priority: int
    container: str
    kind: RegionKind


class _Plan(NamedTuple):
    """A region to build; ``inside`` are the plans of its subregions, those in front first."""

    name: str
    size: int
    kind: RegionKind
    addr: int
    priority: int
    enabled: bool
    inside: tuple[_Plan, ...]
    container: str


@lru_cache(maxsize=64)
def _plans(qemu: str, space: str, family: str, features: frozenset[str]) -> tuple[_Plan, ...]:
    """The windows of a board that has ``features``; raises ValueError for names that do not exist."""
    unknown = sorted(features - FEATURES.keys())
    if unknown:
        raise ValueError(f"no board has a feature {unknown[0]!r}; features are: {', '.join(FEATURES)}")
    listed = load("windows", qemu)[space]
    if family not in listed:
        raise ValueError(f"no windows are known for {family!r}; boards are: {', '.join(listed)}")
    return tuple(_plan(window) for window in listed[family] if features.issuperset(window.get("when", ())))


def _plan(window: dict[str, Any]) -> _Plan:
    return _Plan(
        window["name"], int(window["size"], 16), window.get("kind", "i/o"), int(window["at"], 16),
        window.get("priority", 0), not window.get("disabled", False),
        tuple(map(_plan, window.get("inside", ()))), window.get("container", "system"),
    )


def default_features(qemu: str, family: str, version: tuple[int, ...]) -> frozenset[str]:
    """The features of a machine type without any option; raises ValueError for an unknown family.

    ``family`` is pc, q35, microvm or isapc, ``version`` that of the machine type.

    >>> sorted(default_features("7.2", "pc", (7, 2)) - default_features("7.2", "pc", (2, 4)))
    ['fw-cfg-dma']
    """
    listed = load("windows", qemu)["defaults"]
    if family not in listed:
        raise ValueError(f"no windows are known for {family!r}; boards are: {', '.join(listed)}")
    # Newest first; each entry holds for all versions up to its own.
    found = listed[family][0][1]
    for newest, features in listed[family]:
        if version <= parse_version(newest):
            found = features
    return frozenset(found)


def io_space(
    qemu: str, family: str, version: tuple[int, ...], features: frozenset[str] | None = None
) -> MemoryRegion:
    """The root ``io`` of address space "I/O", with every window of the board: a fresh tree.

    Without ``features`` it is what a machine type of that version has by default.  Addresses are
    port numbers.  Raises ValueError for an unknown family or feature.

    >>> root = io_space("7.2", "q35", (7, 2))
    >>> root.name, hex(root.size), root.subregions[0].name
    ('io', '0x10000', 'lpc-reset-control')
    """
    if features is None:
        features = default_features(qemu, family, version)
    root = MemoryRegion("io", IO_SIZE, "i/o")
    _fill(root, _plans(qemu, "io", family, features))
    return root


def _fill(container: MemoryRegion, plans: tuple[_Plan, ...]) -> None:
    # The plans are in the order in which MemoryRegion.add() would leave them.
    regions = container.subregions
    for name, size, kind, addr, priority, enabled, inside, _ in plans:
        region = MemoryRegion(
            name, size, kind, addr=addr, priority=priority, enabled=enabled, container=container
        )
        if inside:
            _fill(region, inside)
        regions.append(region)


def memory_windows(
    qemu: str, family: str, version: tuple[int, ...], features: frozenset[str] | None = None
) -> tuple[MemoryWindow, ...]:
    """The board's own i/o windows in address space "memory", those in front of others first.

    RAM, ROM, aliases and the windows whose place depends on RAM are not among them.
    Raises ValueError for an unknown family or feature.

    >>> [w.name for w in memory_windows("7.2", "pc", (7, 2), frozenset({"hpet"}))]
    ['ioapic', 'hpet']
    """
    if features is None:
        features = default_features(qemu, family, version)
    return tuple(_flattened(_plans(qemu, "memory", family, features)))


def _flattened(plans: tuple[_Plan, ...], container: str = "") -> Iterable[MemoryWindow]:
    for p in plans:
        yield MemoryWindow(p.name, p.addr, p.size, p.priority, container or p.container, p.kind)
        yield from _flattened(p.inside, p.name)


# -- what one command line has

# Machine properties that switch the feature of the same name.
_SWITCHES = (
    "acpi", "hpet", "i8042", "ioapic2", "isa-serial", "nvdimm", "pic", "pit", "rtc", "usb", "vmport"
)
_BRIDGES = "acpi-pci-hotplug-with-bridge-support"


def features_of(build: Build, card: str | None = None) -> frozenset[str]:
    """The features of the board that ``build`` makes; raises Refused for a bad ``-cpu``.

    ``card`` is the driver of the default graphics card, or None; cards that ``-device`` adds are
    not the board's (see ``memkit.boards.windows``).
    """
    machine = build.machine
    found = set(default_features(machine.qemu.version, machine.family, machine.version))
    for name in _SWITCHES:
        if name in machine.flags:
            (found.add if machine.flags[name] else found.discard)(name)
    found -= {"vga", "cirrus", "serial", "parallel"}
    if card:
        found.add("cirrus" if card == "cirrus-vga" else "vga")
    (found.add if cpus.model(build).apic else found.discard)("apic")
    if machine.slots:
        found.add("slots")
    found.update(serial_ports(build), parallel_ports(build))
    config = build.config
    if config.flag("fda") or config.flag("fdb") or any(d.interface == "floppy" for d in config.drives):
        found.add("floppy")
    _apply_globals(found, machine.family, config.globals)
    return frozenset(found)


def serial_ports(build: Build) -> list[str]:
    """The ports of ``-serial``; ``none`` keeps one free, in most releases (serial_parse, softmmu/vl.c)."""
    names = ["serial", "serial2", "serial3", "serial4"]
    given = [option.value for option in build.config.all("serial")]
    if not given:
        return names[:1] if _by_default(build, "isa-serial") else []
    if not build.qemu.serial_none_keeps_place:
        given = [value for value in given if value != "none"]
    return [name for name, value in zip(names, given, strict=False) if value != "none"]


def parallel_ports(build: Build) -> list[str]:
    """The ports of ``-parallel``; ``none`` counts for nothing (parallel_parse, softmmu/vl.c)."""
    names = ["parallel", "parallel2", "parallel3"]
    given = build.config.all("parallel")
    if not given:
        return names[:1] if _by_default(build, "isa-parallel") else []
    return names[: sum(option.value != "none" for option in given)]


def _by_default(build: Build, driver: str) -> bool:
    """True unless ``-nodefaults`` or a ``-device`` of that type takes the default port away."""
    return not build.config.flag("nodefaults") and all(d.driver != driver for d in build.config.devices)


def _apply_globals(found: set[str], family: str, settings: Iterable[tuple[str, str, str]]) -> None:
    given = {(driver, name): value in ("on", "true", "yes", "y") for driver, name, value in settings}
    wanted = {
        "fw-cfg-dma": given.get(("fw_cfg_io", "dma_enabled"), given.get(("fw_cfg", "dma_enabled"))),
        "pci-hotplug": given.get(("ICH9-LPC", _BRIDGES)),
    }
    if family == "pc":
        # The window of i440FX also serves the root bus; both must be off to lose it.
        both = [given.get(("PIIX4_PM", name)) for name in (_BRIDGES, "acpi-root-pci-hotplug")]
        wanted["pci-hotplug"] = False if both == [False, False] else None
    for name, on in wanted.items():
        if on is not None:
            (found.add if on else found.discard)(name)


# -- devices with ports that their properties move

_BASES = ("iobase", "ioport")
# What isa-serial and isa-parallel use for index= 0, 1 ... (hw/char/serial-isa.c, parallel-isa.c).
_NUMBERED = {"isa-serial": (0x3F8, 0x2F8, 0x3E8, 0x2E8), "isa-parallel": (0x378, 0x278, 0x3BC)}
_AUTOMATIC = 0xFFFF_FFFF


def port_shift(qemu: str, driver: str, props: Mapping[str, Any], number: int = 0) -> int:
    """How far above its default a device maps its ports; ``number`` counts such devices before it.

    >>> port_shift("7.2", "isa-debug-exit", {"iobase": 0xF4}), port_shift("7.2", "isa-serial", {}, 1)
    (-1037, -256)
    """
    given = next((props[name] for name in _BASES if name in props), None)
    if driver in _NUMBERED:
        bases = _NUMBERED[driver]
        index = props.get("index", _AUTOMATIC)
        index = number if index == _AUTOMATIC else index
        if given is None:
            given = bases[index] if index < len(bases) else bases[0]
        return int(given) - bases[0]
    facts = catalog.device(qemu, driver)
    default = next((facts.defaults[n] for n in _BASES if n in facts.defaults), None) if facts else None
    return int(given) - int(default) if given is not None and default is not None else 0
