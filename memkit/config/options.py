"""The names of QEMU's options, which take an argument, in which releases and on which targets they exist.

Source: qemu-options.hx (QEMU 5.2 to 11.1), as Debian builds it.
"""

from __future__ import annotations

from functools import cache

from memkit.versions import DEFAULT_QEMU, holds

__all__ = ["ALIASES", "KNOWN", "TAKES_ARGUMENT", "known_options", "on_target", "spellings"]

_ARGUMENT = """
D L M accel acpitable action add-fd append audio audiodev bios blockdev boot cdrom chardev chroot compat cpu
d debugcon device dfilter display drive dtb dump-vmstate echr fda fdb fsdev fw_cfg g gdb global hda hdb hdc
hdd icount incoming initrd iscsi k kernel loadvm m machine mem-path mon monitor msg mtdblock name net netdev
nic numa object option-rom overcommit parallel pflash pidfile plugin prom-env qmp qmp-pretty qtest qtest-log
readconfig realtime rotate rtc run-with runas sandbox sd seed semihosting-config serial set shim smbios smp
soundhw spice tb-size tpmdev trace usbdevice uuid vga virtfs vnc watchdog watchdog-action writeconfig
xen-domid
"""
_ALONE = """
S alt-grab async-teardown audio-help ctrl-grab curses daemonize enable-fips enable-kvm enable-sync-profile
full-screen h help jitdump mem-prealloc no-acpi no-fd-bootchk no-hpet no-quit no-reboot no-shutdown
no-user-config nodefaults nographic old-param only-migratable perfmap portrait preconfig s sdl semihosting
show-cursor singlestep snapshot usb version win2k-hack xen-attach xen-domid-restrict
"""
TAKES_ARGUMENT = frozenset(_ARGUMENT.split())
KNOWN = TAKES_ARGUMENT | frozenset(_ALONE.split())
# Options that not every release has, each with those that do (see memkit.versions.holds).
_RELEASES = {
    "action": "6.0", "alt-grab": "<7.1", "async-teardown": "7.2<9.0", "audio": "7.1", "audio-help": "<8.2",
    "chroot": "<9.0", "compat": "6.0", "ctrl-grab": "<7.1", "curses": "<7.1", "enable-fips": "<7.1",
    "jitdump": "8.0", "no-acpi": "<9.0", "no-hpet": "<9.0", "no-quit": "<7.0", "old-param": "<10.2",
    "perfmap": "8.0", "portrait": "<9.2", "realtime": "<6.0", "rotate": "<9.2", "run-with": "8.1",
    "runas": "<10.0", "sdl": "<7.1", "shim": "10.0", "show-cursor": "<6.0", "singlestep": "<9.0",
    "soundhw": "<7.1", "tb-size": "<6.0", "watchdog": "<7.2", "writeconfig": "<7.1",
}
ALIASES = {"M": "machine", "h": "help"}

# Options that only some targets have, by the beginning of the target's name.  Debian's x86 binary
# of 7.2 is built without Xen, so it has none of those; that of 5.2
# has Xen, and since 8.0 KVM is enough for -xen-domid.
_X86, _ARM = ("i386", "x86_64"), ("arm", "aarch64")
_SEMIHOSTING = (*_ARM, "m68k", "xtensa", "mips", "nios2", "riscv")
_TARGETS: dict[str, tuple[str, ...]] = {
    "g": ("ppc", "sparc", "m68k"), "win2k-hack": _X86, "no-fd-bootchk": _X86, "no-acpi": (*_X86, *_ARM),
    "no-hpet": _X86, "acpitable": _X86, "smbios": (*_X86, *_ARM),
    "enable-kvm": (*_X86, *_ARM, "mips", "ppc", "riscv", "s390x"), "prom-env": ("ppc", "sparc"),
    "semihosting": _SEMIHOSTING, "semihosting-config": _SEMIHOSTING, "old-param": _ARM,
    "xen-domid": (), "xen-attach": (), "xen-domid-restrict": (),
}


@cache
def known_options(qemu: str) -> frozenset[str]:
    """The names of all options of that release, for any target.

    >>> sorted(known_options("7.2") - known_options("10.0"))[:3]
    ['async-teardown', 'audio-help', 'chroot']
    """
    return frozenset(name for name in KNOWN if holds(qemu, _RELEASES.get(name, "")))


@cache
def spellings(qemu: str) -> dict[str, tuple[str, bool]]:
    """Each word that is an option of that release, with its name and whether it takes an argument.

    >>> spellings("7.2")["--M"]
    ('machine', True)
    """
    return {
        dashes + name: (ALIASES.get(name, name), name in TAKES_ARGUMENT)
        for name in known_options(qemu) for dashes in ("-", "--")
    }


def on_target(name: str, target: str, qemu: str = DEFAULT_QEMU) -> bool:
    """True if QEMU for ``target`` has the option ``name``.

    >>> on_target("no-hpet", "x86_64"), on_target("prom-env", "x86_64")
    (True, False)
    """
    targets = _TARGETS.get(name)
    if targets == () and (holds(qemu, "<6.0") or (name == "xen-domid" and holds(qemu, "8.0"))):
        return True
    return targets is None or target.startswith(targets)
