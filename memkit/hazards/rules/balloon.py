"""The balloon: memory that the guest gives back page by page, and what keeps the host from taking it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from memkit.hazards.mending import drop_option
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.host import Host

__all__ = ["RULES"]

PAGE = 4096


def _each(sentence: str) -> Callable[[Scene], Iterator[Culprit]]:
    """Names every balloon; {name} stands for it."""
    def find(scene: Scene) -> Iterator[Culprit]:
        for spec in scene.drivers("virtio-balloon"):
            name = spec.id or spec.driver
            yield Culprit(sentence.format(name=name), (name,), (spec.option,))

    return find


def _huge(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("virtio-balloon"):
        name = spec.id or spec.driver
        for backend in scene.ram:
            if backend.huge:
                yield Culprit(
                    f"{name} takes 4 KiB pages, RAMBlock {backend.id} consists of pages of "
                    f"{backend.page_size >> 10} KiB.", (name, backend.id), (spec.option,),
                )


def _large_pages(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("virtio-balloon"):
        name = spec.id or spec.driver
        yield Culprit(
            f"{name} takes 4 KiB pages, the host has pages of {scene.host.page_size >> 10} KiB.", (name,),
            (spec.option,),
        )


def _not_counted(scene: Scene) -> Iterator[Culprit]:
    name = scene.features["balloon"][0]
    for device in scene.guest.memory_devices:
        what = scene.name_of(device)
        if device.kind == "dimm":
            said = f"A target for {name} includes DIMM {what}: each one plugged shifts what the target means."
        else:
            said = f"A target for {name} does not include {what} ({device.kind})."
        yield Culprit(said, (name, what))


def _locked(scene: Scene) -> Iterator[Culprit]:
    lock = scene.features["mem-lock"][0]
    for spec in scene.drivers("virtio-balloon"):
        name = spec.id or spec.driver
        for backend in scene.ram:
            if backend.filesystem == "anonymous":
                yield Culprit(
                    f"{name} cannot free pages of RAMBlock {backend.id}: {lock} locks them.",
                    (name, backend.id, lock), (spec.option,),
                )


def _read_only(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("virtio-balloon"):
        name = spec.id or spec.driver
        for backend in scene.ram:
            if scene.given(backend, "readonly") is True:
                yield Culprit(
                    f"{name} cannot free pages of {backend.id}: {backend.mem_path} is open for reading only.",
                    (name, backend.id), (spec.option,),
                )


def _punched(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("virtio-balloon"):
        name = spec.id or spec.driver
        for backend in scene.ram:
            writable = scene.given(backend, "readonly") is not True
            if not backend.share and writable and scene.keeps_file(backend):
                option = scene.option_of(backend)
                yield Culprit(
                    f"Pages that {name} takes become holes in {backend.mem_path}, although {backend.id} is "
                    "private.", (name, backend.id), (option,) if option else (),
                )


_BALLOON = "-device virtio-balloon-pci,id=balloon"
_FILE = "-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M,mem-path=/var/tmp/template"
_MEMFD = "-m 256M -M memory-backend=f -object memory-backend-memfd,id=f,size=256M"
_DEVICE = "hw/virtio/virtio-balloon.c"

RULES = (
    Rule(
        "huge-pages-balloon", "The balloon takes small pages out of huge ones", "silent-misbehaviour",
        ("balloon", "hugetlb"),
        "The guest gives pages of 4 KiB back, and the host can only free a whole huge page. QEMU waits for "
        "all pieces of one and forgets them when the guest goes on elsewhere, so little or nothing is freed.",
        "use free-page-reporting, whose pieces are larger, or virtio-mem where the target has it",
        (f"{_DEVICE}: balloon_inflate_page, 7.2",),
        _huge, example=f"{_MEMFD},hugetlb=on {_BALLOON}", innocent=f"{_MEMFD} {_BALLOON}", mend=drop_option,
        since="4.0",
    ),
    Rule(
        "balloon-64k-host-pages", "The balloon takes small pages out of large ones", "silent-misbehaviour",
        ("balloon", "host-page-size"),
        "A page of the balloon's protocol is always 4 KiB, and the host frees its own, larger pages. QEMU "
        "frees one only after the guest has given back all its pieces one after the other.",
        "use a host kernel with 4 KiB pages, or virtio-mem where the target has it",
        (f"{_DEVICE}: balloon_inflate_page, 7.2",),
        _large_pages, example=f"-m 256M {_BALLOON}", innocent="-m 256M", host=Host(page_size=65536),
        mend=drop_option, since="4.0",
    ),
    Rule(
        "balloon-private-file-punches-file", "The balloon makes holes in a file that is mapped privately",
        "data-loss", ("balloon", "backend-file", "share-off"),
        "To free a page of a file QEMU punches a hole into the file itself; that the mapping is private "
        "changes nothing. Other guests that start from the file then read zeros.",
        "open it with readonly=on,rom=off (since 8.2), or leave the balloon out",
        ("softmmu/physmem.c: ram_block_discard_range, 7.2", f"{_DEVICE}: balloon_inflate_page, 7.2"),
        _punched, example=f"{_FILE} {_BALLOON}", innocent=f"{_FILE},share=on {_BALLOON}",
    ),
    Rule(
        "balloon-template-file", "The balloon frees nothing of a read-only template", "silent-misbehaviour",
        ("balloon", "backend-file"),
        "To free a page of a file QEMU punches a hole into it, which needs a file open for writing. For each "
        "page that the guest gives back QEMU prints an error, and nothing is freed.",
        "leave the balloon out (and free-page-reporting off) for guests that start from a template",
        ("system/physmem.c: ram_block_discard_range, 8.2",),
        _read_only, example=f"{_FILE},readonly=on,rom=off {_BALLOON}",
        innocent=f"{_FILE},share=on {_BALLOON}",
        host=Host(files={"/var/tmp/template": 256 << 20}), mend=drop_option, since="8.2",
    ),
    Rule(
        "balloon-mlock", "The balloon cannot free locked memory", "performance", ("balloon", "mem-lock"),
        "Linux frees no locked page on madvise(MADV_DONTNEED). QEMU prints an error for each page that the "
        "guest gives back, and the host gets nothing.",
        "choose one: locked memory, or a balloon",
        ("softmmu/physmem.c: ram_block_discard_range, 7.2", "Linux mm/madvise.c: madvise_dontneed_free, 6.1"),
        _locked, example=f"-m 256M -overcommit mem-lock=on {_BALLOON}", innocent=f"-m 256M {_BALLOON}",
        mend=drop_option,
    ),
    Rule(
        "balloon-postcopy", "Postcopy does not free what the balloon takes", "surprise",
        ("balloon", "migrate-postcopy"),
        "While pages still come, freeing one could get in the way of its arrival, so the destination frees "
        "none. What the guest gives up meanwhile stays with QEMU.",
        "set the balloon's target after the migration",
        (f"{_DEVICE}: virtio_balloon_inhibited, 7.2",),
        _each("{name} frees nothing while postcopy fetches pages."), example=f"-m 256M {_BALLOON}",
        innocent="-m 256M", operations=("migrate-postcopy",), since="2.5",
    ),
    Rule(
        "balloon-background-snapshot", "A background snapshot does not free what the balloon takes",
        "surprise",
        ("balloon", "background-snapshot"),
        "The snapshot still needs the old content of pages, so QEMU frees none until it is done. What the "
        "guest gives up meanwhile stays with QEMU.",
        "set the balloon's target after the snapshot",
        (f"{_DEVICE}: virtio_balloon_inhibited, 7.2",),
        _each("{name} frees nothing while the snapshot is written."), example=f"-m 256M {_BALLOON}",
        innocent="-m 256M", operations=("background-snapshot",), since="6.0",
    ),
    Rule(
        "balloon-counts-dimms-not-nvdimm", "The balloon counts DIMMs and no other memory devices", "surprise",
        ("balloon",),
        "A target N makes the balloon as large as RAM plus DIMMs minus N. NVDIMMs, virtio-mem and "
        "virtio-pmem are left out, and each DIMM that is plugged makes the same N mean a larger balloon.",
        "work out the target anew whenever memory is plugged",
        (f"{_DEVICE}: get_current_ram_size, 7.2", "hw/mem/pc-dimm.c: pc_dimm_plug, 8.1"),
        _not_counted,
        example="-m 256M,maxmem=1G -object memory-backend-ram,id=v,size=512M "
                f"-device virtio-mem-pci,memdev=v,id=vm {_BALLOON}",
        innocent=f"-m 256M,maxmem=1G {_BALLOON}", since="2.10",
    ),
    Rule(
        "balloon-above-max-clamped", "A balloon target above RAM means all RAM", "surprise",
        ("balloon", "set-balloon"),
        "QEMU cuts a larger target down to the guest's RAM and says nothing. The balloon takes memory away "
        "and never adds any.",
        "to add memory, plug DIMMs or use virtio-mem, as far as the machine has them",
        (f"{_DEVICE}: virtio_balloon_to_target, 7.2",),
        _each("{name} gives the guest no more memory than it has."), example=f"-m 256M {_BALLOON}",
        innocent="-m 256M", operations=("set-balloon",),
    ),
    Rule(
        "balloon-no-driver", "Nobody says whether the guest obeys the balloon", "surprise",
        ("balloon", "set-balloon"),
        "The command writes the target into a register of the device and returns. A guest without a driver, "
        "or short of memory, leaves it at that.",
        "look at the actual size (info balloon, query-balloon) afterwards",
        (f"{_DEVICE}: virtio_balloon_to_target, 7.2", "softmmu/balloon.c: qmp_balloon, 7.2"),
        _each("{name} takes a target, and what becomes of it is for the guest's driver."),
        example=f"-m 256M {_BALLOON}", innocent="-m 256M", operations=("set-balloon",),
    ),
)
