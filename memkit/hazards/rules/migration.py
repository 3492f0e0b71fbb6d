"""Migration of a guest: capabilities that clash, and memory that stays behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from memkit.boards.accelerators import has_kvm
from memkit.hazards.mending import drop_option, set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.units import human

__all__ = ["RULES", "both"]

MAX_RING = 65536
"""The most entries that the kernel gives a ring of dirty pages."""


def both(first: str, *others: str) -> Callable[[Scene], Iterable[Culprit]]:
    """A finder of each of ``others`` that is about to be used with ``first``."""
    return lambda scene: tuple([
        Culprit(f"{first} does not go together with {other}.", (first, other))
        for other in others if other in scene.operations
    ])


def _zero_copy(scene: Scene) -> Iterator[Culprit]:
    if "multifd" not in scene.operations:
        yield Culprit("zero-copy-send is on and multifd is not.", ("zero-copy-send",))
    if "xbzrle" in scene.operations:
        yield Culprit("zero-copy-send does not go together with xbzrle.", ("zero-copy-send", "xbzrle"))


def _no_ring(scene: Scene) -> Iterator[Culprit]:
    if not scene.rings:
        yield Culprit("dirty-limit finds no ring of dirty pages in this guest.", ("dirty-limit",))


def _ring_size(scene: Scene) -> Iterator[Culprit]:
    option = scene.dirty_ring
    value = dict(option.args)["dirty-ring-size"] if option else ""
    if option and value.isdecimal() and (int(value) & (int(value) - 1) or int(value) > MAX_RING):
        yield Culprit(f"dirty-ring-size={value} is no power of two up to {MAX_RING}.", ("dirty-ring-size",),
                      (option,))


def _rate_bitmap(scene: Scene) -> Iterator[Culprit]:
    if scene.rings and scene.dirty_ring:
        yield Culprit("calc-dirty-rate asks for the bitmap, and dirty-ring-size turns it off.",
                      ("dirty-ring-size",), (scene.dirty_ring,))


def _rate_tcg(scene: Scene) -> Iterator[Culprit]:
    # A program that was built without KVM has nothing to read, and refuses.
    if scene.tcg and has_kvm(scene.guest.target, scene.host):
        for name in scene.features["calc-dirty-rate"]:
            yield Culprit(f"{name} asks KVM, and TCG runs this guest.", (name,))


def _colo(scene: Scene) -> Iterator[Culprit]:
    size = sum(block.used_length for block in scene.guest.ram_blocks if block.migratable)
    yield Culprit(f"x-colo needs {human(size)} more on the second host, in ordinary pages.", ("x-colo",))


def _plugged(scene: Scene) -> Iterator[Culprit]:
    yield Culprit("-m leaves room for memory devices, but not while migration runs.", ("-m",))


def _poisoned(scene: Scene) -> Iterator[Culprit]:
    names = tuple(backend.id for backend in scene.ram)
    yield Culprit(f"With one bad page in {', '.join(names)} the guest stays on this host.", names)


def _nameless(scene: Scene) -> Iterator[Culprit]:
    """Shared memory without a file that a second QEMU could open."""
    bars = {spec.props.get("memdev") for spec in scene.drivers("ivshmem-plain")}
    for backend in scene.mapped:
        if backend.id in bars:
            continue
        block = scene.block_of(backend)
        if scene.known_shared(backend) and block and block.migratable and not scene.names_file(backend):
            if str(backend.mem_path).startswith("/dev/dax") or not scene.told_of(backend):
                continue
            yield scene.blame(backend, f"RAMBlock {block.idstr} is skipped, and arrives as zeros "
                                       f"({backend.id} has no file that the destination could open).")


def _missed(scene: Scene) -> Iterator[Culprit]:
    if scene.tcg:
        for name in scene.features["migrate-precopy"]:
            yield Culprit(f"TCG runs this guest, and {name} may miss what it writes late.", (name,))


def _unplugged(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.backends:
        if not backend.implicit and all(backend is not b for b in scene.mapped):
            yield scene.blame(backend, f"{backend.id} is in use by nothing, and its content stays behind.")


def _pmem(scene: Scene) -> Iterator[Culprit]:
    for device in scene.guest.memory_devices:
        if device.kind == "virtio-pmem":
            backend = scene.backend(device.memdev)
            where = backend.mem_path or backend.id if backend else device.memdev
            yield Culprit(f"{scene.name_of(device)} stays behind: nothing of {where} is sent.",
                          (scene.name_of(device),))


def _unnoticed(scene: Scene) -> Iterator[Culprit]:
    for name in scene.features["virtio-pmem"]:
        yield Culprit(f"-only-migratable lets {name} pass, whose memory does not migrate.", (name,))


def _nvdimm(scene: Scene) -> Iterator[Culprit]:
    if "x-ignore-shared" in scene.operations:
        return
    for device in scene.guest.memory_devices:
        backend = scene.backend(device.memdev)
        if device.kind != "nvdimm" or backend is None or backend.readonly:
            continue
        if backend.mem_path and backend.share:
            name = scene.name_of(device)
            yield Culprit(f"All {human(backend.size)} of {name} are written over {backend.mem_path} of the "
                          "destination.", (name, backend.id))


def _read_only(scene: Scene) -> Iterator[Culprit]:
    """Memory that the destination has to write to, and has mapped read-only."""
    for backend in scene.mapped:
        block = scene.block_of(backend)
        skipped = "x-ignore-shared" in scene.operations and scene.known_shared(backend)
        if backend.readonly and not skipped and block and block.migratable:
            yield scene.blame(backend, f"RAMBlock {block.idstr} ({backend.id}) cannot be written there.")


def _moving(scene: Scene) -> Iterator[Culprit]:
    """Memory behind a BAR that x-ignore-shared leaves out; since 8.1 that is only memory in named files."""
    for spec in scene.drivers("ivshmem-plain"):
        backend = scene.backend(spec.props.get("memdev"))
        if backend and scene.known_shared(backend) and (scene.version < (8, 1) or scene.names_file(backend)):
            name = spec.id or spec.driver
            yield Culprit(f"{name} shows {backend.id} where the guest has put its BAR.", (name, backend.id),
                          (spec.option,))


def _old_names(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        block = scene.block_of(backend)
        if block and block.idstr.startswith("/objects/"):
            yield scene.blame(backend, f"The RAMBlock of {backend.id} is called {block.idstr}.")


def _clash(
    id: str, title: str, first: str, other: str, why: str, instead: str, source: str, since: str,
    until: str = "", severity: str = "refuses-operation", example: str = "-m 256M",
) -> Rule:
    """A rule for two capabilities that exclude each other."""
    return Rule(id, title, severity, (first, other), why, instead, (source,), both(first, other),
                example=example, innocent=example, operations=(first, other), innocent_operations=(first,),
                since=since, until=until)


_RING = "-accel kvm,dirty-ring-size=4096 -m 256M"
_MEMFD = "-m 256M -M memory-backend=f -object memory-backend-memfd,id=f,size=256M"
_FILE = "-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f,share=on"
_PMEM = ("-m 256M,maxmem=1G -object memory-backend-file,id=p,size=128M,mem-path=/var/tmp/p,share=on "
         "-device virtio-pmem-pci,id=pmem,memdev=p")
_NVDIMM = ("-M nvdimm=on -m 256M,slots=2,maxmem=1G -device nvdimm,id=nv,memdev=n "
           "-object memory-backend-file,id=n,size=128M,mem-path=/var/tmp/n")
_READ_ONLY = ("-M nvdimm=on -m 256M,slots=2,maxmem=1G -device nvdimm,id=nv,memdev=n,unarmed=on "
              "-object memory-backend-file,id=n,size=128M,mem-path=/var/tmp/n,readonly=on")
_BAR = ("-m 256M -device ivshmem-plain,memdev=i,master=on,id=bar "
        "-object memory-backend-file,id=i,size=1M,mem-path=/dev/shm/f")
_CAPS = "migration/options.c: migrate_caps_check"
_OLD = "-m 256M -M memory-backend=f,type=pc-i440fx-3.1 -object memory-backend-memfd,id=f,size=256M"
_NAMED = "backends/hostmem.c: host_memory_backend_get_name, 7.2"

RULES = (
    _clash(
        "dirty-limit-vs-auto-converge", "Two ways to slow the guest down", "dirty-limit", "auto-converge",
        "Both slow virtual CPUs down until memory is sent faster than it changes. QEMU lets only one of them "
        "decide.",
        "turn one of the two off", f"{_CAPS}, 8.2", since="8.1", example=_RING,
    ),
    _clash(
        "multifd-xbzrle-silent", "With multifd, xbzrle does nothing", "multifd", "xbzrle",
        "The channels of multifd send whole pages and never ask the cache of earlier ones. QEMU accepts "
        "both, and the cache takes memory for nothing.",
        "turn one of the two off; QEMU 8.2 refuses the pair", f"{_CAPS}, 8.2", since="4.0", until="8.2",
        severity="silent-misbehaviour",
    ),
    _clash(
        "multifd-xbzrle-refused", "No xbzrle with multifd", "multifd", "xbzrle",
        "The channels of multifd never ask the cache of earlier pages. Since 8.2 QEMU refuses what did "
        "nothing before.",
        "turn one of the two off", f"{_CAPS}, 8.2", since="8.2",
    ),
    Rule(
        "mapped-ram-incompatibilities", "Pages with fixed places in a file are whole", "refuses-operation",
        ("mapped-ram",),
        "With mapped-ram each page has its place in the file. Differences to an earlier page have none, and "
        "postcopy has nobody to ask for pages.",
        "use mapped-ram alone or with multifd", (f"{_CAPS}, 10.0",),
        both("mapped-ram", "xbzrle", "migrate-postcopy"), example="-m 256M", innocent="-m 256M",
        operations=("mapped-ram", "xbzrle"), innocent_operations=("mapped-ram", "multifd"), since="9.0",
    ),
    Rule(
        "zero-copy-send-needs-multifd", "Sending without copying needs multifd", "refuses-operation",
        ("zero-copy-send",),
        "Only the channels of multifd can hand whole pages to the kernel. Whatever changes the bytes "
        "on their way (xbzrle, compression, TLS) needs a copy.",
        "turn multifd on, and xbzrle, compression and TLS off",
        ("migration/migration.c: migrate_caps_check, 7.2", f"{_CAPS}, 10.0"),
        _zero_copy, example="-m 256M", innocent="-m 256M", operations=("zero-copy-send",),
        innocent_operations=("zero-copy-send", "multifd"), since="7.1",
    ),
    Rule(
        "rdma-incompatibilities", "RDMA excludes xbzrle and multifd", "refuses-operation", ("rdma",),
        "The network card reads the pages of the guest itself, so that nothing can compute differences or "
        "spread pages over channels. Before 10.1 only the destination refuses xbzrle.",
        "turn the capability off, or migrate over TCP",
        ("migration/migration.c: qemu_start_incoming_migration, 8.2",
         "migration/options.c: migrate_rdma_caps_check, 10.1"),
        both("rdma", "xbzrle", "multifd"), example="-m 256M", innocent="-m 256M",
        operations=("rdma", "multifd"), innocent_operations=("rdma",), since="8.2",
    ),
    _clash(
        "rdma-postcopy-refused", "RDMA excludes postcopy", "rdma", "migrate-postcopy",
        "Memory that is registered with the network card cannot be taken away and fetched again on a fault. "
        "Earlier releases let the pair pass; 10.1 refuses it.",
        "migrate over TCP", "migration/options.c: migrate_rdma_caps_check, 10.1", since="10.1",
    ),
    Rule(
        "dirty-limit-needs-ring", "No dirty-limit without KVM's rings of dirty pages", "refuses-operation",
        ("dirty-limit",),
        "QEMU must know which virtual CPU wrote how much. Only the rings, one for each CPU, tell; the "
        "bitmap does not.",
        "use -accel kvm,dirty-ring-size=4096 (x86, and Arm since 8.1)",
        ("softmmu/dirtylimit.c: qmp_set_vcpu_dirty_limit, 7.2", f"{_CAPS}, 8.2"),
        _no_ring, example="-accel kvm -m 256M", innocent=_RING, operations=("dirty-limit",), since="7.1",
    ),
    Rule(
        "dirty-ring-size-pow2", "A ring of dirty pages has a power of two of entries", "refuses-to-start",
        ("dirty-ring",),
        "KVM finds the next entry with a mask, and has room for at most 65536. QEMU and the kernel refuse "
        "all other numbers.",
        "use dirty-ring-size=4096",
        ("accel/kvm/kvm-all.c: kvm_set_dirty_ring_size, kvm_dirty_ring_init, 7.2",),
        _ring_size, example="-accel kvm,dirty-ring-size=1000 -m 256M", innocent=_RING,
        mend=set_property(dirty_ring_size="4096"), since="6.1",
    ),
    Rule(
        "dirty-rate-bitmap-vs-ring", "With rings there is no bitmap to count", "refuses-operation",
        ("dirty-ring", "calc-dirty-rate-bitmap"),
        "KVM notes dirty pages in rings or in bitmaps, as the line says. calc-dirty-rate refuses the mode "
        "that is not in use.",
        "use mode=dirty-ring", ("migration/dirtyrate.c: qmp_calc_dirty_rate, 7.2",),
        _rate_bitmap, example=_RING, innocent="-accel kvm -m 256M", operations=("calc-dirty-rate-bitmap",),
        since="6.2",
    ),
    Rule(
        "calc-dirty-rate-ring-tcg", "Counting dirty pages without KVM ends QEMU", "data-loss",
        ("calc-dirty-rate",),
        "For both modes calc-dirty-rate asks KVM whether it keeps rings, and before 9.1 does not check that "
        "there is KVM at all. Under TCG it reads through a null pointer, and the guest is gone.",
        "use mode=page-sampling",
        ("accel/kvm/kvm-all.c: kvm_dirty_ring_enabled, 7.2 and 9.1", "calc-dirty-rate in QEMU 7.2"),
        _rate_tcg, example="-m 256M", innocent="-accel kvm -m 256M", operations=("calc-dirty-rate-ring",),
        since="6.2", until="9.1",
    ),
    Rule(
        "colo-doubles-memory", "COLO needs the memory twice", "performance", ("x-colo",),
        "The second host keeps a copy of every RAMBlock as it was at the last checkpoint. The copy is "
        "anonymous memory, also where the guest has huge pages.",
        "give the second host twice the memory", ("migration/ram.c: colo_init_ram_cache, 7.2",),
        _colo, example="-m 256M", innocent="-m 256M", operations=("x-colo",),
        innocent_operations=("migrate-precopy",), since="4.0",
    ),
    Rule(
        "memory-hotplug-during-migration", "No memory is plugged while migration runs", "refuses-operation",
        ("maxmem", "hot-plug", "migrate-precopy"),
        "The list of RAMBlocks is sent first and must not change afterwards. QEMU refuses device_add and "
        "device_del until migration has ended.",
        "plug before, or cancel migration", ("softmmu/qdev-monitor.c: qdev_device_add_from_qdict, 7.2",),
        _plugged, example="-m 256M,slots=2,maxmem=1G", innocent="-m 256M",
        operations=("hot-plug", "migrate-precopy"), since="2.10",
    ),
    Rule(
        "hwpoison-blocks-migration", "A guest with a bad page cannot leave", "refuses-operation",
        ("kvm", "memory-failure", "migrate-precopy"),
        "To send the bad page QEMU would have to read it, which raises SIGBUS. Since 9.0 it refuses; before, "
        "migration ended the guest.",
        "reboot the guest, which drops the page, then migrate",
        ("migration/migration.c: migrate_prepare, 10.0",),
        _poisoned, example="-accel kvm -m 256M", innocent="-accel kvm -m 256M",
        operations=("memory-failure", "migrate-precopy"), innocent_operations=("migrate-precopy",),
        # Elsewhere QEMU keeps no list of bad pages (kvm_hwpoison_page_add has no other caller).
        since="9.0", architectures=("x86_64", "i386", "aarch64"),
    ),
    Rule(
        "ignore-shared-unnamed-memory", "Skipped memory that nobody can find", "data-loss",
        ("x-ignore-shared", "share-on"),
        "Before 8.1 x-ignore-shared skips all that is mapped shared, also a memfd, which the destination "
        "cannot open. Migration succeeds, and the guest goes on with zeros.",
        "use a named file on both sides; QEMU 8.1 skips only those",
        ("migration/ram.c: ramblock_is_ignored, 7.2", "migration/ram.c: migrate_ram_is_ignored, 8.1",
         "softmmu/physmem.c: qemu_ram_alloc_internal, 6.0 and 6.1"),
        _nameless, example=_MEMFD, innocent=_FILE, operations=("x-ignore-shared",), since="4.0", until="8.1",
    ),
    Rule(
        "migration-tcg-misses-writes", "Migration under TCG misses writes", "data-loss", ("migrate-precopy",),
        "Each pass over RAM clears marks of written pages. Before 9.0 it does not tell the translated code, "
        "which goes on writing without marking such a page again. The destination keeps the old content.",
        "stop the guest first, or use KVM or QEMU 9.0",
        ("include/exec/ram_addr.h: cpu_physical_memory_sync_dirty_bitmap, 8.2 and 9.0; 03bfc2188f",
         "data/workloads/x86_64-7.2.json: hot-set"),
        _missed, example="-m 256M", innocent="-accel kvm -m 256M", operations=("migrate-precopy",),
        since="2.0", until="9.0",
    ),
    Rule(
        "ignore-shared-ivshmem-moves", "Memory behind a BAR under x-ignore-shared", "refuses-operation",
        ("ivshmem", "x-ignore-shared"),
        "Of memory that is left out the stream tells where the guest sees it. At the destination no BAR is "
        "mapped yet when RAM is loaded, so that the addresses differ and migration fails.",
        "turn x-ignore-shared off, or take the device out before",
        ("migration/ram.c: ram_load_precopy, 7.2", "migration/ram.c: parse_ramblock, 11.1",
         "data/migrations/x86_64-7.2.jsonl.gz: ivshmem/tmpfs-shared/ignore-shared"),
        _moving, example=f"{_BAR},share=on", innocent=f"{_BAR},share=off", operations=("x-ignore-shared",),
        since="4.0",
    ),
    Rule(
        "migration-into-readonly", "Memory that the destination cannot write", "refuses-operation",
        ("readonly", "migrate-precopy"),
        "The block is sent like any other. The destination has mapped it read-only, as the same line says, "
        "and ends with SIGSEGV at its first page that is not zero; the source goes on.",
        "use share=on and x-ignore-shared with the same file on both sides",
        ("migration/ram.c: ram_load_precopy, 7.2", "QEMU 7.2, 10.0 and 11.1: a read-only NVDIMM",
         "data/migrations/x86_64-7.2.jsonl.gz: read-only/read-only-to-read-only/precopy"),
        _read_only, example=_READ_ONLY, innocent=f"{_NVDIMM},share=on",
        operations=("migrate-precopy",), since="6.0",
    ),
    Rule(
        "virtio-pmem-not-migrated", "The memory of virtio-pmem stays behind", "data-loss",
        ("virtio-pmem", "migrate-precopy"),
        "The device never gives its RAMBlock a name, and only blocks with names are sent. Nothing refuses, "
        "so that the guest finds whatever the destination's file holds.",
        "use the same file on storage that both hosts share, or take the device out first",
        ("hw/virtio/virtio-pmem.c: virtio_pmem_realize, 7.2 and 11.1",),
        _pmem, example=_PMEM, innocent=f"{_NVDIMM},share=on", operations=("migrate-precopy",), since="4.1",
    ),
    Rule(
        "only-migratable-catches-some", "-only-migratable does not look at memory", "silent-misbehaviour",
        ("only-migratable", "virtio-pmem"),
        "The option refuses devices that say that they cannot migrate. virtio-pmem says that it can, and "
        "leaves its memory behind.",
        "compare with info ramblock: a block without a name is not sent",
        ("hw/virtio/virtio-pmem.c: virtio_pmem_realize, 7.2",),
        _unnoticed, example=f"-only-migratable {_PMEM}", innocent=f"-only-migratable {_NVDIMM}", since="4.1",
    ),
    Rule(
        "migration-overwrites-dest-nvdimm-file", "Migration writes the whole NVDIMM of the destination",
        "surprise", ("nvdimm", "migrate-precopy"),
        "For migration an NVDIMM is one more RAMBlock. All its pages are sent, and what the destination's "
        "file held before is gone.",
        "use an empty file there, or one file on shared storage with x-ignore-shared",
        ("migration/ram.c: ram_load_precopy, 7.2",),
        _nvdimm, example=f"{_NVDIMM},share=on", innocent=_PMEM, operations=("migrate-precopy",), since="2.6",
    ),
    Rule(
        "unnamed-ramblock-not-migrated", "A backend that nothing uses is not sent", "surprise",
        ("migrate-precopy",),
        "Whoever shows a backend to the guest also names its RAMBlock. A block without a name is not part of "
        "the stream.",
        "plug it, or drop it", ("migration/savevm.c: vmstate_register_ram, 7.2",),
        _unplugged, example="-m 256M -object memory-backend-ram,id=spare,size=64M", innocent="-m 256M",
        operations=("migrate-precopy",), mend=drop_option,
    ),
    Rule(
        "ramblock-canonical-path-old-machine", "An old machine type calls RAM by a path", "surprise",
        ("machine-memory-backend", "migrate-precopy"),
        "Types up to 3.1 name the blocks of file and memfd backends /objects/ID, as QEMU 3.1 did, and RAM "
        "without a backend as ever. A destination with the other name refuses the stream.",
        "set x-use-canonical-path-for-ramblock-id=off on the backend where the other side has the plain name",
        (_NAMED, "qemu-options.hx, 7.2"),
        _old_names, example=_OLD, innocent=f"{_OLD},x-use-canonical-path-for-ramblock-id=off",
        operations=("migrate-precopy",), mend=set_property(x_use_canonical_path_for_ramblock_id="off"),
        since="4.0", until="11.0",
    ),
)
