"""The sockets of RISC-V's ``virt``: each has its CPUs, and its own timers and interrupt controllers.

There is one socket, or one for each NUMA node.  A CPU is a *hart*, a hardware thread.

Source: virt_machine_init and virt_create_aia in hw/riscv/virt.c, hw/riscv/numa.c (QEMU 5.2, 7.2, 10.0, 11.1);
sifive_plic_create in hw/intc/sifive_plic.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.board import MIB, refuse_here
from memkit.boards.build import Build
from memkit.errors import Refused
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

__all__ = ["add_controllers", "check_sockets"]

MOST_SOCKETS, OLD_MOST_SOCKETS = 4, 8
TIMERS, TIMERS_SIZE = 0x0200_0000, 0x10000
SOFTWARE_SIZE, TIMER_SIZE = 0x4000, 0x8000
SUPERVISOR = 0x02F0_0000
PLIC, OLD_PLIC_SIZE, PLIC_SIZE = 0x0C00_0000, 0x21_0000, 0x60_0000
APLICS, APLIC_SIZE = (0x0C00_0000, 0x0D00_0000), 0x8000
# Message interrupts: a page of each hart, in machine mode and in supervisor mode.
MESSAGES_MACHINE, MESSAGES_SUPERVISOR = 0x2400_0000, 0x2800_0000
SOCKET_MESSAGES = 16 * MIB
PAGE = 0x1000


def check_sockets(build: Build) -> list[range]:
    """The numbers of the harts of each socket; raises Refused unless they follow one another."""
    cpus = range(build.machine.cpus)
    if not build.numa_count:
        return [cpus]
    most = OLD_MOST_SOCKETS if holds(build.qemu.version, "<7.0") else MOST_SOCKETS
    if build.numa_count > most:
        raise _refuse(build, f"number of sockets/nodes should be less than {most}",
                      f"The board has room for {most} sockets.", f"use {most} nodes or fewer")
    sockets = []
    for socket in range(build.numa_count):
        harts = [cpu for cpu in cpus if build.cpu_nodes.get(cpu, 0) == socket]
        if not harts or harts != list(range(harts[0], harts[-1] + 1)):
            raise _refuse(build, f"discontinuous hartids in socket{socket}",
                          "The CPUs of a node must follow one another, and there must be some.",
                          "give the first CPUs to node 0, the next ones to node 1")
        sockets.append(range(harts[0], harts[-1] + 1))
    _check_outputs(build, sockets)
    return sockets


def _check_outputs(build: Build, sockets: list[range]) -> None:
    """7.2 counts the outputs of a PLIC by the numbers of harts of all sockets, and aborts for lack of one."""
    if not holds(build.qemu.version, "7.0<8.0") or build.machine.words.get("aia", "none") != "none":
        return
    for harts in sockets:
        missing = next((hart for hart in harts if hart >= 2 * len(harts)), None)
        if missing is not None:
            raise _refuse(
                build, "Unexpected error in object_property_find_err() at ../../qom/object.c:1314:\n"
                f"Property 'riscv.sifive.plic.unnamed-gpio-out[{missing}]' not found",
                "A mistake of this release: it aborts if a socket has few CPUs and a high number.",
                "use aia=aplic, fewer nodes, or QEMU 8.0",
            )


def add_controllers(build: Build, sockets: list[range], aia: str, aclint: bool, guests: int) -> None:
    """Map timers and interrupt controllers of every socket; ``guests`` are the guest pages of each hart.

    ``aia`` is the value of that machine property; ``aclint`` that of another.
    """
    old = holds(build.qemu.version, "<6.2")
    for socket, harts in enumerate(sockets):
        timers = TIMERS + socket * TIMERS_SIZE
        if old:
            _add(build, "riscv.sifive.clint", timers, TIMERS_SIZE)
        elif aclint and aia == "aplic-imsic":
            _add(build, "riscv.aclint.mtimer", TIMERS + socket * TIMER_SIZE, TIMER_SIZE)
        else:
            _add(build, "riscv.aclint.swi", timers, SOFTWARE_SIZE)
            _add(build, "riscv.aclint.mtimer", timers + SOFTWARE_SIZE, TIMER_SIZE)
            if aclint:
                _add(build, "riscv.aclint.swi", SUPERVISOR + socket * SOFTWARE_SIZE, SOFTWARE_SIZE)
        if aia == "none":
            size = OLD_PLIC_SIZE if old else PLIC_SIZE
            _add(build, "riscv.sifive.plic", PLIC + socket * size, size)
            continue
        if aia == "aplic-imsic":
            _add_messages(build, socket, len(harts), guests)
        for base in APLICS:
            _add(build, "riscv.aplic", base + socket * APLIC_SIZE, APLIC_SIZE)


def _add_messages(build: Build, socket: int, harts: int, guests: int) -> None:
    """The pages to which devices write interrupts: one of each hart, and of each of its guests."""
    # The harts lie as far apart as the next power of two pages.
    step = PAGE << guests.bit_length()
    for hart in range(harts):
        start = socket * SOCKET_MESSAGES
        _add(build, "riscv.imsic", MESSAGES_MACHINE + start + hart * PAGE, PAGE)
        _add(build, "riscv.imsic", MESSAGES_SUPERVISOR + start + hart * step, (1 + guests) * PAGE)


def _add(build: Build, name: str, at: int, size: int) -> None:
    build.system.add(MemoryRegion(name, size, "i/o"), at)


def _refuse(build: Build, message: str, why: str, hint: str) -> Refused:
    return refuse_here(message, why, hint, "virt_machine_init, hw/riscv/virt.c, QEMU 7.2",
                       build.config.last("numa"))
