"""``-object`` before 6.0: the object itself reads its properties, when it is made and not in the option loop.

QEMU sets the properties in the order of its hash table and stops at the first that is wrong; what an object
cannot do without, it notices at the end.

Source: user_creatable_add_type in qom/object_interfaces.c, backends/hostmem*.c, net/filter.c,
crypto/secret_common.c (QEMU 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memkit.config.numbers import SizeReader
from memkit.config.qdict import hash_order
from memkit.config.qemuopts import Pairs
from memkit.config.schema import object_schema, object_types
from memkit.config.specs import ObjectSpec, Option
from memkit.config.visit import missing, read_opts_value
from memkit.config.wrong import Wrong, near, refuse
from memkit.errors import Refused

__all__ = ["old_object"]

# Member that is missing → what the object says, in the order in which it looks.
_MISSING: dict[str, dict[str, str]] = {
    "authz-list-file": {"filename": "filename not provided"},
    "authz-simple": {"identity": "The 'identity' property must be set"},
    "can-host-socketcan": {"if": "'if' property not set"},
    "colo-compare": dict.fromkeys(
        ("primary_in", "secondary_in", "outdev"),
        "colo compare needs 'primary_in' ,'secondary_in','outdev','iothread' property set",
    ),
    "cryptodev-vhost-user": {"chardev": "Parameter 'chardev' expects a valid character device"},
    "input-linux": {"evdev": "no input device specified"},
    "pr-manager-helper": {"path": "unix connect: no path specified"},
    "rng-egd": {"chardev": "Parameter 'chardev' expects a valid character device"},
    "secret_keyring": {"serial": "'serial' parameter must be provided"},
    "tls-cipher-suites": {"priority": "'priority' property is not set"},
    "tls-creds-psk": {"dir": "Missing 'dir' property value"},
    "tls-creds-x509": {"dir": "Missing 'dir' property value"},
}
_NO_SIZE = "can't create backend with size 0"
# What the sizes of later releases may leave out, too.
_OPTIONAL = frozenset(("reduced-phys-bits",))


def old_object(
    option: Option, changes: Sequence[tuple[str, str]], qemu: str, sizes: SizeReader
) -> ObjectSpec:
    """The object of ``option``: the properties that QEMU sets, and what it says to the next, if anything.

    ``changes`` are the pairs that -set added.
    """
    pairs = (*option.args, *changes)
    words = dict(pairs)
    qom_type = words.get("qom-type", "")
    # Of several ids, the first counts.
    name = next((value for key, value in option.args if key == "id"), "")
    props: dict[str, Any] = {}
    try:
        _read(pairs, qom_type, props, qemu, sizes)
    except Wrong as wrong:
        try:
            refuse(option, wrong, source="user_creatable_add_type, qom/object_interfaces.c, QEMU 5.2")
        except Refused as refused:
            return ObjectSpec(qom_type, name, props, option, refused)
    return ObjectSpec(qom_type, name, props, option)


def _read(pairs: Pairs, qom_type: str, props: dict[str, Any], qemu: str, sizes: SizeReader) -> None:
    words = dict(pairs)
    for name in ("qom-type", "id"):
        if name not in words:
            raise missing(name)
    if qom_type not in object_types(qemu):
        raise Wrong(f"invalid object type: {qom_type}", f"QEMU has no object of type {qom_type!r:.60}.",
                    near(qom_type, object_types(qemu)))
    members = {name: (kind, optional) for name, kind, optional in object_schema(qom_type, qemu)}
    for name in hash_order(name for name in words if name not in ("qom-type", "id")):
        if name not in members:
            raise Wrong(f"Property '{qom_type}.{name}' not found", f"There is no property {name!r:.60} here.",
                        near(name, members))
        props[name] = read_opts_value(name, members[name][0], words[name], pairs, lambda _text: None, sizes)
        if name == "loaded" and props[name]:
            # Secrets and certificates load at once, with what has been set so far.
            _check_complete(qom_type, members, props)
    _check_complete(qom_type, members, props)


def _check_complete(qom_type: str, members: dict[str, tuple[str, bool]], props: dict[str, Any]) -> None:
    if qom_type.startswith("memory-backend-"):
        if "size" not in props:
            raise Wrong(_NO_SIZE, "A backend of no bytes has nothing to map.", "add size=")
        if qom_type == "memory-backend-file" and "mem-path" not in props:
            raise Wrong("mem-path property not set", "A file backend is a view of a file.", "add mem-path=")
        return
    if qom_type == "secret" and "data" not in props and "file" not in props:
        raise Wrong("Either 'file' or 'data' must be provided", "A secret has to come from somewhere.",
                    "add file=")
    for name, message in _MISSING.get(qom_type, {}).items():
        if name not in props:
            raise Wrong(message, f"{name}= has to be given.", f"add {name}=")
    for name, (_kind, optional) in members.items():
        if not optional and name not in props and name not in _OPTIONAL:
            if qom_type.startswith("filter-"):
                raise Wrong(f"Parameter '{name}' is required", f"{name}= has to be given.", f"add {name}=")
            raise missing(name)
