"""Who else sees a block: what is shared, and what a vhost-user process gets.

Source: host_memory_backend_memory_complete in backends/hostmem.c, qemu_ram_alloc_from_fd and
qemu_ram_mmap in softmmu/physmem.c and util/mmap-alloc.c, vhost_user_mem_section_filter in
hw/virtio/vhost-user.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.questions.question import About, Asker, Mistake, Question, make_set
from memkit.memory.backend import Backend
from memkit.memory.ramblock import RAMBlock

__all__ = ["QUESTIONS"]


def _shared_blocks(guest: Guest, about: About) -> Question:
    asked = [b for b in guest.ram_blocks if b.backend is not None]
    if len(asked) < 2:
        raise MemkitError("this guest has memory of one backend only; ask about one with two or more")
    if any(b.shared is None for b in asked):
        raise MemkitError("this guest was read from text that does not tell which of its blocks are shared")
    reasons = {b.label: (bool(b.shared), _why_shared(b)) for b in asked}

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("file-is-shared", _named(asked, lambda b: bool(b.mem_path)), (
            "those with a file. But a file can be mapped privately: then what the guest writes stays in "
            "QEMU, and "
            "that is what happens unless share=on is given."))
        yield Mistake("file-is-shared", _named(asked, lambda b: b.type != "memory-backend-ram"), (
            "all that can be shared. memory-backend-file is private unless share=on says otherwise; "
            "memory-backend-memfd is shared unless share=off does."))
        yield Mistake("memory-is-private", frozenset(), (
            "none. Memory is private unless something says otherwise, but here something does."))
        yield Mistake("everything", frozenset(reasons), (
            "all. Memory is private unless something says otherwise."))
        yield Mistake("only-main-ram", _named(asked, lambda b: b is asked[0].backend), (
            "main RAM alone. Each backend decides for itself."))

    return make_set(
        "shared-blocks", guest,
        "Which of these RAMBlocks are shared, so that another process that maps the same memory "
        "sees what the guest writes?",
        reasons, mistakes(),
        hints=("Each backend decides for itself: share=on, share=off, or what its type does without a word.",
               "Only memory-backend-memfd is shared without a word."),
    )


def _named(blocks: list[RAMBlock], test: object) -> frozenset[str]:
    assert callable(test)
    return frozenset(b.label for b in blocks if b.backend is not None and test(b.backend))


def _why_shared(block: RAMBlock) -> str:
    backend = block.backend
    assert backend is not None  # asked about backends only
    if backend.share and backend.type == "memory-backend-memfd":
        return f"{block.label} is a memfd, which is shared unless share=off is given."
    if backend.share:
        return f"{block.label} has share=on."
    kind = ("a memfd with share=off" if backend.type == "memory-backend-memfd" else
            f"a {_type(backend)} without share=on")
    return f"{block.label} is {kind}, so it is private."


def _type(backend: Backend) -> str:
    return "piece of the machine's own memory" if backend.implicit else backend.type


QUESTIONS: dict[str, Asker] = {"shared-blocks": _shared_blocks}
