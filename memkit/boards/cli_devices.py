"""The devices of a command line, in the order in which QEMU makes them.

``-device`` is not the only option that makes one: a drive with ``if=virtio``, ``-virtfs`` and ``-debugcon``
add a device option of their own, behind those that stand on the line already when they are read.

Source: qemu_create_cli_devices, qemu_init and debugcon_parse in softmmu/vl.c, drive_new in blockdev.c
(QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.boards.build import Build
from memkit.boards.old_devices import sound_cards, watchdog
from memkit.config import DeviceSpec

__all__ = ["cli_devices"]


def cli_devices(build: Build) -> Iterator[DeviceSpec]:
    """Each device: those in key=value form first, JSON forms last.

    >>> from memkit import Host
    >>> from memkit.boards.machine import select_machine
    >>> from memkit.config import parse
    >>> config = parse(["-device", '{"driver":"e1000"}', "-drive", "if=virtio", "-device", "VGA"])
    >>> [d.driver for d in cli_devices(Build(config, Host(), select_machine(config)))]
    ['VGA', 'virtio-blk-pci', 'e1000']
    """
    config = build.config
    yield from sound_cards(build)
    plain = [spec for spec in config.devices if not spec.json]
    if config.flag("virtfs"):
        plain += [DeviceSpec("virtio-9p-pci", None, {}, option) for option in config.all("virtfs")]
        plain.sort(key=lambda spec: build.option_index(spec.option) or 0)
    yield from plain
    for drive in config.drives:
        if drive.interface == "virtio":
            kind = "ccw" if build.target == "s390x" else "pci"
            yield DeviceSpec(f"virtio-blk-{kind}", None, {}, drive.option)
    for option in config.all("debugcon"):
        if option.value != "none":
            yield DeviceSpec("isa-debugcon", None, {}, option)
    yield from watchdog(config)
    yield from (spec for spec in config.devices if spec.json)
