"""What only some see on Arm's ``virt``: memory for secure code, and the tags of Memory Tagging.

With ``secure=on`` each CPU has a second view: a container with all that others see, and in front of it the
first flash chip and 16 MiB of RAM.  With ``mte=on`` each 32 bytes of RAM have a byte of tags, in views of
their own.

Source: machvirt_init, create_secure_ram and create_tag_ram in hw/arm/virt.c (QEMU 7.2); arm_cpu_realizefn in
target/arm/cpu.c.
"""

from __future__ import annotations

from memkit.boards.board import MIB
from memkit.boards.build import Build
from memkit.boards.virt_arm_memory import RAM_BASE
from memkit.memory.device import Frontend
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

__all__ = ["add_secure_memory", "add_tags", "secure_spaces"]

SECURE_RAM, SECURE_RAM_SIZE = 0x0E00_0000, 16 * MIB
SECURE_UART, SECURE_GPIO = 0x0904_0000, 0x090B_0000
BYTES_PER_TAG = 32
TAGS_SIZE = ((1 << 64) - 1) // BYTES_PER_TAG


def add_secure_memory(build: Build, secure: MemoryRegion) -> None:
    """Put RAM, a serial port and GPIO into the ``secure`` view."""
    secure.add(_ram(build, "virt.secure-ram", SECURE_RAM_SIZE, "RAM for secure code"), SECURE_RAM)
    secure.add(MemoryRegion("pl011", 0x1000, "i/o"), SECURE_UART)
    if holds(build.qemu.version, "6.0") and build.machine.version >= (6, 0):
        secure.add(MemoryRegion("pl061", 0x1000, "i/o"), SECURE_GPIO)
    build.secure_memory = secure


def add_tags(build: Build) -> None:
    """The RAM that holds tags: for secure RAM first, then for main RAM."""
    tags = MemoryRegion("tag-memory", TAGS_SIZE)
    build.tag_memory = [tags]
    if build.machine.flag("secure", False):
        secure = MemoryRegion("secure-tag-memory", TAGS_SIZE)
        secure.add(tags, 0, -1)
        size = SECURE_RAM_SIZE // BYTES_PER_TAG
        ram = _ram(build, "mach-virt.secure-tag", size, "tags of secure RAM")
        secure.add(ram, SECURE_RAM // BYTES_PER_TAG)
        build.tag_memory.append(secure)
    size = build.machine.ram_size // BYTES_PER_TAG
    tags.add(_ram(build, "mach-virt.tag", size, "tags of main RAM"), RAM_BASE // BYTES_PER_TAG)


def secure_spaces(build: Build) -> list[AddressSpace]:
    """The further address spaces of each CPU."""
    spaces: list[AddressSpace] = []
    for cpu in range(build.machine.cpus):
        if build.secure_memory is not None:
            spaces.append(AddressSpace(f"cpu-secure-memory-{cpu}", build.secure_memory))
        spaces += [AddressSpace(f"cpu-tag-memory-{cpu}", root) for root in build.tag_memory]
    return spaces


def _ram(build: Build, name: str, size: int, what: str) -> MemoryRegion:
    block = build.ram.allocate(size, idstr=name, region_name=name, purpose="ram", owner="/machine")
    region = MemoryRegion(name, size, "ram", block=block)
    build.frontends.append(Frontend("machine", None, what, None, (block,), (region,)))
    return region
