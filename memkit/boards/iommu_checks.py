"""What an intel-iommu checks of its properties when it is realized.

Source: vtd_decide_config in hw/i386/intel_iommu.c (QEMU 5.2 to 11.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.device_refusals import refuse_device
from memkit.config import DeviceSpec

__all__ = ["check_intel_iommu"]

_WIDTHS = (39, 48)
_ON = (True, "on")


def check_intel_iommu(build: Build, spec: DeviceSpec, props: Mapping[str, Any]) -> None:
    """Raise Refused if the properties do not go together."""
    facts, first_stage = build.qemu, props.get("x-flts") or props.get("fsts")
    scalable = props.get("x-scalable-mode") or props.get("scalable-mode")
    said = ""
    if props.get("x-pasid-mode") and props.get("device-iotlb"):
        said = "PASID based device IOTLB is not supported"
    elif props.get("eim") in _ON and props.get("intremap") in (False, "off"):
        said = "eim=on cannot be selected without intremap=on"
    elif props.get("eim") in _ON and facts.eim_needs_kvm and not props.get("x-buggy-eim"):
        said = "eim=on requires accel=kvm,kernel-irqchip=split" if build.machine.accelerator != "kvm" else ""
    elif first_stage and not scalable:
        said = f"{'x-flts' if props.get('x-flts') else 'fsts'} is only available in scalable mode"
    elif props.get("aw-bits", _WIDTHS[1]) not in (_WIDTHS[1:] if first_stage else _WIDTHS):
        said = _width(facts.version, bool(scalable), bool(first_stage))
    elif scalable and props.get("dma-drain") is False:
        said = "Need to set dma_drain for scalable mode"
    elif (props.get("x-pasid-mode") or props.get("pasid-bits")) and not scalable:
        said = "Need to set scalable mode for PASID"
    if said:
        raise refuse_device(
            spec, said, "Some properties of an IOMMU need others.",
            "leave them out, or see -device intel-iommu,help", "vtd_decide_config, hw/i386/intel_iommu.c",
        )


def _width(qemu: str, scalable: bool, first_stage: bool) -> str:
    """What QEMU says to aw-bits=; some releases have a property for the first stage of translation."""
    known = catalog.device(qemu, "intel-iommu")
    stage = next((n for n in ("fsts", "x-flts") if known and n in known.properties), "").removeprefix("x-")
    if not stage:
        return "Supported values for aw-bits are: 39, 48"
    if first_stage:
        return f"Scalable mode({stage}=on): supported value for aw-bits is: 48"
    mode = f"Scalable mode({stage}=off)" if scalable else "Legacy mode"
    return f"{mode}: supported values for aw-bits are: 39, 48"
