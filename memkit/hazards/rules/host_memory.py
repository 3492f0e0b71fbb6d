"""Where guest RAM comes from: files, huge pages, reservations, and what the host may take back."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene

__all__ = ["RULES"]


def _discarded(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.backends:
        option = scene.option_of(backend)
        if backend.discard_data and backend.share and option:
            yield Culprit(
                f"{backend.mem_path} loses its content when QEMU quits (discard-data=on on {backend.id}).",
                (backend.id,), (option,),
            )


RULES = (
    Rule(
        "discard-data-destroys-file", "The file loses its content when QEMU quits", "data-loss",
        ("discard-data", "share-on"),
        "discard-data=on tells the kernel, when the backend goes away, that the file's pages are not wanted. "
        "On a shared mapping this frees the blocks of the file.",
        "leave discard-data off for NVDIMMs, templates and whatever is to be kept",
        ("backends/hostmem-file.c: file_backend_unparent, 7.2",),
        _discarded,
        example="-m 256M -M memory-backend=f "
                "-object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f,share=on,discard-data=on",
        innocent="-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f,share=on",
        mend=set_property(discard_data=None), since="2.11",
    ),
)
