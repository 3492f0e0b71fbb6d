"""``-object``: the memory backends' properties, read and checked when the option is parsed.

QEMU checks every object against its schema before anything is built, in the order of the
schema.  Source: qapi/qom.json, qapi/opts-visitor.c, qapi/qobject-input-visitor.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from memkit.config.ranges import uint_ranges
from memkit.units import parse_size

__all__ = ["OBJECT_TYPES", "read_object"]

POLICIES = ("default", "preferred", "bind", "interleave")
_BACKEND = {
    "dump": "bool", "host-nodes": "nodes", "merge": "bool", "policy": "policy", "prealloc": "bool",
    "prealloc-threads": "uint", "prealloc-context": "str", "share": "bool", "reserve": "bool",
    "size": "size!", "x-use-canonical-path-for-ramblock-id": "bool",
}
_MEMORY = {
    "memory-backend-ram": _BACKEND,
    "memory-backend-file": {
        **_BACKEND, "align": "size", "discard-data": "bool", "mem-path": "str!", "pmem": "bool",
        "readonly": "bool",
    },
    "memory-backend-memfd": {**_BACKEND, "hugetlb": "bool", "hugetlbsize": "size", "seal": "bool"},
    "memory-backend-epc": _BACKEND,
}
OBJECT_TYPES = frozenset(_MEMORY) | frozenset(
    "authz-list authz-listfile authz-pam authz-simple can-bus can-host-socketcan colo-compare "
    "cryptodev-backend cryptodev-backend-builtin cryptodev-backend-lkcf cryptodev-vhost-user dbus-vmstate "
    "filter-buffer filter-dump filter-mirror filter-redirector filter-replay filter-rewriter input-barrier "
    "input-linux iothread main-loop pef-guest pr-manager-helper qtest rng-builtin rng-egd rng-random secret "
    "secret_keyring sev-guest thread-context s390-pv-guest throttle-group tls-creds-anon tls-creds-psk "
    "tls-creds-x509 tls-cipher-suites x-remote-object".split()
)

Fail = Callable[..., NoReturn]


def read_object(
    qom_type: str, given: Mapping[str, Any], repeated: Mapping[str, list[str]], json: bool, fail: Fail
) -> dict[str, Any]:
    """The typed properties of an object; ``fail(message, hint)`` reports the first mistake.

    ``given`` maps each property to its last value; ``repeated`` to all values (for lists).
    """
    schema = _MEMORY.get(qom_type)
    if schema is None:
        return dict(given)
    values: dict[str, Any] = {}
    for name, kind in schema.items():
        if name in given:
            reader = _read_json if json else _read_text
            values[name] = reader(name, kind.rstrip("!"), given[name], repeated.get(name, []), fail)
        elif kind.endswith("!"):
            fail(f"Parameter '{name}' is missing", f"add {name}= to the object")
    for name in given:
        if name not in schema and name not in ("qom-type", "id"):
            message = f"Parameter '{name}' is unexpected" if json else f"Invalid parameter '{name}'"
            fail(message, _near(name, schema))
    return values


def _near(name: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, 3)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(sorted(known))}"


def _read_text(name: str, kind: str, value: str, every: list[str], fail: Fail) -> Any:
    if kind == "bool":
        if value in ("on", "yes", "true", "y"):
            return True
        if value in ("off", "no", "false", "n"):
            return False
        fail(f"Parameter '{name}' expects 'on' or 'off'", f"write {name}=on or {name}=off")
    if kind == "size":
        try:
            return parse_size(value)
        except (ValueError, OverflowError) as e:
            fail(f"Parameter '{name}' expects a size value", str(e))
    if kind == "uint":
        try:
            number = int(value, 0)
            if 0 <= number < 1 << 32:
                return number
        except ValueError:
            pass
        fail(f"Parameter '{name}' expects a uint64 value", "write a whole number")
    if kind == "nodes":
        try:
            return uint_ranges(every)
        except ValueError:
            fail(f"Parameter '{name}' expects a uint64 value or range", f"write {name}=0 or {name}=0-1")
    if kind == "policy" and value not in POLICIES:
        fail(f"Parameter '{name}' does not accept value '{value}'", f"use {', '.join(POLICIES)}")
    return value


def _read_json(name: str, kind: str, value: Any, _every: list[str], fail: Fail) -> Any:
    def wrong(expected: str) -> NoReturn:
        fail(f"Invalid parameter type for '{name}', expected: {expected}",
             "in JSON, numbers and true/false are written without quotes")

    if kind == "bool":
        return value if isinstance(value, bool) else wrong("boolean")
    if kind in ("size", "uint"):
        if isinstance(value, int) and not isinstance(value, bool):
            return value % (1 << 64)
        if kind == "size":
            fail(f"Parameter '{name}' expects uint64", "in JSON, sizes are bytes without quotes")
        wrong("integer")
    if kind == "nodes":
        if not isinstance(value, list):
            wrong("array")
        if not all(isinstance(n, int) and not isinstance(n, bool) for n in value):
            fail(f"Invalid parameter type for '{name}[0]', expected: integer", "write numbers")
        return value
    if not isinstance(value, str):
        wrong("string")
    if kind == "policy" and value not in POLICIES:
        fail(f"Parameter '{name}' does not accept value '{value}'", f"use {', '.join(POLICIES)}")
    return value
