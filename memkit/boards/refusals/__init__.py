"""What QEMU says when it refuses, why it says so, and what to write instead.

One entry for each refusal that the model can produce, in a table for each part of a machine, in the words
of QEMU 7.2, or of the release that its source names where 7.2 has no such refusal;
``memkit.versions.wordings`` has what other releases say instead.
"""

from __future__ import annotations

from memkit.boards.refusals import backends, cpu, machine, memory_devices, numa, parts
from memkit.boards.refusals.words import Words
from memkit.config import Option
from memkit.errors import Refused

__all__ = ["REFUSALS", "refuse"]

REFUSALS: dict[str, Words] = {
    **machine.REFUSALS, **cpu.REFUSALS, **backends.REFUSALS, **numa.REFUSALS, **parts.REFUSALS,
    **memory_devices.REFUSALS,
}


def refuse(key: str, option: Option | None = None, located: bool = False, **values: object) -> Refused:
    """A Refused in QEMU's words with our explanation; ``located`` adds QEMU's ``-device ...: `` prefix."""
    words = REFUSALS[key]
    message = words.message.format(**values)
    text = option.text if option is not None else ""
    if located and option is not None:
        message = f"{text}: {message}"
    return Refused(
        message,
        explanation=words.why.format(**values),
        hint=words.hint.format(**values),
        option=text,
        position=option.index if option is not None else None,
        source=words.source if " QEMU " in words.source else f"{words.source}, QEMU 7.2",
        key=key, values=values, located=located and option is not None,
    )
