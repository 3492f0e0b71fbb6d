"""The starts that every machine type makes."""

from __future__ import annotations

SCENARIOS = {
    "default": "-m 1G",
    "nodefaults": "-nodefaults -m 1G",
    "dimms": (
        "-nodefaults -m 1G,slots=8,maxmem=8G -object memory-backend-ram,id=m1,size=64M "
        "-object memory-backend-file,id=m2,size=64M,mem-path=/dev/shm,share=on "
        "-object memory-backend-memfd,id=m3,size=64M -device pc-dimm,memdev=m1 -device pc-dimm,memdev=m2 "
        "-device pc-dimm,memdev=m3"
    ),
    "3500M": "-nodefaults -m 3500M",
    "5G": "-nodefaults -m 5G",
    "pflash": (
        "-nodefaults -m 1G -blockdev driver=null-co,node-name=p0,size=4194304,read-zeroes=on "
        "-machine pflash0=p0"
    ),
    "1020G amd": (
        "-nodefaults -cpu qemu64,phys-bits=42 -object memory-backend-ram,id=m0,size=1020G,reserve=off "
        "-m 1020G -machine memory-backend=m0"
    ),
    "1020G amd dimm window": (
        "-nodefaults -cpu qemu64,phys-bits=42 -object memory-backend-ram,id=m0,size=1016G,reserve=off "
        "-m 1016G,slots=1,maxmem=1100G -machine memory-backend=m0"
    ),
}
# Device starts per machine type: their blocks, or the refusal.
ZOO = (
    "VGA",
    "secondary-vga",
    "cirrus-vga",
    "qxl-vga",
    "qxl",
    "bochs-display",
    "virtio-vga",
    "virtio-gpu-pci",
    "vmware-svga",
    "ati-vga",
    "isa-vga",
    "isa-cirrus-vga",
    "ramfb",
    "sga",
    "e1000",
    "e1000-82544gc",
    "e1000-82545em",
    "e1000e",
    "rtl8139",
    "virtio-net-pci",
    "virtio-net-pci-transitional",
    "ne2k_pci",
    "pcnet",
    "i82550",
    "i82551",
    "i82557a",
    "i82557b",
    "i82557c",
    "i82558a",
    "i82558b",
    "i82559a",
    "i82559b",
    "i82559c",
    "i82559er",
    "i82562",
    "i82801",
    "vmxnet3",
    "tulip",
    "rocker",
    "igb",
    "virtio-balloon-pci",
    "virtio-scsi-pci",
    "megasas",
    "megasas-gen2",
    "mptsas1068",
    "pvscsi",
    "lsi53c895a",
    "nvme,serial=s",
    "nvme,serial=s,cmb_size_mb=16",
    "ivshmem-plain,memdev=m0",
    "virtio-pmem-pci,memdev=m0",
    "virtio-mem-pci,memdev=m0",
    "pc-dimm,memdev=m0",
    "nvdimm,memdev=m0",
    "intel-iommu",
    "amd-iommu",
    "vmgenid",
    "vmcoreinfo",
    "pvpanic",
    "pci-bridge,chassis_nr=1",
    "pcie-root-port,chassis=1",
    "pxb,bus_nr=64",
    "pxb-pcie,bus_nr=64",
    "hpet",
    "sdhci-pci",
    "ich9-ahci",
    "piix3-usb-uhci",
)
# Whole command lines per machine type of which only the outcome is kept.
OUTCOMES = {
    "numa mem=": "-m 1G -smp 2 -numa node,mem=512M -numa node,mem=512M",
    "numa without mem": "-m 1G -smp 2 -numa node -numa node",
    "numa memdev": (
        "-m 1G -smp 2 -object memory-backend-ram,id=m0,size=512M -object memory-backend-ram,id=m1,size=512M "
        "-numa node,memdev=m0 -numa node,memdev=m1"
    ),
    "slots without maxmem": "-m 1G,slots=2",
    "maxmem": "-m 1G,slots=2,maxmem=4G",
    "nvdimm=on": "-machine nvdimm=on -m 1G,slots=2,maxmem=4G",
    "maxmem 8T": "-m 1G,slots=1,maxmem=8T",
    "smm=on": "-machine smm=on",
    "hpet=off": "-machine hpet=off",
    "hmat=on": "-machine hmat=on",
    "cxl=on": "-machine cxl=on",
    "i8042=off": "-machine i8042=off",
    "usb=on": "-machine usb=on",
    "smp 288": "-smp 288",
    "smp 256": "-smp 256",
    "cpu host": "-cpu host",
    "cpu max": "-cpu max",
    "m=1M": "-m 1M",
    "graphics=off": "-machine graphics=off",
    "pic=off": "-machine pic=off",
    "acpi=off slots": "-machine acpi=off -m 1G,slots=1,maxmem=2G",
    "acpi=off": "-machine acpi=off",
    "acpi=off dimm": (
        "-machine acpi=off -m 1G,slots=1,maxmem=2G -object memory-backend-ram,id=m0,size=64M "
        "-device pc-dimm,memdev=m0"
    ),
    "odd dimm": (
        "-m 1G,slots=1,maxmem=4G -object memory-backend-ram,id=m0,size=65M -device pc-dimm,memdev=m0"
    ),
    "ram 2G less 4K": "-m 2097148K",
    "maxmem not page aligned": "-m 1G,slots=1,maxmem=4000000001",
    "max-ram-below-4g=1G": "-m 2G -machine max-ram-below-4g=1G",
    "max-ram-below-4g=5G": "-m 2G -machine max-ram-below-4g=5G",
    "pflash0": "-blockdev driver=null-co,node-name=p0,size=4194304,read-zeroes=on -machine pflash0=p0",
    "kernel": "-kernel /nonexistent",
    "below pci-bridge": "-device pci-bridge,chassis_nr=1,id=B -device pci-testdev,bus=B",
    "below pci-bridge, shpc off": "-device pci-bridge,chassis_nr=1,id=B,shpc=off -device pci-testdev,bus=B",
    "below pci-bridge, slot 1": "-device pci-bridge,chassis_nr=1,id=B -device pci-testdev,bus=B,addr=1",
    "below pcie-root-port": "-device pcie-root-port,chassis=1,id=B -device pci-testdev,bus=B",
    "below pcie-root-port, slot 1": "-device pcie-root-port,chassis=1,id=B -device pci-testdev,bus=B,addr=1",
    "below pcie-pci-bridge": "-device pcie-pci-bridge,id=B -device pci-testdev,bus=B",
    "two VGA": "-device VGA -device VGA",
    "two e1000": "-device e1000 -device e1000",
    "memory-backend": "-object memory-backend-ram,id=m0,size=1G -m 1G -machine memory-backend=m0",
    "mem-path": "-m 1G -mem-path /dev/shm",
}
VGA_KINDS = ("none", "std", "cirrus", "vmware", "qxl", "virtio", "xenfb", "tcx", "nope")
