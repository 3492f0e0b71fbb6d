"""What the program lists by itself: devices, aliases, interfaces, firmware files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .props import read_properties

if TYPE_CHECKING:
    from .ask import Binary


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


def listed_properties(binary: Binary, names: Sequence[str]) -> list[dict[str, tuple[str, str | None]]]:
    """name → (type, default) for each device: what its help is made of, asked of one process."""
    replies = binary.each(
        ["-machine", "none"],
        [{"execute": "device-list-properties", "arguments": {"typename": name}} for name in names],
    )

    def text(value: Any) -> str:
        # 8.2 still wrote true and false.
        if isinstance(value, bool) and binary.release >= (10, 0):
            return "on" if value else "off"
        return value if isinstance(value, str) else json.dumps(value)

    return [
        {p["name"]: (p["type"], text(p["default-value"]) if "default-value" in p else None) for p in found}
        if isinstance(found, list) else read_properties(binary.help("-device", f"{name},help"))
        for name, found in zip(names, replies, strict=True)
    ]


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


def not_pluggable(binary: Binary, listed: Iterable[str], board: Sequence[str]) -> dict[str, list[str]]:
    """Device types that -device help does not list, by what -device says to them on ``board``."""
    answer = binary.start(
        ["-machine", "none"],
        [{"execute": "qom-list-types", "arguments": {"implements": "device", "abstract": True}}],
    )
    names = sorted({t["name"] for t in answer.results[0] if binary.wants(t["name"])} - set(listed))

    # A running QEMU says the same to device_add, and need not be started a thousand times.
    tried = binary.each(
        board, [{"execute": "device_add", "arguments": {"driver": name}} for name in names]
    )
    said = {
        name: f"-device {name}: {reply['desc']}" for name, reply in zip(names, tried, strict=True)
        if reply and re.search(r"'driver' expects (a |)(pluggable|non-abstract)", reply.get("desc", ""))
    }

    def ask(name: str) -> tuple[str, str]:
        if name in said:
            return name, said[name]
        seen = binary.start([*board, "-device", name], [])
        return name, "(starts)" if seen.started else seen.refusal

    found: dict[str, list[str]] = {}
    for name, text in binary.map(ask, names):
        found.setdefault(text.replace(name, "NAME"), []).append(name)
    return found


def hidden(binary: Binary, board: Sequence[str], known: str) -> dict[str, str]:
    """What -device says to properties that exist but that its help does not list."""
    found = {}
    for name in ("type", "hotpluggable", "hotplugged", "parent_bus", "legacy-addr", "realized", "nope"):
        answer = binary.start([*board, "-device", f"{known},{name}=on"], [])
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
    suffixes: tuple[str, ...] = (".bin", ".rom", ".fd")
    if binary.target not in ("x86_64", "i386"):
        # Firmware of Power, Z and RISC-V, and boards' device trees.
        suffixes += (".img", ".lid", ".elf", ".dtb", "")
    for word in binary.help("-machine", "none", "-L", "help").split():
        directory = binary.root.path / word.lstrip("/") if binary.root else Path(word)
        for path in sorted(directory.iterdir()) if directory.is_dir() else []:
            known = path.name in found or path.name.startswith("trace-events")
            if path.is_file() and path.suffix in suffixes and not known:
                found[path.name] = path.stat().st_size
    return found
