"""What launch() gives to QEMU: the user's words, without a way out to the host.

The guest is started paused and only looked at, so all that talks to the outside can go without
changing its memory.  Three things happen to an option:

- *refused* (UnsafeOption): the process would escape, take the host's devices, run other
  programs, or write files;
- *left out or made silent*, with a note: monitors, displays, sound, debuggers, host networks.
  Character devices become ``null``, network backends a hub port, secrets are made up, and a host CPU for
  KVM becomes ``max``, so that every device that the guest sees stays where it was;
- *kept*: all the rest.  What QEMU itself finds wrong with it, QEMU says.

Added are ``-S`` (no instruction runs), ``-accel tcg``, ``-display none``, and, where the
line says nothing about networks, ``-net nic``: the NIC that the machine would have anyway, with
its PCI slot and option ROM, but with no host network behind it.  ``-nodefaults`` is not
added: it would change the memory.  Serial ports stay as QEMU's defaults make them: without
``-nographic`` they go to a console that no display shows, never to stdio.  Disks on the line
are opened below a throw-away overlay (``-snapshot``); block nodes of ``-blockdev`` are opened as
written, and nothing writes to them while the guest is paused.  A file behind a shared memory backend
keeps its bytes: devices that write to memory when they are switched on are refused with it.

Source: qemu-options.hx and qemu_create_default_devices in softmmu/vl.c (QEMU 7.2).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from memkit.config.options import ALIASES, KNOWN, TAKES_ARGUMENT
from memkit.errors import CommandLineError, MemkitError

__all__ = ["Plan", "UnsafeOption", "make_safe"]


class UnsafeOption(MemkitError):
    """An option that launch() does not give to a real QEMU; the message says why."""


@dataclass
class Plan:
    """What to run: ``argv`` without the program, ``notes`` on what was changed, files to look after.

    ``files`` are the paths that memory backends name, ``disks`` those of images.  ``cut_network`` is
    True if NICs have no host network only because of us, ``cut_accelerator`` if the line asked for KVM.
    """

    argv: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    disks: list[str] = field(default_factory=list)
    cut_network: bool = False
    cut_accelerator: bool = False
    shared: dict[str, str] = field(default_factory=dict)  # backend → the user's file that it shows, shared


_REFUSED = {
    "daemonize": "the process would run on when launch has ended",
    "chroot": "it changes what QEMU can see of this machine",
    "runas": "it changes the user that QEMU runs as",
    "run-with": "it changes the user or the root that QEMU runs with",
    "pidfile": "it writes a file",
    "D": "it writes a file",
    "dump-vmstate": "it writes a file",
    "writeconfig": "it writes a file",
    "perfmap": "it writes a file",
    "jitdump": "it writes a file",
    "readconfig": "the file holds options that nobody has looked at; write them on the line",
    "incoming": "the guest would wait for a stream from elsewhere; launch shows a guest at power-on",
    "loadvm": "it loads a saved guest; launch shows a guest at power-on",
    "plugin": "it runs code inside QEMU",
    "qtest": "it hands the guest to a test program",
    "qtest-log": "it writes a file",
}
_REFUSED_DEVICES = (
    (re.compile(r"vfio-|x-vfio-"), "it takes a device away from this machine"),
    (re.compile(r"usb-host$"), "it takes a USB device away from this machine"),
    (re.compile(r"scsi-(block|generic)$"), "it passes commands on to a disk of this machine"),
)
_REFUSED_OBJECTS = {
    "filter-dump": "it writes a file",
    "input-linux": "it takes the keyboard or mouse away from this machine",
    "x-vfio-user-server": "it opens a socket to the outside",
    "x-remote-object": "it opens a socket to the outside",
}
_LEFT_OUT = {
    **dict.fromkeys(("monitor", "qmp", "qmp-pretty", "mon"), "monitors"),
    **dict.fromkeys(("display", "vnc", "spice", "nographic", "curses", "sdl", "full-screen"), "displays"),
    **dict.fromkeys(("gdb", "s"), "debuggers"),
    **dict.fromkeys(("d", "trace", "msg"), "log options"),
    **dict.fromkeys(("accel", "enable-kvm"), "accelerators other than tcg"),
    "preconfig": "stops on the way",
}
_HELP = frozenset(("h", "help", "version", "audio-help"))
_HOST_NETWORKS = frozenset((
    "user", "tap", "bridge", "socket", "stream", "dgram", "vde", "l2tpv3", "netmap", "vhost-user",
    "vhost-vdpa", "af-xdp", "passt", "vmnet-host", "vmnet-shared", "vmnet-bridged",
))
_QUIET_CHARDEVS = frozenset(("null", "vc", "ringbuf", "memory", "testdev", "msmouse", "wctablet", "braille"))
_DISKS = frozenset(("drive", "hda", "hdb", "hdc", "hdd", "cdrom", "fda", "fdb", "sd", "pflash", "mtdblock"))
_NIC_KEYS = ("model", "mac", "macaddr", "id", "name", "vectors", "addr")


def make_safe(words: list[str]) -> Plan:
    """The Plan for the words of a command line, without the program; raises UnsafeOption.

    >>> plan = make_safe(["-m", "1G", "-monitor", "stdio"])
    >>> plan.argv, plan.notes
    (['-S', '-display', 'none', '-accel', 'tcg', '-net', 'nic', '-m', '1G'],
     ['launch left out -monitor stdio (monitors)'])
    """
    plan = Plan()
    seen: set[str] = set()
    for word, name, value in _options(words):
        seen.add(name)
        _take(plan, word, name, value, len(plan.argv))
    # Ours come first: if the last word lacks its argument, QEMU should notice.
    front = ["-S", "-display", "none"]
    if "-accel" not in plan.argv:
        front += ["-accel", "tcg"]
    if not seen & {"net", "nic", "netdev", "nodefaults"}:
        front += ["-net", "nic"]
        plan.cut_network = True
    if seen & _DISKS and "snapshot" not in seen:
        front.append("-snapshot")
    plan.argv[:0] = front
    _spare_files(plan)
    if plan.cut_accelerator:
        _replace_host_cpu(plan)
    return plan


def _options(words: list[str]) -> Iterator[tuple[str, str, str | None]]:
    """(word, name without dashes, value) of every option; a bare word is a disk image."""
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if not word.startswith("-"):
            yield "", "drive", f"file={word.replace(',', ',,')}"
            continue
        name = word[2:] if word.startswith("--") else word[1:]
        name = ALIASES.get(name, name)
        if name in _HELP:
            raise CommandLineError(f"{word} asks QEMU for help and starts no guest; leave it out", word=word)
        # An option of another QEMU version has a value if the next word looks like one.
        unknown = name not in KNOWN
        takes = name in TAKES_ARGUMENT or (unknown and index < len(words) and words[index][:1] != "-")
        value = None
        if takes and index < len(words):
            value = words[index]
            index += 1
        yield word, name, value


def _take(plan: Plan, word: str, name: str, value: str | None, number: int) -> None:
    text = f"{word} {value}".strip() if value is not None else word
    if name in _REFUSED:
        raise UnsafeOption(f"launch does not take {text}: {_REFUSED[name]}. Leave it out.")
    if (value or "").strip() in ("help", "?"):
        raise CommandLineError(f"{text} asks QEMU for help and starts no guest; leave it out", word=text)
    if name == "icount" and "rrfile" in (value or ""):
        raise UnsafeOption(f"launch does not take {text}: it writes a file. Leave it out.")
    if name == "trace" and "file=" in (value or ""):
        raise UnsafeOption(f"launch does not take {text}: it writes a file. Leave it out.")
    if name == "accel" and (value or "").split(",")[0] in ("tcg", "accel=tcg"):
        plan.argv += [word, value or ""]
        return
    if name in _LEFT_OUT:
        plan.cut_accelerator = plan.cut_accelerator or name in ("accel", "enable-kvm")
        plan.notes.append(f"launch left out {text} ({_LEFT_OUT[name]})")
        return
    change = _CHANGES.get(name)
    new = change(plan, text, value, number) if change is not None and value is not None else value
    plan.cut_network = plan.cut_network or (new != value and name in ("net", "nic", "netdev"))
    if new is None and value is not None:
        plan.notes.append(f"launch left out {text} (host networks)")
        return
    if new != value:
        plan.notes.append(f"launch wrote {word} {new} in place of {text}")
    plan.argv += [word or "-drive"] if new is None else [word or "-drive", new]


def _replace_host_cpu(plan: Plan) -> None:
    """Without KVM there is no host CPU to pass on; ``max`` takes its properties and is as good for memory."""
    for index, (word, value) in enumerate(pairwise(plan.argv)):
        model, comma, properties = value.partition(",")
        if word in ("-cpu", "--cpu") and model == "host":
            plan.argv[index + 1] = f"max{comma}{properties}"
            plan.notes.append(f"launch wrote {word} max in place of {word} host, which needs KVM")


def _spare_files(plan: Plan) -> None:
    """Refuse devices that write into a shared backend's file at power-on, before any instruction runs."""
    for word, value in pairwise(plan.argv):
        if word not in ("-device", "--device"):
            continue
        pairs = _pairs(value)
        kind = pairs.get("driver", pairs.get("", ""))
        if kind.startswith("virtio-mem") and pairs.get("memdev") in plan.shared:
            does, files = "it empties", [plan.shared[pairs["memdev"]]]
        elif kind in ("loader", "guest-loader") and plan.shared:
            does, files = "it may write into", list(plan.shared.values())
        else:
            continue
        raise UnsafeOption(
            f"launch does not take {word} {value}: {does} {' and '.join(files)} when the guest is switched "
            "on. Use share=off, or a file that does not exist yet."
        )


def _pairs(value: str) -> dict[str, str]:
    """The keys of ``a,b=c`` or JSON; the first word without a key is under ""."""
    if value.startswith("{"):
        try:
            described = json.loads(value)
        except (ValueError, RecursionError):
            return {}  # QEMU will say what is wrong
        return {k: v if isinstance(v, str) else json.dumps(v) for k, v in described.items()}
    pairs: dict[str, str] = {}
    for index, part in enumerate(value.replace(",,", "\0").split(",")):
        key, equals, rest = part.partition("=")
        if not equals and index == 0:
            key, rest = "", part
        pairs[key] = rest.replace("\0", ",")
    return pairs


def _machine(plan: Plan, text: str, value: str, number: int) -> str:
    accelerators = [p for p in value.split(",") if p.startswith("accel=")]
    kept = [p for p in value.split(",") if p not in accelerators]
    plan.cut_accelerator = plan.cut_accelerator or bool(set(accelerators) - {"accel=tcg"})
    return ",".join(kept) or "usb=off"


def _netdev(plan: Plan, text: str, value: str, number: int) -> str:
    pairs = _pairs(value)
    kind = pairs.get("type", pairs.get("", ""))
    if kind not in _HOST_NETWORKS or "id" not in pairs:
        return value
    return f"hubport,id={pairs['id']},hubid={9000 + number}"


def _nic(plan: Plan, text: str, value: str, number: int) -> str:
    pairs = _pairs(value)
    if pairs.get("type", pairs.get("", "")) not in _HOST_NETWORKS:
        return value
    kept = "".join(f",{k}={pairs[k]}" for k in _NIC_KEYS if k in pairs)
    return f"hubport,hubid={9000 + number}{kept}"


def _net(plan: Plan, text: str, value: str, number: int) -> str | None:
    pairs = _pairs(value)
    return None if pairs.get("type", pairs.get("", "")) in _HOST_NETWORKS else value


def _chardev(plan: Plan, text: str, value: str, number: int) -> str:
    pairs = _pairs(value)
    kind = pairs.get("backend", pairs.get("", ""))
    if kind in _QUIET_CHARDEVS or "id" not in pairs:
        return value
    return f"null,id={pairs['id']}" + (",mux=on" if pairs.get("mux") in ("on", "yes", "true") else "")


def _console(plan: Plan, text: str, value: str, number: int) -> str:
    return value if value in ("none", "null", "vc") or value.startswith(("chardev:", "vc:")) else "null"


def _audiodev(plan: Plan, text: str, value: str, number: int) -> str:
    pairs = _pairs(value)
    return f"none,id={pairs['id']}" if "id" in pairs else value


def _audio(plan: Plan, text: str, value: str, number: int) -> str:
    model = _pairs(value).get("model")
    return "driver=none" + (f",model={model}" if model else "")


def _object(plan: Plan, text: str, value: str, number: int) -> str:
    pairs = _pairs(value)
    kind = pairs.get("qom-type", pairs.get("", ""))
    if kind in _REFUSED_OBJECTS:
        raise UnsafeOption(f"launch does not take {text}: {_REFUSED_OBJECTS[kind]}. Leave it out.")
    if kind == "secret" and "file" in pairs:
        return f"secret,id={pairs.get('id', '')},data=unknown"
    if kind == "memory-backend-file" and "mem-path" in pairs:
        path = pairs["mem-path"]
        plan.files.append(path)
        shared = pairs.get("share") in ("on", "yes", "true", "y")
        if shared and os.path.isfile(path) and os.path.getsize(path):
            plan.shared[pairs.get("id", "")] = path
    return value


def _device(plan: Plan, text: str, value: str, number: int) -> str:
    pairs = _pairs(value)
    kind = pairs.get("driver", pairs.get("", ""))
    for pattern, why in _REFUSED_DEVICES:
        if pattern.match(kind):
            raise UnsafeOption(f"launch does not take {text}: {why}. Leave it out.")
    return value


def _mem_path(plan: Plan, text: str, value: str, number: int) -> str:
    plan.files.append(value)
    return value


def _disk(plan: Plan, text: str, value: str, number: int) -> str:
    path = _pairs(value).get("file", "" if "=" in value else value)
    if path:
        plan.disks.append(path)
    return value


_Change = Callable[[Plan, str, str, int], str | None]
_CHANGES: dict[str, _Change] = {
    "machine": _machine, "netdev": _netdev, "nic": _nic, "net": _net, "chardev": _chardev, "serial": _console,
    "parallel": _console, "debugcon": _console, "audiodev": _audiodev, "audio": _audio, "object": _object,
    "device": _device, "mem-path": _mem_path, **dict.fromkeys(_DISKS, _disk), "bios": _disk,
}
