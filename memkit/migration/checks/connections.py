"""Connections: sides that do not open the same number, and channels that come too late.

Source: migration_ioc_process_incoming and migration_has_all_channels in migration/migration.c,
socket_accept_incoming_migration in migration/socket.c.
"""

from __future__ import annotations

from memkit.migration.attempt import Attempt, Side, Stop

__all__ = ["connections", "crossed", "unready"]

_CUT = "check_section_footer: Read section footer failed: -5"


def _stop(side: Side, message: str, why: str, source: str, hazard: str = "") -> Stop:
    return Stop("fails", side.name, message, why, (f"{source}, {side.guest.qemu}",), hazard)


def connections(attempt: Attempt) -> Stop | None:
    """The failure of sides that do not open the same number of connections."""
    source, destination = attempt.sides
    if not attempt.streams:
        return None
    for name in ("multifd", "postcopy-preempt"):
        if not destination.on(name) or source.on(name) or (
                name == "postcopy-preempt" and attempt.mode != "postcopy"):
            continue
        return _stop(destination, "", f"The destination waits for the other connections of {name}, which the "
                     "source never opens. Nothing is said, and nothing happens until somebody cancels it.",
                     "migration/migration.c: migration_ioc_process_incoming",
                     "multifd-one-sided" if name == "multifd" else "")
    if source.on("multifd") and not destination.on("multifd"):
        why = ("The destination takes one connection and turns the others of multifd away. Which of them it "
               "takes, and what it says, is a race.")
        if not destination.has("8.0"):
            return _stop(source, "Unable to write to socket: Broken pipe", why,
                         "migration/socket.c: socket_accept_incoming_migration", "multifd-one-sided")
        return _stop(destination, _CUT if destination.has("10.2") else "Not a migration stream", why,
                     "migration/socket.c: socket_accept_incoming_migration", "multifd-one-sided")
    return None


def crossed(attempt: Attempt) -> Stop | None:
    """The end of a destination of postcopy with multifd, before QEMU refused the pair (8.1)."""
    source, destination = attempt.sides
    both = destination.on("postcopy-ram") and destination.on("multifd")
    if attempt.mode != "postcopy" or not both or destination.has("8.1"):
        return None
    why = "The channels of multifd are still at work when postcopy begins."
    if destination.on("postcopy-preempt"):
        return _stop(source, "", f"{why} Nothing is said, and nothing happens until somebody cancels it.",
                     "migration/postcopy-ram.c: postcopy_preempt_setup")
    words = ("../../util/yank.c:107: yank_unregister_instance: Assertion `QLIST_EMPTY(&entry->yankfns)' "
             "failed."
             if destination.has("6.0") else "")
    return _stop(destination, words, f"{why} The destination aborts, when the source has stopped.",
                 "migration/savevm.c: postcopy_ram_listen_thread", "postcopy-multifd")


def unready(attempt: Attempt) -> Stop | None:
    """The end of a source that shall be saved in the background and has never run (-S)."""
    source = attempt.source
    if not source.on("background-snapshot") or not source.never_ran:
        return None
    why = ("A guest that has never run cannot be paused, and QEMU ends itself when it tries to. Let it run "
           "for a moment first.")
    return _stop(source, "invalid runstate transition: 'prelaunch' -> 'paused'", why,
                 "migration/migration.c: bg_migration_thread")
