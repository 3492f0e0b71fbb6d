"""CPR (checkpoint and restart): a new QEMU goes on with the memory of the old one."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import set_machine, share_memory
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.rules.migration import both
from memkit.hazards.scene import Scene

__all__ = ["RULES"]


def _conflicts(scene: Scene) -> Iterator[Culprit]:
    for mode in scene.features["cpr"]:
        yield from both(mode, "migrate-postcopy", "background-snapshot", "x-colo")(scene)


def _copied(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.ram:
        if not backend.share:
            yield scene.blame(backend, f"All of {backend.id} goes into the stream: it is private.")


def _forgotten(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        memory = backend.filesystem in ("tmpfs", "hugetlbfs")
        if memory and backend.share and scene.names_file(backend):
            yield scene.blame(
                backend, f"{backend.mem_path} of {backend.id} is in {backend.filesystem}, which a reboot of "
                         "the host empties."
            )


def _private(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        block = scene.block_of(backend)
        if block and block.migratable and not backend.share:
            option = scene.option_of(backend)
            fits = option is not None and option.name == "object"
            yield Culprit(f"RAMBlock {block.idstr} is private, and the new QEMU cannot map it.",
                          (backend.id,), (option,) if fits and option else ())


def _auxiliary(scene: Scene) -> Iterator[Culprit]:
    if scene.machine.get("aux-ram-share") in ("on", "true", "yes", "y"):
        return
    # Flash chips are ROM devices, which QEMU lets pass.
    names = tuple([b.idstr for b in scene.guest.ram_blocks
                   if b.migratable and b.backend is None and b.purpose != "flash"])
    if names:
        yield Culprit(f"aux-ram-share is off, so {', '.join(names)} are private.", names)


def _bound(scene: Scene) -> Iterator[Culprit]:
    for name in scene.features["guest-memfd"]:
        yield Culprit(f"The private memory of {name} belongs to this QEMU's virtual machine in KVM.", (name,))


_MEMFD = "-m 256M -M memory-backend=f -object memory-backend-memfd,id=f,size=256M"
_FILE = "-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M,mem-path"
_SNP = "-M q35 -accel kvm -m 256M -object sev-snp-guest,id=g,cbitpos=51,reduced-phys-bits=1"
_REBOOT = ("cpr-reboot", "x-ignore-shared")
_BLOCKER = "system/physmem.c: ram_block_add_cpr_blocker, ram_is_cpr_compatible, 10.0"

RULES = (
    Rule(
        "cpr-transfer-conflicts", "CPR excludes postcopy, background-snapshot and COLO", "refuses-operation",
        ("cpr",),
        "With CPR one QEMU ends and another goes on, on the same host. There is no time at which both could "
        "run, send pages on demand or keep in step.",
        "turn the other capability off", ("migration/migration.c: migrate_prepare, 9.0 and 11.1",),
        _conflicts, example="-m 256M", innocent="-m 256M", operations=("cpr-reboot", "migrate-postcopy"),
        innocent_operations=("cpr-reboot",), since="9.0",
    ),
    Rule(
        "cpr-reboot-private-file", "Private memory is copied in spite of x-ignore-shared", "performance",
        ("cpr-reboot", "x-ignore-shared", "share-off"),
        "x-ignore-shared leaves out only what is mapped shared. Private memory is written to the stream, "
        "which gets as big as RAM.",
        "add share=on to the backends", ("migration/ram.c: migrate_ram_is_ignored, 8.2",),
        _copied, example=f"{_FILE}=/dev/shm/f", innocent=f"{_FILE}=/dev/shm/f,share=on", operations=_REBOOT,
        since="8.2",
    ),
    Rule(
        "cpr-reboot-tmpfs-kexec", "A reboot of the host empties the file of RAM", "data-loss",
        ("cpr-reboot", "x-ignore-shared", "share-on"),
        "x-ignore-shared leaves RAM in its file. A file in tmpfs or hugetlbfs is memory of the running "
        "kernel, and the next kernel knows nothing of it.",
        "keep RAM on persistent memory (/dev/dax), or turn x-ignore-shared off before a reboot",
        ("migration/ram.c: migrate_ram_is_ignored, 8.2", "docs/devel/migration/CPR.rst, 9.0"),
        _forgotten, example=f"{_FILE}=/dev/shm/f,share=on",
        innocent=f"{_FILE}=/dev/dax0.0,share=on,align=2M", operations=_REBOOT, since="8.2",
    ),
    Rule(
        "cpr-transfer-private-ram", "The new QEMU cannot map private memory", "refuses-operation",
        ("cpr-transfer", "share-off"),
        "The old QEMU passes descriptors of the memory to the new one, which maps them again. Private "
        "pages are in no file, so that a private block blocks the migration.",
        "use memfd or file backends with share=on for all memory", (_BLOCKER,),
        _private, example=f"{_FILE}=/dev/shm/f", innocent=f"{_FILE}=/dev/shm/f,share=on",
        operations=("cpr-transfer",), mend=share_memory, since="10.0",
    ),
    Rule(
        "cpr-transfer-aux-ram", "Memory that devices make is private, too", "refuses-operation",
        ("cpr-transfer",),
        "Firmware, option ROMs, video memory and ACPI tables have no backend on the line. They are private "
        "unless the machine was started with aux-ram-share=on, and one of them blocks the migration.",
        "start with -machine aux-ram-share=on", (_BLOCKER, "hw/core/machine.c: aux-ram-share, 10.0"),
        _auxiliary, example=_MEMFD, innocent=f"{_MEMFD} -M aux-ram-share=on", operations=("cpr-transfer",),
        mend=set_machine(aux_ram_share="on"), since="10.0",
    ),
    Rule(
        "cpr-transfer-guest-memfd", "A protected guest stays in its QEMU", "refuses-operation",
        ("cpr-transfer", "guest-memfd"),
        "The private memory of a protected guest belongs to one virtual machine of KVM. A new QEMU makes a "
        "new one, and cannot get at it.",
        "shut the guest down instead", ("system/physmem.c: ram_block_add, 10.0",),
        _bound, example=f"{_SNP} -M confidential-guest-support=g", innocent=_SNP,
        operations=("cpr-transfer",), since="10.0", architectures=("x86_64",),
    ),
)
