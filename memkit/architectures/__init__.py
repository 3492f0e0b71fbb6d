"""What an architecture decides: pages of hosts and guests, how far addresses reach, where boards put RAM.

These are facts, each with its source.  What a guest's memory looks like on a board is for the model to say;
``memkit.layouts`` asks it.
"""

from __future__ import annotations

from memkit.architectures.boards import BOARDS, BoardMemory, board_memory
from memkit.architectures.fact import Fact
from memkit.architectures.host_pages import (
    ARCH_NAMES,
    HOST_PAGES,
    HostPages,
    anonymous_align,
    host_pages,
    huge_sizes,
)
from memkit.architectures.limits import LIMITS, PAGE_RULES
from memkit.architectures.report import Architecture, Architectures
from memkit.architectures.target_pages import RELATIONS, TARGET_PAGES, target_page
from memkit.errors import MemkitError

__all__ = [
    "ARCHITECTURES", "BOARDS", "HOST_PAGES", "RELATIONS", "Architecture", "Architectures", "BoardMemory",
    "Fact", "HostPages", "anonymous_align", "architectures", "board_memory", "host_pages", "huge_sizes",
    "target_page",
]

# Name, title, the rule about pages in a few words, targets, hosts.
_FAMILIES = (
    ("x86", "x86", "any mix", ("x86_64", "i386"), ("x86_64",)),
    ("arm", "Arm", "any mix", ("aarch64", "arm"), ("aarch64",)),
    ("power", "Power", "KVM: pages of a hash table not larger than the host's", ("ppc64", "ppc"),
     ("ppc64le",)),
    ("z", "Z", "KVM: host pages of 4 KiB, or of 1 MiB if allowed, not of 2 GiB", ("s390x",), ("s390x",)),
    ("riscv", "RISC-V", "any mix", ("riscv64", "riscv32"), ("riscv64",)),
)

ARCHITECTURES: tuple[Architecture, ...] = tuple(
    Architecture(
        name, title, rule, targets, tuple(pages for pages in HOST_PAGES if pages.arch in hosts),
        pages_of_target, PAGE_RULES[name], LIMITS[name],
        tuple(board for board in BOARDS if board.target in targets),
    )
    for (name, title, rule, targets, hosts), pages_of_target in zip(_FAMILIES, TARGET_PAGES, strict=True)
)


def architectures(name: str | None = None) -> Architectures:
    """The Architectures that the kit knows, side by side with their sources, or one of them.

    ``name`` is that of an architecture, a target or a host, such as "power", "ppc64" or "ppc64le".  Raises
    MemkitError, which lists them, for another.

    >>> [huge >> 20 for huge in architectures("z")["s390x"].hosts[0].huge]
    [1, 2048]
    """
    if name is None:
        return Architectures(ARCHITECTURES, RELATIONS)
    word = str(name).lower()
    for architecture in ARCHITECTURES:
        hosts = {pages.arch for pages in architecture.hosts}
        if word in (architecture.name, architecture.title.lower(), *architecture.targets) or (
                ARCH_NAMES.get(word, word) in hosts):
            return Architectures((architecture,), RELATIONS)
    known = ", ".join(architecture.name for architecture in ARCHITECTURES)
    raise MemkitError(f"no architecture is called {str(name)!r:.60}; there are: {known}, and their targets "
                      "and hosts")
