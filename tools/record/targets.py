"""What is asked of a QEMU for each target: its boards, and what devices need there to start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from memkit.errors import MemkitError

from .recipes import BUS_NAMES, BUSES, COMPANIONS, PATHS, RECIPES, ROM_FILE_SIZES, SWEEP
from .scenarios import OUTCOMES, SCENARIOS, VGA_KINDS, ZOO

__all__ = ["Target", "target", "target_names"]

DRIVE = "-blockdev driver=null-co,node-name=d0,size=67108864"
Recipes = Mapping[str, tuple[str, str]]
# A card's memory follows its properties as on x86: fewer values show it.  Of ROMs only the size is tried.
FEW = {name: values for name, values in SWEEP.items() if name not in ("rombar", "max_outputs")} | {
    "vgamem_mb": "1 3 4 5 8 16 17 256 512 1024", "vgamem": "1M 2M 5M 16M 17M 256M 512M",
    "romsize": "524288 1048576 2097152",
}
EACH = (
    "VGA", "virtio-net-pci", "virtio-mem-pci,memdev=m0", "pc-dimm,memdev=m0", "nvdimm,memdev=m0",
    "numa mem=", "numa without mem", "maxmem", "nvdimm=on", "maxmem 8T", "smp 288", "acpi=off",
    "ram not in blocks", "maxmem without slots",
)


@dataclass(frozen=True)
class Target:
    """What is asked of one target's QEMU.

    ``boards`` are those on which each device is tried, the one that others are compared with first;
    ``first_slots`` says which slot a device gets there.  ``options`` are words behind ``-machine BOARD``.
    ``bridges`` are (board, device, name) below which PCI devices are tried, ``built`` matches the machine
    types that are recorded in full ("" for all), ``known`` is a device that shows hidden properties,
    ``tester`` one that fills slots.  ``piece`` is the size of a backend, ``labelled`` that of one with a
    label of 1 MiB; ``for_dimms`` are options without which a board has no place for a DIMM.  ``few`` leaves
    out what would be as on x86; then only ``each`` of devices and outcomes is asked of every version.
    """

    boards: tuple[str, ...]
    first_slots: Mapping[str, str]
    built: str = ""
    memory: str = "128M"
    piece: str = "64M"
    labelled: str = ""
    for_dimms: str = ""
    few: bool = True
    each: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    companions: Mapping[str, str] = field(default_factory=lambda: COMPANIONS)
    recipes: Recipes = field(default_factory=lambda: RECIPES)
    bridges: tuple[tuple[str, str, str], ...] = ()
    buses: tuple[tuple[str, str, str], ...] = ()
    paths: tuple[str, ...] = ()
    bus_names: tuple[tuple[str, str], ...] = ()
    known: str = "VGA"
    tester: str = "pci-testdev"
    sweep: Mapping[str, str] = field(default_factory=lambda: FEW)
    rom_sizes: tuple[int, ...] = ()
    rom_sized: tuple[str, ...] = ("VGA", "e1000", "virtio-net-pci")
    scenarios: Mapping[str, str] = field(default_factory=dict)
    zoo: tuple[str, ...] = ()
    outcomes: Mapping[str, str] = field(default_factory=dict)
    vga_kinds: tuple[str, ...] = VGA_KINDS

    def machine(self, board: str) -> str:
        """What follows ``-machine`` for a board."""
        return ",".join(filter(None, (board, self.options.get(board))))


ROOT_PORT = ("virt", "pcie-root-port,chassis=1,id=B", "pcie-root-port")
# With its own hotplug controller it has no slot 0.
PCI_BRIDGE = ("virt", "pci-bridge,chassis_nr=1,shpc=off,id=B", "pci-bridge")

X86 = Target(
    boards=("pc", "q35", "microvm"),
    first_slots={"pc": "02.0", "q35": "01.0", "microvm": ""},
    bridges=(("pc", "pci-bridge,chassis_nr=1,id=B", "pci-bridge"), ("q35", *ROOT_PORT[1:])),
    buses=BUSES, paths=PATHS, bus_names=BUS_NAMES, rom_sizes=ROM_FILE_SIZES, rom_sized=(), sweep=SWEEP,
    few=False,
    scenarios=SCENARIOS, zoo=ZOO, outcomes=OUTCOMES,
)

VIRT_BUSES = (
    ("virt", "", "pcie.0"),
    ("virt", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ("virt", "-device pci-bridge,chassis_nr=1,shpc=on,id=B", "B"),
    ("virt", "-device pcie-pci-bridge,id=B", "B"),
    ("virt", "-device pcie-root-port,chassis=1,id=B", "B"),
    ("virt", "-device pcie-root-port,chassis=1,id=R -device x3130-upstream,bus=R,id=B", "B"),
    ("virt", "-device pxb-pcie,bus_nr=64,id=B", "B"),
)
VIRT_PATHS = (
    "-machine virt -device pxb-pcie,bus_nr=64,id=B -device pcie-root-port,bus=B,id=R,chassis=1 "
    "-device bochs-display,bus=R",
    "-machine virt -device pcie-root-port,chassis=1 -device bochs-display,bus=pcie.0",
    "-machine virt -device pcie-root-port,chassis=1,id=R -device bochs-display,bus=R",
    "-machine virt -device pcie-root-port,chassis=1 -device pcie-root-port,chassis=2 "
    "-device bochs-display,bus=pcie.1",
    "-machine virt -device pcie-root-port -device pcie-root-port",
    "-machine virt -device pcie-root-port,id=R,addr=5.1 -device x3130-upstream,bus=R,id=U "
    "-device xio3130-downstream,bus=U,id=D,chassis=3 -device VGA,bus=D,addr=2.3",
    "-machine virt -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B",
    "-machine virt -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B,addr=1",
    "-machine virt -device VGA,multifunction=on,addr=4 -device secondary-vga,addr=4.1",
    "-machine virt -device VGA -device VGA",
    "-machine virt -object memory-backend-ram,id=m0,size=1M -device ivshmem-plain,memdev=m0,id=I",
)
VIRT_NAMES = (
    ("virt", "-device pcie-root-port,chassis=1 -device pcie-root-port,chassis=2"),
    ("virt", "-device pcie-root-port,chassis=1,id=A -device pcie-root-port,chassis=2"),
    ("virt", "-device qemu-xhci -device qemu-xhci,id=A -device virtio-scsi-pci -device virtio-scsi-pci,id=S"),
)
DIMMS = (
    "-nodefaults -m 1G,slots=8,maxmem=8G -object memory-backend-ram,id=m1,size={0} "
    "-object memory-backend-memfd,id=m2,size={0} -device pc-dimm,memdev=m1 -device pc-dimm,memdev=m2"
)
SOME_SCENARIOS = {
    "default": "-m 1G",
    "nodefaults": "-nodefaults -m 1G",
    "5G": "-nodefaults -m 5G",
}
SOME_OUTCOMES = {
    name: OUTCOMES[name] for name in (
        "numa mem=", "numa without mem", "numa memdev", "slots without maxmem", "maxmem", "nvdimm=on",
        "maxmem 8T", "hmat=on", "usb=on", "smp 288", "cpu host", "cpu max", "m=1M", "graphics=off",
        "acpi=off", "odd dimm", "ram 2G less 4K", "maxmem not page aligned", "kernel", "below pci-bridge",
        "below pcie-root-port", "below pcie-root-port, slot 1", "below pcie-pci-bridge", "memory-backend",
        "mem-path",
    )
}
SOME_ZOO = (
    "VGA", "secondary-vga", "cirrus-vga", "qxl", "bochs-display", "virtio-gpu-pci", "ati-vga", "ramfb",
    "e1000", "e1000e", "rtl8139", "virtio-net-pci", "virtio-balloon-pci", "virtio-scsi-pci", "nvme,serial=s",
    "ivshmem-plain,memdev=m0", "virtio-pmem-pci,memdev=m0", "virtio-mem-pci,memdev=m0",
    "pc-dimm,memdev=m0", "nvdimm,memdev=m0", "pci-bridge,chassis_nr=1", "pcie-root-port,chassis=1",
    "qemu-xhci",
)
# What only x86 has would be refused before anything is seen.
ELSEWHERE = {
    name: recipe for name, recipe in RECIPES.items() if "-cpu" not in recipe[0] and name != "intel-iommu"
}
VIRT_RECIPES = ELSEWHERE | {
    "virtio-iommu-pci": ("", ""),
    "arm-smmuv3": ("", "primary-bus=pcie.0"),
}
FLASH = (
    "-nodefaults -m 1G -blockdev driver=null-co,node-name=p0,size={},read-zeroes=on -machine pflash0=p0"
)


def _virt(built: str, flash: int, dimms: str = "") -> Target:
    """The board virt of Arm and RISC-V: PCI Express with a host bridge in slot 0."""
    places = {name: (f"{dimms} {ELSEWHERE[name][0]}".strip(), "memdev=m0") for name in ("pc-dimm", "nvdimm")}
    return Target(
        boards=("virt",), first_slots={"virt": "01.0"}, built=built, for_dimms=dimms,
        recipes=VIRT_RECIPES | places, each=EACH,
        bridges=(PCI_BRIDGE, ROOT_PORT), buses=VIRT_BUSES, paths=VIRT_PATHS, bus_names=VIRT_NAMES,
        scenarios=SOME_SCENARIOS | {
            "dimms": f"{DIMMS.format('64M')} {dimms}".strip(), "pflash": FLASH.format(flash),
        },
        zoo=SOME_ZOO, outcomes=SOME_OUTCOMES | {
            "pflash0": (
                f"-blockdev driver=null-co,node-name=p0,size={flash},read-zeroes=on -machine pflash0=p0"
            ),
        },
    )


def _larger(text: str) -> str:
    """The options with whole blocks of 256 MiB, in which pseries counts."""
    return text.replace("-m 128M", "-m 256M").replace("size=64M", "size=256M")


UUID = "uuid=75a3cdd7-6a2f-4791-8d15-fe0a920e8e9e"
PSERIES = Target(
    boards=("pseries",), first_slots={"pseries": "00.0"}, built=r"pseries-.*|powernv\d+",
    memory="256M", piece="256M", labelled="257M",
    # TCG warns of each start without them.
    options={"pseries": "cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"},
    recipes={name: (_larger(extra), props) for name, (extra, props) in ELSEWHERE.items()} | {
        "pc-dimm": ("-m 256M,slots=2,maxmem=2G -object memory-backend-ram,id=m0,size=256M", "memdev=m0"),
        "nvdimm": (
            "-machine nvdimm=on -m 256M,slots=2,maxmem=2G -object memory-backend-ram,id=m0,size=257M",
            f"memdev=m0,label-size=1M,{UUID}",
        ),
        "spapr-nvdimm": (
            "-machine nvdimm=on -m 256M,slots=2,maxmem=2G "
            "-object memory-backend-file,id=m0,size=257M,mem-path=/dev/shm",
            f"memdev=m0,label-size=1M,{UUID}",
        ),
        "spapr-pci-host-bridge": ("", "index=1"),
        "spapr-vty": ("-chardev null,id=c0", "chardev=c0"),
        "spapr-rng": ("-object rng-random,id=r0,filename=/dev/urandom", "rng=r0"),
    },
    companions=COMPANIONS | {"spapr-vio-bus": ""},
    bridges=(("pseries", "pci-bridge,chassis_nr=9,id=B", "pci-bridge"),),
    buses=(
        ("pseries", "", "pci.0"),
        ("pseries", "-device pci-bridge,chassis_nr=1,id=B", "B"),
        ("pseries", "-device pci-bridge,chassis_nr=1,shpc=on,id=B", "B"),
        ("pseries", "-device pcie-pci-bridge,id=B", "B"),
        ("pseries", "-device spapr-pci-host-bridge,index=1,id=A", "A.0"),
    ),
    paths=(
        "-machine pseries -device VGA -device VGA",
        "-machine pseries -device spapr-pci-host-bridge,index=1,id=A -device VGA,bus=A.0",
        "-machine pseries -device spapr-pci-host-bridge,index=1 -device VGA",
        "-machine pseries -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B",
        "-machine pseries -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B,addr=1",
        "-machine pseries -device VGA,multifunction=on,addr=4 -device secondary-vga,addr=4.1",
        "-machine pseries -object memory-backend-ram,id=m0,size=1M -device ivshmem-plain,memdev=m0,id=I",
    ),
    bus_names=(
        ("pseries", "-device pci-bridge,chassis_nr=1 -device pci-bridge,chassis_nr=2"),
        ("pseries", "-device spapr-pci-host-bridge,index=1 -device spapr-pci-host-bridge,index=2,id=A"),
        ("pseries", "-device qemu-xhci -device qemu-xhci,id=A -device virtio-scsi-pci"),
    ),
    each=EACH, scenarios=SOME_SCENARIOS | {"dimms": DIMMS.format("256M")},
    zoo=(
        *(f"{name},label-size=1M,{UUID}" if name.startswith("nvdimm") else name for name in SOME_ZOO),
        "spapr-pci-host-bridge,index=1", "spapr-vlan", "spapr-vty",
    ),
    # A connector for each 256 MiB that may come: with 8 TiB a start takes half a minute.
    outcomes={name: text for name, text in SOME_OUTCOMES.items() if name != "maxmem 8T"} | {
        "ram not in blocks": "-m 1000M", "maxmem not in blocks": "-m 1G,maxmem=1300M",
    },
)
# The channel subsystem has a device of its own for each kind; PCI devices need MSI-X.
S390X = Target(
    boards=("s390-ccw-virtio",), first_slots={"s390-ccw-virtio": "00.0"}, built=r"s390-ccw-virtio-.*",
    companions={
        "SCSI": "-device virtio-scsi-ccw", "virtio-serial-bus": "-device virtio-serial-ccw", "virtio-bus": "",
        "usb-bus": "-device qemu-xhci",
    },
    recipes={
        **{name: r for name, r in ELSEWHERE.items() if "xhci" not in r[0] and "-scsi-pci" not in r[0]},
        "virtio-blk-ccw": (DRIVE, "drive=d0"),
        "virtio-9p-ccw": ("-fsdev local,id=f0,path=/tmp,security_model=none", "fsdev=f0,mount_tag=t"),
        "virtio-crypto-ccw": ("-object cryptodev-backend-builtin,id=c0", "cryptodev=c0"),
        "scsi-hd": ("-device virtio-scsi-ccw " + DRIVE, "drive=d0"),
        "virtserialport": ("-device virtio-serial-ccw -chardev null,id=c0", "chardev=c0"),
        "virtconsole": ("-device virtio-serial-ccw -chardev null,id=c0", "chardev=c0"),
        "sclpconsole": ("-chardev null,id=c0", "chardev=c0"),
        "sclplmconsole": ("-chardev null,id=c0", "chardev=c0"),
        "x-terminal3270": ("-chardev null,id=c0", "chardev=c0"),
        "scsi-block": ("-device virtio-scsi-ccw " + DRIVE, "drive=d0"),
        "scsi-generic": ("-device virtio-scsi-ccw " + DRIVE, "drive=d0"),
        **{
            f"virtio-mem-{bus}": (
                "-m 128M,maxmem=1G -object memory-backend-ram,id=m0,size=64M", "memdev=m0",
            ) for bus in ("pci", "ccw")
        },
    },
    bridges=(("s390-ccw-virtio", "pci-bridge,chassis_nr=9,id=B", "pci-bridge"),),
    buses=(
        ("s390-ccw-virtio", "", "pci.0"),
        ("s390-ccw-virtio", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ),
    paths=(
        "-machine s390-ccw-virtio -device virtio-net-pci -device virtio-net-pci",
        "-machine s390-ccw-virtio -device zpci,target=v0,uid=5,fid=7 -device virtio-net-pci,id=v0",
        "-machine s390-ccw-virtio -device pci-bridge,chassis_nr=1,id=B -device virtio-net-pci,bus=B",
        "-machine s390-ccw-virtio -device virtio-net-pci,addr=4",
    ),
    bus_names=(
        ("s390-ccw-virtio", "-device virtio-scsi-ccw -device virtio-scsi-ccw,id=S -device virtio-scsi-pci"),
        ("s390-ccw-virtio", "-device pci-bridge,chassis_nr=1 -device pci-bridge,chassis_nr=2,id=B"),
    ),
    known="virtio-gpu-pci", tester="virtio-gpu-pci", each=EACH,
    scenarios=SOME_SCENARIOS | {"maxmem": "-nodefaults -m 1G,maxmem=4G"},
    zoo=(
        "virtio-gpu-pci", "virtio-gpu-ccw", "virtio-net-pci", "virtio-net-ccw", "virtio-balloon-ccw",
        "virtio-scsi-ccw", "virtio-mem-ccw,memdev=m0", "virtio-mem-pci,memdev=m0", "nvme,serial=s",
    ),
    outcomes={
        name: text for name, text in SOME_OUTCOMES.items()
        if not name.startswith(("below", "nvdimm", "hmat", "odd dimm"))
    } | {"ram not in blocks": "-m 1025K", "maxmem without slots": "-m 1G,maxmem=4G"},
)
# The device that tells the guest of a DIMM is there with firmware and a 64-bit CPU only.
FIRMWARE = (
    "-cpu cortex-a57 -blockdev driver=null-co,node-name=p0,size=67108864,read-zeroes=on -machine pflash0=p0"
)
ARM_TYPES = r"virt-.*|sbsa-ref|raspi3b?|vexpress-a15"
TARGETS = {
    "x86_64": X86, "i386": X86,
    "aarch64": _virt(ARM_TYPES, 64 << 20, FIRMWARE), "arm": _virt(ARM_TYPES, 64 << 20),
    "ppc64": PSERIES, "s390x": S390X, "riscv64": _virt("virt|sifive_u", 32 << 20),
}


def target_names() -> tuple[str, ...]:
    """The targets that can be recorded."""
    return tuple(TARGETS)


def target(name: str) -> Target:
    """What is asked of the target ``name``; raises MemkitError for one that nobody described.

    >>> target("riscv64").boards, target("ppc64").memory
    (('virt',), '256M')
    """
    found = TARGETS.get(name)
    if found is None:
        raise MemkitError(f"facts are recorded for {', '.join(TARGETS)}; there is no such target as {name!r}")
    return found
