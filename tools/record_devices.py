"""Record what a QEMU binary knows about devices, machine types and CPU models.

usage: record_devices.py [--binary QEMU] [--only PART ...] [--jobs N] [--out DIR]

Every fact is asked of the binary: help texts, and some thousands of short starts under TCG, paused,
over QMP on the process's own pipes.  Each process is ended before the next question.  Writes
DIR/devices/TARGET-VERSION.json and DIR/machines/TARGET-VERSION.json (see data/README.md).
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

DATE = "2026-11-24"
BOARDS = ("pc", "q35", "microvm")
START_SECONDS = 30.0
MIB = 1 << 20

# What a device on each kind of bus needs before it; tried when the board has no such bus.
COMPANIONS = {
    "usb-bus": "-device qemu-xhci",
    "SCSI": "-device virtio-scsi-pci",
    "virtio-serial-bus": "-device virtio-serial-pci",
    "HDA": "-device intel-hda",
    "sd-bus": "-device sdhci-pci",
    "ccid-bus": "-device qemu-xhci -device usb-ccid",
    "nvme-bus": "-device nvme,serial=s,id=nvme0",
    "virtio-bus": "",
}
DRIVE = "-blockdev driver=null-co,node-name=d0,size=67108864"
RAM = "-object memory-backend-ram,id=m0,size=64M"
CXL = (
    "-machine cxl=on -object memory-backend-ram,id=m0,size=256M -object memory-backend-ram,id=m1,size=256M "
    "-device pxb-cxl,bus_nr=12,id=cxl0,bus=pcie.0 "
)
# What a device that does not start alone wants: (options before it, its properties).
RECIPES: dict[str, tuple[str, str]] = {
    "virtio-blk-pci": (DRIVE, "drive=d0"),
    "virtio-blk-pci-transitional": (DRIVE, "drive=d0"),
    "virtio-blk-pci-non-transitional": (DRIVE, "drive=d0"),
    "nvme": ("", "serial=s"),
    "nvme-ns": (DRIVE + " -device nvme,serial=s", "drive=d0"),
    "pc-dimm": ("-m 128M,slots=2,maxmem=1G " + RAM, "memdev=m0"),
    "nvdimm": ("-machine nvdimm=on -m 128M,slots=2,maxmem=1G " + RAM, "memdev=m0"),
    "virtio-mem-pci": ("-m 128M,maxmem=1G " + RAM, "memdev=m0"),
    "virtio-pmem-pci": ("-m 128M,maxmem=1G " + RAM, "memdev=m0"),
    "ivshmem-plain": (RAM, "memdev=m0"),
    "virtio-9p-pci": ("-fsdev local,id=f0,path=/tmp,security_model=none", "fsdev=f0,mount_tag=t"),
    "virtio-9p-pci-transitional": (
        "-fsdev local,id=f0,path=/tmp,security_model=none",
        "fsdev=f0,mount_tag=t",
    ),
    "virtio-9p-pci-non-transitional": (
        "-fsdev local,id=f0,path=/tmp,security_model=none",
        "fsdev=f0,mount_tag=t",
    ),
    "virtio-crypto-pci": ("-object cryptodev-backend-builtin,id=c0", "cryptodev=c0"),
    "usb-storage": ("-device qemu-xhci " + DRIVE, "drive=d0"),
    "usb-uas": ("-device qemu-xhci", ""),
    "usb-serial": ("-device qemu-xhci -chardev null,id=c0", "chardev=c0"),
    "usb-net": ("-device qemu-xhci -netdev user,id=n0", "netdev=n0"),
    "usb-mtp": ("-device qemu-xhci", "rootdir=/tmp"),
    "ide-hd": (DRIVE, "drive=d0"),
    "scsi-hd": ("-device virtio-scsi-pci " + DRIVE, "drive=d0"),
    "scsi-block": ("-device virtio-scsi-pci " + DRIVE, "drive=d0"),
    "scsi-generic": ("-device virtio-scsi-pci " + DRIVE, "drive=d0"),
    "sd-card": ("-device sdhci-pci " + DRIVE, "drive=d0"),
    "isa-serial": ("-chardev null,id=c0", "chardev=c0"),
    "isa-parallel": ("-chardev null,id=c0", "chardev=c0"),
    "isa-debugcon": ("-chardev null,id=c0", "chardev=c0"),
    "pci-serial": ("-chardev null,id=c0", "chardev=c0"),
    "pci-serial-2x": ("-chardev null,id=c0 -chardev null,id=c1", "chardev1=c0,chardev2=c1"),
    "pci-serial-4x": (
        "-chardev null,id=c0 -chardev null,id=c1 -chardev null,id=c2 -chardev null,id=c3",
        "chardev1=c0,chardev2=c1,chardev3=c2,chardev4=c3",
    ),
    "isa-ipmi-bt": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "isa-ipmi-kcs": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "pci-ipmi-bt": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "pci-ipmi-kcs": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "smbus-ipmi": ("-device ipmi-bmc-sim,id=b0", "bmc=b0"),
    "pci-bridge": ("", "chassis_nr=1"),
    "pci-bridge-seat": ("", "chassis_nr=1"),
    "pxb": ("", "bus_nr=64"),
    "pxb-pcie": ("", "bus_nr=64"),
    "pxb-cxl": ("-machine cxl=on", "bus_nr=12"),
    "x3130-upstream": ("-device pcie-root-port,id=rp0,chassis=1", "bus=rp0"),
    "xio3130-downstream": (
        "-device pcie-root-port,id=rp0,chassis=1 -device x3130-upstream,id=up0,bus=rp0",
        "bus=up0,chassis=2",
    ),
    "cxl-rp": (CXL, "bus=cxl0,chassis=1,slot=2,id=rp0"),
    "cxl-upstream": (CXL + "-device cxl-rp,bus=cxl0,chassis=1,slot=2,id=rp0", "bus=rp0"),
    "cxl-downstream": (
        CXL + "-device cxl-rp,bus=cxl0,chassis=1,slot=2,id=rp0 -device cxl-upstream,bus=rp0,id=up0",
        "bus=up0,chassis=3,slot=3",
    ),
    "cxl-type3": (CXL + "-device cxl-rp,bus=cxl0,chassis=1,slot=2,id=rp0", "bus=rp0,memdev=m0,lsa=m1"),
    "intel-iommu": ("-machine kernel-irqchip=split", ""),
    "pvpanic": ("", ""),
    "vmgenid": ("", ""),
    "tpm-tis": ("", ""),
    "loader": ("", "addr=0,data=0,data-len=4"),
    "generic-sdhci": ("", ""),
    "vmcoreinfo": ("", ""),
    "hyperv-testdev": ("-cpu qemu64,+hv-synic", ""),
    "vmbus-bridge": ("-cpu qemu64,+hv-synic", ""),
    "virtserialport": ("-device virtio-serial-pci -chardev null,id=c0", "chardev=c0"),
    "virtconsole": ("-device virtio-serial-pci -chardev null,id=c0", "chardev=c0"),
    "ccid-card-passthru": ("-device qemu-xhci -device usb-ccid -chardev null,id=c0", "chardev=c0"),
    "usb-ccid": ("-device qemu-xhci", ""),
    "usb-braille": ("-device qemu-xhci -chardev null,id=c0", "chardev=c0"),
    "i8042": ("-machine i8042=off", ""),
    "floppy": (DRIVE, "drive=d0"),
    "usb-redir": ("-device qemu-xhci -chardev null,id=c0", "chardev=c0"),
    "acpi-erst": ("-object memory-backend-ram,id=m0,size=64K", "memdev=m0"),
    "kvaser_pci": ("-object can-bus,id=b0", "canbus=b0"),
    "pcm3680_pci": ("-object can-bus,id=b0", "canbus0=b0,canbus1=b0"),
    "mioe3680_pci": ("-object can-bus,id=b0", "canbus0=b0,canbus1=b0"),
    "ctucan_pci": ("-object can-bus,id=b0", "canbus0=b0,canbus1=b0"),
    "ivshmem-doorbell": ("-chardev socket,id=c0,path=IVSHMEM", "chardev=c0"),
    "vmmouse": ("", ""),
    "ipmi-bmc-extern": ("-chardev null,id=c0", "chardev=c0"),
    "ipoctal232": ("-device tpci200", ""),
}

# Properties that may set the size of a RAMBlock, with values to try on every device that has them.
SWEEP = {
    "vgamem_mb": "1 2 3 4 5 7 8 9 12 16 17 24 32 33 64 100 128 256 300 512 1024",
    "vgamem": "1M 2M 3M 4M 5M 8M 12M 16M 17M 32M 64M 100M 256M 300M 512M 1G",
    "ram_size": "1048576 4194304 16777216 33554432 67108864 68157440 104857600 134217728 268435456",
    "vram_size": "4096 5000 1048576 3145728 4194304 67108864 68157440 104857600 134217728 268435456",
    "ram_size_mb": "1 3 4 16 64 65 128",
    "vram_size_mb": "1 3 4 16 64 65 128",
    "vram64_size_mb": "1 3 4 16 64 65 128",
    "max_outputs": "1 2 4",
    "cmb_size_mb": "1 3 64",
    "hostmem": "1M 16M 64M 256M",
    "label-size": "128K 256K",
    "max_hostmem": "1M 256M",
    "rombar": "0 1",
    "romsize": "4096 65536 262144 524288 1048576 2097152 5000",
}
_ROMS = tempfile.TemporaryDirectory()
ROM_FILE_SIZES = (1, 2048, 4096, 5000, 65536, 65537, 300000)
COMBINATIONS = {
    "qxl": [
        "ram_size_mb=64,vgamem_mb=64",
        "vgamem_mb=64,ram_size_mb=128",
        "vgamem_mb=128",
        "vram_size_mb=128,vram64_size_mb=64",
        "vram_size_mb=16,vram64_size_mb=128",
        "revision=1",
        "revision=3",
    ],
}


def split(text: str) -> list[str]:
    """``text`` as words; IVSHMEM becomes the path of a server with 4 MiB to share."""
    if "IVSHMEM" in text:
        text = text.replace("IVSHMEM", ivshmem_server())
    return text.split()


@functools.cache
def ivshmem_server() -> str:
    """The path of a socket that speaks just enough of ivshmem's protocol (docs/specs/ivshmem-spec.txt)."""
    path = str(Path(_ROMS.name) / "ivshmem")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    memory = os.memfd_create("ivshmem")
    os.ftruncate(memory, 4 * MIB)
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            client, _ = listener.accept()
            held.append(client)
            client.sendall(struct.pack("<q", 0))  # protocol version
            client.sendall(struct.pack("<q", 1))  # the client's own number
            socket.send_fds(client, [struct.pack("<q", -1)], [memory])

    threading.Thread(target=serve, daemon=True).start()
    return path


@dataclass
class Answer:
    """What one start gave: the monitor's texts and QMP answers, or the refusal."""

    stderr: list[str] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    started: bool = False

    @property
    def refusal(self) -> str:
        """The first line of stderr that is no warning, without the program's name."""
        return next((line for line in self.stderr if "warning: " not in line), "")

    @property
    def warnings(self) -> list[str]:
        """The lines of stderr, if it started."""
        return self.stderr if self.started else [w for w in self.stderr if w.startswith("warning:")]


class Binary:
    """A QEMU program that can be asked."""

    def __init__(self, program: str, jobs: int) -> None:
        self.program = program
        self.pool = ThreadPoolExecutor(jobs)
        self.version = self.help("--version").splitlines()[0]
        found = re.search(r"version (\d+\.\d+)", self.version)
        self.short = found[1] if found else "unknown"
        self.target = Path(program).name.removeprefix("qemu-system-")
        self.starts = 0
        self._cache: dict[tuple[str, ...], Answer] = {}

    def help(self, *words: str) -> str:
        """What the program prints for ``words``."""
        done = subprocess.run(
            [self.program, *words],
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout

    def start(self, argv: Sequence[str], questions: Sequence[str | dict[str, Any]]) -> Answer:
        """Start paused with ``argv``, ask (HMP text or QMP commands), end the process."""
        self.starts += 1
        # A quiet host: no sound card is looked for.
        quiet = {**os.environ, "QEMU_AUDIO_DRV": "none"}
        command = [self.program, "-S", "-display", "none", "-accel", "tcg", "-qmp", "stdio", *argv]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=quiet,
        )
        answer = Answer()
        timer = threading.Timer(START_SECONDS, process.kill)
        timer.start()
        try:
            answer.started, answer.results = converse(process, questions)
            _, stderr = process.communicate(timeout=START_SECONDS)
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
            process.wait()
        prefix = Path(self.program).name + ": "
        answer.stderr = [
            line.strip().removeprefix(prefix)
            for line in stderr.splitlines()
            if line.strip() and "terminating on signal" not in line and ": info: " not in line
        ]
        if process.returncode < 0:
            answer.started = False
            answer.stderr.append(f"(killed by signal {-process.returncode})")
        return answer

    def cached(self, argv: Sequence[str], questions: Sequence[str | dict[str, Any]]) -> Answer:
        """The same, remembered by ``argv``."""
        key = tuple(argv)
        if key not in self._cache:
            self._cache[key] = self.start(argv, questions)
        return self._cache[key]

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """``function`` of every item, some at a time."""
        return list(self.pool.map(function, items))


def converse(
    process: subprocess.Popen[str], questions: Sequence[str | dict[str, Any]]
) -> tuple[bool, list[Any]]:
    """True and the answers, or False if the process went away."""
    assert process.stdin is not None
    assert process.stdout is not None
    results: list[Any] = []
    try:
        if not process.stdout.readline():
            return False, results
        for question in ({"execute": "qmp_capabilities"}, *questions, {"execute": "quit"}):
            if isinstance(question, str):
                question = {"execute": "human-monitor-command", "arguments": {"command-line": question}}
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            while True:
                line = process.stdout.readline()
                if not line:
                    return False, results
                reply = json.loads(line)
                if "return" in reply or "error" in reply:
                    break
            value = reply.get("return", reply.get("error"))
            results.append(value.replace("\r", "") if isinstance(value, str) else value)
    except BrokenPipeError:
        return False, results
    return True, results[1:-1]


# -- reading monitor text

LINE = re.compile(r"^(\s*)([0-9a-f]{16})-([0-9a-f]{16}) \(prio (-?\d+), ([^)]+)\): (.*)$")


def short(match: re.Match[str]) -> str:
    """One region line, numbers without leading zeros."""
    _, start, end, priority, kind, name = match.groups()
    name = re.sub(r"\b0{1,15}([0-9a-f]+)-0{0,15}([0-9a-f]+)(?= |$)", r"\1-\2", name)
    name = re.sub(r" @0*([0-9a-f]+)$", r" @\1", name)
    return f"{int(start, 16):x}-{int(end, 16):x} {priority} {kind} {name}"


def read_tree(text: str) -> tuple[dict[str, list[str]], list[str]]:
    """Address spaces by name (their lines), and all region lines with their container."""
    spaces: dict[str, list[str]] = {}
    rows: list[str] = []
    # QEMU walks a hash table here: sorted, the same guest always reads the same.
    for stanza in sorted(text.split("\n\n")):
        names: list[str] = []
        stack: list[tuple[int, str]] = []
        lines: list[tuple[str, str]] = []
        for line in stanza.splitlines():
            if line.startswith("address-space: "):
                names.append(line.removeprefix("address-space: "))
                continue
            match = LINE.match(line)
            if match is None:
                continue
            depth = len(match[1])
            while stack and stack[-1][0] >= depth:
                stack.pop()
            container = stack[-1][1] if stack else ""
            row = short(match)
            lines.append((container, row))
            stack.append(
                (depth, match[6].removesuffix(" [disabled]").removeprefix("alias ").partition(" @")[0])
            )
            if container:
                rows.append(f"{container}: {row}")
        for name in names:
            key = name
            while key in spaces:
                key += "'"
            spaces[key] = [f"{c}: {r}" if c else r for c, r in lines]
    return spaces, list(dict.fromkeys(rows))


def read_flat(text: str) -> dict[str, list[str]]:
    """FlatView lines by address space."""
    views: dict[str, list[str]] = {}
    for part in text.split("FlatView #")[1:]:
        lines = [short(m) for line in part.splitlines() if (m := LINE.match(line))]
        for name in re.findall(r'AS "([^"]*)"', part):
            views.setdefault(name, lines)
    return views


def read_blocks(text: str) -> list[list[Any]]:
    """RAMBlocks in ram_addr_t order: [name, total, used, page size, offset]."""
    found = []
    for line in text.splitlines()[1:]:
        match = re.match(r"^\s*(.*?)\s*(\d+) ([KMG])iB((?:\s+0x[0-9a-f]+){3})", line)
        if match is None:
            continue
        offset, used, total = (int(word, 16) for word in match[4].split()[:3])
        page = int(match[2]) << {"K": 10, "M": 20, "G": 30}[match[3]]
        found.append([match[1], total, used, page, offset])
    return sorted(found, key=lambda row: row[4])


def rom_of(qtree: str, driver: str) -> str:
    """The option-ROM file of the first ``driver`` in ``info qtree``, or ""."""
    block = re.search(rf"^( *)dev: {re.escape(driver)}, id .*\n((?:\1 .*\n)*)", qtree, re.M)
    found = re.search(r'^\s*romfile = "(.*)"', block[2], re.M) if block else None
    return found[1] if found else ""


def read_buses(text: str) -> list[tuple[str, str]]:
    """(name, type) of every bus of ``info qtree``, outermost and newest first."""
    return re.findall(r"^\s*bus: (.*)\n\s*type (.*)$", text, re.M)


def pci_devices(buses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every PCI device of query-pci, those behind bridges too, each with its bus's root number."""
    found = []

    def visit(devices: list[dict[str, Any]], depth: int, root: int) -> None:
        for device in devices:
            found.append({**device, "depth": depth, "root": root})
            visit(device.get("pci_bridge", {}).get("devices", []), depth + 1, root)

    for number, bus in enumerate(buses):
        visit(bus["devices"], 0, number)
    return found


QUESTIONS: list[str | dict[str, Any]] = [
    "info ramblock",
    "info mtree -D",
    "info mtree -f",
    "info qtree",
    {"execute": "query-pci"},
]


@dataclass
class State:
    """A started guest's memory, as the monitor shows it."""

    blocks: list[list[Any]]
    spaces: dict[str, list[str]]
    rows: list[str]
    flat: dict[str, list[str]]
    buses: list[tuple[str, str]]
    pci: list[dict[str, Any]]
    qtree: str

    @classmethod
    def of(cls, answer: Answer) -> State:
        """From the answers to QUESTIONS."""
        ramblock, mtree, flat, qtree, pci = answer.results
        spaces, rows = read_tree(mtree)
        return cls(
            read_blocks(ramblock),
            spaces,
            rows,
            read_flat(flat),
            read_buses(qtree),
            pci_devices(pci) if isinstance(pci, list) else [],
            qtree,
        )


def minus(left: Iterable[Any], right: Iterable[Any]) -> list[Any]:
    """What ``left`` has more of than ``right``, in order."""
    rest = list(right)
    more = []
    for item in left:
        if item in rest:
            rest.remove(item)
        else:
            more.append(item)
    return more


BAR_KINDS = {
    (True, True): "mem64p",
    (True, False): "mem64",
    (False, True): "mem32p",
    (False, False): "mem32",
}


def pci_function(device: dict[str, Any]) -> dict[str, Any]:
    """devfn, class and BARs ("number kind size") of a device of query-pci."""
    bars = []
    for bar in device["regions"]:
        kind = "io" if bar["type"] == "io" else BAR_KINDS[bar["mem_type_64"], bar["prefetch"]]
        bars.append(f"{bar['bar']} {kind} {bar['size']:#x}")
    facts: dict[str, Any] = {
        "devfn": f"{device['slot']:02x}.{device['function']}",
        "class": f"{device['class_info']['class']:04x}",
    }
    if bars:
        facts["bars"] = bars
    return facts


def short_path(name: str, functions: list[dict[str, Any]]) -> str:
    """A block's name with the device's own path (``0000:00:02.0``, or below a bridge) as ``%``."""
    match = re.match(r"0000:(?:[0-9a-f]{2}:)?(?:[0-9a-f]{2}\.[0-7]:)*([0-9a-f]{2}\.[0-7])/", name)
    if match and functions and match[1] == functions[0]["devfn"]:
        return "%/" + name[match.end() :]
    return name


BUS_MASTER = [
    "0-ffffffffffffffff 0 i/o bus master container",
    "bus master container: 0-ffffffffffffffff 0 i/o alias bus master @system 0-ffffffffffffffff [disabled]",
]


def space(name: str, lines: list[str]) -> Any:
    """An address space: its name if it is an ordinary bus master's, or {name: lines}.

    A root that "memory" or "I/O" shows already is cut.
    """
    if lines == BUS_MASTER:
        return name
    if lines and lines[0].rpartition(" ")[2] in ("io", "system"):
        lines = [lines[0], "..."]
    return {name: lines}


def difference(before: State, after: State) -> dict[str, Any]:
    """What ``after`` has and ``before`` has not; keys that are empty are left out."""
    facts: dict[str, Any] = {}

    def key(device: dict[str, Any]) -> tuple[Any, ...]:
        return (
            device["root"],
            device["depth"],
            device["bus"],
            device["slot"],
            device["function"],
            device["id"]["device"],
        )

    old = [key(d) for d in before.pci]
    new = [d for d in after.pci if key(d) not in old and not d["root"]]
    if new:
        facts["pci"] = [pci_function(d) for d in new]
    offsets = {row[0] for row in before.blocks}
    blocks = [row for row in after.blocks if row[0] not in offsets]
    if blocks:
        facts["blocks"] = []
        for name, total, used, page, _ in blocks:
            row: list[Any] = [short_path(name, facts.get("pci", [])), total]
            if used != total or page != 4096:
                row += [used, page]
            facts["blocks"].append(row)
    changed = [
        [name, total, used]
        for name, total, used, *_ in after.blocks
        if any(name == b[0] and (total, used) != (b[1], b[2]) for b in before.blocks)
    ]
    if changed:
        facts["blocks_changed"] = changed
    gone = [b[0] for b in before.blocks if b[0] not in {a[0] for a in after.blocks}]
    if gone:
        facts["blocks_gone"] = gone
    spaces = [space(n, after.spaces[n]) for n in after.spaces if n not in before.spaces]
    spaces += [
        space(n, after.spaces[n])
        for n in after.spaces
        if n in before.spaces
        and n not in ("memory", "I/O")
        and after.spaces[n] != before.spaces[n]
        and not n.startswith("cpu-")
    ]
    spaces.sort(key=lambda entry: entry if isinstance(entry, str) else next(iter(entry)))
    if spaces:
        facts["spaces"] = spaces
    lost = [n for n in before.spaces if n not in after.spaces]
    if lost:
        facts["spaces_gone"] = lost
    shown = {
        row
        for name in facts.get("spaces", [])
        if isinstance(name, dict)
        for rows in name.values()
        for row in rows
    }
    facts["tree"] = [f"- {r}" for r in minus(before.rows, after.rows)]
    facts["tree"] += [f"+ {r}" for r in minus(after.rows, before.rows) if r not in shown]
    for name in ("memory", "I/O"):
        was, now = before.flat.get(name, []), after.flat.get(name, [])
        facts[f"flat {name}"] = [f"- {r}" for r in minus(was, now)] + [
            f"+ {r}" for r in minus(now, was)
        ]
    buses = [list(b) for b in minus(after.buses, before.buses)][::-1]
    if buses:
        facts["buses"] = buses
    return {k: v for k, v in facts.items() if v}


# -- devices


class Devices:
    """Everything about ``-device``."""

    def __init__(self, binary: Binary) -> None:
        self.binary = binary

    def state(self, argv: Sequence[str]) -> tuple[Answer, State | None]:
        """The answer and, if it started, its state."""
        answer = self.binary.start(argv, QUESTIONS)
        return answer, State.of(answer) if answer.started else None

    def baseline(self, argv: Sequence[str]) -> State | None:
        """The state without the device; remembered."""
        answer = self.binary.cached(argv, QUESTIONS)
        return State.of(answer) if answer.started else None

    def argv(self, board: str, extra: str = "") -> list[str]:
        """The options before the device."""
        words = ["-nodefaults", "-machine", board]
        if "-m " not in f" {extra} ":
            words += ["-m", "128M"]
        return [*words, *split(extra)]

    def observe(self, board: str, driver: str, extra: str = "", props: str = "") -> dict[str, Any]:
        """What one device does on one board."""
        before = self.argv(board, extra)
        device = f"{driver},{props}" if props else driver
        answer, state = self.state([*before, "-device", device])
        facts: dict[str, Any] = {}
        if answer.warnings:
            facts["warnings"] = answer.warnings
        if state is None:
            return {**facts, "refusal": answer.refusal.replace(f"-device {device}: ", "%: ", 1)}
        base = self.baseline(before)
        if base is None:
            return {**facts, "refusal": "(the options before it are refused)"}
        facts |= difference(base, state)
        rom = rom_of(state.qtree, driver)
        if rom:
            facts["romfile"] = rom
        return facts

    def record(self, driver: str, bus: str) -> dict[str, Any]:
        """What a device does on every board: alone, with what it needs, and below bridges."""
        facts: dict[str, Any] = {}
        for board in BOARDS:
            seen = self.observe(board, driver)
            if seen == {"refusal": f"%: No '{bus}' bus found for device '{driver}'"}:
                seen["refusal"] = "no bus"
            if "refusal" in seen and not (bus == "PCI" and seen["refusal"] == "no bus"):
                extra, props = RECIPES.get(driver, (COMPANIONS.get(bus, ""), ""))
                if extra or props:
                    seen["with"] = f"{extra} -device {driver}{',' + props if props else ''}".strip()
                    seen["then"] = self.observe(board, driver, extra, props)
            facts[board] = seen
            if "buses" in seen:
                named = self.observe(board, driver, "", "id=ID")
                if named.get("buses") != seen["buses"]:
                    seen["buses_with_id"] = named.get("buses", named.get("refusal"))
        if bus == "PCI":
            self.below(driver, facts)
        self.twice(driver, facts)
        return facts

    def twice(self, driver: str, facts: dict[str, Any]) -> None:
        """Add the refusal of a second device of this type, on the first board that takes one."""
        board = next((b for b in BOARDS if "refusal" not in facts[b]), None)
        if board is not None:
            words = [*self.argv(board), "-device", driver, "-device", driver]
            answer = self.binary.start(words, [])
            if not answer.started:
                said = answer.refusal.replace(f"-device {driver}: ", "%: ", 1)
                facts["twice"] = said or " ".join(answer.stderr[-1:])

    def paths(self, text: str) -> Any:
        """The RAMBlocks that a start adds to the bare machine, or the refusal."""
        board = re.search(r"-machine (\S+)", text)
        plain = ["-nodefaults", "-m", "128M", "-machine", board[1] if board else "pc"]
        answer, state = self.state(["-nodefaults", "-m", "128M", *split(text)])
        base = self.baseline(plain)
        if state is None or base is None:
            return answer.refusal or " ".join(answer.stderr[-1:])
        old = {row[0] for row in base.blocks}
        return [row[0] for row in state.blocks if row[0] not in old]

    def below(self, driver: str, facts: dict[str, Any]) -> None:
        """Add what happens when it is plugged below a bridge, where that differs from the root bus."""
        for board, port, name in (
            ("pc", "pci-bridge,chassis_nr=1,id=B", "pci-bridge"),
            ("q35", "pcie-root-port,chassis=1,id=B", "pcie-root-port"),
        ):
            home, extra, props = facts[board], "", ""
            if "refusal" in home:
                extra, props = RECIPES.get(driver, ("", ""))
                if "bus=" in props or "then" not in home or "refusal" in home["then"]:
                    continue
                home = home["then"]
            seen = self.observe(board, driver, f"{extra} -device {port}", f"{props},bus=B".strip(","))
            if "refusal" in seen:
                facts[f"below {name}"] = seen["refusal"].replace(f"{props},bus=B", "PROPS")
                continue
            blocks = [
                [re.sub(r"^0000:00:0[12]\.0:00\.0/", "%/", b[0]), *b[1:]]
                for b in seen.get("blocks", [])
            ]
            if blocks != home.get("blocks", []):
                facts[f"below {name}"] = {"blocks": blocks}

    def slots(self, board: str, extra: str, bus: str) -> dict[str, Any]:
        """Which slots of ``bus`` a plain device gets, how many fit, and what a wrong slot gives."""
        tester = f"-device pci-testdev,bus={bus}"
        found: dict[str, Any] = {}
        answer, state = self.state([*self.argv(board, extra), *split(f"{tester},id=T")])
        if state is None:
            found["first"] = answer.refusal.partition(": ")[2]
        else:
            block = state.qtree[state.qtree.index('dev: pci-testdev, id "T"') :]
            address = re.search(r"addr = (\S+)", block)
            found["first"] = address[1] if address else None
            for count in range(2, 36):
                answer = self.binary.start(
                    [*self.argv(board, extra), *split(" ".join([tester] * count))], []
                )
                if not answer.started:
                    found["fit"] = count - 1
                    found["full"] = answer.refusal.replace(f"{tester}: ", "%: ")
                    break
        for slot in ("0", "1", "1f"):
            answer = self.binary.start([*self.argv(board, extra), *split(f"{tester},addr={slot}")], [])
            found[f"addr={slot}"] = "ok" if answer.started else answer.refusal.partition(": ")[2]
        return found

    def names(self, board: str, extra: str) -> Any:
        """The buses that some devices make, or the refusal."""
        answer, state = self.state([*self.argv(board), *split(extra)])
        base = self.baseline(self.argv(board))
        if state is None or base is None:
            return answer.refusal
        return [list(b) for b in minus(state.buses, base.buses)][::-1]


def read_properties(text: str) -> dict[str, tuple[str, str | None]]:
    """name → (type, default as printed) from the text of ``-device X,help`` and its like."""
    found = {}
    for line in text.splitlines()[1:]:
        match = re.match(r"^\s+([\w.\-\[\]*]+)=<(.*?)>(?:\s+-|\s*$|\s+\()", line + " ")
        if match:
            default = re.search(r"\(default: (.*)\)\s*$", line)
            found[match[1]] = (match[2], default[1].strip('"') if default else None)
    return found


def pack(properties: dict[str, tuple[str, str | None]]) -> list[str]:
    """Each property as ``name=type`` or ``name=type|default``, blanks as ``_``."""
    return [
        (f"{n}={t}" + ("" if d is None else f"|{d}")).replace(" ", "_")
        for n, (t, d) in sorted(properties.items())
    ]


def share(sets: list[list[str]]) -> tuple[list[list[str]], list[list[int]]]:
    """Common members pulled out: groups of members that always come together get a number.

    Returns the groups and, for every set, its numbers.
    """
    owners: dict[str, list[int]] = {}
    for index, members in enumerate(sets):
        for member in members:
            owners.setdefault(member, []).append(index)
    groups: dict[tuple[int, ...], list[str]] = {}
    for member, where in owners.items():
        groups.setdefault(tuple(where), []).append(member)
    found: list[list[str]] = []
    result: list[list[int]] = [[] for _ in sets]
    for owned, members in sorted(groups.items(), key=lambda g: (-len(g[0]), g[0])):
        found.append(sorted(members))
        for index in owned:
            result[index].append(len(found) - 1)
    return found, result


def listed_devices(binary: Binary) -> list[dict[str, Any]]:
    """Every line of ``-device help``: name, bus, alias, desc and the headings it stands under."""
    found: dict[str, dict[str, Any]] = {}
    heading = ""
    for line in binary.help("-device", "help").splitlines():
        if line.endswith(" devices:"):
            heading = line.removesuffix(" devices:")
        match = re.match(r'^name "([^"]+)"', line)
        if match is None:
            continue
        row = found.setdefault(match[1], {"name": match[1], "categories": []})
        row["categories"].append(heading)
        for key, pattern in (
            ("bus", r", bus ([^,]+)"),
            ("alias", r', alias "([^"]+)"'),
            ("desc", r', desc "(.*?)"(?:,|$)'),
        ):
            value = re.search(pattern, line)
            if value:
                row[key] = value[1]
        if line.endswith(", no-user"):
            row["no_user"] = True
    return list(found.values())


def aliases(binary: Binary, names: Iterable[str]) -> dict[str, str]:
    """alias → driver: the ones listed, and each candidate whose own help speaks of another driver."""
    candidates = {re.sub(r"-(pci|device)$", "", name) for name in names} | {
        name.lower() for name in names
    }
    candidates |= {"e1000-82540em", "ahci", "lsi"} | {
        f"virtio-{k}" for k in ("9p", "gpu-gl", "input-host", "iommu")
    }

    def ask(word: str) -> tuple[str, str]:
        match = re.match(r"^(\S+) options:", binary.help("-device", f"{word},help"))
        return word, match[1] if match else word

    answers = binary.map(ask, sorted(candidates - set(names)))
    return {word: driver for word, driver in answers if driver != word}


def size_text(value: int) -> str:
    """Bytes as QEMU would read them back: 16M, 65536 -> 64K."""
    for letter, unit in (("G", 1 << 30), ("M", MIB), ("K", 1 << 10)):
        if value and value % unit == 0:
            return f"{value // unit}{letter}"
    return str(value)


def sweep(
    binary: Binary, devices: Devices, driver: str, facts: dict[str, Any], names: set[str]
) -> dict[str, Any]:
    """How the blocks of ``driver`` follow its properties: {property: {value: blocks or refusal}}."""
    board = next((b for b in BOARDS if "refusal" not in facts[b]), None)
    extra, props = "", ""
    if board is None:
        board = next((b for b in BOARDS if "refusal" not in facts[b].get("then", {"refusal": 1})), None)
        if board is None:
            return {}
        extra, props = RECIPES.get(driver, ("", ""))
        default = facts[board]["then"].get("blocks", [])
    else:
        default = facts[board].get("blocks", [])
    wanted = {n: SWEEP[n].split() for n in SWEEP if n in names}
    if not any(row[0].startswith("%/") or "vram" in row[0] for row in default):
        # Only properties that could make a block where there was none.
        wanted = {n: v for n, v in wanted.items() if n not in ("rombar", "romsize")}
    has_rom = "romfile" in (facts[board] if "refusal" not in facts[board] else facts[board]["then"])
    result: dict[str, Any] = {}
    jobs = [(n, v, f"{n}={v}") for n, values in wanted.items() for v in values]
    jobs += [
        ("*", v, v)
        for v in COMBINATIONS.get(driver.removesuffix("-vga"), [])
        if driver.startswith("qxl")
    ]
    if "romfile" in names and (
        has_rom or driver in ("virtio-net-pci", "edu", "pci-bridge", "virtio-rng-pci")
    ):
        jobs.append(("romfile", "", "romfile="))
        jobs += [("romfile", str(n), f"romfile={rom_file(n)}") for n in ROM_FILE_SIZES]
        jobs.append(
            (
                "romsize,romfile",
                "1M,5000",
                f"romsize=1M,romfile={rom_file(5000)}".replace("1M", "1048576"),
            )
        )
        jobs.append(("romsize,romfile", "4096,5000", f"romsize=4096,romfile={rom_file(5000)}"))

    def one(job: tuple[str, str, str]) -> tuple[str, str, str]:
        name, value, text = job
        seen = devices.observe(board, driver, extra, f"{props},{text}".strip(","))
        if "refusal" in seen:
            return name, value, re.sub(r"/\S*/rom-(\d+)", r"ROMFILE-\1", "! " + seen["refusal"])
        return name, value, change(default, seen.get("blocks", []))

    for name, value, seen in map(one, jobs):
        if seen.startswith("!") and len(value) and value[0].isdigit():
            seen = re.sub(rf"(?<![\w-]){value}(?!\w)", "VALUE", seen)
        result.setdefault(name, {})[value] = seen
    changing = {n: seen for n, seen in result.items() if any(seen.values())}
    idle = sorted(set(result) - set(changing))
    return changing | ({"no effect": {" ".join(idle): ""}} if idle else {})


def change(default: list[list[Any]], blocks: list[list[Any]]) -> str:
    """The blocks that differ from the default: ``name=64M``, ``-name`` where it is gone, "" for none."""
    was, now = {b[0]: b[1] for b in default}, {b[0]: b[1] for b in blocks}
    words = [f"{n}={size_text(t)}" for n, t in now.items() if was.get(n) != t]
    return " ".join(words + [f"-{n}" for n in was if n not in now])


def rom_file(size: int) -> str:
    """The path of a file of ``size`` zero bytes."""
    path = Path(_ROMS.name) / f"rom-{size}"
    if not path.exists():
        path.write_bytes(bytes(size))
    return str(path)


def bytes_of(text: str) -> int:
    """``16M`` as bytes."""
    unit = {"K": 1 << 10, "M": MIB, "G": 1 << 30}.get(text[-1:], 1)
    return int(text.rstrip("KMG")) * unit


def power(value: int) -> int:
    """``value`` rounded up to a power of two."""
    return 1 << max(value - 1, 0).bit_length()


ROUNDS: dict[str, Callable[[int], int]] = {
    "none": lambda v: v,
    "pow2": power,
    "4K": lambda v: -(-v // 4096) * 4096,
}


def rules(
    seen: dict[str, dict[str, str]], default: list[list[Any]], defaults: dict[str, str | None]
) -> dict[str, Any]:
    """For each block and property, the rule that reproduces every value seen, if there is one."""
    found: dict[str, Any] = {}
    for block, total, *_ in default:
        for prop, values in seen.items():
            points = []
            for value, text in values.items():
                if text.startswith("!") or f"-{block}" in text.split():
                    continue
                sizes = {block: size_text(total)} | dict(w.rpartition("=")[::2] for w in text.split())
                if value:
                    try:
                        points.append((bytes_of(value), bytes_of(sizes[block])))
                    except ValueError:
                        continue
            if len(points) < 3 or len({y for _, y in points}) < 2:
                continue
            rule = fit(points, defaults.get(prop), total)
            found.setdefault(block, {})[prop] = rule or "see sweep"
    return found


def fit(points: list[tuple[int, int]], default: str | None, total: int) -> dict[str, Any] | None:
    """unit, rounding and limits that give every (value, size) of ``points``."""
    for unit_name, unit in (("B", 1), ("KiB", 1 << 10), ("MiB", MIB)):
        for round_name, rounded in ROUNDS.items():
            for factor in (1, 2):
                low, high = min(y for _, y in points), max(y for _, y in points)
                if all(min(max(rounded(x * unit) * factor, low), high) == y for x, y in points):
                    free = [(x, y) for x, y in points if rounded(x * unit) * factor == y]
                    if len(free) < 2:
                        continue
                    rule: dict[str, Any] = {"unit": unit_name, "round": round_name}
                    if factor != 1:
                        rule["factor"] = factor
                    if any(rounded(x * unit) * factor < low for x, _ in points):
                        rule["min"] = low
                    if any(rounded(x * unit) * factor > high for x, _ in points):
                        rule["max"] = high
                    if default is not None:
                        rule["default"] = int(default) if default.lstrip("-").isdigit() else default
                    rule["size"] = total
                    return rule
    return None


def not_pluggable(binary: Binary, listed: Iterable[str]) -> dict[str, list[str]]:
    """Device types that -device help does not list, by what -device says to them on pc."""
    answer = binary.start(
        ["-machine", "none"],
        [{"execute": "qom-list-types", "arguments": {"implements": "device", "abstract": True}}],
    )
    names = sorted({t["name"] for t in answer.results[0]} - set(listed))

    def ask(name: str) -> tuple[str, str]:
        seen = binary.start(["-nodefaults", "-machine", "pc", "-device", name], [])
        return name, "(starts)" if seen.started else seen.refusal

    found: dict[str, list[str]] = {}
    for name, text in binary.map(ask, names):
        found.setdefault(text.replace(name, "NAME"), []).append(name)
    return found


def hidden(binary: Binary) -> dict[str, str]:
    """What -device says to properties that exist but that its help does not list."""
    found = {}
    for name in ("type", "hotpluggable", "hotplugged", "parent_bus", "legacy-addr", "realized", "nope"):
        answer = binary.start(["-nodefaults", "-device", f"VGA,{name}=on"], [])
        found[name] = "(starts)" if answer.started else answer.refusal
    return found


def interfaces(binary: Binary) -> dict[str, list[str]]:
    """Names of the device types that implement each PCI interface."""
    words = ("conventional-pci-device", "pci-express-device", "cxl", "memory-device")
    answer = binary.start(
        ["-machine", "none"],
        [{"execute": "qom-list-types", "arguments": {"implements": word}} for word in words],
    )
    return {
        w: sorted(t["name"] for t in types) if isinstance(types, list) else []
        for w, types in zip(words, answer.results, strict=True)
    }


def rom_files(binary: Binary) -> dict[str, int]:
    """Every firmware and option-ROM file that the binary finds by name: bytes."""
    found: dict[str, int] = {}
    for directory in binary.help("-L", "help").split():
        for path in sorted(Path(directory).iterdir()) if Path(directory).is_dir() else []:
            if path.is_file() and path.suffix in (".bin", ".rom", ".fd") and path.name not in found:
                found[path.name] = path.stat().st_size
    return found


def provenance(binary: Binary, package: str) -> dict[str, str]:
    """Where the facts come from."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False
    )
    return {
        "qemu": binary.version,
        "package": f"{package} {done.stdout}".strip(),
        "accelerator": "tcg",
        "date": DATE,
        "script": "tools/record_devices.py",
        "licence": "CC0-1.0",
    }


def dump(value: Any) -> str:
    """Compact JSON on one line."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def write(path: Path, sections: dict[str, Any]) -> None:
    """Each section an object or list with one member a line, so that changes can be read."""
    parts = []
    for name, value in sections.items():
        if isinstance(value, dict) and name != "about":
            body = ",\n".join(f"{dump(k)}:{dump(v)}" for k, v in value.items())
            parts.append(f"{dump(name)}:{{\n{body}\n}}")
        elif isinstance(value, list):
            parts.append(f"{dump(name)}:[\n" + ",\n".join(map(dump, value)) + "\n]")
        else:
            parts.append(f"{dump(name)}:{dump(value)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size} bytes")


def record_devices(binary: Binary) -> dict[str, Any]:
    """All sections of devices/*.json."""
    rows = listed_devices(binary)
    names = [row["name"] for row in rows]
    helps = binary.map(lambda n: read_properties(binary.help("-device", f"{n},help")), names)
    groups, numbers = share([pack(h) for h in helps])
    devices = Devices(binary)
    todo = [row for row in rows if row["categories"] != ["CPU"]]
    seen = dict(
        zip(
            [r["name"] for r in todo],
            binary.map(lambda r: devices.record(r["name"], r.get("bus", "")), todo),
            strict=True,
        )
    )
    print(f"{binary.starts} starts for devices", file=sys.stderr)
    known = interfaces(binary)
    by_name = dict(zip(names, helps, strict=True))
    swept = dict(
        zip(
            seen,
            binary.map(lambda n: sweep(binary, devices, n, seen[n], set(by_name[n])), seen),
            strict=True,
        )
    )
    print(f"{binary.starts} starts with sweeps", file=sys.stderr)
    result: dict[str, Any] = {}
    for row, number in zip(rows, numbers, strict=True):
        name = row["name"]
        facts: dict[str, Any] = {"bus": row.get("bus", ""), "props": number, "cat": row["categories"]}
        for key in ("alias", "desc", "no_user"):
            if key in row:
                facts[key] = row[key]
        kinds = [
            short
            for word, short in (("conventional-pci-device", "pci"), ("pci-express-device", "pcie"))
            if name in known[word]
        ]
        if kinds:
            facts["interfaces"] = kinds
        if name in seen:
            if swept[name]:
                home = next((seen[name][b] for b in BOARDS if "refusal" not in seen[name][b]), None)
                if home is None:
                    home = next(seen[name][b]["then"] for b in BOARDS if "then" in seen[name][b])
                found = rules(
                    swept[name], home.get("blocks", []), {k: d for k, (_, d) in by_name[name].items()}
                )
                idle = swept[name].pop("no effect", None)
                if idle:
                    facts["no_effect"] = next(iter(idle))
                facts["sweep"] = {prop: inverted(values) for prop, values in swept[name].items()}
                if found:
                    facts["rules"] = found
            facts |= boards_in_short(seen[name])
        result[name] = facts
    lists = pool_lists(result)
    return {
        "about": provenance(binary, "qemu-system-x86"),
        "aliases": aliases(binary, names),
        "not_pluggable": not_pluggable(binary, names),
        "rom_files": rom_files(binary),
        "hidden_properties": hidden(binary),
        "pci_buses": {
            f"{board} {extra}".strip(): devices.slots(board, extra, bus) for board, extra, bus in BUSES
        },
        "bus_names": {f"{board} {extra}": devices.names(board, extra) for board, extra in BUS_NAMES},
        "paths": dict(zip(PATHS, binary.map(devices.paths, PATHS), strict=True)),
        "property_groups": [" ".join(g) for g in groups],
        "lists": lists,
        "devices": result,
    }


BUSES = (
    ("pc", "", "pci.0"),
    ("q35", "", "pcie.0"),
    ("pc", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ("pc", "-device pci-bridge,chassis_nr=1,shpc=off,id=B", "B"),
    ("q35", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ("pc-q35-6.0", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ("pc-i440fx-1.6", "-device pci-bridge,chassis_nr=1,id=B", "B"),
    ("q35", "-device i82801b11-bridge,id=B", "B"),
    ("q35", "-device pcie-pci-bridge,id=B", "B"),
    ("q35", "-device pcie-root-port,chassis=1,id=B", "B"),
    ("q35", "-device ioh3420,chassis=1,id=B", "B"),
    ("q35", "-device pcie-root-port,chassis=1,id=R -device x3130-upstream,bus=R,id=B", "B"),
    (
        "q35",
        "-device pcie-root-port,chassis=1,id=R -device x3130-upstream,bus=R,id=U "
        "-device xio3130-downstream,bus=U,chassis=2,id=B",
        "B",
    ),
    ("pc", "-device pxb,bus_nr=64,id=B", "B"),
    ("q35", "-device pxb-pcie,bus_nr=64,id=B", "B"),
    ("q35", "-machine cxl=on -device pxb-cxl,bus_nr=12,id=B", "B"),
)
PATHS = (
    "-device pxb,bus_nr=64,id=B -device VGA,bus=B",
    "-device pxb,bus_nr=64,id=B -device VGA",
    "-machine q35 -device pxb-pcie,bus_nr=64,id=B -device pcie-root-port,bus=B,id=R,chassis=1 "
    "-device bochs-display,bus=R",
    "-machine q35 -device pcie-root-port,chassis=1 -device bochs-display,bus=pcie.0",
    "-machine q35 -device pcie-root-port,chassis=1 -device pcie-root-port,chassis=2 "
    "-device bochs-display,bus=pcie.1",
    "-machine q35 -device pcie-root-port -device pcie-root-port",
    "-machine q35 -device pcie-root-port,id=R,addr=5.1 -device x3130-upstream,bus=R,id=U "
    "-device xio3130-downstream,bus=U,id=D,chassis=3 -device VGA,bus=D,addr=2.3",
    "-machine microvm,pcie=on -device VGA",
    "-machine microvm,pcie=on -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B",
    "-machine microvm,pcie=on -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B,addr=1",
    "-device VGA,multifunction=on,addr=4 -device secondary-vga,addr=4.1",
    "-device VGA,addr=4 -device secondary-vga,addr=4.1",
    "-device VGA -device VGA",
    "-device VGA -device cirrus-vga",
    "-device isa-vga -device VGA",
    "-machine pc-i440fx-2.12 -device VGA -device VGA",
    "-machine pc-i440fx-2.12 -device VGA -device isa-vga",
    "-machine pc-i440fx-2.12 -device VGA -device qxl-vga",
    "-machine pc-i440fx-2.12 -device VGA -device secondary-vga",
    "-machine pc-i440fx-1.6 -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B",
    "-machine pc-i440fx-1.6 -device pci-bridge,chassis_nr=1,id=B -device VGA,bus=B,addr=1",
    "-object memory-backend-ram,id=m0,size=1M -device ivshmem-plain,memdev=m0,id=I",
)
BUS_NAMES = (
    ("pc", "-device pci-bridge,chassis_nr=1 -device pci-bridge,chassis_nr=2"),
    (
        "pc",
        "-device pci-bridge,chassis_nr=1,id=A -device pci-bridge,chassis_nr=2 -device pxb,bus_nr=64",
    ),
    ("q35", "-device pcie-root-port,chassis=1 -device pcie-root-port,chassis=2"),
    ("q35", "-device pcie-root-port,chassis=1,id=A -device pcie-root-port,chassis=2"),
    ("q35", "-device pcie-pci-bridge -device i82801b11-bridge -device pcie-root-port,chassis=1"),
    (
        "q35",
        "-device qemu-xhci -device qemu-xhci,id=A -device virtio-scsi-pci -device virtio-scsi-pci,id=S",
    ),
)


def inverted(values: dict[str, str]) -> dict[str, str]:
    """{outcome: the values that gave it}, values apart by blanks; '' stands for an empty value."""
    found: dict[str, list[str]] = {}
    for value, outcome in values.items():
        found.setdefault(outcome, []).append(value or "''")
    return {outcome: " ".join(v) for outcome, v in found.items()}


DEFAULT_DEVFN = {"pc": "02.0", "q35": "01.0", "microvm": ""}


def boards_in_short(seen: dict[str, Any]) -> dict[str, Any]:
    """The facts of every board; a board like pc says so, or only where it differs (null: not there)."""
    for board in BOARDS:
        for facts in (seen[board], seen[board].get("then", {})):
            for function in facts.get("pci", [])[:1]:
                if function["devfn"] == DEFAULT_DEVFN[board]:
                    del function["devfn"]
    pc = seen["pc"]
    for board in BOARDS[1:]:
        other = seen[board]
        if other == pc:
            seen[board] = "pc"
        elif set(other) == {"refusal"}:
            seen[board] = other["refusal"]
        elif "refusal" not in pc and "refusal" not in other:
            changed: dict[str, Any] = {k: v for k, v in other.items() if pc.get(k) != v}
            seen[board] = {"like": "pc"} | changed | {k: None for k in pc if k not in other}
    if set(pc) == {"refusal"}:
        seen["pc"] = pc["refusal"]
    return seen


POOLED = ("tree", "flat memory", "flat I/O")


def pool_lists(devices: dict[str, Any]) -> list[list[str]]:
    """Lists that several devices share, moved out: their place in the device holds a number."""
    holders: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for facts in devices.values():
        boards = [facts[b] for b in BOARDS if isinstance(facts.get(b), dict)]
        for board in boards + [b["then"] for b in boards if "then" in b]:
            for key in POOLED:
                if isinstance(board.get(key), list):
                    holders.setdefault(dump(board[key]), []).append((board, key))
    lists: list[list[str]] = []
    for text, places in holders.items():
        if len(places) > 1:
            for board, key in places:
                board[key] = len(lists)
            lists.append(json.loads(text))
    return lists


# -- machines

SCENARIOS = {
    "default": "-m 1G",
    "nodefaults": "-nodefaults -m 1G",
    "dimms": (
        "-nodefaults -m 1G,slots=8,maxmem=8G -object memory-backend-ram,id=m1,size=64M "
        "-object memory-backend-file,id=m2,size=64M,mem-path=/dev/shm,share=on "
        "-object memory-backend-memfd,id=m3,size=64M -device pc-dimm,memdev=m1 -device pc-dimm,memdev=m2 "
        "-device pc-dimm,memdev=m3"
    ),
    "3500M": "-nodefaults -m 3500M",
    "5G": "-nodefaults -m 5G",
    "pflash": (
        "-nodefaults -m 1G -blockdev driver=null-co,node-name=p0,size=4194304,read-zeroes=on "
        "-machine pflash0=p0"
    ),
    "1020G amd": (
        "-nodefaults -cpu qemu64,phys-bits=42 -object memory-backend-ram,id=m0,size=1020G,reserve=off "
        "-m 1020G -machine memory-backend=m0"
    ),
    "1020G amd dimm window": (
        "-nodefaults -cpu qemu64,phys-bits=42 -object memory-backend-ram,id=m0,size=1016G,reserve=off "
        "-m 1016G,slots=1,maxmem=1100G -machine memory-backend=m0"
    ),
}
# Device starts per machine type: their blocks, or the refusal.
ZOO = (
    "VGA",
    "secondary-vga",
    "cirrus-vga",
    "qxl-vga",
    "qxl",
    "bochs-display",
    "virtio-vga",
    "virtio-gpu-pci",
    "vmware-svga",
    "ati-vga",
    "isa-vga",
    "isa-cirrus-vga",
    "ramfb",
    "sga",
    "e1000",
    "e1000-82544gc",
    "e1000-82545em",
    "e1000e",
    "rtl8139",
    "virtio-net-pci",
    "virtio-net-pci-transitional",
    "ne2k_pci",
    "pcnet",
    "i82550",
    "i82551",
    "i82557a",
    "i82557b",
    "i82557c",
    "i82558a",
    "i82558b",
    "i82559a",
    "i82559b",
    "i82559c",
    "i82559er",
    "i82562",
    "i82801",
    "vmxnet3",
    "tulip",
    "rocker",
    "igb",
    "virtio-balloon-pci",
    "virtio-scsi-pci",
    "megasas",
    "megasas-gen2",
    "mptsas1068",
    "pvscsi",
    "lsi53c895a",
    "nvme,serial=s",
    "nvme,serial=s,cmb_size_mb=16",
    "ivshmem-plain,memdev=m0",
    "virtio-pmem-pci,memdev=m0",
    "virtio-mem-pci,memdev=m0",
    "pc-dimm,memdev=m0",
    "nvdimm,memdev=m0",
    "intel-iommu",
    "amd-iommu",
    "vmgenid",
    "vmcoreinfo",
    "pvpanic",
    "pci-bridge,chassis_nr=1",
    "pcie-root-port,chassis=1",
    "pxb,bus_nr=64",
    "pxb-pcie,bus_nr=64",
    "hpet",
    "sdhci-pci",
    "ich9-ahci",
    "piix3-usb-uhci",
)
# Whole command lines per machine type of which only the outcome is kept.
OUTCOMES = {
    "numa mem=": "-m 1G -smp 2 -numa node,mem=512M -numa node,mem=512M",
    "numa without mem": "-m 1G -smp 2 -numa node -numa node",
    "numa memdev": (
        "-m 1G -smp 2 -object memory-backend-ram,id=m0,size=512M -object memory-backend-ram,id=m1,size=512M "
        "-numa node,memdev=m0 -numa node,memdev=m1"
    ),
    "slots without maxmem": "-m 1G,slots=2",
    "maxmem": "-m 1G,slots=2,maxmem=4G",
    "nvdimm=on": "-machine nvdimm=on -m 1G,slots=2,maxmem=4G",
    "maxmem 8T": "-m 1G,slots=1,maxmem=8T",
    "smm=on": "-machine smm=on",
    "hpet=off": "-machine hpet=off",
    "hmat=on": "-machine hmat=on",
    "cxl=on": "-machine cxl=on",
    "i8042=off": "-machine i8042=off",
    "usb=on": "-machine usb=on",
    "smp 288": "-smp 288",
    "smp 256": "-smp 256",
    "cpu host": "-cpu host",
    "cpu max": "-cpu max",
    "m=1M": "-m 1M",
    "graphics=off": "-machine graphics=off",
    "pic=off": "-machine pic=off",
    "acpi=off slots": "-machine acpi=off -m 1G,slots=1,maxmem=2G",
    "acpi=off": "-machine acpi=off",
    "acpi=off dimm": (
        "-machine acpi=off -m 1G,slots=1,maxmem=2G -object memory-backend-ram,id=m0,size=64M "
        "-device pc-dimm,memdev=m0"
    ),
    "odd dimm": (
        "-m 1G,slots=1,maxmem=4G -object memory-backend-ram,id=m0,size=65M -device pc-dimm,memdev=m0"
    ),
    "ram 2G less 4K": "-m 2097148K",
    "maxmem not page aligned": "-m 1G,slots=1,maxmem=4000000001",
    "max-ram-below-4g=1G": "-m 2G -machine max-ram-below-4g=1G",
    "max-ram-below-4g=5G": "-m 2G -machine max-ram-below-4g=5G",
    "pflash0": "-blockdev driver=null-co,node-name=p0,size=4194304,read-zeroes=on -machine pflash0=p0",
    "kernel": "-kernel /nonexistent",
    "below pci-bridge": "-device pci-bridge,chassis_nr=1,id=B -device pci-testdev,bus=B",
    "below pci-bridge, shpc off": "-device pci-bridge,chassis_nr=1,id=B,shpc=off -device pci-testdev,bus=B",
    "below pci-bridge, slot 1": "-device pci-bridge,chassis_nr=1,id=B -device pci-testdev,bus=B,addr=1",
    "below pcie-root-port": "-device pcie-root-port,chassis=1,id=B -device pci-testdev,bus=B",
    "below pcie-root-port, slot 1": "-device pcie-root-port,chassis=1,id=B -device pci-testdev,bus=B,addr=1",
    "below pcie-pci-bridge": "-device pcie-pci-bridge,id=B -device pci-testdev,bus=B",
    "two VGA": "-device VGA -device VGA",
    "two e1000": "-device e1000 -device e1000",
    "memory-backend": "-object memory-backend-ram,id=m0,size=1G -m 1G -machine memory-backend=m0",
    "mem-path": "-m 1G -mem-path /dev/shm",
}


VGA_KINDS = ("none", "std", "cirrus", "vmware", "qxl", "virtio", "xenfb", "tcx", "nope")


def qtree_devices(text: str) -> list[str]:
    """``driver@addr`` of every PCI device of ``info qtree``, by address."""
    found = []
    for part in re.split(r"^\s*dev: ", text, flags=re.M)[1:]:
        address = re.search(r"^\s*addr = (\S+)", part, re.M)
        if address:
            found.append(f"{part.partition(',')[0]}@{address[1]}")
    return sorted(found, key=lambda word: word.rpartition("@")[2])


class Machines:
    """Everything about machine types and CPU models."""

    def __init__(self, binary: Binary) -> None:
        self.binary = binary
        self.rows = self.query()

    def query(self) -> list[dict[str, Any]]:
        """query-machines joined with the text of ``-machine help``."""
        answer = self.binary.start(["-machine", "none"], [{"execute": "query-machines"}])
        texts = dict(re.findall(r"^(\S+)\s+(.*)$", self.binary.help("-machine", "help"), re.M))
        rows = sorted(answer.results[0], key=lambda row: order(row["name"]))
        return [{**row, "desc": texts[row["name"]]} for row in rows]

    def start(self, machine: str, text: str, more: Sequence[Any] = ()) -> Answer:
        """One start of ``machine``."""
        return self.binary.start(["-machine", machine, *split(text)], [*QUESTIONS, "info numa", *more])

    def scenario(self, text: str, machine: str) -> dict[str, Any]:
        """What one start shows."""
        answer = self.start(machine, text)
        facts: dict[str, Any] = {}
        if answer.stderr:
            facts["stderr"] = [line.replace(machine, "MACHINE") for line in answer.stderr]
        if not answer.started:
            return facts
        state = State.of(Answer(results=answer.results[:5], started=True))
        facts["blocks"] = [
            " ".join([b[0], *(f"{n:#x}" for n in (b[4], b[1], b[2])), size_text(b[3])])
            for b in state.blocks
        ]
        facts["spaces"] = sorted(state.spaces)
        facts["tree"] = state.rows
        facts["flat memory"] = state.flat.get("memory", [])
        facts["flat I/O"] = state.flat.get("I/O", [])
        facts["pci"] = qtree_devices(state.qtree)
        return facts

    def instance_properties(self, machine: str) -> dict[str, tuple[str, str | None]]:
        """Properties that only the machine object has, not its class: name → type."""
        listed = self.binary.start(
            ["-machine", machine, "-nodefaults"],
            [{"execute": "qom-list", "arguments": {"path": "/machine"}}],
        )
        if not listed.started:
            return {}
        return {
            p["name"]: (p["type"], None)
            for p in listed.results[0]
            if not p["type"].startswith("child<")
        }

    def values(self, machine: str) -> dict[str, str]:
        """The machine object's own properties and their values at start."""
        listed = self.binary.start(
            ["-machine", machine, "-nodefaults"],
            [{"execute": "qom-list", "arguments": {"path": "/machine"}}],
        )
        if not listed.started:
            return {}
        names = [
            p["name"]
            for p in listed.results[0]
            if not p["type"].startswith(("child<", "link<")) and p["name"] not in ("rtc-time", "type")
        ]
        answer = self.binary.start(
            ["-machine", machine, "-nodefaults"],
            [{"execute": "qom-get", "arguments": {"path": "/machine", "property": n}} for n in names],
        )
        return {
            n: dump(v)
            for n, v in zip(names, answer.results, strict=True)
            if not (isinstance(v, dict) and "class" in v) and v != ""
        }

    def zoo(self, device: str, machine: str) -> str:
        """The blocks that one device adds, or the refusal."""
        extra = "-nodefaults -m 1G,slots=4,maxmem=4G -object memory-backend-ram,id=m0,size=64M"
        if device.startswith("nvdimm"):
            extra += " -machine nvdimm=on"
        before = self.binary.cached(["-machine", machine, *split(extra)], ["info ramblock"])
        if not before.started:
            extra = extra.replace(",slots=4,maxmem=4G", "")
            before = self.binary.cached(["-machine", machine, *split(extra)], ["info ramblock"])
        answer = self.binary.start(
            ["-machine", machine, *split(extra), "-device", device], ["info ramblock", "info qtree"]
        )
        if not answer.started:
            return "! " + answer.refusal.replace(f"-device {device}: ", "%: ", 1)
        old = {b[0] for b in read_blocks(before.results[0])}
        new = [b for b in read_blocks(answer.results[0]) if b[0] not in old]
        words = [f"{re.sub(r'^0000:00:0[12].0/', '%/', b[0])}={size_text(b[1])}" for b in new]
        rom = rom_of(answer.results[1], device.partition(",")[0])
        if rom and any(".rom=" in word for word in words):
            words.append(f"<- {rom}")
        return " ".join(words) or "-"

    def graphics(self, kind: str, machine: str) -> str:
        """The PCI devices and blocks that ``-vga KIND`` adds, or the refusal."""
        answer = self.binary.start(
            ["-machine", machine, "-nodefaults", "-vga", kind], ["info ramblock", "info qtree"]
        )
        if not answer.started:
            return "! " + answer.refusal
        base = self.binary.cached(["-machine", machine, "-nodefaults"], ["info ramblock", "info qtree"])
        old = [b[0] for b in read_blocks(base.results[0])]
        devices = minus(qtree_devices(answer.results[1]), qtree_devices(base.results[1]))
        isa = minus(
            re.findall(r"^\s*dev: (\S+),", answer.results[1], re.M),
            re.findall(r"^\s*dev: (\S+),", base.results[1], re.M),
        )
        blocks = [
            f"{b[0]}={size_text(b[1])}" for b in read_blocks(answer.results[0]) if b[0] not in old
        ]
        warnings = [f"({w})" for w in answer.stderr if "deprecated" not in w]
        return " ".join([*(devices or isa), *blocks, *warnings]) or "-"

    def outcome(self, text: str, machine: str) -> str:
        """ "starts" with its warnings, or the refusal."""
        answer = self.binary.start(["-machine", machine, "-nodefaults", *split(text)], [])
        lines = [line.replace(machine, "MACHINE") for line in answer.stderr]
        return " | ".join([*(["starts"] if answer.started else []), *lines[:3]])

    def cpu(self, line: str) -> tuple[str, dict[str, Any]]:
        """One line of ``-cpu help``."""
        match = re.match(r"^x86 (\S+)\s*(.*?)\s*$", line)
        assert match is not None
        name, about = match.groups()
        facts: dict[str, Any] = {"desc": about} if about else {}
        path = "/machine/unattached/device[0]"
        wanted = (
            "vendor",
            "family",
            "model",
            "stepping",
            "phys-bits",
            "lm",
            "pse36",
            "pae",
            "level",
            "xlevel",
        )
        answer = self.binary.start(
            ["-nodefaults", "-machine", "pc", "-cpu", name],
            [
                {"execute": "query-cpus-fast"},
                *({"execute": "qom-get", "arguments": {"path": path, "property": p}} for p in wanted),
            ],
        )
        if not answer.started:
            return name, {**facts, "refusal": answer.refusal}
        assert answer.results[0][0]["qom-path"] == path
        facts |= dict(zip(wanted, answer.results[1:], strict=True))
        probe = self.binary.start(
            ["-nodefaults", "-machine", "pc", "-cpu", name, "-m", "1G,slots=1,maxmem=64T"], []
        )
        facts["maxmem=64T"] = "starts" if probe.started else probe.refusal
        lacks = [w.partition("feature: ")[2] for w in answer.warnings]
        if lacks:
            assert all(lacks), answer.warnings
            facts["tcg_lacks"] = lacks
        return name, facts


def order(machine: str) -> tuple[str, tuple[int, ...]]:
    """Sort key: family, then newest first."""
    match = re.match(r"^(.*?)-?(\d+(?:\.\d+)*)$", machine)
    if match is None:
        return machine, ()
    numbers = [-int(n) for n in match[2].split(".")]
    return match[1], (*numbers, *[0] * (3 - len(numbers)))


def ranges(names: list[str], values: dict[str, str]) -> dict[str, list[str]]:
    """{value: the machine types that gave it, as ``newest..oldest`` of neighbours in ``names``}."""
    found: dict[str, list[list[str]]] = {}
    last: tuple[str, str] | None = None
    for name in names:
        if name not in values:
            continue
        key = (order(name)[0], values[name])
        runs = found.setdefault(values[name], [])
        if key == last:
            runs[-1].append(name)
        else:
            runs.append([name])
        last = key
    return {v: [r[0] if len(r) == 1 else f"{r[0]}..{r[-1]}" for r in runs] for v, runs in found.items()}


def record_machines(binary: Binary) -> dict[str, Any]:
    """All sections of machines/*.json."""
    machines = Machines(binary)
    info: dict[str, Any] = {}
    names = [
        row["name"] for row in machines.rows if row["name"] not in ("none", "x-remote", "pc", "q35")
    ]
    alias = {row["alias"]: row["name"] for row in machines.rows if "alias" in row}
    for row in machines.rows:
        info[row.pop("name")] = {k: v for k, v in row.items() if k != "alias"}
    helps = binary.map(lambda n: read_properties(binary.help("-machine", f"{n},help")), names)
    objects = binary.map(machines.instance_properties, names)
    classes = [pack(h) for h in helps]
    objects = [
        {k: v for k, v in more.items() if k not in listed}
        for listed, more in zip(helps, objects, strict=True)
    ]
    groups, numbers = share(classes + [pack(o) for o in objects])
    value_maps = binary.map(machines.values, names)
    value_groups, value_numbers = share([[f"{k}={v}" for k, v in m.items()] for m in value_maps])
    count = len(names)
    for name, props, more, held in zip(
        names, numbers[:count], numbers[count:], value_numbers, strict=True
    ):
        info[name] |= {"props": props, "instance": more, "values": held}
    starts: dict[str, Any] = {}
    plain: dict[str, dict[str, Any]] = {}
    built = [name for name in names if name != "isapc"]
    for title, text in SCENARIOS.items():
        seen = dict(zip(built, binary.map(partial(machines.scenario, text), built), strict=True))
        if title == "nodefaults":
            plain = {name: dict(facts) for name, facts in seen.items()}
        elif plain:
            # Only what the options changed; the rest is in "nodefaults".
            for name, facts in seen.items():
                facts.pop("flat I/O", None)
                for key in ("tree", "spaces", "pci"):
                    if key in facts:
                        was, now = plain[name].get(key, []), facts.pop(key)
                        facts[f"{key} changes"] = [f"- {x}" for x in minus(was, now)] + [
                            f"+ {x}" for x in minus(now, was)
                        ]
        starts[title] = {"options": text} | chain(built, seen)
    text = "-nodefaults -m 1G -machine pcie=on"
    starts["microvm pcie"] = {"options": text, "microvm": machines.scenario(text, "microvm")}
    print(f"{binary.starts} starts for machines", file=sys.stderr)

    def by_machine(ask: Callable[[str], str]) -> dict[str, list[str]]:
        return ranges(names, dict(zip(names, binary.map(ask, names), strict=True)))

    zoo = {device: by_machine(partial(machines.zoo, device)) for device in ZOO}
    outcomes = {
        title: {"options": text, **by_machine(partial(machines.outcome, text))}
        for title, text in OUTCOMES.items()
    }
    print(f"{binary.starts} starts with devices", file=sys.stderr)
    text = binary.help("-cpu", "help")
    lines = [line for line in text.splitlines() if line.startswith("x86 ")]
    flags = text.partition("Recognized CPUID flags:")[2].split()
    cpus = dict(binary.map(machines.cpu, lines))
    bits = sorted({bit for facts in cpus.values() for bit in facts.get("tcg_lacks", [])})
    for facts in cpus.values():
        if "tcg_lacks" in facts:
            facts["tcg_lacks"] = [bits.index(bit) for bit in facts["tcg_lacks"]]
    return {
        "about": provenance(binary, "qemu-system-x86"),
        "aliases": alias,
        "machines": info,
        "property_groups": [" ".join(g) for g in groups],
        "value_groups": value_groups,
        "starts": starts,
        "devices": zoo,
        "outcomes": outcomes,
        "vga": {kind: by_machine(partial(machines.graphics, kind)) for kind in VGA_KINDS},
        "nic_models": binary.help("-net", "nic,model=help").split("\n")[1:-1],
        "cpus": cpu_table(cpus),
        "cpuid_bits": bits,
        "cpu_flags": " ".join(flags),
    }


def chain(names: list[str], seen: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The newest of a family in full, each older one as its difference to the next newer one."""
    result: dict[str, Any] = {}
    newer: dict[str, Any] = {}
    newer_name = family = ""
    for name in names:
        facts = seen[name]
        if order(name)[0] != family or not newer.get("blocks") or not facts.get("blocks"):
            if order(name)[0] == family and facts == newer:
                continue
            result[name] = facts
        else:
            changes: dict[str, Any] = {}
            for key in {**newer, **facts}:
                was, now = newer.get(key, []), facts.get(key, [])
                lines = [f"- {x}" for x in minus(was, now)] + [f"+ {x}" for x in minus(now, was)]
                if lines:
                    changes[key] = lines
            if changes:
                result[name] = {"unlike": newer_name} | changes
        family, newer, newer_name = order(name)[0], facts, name
    return result


def cpu_table(cpus: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Equal facts once: models by name; the usual values left out are in ``""``."""
    usual: dict[str, Any] = {}
    for key in {k for facts in cpus.values() for k in facts if k not in ("desc", "refusal")}:
        counts: dict[str, int] = {}
        for facts in cpus.values():
            counts[dump(facts.get(key))] = counts.get(dump(facts.get(key)), 0) + 1
        usual[key] = json.loads(max(counts, key=lambda text: counts[text]))
    usual = {k: v for k, v in sorted(usual.items()) if v is not None}
    table: dict[str, Any] = {"": usual}
    for name, facts in cpus.items():
        if "refusal" in facts:
            table[name] = facts
        else:
            table[name] = {k: v for k, v in facts.items() if usual.get(k) != v} | {
                k: None for k in usual if k not in facts
            }
    return table


def main() -> None:
    """Record the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--binary", default="qemu-system-x86_64", help="the QEMU program to ask")
    parser.add_argument(
        "--only", nargs="+", choices=("devices", "machines"), default=["devices", "machines"]
    )
    parser.add_argument("--jobs", type=int, default=2, help="QEMUs at a time")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "data")
    words = parser.parse_args()
    binary = Binary(words.binary, words.jobs)
    name = f"{binary.target}-{binary.short}.json"
    for part in words.only:
        sections = record_devices(binary) if part == "devices" else record_machines(binary)
        write(words.out / part / name, sections)


if __name__ == "__main__":
    main()
