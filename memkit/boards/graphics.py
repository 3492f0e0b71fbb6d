"""Which graphics card the machine makes: ``-vga``, or the default one.

Source: select_vgahw and default_list in softmmu/vl.c, pc_vga_init in hw/i386/pc.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.recorded import load
from memkit.boards.refusals import refuse
from memkit.config import Config
from memkit.errors import Refused

__all__ = ["check_vga", "default_vga", "unused_vga"]

# A -device or -global of these types replaces the default graphics card (default_list, softmmu/vl.c).
VGA_DEVICES = frozenset(
    "VGA isa-vga cirrus-vga isa-cirrus-vga vmware-svga qxl-vga virtio-vga ati-vga vhost-user-vga "
    "virtio-vga-gl".split()
)
ISA_MODELS = {"std": "isa-vga", "cirrus": "isa-cirrus-vga"}
VGA_MODELS = {
    "std": "VGA", "cirrus": "cirrus-vga", "vmware": "vmware-svga", "qxl": "qxl-vga", "virtio": "virtio-vga",
}
_NAMES = (*VGA_MODELS, "none", "xenfb", "tcx", "cg3")
_NO_TYPE = "type is NULL"
_SPARC = ("tcx", "cg3")
# What isa_vga_init (hw/isa/isa-bus.c) calls the cards that need PCI.
_WITHOUT_PCI = {"vmware": "vmware_vga", "virtio": "virtio-vga"}


def check_vga(config: Config, program: str = "") -> None:
    """Raise Refused unless ``-vga`` names a card that the program has; "" stands for x86_64's."""
    option = config.last("vga")
    if option is None:
        return
    value = option.value or ""
    said = _refused(program or config.qemu, next((name for name in _NAMES if value.startswith(name)), ""))
    if said == _NO_TYPE and value.startswith(_SPARC):
        raise refuse("vga-sparc", option)
    if said and not said.startswith("unknown"):
        raise Refused(
            said, explanation="This QEMU was built, or packaged, without the card.", hint="use -vga std",
            option=option.text, position=option.index, source="recorded with -vga (data/machines)",
        )
    for name in (*VGA_MODELS, "none", *(() if said else ("xenfb",))):
        if value == name or value.startswith((f"{name},retrace=dumb", f"{name},retrace=precise")):
            return
    raise refuse("vga-model", option, model=value)


def _refused(qemu: str, name: str) -> str:
    if "-" in qemu:
        return _not_there(qemu, name)
    if name == "cg3":
        # The other card of SPARC machines; only the first was recorded.
        return catalog.vga_refusal(qemu, "tcx").replace("TCX", "CG3")
    return catalog.vga_refusal(qemu, name)


def _not_there(program: str, name: str) -> str:
    """What a program for another target says to a card that it does not have, whatever the board."""
    recorded = load("machines", program)["vga"].get("tcx" if name == "cg3" else name, {})
    for text in recorded:
        said = text[2:] if text[:2] == "! " else ""
        if said == _NO_TYPE or "not available" in said or said.startswith("unknown"):
            return said.replace("TCX", "CG3") if name == "cg3" else said
    return ""


def unused_vga(build: Build) -> list[str]:
    """What QEMU says to a ``-vga`` that the board has no place for."""
    option = build.config.last("vga")
    if option is None or option.value == "none":
        return []
    if build.machine.family == "isapc" and option.value not in ISA_MODELS:
        name = _WITHOUT_PCI.get(option.value or "", option.value)
        return [f"isa_vga_init: {name}: no PCI bus"]
    board = build.machine.board
    none = build.machine.family == "microvm" if board is None else not board.vga_used
    if not none or not build.qemu.unused_vga_warned:
        return []
    return [
        "warning: A -vga option was passed but this machine type does not use that option; No VGA device has "
        "been created"
    ]


def default_vga(build: Build) -> str | None:
    """The driver of the default graphics card, or None.

    >>> from memkit import Host
    >>> from memkit.boards.machine import select_machine
    >>> from memkit.config import parse
    >>> config = parse("-vga qxl")
    >>> default_vga(Build(config, Host(), select_machine(config)))
    'qxl-vga'
    """
    board = build.machine.board
    if build.machine.family == "microvm" or (board is not None and not board.vga_used):
        return None
    models = ISA_MODELS if build.machine.family == "isapc" else VGA_MODELS
    choice = build.config.last("vga")
    if choice is not None:
        return models.get((choice.value or "").partition(",")[0])
    if build.config.flag("nodefaults") or build.machine.facts.default_vga is None:
        return None
    named = {spec.driver for spec in build.config.devices} | {g[0] for g in build.config.globals}
    if VGA_DEVICES & named:
        return None
    return models[build.machine.facts.default_vga]
