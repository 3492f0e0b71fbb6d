"""From a Config to a Guest, phase by phase, in the order in which QEMU starts up.

The order is the point: it fixes ram_addr_t offsets and PCI slots, and it decides which of two
mistakes QEMU reports.  Source: qemu_init in softmmu/vl.c, machine_run_board_init in
hw/core/machine.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Sequence

from memkit import config as config_
from memkit.boards.boot_x86 import build_x86
from memkit.config import Config
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.host import Host
from memkit.versions import known_qemu

__all__ = ["boot"]

TARGETS = ("x86_64", "i386")


def boot(
    line: str | Sequence[str] | Config, target: str | None = None, qemu: str = "7.2",
    host: Host | None = None,
) -> Guest:
    """The Guest that QEMU would build from ``line``: text, argv list or Config.

    Raises Refused with QEMU's words where QEMU would refuse, CommandLineError where the text is
    no command line, MemkitError for a target or version that the model does not know.

    >>> import memkit
    >>> memkit.boot("-m 4G -M q35").ram_blocks[0]
    <RAMBlock 'pc.ram' 0x100000000 bytes at ram_addr_t 0x0>
    """
    config = line if isinstance(line, Config) else config_.parse(line)
    version = known_qemu(qemu)
    wanted = target or config.target or "x86_64"
    if wanted not in TARGETS:
        raise MemkitError(f"the model does not know target {wanted!r}; it knows: {', '.join(TARGETS)}")
    if host is not None and not isinstance(host, Host):
        raise MemkitError(
            f"host= is a memkit.Host, not {type(host).__name__}; describe one with memkit.Host.from_dict"
        )
    on = host or Host()
    build, numa = build_x86(config, version, on, wanted)
    return Guest(
        target=wanted, qemu=version, machine_type=build.machine.type, host=on, config=config,
        backends=tuple(m.backend for m in build.memdevs.values()),
        ram_blocks=tuple(build.ram.blocks), frontends=tuple(build.frontends),
        memory_devices=tuple(sorted(build.memory_devices, key=lambda d: d.addr)), numa=numa,
        address_spaces=tuple(build.address_spaces), warnings=tuple(build.warnings),
    )
