"""Arm's virt under KVM: how far the host's tables reach, and memory with tags (MTE).

These need an Arm host and could not be tried.  The words are those of QEMU's source.
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import set_machine
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


def _tagged(scene: Scene) -> bool:
    """True if the guest has memory tags."""
    return scene.machine.get("mte") in ("on", "true", "yes", "y")


def _stays(scene: Scene) -> Iterator[Culprit]:
    if _tagged(scene):
        yield Culprit("mte=on blocks migration.", ("mte",))


def _untaggable(scene: Scene) -> Iterator[Culprit]:
    if not _tagged(scene):
        return
    for backend in scene.mapped:
        why = ""
        if backend.filesystem not in ("anonymous", "memfd", "tmpfs", "hugetlbfs"):
            why = f"is in a file on {backend.filesystem}, which takes no tags"
        elif backend.huge:
            why = "has huge pages of a pool, which take no tags before Linux 6.13"
        elif backend.share:
            why = "is shared, which KVM refuses before Linux 6.2"
        if why:
            yield scene.blame(backend, f"{backend.id} {why}.")


_KVM = "qemu-system-aarch64 -accel kvm -cpu host -M virt"
_FILE = "-m 1G -object memory-backend-file,id=f,size=1G,mem-path=/var/tmp/f,share=on"

RULES = (
    Rule(
        "arm-ipa-kvm", "A guest that not every Arm host can hold", "surprise", ("kvm", "m-size"),
        "KVM translates as many address bits (IPA) as the host's CPU has: 40 on small boards, 44 or 48 on "
        "servers. RAM and the room that maxmem= makes must fit, or QEMU says, with both numbers: -m and "
        ",maxmem option values require an IPA range (41 bits) larger than the one supported by the host "
        "(40 bits).",
        "ask for a smaller maxmem=, or know the host's CPU",
        ("hw/arm/virt.c: virt_kvm_type, 7.2", "target/arm/kvm.c: kvm_arm_get_max_vm_ipa_size, 7.2",
         "Linux: Documentation/virt/kvm/api.rst, KVM_CAP_ARM_VM_IPA_SIZE, 6.1"),
        _far, example=f"{_KVM} -m 1G,slots=2,maxmem=2T", innocent=f"{_KVM} -m 1G,slots=2,maxmem=512G",
        host=Host.of("aarch64"), since="4.0", architectures=("aarch64",),
    ),
    Rule(
        "arm-mte-kvm-migration", "Memory tags under KVM stay behind", "refuses-operation",
        ("kvm", "migrate-precopy"),
        "The tags of a guest's memory are beside its content, and nobody puts them into the stream. QEMU "
        "says: Live migration disabled due to MTE enabled.",
        "leave out mte=on for guests that have to move",
        ("target/arm/kvm.c: kvm_arm_enable_mte, 9.2",),
        _stays, example=f"{_KVM},mte=on -m 1G", innocent=f"{_KVM} -m 1G", operations=("migrate-precopy",),
        host=Host.of("aarch64"), mend=set_machine(mte=None), since="9.2", architectures=("aarch64",),
    ),
    Rule(
        "arm-mte-kvm-shared-memory", "Memory that cannot have tags", "refuses-to-start", ("kvm",),
        "With tags KVM takes only memory whose pages can have them: private anonymous memory always, "
        "shared memory and huge pages on newer kernels, files on disks never. For another piece the kernel "
        "answers: Invalid argument, and QEMU ends.",
        "back the guest with anonymous memory, or leave out mte=on",
        ("target/arm/kvm.c: kvm_arm_enable_mte, 9.2",
         "Linux: arch/arm64/kvm/mmu.c, kvm_arch_prepare_memory_region, 6.1 and 6.2",
         "Linux: arch/arm64/include/asm/mman.h, arch_calc_vm_flag_bits, 6.13"),
        _untaggable, example=f"{_KVM},mte=on,memory-backend=f {_FILE}",
        innocent=f"{_KVM},memory-backend=f {_FILE}", host=Host.of("aarch64"), mend=set_machine(mte=None),
        since="9.2", architectures=("aarch64",),
    ),
)
