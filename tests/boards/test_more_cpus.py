"""CPUs of -device find their place, or QEMU's words say why not."""

from __future__ import annotations

import pytest

import memkit

Q35 = "-M q35 -smp 1,sockets=4,maxcpus=4"
CPU = "-device qemu64-x86_64-cpu"


def test_a_further_cpu_has_its_views_of_memory() -> None:
    rest = "core-id=0,thread-id=0"
    guest = memkit.boot(f"{Q35} {CPU},socket-id=3,{rest} {CPU},socket-id=1,{rest}")
    names = [space.name for space in guest.address_spaces if space.name.startswith("cpu-")]
    assert names == [
        "cpu-memory-0", "cpu-smm-0", "cpu-memory-3", "cpu-smm-3", "cpu-memory-1", "cpu-smm-1",
    ]


def test_a_further_cpu_belongs_to_a_node() -> None:
    nodes = "".join(
        f" -object memory-backend-ram,id={name},size=512M -numa node,memdev={name}" for name in "ab"
    )
    guest = memkit.boot(
        f"-M q35 -m 1G -smp 1,sockets=2,maxcpus=2{nodes} {CPU},socket-id=1,core-id=0,thread-id=0"
    )
    assert [node.cpus for node in guest.numa] == [(0,), (1,)]


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (CPU, "CPU socket-id is not set"),
        (f"{CPU},socket-id=1", "CPU core-id is not set"),
        (f"{CPU},socket-id=1,core-id=0", "CPU thread-id is not set"),
        (f"{CPU},socket-id=4,core-id=0,thread-id=0", "Invalid CPU socket-id: 4 must be in range 0:3"),
        (f"{CPU},socket-id=0,core-id=0,thread-id=0", "CPU[0] with APIC ID 0 exists"),
        ("-device EPYC-x86_64-cpu", "Invalid CPU type, expected cpu type: 'qemu64-x86_64-cpu'"),
    ],
)
def test_a_cpu_without_a_place_is_refused(device: str, words: str) -> None:
    with pytest.raises(memkit.Refused) as refused:
        memkit.boot(f"{Q35} {device}")
    assert refused.value.message == f"{device}: {words}"
