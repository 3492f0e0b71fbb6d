"""All sections of data/devices: each device on each board, bare and with what it needs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from .ask import Answer, Binary, split
from .files import dump, provenance
from .listing import (
    aliases,
    hidden,
    interfaces,
    listed_devices,
    listed_properties,
    not_pluggable,
    rom_files,
)
from .props import pack, read_properties, share
from .reading import rom_of
from .sizes import rules, sweep
from .state import OWN_PATH, QUESTIONS, State, difference, minus
from .targets import X86, Target, target


class Devices:
    """Everything about ``-device``."""

    def __init__(self, binary: Binary) -> None:
        self.binary = binary
        self.target = target(binary.target)
        self.absent: set[str] = set()

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
        words = ["-nodefaults", "-machine", self.target.machine(board)]
        if "-m " not in f" {extra} ":
            words += ["-m", self.target.memory]
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
        for board in self.target.boards:
            known = bus in self.absent and "," not in driver
            seen: dict[str, Any] = {"refusal": "no bus"} if known else self.observe(board, driver)
            if seen == {"refusal": f"%: No '{bus}' bus found for device '{driver}'"}:
                seen["refusal"] = "no bus"
            if "refusal" in seen and not (bus == "PCI" and seen["refusal"] == "no bus"):
                extra, props = self.target.recipes.get(driver, (self.target.companions.get(bus, ""), ""))
                if extra or props:
                    seen["with"] = f"{extra} -device {driver}{',' + props if props else ''}".strip()
                    seen["then"] = self.observe(board, driver, extra, props)
            facts[board] = seen
            if "buses" in seen:
                named = self.observe(board, driver, "", "id=ID")
                if named.get("buses") != seen["buses"]:
                    seen["buses_with_id"] = named.get("buses", named.get("refusal"))
        # q35 for x86, and the only board elsewhere.
        board = self.target.boards[:2][-1]
        if facts[board].get("refusal") == "no bus" and self.target.companions.get(bus):
            # With a bus, it may still want a drive or a character device.
            companion = self.target.companions[bus]
            same = self.target.recipes.get(driver, (companion, "")) == (companion, "")
            bare = facts[board]["then"] if same else self.observe(board, driver, companion)
            if "refusal" in bare:
                facts["bare"] = bare["refusal"]
        if bus == "PCI" and self.matters_below(driver, facts):
            self.below(driver, facts)
        if not self.target.few:
            self.twice(driver, facts)
        return facts

    def look_for_buses(self, rows: Sequence[dict[str, Any]]) -> None:
        """Learn of which buses the board has none: that is the same for every device on such a bus."""
        board = self.target.boards[0]
        plain = [row for row in rows if "bus" in row and "," not in row["name"]]
        firsts = {row["bus"]: row["name"] for row in reversed(plain)}

        def absent(bus: str) -> bool:
            driver = firsts[bus]
            answer = self.binary.start([*self.argv(board), "-device", driver], [])
            return answer.refusal == f"-device {driver}: No '{bus}' bus found for device '{driver}'"

        self.absent = {
            bus for bus, gone in zip(firsts, self.binary.map(absent, firsts), strict=True) if gone
        }

    def two_of_each(self, seen: dict[str, dict[str, Any]], names: Sequence[str]) -> None:
        """Add the refusals of second devices: where many pairs start together, each of them would alone."""
        board = self.target.boards[0]
        pairs = [word for name in names for word in ("-device", name) * 2]
        if len(names) == 1:
            self.twice(names[0], seen[names[0]])
        elif names and not self.binary.start([*self.argv(board), *pairs], []).started:
            self.two_of_each(seen, names[: len(names) // 2])
            self.two_of_each(seen, names[len(names) // 2 :])

    def matters_below(self, driver: str, facts: dict[str, Any]) -> bool:
        """False where only bridges and what has RAMBlocks are tried below a bridge, and this is neither."""
        seen = facts[self.target.boards[0]]
        seen = seen.get("then", seen)
        bridge = any(kind[:3].lower() in ("pci", "pxb", "cxl") for _, kind in seen.get("buses", ()))
        return bridge or "blocks" in seen or not self.target.few

    def twice(self, driver: str, facts: dict[str, Any]) -> None:
        """Add the refusal of a second device of this type, on the first board that takes one."""
        board = next((b for b in self.target.boards if "refusal" not in facts[b]), None)
        if board is not None:
            words = [*self.argv(board), "-device", driver, "-device", driver]
            answer = self.binary.start(words, [])
            if not answer.started:
                said = answer.refusal.replace(f"-device {driver}: ", "%: ", 1)
                facts["twice"] = said or " ".join(answer.stderr[-1:])

    def paths(self, text: str) -> Any:
        """The RAMBlocks that a start adds to the bare machine, or the refusal."""
        board = re.search(r"-machine (\S+)", text)
        memory = self.target.memory
        plain = ["-nodefaults", "-m", memory, "-machine", board[1] if board else self.target.boards[0]]
        answer, state = self.state(["-nodefaults", "-m", memory, *split(text)])
        base = self.baseline(plain)
        if state is None or base is None:
            return answer.refusal or " ".join(answer.stderr[-1:])
        old = {row[0] for row in base.blocks}
        return [row[0] for row in state.blocks if row[0] not in old]

    def below(self, driver: str, facts: dict[str, Any]) -> None:
        """Add what happens when it is plugged below a bridge, where that differs from the root bus."""
        for board, port, name in self.target.bridges:
            home, extra, props = facts[board], "", ""
            if "refusal" in home:
                extra, props = self.target.recipes.get(driver, ("", ""))
                if "bus=" in props or "then" not in home or "refusal" in home["then"]:
                    continue
                home = home["then"]
            seen = self.observe(board, driver, f"{extra} -device {port}", f"{props},bus=B".strip(","))
            if "refusal" in seen:
                facts[f"below {name}"] = seen["refusal"].replace(f"{props},bus=B", "PROPS")
                continue
            blocks = [[OWN_PATH.sub("%/", b[0]), *b[1:]] for b in seen.get("blocks", [])]
            if blocks != home.get("blocks", []):
                facts[f"below {name}"] = {"blocks": blocks}

    def slots(self, board: str, extra: str, bus: str) -> dict[str, Any]:
        """Which slots of ``bus`` a plain device gets, how many fit, and what a wrong slot gives."""
        tester = f"-device {self.target.tester},bus={bus}"
        found: dict[str, Any] = {}
        answer, state = self.state([*self.argv(board, extra), *split(f"{tester},id=T")])
        if state is None:
            found["first"] = answer.refusal.partition(": ")[2]
        else:
            block = state.qtree[state.qtree.index(f'dev: {self.target.tester}, id "T"') :]
            address = re.search(r"addr = (\S+)", block)
            found["first"] = address[1] if address else None
            fit, over = 1, 36
            while over - fit > 1:
                count = (fit + over) // 2
                answer = self.binary.start(
                    [*self.argv(board, extra), *split(" ".join([tester] * count))], []
                )
                if answer.started:
                    fit = count
                else:
                    over = found["fit"] = count
                    found["fit"] -= 1
                    found["full"] = answer.refusal.replace(f"{tester}: ", "%: ")
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


def record_devices(binary: Binary) -> dict[str, Any]:
    """All sections of devices/*.json."""
    wanted = target(binary.target)
    listed = listed_devices(binary)
    rows = [row for row in listed if binary.wants(row["name"])]
    names = [row["name"] for row in rows]
    helps = listed_properties(binary, names) if wanted.few else binary.map(
        lambda n: read_properties(binary.help("-device", f"{n},help")), names
    )
    groups, numbers = share([pack(h) for h in helps])
    devices = Devices(binary)
    todo = [row for row in rows if row["categories"] != ["CPU"]]
    if wanted.few:
        devices.look_for_buses(todo)
    seen = dict(
        zip(
            [r["name"] for r in todo],
            binary.map(lambda r: devices.record(r["name"], r.get("bus", "")), todo),
            strict=True,
        )
    )
    if wanted.few:
        again = [name for name in seen if "refusal" not in seen[name][wanted.boards[0]]]
        binary.map(lambda n: devices.two_of_each(seen, again[n : n + 12]), range(0, len(again), 12))
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
                home = next((seen[name][b] for b in wanted.boards if "refusal" not in seen[name][b]), None)
                if home is None:
                    home = next(seen[name][b]["then"] for b in wanted.boards if "then" in seen[name][b])
                found = rules(
                    swept[name], home.get("blocks", []), {k: d for k, (_, d) in by_name[name].items()}
                )
                idle = swept[name].pop("no effect", None)
                if idle:
                    facts["no_effect"] = next(iter(idle))
                facts["sweep"] = {prop: inverted(values) for prop, values in swept[name].items()}
                if found:
                    facts["rules"] = found
            facts |= boards_in_short(seen[name], wanted)
        result[name] = facts
    lists = pool_lists(result, wanted.boards)
    bare = devices.argv(wanted.boards[0])
    return {
        "about": provenance(binary),
        "aliases": aliases(binary, names),
        "not_pluggable": not_pluggable(binary, [row["name"] for row in listed], bare),
        "rom_files": rom_files(binary),
        "hidden_properties": hidden(binary, bare, wanted.known),
        "pci_buses": {
            f"{board} {extra}".strip(): devices.slots(board, extra, bus) for board, extra, bus in wanted.buses
        },
        "bus_names": {f"{board} {extra}": devices.names(board, extra) for board, extra in wanted.bus_names},
        "paths": dict(zip(wanted.paths, binary.map(devices.paths, wanted.paths), strict=True)),
        "property_groups": [" ".join(g) for g in groups],
        "lists": lists,
        "devices": result,
    }


def inverted(values: dict[str, str]) -> dict[str, str]:
    """{outcome: the values that gave it}, values apart by blanks; '' stands for an empty value."""
    found: dict[str, list[str]] = {}
    for value, outcome in values.items():
        found.setdefault(outcome, []).append(value or "''")
    return {outcome: " ".join(v) for outcome, v in found.items()}


def boards_in_short(seen: dict[str, Any], wanted: Target = X86) -> dict[str, Any]:
    """The facts of every board; a board like pc says so, or only where it differs (null: not there)."""
    first, *others = wanted.boards
    for board in wanted.boards:
        for facts in (seen[board], seen[board].get("then", {})):
            for function in facts.get("pci", [])[:1]:
                if function["devfn"] == wanted.first_slots[board]:
                    del function["devfn"]
    pc = seen[first]
    for board in others:
        other = seen[board]
        if other == pc:
            seen[board] = "pc"
        elif set(other) == {"refusal"}:
            seen[board] = other["refusal"]
        elif "refusal" not in pc and "refusal" not in other:
            changed: dict[str, Any] = {k: v for k, v in other.items() if pc.get(k) != v}
            seen[board] = {"like": "pc"} | changed | {k: None for k in pc if k not in other}
    if set(pc) == {"refusal"}:
        seen[first] = pc["refusal"]
    return seen


POOLED = ("tree", "flat memory", "flat I/O")


def pool_lists(devices: dict[str, Any], names: Sequence[str] = X86.boards) -> list[list[str]]:
    """Lists that several devices share, moved out: their place in the device holds a number."""
    holders: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for facts in devices.values():
        boards = [facts[b] for b in names if isinstance(facts.get(b), dict)]
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
