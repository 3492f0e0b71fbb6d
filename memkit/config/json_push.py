"""JSON as QEMU reads it since 11.1: token by token, so that a mistake is told with its line and column.

Source: qobject/json-parser.c, json-streamer.c, json-lexer.c (QEMU 11.1).
"""

from __future__ import annotations

from typing import Any

from memkit.config.json_form import DEEPEST, blanks, decode_number, decode_string, json_wrong, scalar
from memkit.config.wrong import Wrong

__all__ = ["read_located"]

_KEYWORDS = {"true": True, "false": False, "null": None}


def read_located(text: str) -> dict[str, Any]:
    """The object that ``text`` writes; raises Wrong in QEMU's words.

    >>> read_located('{"a": [1, 2]}')
    {'a': [1, 2]}
    """
    reader = _Reader(text)
    end = reader.run()
    if blanks(text, end) < len(text):
        raise json_wrong("Expecting at most one JSON value", "Something follows the closing brace.")
    return reader.value


class _Reader:
    """A stack of containers, and what may come next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.value: dict[str, Any] = {}
        # Containers that are open, and the key of each object that waits for its value.
        self.stack: list[Any] = []
        self.keys: list[str | None] = []
        self.state = "value"

    def run(self) -> int:
        """Read tokens until the value is complete; where it ends."""
        text, position, late = self.text, blanks(self.text, 0), 0
        while position < len(text):
            char = text[position]
            # Behind a number or keyword, which ends where the next sign is seen, columns are one ahead.
            place = position + late
            if char in "{}[],:":
                kind, end = char, position + 1
            else:
                try:
                    kind, end = scalar(text, position)
                except Wrong as wrong:
                    raise self._at(place, wrong.message) from None
            if self._take(kind, text[position:end], place):
                return end
            position = blanks(text, end)
            late = int(kind in ("number", "word") and position == end)
        raise self._wrong(position + late, "premature end of input")

    def _at(self, index: int, message: str) -> Wrong:
        line = self.text.count("\n", 0, index)
        return json_wrong(f"{line + 1}:{index - self.text.rfind(chr(10), 0, index)}: {message}")

    def _wrong(self, index: int, what: str) -> Wrong:
        return self._at(index, f"JSON parse error, {what}")

    def _take(self, kind: str, token: str, place: int) -> bool:
        """Advance by one token; True if the whole value is complete."""
        if self.state in ("key or end", "value or end") and kind in "}]" and (
            (kind == "}") == (self.state == "key or end")
        ):
            return self._close(place)
        if self.state in ("key", "key or end"):
            if kind != "string":
                raise self._wrong(place, "expecting key")
            self.keys.append(self._scalar(kind, token, place))
            self.state = "colon"
        elif self.state == "colon":
            if kind != ":":
                raise self._wrong(place, "expecting ':'")
            self.state = "value"
        elif self.state == "next":
            return self._next(kind, place)
        elif kind in ("{", "["):
            self._open(kind)
        else:
            self._put(self._scalar(kind, token, place), place)
        return False

    def _next(self, kind: str, place: int) -> bool:
        in_list = isinstance(self.stack[-1], list)
        closing = "]" if in_list else "}"
        if kind == closing:
            return self._close(place)
        if kind != ",":
            raise self._wrong(place, f"expected ',' or '{closing}'")
        self.state = "value" if in_list else "key"
        return False

    def _open(self, kind: str) -> None:
        if len(self.stack) >= DEEPEST:
            raise json_wrong("JSON nesting depth limit exceeded", "The value is nested too deeply.")
        self.stack.append({} if kind == "{" else [])
        self.state = "key or end" if kind == "{" else "value or end"

    def _close(self, place: int) -> bool:
        made = self.stack.pop()
        if not self.stack:
            self.value = made
            return True
        self._put(made, place)
        return False

    def _put(self, value: Any, place: int) -> None:
        container = self.stack[-1]
        if isinstance(container, list):
            container.append(value)
        else:
            key = self.keys.pop()
            if key in container:
                raise self._wrong(place, "duplicate key")
            container[key] = value
        self.state = "next"

    def _scalar(self, kind: str, token: str, place: int) -> Any:
        if kind == "string":
            try:
                return decode_string(token)
            except Wrong as wrong:
                raise self._at(place, wrong.message) from None
        if kind == "number":
            return decode_number(token)
        if kind == "word":
            if token not in _KEYWORDS:
                raise self._wrong(place, f"invalid keyword '{token}'")
            return _KEYWORDS[token]
        raise self._wrong(place, "expecting value")
