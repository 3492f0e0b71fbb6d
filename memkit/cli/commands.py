"""The four commands: each takes the arguments, prints its answer and returns an exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from memkit.boot import boot
from memkit.cli.lines import Line, from_words, read_stdin
from memkit.errors import CommandLineError, MemkitError, Refused, Unavailable
from memkit.explain import read_address
from memkit.host import Host

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = ["FORMATS", "KINDS", "Run", "diff", "draw", "explain", "monitor"]

Run = Callable[[argparse.Namespace], int]
KINDS = ("graph", "map", "tables")
FORMATS = ("text", "svg", "html", "json")
_BY_ENDING = {".svg": "svg", ".html": "html", ".htm": "html", ".txt": "text", ".json": "json"}


def explain(arguments: argparse.Namespace) -> int:
    """0 after the story of one address."""
    gpa = read_address(arguments.address)  # a typing error is told before a line is asked for
    story = _guest(arguments).explain(gpa, arguments.space)
    if arguments.json:
        _print_json(story.data())
    else:
        print(story)
    return 0


def monitor(arguments: argparse.Namespace) -> int:
    """0 after the monitor's text."""
    sys.stdout.write(_guest(arguments).monitor(" ".join(arguments.text)))
    return 0


def draw(arguments: argparse.Namespace) -> int:
    """0 after a picture, on standard output or in a file."""
    kind, path = arguments.kind, arguments.output
    format = _format(arguments, kind)
    if arguments.focus and kind != "graph":
        raise MemkitError(f"--focus belongs to the graph; a {kind} has none")
    if format == "svg" and kind == "tables":
        raise MemkitError("tables are no picture; write them as .html, .txt or .json")
    picture = _picture(_guest(arguments), arguments, format).rstrip("\n") + "\n"
    if path is None or path == "-":
        sys.stdout.write(picture)
        return 0
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(picture)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unavailable(f"cannot write {path}: {reason}. Name another file with -o") from None
    print(f"wrote {path}", file=sys.stderr)
    return 0


def diff(arguments: argparse.Namespace) -> int:
    """0 if two guests are the same, 1 if they differ; a refused line raises Refused."""
    from memkit.diff import diff as compare

    lines = [*arguments.text, *map(from_words, arguments.lines)]
    if arguments.binary and not arguments.real:
        raise MemkitError("--binary names the real QEMU, so it goes with --real")
    if arguments.real:
        if len(lines) > 1:
            raise MemkitError("--real compares one command line; a second one has no place here")
        line: Line = lines[0] if lines else read_stdin("diff --real")
        found = compare(*_model_and_real(arguments, line))
    else:
        if len(lines) != 2:
            raise MemkitError(
                f"diff compares two command lines, not {len(lines)}; quote each one: "
                'memkit diff "-m 4G" "-m 5G". One line against a real QEMU: memkit diff --real -- -m 4G'
            )
        guests = []
        for name, one in zip(("first", "second"), lines, strict=True):
            try:
                guests.append(_guest(arguments, one))
            except Refused as refused:
                raise Refused(
                    refused.message, hint=refused.hint,
                    explanation=f"This is about the {name} line. {refused.explanation}".strip(),
                ) from None
        found = compare(*guests)
    if arguments.json:
        _print_json({
            "same": not found, "compared": list(found.compared),
            "changes": [asdict(change) for change in found.changes],
        })
    else:
        print(found)
    return 1 if found else 0


def _model_and_real(arguments: argparse.Namespace, line: Line) -> tuple[Guest, Guest]:
    """The same line, built by the model for this very host and by a real QEMU."""
    from memkit.qemu.launch import launch

    target = arguments.target
    try:
        real = launch(line, arguments.binary or (target and f"qemu-system-{target}"))
    except Refused as theirs:
        try:
            _guest(arguments, line)
        except Refused as ours:
            same = ours.message.splitlines()[:1] == theirs.message.splitlines()[:1]
            verdict = "The model refuses it in the same words." if same else (
                f"The model refuses it in other words: {ours.message}")
        else:
            verdict = "The model would boot it."
        raise Refused(theirs.message, explanation=f"The real QEMU says this. {verdict}") from None
    try:
        # Without --host, the model stands on the machine that the real QEMU stood on.
        model = boot(line, target, arguments.qemu, _host(arguments) or real.host)
    except Refused as ours:
        raise Refused(
            ours.message, explanation=f"The model says this; the real QEMU boots it. {ours.explanation}",
        ) from None
    return model, real


def _guest(arguments: argparse.Namespace, line: Line | None = None) -> Guest:
    """The Guest that the model boots; QEMU's warnings go to standard error."""
    if line is None:
        if len(arguments.lines) > 1:
            raise CommandLineError("-- stands twice; this command takes one QEMU command line")
        line = from_words(arguments.lines[0]) if arguments.lines else read_stdin(arguments.command)
    guest = boot(line, arguments.target, arguments.qemu, _host(arguments))
    for warning in guest.warnings:
        print(warning if "warning:" in warning else f"warning: {warning}", file=sys.stderr)
    return guest


def _host(arguments: argparse.Namespace) -> Host | None:
    return Host.from_file(arguments.host) if arguments.host else None


def _format(arguments: argparse.Namespace, kind: str) -> str:
    path = arguments.output
    if arguments.format:
        return str(arguments.format)
    if path is None or path == "-":
        return "text" if sys.stdout.isatty() else "html" if kind == "tables" else "svg"
    ending = path[path.rfind("."):].lower() if "." in path else ""
    if ending not in _BY_ENDING:
        raise MemkitError(
            f"the ending of {path} names no format; use .svg, .html, .txt or .json, or add --format"
        )
    return _BY_ENDING[ending]


def _picture(guest: Guest, arguments: argparse.Namespace, format: str) -> str:
    from memkit.draw import AddressMap, Graph, Tables

    theme = arguments.theme
    view: Any
    if arguments.kind == "graph":
        view = Graph(guest, theme, arguments.focus)
    elif arguments.kind == "map":
        view = AddressMap(guest, theme)
    else:
        view = Tables(guest, theme)
    if format == "text":
        return str(view)
    if format == "json":
        return json.dumps(view.data(), indent=2)
    if format == "svg":
        return str(view.svg())
    if arguments.kind == "tables":
        return _page(view, view.html())
    if arguments.kind == "graph":
        return _page(view, view.svg())
    return _page(view, view.html(script=True))


def _page(view: Any, body: str) -> str:
    """A page of its own around one view."""
    from html import escape

    from memkit.draw.theme import css

    title = escape(str(view.guest))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>body{{margin:1em}}{css(view.theme, 'body')}</style></head>\n"
        f"<body>{body}</body></html>\n"
    )


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2))
