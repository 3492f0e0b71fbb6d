"""Start-up from the option loop to the backends: the checks that QEMU makes before there is a board.

Their order decides which of two mistakes is reported.  Before 7.1, ``-m``, ``-smp`` and the objects stood
at other places in it.

Source: qemu_init, qemu_create_early_backends and qemu_apply_machine_options in softmmu/vl.c (QEMU 7.2);
qemu_init in softmmu/vl.c (QEMU 5.2).
"""

from __future__ import annotations

from memkit.boards import cpus
from memkit.boards.backends import check_objects, check_types, create_backends
from memkit.boards.build import Build, Memdev
from memkit.boards.drives import check_drives
from memkit.boards.graphics import check_vga
from memkit.boards.machine import (
    Machine,
    apply_memory,
    apply_properties,
    apply_smp,
    set_accelerator,
)
from memkit.boards.machine_properties import check_boot_order, set_old_properties
from memkit.boards.old_devices import check_watchdog
from memkit.boards.refusals import refuse
from memkit.config import Config
from memkit.config.behind import check_kernel
from memkit.config.networks import check_networks
from memkit.host import Host

__all__ = ["check_device_tree", "start"]


def start(machine: Machine, config: Config, host: Host, target: str) -> tuple[Build, Memdev | None]:
    """The Build with its machine, accelerator and objects, and the backend of memory-backend=, if any.

    Raises Refused.
    """
    build = Build(config, host, machine, target)
    build.warnings.extend(config.warnings)
    if machine.qemu.compound_options:
        return build, _start(build, machine)
    return build, _old_start(build, machine)


def _start(build: Build, machine: Machine) -> Memdev | None:
    config = build.config
    check_vga(config, build.program)
    check_types(build)
    check_drives(config, machine, build.host)
    apply_properties(machine, config)
    set_accelerator(machine, config, build.host)
    build.warnings.extend(machine.warnings)
    check_networks(config.nics, machine.qemu)
    create_backends(build)
    _check_cpu(build)
    if "sgx-epc" in machine.words:
        # No host of the model has SGX, so that there is never a memory-backend-epc.
        raise refuse("object-link", config.last("machine"), name=machine.words["sgx-epc"])
    name = machine.words.get("memory-backend")
    if not name:
        return None
    memdev = _resolve(build, name)
    if config.memory_options().size is None:
        machine.ram_size = memdev.backend.size
    return memdev


def _old_start(build: Build, machine: Machine) -> Memdev | None:
    config = build.config
    apply_memory(machine, config)
    apply_smp(machine, config)
    check_objects(build)
    check_drives(config, machine, build.host)
    set_old_properties(machine, config)
    set_accelerator(machine, config, build.host)
    build.warnings.extend(machine.warnings)
    check_boot_order(config)
    check_kernel(config.options, dict(config.machine), compound=False)
    check_networks(config.nics, machine.qemu)
    create_backends(build)
    check_vga(config, build.program)
    check_watchdog(config)
    _check_cpu(build)
    name = machine.words.get("memory-backend")
    if not name:
        return None
    memdev = _resolve(build, name)
    if config.memory_options().size is not None and memdev.backend.size != machine.ram_size:
        raise refuse("ram-size-mismatch", config.last("m"), ram=hex(machine.ram_size), name=name,
                     size=hex(memdev.backend.size))
    if config.flag("mem-path"):
        raise refuse("mem-path-and-backend", config.last("mem-path"))
    return memdev


def check_device_tree(build: Build) -> None:
    """Raise Refused where ``-machine dumpdtb=`` wants a device tree of a board that has none, last of all."""
    pc = build.machine.board is None and build.machine.family != "microvm"
    if build.qemu.dumpdtb_checked and "dumpdtb" in build.machine.words and pc:
        raise refuse("no-device-tree", build.config.last("machine"))


def _check_cpu(build: Build) -> None:
    if build.machine.board is None:
        cpus.model(build)
    else:
        build.machine.board.check_cpu(build)


def _resolve(build: Build, name: str) -> Memdev:
    memdev = build.memdevs.get(name)
    if memdev is None:
        raise refuse("no-memory-backend", build.config.last("machine"), name=name)
    return memdev
