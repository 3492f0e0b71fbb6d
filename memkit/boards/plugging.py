"""The devices of a line, plugged into a board that is complete, and the drives that nobody takes.

Source: qmp_x_exit_preconfig in softmmu/vl.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.build import Build
from memkit.boards.cli_devices import cli_devices
from memkit.boards.device_memory import check_block_names
from memkit.boards.devices import DeviceBuilder
from memkit.boards.drives import check_orphans
from memkit.boards.global_properties import unknown_globals
from memkit.boards.peers import network_warnings

__all__ = ["plug_devices"]


def plug_devices(build: Build, devices: DeviceBuilder) -> None:
    """Plug each device of the line in QEMU's order; raises Refused."""
    if build.qemu.orphans_first:
        check_orphans(build)
    check_block_names(build)
    for spec in cli_devices(build):
        devices.plug(spec)
    if not build.qemu.orphans_first:
        check_orphans(build)
    check_block_names(build)
    build.warnings += [*network_warnings(build), *unknown_globals(build)]
