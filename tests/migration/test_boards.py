"""Boards that are no PC: what their QEMUs said when another line received the stream (7.2, and newer)."""

from __future__ import annotations

import pytest

import memkit

UNKNOWN = ("Unknown savevm section or instance '{}' {}. Make sure that your current VM setup matches your "
           "saved VM setup, including any hotplugged devices")
ARM = "qemu-system-aarch64 -M virt -m 256M -nodefaults"
RISCV = "qemu-system-riscv64 -M virt -m 256M -nodefaults"
POWER, Z = "qemu-system-ppc64 -M pseries -m 256M -nodefaults", "qemu-system-s390x -m 256M -nodefaults"
CPU = "error while loading state for instance 0x0 of device 'cpu'"
XIVE = "Missing section footer for spapr-xive"
FAILS = [
    (f"{ARM} -device virtio-balloon-pci", ARM, UNKNOWN.format("0000:00:01.0/virtio-balloon", 0)),
    (f"{RISCV} -device virtio-balloon-pci", RISCV, UNKNOWN.format("0000:00:01.0/virtio-balloon", 0)),
    (f"{POWER} -device virtio-balloon-pci", POWER,
     UNKNOWN.format("pci@800000020000000:00.0/virtio-balloon", 0)),
    (f"{Z} -device virtio-balloon-ccw", Z, UNKNOWN.format("/fe.0.0000/virtio-balloon", 0)),
    ("qemu-system-s390x -m 256M -device virtio-balloon-ccw -device virtio-rng-ccw",
     "qemu-system-s390x -m 256M -device virtio-balloon-ccw", UNKNOWN.format("/fe.0.0002/virtio-rng", 0)),
    (f"{ARM} -smp 2", ARM, CPU), (ARM, f"{ARM} -smp 2", CPU), (f"{ARM} -smp 4", f"{ARM} -smp 2", CPU),
    (f"{ARM} -cpu max -smp 2", f"{ARM} -cpu max", CPU),
    (f"{ARM} -cpu cortex-a76 -smp 2", f"{ARM} -cpu cortex-a76", UNKNOWN.format("cpu_common", 1)),
    (f"{RISCV} -smp 2", RISCV, UNKNOWN.format("cpu_common", 1)),
    (f"{Z} -smp 2", Z, UNKNOWN.format("cpu_common", 1)),
    (f"{POWER} -smp 2", POWER, XIVE), (POWER, f"{POWER} -smp 2", XIVE),
    (POWER.replace("pseries", "pseries,ic-mode=xics") + " -smp 2",
     POWER.replace("pseries", "pseries,ic-mode=xics"), UNKNOWN.format("cpu_common", 1)),
    (POWER, f"{POWER} -M cap-hpt-max-page-size=4k",
     "cap-hpt-max-page-size higher level (16) in incoming stream than on destination (12)"),
    ("qemu-system-riscv64 -M sifive_u", "qemu-system-riscv64 -M sifive_u",
     "sd_ocr_powerup: Assertion `!FIELD_EX32(sd->ocr, OCR, CARD_POWER_UP)' failed."),
]
ALONE = (ARM, RISCV, POWER, Z, "qemu-system-aarch64 -M raspi3b", "qemu-system-aarch64 -M sbsa-ref -m 1G",
         "qemu-system-ppc64 -M powernv9 -m 1G", "qemu-system-aarch64 -M virt,mte=on -cpu max -m 1G")


@pytest.mark.parametrize(("source", "destination", "message"), FAILS)
def test_the_destination_fails_in_its_words(source: str, destination: str, message: str) -> None:
    host = memkit.Host()
    outlook = memkit.migrate(*(memkit.boot(line, qemu="7.2", host=host) for line in (source, destination)))
    assert (outlook.outcome, outlook.where, outlook.message) == ("fails", "destination", message)


@pytest.mark.parametrize("line", ALONE)
def test_a_guest_moves_to_one_with_the_same_line(line: str) -> None:
    host = memkit.Host()
    assert memkit.migrate(*(memkit.boot(line, host=host) for _ in "ab")).outcome == "completes"


def test_a_destination_may_promise_larger_pages() -> None:
    host, small = memkit.Host(), f"{POWER} -M cap-hpt-max-page-size=4k"
    assert memkit.migrate(*(memkit.boot(line, host=host) for line in (small, POWER))).outcome == "completes"


def test_a_guest_under_secure_execution_stays() -> None:
    host = memkit.Host.of("s390x")
    line = ("qemu-system-s390x -accel kvm -M s390-ccw-virtio,confidential-guest-support=pv0 "
            "-object s390-pv-guest,id=pv0 -m 1G")
    outlook = memkit.migrate(*(memkit.boot(line, host=host) for _ in "ab"))
    assert (outlook.outcome, outlook.message) == ("refused", "protected VMs are currently not migratable.")


def test_blocks_end_at_whole_pages_of_the_destinations_host() -> None:
    hosts = memkit.Host.of("aarch64", 64 << 10), memkit.Host.of("aarch64", 64 << 10)
    line = f"{ARM} -device virtio-net-pci"
    assert memkit.migrate(*(memkit.boot(line, host=host) for host in hosts)).outcome == "completes"
