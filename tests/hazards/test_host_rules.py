"""The rules of host memory and of the guest's layout alarm where they must, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest

import memkit
from memkit import Host, Mount
from memkit.hazards import RULES, Rule, hazards, rank
from memkit.monitor.parser import read_monitor
from memkit.versions import KNOWN_QEMU, parse_version

FILE = "-m 64M -M memory-backend=f -object memory-backend-file,id=f,size=64M,mem-path=/dev/shm/f"
MEMFD = "-m 64M -M memory-backend=f -object memory-backend-memfd,id=f,size=64M"
RAM = "-m 64M -M memory-backend=r -object memory-backend-ram,id=r,size=64M"


def ids(line: str, *operations: str, qemu: str = "7.2", host: Host | None = None) -> set[str]:
    return {hazard.id for hazard in hazards(memkit.boot(line, qemu=qemu, host=host), operations)}


PRODUCTION = [
    "-accel kvm -M q35 -m 4G -object memory-backend-memfd,id=m,size=4G,share=on -M memory-backend=m "
    "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c",
    "-M q35 -m 512M -object memory-backend-memfd,id=m,size=512M,hugetlb=on,prealloc=on,share=on "
    "-M memory-backend=m",
    "-M q35 -m 512M -mem-path /dev/hugepages -mem-prealloc",
    "-M q35 -m 512M -object memory-backend-file,id=m,size=512M,mem-path=/dev/shm/ram,share=on "
    "-M memory-backend=m",
    "-M q35 -m 4G,maxmem=20G -object memory-backend-ram,id=v,size=16G,reserve=off "
    "-device virtio-mem-pci,memdev=v,requested-size=1G",
    "-M q35,nvdimm=on -m 4G,slots=2,maxmem=20G -object "
    "memory-backend-file,id=n,size=1G,mem-path=/var/tmp/n,share=on,align=2M -device nvdimm,memdev=n",
    "-M q35,mem-merge=off -m 4G",
    "-M q35 -m 1G -smp 2 -object memory-backend-ram,id=a,size=512M,policy=bind,host-nodes=0 "
    "-object memory-backend-ram,id=b,size=512M,policy=bind,host-nodes=0 "
    "-numa node,memdev=a,cpus=0 -numa node,memdev=b,cpus=1",
]


@pytest.mark.parametrize("line", PRODUCTION)
def test_a_sane_guest_has_nothing_worse_than_slow_memory(line: str) -> None:
    worst = rank("performance")
    assert [str(h) for h in hazards(memkit.boot(line)) if rank(h.severity) < worst] == []


@pytest.mark.parametrize(("line", "found"), [
    (f"{RAM},reserve=off", True), (f"{MEMFD},reserve=off", False), (f"{MEMFD},share=off,reserve=off", True),
    (f"{MEMFD},share=off,hugetlb=on,reserve=off", False), (RAM, False),
])
def test_only_private_memory_needs_a_reservation_without_overcommit(line: str, found: bool) -> None:
    assert ("reserve-off-overcommit-2" in ids(line, host=Host(overcommit="never"))) == found
    assert "reserve-off-overcommit-2" not in ids(line)


@pytest.mark.parametrize(("size", "found"), [("1G", False), ("1026M", True)])
def test_huge_pages_without_reservation_are_counted_against_the_pool(size: str, found: bool) -> None:
    line = (f"-m {size} -M memory-backend=f "
            f"-object memory-backend-memfd,id=f,size={size},hugetlb=on,reserve=off")
    assert ("hugetlb-reserve-off-sigbus" in ids(line)) == found


def test_a_pool_that_the_host_does_not_tell_raises_no_alarm() -> None:
    host = Host(mounts={"/": Mount("ext4"), "/dev/hugepages": Mount("hugetlbfs", 2 << 20)})
    line = "-m 4G -M memory-backend=f -object memory-backend-memfd,id=f,size=4G,hugetlb=on,reserve=off"
    assert "hugetlb-reserve-off-sigbus" not in ids(line, host=host)


def test_several_preferred_nodes_work_since_8_0() -> None:
    line = f"{RAM},policy=preferred,host-nodes=0,host-nodes=1"
    assert "backend-policy-preferred-multi-node" in ids(line)
    assert "backend-policy-preferred-multi-node" not in ids(line, qemu="8.2")


@pytest.mark.parametrize(("rule", "line", "qemu"), [
    ("readonly-missing-file-created", f"{FILE},readonly=on", "7.2"),
    ("mem-path-hugetlb-odd-m", "-m 63M -mem-path /dev/hugepages", "8.2"),
    ("phys-bits-32bit-cpu", "-m 5G -cpu pentium", "7.2"),
    # The machine type keeps it, whatever the release.
    ("phys-bits-32bit-cpu", "-m 5G -cpu pentium -M pc-i440fx-7.2", "10.0"),
])
def test_what_is_refused_later_is_a_hazard_before(rule: str, line: str, qemu: str) -> None:
    assert rule in ids(line, qemu=qemu)


def test_merge_off_is_kept_by_files_and_shared_memory_only() -> None:
    rule = "merge-off-ignored-for-memory-backend-ram"
    assert rule in ids(f"{RAM},merge=off")
    assert rule not in ids(f"{RAM},merge=off,share=on")
    assert rule not in ids(f"{MEMFD},merge=off,share=off")
    assert rule not in ids(RAM)


def test_a_machine_that_asks_for_merging_is_told_of_memory_that_cannot_be() -> None:
    assert "ksm-noop-on-shared" in ids(f"{MEMFD} -M mem-merge=on")
    assert "ksm-noop-on-shared" not in ids(f"{MEMFD},share=off -M mem-merge=on")
    assert "ksm-noop-on-shared" not in ids(f"{MEMFD},merge=off -M mem-merge=on")


def test_only_amd_models_make_room_below_one_tebibyte() -> None:
    line = "-accel kvm -M q35 -m 1100G -cpu {},phys-bits=48"
    assert "amd-1tb-hole-relocation" in ids(line.format("EPYC"))
    assert "amd-1tb-hole-relocation" not in ids(line.format("Skylake-Server"))


@pytest.mark.parametrize(("line", "found"), [
    ("-vga std -global VGA.vgamem_mb=5", True), ("-vga std -global VGA.vgamem_mb=8", False),
    ("-vga std", False),
])
def test_video_ram_is_asked_for_with_global_too(line: str, found: bool) -> None:
    assert ("vgamem-clamped" in ids(f"-nodefaults {line}")) == found


def test_an_object_in_use_cannot_be_deleted_and_the_machines_own_is_none() -> None:
    assert "backend-delete-while-mapped" in ids(RAM, "object-del")
    assert "backend-delete-while-mapped" not in ids("-m 64M", "object-del")
    assert "backend-delete-while-mapped" not in ids(RAM)


def test_a_dax_device_is_no_file_that_somebody_cuts() -> None:
    line = "-m 64M -M memory-backend=f -object memory-backend-file,id=f,size=64M,share=on,align=2M,mem-path="
    assert "file-truncated-under-vm" in ids(f"{line}/var/tmp/f")
    assert not {"file-truncated-under-vm", "two-vms-one-shared-file"} & ids(f"{line}/dev/dax0.0")


def test_memory_of_the_machine_itself_is_mended_by_mem_prealloc() -> None:
    line = "-m 64M -mem-path /dev/hugepages"
    hazard = next(h for h in hazards(memkit.boot(line)) if h.id == "hugetlb-reserved-not-allocated-cgroup")
    assert hazard.fix(memkit.boot(line).config).text() == f"{line} -mem-prealloc"  # type: ignore[arg-type]


def test_memory_locked_when_used_stays_empty_until_then() -> None:
    line = f"{RAM},reserve=off -overcommit mem-lock="
    assert {"mem-lock-overcommit", "mem-lock-reserve-off"} <= ids(f"{line}on")
    assert not {"mem-lock-overcommit", "mem-lock-reserve-off"} & ids(f"{line}on-fault", qemu="10.0")


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES.values()])
def test_a_guest_without_a_command_line_is_asked_without_harm(rule: Rule) -> None:
    target = (rule.architectures or ("x86_64",))[0]
    qemu = next(v for v in ("7.2", *KNOWN_QEMU) if rule.holds_for(parse_version(v), target))
    guest = replace(memkit.boot(rule.example, qemu=qemu, host=rule.host), config=None)
    assert all(hazard.sentences for hazard in hazards(guest, rule.operations))


def test_a_guest_read_from_text_has_no_known_cpu() -> None:
    shown = memkit.boot("-M isapc -m 5G")
    text = {name: shown.monitor(name) for name in ("info ramblock", "info mtree", "info mtree -f")}
    assert [h.id for h in hazards(read_monitor(text))] == []
