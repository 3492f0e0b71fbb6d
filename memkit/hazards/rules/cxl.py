"""CXL memory: what becomes of code and of migration in it."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import drop_option
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene

__all__ = ["RULES"]


def _interleaved(scene: Scene, window: str) -> bool:
    """True if the window, cxl-fmw.N.size, spreads its addresses over several host bridges."""
    start = window.removesuffix("size") + "targets."
    return sum(key.startswith(start) for key in scene.machine) > 1


def _execute(scene: Scene) -> Iterator[Culprit]:
    windows = [
        key for key in scene.features["cxl-window"] if scene.version < (11, 1) or _interleaved(scene, key)
    ]
    for spec in scene.drivers("cxl-type3") if windows else ():
        name = spec.id or spec.driver
        yield Culprit(
            f"Code in the memory of {name} cannot run: KVM sees an i/o window ({', '.join(windows)}) there.",
            (name,),
        )


def _left_behind(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("cxl-type3"):
        name = spec.id or spec.driver
        backends = [b.id for b in scene.mapped if b.id in spec.props.values()]
        yield Culprit(
            f"The content of {name} ({', '.join(backends)}) does not go to the destination.",
            (name, *backends), (spec.option,),
        )


_MACHINE = "-M q35,cxl=on"
_WINDOW = ",cxl-fmw.0.targets.0=cxl.1,cxl-fmw.0.size=4G"
_DEVICE = (
    "-m 256M -object memory-backend-ram,id=mem,size=256M -object memory-backend-ram,id=label,size=256M "
    "-device pxb-cxl,bus_nr=12,bus=pcie.0,id=cxl.1 -device cxl-rp,port=0,bus=cxl.1,id=rp,chassis=0,slot=2 "
    "-device cxl-type3,bus=rp,memdev=mem,lsa=label,id=expander"
)

RULES = (
    Rule(
        "cxl-kvm-execute", "Code in CXL memory stops the guest", "data-loss",
        ("cxl-type3", "cxl-window", "kvm"),
        "QEMU decodes each access to the window by itself, so for KVM there is i/o and no memory. Data is "
        "slow, and a guest that runs code there (after adding it to its RAM) stops with an error.",
        "keep data only in it, use TCG (9.0 or newer), or QEMU 11.1 with windows of one target",
        ("hw/cxl/cxl-host.c: cfmws_ops, 7.2",
         "hw/cxl/cxl-host.c: cxl_fmws_direct_passthrough_setup, 11.1"),
        _execute, example=f"-accel kvm {_MACHINE}{_WINDOW} {_DEVICE}",
        innocent=f"-accel tcg {_MACHINE}{_WINDOW} {_DEVICE}", since="7.1",
    ),
    Rule(
        "cxl-memory-not-migrated", "Migration leaves CXL memory behind", "data-loss",
        ("cxl-type3", "migrate-precopy"),
        "The device has no state that migrates, and its backends' RAMBlocks have no name to be found by. "
        "Nothing blocks the migration either: the destination starts with empty CXL memory.",
        "do not migrate guests with CXL memory",
        ("hw/mem/cxl_type3.c: cxl_setup_memory and ct3_class_init, 7.2",),
        _left_behind, example=f"{_MACHINE} {_DEVICE}", innocent=_MACHINE, operations=("migrate-precopy",),
        mend=drop_option, since="7.1",
    ),
)
