"""A story in steps: forward, back, and the question what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from memkit.boot import boot
from memkit.config import Config
from memkit.draw import lanes
from memkit.draw.lanes import Frame
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.host import Host
from memkit.lab.stepper.building import building
from memkit.lab.stepper.migrated import migrated
from memkit.lab.stepper.rendered import rendered
from memkit.lab.stepper.translated import translated
from memkit.migration.dirty import Sequential, Workload

__all__ = ["STORIES", "Stepper", "steps"]

STORIES = {
    "build": "How QEMU builds the guest",
    "flatview": "How the FlatView is rendered",
    "translate": "How one address is translated",
    "migrate": "How a migration goes, round by round",
}
OTHERS = 2
WRITES = 5000


def steps(
    line: str | Sequence[str] | Config | Guest, what: str = "build", at: str | int = "", *,
    space: str = "memory", brief: bool = True, qemu: str | None = None, host: Host | None = None,
    workload: Workload | None = None, bandwidth: float | str = "1GbE",
) -> Stepper:
    """The Stepper of a story about a guest, to go forward and back in: one decision a step.

    ``what`` is build, flatview, migrate, or translate, for which ``at`` is the gpa to translate, as a number
    or text such as "5G".  For migrate, ``workload`` is one of memkit.migration.dirty, by default one that
    writes through all of RAM slowly, and ``bandwidth`` what the wire carries.  ``line`` is a command line,
    for which ``qemu`` and ``host`` say what memkit.boot takes, or a Guest.  A story that is not ``brief``
    looks into each container, too.  Raises MemkitError for other
    words, Refused where QEMU would.

    >>> import memkit
    >>> story = memkit.steps("-M q35 -m 4G", "translate", at="4G")
    >>> [frame.kind for frame in story.frames]
    ['root', 'container', 'alias', 'answer', 'passed', 'block']
    """
    if isinstance(line, Guest):
        if host is not None or qemu is not None:
            raise MemkitError("a Guest has its host and its QEMU already; give them to memkit.boot instead")
        guest = line
    else:
        guest = boot(line, qemu=qemu, host=host)
    if not isinstance(what, str) or what not in STORIES:
        raise MemkitError(f"no story is called {what!r:.60}; there are: {', '.join(STORIES)}")
    if what == "translate":
        if at == "":
            raise MemkitError('say which address to translate: at="4G", or at=0x1_0000_0000')
        return Stepper(guest, what, translated(guest, at, space))
    if at != "":
        raise MemkitError(f"at= is for the story translate; {what} is about the whole guest")
    if workload is not None and not isinstance(workload, Workload):
        raise MemkitError("workload= is one of memkit.migration.dirty, such as Sequential, not "
                          f"{workload!r:.60}")
    if what == "migrate":
        return Stepper(guest, what, migrated(guest, workload or _slow(guest), bandwidth))
    if workload is not None:
        raise MemkitError(f"workload= is for the story migrate; in {what} the guest does not run")
    return Stepper(guest, what, rendered(guest, space, brief) if what == "flatview" else building(guest))


def _slow(guest: Guest) -> Workload:
    """A guest that writes through its largest block, so many pages a second."""
    largest = max((b for b in guest.ram_blocks if b.migratable), key=lambda b: b.used_length)
    return Sequential(size=largest.used_length, rate=WRITES)


class Stepper:
    """The frames of a story and where in it we are: ``go`` moves, ``frame`` is what is shown.

    ``choices`` are possible next steps, one of which is the true one.
    """

    def __init__(self, guest: Guest, what: str, frames: tuple[Frame, ...]) -> None:
        self.guest = guest
        self.what = what
        self.frames = frames
        self.scale = lanes.scale_of(frames)
        self.at = 0

    @property
    def title(self) -> str:
        """What the story tells."""
        return f"{STORIES[self.what]}: {self.guest.machine_type} (QEMU {self.guest.qemu})"

    @property
    def frame(self) -> Frame:
        """The step that is shown."""
        return self.frames[self.at]

    def go(self, to: int) -> Frame:
        """The frame number ``to`` (from 0), now shown; beyond the ends, the first or last one.

        Raises MemkitError for what is no number.
        """
        if not isinstance(to, int):
            raise MemkitError(f"a step is a number from 0 to {len(self.frames) - 1}, not {to!r:.60}")
        self.at = max(0, min(to, len(self.frames) - 1))
        return self.frame

    def choices(self) -> tuple[tuple[str, ...], int]:
        """Titles of possible next steps, and the place of the true one among them; none at the end.

        >>> import memkit
        >>> titles, right = memkit.steps("-m 1G").choices()
        >>> titles[right]
        'Backend pc.ram'
        """
        if self.at + 1 >= len(self.frames):
            return (), -1
        true = self.frames[self.at + 1].title
        pick = Random(f"{self.what} {self.at}")
        others = sorted({frame.title for frame in self.frames[self.at + 2:]} - {true})
        some = pick.sample(others, min(OTHERS, len(others)))
        titles = [true, *some]
        pick.shuffle(titles)
        return tuple(titles), titles.index(true)

    def picture(self, at: int | None = None) -> str:
        """The picture of a step, by default the one that is shown, as SVG text."""
        return lanes.picture(self.frames[self.at if at is None else at], self.scale)

    def text(self, at: int | None = None) -> str:
        """The step in words: its number, what is decided, and what lies where then."""
        number = self.at if at is None else at
        frame = self.frames[number]
        return (f"Step {number + 1} of {len(self.frames)}: {frame.title}\n{frame.sentence}\n"
                f"{lanes.words(frame)}")

    def __str__(self) -> str:
        listed = "\n".join(f"{number}. {frame.sentence}" for number, frame in enumerate(self.frames, 1))
        return f"{self.title}\n{listed}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        from memkit.lab.stepper.view import bundle

        return bundle(self, **kwargs)
