"""Those that listen to the guest's address space: KVM, vhost, VFIO, and the dump."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from memkit.all_of_ram.definition import Definition
from memkit.all_of_ram.guests import NO_ADDRESSES, no_balloon, plugged_part
from memkit.all_of_ram.members import Member, Part, out, pieces, unknown

if TYPE_CHECKING:
    from memkit.all_of_ram.look import Look
    from memkit.joined import JoinedRow

__all__ = ["DEFINITIONS"]

UNMAPPED = "nothing shows it at an address now"
_TOP = 1 << 63
# Besides backends, what has a guest_memfd of its own in an SNP or TDX guest (hw/i386: pc.c, x86-common.c).
_PRIVATE = ("pc.bios", "isa-bios", "pc.rom")


def _populated(look: Look, row: JoinedRow, since: tuple[int, int]) -> Member | None:
    """The answer for memory of which only some counts (RamDiscardManager): what is plugged, or shared."""
    private = row.backend is not None or row.block.region_name in _PRIVATE
    if private and look.version >= (10, 1) and "guest-memfd" in look.scene.features:
        return unknown(row.block, "only what the guest shares with the host, which nobody can tell")
    device = look.device(row)
    if device is None or device.kind != "virtio-mem" or look.version < since:
        return None
    return plugged_part(row, device.size)


def _dump(look: Look, row: JoinedRow) -> Member:
    if not look.addresses_known:
        return unknown(row.block, NO_ADDRESSES)
    if look.flash(row):
        return out(row.block, "flash is no RAM to a dump: a device answers writes")
    sparse = _populated(look, row, (6, 2))
    return sparse or pieces(row.block, look.parts(row), "the guest sees it", UNMAPPED)


def _kvm(look: Look, row: JoinedRow) -> Member:
    if not look.addresses_known:
        return unknown(row.block, NO_ADDRESSES)
    read_only = look.flash(row) or look.read_only(row)
    reason = "a memslot, read-only" if read_only else "a memslot"
    return pieces(row.block, _inside_pages(look, look.parts(row)), reason, UNMAPPED)


def _vhost(look: Look, row: JoinedRow) -> Member:
    if not look.addresses_known:
        return unknown(row.block, NO_ADDRESSES)
    refused = _no_vhost(look, row)
    return refused or pieces(row.block, merged(look.parts(row)), "the guest can write to it", UNMAPPED)


def _no_vhost(look: Look, row: JoinedRow) -> Member | None:
    if look.flash(row) or look.read_only(row):
        return out(row.block, "the guest cannot write to it: ROM or flash")
    if row.block.purpose == "vram" and row.ranges:
        return out(row.block, "the display watches which of its pages are written")
    return None


def _vhost_user(look: Look, row: JoinedRow) -> Member:
    if not look.addresses_known:
        return unknown(row.block, NO_ADDRESSES)
    refused = _no_vhost(look, row)
    if refused:
        return refused
    if not row.ranges:
        return out(row.block, UNMAPPED)
    file, shared = look.has_file(row), look.shared(row)
    if file is False:
        return out(row.block, "it has no file descriptor that could be handed over")
    if look.version >= (11,) and shared is False:
        return out(row.block, "it has a descriptor, but is private")
    if file is None or (look.version >= (11,) and shared is None):
        return unknown(row.block, "no text tells whether it has a descriptor and is shared")
    reason = "its descriptor is handed over" + (", though it is private" if shared is False else "")
    return pieces(row.block, merged(_to_pages(look.parts(row), row.block.page_size)), reason, UNMAPPED)


def _vfio(look: Look, row: JoinedRow) -> Member:
    if not look.addresses_known:
        return unknown(row.block, NO_ADDRESSES)
    if look.flash(row):
        return out(row.block, "flash is no RAM to VFIO: a device answers writes")
    if row.backend is not None and row.backend.type == "memory-backend-epc" and look.version >= (6, 2):
        return out(row.block, "memory of SGX is protected from devices")
    sparse = _populated(look, row, (6, 1))
    if sparse:
        return sparse
    parts = _inside_pages(look, (p for p in look.parts(row) if (p.gpa or 0) < _TOP))
    reason = "mapped for reading" if look.read_only(row) else "mapped and pinned"
    return pieces(row.block, parts, reason, UNMAPPED)


def _balloon(look: Look, row: JoinedRow) -> Member:
    if not look.addresses_known:
        return unknown(row.block, NO_ADDRESSES)
    if look.flash(row) or look.read_only(row):
        return out(row.block, "pages of ROM and flash are passed over")
    return pieces(row.block, look.parts(row), "its pages may be given back", UNMAPPED)


def _inside_pages(look: Look, parts: Iterable[Part]) -> Iterator[Part]:
    """The whole pages of the host in each part: what lies beside them cannot be mapped."""
    page = look.guest.host.page_size
    for part in parts:
        gpa = part.gpa or 0
        start = -(-gpa // page) * page
        size = (gpa + part.size - start) // page * page
        if size > 0:
            yield Part(part.offset + start - gpa, size, start)


def _to_pages(parts: Iterable[Part], page: int) -> Iterator[Part]:
    """Each part, grown to whole pages of the block."""
    for part in parts:
        before = part.offset % page
        size = -(-(part.size + before) // page) * page
        yield Part(part.offset - before, size, (part.gpa or 0) - before)


def merged(parts: Iterable[Part]) -> list[Part]:
    """Parts that continue or overlap each other in the block and in addresses, made one.

    >>> merged([Part(0, 4, 0), Part(2, 4, 2), Part(6, 2, 100)])
    [Part(offset=0, size=6, gpa=0), Part(offset=6, size=2, gpa=100)]
    """
    found: list[Part] = []
    for part in sorted(parts, key=lambda p: p.gpa or 0):
        last = found[-1] if found else None
        if (last is not None and last.gpa is not None and part.gpa is not None
                and part.gpa <= last.gpa + last.size and part.gpa - last.gpa == part.offset - last.offset):
            size = max(last.size, part.gpa + part.size - last.gpa)
            found[-1] = Part(last.offset, size, last.gpa)
        else:
            found.append(part)
    return found


def _no_kvm(look: Look) -> str:
    if not look.told or look.scene.kvm:
        return ""
    return "The line does not ask for KVM: these are the memslots that it would have."


def _no_vhost_user(look: Look) -> str:
    found = not look.told or look.scene.vhost_user
    return "" if found else "There is no vhost-user device: this is what one would be told."


def _no_vfio(look: Look) -> str:
    if "viommu" in look.scene.features:
        return "Behind the guest's IOMMU, a device sees only what the guest maps for it."
    found = not look.told or "vfio" in look.scene.features
    return "" if found else "There is no VFIO device: this is what one would map."


def _pinned(look: Look) -> str:
    if "vfio" in look.scene.features:
        return "A VFIO device pins the memory, so that nothing is given back."
    return no_balloon(look)


_DUMP = "softmmu/memory_mapping.c: guest_phys_blocks_region_add, 7.2"

DEFINITIONS = (
    Definition(
        "dump-guest-memory", "dump", "What dump-guest-memory writes.", "ranges",
        "each range of address space \"memory\" that is RAM or ROM, no device's and not marked "
        "non-volatile; of virtio-mem what is plugged",
        (_DUMP,), _dump,
        changed="Since 6.2 only plugged memory of virtio-mem; before, all of it. Since 10.1 of an SNP or TDX "
                "guest only what it shares.",
        surprise="NVDIMMs are in it, because the mark is on the alias and not on the region behind it. Flash "
                 "is not, and what the guest sees twice is written twice. paging=on takes the same memory, "
                 "by the guest's virtual addresses.",
    ),
    Definition(
        "kvm", "other", "KVM's memslots.", "ranges",
        "each range of address space \"memory\" that is RAM, ROM or flash in ROM mode, cut to whole pages",
        ("accel/kvm/kvm-all.c: kvm_set_phys_mem, kvm_align_section, 7.2",), _kvm, remark=_no_kvm,
        surprise="Flash has a memslot that goes away while the guest programs it; with SMM, address space "
                 "cpu-smm-0 has memslots of its own.",
    ),
    Definition(
        "vhost", "other", "The table of memory of vhost in the kernel.", "ranges",
        "RAM that is not read-only and whose pages no display watches; ranges that continue each other are "
        "one",
        ("hw/virtio/vhost.c: vhost_section, vhost_region_add_section, 7.2",), _vhost,
        surprise="Video RAM is left out while a display draws from it.",
    ),
    Definition(
        "vhost-user", "other", "The table of memory that a vhost-user process is told.", "ranges",
        "as vhost, and the block has a file descriptor (since 11.0: and is shared); grown to the block's "
        "pages",
        ("hw/virtio/vhost-user.c: vhost_user_mem_section_filter, 7.2",
         "hw/virtio/vhost.c: vhost_section, 11.0",
         "system/physmem.c: qemu_ram_alloc_internal, 10.0"), _vhost_user, remark=_no_vhost_user,
        changed="10.0 gives shared anonymous memory a descriptor; 11.0 leaves private memory out.",
        surprise="Before 11.0 private memory of a file is handed over, too: the other process then maps the "
                 "file and sees nothing of what the guest writes. Huge pages close the gap below 1 MiB.",
    ),
    Definition(
        "vfio", "other", "What VFIO maps for devices, and the kernel therefore pins.", "ranges",
        "each range of address space \"memory\" that is RAM or ROM, below 2^63, in whole pages; of "
        "virtio-mem what is plugged",
        ("hw/vfio/common.c: vfio_listener_region_add, 7.2",), _vfio, remark=_no_vfio,
        changed="Since 6.1 it follows what virtio-mem plugs; before, the two excluded each other. Since 10.1 "
                "of an SNP or TDX guest only what it shares.",
        surprise="ROMs are mapped, too; flash is not, and memory of SGX never is.",
    ),
    Definition(
        "balloon-pages", "other", "Where a page may lie that the guest gives to the balloon.", "ranges",
        "RAM of address space \"memory\" that is neither ROM nor flash",
        ("hw/virtio/virtio-balloon.c: virtio_balloon_handle_output, 7.2",), _balloon, remark=_pinned,
        surprise="It is wider than what query-balloon counts: a page of an NVDIMM is discarded as well.",
    ),
)
