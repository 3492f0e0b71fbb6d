"""What the devices of a line can name: ids, drives, block nodes, and properties that ``-global`` sets.

Every device asks, so each index is made once, at the first question: walking the whole line for each
device would take a thousand devices a million steps.
"""

from __future__ import annotations

from functools import cached_property

from memkit.config import Config, DeviceSpec, DriveSpec

__all__ = ["Names"]

# Properties whose value only one device may have.
_SOLE = ("netdev", "drive")


class Names:
    """The names on one command line.

    >>> from memkit.config import parse
    >>> names = Names(parse("-chardev null,id=c1 -global VGA.vgamem_mb=8"))
    >>> names.ids("chardev"), names.globals("VGA", "pci-device")
    ({'c1'}, [('VGA', 'vgamem_mb', '8')])
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._ids: dict[str, set[str]] = {}

    def ids(self, option: str) -> set[str]:
        """The ids of all options called ``option``."""
        found = self._ids.get(option)
        if found is None:
            words = [dict(o.args) for o in self._config.all(option)]
            found = self._ids[option] = {pairs["id"] for pairs in words if "id" in pairs}
        return found

    @cached_property
    def nodes(self) -> set[str]:
        """The names of all block nodes."""
        return {node.node_name for node in self._config.blockdevs}

    @cached_property
    def _drives(self) -> dict[str | None, DriveSpec]:
        return {drive.id: drive for drive in reversed(self._config.drives)}

    def drive(self, id: str) -> DriveSpec | None:
        """The first drive with this id, or None."""
        return self._drives.get(id)

    @cached_property
    def _users(self) -> dict[tuple[str, str], DeviceSpec]:
        return {
            (name, spec.props[name]): spec for spec in reversed(self._config.devices) for name in _SOLE
            if isinstance(spec.props.get(name), str)
        }

    def used_before(self, spec: DeviceSpec, name: str, value: str) -> bool:
        """True if a device in front of ``spec`` has the same ``netdev`` or ``drive``."""
        return self._users.get((name, value), spec) is not spec

    @cached_property
    def _globals(self) -> dict[str, list[tuple[int, tuple[str, str, str]]]]:
        found: dict[str, list[tuple[int, tuple[str, str, str]]]] = {}
        for place, entry in enumerate(self._config.globals):
            found.setdefault(entry[0], []).append((place, entry))
        return found

    def globals(self, *drivers: str) -> list[tuple[str, str, str]]:
        """Each ``-global`` for one of ``drivers``, in their order: driver, property and value."""
        return [entry for _, entry in sorted(e for driver in drivers for e in self._globals.get(driver, ()))]
