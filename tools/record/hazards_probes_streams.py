"""Probes that read what is saved: streams of migration, dumps, snapshots in a disk."""

from __future__ import annotations

from collections.abc import Callable

from .hazards_lab import MARK, MIB, Lab, Probe, Seen, Try, yes
from .hazards_machine import Ended, Machine
from .hazards_probes_files import HERE, gpa_of
from .hazards_probes_words import set_capabilities
from .hazards_streams import add_disk, blocks_of, dumped, sent

__all__ = ["PROBES"]

OTHER = b"and there is something new " * 2


def left_behind(lab: Lab, what: Try) -> Seen:
    """Migration into a file; shown if it completes and a RAMBlock is not in it."""
    for path, size in (("/var/tmp/p", 128 * MIB), ("/var/tmp/n", 128 * MIB)):
        lab.file(path, size)
    stream = lab.real("/tmp/stream")
    with lab.running(what.line) as machine:
        blocks = blocks_of(machine)
        said = machine.stream("/tmp/stream")
    there = sent(stream)
    missing = [(name, size) for name, size in blocks if name not in there]
    words = [f"not in the stream: a block of {size >> 20} MiB, named {name!r}" for name, size in missing]
    return Seen(
        not said and bool(missing),
        (f"migrate: {said or 'completed'}", *(words or ["all RAMBlocks are in the stream"])),
    )


def skipped(lab: Lab, what: Try) -> Seen:
    """The guest writes, then migration into a file; shown if this is not in it, nor in a file with a name."""
    stream = lab.real("/tmp/stream")
    with lab.running(what.line) as machine:
        machine.poke(HERE, MARK)
        said = set_capabilities(machine, what.capabilities) or machine.stream("/tmp/stream")
        name = machine.mapping().file
    there = MARK in stream.read_bytes() if stream.exists() else False
    named = name.startswith("/dev/shm/") and "(deleted)" not in name
    return Seen(
        not said and not there and not named,
        (f"migrate: {said or 'completed'}", f"what the guest wrote is in the stream: {yes(there)}",
         f"main RAM is {name.split(' ')[0]}"),
    )


def copied(lab: Lab, what: Try) -> Seen:
    """The guest writes 32 MiB, then the mode cpr-reboot; shown if they are in the stream."""
    stream = lab.real("/tmp/stream")
    with lab.running(what.line) as machine:
        machine.memset(HERE, 32 * MIB)
        said = set_capabilities(machine, what.capabilities)
        said = said or machine.words("migrate-set-parameters", mode="cpr-reboot")
        said = said or machine.stream("/tmp/stream")
    size = stream.stat().st_size if stream.exists() else 0
    words = (f"migrate: {said or 'completed'}", f"stream: {size / MIB:.1f} MiB")
    return Seen(size > 32 * MIB and not said, words)


def old_names(lab: Lab, what: Try) -> Seen:
    """Migration into a file; shown if RAM is called by a path in it."""
    stream = lab.real("/tmp/stream")
    with lab.running(what.line) as machine:
        said = machine.stream("/tmp/stream")
    names = [name for name, size in sent(stream).items() if size == 256 * MIB]
    words = (f"migrate: {said or 'completed'}", f"RAM is called {', '.join(names)}")
    return Seen(bool(names) and names[0].startswith("/objects/"), words)


def _dump(lab: Lab, machine: Machine) -> list[tuple[int, int]]:
    machine.do("dump-guest-memory", paging=False, protocol="file:/tmp/dump")
    return dumped(lab.real("/tmp/dump"))


def dump_has_device(wanted: bool) -> Callable[[Lab, Try], Seen]:
    """A dump; shown if the memory device is in it (or is not)."""

    def look(lab: Lab, what: Try) -> Seen:
        lab.file("/var/tmp/n", 128 * MIB)
        with lab.running(what.line) as machine:
            devices = machine.do("query-memory-devices")
            gpa = gpa_of(machine)
            segments = _dump(lab, machine)
        has = any(start <= gpa < start + size for start, size in segments)
        words = [f"dump: {size / MIB:g} MiB at {start:#x}" for start, size in segments if size >= MIB]
        device = f"memory device at {gpa:#x}" if devices else "no memory device"
        return Seen(bool(devices) and has is wanted, (device, *words))

    return look


def dump_in_spite(lab: Lab, what: Try) -> Seen:
    """The guest writes, then a dump; shown if the mapping is out of core files and the dump has it."""
    with lab.running(what.line) as machine:
        machine.poke(HERE, MARK)
        excluded = "dd" in machine.mapping().flags
        _dump(lab, machine)
    has = MARK in lab.real("/tmp/dump").read_bytes()
    return Seen(
        excluded and has,
        (f"VmFlags of main RAM has dd (not in core files): {yes(excluded)}",
         f"the dump has what the guest wrote: {yes(has)}"),
    )


def _snapshot(lab: Lab, machine: Machine, what: Try) -> int:
    """Write the mark, save a snapshot, write something else, load it; the address."""
    lab.file("/tmp/disk", 0)
    add_disk(machine, "/tmp/disk")
    set_capabilities(machine, what.capabilities)
    gpa = gpa_of(machine)
    machine.poke(gpa, MARK)
    for command in ("savevm one", "loadvm one"):
        said = machine.hmp(command)
        if said:
            raise LookupError(f"{command}: {said}")
        if command == "savevm one":
            machine.poke(gpa, OTHER)
    return gpa


def not_restored(lab: Lab, what: Try) -> Seen:
    """savevm, a write, loadvm; shown if the write is still there."""
    lab.file("/var/tmp/p", 128 * MIB)
    with lab.running(what.line) as machine:
        gpa = _snapshot(lab, machine, what)
        content = machine.peek(gpa, len(MARK))
    stayed = content != MARK
    which = "what was written later" if stayed else "what was saved"
    return Seen(stayed, (f"after loadvm, at {gpa:#x}, there is {which}",))


def turned_back(lab: Lab, what: Try) -> Seen:
    """savevm, a write, loadvm, end; shown if the file has the old content."""
    real = lab.file("/var/tmp/n", 128 * MIB)
    with lab.running(what.line) as machine:
        _snapshot(lab, machine, what)
        machine.quit()
    content = real.read_bytes()
    return Seen(
        MARK in content and OTHER not in content,
        (f"after loadvm the file has what was saved: {yes(MARK in content)}",
         f"it has what was written later: {yes(OTHER in content)}"),
    )


def snapshot_crash(lab: Lab, what: Try) -> Seen:
    """Capabilities and savevm; shown if QEMU ends by a signal."""
    lab.file("/tmp/disk", 0)
    with lab.running(what.line) as machine:
        add_disk(machine, "/tmp/disk")
        set_capabilities(machine, what.capabilities)
        try:
            said = machine.hmp("savevm one")
        except Ended:
            fate = machine.fate()
            return Seen("SIG" in fate, (f"savevm: {fate}", *machine.said()))
    return Seen(False, (f"savevm: {said or 'done'}",))


def snapshot_refused(lab: Lab, what: Try) -> Seen:
    """Capabilities and savevm; shown if it is refused because of multifd."""
    seen = snapshot_crash(lab, what)
    return Seen("multifd" in seen.words[0], seen.words)


def snapshot_blocked(lab: Lab, what: Try) -> Seen:
    """savevm; shown if it is refused with the words that refuse migration."""
    seen = snapshot_crash(lab, what)
    with lab.running(what.line) as machine:
        said = machine.words("migrate", uri="exec:cat > /dev/null")
    return Seen(bool(said) and said in seen.words[0], (*seen.words, f"migrate: {said or 'started'}"))


_STREAM = "migrate to a file; the RAMBlocks in it and those of info ramblock"
_TURN = "the guest writes, savevm, the guest writes anew, loadvm"
PROBES: dict[str, Probe] = {
    "unnamed-ramblock-not-migrated": Probe(_STREAM, left_behind),
    "virtio-pmem-not-migrated": Probe(_STREAM, left_behind),
    "only-migratable-catches-some": Probe(_STREAM, left_behind),
    "cxl-memory-not-migrated": Probe(_STREAM, left_behind),
    "ignore-shared-unnamed-memory": Probe("the guest writes; migrate to a file with the capability", skipped),
    "cpr-reboot-private-file": Probe(
        "the guest writes 32 MiB; the capability, the mode cpr-reboot, migrate to a file", copied),
    "ramblock-canonical-path-old-machine": Probe("migrate to a file; the name of RAM in it", old_names),
    "dump-includes-nvdimm": Probe("dump-guest-memory; the addresses in it", dump_has_device(True)),
    "dump-skips-io-and-unmapped": Probe("dump-guest-memory; the addresses in it", dump_has_device(False)),
    "dump-off-is-core-file-only": Probe("the guest writes; dump-guest-memory", dump_in_spite),
    "savevm-multifd-crash": Probe("the capability, then savevm", snapshot_crash, tells="SIG"),
    "savevm-multifd-refused": Probe("the capability, then savevm", snapshot_refused, tells="multifd"),
    "savevm-blocked-like-migration": Probe("savevm; migrate to a file", snapshot_blocked, tells="disabled"),
    "savevm-ignore-shared-drops-ram": Probe(_TURN, not_restored),
    "savevm-virtio-pmem-not-included": Probe(_TURN, not_restored),
    "loadvm-reverts-nvdimm": Probe(_TURN + ", end; the file", turned_back),
}
