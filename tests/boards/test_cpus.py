"""CPU models bring the address bits, the vendor and the refusals of QEMU 7.2."""

from __future__ import annotations

import pytest

import memkit
from memkit.boards import cpus
from memkit.boards.build import Build
from memkit.boards.machine import apply_properties, select_machine
from memkit.config import parse
from memkit.errors import Refused
from memkit.host import Host


def build(line: str) -> Build:
    config = parse(line)
    machine = select_machine(config)
    apply_properties(machine, config)
    return Build(config, Host(), machine)


@pytest.mark.parametrize(
    ("line", "bits", "amd", "apic"),
    [
        ("-M pc", 40, True, True),
        ("-cpu Skylake-Server", 40, False, True),
        ("-cpu Skylake-Server,vendor=AuthenticAMD", 40, True, True),
        ("-cpu EPYC,phys-bits=0x30", 48, True, True),
        ("-cpu qemu64,phys_bits=46", 46, True, True),
        ("-cpu qemu32", 32, False, True),
        ("-cpu pentium", 32, False, True),
        ("-cpu pentium,+lm", 40, False, True),
        ("-cpu qemu64,-lm", 36, True, True),
        ("-cpu qemu64,lm=off,-pse36", 32, True, True),
        ("-cpu 486", 32, False, False),
        ("-cpu 486 -smp 2", 32, False, True),
        ("-cpu qemu64,-apic", 40, True, False),
        ("-cpu Dhyana", 40, False, True),
    ],
)
def test_a_model_has_its_address_bits_vendor_and_apic(line: str, bits: int, amd: bool, apic: bool) -> None:
    cpu = cpus.model(build(line))
    assert (cpu.phys_bits, cpu.amd, cpu.apic) == (bits, amd, apic)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-cpu qemu64,foo=on",
         "can't apply global qemu64-x86_64-cpu.foo=on: Property 'qemu64-x86_64-cpu.foo' not found"),
        ("-cpu qemu64,+foo", "Property 'qemu64-x86_64-cpu.foo' not found"),
        ("-cpu qemu64,phys-bits=abc",
         "can't apply global qemu64-x86_64-cpu.phys-bits=abc: Parameter 'phys-bits' expects uint64"),
        ("-cpu qemu64,phys-bits=60", "phys-bits should be between 32 and 52  (but is 60)"),
        ("-cpu pentium3,phys-bits=36", "phys-bits is not user-configurable in 32 bit"),
        ("-cpu qemu64,vmx=maybe",
         "can't apply global qemu64-x86_64-cpu.vmx=maybe: Parameter 'vmx' expects 'on' or 'off'"),
        ("-cpu qemu64,vendor=x",
         "can't apply global qemu64-x86_64-cpu.vendor=x: Property '.vendor' doesn't take value 'x'"),
        ("-cpu Haswell,migratable=no",
         "can't apply global Haswell-x86_64-cpu.migratable=no: "
         "Property 'Haswell-x86_64-cpu.migratable' not found"),
        ("-cpu EPYC-v9", "unable to find CPU model 'EPYC-v9'"),
        ("-cpu host", "CPU model 'host' requires KVM or HVF"),
    ],
)
def test_wrong_features_are_refused_in_qemus_words(line: str, said: str) -> None:
    made = build(line)
    with pytest.raises(Refused) as refused:
        _ = cpus.model(made), cpus.realize(made)
    assert refused.value.message == said


def test_names_with_underscores_and_signs_are_features_as_well() -> None:
    cpus.realize(build("-cpu Haswell,+avx512f,-tsx-ldtrk,sse4_1,kvm=off,hv_relaxed,enforce=off"))
    cpus.realize(build("-cpu max,migratable=no"))


def booted(line: str) -> str:
    """What QEMU refuses the line with, or "it starts"."""
    try:
        memkit.boot(line)
    except Refused as refused:
        return refused.message
    return "it starts"


@pytest.mark.parametrize(("line", "said"), [
    ("-m 80G -global qemu64-x86_64-cpu.phys-bits=36",
     "Address space limit 0xfffffffff < 0x14bfffffff phys-bits too low (36)"),
    ("-m 80G -cpu qemu64,phys-bits=40 -global qemu64-x86_64-cpu.phys-bits=36", "it starts"),
    ("-global qemu64-x86_64-cpu.nope=1",
     "can't apply global qemu64-x86_64-cpu.nope=1: Property 'qemu64-x86_64-cpu.nope' not found"),
    ("-global EPYC-x86_64-cpu.nope=1", "it starts"),
])
def test_globals_set_properties_of_the_cpu_which_its_own_option_overrides(line: str, said: str) -> None:
    assert booted(line) == said


@pytest.mark.parametrize("driver", ["qemu64-x86_64-cpu", "x86_64-cpu", "cpu"])
def test_a_global_may_name_the_cpu_model_or_what_all_models_are(driver: str) -> None:
    ranges = memkit.boot(f"-global {driver}.apic=off").flat_view("memory").ranges
    assert "apic-msi" not in {found.region.name for found in ranges}
