"""Images of disks are taken for granted; firmware, and words that hardly are images, are looked up."""

from __future__ import annotations

import pytest

import memkit

HOST = memkit.Host(files={"/fw/code": 1 << 20, "/data": 5})


def said(line: str) -> str:
    """QEMU's first line, or "" where it starts."""
    try:
        memkit.boot(line, host=HOST)
    except memkit.Refused as refused:
        return refused.message.partition("\n")[0]
    return ""


@pytest.mark.parametrize("line", [
    "-hda disk.img", "disk.qcow2 -m 1G", "-cdrom debian.iso", "-drive file=/no/such,format=raw",
    "-drive if=virtio,file=a.img -drive if=virtio,file=b.img", "-hda a.img -hdb b.img", "/data -m 1G",
    "-drive if=none,id=d,file=a.img -device virtio-blk-pci,drive=d", "nbd:localhost:10809",
    "-drive if=pflash,format=raw,unit=0,file=/fw/code", "-M q35 -hda a -hdb b -hdc c -hdd d",
])
def test_disks_are_taken_for_granted(line: str) -> None:
    assert not said(line)


@pytest.mark.parametrize(("line", "message"), [
    ("1G -m 2G", "1G: Could not open '1G': No such file or directory"),
    ("-m 2G smp 4", "smp: Could not open 'smp': No such file or directory"),
    ("a.img b.img", "b.img: drive with bus=0, unit=0 (index=0) exists"),
    ("-hda a -drive index=0,file=b", "-drive index=0,file=b: drive with bus=0, unit=0 (index=0) exists"),
    ("/dev/shm", "/dev/shm: 'file' driver requires '/dev/shm' to be a regular file"),
    ("x:y", "x:y: Unknown protocol 'x'"),
    ("-pflash /fw/none", "-pflash /fw/none: Could not open '/fw/none': No such file or directory"),
    ("-drive if=sata,file=a", "-drive if=sata,file=a: unsupported bus type 'sata'"),
    ("-drive file=a,format=raww", "-drive file=a,format=raww: Unknown driver 'raww'"),
    ("-drive foo", "-drive foo: Must specify either driver or file"),
    ("-drive file=a,unit=2", "-drive file=a,unit=2: unit 2 too big (max is 1)"),
    ("-M q35 -drive file=a,unit=1", "-drive file=a,unit=1: unit 1 too big (max is 0)"),
    ("-drive if=scsi,file=a", "-drive if=scsi,file=a: machine type does not support if=scsi,bus=0,unit=0"),
    ("-M microvm -hda a", ""),
    ("-M q35 -drive index=6,file=a",
     "-drive index=6,file=a: machine type does not support if=ide,bus=6,unit=0"),
    ("-drive id=d,file=a -device virtio-blk-pci,drive=d",
     "-device virtio-blk-pci,drive=d: Drive 'd' is already in use because it has been automatically "
     "connected to another device (did you need 'if=none' in the drive options?)"),
])
def test_a_drive_without_a_place_or_a_sense_is_refused(line: str, message: str) -> None:
    assert message == said(line)
