"""Where things lie: blocks in ram_addr_t space, RAM around the PCI hole, memory devices, overlaps.

Source: pc_q35_init in hw/i386/pc_q35.c and pc_init1 in hw/i386/pc_piix.c for the split of RAM,
pc_memory_init in hw/i386/pc.c and memory_device_get_free_addr in hw/mem/memory-device.c for the place
of memory devices, find_ram_offset in softmmu/physmem.c for ram_addr_t (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.questions.places import (
    FOUR_GIB,
    GIB,
    address_of,
    block_of,
    device_window,
    main_ram,
    name_of,
    ranges_of,
    twin,
)
from memkit.lab.questions.question import About, Asker, Mistake, Question, make
from memkit.units import hex_address, human

__all__ = ["QUESTIONS"]


def _gpa_of_dimm(guest: Guest, about: About) -> Question:
    if not guest.memory_devices:
        raise MemkitError(
            "this guest has no memory device to ask about; add one: -m 4G,slots=4,maxmem=16G "
            "-object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"
        )
    devices = {device.id: device for device in guest.memory_devices}
    if about.of and about.of not in devices:
        known = ", ".join(id for id in devices if id)
        raise MemkitError(f"{about.of!r:.60} is no memory device of this guest; there are: {known}")
    device = devices[about.of] if about.of else about.pick.choice(guest.memory_devices)
    ram = main_ram(guest)
    size = sum(block.used_length for block in ram)
    end = max(r.end for r in ranges_of(guest, ram))
    found = guest.flat_view().find(device.addr)
    window = device_window(guest)
    before = [d for d in guest.memory_devices if d.addr < device.addr]
    packed = end + sum(d.max_size or d.size for d in before)

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("forgot-the-hole", size, (
            "right behind RAM if it lay in one piece. But the PCI hole below 4 GiB moves a part of RAM up, "
            "and "
            "the device comes behind that."))
        yield Mistake("decimal-sizes", end // GIB * 10**9, (
            "the right idea in decimal gigabytes. QEMU's G is 2^30 bytes, so addresses are round in "
            "hexadecimal, not in decimal."))
        yield Mistake("ignored-alignment", packed, (
            "right behind what is in front of it. But the window for memory devices begins at a multiple of "
            "1 GiB, and each device at a multiple of its alignment; the gap is left free."))
        if found is not None and found.region.block is not None:
            yield Mistake("ram-addr-for-gpa", found.region.block.offset, (
                "the block's place in ram_addr_t space. That is the order in which QEMU made its RAMBlocks; "
                "the guest never sees it."))
        if window is not None:
            yield Mistake("last-place", window[1] - (device.max_size or device.size), (
                "the last place in the device-memory window. QEMU takes the first one that is free and large "
                "enough."))

    above = f"RAM ends at {hex_address(end - 1)}"
    start = f", so the window for memory devices opens at {hex_address(window[0])}" if window else ""
    names, verb = ", ".join(name_of(d) for d in before), "lie" if len(before) > 1 else "lies"
    behind = f"; {names} {verb} in front of it"
    return make(
        "gpa-of-dimm", guest,
        f"At which guest-physical address (gpa) does the guest see the first byte of {name_of(device)}?",
        "address", device.addr, f"{above}{start}{behind if before else ''}.", mistakes(), gpa=device.addr,
        space="gpa",
        hints=("Memory devices lie in a window of their own, behind all of main RAM.",
               f"{above}. The window opens at the next multiple of 1 GiB.",
               "In the window, QEMU takes the first place that is free, large enough and aligned."),
    )


def _ram_above_4g(guest: Guest, about: About) -> Question:
    ram = main_ram(guest)
    ranges = ranges_of(guest, ram)
    size = sum(block.used_length for block in ram)
    above = sum(r.size for r in ranges if r.start >= FOUR_GIB)
    below = max((r.end for r in ranges if r.start < FOUR_GIB), default=0)

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("hole-all-ram", max(size - FOUR_GIB, 0), (
            "this is what is left of RAM above 4 GiB if it lay in one piece. But the place below 4 GiB is "
            "not all RAM: devices need addresses there, too."))
        yield Mistake("all-above", size, (
            "all of it. But RAM begins at gpa 0; only what does not fit below the hole goes above."))
        other = "pc" if "q35" in guest.machine_type else "q35"
        same = twin(guest, other)
        if same is not None:
            moved = sum(r.size for r in ranges_of(same, main_ram(same)) if r.start >= FOUR_GIB)
            yield Mistake("other-machine", moved, (
                f"this is how the machine type {other} splits it; {guest.machine_type} splits it at another "
                "address."))

    return make(
        "ram-above-4g", guest,
        f"The guest has {human(size)} of main RAM. How much of it does it see above 4 GiB?", "size",
        above, f"Below 4 GiB, RAM ends at {hex_address(below)}; the rest begins at "
        f"{hex_address(FOUR_GIB)}." if above else f"All of it fits below the PCI hole, up to "
        f"{hex_address(below)}.", mistakes(), gpa=FOUR_GIB if above else None,
        hints=("Below 4 GiB, devices need addresses, too. What does not fit below goes on at 4 GiB.",
               f"On {guest.machine_type}, RAM below 4 GiB ends at {hex_address(below)} for this guest."),
    )


def _offset_at_4g(guest: Guest, about: About) -> Question:
    if guest.explain(FOUR_GIB).block is None:
        raise MemkitError("no RAM answers at 4 GiB in this guest; give it more, such as -m 4G")
    return _offset(guest, FOUR_GIB, "offset-at-4g")


def _offset_at(guest: Guest, about: About) -> Question:
    if about.of:
        return _offset(guest, address_of(about.of), "offset-at")
    seen = [r for r in ranges_of(guest, main_ram(guest)) if r.start >= FOUR_GIB]
    if not seen:
        raise MemkitError("no RAM answers above 4 GiB in this guest; give it more, such as -m 4G")
    found = about.pick.choice(seen)
    step = 256 << 20 if found.size > 256 << 20 else 1 << 20
    return _offset(guest, found.start + about.pick.randrange(max(found.size // step, 1)) * step, "offset-at")


def _offset(guest: Guest, gpa: int, name: str) -> Question:
    story = guest.explain(gpa)
    if story.block is None or story.offset_in_block is None:
        raise MemkitError(f"no RAMBlock answers at {hex_address(gpa)} in this guest; give an address that "
                          "shows one (memkit monitor 'info mtree -f' lists them)")
    offset, ram_addr, block = story.offset_in_block, story.ram_addr, story.block.label

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("forgot-the-hole", gpa, (
            "the gpa itself. Addresses and offsets agree only below the PCI hole; the hole takes up "
            "addresses "
            "but no bytes of the block."))
        yield Mistake("start-of-block", 0, (
            "the start of the block. Those bytes are seen at gpa 0 already."))
        yield Mistake("above-is-a-block", gpa - FOUR_GIB, (
            "the distance from 4 GiB. But what the guest sees there is not the block's beginning: the piece "
            "below the hole comes first."))
        yield Mistake("hole-for-offset", gpa - offset, (
            "the size of the hole. The offset is what lies in front of the hole."))
        yield Mistake("alias-backwards", gpa + (gpa - offset), (
            "the hole added instead of taken away: the offset of the window was used backwards."))
        if ram_addr is not None:
            yield Mistake("ram-addr-for-gpa", ram_addr, (
                f"the ram_addr_t. {block} itself begins at {hex_address(ram_addr - offset)} there."))

    below = gpa - offset
    why = (f"{human(offset)} of the block are seen below the PCI hole, so the next byte is this one."
           if gpa == FOUR_GIB else
           f"The hole has taken {human(below)} of addresses and no bytes, so the offset is the gpa less "
           "that.")
    size = f", that is {human(gpa)}" if gpa % (1 << 20) == 0 and gpa else ""
    return make(
        name, guest,
        f"The guest reads the byte at gpa {hex_address(gpa)}{size}. At which offset in {block} does this "
        "byte "
        "lie?", "address", offset, why, mistakes(), typed=True, gpa=gpa, follow=block, space="offset",
        hints=("The guest sees the block through windows, one below the hole and one from 4 GiB up.",
               f"The window that shows this address begins at gpa {hex_address(_window_start(guest, gpa))}.",
               "Offset = address - start of the window + where in the block the window begins."),
    )


def _window_start(guest: Guest, gpa: int) -> int:
    found = guest.flat_view().find(gpa)
    return found.start if found else 0


def _gpa_of_offset(guest: Guest, about: About) -> Question:
    blocks = main_ram(guest)
    if len(blocks) > 1:
        raise MemkitError("this guest's main RAM has several blocks; ask about a guest without NUMA backends")
    block = blocks[0]
    if about.of:
        offset = address_of(about.of)
    else:
        step = 256 << 20 if block.used_length > 256 << 20 else 1 << 20
        offset = about.pick.randrange(max(block.used_length // step, 1)) * step
    found = next((r for r in ranges_of(guest, blocks)
                  if r.offset_in_region <= offset < r.offset_in_region + r.size), None)
    if found is None:
        raise MemkitError(f"offset {hex_address(offset)} is not in {block.label}, which has "
                          f"{human(block.used_length)}, or the guest does not see it")
    gpa = found.start + offset - found.offset_in_region
    hole = next((r.start - r.offset_in_region for r in ranges_of(guest, blocks) if r.start >= FOUR_GIB), 0)

    def mistakes() -> Iterator[Mistake]:
        if gpa != offset:
            yield Mistake("forgot-the-hole", offset, (
                "the offset itself. That holds below the PCI hole only; what lies behind it is moved up."))
            yield Mistake("alias-backwards", offset - hole, (
                "the hole taken away instead of added: the window was used backwards."))
        else:
            yield Mistake("all-above", offset + hole if hole else offset + FOUR_GIB, (
                "moved up by the hole. But this byte still fits below the hole, where addresses and offsets "
                "agree."))
        yield Mistake("above-is-a-block", offset + FOUR_GIB, (
            "4 GiB further up. The window at 4 GiB does not begin with the block's first byte."))
        yield Mistake("gpa-for-ram-addr", block.offset + offset, (
            "the ram_addr_t, which counts through QEMU's blocks; the guest never sees it."))

    why = (f"It is above what fits below the hole, so it is moved up by the size of the hole, {human(hole)}."
           if gpa != offset else "It is below the hole, where offsets and addresses agree.")
    return make(
        "gpa-of-offset", guest,
        f"At which guest-physical address (gpa) does the guest see the byte at offset {hex_address(offset)} "
        f"({human(offset)}) of {block.label}?", "address", gpa, why, mistakes(), gpa=gpa,
        follow=block.label, space="gpa",
        hints=("Is the offset below or above what fits under the PCI hole?",
               f"The piece below the hole has {human(ranges_of(guest, blocks)[0].end)}."),
    )


def _ram_addr_of(guest: Guest, about: About) -> Question:
    later = [b for b in guest.ram_blocks if b.offset]
    if not later:
        raise MemkitError("this guest has one RAMBlock only, and that begins at 0")
    block = block_of(guest, about.of) if about.of else about.pick.choice(later)
    earlier = [b for b in guest.ram_blocks if b.offset < block.offset]
    packed = sum(b.max_length for b in earlier)
    gpas = [r.start for r in guest.flat_view().ranges if r.region.block is block]
    used = sum(b.used_length for b in earlier)

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("ignored-alignment", packed, (
            "the lengths in front of it, added up. But each block begins at a multiple of 64 target pages, "
            "so "
            "that its dirty bits begin a new word."))
        if gpas:
            yield Mistake("gpa-for-ram-addr", gpas[0], (
                "where the guest sees it. ram_addr_t is QEMU's own count and knows no holes."))
        yield Mistake("ignored-growth", used, (
            "the used lengths added up. A block that can grow keeps room for its largest length."))
        before = max(earlier, key=lambda b: b.offset) if earlier else None
        if before is not None:
            yield Mistake("other-block", before.offset, (
                f"where {before.label} begins, the block in front of it."))

    before = max(earlier, key=lambda b: b.offset) if earlier else None
    front = (f"{before.label} in front of it ends at {hex_address(before.end)}; the next multiple of 64 "
             "target pages is free." if before else "It is the first block.")
    return make(
        "ram-addr-of", guest,
        f"At which ram_addr_t does RAMBlock {block.label} begin? (Monitor: info ramblock)",
        "address", block.offset, front, mistakes(), follow=block.label, space="ram_addr_t",
        hints=("QEMU counts through its blocks in the order in which it makes them, and leaves out no holes.",
               f"{len(earlier)} blocks were made before it.",
               "A block begins at a multiple of 64 target pages."),
    )


def _ram_blocks(guest: Guest, about: About) -> Question:
    with_ram = [r for r in guest.flat_view().ranges if r.region.block is not None]

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("counted-backends", len(guest.backends), (
            "the backends. Firmware, option ROMs, video RAM and ACPI tables are RAMBlocks as well, though "
            "nobody asked for them."))
        yield Mistake("counted-ranges", len(with_ram), (
            "the ranges of the FlatView that show a RAMBlock. One block can be seen through several of them, "
            "and some blocks through none."))
        yield Mistake("counted-frontends", len(guest.frontends), (
            "those who show memory to the guest. One of them can bring several."))
        yield Mistake("counted-kinds", len({b.purpose for b in guest.ram_blocks}), (
            "the kinds of block there are, not the blocks."))

    return make(
        "ram-blocks", guest, "How many RAMBlocks does this guest have? (Monitor: info ramblock)", "count",
        len(guest.ram_blocks), "Each piece of memory that QEMU allocates for the guest is one, from main RAM "
        "down to a page of ACPI tables.", mistakes(), view="graph",
        hints=("Besides what the line asks for, the board brings firmware, tables and often a graphics card.",
               f"The line asks for {len(guest.backends)}, main RAM included; the rest comes with the board."),
    )


QUESTIONS: dict[str, Asker] = {
    "gpa-of-dimm": _gpa_of_dimm,
    "ram-above-4g": _ram_above_4g,
    "offset-at-4g": _offset_at_4g,
    "offset-at": _offset_at,
    "gpa-of-offset": _gpa_of_offset,
    "ram-addr-of": _ram_addr_of,
    "ram-blocks": _ram_blocks,
}
