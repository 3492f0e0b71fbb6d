"""memkit: how QEMU handles guest RAM, to read, to see and to try.

A QEMU command line goes in; the guest's memory, as QEMU would build it, comes out::

    import memkit
    guest = memkit.boot("-m 4G,slots=4,maxmem=16G")
    print(guest.monitor("info ramblock"))

The model runs on the standard library alone.  Pictures and the explorer need the extra
``memkit[lab]``.  Names are loaded when they are first used, so that ``import memkit`` is quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memkit.architectures import Architectures, architectures
    from memkit.atlas import Atlas, atlas
    from memkit.boot import boot
    from memkit.config import Config
    from memkit.diff import Difference, diff
    from memkit.errors import CommandLineError, HostError, MemkitError, Refused, Unavailable
    from memkit.explain import Explanation
    from memkit.guest import Guest
    from memkit.hazards import Hazard, mend
    from memkit.history import since, talk
    from memkit.host import Host, Mount
    from memkit.lab.check import check
    from memkit.lab.drills import drill
    from memkit.lab.explorer import explore
    from memkit.lab.layouts import Layouts, layouts
    from memkit.lab.predict import predict
    from memkit.lab.progress import progress
    from memkit.lab.real import real
    from memkit.lab.stepper import steps
    from memkit.migration import Outlook, migrate
    from memkit.monitor.parser import read_monitor
    from memkit.qemu.launch import launch

__version__ = "0.1.0"

# The package's face: name → module.  Most used first.
_FACE = {
    # doors
    "boot": "memkit.boot",
    "launch": "memkit.qemu.launch",
    "read_monitor": "memkit.monitor.parser",
    # what comes out
    "Guest": "memkit.guest",
    "diff": "memkit.diff",
    "mend": "memkit.hazards",
    "migrate": "memkit.migration",
    "atlas": "memkit.atlas",
    "architectures": "memkit.architectures",
    "layouts": "memkit.lab.layouts",
    "explore": "memkit.lab.explorer",
    "predict": "memkit.lab.predict",
    "drill": "memkit.lab.drills",
    "steps": "memkit.lab.stepper",
    "progress": "memkit.lab.progress",
    "real": "memkit.lab.real",
    "check": "memkit.lab.check",
    # then and now
    "since": "memkit.history",
    "talk": "memkit.history",
    # what goes in
    "Config": "memkit.config",
    "Host": "memkit.host",
    "Mount": "memkit.host",
    # results
    "Architectures": "memkit.architectures",
    "Atlas": "memkit.atlas",
    "Difference": "memkit.diff",
    "Explanation": "memkit.explain",
    "Hazard": "memkit.hazards",
    "Layouts": "memkit.lab.layouts",
    "Outlook": "memkit.migration",
    # errors, most general first
    "MemkitError": "memkit.errors",
    "CommandLineError": "memkit.errors",
    "HostError": "memkit.errors",
    "Refused": "memkit.errors",
    "Unavailable": "memkit.errors",
}

__all__ = [
    "Architectures",
    "Atlas",
    "CommandLineError",
    "Config",
    "Difference",
    "Explanation",
    "Guest",
    "Hazard",
    "Host",
    "HostError",
    "Layouts",
    "MemkitError",
    "Mount",
    "Outlook",
    "Refused",
    "Unavailable",
    "__version__",
    "architectures",
    "atlas",
    "boot",
    "check",
    "diff",
    "drill",
    "explore",
    "launch",
    "layouts",
    "mend",
    "migrate",
    "predict",
    "progress",
    "read_monitor",
    "real",
    "since",
    "steps",
    "talk",
]


def __getattr__(name: str) -> Any:
    if name in _FACE:
        value = getattr(import_module(_FACE[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'memkit' has no attribute {name!r}; it has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """The package as a module whose functions are not hidden by the files that hold them.

    Python sets ``memkit.boot`` to the module when anybody loads memkit/boot.py first.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name in _FACE and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
