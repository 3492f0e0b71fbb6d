"""``migrate``: the checks of QEMU, in QEMU's order, and what is left when all are passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from memkit.errors import MemkitError, Refused
from memkit.guest import Guest
from memkit.migration.attempt import Attempt, Check, Side, Stop
from memkit.migration.capabilities import read_capabilities
from memkit.migration.checks import (
    blockers,
    channel,
    colo,
    connections,
    devices,
    header,
    pages,
    ram_list,
    settings,
)
from memkit.migration.content import fates, moved
from memkit.migration.notes import notes_of
from memkit.migration.outlook import Outlook
from memkit.migration.parameters import read_parameters
from memkit.units import human

if TYPE_CHECKING:
    from memkit.migration.content import Fate

__all__ = ["MODES", "TRANSPORTS", "migrate"]

MODES = ("precopy", "postcopy")
TRANSPORTS = ("unix", "tcp", "exec", "file")


def migrate(
    source: Guest, destination: Guest | None, mode: str = "precopy", capabilities: Iterable[str] = (), *,
    destination_capabilities: Iterable[str] | None = None, parameters: Mapping[str, Any] | None = None,
    destination_parameters: Mapping[str, Any] | None = None, transport: str | None = None,
    bars: Mapping[str, int] | None = None,
) -> Outlook:
    """The Outlook of migrating ``source`` to ``destination``: whether it works, and what QEMU says if not.

    ``destination`` None stands for a file that a guest with the line of the source reads later, on the same
    host.  ``mode`` is precopy or postcopy, which says migrate-start-postcopy when migration has begun; that
    needs the capability postcopy-ram.  ``capabilities`` are set on both sides, by QEMU's names;
    ``destination_capabilities`` are those of the destination, where it has others.  The same holds for
    parameters.  ``transport`` is unix, tcp, exec or file.  Guests that were booted with one Host object run
    on one machine, where a path names one file.  ``bars`` maps RAMBlocks that the guest of the source has
    mapped in BARs to their gpa.  A guest with -S on its line has never run.  Raises MemkitError for other
    words.

    Source: migration/migration.c, migration/savevm.c and migration/ram.c (QEMU 7.2, 10.0, 11.1).

    >>> import memkit
    >>> host = memkit.Host()
    >>> left, right = memkit.boot("-m 1G", host=host), memkit.boot("-m 1G", host=host)
    >>> migrate(left, right).outcome
    'completes'
    """
    if mode not in MODES:
        raise MemkitError(f"mode= is {' or '.join(MODES)}, not {mode!r:.60}; capabilities such as "
                          "background-snapshot go into capabilities=")
    _check_guest("source", source)
    if destination is not None:
        _check_guest("destination", destination)
    way = _transport(transport, source, destination)
    wanted = read_capabilities(capabilities)
    there = wanted if destination_capabilities is None else read_capabilities(
        destination_capabilities, "destination_capabilities")
    given = read_parameters(parameters, "parameters")
    others = given if destination_parameters is None else read_parameters(
        destination_parameters, "destination_parameters")
    rereads = destination is None
    if rereads and destination_capabilities is None:
        # What is saved in the background is read as any other stream.
        there = tuple([name for name in there if name != "background-snapshot"])
    target = source if destination is None else destination
    attempt = Attempt(
        Side(source, frozenset(wanted), given), Side(target, frozenset(there), others, incoming=True), mode,
        way, source.host is target.host, rereads, dict(bars or {}),
    )
    return _judge(attempt)


def _check_guest(argument: str, guest: object) -> None:
    if isinstance(guest, Refused):
        raise MemkitError(f"the {argument} is a command line that QEMU refuses ({guest.message}); only a "
                          "guest that starts can migrate")
    if not isinstance(guest, Guest):
        raise MemkitError(f"{argument}= is a memkit.Guest, as memkit.boot() makes it, not "
                          f"{type(guest).__name__}")


def _transport(word: object, source: Guest, destination: Guest | None) -> str:
    if word is None:
        if destination is not None:
            return "unix" if source.host is destination.host else "tcp"
        return "file" if Side(source, frozenset()).has("8.2") else "exec"
    if word not in TRANSPORTS:
        raise MemkitError(f"transport= is one of {', '.join(TRANSPORTS)}, not {word!r:.60}")
    if word in ("unix", "tcp") and destination is None:
        raise MemkitError(f"with transport={word!r} there is somebody at the other end; give a destination")
    return str(word)


# In the stream, in its order.
_LOADED: tuple[Check, ...] = (
    blockers.at_destination, connections.connections, header.configuration, header.advice, colo.announced,
    devices.before_ram, ram_list.names_and_lengths, pages.mapped, pages.received, pages.written,
    pages.compressed, pages.watched, connections.crossed, pages.placed, devices.switched, devices.sections,
    blockers.ends, colo.endless,
)


def _set(attempt: Attempt) -> Stop | None:
    """What QMP refuses from the capabilities and parameters; who reads a file is asked later."""
    stop = settings.refused(attempt.source)
    return stop if stop or not attempt.streams else settings.refused(attempt.destination)


def _start(attempt: Attempt) -> Stop | None:
    """What QMP refuses from ``migrate-incoming`` to ``migrate-start-postcopy``."""
    source = attempt.source
    stop = channel.incoming(attempt) if attempt.streams else None
    # Until 7.2 blockers are looked at first.
    checks: tuple[Check, ...] = (channel.outgoing, blockers.at_source)
    for check in checks if source.has("8.0") else checks[::-1]:
        stop = stop or check(attempt)
    stop = stop or _conflict(source)
    if stop is None and attempt.mode == "postcopy" and not source.on("postcopy-ram"):
        return Stop("refused", "migrate",
                    "Enable postcopy with migrate_set_capability before the start of migration",
                    "postcopy-ram is off at the source, which goes on with precopy; turn it on, on both "
                    "sides.",
                    (f"migration/migration.c: qmp_migrate_start_postcopy, {source.guest.qemu}",))
    return stop


def _conflict(source: Side) -> Stop | None:
    """The refusal of CPR together with what needs two guests at work."""
    if not str(source.parameters.get("mode", "normal")).startswith("cpr-"):
        return None
    for name, words in (("postcopy-ram", "postcopy"), ("background-snapshot", "background snapshot"),
                        ("x-colo", "COLO")):
        if source.on(name) and source.has("9.0"):
            return Stop("refused", "migrate", f"Cannot use {words} with CPR",
                        "With CPR one QEMU ends and another goes on; there is no time at which both could "
                        "run.",
                        (f"migration/migration.c: migrate_prepare, {source.guest.qemu}",))
    return None


def _read(attempt: Attempt) -> Stop | None:
    """What QMP refuses when a file is to be read."""
    if attempt.streams:
        return None
    return settings.refused(attempt.destination) or channel.incoming(attempt)


def _judge(attempt: Attempt) -> Outlook:
    for check in (_set, _start, channel.at_source, connections.unready, _read, *_LOADED):
        stop = check(attempt)
        if stop is not None:
            return Outlook(stop.outcome, stop.message, stop.where, stop.why, (), stop.sources,
                           notes_of(attempt), stop.hazard, attempt)
    blocks = fates(attempt)
    lost = _lost(attempt, blocks)
    if lost:
        return Outlook("corrupts", "", "destination", lost, blocks,
                       ("migration/ram.c: ram_save_setup, parse_ramblock, ramblock_is_ignored",),
                       notes_of(attempt), "", attempt)
    return Outlook("completes", "", "", _told(blocks), blocks, (), notes_of(attempt), "", attempt)


def _lost(attempt: Attempt, blocks: tuple[Fate, ...]) -> str:
    """Which memory the guest lacks at the destination, "" if none."""
    told = [f"{block.idstr}: {block.sentence}" for block in blocks if not block.good]
    for theirs, ours in moved(attempt):
        block = theirs.region.block
        name = block.label if block else theirs.region.name
        there = ours.region.name if ours else "nothing"
        told.append(f"At {theirs.start:#x} the guest has {name}, and {there} at the destination: blocks are "
                    "matched by name, and nobody compares where they lie.")
    return " ".join(told)


def _told(blocks: tuple[Fate, ...]) -> str:
    """What goes through the stream, in a sentence."""
    total = sum(block.size for block in blocks if block.fate == "sent")
    kept = [block.idstr for block in blocks if block.fate == "shared in place"]
    words = f"{human(total)} in {sum(b.fate == 'sent' for b in blocks)} RAMBlocks are sent"
    if not kept:
        return f"{words}."
    return f"{words}; {', '.join(kept)} {'stays' if len(kept) == 1 else 'stay'} in place."
