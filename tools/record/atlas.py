"""What a real QEMU says to the lines of the atlas: every feature, every pair, every minimal conflict set.

A line that needs what no machine has at hand (a device for VFIO, a second NUMA node, a peer on a socket, KVM)
is left out.  The files that the lines name are made for the time, without content.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from memkit.atlas import FEATURES, atlas
from memkit.atlas.line import HOST, combine
from memkit.atlas.sweep import operations_of
from memkit.config import parse
from memkit.qemu.host import observe_host
from memkit.versions import parse_version

from .answers import Asked, record_answers
from .ask import Binary
from .lines import Line, Lines

__all__ = ["lines_of", "record_atlas"]

WHAT = 'the first line that QEMU wrote to stderr, without its name and without warnings; "" where it started'
# What cannot be had here, or lies outside of the process.
NEEDS = ("vfio-pci", "host-nodes=1", "socket,", "-accel kvm", "sev-", "tdx-")


def lines_of(qemu: str) -> list[str]:
    """The lines to ask one release, each once, in a steady order."""
    features = [f for f in FEATURES.values() if f.known_to(parse_version(qemu))]
    done = operations_of(features)
    told = [feature for n, feature in enumerate(features) if n not in done]
    found = [conflict.line for conflict in atlas(qemu=qemu).conflicts]
    for many in (1, 2):
        for chosen in combinations(told, many):
            combined = combine(chosen)
            if not combined.exclusive:
                found.append(parse(list(combined.argv), qemu).text())
    return [line for line in dict.fromkeys(found) if not any(word in line for word in NEEDS)]


def record_atlas(binary: Binary, seconds: float = 30.0) -> dict[str, Any]:
    """The sections of ``said-VERSION.json``: ``about`` and ``said``, line → words."""
    lines = lines_of(binary.short)
    argvs = [parse(line, binary.short).argv() for line in lines]
    asked = Asked(Lines([Line(argv) for argv in argvs]), [
        {"kind": "atlas", "argv": argv, "text": line} for argv, line in zip(argvs, lines, strict=True)
    ], {})
    here = {"files": dict(HOST.files), "mounts": {"/": {"fs": "ext4"}},
            "overcommit": observe_host().overcommit}
    head, *rows = record_answers(binary, asked, here, seconds)
    return {"about": head["about"] | {"what": WHAT}, "said": {row["text"]: row["said"] for row in rows}}
