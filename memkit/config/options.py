"""The names of QEMU's options, which take an argument, and on which targets they exist.

Source: qemu-options.hx (QEMU 7.2), as Debian builds it.
"""

from __future__ import annotations

__all__ = ["ALIASES", "KNOWN", "TAKES_ARGUMENT", "on_target"]

_ARGUMENT = """
D L M accel acpitable action add-fd append audio audiodev bios blockdev boot cdrom chardev chroot compat
cpu d debugcon device dfilter display drive dtb dump-vmstate echr fda fdb fsdev fw_cfg g gdb global hda
hdb hdc hdd icount incoming initrd iscsi k kernel loadvm m machine mem-path mon monitor msg mtdblock name
net netdev nic numa object option-rom overcommit parallel pflash pidfile plugin prom-env qmp qmp-pretty
qtest qtest-log readconfig rotate rtc runas sandbox sd seed semihosting-config serial set smbios smp spice
tpmdev trace usbdevice uuid vga virtfs vnc watchdog-action xen-domid
"""
_ALONE = """
S async-teardown audio-help daemonize enable-kvm enable-sync-profile full-screen h help mem-prealloc
no-acpi no-fd-bootchk no-hpet no-reboot no-shutdown no-user-config nodefaults nographic old-param
only-migratable portrait preconfig s semihosting singlestep snapshot usb version win2k-hack xen-attach
xen-domid-restrict
"""
TAKES_ARGUMENT = frozenset(_ARGUMENT.split())
KNOWN = TAKES_ARGUMENT | frozenset(_ALONE.split())
ALIASES = {"M": "machine", "h": "help"}

# Options that only some targets have, by the beginning of the target's name.  Debian's x86 binary
# is built without Xen, so it has none of those.
_X86, _ARM = ("i386", "x86_64"), ("arm", "aarch64")
_SEMIHOSTING = (*_ARM, "m68k", "xtensa", "mips", "nios2", "riscv")
_TARGETS: dict[str, tuple[str, ...]] = {
    "g": ("ppc", "sparc", "m68k"), "win2k-hack": _X86, "no-fd-bootchk": _X86, "no-acpi": (*_X86, *_ARM),
    "no-hpet": _X86, "acpitable": _X86, "smbios": (*_X86, *_ARM),
    "enable-kvm": (*_X86, *_ARM, "mips", "ppc", "riscv", "s390x"), "prom-env": ("ppc", "sparc"),
    "semihosting": _SEMIHOSTING, "semihosting-config": _SEMIHOSTING, "old-param": _ARM,
    "xen-domid": (), "xen-attach": (), "xen-domid-restrict": (),
}


def on_target(name: str, target: str) -> bool:
    """True if QEMU for ``target`` has the option ``name``.

    >>> on_target("no-hpet", "x86_64"), on_target("prom-env", "x86_64")
    (True, False)
    """
    targets = _TARGETS.get(name)
    return targets is None or target.startswith(targets)
