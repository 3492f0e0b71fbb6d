"""Boards that are no PC: what stops a destination between RAM and the devices.

Seen on QEMU 5.2, 7.2, 10.0 and 11.1.
"""

from __future__ import annotations

import re

from memkit.migration.attempt import Attempt, Side, Stop
from memkit.migration.words import loading
from memkit.units import human, parse_size
from memkit.versions import parse_version

__all__ = ["cpus_told", "largest_page", "sd_card"]

_PAGES = "cap-hpt-max-page-size"
_USUAL, _ALL = 64 << 10, 16 << 30
_PSERIES = re.compile(r"pseries-(\d+\.\d+).*")
# CPU models with a register that counts the CPUs (L2CTLR, target/arm/cortex-regs.c); the default is first.
_COUNTING = ("cortex-a15", "cortex-a7", "cortex-a35", "cortex-a53", "cortex-a57", "cortex-a72", "max")


def _type_version(side: Side) -> tuple[int, ...]:
    """The version of a pseries type, () for another machine."""
    found = _PSERIES.fullmatch(side.guest.machine_type)
    return parse_version(found[1]) if found else ()


def _failed(destination: Side, message: str, why: str, source: str, hazard: str = "") -> Stop:
    return Stop("fails", "destination", message, why, (f"{source}, {destination.guest.qemu}",), hazard)


def cpus_told(attempt: Attempt, theirs: int, ours: int) -> Stop | None:
    """The failure of a destination whose state tells of another number of CPUs."""
    source, destination = attempt.sides
    if theirs == ours:
        return None
    if _type_version(source) >= (4, 1) and source.scene.machine.get("ic-mode", "dual") != "xics":
        return _failed(destination, "Missing section footer for spapr-xive",
                       f"The interrupt controller keeps records for each CPU: for {theirs} at the source, "
                       f"for {ours} at the destination. Write the same -smp on both sides.",
                       "hw/intc/spapr_xive.c: vmstate_spapr_xive")
    if source.guest.target not in ("aarch64", "arm") or not source.guest.machine_type.startswith("virt"):
        return None
    option = source.scene.config.last("cpu") if source.scene.config else None
    model = str(option.value if option else _COUNTING[0]).partition(",")[0]
    if model not in _COUNTING:
        return None
    words = "error while loading state for instance 0x0 of device 'cpu'"
    if destination.has("11.1"):
        words += ": post load hook failed for: cpu, version_id: 22, minimum_version: 22, ret: -1"
    return _failed(destination, loading(destination, words),
                   f"A register of these CPUs counts them: {theirs} at the source, {ours} at the "
                   "destination. It cannot be set. Write the same -smp on both sides.",
                   "target/arm/machine.c: cpu_post_load")


def _largest(side: Side) -> int:
    """The largest page of a hash page table that a pseries guest is offered, in bytes."""
    word = side.scene.machine.get(_PAGES)
    if word is None:
        return _USUAL if _type_version(side) > (2, 12) else _ALL
    return parse_size(word)


def largest_page(attempt: Attempt) -> Stop | None:
    """The failure of a pseries destination that offers smaller pages than its source did."""
    source, destination = attempt.sides
    if not _type_version(source):
        return None
    theirs, ours = _largest(source), _largest(destination)
    if theirs <= ours:
        return None
    return _failed(
        destination,
        f"{_PAGES} higher level ({theirs.bit_length() - 1}) in incoming stream than on destination "
        f"({ours.bit_length() - 1})",
        f"The source offers pages of {human(theirs)}, which the guest may use; the destination offers no "
        f"larger ones than {human(ours)}.",
        "hw/ppc/spapr_caps.c: spapr_caps_post_migration", "ppc-hugepage-migration")


def sd_card(attempt: Attempt) -> Stop | None:
    """The end of a sifive_u destination, whose SD card cannot take the state of another."""
    source, destination = attempt.sides
    if source.guest.machine_type != "sifive_u" or not destination.has("6.0"):
        return None
    return _failed(
        destination, "sd_ocr_powerup: Assertion `!FIELD_EX32(sd->ocr, OCR, CARD_POWER_UP)' failed.",
        "The state of the board's SD card says that it has power, and its timer gives it power once more. "
        "QEMU ends.", "hw/sd/sd.c: sd_ocr_powerup")
