"""The tables: what the monitor prints about a guest's memory, and what it hides."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memkit.draw import marking, svg
from memkit.draw import text as words
from memkit.draw.theme import KIND_NAMES, MONO, SANS, css, resolve
from memkit.errors import Unavailable
from memkit.joined import join, kind_of_range
from memkit.units import hex_address, human

if TYPE_CHECKING:
    import pandas

    from memkit.diff import Difference
    from memkit.guest import Guest
    from memkit.joined import Joined, JoinedRow
    from memkit.memory.flatview import FlatRange

__all__ = ["Tables"]

Cell = Any
Row = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``key`` in the data, ``title`` for people, ``style`` of its cells.

    ``style`` is text, option, name, size (bytes), address, addresses, kind or flag; ``hidden``
    marks what the monitor's own table does not say.
    """

    key: str
    title: str
    style: str = "text"
    hidden: bool = False


def _columns(*specs: str) -> tuple[Column, ...]:
    """Columns written as ``key|title|style``; a leading + marks what the monitor hides."""
    made = []
    for spec in specs:
        key, title, style = spec.lstrip("+").split("|")
        made.append(Column(key, title, style, spec.startswith("+")))
    return tuple(made)


TABLES: dict[str, tuple[str, str, tuple[Column, ...]]] = {
    "ram_blocks": (
        "RAMBlocks", "info ramblock",
        _columns("name|Block|name", "page_size|Page size|size", "offset|ram_addr_t|address",
                 "used|Used|size", "total|Total|size", "+kind|Kind|kind", "+backend|Backend|text",
                 "+share|Shared|flag", "+migratable|Migrates|flag", "+mapped_by|Mapped by|text",
                 "+at|Guest sees it at|addresses"),
    ),
    "backends": (
        "Backends", "info memdev",
        _columns("id|Backend|name", "size|Size|size", "merge|Merge|flag", "dump|Dump|flag",
                 "prealloc|Prealloc|flag", "share|Share|flag", "reserve|Reserve|flag",
                 "policy|Policy|text", "host_nodes|Host nodes|text", "+type|Type|text",
                 "+page_size|Page size|size", "+filesystem|Host memory|text",
                 "+mem_path|Path|text", "+made_by|Made by|option"),
    ),
    "frontends": (
        "Frontends", "",
        _columns("name|Frontend|name", "kind|Type|text", "id|Id|text", "backend|Backend|text",
                 "blocks|RAMBlocks|text", "mapped|Guest sees|size", "made_by|Made by|option"),
    ),
    "flat_ranges": (
        'FlatView of "memory"', "info mtree -f",
        _columns("start|From|address", "end|To|address", "+size|Size|size", "priority|Prio|text",
                 "type|Type|text", "region|MemoryRegion|name", "offset|At offset|address",
                 "+block|RAMBlock|text", "+through|Seen through|text"),
    ),
    "memory_devices": (
        "Memory devices", "info memory-devices",
        _columns("id|Device|name", "kind|Type|text", "addr|Address|address", "slot|Slot|text",
                 "node|Node|text", "size|Size|size", "memdev|Memdev|text",
                 "hotplugged|Hotplugged|flag", "hotpluggable|Hotpluggable|flag",
                 "requested_size|Requested|size", "max_size|At most|size",
                 "block_size|In steps of|size"),
    ),
}


# In the tables of a difference this column comes first.
CHANGE = Column("change", "Change")


class Tables:
    """Tables of one Guest: ``ram_blocks``, ``backends``, ``frontends``, ``flat_ranges``,
    ``memory_devices``, each a pandas DataFrame.

    As the last line of a cell all of them are shown.  Pandas is imported only when a frame is
    asked for; the picture and the text are made from ``data()``.  Sizes are bytes, ``offset`` of a
    RAMBlock is a ram_addr_t, ``start``, ``end`` and ``addr`` are guest-physical addresses (gpa).
    With a ``difference`` of which ``guest`` is the second, a column ``change`` says what happened,
    and what vanished from the first guest has its rows, too.

    >>> import memkit
    >>> Tables(memkit.boot("-m 1G -nodefaults")).data()["backends"][0]["id"]
    'pc.ram'
    """

    def __init__(
        self, guest: Guest, theme: str = "auto", difference: Difference | None = None
    ) -> None:
        resolve(theme)
        self.guest = guest
        self.theme = theme
        self.difference = difference

    def columns(self, name: str) -> tuple[Column, ...]:
        """The columns of one table."""
        return (CHANGE, *TABLES[name][2]) if self.difference is not None else TABLES[name][2]

    @cached_property
    def _data(self) -> dict[str, list[Row]]:
        if self.difference is None:
            return {name: [row for _, row in rows] for name, rows in self._rows(self.guest).items()}
        return self._changed(self.difference)

    def _changed(self, difference: Difference) -> dict[str, list[Row]]:
        """The rows of the second guest, then those of the first whose things vanished."""
        marks = difference.marks
        now, then = self._rows(self.guest), self._rows(marks.before)
        data = {}
        for name, rows in now.items():
            rows = rows + [(thing, row) for thing, row in then[name] if marks.gone(thing)]
            data[name] = [
                {"change": marking.said(marks.of(thing).words, marks.of(thing).was), **row}
                for thing, row in rows
            ]
        return data

    def _rows(self, guest: Guest) -> dict[str, list[tuple[object, Row]]]:
        """Table name to rows, each with the thing of the guest that it is about."""
        joined = join(guest)
        # A block counts as mapped by the first of its frontends.
        mapped: Counter[int] = Counter()
        for row in joined.rows:
            if row.frontends:
                mapped[id(row.frontends[0])] += sum(r.size for r in row.ranges)
        return {
            "ram_blocks": [(r.block, _block_row(r)) for r in joined.rows],
            "backends": [
                (b, {**facts_of(b), "host_nodes": ", ".join(map(str, b.host_nodes)),
                     "made_by": _option(guest, b.option_index) or ("-m" if b.implicit else "")})
                for b in guest.backends
            ],
            "frontends": [
                (f, {"name": words.frontend_name(f), "kind": f.kind, "id": f.id,
                     "backend": f.backend.id if f.backend else None,
                     "blocks": ", ".join(b.label for b in f.blocks),
                     "mapped": mapped[id(f)],
                     "made_by": _option(guest, f.option_index)})
                for f in guest.frontends
            ],
            "flat_ranges": _flat_rows(joined),
            "memory_devices": [(d, facts_of(d)) for d in guest.memory_devices],
        }

    def data(self) -> dict[str, list[Row]]:
        """The facts that every form is made from: table name to rows, ready for JSON."""
        return self._data

    def frame(self, name: str) -> pandas.DataFrame:
        """One table as a pandas DataFrame; raises Unavailable if pandas is missing."""
        try:
            import pandas
        except ImportError as error:
            raise Unavailable(
                "the tables as data frames need pandas, which is not installed; install it with: "
                "pip install 'memkit[lab]' (or: pip install pandas)"
            ) from error
        keys = [c.key for c in self.columns(name)]
        rows = [{k: row[k] for k in keys} for row in self._data[name]]
        return pandas.DataFrame(rows, columns=keys)

    @property
    def ram_blocks(self) -> pandas.DataFrame:
        """Every RAMBlock with what ``info ramblock`` prints and what it hides."""
        return self.frame("ram_blocks")

    @property
    def backends(self) -> pandas.DataFrame:
        """Every host memory backend: ``info memdev`` with its type, pages, path and origin."""
        return self.frame("backends")

    @property
    def frontends(self) -> pandas.DataFrame:
        """Who shows RAMBlocks to the guest."""
        return self.frame("frontends")

    @property
    def flat_ranges(self) -> pandas.DataFrame:
        """The FlatView of "memory", range by range (gpa)."""
        return self.frame("flat_ranges")

    @property
    def memory_devices(self) -> pandas.DataFrame:
        """DIMMs, NVDIMMs and virtio memory, as ``info memory-devices`` lists them."""
        return self.frame("memory_devices")

    def text(self) -> str:
        """The same facts as lists of words, in lines of at most 72 characters."""
        return "\n".join(self._lines()).strip()

    def _lines(self) -> list[str]:
        lines: list[str] = []
        for name, (title, _, plain) in TABLES.items():
            rows, columns = self._data[name], self.columns(name)
            if not rows:
                continue
            lines += ["", f"{title} ({len(rows)})"]
            for row in rows:
                first = "region" if name == "flat_ranges" else plain[0].key
                lines += ["", *words.wrap_words(said(row[first], _style(columns, first)), 68)]
                for column in (*columns[:-len(plain)], *plain[first == plain[0].key:]):
                    value = said(row[column.key], column.style)
                    if value and column.key != first:
                        lines += words.field(column.title, value, 2, 18)
        return lines

    def __str__(self) -> str:
        return self.text()

    def html(self) -> str:
        """All tables that have rows, as HTML with captions and scoped headings."""
        scope = svg.NAME
        parts = "".join(self._table(name) for name in TABLES if self._data[name])
        return svg.named(
            f'<div id="{scope}"><style>{_style_rules(self.theme, "#" + scope)}</style>'
            '<svg width="0" height="0" aria-hidden="true" style="position:absolute">'
            f"{svg.patterns(scope)}</svg>{parts or '<p>This guest has no memory to list.</p>'}"
            "</div>"
        )

    def _table(self, name: str) -> str:
        title, command, _ = TABLES[name]
        rows = self._data[name]
        columns = tuple(c for c in self.columns(name) if any(row[c.key] not in (None, "") for row in rows))
        said_by = f" <span>{svg.escape(command)}</span>" if command else ""
        shade = ", shaded columns: what that command does not print" if command else ""
        head = "".join(
            f'<th scope="col"{_cls(c)}>{svg.escape(c.title)}</th>' for c in columns
        )
        body = "".join(
            f"<tr{_GHOST if row.get('change', '').startswith('-') else ''}>{_cells(columns, row)}</tr>"
            for row in rows
        )
        return (
            f'<div class="w"><table><caption>{svg.escape(title)}{said_by}<small>{shade}</small>'
            f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


# A row of the first guest alone is quieter, as ghosts are hollow elsewhere.
_GHOST = ' class="gone"'


def _option(guest: Guest, index: int | None) -> str:
    options = guest.config.options if guest.config else ()
    return "" if index is None or index >= len(options) else words.option_text(options[index])


def facts_of(fact: Any) -> Row:
    """The fields of a flat dataclass by name."""
    return {name: getattr(fact, name) for name in fact.__dataclass_fields__}


def _block_row(row: JoinedRow) -> Row:
    block = row.block
    return {
        "name": block.label, "page_size": block.page_size, "offset": block.offset,
        "used": block.used_length, "total": block.max_length, "kind": row.kind,
        "backing": row.backing, "backend": row.backend.id if row.backend else None,
        "share": block.shared or (row.backend.share if row.backend else block.shared),
        "migratable": block.migratable,
        "mapped_by": ", ".join(words.frontend_name(f) for f in row.frontends),
        "at": [r.start for r in row.ranges],
    }


def _flat_rows(joined: Joined) -> list[tuple[object, Row]]:
    rows: list[tuple[object, Row]] = []
    for row in joined.rows:
        for r, through in zip(row.ranges, row.shown_by, strict=True):
            name = through.name if through is not r.region else None
            rows.append((r, _flat_row(r, row.block.label, row.kind, row.backing, name)))
    for r in joined.io_ranges:
        kind = kind_of_range(r)
        rows.append((r, _flat_row(r, None, kind, "private" if kind == "io" else "unknown", None)))
    return sorted(rows, key=lambda r: r[1]["start"])


def _flat_row(r: FlatRange, block: str | None, kind: str, backing: str, through: str | None) -> Row:
    return {
        "start": r.start, "end": r.end - 1, "size": r.size, "priority": r.region.priority,
        "type": r.type, "region": r.region.name, "offset": r.offset_in_region, "block": block,
        "through": through, "kind": kind, "backing": backing,
    }


def said(value: Cell, style: str) -> str:
    """One cell in words: sizes with units, addresses in groups.

    >>> said(1 << 30, "size"), said(None, "text"), said(True, "flag"), said(None, "flag")
    ('1 GiB', '', 'yes', 'unknown')
    """
    if value is None and style == "flag":
        return "unknown"
    if value is None or value == "":
        return ""
    if style == "size":
        return human(value)
    if style == "address":
        return hex_address(value)
    if style == "addresses":
        return ", ".join(map(hex_address, value)) or "not mapped"
    if style == "flag":
        return "yes" if value else "no"
    return KIND_NAMES[value] if style == "kind" else str(value)


def _style(columns: tuple[Column, ...], key: str) -> str:
    return next(c.style for c in columns if c.key == key)


def _cls(column: Column) -> str:
    names = [column.style[0]] if column.style in {"size", "address", "addresses", "option"} else []
    names += ["q"] if column.hidden else []
    return f' class="{" ".join(names)}"' if names else ""


def _cells(columns: tuple[Column, ...], row: Row) -> str:
    out = []
    for column in columns:
        value = svg.escape(said(row[column.key], column.style))
        if column.style == "name":
            sample = ""
            if "backing" in row:
                look = svg.swatch(1, 1, row["kind"], row["backing"])
                sample = f'<svg width="24" height="15" aria-hidden="true">{look}</svg> '
            out.append(f'<th scope="row">{sample}{value}</th>')
        else:
            out.append(f"<td{_cls(column)}>{value}</td>")
    return "".join(out)


def _style_rules(theme: str, s: str) -> str:
    return (
        css(theme, s)
        + f"{s}{{font-family:{SANS};font-size:13px}}"
        f"{s} .w{{overflow-x:auto;margin:0 0 18px}}"
        f"{s} table{{border-collapse:collapse;margin:0;text-align:left}}"
        f"{s} caption{{text-align:left;font-weight:600;font-size:14px;padding:4px 10px 6px 0}}"
        f"{s} caption span{{font:12px {MONO};margin-left:8px}}"
        f"{s} caption small{{font-weight:400;font-size:12px}}"
        f"{s} th,{s} td{{padding:4px 10px;text-align:left;white-space:nowrap;font-weight:400}}"
        f"{s} thead th{{font-weight:600;vertical-align:bottom}}"
        f"{s} tbody th{{font-family:{MONO};font-size:12px}}"
        f"{s} .s{{text-align:right}}{s} td.a,{s} td.o{{font-family:{MONO};font-size:12px}}"
        f"{s} tr.gone td,{s} tr.gone th{{font-style:italic;opacity:.75}}"
        f"{s} td.o{{white-space:normal;min-width:260px}}"
    )
