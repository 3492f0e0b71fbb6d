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
from memkit.config.parse import build
from memkit.errors import MemkitError, Refused
from memkit.guest import Guest
from memkit.host import Host
from memkit.versions import DEFAULT_QEMU, nearest_qemu
from memkit.versions.wordings import said_by

__all__ = ["boot"]

TARGETS = ("x86_64", "i386")


def boot(
    line: str | Sequence[str] | Config, target: str | None = None, qemu: str | None = None,
    host: Host | None = None,
) -> Guest:
    """The Guest that QEMU would build from ``line``: text, argv list or Config.

    Raises Refused with QEMU's words where QEMU would refuse, CommandLineError where the text is
    no command line, MemkitError for a target or version that the model does not know.

    >>> import memkit
    >>> memkit.boot("-m 4G -M q35").ram_blocks[0]
    <RAMBlock 'pc.ram' 0x100000000 bytes at ram_addr_t 0x0>
    """
    given = line.qemu if isinstance(line, Config) else DEFAULT_QEMU
    version, note = nearest_qemu(given if qemu is None else qemu)
    if not isinstance(line, Config):
        config = config_.parse(line, version)
    else:
        config = line if line.qemu == version else build(line.options, line.program, line.target, version)
    wanted = target or config.target or "x86_64"
    if wanted not in TARGETS:
        raise MemkitError(f"the model does not know target {wanted!r}; it knows: {', '.join(TARGETS)}")
    if host is not None and not isinstance(host, Host):
        raise MemkitError(
            f"host= is a memkit.Host, not {type(host).__name__}; describe one with memkit.Host.from_dict"
        )
    on = host or Host()
    try:
        built, numa = build_x86(config, on, wanted)
    except Refused as refused:
        raise said_by(refused, version) from None
    return Guest(
        target=wanted, qemu=version, machine_type=built.machine.type, host=on, config=config,
        backends=tuple(m.backend for m in built.memdevs.values()),
        ram_blocks=tuple(built.ram.blocks), frontends=tuple(built.frontends),
        memory_devices=tuple(sorted(built.memory_devices, key=lambda d: d.addr)), numa=numa,
        address_spaces=tuple(built.address_spaces), warnings=tuple(built.warnings),
        notes=(note,) if note else (),
    )
