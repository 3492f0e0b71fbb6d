"""CPU models, as far as they matter for memory: how many address bits, and whose CPU it is.

Under TCG, QEMU gives every 64-bit model 40 guest-physical address bits unless ``phys-bits=``
says otherwise.  AMD models keep the addresses just below 1 TiB free for HyperTransport.

Source: builtin_x86_defs and x86_cpu_realizefn in target/i386/cpu.c, IS_AMD_CPU (QEMU 7.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from memkit.boards.build import Build
from memkit.boards.refusals import refuse

__all__ = ["CpuModel", "model"]

TCG_PHYS_BITS = 40
MAX_PHYS_BITS = 52
DEFAULT = "qemu64"

AMD = frozenset(
    "qemu64 phenom athlon max Opteron_G1 Opteron_G2 Opteron_G3 Opteron_G4 Opteron_G5 EPYC EPYC-IBPB "
    "EPYC-Rome EPYC-Milan".split()
)
OTHER = frozenset(
    "base core2duo kvm64 Conroe Penryn Nehalem Nehalem-IBRS Westmere Westmere-IBRS SandyBridge "
    "SandyBridge-IBRS IvyBridge IvyBridge-IBRS Haswell Haswell-noTSX Haswell-IBRS Haswell-noTSX-IBRS "
    "Broadwell Broadwell-noTSX Broadwell-IBRS Broadwell-noTSX-IBRS Skylake-Client Skylake-Client-IBRS "
    "Skylake-Client-noTSX-IBRS Skylake-Server Skylake-Server-IBRS Skylake-Server-noTSX-IBRS "
    "Cascadelake-Server Cascadelake-Server-noTSX Cooperlake Icelake-Server Icelake-Server-noTSX "
    "Denverton Snowridge KnightsMill Dhyana".split()
)
# 32-bit models: their address bits depend on page-size extensions (PSE36).
NARROW = {
    "qemu32": 32, "kvm32": 36, "coreduo": 32, "486": 32, "pentium": 32, "pentium2": 36, "pentium3": 36,
    "athlon": 36, "n270": 32,
}
_VERSIONED = re.compile(r"^(?P<model>.+)-v\d+$")


@dataclass(frozen=True, slots=True)
class CpuModel:
    """A CPU model with its features: ``phys_bits`` guest-physical address bits."""

    name: str
    amd: bool
    phys_bits: int
    apic: bool = True


def model(build: Build) -> CpuModel:
    """The CPU model of ``-cpu`` (or the default qemu64); raises Refused."""
    option = build.config.last("cpu")
    if option is None or not option.value:
        return CpuModel(DEFAULT, True, TCG_PHYS_BITS)
    name, *features = option.value.split(",")
    base = name if name in AMD or name in OTHER or name in NARROW else (
        m["model"] if (m := _VERSIONED.match(name)) else name
    )
    if base == "host":
        if build.host.accelerator == "kvm":
            return CpuModel(name, False, 46)
        raise refuse("cpu-host", option)
    if base not in AMD and base not in OTHER and base not in NARROW:
        raise refuse("cpu-unknown", option, name=name)
    bits, apic = 0, True
    for feature in features:
        key, _, value = feature.partition("=")
        if key == "phys-bits" and value.isdigit():
            bits = int(value)
        elif feature in ("-apic", "apic=off"):
            apic = False
    if base in NARROW:
        if bits:
            raise refuse("phys-bits-32", option)
        return CpuModel(name, base in AMD, NARROW[base], apic)
    if bits and not 32 <= bits <= MAX_PHYS_BITS:
        raise refuse("phys-bits-range", option, bits=bits)
    return CpuModel(name, base in AMD, bits or TCG_PHYS_BITS, apic)
