"""Lines for drills about releases: words that some QEMUs know and others do not, and slides of 2018."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from memkit.history import talk
from memkit.lab.drills.lines import Made
from memkit.lab.questions.releases import held
from memkit.versions import KNOWN_QEMU

__all__ = ["MAKERS"]

# Boards, and what stands on a line beside them.  Which QEMU takes what is for the model to say.
_BOARDS = (
    "-M q35", "-M pc", "-M pc,nvdimm", "-M q35,nvdimm", "-M pc,nvdimm=on", "-M pc-q35-3.1", "-M pc-q35-4.2",
    "-M pc-q35-5.2", "-M pc-q35-6.0", "-M pc-q35-7.2", "-M pc-q35-8.2", "-M pc-q35-10.0", "-M pc-i440fx-2.0",
    "-M pc-i440fx-5.0", "-M pc-i440fx-6.2", "-M q35,cxl=on", "-M q35,aux-ram-share=on",
)
_SIZES = ("-m {n}G", "-m size={n}G", "-m 0x{n:x}G", "-m {n}G,slots=3,maxmem=1T", "-m {n}G,slots=2,maxmem=32G")
_REST = (
    "-no-acpi", "-no-hpet", "-overcommit mem-lock=on", "-overcommit mem-lock=on-fault", "-mem-path /dev/shm",
    "-object memory-backend-shm,id=s,size=1G", "-object memory-backend-memfd,id=s,size=1G",
    "-object memory-backend-ram,id=s,size=1G,reserve=off", "-object memory-backend-ram,id=s,size=1G,share=on",
    "-object memory-backend-file,id=s,size=1G,mem-path=/dev/shm/s,offset=1G",
    "-object memory-backend-file,id=s,size=1G,mem-path=/dev/shm/s,pmem=off",
    "-object memory-backend-file,id=s,size=1G,mem-path=/dev/shm/s,rom=off",
)
_VIRTIO_MEM = (
    "-m {n}G,maxmem=32G -object memory-backend-ram,id=v,size=2G{back} "
    "-device virtio-mem-pci,id=vm,memdev=v{front}"
)
_BACK, _FRONT = ("", "", ",prealloc=on"), ("", ",prealloc=on", ",dynamic-memslots=on", ",requested-size=1G")
_MAIN_FILE = ("-m {n}G -object memory-backend-file,id=mem,mem-path=/dev/hugepages,size={n}G,share=on "
              "-numa node,nodeid=0,memdev=mem")
_DIMM = ("-m {n}G,slots=4,maxmem=64G -object memory-backend-ram,id=m1,size=1G "
         "-device pc-dimm,id=d1,memdev=m1")
_NVDIMM = ("-M pc,nvdimm=on -m {n}G,slots=4,maxmem=64G "
           "-object memory-backend-file,id=n1,size=4G,mem-path=/tmp/n1,share=on "
           "-device nvdimm,id=ndimm1,memdev=n1")
# A slide of the talk → a line that all releases take, and that has what the slide is about.
_SLIDES = {
    "Types of memory": "-m {n}G -device VGA,id=v -vga none", "Types of host memory": _MAIN_FILE,
    "Command lines and memory": _DIMM, "Persistent memory": _NVDIMM, "'All of RAM'": _NVDIMM,
    "Huge pages": _MAIN_FILE, "Sharing": _MAIN_FILE, "HMP commands": _DIMM,
}


def _which_qemus(pick: Random, level: int) -> Made:
    """One thing that is not in all releases, then more of them, with DIMMs around."""
    size = pick.randint(1, 12)
    board = pick.choice(_BOARDS if level > 1 or pick.random() < 0.4 else _BOARDS[:2])
    if pick.random() < 0.25:
        memory = _VIRTIO_MEM.format(n=size, back=pick.choice(_BACK), front=pick.choice(_FRONT))
    else:
        memory = pick.choice(_SIZES if level > 1 or board in _BOARDS[:2] else _SIZES[:2]).format(n=size)
    rest = pick.sample(_REST, level - 1 if board not in _BOARDS[:2] else 1)
    rest = [words.replace("id=s", f"id=s{number}").replace("shm/s", f"shm/s{number}")
            for number, words in enumerate(rest)]
    return Made(" ".join([board, memory, *rest]))


def _still_holds(pick: Random, level: int) -> Made:
    """A statement, true or not; the higher the level, the more often it is the release that decides."""
    qemu = pick.choice(KNOWN_QEMU)
    wanted = pick.choice(("yes", "yes", "partly", "partly", "no"))
    fitting = [s for s in talk() if held(s, qemu) == wanted]
    moved = [s for s in fitting if {held(s, each) for each in KNOWN_QEMU} != {wanted}]
    said = pick.choice(moved if moved and level > 1 + pick.randint(0, 1) else fitting or [*talk()])
    line = _SLIDES.get(said.slide, "-m {n}G").format(n=pick.randint(1, 12))
    return Made(line, of=said.said, qemu=qemu)


MAKERS: dict[str, Callable[[Random, int], Made]] = {
    "which-qemus": _which_qemus, "still-holds": _still_holds,
}
