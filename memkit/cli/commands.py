"""The commands about one guest: each takes the arguments, prints its answer, returns an exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from memkit.boot import boot
from memkit.cli.lines import Line, from_words, read_stdin
from memkit.errors import CommandLineError, MemkitError, Unavailable
from memkit.explain import read_address
from memkit.host import Host
from memkit.versions import DEFAULT_QEMU, nearest_qemu

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = [
    "FORMATS", "KINDS", "Run", "draw", "explain", "guest_of", "host_of", "monitor", "picture_format",
    "print_json", "write_picture",
]

Run = Callable[[argparse.Namespace], int]
KINDS = ("graph", "map", "tables")
FORMATS = ("text", "svg", "html", "json")
_BY_ENDING = {".svg": "svg", ".html": "html", ".htm": "html", ".txt": "text", ".json": "json"}


def explain(arguments: argparse.Namespace) -> int:
    """0 after the story of one address."""
    gpa = read_address(arguments.address)  # a typing error is told before a line is asked for
    story = guest_of(arguments).explain(gpa, arguments.space)
    if arguments.json:
        print_json(story.data())
    else:
        print(story)
    return 0


def monitor(arguments: argparse.Namespace) -> int:
    """0 after the monitor's text."""
    sys.stdout.write(guest_of(arguments).monitor(" ".join(arguments.text)))
    return 0


def draw(arguments: argparse.Namespace) -> int:
    """0 after a picture, on standard output or in a file."""
    format = picture_format(arguments)
    if arguments.focus and arguments.kind != "graph":
        raise MemkitError(f"--focus belongs to the graph; a {arguments.kind} has none")
    guest = guest_of(arguments)
    write_picture(_view(guest, arguments), arguments, format)
    return 0


def write_picture(view: Any, arguments: argparse.Namespace, format: str) -> None:
    """Write a view in ``format`` to the file that the arguments name, else to standard output.

    Raises Unavailable where the file cannot be written.
    """
    path = arguments.output
    picture = _picture(view, arguments.kind, format).rstrip("\n") + "\n"
    if path is None or path == "-":
        sys.stdout.write(picture)
        return
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(picture)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unavailable(f"cannot write {path}: {reason}. Name another file with -o") from None
    print(f"wrote {path}", file=sys.stderr)


def guest_of(arguments: argparse.Namespace, line: Line | None = None) -> Guest:
    """The Guest that the model boots; QEMU's warnings and our notes go to standard error."""
    if line is None:
        if len(arguments.lines) > 1:
            raise CommandLineError("-- stands twice; this command takes one QEMU command line")
        line = from_words(arguments.lines[0]) if arguments.lines else read_stdin(arguments.command)
    # Told first, for it counts for a refusal as well.
    asked = DEFAULT_QEMU if arguments.qemu is None else arguments.qemu
    if note := nearest_qemu(asked)[1]:
        print(f"memkit: {note}", file=sys.stderr)
    guest = boot(line, arguments.target, asked, host_of(arguments))
    for warning in guest.warnings:
        print(warning if "warning:" in warning else f"warning: {warning}", file=sys.stderr)
    return guest


def host_of(arguments: argparse.Namespace) -> Host | None:
    """The host that the arguments describe, or None."""
    return Host.from_file(arguments.host) if arguments.host else None


def picture_format(arguments: argparse.Namespace) -> str:
    """The format of the picture that the arguments ask for; raises MemkitError for what does not go."""
    format = _format(arguments)
    if format == "svg" and arguments.kind == "tables":
        raise MemkitError("tables are no picture; write them as .html, .txt or .json")
    return format


def _format(arguments: argparse.Namespace) -> str:
    path = arguments.output
    if arguments.format:
        return str(arguments.format)
    if path is None or path == "-":
        return "text" if sys.stdout.isatty() else "html" if arguments.kind == "tables" else "svg"
    ending = path[path.rfind("."):].lower() if "." in path else ""
    if ending not in _BY_ENDING:
        raise MemkitError(
            f"the ending of {path} names no format; use .svg, .html, .txt or .json, or add --format"
        )
    return _BY_ENDING[ending]


def _view(guest: Guest, arguments: argparse.Namespace) -> Any:
    from memkit.draw import AddressMap, Graph, Tables

    theme = arguments.theme
    if arguments.kind == "graph":
        return Graph(guest, theme, arguments.focus)
    return AddressMap(guest, theme) if arguments.kind == "map" else Tables(guest, theme)


def _picture(view: Any, kind: str, format: str) -> str:
    if format == "text":
        return str(view)
    if format == "json":
        return json.dumps(view.data(), indent=2)
    if format == "svg":
        return str(view.svg())
    if kind == "tables":
        return _page(view, view.html())
    return _page(view, view.svg() if kind == "graph" else view.html(script=True))


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


def print_json(data: Any) -> None:
    """Print data for programs."""
    print(json.dumps(data, indent=2))
