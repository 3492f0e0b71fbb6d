"""The commands of the course: the pre-flight check, and drills on a terminal."""

from __future__ import annotations

import argparse
import sys

from memkit.errors import MemkitError

__all__ = ["add_drill_options", "check", "drill"]

WRONG, NOT_READY = 1, 3


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
