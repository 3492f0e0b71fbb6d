"""Arm's virt under KVM: how far the host's tables reach.

It needs an Arm host and could not be tried.  The words are those of QEMU's source.
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.host import Host
from memkit.units import hex_address

__all__ = ["RULES"]

# What KVM gives a guest that asks for nothing (KVM_CAP_ARM_VM_IPA_SIZE in Linux's api.rst).
_USUAL_BITS = 40


def _far(scene: Scene) -> Iterator[Culprit]:
    if not scene.guest.machine_type.startswith("virt"):
        return
    regions = scene.guest.address_space("memory").root.subregions
    blocks = {id(b.backend) for b in scene.guest.ram_blocks if b.backend in scene.main_ram}
    ends = [(region.addr + region.size, region.name) for region in regions
            if region.name == "device-memory" or (region.block and id(region.block.backend) in blocks)]
    end, name = max(ends, default=(0, ""))
    bits = (end - 1).bit_length()
    if end and bits > _USUAL_BITS:
        option = scene.config.last("m") if scene.config else None
        yield Culprit(f"{name} ends at {hex_address(end - 1)}, which takes {bits} address bits.", (name,),
                      (option,) if option else ())


_KVM = "qemu-system-aarch64 -accel kvm -cpu host -M virt"

RULES = (
    Rule(
        "arm-ipa-kvm", "A guest that not every Arm host can hold", "surprise", ("kvm", "m-size"),
        "KVM translates as many address bits (IPA) as the host's CPU has: 40 on small boards, 44 or 48 on "
        "servers. RAM and the room that maxmem= makes must fit, or QEMU says: -m and ,maxmem option values "
        "require an IPA range larger than the one supported by the host.",
        "ask for a smaller maxmem=, or know the host's CPU",
        ("hw/arm/virt.c: virt_kvm_type, 7.2", "target/arm/kvm.c: kvm_arm_get_max_vm_ipa_size, 7.2",
         "Linux: Documentation/virt/kvm/api.rst, KVM_CAP_ARM_VM_IPA_SIZE, 6.1"),
        _far, example=f"{_KVM} -m 1G,slots=2,maxmem=2T", innocent=f"{_KVM} -m 1G,slots=2,maxmem=512G",
        host=Host.of("aarch64"), since="4.0", architectures=("aarch64",),
    ),
)
