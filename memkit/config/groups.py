"""The option groups that QEMU keeps as QemuOpts: implied keys, known keys, and what merges.

A group with known keys checks names and values in the option loop; one without accepts all
and is checked when it is used.

Source: the QemuOptsList of each group, in softmmu/vl.c, softmmu/qdev-monitor.c, net/net.c, chardev/char.c,
monitor/monitor.c, fsdev/qemu-fsdev-opts.c, ui/spice-core.c, ui/vnc.c, util/ and trace/ (QEMU 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GROUPS", "MEM_LOCK_WORD", "OLD_GROUPS", "Group"]


@dataclass(frozen=True, slots=True)
class Group:
    """A QemuOptsList: ``name`` as in QEMU's messages, ``implied`` the key of a bare first value.

    ``kinds`` maps each known key to str, bool, number or size; None where any key goes.
    All options of a group that ``merges`` make one list, which then can have no id.
    """

    name: str
    implied: str | None = None
    merges: bool = False
    kinds: dict[str, str] | None = None


def _kinds(*, text: str = "", bool: str = "", number: str = "", size: str = "") -> dict[str, str]:
    return {
        **dict.fromkeys(text.split(), "str"), **dict.fromkeys(bool.split(), "bool"),
        **dict.fromkeys(number.split(), "number"), **dict.fromkeys(size.split(), "size"),
    }


_THROTTLE = " ".join(
    f"throttling.{name}" for name in (
        *(f"{what}-{which}{tail}" for what in ("iops", "bps") for which in ("total", "read", "write")
          for tail in ("", "-max", "-max-length")), "iops-size",
    )
)
_FS = "fsdriver path security_model writeout multidevs socket"
_FS_NUMBERS = "sock_fd fmode dmode"
_ACTION = Group("action", merges=True, kinds=_kinds(text="shutdown reboot panic watchdog"))

GROUPS: dict[str, Group] = {
    "m": Group("memory", "size", True, _kinds(size="size maxmem", number="slots")),
    "object": Group("object", "qom-type"),
    "device": Group("device", "driver"),
    "numa": Group("numa", "type"),
    "drive": Group("drive"),
    "netdev": Group("netdev", "type"),
    "nic": Group("nic", "type"),
    "net": Group("net", "type"),
    "accel": Group("accel", "accel"),
    "tpmdev": Group("tpmdev", "type"),
    "smbios": Group("smbios"),
    "acpitable": Group("acpi", "data"),
    "plugin": Group("plugin", "file"),
    "global": Group("global", kinds=_kinds(text="driver property value")),
    "overcommit": Group("overcommit", kinds=_kinds(bool="mem-lock cpu-pm")),
    "name": Group("name", "guest", True, _kinds(text="guest process", bool="debug-threads")),
    "rtc": Group("rtc", merges=True, kinds=_kinds(text="base clock driftfix")),
    "icount": Group(
        "icount", "shift", True, _kinds(text="shift rr rrfile rrsnapshot", bool="align sleep")
    ),
    "action": _ACTION,
    "msg": Group("msg", kinds=_kinds(bool="timestamp guest-name")),
    "add-fd": Group("add-fd", kinds=_kinds(number="fd set", text="opaque")),
    "realtime": Group("realtime", kinds=_kinds(bool="mlock")),
    "option-rom": Group("option-rom", "romfile", kinds=_kinds(number="bootindex", text="romfile")),
    "fw_cfg": Group("fw_cfg", "name", kinds=_kinds(text="name file string gen_id")),
    "mon": Group("mon", "chardev", kinds=_kinds(text="mode chardev", bool="pretty")),
    "trace": Group("trace", "enable", kinds=_kinds(text="enable events file")),
    "sandbox": Group("sandbox", "enable", kinds=_kinds(
        bool="enable", text="obsolete elevateprivileges spawn resourcecontrol",
    )),
    "semihosting-config": Group("semihosting-config", merges=True, kinds=_kinds(
        bool="enable userspace", text="target chardev arg",
    )),
    "iscsi": Group("iscsi", kinds=_kinds(
        text="user password password-secret header-digest initiator-name", number="timeout",
    )),
    "fsdev": Group("fsdev", "fsdriver", kinds=_kinds(
        text=_FS, bool="readonly", number=f"{_FS_NUMBERS} {_THROTTLE}",
    )),
    "virtfs": Group("virtfs", "fsdriver", kinds=_kinds(
        text=f"{_FS} mount_tag", bool="readonly", number=_FS_NUMBERS,
    )),
    "chardev": Group("chardev", "backend", kinds=_kinds(
        text="backend path host port fd localaddr localport tls-creds tls-authz name chardev logfile",
        number="to reconnect width height cols rows debug", size="size",
        bool="ipv4 ipv6 wait server delay nodelay telnet tn3270 websocket mux signal append logappend mouse "
             "clipboard tight abstract",
    )),
    "vnc": Group("vnc", "vnc", kinds=_kinds(
        text="vnc websocket tls-creds share display password-secret tls-authz sasl-authz audiodev",
        number="head connections to key-delay-ms",
        bool="ipv4 ipv6 password reverse lock-key-sync sasl lossy non-adaptive power-control",
    )),
    "spice": Group("spice", merges=True, kinds=_kinds(
        number="port tls-port head",
        text="addr password password-secret x509-dir x509-key-file x509-key-password x509-cert-file "
             "x509-cacert-file x509-dh-key-file tls-ciphers tls-channel plaintext-channel image-compression "
             "jpeg-wan-compression zlib-glz-wan-compression streaming-video display rendernode",
        bool="ipv4 ipv6 unix disable-ticketing disable-copy-paste disable-agent-file-xfer sasl agent-mouse "
             "playback-compression seamless-migration gl",
    )),
}

# -overcommit since 10.0 (QemuFacts.mem_lock_word).
MEM_LOCK_WORD = Group("overcommit", kinds=_kinds(text="mem-lock", bool="cpu-pm"))
# Options that were groups before they became trees (QemuFacts.compound_options; softmmu/vl.c, QEMU 5.2).
OLD_GROUPS: dict[str, Group] = {
    "machine": Group("machine", "type", True),
    "smp": Group("smp-opts", "cpus", True, _kinds(number="cpus sockets dies cores threads maxcpus")),
    "boot": Group("boot-opts", "order", True, _kinds(
        text="order once splash", bool="menu strict", number="splash-time reboot-timeout",
    )),
}
