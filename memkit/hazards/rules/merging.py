"""Pages that the host merges (KSM) or joins to huge ones by itself (THP)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.hazards.mending import set_machine, set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.memory.backend import Backend

if TYPE_CHECKING:
    from memkit.config import Config

__all__ = ["RULES"]

_ON, _OFF = ("on", "true", "yes", "y"), ("off", "false", "no", "n")
_THP_PAGE = 2 << 20


def _asked(scene: Scene, backend: Backend) -> str:
    """The words of the line that ask for merging; "" where it is only the default."""
    if scene.given(backend, "merge"):
        return f"merge=on on {backend.id}"
    given = scene.given(backend, "merge") is None and scene.machine.get("mem-merge") in _ON
    return f"mem-merge=on of the machine, for {backend.id}," if given else ""


def _in_vain(scene: Scene, huge: bool) -> Iterator[Culprit]:
    """Backends that the line wants merged, and that cannot be: huge pages, or shared ones."""
    for backend in scene.mapped:
        words = _asked(scene, backend)
        if words and (backend.huge if huge else backend.share and not backend.huge):
            kind = "its pages are huge" if huge else "its pages are shared"
            yield scene.blame(backend, f"{words} does nothing: {kind}.")


def _unask(config: Config, culprit: Culprit) -> Config:
    """``config`` without words that ask for merging in vain."""
    return set_machine(mem_merge=None)(set_property(merge=None)(config, culprit), culprit)


def _merged_anyway(scene: Scene) -> Iterator[Culprit]:
    if scene.machine.get("mem-merge") in _OFF:
        return
    for backend in scene.mapped:
        anonymous = backend.type == "memory-backend-ram" and not backend.share
        if anonymous and scene.given(backend, "merge") is False:
            yield scene.blame(backend, f"KSM may merge the pages of {backend.id} in spite of merge=off.")


def _merged_despite(scene: Scene) -> Iterator[Culprit]:
    if scene.machine.get("mem-merge") in _OFF:
        for backend in scene.mapped:
            if scene.given(backend, "merge") and not backend.share and not backend.huge:
                yield scene.blame(
                    backend, f"KSM may merge the pages of {backend.id}: merge=on beats mem-merge=off."
                )


def _small_pages(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.ram:
        if backend.share and not backend.huge and backend.size >= _THP_PAGE:
            kind = backend.filesystem
            if kind in ("tmpfs", "memfd", "shm", "anonymous"):
                yield scene.blame(backend, f"{backend.id} is shared and gets small pages on most hosts.")


_MEMFD = "-m 256M -M memory-backend=f -object memory-backend-memfd,id=f,size=256M"
_RAM = "-m 256M -M memory-backend=r -object memory-backend-ram,id=r,size=256M"

RULES = (
    Rule(
        "ksm-noop-on-hugetlb", "Huge pages are not merged", "silent-misbehaviour",
        ("hugetlb", "merge-on"),
        "KSM passes over huge pages of a pool. The kernel takes QEMU's wish without an error and does "
        "nothing.",
        "count on no merging for huge pages, and leave merge=on out",
        ("backends/hostmem.c: host_memory_backend_memory_complete, 7.2", "Linux: mm/ksm.c, ksm_madvise, 6.1"),
        lambda scene: _in_vain(scene, huge=True),
        example=f"{_MEMFD},hugetlb=on,merge=on", innocent=f"{_MEMFD},hugetlb=on", mend=_unask, since="2.1",
    ),
    Rule(
        "ksm-noop-on-shared", "Shared memory is not merged", "silent-misbehaviour",
        ("share-on", "merge-on"),
        "KSM merges private pages only. The kernel takes the wish for shared ones without an error and does "
        "nothing, so that guests with vhost-user save no memory.",
        "count on no merging for shared memory, and leave merge=on out",
        ("backends/hostmem.c: host_memory_backend_memory_complete, 7.2", "Linux: mm/ksm.c, ksm_madvise, 6.1"),
        lambda scene: _in_vain(scene, huge=False),
        example=f"{_MEMFD},merge=on", innocent=_MEMFD, mend=_unask, since="2.1",
    ),
    Rule(
        "merge-off-ignored-for-memory-backend-ram", "Pages are merged in spite of merge=off",
        "silent-misbehaviour", ("backend-ram",),
        "QEMU offers anonymous memory to KSM when it allocates it, as the machine's mem-merge says. The "
        "backend's merge=off only leaves out a second offer, so that other guests can still find out by "
        "timing which pages are equal.",
        "use -machine mem-merge=off, or memory-backend-memfd with merge=off",
        ("softmmu/physmem.c: ram_block_add, memory_try_enable_merging, 7.2",
         "backends/hostmem.c: host_memory_backend_memory_complete, 7.2"),
        _merged_anyway,
        example=f"{_RAM},merge=off", innocent=f"{_RAM},merge=off -M mem-merge=off",
        mend=set_machine(mem_merge="off"), since="2.1",
    ),
    Rule(
        "merge-on-beats-machine", "One backend is merged though the machine says no", "surprise",
        ("merge-on",),
        "mem-merge=off is only the default for backends. One that says merge=on offers its pages to KSM all "
        "the same.",
        "leave merge=on out",
        ("backends/hostmem.c: host_memory_backend_init, host_memory_backend_memory_complete, 7.2",),
        _merged_despite,
        example=f"{_RAM},merge=on -M mem-merge=off", innocent=f"{_RAM} -M mem-merge=off",
        mend=set_property(merge=None), since="2.1",
    ),
    Rule(
        "thp-lost-with-shared-memory", "Shared memory has small pages", "surprise",
        ("share-on",),
        "The kernel gives private memory transparent huge pages when QEMU asks. For shared memory it looks "
        "at shmem_enabled or the huge= of the mount first, and both say never unless somebody changed them.",
        "write advise into /sys/kernel/mm/transparent_hugepage/shmem_enabled, mount with huge=advise, or use "
        "hugetlb=on",
        ("softmmu/physmem.c: ram_block_add, 7.2", "Linux: Documentation/admin-guide/mm/transhuge.rst, 6.1"),
        _small_pages,
        example=_MEMFD, innocent=_RAM, since="2.1",
    ),
)
