"""Machine type none: RAM only if asked for, and nobody else."""

from __future__ import annotations

import pytest

import memkit

RAM = "-object memory-backend-ram,id=m,size=1G -machine memory-backend=m"


def test_without_options_nobody_is_there() -> None:
    guest = memkit.boot("-M none")
    assert guest.ram_blocks == ()
    assert guest.monitor("info mtree -f") == (
        'FlatView #0\n AS "memory", root: system\n Root memory region: (none)\n  No rendered FlatView\n\n'
        'FlatView #1\n AS "I/O", root: io\n Root memory region: io\n'
        "  0000000000000000-000000000000ffff (prio 0, i/o): io\n\n"
    )


@pytest.mark.parametrize(
    ("line", "name", "size"),
    [("-m 1G", "ram", 1 << 30), ("-m 8K", "ram", 8192), (RAM, "m", 1 << 30), (f"-m 1G {RAM}", "m", 1 << 30)],
)
def test_ram_lies_at_0_if_asked_for(line: str, name: str, size: int) -> None:
    guest = memkit.boot(f"-M none {line}")
    assert [(b.idstr, b.max_length) for b in guest.ram_blocks] == [(name, size)]
    found = guest.flat_view("memory").find(size - 1)
    assert found is not None
    assert found.region.name == name


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-cpu qemu64", "apic-id property was not initialized properly"),
        ("-cpu foo", "unable to find CPU model 'foo'"),
        ("-smp 4", "Invalid SMP CPUs 4. The max CPUs supported by machine 'none' is 1"),
        ("-numa node", "-numa node: NUMA is not supported by this machine-type"),
        ("-device e1000", "-device e1000: No 'PCI' bus found for device 'e1000'"),
        ("-device ramfb",
         "-device ramfb: Parameter 'driver' expects a dynamic sysbus device type for the machine"),
        ("-M acpi=off", "Property 'none-machine.acpi' not found"),
        ("-kernel x", "The -kernel parameter is not supported (use the generic 'loader' device instead)."),
        (f"-m 2G {RAM}", "Machine memory size does not match the size of the memory backend"),
    ],
)
def test_what_needs_a_board_is_refused(line: str, said: str) -> None:
    with pytest.raises(memkit.Refused) as refused:
        memkit.boot(f"-M none {line}")
    assert refused.value.message == said


def test_a_dimm_is_there_but_nobody_sees_it() -> None:
    guest = memkit.boot(
        "-M none -m 1G,slots=2,maxmem=2G -object memory-backend-ram,id=m,size=1G -device pc-dimm,memdev=m"
    )
    assert [(d.addr, d.slot) for d in guest.memory_devices] == [(0, -1)]
    assert [b.idstr for b in guest.ram_blocks] == ["", "ram"]


def test_machine_none_of_another_target_takes_a_cpu_and_a_dimm_that_nothing_shows() -> None:
    """As qemu-system-aarch64 7.2 answers: only x86's CPUs want a number from the board."""
    guest = memkit.boot(
        "-M none -cpu max -object memory-backend-ram,id=m,size=1M -device pc-dimm,id=d,memdev=m",
        target="aarch64",
    )
    assert [(d.id, d.addr, d.slot) for d in guest.memory_devices] == [("d", 0, -1)]
    assert guest.flat_view("memory").root is None
    assert [space.name for space in guest.address_spaces] == ["memory", "I/O", "cpu-memory-0"]


@pytest.mark.parametrize(("line", "said"), [
    ("-M none -cpu nope", "unable to find CPU model 'nope'"),
    ("-M none,foo=1", "Property 'none-machine.foo' not found"),
    ("-M none -numa node", "-numa node: NUMA is not supported by this machine-type"),
    ("-M none -kernel x",
     "The -kernel parameter is not supported (use the generic 'loader' device instead)."),
])
def test_machine_none_of_another_target_refuses_as_qemu_does(line: str, said: str) -> None:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot(line, target="aarch64")
    assert caught.value.message == said
