"""Who answers at an address, when several regions want it.

Source: render_memory_region and memory_region_transaction_commit in softmmu/memory.c,
docs/devel/memory.rst (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.questions.places import address_of, main_ram
from memkit.lab.questions.question import About, Asker, Mistake, Question, make
from memkit.units import hex_address

__all__ = ["QUESTIONS"]

NOBODY = "nobody"


def _who_answers(guest: Guest, about: About) -> Question:
    """Somebody wins, others are hidden or only lead there."""
    view = guest.flat_view()
    if about.of:
        gpa = address_of(about.of)
    else:
        found = about.pick.choice(view.ranges)
        gpa = about.pick.choice((found.start, found.end - 1, found.start + found.size // 2, found.end))
    story = guest.explain(gpa)
    answer = story.region.name if story.region else NOBODY
    size = sum(block.used_length for block in main_ram(guest))
    ram = main_ram(guest)[0].region_name or main_ram(guest)[0].label

    def mistakes() -> Iterator[Mistake]:
        for step in story.steps:
            leads = step.details.get("leads_to")
            if step.kind == "passed" and leads and leads != answer:
                yield Mistake("ignored-priority", str(leads), (
                    "it lies there, too, but somebody else is in front of it. Higher priority wins; with "
                    "equal "
                    "priority, the one that was added later."))
        if answer != NOBODY:
            yield Mistake("nobody-answers", NOBODY, "nobody. But a region reaches this address.")
        if gpa < size:
            yield Mistake("ram-everywhere", ram, (
                "main RAM. The address is below its size, but that alone does not put RAM there."))
        for step in story.steps:
            if step.kind == "container" and step.region != answer:
                yield Mistake("container-answers", step.region, (
                    "a container. It only holds other regions; by itself it answers nothing."))

    return make(
        "who-answers", guest, f"Which MemoryRegion answers when the guest reads at gpa {hex_address(gpa)}?",
        "word", answer, story.summary, mistakes(), gpa=gpa,
        hints=("Begin at the root, and in each container ask the region with the highest priority first.",
               "An alias is a window: it passes the question on to its target."),
    )


def _what_a_write_does(guest: Guest, about: About) -> Question:
    """What a write does at an address: memory, nothing, a command, or a device's business."""
    view = guest.flat_view()
    if about.of:
        found = view.find(address_of(about.of))
    else:
        kinds = sorted({r.type for r in view.ranges})
        kind = about.pick.choice(kinds)
        found = about.pick.choice([r for r in view.ranges if r.type == kind])
    if found is None:
        raise MemkitError(f"nobody answers at {about.of!r:.60}; ask about an address where somebody does")
    words = {
        "ram": "The bytes change, and the guest reads them back.",
        "rom": "Nothing changes; the guest goes on.",
        "romd": "It is a command to the chip behind it.",
        "i/o": "A device handles it.",
    }
    kind = found.type.rpartition("-")[2] if found.type not in words else found.type
    if kind not in words:
        kind = "ram"
    why = {
        "ram": "it is RAM: reads and writes go to the RAMBlock.",
        "rom": "it is ROM: the RAMBlock is read-only for the guest.",
        "romd": "it is flash (romd): reads go to the RAMBlock, writes to the device.",
        "i/o": "it is i/o: every access goes to the device.",
    }

    def mistakes() -> Iterator[Mistake]:
        for other in words:
            if other != kind:
                yield Mistake("other-kind", words[other], f"so it would be if {why[other]}")

    return make(
        "what-a-write-does", guest,
        f"The guest writes a byte at gpa {hex_address(found.start)}. What happens?",
        "word", words[kind], f"{found.region.name} answers, and {why[kind]}", mistakes(), gpa=found.start,
        hints=("Look up which kind of region answers there.", f"It is {found.region.name}."),
    )


QUESTIONS: dict[str, Asker] = {"who-answers": _who_answers, "what-a-write-does": _what_a_write_does}
