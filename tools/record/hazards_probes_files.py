"""Probes that look at files: what is in the file behind a backend before, while and after a guest runs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from .hazards_lab import MARK, MIB, Lab, Probe, Seen, Try, start, yes
from .hazards_machine import Ended, Machine, Mapping

__all__ = ["PROBES"]

SIZE = 256 * MIB
# Where probes write: guest-physical, in RAM of every machine type, and off the firmware's ways.
HERE = 16 * MIB
# What QEMU says where memory cannot be filled: since 7.0, and before.
PREALLOC = "preallocating memory failed|Insufficient free host memory pages"


def gpa_of(machine: Machine) -> int:
    """The guest-physical address of the first memory device; HERE, in main RAM, if there is none."""
    devices = machine.do("query-memory-devices")
    if not devices:
        return HERE
    data = devices[0]["data"]
    return int(data.get("addr", data.get("memaddr", HERE)))


def _write(machine: Machine) -> tuple[int, str]:
    """Write the mark; where, and what came of it in words."""
    gpa = gpa_of(machine)
    machine.poke(gpa, MARK)
    kept = machine.peek(gpa, len(MARK)) == MARK
    return gpa, f"the guest reads back what it wrote at {gpa:#x}: {yes(kept)}"


def forgets(path: str, size: int) -> Callable[[Lab, Try], Seen]:
    """The guest writes to memory from a file; shown if it reads it back, and the file never gets it."""

    def look(lab: Lab, what: Try) -> Seen:
        real = lab.file(path, size)
        with lab.running(what.line) as machine:
            _, words = _write(machine)
            mapped = any(m.file == path for m in machine.mappings())
            machine.quit()
            said = machine.said()
        if not mapped:
            return Seen(False, (f"{path} is not mapped", *said))
        got = MARK in real.read_bytes()
        return Seen("yes" in words and not got, (words, f"the file has it after the end: {yes(got)}", *said))

    return look


def gone_after_restart(lab: Lab, what: Try) -> Seen:
    """The guest writes, ends, and starts again; shown if what it wrote is gone."""
    lab.file("/var/tmp/n", 128 * MIB)
    with lab.running(what.line) as machine:
        gpa, words = _write(machine)
        machine.quit()
    with lab.running(what.line) as machine:
        again = machine.peek(gpa, len(MARK)) == MARK
    return Seen("yes" in words and not again, (words, f"after a restart it is there: {yes(again)}"))


def content_lost(path: str, size: int, lost: bool = True) -> Callable[[Lab, Try], Seen]:
    """A file that is full; the guest starts and ends; shown if the content is gone (or if it stays)."""

    def look(lab: Lab, what: Try) -> Seen:
        real = lab.file(path, size, MARK, -1)
        before = real.stat().st_blocks * 512
        with lab.running(what.line) as machine:
            machine.quit()
            said = machine.said()
        with open(real, "rb") as file:
            gone = MARK not in file.read(MIB)
        after = real.stat().st_blocks * 512
        discards = "discard-data=on" in what.line
        return Seen(
            gone if lost else discards and not gone,
            (f"blocks of the file before: {before >> 10} KiB, after: {after >> 10} KiB",
             f"its content is {'gone' if gone else 'there'}", *said),
        )

    return look


def file_changes_in_private(path: str, size: int) -> Callable[[Lab, Try], Seen]:
    """As above; shown if the content is gone although the mapping is private."""

    def look(lab: Lab, what: Try) -> Seen:
        seen = content_lost(path, size)(lab, what)
        private = f"mem-path={path}" in what.line and "share=on" not in what.line
        return Seen(seen.shows and private, seen.words)

    return look


def makes_file(path: str) -> Callable[[Lab, Try], Seen]:
    """No file is there; shown if one is there afterwards, full of holes."""

    def look(lab: Lab, what: Try) -> Seen:
        real = lab.real(path)
        started, said = lab.refusal(what.line)
        if not real.exists():
            return Seen(False, ("there is no file afterwards", *said))
        status = real.stat()
        holes = status.st_blocks == 0
        return Seen(
            started and holes,
            (f"a file of {status.st_size >> 20} MiB afterwards, {status.st_blocks} blocks", *said),
        )

    return look


def reads_hollow_file(lab: Lab, what: Try) -> Seen:
    """No file is there, and the backend is read-only; shown if one is made all the same."""
    seen = makes_file("/var/tmp/f")(lab, what)
    return Seen(seen.shows and "readonly=on" in what.line, seen.words)


def maps_part(lab: Lab, what: Try) -> Seen:
    """A file of 512 MiB; shown if less of it is mapped and nothing is said."""
    lab.file("/dev/shm/f", 2 * SIZE)
    with lab.running(what.line) as machine:
        mapped = sum(m.size for m in machine.mappings() if m.file == "/dev/shm/f")
        said = machine.said()
    return Seen(
        0 < mapped < 2 * SIZE and not said, (f"of 512 MiB, {mapped >> 20} MiB are mapped", *said),
    )


def truncated(lab: Lab, what: Try) -> Seen:
    """The file is cut to nothing while the guest runs; shown if the next access ends QEMU."""
    real = lab.real("/dev/shm/f")
    with lab.running(what.line) as machine:
        if not real.exists():
            machine.poke(HERE, MARK)
            return Seen(False, ("there is no file to cut short; the guest writes and runs on",))
        os.truncate(real, 0)
        try:
            machine.poke(HERE, MARK)
        except Ended:
            return Seen("SIGBUS" in (fate := machine.fate()), (f"cut to 0 bytes, then a write: {fate}",))
        return Seen(False, ("cut to 0 bytes, then a write: it runs on",))


def becomes_rom(lab: Lab, what: Try) -> Seen:
    """The guest writes to main RAM; shown if the write is dropped."""
    lab.file("/dev/shm/f", SIZE)
    with lab.running(what.line) as machine:
        _, words = _write(machine)
        flat = next(line.strip() for line in machine.hmp("info mtree -f").splitlines() if ": f" in line)
    return Seen("no" in words.split()[-1], (words, f"info mtree -f: {flat}"))


def two_share(lab: Lab, what: Try) -> Seen:
    """Two guests with the same line; shown if the second reads what the first wrote."""
    with lab.running(what.line) as first, lab.running(what.line) as second:
        first.poke(HERE, MARK)
        found = second.peek(HERE, len(MARK)) == MARK
    return Seen(found, (f"the second guest starts, and reads what the first wrote: {yes(found)}",))


def no_room(lab: Lab, what: Try) -> Seen:
    """A file system with room for 96 MiB; shown if the guest's writes end QEMU, or filling does."""
    place = lab.places["/dev/shm"]
    around = ("unshare", "--mount", "sh", "-ec", f'mount -t tmpfs -o size=96M none {place}; exec "$@"', "sh")
    with lab.machine(what.line, around=around) as machine:
        try:
            start(machine)
        except Ended as e:
            return Seen(bool(re.search(PREALLOC, str(e))), ("a tmpfs of 96 MiB", str(e)))
        size = machine.do("query-memory-size-summary")["base-memory"]
        try:
            machine.memset(HERE, size - HERE)
        except Ended:
            fate = machine.fate()
            return Seen("SIGBUS" in fate, ("a tmpfs of 96 MiB; it starts", f"it writes to its RAM: {fate}"))
        return Seen(False, ("a tmpfs of 96 MiB; it starts", "it writes to its RAM and runs on"))


def path_ignored(lab: Lab, what: Try) -> Seen:
    """Shown if the line has -mem-path and no file of that file system is mapped."""
    with lab.running(what.line) as machine:
        files = [m.file for m in machine.mappings() if m.file.startswith("/dev/shm")]
        said = machine.said()
    asked = "-mem-path" in what.line
    words = f"-mem-path is given: {yes(asked)}; mappings of files in /dev/shm: {len(files)}"
    return Seen(asked and not files and not said, (words, *said))


def pmem_flag(words: str) -> Callable[[Lab, Try], Seen]:
    """The mapping of an NVDIMM; shown if QEMU says ``words`` and the kernel does not map it synchronously."""

    def look(lab: Lab, what: Try) -> Seen:
        lab.file("/var/tmp/n", 128 * MIB)
        with lab.running(what.line) as machine:
            mapping: Mapping = machine.mapping(gpa_of(machine))
            said = machine.said()
        synchronous = "sf" in mapping.flags
        heard = any(words in line for line in said)
        return Seen(heard and not synchronous, (f"VmFlags has sf (MAP_SYNC): {yes(synchronous)}", *said))

    return look


def silent_pmem(lab: Lab, what: Try) -> Seen:
    """The guest writes to an NVDIMM with pmem=on; shown if the file does not get it and QEMU says nothing."""
    seen = forgets("/var/tmp/n", 128 * MIB)(lab, what)
    return Seen(seen.shows and len(seen.words) == 2, seen.words)


_WRITE = "the guest writes; the file is read after its end"
_FULL = "a file full of content; the guest starts and ends; the file is read"
PROBES: dict[str, Probe] = {
    "discard-data-destroys-file": Probe(_FULL, content_lost("/dev/shm/f", SIZE)),
    "discard-data-noop-when-private": Probe(_FULL, content_lost("/dev/shm/f", SIZE, lost=False)),
    "file-backend-creates-missing-file": Probe("start without the file", makes_file("/dev/shm/f")),
    "file-backend-larger-silently-partial": Probe("a file of 512 MiB; start", maps_part),
    "file-truncated-under-vm": Probe(
        "the file is cut to 0 bytes while the guest is there; a write", truncated),
    "readonly-main-ram-becomes-rom": Probe("the guest writes to main RAM and reads it", becomes_rom),
    "readonly-missing-file-created": Probe("start without the file", reads_hollow_file),
    "two-vms-one-shared-file": Probe("two guests with the same line; one writes, one reads", two_share),
    "tmpfs-full-sparse-start": Probe("/dev/shm with room for 96 MiB; the guest writes everywhere", no_room),
    "tmpfs-full-prealloc": Probe(
        "/dev/shm with room for 96 MiB; start", no_room, tells=PREALLOC),
    "mem-path-ignored-with-numa-memdev": Probe("start; the mappings of the process", path_ignored),
    "mem-path-private-mapping": Probe(_WRITE, forgets("/var/tmp/f", SIZE)),
    "nvdimm-share-off-loses-writes": Probe(_WRITE, forgets("/var/tmp/n", 128 * MIB)),
    "virtio-pmem-share-off-loses-writes": Probe(_WRITE, forgets("/var/tmp/p", 128 * MIB)),
    "nvdimm-volatile-backend": Probe("the guest writes, ends, starts again and reads", gone_after_restart),
    "pmem-on-non-dax": Probe(
        "start; the flags of the mapping", pmem_flag("persistence"), tells="persistence"),
    "pmem-on-share-off-silent": Probe(_WRITE, silent_pmem),
    "virtio-mem-zeroes-existing-file": Probe(_FULL, content_lost("/var/tmp/v", 512 * MIB)),
    "virtio-mem-private-file-punches-file": Probe(_FULL, file_changes_in_private("/var/tmp/v", 512 * MIB)),
}
