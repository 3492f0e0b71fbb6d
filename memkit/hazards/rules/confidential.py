"""Guests whose memory the host must not read: SEV, SEV-SNP, TDX."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.hazards.mending import drop_option
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.rules.vfio import ASSIGNED, PCI_HOST
from memkit.hazards.scene import Scene
from memkit.host import Host

if TYPE_CHECKING:
    from memkit.config import Config

__all__ = ["RULES"]


def _plain_sev(scene: Scene) -> str | None:
    """The object of a SEV or SEV-ES guest, whose memory the host holds in place; SNP needs no such thing."""
    spec = scene.confidential
    return spec.id if spec is not None and spec.qom_type == "sev-guest" else None


def _without_kvm(scene: Scene) -> Iterator[Culprit]:
    spec = scene.confidential
    if spec is not None and not scene.kvm:
        yield Culprit(f"{spec.id} ({spec.qom_type}) needs KVM, and the line asks for none.", (spec.id,))


def _ask_for_kvm(config: Config, _culprit: Culprit) -> Config:
    return config.with_option("-accel", "kvm")


def _huge(scene: Scene) -> Iterator[Culprit]:
    guard = scene.features["guest-memfd"][0]
    for backend in scene.ram:
        if backend.huge:
            yield Culprit(
                f"RAMBlock {backend.id} keeps its huge pages beside the private memory of {guard}: "
                f"up to {backend.size >> 20} MiB more.", (backend.id, guard),
            )


def _flash(scene: Scene) -> Iterator[Culprit]:
    guard = scene.features["guest-memfd"][0]
    for name in scene.features["pflash"]:
        yield Culprit(f"Flash {name} is read-only memory, which {guard} cannot have.", (name, guard))


def _assigned(scene: Scene) -> Iterator[Culprit]:
    guard = scene.features["guest-memfd"][0]
    for name in scene.features["vfio"]:
        yield Culprit(f"{name} forbids discarding RAM, and {guard} must discard it.", (name, guard))


def _dumped(scene: Scene) -> Iterator[Culprit]:
    guard = scene.features["sev"][0]
    yield Culprit(f"What {guard} protects is in the dump as the host sees it: unreadable.", (guard,))


def _stays(scene: Scene) -> Iterator[Culprit]:
    guard = scene.features["sev"][0]
    yield Culprit(f"{guard} blocks migration once the guest runs.", (guard,))


def _kept(scene: Scene) -> Iterator[Culprit]:
    guard = scene.features["tdx"][0]
    yield Culprit(f"{guard} gives its CPUs invtsc, which blocks migration.", (guard,))


def _balloon(scene: Scene) -> Iterator[Culprit]:
    guard = _plain_sev(scene)
    for spec in scene.drivers("virtio-balloon") if guard else ():
        name = spec.id or spec.driver
        yield Culprit(
            f"{name} gives the host nothing back: {guard} pins all memory.", (name, str(guard)),
            (spec.option,),
        )


def _phys_bits(scene: Scene) -> Iterator[Culprit]:
    guard = scene.features["tdx"][0]
    option = scene.config.last("cpu") if scene.config else None
    model, *words = str(option.value if option else "").split(",")
    given = dict(word.removeprefix("+").partition("=")[::2] for word in words)
    usual = "on" if model in ("host", "max") and "-host-phys-bits" not in given else "off"
    # A word alone means on.
    follows = given.get("host-phys-bits", usual) in ("", "on", "true", "yes", "y")
    if not follows or given.get("phys-bits", "0") != "0":
        yield Culprit(
            f"{guard} needs a CPU with the host's address bits, and {option.text if option else 'the CPU'} "
            "sets its own.", (guard,), (option,) if option else (),
        )


def _sev(kind: str, more: str = "") -> str:
    return (f"-accel kvm -m 256M -M q35,confidential-guest-support=guard{more} "
            f"-object {kind},id=guard,cbitpos=51,reduced-phys-bits=1")


_SEV, _SNP = _sev("sev-guest"), _sev("sev-snp-guest")
_TDX = "-accel kvm -m 256M -M q35,confidential-guest-support=guard -object tdx-guest,id=guard"
_MEMFD = " -object memory-backend-memfd,id=f,size=256M"

RULES = (
    Rule(
        "cgs-needs-kvm", "A confidential guest without KVM", "refuses-to-start", ("confidential",),
        "Only KVM can set up the encryption of memory. With TCG nobody makes the object ready, and QEMU "
        "stops (before 9.0 with a failed assertion).",
        "use -accel kvm on a host that has the hardware",
        ("softmmu/vl.c: qemu_machine_creation_done, 7.2", "system/vl.c: qemu_machine_creation_done, 9.0"),
        _without_kvm, example=_SEV.replace("-accel kvm ", ""), innocent=_SEV, mend=_ask_for_kvm, since="6.0",
        architectures=("x86_64",),
    ),
    Rule(
        "guest-memfd-double-memory", "Private memory beside huge pages needs twice the RAM", "performance",
        ("guest-memfd", "hugetlb"),
        "RAM of such a guest has two halves, the backend's and a private one. A page that becomes private is "
        "freed in the backend only if the backend's pages are small; huge pages stay.",
        "use a backend of small pages",
        ("accel/kvm/kvm-all.c: kvm_convert_memory, 9.1", "system/physmem.c: ram_block_add, 9.1"),
        _huge, example=_sev("sev-snp-guest", ",memory-backend=f") + _MEMFD + ",hugetlb=on",
        innocent=_sev("sev-snp-guest", ",memory-backend=f") + _MEMFD, since="9.1", architectures=("x86_64",),
    ),
    Rule(
        "guest-memfd-no-pflash", "SEV-SNP and TDX cannot run firmware from flash", "refuses-to-start",
        ("guest-memfd", "pflash"),
        "Flash is memory that the guest reads and QEMU answers writes to. KVM has no read-only memory for "
        "guests with private memory, so QEMU refuses flash.",
        "load the firmware with -bios",
        ("hw/i386/pc_sysfw.c: pc_system_firmware_init, 9.1", "Linux: KVM_CAP_READONLY_MEM, 6.11"),
        _flash, example=f"{_SNP} -drive if=pflash,format=raw,file=/var/tmp/fw", innocent=_SNP,
        host=Host(files={"/var/tmp/fw": 4 << 20}), since="9.1", architectures=("x86_64",),
    ),
    Rule(
        "guest-memfd-vfio", "SEV-SNP and TDX exclude devices of the host", "refuses-to-start",
        ("guest-memfd", "vfio"),
        "Whenever a page becomes private or shared, its other half is freed, and VFIO forbids freeing what "
        "it has pinned. Since 10.1 the two tell each other.",
        "use QEMU 10.1 or newer",
        ("system/physmem.c: ram_block_add, 9.1", "system/ram-block-attributes.c, 10.1"),
        _assigned, example=f"{_SNP} {ASSIGNED}", innocent=_SNP, host=PCI_HOST, since="9.1", until="10.1",
        architectures=("x86_64",),
    ),
    Rule(
        "sev-dump-is-ciphertext", "A dump of an encrypted guest cannot be read", "surprise",
        ("sev", "dump-guest-memory"),
        "The processor decrypts memory for the guest alone. Dumps, gdb and the monitor's x read what the "
        "host sees, which is the encrypted page or nothing.",
        "dump inside the guest (kdump)",
        ("docs/system/i386/amd-memory-encryption.rst, 7.2",),
        _dumped, example=_SEV, innocent="-m 256M", operations=("dump-guest-memory",), since="2.12",
        architectures=("x86_64",),
    ),
    Rule(
        "sev-no-migration", "An encrypted guest cannot migrate", "refuses-operation",
        ("sev", "migrate-precopy"),
        "QEMU sees only encrypted pages, which another machine could not decrypt, and it has no way to hand "
        "the key over. It blocks migration when the guest is launched.",
        "shut the guest down and start it on the other host",
        ("target/i386/sev.c: sev_launch_finish, 7.2",),
        _stays, example=_SEV, innocent="-m 256M", operations=("migrate-precopy",), since="2.12",
        architectures=("x86_64",),
    ),
    Rule(
        "tdx-no-migration", "A TDX guest cannot migrate", "refuses-operation", ("tdx", "migrate-precopy"),
        "The TDX module gives each guest a clock that never changes its pace, and QEMU takes such a CPU "
        "nowhere. It could not read the guest's private memory either.",
        "shut the guest down and start it on the other host",
        ("target/i386/kvm/tdx.c: tdx_cpu_instance_init, 11.1",
         "target/i386/kvm/kvm.c: invtsc_mig_blocker, 11.1"),
        _kept, example=f"{_TDX} -cpu host", innocent="-m 256M", operations=("migrate-precopy",), since="10.1",
        architectures=("x86_64",),
    ),
    Rule(
        "sev-pins-ram-no-balloon", "SEV makes the balloon useless", "silent-misbehaviour", ("sev", "balloon"),
        "What an encrypted page says depends on where it is, so the host may not move, merge or swap it: "
        "QEMU pins all RAM and forbids discarding. The guest still gives pages up, and nothing is freed.",
        "leave the balloon out, and plan for the full size",
        ("target/i386/sev.c: sev_ram_block_added, 7.2", "target/i386/sev.c: sev_kvm_init, 7.2"),
        _balloon, example=f"{_SEV} -device virtio-balloon-pci", innocent=_SEV, mend=drop_option, since="5.1",
        architectures=("x86_64",),
    ),
    Rule(
        "tdx-phys-bits", "TDX needs the host's address bits", "refuses-to-start", ("tdx",),
        "The TDX module gives the guest the address width of the host. QEMU compares it with that of the "
        "guest's CPU and refuses a difference.",
        "use -cpu host without phys-bits=",
        ("target/i386/kvm/tdx.c: tdx_check_features, 10.1",),
        _phys_bits, example=f"{_TDX} -cpu host,phys-bits=40", innocent=f"{_TDX} -cpu host", since="10.1",
        architectures=("x86_64",),
    ),
)
