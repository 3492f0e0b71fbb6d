"""The facts of the joined graph: nodes in five columns, and the edges between them.

A *path* is what belongs to one RAMBlock, from the words on the command line to the
guest-physical addresses (gpa).  When there are very many, paths that differ only in their
names and places are drawn as one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memkit.draw import text
from memkit.draw.theme import KINDS
from memkit.units import hex_address, human

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.joined import Joined, JoinedRow
    from memkit.memory.flatview import FlatRange

__all__ = ["COLUMNS", "Path", "collapse", "graph_data"]

COLUMNS = (
    ("words", "Command line", "what you type"),
    ("backends", "Backends", "host memory, by object"),
    ("blocks", "RAMBlocks", "size at ram_addr_t"),
    ("regions", "MemoryRegions", "dashed: an alias, a window"),
    ("guest", "What the guest sees", "frontends, with gpa ranges"),
)
# More paths than this do not fit on a page; alike ones are then drawn together.
ROOM = 16
KEPT = 2
# So many windows onto a region are drawn even if others cover them.
WINDOWS = 6

Fact = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Path:
    """One RAMBlock's row of the join, or several alike; ``number`` is its place in the picture."""

    number: int
    rows: tuple[JoinedRow, ...]

    @property
    def first(self) -> JoinedRow:
        """The row that stands for the path."""
        return self.rows[0]

    @property
    def many(self) -> bool:
        """True if the path stands for several blocks."""
        return len(self.rows) > 1

    @property
    def size(self) -> int:
        """The bytes of all its blocks."""
        return sum(r.block.max_length for r in self.rows)

    def names(self) -> str:
        """The labels of its blocks, shortened to first and last."""
        labels = [r.block.label for r in self.rows]
        return labels[0] if len(labels) == 1 else f"{labels[0]} … {labels[-1]}"


def _order(row: JoinedRow) -> tuple[bool, int, int]:
    where = min((r.start for r in row.ranges), default=0)
    return not row.ranges, KINDS.index(row.kind), where


def collapse(rows: Sequence[JoinedRow], focus: JoinedRow | None = None) -> list[Path]:
    """The paths to draw: all of them while they fit, else alike ones together.

    The row in focus always keeps a path of its own.
    """
    # What one frontend shows stays together, at the place of its foremost block.
    places = {id(r): _order(r) for r in rows}
    foremost: dict[int, tuple[bool, int, int]] = {}
    for r in rows:
        who = id(r.frontends[0]) if r.frontends else id(r)
        foremost[who] = min(foremost.get(who, places[id(r)]), places[id(r)])
    ordered = sorted(
        rows,
        key=lambda r: (foremost[id(r.frontends[0]) if r.frontends else id(r)], places[id(r)]),
    )

    def close(r: JoinedRow) -> Hashable:
        kinds = tuple(f.kind for f in r.frontends)
        backend = r.backend.type if r.backend else ""
        return (r.kind, r.backing, r.block.page_size, r.block.max_length, backend, kinds,
                len(r.ranges), len(r.regions))

    def loose(r: JoinedRow) -> Hashable:
        return (r.kind, r.backing, bool(r.ranges), len(r.frontends))

    def coarse(r: JoinedRow) -> Hashable:
        return (r.kind, bool(r.ranges))

    groups: list[tuple[JoinedRow, ...]] = [(r,) for r in ordered]
    keys: tuple[Callable[[JoinedRow], Hashable], ...] = (close, loose, coarse)
    for key in keys:
        if len(groups) <= ROOM:
            break
        groups = _grouped(ordered, key, focus)
    return [Path(number, group) for number, group in enumerate(groups)]


def _grouped(
    ordered: Sequence[JoinedRow], key: Callable[[JoinedRow], Hashable], focus: JoinedRow | None
) -> list[tuple[JoinedRow, ...]]:
    alike: dict[Hashable, list[JoinedRow]] = {}
    for row in ordered:
        alike.setdefault(("focus",) if row is focus else key(row), []).append(row)
    groups: list[tuple[JoinedRow, ...]] = []
    for members in alike.values():
        kept = len(members) if len(members) <= KEPT + 1 else KEPT
        groups += [(m,) for m in members[:kept]]
        if members[kept:]:
            groups.append(tuple(members[kept:]))
    return groups


class _Builder:
    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.nodes: dict[str, Fact] = {}
        self.edges: list[Fact] = []

    def node(self, id: str, column: int, title: str, path: Path, **facts: Any) -> Fact:
        node = self.nodes.get(id)
        if node is None:
            node = self.nodes[id] = {
                "id": id, "column": column, "title": title, "lines": [], "kind": "",
                "backing": "private", "rows": [], "paths": [], "tip": "", **facts,
            }
        if path.number not in node["paths"]:
            node["paths"].append(path.number)
        return node

    def edge(self, tail: str, head: str, path: Path, size: int, ports: tuple[str, str] = ("", ""),
             kind: str = "") -> None:
        self.edges.append({
            "from": tail, "to": head, "from_port": ports[0], "to_port": ports[1],
            "path": path.number, "size": size, "kind": kind or path.first.kind,
        })

    def add(self, path: Path) -> None:
        row, n = path.first, path.number
        more = f"{len(path.rows)} more like it"
        look = {"kind": row.kind, "backing": row.backing}
        block = f"r{n}"
        self.node(
            block, 2, more if path.many else row.block.label, path, **look,
            lines=[path.names() if path.many else
                   f"{human(row.block.max_length)} at {hex_address(row.block.offset)}"],
            tip=_block_tip(path),
        )
        backend = self._backend(path, look, more)
        if backend:
            self.edge(backend, block, path, path.size)
        self._words(path, backend or block)
        region = self._region(path, look, more)
        if region:
            self.edge(block, region, path, path.size, ("", "h"))
        self._guest(path, region or block, more)

    def _words(self, path: Path, head: str) -> None:
        options = self.guest.config.options if self.guest.config else ()
        indexes = list(dict.fromkeys(i for r in path.rows for i in r.option_indexes))
        indexes = [i for i in indexes if i < len(options)]
        if path.many:
            if indexes:
                first = text.option_text(options[indexes[0]])
                self.node(f"w{path.number}m", 0, f"{len(indexes)} more options", path,
                          lines=[first, "…"], tip=f"{first} and {len(indexes) - 1} more")
                self.edge(f"w{path.number}m", head, path, 0)
            return
        for i in indexes:
            words = text.option_text(options[i])
            self.node(f"w{i}", 0, words, path, tip=words)
            self.edge(f"w{i}", head, path, 0)

    def _backend(self, path: Path, look: Fact, more: str) -> str:
        backend = path.first.backend
        if backend is None:
            return ""
        id = f"b{path.number}"
        kind = text.backend_word(backend.type)
        made = " (made for -m)" if backend.implicit else ""
        self.node(
            id, 1, more if path.many else backend.id, path, **look,
            lines=[f"{kind}, {human(path.size)}", text.page_text(path.first)],
            tip=f"{backend.type} {backend.id}{made}: {human(backend.size)}, "
            f"{text.page_text(path.first)}, policy {backend.policy}"
            + (f", {backend.mem_path}" if backend.mem_path else ""),
        )
        return id

    def _region(self, path: Path, look: Fact, more: str) -> str:
        row = path.first
        if row.owner is None:
            return ""
        id = f"g{path.number}"
        node = self.node(
            id, 3, more if path.many else row.owner.name, path, **look,
            tip=f"MemoryRegion {row.owner.name}, {row.owner.type}, {human(row.owner.size)}",
        )
        if path.many:
            node["lines"] = [path.names()]
            return id
        shown = [w for w in row.windows if w in row.shown_by or len(row.windows) <= WINDOWS]
        for alias in shown:
            at = row.windows.index(alias)
            offset, size = alias.alias_offset, alias.size
            node["rows"].append({
                "port": f"p{at}", "text": alias.name, "note": human(size), "kind": row.kind,
                "dashed": True, "path": path.number, "start": offset, "size": size,
                "tip": f"alias {alias.name}: a window of {human(size)} onto {row.owner.name} "
                f"from offset {hex_address(offset)}",
            })
        if len(row.windows) > len(shown):
            said = text.plural(len(row.windows) - len(shown), "more window")
            node["rows"].append({
                "port": "more", "text": said, "note": "covered", "kind": row.kind, "dashed": True,
                "path": path.number, "start": 0, "size": 0,
                "tip": f"{said} onto {row.owner.name}, which show nothing at the moment",
            })
        return id

    def _guest(self, path: Path, tail: str, more: str) -> None:
        row, n = path.first, path.number
        if not row.frontends and not row.ranges:
            return
        if path.many or not row.frontends:
            kinds = dict.fromkeys(f.kind for r in path.rows for f in r.frontends)
            title = f"{more}: {', '.join(kinds)}" if path.many and kinds else more
            card = self.node(f"f{n}", 4, title if path.many else "guest memory", path)
        else:
            index = {id(f): i for i, f in enumerate(self.guest.frontends)}
            for at, f in enumerate(row.frontends):
                who = f"{f.kind} {f.id or ''}".strip()
                node = self.node(f"F{index[id(f)]}", 4, text.frontend_name(f), path,
                                 tip=f"{who} shows memory to the guest")
                if at == 0:
                    card = node
                else:
                    self._row(node, path, f"also {row.block.label}", "", 0, 0, tail, "h")
        if path.many:
            starts = [r.start for member in path.rows for r in member.ranges]
            size = sum(r.size for member in path.rows for r in member.ranges)
            label = f"from {hex_address(min(starts))}" if starts else "not mapped"
            self._row(card, path, label, human(size) if starts else "", min(starts, default=0),
                      size, tail, "h")
            return
        for r, region in zip(row.ranges, row.shown_by, strict=True):
            port = "h"
            if region in row.windows:
                port = f"p{row.windows.index(region)}"
            self._row(card, path, hex_address(r.start), f"{human(r.size)} {r.type}", r.start,
                      r.size, tail, port, r)
        if not row.ranges:
            self._row(card, path, "not mapped", human(row.block.max_length), 0, 0, tail, "h")

    def _row(self, card: Fact, path: Path, label: str, note: str, start: int, size: int,
             tail: str, port: str, r: FlatRange | None = None) -> None:
        name = f"p{len(card['rows'])}"
        tip = f"{path.names()}: {label} {note}".strip()
        if r is not None:
            tip = f"gpa {text.span(start, size)}, {note}: {path.names()}"
            if r.offset_in_region:
                tip += f" from offset {hex_address(r.offset_in_region)}"
        kind = path.first.kind if size else "nobody"
        card["rows"].append({
            "port": name, "text": label, "note": note, "kind": kind,
            "dashed": False, "path": path.number, "start": start, "size": size, "tip": tip,
        })
        self.edge(tail, card["id"], path, size, (port if tail[0] == "g" else "", name),
                  kind)


def _block_tip(path: Path) -> str:
    block = path.first.block
    if path.many:
        return f"{len(path.rows)} RAMBlocks: {path.names()}, {human(path.size)} together"
    moves = "migrates" if block.migratable else "does not migrate"
    size = text.size_text(block.used_length, block.max_length)
    where = text.span(block.offset, block.max_length)
    pages = text.page_text(path.first)
    return f"RAMBlock {block.label}: {size}, ram_addr_t {where}, {pages}, {moves}"


def graph_data(guest: Guest, joined: Joined, focus: JoinedRow | None = None) -> Fact:
    """The plain facts of the joined graph: columns, nodes, edges and paths, ready for JSON.

    Sizes are bytes; ``start`` is a gpa in the last column, an offset in the region elsewhere.
    """
    paths = collapse(joined.rows, focus)
    builder = _Builder(guest)
    for path in paths:
        builder.add(path)
    for node in builder.nodes.values():
        if node["column"] == 4:
            node["rows"].sort(key=lambda r: (not r["size"], r["start"]))
    kinds = {p.first.kind for p in paths}
    backings = {p.first.backing for p in paths}
    return {
        "title": f"How {guest.machine_type} (QEMU {guest.qemu}) builds its memory",
        "columns": [{"key": k, "title": t, "note": n} for k, t, n in COLUMNS],
        "nodes": list(builder.nodes.values()),
        "edges": builder.edges,
        "paths": [
            {
                "number": p.number, "name": p.names(), "kind": p.first.kind,
                "backing": p.first.backing, "size": p.size, "count": len(p.rows),
                "members": [r.block.label for r in p.rows],
                "pages": text.page_text(p.first),
            }
            for p in paths
        ],
        "kinds": [k for k in KINDS if k in kinds],
        "backings": sorted(backings),
        "focus": next((p.number for p in paths if focus in p.rows), None),
    }
