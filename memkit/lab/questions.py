"""Questions about one guest's memory: the answer and the tempting wrong answers, all computed.

A wrong answer is a mistake that people make, carried out: who forgets the PCI hole gets this number,
who reckons in decimal gigabytes that one.  So the words that go with it name the mistake.

Source: pc_q35_init in hw/i386/pc_q35.c and pc_init1 in hw/i386/pc_piix.c for the split of RAM,
pc_memory_init in hw/i386/pc.c and memory_device_get_free_addr in hw/mem/memory-device.c for the place
of memory devices (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.memory.flatview import FlatRange
from memkit.memory.ramblock import RAMBlock
from memkit.units import hex_address, human, parse_address

__all__ = ["QUESTIONS", "Choice", "Question", "Verdict", "ask", "grade", "read_answer"]

Kind = Literal["address", "size", "count"]
GIB = 1 << 30
FOUR_GIB = 4 * GIB


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer: ``value`` as ``text``, and ``why`` it is right or tempting."""

    value: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question about ``guest`` with its choices in order of size; one of them is the answer.

    ``kind`` says what the values are: an address (gpa or an offset), a size in bytes, or a count.
    ``typed`` means that the learner writes the answer instead of choosing it.  ``gpa`` is an address
    whose story tells the reason, or None; ``view`` is the picture that shows it: graph, map or tables.
    """

    name: str
    guest: Guest
    prompt: str
    kind: Kind
    answer: Choice
    choices: tuple[Choice, ...]
    typed: bool = False
    gpa: int | None = None
    view: str = "map"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer earned: ``right`` or not, and ``said``, which names the mistake if it is known."""

    right: bool
    said: str


def ask(name: str, guest: Guest) -> Question:
    """The question called ``name`` about ``guest``.

    Raises MemkitError with the names there are, or if this guest leaves nothing to ask.

    >>> import memkit
    >>> question = ask("ram-above-4g", memkit.boot("-M q35 -m 4G"))
    >>> question.answer.text, [choice.text for choice in question.choices]
    ('2 GiB', ['0 bytes', '1 GiB', '2 GiB', '4 GiB'])
    """
    if name not in QUESTIONS:
        raise MemkitError(f"no question is called {name!r:.60}; there are: {', '.join(QUESTIONS)}")
    question = QUESTIONS[name](guest)
    if len(question.choices) < 2:
        raise MemkitError(f"on this guest, {name!r} has only one possible answer; ask about a larger guest")
    return question


def read_answer(question: Question, text: str) -> int:
    """What a learner typed, as a number; raises MemkitError that says what to write."""
    try:
        return parse_address(text)
    except ValueError as error:
        raise MemkitError(str(error)) from None


def grade(question: Question, value: int) -> Verdict:
    """The Verdict on ``value``: the right answer and why, and which mistake it was if it is known.

    >>> import memkit
    >>> print(grade(ask("ram-above-4g", memkit.boot("-M q35 -m 4G")), 0).said)
    Not quite: the answer is 2 GiB. Below 4 GiB, RAM ends at 0x8000_0000; the rest begins at
    0x1_0000_0000. You said 0 bytes: this is what is left of RAM above 4 GiB if it lay in one piece.
    But the place below 4 GiB is not all RAM: devices need addresses there, too.
    """
    right = question.answer
    if value == right.value:
        return Verdict(True, f"Right: {right.text}. {right.why}")
    known = next((choice for choice in question.choices if choice.value == value), None)
    said = known.text if known else _shown(value, question.kind)
    why = f": {known.why}" if known else "."
    return Verdict(False, f"Not quite: the answer is {right.text}. {right.why} You said {said}{why}")


# -- the questions


def _gpa_of_dimm(guest: Guest) -> Question:
    if not guest.memory_devices:
        raise MemkitError(
            "this guest has no memory device to ask about; add one: -m 4G,slots=4,maxmem=16G "
            "-object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"
        )
    device = guest.memory_devices[0]
    kind = {"dimm": "DIMM", "nvdimm": "NVDIMM"}.get(device.kind, device.kind)
    name = f"the {kind} {device.id}" if device.id else f"the {kind}"
    ram = _main_ram(guest)
    size = sum(block.used_length for block in ram)
    end = max(r.end for r in _ranges_of(guest, ram))
    found = guest.flat_view().find(device.addr)
    window = _device_window(guest)

    def mistakes() -> Iterator[tuple[int, str]]:
        yield size, ("right behind RAM if it lay in one piece. But the PCI hole below 4 GiB moves a part of "
                     "RAM up, and the device comes behind that.")
        yield end // GIB * 10**9, ("the right idea in decimal gigabytes. QEMU's G is 2^30 bytes, so "
                                   "addresses are round in hexadecimal, not in decimal.")
        if found is not None and found.region.block is not None:
            yield found.region.block.offset, ("the block's place in ram_addr_t space. That is the order in "
                                              "which QEMU made its RAMBlocks; the guest never sees it.")
        if window is not None:
            yield window[1] - device.size, ("the last place in the device-memory window. QEMU takes the "
                                            "first one that is free and large enough.")

    above = f"RAM ends at {hex_address(end - 1)}"
    start = f", so the window for memory devices opens at {hex_address(window[0])}" if window else ""
    return _question(
        "gpa-of-dimm", guest,
        f"At which guest-physical address (gpa) does the guest see the first byte of {name}?",
        "address", device.addr, f"{above}{start}.", mistakes(), gpa=device.addr,
    )


def _ram_above_4g(guest: Guest) -> Question:
    ram = _main_ram(guest)
    ranges = _ranges_of(guest, ram)
    size = sum(block.used_length for block in ram)
    above = sum(r.size for r in ranges if r.start >= FOUR_GIB)
    below = max((r.end for r in ranges if r.start < FOUR_GIB), default=0)

    def mistakes() -> Iterator[tuple[int, str]]:
        yield max(size - FOUR_GIB, 0), (
            "this is what is left of RAM above 4 GiB if it lay in one piece. But the place below 4 GiB is "
            "not all RAM: devices need addresses there, too."
        )
        yield size, "all of it. But RAM begins at gpa 0; only what does not fit below the hole goes above."
        other = "pc" if "q35" in guest.machine_type else "q35"
        twin = _twin(guest, other)
        if twin is not None:
            moved = sum(r.size for r in _ranges_of(twin, _main_ram(twin)) if r.start >= FOUR_GIB)
            yield moved, (f"this is how the machine type {other} splits it; {guest.machine_type} splits it "
                          "at another address.")

    return _question(
        "ram-above-4g", guest,
        f"The guest has {human(size)} of main RAM. How much of it does it see above 4 GiB?", "size",
        above, f"Below 4 GiB, RAM ends at {hex_address(below)}; the rest begins at "
        f"{hex_address(FOUR_GIB)}." if above else f"All of it fits below the PCI hole, up to "
        f"{hex_address(below)}.", mistakes(), gpa=FOUR_GIB if above else None,
    )


def _offset_at_4g(guest: Guest) -> Question:
    story = guest.explain(FOUR_GIB)
    if story.block is None or story.offset_in_block is None:
        raise MemkitError("no RAM answers at 4 GiB in this guest; give it more, such as -m 4G")
    offset, ram_addr, name = story.offset_in_block, story.ram_addr, story.block.label

    def mistakes() -> Iterator[tuple[int, str]]:
        yield FOUR_GIB, ("the gpa itself. Addresses and offsets agree only below the PCI hole; the hole "
                         "takes up addresses but no bytes of the block.")
        yield 0, "the start of the block. Those bytes are seen at gpa 0 already."
        yield FOUR_GIB - offset, "the size of the hole. The offset is what lies in front of the hole."
        if ram_addr is not None:
            yield ram_addr, f"the ram_addr_t. {name} itself begins at {hex_address(ram_addr - offset)} there."

    return _question(
        "offset-at-4g", guest,
        f"The guest reads the byte at gpa {hex_address(FOUR_GIB)}, that is 4 GiB. At which offset in "
        f"{name} does this byte lie?",
        "address", offset, f"{human(offset)} of the block are seen below the PCI hole, so the next byte is "
        "this one.", mistakes(), typed=True, gpa=FOUR_GIB,
    )


def _ram_blocks(guest: Guest) -> Question:
    with_ram = [r for r in guest.flat_view().ranges if r.region.block is not None]

    def mistakes() -> Iterator[tuple[int, str]]:
        yield len(guest.backends), ("the backends. Firmware, option ROMs, video RAM and ACPI tables are "
                                    "RAMBlocks as well, though nobody asked for them.")
        yield len(with_ram), ("the ranges of the FlatView that show a RAMBlock. One block can be seen "
                              "through several of them, and some blocks through none.")
        yield len(guest.frontends), "those who show memory to the guest. One of them can bring several."
        yield len({b.purpose for b in guest.ram_blocks}), "the kinds of block there are, not the blocks."

    return _question(
        "ram-blocks", guest, "How many RAMBlocks does this guest have? (Monitor: info ramblock)", "count",
        len(guest.ram_blocks), "Each piece of memory that QEMU allocates for the guest is one, from main RAM "
        "down to a page of ACPI tables.", mistakes(), view="graph",
    )


QUESTIONS: dict[str, Callable[[Guest], Question]] = {
    "gpa-of-dimm": _gpa_of_dimm,
    "ram-above-4g": _ram_above_4g,
    "offset-at-4g": _offset_at_4g,
    "ram-blocks": _ram_blocks,
}


# -- what they share


def _question(
    name: str, guest: Guest, prompt: str, kind: Kind, answer: int, why: str,
    mistakes: Iterator[tuple[int, str]], typed: bool = False, gpa: int | None = None, view: str = "map",
) -> Question:
    right = Choice(answer, _shown(answer, kind), why)
    choices = {answer: right}
    for value, said in mistakes:
        if value >= 0:
            choices.setdefault(value, Choice(value, _shown(value, kind), said))
    ordered = tuple(sorted(choices.values(), key=lambda choice: choice.value))
    return Question(name, guest, prompt, kind, right, ordered, typed, gpa, view)


def _shown(value: int, kind: Kind) -> str:
    if kind == "count":
        return str(value)
    if value < 0 or kind == "size":
        return human(value) if value >= 0 else str(value)
    round_number = value and value % (1 << 20) == 0
    return f"{hex_address(value)} ({human(value)})" if round_number else hex_address(value)


def _main_ram(guest: Guest) -> tuple[RAMBlock, ...]:
    """The blocks of main RAM: one, or one for each NUMA node."""
    shown = [f for f in guest.frontends if f.kind in ("machine", "numa-node")]
    blocks = tuple(block for frontend in shown for block in frontend.blocks if block.purpose == "ram")
    if not blocks:
        raise MemkitError("this guest's main RAM is not known, so there is nothing to ask")
    return blocks


def _ranges_of(guest: Guest, blocks: tuple[RAMBlock, ...]) -> list[FlatRange]:
    return [r for r in guest.flat_view().ranges if any(r.region.block is b for b in blocks)]


def _device_window(guest: Guest) -> tuple[int, int] | None:
    """First gpa and end of the device-memory window, or None if there is none."""
    for region in guest.address_space().root.subregions:
        if region.name == "device-memory":
            return region.addr, region.addr + region.size
    return None


def _twin(guest: Guest, machine: str) -> Guest | None:
    """The same command line on another machine type, or None where that does not boot."""
    from memkit.boot import boot

    if guest.config is None:
        return None
    try:
        return boot(guest.config.with_machine(machine), guest.target, guest.qemu, guest.host)
    except MemkitError:
        return None
