"""How many bytes PCI devices take in the byte code of the ACPI tables.

QEMU writes the tables twice: when the machine is complete, and again when the firmware fetches them.  Their
block is as long as the first writing.  At that time no bus is ready for hotplug, so that nothing is said of
empty slots; what is in a slot is a device with an address, a bridge holds what is behind it.

The length of a piece of byte code stands in front of it, in one byte if it is short, in two or three if not;
a number takes a byte more than its value needs, but for 0 and 1.

Source: data/acpi/x86_64-VERSION.json; build_append_pci_bus_devices in hw/i386/acpi-build.c (11.1:
hw/acpi/pcihp.c), build_package_length and aml_int in hw/acpi/aml-build.c, build_pci_bridge_aml in
hw/acpi/pci-bridge.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.boards.bridges import EXPANDERS, is_bridge
from memkit.boards.build import Build
from memkit.boards.pci import PciBus
from memkit.boards.ports import default_features, features_of
from memkit.config import DeviceSpec
from memkit.config.numbers import c_integer

__all__ = ["DECLARED", "number", "packed", "pci_bytes"]

# What stands in front of a piece, its name, a declared name, the flags of a method, the call of another one.
DEVICE, SCOPE, METHOD, NAME, DECLARED, FLAGS, CALL = 2, 1, 1, 4, 5, 1, 10
# The name of the scope around: it begins at the root.
OUTER = 5
# A device about which there is nothing to say but its address.
FUNCTION = 17
_ROOT = {"pc": "pci.0", "q35": "pcie.0"}
_ISA = frozenset(("ICH9-LPC", "PIIX3", "piix4-isa"))
_BRIDGES = "acpi-pci-hotplug-with-bridge-support"
_OFF = ("0", "off", "no", "n", "false")


def pci_bytes(build: Build, pieces: Mapping[str, Any], isa: int) -> int:
    """The bytes of all PCI devices in DSDT, with ``isa`` bytes of ISA devices, and of expanders.

    >>> from memkit.boards.boot_x86 import build_x86
    >>> from memkit.boards.recorded import load
    >>> from memkit.config import parse
    >>> from memkit.host import Host
    >>> build, _ = build_x86(parse("-M pc -nodefaults"), Host())
    >>> pci_bytes(build, load("acpi", "7.2"), 0)
    320
    """
    machine, facts = build.machine, pieces["pci"]
    if build.config.globals:
        features = features_of(build)
    else:
        features = default_features(machine.qemu.version, machine.family, machine.version)
    hotplug = "pci-hotplug" in features
    # Without bridges, pc can still have it on the root bus: always so before 2.0 (pc_compat_1_7).
    bridges = hotplug and machine.version >= (2, 0) and all(
        value not in _OFF for _, name, value in build.config.globals if name == _BRIDGES
    )
    size = _expanders(build, pieces) - (0 if hotplug else pieces["no_hotplug"][machine.family])
    own = {
        driver: code if code is None or driver not in _ISA else code + isa
        for driver, code in facts["own"].items()
    }
    if None in own.values():
        # The ISA bridge is not described: its devices have a scope of their own.
        size += isa
    slots = _Slots(build, facts, own, bridges)
    found = slots.bus(build.buses[_ROOT[machine.family]]) + _indexes(build, facts["acpi_index"])
    return size + SCOPE + packed(OUTER + SCOPE + packed(NAME + found))


def packed(size: int) -> int:
    """The bytes of a piece of ``size`` bytes with its length in front, which counts itself.

    >>> packed(62), packed(63), packed(4094)
    (63, 65, 4097)
    """
    return size + (1 if size < 63 else 2 if size < 4094 else 3)


def number(value: int) -> int:
    """The bytes of a number in byte code: a prefix and what its value needs; 0 and 1 need no prefix.

    >>> [number(n) for n in (1, 2, 0x100, 0x10000)]
    [1, 2, 3, 5]
    """
    return 1 if value < 2 else 2 if value < 0x100 else 3 if value < 0x10000 else 5


class _Slots:
    """What each PCI bus of a machine takes, with the bridges on it."""

    def __init__(
        self, build: Build, facts: Mapping[str, Any], own: Mapping[str, int | None], bridges: bool
    ) -> None:
        self.qemu, self.facts, self.own = build.qemu.version, facts, own
        self.nested = bridges or facts["children"] == "always"
        self.notify = bridges and facts["notify"]
        self.on: dict[int, list[tuple[str, int]]] = {}
        for driver, bus, devfn in build.pci_functions:
            self.on.setdefault(id(bus), []).append((driver, devfn))
        self.behind = {
            (id(bus.above[0]), bus.above[1]): bus
            for bus in build.buses.values() if bus.above and not bus.bridges_only
        }

    def bus(self, bus: PciBus | None) -> int:
        """The bytes of everything on ``bus``; None is one whose name is taken, so that nothing is on it."""
        size = bridges = 0
        for driver, devfn in self.on.get(id(bus), ()):
            bridge = self.nested and is_bridge(self.qemu, driver)
            bridges += bridge
            own = self.own.get(driver, 0)
            if own is None or (devfn & 7 and not self._described(driver, bridge)):
                continue
            inside = self.bus(self.behind.get((id(bus), devfn))) if bridge else 0
            size += DEVICE + packed(NAME + DECLARED + number(devfn >> 3 << 16 | devfn & 7) + own + inside)
            # Their places are in higher slots.
            size += self.facts["virtual_functions"].get(driver, 0) * FUNCTION
        if self.notify:
            size += METHOD + packed(NAME + FLAGS + CALL * bridges)
        return size

    def _described(self, driver: str, bridge: bool) -> bool:
        """True if a function that is not the first of its slot is told."""
        functions = self.facts["functions"]
        return functions == "all" or (functions == "own" and (driver in self.own or bridge))


def _indexes(build: Build, method: int | None) -> int:
    """The bytes of the methods that tell acpi-index=, for devices that cannot be unplugged."""
    if method is None or build.machine.family != "q35":
        return 0
    return sum(
        method + number(index)
        for spec in build.config.devices
        if (index := _value(spec, "acpi-index")) and spec.props.get("bus", "pcie.0") == "pcie.0"
    )


def _expanders(build: Build, pieces: Mapping[str, Any]) -> int:
    """The bytes of the expander host bridges: each is a root of its own, whose devices are not told."""
    size = 0
    found = [spec for spec in build.config.devices if spec.driver in EXPANDERS]
    for spec in found:
        size += pieces["expanders"][spec.driver]
        # Its bus number is told twice, its node once.
        size -= 2 * (_value(spec, "bus_nr") < 2)
        if "numa_node" in spec.props:
            size += DECLARED + number(_value(spec, "numa_node"))
    return size + (pieces["first_cxl"] if any(spec.driver == "pxb-cxl" for spec in found) else 0)


def _value(spec: DeviceSpec, name: str) -> int:
    return c_integer(str(spec.props.get(name, "0")))
