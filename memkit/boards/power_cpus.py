"""CPU models of Power's boards: which exist, which a board takes, and the instruction set of each.

The level of the instruction set (2.07 is POWER8, 3.1 POWER10) decides what a pseries guest gets: which
interrupt controller, and which capabilities QEMU warns about.

Source: spapr_cpu_core_type_infos in hw/ppc/spapr_cpu_core.c, ppc_cpu_aliases in target/ppc/cpu-models.c,
ppc_cpu_class_by_name in target/ppc/cpu_init.c, pcc_compat in target/ppc/compat.c (QEMU 7.2, 11.1).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from memkit.boards import catalog
from memkit.boards.board import refuse_here
from memkit.boards.build import Build
from memkit.boards.recorded import load
from memkit.errors import Refused
from memkit.versions import holds

__all__ = [
    "COMPAT_LEVELS", "POWER7", "POWER8", "POWER9", "POWER10", "PowerCpu", "check_name", "check_properties",
    "find_model", "full_name", "model",
]

# Levels of the instruction set; those of "older" CPUs make no difference.
OLDER, POWER6, POWER7, POWER8, POWER9, POWER10, POWER11 = 200, 205, 206, 207, 300, 310, 311
# Values of -machine max-cpu-compat=; the table of the program knows them.
COMPAT_LEVELS = {
    "power6": POWER6, "power7": POWER7, "power7+": POWER7, "power8": POWER8, "power9": POWER9,
    "power10": POWER10, "power11": POWER11,
}
_SUFFIX = "-powerpc64-cpu"
_VERSION_REGISTER = re.compile(r"[0-9a-fA-F]{8}")


class PowerCpu(NamedTuple):
    """A CPU model of which pseries makes cores: its name and the level of its instruction set.

    ``register`` is the processor version register, by which ``-cpu`` can name it; ``since`` are the releases
    that have it (see ``memkit.versions.holds``).
    """

    name: str
    level: int
    register: int
    since: str = ""

    @property
    def type_name(self) -> str:
        """QEMU's name of its type."""
        return self.name + _SUFFIX


_MODELS = (
    PowerCpu("970_v2.2", OLDER, 0x00390202),
    PowerCpu("970mp_v1.0", OLDER, 0x00440100),
    PowerCpu("970mp_v1.1", OLDER, 0x00440101),
    PowerCpu("power5+_v2.1", OLDER, 0x003B0201, "<9.0"),
    PowerCpu("power5p_v2.1", OLDER, 0x003B0201, "9.0"),
    PowerCpu("power7_v2.3", POWER7, 0x003F0203),
    PowerCpu("power7+_v2.1", POWER7, 0x004A0201, "<9.0"),
    PowerCpu("power7p_v2.1", POWER7, 0x004A0201, "9.0"),
    PowerCpu("power8e_v2.1", POWER8, 0x004B0201, "<11.0"),
    PowerCpu("power8nvl_v1.0", POWER8, 0x004C0100, "<11.0"),
    PowerCpu("power8_v2.0", POWER8, 0x004D0200),
    PowerCpu("power9_v1.0", POWER9, 0x004E0100, "<9.0"),
    PowerCpu("power9_v2.0", POWER9, 0x004E1200),
    PowerCpu("power9_v2.2", POWER9, 0x004E1202, "8.1"),
    PowerCpu("power10_v1.0", POWER10, 0x00800100, "<9.0"),
    PowerCpu("power10_v2.0", POWER10, 0x00800200, "6.2<8.1"),
    PowerCpu("power10_v2.0", POWER10, 0x00801200, "8.1"),
    PowerCpu("power11_v2.0", POWER11, 0x00821200, "9.2"),
)
# Short name → model, with the releases where it stands for that one.
_ALIASES: tuple[tuple[str, str, str], ...] = (
    ("970", "970_v2.2", ""), ("970mp", "970mp_v1.1", ""),
    ("power5+", "power5+_v2.1", "<9.0"), ("power5gs", "power5+_v2.1", "<9.0"),
    ("power5+", "power5p_v2.1", "9.0"), ("power5gs", "power5p_v2.1", "9.0"),
    ("power5+_v2.1", "power5p_v2.1", "9.0"),
    ("power7", "power7_v2.3", ""), ("power7+", "power7+_v2.1", "<9.0"),
    ("power7+", "power7p_v2.1", "9.0"), ("power7+_v2.1", "power7p_v2.1", "9.0"),
    ("power8e", "power8e_v2.1", "<11.0"), ("power8nvl", "power8nvl_v1.0", "<11.0"),
    ("power8", "power8_v2.0", ""),
    ("power9", "power9_v2.0", "<8.1"), ("power9", "power9_v2.2", "8.1"),
    ("power10", "power10_v1.0", "<6.2"), ("power10", "power10_v2.0", "6.2"),
    ("power11", "power11_v2.0", "9.2"),
)
# Property, type, and the releases whose CPUs have it (device-list-properties).
_PROPERTIES = (
    ("start-powered-off", "bool", ""), ("memory", "link", ""), ("rtas-stopped-state", "bool", "10.1"),
    ("pre-2.8-migration", "bool", "<9.1"), ("pre-2.10-migration", "bool", "<9.1"),
    ("pre-3.0-migration", "bool", "<9.1"), ("compat", "str", "<6.0"),
)
_BOOLS = frozenset(("on", "off", "yes", "no", "true", "false", "y", "n"))


def find_model(qemu: str, name: str) -> PowerCpu | None:
    """The model that ``name`` (a short one or a version register, too) means in release ``qemu``, or None.

    >>> find_model("7.2", "POWER9").name, find_model("10.0", "004e1202").name, find_model("7.2", "g4")
    ('power9_v2.0', 'power9_v2.2', None)
    """
    wanted = name.lower()
    for alias, target, span in _ALIASES:
        if alias == wanted and holds(qemu, span):
            wanted = target
            break
    register = int(wanted, 16) if _VERSION_REGISTER.fullmatch(wanted) else None
    for found in _MODELS:
        if holds(qemu, found.since) and (found.name == wanted or found.register == register):
            return found
    return None


def model(build: Build) -> PowerCpu | None:
    """The model of ``-cpu``, or the machine type's default; None for a CPU of which there are no cores."""
    if _is_host(build):
        # The host's own; what the model knows of it is that KVM of today wants POWER9.
        return PowerCpu("host", POWER9, 0)
    record = catalog.machine(build.program, build.machine.type)
    default = record.default_cpu if record is not None else ""
    return find_model(build.qemu.version, _name(build) or default.removesuffix(_SUFFIX))


def full_name(build: Build) -> str:
    """The model that ``-cpu`` means, of any board: short names are told apart by their descriptions."""
    name = _name(build).lower()
    said = str(load("machines", build.program)["cpus"].get(name, {}).get("desc", ""))
    found = model(build)
    if found is not None:
        return found.name
    return said.partition("alias for ")[2].rstrip(")") or name


def check_name(build: Build) -> None:
    """Raise Refused for a ``-cpu`` whose name no CPU has, or with a word that is no property."""
    name = _name(build)
    known = not name or _is_host(build) or find_model(build.qemu.version, name) is not None
    if not known and name.lower() not in _names(build.program):
        raise _refuse(
            build, f"unable to find CPU model '{name}'", "This QEMU has no CPU model of that name.",
            "use -cpu power9, or see -cpu help", "parse_cpu_option, cpu.c",
        )
    for word in _words(build):
        if "=" not in word:
            raise _refuse(
                build, f"Expected key=value format, found {word}.",
                "Power's CPUs have properties, and no flags.", "leave the word out",
                "cpu_common_parse_features, hw/core/cpu-common.c",
            )


def check_properties(build: Build, cpu: PowerCpu) -> None:
    """Raise Refused for a property of ``-cpu`` that the model does not have (where the CPUs are made)."""
    kinds = {name: kind for name, kind, span in _PROPERTIES if holds(build.qemu.version, span)}
    for word in _words(build):
        name, _, value = word.partition("=")
        said, kind = "", kinds.get(name)
        if kind is None:
            said = f"Property '{cpu.type_name}.{name}' not found"
        elif kind == "bool" and value not in _BOOLS:
            said = f"Parameter '{name}' expects 'on' or 'off'"
        if said:
            raise _refuse(
                build, f"can't apply global {cpu.type_name}.{name}={value}: {said}",
                "-cpu sets properties of every CPU, and Power's have few.",
                "leave it out; -machine max-cpu-compat= sets an older level", "target/ppc/cpu_init.c",
            )


@lru_cache(maxsize=8)
def _names(program: str) -> frozenset[str]:
    """The CPUs of all boards, with their short names."""
    return frozenset(load("machines", program)["cpus"])


def _is_host(build: Build) -> bool:
    return _name(build) == "host" and build.machine.accelerator == "kvm"


def _name(build: Build) -> str:
    option = build.config.last("cpu")
    return ((option and option.value) or "").partition(",")[0]


def _words(build: Build) -> list[str]:
    option = build.config.last("cpu")
    return [word for word in ((option and option.value) or "").split(",")[1:] if word]


def _refuse(build: Build, message: str, why: str, hint: str, source: str) -> Refused:
    return refuse_here(message, why, hint, f"{source}, QEMU 7.2", build.config.last("cpu"))
