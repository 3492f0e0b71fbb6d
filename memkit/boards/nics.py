"""Which NICs the machine makes: ``-nic``, ``-net nic``, or the default one.

Source: net_init_clients and net_client_parse in net/net.c, pc_nic_init in hw/i386/pc.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.refusals import refuse
from memkit.config import Option
from memkit.errors import Refused

__all__ = ["Nic", "has_own_nic", "own_nic", "unmade_nics", "wanted_nics"]

ISA_NIC = "ne2k_isa"
# Where the board puts one after the other; there is no place for a seventh (ne2000_io, hw/i386/pc.c).
_ISA_PORTS = (0x300, 0x320, 0x340, 0x360, 0x280, 0x380)
# Domain, bus and slot.
_ADDRESS = re.compile(r"(?:(?:(?:0x)?([0-9a-fA-F]+):)?(?:0x)?([0-9a-fA-F]+):)?(?:0x)?([0-9a-fA-F]+)")
_LAST_SLOT = 0x1F
# Short names that -net nic,model= takes for a device.
_SHORT = {"virtio": "virtio-net-pci"}


class Nic(NamedTuple):
    """A NIC of the board: its driver, the index of its option, and the properties that say where it goes."""

    driver: str
    option_index: int | None
    props: Mapping[str, Any] = MappingProxyType({})


def wanted_nics(build: Build) -> list[Nic]:
    """The NICs of the board, ISA ones among them; raises Refused for a bad model."""
    config = build.config
    board = build.machine.board
    if build.machine.family == "microvm" or (board is not None and not board.makes_nics):
        # It makes none; those of -nic and -net are left over with a warning.
        return []
    found: list[Nic] = []
    taken = 0
    for option, model, words in _asked(build):
        if not _possible(build, model):
            if not build.qemu.nics_left_over:
                raise _refusal(build, option, model)
        elif model != ISA_NIC:
            driver, props = _names(build).get(model, model), {}
            # Newer releases read addr=, but do not look at it any more.
            if "addr" in words and not build.qemu.nics_left_over:
                props = {"addr": _slot(option, driver, words["addr"])}
            found.append(Nic(driver, build.option_index(option), props))
        elif taken < len(_ISA_PORTS):
            found.append(Nic(model, build.option_index(option), {"iobase": _ISA_PORTS[taken]}))
            taken += 1
    if build.qemu.nics_left_over:
        found.sort(key=lambda nic: nic.driver != ISA_NIC)
    default = build.machine.facts.default_nic
    if config.nics or config.flag("nodefaults") or not default:
        return found
    return [Nic(default, None, {"iobase": _ISA_PORTS[0]} if default == ISA_NIC else {})]


def own_nic(build: Build) -> Option | None:
    """The option that asks for the only NIC of a board without PCI; raises Refused for another model.

    None if there is none; without any option, the board has its NIC (see ``has_own_nic``).
    """
    model = build.machine.board.own_nic if build.machine.board is not None else ""
    for option, wanted, _ in _asked(build):
        if wanted in ("", model):
            return option
        if not build.qemu.nics_left_over:
            raise refuse("nic-model", option, model=wanted)
    return None


def has_own_nic(build: Build) -> bool:
    """True if a board without PCI makes its NIC; raises Refused for a model that is not the board's."""
    if not build.config.nics:
        return not build.config.flag("nodefaults")
    return own_nic(build) is not None


def unmade_nics(build: Build) -> list[str]:
    """What QEMU says about NICs of models that the board cannot make: since 9.0 it starts without them."""
    board = build.machine.board
    everything = build.machine.family == "microvm" or (board is not None and not board.makes_nics)
    if not build.qemu.nics_left_over and not everything:
        return []
    made = own_nic(build) if board is not None and board.own_nic else None
    left = [
        (model, words) for option, model, words in _asked(build)
        if (everything or not _possible(build, model)) and option is not made
    ]
    return [
        *(f"warning: netdev {words['id']} has no peer" for _, words in left if "id" in words),
        *(f"warning: requested NIC (anonymous, model {model or 'unspecified'}) was not created (not "
          "supported by this machine?)" for model, _ in left),
    ]


def _asked(build: Build) -> Iterator[tuple[Option, str, Mapping[str, str]]]:
    """Each option that asks for a NIC of the board, with its model and all of its words."""
    default = build.machine.facts.default_nic or ""
    for option in build.config.nics:
        words = dict(option.args)
        kind = words.get("type", "")
        if option.name == "netdev" or kind == "none" or (option.name == "net" and kind != "nic"):
            continue
        yield option, words.get("model", default), words


def _slot(option: Option, driver: str, text: str) -> str:
    """addr= of ``-net nic`` as a slot; raises Refused (pci_parse_devaddr, hw/pci/pci.c)."""
    found = _ADDRESS.fullmatch(text)
    if found is None or any(int(n or "0", 16) for n in found.groups()[:2]) or int(found[3], 16) > _LAST_SLOT:
        raise Refused(
            f"Invalid PCI device address {text} for device {driver}",
            explanation="A NIC of the board has a slot on the root bus.", hint="use addr=5, for example",
            option=option.text, position=option.index, source="pci_nic_init_nofail, hw/pci/pci.c, QEMU 7.2",
        )
    return found[3]


def _possible(build: Build, model: str) -> bool:
    if build.machine.family == "isapc":
        return model == ISA_NIC
    return model in (*catalog.nic_models(build.program), ISA_NIC, *_names(build))


def _names(build: Build) -> Mapping[str, str]:
    """Short names, and models that only this board has, → driver."""
    board = build.machine.board
    return _SHORT if board is None else {**_SHORT, **board.nic_names}


def _refusal(build: Build, option: Option, model: str) -> Refused:
    if model not in (*catalog.nic_models(build.program), *_SHORT):
        return refuse("nic-model", option, model=model)
    return Refused(
        "No primary PCI bus", explanation="This NIC is a PCI card, and the machine has no PCI.",
        hint=f"use model={ISA_NIC}, or -M pc", option=option.text, position=option.index,
        source="pci_nic_init_nofail, hw/pci/pci.c, QEMU 7.2",
    )
