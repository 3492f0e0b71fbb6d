"""What the text twins share: grouped addresses, wrapping, and words for facts.

Lines stay within 72 characters, so that a phone shows them unbroken.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from memkit.units import hex_address, human

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.joined import JoinedRow
    from memkit.memory.device import Frontend

__all__ = [
    "WIDTH", "backend_word", "field", "frontend_name", "guest_name", "option_text", "page_text",
    "plural", "shorten", "size_text", "span", "wrap_words",
]

WIDTH = 72


def span(start: int, size: int) -> str:
    """The first and last address of a run, both grouped.

    >>> span(0x140000000, 1 << 30)
    '0x1_4000_0000 - 0x1_7fff_ffff'
    """
    return f"{hex_address(start)} - {hex_address(start + size - 1)}"


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "range"), plural(3, "range")
    ('1 range', '3 ranges')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def option_text(option: Any) -> str:
    """One option as a person types it, with its dash.

    >>> from types import SimpleNamespace
    >>> option_text(SimpleNamespace(name="m", value="4G"))
    '-m 4G'
    """
    if option.value is None:
        return f"-{option.name}"
    value = str(option.value)
    return f"-{option.name} {value if value.startswith('{') else shlex.quote(value)}"


def backend_word(type: str) -> str:
    """A backend's type without QEMU's common prefix.

    >>> backend_word("memory-backend-memfd")
    'memfd'
    """
    return type.removeprefix("memory-backend-")


def frontend_name(frontend: Frontend) -> str:
    """A frontend's name for people; a device that goes by its id is told with its type.

    >>> from memkit.memory.device import Frontend
    >>> frontend_name(Frontend("pc-dimm", "d1", "d1"))
    'pc-dimm d1'
    """
    label = frontend.label or frontend.id or frontend.kind
    return f"{frontend.kind} {label}" if frontend.id and label == frontend.id else label


def guest_name(guest: Guest) -> str:
    """Which guest a picture is of: its machine type and QEMU, as far as they are known.

    >>> import memkit
    >>> guest_name(memkit.read_monitor("1 nodes\\nnode 0 cpus: 0\\n"))
    'a guest read from text'
    """
    if guest.machine_type == guest.qemu == "unknown":
        return "a guest read from text"
    return f"{guest.machine_type} (QEMU {guest.qemu})"


def page_text(row: JoinedRow) -> str:
    """How the host backs a block, in a few words, with the page size.

    Huge and shared can hold at once, so the sharing is said whatever the pattern is.
    """
    block = row.block
    shared = block.shared or (block.backend.share if block.backend else block.shared)
    words = ["not known how" if shared is None else "shared" if shared else "private"]
    if row.backing in {"huge", "pmem", "file"}:
        words.append(row.backing)
    return f"{' '.join(words)}, {human(block.page_size)} pages"


def size_text(used: int, total: int) -> str:
    """A block's size; a resizeable one says how much of it is in use.

    >>> size_text(1 << 30, 1 << 30), size_text(131072, 2097152)
    ('1 GiB', '128 KiB of 2 MiB')
    """
    return human(total) if used == total else f"{human(used)} of {human(total)}"


def shorten(name: str, width: int) -> str:
    """A name cut in the middle, so that its telling end stays.

    >>> shorten("0000:00:02.0/vga.vram", 14)
    '0000…/vga.vram'
    """
    if len(name) <= width:
        return name
    tail = name.rfind("/")
    keep = len(name) - tail if tail > 0 else width // 2
    keep = min(max(keep, width // 2), width - 3)
    return f"{name[: width - keep - 1]}…{name[-keep:]}"


def wrap_words(text: str, width: int, limit: int = 0) -> list[str]:
    """Lines of at most ``width`` characters, broken at spaces and behind commas.

    With ``limit``, text beyond that many lines is cut and ends with an ellipsis.

    >>> wrap_words("-object memory-backend-ram,id=m1,size=1G", 20)
    ['-object', 'memory-backend-ram,', 'id=m1,size=1G']
    """
    pieces: list[str] = []
    for word in text.split(" "):
        parts = word.split(",")
        pieces += [f"{p}," for p in parts[:-1]] + [f"{parts[-1]} "]
    lines: list[str] = []
    line = ""
    for piece in pieces:
        rest = piece
        if line and len((line + rest).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        while len(rest.rstrip()) > width:
            cut = rest.rfind("/", 1, width) + 1 or width
            lines.append(rest[:cut])
            rest = rest[cut:]
        line += rest
    if line.strip():
        lines.append(line.rstrip())
    if limit and len(lines) > limit:
        lines = lines[:limit]
        lines[-1] = lines[-1][: width - 1] + "…"
    return lines or [""]


def field(name: str, value: str, indent: int = 2, label: int = 9) -> list[str]:
    """A labelled value; what does not fit goes on below it, aligned.

    >>> field("block", "m1")
    ['  block    m1']
    """
    room = WIDTH - indent - label
    first, *rest = wrap_words(value, room)
    pad = " " * indent
    return [f"{pad}{name:<{label}}{first}", *(f"{pad}{'':<{label}}{line}" for line in rest)]
