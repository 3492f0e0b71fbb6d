"""What devices need to start, and which values of their properties to try."""

from __future__ import annotations

BOARDS = ("pc", "q35", "microvm")
# What a device on each kind of bus needs before it; tried when the board has no such bus.
COMPANIONS = {
    "usb-bus": "-device qemu-xhci",
    "SCSI": "-device virtio-scsi-pci",
    "virtio-serial-bus": "-device virtio-serial-pci",
    "HDA": "-device intel-hda",
    "sd-bus": "-device sdhci-pci",
    "ccid-bus": "-device qemu-xhci -device usb-ccid",
    "nvme-bus": "-device nvme,serial=s,id=nvme0",
    "virtio-bus": "",
}
DRIVE = "-blockdev driver=null-co,node-name=d0,size=67108864"
RAM = "-object memory-backend-ram,id=m0,size=64M"
CXL = (
    "-machine cxl=on -object memory-backend-ram,id=m0,size=256M -object memory-backend-ram,id=m1,size=256M "
    "-device pxb-cxl,bus_nr=12,id=cxl0,bus=pcie.0 "
)
# What a device that does not start alone wants: (options before it, its properties).
RECIPES: dict[str, tuple[str, str]] = {
    "virtio-blk-pci": (DRIVE, "drive=d0"),
    "virtio-blk-pci-transitional": (DRIVE, "drive=d0"),
    "virtio-blk-pci-non-transitional": (DRIVE, "drive=d0"),
    "nvme": ("", "serial=s"),
    "nvme-ns": (DRIVE + " -device nvme,serial=s", "drive=d0"),
    "pc-dimm": ("-m 128M,slots=2,maxmem=1G " + RAM, "memdev=m0"),
    "nvdimm": ("-machine nvdimm=on -m 128M,slots=2,maxmem=1G " + RAM, "memdev=m0"),
    "virtio-mem-pci": ("-m 128M,maxmem=1G " + RAM, "memdev=m0"),
    "virtio-pmem-pci": ("-m 128M,maxmem=1G " + RAM, "memdev=m0"),
    "ivshmem-plain": (RAM, "memdev=m0"),
    "virtio-9p-pci": ("-fsdev local,id=f0,path=/tmp,security_model=none", "fsdev=f0,mount_tag=t"),
    "virtio-9p-pci-transitional": (
        "-fsdev local,id=f0,path=/tmp,security_model=none",
        "fsdev=f0,mount_tag=t",
    ),
    "virtio-9p-pci-non-transitional": (
        "-fsdev local,id=f0,path=/tmp,security_model=none",
        "fsdev=f0,mount_tag=t",
    ),
    "virtio-crypto-pci": ("-object cryptodev-backend-builtin,id=c0", "cryptodev=c0"),
    "usb-storage": ("-device qemu-xhci " + DRIVE, "drive=d0"),
    "usb-uas": ("-device qemu-xhci", ""),
    "usb-serial": ("-device qemu-xhci -chardev null,id=c0", "chardev=c0"),
    "usb-net": ("-device qemu-xhci -netdev user,id=n0", "netdev=n0"),
    "usb-mtp": ("-device qemu-xhci", "rootdir=/tmp"),
    "ide-hd": (DRIVE, "drive=d0"),
    "scsi-hd": ("-device virtio-scsi-pci " + DRIVE, "drive=d0"),
    "scsi-block": ("-device virtio-scsi-pci " + DRIVE, "drive=d0"),
    "scsi-generic": ("-device virtio-scsi-pci " + DRIVE, "drive=d0"),
    "sd-card": ("-device sdhci-pci " + DRIVE, "drive=d0"),
    "isa-serial": ("-chardev null,id=c0", "chardev=c0"),
    "isa-parallel": ("-chardev null,id=c0", "chardev=c0"),
    "isa-debugcon": ("-chardev null,id=c0", "chardev=c0"),
    "pci-serial": ("-chardev null,id=c0", "chardev=c0"),
    "pci-serial-2x": ("-chardev null,id=c0 -chardev null,id=c1", "chardev1=c0,chardev2=c1"),
    "pci-serial-4x": (
        "-chardev null,id=c0 -chardev null,id=c1 -chardev null,id=c2 -chardev null,id=c3",
        "chardev1=c0,chardev2=c1,chardev3=c2,chardev4=c3",
    ),
    "isa-ipmi-bt": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "isa-ipmi-kcs": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "pci-ipmi-bt": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "pci-ipmi-kcs": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "smbus-ipmi": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "pci-bridge": ("", "chassis_nr=1"),
    "pci-bridge-seat": ("", "chassis_nr=1"),
    "pxb": ("", "bus_nr=64"),
    "pxb-pcie": ("", "bus_nr=64"),
    "pxb-cxl": ("-machine cxl=on", "bus_nr=12"),
    "x3130-upstream": ("-device pcie-root-port,id=rp0,chassis=1", "bus=rp0"),
    "xio3130-downstream": (
        "-device pcie-root-port,id=rp0,chassis=1 -device x3130-upstream,id=up0,bus=rp0",
        "bus=up0,chassis=2",
    ),
    "cxl-rp": (CXL, "bus=cxl0,chassis=1,slot=2,id=rp0"),
    "cxl-upstream": (CXL + "-device cxl-rp,bus=cxl0,chassis=1,slot=2,id=rp0", "bus=rp0"),
    "cxl-downstream": (
        CXL + "-device cxl-rp,bus=cxl0,chassis=1,slot=2,id=rp0 -device cxl-upstream,bus=rp0,id=up0",
        "bus=up0,chassis=3,slot=3",
    ),
    "cxl-type3": (CXL + "-device cxl-rp,bus=cxl0,chassis=1,slot=2,id=rp0", "bus=rp0,memdev=m0,lsa=m1"),
    "intel-iommu": ("-machine kernel-irqchip=split", ""),
    "pvpanic": ("", ""),
    "vmgenid": ("", ""),
    "tpm-tis": ("", ""),
    "loader": ("", "addr=0,data=0,data-len=4"),
    "generic-sdhci": ("", ""),
    "vmcoreinfo": ("", ""),
    "hyperv-testdev": ("-cpu qemu64,+hv-synic", ""),
    "vmbus-bridge": ("-cpu qemu64,+hv-synic", ""),
    "virtserialport": ("-device virtio-serial-pci -chardev null,id=c0", "chardev=c0"),
    "virtconsole": ("-device virtio-serial-pci -chardev null,id=c0", "chardev=c0"),
    "ccid-card-passthru": ("-device qemu-xhci -device usb-ccid -chardev null,id=c0", "chardev=c0"),
    "usb-ccid": ("-device qemu-xhci", ""),
    "usb-braille": ("-device qemu-xhci -chardev null,id=c0", "chardev=c0"),
    "i8042": ("-machine i8042=off", ""),
    "floppy": (DRIVE, "drive=d0"),
    "usb-redir": ("-device qemu-xhci -chardev null,id=c0", "chardev=c0"),
    "acpi-erst": ("-object memory-backend-ram,id=m0,size=64K", "memdev=m0"),
    "kvaser_pci": ("-object can-bus,id=b0", "canbus=b0"),
    "pcm3680_pci": ("-object can-bus,id=b0", "canbus0=b0,canbus1=b0"),
    "mioe3680_pci": ("-object can-bus,id=b0", "canbus0=b0,canbus1=b0"),
    "ctucan_pci": ("-object can-bus,id=b0", "canbus0=b0,canbus1=b0"),
    "ivshmem-doorbell": ("-chardev socket,id=c0,path=IVSHMEM", "chardev=c0"),
    "vmmouse": ("", ""),
    "ipmi-bmc-extern": ("-chardev null,id=c0", "chardev=c0"),
    "ipoctal232": ("-device tpci200", ""),
}
# Properties that may set the size of a RAMBlock, with values to try on every device that has them.
SWEEP = {
    "vgamem_mb": "1 2 3 4 5 7 8 9 12 16 17 24 32 33 64 100 128 256 300 512 1024",
    "vgamem": "1M 2M 3M 4M 5M 8M 12M 16M 17M 32M 64M 100M 256M 300M 512M 1G",
    "ram_size": "1048576 4194304 16777216 33554432 67108864 68157440 104857600 134217728 268435456",
    "vram_size": "4096 5000 1048576 3145728 4194304 67108864 68157440 104857600 134217728 268435456",
    "ram_size_mb": "1 3 4 16 64 65 128",
    "vram_size_mb": "1 3 4 16 64 65 128",
    "vram64_size_mb": "1 3 4 16 64 65 128",
    "max_outputs": "1 2 4",
    "cmb_size_mb": "1 3 64",
    "hostmem": "1M 16M 64M 256M",
    "label-size": "128K 256K",
    "max_hostmem": "1M 256M",
    "rombar": "0 1",
    "romsize": "4096 65536 262144 524288 1048576 2097152 5000",
}
ROM_FILE_SIZES = (1, 2048, 4096, 5000, 65536, 65537, 300000)
COMBINATIONS = {
    "qxl": [
        "ram_size_mb=64,vgamem_mb=64",
        "vgamem_mb=64,ram_size_mb=128",
        "vgamem_mb=128",
        "vram_size_mb=128,vram64_size_mb=64",
        "vram_size_mb=16,vram64_size_mb=128",
        "revision=1",
        "revision=3",
    ],
}
BUSES = (
    ("pc", "", "pci.0"),
    ("q35", "", "pcie.0"),
    ("pc", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ("pc", "-device pci-bridge,chassis_nr=1,shpc=off,id=B", "B"),
    ("q35", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ("pc-q35-6.0", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ("pc-i440fx-1.6", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ("q35", "-device i82801b11-bridge,id=B", "B"),
    ("q35", "-device pcie-pci-bridge,id=B", "B"),
    ("q35", "-device pcie-root-port,chassis=1,id=B", "B"),
    ("q35", "-device ioh3420,chassis=1,id=B", "B"),
    ("q35", "-device pcie-root-port,chassis=1,id=R -device x3130-upstream,bus=R,id=B", "B"),
    (
        "q35",
        "-device pcie-root-port,chassis=1,id=R -device x3130-upstream,bus=R,id=U "
        "-device xio3130-downstream,bus=U,chassis=2,id=B",
        "B",
    ),
    ("pc", "-device pxb,bus_nr=64,id=B", "B"),
    ("q35", "-device pxb-pcie,bus_nr=64,id=B", "B"),
    ("q35", "-machine cxl=on -device pxb-cxl,bus_nr=12,id=B", "B"),
)
PATHS = (
    "-device pxb,bus_nr=64,id=B -device VGA,bus=B",
    "-device pxb,bus_nr=64,id=B -device VGA",
    "-machine q35 -device pxb-pcie,bus_nr=64,id=B -device pcie-root-port,bus=B,id=R,chassis=1 "
    "-device bochs-display,bus=R",
    "-machine q35 -device pcie-root-port,chassis=1 -device bochs-display,bus=pcie.0",
    "-machine q35 -device pcie-root-port,chassis=1 -device pcie-root-port,chassis=2 "
    "-device bochs-display,bus=pcie.1",
    "-machine q35 -device pcie-root-port -device pcie-root-port",
    "-machine q35 -device pcie-root-port,id=R,addr=5.1 -device x3130-upstream,bus=R,id=U "
    "-device xio3130-downstream,bus=U,id=D,chassis=3 -device VGA,bus=D,addr=2.3",
    "-machine microvm,pcie=on -device VGA",
    "-machine microvm,pcie=on -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B",
    "-machine microvm,pcie=on -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B,addr=1",
    "-device VGA,multifunction=on,addr=4 -device secondary-vga,addr=4.1",
    "-device VGA,addr=4 -device secondary-vga,addr=4.1",
    "-device VGA -device VGA",
    "-device VGA -device cirrus-vga",
    "-device isa-vga -device VGA",
    "-machine pc-i440fx-2.12 -device VGA -device VGA",
    "-machine pc-i440fx-2.12 -device VGA -device isa-vga",
    "-machine pc-i440fx-2.12 -device VGA -device qxl-vga",
    "-machine pc-i440fx-2.12 -device VGA -device secondary-vga",
    "-machine pc-i440fx-1.6 -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B",
    "-machine pc-i440fx-1.6 -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B,addr=1",
    "-object memory-backend-ram,id=m0,size=1M -device ivshmem-plain,memdev=m0,id=I",
)
BUS_NAMES = (
    ("pc", "-device pci-bridge,chassis_nr=1 -device pci-bridge,chassis_nr=2"),
    (
        "pc",
        "-device pci-bridge,chassis_nr=1,id=A -device pci-bridge,chassis_nr=2 -device pxb,bus_nr=64",
    ),
    ("q35", "-device pcie-root-port,chassis=1 -device pcie-root-port,chassis=2"),
    ("q35", "-device pcie-root-port,chassis=1,id=A -device pcie-root-port,chassis=2"),
    ("q35", "-device pcie-pci-bridge -device i82801b11-bridge -device pcie-root-port,chassis=1"),
    (
        "q35",
        "-device qemu-xhci -device qemu-xhci,id=A -device virtio-scsi-pci -device virtio-scsi-pci,id=S",
    ),
)
