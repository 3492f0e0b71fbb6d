"""The smallest changes of a command line that mend something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memkit.boards.boot_other import TARGETS, select_board
from memkit.errors import MemkitError

if TYPE_CHECKING:
    from memkit.config import Config, Option
    from memkit.hazards.rule import Culprit, Mender

__all__ = [
    "drop_option", "preallocate", "set_machine", "set_property", "share_mem_path", "share_memory",
]

# The RAM of a PC without -m.
PC_SIZE = 128 << 20


def set_property(**properties: str | None) -> Mender:
    """A Mender that sets (or, with None, removes) properties of the culprit's options; ``_`` is ``-``."""
    changes = {name.replace("_", "-"): value for name, value in properties.items()}

    def mend(config: Config, culprit: Culprit) -> Config:
        for option in culprit.options:
            here = current(config, option)
            if here is not None:
                config = config.with_properties(here, changes)
        return config

    return mend


def set_machine(**properties: str | None) -> Mender:
    """A Mender that sets (or, with None, removes) properties of ``-machine``."""
    return lambda config, _culprit: config.with_machine(None, **properties)


def drop_option(config: Config, culprit: Culprit) -> Config:
    """``config`` without the options of the culprit."""
    for option in culprit.options:
        here = current(config, option)
        if here is not None:
            config = config.without(here)
    return config


def preallocate(config: Config, culprit: Culprit) -> Config:
    """``config`` with prealloc=on for the culprit's backends, ``-mem-prealloc`` for the machine's own."""
    if all(option.name == "object" for option in culprit.options):
        return set_property(prealloc="on")(config, culprit)
    return config if config.flag("mem-prealloc") else config.with_option("-mem-prealloc")


def share_mem_path(config: Config, _culprit: Culprit) -> Config:
    """``config`` with a shared file backend for main RAM instead of ``-mem-path``."""
    option = config.last("mem-path")
    if option is None:
        return config
    return _main_ram(config.without(option), "memory-backend-file", mem_path=option.value)


def share_memory(config: Config, culprit: Culprit) -> Config:
    """``config`` with shared memory that has a descriptor, for the culprit's backends or for main RAM."""
    for option in culprit.options:
        here = current(config, option)
        if here is not None:
            anonymous = dict(here.args).get("qom-type") == "memory-backend-ram"
            changes = {"qom-type": "memory-backend-memfd"} if anonymous else {}
            config = config.with_properties(here, {**changes, "share": "on"})
    return config if culprit.options else _main_ram(config, "memory-backend-memfd")


def _main_ram(config: Config, type: str, **words: object) -> Config:
    """``config`` with a shared backend of its own for main RAM."""
    if config.flag("numa"):
        raise MemkitError("with -numa every node needs a backend: write -numa node,memdev=ID for each")
    if config.flag("mem-prealloc"):
        words["prealloc"] = "on"
    size = config.memory_options().size or _default_size(config)
    return config.with_backend(type, "ram", size=size, share="on", **words).with_machine(memory_backend="ram")


def _default_size(config: Config) -> int:
    """The bytes of RAM that the machine has without ``-m``."""
    if config.target not in TARGETS:
        return PC_SIZE
    return select_board(config, config.target)[0].ram_size


def current(config: Config, option: Option) -> Option | None:
    """``option`` as ``config`` has it after earlier changes: the one with the same name and id."""
    if option in config.options:
        return option
    given = dict(option.args).get("id")
    if given is None:
        return None
    return next((o for o in config.all(option.name) if dict(o.args).get("id") == given), None)
