"""Probes that play the other side of a device: a balloon's driver, the process behind vhost-user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .hazards_driver import BALLOON, BLOCK, Virtio
from .hazards_lab import MARK, MIB, Lab, Probe, Seen, Try, yes
from .hazards_machine import Machine, until
from .hazards_probes_words import set_capabilities
from .hazards_vhost import LOG, VhostUser

__all__ = ["PROBES"]

HERE, FAR = 16 * MIB, 144 * MIB
OTHER = b"and there is something new " * 2


# -- the balloon


def ready(machine: Machine) -> Virtio:
    """The balloon with its driver, after the guest has written 2 MiB."""
    balloon = Virtio(machine, BALLOON)
    balloon.start()
    machine.memset(HERE, 2 * MIB)
    return balloon


def inflated(machine: Machine, balloon: Virtio) -> tuple[int, int, list[str]]:
    """Resident bytes of main RAM before and after half of the 2 MiB went into the balloon, and words."""
    before = machine.mapping().resident
    answered = balloon.inflate(HERE, 256)
    after = machine.mapping().resident
    words = [f"the balloon answers: {yes(answered)}",
             f"of 1 MiB in the balloon the host got back {before - after >> 10} KiB"]
    return before, after, words


def keeps(lab: Lab, what: Try) -> Seen:
    """The guest gives 1 MiB to the balloon; shown if the host gets next to nothing of it."""
    if "mem-path=/var/tmp/template" in what.line:
        lab.file("/var/tmp/template", 256 * MIB, MARK, -1)
    with lab.running(what.line) as machine:
        before, after, words = inflated(machine, ready(machine))
        said = machine.said()
    return Seen(before - after < MIB // 8, (*words, *dict.fromkeys(said)))


def file_keeps(lab: Lab, what: Try) -> Seen:
    """The same with a file; shown if its blocks stay and QEMU says that it could not free them."""
    real = lab.file("/var/tmp/template", 256 * MIB, MARK, -1)
    before = real.stat().st_blocks * 512
    with lab.running(what.line) as machine:
        balloon = Virtio(machine, BALLOON)
        balloon.start()
        balloon.inflate(HERE, 256)
        said = [line.partition(":")[2].strip() or line for line in machine.said()]
    freed = before - real.stat().st_blocks * 512
    return Seen(freed == 0, (f"blocks of the file that were freed: {freed >> 10} KiB", *dict.fromkeys(said)))


def punches(lab: Lab, what: Try) -> Seen:
    """A write and a page for the balloon; shown if the file has the hole and not the write."""
    real = lab.file("/var/tmp/template", 256 * MIB, MARK, -1)
    with lab.running(what.line) as machine:
        balloon = Virtio(machine, BALLOON)
        balloon.start()
        machine.poke(FAR, OTHER)
        balloon.inflate(HERE, 256)
    with open(real, "rb") as file:
        file.seek(HERE)
        hole = not any(file.read(MIB))
        file.seek(FAR)
        written = file.read(len(OTHER)) == OTHER
    return Seen(
        hole and not written,
        (f"a write of the guest is in the file: {yes(written)}",
         f"what went into the balloon is a hole in the file: {yes(hole)}"),
    )


def keeps_while_saving(lab: Lab, what: Try) -> Seen:
    """The same while a background snapshot is under way, if one is asked for."""
    with lab.running(what.line, driven=True) as machine:
        balloon = ready(machine)
        if what.capabilities:
            set_capabilities(machine, what.capabilities)
            machine.do("migrate-set-parameters", max_bandwidth=2 * MIB)
            machine.memset(32 * MIB, 64 * MIB)
            machine.do("migrate", uri="exec:cat > /dev/null")
            until(lambda: machine.do("query-migrate").get("status") == "active")
        before, after, words = inflated(machine, balloon)
        status = machine.do("query-migrate").get("status", "none")
    return Seen(before - after < MIB // 8, (f"query-migrate: {status}", *words))


def target(asked: int) -> Callable[[Lab, Try], Seen]:
    """A target for the balloon; shown if QEMU takes it and the guest keeps its RAM."""

    def look(lab: Lab, what: Try) -> Seen:
        with lab.running(what.line) as machine:
            said = machine.words("balloon", value=asked)
            if said:
                return Seen(False, (f"balloon: {said}",))
            wanted = Virtio(machine, BALLOON).config(0) * 4096
            actual = machine.do("query-balloon")["actual"]
        return Seen(
            actual == 256 * MIB and wanted == max(0, 256 * MIB - asked),
            (f"balloon {asked >> 20} MiB: done; the device asks the guest for {wanted >> 20} MiB",
             f"query-balloon: {actual >> 20} MiB"),
        )

    return look


def uncounted(lab: Lab, what: Try) -> Seen:
    """A target of 128 MiB; shown if there is memory that the balloon does not count."""
    with lab.running(what.line) as machine:
        machine.do("balloon", value=128 * MIB)
        wanted = Virtio(machine, BALLOON).config(0) * 4096
        rows = machine.do("query-memory-devices")
        more = sum(row["data"].get("max-size", row["data"].get("size", 0)) for row in rows)
    return Seen(
        wanted < 128 * MIB + more,
        (f"RAM: 256 MiB, memory devices: up to {more >> 20} MiB",
         f"balloon 128 MiB: the device asks the guest for {wanted >> 20} MiB"),
    )


# -- vhost-user


@contextmanager
def served(
    lab: Lab, what: Try, features: int = 0, driven: bool = True
) -> Iterator[tuple[Machine, VhostUser]]:
    """A machine with a disk or directory that this process serves."""
    with VhostUser(lab.real("/tmp/c"), features) as other, lab.running(what.line, driven=driven) as machine:
        yield machine, other


def sees(lab: Lab, what: Try) -> Seen:
    """The driver starts the disk and the guest writes; shown if the other process does not see it."""
    if "mem-path=/dev/shm/f" in what.line:
        lab.file("/dev/shm/f", 256 * MIB)
    with served(lab, what) as (machine, other):
        Virtio(machine, BLOCK).start()
        until(lambda: other.tables > 0, 1)
        words = []
        missed = 0
        for gpa in (HERE, FAR):
            machine.poke(gpa, MARK)
            seen = other.peek(gpa, len(MARK))
            missed += seen != MARK
            how = "has no memory for" if seen is None else "sees" if seen == MARK else "does not see"
            words.append(f"what the guest wrote at {gpa >> 20} MiB, the other process {how}")
        said = machine.said()
    return Seen(missed > 0, (*words, *dict.fromkeys(said)))


def slots_at_start(lab: Lab, what: Try) -> Seen:
    """Start; shown if QEMU has no free slot of the other process."""
    with VhostUser(lab.real("/tmp/c")):
        started, said = lab.refusal(what.line)
    words = [line for line in said if "memory slots" in line]
    return Seen(not started and bool(words), (*words, *said[-1:]) if said else ("started",))


def slots_later(type: str) -> Callable[[Lab, Try], Seen]:
    """DIMMs are added until QEMU refuses one; shown if it speaks of vhost."""

    def look(lab: Lab, what: Try) -> Seen:
        with served(lab, what, driven=False) as (machine, _):
            said, plugged = "", 0
            while not said and plugged < 16:
                id = f"later{plugged}"
                props = {"size": 4 * MIB}
                more = props if machine.release >= (6, 0) else {"props": props}
                machine.do("object-add", qom_type=type, id=id, **more)
                said = machine.words(
                    "device_add", driver="pc-dimm", memdev=id, addr=(4 << 30) + (plugged + 8) * 128 * MIB)
                plugged += not said
                if type == "memory-backend-ram":
                    break
        return Seen("vhost" in said, (f"DIMMs plugged: {plugged}", f"device_add: {said or 'done'}"))

    return look


def refuses_to_leave(words: str, features: int) -> Callable[[Lab, Try], Seen]:
    """Migration to a file; shown if it is refused with ``words``."""

    def look(lab: Lab, what: Try) -> Seen:
        with served(lab, what, features, driven=False) as (machine, _):
            said = machine.words("migrate", uri="exec:cat > /dev/null") or machine.migrated()
        return Seen(words in said, (f"migrate: {said or 'completed'}",))

    return look


def cannot_wait(lab: Lab, what: Try) -> Seen:
    """A destination of postcopy whose other process has no PAGEFAULT; shown if it refuses."""
    with VhostUser(lab.real("/tmp/c")), lab.running(what.line, extra="-incoming defer") as machine:
        said = set_capabilities(machine, what.capabilities)
        words = machine.said()
    return Seen(
        any("postcopy" in line for line in (said, *words) if "vhost" in line),
        (f"migrate-set-capabilities: {said or 'done'}", *words),
    )


def torn(lab: Lab, what: Try) -> Seen:
    """A background snapshot, and a write while it is under way; shown if the new content is saved."""
    with served(lab, what, LOG) as (machine, other):
        process = "vhost-user" in what.line
        writer = "the other process" if process else "QEMU"
        if process:
            Virtio(machine, BLOCK).start()
            until(lambda: other.tables > 0)
        machine.memset(HERE, 200 * MIB)
        place = HERE + 199 * MIB
        machine.poke(place, MARK)
        said = set_capabilities(machine, what.capabilities)
        machine.do("migrate-set-parameters", max_bandwidth=20 * MIB)
        machine.do("migrate", uri="exec:cat > /tmp/stream")
        until(lambda: machine.do("query-migrate").get("status") == "active")
        if process:
            other.poke(place, OTHER)
        else:
            machine.poke(place, OTHER)
        machine.do("migrate-set-parameters", max_bandwidth=1 << 40)
        said = said or machine.migrated()
    stream = lab.real("/tmp/stream").read_bytes()
    return Seen(
        not said and OTHER in stream and MARK not in stream,
        (f"migrate: {said or 'completed'}", f"the snapshot has the old content: {yes(MARK in stream)}",
         f"it has what {writer} wrote after its start: {yes(OTHER in stream)}"),
    )


def slots_taken(lab: Lab, what: Try) -> Seen:
    """Start; shown if the vhost device is refused because of its few slots."""
    with VhostUser(lab.real("/tmp/c")):
        started, said = lab.refusal(what.line)
    return Seen(not started and any("memory slots" in line for line in said),
                tuple(dict.fromkeys(said)) or ("started",))


_GIVE = "a driver gives 1 MiB of a written 2 MiB to the balloon; resident pages"
_SEES = "a driver starts the disk, the guest writes, the other process reads through its descriptors"
_COUNTS = "a process that does not offer CONFIGURE_MEM_SLOTS"
_MEMFD_8G = "-m 256M,maxmem=16G -object memory-backend-memfd,id=v,size=8G"
_VIRTIO_MEM = "-device virtio-mem-pci,id=vm,memdev=v,dynamic-memslots=on"
_DISK = "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,id=disk,chardev=c"
PROBES: dict[str, Probe] = {
    "huge-pages-balloon": Probe(_GIVE, keeps),
    "balloon-mlock": Probe(_GIVE, keeps),
    "balloon-template-file": Probe("a driver gives 1 MiB to the balloon; the blocks of the file", file_keeps),
    "balloon-private-file-punches-file": Probe(
        "a write, 1 MiB for the balloon; the content of the file", punches),
    "balloon-background-snapshot": Probe(
        "the snapshot is started at 2 MiB a second; " + _GIVE, keeps_while_saving,
        good=Try("-m 256M -device virtio-balloon-pci,id=balloon")),
    "balloon-above-max-clamped": Probe("balloon 512 MiB", target(512 * MIB)),
    "balloon-no-driver": Probe("balloon 128 MiB; nobody drives the device", target(128 * MIB)),
    "balloon-counts-dimms-not-nvdimm": Probe("balloon 128 MiB", uncounted),
    "vhost-user-private-file": Probe(_SEES, sees, tells="does not see"),
    "vhost-user-memfd-share-off": Probe(_SEES, sees, tells="does not see"),
    "vhost-user-mem-path-hugepages": Probe(_SEES, sees, tells="does not see"),
    "vhost-user-anonymous-ram": Probe(_SEES, sees, tells="has no memory for"),
    "vhost-user-ram-share-on-version": Probe(_SEES, sees, tells="has no memory for"),
    "vhost-user-partly-shared-numa": Probe(_SEES, sees, tells="has no memory for"),
    "vhost-user-8-memslots-coldplug": Probe(f"start; {_COUNTS}", slots_at_start, tells="memory slots"),
    "vhost-user-8-memslots-hotplug": Probe(
        f"object-add and device_add of DIMMs until one is refused; {_COUNTS}",
        slots_later("memory-backend-memfd"), tells="vhost"),
    "vhost-user-slots-count-private-dimms": Probe(
        f"object-add of private memory, device_add of a pc-dimm; {_COUNTS}",
        slots_later("memory-backend-ram"), tells="vhost"),
    "vhost-user-no-log-shmfd": Probe(
        "migrate to a file; a process without LOG_SHMFD", refuses_to_leave("LOG_SHMFD", 0),
        tells="LOG_SHMFD"),
    "virtiofs-blocks-migration": Probe(
        "migrate to a file; a process with LOG_SHMFD", refuses_to_leave("non-migratable", LOG),
        tells="non-migratable"),
    "vhost-user-postcopy-pagefault": Probe(
        "-incoming defer, the capability postcopy-ram; a process without PAGEFAULT", cannot_wait,
        tells="postcopy"),
    "vhost-user-background-snapshot-torn": Probe(
        "a snapshot at 20 MiB a second to a file; a write to a page that is not yet saved", torn),
    "virtio-mem-memslots-then-vhost": Probe(
        f"start; {_COUNTS}", slots_taken, tells="memory slots",
        bad=Try(f"{_MEMFD_8G} {_VIRTIO_MEM} {_DISK}"), good=Try(f"{_DISK} {_MEMFD_8G} {_VIRTIO_MEM}")),
}
