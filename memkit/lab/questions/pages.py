"""Pages: of what size those of a block are, and how many become dirty.

Source: qemu_ram_pagesize and cpu_physical_memory_set_dirty_range in softmmu/physmem.c and
include/exec/ram_addr.h, TARGET_PAGE_BITS in target/i386/cpu-param.h (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.architectures import target_page
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.questions.places import address_of, block_of
from memkit.lab.questions.question import About, Asker, Mistake, Question, make
from memkit.memory.ramblock import RAMBlock
from memkit.units import hex_address, human

__all__ = ["QUESTIONS"]

# Huge pages of x86.
_HUGE = (2 << 20, 1 << 30)


def _page_size_of(guest: Guest, about: About) -> Question:
    asked = [b for b in guest.ram_blocks if b.backend is not None] or list(guest.ram_blocks)
    block = block_of(guest, about.of) if about.of else about.pick.choice(asked)
    backend, page = block.backend, block.page_size
    unit, kind = target_page(guest.target, guest.machine_type), guest.host.pages
    sizes = kind.huge if kind else _HUGE

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("target-page-always", unit, (
            "the target page, the unit in which QEMU notes what changed. The column PSize shows the pages "
            "of the "
            "host memory behind the block."))
        if kind is not None and kind.arch != "x86_64" and page in kind.huge:
            yield Mistake("other-host", _HUGE[0], (
                f"the usual huge page of x86. A host has those of its own architecture and base page; on "
                f"{kind.title} they have {', '.join(human(size) for size in kind.huge)}."))
        for other in guest.ram_blocks:
            if other.page_size != page and other.page_size != unit:
                yield Mistake("first-block-for-all", other.page_size, (
                    f"the pages of {other.label}. Each block has those of its own host memory."))
        for huge in sizes:
            if backend is not None and backend.mem_path:
                yield Mistake("file-is-huge", huge, (
                    f"huge pages. But {backend.mem_path} is on {backend.filesystem}; only files on hugetlbfs "
                    f"with such pages have them."))
            else:
                yield Mistake("guest-page-for-host", huge, (
                    "huge pages. The guest may use pages of this size by itself, and the kernel may join "
                    "small "
                    "pages behind QEMU's back; the block's page size stays what it was mapped with."))

    return make(
        "page-size-of", guest, f"Which page size does info ramblock show for {block.label}?", "size", page,
        _why_page(block), mistakes(), view="tables", follow=block.label,
        hints=("It depends on the host memory behind the block alone, not on the guest.",
               f"The block's memory: {_memory_of(block)}."),
    )


def _memory_of(block: RAMBlock) -> str:
    backend = block.backend
    if backend is None:
        return "anonymous memory that QEMU maps itself"
    if backend.mem_path:
        return f"{backend.mem_path}, on {backend.filesystem}"
    return "huge pages of a memfd" if backend.hugetlb else f"a {backend.type}"


def _why_page(block: RAMBlock) -> str:
    said = f"Behind it is {_memory_of(block)}"
    return f"{said}, in pages of {human(block.page_size)}."


def _dirty_pages(guest: Guest, about: About) -> Question:
    """A write of some bytes: how many bits of the dirty bitmap does it set?"""
    seen = [r for r in guest.flat_view().ranges if r.type in ("ram", "nv-ram") and r.size >= 8 << 20]
    unit = target_page(guest.target, guest.machine_type)
    if not seen:
        raise MemkitError("this guest shows no RAM of 8 MiB or more; give it some, such as -m 128M")
    found = about.pick.choice(seen)
    length = about.pick.choice((64, 4096, 6000, 65536, 2 << 20))
    if about.of:
        gpa = address_of(about.of)
        answers = guest.flat_view().find(gpa)
        if answers is None or answers.region.block is None or answers.end < gpa + length:
            raise MemkitError(f"no RAM of {human(length)} answers at {hex_address(gpa)}")
        found = answers
    else:
        page = about.pick.randrange((found.size - (4 << 20)) // unit)
        gpa = found.start + page * unit + about.pick.choice((0x10, 0x800, 0xff0))
    block = found.region.block
    assert block is not None  # RAM has one
    last = gpa + length - 1
    count = last // unit - gpa // unit + 1
    host = last // block.page_size - gpa // block.page_size + 1

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("pages-rounded-down", max(length // unit, 0), (
            "the whole pages that fit into the bytes. A page of which one byte changes is dirty, too."))
        yield Mistake("pages-rounded-down", -(-length // unit), (
            "as many pages as the bytes need if they began where a page begins. They do not."))
        yield Mistake("host-pages-dirty", host * (block.page_size // unit), (
            f"all target pages of each host page of {human(block.page_size)}. QEMU notes pages of "
            f"{human(unit)} here, whatever is behind them."))
        yield Mistake("host-pages-dirty", host, (
            f"host pages of {human(block.page_size)}. The bitmap has one bit for each target page."))
        yield Mistake("bytes-for-pages", length, "the bytes. The bitmap has one bit for each target page.")

    return make(
        "dirty-pages", guest,
        f"The guest writes {human(length)} from gpa {hex_address(gpa)} on, while a migration is "
        "under way and no page was dirty. How many target pages are dirty then?",
        "count", count,
        f"The first byte lies in target page {hex_address(gpa // unit)}, the last in "
        f"{hex_address(last // unit)}; a target page has {human(unit)}.", mistakes(), gpa=gpa,
        follow=block.label,
        hints=(f"Dirty memory is noted in target pages; here they have {human(unit)}.",
               f"The last byte is at gpa {hex_address(last)}."),
    )


QUESTIONS: dict[str, Asker] = {"page-size-of": _page_size_of, "dirty-pages": _dirty_pages}
