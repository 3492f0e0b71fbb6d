"""The facts of the joined graph: nodes in five columns, and the edges between them.

A *path* is what belongs to one RAMBlock, from the words on the command line to the
guest-physical addresses (gpa).  When there are very many, paths that differ only in their
names and places are drawn as one.  In a picture of a difference there are paths of ghosts, too:
RAMBlocks that only the first guest has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from memkit.draw import marking, text
from memkit.draw.collapse import Path, collapse
from memkit.draw.theme import KINDS
from memkit.joined import join
from memkit.units import hex_address, human

if TYPE_CHECKING:
    from memkit.diff import Change, Difference
    from memkit.diff.marks import Marks
    from memkit.guest import Guest
    from memkit.joined import Joined, JoinedRow
    from memkit.memory.device import Frontend, MemoryDevice
    from memkit.memory.flatview import FlatRange

__all__ = ["COLUMNS", "graph_data"]

COLUMNS = (
    ("words", "Command line", "what you type"),
    ("backends", "Backends", "host memory, by object"),
    ("blocks", "RAMBlocks", "size at ram_addr_t"),
    ("regions", "MemoryRegions", "dashed: an alias, a window"),
    ("guest", "What the guest sees", "frontends, with gpa ranges"),
)
# So many windows onto a region are drawn even if others cover them.
WINDOWS = 6

Fact = dict[str, Any]


class _Builder:
    def __init__(self, guest: Guest, known: Marks | None) -> None:
        self.guest = guest
        self.known = known
        self.nodes: dict[str, Fact] = {}
        self.edges: list[Fact] = []
        self.cards = {id(f): f"F{n}" for n, f in enumerate(guest.frontends)}
        if known is not None:
            self._know_cards(known)

    def _know_cards(self, known: Marks) -> None:
        """Frontends of the first guest share the card of the same one in the second, if it is there.

        It is the same by its name, or because it shows the same RAMBlock: doors label differently.
        """
        same = {_who(f): self.cards[id(f)] for f in reversed(self.guest.frontends)}
        shown = {id(r): self.cards[id(f)] for f in reversed(self.guest.frontends) for r in f.blocks}
        for n, f in enumerate(known.before.frontends):
            kept = [shown[id(new)] for r in f.blocks if id(new := known.partner(r)) in shown]
            self.cards[id(f)] = same.get(_who(f)) or (kept[0] if kept else f"oldF{n}")

    def marks(self, things: Iterable[object]) -> Fact:
        """The words of things that are marked alike, and their past if that is the same, too."""
        found = [marking.mark_of(self.known, thing) for thing in things]
        words = found[0].words if len({m.words for m in found}) == 1 else ()
        was = found[0].was if len({m.was for m in found}) == 1 else ()
        return {"mark": list(words), "was": list(was)}

    def gone(self, path: Path) -> bool:
        """True for a path of ghosts."""
        return self.known is not None and self.known.gone(path.first.block)

    def node(self, id: str, column: int, title: str, path: Path, **facts: Any) -> Fact:
        node = self.nodes.get(id)
        if node is None:
            node = self.nodes[id] = {
                "id": id, "column": column, "title": title, "lines": [], "kind": "",
                "backing": "private", "rows": [], "paths": [], "tip": "", "mark": [], "was": [], **facts,
            }
            if node["mark"] and node["tip"]:
                node["tip"] += f"\n{marking.said(node['mark'], node['was'])}"
            if column:
                node["lines"] = [*node["lines"], *node["was"]]
        if path.number not in node["paths"]:
            node["paths"].append(path.number)
        return node

    def edge(self, tail: str, head: str, path: Path, size: int, ports: tuple[str, str] = ("", ""),
             kind: str = "") -> None:
        self.edges.append({
            "from": tail, "to": head, "from_port": ports[0], "to_port": ports[1],
            "path": path.number, "size": size, "kind": kind or path.first.kind,
            "ghost": self.gone(path),
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
            tip=_block_tip(path), **self.marks(r.block for r in path.rows),
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
        then = self.known if self.gone(path) else None
        config = (then.before if then else self.guest).config
        options = config.options if config else ()
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
            id = f"w{i}"
            if then:
                kept = then.options.get(i)
                id = f"oldw{i}" if kept is None else f"w{kept}"
            self.node(id, 0, words, path, tip=words, **self.marks([options[i]]))
            self.edge(id, head, path, 0)

    def _backend(self, path: Path, look: Fact, more: str) -> str:
        backend = path.first.backend
        if backend is None:
            return ""
        id = f"b{path.number}"
        kind = text.backend_word(backend.type)
        made, pages = " (made for -m)" if backend.implicit else "", text.page_text(path.first)
        self.node(
            id, 1, more if path.many else backend.id, path, **look,
            # A box has room for some 24 letters, and the number must stay whole.
            lines=[f"{kind}, {human(path.size)}",
                   pages if len(pages) <= 24 else pages.removesuffix(" pages")],
            tip=f"{backend.type} {backend.id}{made}: {human(backend.size)}, "
            f"{pages}, policy {backend.policy}"
            + (f", {backend.mem_path}" if backend.mem_path else ""),
            **self.marks(r.backend for r in path.rows),
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
            mark=self._come_or_gone(row),
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
                "mark": [], "was": [], "past": self.gone(path), "echo": False,
                "tip": f"alias {alias.name}: a window of {human(size)} onto {row.owner.name} "
                f"from offset {hex_address(offset)}",
            })
        if len(row.windows) > len(shown):
            said = text.plural(len(row.windows) - len(shown), "more window")
            node["rows"].append({
                "port": "more", "text": said, "note": "covered", "kind": row.kind, "dashed": True,
                "path": path.number, "start": 0, "size": 0,
                "mark": [], "was": [], "past": self.gone(path), "echo": False,
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
            for at, f in enumerate(row.frontends):
                who = f"{f.kind} {f.id or ''}".strip()
                node = self.node(self.cards[id(f)], 4, text.frontend_name(f), path,
                                 tip=f"{who} shows memory to the guest", **self._card_mark(f))
                if at == 0:
                    card = node
                else:
                    self._row(node, path, f"also {row.block.label}", "", 0, 0, tail, "h")
        if path.many:
            starts = [r.start for member in path.rows for r in member.ranges]
            size = sum(r.size for member in path.rows for r in member.ranges)
            label = f"from {hex_address(min(starts))}" if starts else "not mapped"
            self._row(card, path, label, human(size) if starts else "", min(starts, default=0),
                      size, tail, "h", self.marks(r for member in path.rows for r in member.ranges))
            return
        for r, region in zip(row.ranges, row.shown_by, strict=True):
            port = "h"
            if region in row.windows:
                port = f"p{row.windows.index(region)}"
            self._row(card, path, hex_address(r.start), f"{human(r.size)} {r.type}", r.start,
                      r.size, tail, port, self.marks([r]), r)
        for r in self.known.vanished_ranges(row.block) if self.known else ():
            self._row(card, path, hex_address(r.start), f"{human(r.size)} {r.type}", r.start,
                      r.size, "", "", {"mark": ["vanished"], "was": []}, r)
        if not row.ranges:
            self._row(card, path, "not mapped", human(row.block.max_length), 0, 0, tail, "h")

    def _row(self, card: Fact, path: Path, label: str, note: str, start: int, size: int,
             tail: str, port: str, marks: Fact | None = None, r: FlatRange | None = None) -> None:
        """A line in a frontend's card; without a ``tail`` no edge leads to it."""
        name = f"p{len(card['rows'])}"
        marks = marks or {"mark": [], "was": []}
        tip = f"{path.names()}: {label} {note}".strip()
        if r is not None:
            tip = f"gpa {text.span(start, size)}, {note}: {path.names()}"
            if r.offset_in_region:
                tip += f" from offset {hex_address(r.offset_in_region)}"
        if marks["mark"]:
            tip += f"\n{marking.said(marks['mark'], marks['was'])}"
        kind = path.first.kind if size else "nobody"
        card["rows"].append({
            "port": name, "text": label, "note": note, "kind": kind,
            "dashed": False, "path": path.number, "start": start, "size": size, "tip": tip,
            **marks, "past": self.gone(path) or "vanished" in marks["mark"], "echo": False,
        })
        if marks["was"] and marks["mark"] != ["renamed"]:
            # The line below says how it was; no edge leads to it.
            card["rows"].append({
                **card["rows"][-1], "port": f"{name}w", "text": "; ".join(marks["was"]), "note": "",
                "mark": [], "was": [], "past": True, "echo": True,
            })
        if tail:
            self.edge(tail, card["id"], path, size, (port if tail[0] == "g" else "", name),
                      kind)

    def _come_or_gone(self, row: JoinedRow) -> list[str]:
        """What is marked of a block's region: that it came or went with its block."""
        words = marking.mark_of(self.known, row.block).words
        return [w for w in words if w in ("appeared", "vanished")]

    def _card_mark(self, frontend: Frontend) -> Fact:
        if self.known is None:
            return {}
        if self.cards[id(frontend)].startswith("old"):
            return {"mark": ["vanished"]}
        devices = [d for d in self.guest.memory_devices if _shows(frontend, d)]
        if devices:
            return self.marks(devices[:1])
        come = ["appeared" in self.known.of(r).words for r in frontend.blocks]
        return {"mark": ["appeared"]} if come and all(come) else {}


def _drawn(change: Change) -> bool:
    """Has the graph a place for a change?  It shows RAMBlocks and what belongs to them."""
    what = change.kind.partition(" ")[0]
    if what == "range":
        return any(r is not None and r.region.block is not None for r in change.things)
    return what in ("block", "backend", "device")


def _who(frontend: Frontend) -> tuple[str, str | None, str]:
    """What makes a frontend the same in two guests; the machine's label names its type."""
    return frontend.kind, frontend.id, "" if frontend.kind == "machine" else frontend.label


def _shows(frontend: Frontend, device: MemoryDevice) -> bool:
    if frontend.id is not None or device.id is not None:
        return frontend.id == device.id
    backend = frontend.backend
    return backend is not None and device.memdev.rpartition("/")[2] == backend.id


def _block_tip(path: Path) -> str:
    block = path.first.block
    if path.many:
        return f"{len(path.rows)} RAMBlocks: {path.names()}, {human(path.size)} together"
    moves = "migrates" if block.migratable else "does not migrate"
    size = text.size_text(block.used_length, block.max_length)
    where = text.span(block.offset, block.max_length)
    pages = text.page_text(path.first)
    return f"RAMBlock {block.label}: {size}, ram_addr_t {where}, {pages}, {moves}"


def graph_data(
    guest: Guest, joined: Joined, focus: JoinedRow | None = None, difference: Difference | None = None,
) -> Fact:
    """The plain facts of the joined graph: columns, nodes, edges and paths, ready for JSON.

    Sizes are bytes; ``start`` is a gpa in the last column, an offset in the region elsewhere.
    With a ``difference``, ``mark`` says what happened to a thing and ``was`` tells its past.
    """
    marks = None if difference is None else difference.marks
    rows = list(joined.rows)
    title = f"How {text.guest_name(guest)} builds its memory"
    if difference is not None and marks is not None:
        rows += [r for r in join(marks.before).rows if marks.gone(r.block)]
        title = marking.title(difference, "what changed in how memory is built")
    paths = collapse(rows, focus, lambda r: marking.mark_of(marks, r.block).words)
    builder = _Builder(guest, marks)
    for path in paths:
        builder.add(path)
    for node in builder.nodes.values():
        if node["column"] == 4:
            node["rows"].sort(key=lambda r: (not r["size"], r["start"], r["echo"]))
    kinds = {p.first.kind for p in paths}
    backings = {p.first.backing for p in paths}
    nodes = list(builder.nodes.values())
    used = marking.used([*nodes, *(r for n in nodes for r in n["rows"])])
    return {
        "title": title,
        "columns": [{"key": k, "title": t, "note": n} for k, t, n in COLUMNS],
        "nodes": nodes,
        "edges": builder.edges,
        "paths": [
            {
                "number": p.number, "name": p.names(), "kind": p.first.kind,
                "backing": p.first.backing, "size": p.size, "count": len(p.rows),
                "members": [r.block.label for r in p.rows],
                "pages": text.page_text(p.first),
                "mark": list(marking.mark_of(marks, p.first.block).words),
            }
            for p in paths
        ],
        "kinds": [k for k in KINDS if k in kinds],
        "backings": sorted(backings),
        "focus": next((p.number for p in paths if focus in p.rows), None),
        "marks": None if marks is None else used,
        "besides": [] if difference is None else marking.besides(difference, _drawn),
    }
