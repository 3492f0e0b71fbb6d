"""Which capabilities clash in which release, and which memory they meet."""

from __future__ import annotations

import pytest

import memkit
from memkit import Host
from memkit.hazards import hazards
from memkit.versions import KNOWN_QEMU

FILE = "-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M"
TMPFS = "memory-backend-file,mem-path=/dev/shm/f"
MEMFD = "-m 256M -M memory-backend=f -object memory-backend-memfd,id=f,size=256M"


def ids(line: str, *operations: str, qemu: str = "7.2", host: Host | None = None) -> set[str]:
    """The hazards that the operations add to those of the guest."""
    guest = memkit.boot(line, qemu=qemu, host=host)
    return {hazard.id for hazard in hazards(guest, operations)} - {hazard.id for hazard in hazards(guest)}


@pytest.mark.parametrize("qemu", KNOWN_QEMU)
@pytest.mark.parametrize("operation", [
    "migrate-precopy", "migrate-postcopy", "multifd", "x-ignore-shared", "background-snapshot", "mapped-ram",
    "release-ram", "xbzrle", "savevm", "auto-converge", "rdma", "cpr-reboot",
])
def test_a_plain_guest_survives_each_operation(operation: str, qemu: str) -> None:
    assert ids("-accel kvm -M q35 -m 4G", operation, qemu=qemu) == set()


# 03bfc2188f, of 9.0.
@pytest.mark.parametrize("qemu", KNOWN_QEMU)
@pytest.mark.parametrize("operation", ["migrate-precopy", "migrate-postcopy"])
def test_under_tcg_migration_misses_writes_before_9_0(operation: str, qemu: str) -> None:
    found = {"migration-tcg-misses-writes"} if qemu in ("5.2", "7.2", "8.2") else set()
    assert ids("-M q35 -m 4G", operation, qemu=qemu) == found
    assert ids("-accel tcg -m 4G", operation, qemu=qemu) == found


# The pair, a release, and what it has; as migrate-set-capabilities answered in 7.2, 10.0 and 11.1.
@pytest.mark.parametrize(("pair", "qemu", "found"), [
    ("multifd xbzrle", "7.2", {"multifd-xbzrle-silent"}),
    ("multifd xbzrle", "10.0", {"multifd-xbzrle-refused"}),
    ("migrate-postcopy multifd", "7.2", {"postcopy-multifd"}),
    ("migrate-postcopy multifd", "10.0", {"postcopy-multifd-refused"}),
    ("migrate-postcopy multifd", "11.1", set()),
    ("mapped-ram migrate-postcopy", "10.0", {"mapped-ram-incompatibilities"}),
    ("mapped-ram multifd", "10.0", set()),
    ("zero-copy-send multifd", "11.1", set()),
    ("savevm multifd", "10.0", {"savevm-multifd-crash"}),
    ("savevm multifd", "11.1", {"savevm-multifd-refused"}),
    ("rdma migrate-postcopy", "10.0", set()),
    ("rdma migrate-postcopy", "11.1", {"rdma-postcopy-refused"}),
    ("cpr-reboot background-snapshot", "10.0", {"cpr-transfer-conflicts"}),
])
def test_a_pair_of_operations_clashes_in_its_releases(pair: str, qemu: str, found: set[str]) -> None:
    assert ids("-accel kvm -m 256M", *pair.split(), qemu=qemu) == found


@pytest.mark.parametrize("mode", ["calc-dirty-rate-ring", "calc-dirty-rate-bitmap"])
def test_both_modes_that_ask_kvm_crash_a_guest_of_tcg(mode: str) -> None:
    assert ids("-accel tcg -m 64M", mode) == {"calc-dirty-rate-ring-tcg"}
    assert ids("-accel tcg -m 64M", mode, qemu="10.0") == set()


@pytest.mark.parametrize(("path", "qemu", "found"), [
    ("/var/tmp/f", "7.2", {"postcopy-disk-file", "postcopy-wipes-private-template"}),
    ("/var/tmp/f", "8.2", {"postcopy-pmem"}),
    ("/dev/shm/f", "8.2", {"postcopy-wipes-private-template"}),
])
def test_a_template_is_emptied_wherever_postcopy_is_not_refused(
    path: str, qemu: str, found: set[str]
) -> None:
    hit = ids(f"{FILE},mem-path={path}", "migrate-postcopy", qemu=qemu, host=Host(files={path: 256 << 20}))
    assert {id for id in hit if id.startswith("postcopy-")} == found


def test_a_template_that_cannot_be_written_is_not_emptied() -> None:
    line = f"{FILE},mem-path=/dev/shm/f,readonly=on,rom=off"
    hit = ids(line, "migrate-postcopy", qemu="10.0", host=Host(files={"/dev/shm/f": 256 << 20}))
    assert "postcopy-wipes-private-template" not in hit


# What QEMU 10.0 answered to migrate with mode=cpr-transfer.
@pytest.mark.parametrize(("line", "found"), [
    ("-m 64M", {"cpr-transfer-private-ram", "cpr-transfer-aux-ram"}),
    ("-m 64M -M aux-ram-share=on", {"cpr-transfer-private-ram"}),
    (MEMFD, {"cpr-transfer-aux-ram"}),
    (f"{MEMFD} -M aux-ram-share=on", set()),
    ("-m 256M -M memory-backend=f,aux-ram-share=on "
     "-object memory-backend-ram,id=f,size=256M,share=on", set()),
])
def test_every_block_must_be_shared_for_cpr_transfer(line: str, found: set[str]) -> None:
    assert ids(line, "cpr-transfer", qemu="10.0") == found


def test_since_8_1_a_memfd_is_migrated_with_x_ignore_shared() -> None:
    assert ids(MEMFD, "x-ignore-shared") == {"ignore-shared-unnamed-memory"}
    assert ids(MEMFD, "x-ignore-shared", qemu="8.2") == set()
    assert ids(MEMFD, "x-ignore-shared", "savevm") >= {"savevm-ignore-shared-drops-ram"}
    assert ids(MEMFD, "x-ignore-shared", "savevm", qemu="8.2") == set()


# What real QEMU sent: all of a memory-backend-ram in 5.2, none of it in 7.2; none of a memfd in both.
def test_before_6_1_shared_anonymous_memory_is_sent() -> None:
    anonymous = "-m 256M -M memory-backend=f -object memory-backend-ram,id=f,size=256M,share=on"
    assert ids(anonymous, "x-ignore-shared", qemu="5.2") == set()
    assert ids(anonymous, "x-ignore-shared") == {"ignore-shared-unnamed-memory"}
    assert ids(MEMFD, "x-ignore-shared", qemu="5.2") == {"ignore-shared-unnamed-memory"}


PEER = "-m 256M -object memory-backend-memfd,id=i,size=1M,share=on -device ivshmem-plain,memdev=i"
SEV = "-m 256M -object sev-guest,id=sev0,cbitpos=51,reduced-phys-bits=1 -M confidential-guest-support=sev0"


# Real QEMU 7.2 refuses both with the same words for PEER.
@pytest.mark.parametrize(("line", "blocker"), [
    (PEER, "ivshmem-peer-blocks-migration"), (SEV, "sev-no-migration"),
])
def test_what_blocks_precopy_blocks_postcopy_and_snapshots(line: str, blocker: str) -> None:
    assert blocker in ids(line, "migrate-precopy")
    assert blocker in ids(line, "migrate-postcopy")
    assert ids(line, "savevm") == {"savevm-blocked-like-migration"}


# data/migrations: ivshmem/*/ignore-shared of 7.2.
@pytest.mark.parametrize("memory", [
    "memory-backend-ram,share=on", "memory-backend-memfd", f"{TMPFS},share=on",
])
def test_memory_behind_a_bar_stops_x_ignore_shared(memory: str) -> None:
    line = f"-m 256M -object {memory},id=i,size=4M -device ivshmem-plain,memdev=i,master=on"
    moved = {"ignore-shared-ivshmem-moves"}
    assert ids(line, "x-ignore-shared") == moved
    assert ids(line, "x-ignore-shared", qemu="8.2") == (moved if memory.startswith(TMPFS) else set())


# data/migrations: read-only/read-only*-to-read-only*/* of 7.2; 10.0 and 11.1 ended with signal 11, too.
@pytest.mark.parametrize(("share", "operations", "stopped"), [
    ("on", "migrate-precopy", True), ("on", "migrate-precopy x-ignore-shared", False),
    ("off", "migrate-precopy", True), ("off", "migrate-precopy x-ignore-shared", True),
])
def test_a_read_only_nvdimm_arrives_only_if_it_is_not_sent(
    share: str, operations: str, stopped: bool
) -> None:
    line = ("-accel kvm -M nvdimm=on -m 64M,slots=2,maxmem=1G -device nvdimm,memdev=n,unarmed=on "
            f"-object {TMPFS},id=n,size=32M,readonly=on,share={share}")
    for qemu in ("7.2", "10.0", "11.1"):
        hit = ids(line, *operations.split(), qemu=qemu, host=Host(files={"/dev/shm/f": 32 << 20}))
        assert hit == ({"migration-into-readonly"} if stopped else set())
