"""CPU models of RISC-V and Z, as far as they matter: which exist, which start, and which properties each has.

Source: data/machines (models and their properties); parse_cpu_option in cpu.c, cpu_common_parse_features in
hw/core/cpu-common.c, qdev_prop_set_globals in hw/core/qdev-properties.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards import catalog
from memkit.boards.board import refuse_here
from memkit.boards.build import Build
from memkit.config import Option
from memkit.errors import Refused

__all__ = ["check_name", "check_start"]

# What the types of the CPUs of a target end in.
_SUFFIXES = {"riscv64": "-riscv-cpu", "s390x": "-s390x-cpu"}
_SWITCHES = ("on", "off", "true", "false", "yes", "no", "y", "n")


def check_name(build: Build) -> None:
    """Raise Refused for a ``-cpu`` that names no model, or a word behind it that is no property."""
    option = build.config.last("cpu")
    if option is None:
        return
    name, *words = (option.value or "").split(",")
    if not name:
        raise _refuse("-cpu option cannot be empty", "-cpu names a model.",
                      "add a model, or leave out -cpu", option)
    if catalog.cpu(build.program, name) is None:
        near = catalog.near(name, catalog.cpu_names(build.program))
        raise _refuse(f"unable to find CPU model '{name}'", "This QEMU has no CPU model of that name.",
                      f"leave out -cpu{near}; -cpu help lists all", option)
    for word in filter(None, words):
        if "=" not in word:
            raise _refuse(f"Expected key=value format, found {word}.",
                          "Features of these CPUs are properties with a value.", f"write {word}=on", option)


def check_start(build: Build) -> None:
    """Raise Refused, where the board makes its CPUs, for a model that does not start or a wrong property."""
    option = build.config.last("cpu")
    if option is None:
        return
    name, *words = (option.value or "").split(",")
    kinds = catalog.cpu_properties(build.program, name)
    for word in filter(None, words):
        key, _, value = word.partition("=")
        said = "" if key in kinds else f"Property '{name}{_SUFFIXES[build.target]}.{key}' not found"
        if kinds.get(key) == "bool" and value not in _SWITCHES:
            said = f"Parameter '{key}' expects 'on' or 'off'"
        if said:
            raise _refuse(f"can't apply global {name}{_SUFFIXES[build.target]}.{key}={value}: {said}",
                          "-cpu sets properties of every CPU.",
                          f"check the spelling{catalog.near(key, kinds)}", option)
    facts = catalog.cpu(build.program, name)
    if facts is not None and facts.refusal:
        raise _refuse(facts.refusal, "QEMU has no such CPU without KVM.", "leave out -cpu", option)


def _refuse(message: str, why: str, hint: str, option: Option) -> Refused:
    return refuse_here(message, why, hint, "parse_cpu_option, cpu.c, QEMU 7.2", option)
