"""CPU models, as far as they matter for memory: how many address bits, and whose CPU it is.

Under TCG, QEMU gives every 64-bit model 40 guest-physical address bits unless ``phys-bits=``
says otherwise; a 32-bit model has 32, or 36 with page-size extensions (PSE36; since 8.2 also PAE).  AMD
models keep the addresses just below 1 TiB free for HyperTransport.

Source: data/machines (models and properties); x86_cpu_parse_featurestr and x86_cpu_realizefn in
target/i386/cpu.c, IS_AMD_CPU in target/i386/cpu.h (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.refusals import refuse
from memkit.config import Option
from memkit.errors import Refused
from memkit.versions import QemuFacts

__all__ = ["VAPIC_MIN_RAM", "CpuModel", "model", "realize"]

TCG_PHYS_BITS = 40
KVM_PHYS_BITS = 46
MIN_PHYS_BITS, MAX_PHYS_BITS = 32, 52
DEFAULTS = {"x86_64": "qemu64", "i386": "qemu32"}
_TRUE, _FALSE = ("on", "yes", "true", "y"), ("off", "no", "false", "n")
# With less RAM an APIC has no ROM and no I/O window (apic_common_realize, hw/intc/apic_common.c).
VAPIC_MIN_RAM = 1 << 20
_VENDOR_LENGTH = 12


@dataclass(frozen=True, slots=True)
class CpuModel:
    """A CPU model with its features: ``phys_bits`` guest-physical address bits.

    ``given`` is phys-bits= as asked for (0: not at all).
    """

    name: str
    amd: bool
    phys_bits: int
    apic: bool = True
    long_mode: bool = True
    x2apic: bool = False
    given: int = field(default=0, compare=False)


_DEFAULT = CpuModel(DEFAULTS["x86_64"], True, TCG_PHYS_BITS)


def model(build: Build) -> CpuModel:
    """The CPU model of ``-cpu``, or the board's own; raises Refused for a model that does not exist."""
    option = build.config.last("cpu")
    default = "486" if build.machine.family == "isapc" else DEFAULTS[build.target]
    if (option is None or not option.value) and default == _DEFAULT.name and not build.config.globals:
        return _DEFAULT
    name = ((option and option.value) or default).partition(",")[0]
    if name == "host" and build.machine.accelerator == "kvm":
        return CpuModel(name, False, KVM_PHYS_BITS)
    facts = catalog.cpu(build.program, name)
    if name == "host":
        raise refuse("cpu-host", option)
    if facts is None or facts.refusal:
        raise refuse("cpu-unknown", option, name=name)
    words = {prop: value for _, prop, value in _globals(build, name)}
    words |= _features(option) if option is not None else ()
    # qemu-system-i386 has the models, but no 64-bit mode.
    long_mode = build.target == "x86_64" and _switch(words, "lm", facts.long_mode)
    given = int(words["phys-bits"], 0) if _is_number(words.get("phys-bits", "")) else 0
    wide = _switch(words, "pse36", facts.pse36)
    wide |= build.qemu.pae_36_bits and _switch(words, "pae", facts.pae)
    bits = given or (TCG_PHYS_BITS if long_mode else 36 if wide else 32)
    vendor = words.get("vendor", facts.vendor)
    return CpuModel(
        name, vendor == "AuthenticAMD", bits, _has_apic(build, words, facts), long_mode,
        _switch(words, "x2apic", facts.x2apic), given,
    )


def _globals(build: Build, name: str) -> list[tuple[str, str, str]]:
    """Each ``-global`` for CPU model ``name``, which ``-cpu`` overrides: type, property and value."""
    return build.names.globals(f"{name}-{build.target}-cpu", f"{build.target}-cpu", "cpu")


def _has_apic(build: Build, words: dict[str, str], facts: catalog.CpuFacts) -> bool:
    # Several CPUs cannot do without (x86_cpu_realizefn).
    return _switch(words, "apic", facts.apic) or build.machine.cpus > 1


def realize(build: Build) -> None:
    """Check the features of ``-cpu`` where the board makes its CPUs; raises Refused."""
    threads = build.machine.topology.threads
    if threads > 1 and model(build).amd and build.machine.accelerator == "tcg":
        # TCG has no topoext, without which AMD's CPUs show no threads (x86_cpu_realizefn).
        build.warnings.append(
            f"warning: This family of AMD CPU doesn't support hyperthreading({threads})"
            f"{build.qemu.hyperthreading_hint}Please configure -smp options properly or try enabling topoext "
            "feature."
        )
    option = build.config.last("cpu")
    cpu = model(build)
    if cpu.name == "host" or ((option is None or not option.value) and not _globals(build, cpu.name)):
        return
    kinds = catalog.cpu_properties(build.program, "max" if cpu.name == "max" else "")
    type_name = f"{cpu.name}-{build.target}-cpu"
    for where, name, value in _settings(build, option, cpu.name):
        said = _wrong(build.qemu, type_name, name, value, kinds.get(name))
        if said:
            raise Refused(
                where + said, explanation="-cpu and -global set properties of every CPU.",
                hint=f"check the spelling{catalog.near(name, kinds)}; -cpu help lists the features",
                option=option.text if option else "", position=option.index if option else None,
                source="target/i386/cpu.c, QEMU 7.2",
            )
    words = {name: value for _, name, value in _settings(build, option, cpu.name)}
    _enforce(build, cpu, words, option)
    if cpu.given and not cpu.long_mode:
        raise refuse("phys-bits-32", option)
    least, most = MIN_PHYS_BITS, MAX_PHYS_BITS
    if not build.qemu.tcg_phys_bits and build.machine.accelerator == "tcg":
        least = most = TCG_PHYS_BITS
    elif build.qemu.phys_bits_unlimited:
        most = cpu.phys_bits
    if cpu.long_mode and not least <= cpu.phys_bits <= most:
        raise refuse("phys-bits-range", option, bits=cpu.phys_bits)
    guest = int(words["guest-phys-bits"], 0) if _is_number(words.get("guest-phys-bits", "")) else 0
    if guest and not cpu.long_mode:
        raise _refuse_cpu(option, "guest-phys-bits is not user-configurable in 32 bit", "leave it out")
    if guest and not MIN_PHYS_BITS <= guest <= cpu.phys_bits:
        raise _refuse_cpu(
            option,
            f"guest-phys-bits should be between {MIN_PHYS_BITS} and {cpu.phys_bits}  (but is {guest})",
            "use a smaller guest-phys-bits=, or a larger phys-bits=",
        )


def _enforce(build: Build, cpu: CpuModel, words: dict[str, str], option: Option | None) -> None:
    """Raise Refused if ``enforce`` asks for features of the model that TCG has not."""
    facts = catalog.cpu(build.program, cpu.name)
    if facts is None or not _switch(words, "enforce", False) or build.machine.accelerator != "tcg":
        return
    lacks = [text.rpartition(" [")[0].rpartition(".")[2] for text in facts.lacks]
    if any(_switch(words, name, True) for name in lacks):
        raise _refuse_cpu(option, "TCG doesn't support requested features", "leave out enforce")


def _refuse_cpu(option: Option | None, text: str, hint: str) -> Refused:
    return Refused(
        text, explanation="-cpu asks for what this CPU cannot have.", hint=hint,
        option=option.text if option else "", position=option.index if option else None,
        source="x86_cpu_realizefn, target/i386/cpu.c, QEMU 10.0",
    )


def _settings(build: Build, option: Option | None, model_name: str) -> Iterator[tuple[str, str, str]]:
    """What is set at last, in QEMU's order: how a refusal begins, property and value."""
    plain = _features(option, signs=False) if option is not None else ()
    given = [*_globals(build, model_name), *((f"{model_name}-{build.target}-cpu", *p) for p in plain)]
    for type_name, name, value in given:
        yield f"can't apply global {type_name}.{name}={value}: ", name, value
    # Features with a sign are set last, and without saying where they come from.
    for name, value in _features(option, signs=True) if option is not None else ():
        yield "", name, value


def _features(option: Option, signs: bool | None = None) -> Iterator[tuple[str, str]]:
    """(property, value) of each feature; ``+x`` and ``-x`` stand for on and off, a bare name for on."""
    for word in (option.value or "").split(",")[1:]:
        signed = word[:1] in ("+", "-")
        if not word or (signs is not None and signs != signed):
            continue
        if signed:
            yield word[1:].replace("_", "-"), "on" if word[0] == "+" else "off"
        else:
            name, found, value = word.partition("=")
            yield name.replace("_", "-"), value if found else "on"


def _switch(words: dict[str, str], name: str, default: bool) -> bool:
    value = words.get(name)
    return value in _TRUE if value in (*_TRUE, *_FALSE) else default


def _is_number(text: str) -> bool:
    try:
        return int(text, 0) >= 0
    except ValueError:
        return False


def _is_integer(text: str) -> bool:
    return _is_number(text.removeprefix("-"))


def _wrong(facts: QemuFacts, type_name: str, name: str, value: str, kind: str | None) -> str:
    """What QEMU says to the property, or ""."""
    if kind is None:
        return f"Property '{type_name}.{name}' not found"
    if kind == "bool" and value not in (*_TRUE, *_FALSE):
        return f"Parameter '{name}' expects 'on' or 'off'"
    if kind == "uint32" and (not _is_number(value) or int(value, 0) >> 32):
        return f"Parameter '{name}' expects {'uint32_t' if _is_integer(value) else 'uint64'}"
    if name == "vendor" and len(value) != _VENDOR_LENGTH:
        return f"Property '.vendor' doesn't take value '{value}'" if not facts.vendor_length_named else (
            f"value of property 'vendor' must consist of exactly {_VENDOR_LENGTH} characters"
        )
    if kind == "int" and not _is_integer(value):
        unsigned = facts.cpu_numbers_unsigned and name != "tsc-frequency"
        return f"Parameter '{name}' expects {'uint64' if unsigned else 'int64'}"
    return ""
