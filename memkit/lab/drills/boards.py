"""Lines for drills about boards: devices and sizes that some boards take, and RAM of any size."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from memkit.boards.recorded import recorded_releases
from memkit.lab.drills.lines import Made
from memkit.lab.questions.boards import FIVE
from memkit.versions import KNOWN_QEMU

__all__ = ["MAKERS"]

# Not every release was recorded for every program.
_QEMUS = tuple(qemu for qemu in KNOWN_QEMU
               if all(qemu in recorded_releases(board.target) for board in FIVE))
_GROWING = ",slots={slots},maxmem={most}G"
_THINGS = (
    "-object memory-backend-ram,id=m{n},size={size} -device pc-dimm,id=d{n},memdev=m{n}",
    "-object memory-backend-ram,id=m{n},size={size} -device virtio-mem-pci,id=d{n},memdev=m{n}",
    "-object memory-backend-memfd,id=m{n},size={size}",
    "-object memory-backend-ram,id=m{n},size={size},prealloc=off",
    "-device virtio-balloon-pci,id=d{n}",
)
_NODES = ("-smp 2 -object memory-backend-ram,id=a,size={half}M -object memory-backend-ram,id=b,size={half}M "
          "-numa node,nodeid=0,memdev=a -numa node,nodeid=1,memdev=b")


def _which_boards(pick: Random, level: int) -> Made:
    """RAM, and one thing beside it; then several, in any release."""
    whole = pick.choice((1000, 1024, 1536, 2048, 2560, 4096))
    grows = pick.random() < 0.85
    parts = [f"-m {_size(whole)}" + (_GROWING.format(slots=pick.randint(1, 4), most=pick.choice((8, 16, 32)))
                                     if grows else "")]
    for number in range(1, level + 1):
        part = pick.choice(_THINGS if grows else _THINGS[2:])
        parts.append(part.format(n=number, size=pick.choice(("256M", "512M", "1G", "640M"))))
    if level > 1 and pick.random() < 0.3:
        parts.append(_NODES.format(half=whole // 2))
    return Made(" ".join(parts), qemu=pick.choice(_QEMUS) if level > 1 else None)


def _ram_end(pick: Random, level: int) -> Made:
    """A board and a size: whole gigabytes, then any multiple of what all boards take, with things around."""
    board = pick.choice(FIVE)
    mib = pick.randint(1, 12) * 1024 if level == 1 else pick.randint(4, 48) * 256
    extra = "" if level == 1 else pick.choice((" -nodefaults", " -nodefaults -smp 2"))
    room = ",slots=2,maxmem=64G" if level == 3 and board.devices in ("2.1", "2.5", "4.2") else ""
    line = f"qemu-system-{board.target} -M {board.machine} -m {_size(mib)}{room}{extra}"
    return Made(line, qemu=pick.choice(_QEMUS) if level == 3 else None)


def _size(mib: int) -> str:
    return f"{mib // 1024}G" if mib % 1024 == 0 else f"{mib}M"


MAKERS: dict[str, Callable[[Random, int], Made]] = {"which-boards": _which_boards, "ram-end": _ram_end}
