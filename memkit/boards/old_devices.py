"""Devices of options that later releases lack: ``-soundhw`` (until 7.0) and ``-watchdog`` (until 7.1).

Source: soundhw_init in hw/audio/soundhw.c, select_watchdog in hw/watchdog/watchdog.c (QEMU 5.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.boards.build import Build
from memkit.boards.refusals import refuse
from memkit.config import Config, DeviceSpec
from memkit.config.others import SOUND_CARDS

__all__ = ["check_watchdog", "sound_cards", "watchdog"]

_WATCHDOGS = ("i6300esb", "ib700")
_NO_DEVICE = "pcspk"


def sound_cards(build: Build) -> Iterator[DeviceSpec]:
    """Each device of ``-soundhw``, in the order of QEMU's list; raises Refused without a PCI bus."""
    options = build.config.all("soundhw")
    if not options:
        return
    wanted = {name: o for o in options for name in (
        SOUND_CARDS if o.value == "all" else (o.value or "").split(",")
    )}
    for name, drivers in SOUND_CARDS.items():
        if name not in wanted:
            continue
        advice = "set a backend using '-machine pcspk-audiodev=<name>' instead" if name == _NO_DEVICE else (
            f"use '-device {' -device '.join(drivers)}' instead")
        if name == "hda" and build.default_bus is None:
            raise refuse("sound-no-pci", wanted[name], card=name)
        build.warnings.append(f"warning: '-soundhw {name}' is deprecated, please {advice}")
        for driver in drivers:
            yield DeviceSpec(driver, None, {}, wanted[name])


def check_watchdog(config: Config) -> None:
    """Raise Refused unless ``-watchdog`` names a device."""
    option = config.last("watchdog")
    if option is not None and (option.value or "").lower() not in _WATCHDOGS:
        raise refuse("watchdog-unknown", option)


def watchdog(config: Config) -> Iterator[DeviceSpec]:
    """The device of ``-watchdog``."""
    option = config.last("watchdog")
    if option is not None:
        yield DeviceSpec(option.value or "", None, {}, option)
