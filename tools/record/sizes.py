"""How properties set the sizes of RAMBlocks: sweeps over values, and rules fitted to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .ask import MIB, SCRATCH, Binary
from .recipes import COMBINATIONS

if TYPE_CHECKING:
    from .devices import Devices


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
    asked, boards = devices.target, devices.target.boards
    board = next((b for b in boards if "refusal" not in facts[b]), None)
    extra, props = "", ""
    if board is None:
        board = next((b for b in boards if "refusal" not in facts[b].get("then", {"refusal": 1})), None)
        if board is None:
            return {}
        extra, props = asked.recipes.get(driver, ("", ""))
        default = facts[board]["then"].get("blocks", [])
    else:
        default = facts[board].get("blocks", [])
    wanted = {n: values.split() for n, values in asked.sweep.items() if n in names}
    if asked.rom_sized and driver not in asked.rom_sized:
        wanted.pop("romsize", None)
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
    if asked.rom_sizes and "romfile" in names and (
        has_rom or driver in ("virtio-net-pci", "edu", "pci-bridge", "virtio-rng-pci")
    ):
        jobs.append(("romfile", "", "romfile="))
        jobs += [("romfile", str(n), f"romfile={rom_file(n)}") for n in asked.rom_sizes]
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
    path = Path(SCRATCH.name) / f"rom-{size}"
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
