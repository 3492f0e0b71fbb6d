"""What other releases than 7.2 say where they refuse the same.

The model refuses in the words of 7.2 and names the kind of refusal by a key; ``said_by`` puts in the words of
the release that answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from memkit.errors import Refused
from memkit.versions.numbers import Version, parse_version

__all__ = ["WORDINGS", "Wording", "said_by"]


class Wording(NamedTuple):
    """The message of one kind of refusal, from release ``since`` on and before release ``until``.

    ``message`` is a format string for the refusal's values, or a function of the Refused.
    ``source`` names the release or commit that changed the words.  ``why`` and ``hint`` replace ours where
    they would be wrong for that release.
    """

    message: str | Callable[[Refused], str]
    since: Version
    until: Version
    source: str
    why: str = ""
    hint: str = ""


OLD: Version = (0,)
NEVER: Version = (1000,)

WORDINGS: dict[str, tuple[Wording, ...]] = {
    # -- memory devices
    "no-device-memory": (
        Wording(
            "the configuration is not prepared for memory devices (e.g., for memory hotplug), consider specifying "
            "the maxmem option", (8, 1), NEVER, "memory_device_pre_plug, hw/mem/memory-device.c; 99d88de6eb",
        ),
    ),
    "machine-type": (
        Wording(
            'unsupported machine type: "{name}"\nUse -machine help to list supported machines', (9, 1), NEVER,
            "select_machine, system/vl.c; 412d294ffd",
        ),
    ),
}


def said_by(refused: Refused, qemu: str) -> Refused:
    """``refused`` in the words of the release ``qemu`` ("10.0"); itself where that release says the same.

    >>> refused = Refused("unsupported machine type", key="machine-type", values={"name": "pc-9"})
    >>> said_by(refused, "10.0").message.splitlines()[0]
    'unsupported machine type: "pc-9"'
    """
    number = parse_version(qemu)
    for wording in WORDINGS.get(refused.key, ()):
        if wording.since <= number < wording.until:
            message = wording.message
            text = message.format(**refused.values) if isinstance(message, str) else message(refused)
            return Refused(
                f"{refused.option}: {text}" if refused.located else text,
                explanation=wording.why.format(**refused.values) or refused.explanation,
                hint=wording.hint.format(**refused.values) or refused.hint, option=refused.option,
                position=refused.position, source=wording.source, key=refused.key, values=refused.values,
                located=refused.located,
            )
    return refused
