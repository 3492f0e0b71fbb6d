"""CXL on x86 machines: register windows of host bridges, fixed memory windows, memory expanders.

``-machine cxl=on`` opens room for host-bridge registers behind RAM and device memory, and each
``cxl-fmw.N`` a fixed memory window behind that.  The memory of a cxl-type3 device is in no address space
of the guest at power-on: the guest programs the decoders in front of it first.

Source: pc_memory_init and pc_get_cxl_range_end in hw/i386/pc.c, hw/cxl/cxl-host.c, cxl_setup_memory in
hw/mem/cxl_type3.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.boards.build import Build, Memdev
from memkit.boards.device_refusals import refuse_device
from memkit.boards.refusals import refuse
from memkit.config import DeviceSpec
from memkit.errors import Refused
from memkit.memory.device import Frontend
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.units import parse_size

__all__ = ["add_cxl_memory", "add_cxl_windows", "add_host_registers", "cxl_end"]

MIB = 1 << 20
REGISTERS, FMW_ALIGN = MIB, 256 * MIB
GRANULARITIES = frozenset(256 << n for n in range(7))
HOST_REGISTERS, REGISTER_PAGE = 0x10000, 0x1000


def _windows(build: Build) -> list[int]:
    """The sizes in bytes of the fixed memory windows, in their order; raises Refused."""
    sizes = []
    words = build.config.machine
    number = 0
    while any(key.startswith(f"cxl-fmw.{number}.") for key in words):
        size = _size(build, f"cxl-fmw.{number}.size", words.get(f"cxl-fmw.{number}.size", ""))
        if size % FMW_ALIGN:
            raise Refused(
                "Size of a CXL fixed memory window must my a multiple of 256MiB",
                explanation="The decoders in front of CXL memory count in units of 256 MiB.",
                hint="round the window's size", source="hw/cxl/cxl-host.c, QEMU 7.2",
            )
        granularity = words.get(f"cxl-fmw.{number}.interleave-granularity", "256")
        if _size(build, f"cxl-fmw.{number}.interleave-granularity", granularity) not in GRANULARITIES:
            raise Refused(
                f"Interleave granularity: {parse_size(granularity)} invalid",
                explanation="The decoders spread addresses over bridges in steps of some sizes only.",
                hint="use 256, 512, 1k, 2k, 4k, 8k or 16k", source="hw/cxl/cxl-component-utils.c, QEMU 7.2",
            )
        sizes.append(size)
        number += 1
    return sizes


def _size(build: Build, name: str, text: str) -> int:
    try:
        return parse_size(text)
    except ValueError:
        raise refuse("expects", build.config.last("machine"), name=name, expected="size") from None


def _start(base: int) -> int:
    """The gpa of the first fixed memory window, when the registers begin at ``base``."""
    return -(-(base + REGISTERS) // FMW_ALIGN) * FMW_ALIGN


def cxl_end(build: Build, base: int) -> int:
    """The first gpa behind CXL, which begins at ``base``; raises Refused."""
    sizes = _windows(build)
    return _start(base) + sum(sizes) if sizes else base + REGISTERS


def add_cxl_windows(build: Build, base: int) -> None:
    """Map the room for host-bridge registers at gpa ``base``, and the fixed memory windows behind it."""
    if not build.machine.flag("cxl", False):
        return
    build.cxl_registers = MemoryRegion("cxl_host_reg", REGISTERS)
    build.system.add(build.cxl_registers, base)
    start = _start(base)
    for size in _windows(build):
        build.system.add(MemoryRegion("cxl-fixed-memory-region", size, "i/o"), start)
        start += size


def add_host_registers(build: Build) -> None:
    """Map the registers of every pxb-cxl, when all devices are there; raises Refused."""
    bridges = [bus for _, bus in build.buses.items() if bus.kind == "pxb-cxl-bus"]
    if bridges and build.cxl_registers is None:
        raise Refused(
            "CXL host bridges present, but cxl=off",
            explanation="The registers of a pxb-cxl need room that the machine opens on request.",
            hint="add -machine cxl=on", source="pc_machine_done, hw/i386/pc.c, QEMU 7.2",
        )
    if build.cxl_registers is None:
        return
    for number, _ in enumerate(bridges):
        registers = MemoryRegion("pxb-cxl-host", HOST_REGISTERS)
        registers.add(MemoryRegion(".io", REGISTER_PAGE, "i/o"), 0)
        registers.add(MemoryRegion(".cache_mem", REGISTER_PAGE, "i/o"), REGISTER_PAGE)
        build.cxl_registers.add(registers, number * HOST_REGISTERS)
    named = {bus.name for bus in bridges}
    for key, target in build.config.machine.items():
        if key.startswith("cxl-fmw.") and ".targets." in key and target not in named:
            raise Refused(
                f"Could not resolve CXLFM target {target}",
                explanation="targets= of a fixed memory window name pxb-cxl devices.",
                hint="give a pxb-cxl that id=", source="hw/cxl/cxl-host.c, QEMU 7.2",
            )


def add_cxl_memory(
    build: Build, spec: DeviceSpec, props: Mapping[str, Any], memdev: Memdev | None, lsa: Memdev | None
) -> None:
    """Show a backend in the device's own address space; raises Refused."""
    for name, found in (("memdev", memdev), ("lsa", lsa)):
        if found is None:
            raise refuse_device(
                spec, f"{name} property must be set", "A CXL memory device needs memory and a label area.",
                f"add {name}=ID of a -object memory-backend-*", "cxl_setup_memory, hw/mem/cxl_type3.c",
            )
    assert memdev is not None
    memdev.mapped = True
    memdev.region.nonvolatile = True
    name = "cxl-type3-dpa-pmem-space" if build.qemu.cxl_volatile else "cxl-type3-dpa-space"
    name += f":{spec.id}" if spec.id else ""
    build.address_spaces.append(AddressSpace(name, memdev.region))
    build.frontends.append(Frontend(
        spec.driver, spec.id, spec.id or spec.driver, memdev.backend, (memdev.block,), (memdev.region,),
        build.option_index(spec.option),
    ))
