"""APIC ids: where a topology has more CPUs than QEMU's own interrupt controller can number."""

from __future__ import annotations

import pytest

import memkit
from memkit.boards.apic_ids import apic_id
from memkit.boards.topology import Topology

NEEDS_KVM = "current -smp configuration requires kernel irqchip and X2APIC API support."


def test_apic_ids_take_whole_bits_for_each_level() -> None:
    # Three cores need two bits, so 64 sockets of them reach id 254, and 65 pass it.
    assert apic_id(Topology(192, 192, sockets=64, cores=3), 191) == 254
    assert apic_id(Topology(195, 195, sockets=65, cores=3), 194) == 258
    assert apic_id(Topology(12, 12, sockets=2, dies=3, cores=2), 11) == 0b1101


@pytest.mark.parametrize(("qemu", "line", "said"), [
    ("5.2", "-smp 256", "apic initialization failed. APIC ID 255 is invalid"),
    ("5.2", "-smp 1,maxcpus=280", "current -smp configuration requires Extended Interrupt Mode enabled. "
     "You can add an IOMMU using: -device intel-iommu,intremap=on,eim=on"),
    ("7.2", "-smp 256", NEEDS_KVM),
    ("7.2", "-smp 1,maxcpus=280", NEEDS_KVM),
    ("10.0", "-smp 256", "Unexpected error in apic_common_set_id() at hw/intc/apic_common.c:447:"),
    ("11.1", "-smp 256", "APIC ID 255 requires x2APIC feature in CPU"),
])
def test_each_release_has_its_own_words_for_ids_above_254(qemu: str, line: str, said: str) -> None:
    with pytest.raises(memkit.Refused) as refused:
        memkit.boot(f"-M q35 {line}", qemu=qemu)
    assert refused.value.message.splitlines()[0] == said


@pytest.mark.parametrize("line", [
    "-smp 1,maxcpus=400", "-cpu max -smp 300", "-cpu qemu64,+x2apic -smp 300", "-cpu Haswell -smp 300",
])
def test_newer_releases_start_what_x2apic_can_number(line: str) -> None:
    assert memkit.boot(f"-M q35 {line}", qemu="10.0").machine_type == "pc-q35-10.0"
