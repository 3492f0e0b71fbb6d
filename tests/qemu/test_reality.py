"""The model against the installed QEMU: the same memory, and the same words where it refuses."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import memkit
from memkit.diff import diff
from memkit.errors import Refused
from memkit.qemu.host import observe_host

RAM = "-object memory-backend-ram,id={0},size={1}"

BOOTS = [
    "-m 1G -M q35,pic=off -nodefaults",
    # machines and versions
    "-m 1G",
    "-m 4G -M pc",
    "-m 3G -M q35",
    "-M q35 -m 8G -smp 4",
    "-M microvm -m 512",
    "-M microvm -m 5G -nodefaults",
    "-M pc-i440fx-2.3 -m 1G",
    "-M pc-i440fx-3.1 -m 4G",
    "-M pc-q35-4.2 -m 6G",
    "-M pc-q35-6.2 -m 2G -nodefaults",
    "-M pc,max-ram-below-4g=2G -m 4G",
    "-M pc,max-ram-below-4g=3000M -m 8G",
    "-M q35,max-ram-below-4g=1500M -m 6G",
    "-M q35,hpet=off,vmport=off -m 1G",
    "-m 1G -nodefaults",
    "-m 256 -vga none -nic none",
    "-M pc-i440fx-1.7 -m 4G",
    "-M pc-q35-2.4 -m 2G",
    "-M q35,max-ram-below-4g=1G,smm=off -m 2G",
    "-M microvm,acpi=off -m 1G",
    "-smp 0",
    "-M q35 -m 1G -smp 2,maxcpus=64 -cpu qemu64,phys-bits=38",
    "qemu-system-i386 -m 2G -M pc",
    # backends as main RAM
    f"-m 1G {RAM.format('a', '1G')} -M memory-backend=a",
    "-m 1G -object memory-backend-memfd,id=a,size=1G,share=off -M q35,memory-backend=a",
    "-m 512 -object memory-backend-file,id=a,size=512M,mem-path={shm},share=on -M memory-backend=a",
    "-M pc-i440fx-3.1,memory-backend=a -m 512 -object memory-backend-file,id=a,size=512M,mem-path={shm}",
    "-m 256 -mem-path {shm} -nodefaults",
    "-m 16 -mem-prealloc -nodefaults",
    f"-m 64 {RAM.format('a', '4K')} {RAM.format('b', '260K')} {RAM.format('c', '4K')}",
    f"-m 64G {RAM.format('a', '64G')},reserve=off -M pc,memory-backend=a",
    f"-m 1100G {RAM.format('a', '1100G')},reserve=off -M q35,memory-backend=a -cpu qemu64,phys-bits=48",
    "-m 1G -object memory-backend-ram,id=a,size=1G,share=on,merge=off,dump=off -M memory-backend=a",
    # NUMA
    f"-m 2G -smp 2 {RAM.format('a', '1G')} {RAM.format('b', '1G')} -numa node,memdev=a -numa node,memdev=b",
    f"-m 6G -smp 4 {RAM.format('a', '2G')} {RAM.format('b', '4G')} -numa node,cpus=0-1,memdev=a "
    "-numa node,cpus=2-3,memdev=b -M q35",
    "-m 2G,slots=1,maxmem=4G -M q35",
    "-M pc-i440fx-5.0 -m 3G -smp 3 -numa node,mem=1G,cpus=0 -numa node,mem=2G,cpus=1-2",
    f"-m 2G,slots=4,maxmem=16G -smp 2 {RAM.format('a', '1G')} {RAM.format('b', '1G')} "
    f"{RAM.format('m1', '1G')} -numa node,memdev=a,cpus=0 -numa node,memdev=b,cpus=1 "
    "-device pc-dimm,memdev=m1,node=1",
    # DIMMs, NVDIMMs, virtio-mem, virtio-pmem
    f"-m 4G,slots=4,maxmem=16G {RAM.format('m1', '1G')} -device pc-dimm,memdev=m1,id=d1",
    f"-m 1G,slots=4,maxmem=16G {RAM.format('m1', '1G')} {RAM.format('m2', '512M')} -device pc-dimm,memdev=m1 "
    "-device pc-dimm,memdev=m2,slot=3 -M q35",
    f"-m 1G,slots=4,maxmem=16G {RAM.format('m1', '1G')} -device pc-dimm,memdev=m1,addr=0x200000000",
    f"-M q35,nvdimm=on -m 1G,slots=2,maxmem=4G {RAM.format('n', '1G')} -device nvdimm,memdev=n,id=nv",
    f"-M pc,nvdimm=on -m 1G,slots=2,maxmem=4G {RAM.format('n', '1G')} "
    "-device nvdimm,memdev=n,label-size=128K",
    f"-m 1G,maxmem=8G {RAM.format('v', '2G')} -device virtio-mem-pci,memdev=v,id=vm0,requested-size=1G",
    f"-M q35 -m 1G,maxmem=8G {RAM.format('v', '2G')} -device virtio-pmem-pci,memdev=v,id=vp0",
    "-m 1G,slots=2,maxmem=4G "
    "-object '{{\"qom-type\":\"memory-backend-ram\",\"id\":\"j\",\"size\":1073741824}}' "
    "-device '{{\"driver\":\"pc-dimm\",\"memdev\":\"j\",\"id\":\"dj\"}}'",
    f"-M q35 -m 1G,maxmem=8G -smp 2 {RAM.format('a', '1G')} {RAM.format('v', '2G')} "
    "-numa node,cpus=0-1,memdev=a -numa node -device virtio-mem-pci,memdev=v,node=1,block-size=4M",
    f"-M microvm -m 1G,slots=2,maxmem=8G {RAM.format('m1', '1G')} -device pc-dimm,memdev=m1",
    # PCI devices with memory
    f"-m 1G {RAM.format('s', '16M')} -device ivshmem-plain,memdev=s",
    "-m 1G -vga cirrus",
    "-m 1G -nodefaults -device VGA,vgamem_mb=32",
    "-m 1G -M q35 -nodefaults -device bochs-display -device secondary-vga",
    "-m 1G -nodefaults -device virtio-vga",
    "-m 1G -nodefaults -device virtio-gpu-pci -device ramfb",
    "-m 1G -nodefaults -device qxl-vga",
    "-m 1G -nodefaults -device e1000 -device rtl8139 -device virtio-net-pci",
    "-m 1G -M q35 -nodefaults -device e1000e -device virtio-balloon-pci -device virtio-scsi-pci",
    # firmware
    "-M q35 -m 1G -drive if=pflash,format=raw,unit=0,readonly=on,file={code} "
    "-drive if=pflash,format=raw,unit=1,file={vars}",
    "-M pc -m 1G -drive if=pflash,format=raw,file={code}",
]

REFUSALS = [
    "-device virtio-balloon-pci,free-page-hint=on",
    "-m 128M,maxmem=1G -overcommit mem-lock=on -object memory-backend-ram,id=m,size=64M "
    "-device virtio-mem-pci,memdev=m",
    "-m 8GB",
    "-m 1G,slots=4",
    "-m 4G,maxmem=2G",
    "-M nosuch",
    "-foo",
    "-m",
    "-m 1G -device pc-dimm,memdev=nobody",
    f"-m 1G {RAM.format('m1', '1G')} -device pc-dimm,memdev=m1",
    f"-m 1G,slots=1,maxmem=2G {RAM.format('m1', '2G')} -device pc-dimm,memdev=m1",
    f"-m 1G,slots=1,maxmem=8G {RAM.format('m1', '1G')} {RAM.format('m2', '1G')} -device pc-dimm,memdev=m1 "
    "-device pc-dimm,memdev=m2",
    f"-m 2G {RAM.format('a', '1G')} -M memory-backend=a",
    f"-m 2G -smp 2 {RAM.format('a', '1G')} {RAM.format('b', '512M')} -numa node,memdev=a -numa node,memdev=b",
    f"{RAM.format('a', '1G')} {RAM.format('a', '1G')}",
    "-object memory-backend-ram,id=a",
    "-object memory-backend-ram,id=a,size=1G,colour=red",
    "-object memory-backend-file,id=a,size=1G,mem-path=/no/such/place/x",
    f"-m 1G,slots=2,maxmem=4G {RAM.format('n', '1G')} -device nvdimm,memdev=n",
    f"{RAM.format('s', '3M')} -device ivshmem-plain,memdev=s",
    "-m 1G,slots=1,maxmem=2G -device pc-dimm,id=d1",
    f"-m 1G,slots=2,maxmem=8G {RAM.format('m1', '1G')} -device pc-dimm,memdev=m1 -device pc-dimm,memdev=m1",
    f"-m 1G,slots=2,maxmem=8G {RAM.format('m1', '1G')} -device pc-dimm,memdev=m1,addr=0x123456789",
    f"-m 1G,slots=2,maxmem=8G {RAM.format('m1', '1G')} -device pc-dimm,memdev=m1,addr=0x1000",
    f"-m 1G,slots=2,maxmem=8G {RAM.format('m1', '1G')} -device pc-dimm,memdev=m1,slot=2",
    f"-m 1G,slots=2,maxmem=8G {RAM.format('m1', '1G')} {RAM.format('m2', '1G')} "
    "-device pc-dimm,memdev=m1,slot=0 -device pc-dimm,memdev=m2,slot=0",
    f"-m 1G,slots=2,maxmem=8G {RAM.format('m1', '1G')} {RAM.format('m2', '1G')} "
    "-device pc-dimm,memdev=m1,id=same -device pc-dimm,memdev=m2,id=same",
    f"-m 1G,slots=2,maxmem=8G {RAM.format('m1', '1G')} -device pc-dimm,memdev=m1,node=3",
    "-m 1G,slots=300,maxmem=8G",
    "-m 1G,maxmem=900G,slots=2 -cpu qemu64,phys-bits=36",
    "-m 1024 -smp 2 -numa node,nodeid=0 -numa node,nodeid=1",
    f"-m 1G,maxmem=4G {RAM.format('v', '1G')} -device virtio-mem-pci,memdev=v,requested-size=3M",
    "-m 1G -object '{{\"qom-type\":\"memory-backend-ram\",\"id\":\"j\"'",
    "-m 1G -object memory-backend-ram,id=a,size=1G,share=maybe",
    "-cpu nosuch",
    "-device nosuch",
    "-device VGA,vgamem=1",
]


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """Paths for the command lines: a directory in memory and two flash images."""
    shm = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path
    code, variables = tmp_path / "code.img", tmp_path / "vars.img"
    code.write_bytes(bytes(3653632))
    variables.write_bytes(bytes(540672))
    return {"shm": str(shm), "code": str(code), "vars": str(variables)}


@pytest.fixture(scope="module", autouse=True)
def qemu_that_the_model_knows() -> None:
    """The model speaks for QEMU 7.2; comparing it with another version would prove nothing."""
    binary = shutil.which("qemu-system-x86_64")
    if binary is None:
        return  # the marker decides
    text = subprocess.run([binary, "-version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"version (\d+\.\d+)", text)
    if version is None or version[1] != "7.2":
        pytest.skip(f"the model knows QEMU 7.2; installed is {version[1] if version else text[:40]}")


def stanzas(text: str) -> list[list[str]]:
    """The stanzas of ``info mtree``; QEMU takes their order, and their numbers, from a hash table."""
    found = []
    for stanza in text.replace("\r", "").strip().split("\n\n"):
        lines = stanza.splitlines()
        found.append(sorted(lines[1:]) if lines[0].startswith("FlatView #") else lines)
    return sorted(found)


@pytest.mark.needs_qemu
@pytest.mark.parametrize("line", BOOTS)
def test_the_model_builds_what_qemu_builds(line: str, places: dict[str, str]) -> None:
    line = line.format(**places)
    real = memkit.launch(line)
    model = memkit.boot(line, host=observe_host(places.values()))
    assert str(diff(model, real)).startswith("No difference in the RAMBlocks, the memory map")
    assert model.machine_type == real.machine_type
    assert [b.idstr for b in model.ram_blocks] == [b.idstr for b in real.ram_blocks]
    for command in ("info ramblock", "info memory-devices", "info numa"):
        assert model.monitor(command) == real.monitor(command).replace("\r", "")
    assert stanzas(model.monitor("info mtree")) == stanzas(real.monitor("info mtree"))
    assert stanzas(model.monitor("info mtree -f")) == stanzas(real.monitor("info mtree -f"))
    # launch cuts networks, so it cannot tell which NIC would have had no peer anyway.
    said = [w for w in real.warnings if not w.startswith("memkit: ")]
    assert [w for w in model.warnings if not w.endswith("has no peer")] == [
        w for w in said if not w.endswith("has no peer")
    ]


@pytest.mark.needs_qemu
@pytest.mark.parametrize("line", REFUSALS)
def test_the_model_refuses_in_qemus_words(line: str, places: dict[str, str]) -> None:
    line = line.format(**places)
    with pytest.raises(Refused) as real:
        memkit.launch(line)
    with pytest.raises(Refused) as model:
        memkit.boot(line, host=observe_host(places.values()))
    assert model.value.message.splitlines()[0] == real.value.message.splitlines()[0]
