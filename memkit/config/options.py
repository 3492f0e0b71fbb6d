"""The names of QEMU's options, and which take an argument.

Source: qemu-options.hx (QEMU 7.2), with what Debian's qemu-system-x86_64 accepts.
"""

from __future__ import annotations

__all__ = ["ALIASES", "KNOWN", "TAKES_ARGUMENT"]

_ARGUMENT = """
machine M cpu accel smp numa add-fd set global boot m mem-path k audio audiodev device name uuid fda fdb
hda hdb hdc hdd cdrom blockdev drive mtdblock sd fsdev virtfs iscsi usbdevice display spice rotate vga g
vnc acpitable smbios netdev nic net chardev tpmdev bios pflash kernel append initrd dtb compat fw_cfg
serial parallel monitor qmp qmp-pretty mon debugcon pidfile overcommit gdb d D dfilter seed L xen-domid
action loadvm option-rom rtc icount watchdog-action echr incoming chroot runas prom-env
semihosting-config sandbox readconfig trace plugin qtest qtest-log msg dump-vmstate object watchdog
"""
_ALONE = """
h help version mem-prealloc audio-help snapshot usb nographic portrait full-screen win2k-hack
no-fd-bootchk no-acpi no-hpet singlestep preconfig S s enable-kvm xen-attach xen-domid-restrict no-reboot
no-shutdown daemonize only-migratable nodefaults semihosting old-param no-user-config async-teardown
enable-sync-profile nouserconfig
"""
TAKES_ARGUMENT = frozenset(_ARGUMENT.split())
KNOWN = TAKES_ARGUMENT | frozenset(_ALONE.split())
ALIASES = {"M": "machine", "h": "help"}
