"""From text or argv to a Config, in QEMU's two passes.

The first pass only looks names up, so an unknown option is reported before any mistake in an
argument.  Source: lookup_opt and qemu_init in softmmu/vl.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memkit.config.config import Config
from memkit.config.loop import Loop
from memkit.config.options import known_options, spellings
from memkit.config.specs import Option, Written
from memkit.config.words import split
from memkit.config.wrong import near
from memkit.errors import Refused
from memkit.versions import DEFAULT_QEMU
from memkit.versions.wordings import said_by

__all__ = ["build", "parse"]


def parse(line: str | Sequence[str], qemu: str = DEFAULT_QEMU, target: str | None = None) -> Config:
    """The Config of ``line``, text or argv list, as QEMU version ``qemu`` (one of KNOWN_QEMU) reads it.

    ``target`` is that of the program, as in qemu-system-TARGET; by default the one that the line names.
    Raises CommandLineError where the text is no command line, Refused where QEMU's option loop
    refuses, in QEMU's words.

    >>> parse("-m 4G,slots=2 -M q35").machine["type"]
    'q35'
    """
    named, program, words = split(line)
    try:
        return _build(_first_pass(words, qemu), program, target or named, qemu)
    except Refused as refused:
        raise said_by(refused, qemu) from None


def build(
    options: Iterable[Option], program: str = "", target: str | None = None, qemu: str = DEFAULT_QEMU
) -> Config:
    """The Config of ``options``, whose arguments are read anew, as parse() reads them."""
    try:
        return _build(_numbered(options), program, target, qemu)
    except Refused as refused:
        raise said_by(refused, qemu) from None


def _build(options: Sequence[Written], program: str, target: str | None, qemu: str) -> Config:
    loop = Loop(target or "x86_64", qemu)
    done = loop.run(options)
    config = Config(done, program, target, qemu, tuple(loop.warnings))
    # The loop has read all that Config reads on demand; a frozen instance takes it only this way.
    config.__dict__.update(_loop=loop, objects=tuple(loop.objects))
    return config


def _numbered(options: Iterable[Option]) -> list[Option]:
    """New options like these, with their positions in argv."""
    numbered, index = [], 0
    for o in options:
        numbered.append(Option(o.name, o.word, o.value, o.args, index))
        index += 1 if o.value is None or not o.word else 2
    return numbered


def _first_pass(words: list[str], qemu: str) -> list[Written]:
    options: list[Written] = []
    index, end = 0, len(words)
    known = spellings(qemu)
    while index < end:
        word, position = words[index], index
        index += 1
        found = known.get(word)
        if found is None:
            if word[:1] == "-":
                raise _unknown(word, position, qemu)
            disk = (("file", word), ("index", "0"), ("media", "disk"))
            options.append(("drive", "", word, disk, position))
            continue
        name, takes_argument = found
        value = None
        if takes_argument:
            if index >= end:
                raise Refused(
                    f"{word}: requires an argument", explanation=f"{word} is the last word of the line.",
                    hint=f"write {word} VALUE", option=word, position=position,
                )
            value = words[index]
            index += 1
        options.append((name, word, value, (), position))
    return options


def _unknown(word: str, index: int, qemu: str) -> Refused:
    hint = near(word[2:] if word[:2] == "--" else word[1:], known_options(qemu))
    if not hint.startswith("did"):
        hint = "qemu-system-x86_64 -help lists all options"
    else:
        names = hint.removeprefix("did you mean ").rstrip("?").split(" or ")
        hint = f"did you mean {' or '.join(f'-{near_name}' for near_name in names)}?"
    return Refused(
        f"{word}: invalid option", explanation=f"QEMU {qemu} has no option {word:.60} (word {index}).",
        hint=hint, option=word, position=index, source="lookup_opt, softmmu/vl.c",
    )
