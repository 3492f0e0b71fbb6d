"""One typed value from text, as ``-machine`` and ``-device`` read theirs before 6.1 and 6.2.

Source: qapi/string-input-visitor.c (QEMU 5.2).
"""

from __future__ import annotations

from typing import Any

from memkit.config.numbers import SizeReader, c_integer
from memkit.config.qemuopts import check_value
from memkit.config.schema import ENUMS
from memkit.config.visit import in_range, not_accepted
from memkit.config.wrong import Wrong

__all__ = ["read_string_value"]


def read_string_value(name: str, kind: str, value: str, sizes: SizeReader) -> Any:
    """The value of ``kind`` (bool, size, a number or an enum; other kinds are text); raises Wrong.

    >>> read_string_value("port", "uint16", "0x10", int)
    16
    """
    if kind == "bool":
        check_value(name, "bool", value, lambda _text: None)
        return value in ("on", "yes", "true", "y")
    if kind == "size":
        check_value(name, "size", value, lambda _text: None, sizes)
        return sizes(value)
    if kind in ENUMS:
        if value not in ENUMS[kind]:
            raise not_accepted(name, value, ENUMS[kind])
        return value
    if kind.startswith(("int", "uint")):
        signed = kind[0] == "i"
        try:
            return in_range(name, kind, c_integer(value, signed=signed))
        except (ValueError, OverflowError):
            raise Wrong(f"Parameter '{name}' expects {'int64' if signed else 'uint64'}",
                        f"{value!r:.60} is no whole number.", f"write {name}=4") from None
    return value
