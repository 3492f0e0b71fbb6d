"""The command ``memkit migrate``: what a migration between two lines comes to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from memkit.cli.commands import guest_of, host_of, print_json
from memkit.cli.lines import from_words
from memkit.errors import MemkitError, Refused

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = ["STOPPED", "add_options", "migration"]

STOPPED = 3
# The words stand here once more, for nothing is loaded to tell the help.
MODES = ("precopy", "postcopy")
TRANSPORTS = ("unix", "tcp", "exec", "file")
USAGE = (
    "[options] -- SOURCE ARGS [-- DESTINATION ARGS]\n"
    '       memkit migrate [options] --to "LINE" -- SOURCE ARGS'
)
ABOUT = """\
Tell what a migration comes to: whether it completes, is refused, fails, or completes and leaves
the destination without memory of the guest; in QEMU's words where it says any, and why.
Without a destination the stream goes to a file, which a guest with the same line reads later.
"""
CODES = """\
Exit codes: 0 the migration completes, 1 QEMU would refuse one of the lines (its words go to
standard error), 2 wrong usage, 3 the migration does not complete or loses memory,
4 something is missing on this machine (other commands say 3 then).
"""


def migration(arguments: argparse.Namespace) -> int:
    """0 if the migration completes, STOPPED if not, or if memory is lost."""
    from memkit.migration import migrate

    lines = list(arguments.lines)
    if len(lines) > 2 or (len(lines) == 2 and arguments.to):
        raise MemkitError("migrate takes a source and a destination; write each behind a -- of its own, or "
                          "the destination in quotes after --to")
    there: str | list[str] | None = arguments.to
    if len(lines) == 2:
        there = from_words(lines.pop())
    arguments.lines = lines
    if arguments.to_qemu and there is None:
        raise MemkitError("--to-qemu is the release of the destination, and there is none; add it with --to")
    source = guest_of(arguments)
    destination = None if there is None else _destination(arguments, source, there)
    outlook = migrate(
        source, destination, arguments.mode, _names(arguments.cap) or (),
        destination_capabilities=_names(arguments.to_cap), transport=arguments.transport,
    )
    if arguments.json:
        print_json({"source": source.qemu, "destination": destination.qemu if destination else None,
                    **outlook.data()})
    else:
        print(outlook)
    return 0 if outlook.outcome == "completes" else STOPPED


def _destination(arguments: argparse.Namespace, source: Guest, line: str | list[str]) -> Guest:
    from memkit.boot import boot

    host = source.host if arguments.one_machine else host_of(arguments)
    try:
        return boot(line, arguments.target, arguments.to_qemu or arguments.qemu, host)
    except Refused as refused:
        refused.explanation = f"This is the line of the destination. {refused.explanation}"
        raise


def _names(given: list[str] | None) -> list[str] | None:
    """The words of an option that may be given several times, each with commas; None if it was not."""
    if given is None:
        return None
    return [name for words in given for name in words.split(",") if name.strip()]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Tell ``parser`` the options of the command."""
    parser.set_defaults(lacking=4)
    parser.add_argument("--to", metavar="LINE", help="the QEMU command line of the destination, in quotes")
    parser.add_argument("--mode", choices=MODES, default="precopy", metavar="MODE",
                        help="precopy (default), or postcopy, which needs --cap postcopy-ram")
    parser.add_argument("--cap", metavar="NAMES", action="append",
                        help="capabilities by QEMU's names, with commas between, on both sides: multifd, "
                        "postcopy-ram, x-ignore-shared, background-snapshot, mapped-ram ...")
    parser.add_argument("--to-cap", metavar="NAMES", action="append",
                        help="the capabilities of the destination, if it has others")
    parser.add_argument("--transport", choices=TRANSPORTS, metavar="WAY",
                        help="unix (default on one machine), tcp (default on two), file (default without a "
                        "destination), or exec")
    parser.add_argument("--to-qemu", metavar="VERSION", help="which QEMU the destination is (default: as "
                                                             "--qemu)")
    parser.add_argument("--one-machine", action="store_true",
                        help="both guests run on one host, where a path names one file")
    parser.add_argument("--json", action="store_true", help="print data for programs")
