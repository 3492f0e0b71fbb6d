"""The guest's pages on the host's: hash page tables of Power, huge pages and pieces of RAM on Z.

Most of it needs the hardware and could not be tried.  The words are those of QEMU's source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memkit.config import Config
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.host import Host
from memkit.units import human, parse_size

__all__ = ["RULES"]

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30
_CAP = "cap-hpt-max-page-size"
# SPAPR_CAP_HPT_MAXPAGESIZE in hw/ppc/spapr.c.
_DEFAULT = 64 * _KIB
# These take what the memory allows (spapr_machine_2_12_class_options, hw/ppc/spapr.c).
_OLD_PSERIES = re.compile(r"pseries-2\.")
# These let no huge page pass (ccw_machine_3_0_class_options, hw/s390x/s390-virtio-ccw.c).
_OLD_CCW = re.compile(r"s390-ccw-virtio-(2\.\d+|3\.0)")


def _largest_page(scene: Scene) -> int:
    """The largest page of a hash page table that a pseries guest is offered, in bytes; 0 if unlimited."""
    word = scene.machine.get(_CAP)
    if word is None:
        return 0 if _OLD_PSERIES.match(scene.guest.machine_type) else _DEFAULT
    try:
        return parse_size(word)
    except (ValueError, OverflowError):
        return 0


def _hash_pages(scene: Scene) -> Iterator[Culprit]:
    if not scene.guest.machine_type.startswith("pseries"):
        return
    largest = _largest_page(scene)
    for backend in scene.mapped:
        if backend.page_size < largest:
            yield scene.blame(
                backend, f"{backend.id} has pages of {human(backend.page_size)}, and the guest is offered "
                         f"pages of {human(largest)}.",
            )


def _offer_less(config: Config, _culprit: Culprit) -> Config:
    """The line with the default of the capability, or with pages of 4 KiB if it has that already."""
    word = config.machine.get(_CAP)
    smaller = None if word is not None and parse_size(word) > _DEFAULT else "4k"
    return config.with_machine(**{_CAP: smaller})


def _z_2g(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        if backend.huge and backend.page_size > _MIB:
            yield scene.blame(
                backend, f"{backend.id} has pages of {human(backend.page_size)}, refused under KVM.")


def _z_old(scene: Scene) -> Iterator[Culprit]:
    if _OLD_CCW.fullmatch(scene.guest.machine_type):
        for backend in scene.mapped:
            if backend.huge:
                yield scene.blame(
                    backend, f"{backend.id} has huge pages, and {scene.guest.machine_type} takes none.")


def _z_1m(scene: Scene) -> Iterator[Culprit]:
    if _OLD_CCW.fullmatch(scene.guest.machine_type):
        return
    for backend in scene.mapped:
        if backend.page_size == _MIB:
            yield scene.blame(backend, f"{backend.id} has pages of 1 MiB.")


def _rounded(scene: Scene) -> Iterator[Culprit]:
    asked = scene.config.memory_options().size if scene.config else None
    got = sum(backend.size for backend in scene.main_ram)
    option = scene.config.last("m") if scene.config else None
    if asked and option and got < asked:
        yield Culprit(f"-m asks for {asked >> 20} MiB, and the guest gets {got >> 20}.", ("-m",), (option,))


_PSERIES = "qemu-system-ppc64 -accel kvm -M pseries -m 1G"
_Z = "qemu-system-s390x -accel kvm"

RULES = (
    Rule(
        "ppc-guest-page-le-host-page", "A page of the guest's hash table does not fit the host's",
        "refuses-to-start", ("kvm",),
        "KVM (HV) maps each page of a guest's hash page table by one page of the host. QEMU compares the "
        "largest that it offers with the smallest behind RAM before the guest can choose a radix table, and "
        "says: Can't support 64 kiB guest pages with 4 kiB host pages with this KVM implementation.",
        "use a host kernel with pages of 64 KiB, or huge pages, or cap-hpt-max-page-size=4k",
        ("hw/ppc/spapr_caps.c: spapr_check_pagesize, 7.2",
         "target/ppc/kvm.c: kvmppc_hpt_needs_host_contiguous_pages, 7.2",
         "Linux: Documentation/virt/kvm/api.rst, KVM_PPC_PAGE_SIZES_REAL, 6.1"),
        _hash_pages, example=_PSERIES, innocent=f"{_PSERIES} -mem-path /dev/hugepages",
        host=Host.of("ppc64le", 4 * _KIB), mend=_offer_less, since="3.0", architectures=("ppc64",),
    ),
    Rule(
        "s390-hugepages-kvm", "Guests under KVM on Z take no pages of 2 GiB", "refuses-to-start",
        ("kvm", "hugetlb"),
        "Kernels before 7.2 map at most 1 MiB at once for a guest. QEMU looks at the largest page behind "
        "RAM and, up to 11.1, refuses, whatever the kernel can: Memory backing with 2G pages was specified, "
        "but KVM does not support this memory backing.",
        "take pages of 1 MiB",
        ("target/s390x/kvm/kvm.c: kvm_s390_set_max_pagesize, 7.2 and 11.1",
         "Linux: arch/s390/mm/gmap.c, __gmap_link, 6.1"),
        _z_2g, example=f"{_Z} -m 2G -mem-path /dev/hugepages", innocent=f"{_Z} -m 2G",
        host=Host.of("s390x", huge_page=2 * _GIB), since="3.1", architectures=("s390x",),
    ),
    Rule(
        "s390-hugepages-old-machine", "Old machine types of Z take no huge pages", "refuses-to-start",
        ("kvm", "hugetlb"),
        "Machine types of 3.0 and older promise what QEMU did then, and that was to let no huge page into a "
        "guest under KVM. QEMU says: This QEMU machine does not support huge page mappings.",
        "take a newer machine type, or ordinary pages",
        ("target/s390x/kvm/kvm.c: kvm_s390_set_max_pagesize, 7.2",
         "hw/s390x/s390-virtio-ccw.c: ccw_machine_3_0_class_options, 7.2"),
        _z_old, example=f"{_Z} -M s390-ccw-virtio-3.0 -m 1G -mem-path /dev/hugepages",
        innocent=f"{_Z} -M s390-ccw-virtio-3.0 -m 1G", host=Host.of("s390x"),
        since="3.1", architectures=("s390x",),
    ),
    Rule(
        "s390-hugepages-need-hpage", "Huge pages on Z need a module parameter", "surprise",
        ("kvm", "hugetlb"),
        "The host's module kvm takes pages of 1 MiB only if it was loaded with hpage=1, which is not the "
        "default. Without it QEMU does not start: Memory backing with 1M pages was specified, but KVM does "
        "not support this memory backing.",
        "load the module with hpage=1; many kernels then refuse nested=1, for guests inside guests",
        ("target/s390x/kvm/kvm.c: kvm_s390_set_max_pagesize, 7.2",
         "Linux: Documentation/virt/kvm/api.rst, KVM_CAP_S390_HPAGE_1M, 6.1",
         "Linux: arch/s390/kvm/kvm-s390.c, kvm_s390_init, 6.1"),
        _z_1m, example=f"{_Z} -m 1G -mem-path /dev/hugepages", innocent=f"{_Z} -m 1G",
        host=Host.of("s390x"), since="3.1", architectures=("s390x",),
    ),
    Rule(
        "s390-hugepages-disable-cmm", "Huge pages on Z switch off collaborative memory management",
        "surprise", ("kvm", "hugetlb"),
        "With collaborative memory management (CMM) a guest tells the host which pages it does not need. It "
        "works on pages of 4 KiB. QEMU warns and leaves it off: CMM will not be enabled because it is not "
        "compatible with huge memory backings.",
        "take ordinary pages where the host has to get memory back",
        ("target/s390x/kvm/kvm.c: kvm_s390_enable_cmma, 7.2",),
        _z_1m, example=f"{_Z} -m 1G -mem-path /dev/hugepages", innocent=f"{_Z} -m 1G",
        host=Host.of("s390x"), since="3.1", architectures=("s390x",),
    ),
    Rule(
        "s390-ram-fixup-old-machine", "Old machine types of Z round RAM down", "surprise", ("m-size",),
        "A guest on Z learns its RAM in equal pieces. Machine types of 4.2 and older have at most 1020 of "
        "them, so that larger guests lose what does not fill a piece.",
        "take a multiple of the piece, or a newer machine type",
        ("hw/s390x/s390-virtio-ccw.c: s390_fixup_ram_size, 7.2",),
        _rounded, example="qemu-system-s390x -M s390-ccw-virtio-4.2 -m 1025M",
        innocent="qemu-system-s390x -M s390-ccw-virtio-5.0 -m 1025M", since="5.0", until="10.2",
        architectures=("s390x",),
    ),
)
