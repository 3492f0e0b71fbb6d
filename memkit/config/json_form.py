"""JSON as QEMU reads it: what libvirt writes behind ``-object`` and ``-device``.

QEMU's reader also takes single quotes, and has messages of its own.  Plain JSON goes through
Python's fast reader; whatever that does not read the same way goes through the slow one here.

Source: qobject/json-lexer.c, json-streamer.c, json-parser.c (QEMU 7.2).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

from memkit.config.wrong import Wrong

__all__ = [
    "DEEPEST", "blanks", "decode_number", "decode_string", "flatten_json", "json_wrong", "read_json",
    "scalar",
]

# Escapes, other alphabets and "0e1" are read differently; single quotes make Python stop anyway.
_UNLIKE = re.compile(r"[\\\x7f-\U0010ffff]|\b0[eE]")
_BLANKS = re.compile(r"[ \t\r\n]*")
_KEYWORD = re.compile(r"[a-z]+")
_DIGITS = re.compile(r"[0-9]*")
_STRINGS = {
    quote: re.compile(rf"{quote}(?:[^{quote}\\\x00-\x1f]|\\[^\x00-\x1f])*", re.S) for quote in "\"'"
}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/", '"': '"', "'": "'"}
# QEMU stops at 1024; far below, Python's own stack is in the way.
DEEPEST = 100
_HINT = "check the braces, quotes and commas; a shell needs single quotes around the whole"


def read_json(text: str, slow: Callable[[str], dict[str, Any]] | None = None) -> dict[str, Any]:
    """The object that ``text`` writes; raises Wrong in QEMU's words.

    ``slow`` is another reader for what Python's does not read.

    >>> read_json('{"qom-type": "memory-backend-ram", "size": 1024}')["size"]
    1024
    """
    if text.count("{") + text.count("[") <= DEEPEST and _UNLIKE.search(text) is None:
        try:
            value = json.loads(text, object_pairs_hook=_unique, parse_constant=_unknown)
            if isinstance(value, dict):
                return value
        except ValueError:
            pass
    return _Reader(text).read() if slow is None else slow(text)


def flatten_json(whole: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The pairs of a JSON object, with dotted keys and numbers as text.

    >>> flatten_json({"driver": "pc-dimm", "slot": 1, "x": {"y": [True]}})
    (('driver', 'pc-dimm'), ('slot', '1'), ('x.y.0', 'on'))
    """
    pairs: list[tuple[str, str]] = []
    _flatten("", whole.items(), pairs)
    return tuple(pairs)


def _flatten(prefix: str, items: Any, pairs: list[tuple[str, str]]) -> None:
    for key, value in items:
        if isinstance(value, dict):
            _flatten(f"{prefix}{key}.", value.items(), pairs)
        elif isinstance(value, list):
            _flatten(f"{prefix}{key}.", enumerate(value), pairs)
        elif isinstance(value, bool):
            pairs.append((f"{prefix}{key}", "on" if value else "off"))
        else:
            pairs.append((f"{prefix}{key}", "" if value is None else str(value)))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _unknown(_name: str) -> NoReturn:
    raise ValueError


def json_wrong(what: str, why: str = "What stands behind the option is not one JSON object.") -> Wrong:
    """The mistake ``what``, with our hint."""
    return Wrong(what, why, _HINT)


def _error(what: str) -> Wrong:
    return json_wrong(f"JSON parse error, {what}")


class _Reader:
    """Reads tokens until the braces are balanced, then the value that they make."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        self.next = 0

    def read(self) -> dict[str, Any]:
        end = self._tokens()
        value = self._value()
        if end < len(self.text) and blanks(self.text, end) < len(self.text):
            raise json_wrong("Expecting at most one JSON value", "Something follows the closing brace.")
        assert isinstance(value, dict)
        return value

    def _tokens(self) -> int:
        """Collect the tokens up to the brace that closes the first one; where that is."""
        text = self.text
        braces = brackets = 0
        position = blanks(text, 0)
        while position < len(text):
            char = text[position]
            if char in "{}":
                braces += 1 if char == "{" else -1
            elif char in "[]":
                brackets += 1 if char == "[" else -1
            if braces + brackets > DEEPEST:
                raise json_wrong("JSON nesting depth limit exceeded", "The value is nested too deeply.")
            kind, end = (char, position + 1) if char in "{}[],:" else scalar(text, position)
            self.tokens.append((kind, text[position:end]))
            if (braces <= 0 and brackets <= 0) or braces < 0 or brackets < 0:
                return end
            position = blanks(text, end)
        return position

    def _take(self) -> tuple[str, str]:
        if self.next >= len(self.tokens):
            raise _error("premature EOI")
        self.next += 1
        return self.tokens[self.next - 1]

    def _peek(self) -> str:
        if self.next >= len(self.tokens):
            raise _error("premature EOI")
        return self.tokens[self.next][0]

    def _value(self) -> Any:
        kind = self._peek()
        if kind in ("{", "["):
            self._take()
            return self._object() if kind == "{" else self._array()
        if kind in ("}", "]", ",", ":"):
            raise _error("expecting value")
        token = self._take()[1]
        if kind == "string":
            return decode_string(token)
        if kind == "word":
            if token in ("true", "false", "null"):
                return {"true": True, "false": False, "null": None}[token]
            raise _error(f"invalid keyword '{token}'")
        return decode_number(token)

    def _object(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self._peek() == "}":
            self._take()
            return made
        while True:
            self._pair(made)
            kind = self._take()[0]
            if kind == "}":
                return made
            if kind != ",":
                raise _error("expected separator in dict")

    def _pair(self, made: dict[str, Any]) -> None:
        self._peek()
        key = self._value()
        if not isinstance(key, str):
            raise _error("key is not a string in object")
        if self._take()[0] != ":":
            raise _error("missing : in object pair")
        value = self._value()
        if key in made:
            raise _error("duplicate key")
        made[key] = value

    def _array(self) -> list[Any]:
        made: list[Any] = []
        if self._peek() == "]":
            self._take()
            return made
        while True:
            made.append(self._value())
            kind = self._take()[0]
            if kind == "]":
                return made
            if kind != ",":
                raise _error("expected separator in list")


def blanks(text: str, position: int) -> int:
    """Where the blanks at ``position`` end."""
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def _stray(text: str, start: int, end: int) -> Wrong:
    """What the lexer has swallowed when it meets a character that cannot follow."""
    seen, last = text[start:end], text[end:end + 1]
    # It works byte by byte, and half a letter is printed as no letter at all.
    return _error(f"stray '{seen}{last if last.isascii() else chr(0xFFFD)}'")


def scalar(text: str, start: int) -> tuple[str, int]:
    """The kind and the end of the string, number or keyword at ``start``; raises Wrong."""
    char = text[start]
    if char in "\"'":
        match = _STRINGS[char].match(text, start)
        end = match.end() if match else start
        if text[end:end + 1] == char:
            return "string", end + 1
        raise _stray(text, start, end + 1 if text[end:end + 1] == "\\" else end)
    match = _KEYWORD.match(text, start)
    if match is not None:
        return "word", match.end()
    if char == "-" or char in "0123456789":
        return "number", _number_end(text, start)
    raise _stray(text, start, start)


def _number_end(text: str, start: int) -> int:
    def digits(position: int) -> int:
        match = _DIGITS.match(text, position)
        if match is None or match.end() == position:
            raise _stray(text, start, position)
        return match.end()

    whole = start + 1 if text[start] == "-" else start
    end = digits(whole)
    fraction = text[end:end + 1] == "."
    if text[whole] == "0":
        if end > whole + 1:
            raise _stray(text, start, whole + 1)
        if not fraction:
            return end
    if fraction:
        end = digits(end + 1)
    if text[end:end + 1] in ("e", "E"):
        end += 1
        end = digits(end + 1 if text[end:end + 1] in ("+", "-") else end)
    return end


def decode_number(token: str) -> int | float:
    """The number that ``token`` writes."""
    if token.lstrip("-").isdigit() and len(token) <= 20:
        value = int(token)
        if -(1 << 63) <= value < 1 << 64:
            return value
    return float(token)


def decode_string(token: str) -> str:
    """The text that ``token`` writes with its quotes; raises Wrong."""
    if "\\" not in token:
        return token[1:-1]
    pieces = []
    position, end = 1, len(token) - 1
    while position < end:
        if token[position] != "\\":
            pieces.append(token[position])
            position += 1
            continue
        letter = token[position + 1]
        if letter == "u":
            piece, position = _unicode(token, position)
            pieces.append(piece)
            continue
        if letter not in _ESCAPES:
            raise _error("invalid escape sequence in string")
        pieces.append(_ESCAPES[letter])
        position += 2
    return "".join(pieces)


def _unicode(token: str, start: int) -> tuple[str, int]:
    """The character that the escape at ``start`` means, and where it ends."""
    def digits(at: int) -> int:
        text = token[at:at + 4]
        return int(text, 16) if re.fullmatch("[0-9a-fA-F]{4}", text) else -1

    code, end = digits(start + 2), start + 6
    if 0xD800 <= code < 0xDC00 and token[end:end + 2] == "\\u":
        low = digits(end + 2)
        if 0xDC00 <= low < 0xE000:
            code, end = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF), end + 6
        else:
            code = -1
    if code < 0 or 0xD800 <= code < 0xE000 or 0xFDD0 <= code < 0xFDF0 or code & 0xFFFE == 0xFFFE:
        raise _error(f"{token[start:end]} is not a valid Unicode character")
    return chr(code), end
