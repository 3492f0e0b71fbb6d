"""Refusals of devices: QEMU's words with its ``-device ...: `` in front, and why.

The words that only one device says were recorded with it (``Observation.refusal``); the rest is in
``memkit.boards.refusals``.
"""

from __future__ import annotations

from memkit.config import DeviceSpec
from memkit.errors import Refused

__all__ = ["refuse_device", "refuse_recorded", "refuse_wrong_bus"]


def refuse_device(
    spec: DeviceSpec | None, text: str, why: str = "", hint: str = "", source: str = "", *, key: str = "",
    **values: object,
) -> Refused:
    """A Refused in QEMU's words for the device ``spec``; None for a device of the board.

    ``key`` and ``values`` are for words that other releases than 7.2 put differently
    (memkit.versions.wordings).
    """
    option = spec.option if spec else None
    return Refused(
        f"{option.text}: {text}" if option else text, explanation=why, hint=hint,
        option=option.text if option else "", position=option.index if option else None,
        source=f"{source}, QEMU 7.2" if source and "QEMU" not in source else source, key=key, values=values,
        located=option is not None,
    )


def refuse_recorded(spec: DeviceSpec, recorded: str, recipe: str = "") -> Refused:
    """A Refused for what QEMU said to the device when it was recorded; ``recipe`` is what started it."""
    located = recorded.startswith("-device ")
    return refuse_device(
        spec if located else None, recorded.partition(": ")[2] if located else recorded,
        f"{spec.driver} does not start like this.",
        f"this starts: {recipe}" if recipe else "leave the device out",
        "recorded with the device (data/devices)",
    )


def refuse_wrong_bus(spec: DeviceSpec, driver: str, kind: str) -> Refused:
    """A Refused for ``bus=`` with a bus of another kind."""
    return refuse_device(
        spec, f"Device '{driver}' can't go on {kind} bus", "bus= names a bus of another kind.",
        "name a bus that the device fits on, or leave out bus=",
        "qdev_device_add_from_qdict, softmmu/qdev-monitor.c",
    )
