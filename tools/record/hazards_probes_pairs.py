"""Probes with two guests: one leaves, the other is where it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .hazards_driver import IVSHMEM, Virtio
from .hazards_lab import MARK, MIB, Lab, Probe, Seen, Try
from .hazards_machine import Ended, Machine, until
from .hazards_probes_words import set_capabilities

__all__ = ["PROBES"]

HERE = 16 * MIB
INCOMING = "-incoming defer"


@dataclass
class Pair:
    """A guest and its destination, both with the same capabilities."""

    source: Machine
    target: Machine
    refused: str

    def leave(self, bandwidth: int = 1 << 40) -> str:
        """Start the migration; QEMU's words if that is refused."""
        said = self.target.words("migrate-incoming", uri="unix:/tmp/way")
        self.source.do("migrate-set-parameters", max_bandwidth=bandwidth)
        return said or self.source.words("migrate", uri="unix:/tmp/way")

    def fate(self) -> str:
        """How the destination does, in words."""
        if fate := self.target.fate(2):
            return f"destination: {fate}"
        try:
            return f"destination: {self.target.do('query-status')['status']}"
        except Ended:
            return f"destination: {self.target.fate()}"


@contextmanager
def pair(lab: Lab, what: Try, source: str = "") -> Iterator[Pair]:
    """Two guests of one line (``source`` replaces that of the one that leaves), which has written 32 MiB."""
    with lab.running(source or what.line) as first, lab.running(what.line, extra=INCOMING) as second:
        first.memset(HERE, 32 * MIB)
        first.poke(HERE, MARK)
        refused = ""
        for machine in (first, second):
            refused = refused or set_capabilities(machine, what.capabilities)
        yield Pair(first, second, refused)


# The same RAMBlock without a file, for the guest that leaves: both shall not map one file.
PLAIN = "-m 256M -M memory-backend=f -object memory-backend-ram,id=f,size=256M"


def _source(what: Try) -> str:
    return PLAIN if "id=f," in what.line else ""


def postcopy_fails(lab: Lab, what: Try) -> Seen:
    """Postcopy begins; shown if the destination does not get through it."""
    with pair(lab, what, _source(what)) as both:
        if both.refused:
            return Seen(False, (f"migrate-set-capabilities: {both.refused}",))
        both.leave(MIB)
        until(lambda: both.source.do("query-migrate").get("status") == "active")
        both.source.do("migrate-start-postcopy")
        end = both.source.migrated() or "completed"
        fate = both.fate()
        if "ended" not in fate:
            whole = both.target.peek(HERE, len(MARK)) == MARK
            fate += f", with {'the' if whole else 'other'} content"
        said = [line for line in both.target.said() if "warning" not in line.lower()]
    return Seen("ended" in fate or "other content" in fate, (f"source: {end}", fate, *said))


def destination_refuses(lab: Lab, what: Try) -> Seen:
    """The destination is asked for postcopy; shown if it refuses because of its memory."""
    for path, size in (("/var/tmp/n", 128 * MIB), ("/dev/shm/n", 128 * MIB)):
        lab.file(path, size)
    with lab.running(what.line, extra=INCOMING) as machine:
        said = set_capabilities(machine, what.capabilities)
        words = machine.said()
    return Seen(bool(said), (f"migrate-set-capabilities: {said or 'done'}", *words))


def unlocks(lab: Lab, what: Try) -> Seen:
    """The destination is asked for postcopy; shown if it unlocks what it had locked."""
    with lab.running(what.line, extra=INCOMING) as machine:
        before = machine.status("VmLck")
        said = set_capabilities(machine, what.capabilities)
        after = machine.status("VmLck")
    return Seen(
        before > 256 * MIB and after == 0 and not said,
        (f"VmLck of the destination: {before >> 20} MiB, after postcopy-ram is set: {after >> 20} MiB",),
    )


def wipes(lab: Lab, what: Try) -> Seen:
    """A guest arrives; shown if the private file of the destination loses its content."""
    real = lab.file("/dev/shm/f", 256 * MIB, MARK, -1)
    with pair(lab, what, _source(what)) as both:
        said = both.refused or both.leave() or both.source.migrated()
        words = both.target.said()
    gone = MARK not in real.read_bytes()
    return Seen(
        gone and "share=off" in what.line and not said,
        (f"migrate: {said or 'completed'}",
         f"the destination's file has {'lost' if gone else 'kept'} its content", *words),
    )


def no_way_back(lab: Lab, what: Try) -> Seen:
    """Postcopy is cut and shall go on; shown if that is refused because of release-ram."""
    with pair(lab, what) as both:
        both.source.do("migrate-set-parameters", max_postcopy_bandwidth=MIB)
        both.leave(MIB)
        until(lambda: both.source.do("query-migrate").get("status") == "active")
        both.source.do("migrate-start-postcopy")
        until(lambda: both.source.do("query-migrate").get("status") == "postcopy-active")
        both.target.quit()
        end = both.source.migrated()
        said = both.source.words("migrate", uri="unix:/tmp/other", resume=True)
    return Seen("release-ram" in said, (f"source: {end}", f"migrate with resume=true: {said or 'done'}"))


def overwrites(lab: Lab, what: Try) -> Seen:
    """A guest arrives; shown if the file of the destination loses its content."""
    for path in ("/var/tmp/n", "/var/tmp/p"):
        lab.file(path, 128 * MIB, MARK, -1)
    letter = "n" if "/var/tmp/n" in what.line else "p"
    source = what.line.replace(f"/var/tmp/{letter}", "/var/tmp/source")
    with pair(lab, what, source) as both:
        said = both.refused or both.leave() or both.source.migrated()
        both.target.quit()
    gone = MARK not in lab.real(f"/var/tmp/{letter}").read_bytes()
    return Seen(
        gone and not said,
        (f"migrate: {said or 'completed'}",
         f"the destination's file has {'lost' if gone else 'kept'} its content"),
    )


def cannot_write(lab: Lab, what: Try) -> Seen:
    """A guest with a file that is not empty arrives; shown if that ends the destination."""
    lab.file("/var/tmp/n", 128 * MIB, MARK, -1)
    with pair(lab, what) as both:
        said = both.refused or both.leave() or both.source.migrated()
        fate = both.fate()
        source = both.source.do("query-status")["status"]
    return Seen("SIGSEGV" in fate, (f"migrate: {said or 'completed'}", fate, f"source: {source}"))


def moved(lab: Lab, what: Try) -> Seen:
    """A guest leaves whose BAR is mapped; shown if the destination misses it where it was."""
    with pair(lab, what) as both:
        bar = Virtio(both.source, IVSHMEM)
        bar.config_space(0x18, 0xE0000000)
        bar.config_space(0x1C, 0)
        said = both.refused or both.leave() or both.source.migrated()
        fate = both.fate()
        words = both.target.said()
    return Seen(
        any("GPA" in line for line in words), (f"migrate: {said or 'completed'}", fate, *words),
    )


_POSTCOPY = "a second guest, capabilities on both, migrate at 1 MiB a second"
_ASK = "-incoming defer, the capability postcopy-ram"
PROBES: dict[str, Probe] = {
    "postcopy-disk-file": Probe(f"{_POSTCOPY}, migrate-start-postcopy", postcopy_fails, tells="userfault"),
    "postcopy-multifd": Probe(f"{_POSTCOPY}, migrate-start-postcopy", postcopy_fails),
    "postcopy-pmem": Probe(_ASK, destination_refuses, tells="TMPFS"),
    "postcopy-hugetlb-odd-size": Probe(_ASK, destination_refuses, tells="page size multiple"),
    "postcopy-mlock": Probe(f"{_ASK}; VmLck of the process", unlocks),
    "postcopy-wipes-private-template": Probe(
        "a second guest whose file has content, the capability on both, migrate", wipes),
    "postcopy-release-ram-no-way-back": Probe(
        f"{_POSTCOPY}, migrate-start-postcopy; the second guest is ended, migrate with resume=true",
        no_way_back, tells="release-ram"),
    "migration-into-readonly": Probe(
        "a second guest of the same line and file, which has content; migrate", cannot_write,
        tells="SIGSEGV"),
    "ignore-shared-ivshmem-moves": Probe(
        "the BAR is mapped as firmware does; a second guest, the capability on both, migrate", moved,
        tells="GPA"),
    "migration-overwrites-dest-nvdimm-file": Probe(
        "a second guest whose file has content, migrate", overwrites),
}
