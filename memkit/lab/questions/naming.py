"""Which blocks a migration carries, and under which names.

Source: vmstate_register_ram in migration/savevm.c, qemu_ram_set_idstr in softmmu/physmem.c,
host_memory_backend_get_name in backends/hostmem.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.questions.places import block_of
from memkit.lab.questions.question import About, Asker, Mistake, Question, make, make_set

__all__ = ["QUESTIONS"]

NAMELESS = "It has no name, so it does not migrate."


def _name_of_block(guest: Guest, about: About) -> Question:
    asked = [b for b in guest.ram_blocks if b.idstr != b.region_name or b.backend is not None]
    if not asked:
        raise MemkitError("all blocks of this guest are called like their regions; add a DIMM or a "
                          "graphics card")
    block = block_of(guest, about.of) if about.of else about.pick.choice(asked)
    answer = block.idstr or NAMELESS
    backend = block.backend

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("region-for-name", block.region_name, (
            "the region's name. A block gets a name of its own when whoever shows it registers it: a device "
            "puts "
            "its place on its bus in front of it."))
        if backend is not None:
            yield Mistake("backend-for-name", backend.id, (
                "the backend's id. Since QEMU 4.0, machine types decide whether the block is called like the "
                "backend or like its place in the object tree."))
            yield Mistake("backend-for-name", f"/objects/{backend.id}", (
                "the backend's place in the object tree, which machine types before 4.0 use."))
        if block.idstr:
            yield Mistake("no-name", NAMELESS, "a name. Somebody shows this block and has registered it.")
        for other in guest.ram_blocks:
            if other is not block and other.idstr and other.purpose == block.purpose:
                yield Mistake("other-block", other.idstr, "the name of another block.")
                return

    if not block.idstr:
        why = "Nobody shows it to the guest, so nobody has registered it."
    elif backend is not None:
        why = (f"{guest.machine_type} names blocks of backends by "
               f"{'their place in the object tree' if backend.canonical_path else 'the id of the backend'}.")
    else:
        why = f"It is registered for {block.owner}." if block.owner else "The board registers it."
    return make(
        "name-of-block", guest, f"Under which name does the RAMBlock of {_described(block)} migrate?",
        "word", answer, why, (m for m in mistakes() if m.value), view="graph", follow=block.label,
        hints=("A block without a device around it is called like its region, or like its backend.",
               "A device on a bus puts its address there in front."),
    )


def _described(block: object) -> str:
    backend = getattr(block, "backend", None)
    if backend is not None:
        return f"backend {backend.id}" if not backend.implicit else "main RAM"
    return f"region {getattr(block, 'region_name', '')}"


def _migrated_blocks(guest: Guest, about: About) -> Question:
    reasons = {
        b.label: (b.migratable, f"{b.label} has a name, so precopy carries it." if b.migratable else
                  f"{b.label} has no name, so it stays behind.")
        for b in guest.ram_blocks
    }

    def mistakes() -> Iterator[Mistake]:
        blocks = guest.ram_blocks
        yield Mistake("only-main-ram", frozenset(b.label for b in blocks if b.purpose == "ram"), (
            "the guest's RAM. ROMs, video RAM, flash and tables are carried as well: the destination must "
            "not "
            "answer with a newer firmware in the middle of a boot."))
        yield Mistake("only-asked-for", frozenset(b.label for b in blocks if b.backend is not None), (
            "what backends own. Memory that devices bring is carried as well."))
        yield Mistake("everything", frozenset(reasons), (
            "all of them. A block that nobody has registered has no name, and stays behind."))
        yield Mistake("no-name", frozenset(b.label for b in blocks if not b.readonly and b.migratable), (
            "those that the guest can write. ROMs are carried, too."))

    return make_set(
        "migrated-blocks", guest, "Which RAMBlocks does a precopy migration carry?", reasons, mistakes(),
        hints=("A block is carried if it has a name.",
               "Whoever shows a block to the guest registers its name."),
    )


QUESTIONS: dict[str, Asker] = {"name-of-block": _name_of_block, "migrated-blocks": _migrated_blocks}
