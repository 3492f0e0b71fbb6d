"""The rules of devices, shared memory and memory devices alarm where they must, and only there."""

from __future__ import annotations

import re

import pytest

import memkit
from memkit import Host, Mount
from memkit.hazards import hazards, rank
from memkit.versions import KNOWN_QEMU

HOST = Host(
    directories=(*Host().directories, "/sys/bus/pci/devices/0000:01:00.0"),
    mounts={**Host().mounts, "/mnt/pmem": Mount("ext4-dax")},
    files={"/var/tmp/image": 256 << 20, "/var/tmp/full": 512 << 20},
)
NIC = "-device vfio-pci,id=nic,host=01:00.0"
CHARDEV = "-chardev socket,id=c,path=/tmp/c"
DISK = f"{CHARDEV} -device vhost-user-blk-pci,id=disk,chardev=c"
MEMFD = "-m 256M -M memory-backend=m -object memory-backend-memfd,id=m,size=256M"
BALLOON = "-device virtio-balloon-pci,id=balloon"
VIRTIO_MEM = "-m 256M,maxmem=2G -device virtio-mem-pci,id=vm,memdev=v -object memory-backend"
NVDIMM = ("-M pc,nvdimm=on -m 256M,slots=2,maxmem=1G -device nvdimm,id=nv,memdev=n "
          "-object memory-backend-file,id=n")


def found(line: str, *operations: str, qemu: str = "7.2") -> dict[str, memkit.hazards.Hazard]:
    guest = memkit.boot(line, qemu=qemu, host=HOST)
    return {hazard.id: hazard for hazard in hazards(guest, operations)}


PRODUCTION = [
    f"-accel kvm -M q35 -cpu host {MEMFD},share=on {CHARDEV} -device vhost-user-fs-pci,chardev=c,tag=t "
    f"{BALLOON},free-page-reporting=on",
    f"-accel kvm -M q35 -cpu host -m 8G {NIC} -device intel-iommu",
    f"-accel kvm -M q35 -m 512M -mem-path /dev/hugepages -mem-prealloc {NIC}",
    f"-accel kvm {VIRTIO_MEM}-ram,id=v,size=1G {BALLOON}",
    f"-accel kvm {NVDIMM},size=128M,mem-path=/var/tmp/nv,share=on",
    f"-accel kvm {NVDIMM},size=128M,mem-path=/mnt/pmem/nv,share=on,pmem=on",
    "-accel kvm -m 256M -object memory-backend-file,id=i,size=1M,mem-path=/dev/shm/i,share=on "
    "-device ivshmem-plain,memdev=i",
    "-accel kvm -m 256M,slots=2,maxmem=1G -object memory-backend-ram,id=d,size=128M -device pc-dimm,memdev=d",
    "-accel kvm -m 256M,maxmem=1G -object memory-backend-file,id=p,size=128M,mem-path=/var/tmp/p,share=on "
    "-device virtio-pmem-pci,memdev=p",
]


@pytest.mark.parametrize("qemu", KNOWN_QEMU)
@pytest.mark.parametrize("line", PRODUCTION)
def test_a_sane_production_line_raises_no_serious_alarm(line: str, qemu: str) -> None:
    assert [h.id for h in found(line, qemu=qemu).values() if rank(h.severity) <= rank("security")] == []


def test_a_network_over_vhost_user_counts_like_a_device() -> None:
    line = f"-m 256M {CHARDEV} -netdev vhost-user,id=net,chardev=c -device virtio-net-pci,netdev=net"
    hazard = found(line)["vhost-user-anonymous-ram"]
    assert hazard.sentences == ("RAMBlock pc.ram is anonymous memory, which the process of net cannot map.",)


@pytest.mark.parametrize(("qemu", "present"), [("7.2", True), ("10.0", True), ("11.1", False)])
def test_a_private_file_is_hidden_from_vhost_user_since_11_0(qemu: str, present: bool) -> None:
    line = f"{MEMFD},share=off {DISK}"
    assert ("vhost-user-memfd-share-off" in found(line, qemu=qemu)) is present
    assert ("vhost-user-anonymous-ram" in found(line, qemu=qemu)) is not present


@pytest.mark.parametrize(("qemu", "present"), [("7.2", True), ("10.0", False), ("11.1", False)])
def test_shared_anonymous_memory_has_a_descriptor_since_10_0(qemu: str, present: bool) -> None:
    line = f"-m 256M -M memory-backend=m -object memory-backend-ram,id=m,size=256M,share=on {DISK}"
    assert ("vhost-user-ram-share-on-version" in found(line, qemu=qemu)) is present


def test_the_fix_of_anonymous_memory_makes_a_shared_memfd_of_it() -> None:
    line = f"-m 256M {DISK}"
    config = found(line)["vhost-user-anonymous-ram"].fix(memkit.boot(line).config)
    words = config.objects[0]
    assert (words.qom_type, words.props["share"]) == ("memory-backend-memfd", True)
    assert config.machine["memory-backend"] == words.id


def test_a_fix_that_numa_nodes_forbid_says_what_to_write() -> None:
    line = f"-M pc-i440fx-5.0 -m 256M -numa node,mem=256M {DISK}"
    hazard = found(line)["vhost-user-anonymous-ram"]
    with pytest.raises(memkit.MemkitError, match="memdev=ID"):
        hazard.fix(memkit.boot(line).config)


def test_seven_dimms_and_main_ram_are_nine_pieces_for_vhost_user() -> None:
    dimms = "".join(f" -object memory-backend-memfd,id=d{n},size=4M -device pc-dimm,memdev=d{n},"
                    f"addr={(4 << 30) + (n << 27)}" for n in range(7))
    line = f"{MEMFD}".replace("-m 256M", "-m 256M,slots=8,maxmem=8G") + f"{dimms} {DISK}"
    sentence = found(line)["vhost-user-8-memslots-coldplug"].sentences[0]
    assert sentence == "RAM and memory devices are 9 pieces, disk may take only 8."


@pytest.mark.parametrize(("qemu", "ids"), [
    ("5.2", {"vfio-blocks-migration"}),
    ("7.2", {"vfio-blocks-migration"}),
    ("8.2", {"vfio-viommu-migration", "vfio-vs-postcopy", "vfio-vs-background-snapshot"}),
    ("11.1", {"vfio-viommu-migration", "vfio-vs-postcopy", "vfio-vs-background-snapshot"}),
])
def test_what_blocks_the_migration_of_a_vfio_device(qemu: str, ids: set[str]) -> None:
    operations = ("migrate-precopy", "migrate-postcopy", "background-snapshot")
    hit = found(f"-M q35 -device intel-iommu {NIC}", *operations, qemu=qemu).values()
    refused = {h.id for h in hit if h.severity == "refuses-operation"}
    assert {id for id in refused if id.startswith("vfio-")} == ids


@pytest.mark.parametrize(("qemu", "present"), [("5.2", True), ("7.2", False)])
def test_vfio_forbids_virtio_mem_before_6_1(qemu: str, present: bool) -> None:
    hit = found(f"{VIRTIO_MEM}-ram,id=v,size=512M {NIC}", qemu=qemu)
    assert ("virtio-mem-vs-discard-blockers" in hit) is present


def test_virtio_mem_is_not_pinned_as_a_whole() -> None:
    assert found(f"{VIRTIO_MEM}-ram,id=v,size=512M {NIC}")["vfio-pins-all-ram"].names == ("pc.ram", "nic")


def test_a_mediated_device_may_allow_the_balloon() -> None:
    assert "vfio-inhibits-balloon" in found(f"{NIC} {BALLOON}")
    assert "vfio-inhibits-balloon" not in found(f"{NIC},x-balloon-allowed=on {BALLOON}")


@pytest.mark.parametrize("file", ["mem-path=/dev/shm/new", "mem-path=/dev/hugepages",
                                  "mem-path=/var/tmp/full,discard-data=on"])
def test_a_file_that_nobody_needs_may_be_emptied(file: str) -> None:
    assert "virtio-mem-zeroes-existing-file" not in found(f"{VIRTIO_MEM}-file,id=v,size=512M,share=on,{file}")


@pytest.mark.parametrize("more", [",unarmed=on", ""])
def test_an_nvdimm_that_promises_nothing_loses_nothing(more: str) -> None:
    line = NVDIMM.replace("memdev=n", f"memdev=n{more}") + ",size=128M,mem-path=/var/tmp/nv"
    assert ("nvdimm-share-off-loses-writes" in found(line)) is not more


def test_a_cxl_window_of_one_target_runs_code_since_11_1() -> None:
    line = ("-accel kvm -M q35,cxl=on,cxl-fmw.0.targets.0=b1,{more}cxl-fmw.0.size=4G -m 256M "
            "-object memory-backend-ram,id=m,size=256M -object memory-backend-ram,id=l,size=256M "
            "-device pxb-cxl,bus_nr=12,bus=pcie.0,id=b1 -device pxb-cxl,bus_nr=222,bus=pcie.0,id=b2 "
            "-device cxl-rp,port=0,bus=b1,id=rp,chassis=0,slot=2 "
            "-device cxl-type3,bus=rp,memdev=m,lsa=l,id=x")
    one, two = line.format(more=""), line.format(more="cxl-fmw.0.targets.1=b2,")
    assert "cxl-kvm-execute" in found(one)
    assert "cxl-kvm-execute" not in found(one, qemu="11.1")
    assert "cxl-kvm-execute" in found(two, qemu="11.1")


def test_an_object_that_the_machine_does_not_name_protects_nothing() -> None:
    line = "-M q35 -object sev-guest,id=s,cbitpos=51,reduced-phys-bits=1"
    assert "cgs-needs-kvm" not in found(line)
    assert "cgs-needs-kvm" in found(f"{line} -M confidential-guest-support=s")


DIMM = "-object memory-backend-ram,id=d,size=128M -device pc-dimm,memdev=d"
CXL = "-object memory-backend-ram,id=m,size=256M -device pxb-cxl,bus_nr=12,id=b"

# The fact, the QEMU, a line, and words of QEMU's message.
REFUSED = [
    ("cxl-fmw-granularity", "7.2", "-M q35,cxl=on,cxl-fmw.0.targets.0=b,cxl-fmw.0.size=100M", "256MiB"),
    ("cxl-lsa-required", "7.2",
     f"-M q35,cxl=on -m 256M {CXL} -device cxl-rp,port=0,bus=b,id=r,chassis=0,slot=2 "
     "-device cxl-type3,bus=r,memdev=m", "lsa property must be set"),
    ("cxl-off", "7.2", f"-M q35 -m 256M {CXL}", "CXL host bridges present, but cxl=off"),
    ("sgx-epc-needs-host", "7.2", "-object memory-backend-epc,id=m,size=64M", "invalid object type"),
    ("ivshmem-not-power-of-two", "7.2",
     "-object memory-backend-ram,id=m,size=3M -device ivshmem-plain,memdev=m", "is_power_of_2"),
    ("balloon-only-one", "7.2", f"{BALLOON} -device virtio-balloon-pci", "Only one balloon device"),
    ("free-page-hint-needs-iothread", "7.2", f"{BALLOON},free-page-hint=on", "requires 'iothread'"),
    ("virtiofs-dax-window-not-upstream", "11.1",
     f"{CHARDEV} -device vhost-user-fs-pci,chardev=c,tag=t,cache-size=1G", "cache-size' not found"),
    ("device-memory-fragmentation", "7.2",
     "-m 128M,slots=1,maxmem=2176M -object memory-backend-ram,id=d,size=64M "
     "-device pc-dimm,memdev=d,addr=0x160000000 -object memory-backend-ram,id=v,size=1984M "
     "-device virtio-mem-pci,memdev=v", "fragmented"),
    ("dimm-addr-outside-window", "7.2", f"-m 128M,slots=1,maxmem=1G {DIMM},addr=0x1000000", "usable range"),
    ("dimm-addr-unaligned", "7.2", f"-m 128M,slots=1,maxmem=1G {DIMM},addr=0x100001000", "must be aligned"),
    ("dimm-exceeds-maxmem", "7.2", f"-m 128M,slots=1,maxmem=192M {DIMM}", "not enough space"),
    ("dimm-needs-acpi", "7.2", f"-M acpi=off -m 128M,slots=1,maxmem=1G {DIMM}", "acpi disabled"),
    ("dimm-size-not-2m", "7.2", "-m 128M,slots=1,maxmem=1G -object memory-backend-ram,id=d,size=100001K "
     "-device pc-dimm,memdev=d", "must be multiple of 0x200000"),
    ("dimm-slots-exhausted", "7.2", f"-m 128M,slots=1,maxmem=4G {DIMM} "
     "-object memory-backend-ram,id=e,size=128M -device pc-dimm,memdev=e", "no free slots"),
    ("dimm-without-slots", "7.2", f"-m 128M,maxmem=1G {DIMM}", "no slots where allocated"),
    ("virtio-mem-without-maxmem", "7.2", f"{VIRTIO_MEM}-ram,id=v,size=64M".replace(",maxmem=2G", ""),
     "maxmem"),
    ("nvdimm-label-does-not-fit", "7.2",
     f"{NVDIMM},size=2M,mem-path=/dev/hugepages".replace("=nv", "=nv,label-size=128K"), "too small to"),
    ("nvdimm-label-too-small", "7.2",
     f"{NVDIMM},size=128M,mem-path=/dev/shm/n".replace("=nv", "=nv,label-size=64K"), "at least 0x20000"),
    ("nvdimm-not-enabled", "7.2", f"{NVDIMM},size=128M,mem-path=/dev/shm/n".replace(",nvdimm=on", ""),
     "not enabled"),
    ("nvdimm-readonly-needs-unarmed", "7.2", f"{NVDIMM},size=128M,mem-path=/var/tmp/image,readonly=on",
     "unarmed"),
    ("virtio-mem-backend-prealloc", "8.2", f"{VIRTIO_MEM}-ram,id=v,size=64M,prealloc=on",
     "preallocation enabled"),
    ("virtio-mem-global-mem-prealloc", "8.2", f"-mem-prealloc {VIRTIO_MEM}-ram,id=v,size=64M",
     "preallocation enabled"),
    ("virtio-mem-block-below-hugepage", "7.2",
     f"{VIRTIO_MEM}-memfd,id=v,size=64M,hugetlb=on".replace("=vm,", "=vm,block-size=1M,"),
     "at least the page size"),
    ("virtio-mem-dynamic-memslots-needs-inaccessible", "8.2", f"{VIRTIO_MEM}-ram,id=v,size=64M".replace(
        "=vm,", "=vm,dynamic-memslots=on,unplugged-inaccessible=off,"), "to be 'on'"),
    ("virtio-mem-mlock", "7.2", f"-overcommit mem-lock=on {VIRTIO_MEM}-ram,id=v,size=64M",
     "Incompatible with mlock"),
    ("virtio-mem-mlock", "11.1", f"-overcommit mem-lock=on-fault {VIRTIO_MEM}-ram,id=v,size=64M",
     "Incompatible with mlock"),
    ("virtio-mem-readonly-backend", "7.2",
     f"{VIRTIO_MEM}-file,id=v,size=256M,mem-path=/var/tmp/image,readonly=on", "unsupported memdev"),
]


@pytest.mark.parametrize(("qemu", "line", "words"),
                         [pytest.param(*case, id=f"{fact}-{case[0]}") for fact, *case in REFUSED])
def test_it_is_refused_in_qemus_words(qemu: str, line: str, words: str) -> None:
    with pytest.raises(memkit.Refused, match=re.escape(words)):
        memkit.boot(line, qemu=qemu, host=HOST)


@pytest.mark.parametrize(("append", "alarm"), [
    ("root=/dev/pmem0p1 rootflags=dax,errors=remount-ro ro", False), ("root=/dev/pmem0 ro quiet", False),
    ("root=/dev/pmem0p1 rw", True), ("root=/dev/pmem0p1 rootflags=dax,ro", True),
    ("root=/dev/pmem1p1 ro", True),
    ("root=/dev/vda1 ro", True),
])
def test_a_private_image_that_is_the_root_to_read_only_loses_nothing(append: str, alarm: bool) -> None:
    line = f"{NVDIMM},size=128M,mem-path=/var/tmp/image"
    argv = [*line.split(), "-kernel", "/boot/vmlinuz", "-append", append]
    assert ("nvdimm-share-off-loses-writes" in found(argv)) is alarm


@pytest.mark.parametrize(("cpu", "alarm"), [
    ("host", False), ("host,host-phys-bits", False), ("host,+host-phys-bits,-kvm-steal-time", False),
    ("host,-host-phys-bits", True), ("host,phys-bits=40", True), ("Skylake-Server", True),
    ("Skylake-Server,host-phys-bits=on", False),
])
def test_tdx_takes_a_cpu_with_the_bits_of_the_host(cpu: str, alarm: bool) -> None:
    line = f"-accel kvm -cpu {cpu} -M q35,confidential-guest-support=t -object tdx-guest,id=t"
    assert ("tdx-phys-bits" in found(line, qemu="11.1")) is alarm


# What QEMU 10.0 and 11.1 started and refused, with a process that does not offer CONFIGURE_MEM_SLOTS.
@pytest.mark.parametrize(("size", "late"), [("512M", False), ("1G", False), ("1152M", True), ("8G", True)])
def test_a_virtio_mem_device_of_one_slot_takes_none_from_later_devices(size: str, late: bool) -> None:
    line = (f"-m 256M,maxmem=16G -object memory-backend-memfd,id=v,size={size} "
            "-device virtio-mem-pci,memdev=v,dynamic-memslots=on "
            "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c")
    assert ("virtio-mem-memslots-then-vhost" in found(line, qemu="10.0")) == late
