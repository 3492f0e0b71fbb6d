"""Migration capabilities: their names, which release has them, and which exclude each other.

Source: the enum MigrationCapability in qapi/migration.json and migrate_caps_check in
migration/migration.c (until 7.2) and migration/options.c (since 8.0), read in every release from 5.2 to 11.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from memkit.errors import MemkitError
from memkit.versions import Version, within

__all__ = [
    "CAPABILITIES", "CHECKS", "Capability", "Clash", "Probe", "known_capabilities", "read_capabilities",
]


class Capability(NamedTuple):
    """A capability: the first release that has it and the first that has it no more, "" for no limit."""

    name: str
    since: str = ""
    until: str = ""


# In QEMU's order, which decides what is reported first.
CAPABILITIES: dict[str, Capability] = {
    capability.name: capability
    for capability in (
        Capability("xbzrle"), Capability("rdma-pin-all"), Capability("auto-converge"),
        Capability("zero-blocks", until="11.0"), Capability("compress", until="9.1"), Capability("events"),
        Capability("postcopy-ram"), Capability("x-colo"), Capability("release-ram"),
        Capability("block", until="9.1"), Capability("return-path"), Capability("pause-before-switchover"),
        Capability("multifd"), Capability("dirty-bitmaps"), Capability("postcopy-blocktime"),
        Capability("late-block-activate"), Capability("x-ignore-shared"), Capability("validate-uuid"),
        Capability("background-snapshot", "6.0"), Capability("zero-copy-send", "7.1"),
        Capability("postcopy-preempt", "7.1"), Capability("switchover-ack", "8.1"),
        Capability("dirty-limit", "8.1"), Capability("mapped-ram", "9.0"),
    )
}


@lru_cache(maxsize=16)
def known_capabilities(version: Version) -> tuple[str, ...]:
    """The names of the capabilities of one release, in QEMU's order.

    >>> "multifd" in known_capabilities((7, 2)), "mapped-ram" in known_capabilities((7, 2))
    (True, False)
    """
    return tuple([c.name for c in CAPABILITIES.values() if within(version, c.since, c.until)])


def read_capabilities(words: object, argument: str = "capabilities") -> tuple[str, ...]:
    """The capabilities that ``words`` name: a text with commas, or a list; raises MemkitError for others.

    >>> read_capabilities("multifd, x-ignore-shared")
    ('multifd', 'x-ignore-shared')
    """
    given = words.split(",") if isinstance(words, str) else words
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise MemkitError(f"{argument}= is the name of a capability, or a list of names, not {words!r:.60}; "
                          f"they are: {', '.join(CAPABILITIES)}")
    names = []
    for word in given:
        name = word.strip() if isinstance(word, str) else word
        if name == "" and isinstance(words, str):
            continue
        if not isinstance(name, str) or name not in CAPABILITIES:
            raise MemkitError(f"{word!r:.60} is no capability of any QEMU; {argument}= takes: "
                              f"{', '.join(CAPABILITIES)}")
        names.append(name)
    return tuple(dict.fromkeys(names))


class Clash(NamedTuple):
    """Capabilities that one release refuses to have together.

    ``first`` is on; one of ``others`` is on as well, or, where ``missing``, the only one is off.  ``message``
    is QEMU's, with ``{}`` for the other.  ``why`` tells the reason.
    """

    first: str
    others: tuple[str, ...]
    message: str
    why: str
    since: str = ""
    until: str = ""
    missing: bool = False

    def found(self, on: Callable[[str], bool]) -> str | None:
        """The other capability that is in the way, or that is missing; None if there is none."""
        if not on(self.first):
            return None
        return next((other for other in self.others if on(other) != self.missing), None)


class Probe(NamedTuple):
    """A look at the host or the guest, by name, that a release does where ``first`` is on."""

    first: str
    name: str
    since: str = ""
    until: str = ""


_NO_SNAPSHOT = (
    "postcopy-ram", "dirty-bitmaps", "postcopy-blocktime", "late-block-activate", "return-path", "multifd",
    "pause-before-switchover", "auto-converge", "release-ram", "rdma-pin-all", "compress", "xbzrle", "x-colo",
    "validate-uuid", "zero-copy-send",
)
_ZERO_COPY = "Zero copy only available for non-compressed non-TLS multifd migration"
_WHOLE = "The kernel sends whole pages out of the guest\'s memory, which only multifd\'s channels ask for."
_CHANNELS = "The channels of multifd send whole pages, and never ask for what changed in them."
_ONE_ORDER = "Pages in many compressing channels arrive in any order, and an urgent page could not pass them."

# In the order in which QEMU checks.
CHECKS: tuple[Clash | Probe, ...] = (
    Clash("x-colo", ("return-path",), "Capability 'x-colo' requires capability 'return-path'",
          "The second guest answers over the return path.", "11.0", missing=True),
    Probe("postcopy-ram", "userfaultfd"),
    Clash("postcopy-ram", ("x-ignore-shared",), "Postcopy is not compatible with ignore-shared",
          "A destination of postcopy empties its memory first, and x-ignore-shared relies on what is there."),
    Clash("postcopy-ram", ("multifd",), "Postcopy is not yet compatible with multifd",
          "The channels of multifd would still be at work when postcopy begins.", "8.1", "10.1"),
    Probe("background-snapshot", "write-tracking", "6.0"),
    Clash("background-snapshot", _NO_SNAPSHOT, "Background-snapshot is not compatible with {}",
          "A snapshot of a running guest saves each page once, in one stream that nobody answers.", "6.0"),
    Clash("zero-copy-send", ("multifd",), _ZERO_COPY, _WHOLE, "7.1", missing=True),
    Clash("zero-copy-send", ("compress", "xbzrle"), _ZERO_COPY, _WHOLE, "7.1"),
    Clash("postcopy-preempt", ("postcopy-ram",), "Postcopy preempt requires postcopy-ram",
          "Without postcopy nobody waits for a page.", "7.1", missing=True),
    Clash("postcopy-preempt", ("compress",), "Postcopy preempt not compatible with compress", _ONE_ORDER,
          "7.2"),
    Clash("multifd", ("compress",), "Multifd is not compatible with compress",
          "Each has threads of its own for the same pages.", "7.2"),
    Clash("switchover-ack", ("return-path",), "Capability 'switchover-ack' requires capability 'return-path'",
          "The destination says over the return path that it is ready.", "8.1", missing=True),
    Clash("dirty-limit", ("auto-converge",),
          "dirty-limit conflicts with auto-converge either of then available currently",
          "Both slow virtual CPUs down, and only one can decide.", "8.1"),
    Probe("dirty-limit", "dirty-ring", "8.1"),
    Clash("multifd", ("xbzrle",), "Multifd is not compatible with xbzrle", _CHANNELS, "8.2"),
    Clash("compress", ("xbzrle",), "Compression is not compatible with xbzrle",
          "Both change the bytes of a page on its way.", "8.2"),
    Clash("mapped-ram", ("xbzrle",), "Mapped-ram migration is incompatible with xbzrle",
          "Each page has its place in the file, and a difference to an earlier page has none.", "9.0"),
    Clash("mapped-ram", ("postcopy-ram",), "Mapped-ram migration is incompatible with postcopy",
          "A file cannot be asked for a page.", "9.0"),
)
