"""Where the devices of a guest sit, and what their state is called in the stream.

The name of a section is the path of the device on its bus and the name of its state:
``0000:00:03.0/virtio-balloon``.

Source: vmstate_register in migration/savevm.c, pcibus_get_dev_path in hw/pci/pci.c,
virtual_css_bus_get_dev_path in hw/s390x/css-bridge.c.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from memkit.boards.device_facts import model_name
from memkit.boards.pci import parse_devfn
from memkit.versions import parse_version

if TYPE_CHECKING:
    from memkit.config import DeviceSpec
    from memkit.guest import Guest

__all__ = ["Place", "places", "saved", "state_name"]

# Devices of the boards → devfn.
_FIXED = {
    "i440FX": 0x00, "PIIX3": 0x08, "piix3-ide": 0x09, "piix3-usb-uhci": 0x0A, "PIIX4_PM": 0x0B, "mch": 0x00,
    "ICH9-LPC": 0xF8, "ich9-ahci": 0xFA, "ICH9-SMB": 0xFB, "ich9-usb-uhci1": 0xE8, "ich9-usb-uhci2": 0xE9,
    "ich9-usb-uhci3": 0xEA, "ich9-usb-ehci1": 0xEF,
}
_SLOTS = 32
# Bridges with one slot behind them.
_PORT = re.compile(r"-port$|downstream$|ioh3420")
_ROOTS = (None, "pci.0", "pcie.0", "pci", "pcie")
# Where the state is not called like the driver.
_STATES: tuple[tuple[str, str], ...] = (
    (r"virtio-(keyboard|mouse|tablet|multitouch|input-host)-pci.*", "virtio-input"),
    (r"virtio-serial-pci.*", "virtio-console"),
    (r"virtio-vga.*", "virtio-gpu"),
    (r"virtio-9p-pci.*", "virtio-9p"),
    (r"virtio-serial-ccw", "virtio-console"),
    (r"(.*)-ccw", r"\1"),
    (r"(.*)-pci(?:-non-transitional|-transitional)?", r"\1"),
    (r"(e1000)-8254.*", r"\1"),
    (r"i8255.*|i82562|i82801", "eeprom"),
    (r"tulip", "eeprom"),
    (r"VGA|secondary-vga", "vga"),
    (r"pci-bridge", "pci_bridge"),
    (r"cirrus-vga", "cirrus_vga"),
    (r"qxl-vga", "qxl"),
    (r"ich9-usb-ehci\d|usb-ehci", "ehci"),
    (r"ich9-usb-uhci\d|piix\d-usb-uhci", "uhci"),
    (r"nec-usb-xhci|qemu-xhci", "xhci"),
    (r"ich9-ahci", "ich9_ahci"),
    (r"piix[34]-ide", "ide"),
    (r"ich9-intel-hda", "intel-hda"),
    (r"lsi53c8.*", "lsiscsi"),
    (r"mptsas1068", "mptsas"),
    (r"am53c974", "pciespscsi"),
    (r"ne2k_pci", "ne2000"),
    (r"i6300esb", "i6300esb_wdt"),
    (r"AC97", "ac97"),
    (r"ES1370", "es1370"),
    (r"ioh3420", "ioh-3240-express-root-port"),
)
# Devices that are not on PCI, and whose state is called after the device alone.
_ALONE = {
    "vmcoreinfo": "vmcoreinfo", "vmgenid": "vmgenid", "vmclock": "vmclock", "intel-iommu": "iommu-intel",
    "ib700": "ib700_wdt", "ramfb": "ramfb-dev",
}
# Kept whole: their states end like their drivers.
_WHOLE = {"pvpanic-pci", "vhost-vsock-pci"}
# They have no state.
_NONE = re.compile(r"edu|virtio-pmem-pci.*|pci-testdev|iommu-testdev|AMDVI-PCI|ati-vga"
                   r"|pci-bridge-seat|xen-platform")


class Place(NamedTuple):
    """A PCI device: its driver, its path on the bus, and its ``-device``, None for the board's own."""

    driver: str
    path: str
    spec: DeviceSpec | None

    @property
    def section(self) -> str:
        """The name of its section in the stream, "" if it has none."""
        if not self.path:
            return _ALONE[self.driver]
        name = state_name(self.driver)
        return f"{self.path}/{name}" if name else ""


@lru_cache(maxsize=512)
def state_name(driver: str) -> str:
    """What the state of a PCI device is called, "" for one that has none.

    >>> state_name("virtio-balloon-pci"), state_name("VGA"), state_name("edu")
    ('virtio-balloon', 'vga', '')
    """
    if _NONE.fullmatch(driver):
        return ""
    if driver in _WHOLE:
        return driver
    for pattern, name in _STATES:
        found = re.fullmatch(pattern, driver)
        if found:
            return found.expand(name)
    return driver


def places(guest: Guest) -> tuple[Place, ...]:
    """The PCI devices, in the order in which they are made.

    Those behind a bridge with many slots are left out where the line gives no addr=.
    """
    config = guest.config
    specs = list(config.devices) if config else []
    taken: set[int] = set()
    found: list[Place] = []
    drivers = list(_drivers(guest))
    # pseries calls its buses after their numbers (spapr_phb_realize, hw/ppc/spapr_pci.c).
    root = "pci@800000020000000" if guest.machine_type.startswith("pseries") else "0000:00"
    # What the board has of a kind comes before what the line adds.
    boards = Counter(drivers) - Counter(model_name(guest.qemu, spec.driver) for spec in specs)
    for driver in drivers:
        own = boards[driver] > 0
        boards[driver] -= 1
        spec = None if own else next((s for s in specs if model_name(guest.qemu, s.driver) == driver), None)
        devfn = _FIXED.get(driver) if spec is None else None
        if spec is not None:
            specs.remove(spec)
            given, bus = spec.props.get("addr"), spec.props.get("bus")
            devfn = parse_devfn(given) if isinstance(given, (str, int)) else None
            if bus not in _ROOTS:
                above = next((place for place in found if place.spec and place.spec.id == bus), None)
                if above is not None and (devfn is not None or _PORT.search(above.driver)):
                    devfn = devfn or 0
                    found.append(Place(driver, f"{above.path}:{devfn >> 3:02x}.{devfn & 7:x}", spec))
                continue
        if devfn is None:
            devfn = next((slot << 3 for slot in range(_SLOTS) if slot << 3 not in taken), 0)
        taken.add(devfn)
        found.append(Place(driver, f"{root}:{devfn >> 3:02x}.{devfn & 7:x}", spec))
    return (*found, *_channels(specs, guest))


def _channels(specs: list[DeviceSpec], guest: Guest) -> Iterator[Place]:
    """The devices on channels, which only Z has; the NICs of the board come first (ccw_init)."""
    config = guest.config
    if guest.target != "s390x" or config is None:
        return
    nics = (*config.all("nic"), *config.all("net"))
    number = 1
    if nics or config.flag("nodefaults"):
        number = len([nic for nic in nics if "none" not in nic.text.split()])
    for spec in specs:
        if spec.driver.endswith("-ccw"):
            yield Place(spec.driver, f"/{spec.props.get('devno') or f'fe.0.{number:04x}'}", spec)
            number += 1


def saved(guest: Guest) -> tuple[Place, ...]:
    """The devices that save state, in the order of the stream: on PCI, and some that are not.

    IOMMUs come first: what devices do with memory depends on them.
    """
    found = list(places(guest))
    order = {id(spec): number for number, spec in enumerate(guest.config.devices)} if guest.config else {}
    alone = [Place(spec.driver, "", spec) for spec in (guest.config.devices if guest.config else ())
             if spec.driver in _ALONE and (spec.driver != "ramfb" or _ramfb_saves(guest))]
    found = sorted([*found, *alone], key=lambda place: (
        "iommu" not in place.driver, order.get(id(place.spec), -1)))
    return tuple([place for place in found if place.section])


def _ramfb_saves(guest: Guest) -> bool:
    """True for QEMU and machine types since 8.2 (x-migrate of ramfb, hw/core/machine.c: hw_compat_8_1)."""
    versions = (guest.qemu, guest.machine_type.rpartition("-")[2])
    return all(re.fullmatch(r"\d+\.\d+", text) and parse_version(text) >= (8, 2) for text in versions)


def _drivers(guest: Guest) -> Iterator[str]:
    """The PCI devices by type: each has a view of memory of its own."""
    return (space.name for space in guest.address_spaces if space.root.name == "bus master container")
