"""The smallest changes of a command line that mend something."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memkit.config import Config, Option
    from memkit.hazards.rule import Culprit, Mender

__all__ = ["drop_option", "preallocate", "set_machine", "set_property"]


def set_property(**properties: str | None) -> Mender:
    """A Mender that sets (or, with None, removes) properties of every option of the culprit; ``_`` is ``-``."""
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


def current(config: Config, option: Option) -> Option | None:
    """``option`` as ``config`` has it after earlier changes: the one with the same name and id."""
    if option in config.options:
        return option
    given = dict(option.args).get("id")
    if given is None:
        return None
    return next((o for o in config.all(option.name) if dict(o.args).get("id") == given), None)
