"""From a Config to a Guest, phase by phase, in the order in which QEMU starts up.

The order is the point: it fixes ram_addr_t offsets and PCI slots, and it decides which of two
mistakes QEMU reports.  Source: qemu_init in softmmu/vl.c, machine_run_board_init in
hw/core/machine.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from memkit import config as config_
from memkit.boards.boot_other import TARGETS as OTHERS
from memkit.boards.boot_other import build_other
from memkit.boards.boot_x86 import build_x86
from memkit.boards.recorded import recorded_releases
from memkit.config import Config
from memkit.config.parse import build
from memkit.errors import MemkitError, Refused
from memkit.guest import Guest
from memkit.host import Host, host_or_usual
from memkit.versions import DEFAULT_QEMU, nearest_qemu, parse_version
from memkit.versions.wordings import said_by

__all__ = ["boot"]

TARGETS = ("x86_64", "i386", *OTHERS)


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
    if target is not None and target not in TARGETS:
        raise _unknown(target)
    config = line if isinstance(line, Config) else config_.parse(line, version, target)
    wanted = target or config.target or "x86_64"
    if wanted not in TARGETS:
        raise _unknown(wanted)
    if wanted in OTHERS:
        version, note = _recorded(wanted, version, note)
    if config.qemu != version or (config.target or "x86_64") != wanted:
        config = build(config.options, config.program, wanted if target else config.target, version)
    on = host_or_usual(host)
    try:
        built, numa = (build_other if wanted in OTHERS else build_x86)(config, on, wanted)
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


def _unknown(target: str) -> MemkitError:
    return MemkitError(f"the model does not know target {target!r}; it knows: {', '.join(TARGETS)}")


@lru_cache(maxsize=64)
def _recorded(target: str, version: str, note: str) -> tuple[str, str]:
    """The newest release up to ``version`` that was recorded for ``target``, and the note on it."""
    older = [v for v in recorded_releases(target) if parse_version(v) <= parse_version(version)]
    if not older:
        raise MemkitError(f"the model does not know QEMU {version} for {target}")
    if older[-1] == version:
        return version, note
    return older[-1], f"QEMU {version} is not known for {target}; the facts are those of QEMU {older[-1]}."
