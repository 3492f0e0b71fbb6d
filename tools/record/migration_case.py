"""A migration to try: two command lines, and what is asked of the two guests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Case", "Question"]

# HMP text or a QMP command.
Question = str | Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """What is migrated where and how.  Paths lie below /mem (a disk), /dev/shm and /dev/hugepages.

    ``destination`` is None where the stream goes to a file, from which a guest with the command line of the
    source is started when the source has ended.  ``files`` (path → bytes) are there before the start, on each
    host.  Capabilities are set on both sides unless ``destination_capabilities`` is not None.
    """

    id: str
    source: Sequence[str]
    destination: Sequence[str] | None
    mode: str = "precopy"
    capabilities: Sequence[str] = ()
    destination_capabilities: Sequence[str] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    destination_parameters: Mapping[str, Any] | None = None
    prepare: Sequence[Question] = ()
    prepare_destination: Sequence[Question] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    two_hosts: bool = False
    transport: str = "unix"
    # How often it is run, where the outcome is a race.
    tries: int = 1
    # Only for a pair of two releases.
    across: bool = False

    def row(self) -> dict[str, Any]:
        """The case as it is recorded, without what is usual."""
        row: dict[str, Any] = {
            "id": self.id,
            "source": list(self.source),
            "destination": None if self.destination is None else list(self.destination),
            "mode": self.mode,
            "capabilities": list(self.capabilities),
        }
        optional = {
            "destination_capabilities": self.destination_capabilities,
            "parameters": dict(self.parameters) or None,
            "destination_parameters": self.destination_parameters,
            "prepare": list(self.prepare) or None,
            "prepare_destination": list(self.prepare_destination) or None,
            "files": dict(self.files) or None,
            "two_hosts": self.two_hosts or None,
            "transport": self.transport if self.transport != "unix" else None,
        }
        return row | {k: list(v) if isinstance(v, tuple) else v for k, v in optional.items() if v is not None}
