"""What each type of object, ``-numa``, ``-smp`` and ``-m`` may say: QEMU's QAPI schema as data.

A type lists its members in the order in which QEMU checks them: ``name:kind``, with ``?`` in front
where it can be left out.  Kinds: bool, str, size, int, uint8 ... uint64, ``[kind]`` for a list, a name
of ENUMS, or any (kept as it is).  Members and types that not every release has say which:
``name:kind@6.0`` is there from 6.0 on, ``@<9.2`` before 9.2 (see memkit.versions.holds).

Source: qapi/qom.json, qapi/machine.json, qapi/authz.json, qapi/crypto.json, qapi/ui.json, qapi/net.json
(QEMU 5.2, 7.2, 8.2, 10.0, 11.1, and git history for the releases between).
"""

from __future__ import annotations

from functools import cache

from memkit.versions import DEFAULT_QEMU, holds

__all__ = [
    "ENUMS", "NUMA_TYPES", "Member", "display_schema", "network_schema", "network_types", "numa_schema",
    "object_schema", "object_types", "schema",
]

# Name, kind, and whether it can be left out.
Member = tuple[str, str, bool]

ENUMS: dict[str, tuple[str, ...]] = {
    "policy": ("default", "preferred", "bind", "interleave"),
    "queue": ("all", "rx", "tx"), "insert": ("before", "behind"),
    "authz-policy": ("deny", "allow"), "endpoint": ("client", "server"), "secret-format": ("raw", "base64"),
    "toggle": ("ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"),
    "hierarchy": ("memory", "first-level", "second-level", "third-level"),
    "data-type": ("access-latency", "read-latency", "write-latency", "access-bandwidth", "read-bandwidth",
                  "write-bandwidth"),
    "associativity": ("none", "direct", "complex"), "write-policy": ("none", "write-back", "write-through"),
    "OnOffAuto": ("auto", "on", "off"), "south-bridge": ("PIIX3", "piix4-isa"), "smbios": ("32", "64"),
    "smbios-auto": ("32", "64", "auto"),
    "compat-input": ("accept", "reject", "crash"), "compat-output": ("accept", "hide"),
    "PCIELinkSpeed": ("2_5", "5", "8", "16", "32", "64"),
    "PCIELinkWidth": ("1", "2", "4", "8", "12", "16", "32"), "LostTickPolicy": ("discard", "delay", "slew"),
    "FdcDriveType": ("144", "288", "120", "none", "auto"),
    "FloppyDriveType": ("144", "288", "120", "none", "auto"),
    "BlockdevOnError": ("report", "ignore", "enospc", "stop", "auto"),
    "BiosAtaTranslation": ("auto", "none", "lba", "large", "rechs"),
    "GranuleMode": ("4k", "8k", "16k", "64k", "host"),
    "gl": ("off", "on", "core", "es"), "grab-mod": ("lctrl-lalt", "lshift-lctrl-lalt", "rctrl"),
}
_BACKEND = (
    "?dump:bool ?host-nodes:[uint16] ?merge:bool ?policy:policy ?prealloc:bool ?prealloc-threads:uint32 "
    "?prealloc-context:str@7.2 ?share:bool ?reserve:bool@6.1 size:size "
    "?x-use-canonical-path-for-ramblock-id:bool "
)
_FILTER = "netdev:str ?queue:queue ?status:str ?position:str ?insert:insert "
_TLS = "?verify-peer:bool ?dir:str ?endpoint:endpoint ?priority:str "
_SECRET = "?loaded:bool@<9.2 ?format:secret-format ?keyid:str ?iv:str "
_LOOP = "?aio-max-batch:int@6.1 ?thread-pool-min:int@7.1 ?thread-pool-max:int@7.1 "
_QUEUES = "?queues:uint32 ?throttle-bps:uint64@8.0 ?throttle-ops:uint64@8.0 "
_LIMITS = " ".join(
    f"?x-{name}:int" for name in (
        *(f"{what}-{which}{tail}" for what in ("iops", "bps") for which in ("total", "read", "write")
          for tail in ("", "-max", "-max-length")), "iops-size",
    )
)
_OBJECTS = {
    "memory-backend-ram": _BACKEND,
    "memory-backend-file":
        _BACKEND + "?align:size ?offset:size@8.1 ?discard-data:bool mem-path:str ?pmem:bool "
                   "?readonly:bool@6.0 ?rom:OnOffAuto@8.2",
    "memory-backend-memfd": _BACKEND + "?hugetlb:bool ?hugetlbsize:size ?seal:bool",
    "memory-backend-epc@6.2": _BACKEND, "memory-backend-shm@9.1": _BACKEND,
    "authz-list": "?policy:authz-policy ?rules:any", "authz-listfile@6.0": "filename:str ?refresh:bool",
    "authz-list-file@<6.0": "filename:str ?refresh:bool",
    "acpi-generic-initiator@9.0": "pci-dev:str node:uint32",
    "acpi-generic-port@9.2": "pci-bus:str node:uint32",
    "authz-pam": "service:str", "authz-simple": "identity:str", "can-bus": "",
    "can-host-socketcan": "if:str canbus:str",
    "colo-compare": "primary_in:str secondary_in:str outdev:str iothread:str ?notify_dev:str "
                    "?compare_timeout:uint64 ?expired_scan_cycle:uint32 ?max_queue_size:uint32 "
                    "?vnet_hdr_support:bool",
    "cryptodev-backend": _QUEUES, "cryptodev-backend-builtin": _QUEUES, "cryptodev-backend-lkcf@7.2": _QUEUES,
    "cryptodev-vhost-user": _QUEUES + "chardev:str", "dbus-vmstate": "addr:str ?id-list:str",
    "filter-buffer": _FILTER + "interval:uint32", "filter-dump": _FILTER + "file:str ?maxlen:uint32",
    "filter-mirror": _FILTER + "outdev:str ?vnet_hdr_support:bool",
    "filter-redirector": _FILTER + "?indev:str ?outdev:str ?vnet_hdr_support:bool", "filter-replay": _FILTER,
    "filter-rewriter": _FILTER + "?vnet_hdr_support:bool",
    "input-barrier": "name:str ?server:str ?port:str ?x-origin:str ?y-origin:str ?width:str ?height:str",
    "input-linux": "evdev:str ?grab_all:bool ?repeat:bool ?grab-toggle:toggle",
    "iothread": _LOOP + "?poll-max-ns:int ?poll-grow:int ?poll-shrink:int ?poll-weight:int@11.1",
    "main-loop@7.1": _LOOP, "iommufd@9.0": "?fd:str", "igvm-cfg@10.1": "file:str",
    "monitor-hmp@11.1": "chardev:str ?readline:bool",
    "monitor-qmp@11.1": "chardev:str ?pretty:bool ?close-action:any",
    "pef-guest@6.0": "", "pr-manager-helper": "path:str", "qtest@6.1": "chardev:str ?log:str",
    "rng-builtin": "?opened:bool", "rng-egd": "?opened:bool chardev:str",
    "rng-random": "?opened:bool ?filename:str", "secret": _SECRET + "?data:str ?file:str",
    "secret_keyring": _SECRET + "serial:int32",
    "sev-guest": "?sev-device:str ?dh-cert-file:str ?session-file:str ?policy:uint32 ?handle:uint32 "
                 "?cbitpos:uint32 reduced-phys-bits:uint32 ?kernel-hashes:bool@6.2 "
                 "?legacy-vm-type:OnOffAuto@9.1",
    "sev-snp-guest@9.1": "?sev-device:str ?cbitpos:uint32 reduced-phys-bits:uint32 ?kernel-hashes:bool "
                         "?policy:uint64 ?guest-visible-workarounds:str ?id-block:str ?id-auth:str "
                         "?author-key-enabled:bool "
                         "?host-data:str ?vcek-disabled:bool",
    "tdx-guest@10.1": "?attributes:uint64 ?sept-ve-disable:bool ?mrconfigid:str ?mrowner:str "
                      "?mrownerconfig:str ?quote-generation-socket:any",
    "thread-context@7.2": "?cpu-affinity:[uint16] ?node-affinity:[uint16]", "s390-pv-guest@6.0": "",
    "throttle-group": f"?limits:any {_LIMITS}", "tls-creds-anon": _TLS + "?loaded:bool@<9.2",
    "tls-creds-psk": _TLS + "?loaded:bool@<9.2 ?username:str",
    "tls-creds-x509": _TLS + "?loaded:bool@<9.2 ?sanity-check:bool ?passwordid:str",
    "tls-cipher-suites": _TLS,
    "x-remote-object@6.0": "fd:str devid:str", "x-vfio-user-server@7.1": "socket:any device:str",
}
_NUMA = {
    "node": "?nodeid:uint16 ?cpus:[uint16] ?mem:size ?memdev:str ?initiator:uint16",
    "dist": "src:uint16 dst:uint16 val:uint8",
    "cpu": "?node-id:int ?drawer-id:int@8.2 ?book-id:int@8.2 ?socket-id:int ?die-id:int ?cluster-id:int@7.1 "
           "?module-id:int@9.1 ?core-id:int ?thread-id:int",
    "hmat-lb": "initiator:uint16 target:uint16 hierarchy:hierarchy data-type:data-type ?latency:uint64 "
               "?bandwidth:size",
    "hmat-cache": "node-id:uint32 size:size level:uint8 associativity:associativity policy:write-policy "
                  "line:uint16",
}
NUMA_TYPES = tuple(_NUMA)
_DISPLAY = {
    "default": "", "none": "", "spice-app": "",
    "gtk": "?grab-on-hover:bool ?zoom-to-fit:bool ?show-tabs:bool@7.1 ?show-menubar:bool@7.2 "
           "?clipboard:bool@11.1 ?keep-aspect-ratio:bool@10.1 ?scale:any@10.1",
    "sdl": "?grab-mod:grab-mod", "egl-headless": "?rendernode:str", "curses": "?charset:str",
    "dbus": "?rendernode:str ?addr:str ?p2p:bool ?audiodev:str",
}
_NETWORKS = {
    "none": "", "nic": "?netdev:str ?macaddr:str ?model:str ?addr:str ?vectors:uint32",
    "user": "?hostname:str ?restrict:bool ?ipv4:bool ?ipv6:bool ?ip:str ?net:str ?host:str ?tftp:str "
            "?bootfile:str ?dhcpstart:str ?dns:str ?dnssearch:any ?domainname:str ?ipv6-prefix:str "
            "?ipv6-prefixlen:int ?ipv6-host:str ?ipv6-dns:str ?ipv6-net:str ?smb:str ?smbserver:str "
            "?hostfwd:any ?guestfwd:any ?tftp-server-name:str",
    "tap": "?ifname:str ?fd:str ?fds:str ?script:str ?downscript:str ?br:str ?helper:str ?sndbuf:size "
           "?vnet_hdr:bool ?vhost:bool ?vhostfd:str ?vhostfds:str ?vhostforce:bool ?queues:uint32 "
           "?poll-us:uint32",
    "l2tpv3": "src:str dst:str ?srcport:str ?dstport:str ?ipv6:bool ?udp:bool ?cookie64:bool ?counter:bool "
              "?pincounter:bool ?txcookie:uint64 ?rxcookie:uint64 txsession:uint32 ?rxsession:uint32 "
              "?offset:uint32",
    "socket": "?fd:str ?listen:str ?connect:str ?mcast:str ?localaddr:str ?udp:str",
    "stream@7.2": "addr:any ?server:bool ?reconnect:uint32@8.0<10.2 ?reconnect-ms:int@9.2",
    "dgram@7.2": "?local:any ?remote:any",
    "vde": "?sock:str ?port:uint16 ?group:str ?mode:uint16", "bridge": "?br:str ?helper:str",
    "passt@10.1": "?path:str ?quiet:bool ?vhost-user:bool ?mtu:int ?address:str ?netmask:str ?mac:str "
                  "?gateway:str ?interface:str ?outbound:str ?outbound-if4:str ?outbound-if6:str ?dns:str "
                  "?search:any "
                  "?fqdn:str ?dhcp-dns:bool ?dhcp-search:bool ?map-host-loopback:str ?map-guest-addr:str "
                  "?dns-forward:str ?dns-host:str ?tcp:bool ?udp:bool ?icmp:bool ?dhcp:bool ?ndp:bool "
                  "?dhcpv6:bool ?ra:bool "
                  "?freebind:bool ?ipv4:bool ?ipv6:bool ?tcp-ports:any ?udp-ports:any ?param:any",
    "hubport": "hubid:int32 ?netdev:str", "netmap": "ifname:str ?devname:str",
    "vhost-user": "chardev:str ?vhostforce:bool ?queues:int",
    "vhost-vdpa": "?vhostdev:str ?vhostfd:str ?queues:int ?x-svq:bool",
}
_MACHINE = {
    "smp": "?cpus:int ?drawers:int@8.2 ?books:int@8.2 ?sockets:int ?dies:int ?clusters:int ?modules:int@9.1 "
           "?cores:int ?threads:int ?maxcpus:int",
    "boot": "?order:str ?once:str ?menu:bool ?splash:str ?splash-time:int ?reboot-timeout:int ?strict:bool",
    "memory": "?size:size ?max-size:size ?slots:uint64",
    "sgx-epc": "memdev:str node:int",
    "compat": "?deprecated-input:compat-input ?deprecated-output:compat-output "
              "?unstable-input:compat-input@6.2 ?unstable-output:compat-output@6.2",
    "cxl-fmw": "size:size ?interleave-granularity:size targets:[str]",
}


def _members(text: str, qemu: str) -> tuple[Member, ...]:
    found = []
    for word in text.split():
        name, _, kind = word.lstrip("?").partition(":")
        kind, _, span = kind.partition("@")
        if holds(qemu, span):
            found.append((name, kind, word[0] == "?"))
    return tuple(found)


def _types(table: dict[str, str], qemu: str) -> dict[str, str]:
    """Each type of ``table`` that ``qemu`` has, with the text of its members."""
    found = {}
    for key, text in table.items():
        name, _, span = key.partition("@")
        if holds(qemu, span):
            found[name] = text
    return found


@cache
def object_types(qemu: str) -> frozenset[str]:
    """The types of ``-object`` that release ``qemu`` knows by name.

    >>> "thread-context" in object_types("5.2"), "thread-context" in object_types("7.2")
    (False, True)
    """
    return frozenset(_types(_OBJECTS, qemu))


@cache
def object_schema(qom_type: str, qemu: str = DEFAULT_QEMU) -> tuple[Member, ...]:
    """The members of an object of type ``qom_type`` beside qom-type and id; KeyError if unknown.

    >>> object_schema("thread-context")[0]
    ('cpu-affinity', '[uint16]', True)
    """
    return _members(_types(_OBJECTS, qemu)[qom_type], qemu)


@cache
def numa_schema(kind: str, qemu: str = DEFAULT_QEMU) -> tuple[Member, ...]:
    """The members of ``-numa`` of one kind beside type; KeyError if unknown."""
    return _members(_NUMA[kind], qemu)


@cache
def network_types(qemu: str = DEFAULT_QEMU) -> tuple[str, ...]:
    """The types of ``-netdev`` and ``-net``."""
    return tuple(_types(_NETWORKS, qemu))


@cache
def network_schema(kind: str, qemu: str = DEFAULT_QEMU) -> tuple[Member, ...]:
    """The members of ``-netdev`` and ``-net`` of one kind beside type and id; KeyError if unknown."""
    return _members(_types(_NETWORKS, qemu)[kind], qemu)


@cache
def display_schema(kind: str, qemu: str = DEFAULT_QEMU) -> tuple[Member, ...] | None:
    """The members of ``-display`` of one kind beside type; None if unknown."""
    own = _DISPLAY.get(kind)
    if own is None:
        return None
    return _members(f"?full-screen:bool ?window-close:bool ?show-cursor:bool ?gl:gl {own}", qemu)


@cache
def schema(name: str, qemu: str = DEFAULT_QEMU) -> tuple[Member, ...]:
    """The members of ``name``: smp, boot, memory, compat, or an element of sgx-epc or cxl-fmw."""
    return _members(_MACHINE[name], qemu)
