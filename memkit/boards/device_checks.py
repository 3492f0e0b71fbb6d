"""What QEMU checks when it realizes a device: properties, the host, other devices of the same type.

Most refusals were recorded with the device, bare and twice.  A few depend on values or on the host; these
are spelled out here.

Source: data/devices; vfio_realize in hw/vfio/pci.c, hw/virtio/vhost-vsock.c, hw/input/virtio-input-host.c,
pxb_register_bus in hw/pci-bridge/pci_expander_bridge.c, nvme_check_constraints in hw/nvme/ctrl.c,
generic_loader_realize in hw/core/generic-loader.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from memkit.boards import catalog
from memkit.boards.bridges import EXPANDERS, is_bridge
from memkit.boards.build import Build
from memkit.boards.device_memory import NO_ROM_SIZE
from memkit.boards.device_refusals import refuse_device, refuse_recorded
from memkit.boards.iommu_checks import check_intel_iommu
from memkit.boards.pci import PciBus
from memkit.boards.ports import parallel_ports, serial_ports
from memkit.boards.refusals import refuse
from memkit.boards.unmigratable import check_migratable
from memkit.config import DeviceSpec

__all__ = ["DeviceChecks"]

# What has a number, and how many of them there can be; beyond MAX_INDEX stands for the next free one.
_MOST_PORTS = {"isa-serial": ("ISA serial", 4), "isa-parallel": ("parallel", 3)}
MAX_INDEX = 0xFFFF_FFFF
_UDMABUF = "/dev/udmabuf"
_NO_CONSOLE = frozenset(("sga",))
NO_NODE = 0xFFFF
_GUID = re.compile(r"auto|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ADDRESS = re.compile(r"(?:([0-9a-fA-F]+):)?([0-9a-fA-F]+):([0-9a-fA-F]+)\.([0-7])")
_MISSING = "No such file or directory"
# Devices were recorded on the newest types, which name themselves.
_NEWEST = re.compile(r"\bpc-(?:i440fx|q35)-\d+\.\d+(?= machine)")


class DeviceChecks:
    """The checks of one machine's devices, in their order; it remembers what must not come twice."""

    def __init__(self, build: Build, nodes: int) -> None:
        self.build = build
        self.qemu = build.program
        self.nodes = nodes
        self._said_once: set[str] = set()
        self._consoles = 0
        self._ports: dict[str, int] = defaultdict(int)

    def recorded(
        self, spec: DeviceSpec, driver: str, bus: PciBus | None, props: Mapping[str, Any]
    ) -> None:
        """Refuse what a real QEMU refused: the device bare, or a second one of it."""
        check_migratable(self.build, spec, driver)
        family, romsize = self.build.machine.seen_as, props.get("romsize", NO_ROM_SIZE)
        if romsize != NO_ROM_SIZE and (not romsize or romsize & (romsize - 1)) and bus is not None:
            raise refuse_device(
                spec, f"ROM size {romsize} is not a power of two", "The size of a BAR is a power of two.",
                "use romsize=262144, for example", "pci_qdev_realize, hw/pci/pci.c",
            )
        # microvm was recorded without PCI; with it, devices do as on q35.
        board = "q35" if bus is not None and family == "microvm" else family
        seen = catalog.observed(self.qemu, driver, board)
        if seen is None:
            return
        if not props:
            self._warn(spec, driver, seen)
        # QEMU gives the devices that other options make what they need.
        if spec.option.name == "device":
            self._bare(spec, driver, seen, props)
        said = catalog.device_on(self.qemu, driver, self.build.machine.type)
        if said is not None and said.startswith("! %: ") and not _for_want_of_a_bus(said):
            raise refuse_device(spec, said[5:], "This machine type lacks what the device needs.",
                                "use a newer machine type", "recorded with the device (data/machines)")
        twice = catalog.refused_twice(self.qemu, driver)
        if twice and driver not in EXPANDERS and not is_bridge(self.qemu, driver):
            words = twice.partition(": ")[2] or twice
            if words in self._said_once:
                raise refuse_recorded(spec, twice)
            self._said_once.add(words)

    def _warn(self, spec: DeviceSpec, driver: str, seen: catalog.Observation) -> None:
        """What QEMU said to the bare device, and started; NICs without a network are told of at the end."""
        for text in seen.warnings:
            if not text.endswith("has no peer"):
                rest = text.removeprefix(f"-device {driver}")
                self.build.warnings.append(text if rest == text else spec.option.text + rest)

    def _bare(
        self, spec: DeviceSpec, driver: str, seen: catalog.Observation, props: Mapping[str, Any]
    ) -> None:
        if driver == "loader" and props:
            return
        needed = _properties_of(seen.recipe, driver)
        started = seen.then is not None and not seen.then.refusal
        if seen.refusal and not _for_want_of_a_bus(seen.refusal):
            words = {*re.findall(r"[\w-]+", seen.refusal), "sysfsdev"}
            named = words & props.keys()
            if (not started and not named) or (needed and not needed & props.keys()):
                said = _NEWEST.sub(self.build.machine.type, seen.refusal)
                raise refuse_recorded(spec, said, seen.recipe if started else "")
        elif catalog.refused_bare(self.qemu, driver) and not needed & props.keys():
            raise refuse_recorded(spec, catalog.refused_bare(self.qemu, driver), seen.recipe)
        elif seen.then is not None and seen.then.refusal and not _for_want_of_a_bus(seen.then.refusal):
            raise refuse_recorded(spec, seen.then.refusal)

    def values(self, spec: DeviceSpec, driver: str, bus: PciBus | None, props: Mapping[str, Any]) -> None:
        """Refuse values that do not go together, or that the host cannot serve."""
        if props.get("iommu_platform") and bus is not None:
            self._iommu_platform(spec, driver, bus, props)
        if props.get("sriov-pf") and not driver.startswith("virtio-net-pci"):
            raise refuse_device(
                spec, "user cannot create SR-IOV VF with this device type",
                "Few devices can be the virtual function of another.", "leave out sriov-pf=",
                "pcie_sriov_register_device, hw/pci/pcie_sriov.c, QEMU 11.0",
            )
        usb = props.get("masterbus")
        if usb and self.build.other_buses.get(str(usb)) != "usb-bus":
            raise refuse_device(
                spec, f"USB bus '{usb}' not found", "masterbus= names the bus of a controller.",
                "put the controller in front, with that id=", "usb_register_companion, hw/usb/bus.c",
            )
        if props.get("failover_pair_id") and bus is not None:
            self._failover(spec, driver, bus)
        window = props.get("hostmem", 0)
        if bus is not None and isinstance(window, int) and window & (window - 1):
            raise refuse("bar-power", spec.option)
        if driver in _MOST_PORTS:
            self._port(spec, driver, props)
        if driver in ("vfio-pci", "vfio-pci-nohotplug"):
            self._vfio(spec, props)
        elif driver.startswith(("vhost-vsock-pci", "vhost-vsock-ccw")):
            if self.build.host.file_size("/dev/vhost-vsock") is None:
                raise refuse_device(
                    spec, f"vhost-vsock: failed to open vhost device: {_MISSING}",
                    "The described host has no /dev/vhost-vsock.", "load the kernel module vhost_vsock",
                    key="vhost-vsock",
                )
        elif driver.startswith("virtio-input-host"):
            path = str(props.get("evdev"))
            if self.build.host.file_size(path) is None:
                raise refuse_device(spec, f"Could not open '{path}': {_MISSING}",
                                    "The described host has no such input device.", "use virtio-tablet-pci")
        elif driver.startswith("virtio-balloon") and props.get("free-page-hint") and "iothread" not in props:
            raise refuse_device(
                spec, "'free-page-hint' requires 'iothread' to be set",
                "The hints are read by a thread of their own.",
                "add -object iothread,id=io1 and iothread=io1", "hw/virtio/virtio-balloon.c",
            )
        elif props.get("blob") and self.build.host.file_size(_UDMABUF) is None:
            raise refuse_device(
                spec, f"warning: open {_UDMABUF}: {_MISSING}\n{spec.option.text}: cannot enable blob "
                "resources without udmabuf", f"The described host has no {_UDMABUF}.",
                "load the kernel module udmabuf", "virtio_gpu_device_realize, hw/display/virtio-gpu.c",
            )
        elif driver in EXPANDERS and bus is not None:
            self._expander(spec, props, bus)
        elif driver == "nvme":
            size = props.get("cmb_size_mb", 0)
            if size & (size - 1):
                raise refuse("bar-power", spec.option)
        elif driver == "intel-iommu":
            check_intel_iommu(self.build, spec, props)
        elif driver == "loader":
            self._loader(spec, props)
        elif driver == "vmgenid" and not _GUID.fullmatch(str(props.get("guid", "auto"))):
            raise refuse_device(
                spec, f"Property 'vmgenid.guid' doesn't take value '{props['guid']}'",
                "A generation id looks like 324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87.", "use guid=auto",
                "set_uuid, hw/core/qdev-properties-system.c",
            )

    def _port(self, spec: DeviceSpec, driver: str, props: Mapping[str, Any]) -> None:
        """Each takes the next number, if it names none; those of the board came first."""
        name, most = _MOST_PORTS[driver]
        board = serial_ports if driver == "isa-serial" else parallel_ports
        index = props.get("index", MAX_INDEX)
        if index == MAX_INDEX:
            index = len(board(self.build)) + self._ports[driver]
        if index >= most:
            raise refuse_device(spec, f"Max. supported number of {name} ports is {most}.",
                                "A PC has no addresses for more of them.",
                                "use fewer, counted with those of the board", "hw/char/serial-isa.c")
        self._ports[driver] += 1

    def _iommu_platform(
        self, spec: DeviceSpec, driver: str, bus: PciBus, props: Mapping[str, Any]
    ) -> None:
        """virtio's old interface cannot go through an IOMMU (virtio_pci_device_plugged)."""
        transitional = driver.endswith("-transitional") and not driver.endswith("-non-transitional")
        legacy = props.get("disable-legacy", "auto")
        behind_port = bus.kind in ("PCIE", "CXL") and not bus.is_root
        if not transitional:
            both = catalog.device(self.qemu, f"{driver}-transitional") is not None
            transitional = both and legacy not in ("on", True) and not (behind_port and legacy == "auto")
        if transitional:
            raise refuse_device(
                spec, "VIRTIO_F_IOMMU_PLATFORM was supported by neither legacy nor transitional device",
                "The device also offers virtio's old interface, whose addresses no IOMMU translates.",
                "add disable-legacy=on, or put it behind a pcie-root-port", "hw/virtio/virtio-pci.c",
            )

    def _failover(self, spec: DeviceSpec, driver: str, bus: PciBus) -> None:
        facts = catalog.device(self.qemu, driver)
        said = ""
        if bus.kind == "PCI":
            said = "failover primary device must be on PCIExpress bus"
        elif facts is not None and "Network" not in facts.categories:
            said = "failover primary device is not an Ethernet device"
        if said:
            raise refuse_device(spec, said, "failover_pair_id= is for a NIC that another one stands in for.",
                                "leave out failover_pair_id=", "pci_qdev_realize, hw/pci/pci.c")

    def _vfio(self, spec: DeviceSpec, props: Mapping[str, Any]) -> None:
        path = props.get("sysfsdev")
        if path is None:
            path = f"/sys/bus/pci/devices/{_full_address(str(props.get('host', '')))}"
        if not self.build.host.is_directory(str(path)):
            raise refuse_device(
                spec, f"vfio {path}: no such host device: {_MISSING}",
                "The described host has no such PCI device.",
                "leave the device out, or describe it in Host(directories=...)",
                "vfio_realize, hw/vfio/pci.c",
            )

    def _expander(self, spec: DeviceSpec, props: Mapping[str, Any], bus: PciBus) -> None:
        node, number = props.get("numa_node", NO_NODE), props.get("bus_nr", 0)
        if spec.driver == "pxb" and not number:
            raise refuse_device(
                spec, "Bridge chassis not specified. Each bridge is required to be assigned a unique chassis "
                "id > 0.",
                "The bridge inside takes its chassis number from bus_nr=.", "add bus_nr=, such as 64",
                "pci_bridge_dev_realize, hw/pci-bridge/pci_bridge_dev.c",
            )
        if node != NO_NODE and node >= self.nodes:
            raise refuse_device(spec, f"Illegal numa node {node}", "The guest has no such NUMA node.",
                                "add -numa node options, or leave out numa_node=")
        if not bus.is_root:
            # Behind a conventional bridge the two that are PCI Express are refused as on pc.
            wrong = spec.driver != "pxb" and bus.kind == "PCI"
            raise refuse_device(
                spec, f"{spec.driver} devices cannot reside on a PCI bus" if wrong
                else "PXB devices can be attached only to root bus",
                "An expander adds a root bus beside the machine's own. (QEMU 8.2 crashes for pxb-cxl.)",
                "leave out bus=", "pxb_register_bus, hw/pci-bridge/pci_expander_bridge.c",
            )
        root = f"0000:{number:02x}"
        if any(bus.bridges_only and bus.root == root for bus in self.build.buses.values()):
            raise refuse_device(
                spec, f"Bus {number} is already in use", "Another expander has this number.",
                "use another bus_nr=", "pxb_register_bus, hw/pci-bridge/pci_expander_bridge.c",
            )

    def _loader(self, spec: DeviceSpec, props: Mapping[str, Any]) -> None:
        path = props.get("file")
        if path is not None and self.build.host.file_size(str(path)) is None:
            raise refuse_device(
                None, f"{path}: {_MISSING}", "The image does not exist on the described host.",
                "check file=, or describe the file in Host(files=...)",
            )
        if path is None and "data-len" not in props and "cpu-num" not in props:
            raise refuse_device(
                spec, "cpu_num must be specified when setting a program counter",
                "Without a file or data, addr= is where a CPU starts.", "add file=, data= or cpu-num=",
                "generic_loader_realize, hw/core/generic-loader.c",
            )

    def console(self, driver: str, spec: DeviceSpec | None) -> None:
        """Count displays: qxl-vga must be the first (qxl_realize_primary, hw/display/qxl.c)."""
        facts = catalog.device(self.qemu, driver)
        if facts is None or "Display" not in facts.categories or driver in _NO_CONSOLE:
            return
        if driver == "qxl-vga" and self._consoles:
            raise refuse_device(
                spec, "primary qxl-vga device must be console 0 (first display device on the command line)",
                "Another display comes before this one.", "move it to the front, or use qxl",
                "qxl_realize_primary, hw/display/qxl.c",
            )
        self._consoles += 1


def _full_address(text: str) -> str:
    """A host's PCI address (domain:bus:slot.function) with all of its digits.

    >>> _full_address("1:0.0")
    '0000:01:00.0'
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return text
    domain, bus, slot, function = (int(part or "0", 16) for part in found.groups())
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


def _for_want_of_a_bus(said: str) -> bool:
    return "bus found for device" in said


def _properties_of(recipe: str, driver: str) -> set[str]:
    """The properties that the device has in ``recipe``."""
    words = recipe.rpartition(f"-device {driver}")[2]
    return {word.partition("=")[0] for word in words.split(",") if word}
