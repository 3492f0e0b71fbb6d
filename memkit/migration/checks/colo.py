"""COLO: a second guest that is kept in step and never takes over by itself.

Source: qemu_savevm_send_colo_enable in migration/savevm.c and migration_incoming_enable_colo in
migration/migration.c (until 10.1), migration/colo.c.
"""

from __future__ import annotations

from memkit.migration.attempt import Attempt, Stop

__all__ = ["announced", "endless"]


def announced(attempt: Attempt) -> Stop | None:
    """The failure of a destination that is told of COLO and does not have it on (8.1 to 10.1)."""
    source, destination = attempt.sides
    if not source.on("x-colo") or destination.on("x-colo") or not destination.has("8.1", "10.2"):
        return None
    return Stop("fails", "destination",
                "ENABLE_COLO command come in migration stream, but x-colo capability is not set",
                "The source announces COLO, and x-colo is off at the destination.",
                (f"migration/migration.c: migration_incoming_enable_colo, {destination.guest.qemu}",))


def endless(attempt: Attempt) -> Stop | None:
    """COLO never completes: both sides stay in step until one of them is told to go on alone."""
    if not attempt.source.on("x-colo"):
        return None
    return Stop("fails", "source", "", "With x-colo migration never ends: both sides stay in step, until "
                "x-colo-lost-heartbeat tells one of them to go on alone.",
                (f"migration/colo.c: colo_process_checkpoint, {attempt.source.guest.qemu}",))
