"""The commands of the course: JupyterLab on a notebook, the pre-flight check, and drills on a terminal."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from memkit.errors import MemkitError, Unavailable

__all__ = ["add_drill_options", "check", "drill", "lab"]

WRONG, NOT_READY = 1, 3
KIT = Path(__file__).resolve().parents[2]


def lab(arguments: argparse.Namespace) -> int:
    """JupyterLab in place of this process, on a chapter of the course; it never returns.

    Raises MemkitError for chapters that there are not, Unavailable where the notebooks or JupyterLab are
    missing.
    """
    opener = KIT / "tools" / "lab.py"
    if not opener.exists():
        raise Unavailable("the notebooks are not part of the installed package; get the whole kit with: "
                          "git clone https://github.com/memkit/memkit && cd memkit && make lab")
    if find_spec("jupyterlab") is None:
        raise Unavailable(f"JupyterLab is not installed; install it with: make -C {KIT} environment")
    words = [word for line in arguments.lines for word in line]
    if arguments.chapter:
        words.insert(0, f"notebooks/{_chapter(arguments.chapter)}.ipynb")
    os.execv(sys.executable, [sys.executable, str(opener), *words])
    raise AssertionError("execv does not return")


def _chapter(name: str) -> str:
    """The id of the chapter that ``name`` begins, with or without its number."""
    from memkit.lab.course import CHAPTERS

    wanted = name.removesuffix(".ipynb").rpartition("/")[2]
    names = {each: (each, each[:2], each[3:], str(int(each[:2]))) for each in (c.id for c in CHAPTERS)}
    found = [each for each, known in names.items() if wanted in known]
    if not found:
        raise MemkitError(f"{name!r:.60} is no chapter; there are: {', '.join(c.id for c in CHAPTERS)}")
    return found[0]


def check(arguments: argparse.Namespace) -> int:
    """0 if all that the course requires is here, 3 if not."""
    from memkit.lab.check import check as look

    found = look()
    print(found.coloured() if sys.stdout.isatty() else found)
    return 0 if found.ready else NOT_READY


def add_drill_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``memkit drill``."""
    parser.add_argument("kind", metavar="KIND", nargs="?", default="",
                        help="without one, all kinds are listed")
    parser.add_argument("--seed", type=int, default=1, metavar="N",
                        help="the number of the problem (default: 1)")
    parser.add_argument("--level", type=int, default=1, metavar="N", help="1, 2 or 3 (default: 1)")
    parser.add_argument("--try", dest="tried", metavar="ANSWER", help="an answer to check")
    parser.add_argument("--hint", action="store_true", help="print the hints, too")
    parser.add_argument("--answer", action="store_true", help="print the answer and its working, too")


def drill(arguments: argparse.Namespace) -> int:
    """0 after the problem, or after a right answer; 1 after a wrong one."""
    from memkit.lab.drills import KINDS
    from memkit.lab.drills import drill as make

    if arguments.lines:
        raise MemkitError("a drill makes its own command line; leave out what follows --")
    if not arguments.kind:
        print("\n".join(KINDS))
        return 0
    problem = make(arguments.kind, arguments.seed, arguments.level, arguments.qemu)
    verdict = None if arguments.tried is None else problem.check(arguments.tried)
    print(problem if verdict is None else verdict.said)
    if arguments.hint:
        print("\n".join(f"Hint: {hint}" for hint in problem.question.hints))
    if arguments.answer:
        print(problem.answer())
    return 0 if verdict is None or verdict.right else WRONG
