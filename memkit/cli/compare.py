"""The command ``memkit diff``: two lines, one line in two QEMUs, or the model and a real QEMU."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from memkit.boot import boot
from memkit.cli.commands import guest_of, host_of, picture_format, print_json, write_picture
from memkit.cli.lines import Line, from_words, read_stdin
from memkit.errors import MemkitError, Refused

if TYPE_CHECKING:
    from memkit.diff import Difference
    from memkit.guest import Guest

__all__ = ["diff"]

TWO = (
    'quote each one: memkit diff "-m 4G" "-m 5G". One line in two QEMUs: memkit diff --qemu 5.2 '
    "--qemu 11.1 -- -m 4G. One line against a real QEMU: memkit diff --real -- -m 4G"
)


def diff(arguments: argparse.Namespace) -> int:
    """0 if two guests are the same, 1 if they differ or one is refused."""
    lines = [*arguments.text, *map(from_words, arguments.lines)]
    versions = arguments.qemu or []
    _check(arguments, len(lines), len(versions))
    format = picture_format(arguments) if arguments.kind else ""
    if arguments.real:
        arguments.qemu = versions[0] if versions else None
        line = lines[0] if lines else read_stdin("diff --real")
        found = _with_real(arguments, line)
    else:
        lines = lines or [read_stdin("diff")]
        found = _two(arguments, [lines[0], lines[-1]], versions)
    refused = any(isinstance(side, Refused) for side in (found.before, found.after))
    if refused or not arguments.kind or arguments.output not in (None, "-"):
        _tell(arguments, found)
    if arguments.kind and refused:
        print("memkit: nothing is drawn where QEMU refuses a line", file=sys.stderr)
    elif arguments.kind:
        write_picture(_view(found, arguments), arguments, format)
    return 1 if found or refused else 0


def _check(arguments: argparse.Namespace, lines: int, versions: int) -> None:
    """Raise MemkitError for what does not go together."""
    if arguments.binary and not arguments.real:
        raise MemkitError("--binary names the real QEMU, so it goes with --real")
    if not arguments.kind and (arguments.output or arguments.format):
        raise MemkitError("-o and --format are for a picture; say which: --draw graph, map or tables")
    if arguments.kind and arguments.json and arguments.output in (None, "-"):
        raise MemkitError("--json and --draw both want standard output; name a file for the picture with -o")
    if versions > 2:
        raise MemkitError(f"diff compares two QEMUs, not {versions}; give --qemu once or twice")
    if arguments.real:
        if lines > 1:
            raise MemkitError("--real compares one command line; a second one has no place here")
        if versions > 1:
            raise MemkitError("--real compares one model with the real QEMU; give --qemu once")
    elif lines != 2 and (versions < 2 or lines > 2):
        raise MemkitError(f"diff compares two command lines, not {lines}; {TWO}")


def _two(arguments: argparse.Namespace, lines: list[Line], versions: list[str]) -> Difference:
    """The Difference of two lines, or of one under two versions; each may be refused."""
    from memkit.diff import diff as compare

    sides: list[Guest | Refused] = []
    for line, version in zip(lines, [versions[0], versions[-1]] if versions else [None, None], strict=True):
        try:
            guest = boot(line, arguments.target, version, host_of(arguments))
        except Refused as refused:
            sides.append(refused)
        else:
            sides.append(guest)
            for note in guest.notes:
                print(f"memkit: {note}", file=sys.stderr)
    names = None
    if any(isinstance(side, Refused) for side in sides):
        # A refusal does not know where it comes from.
        names = ("the first line", "the second line")
        if len(set(versions)) > 1:
            names = (f"QEMU {versions[0]}", f"QEMU {versions[1]}")
    return compare(sides[0], sides[1], names)


def _with_real(arguments: argparse.Namespace, line: Line) -> Difference:
    """The same line, built by the model for this very host and by a real QEMU."""
    from memkit.diff import diff as compare
    from memkit.qemu.launch import launch

    target = arguments.target
    try:
        real = launch(line, arguments.binary or (target and f"qemu-system-{target}"))
    except Refused as theirs:
        try:
            guest_of(arguments, line)
        except Refused as ours:
            same = ours.message.splitlines()[:1] == theirs.message.splitlines()[:1]
            verdict = "The model refuses it in the same words." if same else (
                f"The model refuses it in other words: {ours.message}")
        else:
            verdict = "The model would boot it."
        raise Refused(theirs.message, explanation=f"The real QEMU says this. {verdict}") from None
    try:
        # Without --qemu and --host, the model is the release that answered, on the machine where it stood.
        model = boot(line, target, arguments.qemu or real.qemu, host_of(arguments) or real.host)
    except Refused as ours:
        raise Refused(
            ours.message, explanation=f"The model says this; the real QEMU boots it. {ours.explanation}",
        ) from None
    return compare(model, real)


def _tell(arguments: argparse.Namespace, found: Difference) -> None:
    if not arguments.json:
        print(found)
        return
    print_json({
        "same": not found, "compared": list(found.compared), "heading": found.heading,
        "refused": [s.message if isinstance(s, Refused) else None for s in (found.before, found.after)],
        "changes": [
            {"kind": c.kind, "subject": c.subject, "words": c.words, "before": c.before, "after": c.after,
             "sentence": c.sentence}
            for c in found.changes
        ],
    })


def _view(found: Difference, arguments: argparse.Namespace) -> Any:
    if arguments.kind == "graph":
        return found.graph(arguments.theme)
    return found.map(arguments.theme) if arguments.kind == "map" else found.tables(arguments.theme)
