"""What becomes of an access that nobody answers: it depends on the CPUs, which an architecture makes.

Source: unassigned_mem_read in softmmu/memory.c, unassigned_io_read in softmmu/ioport.c, io_failed in
accel/tcg/cputlb.c and do_transaction_failed of each target: target/arm/tlb_helper.c,
target/riscv/cpu_helper.c, target/s390x/mmu_helper.c: mmu_translate_real (QEMU 7.2),
target/ppc/excp_helper.c: ppc_cpu_do_transaction_failed (8.1; POWER8: 9.0).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memkit.versions import holds

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = ["no_port", "unanswered", "unclaimed_port"]

_X86 = ("x86_64", "i386")
# Boards of Arm that never fault (ignore_memory_transaction_failures in hw/arm/virt.c and vexpress.c), and
# those known to fault. A dozen more never do, and text may come from any.
_PATIENT = re.compile(r"vexpress-a(9|15)|virt-2\.([6-9]|10)")
_STRICT = re.compile(r"virt(-.+)?|sbsa-ref|raspi.+")
# CPUs of Power that QEMU gives a machine check, as -cpu names them: by name, or by their version register.
_CHECKED = re.compile(r"power(8|9|10|11)|004[b-e]|008", re.IGNORECASE)
_LOST = "a read by the guest gives 0, a write is lost"


def _fault(guest: Guest) -> str:
    """What the guest gets, in words."""
    target = guest.target
    if target in ("aarch64", "arm") and not _PATIENT.fullmatch(guest.machine_type):
        if _STRICT.fullmatch(guest.machine_type):
            return "TCG gives the guest an external abort"
        return "TCG gives the guest an external abort, or 0 on some old boards"
    if target in ("riscv64", "riscv32"):
        return "TCG gives the guest an access fault"
    if target == "s390x":
        return "the guest gets an addressing exception"
    if target == "ppc64" and re.fullmatch(r"\d+\.\d+", guest.qemu) and holds(guest.qemu, "8.1"):
        return _fault_of_power(guest)
    return _LOST


def _fault_of_power(guest: Guest) -> str:
    """What a guest on Power gets from 8.1 on."""
    option = guest.config.last("cpu") if guest.config is not None else None
    name = (option and option.value) or ""
    return _LOST if name and not _CHECKED.match(name) else "TCG gives the guest a machine check"


def unanswered(guest: Guest) -> str:
    """What the guest's own access to memory that nobody answers comes to."""
    return (f"Such an access is unassigned: {_fault(guest)}, and the monitor's xp says that it cannot access "
            "memory.")


def no_port(guest: Guest) -> str:
    """Why nobody can ask for an address above the I/O ports."""
    if guest.target in _X86:
        return "The guest cannot even ask there: its CPUs have ports up to 0xffff only."
    return "The guest cannot even ask there: ports end at 0xffff, and its CPUs have none."


def unclaimed_port(guest: Guest) -> str:
    """What an access to a port that no device claims comes to."""
    if guest.target in _X86 or guest.target == "unknown":
        return "No device claims this port: a read gives all ones, a write is lost."
    return ("No device claims this port, and nothing leads here: only x86 CPUs have ports. Host bridges of "
            "PCI show ports of their own in memory.")
