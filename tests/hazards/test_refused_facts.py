"""What QEMU refuses to start with is no rule: the model refuses it, with QEMU's words."""

from __future__ import annotations

import re

import pytest

import memkit
from memkit import Host

RAM, FILE, MEMFD = (f"-object memory-backend-{kind},id=m" for kind in ("ram", "file", "memfd"))

ARM, POWER, Z = "qemu-system-aarch64 -M virt", "qemu-system-ppc64 -M pseries", "qemu-system-s390x"
DIMM = f"-m 1G,slots=2,maxmem=4G {RAM},size=1G -device pc-dimm,memdev=m"

# The fact, a line, and words of QEMU's message.
REFUSED = [
    ("m-fixed-ram-board-refuses", "qemu-system-aarch64 -M raspi3b -m 2G",
     "Invalid RAM size, should be 1 GiB"),
    ("dimm-unsupported-arch", f"{Z} {DIMM}", "'pc-dimm' is not a valid device model name"),
    ("pflash-exact-size-arm", f"{ARM} -drive if=pflash,format=raw,file=/var/tmp/short",
     "device requires 67108864 bytes, block backend provides"),
    ("arm-dimm-needs-ged", f"{ARM} {DIMM}", "memory hotplug is not enabled: missing acpi-ged device"),
    ("arm-highmem-off", f"{ARM},highmem=off -m 4G", "Addressing limited to 32 bits"),
    ("arm-mte-cpu", f"{ARM},mte=on", "MTE requested, but not supported by the guest CPU"),
    ("arm-mte-no-memory-hotplug", f"{ARM},mte=on -cpu max -bios /var/tmp/short {DIMM}",
     "memory hotplug is not enabled: MTE is enabled"),
    ("arm-pa-range", f"{ARM} -cpu cortex-a53 -m 1G,slots=2,maxmem=2T", "Addressing limited to 40 bits"),
    ("ppc-256m-granularity", f"{POWER} -m 300M", "is not aligned to 256 MiB"),
    ("ppc-dimm-256m", f"{POWER} {DIMM.replace('size=1G', 'size=100M')}",
     "Hotplugged memory size must be a multiple of 256 MB"),
    ("ppc-numa-node-256m", f"{POWER} -m 1G {RAM},size=600M -object memory-backend-ram,id=n,size=424M "
     "-numa node,memdev=m -numa node,memdev=n", "Node 0 memory size 0x25800000 is not aligned to 256 MiB"),
    ("ppc-nvdimm-label-mandatory", f"{POWER} {DIMM.replace('pc-dimm', 'nvdimm')}",
     "PAPR requires NVDIMM devices to have label-size set"),
    ("s390-ram-1m", f"{Z} -m size=131073K", "ram size must be multiples of 1 MiB"),
    ("s390-no-memory-devices-before-10", f"{Z} {DIMM.replace('pc-dimm', 'virtio-mem-ccw')}",
     "'virtio-mem-ccw' is not a valid device model name"),
    ("backend-host-node-absent", f"{RAM},size=1M,policy=bind,host-nodes=5",
     "cannot bind memory to host NUMA"),
    ("backend-host-node-out-of-range", f"{RAM},size=1M,policy=bind,host-nodes=500",
     "Invalid host-nodes value"),
    ("backend-host-nodes-without-policy", f"{RAM},size=1M,host-nodes=0", "must be empty for policy default"),
    ("backend-policy-without-host-nodes", f"{RAM},size=1M,policy=bind",
     "host-nodes must be set for policy bind"),
    ("backend-size-zero", f"{RAM},size=0", "doesn't take value '0'"),
    ("backend-used-twice", f"-m 128M,slots=4,maxmem=4G {RAM},size=128M "
     "-device pc-dimm,memdev=m -device pc-dimm,memdev=m", "can't use already busy memdev: m"),
    ("mem-prealloc-global-hits-reserve-off", f"-m 64M {RAM},size=64M,reserve=off -mem-prealloc",
     "'prealloc=on' and 'reserve=off' are incompatible"),
    ("prealloc-with-reserve-off", f"{RAM},size=64M,reserve=off,prealloc=on",
     "'prealloc=on' and 'reserve=off' are incompatible"),
    ("prealloc-threads-zero", f"{RAM},size=64M,prealloc-threads=0", "doesn't take value '0'"),
    ("align-not-multiple-of-page", f"{FILE},size=12M,mem-path=/dev/shm,align=2K",
     "alignment 0x800 must be multiples of page size 0x1000"),
    ("align-not-power-of-two", f"{FILE},size=12M,mem-path=/dev/shm,align=12M", "must be a power of two"),
    ("align-too-small-for-hugetlb", f"{FILE},size=4M,mem-path=/dev/hugepages,align=1M",
     "alignment 0x100000 must be multiples of page size 0x200000"),
    ("file-backend-too-small", f"{FILE},size=32M,mem-path=/var/tmp/short", "does not match 'size' option"),
    ("mem-path-vs-machine-memory-backend", f"-m 64M {RAM},size=64M -M memory-backend=m -mem-path /dev/shm",
     "can't be used together with"),
    ("hugetlb-pool-exhausted", "-m 2G -mem-path /dev/hugepages", "Cannot allocate memory"),
    ("hugetlb-size-below-page", f"{FILE},size=1M,mem-path=/dev/hugepages",
     "equal to or larger than page size"),
    ("hugetlb-wrong-pool-size", f"{MEMFD},size=1G,hugetlb=on,hugetlbsize=1G", "Cannot allocate memory"),
    ("memfd-hugetlb-unaligned", f"{MEMFD},size=3M,hugetlb=on", "failed to resize memfd to 3145728"),
    ("memfd-hugetlbsize-not-pow2", f"{MEMFD},size=4M,hugetlb=on,hugetlbsize=3M", "must be a power of 2"),
    ("default-ram-id-reserved", "-m 64M -object memory-backend-ram,id=pc.ram,size=64M",
     "object name 'pc.ram' is reserved"),
    ("maxmem-below-size", "-m 128M,slots=2,maxmem=64M", "must be at least the initial memory size"),
    ("maxmem-equals-size-with-slots", "-m 128M,slots=2,maxmem=128M", "memory slots were specified"),
    ("maxmem-unaligned", "-m 128M,slots=2,maxmem=1073741825", "aligned to multiple of 4096 bytes"),
    ("maxmem-unsupported-machine", "-M isapc -m 128M,slots=2,maxmem=1G", "is not supported by: isapc"),
    ("memory-backend-size-mismatch", f"-m 128M {RAM},size=64M -M memory-backend=m",
     "Machine memory size does not match"),
    ("slots-without-maxmem", "-m 128M,slots=2", "slots specified but no max-size"),
    ("too-many-slots-x86", "-m 128M,slots=257,maxmem=1G", "unsupported amount of memory slots: 257"),
    ("phys-bits-too-low", "-m 128M,slots=2,maxmem=1T", "phys-bits too low (40)"),
    ("hmat-needs-machine-flag",
     f"-m 64M {RAM},size=64M -numa node,memdev=m -numa hmat-lb,initiator=0,target=0,"
     "hierarchy=memory,data-type=access-latency,latency=10", "(HMAT) is disabled"),
    ("memory-backend-and-numa-memdev", f"-m 64M {RAM},size=64M -object memory-backend-ram,id=n,size=64M "
     "-M memory-backend=m -numa node,memdev=n", "mutually exclusive"),
    ("numa-mem-removed", "-m 256M -numa node,mem=128M -numa node,mem=128M", "Use -numa node,memdev instead"),
    ("numa-mixing-mem-memdev", f"-M pc-i440fx-5.0 -m 256M {RAM},size=128M -numa node,mem=128M "
     "-numa node,memdev=m", "mixing both is not allowed"),
    ("numa-node-same-memdev-twice", f"-m 128M {RAM},size=64M -numa node,memdev=m -numa node,memdev=m",
     "can't be used multiple times"),
    ("numa-node-without-memory", "-m 256M -numa node", "total memory for NUMA nodes (0x0)"),
    ("numa-total-mismatch", f"-m 256M {RAM},size=64M -numa node,memdev=m", "should equal RAM size"),
    ("option-rom-size-not-pow2", "-device virtio-net-pci,romsize=100000",
     "ROM size 100000 is not a power of two"),
    ("option-rom-too-large", "-device virtio-net-pci,romfile=/var/tmp/rom,romsize=4096",
     "is too large for ROM size 4096"),
    ("pflash-size-rules", "-drive if=pflash,format=raw,file=/var/tmp/flash", "exceeds 8388608 bytes"),
    ("virtio-gpu-blob-needs-udmabuf-memfd", "-device virtio-gpu-pci,blob=on", "without udmabuf"),
]
LATER = [
    ("s390-virtio-mem-page-size", f"{Z} -m 1G,maxmem=4G {MEMFD},size=1G,hugetlb=on "
     "-device virtio-mem-ccw,memdev=m", "Memory device uses a bigger page size than initial memory"),
    ("rom-off-readonly-share-on", f"{FILE},size=4M,mem-path=/var/tmp/rom,readonly=on,rom=off,share=on",
     "'rom' = 'off' is incompatible"),
    ("rom-on-needs-readonly", f"{FILE},size=4M,mem-path=/var/tmp/rom,rom=on",
     "'rom' = 'on' is not supported"),
    ("hugetlb-file-size-unaligned", f"{FILE},size=3M,mem-path=/dev/hugepages", "must be multiple of 2 MiB"),
    ("mem-path-hugetlb-odd-m", "-m 63M -mem-path /dev/hugepages", "must be multiple of 2 MiB"),
    ("readonly-missing-file-created", f"{FILE},size=4M,mem-path=/var/tmp/missing,readonly=on",
     "can't open backing store"),
    ("phys-bits-32bit-cpu", "-m 5G -cpu pentium", "phys-bits too low (32)"),
]
HOST = Host(files={"/var/tmp/short": 16 << 20, "/var/tmp/rom": 4 << 20, "/var/tmp/flash": 9 << 20})
_CASES = [pytest.param(line, words, qemu, id=f"{fact}-{qemu}")
          for facts, qemu in ((REFUSED, "7.2"), (LATER, "10.0")) for fact, line, words in facts]


@pytest.mark.parametrize(("line", "words", "qemu"), _CASES)
def test_it_is_refused_in_qemus_words(line: str, words: str, qemu: str) -> None:
    with pytest.raises(memkit.Refused, match=re.escape(words)):
        memkit.boot(line, qemu=qemu, host=HOST)
