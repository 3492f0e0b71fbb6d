"""The shortest line that still shows an outcome, and the releases of QEMU that do."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from memkit.atlas.conflicts import REFUSED
from memkit.atlas.line import HOST
from memkit.boot import boot
from memkit.config import Config, parse
from memkit.config.edit import changed, replaced, retold
from memkit.errors import MemkitError, Refused
from memkit.hazards import hazards
from memkit.versions import KNOWN_QEMU, parse_version, within

__all__ = ["releases_that_show", "shortest", "shown"]

# Options of which a part makes no sense.
_WHOLE = ("chardev", "drive", "accel")


def shown(config: Config | Sequence[str], operations: Sequence[str], qemu: str) -> set[str]:
    """The outcomes of a line in one release: ids of hazards; or REFUSED and the core of QEMU's words.

    >>> sorted(shown(["-overcommit", "mem-lock=on"], (), "7.2"))
    ['mem-lock-overcommit']
    """
    try:
        guest = boot(config if isinstance(config, Config) else list(config), qemu=qemu, host=HOST)
    except Refused as refused:
        return {REFUSED, _core(refused.message)}
    return {hazard.id for hazard in hazards(guest, operations)}


def _core(words: str) -> str:
    """A refusal without the option that it starts with, which gets shorter when the line does."""
    return words.rpartition(": ")[2] if words.startswith("-") else words


def shortest(
    argv: Sequence[str], operations: Sequence[str], outcome: str, qemu: str
) -> tuple[str, tuple[str, ...]]:
    """The line and the operations without all that ``outcome`` does not need.

    Nothing new may show, and a refusal must stay in the same words.

    >>> shortest(["-m", "1G", "-overcommit", "mem-lock=on", "-device", "virtio-balloon-pci,id=b"], (),
    ...          "balloon-mlock", "7.2")
    ('-overcommit mem-lock=on -device virtio-balloon-pci', ())
    """
    config, done = parse(list(argv), qemu), tuple(operations)
    before = shown(config, done, qemu)

    def shows(config: Config, done: Sequence[str]) -> bool:
        seen = shown(config, done, qemu)
        return seen == before if outcome == REFUSED else outcome in seen and seen <= before

    tried: set[str] = set()
    going = True
    while going:
        going = False
        for without in _lesser(config, outcome == REFUSED):
            try:
                smaller = without()
            except (MemkitError, ValueError):
                continue
            text = smaller.text()
            if text and text not in tried and len(text) < len(config.text()):
                tried.add(text)
                if shows(smaller, done):
                    config, going = smaller, True
                    break
    for name in operations:
        less = tuple([other for other in done if other != name])
        done = less if shows(config, less) else done
    return config.text(), done


def _lesser(config: Config, keep_type: bool) -> list[Callable[[], Config]]:
    """Ways to say less: without one option, or without one of its properties; the last ones first."""
    ways: list[Callable[[], Config]] = []
    for option in reversed(config.options):
        if not (keep_type and option.name == "machine"):
            ways.append(_way(replaced, config, option, ()))
    for option in reversed(config.options):
        if len(option.args) > 1 and option.name not in _WHOLE:
            keys = [key for key, _ in option.args[::-1] if not (keep_type and key == "type")]
            if option.name == "machine":
                ways += [_way(changed, config, "machine", "type", {key: None}) for key in keys]
            else:
                ways += [_way(retold, config, option, {key: None}) for key in keys]
    return ways


def _way(change: Callable[..., Config], *what: object) -> Callable[[], Config]:
    return lambda: change(*what)


def releases_that_show(
    line: str, operations: Sequence[str], outcome: str, since: Sequence[str] = ()
) -> tuple[str, ...]:
    """The known releases in which ``line`` has the outcome, oldest first; ``since`` are limits of its words.

    >>> releases_that_show("-m 256M", ("savevm", "multifd"), "savevm-multifd-crash")
    ('5.2', '7.2', '8.2', '10.0')
    """
    argv = shlex.split(line)
    return tuple([
        qemu for qemu in KNOWN_QEMU
        if all(within(parse_version(qemu), first, "") for first in since)
        and outcome in shown(argv, operations, qemu)
    ])
