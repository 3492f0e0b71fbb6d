"""Main RAM: one backend for all of it, or one for each NUMA node.

Source: machine_run_board_init in hw/core/machine.c, create_default_memdev in softmmu/vl.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.backends import create_default_backend
from memkit.boards.build import Build, Memdev
from memkit.boards.numa import complete_numa, consume
from memkit.boards.numa_state import NumaState
from memkit.boards.refusals import refuse
from memkit.memory.device import Frontend
from memkit.memory.region import MemoryRegion

__all__ = ["check_main_ram", "main_ram"]


def check_main_ram(build: Build, main: Memdev | None, numa: NumaState) -> Memdev | None:
    """The backend of main RAM: ``main``, a new one, or None if the nodes or the board have their own.

    Raises Refused.
    """
    machine = build.machine
    if main is not None:
        if machine.qemu.compound_options and main.backend.size != machine.ram_size:
            raise refuse("ram-size-mismatch", build.config.last("m"), ram=hex(machine.ram_size),
                         name=main.backend.id, size=hex(main.backend.size))
        return main
    if not numa.legacy_mem or not machine.ram_id:
        return None
    if machine.ram_id in build.object_types:
        raise refuse("reserved-id", None, name=machine.ram_id)
    mem_path = build.config.last("mem-path")
    return create_default_backend(
        build, machine.ram_id, machine.ram_size, mem_path.value if mem_path else None
    )


def main_ram(build: Build, numa: NumaState, main: Memdev | None) -> MemoryRegion:
    """The region of main RAM, with the nodes complete; raises Refused.

    It is empty where the board makes its RAM by itself and uses no backend.
    """
    ram = complete_numa(build, numa, main)
    build.numa_count = len(numa.nodes)
    if ram is not None:
        return ram
    if not build.machine.ram_id:
        if main is not None:
            consume(build, main)
        return MemoryRegion("", 0)
    assert main is not None
    consume(build, main)
    build.frontends.append(Frontend(
        "machine", None, f"main RAM of {build.machine.type}", main.backend, (main.block,), (main.region,),
        main.backend.option_index if main.option else build.option_index(build.config.last("m")),
    ))
    return main.region
