"""Property lists, packed into groups that many types share."""

from __future__ import annotations

import re

# QEMU 5.2 says MACHINE.NAME=TYPE in answer to -machine MACHINE,help, below no heading.
OLD_FORM = re.compile(r"^[a-z][\w.\-]*\.([a-z][\w\-]*)=(\S+)")


def read_properties(text: str) -> dict[str, tuple[str, str | None]]:
    """name → (type, default as printed) from the text of ``-device X,help`` and its like."""
    found = {}
    lines = text.splitlines()
    for line in lines[1:] if lines and lines[0].endswith("options:") else lines:
        line = OLD_FORM.sub(r"  \1=<\2> ", line)
        match = re.match(r"^\s+([\w.\-\[\]*]+)=<(.*?)>(?:\s+-|\s*$|\s+\()", line + " ")
        if match:
            default = re.search(r"\(default: (.*)\)\s*$", line)
            found[match[1]] = (match[2], default[1].strip('"') if default else None)
    return found


def pack(properties: dict[str, tuple[str, str | None]]) -> list[str]:
    """Each property as ``name=type`` or ``name=type|default``, blanks as ``_``."""
    return [
        (f"{n}={t}" + ("" if d is None else f"|{d}")).replace(" ", "_")
        for n, (t, d) in sorted(properties.items())
    ]


def share(sets: list[list[str]]) -> tuple[list[list[str]], list[list[int]]]:
    """Common members pulled out: groups of members that always come together get a number.

    Returns the groups and, for every set, its numbers.
    """
    owners: dict[str, list[int]] = {}
    for index, members in enumerate(sets):
        for member in members:
            owners.setdefault(member, []).append(index)
    groups: dict[tuple[int, ...], list[str]] = {}
    for member, where in owners.items():
        groups.setdefault(tuple(where), []).append(member)
    found: list[list[str]] = []
    result: list[list[int]] = [[] for _ in sets]
    for owned, members in sorted(groups.items(), key=lambda g: (-len(g[0]), g[0])):
        found.append(sorted(members))
        for index in owned:
            result[index].append(len(found) - 1)
    return found, result
