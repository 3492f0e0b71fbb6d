"""Start-up of the boards that are no PC: the phases that all of them share, in QEMU's order.

What a board has of its own stands in its module; ``BOARDS`` lists them.

Source: qemu_init, qmp_x_exit_preconfig in softmmu/vl.c, machine_run_board_init in hw/core/machine.c
(QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards import catalog
from memkit.boards.bare import build_bare, is_bare
from memkit.boards.board import Board
from memkit.boards.build import Build
from memkit.boards.buses import add_board_buses
from memkit.boards.devices import DeviceBuilder
from memkit.boards.graphics import unused_vga
from memkit.boards.machine import Machine
from memkit.boards.main_ram import check_main_ram, main_ram
from memkit.boards.numa import numa_nodes, parse_numa
from memkit.boards.plugging import plug_devices
from memkit.boards.powernv import OldPowernv9, Powernv9
from memkit.boards.pseries import Pseries
from memkit.boards.raspi import OldRaspi3b, Raspi3b
from memkit.boards.recorded import program_name
from memkit.boards.refusals import refuse
from memkit.boards.s390x import S390Ccw
from memkit.boards.sbsa_ref import SbsaRef
from memkit.boards.sifive_u import OldSifiveU, SifiveU
from memkit.boards.startup import start
from memkit.boards.topology import Topology
from memkit.boards.vexpress import VexpressA15
from memkit.boards.virt_arm import OldVirtArm, VirtArm
from memkit.boards.virt_riscv import OldVirtRiscv, PlainVirtRiscv, VirtRiscv
from memkit.config import Config, Option
from memkit.errors import MemkitError, Refused
from memkit.host import Host
from memkit.memory.device import NumaNode
from memkit.versions import holds, parse_version, qemu_facts

__all__ = ["BOARDS", "TARGETS", "board_types", "build_other"]

BOARDS: tuple[Board, ...] = (
    VirtArm(), OldVirtArm(), SbsaRef(), Raspi3b(), OldRaspi3b(), VexpressA15(), Pseries(), Powernv9(),
    OldPowernv9(), VirtRiscv(), PlainVirtRiscv(), OldVirtRiscv(), SifiveU(), OldSifiveU(), S390Ccw(),
)
TARGETS = ("aarch64", "arm", "ppc64", "riscv64", "s390x")
# Options that are short for a machine option (main loop of qemu_init, softmmu/vl.c, QEMU 5.2).
_MACHINE_OPTIONS = frozenset(("machine", "kernel", "initrd", "append", "dtb", "bios"))
# The type of a program without -machine (is_default in each board's file).
_DEFAULTS = {"ppc64": "pseries", "riscv64": "spike", "s390x": "s390-ccw-virtio"}


def build_other(config: Config, host: Host, target: str) -> tuple[Build, tuple[NumaNode, ...]]:
    """Everything that QEMU builds for ``config`` on a board of ``target``; raises Refused."""
    config.check_memory()
    if is_bare(config):
        return build_bare(config, host, target), ()
    machine, board = select_board(config, target)
    build, main = start(machine, config, host, target)
    board.fix_ram_size(build)
    numa = parse_numa(build)
    board.check_numa(build)
    main = check_main_ram(build, main, numa)
    board.before_ram(build)
    ram = main_ram(build, numa, main)
    add_board_buses(build)
    board.build_memory(build, ram)
    devices = DeviceBuilder(build, None, len(numa.nodes))
    board.add_default_devices(build, devices)
    plug_devices(build, devices)
    board.finish(build)
    board.add_address_spaces(build)
    build.warnings += unused_vga(build)
    return build, numa_nodes(build, numa)


def select_board(config: Config, target: str) -> tuple[Machine, Board]:
    """The machine that ``config`` asks for, and its board; raises Refused, or MemkitError without a model."""
    program, facts = program_name(target, config.qemu), qemu_facts(config.qemu)
    name = config.machine.get("type", _DEFAULTS.get(target))
    if name is None:
        raise Refused(
            "No machine specified, and there is no default\nUse -machine help to list supported machines",
            explanation=f"qemu-system-{target} has many boards, and none that everybody wants.",
            hint=f"add -machine {board_types(target)[0]}", source="select_machine, softmmu/vl.c, QEMU 7.2",
        )
    record = catalog.machine(program, name)
    if record is None:
        old = not facts.compound_options
        option = _first_of_machine(config) if old else config.last("machine")
        known = f"{', '.join(board_types(target))} (QEMU {config.qemu})"
        raise refuse("machine-type", option, old, name=name, known=known)
    for board in BOARDS:
        if target in board.targets and holds(config.qemu, board.releases) and (
            record.name == board.family or (board.prefix and record.name.startswith(board.prefix))
        ):
            number = record.name.removeprefix(board.prefix) if board.prefix else config.qemu
            # pseries-2.12-sxxm is a variant of its version.
            version = parse_version(number.partition("-")[0])
            machine = Machine(
                board.family, record.name, version, board.facts(version), facts,
                ram_size=board.default_ram, maxram_size=board.default_ram, target=target, board=board,
            )
            count = board.default_cpus
            machine.cpus = machine.max_cpus = count
            machine.topology = Topology(count, count)
            return machine, board
    raise MemkitError(
        f"QEMU {config.qemu} has machine type {name!r} for {target}, but the model does not build it; "
        f"use {' or '.join(board_types(target))} (versioned types, too)"
    )


def _first_of_machine(config: Config) -> Option:
    """The first option that sets a machine option: where QEMU says that the type is unknown (before 7.1)."""
    return next(o for o in config.options if o.name in _MACHINE_OPTIONS)


def board_types(target: str) -> list[str]:
    """The machine types of ``target`` that the model builds, without their versions."""
    return list(dict.fromkeys(board.family for board in BOARDS if target in board.targets))
