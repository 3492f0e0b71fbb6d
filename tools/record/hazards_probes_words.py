"""Probes that listen: what QEMU says to a command line, a capability, or a command of the monitor."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .hazards_lab import Lab, Probe, Seen, Try
from .hazards_machine import Ended, Machine

__all__ = ["PROBES"]


def starts_with_words(words: str) -> Callable[[Lab, Try], Seen]:
    """It starts or not; shown if ``words`` are among what QEMU says."""

    def look(lab: Lab, what: Try) -> Seen:
        _, said = lab.refusal(what.line)
        return Seen(any(re.search(words, line) for line in said), said or ("started",))

    return look


def capabilities(words: str) -> Callable[[Lab, Try], Seen]:
    """The capabilities are set together; shown if the answer has ``words``."""

    def look(lab: Lab, what: Try) -> Seen:
        with lab.running(what.line) as machine:
            said = set_capabilities(machine, what.capabilities)
        unknown = "does not accept value" in said or "Invalid parameter" in said
        shows = bool(re.search(words, said)) and not unknown
        return Seen(shows, (f"migrate-set-capabilities: {said or 'done'}",))

    return look


def set_capabilities(machine: Machine, names: tuple[str, ...]) -> str:
    """QEMU's words that refuse capabilities, "" if it takes them."""
    rows = [{"capability": name, "state": True} for name in names]
    return machine.words("migrate-set-capabilities", capabilities=rows)


def capabilities_taken(lab: Lab, what: Try) -> Seen:
    """Shown if two capabilities are taken together."""
    with lab.running(what.line) as machine:
        said = set_capabilities(machine, what.capabilities)
    return Seen(not said and len(what.capabilities) > 1, (f"migrate-set-capabilities: {said or 'done'}",))


def command(words: str, name: str, **arguments: Any) -> Callable[[Lab, Try], Seen]:
    """A QMP command is given; shown if it is refused with ``words``."""

    def look(lab: Lab, what: Try) -> Seen:
        with lab.running(what.line) as machine:
            try:
                said = machine.words(name, **arguments)
            except Ended:
                said = machine.fate()
        return Seen(bool(re.search(words, said)), (f"{name}: {said or 'done'}",))

    return look


def migration(words: str, uri: str = "exec:cat > /dev/null", mode: str = "") -> Callable[[Lab, Try], Seen]:
    """Capabilities and a mode are set, migration is started; shown if one is refused with ``words``."""

    def look(lab: Lab, what: Try) -> Seen:
        with lab.running(what.line) as machine:
            said = set_capabilities(machine, what.capabilities) if what.capabilities else ""
            if mode and not said:
                said = machine.words("migrate-set-parameters", mode=mode)
            said = said or machine.words("migrate", uri=uri) or machine.migrated()
        return Seen(bool(re.search(words, said)), (f"migrate: {said or 'completed'}",))

    return look


def arrival(words: str, uri: str) -> Callable[[Lab, Try], Seen]:
    """Capabilities are set where a guest is to arrive; shown if the arrival is refused with ``words``."""

    def look(lab: Lab, what: Try) -> Seen:
        with lab.running(what.line, extra="-incoming defer") as machine:
            said = set_capabilities(machine, what.capabilities) if what.capabilities else ""
            said = said or machine.words("migrate-incoming", uri=uri)
        return Seen(bool(re.search(words, said)), (f"migrate-incoming: {said or 'done'}",))

    return look


def cpr_transfer(lab: Lab, what: Try) -> Seen:
    """Migration in the mode cpr-transfer; shown if RAM is not compatible with it."""
    with lab.running(what.line) as machine:
        said = machine.words("migrate-set-parameters", mode="cpr-transfer")
        paths = {"main": "/tmp/main", "cpr": "/tmp/cpr"}
        channels = [
            {"channel-type": kind, "addr": {"transport": "socket", "type": "unix", "path": path}}
            for kind, path in paths.items()
        ]
        said = said or machine.words("migrate", channels=channels)
    return Seen("is not compatible with CPR" in said, (f"migrate: {said or 'started'}",))


def unplug(lab: Lab, what: Try) -> Seen:
    """device_del of the memory device; shown if it is refused, the device being there."""
    with lab.running(what.line) as machine:
        ids = [device["data"].get("id") for device in machine.do("query-memory-devices")]
        said = machine.words("device_del", id=ids[0] if ids else "none")
    return Seen(bool(ids) and bool(said), (f"device_del: {said or 'done'}",))


def unplug_dimm(lab: Lab, what: Try) -> Seen:
    """device_del and then object_del of its backend; shown if both stay."""
    with lab.running(what.line) as machine:
        gone = machine.words("device_del", id="dimm")
        devices = len(machine.do("query-memory-devices"))
        freed = machine.words("object-del", id="d")
    return Seen(
        not gone and devices == 1 and bool(freed),
        (f"device_del: {gone or 'done'}", f"query-memory-devices: {devices} devices",
         f"object-del: {freed or 'done'}"),
    )


def hotplug_while_migrating(lab: Lab, what: Try) -> Seen:
    """A DIMM, while a slow migration runs if there is one; shown if QEMU refuses because of it."""
    with lab.running(what.line) as machine:
        machine.do("object-add", **_ram("d", 64 << 20, machine))
        if "migrate-precopy" in what.operations:
            machine.memset(1 << 20, 200 << 20)
            machine.do("migrate-set-parameters", max_bandwidth=1 << 20)
            machine.do("migrate", uri="exec:cat > /dev/null")
        said = machine.words("device_add", driver="pc-dimm", memdev="d")
        status = machine.do("query-migrate").get("status")
    return Seen("while migrating" in said, (f"query-migrate: {status}", f"device_add: {said or 'done'}"))


def _ram(id: str, size: int, machine: Machine) -> dict[str, Any]:
    """Arguments of object-add: since 6.0 the properties stand by themselves."""
    if machine.release < (6, 0):
        return {"qom-type": "memory-backend-ram", "id": id, "props": {"size": size}}
    return {"qom-type": "memory-backend-ram", "id": id, "size": size}


def hotplug_microvm(lab: Lab, what: Try) -> Seen:
    """It starts with slots= and maxmem=; shown if no DIMM can be plugged."""
    with lab.running(what.line) as machine:
        machine.do("object-add", **_ram("d", 64 << 20, machine))
        said = machine.words("device_add", driver="pc-dimm", memdev="d")
        line = " ".join(machine.said())
    return Seen(bool(said), (f"start: {line or 'no word on stderr'}", f"device_add: {said or 'done'}"))


def crashes(steps: Callable[[Machine], None]) -> Callable[[Lab, Try], Seen]:
    """Shown if QEMU ends by a signal after ``steps``."""

    def look(lab: Lab, what: Try) -> Seen:
        with lab.running(what.line) as machine:
            try:
                steps(machine)
                machine.do("query-status")
            except Ended:
                fate = machine.fate()
                return Seen("SIG" in fate, (fate, *machine.said()))
            return Seen(False, ("still runs",))

    return look


def _dirty_rate(machine: Machine) -> None:
    machine.words("calc-dirty-rate", calc_time=1, mode="dirty-ring")


def _snapshot(words: str) -> Probe:
    return Probe("the capabilities are set together", capabilities(words), tells=words)


_BOTH = "both capabilities are set together"
_POOL = "device_del of the memory device"
PROBES: dict[str, Probe] = {
    "cgs-needs-kvm": Probe(
        "start", starts_with_words("cgs->ready|does not support confidential guest"),
        tells="cgs->ready|does not support confidential guest"),
    "dirty-ring-size-pow2": Probe("start", starts_with_words("power of two"), tells="power of two"),
    "max-ram-below-4g-odd": Probe(
        "start", starts_with_words("possibly poor performance"), tells="possibly poor performance"),
    "virtio-mem-block-below-thp": Probe(
        "start", starts_with_words("smaller than the default block size"),
        tells="smaller than the default block size"),
    "numa-mem-old-machine-type": Probe(
        "start", starts_with_words("-numa node,mem is deprecated"), tells="-numa node,mem is deprecated"),
    "background-snapshot-vs-auto-converge": _snapshot("not compatible with auto-converge"),
    "background-snapshot-vs-multifd": _snapshot("not compatible with multifd"),
    "background-snapshot-vs-postcopy-ram": _snapshot("not compatible with postcopy-ram"),
    "background-snapshot-vs-release-ram": _snapshot("not compatible with release-ram"),
    "background-snapshot-vs-xbzrle": _snapshot("not compatible with xbzrle"),
    "background-snapshot-disk-file-ram": _snapshot("not compatible with guest memory configuration"),
    "ivshmem-disk-file-background-snapshot": _snapshot("not compatible with guest memory configuration"),
    "ignore-shared-vs-postcopy": Probe(_BOTH, capabilities("ignore-shared"), tells="ignore-shared"),
    "postcopy-preempt-needs-postcopy": Probe(
        "the capability is set", capabilities("requires postcopy-ram"), tells="requires postcopy-ram"),
    "postcopy-multifd-refused": Probe(_BOTH, capabilities("multifd"), tells="compatible with multifd"),
    "multifd-xbzrle-refused": Probe(_BOTH, capabilities("xbzrle"), tells="compatible with xbzrle"),
    "multifd-xbzrle-silent": Probe(_BOTH, capabilities_taken),
    "mapped-ram-incompatibilities": Probe(_BOTH, capabilities("apped-ram"), tells="apped-ram"),
    "zero-copy-send-needs-multifd": Probe(
        "the capability is set", capabilities("ero copy"), tells="multifd"),
    "dirty-limit-needs-ring": Probe(
        "set-vcpu-dirty-limit", command("dirty-ring-size", "set-vcpu-dirty-limit", dirty_rate=10),
        tells="dirty-ring-size"),
    "dirty-limit-vs-auto-converge": Probe(_BOTH, capabilities("auto-converge"), tells="auto-converge"),
    "dirty-rate-bitmap-vs-ring": Probe(
        "calc-dirty-rate with mode=dirty-bitmap",
        command("not enabled", "calc-dirty-rate", calc_time=1, mode="dirty-bitmap"), tells="not enabled"),
    "calc-dirty-rate-ring-tcg": Probe("calc-dirty-rate with mode=dirty-ring", crashes(_dirty_rate)),
    "rdma-incompatibilities": Probe(
        "-incoming defer, the capability xbzrle if asked for, then migrate-incoming rdma:127.0.0.1:4444",
        arrival("XBZRLE", "rdma:127.0.0.1:4444"), tells="XBZRLE",
        bad=Try("-m 256M", ("rdma", "xbzrle"))),
    "rdma-postcopy-refused": Probe(
        "capability postcopy-ram, then migrate to rdma:127.0.0.1:4444",
        migration("ostcopy", uri="rdma:127.0.0.1:4444"), tells="ostcopy"),
    "cpr-transfer-conflicts": Probe(
        "the capability postcopy-ram, if there is one, the mode cpr-reboot, then migrate to a file",
        migration("CPR", mode="cpr-reboot"), tells="CPR"),
    "cpr-transfer-private-ram": Probe(
        "the mode cpr-transfer, then migrate to two sockets that nobody serves", cpr_transfer,
        bad=Try("-m 256M -M memory-backend=f,aux-ram-share=on -object memory-backend-file,id=f,size=256M,"
                "mem-path=/dev/shm/f", ("cpr-transfer",)),
        good=Try("-m 256M -M memory-backend=f,aux-ram-share=on -object memory-backend-file,id=f,size=256M,"
                 "mem-path=/dev/shm/f,share=on", ("cpr-transfer",)),
        tells="not compatible with CPR"),
    "cpr-transfer-aux-ram": Probe(
        "the mode cpr-transfer, then migrate to two sockets that nobody serves", cpr_transfer,
        tells="not compatible with CPR"),
    "ivshmem-peer-blocks-migration": Probe(
        "migrate to a file", migration("peer mode"), tells="peer mode"),
    "virtio-mem-unplug-device": Probe(_POOL, unplug, tells="cannot be unplugged"),
    "virtio-mem-unplug-plugged-device": Probe(_POOL, unplug, tells="cannot get unplugged while"),
    "virtio-pmem-cannot-unplug": Probe(_POOL, unplug, tells="cannot be unplugged"),
    "nvdimm-cannot-unplug": Probe(_POOL, unplug, tells="not supported"),
    "dimm-hot-unplug-needs-guest": Probe(
        "device_del of the DIMM, then object-del of its backend", unplug_dimm, tells="in use|is mapped",
        good=Try("-m 256M,slots=2,maxmem=1G -object memory-backend-ram,id=d,size=128M", ("device-del",))),
    "backend-delete-while-mapped": Probe(
        "object-del", command("in use|is mapped", "object-del", id="d"), tells="in use|is mapped"),
    "memory-hotplug-during-migration": Probe(
        "object-add, a migration at 1 MiB a second to a file, device_add of a pc-dimm",
        hotplug_while_migrating, tells="while migrating",
        good=Try("-m 256M,slots=2,maxmem=1G", ("hot-plug",))),
    "maxmem-silently-ignored": Probe("start, object-add, device_add of a pc-dimm", hotplug_microvm),
}
