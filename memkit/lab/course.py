"""The course: its chapters in order, what each needs, and the three paths through it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CHAPTERS", "PATHS", "Chapter", "Path"]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A notebook: ``id`` is its file's name, ``minutes`` how long it takes, ``needs`` what comes before.

    ``drills`` are the kinds of drill that belong to it.
    """

    id: str
    title: str
    minutes: int
    needs: tuple[str, ...]
    drills: tuple[str, ...] = ()


CHAPTERS: tuple[Chapter, ...] = (
    Chapter("00-start-here", "Start here", 10, ()),
    Chapter("01-types-of-memory", "Types of memory", 25, ("00-start-here",),
            ("what-a-write-does", "who-answers", "ram-blocks")),
    Chapter("02-host-memory", "Host memory", 25, ("01-types-of-memory",), ("page-size-of", "shared-blocks")),
    Chapter("03-command-line", "The command line", 30, ("02-host-memory",),
            ("boots", "ram-above-4g", "gpa-of-dimm")),
    Chapter("04-data-structures", "QEMU's data structures", 30, ("03-command-line",),
            ("ram-addr-of", "offset-at", "gpa-of-offset", "who-answers")),
    Chapter("05-persistent-memory", "Persistent memory", 25, ("04-data-structures",),
            ("boots", "which-hazard")),
    Chapter("06-all-of-ram", "All of RAM", 20, ("04-data-structures",), ("all-of-ram", "ram-blocks")),
    Chapter("07-huge-pages", "Huge pages", 25, ("02-host-memory",), ("page-size-of", "dirty-pages")),
    Chapter("08-sharing", "Sharing", 25, ("02-host-memory",), ("shared-blocks", "vhost-user-sees")),
    Chapter("09-encrypted-guests", "Encrypted guests", 20, ("08-sharing",), ("which-hazard", "mend")),
    Chapter("10-migration", "Migration", 30, ("04-data-structures", "07-huge-pages"),
            ("migrated-blocks", "name-of-block", "dirty-pages", "postcopy-works", "migration-outcome")),
    Chapter("11-monitor", "The monitor", 25, ("04-data-structures",),
            ("ram-addr-of", "name-of-block", "offset-at")),
    Chapter("12-combined-hazards", "Combined hazards", 30, ("08-sharing", "10-migration"),
            ("which-hazard", "mend")),
    Chapter("13-since-2018", "Then and now", 20, ("03-command-line",), ("which-qemus", "still-holds")),
    Chapter("14-every-architecture", "Every architecture", 20, ("04-data-structures", "07-huge-pages"),
            ("which-boards", "ram-end")),
)


@dataclass(frozen=True, slots=True)
class Path:
    """A way through the course for one kind of reader, in ``minutes``."""

    id: str
    title: str
    who: str
    chapters: tuple[str, ...]
    minutes: int


def _path(id: str, title: str, who: str, chapters: tuple[str, ...], minutes: int | None = None) -> Path:
    known = {chapter.id: chapter.minutes for chapter in CHAPTERS}
    return Path(id, title, who, chapters, minutes or sum(known[name] for name in chapters))


PATHS: tuple[Path, ...] = (
    _path("talk", "The talk in 90 minutes", "a workshop, or a first look with somebody who explains",
          ("00-start-here", "02-host-memory", "04-data-structures", "12-combined-hazards"), 90),
    _path("whole", "The whole course", "who wants to know it all, on their own",
          tuple(chapter.id for chapter in CHAPTERS)),
    _path("fire", "The fire drill", "who has a broken virtual machine now",
          ("00-start-here", "11-monitor", "12-combined-hazards"), 20),
)
