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

__all__ = ["add_cxl_memory", "add_cxl_windows", "add_host_registers", "cxl_end", "window_sizes"]

MIB = 1 << 20
REGISTERS, FMW_ALIGN = MIB, 256 * MIB
GRANULARITIES = frozenset(256 << n for n in range(7))
HOST_REGISTERS, REGISTER_PAGE = 0x10000, 0x1000


def window_sizes(build: Build) -> list[int]:
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
                hint="round the window's size", source="hw/cxl/cxl-host.c, QEMU 7.2", key="cxl-window",
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
    sizes = window_sizes(build)
    return _start(base) + sum(sizes) if sizes else base + REGISTERS


def add_cxl_windows(build: Build, base: int) -> None:
    """Map the room for host-bridge registers at gpa ``base``, and the fixed memory windows behind it."""
    if not build.machine.flag("cxl", False):
        return
    build.cxl_registers = MemoryRegion("cxl_host_reg", REGISTERS)
    build.system.add(build.cxl_registers, base)
    start = _start(base)
    for size in window_sizes(build):
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
    build: Build, spec: DeviceSpec, props: Mapping[str, Any], backends: Mapping[str, Memdev]
) -> None:
    """Show backends in address spaces of the device's own; raises Refused.

    ``backends`` are those that the device names, by property: memdev, persistent-memdev, volatile-memdev,
    volatile-dc-memdev, lsa.
    """
    volatile, dynamic = backends.get("volatile-memdev"), backends.get("volatile-dc-memdev")
    persistent = backends.get("memdev", backends.get("persistent-memdev"))
    _check_memory(build, spec, props, backends)
    if volatile is not None:
        _show(build, spec, "cxl-type3-dpa-vmem-space", volatile, nonvolatile=False)
    if persistent is not None:
        name = "cxl-type3-dpa-pmem-space" if build.qemu.cxl_volatile else "cxl-type3-dpa-space"
        _show(build, spec, name, persistent, nonvolatile=True)
    if props.get("num-dc-regions"):
        if dynamic is None:
            raise _refuse(spec, "dynamic capacity must have a backing device", "add volatile-dc-memdev=")
        _show(build, spec, "cxl-dcd-dpa-dc-space", dynamic, nonvolatile=False)
        _check_dynamic(spec, props["num-dc-regions"], dynamic, [m for m in (volatile, persistent) if m])


def _check_memory(
    build: Build, spec: DeviceSpec, props: Mapping[str, Any], backends: Mapping[str, Memdev]
) -> None:
    """Raise Refused unless the device has memory, and a label area where it needs one."""
    memory = ("memdev", "persistent-memdev", "volatile-memdev")
    if not any(name in backends for name in memory) and not props.get("num-dc-regions"):
        raise refuse_device(
            spec, "memdev property must be set", "A CXL memory device needs memory and a label area.",
            "add memdev=ID of a -object memory-backend-*", "cxl_setup_memory, hw/mem/cxl_type3.c",
            key="cxl-memdev",
        )
    if "memdev" in backends and "persistent-memdev" in backends:
        raise _refuse(spec, "[memdev] cannot be used with new [persistent-memdev] property",
                      "leave out memdev=")
    if ("memdev" in backends or "persistent-memdev" in backends) and "lsa" not in backends:
        raise refuse_device(
            spec, "lsa property must be set", "Persistent memory needs a label area.",
            "add lsa=ID of a -object memory-backend-*", "cxl_setup_memory, hw/mem/cxl_type3.c", key="cxl-lsa",
        )
    if props.get("hdm-db") and not props.get("x-256b-flit"):
        raise _refuse(spec, "hdm-db requires operating in 256b flit", "add x-256b-flit=on")


def _refuse(spec: DeviceSpec, text: str, hint: str) -> Refused:
    return refuse_device(spec, text, "A CXL memory device checks what its backends are for.", hint,
                         "cxl_setup_memory, hw/mem/cxl_type3.c, QEMU 11.1")


def _show(build: Build, spec: DeviceSpec, name: str, memdev: Memdev, nonvolatile: bool) -> None:
    if memdev.mapped and build.qemu.cxl_once:
        raise _refuse(spec, f"memory backend {memdev.backend.id} can't be used multiple times.",
                      "make one backend for each")
    memdev.mapped = True
    memdev.region.nonvolatile = nonvolatile
    build.address_spaces.append(AddressSpace(f"{name}:{spec.id}" if spec.id else name, memdev.region))
    build.frontends.append(Frontend(
        spec.driver, spec.id, spec.id or spec.driver, memdev.backend, (memdev.block,), (memdev.region,),
        build.option_index(spec.option),
    ))


def _check_dynamic(spec: DeviceSpec, regions: int, memdev: Memdev, others: list[Memdev]) -> None:
    """Raise Refused unless dynamic capacity splits evenly, in units of 256 MiB (cxl_create_dc_regions)."""
    size = memdev.region.size
    if size % (regions * FMW_ALIGN):
        raise _refuse(spec, f"backend size is not multiple of region len: 0x{-(-size // regions):x}",
                      "use 256M for each region, or a multiple of it")
    if sum(m.region.size for m in others) % FMW_ALIGN:
        raise _refuse(spec, f"DC region base not aligned to 0x{FMW_ALIGN:x}", "use other sizes")
