"""The monitor of a modelled guest prints what the installed QEMU prints: every command, every address space.

QEMU prints stanzas in the order of its hash tables, so they are sorted before they are compared.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest
from stanzas import stanzas

import memkit
from memkit.versions import KNOWN_QEMU

COMMANDS = (
    "info mtree", "info mtree -f", "info ramblock", "info memdev", "info memory-devices", "info numa",
)
RAM = "-object memory-backend-ram,id={0},size={1}"
NULL = "-blockdev driver=null-co,node-name=d,size=67108864"
PORT = "-device pcie-root-port,chassis={0},id=r{0}"

LINES = [
    # boards
    "-M pc -vga cirrus -serial null -serial null -parallel null -parallel null",
    "-M pc,acpi=off,vmport=off -m 5G -nodefaults -usb",
    f"-M q35,nvdimm=on -m 4G,slots=4,maxmem=16G -smp 2 {RAM.format('m', '1G')} -device nvdimm,memdev=m",
    "-M q35,i8042=off,pit=off,hpet=off,smm=off -cpu Skylake-Server,-apic",
    "-M microvm,pcie=on,usb=on -cpu EPYC,phys-bits=46 -m 5G -device virtio-vga",
    "-M microvm,acpi=off,pic=off,rtc=off -serial none",
    "-M isapc -m 4G -cpu pentium -serial none -serial null -nic user,model=ne2k_isa -device sb16",
    "-M pc-i440fx-1.7 -nodefaults -vga std",
    "-M pc-i440fx-2.4 -device qxl-vga -device secondary-vga -net nic,model=virtio",
    "-M pc-q35-2.11 -m 3G,slots=2,maxmem=6G",
    # devices
    "-M pc -nodefaults -device VGA,vgamem_mb=32 -device cirrus-vga -device bochs-display,vgamem=8M",
    "-M pc -device pci-bridge,chassis_nr=1,id=b -device VGA,bus=b,addr=1 -device lsi -device piix4-ide",
    f"-M q35 -nodefaults {PORT.format(1)} -device pcie-pci-bridge,id=p,bus=r1 -device e1000,bus=p,addr=3 "
    f"{PORT.format(2)} -device nvme,serial=s,bus=r2 {NULL} -device virtio-blk-pci,drive=d,romfile=",
    "-M q35 -device pxb-pcie,bus_nr=64,id=px -device pcie-root-port,bus=px,id=r,chassis=3 "
    "-device virtio-net-pci,bus=r -device intel-iommu",
    "-M q35 -device amd-iommu -device pcie-root-port,chassis=3,id=r -device virtio-scsi-pci,bus=r",
    "-M pc -device virtio-iommu-pci -device isa-debug-exit,iobase=0xf4,iosize=4 -debugcon null",
    f"-M q35,cxl=on -m 1G,slots=2,maxmem=4G {RAM.format('c', '256M')} {RAM.format('l', '1M')} "
    "-device pxb-cxl,bus_nr=12,bus=pcie.0,id=cx -device cxl-rp,bus=cx,id=rp,chassis=0,slot=2 "
    "-device cxl-type3,bus=rp,memdev=c,lsa=l,id=t -M cxl-fmw.0.targets.0=cx,cxl-fmw.0.size=4G",
    f"-M pc -m 1G,slots=2,maxmem=8G {RAM.format('a', '512M')} {RAM.format('b', '512M')} "
    f"-numa node,memdev=a -numa node,memdev=b {RAM.format('v', '2G')} {RAM.format('p', '64M')} "
    "-device virtio-mem-pci,memdev=v,requested-size=64M,node=1 -device ivshmem-plain,memdev=p",
]


def ask(qemu: str, line: str) -> dict[str, str]:
    """What the monitor of a paused QEMU prints for each command."""
    talk = ['{"execute": "qmp_capabilities"}']
    for command in COMMANDS:
        arguments = {"command-line": command}
        talk.append(json.dumps({"execute": "human-monitor-command", "arguments": arguments}))
    quiet = ["-S", "-display", "none", "-accel", "tcg", "-qmp", "stdio"]
    done = subprocess.run(
        [qemu, *quiet, *shlex.split(line)], input="\n".join([*talk, '{"execute": "quit"}']),
        capture_output=True, text=True, timeout=60, check=False,
    )
    answers = [json.loads(text) for text in done.stdout.splitlines() if '"return"' in text]
    texts = [a["return"].replace("\r", "") for a in answers if isinstance(a["return"], str)]
    assert len(texts) == len(COMMANDS), done.stderr
    return dict(zip(COMMANDS, texts, strict=True))


def comparable(text: str) -> list[str]:
    """The stanzas; host addresses, which the model does not know, as zero."""
    return stanzas(re.sub(r"0x[0-9a-f]{16}(?=  r[ow]$)", f"0x{0:016x}", text, flags=re.MULTILINE))


@pytest.fixture(scope="module")
def release(qemu: str) -> str:
    """The release of the installed QEMU, if the model knows it."""
    said = subprocess.run([qemu, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    found = re.search(r"version (\d+\.\d+)", said)
    if found is None or found[1] not in KNOWN_QEMU:
        pytest.skip(f"the model knows {', '.join(KNOWN_QEMU)}, and here is: {said.splitlines()[0]}")
    return found[1]


@pytest.mark.needs_qemu
@pytest.mark.parametrize("line", LINES)
def test_the_model_prints_what_the_installed_qemu_prints(line: str, qemu: str, release: str) -> None:
    try:
        guest = memkit.boot(line, qemu=release)
    except memkit.Refused:
        pytest.skip(f"QEMU {release} does not start like this")
    real = ask(qemu, line)
    for command in COMMANDS:
        assert comparable(guest.monitor(command)) == comparable(real[command]), command
