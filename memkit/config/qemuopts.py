"""QEMU's two grammars for ``key=value`` lists: QemuOpts and keyval.

Both split at commas, and a doubled comma stands for one inside a value.  QemuOpts also allows
``share`` for ``share=on`` (deprecated); keyval allows dotted keys but no bare words.

Source: util/qemu-option.c and util/keyval.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["id_wellformed", "split_keyval", "split_opts"]

Pairs = tuple[tuple[str, str], ...]
_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*\Z")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z|[0-9]+\Z|[A-Za-z0-9_.-]+\Z")


def id_wellformed(text: str) -> bool:
    """True if ``text`` can be an id: letters, digits, ``-._``, starting with a letter.

    >>> id_wellformed("mem0"), id_wellformed("0mem")
    (True, False)
    """
    return _ID.match(text) is not None


def _chunks(text: str) -> list[str]:
    """Split at single commas; a doubled comma is one comma of the value."""
    if ",," not in text:
        return text.split(",")
    chunks, current, index = [], "", 0
    while index < len(text):
        if text[index] == ",":
            if text[index + 1 : index + 2] == ",":
                current += ","
                index += 1
            else:
                chunks.append(current)
                current = ""
        else:
            current += text[index]
        index += 1
    return [*chunks, current]


def split_opts(text: str, implied: str | None, warn: Callable[[str], None]) -> Pairs:
    """The pairs of a QemuOpts string; ``implied`` names the key of a bare first value.

    ``warn`` gets QEMU's warning for each bare boolean.  A trailing comma is allowed.

    >>> split_opts("4G,slots=2", "size", print)
    (('size', '4G'), ('slots', '2'))
    """
    pairs: list[tuple[str, str]] = []
    chunks = _chunks(text)
    if chunks and chunks[-1] == "":
        chunks.pop()
    for index, chunk in enumerate(chunks):
        key, equals, value = chunk.partition("=")
        if equals:
            pairs.append((key, value))
        elif index == 0 and implied is not None:
            pairs.append((implied, chunk))
        else:
            name, word = (chunk[2:], "off") if chunk.startswith("no") else (chunk, "on")
            warn(f"short-form boolean option '{chunk}' deprecated\nPlease use {name}={word} instead")
            pairs.append((name, word))
    return tuple(pairs)


def split_keyval(text: str, implied: str | None) -> Pairs:
    """The pairs of a keyval string with dotted keys; raises ValueError with QEMU's words.

    >>> split_keyval("q35,smp.cpus=2", "type")
    (('type', 'q35'), ('smp.cpus', '2'))
    """
    pairs: list[tuple[str, str]] = []
    chunks = _chunks(text)
    if chunks and chunks[-1] == "":
        chunks.pop()
    for index, chunk in enumerate(chunks):
        key, equals, value = chunk.partition("=")
        if not equals:
            if index == 0 and implied is not None and chunk:
                pairs.append((implied, chunk))
                continue
            if not chunk:
                raise ValueError("Invalid parameter ''")
            raise ValueError(f"Expected '=' after parameter '{chunk}'")
        if not all(_KEY.match(part) for part in key.split(".")):
            raise ValueError(f"Invalid parameter '{key}'")
        pairs.append((key, value))
    return tuple(pairs)
