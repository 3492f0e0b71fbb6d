"""Typed values from text or JSON, checked against a schema in QEMU's order and words.

Three readers for one schema, because QEMU has three: QemuOpts (``-object a,b=c``, ``-numa``), JSON,
and keyval trees (``-smp``, ``-display``).  Their messages differ.

Source: qapi/opts-visitor.c, qapi/qobject-input-visitor.c, qapi/qapi-visit-core.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from memkit.config.ghash import first_left
from memkit.config.numbers import SizeReader, c_integer, read_bool, uint, uint_range
from memkit.config.qdict import hash_order
from memkit.config.qemuopts import Pairs, warn_hex
from memkit.config.schema import ENUMS, Member, object_types, schema
from memkit.config.wrong import Wrong, near
from memkit.units import parse_size

__all__ = [
    "check_text", "check_type", "in_range", "missing", "not_accepted", "read_json_value", "read_keyval",
    "read_keyval_value", "read_opts_members", "read_opts_value", "read_tree",
]

Warn = Callable[[str], None]
_BITS = {"uint8": 8, "uint16": 16, "uint32": 32, "int8": 8, "int16": 16, "int32": 32}


def missing(name: str) -> Wrong:
    """The mistake of leaving out ``name``."""
    return Wrong(f"Parameter '{name}' is missing", f"{name.rpartition('.')[2]}= has to be given.",
                 f"add {name}=")


def not_accepted(name: str, value: str, known: Iterable[str]) -> Wrong:
    """The mistake of a ``value`` that is none of ``known``."""
    return Wrong(f"Parameter '{name}' does not accept value '{value}'",
                 f"{value!r:.60} is none of the values that {name}= takes.", near(value, known),
                 key="not-accepted", value=value)


def check_text(name: str, value: Any, given: bool) -> None:
    """Raise Wrong unless JSON gives a text."""
    if not given:
        raise missing(name)
    if not isinstance(value, str):
        raise Wrong(f"Invalid parameter type for '{name}', expected: string", f"{value!r:.60} is no text.",
                    "put it into double quotes")


def check_type(qom_type: str, qemu: str) -> None:
    """Raise Wrong unless that release knows objects of this type."""
    if qom_type not in object_types(qemu):
        raise not_accepted("qom-type", qom_type, object_types(qemu))


def _expects(name: str, what: str, value: object, example: str) -> Wrong:
    return Wrong(f"Parameter '{name}' expects {what}", f"{value!r:.60} does not fit.", f"write {example}")


def _json_type(name: str, expected: str, value: object) -> Wrong:
    return Wrong(f"Invalid parameter type for '{name}', expected: {expected}",
                 f"The JSON value {value!r:.60} has another type.",
                 "in JSON, numbers and true or false have no quotes, texts have them")


def in_range(name: str, kind: str, value: int) -> int:
    """``value`` if an integer of ``kind`` (uint16 ...) can hold it; raises Wrong."""
    bits = _BITS.get(kind)
    if bits is not None:
        signed = kind[0] == "i"
        low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
        if not low <= value < high:
            # QEMU has no name for the elements of a list, and says so.
            raise _expects(name, f"{kind}_t", value, f"a number from {low} to {high - 1}")
    return value


def _enum(name: str, kind: str, value: str) -> str:
    if value not in ENUMS[kind]:
        raise not_accepted(name, value, ENUMS[kind])
    return value


def read_opts_members(
    members: Iterable[Member], pairs: Pairs, warn: Warn, used: Iterable[str], sizes: SizeReader = parse_size
) -> dict[str, Any]:
    """The typed members from the pairs of a QemuOpts; the last of equal keys wins, lists take all.

    ``used`` are keys that were read before.  Raises Wrong at the first mistake.
    """
    given = dict(pairs)
    values: dict[str, Any] = {}
    for name, kind, optional in members:
        if name in given:
            values[name] = read_opts_value(name, kind, given[name], pairs, warn, sizes)
        elif not optional:
            raise missing(name)
    if [key for key in given if key not in values and key not in used]:
        # The id is kept apart from the others, and comes last.
        names = [key for key, _ in pairs if key != "id"]
        key = first_left([*names, "id"] if "id" in given else names, (*used, *values))
        assert key is not None
        raise Wrong(f"Invalid parameter '{key}'", f"There is no property {key!r:.60} here.",
                    near(key, [name for name, _, _ in members]))
    return values


def read_opts_value(
    name: str, kind: str, text: str, pairs: Pairs, warn: Warn, sizes: SizeReader = parse_size
) -> Any:
    """One typed value of a QemuOpts; a list takes all of ``pairs`` that have its name; raises Wrong."""
    if kind == "bool":
        return _opts_bool(name, text)
    if kind == "size":
        return _opts_size(name, text, warn, sizes)
    if kind in ("str", "any"):
        return text
    if kind[0] == "[":
        return _opts_list(name, kind[1:-1], [v for k, v in pairs if k == name])
    if kind in ENUMS:
        return _enum(name, kind, text)
    return _opts_integer(name, kind, text)


def _opts_bool(name: str, text: str) -> bool:
    try:
        return read_bool(text)
    except ValueError:
        raise _expects(name, "'on' or 'off'", text, f"{name}=on or {name}=off") from None


def _opts_size(name: str, text: str, warn: Warn, sizes: SizeReader) -> int:
    try:
        value = sizes(text)
    except (ValueError, OverflowError):
        raise _expects(name, "a size value", text, f"{name}=4G or {name}=512M") from None
    warn_hex(text, warn)
    return value


def _opts_integer(name: str, kind: str, text: str) -> int:
    try:
        if kind[0] == "u":
            value = uint(text)
        else:
            value = c_integer(text, signed=True)
    except (ValueError, OverflowError):
        what = "a uint64 value" if kind[0] == "u" else "an int64 value"
        raise _expects(name, what, text, f"{name}=0") from None
    return in_range(name, kind, value)


def _opts_list(name: str, kind: str, texts: list[str]) -> list[int]:
    numbers: list[int] = []
    # Who says a number twice means it once.
    seen = bytearray(1 << _BITS[kind])
    for text in texts:
        try:
            found = uint_range(text)
        except ValueError:
            raise _expects(name, "a uint64 value or range", text, f"{name}=0 or {name}=0-3") from None
        for bound in (found[0], found[-1]):
            if bound >= len(seen):
                in_range("null", kind, max(found[0], len(seen)))
        if seen.count(1, found.start, found.stop) < len(found):
            numbers += [number for number in found if not seen[number]]
            seen[found.start:found.stop] = b"\1" * len(found)
    return numbers


def read_tree(members: Iterable[Member], tree: Mapping[str, Any], used: Iterable[str]) -> dict[str, Any]:
    """The typed members of a JSON object; ``used`` are keys that were read before; raises Wrong."""
    values: dict[str, Any] = {}
    for name, kind, optional in members:
        if name in tree:
            values[name] = read_json_value(name, name, kind, tree[name])
        elif not optional:
            raise missing(name)
    _no_more(members, tree, values, used, "")
    return values


def read_json_value(name: str, path: str, kind: str, value: Any) -> Any:
    """One typed value of a JSON object; ``path`` is what messages call it; raises Wrong."""
    if kind == "bool":
        if not isinstance(value, bool):
            raise _json_type(path, "boolean", value)
        return value
    if kind == "any":
        return value
    if kind[0] == "[":
        if not isinstance(value, list):
            raise _json_type(path, "array", value)
        return [read_json_value("null", f"{path}[{i}]", kind[1:-1], v) for i, v in enumerate(value)]
    if kind == "str" or kind in ENUMS:
        if not isinstance(value, str):
            raise _json_type(path, "string", value)
        return _enum(name, kind, value) if kind in ENUMS else value
    fits = isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 64
    if kind[0] == "i":
        if not fits or value >= 1 << 63:
            raise _json_type(path, "integer", value)
        return in_range(name, kind, value)
    if not fits:
        raise Wrong(f"Parameter '{path}' expects uint64", f"The JSON value {value!r:.60} is no whole number.",
                    f'in JSON, sizes are bytes without quotes and suffix: "{path}": 1073741824')
    # Negative numbers wrap around, which QEMU keeps for old clients.
    return in_range(name, kind, value % (1 << 64))


def read_keyval(
    members: Iterable[Member], tree: Any, path: str, used: Iterable[str] = (),
    warn: Warn = lambda _text: None, sizes: SizeReader = parse_size,
) -> dict[str, Any]:
    """The typed members of the keyval tree at ``path``; raises Wrong."""
    if not isinstance(tree, dict):
        raise Wrong(f"Invalid parameter type for '{path}', expected: object",
                    f"{path} is a group of values, not one value.", f"write {path}.NAME=VALUE")
    values: dict[str, Any] = {}
    prefix = f"{path}." if path else ""
    for name, kind, optional in members:
        if name in tree:
            values[name] = read_keyval_value(name, prefix + name, kind, tree[name], warn, sizes)
        elif not optional:
            raise missing(prefix + name)
    _no_more(members, tree, values, used, prefix)
    return values


def read_keyval_value(
    name: str, path: str, kind: str, value: Any, warn: Warn = lambda _text: None,
    sizes: SizeReader = parse_size,
) -> Any:
    """One typed value of a keyval tree; ``path`` is what messages call it; raises Wrong."""
    if kind == "any":
        return value
    if kind[0] in "[{":
        if isinstance(value, str) or isinstance(value, dict) == (kind[0] == "["):
            expected = "array" if kind[0] == "[" else "object"
            raise Wrong(f"Invalid parameter type for '{path}', expected: {expected}",
                        f"{path} is a {'list' if kind[0] == '[' else 'group'} of values.",
                        f"write {path}{'.0' if kind[0] == '[' else ''}.NAME=VALUE")
        if kind[0] == "[":
            return [read_keyval_value(name, f"{path}.{i}", kind[1:-1], v, warn, sizes)
                    for i, v in enumerate(value)]
        return read_keyval(schema(kind[1:-1]), value, path, (), warn, sizes)
    if not isinstance(value, str):
        raise Wrong(f"Parameters '{path}.*' are unexpected", f"{path} is one value, not a group.",
                    f"write {path}=VALUE")
    try:
        if kind == "bool":
            return read_bool(value)
        if kind == "size":
            size = sizes(value)
            warn_hex(value, warn)
            return size
        if kind == "str":
            return value
        if kind in ENUMS:
            return _enum(name, kind, value)
        return in_range(name, kind, c_integer(value, signed=kind[0] == "i"))
    except (ValueError, OverflowError):
        what = {"bool": "'on' or 'off'", "size": "size"}.get(kind, "integer")
        example = {"bool": "on", "size": "4G"}.get(kind, "4")
        raise _expects(path, what, value, f"{path}={example}") from None


def _no_more(
    members: Iterable[Member], tree: Mapping[str, Any], values: Mapping[str, Any], used: Iterable[str],
    prefix: str,
) -> None:
    if len(values) < len(tree):
        key = first_left(hash_order(tree), (*used, *values))
        if key is not None:
            raise Wrong(f"Parameter '{prefix}{key}' is unexpected", f"There is no property {key!r:.60} here.",
                        near(key, [name for name, _, _ in members]))
