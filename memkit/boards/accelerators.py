"""Which accelerator runs the guest: ``-accel``, ``-machine accel=``, ``-enable-kvm``.

The model's guests run under TCG, QEMU's own emulation; with KVM the memory is the same.  Whether there
is KVM is for the described host to say.

Source: configure_accelerators in softmmu/vl.c, kvm_init in accel/kvm/kvm-all.c, tcg_set_* in
accel/tcg/tcg-all.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.refusals import refuse
from memkit.config import Config, Option
from memkit.config.numbers import c_integer
from memkit.config.qdict import hash_order
from memkit.host import Host
from memkit.versions import QemuFacts, holds, qemu_facts

__all__ = ["choose_accelerator", "has_kvm"]

_BUILT_IN = ("tcg", "kvm")
# Architecture of the host → targets whose programs have KVM there (meson.build).
_KVM_TARGETS = {
    "x86_64": ("x86_64", "i386"), "aarch64": ("aarch64",), "ppc64": ("ppc64", "ppc"),
    "ppc64le": ("ppc64", "ppc"), "s390x": ("s390x",), "riscv64": ("riscv64",),
}
# QEMU's own tests use it; Debian's packages have it built in, or as a module that is not there.
_TEST = "qtest"
# Each with the releases that know it (see memkit.versions.holds).
_TCG = {"one-insn-per-tb": "8.1", "split-wx": "6.0", "tb-size": "", "thread": ""}
# MAX_ICOUNT_SHIFT in softmmu/icount.c.
_MAX_SHIFT = 10
_BOOLS = frozenset(("on", "off", "yes", "no", "true", "false", "y", "n"))


def has_kvm(target: str, host: Host) -> bool:
    """True if the program of ``target`` has KVM built in on ``host``, whether or not it can be used.

    >>> has_kvm("aarch64", Host()), has_kvm("aarch64", Host.of("aarch64"))
    (False, True)
    """
    return target in _KVM_TARGETS.get(host.arch, ())


def choose_accelerator(config: Config, host: Host, target: str = "x86_64") -> str:
    """The accelerator in use, tcg or kvm; raises Refused.

    A program has KVM built in where the host's processor is like the guest's ``target``.
    """
    built = has_kvm(target, host)
    facts = qemu_facts(config.qemu)
    _check_icount(config.last("icount"))
    _check_cache(config.last("tb-size"))
    wanted = config.machine.get("accel")
    options = config.all("accel")
    if options and wanted is not None:
        raise refuse("accel-twice", options[-1])
    if options:
        return _first([(dict(o.args).get("accel", ""), o) for o in options], host, facts, built=built)
    at = config.last("enable-kvm") or config.last("machine")
    names = "tcg:kvm" if wanted is None else wanted
    tried = [(name, at) for name in names.split(":") if name or wanted]
    return _first(tried, host, facts, built=built, located=False)


def _check_cache(option: Option | None) -> None:
    """Raise Refused unless ``-tb-size`` is a number (before 6.0)."""
    if option is not None and not 0 <= _number(option.value or "") < 1 << 32:
        raise refuse("tb-size", option, value=option.value)


def _check_icount(option: Option | None) -> None:
    """Raise Refused unless ``-icount`` names a shift that there is."""
    given = dict(option.args) if option else {}
    shift = given.get("shift")
    if shift is None:
        if "align" in given:
            raise refuse("icount-align", option, True)
    elif shift != "auto" and not 0 <= _number(shift) <= _MAX_SHIFT:
        raise refuse("icount-shift", option, True)


def _first(
    names: list[tuple[str, Option | None]], host: Host, facts: QemuFacts, *, built: bool,
    located: bool = True,
) -> str:
    """The first accelerator that works; what QEMU says first if none does."""
    located_kvm = facts.located_kvm
    failure = None
    for name, option in names:
        if name == _TEST and not facts.qtest_module:
            return name
        if name not in _BUILT_IN or (name == "kvm" and not built):
            failure = failure or refuse("accel-unknown", option, located, name=name)
        elif name == "kvm" and host.accelerator != "kvm":
            at_option = located and option is not None and located_kvm
            failure = failure or refuse("accel-kvm", option, at_option)
        else:
            if located and option is not None and name == "tcg":
                _check_tcg(option, facts.version)
            return name
    raise failure or refuse("accel-none", None)


def _check_tcg(option: Option, qemu: str) -> None:
    given = dict(option.args)
    known = [name for name, span in _TCG.items() if holds(qemu, span)]
    for name in hash_order(key for key in given if key not in ("accel", "id")):
        value = given[name]
        if name not in known:
            raise refuse("accel-property", option, True, name=name, known=", ".join(known))
        if name == "thread" and value not in ("single", "multi"):
            raise refuse("accel-thread", option, True, value=value)
        if name == "tb-size" and not 0 <= _number(value) < 1 << 32:
            raise refuse("expects", option, True, name=name, expected="uint64")
        if name in ("split-wx", "one-insn-per-tb") and value not in _BOOLS:
            raise refuse("expects", option, True, name=name, expected="'on' or 'off'")


def _number(text: str) -> int:
    """``text`` as a number; -1 if it is none."""
    try:
        return c_integer(text, signed=True)
    except (ValueError, OverflowError):
        return -1
