"""What the model does not know about a migration, said instead of guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memkit.migration.attempt import Attempt

__all__ = ["notes_of"]


def notes_of(attempt: Attempt) -> tuple[str, ...]:
    """The notes on one migration: where the answer depends on what no command line tells."""
    source, destination = attempt.sides
    notes = [note for side in attempt.sides for note in side.guest.notes]
    for side in attempt.sides:
        if side.scene.vhost_user:
            notes.append(f"{', '.join(side.scene.vhost_user)} of the {side.name} needs another process, "
                         "which decides about migration and postcopy, too.")
        if side.scene.drivers("ivshmem-doorbell"):
            notes.append(f"The memory of ivshmem-doorbell in the {side.name} is its server's, and not known.")
        if side.guest.door == "text":
            notes.append(f"The {side.name} was read from text, which tells neither devices nor options.")
        if side.scene.drivers("vfio-") and side.has("8.1"):
            notes.append(f"Whether the devices of the host in the {side.name} can migrate is for their "
                         "drivers.")
    if source.guest.qemu != destination.guest.qemu:
        notes.append("Between two releases, the state of devices is taken to fit for one machine type.")
    for block in source.named.values():
        if source.on("x-ignore-shared") and source.ignores(block) and block.idstr.startswith("0000:") and (
                block.idstr not in attempt.bars):
            notes.append(f"{block.idstr} is in a BAR. Where the guest has mapped it at the source, "
                         "x-ignore-shared compares its address with that of a fresh guest, and fails (bars= "
                         "tells where it is).")
    if source.on("x-colo") or destination.on("x-colo"):
        notes.append("COLO does not end, and what it does after its first checkpoint is not looked at.")
    if source.on("pause-before-switchover"):
        notes.append("With pause-before-switchover the source waits for migrate-continue before the end.")
    if source.on("zero-copy-send") and attempt.transport == "tcp":
        notes.append("zero-copy-send needs room for locked memory, which depends on limits of the user.")
    if source.parameters.get("mode", "normal") != "normal":
        notes.append(f"The mode {source.parameters['mode']} is looked at only as far as normal migration "
                     "goes.")
    return tuple(dict.fromkeys(notes))
