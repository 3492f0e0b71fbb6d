"""How long the pieces of the ACPI tables are: each is switched on alone, and the tables are measured.

A piece of byte code stands in front of its content with its length, which takes one byte to three.  So
pieces of PCI are measured by their content; others are differences that cross no such limit.
data/README.md explains the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from memkit.errors import MemkitError

from .aml import Tables, read_memory
from .ask import Binary
from .files import provenance
from .listing import listed_devices

__all__ = ["SCRIPT", "record_acpi"]

SCRIPT = "tools/record: the tables in the memory of a QEMU that was paused before its first reset"
FAMILIES = {"pc": "pc-i440fx-", "q35": "pc-q35-"}
BRIDGES = {
    "pc": "PIIX4_PM.acpi-pci-hotplug-with-bridge-support",
    "q35": "ICH9-LPC.acpi-pci-hotplug-with-bridge-support",
}
NO_HOTPLUG = {
    "pc": f"-global {BRIDGES['pc']}=off -global PIIX4_PM.acpi-root-pci-hotplug=off",
    "q35": f"-global {BRIDGES['q35']}=off",
}
# What an address takes before its own bytes: the name of a device, and a declared name.
NAMED = 4 + 5
# Functions of the boards that -device does not make: machine, slot.function as devfn, driver.
BUILT_IN = (
    ("pc", 0x08, "PIIX3"), ("pc,x-south-bridge=piix4-isa", 0x08, "piix4-isa"),
    ("q35", 0xF8, "ICH9-LPC"), ("q35", 0xFA, "ich9-ahci"), ("q35", 0xFB, "ICH9-SMB"),
)
TRIED = 0x28
SWITCHES = ("hpet", "i8042", "sata", "smbus")
# Which of the first function, one with code of its own, and another one are told.
FUNCTIONS = {"100": "first", "110": "own", "111": "all"}
ERST = "-object memory-backend-ram,id=m,size=1M -device acpi-erst,memdev=m"
RANDOM = "-device virtio-rng-device"
# A CPU of one thread: its record in APIC, which microvm's board is counted without.
APIC_CPU = 8
ISA = {
    "floppy": "-M pc -device floppy", "isa-applesmc": "-M pc -device isa-applesmc",
    "isa-fdc": "-M q35 -device isa-fdc", "pvpanic": "-M pc -device pvpanic",
    "isa-ipmi-bt": "-M pc -device ipmi-bmc-sim,id=b -device isa-ipmi-bt,bmc=b",
    "isa-ipmi-kcs": "-M pc -device ipmi-bmc-sim,id=b -device isa-ipmi-kcs,bmc=b",
}
EXPANDERS = {
    "pxb": "-M pc -device pxb,bus_nr=9", "pxb-cxl": "-M q35,cxl=on -device pxb-cxl,bus_nr=9",
    "pxb-pcie": "-M q35 -device pxb-pcie,bus_nr=9",
}


def record_acpi(binary: Binary) -> dict[str, Any]:
    """The sections of data/acpi; raises MemkitError where the tables are not as this recorder knows them."""
    return Pieces(binary).record()


class Pieces:
    """The pieces of one release."""

    def __init__(self, binary: Binary) -> None:
        self.binary = binary
        self._seen: dict[str, tuple[Tables, list[Any]] | None] = {}

    def record(self) -> dict[str, Any]:
        """All sections."""
        pci, untold = self._pci()
        about = {**provenance(self.binary, "qemu-system-x86"), "script": SCRIPT}
        if untold:
            about["unmeasured"] = (
                "code of their own, of PCI devices that did not start without options: " + ", ".join(untold)
            )
        second = " -device pxb-cxl,bus_nr=99,bus=pcie.0"
        one, two = (self._outside(EXPANDERS["pxb-cxl"] + more) for more in ("", second))
        expanders = {
            name: size for name, line in EXPANDERS.items()
            if (size := self._outside(line, line.split(" -device")[0]))
        }
        first_cxl = 0
        if "pxb-cxl" in expanders:
            # What the second brings is what each brings.
            first_cxl, expanders["pxb-cxl"] = expanders["pxb-cxl"] - (two - one), two - one
        return {
            "about": about, "cpus": self.tables("-M pc").dsdt.cpus(), "entries": self._entries(),
            "dsdt": {family: self._dsdt(family) for family in FAMILIES},
            "switches": {family: self._switches(family) for family in FAMILIES},
            "no_hotplug": {family: self._no_hotplug(family) for family in FAMILIES},
            "pci": pci, "expanders": expanders, "first_cxl": first_cxl,
            "serial": self._ports("-serial", 4), "parallel": self._ports("-parallel", 3),
            "isa": {name: size for name, line in ISA.items() if (size := self._more(line))},
            "nvdimm_ssdt": self._nvdimm(), "tables": self._tables(), "microvm": self._microvm(),
        }

    def tables(self, line: str) -> Tables:
        """The tables of a machine without default devices; raises MemkitError if it does not start."""
        found = self.start(line)
        if found is None:
            raise MemkitError(f"{self.binary.program} has no ACPI tables for {line}")
        return found[0]

    def start(self, line: str) -> tuple[Tables, list[Any]] | None:
        """Its tables, and answers about its devices and ports; None if it is refused or has no tables."""
        if line not in self._seen:
            questions: list[str | dict[str, Any]] = [{"execute": "query-pci"}, "info mtree -f", "info qtree"]
            answer = self.binary.start([*line.split(), "-nodefaults"], questions, look=read_memory)
            there = answer.started and answer.results[-1] is not None
            self._seen[line] = (answer.results[-1], answer.results[:-1]) if there else None
        return self._seen[line]

    def _more(self, line: str, without: str = "") -> int:
        """The bytes of byte code that ``line`` has more than its machine alone; 0 if it does not start."""
        found, bare = self.start(line), self.start(without or line.split(" -")[0])
        return found[0].length("DSDT") - bare[0].length("DSDT") if found and bare else 0

    def _outside(self, line: str, without: str = "") -> int:
        """The same, but for PCI slots; of one line alone what it has."""
        found, bare = self.start(line), self.start(without) if without else None
        return found[0].dsdt.outside - (bare[0].dsdt.outside if bare else 0) if found else 0

    def _dsdt(self, family: str) -> list[list[Any]]:
        """[version, bytes] for each run of machine types, newest first; hotplug counts as there."""
        runs: list[list[Any]] = []
        listed = re.findall(rf"(?m)^{FAMILIES[family]}(\d+)\.(\d+) ", self.binary.help("-machine", "help"))
        for version in sorted(([int(a), int(b)] for a, b in listed), reverse=True):
            found = self.start(f"-M {FAMILIES[family]}{version[0]}.{version[1]}")
            if found is None:
                continue
            size = found[0].dsdt.outside
            if "acpi-pci-hotplug" not in found[1][1]:
                size += self._no_hotplug(family)
            if runs and runs[-1][1] == size:
                runs[-1][0] = version
            else:
                runs.append([version, size])
        return [*runs[:-1], [[0], runs[-1][1]]]

    def _no_hotplug(self, family: str) -> int:
        return -self._outside(f"-M {family} {NO_HOTPLUG[family]}", f"-M {family}")

    def _switches(self, family: str) -> dict[str, int]:
        bare, lines = f"-M {family}", {name: f"-M {family},{name}=off" for name in SWITCHES}
        # The keyboard controller is told in a slot, that of the ISA bridge.
        sizes = {
            name: -(self._more if name == "i8042" else self._outside)(line, bare)
            for name, line in lines.items() if self.start(line)
        }
        return {name: size for name, size in sizes.items() if size > 0}

    # -- PCI

    def _pci(self) -> tuple[dict[str, Any], list[str]]:
        """The section, and the devices that could not be tried."""
        three = "-device e1000,addr=3.0,multifunction=on -device VGA,addr=3.1 -device edu,addr=3.2"
        slots = self.tables(f"-M q35 {three}").dsdt.slots
        told = "".join(str(int(f"S{devfn:02X}_" in slots)) for devfn in (0x18, 0x19, 0x1A))
        if told not in FUNCTIONS:
            raise MemkitError(f"{self.binary.program} tells functions of a slot in a new way: {told}")
        functions = FUNCTIONS[told]
        behind = "-device pci-bridge,chassis_nr=1,id=b,addr=5"
        alone = f"-M pc -global {BRIDGES['pc']}=off {behind}"
        lines = [alone, alone + " -device e1000,bus=b,addr=1"]
        inside = [len(self.tables(line).dsdt.slots[f"S{TRIED:02X}_"].content) for line in lines]
        own, virtual, untold = self._own(functions)
        return {
            "functions": functions, "children": "always" if inside[1] > inside[0] else "hotplug",
            "notify": "PCNT" in self.tables("-M pc").dsdt.slots, "acpi_index": self._index(),
            "own": own, "virtual_functions": virtual,
        }, untold

    def _index(self) -> int | None:
        """What acpi-index=500 takes without its number, which takes 3 bytes."""
        lines = [f"-M q35 -device e1000{more}" for more in ("", ",acpi-index=500")]
        found = [self.start(line) for line in lines]
        sizes = [len(f[0].dsdt.pci.content) for f in found if f]
        return sizes[1] - sizes[0] - 3 if len(sizes) == 2 and sizes[1] > sizes[0] else None

    def _own(self, functions: str) -> tuple[dict[str, int | None], dict[str, int], list[str]]:
        """driver → bytes of its own (None: not told); driver → virtual functions; what did not start."""
        own: dict[str, int | None] = {}
        virtual: dict[str, int] = {}
        untold: list[str] = []
        for line, devfn, driver in self._candidates():
            found = self.start(line)
            if found is None:
                untold += [driver] if "-device" in line else []
                continue
            slots = found[0].dsdt.slots
            piece = slots.get(f"S{devfn:02X}_")
            if piece is None:
                # A further function is told for a reason, a first one always, but for this one.
                own |= {driver: None} if not devfn & 7 else {}
                continue
            size = len(piece.content) - NAMED - _number(devfn >> 3 << 16 | devfn & 7)
            # What is behind a bridge is no code of its own.
            if not _is_bridge(found[1][0], devfn) and (size or (devfn & 7 and functions == "own")):
                own[driver] = size
            if "-device" in line and (more := len(slots) - len(self.tables("-M q35").dsdt.slots) - 1):
                virtual[driver] = more
        return own, virtual, sorted(untold, key=str.lower)

    def _candidates(self) -> Iterator[tuple[str, int, str]]:
        for machine, devfn, driver in BUILT_IN:
            yield f"-M {machine}", devfn, driver
        for row in listed_devices(self.binary):
            if row.get("bus") == "PCI" and not row.get("no_user"):
                yield f"-M q35 -device {row['name']},addr={TRIED >> 3}", TRIED, row["name"]

    # -- tables of their own

    def _entries(self) -> dict[str, int]:
        """What the table of an IOMMU says of one more device on a host bridge."""
        found = {}
        for driver, table in (("amd-iommu", "IVRS"), ("intel-iommu", "DMAR")):
            lines = [f"-M q35 -device {driver}{more}" for more in ("", " -device e1000,addr=9")]
            one, two = (self.tables(line).length(table) for line in lines)
            found[driver] = two - one
        return found

    def _tables(self) -> dict[str, int]:
        """The length without entries: there is one for each function of a host bridge that QMP lists."""
        found: dict[str, int] = {}
        if erst := self.start(f"-M q35 {ERST}"):
            found["acpi-erst"] = erst[0].length("ERST")
        entries = self._entries()
        for driver, table in (("amd-iommu", "IVRS"), ("intel-iommu", "DMAR")):
            start = self.start(f"-M q35 -device {driver}")
            if start:
                functions = len(start[1][0][0]["devices"])
                found[driver] = start[0].length(table) - entries[driver] * functions
        line = "-M q35 -device virtio-iommu-pci"
        if (one := self.start(line)) and (two := self.start(line + " -device pxb-pcie,bus_nr=9")):
            # Of host bridges, one is there without the expander.
            found["virtio-iommu-pci"] = 2 * one[0].length("VIOT") - two[0].length("VIOT")
        return {driver: size for driver, size in found.items() if size}

    def _ports(self, option: str, count: int) -> list[int]:
        """The bytes of the first port, the second ..."""
        sizes = [self._more(f"-M pc{f' {option} null' * number}", "-M pc") for number in range(count + 1)]
        return [after - before for before, after in pairwise(sizes)]

    def _nvdimm(self) -> list[int]:
        """The first slot, each further one, and what the 256th adds besides; long code takes 2 bytes more."""
        line = "-M q35,nvdimm=on -m 128M,maxmem=4G,slots="
        first, second, last = (self.tables(f"{line}{slots}").length("SSDT") for slots in (1, 2, 256))
        each = second - first
        code = first + 255 * each
        return [first, each, last - code - (2 if code > 4095 else 0)]

    def _microvm(self) -> dict[str, int]:
        """All tables without what can be switched, and what that adds."""
        flags = {"rtc": "off"}
        if self.start("-M microvm,ioapic2=off"):
            flags["ioapic2"] = "off"

        def size(more: str = "", **changed: str) -> int:
            options = ",".join(f"{k}={v}" for k, v in (flags | changed).items())
            found = self.start(f"-M microvm,{options}{more}")
            return found[0].size if found else 0

        bare = size()
        second = dict.fromkeys(flags.keys() & {"ioapic2"}, "on")
        found = {
            "serial": size(" -serial null") - bare,
            "rtc": size(rtc="on") - bare, "usb": size(usb="on") - bare,
            # Interrupts of PCI have other numbers without the second interrupt controller.
            "pcie": size(pcie="on", **second) - size(**second), "ioapic2": size(**second) - bare,
            "pvpanic": size(" -device pvpanic") - bare,
            "acpi-erst": size(f" {ERST}", pcie="on") - size(pcie="on"),
        }
        both = self.start("-M microvm")
        transports = both[1][2].count("dev: virtio-mmio") if both else 0
        return {
            "board": bare - APIC_CPU, **{name: length for name, length in found.items() if length > 0},
            "transports": transports, "transport": size(f" {RANDOM}") - bare,
        }


def _is_bridge(buses: list[dict[str, Any]], devfn: int) -> bool:
    """True if QMP says that there is a bridge in this place of the first host bridge."""
    return any(
        "pci_bridge" in device and device["slot"] << 3 | device["function"] == devfn
        for device in buses[0]["devices"]
    )


def _number(value: int) -> int:
    """The bytes of a number in byte code."""
    return 1 if value < 2 else 2 if value < 0x100 else 3 if value < 0x10000 else 5

