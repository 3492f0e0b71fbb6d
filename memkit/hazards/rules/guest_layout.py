"""How much memory the guest has and where it lies: -m, the ranges below and above 4 GiB, video RAM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.boards import catalog
from memkit.errors import MemkitError
from memkit.hazards.mending import drop_option, set_machine
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.rules.vfio import ASSIGNED, PCI_HOST
from memkit.hazards.scene import Scene
from memkit.units import format_size, hex_address, human, parse_size
from memkit.versions import known_qemu

if TYPE_CHECKING:
    from memkit.config import Config

__all__ = ["RULES"]

_X86 = ("x86_64", "i386")
_STEP = 8192
# AMD's processors use the 12 GiB below 1 TiB for themselves (AMD_HT_START in hw/i386/pc.c).
_HOLE, _HOLE_END = 0xFD_0000_0000, 1 << 40
_VGA = ("VGA", "secondary-vga", "isa-vga", "vmware-svga")


def _size_words(scene: Scene) -> str:
    return scene.config.merged("m").get("size", "") if scene.config else ""


def _rounded(scene: Scene) -> Iterator[Culprit]:
    words = _size_words(scene)
    size = parse_size(words, default_suffix="M") if words else 0
    if size % _STEP and scene.config:
        whole = -(-size // _STEP) * _STEP
        yield Culprit(f"-m {words} gives {whole} bytes, {whole - size} more than asked for.",
                      ("-m",), scene.config.all("m"))


def _round(config: Config, _culprit: Culprit) -> Config:
    size = config.memory_options().size or 0
    return config.with_memory(size=format_size(-(-size // _STEP) * _STEP))


def _zero(scene: Scene) -> Iterator[Culprit]:
    words = _size_words(scene)
    if words and not parse_size(words, default_suffix="M") and scene.config:
        total = sum(b.used_length for b in scene.guest.ram_blocks if b.purpose == "ram" and b.backend
                    and b.backend in scene.main_ram)
        yield Culprit(f"-m {words} gives {human(total)}.", ("-m",), scene.config.all("m"))


def _no_size(config: Config, _culprit: Culprit) -> Config:
    return config.with_memory(size=None)


def _no_window(scene: Scene) -> Iterator[Culprit]:
    if scene.config is None:
        return
    maxmem = scene.config.memory_options().maxmem or 0
    window = any(r.name == "device-memory" for r in scene.guest.address_space("memory").root.subregions)
    if maxmem > sum(backend.size for backend in scene.main_ram) and not window:
        yield Culprit(f"-m has maxmem={human(maxmem)}, but {scene.guest.machine_type} has no place for "
                      "memory devices.", ("-m",), scene.config.all("m"))


def _no_maxmem(config: Config, _culprit: Culprit) -> Config:
    return config.with_memory(maxmem=None, slots=None)


def _nowhere(scene: Scene) -> Iterator[Culprit]:
    for device in scene.guest.memory_devices:
        # Whoever plugs a DIMM gives it a slot.
        if device.kind == "dimm" and device.slot == -1:
            name, spec = scene.name_of(device), scene.device_of(device)
            kind = scene.guest.machine_type
            yield Culprit(f"{name} is nowhere in the guest's memory: {kind} plugs no DIMMs.",
                          (name,), (spec.option,) if spec else ())


def _cpu(scene: Scene) -> tuple[catalog.CpuFacts | None, str]:
    """The CPU model (isapc has one of its own; None if unknown), and what else ``-cpu`` says."""
    option = scene.config.last("cpu") if scene.config else None
    name, _, rest = ((option and option.value) or "").partition(",")
    if not name and scene.guest.machine_type == "isapc":
        name = "486"
    try:
        return (catalog.cpu(known_qemu(scene.guest.qemu), name) if name else None), rest
    except MemkitError:
        return None, rest


def _in_hole(scene: Scene) -> Iterator[Culprit]:
    cpu, _ = _cpu(scene)
    if cpu is None or not cpu.amd:
        return
    for found in scene.guest.main_flat_view.ranges:
        block = found.region.block
        if block and found.type == "ram" and found.start < _HOLE_END and found.end > _HOLE:
            yield Culprit(
                f"{block.idstr} covers {hex_address(_HOLE)}, which AMD's processors keep to themselves.",
                (block.idstr,),
            )


def _moved(scene: Scene) -> Iterator[Culprit]:
    for found in scene.guest.main_flat_view.ranges:
        block = found.region.block
        moved = found.start == _HOLE_END and found.offset_in_region
        if block and block.backend in scene.main_ram and moved:
            yield Culprit(f"{block.idstr} goes on at {hex_address(_HOLE_END)}, and not at 4 GiB.",
                          (block.idstr,))


def _odd_split(scene: Scene) -> Iterator[Culprit]:
    given = scene.machine.get("max-ram-below-4g")
    if given and any("max-ram-below-4g" in w or "max_ram_below_4g" in w for w in scene.guest.warnings):
        yield Culprit(f"max-ram-below-4g={given} is no multiple of 1 GiB.", ("max-ram-below-4g",))


def _out_of_reach(scene: Scene) -> Iterator[Culprit]:
    cpu, rest = _cpu(scene)
    if cpu is None or cpu.long_mode or cpu.pse36 or cpu.pae or cpu.refusal or rest:
        return
    for block in scene.features["ram-above-4g"]:
        yield Culprit(f"CPU {cpu.name} has 32 address bits, and {block} reaches beyond 4 GiB.",
                      (block, cpu.name))


def _clamped(scene: Scene) -> Iterator[Culprit]:
    if scene.config is None:
        return
    for frontend in scene.guest.frontends:
        if frontend.kind not in _VGA or not frontend.blocks:
            continue
        given = [value for driver, name, value in scene.config.globals
                 if driver == frontend.kind and name == "vgamem_mb"]
        at = frontend.option_index
        option = None if at is None else scene.config.options[at]
        spec = next((spec for spec in scene.devices if spec.option == option), None)
        if spec and "vgamem_mb" in spec.props:
            given.append(spec.props["vgamem_mb"])
        size = frontend.blocks[0].used_length
        if given and int(str(given[-1]), 0) << 20 != size:
            name = frontend.id or frontend.kind
            yield Culprit(f"{name} has vgamem_mb={given[-1]} and {human(size)} of video RAM.",
                          (name,), (spec.option,) if spec else ())


_DIMM = "-object memory-backend-ram,id=d,size=1G -device pc-dimm,id=dimm1,memdev=d"
_TERA = "-accel kvm -cpu EPYC,phys-bits=48 -M"

RULES = (
    Rule(
        "m-rounded-to-8k", "The guest has more RAM than -m says", "surprise", ("m-size",),
        "QEMU rounds -m up to 8 KiB, so that the pages of every target fit. A backend for main RAM is not "
        "rounded, and then both sizes differ.",
        "use whole MiB",
        ("softmmu/vl.c: set_memory_options, 5.2", "hw/core/machine.c: machine_set_mem, 7.2"),
        _rounded, example="-m 129001k", innocent="-m 129000k", mend=_round,
    ),
    Rule(
        "m-zero-means-default", "-m 0 is no guest without RAM", "surprise", ("m-size",),
        "QEMU takes 0 for nothing said. The guest gets what the machine type has by default.",
        "say the size that you want",
        ("hw/core/machine.c: machine_set_mem, 7.2",),
        _zero, example="-m 0", innocent="-m 128M", mend=_no_size,
    ),
    Rule(
        "maxmem-silently-ignored", "Room for memory devices that the machine does not have",
        "silent-misbehaviour", ("maxmem",),
        "Most machine types take slots= and maxmem=, but not all make a window for memory devices of them: "
        "microvm, sbsa-ref and powernv do not, nor do the boards of RISC-V, nor those of Z before 10.0.",
        "leave maxmem= out, or use pc, q35, Arm's virt or pseries",
        ("hw/core/machine.c: machine_set_mem, 7.2", "hw/i386/microvm.c: microvm_memory_init, 7.2"),
        _no_window,
        example="-M microvm -m 128M,slots=2,maxmem=1G", innocent="-M q35 -m 128M,slots=2,maxmem=1G",
        mend=_no_maxmem,
    ),
    Rule(
        "dimm-never-plugged", "A DIMM that the guest never sees", "silent-misbehaviour", ("pc-dimm",),
        "A DIMM is no device of a bus: the board has to plug it. Boards that plug none take the option all "
        "the same, and the DIMM stays at address 0, in no slot and in no address space.",
        "use pc, q35, Arm's virt or pseries, or a larger -m",
        ("hw/core/qdev.c: device_set_realized, 7.2", "hw/mem/pc-dimm.c: pc_dimm_realize, 7.2"),
        _nowhere, example=f"qemu-system-aarch64 -M sbsa-ref -m 1G {_DIMM}",
        innocent=f"-m 1G,slots=2,maxmem=4G {_DIMM}", mend=drop_option,
    ),
    Rule(
        "amd-1tb-hole-machine-type-vfio", "RAM where AMD's hosts have none", "refuses-to-start",
        ("ram-above-4g", "kvm", "vfio"),
        "AMD's processors use the addresses from 1012 GiB to 1 TiB for HyperTransport, and the IOMMU of such "
        "a host refuses to map them. Machine types before 7.1 put RAM there, and a VFIO device then does not "
        "start.",
        "use a machine type since 7.1, which moves RAM above 1 TiB",
        ("hw/i386/pc.c: pc_memory_init, pc_machine_7_0 keeps the old layout, 7.2",),
        _in_hole, example=f"{_TERA} pc-q35-7.0 -m 1100G {ASSIGNED}",
        innocent=f"{_TERA} pc-q35-7.1 -m 1100G {ASSIGNED}", host=PCI_HOST,
        architectures=_X86,
    ),
    Rule(
        "amd-1tb-hole-relocation", "RAM above 4 GiB moves to 1 TiB", "surprise", ("ram-above-4g",),
        "With an AMD CPU model nothing may lie from 1012 GiB to 1 TiB. Where RAM and the room for more would "
        "reach it, QEMU moves all RAM above 4 GiB to 1 TiB, even that of a small guest with a large maxmem.",
        "expect it: give the CPU 41 address bits or more, and do not rely on addresses",
        ("hw/i386/pc.c: pc_memory_init, pc_max_used_gpa, 7.2",),
        _moved,
        example=f"{_TERA} q35 -m 5G,slots=2,maxmem=1020G", innocent=f"{_TERA} q35 -m 5G,slots=2,maxmem=64G",
        since="7.1", architectures=_X86,
    ),
    Rule(
        "max-ram-below-4g-odd", "RAM is split at an odd address", "performance", ("ram-above-4g",),
        "What does not fit below the limit starts at 4 GiB, with an offset that is no multiple of 1 GiB. "
        "Pages of 1 GiB then fit neither part.",
        "use a multiple of 1 GiB, or leave max-ram-below-4g out",
        ("hw/i386/pc_q35.c: pc_q35_init, 7.2", "hw/i386/pc_piix.c: pc_init1, 7.2"),
        _odd_split,
        example="-m 5G -M q35,max-ram-below-4g=1500M", innocent="-m 5G -M q35,max-ram-below-4g=1G",
        mend=set_machine(max_ram_below_4g=None), since="2.3", architectures=_X86,
    ),
    Rule(
        "phys-bits-32bit-cpu", "RAM that the CPU cannot address", "silent-misbehaviour", ("ram-above-4g",),
        "A CPU without PAE and PSE36 has 32 address bits. Machine types before 8.2 put RAM above 4 GiB all "
        "the same, and the guest never sees it.",
        "use a 64-bit CPU model, or 3 GiB of RAM",
        ("hw/i386/pc.c: pc_max_used_gpa, 7.2", "hw/i386/pc.c: pc_max_used_gpa, 8.2"),
        _out_of_reach, example="-m 5G -cpu pentium", innocent="-m 5G -cpu qemu32", architectures=_X86,
    ),
    Rule(
        "vgamem-clamped", "The graphics card has other memory than asked for", "surprise", ("graphics",),
        "Video RAM is a BAR, and its size a power of two. QEMU rounds vgamem_mb up, keeps it between 1 and "
        "512, and says nothing.",
        "use a power of two up to 512",
        ("hw/display/vga.c: vga_common_init, 7.2",),
        _clamped, example="-nodefaults -m 64 -device VGA,vgamem_mb=3",
        innocent="-nodefaults -m 64 -device VGA,vgamem_mb=4",
    ),
)
