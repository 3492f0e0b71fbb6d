"""What can be said to ``memkit``, and the help that tells it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from memkit.cli import atlas, commands, compare, course, hazards, migrate
from memkit.cli.lines import split_dashes
from memkit.versions import DEFAULT_QEMU, labelled

__all__ = ["read_arguments"]

ABOUT = """\
Show how QEMU handles guest RAM: a QEMU command line goes in, the guest's memory comes out.
It is a model: no guest is started, and nothing that the line names is opened.
"""
LINE = """\
QEMU's options follow --, as they would follow qemu-system-x86_64. Without --, the line is read
from standard input: as you would type it, over several lines if they end in a backslash, or
as it stands in a script or in libvirt's log.
"""
CODES = """\
Exit codes: 0 the guest boots, 1 QEMU would refuse the line (its words go to standard error),
2 wrong usage, 3 something is missing on this machine (the message says how to get it).
"""
DIFF_CODES = """\
Exit codes: 0 no difference, 1 differences or a refused line, 2 wrong usage, 3 something is
missing on this machine (the message says how to get it).
"""
HAZARD_CODES = """\
Exit codes: 0 nothing at or above --fail-on, 1 QEMU would refuse the line (its words go to standard
error), 2 wrong usage, 3 something at or above --fail-on was found, 4 something is missing on this
machine (other commands say 3 then).
"""
ATLAS_CODES = """\
Exit codes: 0 it was told, 2 wrong usage or an unknown name, 3 something is missing on this machine
(the message says how to get it).
"""
LAB_CODES = """\
Exit codes: JupyterLab's, or 2 wrong usage, 3 something is missing (the message says how to get it).
"""
DRILL_CODES = """\
Exit codes: 0 a problem is set, or the answer is right, 1 the answer is wrong, 2 wrong usage.
"""
CHECK_CODES = """\
Exit codes: 0 all that is required is here, 3 something is missing (the lines say what to do).
"""
EXAMPLES = {
    "": (
        'memkit monitor "info ramblock" -- -M q35 -m 4G',
        "memkit explain 0xfffffff0 -- -M q35 -m 4G",
        "memkit draw map -o map.svg -- -M q35 -m 4G",
        'memkit diff "-m 4G" "-m 5G"',
        "memkit hazards -- -m 4G -device virtio-balloon-pci -overcommit mem-lock=on",
        "memkit atlas vhost-user share-on",
    ),
    "explain": (
        "memkit explain 0xfffffff0 -- -M q35 -m 4G",
        "memkit explain 4G -- -m 6G",
        "memkit explain 0x3f8 --space I/O -- -m 1G",
    ),
    "monitor": (
        'memkit monitor "info ramblock" -- -M q35 -m 4G',
        'memkit monitor "info mtree -f" -- -m 4G,slots=2,maxmem=8G',
        'memkit monitor "info numa" < guest.sh',
    ),
    "draw": (
        "memkit draw -- -m 4G",
        "memkit draw graph -o guest.svg -- -M q35 -m 4G",
        "memkit draw map -o guest.html --theme dark -- -M q35 -m 4G",
        "memkit draw tables --format json -- -m 4G",
    ),
    "diff": (
        'memkit diff "-m 4G" "-m 5G"',
        "memkit diff -- -M pc -m 4G -- -M q35 -m 4G",
        "memkit diff --qemu 5.2 --qemu 11.1 -- -M pc-i440fx-3.1 -m 4G",
        'memkit diff --draw map -o diff.html "-m 4G" "-m 5G"',
        "memkit diff --real -- -M q35 -m 4G",
    ),
    "hazards": (
        "memkit hazards -- -m 4G -device virtio-balloon-pci -overcommit mem-lock=on",
        "memkit hazards --migration migrate-postcopy -- -m 1G -mem-path /dev/hugepages",
        "memkit hazards --json --fail-on security < guest.sh",
    ),
    "migrate": (
        'memkit migrate --to "-m 2G" -- -m 1G',
        'memkit migrate --mode postcopy --cap postcopy-ram --to "-m 1G" -- -m 1G -mem-path /dev/hugepages',
        "memkit migrate --qemu 11.1 --cap mapped-ram,multifd -- -m 4G",
        "memkit migrate --one-machine --cap x-ignore-shared --to-qemu 11.1 -- -m 1G -- -m 1G",
    ),
    "atlas": (
        "memkit atlas vhost-user share-on",
        "memkit atlas --qemu 11.1",
        "memkit atlas -o atlas.html",
    ),
    "drill": (
        "memkit drill",
        "memkit drill gpa-of-dimm --seed 7",
        "memkit drill gpa-of-dimm --seed 7 --hint --try 6G",
    ),
    "check": ("memkit check",),
    "lab": ("memkit lab", "memkit lab 10-migration", "memkit lab -- --no-browser --port 8899"),
}


class Parser(argparse.ArgumentParser):
    """argparse's parser with complaints that say what to do."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.rpartition(" ")[2]
        if "invalid choice" in message and command == "memkit":
            message = message.replace("argument COMMAND: ", "")
        if message.startswith("unrecognized arguments: -"):
            message += (
                "\nIf this is an option of QEMU, write -- in front of QEMU's options: "
                f"{EXAMPLES.get(command, EXAMPLES[''])[0]}"
            )
        self.exit(2, f"{self.prog}: {message}\nTry: {self.prog} --help\n")


def read_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """What ``argv`` asks for: ``run``, the command's function, its options, and ``lines``.

    ``lines`` are the words behind each ``--``.  Wrong usage prints what is wrong and raises
    SystemExit with code 2; --help prints and raises it with code 0.

    >>> read_arguments(["draw", "map", "--", "-m", "4G"]).lines
    [['-m', '4G']]
    """
    own, lines = split_dashes(argv)
    parser, commands_by_name = _build()
    # A quoted QEMU line starts with a dash, too; a blank in front tells argparse that it is no option.
    own = [f" {word}" if word[:1] == "-" and len(word.split()) > 1 else word for word in own]
    if not own:
        parser.error(f"say what to do: {', '.join(commands_by_name)}. For example: {EXAMPLES[''][0]}")
    arguments, left = parser.parse_known_args(own)
    if left:
        commands_by_name[arguments.command].error(f"unrecognized arguments: {' '.join(left)}")
    arguments.lines = lines
    return arguments


def _build() -> tuple[Parser, dict[str, Parser]]:
    from memkit import __version__

    parser = Parser(
        prog="memkit", description=ABOUT, epilog=_epilog("", LINE + "\n" + CODES),
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"memkit {__version__}")
    adder = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    made: dict[str, Parser] = {}

    def command(
        name: str, run: commands.Run, usage: str, summary: str, about: str, codes: str = CODES
    ) -> Parser:
        made[name] = adder.add_parser(
            name, usage=f"memkit {name} {usage}", help=summary, description=about,
            epilog=_epilog(name, codes),
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        )
        made[name].set_defaults(run=run)
        return made[name]

    explain = command(
        "explain", commands.explain, "[options] ADDRESS [-- QEMU ARGS]",
        "tell who answers at an address, and why",
        "Tell who answers when the guest touches one address: which regions QEMU considers,\n"
        "which alias it follows, which RAMBlock and which page hold the byte.\n\n" + LINE,
    )
    explain.add_argument("address", metavar="ADDRESS", help="guest-physical: 0xfffffff0, 4294967280 or 4G")
    explain.add_argument("--space", default="memory", metavar="NAME",
                         help='the address space to look in (default: memory; "I/O" has the ports)')
    explain.add_argument("--json", action="store_true", help="print data for programs")

    monitor = command(
        "monitor", commands.monitor, "[options] COMMAND [-- QEMU ARGS]",
        "print what QEMU's monitor would print",
        "Print what QEMU's monitor would print for one command, character by character:\n"
        "info ramblock, info mtree, info mtree -f, info memdev, info memory-devices, info numa.\n\n" + LINE,
    )
    monitor.add_argument("text", metavar="COMMAND", nargs="+", help='in quotes, such as "info ramblock"')

    draw = command(
        "draw", commands.draw, "[options] [KIND] [-- QEMU ARGS]",
        "draw the guest's memory, or tell the picture in words",
        "Draw the guest's memory. The kinds: graph (from options to addresses), map (address spaces\n"
        "side by side), tables. On a terminal the picture is told in words.\n\n" + LINE,
    )
    draw.add_argument("kind", nargs="?", choices=commands.KINDS, default="graph", metavar="KIND",
                      help="graph (default), map or tables")
    _add_picture_options(draw)
    draw.add_argument("--focus", metavar="NAME", help="graph: the RAMBlock, backend or device to bring out")

    diff = command(
        "diff", compare.diff,
        "[options] LINE LINE\n       memkit diff --qemu VERSION --qemu VERSION [options] [-- QEMU ARGS]"
        "\n       memkit diff --real [options] [-- QEMU ARGS]",
        "compare two command lines, two QEMUs, or the model with a real QEMU",
        "Say in words how the memory of two guests differs: of two command lines, each in quotes or\n"
        "behind its own --, of one line in two QEMUs (--qemu twice), or with --real of the model and\n"
        "the QEMU that is installed here. A line that one of them refuses is a difference, too.\n"
        "The real QEMU is started paused, without network, display and writable disks, and always\n"
        "ended.",
        DIFF_CODES,
    )
    diff.add_argument("text", nargs="*", metavar="LINE", help="a QEMU command line in quotes")
    diff.add_argument("--real", action="store_true", help="compare the model with a real QEMU")
    diff.add_argument("--binary", metavar="PROGRAM",
                      help="with --real: the QEMU to start (default: from PATH)")
    diff.add_argument("--json", action="store_true", help="print data for programs")
    diff.add_argument("--draw", choices=commands.KINDS, dest="kind", metavar="KIND",
                      help="draw the second guest with what changed marked: graph, map or tables")
    _add_picture_options(diff)

    perils = command(
        "hazards", hazards.hazards, "[options] [-- QEMU ARGS]",
        "tell what can go wrong with the guest's memory, and mend the line",
        "Tell what can go wrong with the guest's memory, worst first: for what, why, and what to do\n"
        "instead. At the end stands the line with every fix that helps.\n\n" + LINE,
        HAZARD_CODES,
    )
    perils.set_defaults(lacking=4)
    perils.add_argument("--migration", metavar="NAMES", action="append",
                        help="what is about to be done, with commas between: migrate-precopy, "
                        "migrate-postcopy, savevm, hot-plug, or QEMU's capabilities, such as multifd")
    # The words stand here once more, for rules are not loaded to tell the help.
    perils.add_argument("--fail-on", metavar="SEVERITY", default="never",
                        help="exit with 3 for a hazard as bad as this or worse; worst first: "
                        "refuses-to-start, refuses-operation, data-loss, security, silent-misbehaviour, "
                        "performance, surprise (default: never)")
    perils.add_argument("--json", action="store_true", help="print data for programs")

    moving = command(
        "migrate", migrate.migration, migrate.USAGE, "tell whether a migration succeeds, and what it loses",
        migrate.ABOUT, migrate.CODES,
    )
    migrate.add_options(moving)

    combined = command(
        "atlas", atlas.atlas, "[options] [FEATURE ...]",
        "tell what goes wrong only when features come together",
        "Tell which features of a guest refuse each other, lose data or misbehave together, worst first:\n"
        "computed from all pairs and triples. With up to three FEATUREs: what becomes of these.\n",
        ATLAS_CODES,
    )
    combined.add_argument("names", nargs="*", metavar="FEATURE", help="such as nvdimm, hugetlb, savevm")
    combined.add_argument("--features", metavar="LIST",
                          help="combine only these, with commas between (default: some fifty)")
    combined.add_argument("--size", metavar="N", type=int, default=3,
                          help="at most so many features at a time (default: 3)")
    combined.add_argument("--fresh", action="store_true", help="compute anew, which takes some seconds")
    combined.add_argument("--json", action="store_true", help="print data for programs")
    combined.add_argument("-o", "--output", metavar="FILE", help="write the matrix there, as a web page")

    drill = command(
        "drill", course.drill, "[options] [KIND]", "set a problem, and check an answer",
        "Set a problem of the course: the same number gives the same problem on each machine. A wrong\n"
        "answer gets its mistake named. Without KIND, all kinds are listed.\n",
        DRILL_CODES,
    )
    course.add_drill_options(drill)
    opener = command(
        "lab", course.lab, "[CHAPTER] [-- JUPYTERLAB ARGS]", "open JupyterLab on the course",
        "Open JupyterLab on a chapter of the course, by its name or number (default: the first).\n"
        "What follows -- goes to JupyterLab. To stop it, press Ctrl-C twice.\n",
        LAB_CODES,
    )
    opener.add_argument("chapter", metavar="CHAPTER", nargs="?", default="", help="such as 10-migration")
    bare = command(
        "check", course.check, "", "look whether all is here that the course needs",
        "Look whether all is here that the course needs: Python, widgets, Graphviz, browser, QEMU,\n"
        "memory. One line for each; what is missing comes with what to do.\n",
        CHECK_CODES,
    )

    known = f"which QEMU to be: {', '.join(labelled().values())} (default: {DEFAULT_QEMU})"
    for one in made.values():
        if one in (bare, opener):
            continue
        model = one.add_argument_group("the model")
        if one in (combined, drill):
            model.add_argument("--qemu", metavar="VERSION", default=DEFAULT_QEMU, help=known)
            continue
        model.add_argument("--target", metavar="ARCH",
                           help="as in qemu-system-ARCH: x86_64, aarch64 ... (default: the line's or x86_64)")
        if one is diff:
            model.add_argument("--qemu", metavar="VERSION", action="append",
                               help=f"{known}; twice: compare two")
        else:
            model.add_argument("--qemu", metavar="VERSION", default=DEFAULT_QEMU, help=known)
        model.add_argument("--host", metavar="FILE",
                           help="a description of the host in JSON (default: a common Linux server)")
    return parser, made


def _add_picture_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE",
                        help="write there; the ending says the format: .svg, .html, .txt or .json")
    parser.add_argument("--format", choices=commands.FORMATS,
                        help="the format, where no FILE says it (default: text on a terminal, else svg, "
                        "or html for tables)")
    parser.add_argument("--text", action="store_const", const="text", dest="format",
                        help="the picture in words, as --format text")
    parser.add_argument("--theme", choices=("light", "dark", "auto"), default="auto",
                        help="colours; auto follows the viewer's settings (default)")


def _epilog(name: str, words: str) -> str:
    examples = "\n".join(f"  {line}" for line in EXAMPLES[name])
    return f"Examples:\n{examples}\n\n{words}"
