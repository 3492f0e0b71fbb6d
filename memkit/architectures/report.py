"""The architectures side by side, for people and programs: an overview, and each in full with sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from memkit.architectures.boards import BoardMemory
from memkit.architectures.fact import Fact
from memkit.architectures.host_pages import HostPages
from memkit.units import human

__all__ = ["Architecture", "Architectures"]

Entry = tuple[str, str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Architecture:
    """One architecture, as a host and as a guest.

    ``rule`` says in a few words what ties the guest's pages to the host's, ``page_rules`` all of it.
    ``targets`` are the programs qemu-system-TARGET, ``hosts`` the ways to build a Linux host, the usual one
    first.  ``target_pages`` is QEMU's own unit, ``limits`` how far addresses reach, ``boards`` where RAM
    lies.
    """

    name: str
    title: str
    rule: str
    targets: tuple[str, ...]
    hosts: tuple[HostPages, ...]
    target_pages: Fact
    page_rules: tuple[Fact, ...]
    limits: tuple[Fact, ...]
    boards: tuple[BoardMemory, ...]

    def sections(self) -> dict[str, list[Entry]]:
        """Heading → entries of label, words and sources."""
        return {
            "Pages of a Linux host": [
                (h.title, f"huge pages of {_sizes(h.huge)}. {h.note}".rstrip(), h.sources)
                for h in self.hosts],
            "QEMU's target page": [_entry(self.target_pages)],
            "The guest's pages against the host's": [_entry(fact) for fact in self.page_rules],
            "Addresses": [_entry(fact) for fact in self.limits],
            "Where boards put RAM": [
                (f"{board.machine} ({board.target}), {fact.name}" + (f" ({fact.when})" if fact.when else ""),
                 fact.words, fact.sources) for board in self.boards for fact in board.facts],
        }

    def row(self) -> tuple[str, ...]:
        """The architecture as a row of the overview: see Architectures.COLUMNS."""
        hosts = "; ".join(f"{human(h.base)}{f' {h.mmu}' if h.mmu else ''}: {_sizes(h.huge)}"
                          for h in self.hosts)
        return (self.title, hosts, self.target_pages.words, self.rule,
                ", ".join(f"{b.machine} ({b.target})" for b in self.boards))

    def text(self) -> str:
        """All of it in words, with sources."""
        lines = [f"{self.title} (targets: {', '.join(self.targets)})"]
        for heading, entries in self.sections().items():
            lines.append(f"  {heading}")
            for label, words, sources in entries:
                lines += [f"    {label}: {words}", f"      [{'; '.join(sources)}]"]
        return "\n".join(lines)

    def html(self) -> str:
        """All of it as a list that folds by mouse and keyboard, without a script."""
        parts = []
        for heading, entries in self.sections().items():
            items = "".join(
                f"<li><strong>{escape(label)}</strong>: {escape(words)}<br>"
                f"<small>Source: {escape('; '.join(sources))}</small></li>"
                for label, words, sources in entries)
            parts.append(f"<p><strong>{escape(heading)}</strong></p><ul>{items}</ul>")
        return f"<details><summary>{escape(self.title)}</summary>{''.join(parts)}</details>"


@dataclass(frozen=True, slots=True)
class Architectures:
    """Some architectures, or all: a table, and each in full below it."""

    architectures: tuple[Architecture, ...]
    relations: tuple[Fact, ...]

    COLUMNS = ("Architecture", "Host: base page and its huge pages", "QEMU's target page",
               "Guest's pages on the host's", "Boards")
    TITLE = "Page sizes and limits by architecture"
    THREE = "What the pages mean for each other"

    def __iter__(self) -> Iterator[Architecture]:
        return iter(self.architectures)

    def __len__(self) -> int:
        return len(self.architectures)

    def __getitem__(self, name: str) -> Architecture:
        """The architecture of that name; raises KeyError if it is not among those chosen."""
        for architecture in self.architectures:
            if name in (architecture.name, *architecture.targets):
                return architecture
        raise KeyError(name)

    def data(self) -> list[dict[str, Any]]:
        """The same as plain data, ready for JSON."""
        return [asdict(architecture) for architecture in self.architectures]

    def text(self) -> str:
        """The same in words."""
        blocks = [architecture.text() for architecture in self.architectures]
        three = [self.THREE]
        for fact in self.relations:
            three += [f"  {fact}", f"    [{'; '.join(fact.sources)}]"]
        return "\n\n".join([f"{self.TITLE}.", *blocks, "\n".join(three)])

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Architectures {', '.join(a.name for a in self.architectures)}>"

    def _repr_html_(self) -> str:
        # JupyterLab sets tables to the right.
        left = 'style="text-align:left;vertical-align:top"'
        head = "".join(f'<th scope="col" {left}>{escape(column)}</th>' for column in self.COLUMNS)
        rows = ""
        for architecture in self.architectures:
            first, *rest = (escape(cell).replace("; ", "<br>") for cell in architecture.row())
            cells = "".join(f"<td {left}>{cell}</td>" for cell in rest)
            rows += f'<tr><th scope="row" {left}>{first}</th>{cells}</tr>'
        facts = "".join(
            f"<li><strong>{escape(fact.name)}</strong>: {escape(fact.words)}<br>"
            f"<small>Source: {escape('; '.join(fact.sources))}</small></li>" for fact in self.relations)
        relations = f"<details><summary>{self.THREE}</summary><ul>{facts}</ul></details>"
        return (f'<section aria-label="{self.TITLE}"><div style="overflow-x:auto" tabindex="0" role="region" '
                f'aria-label="Overview"><table><caption>{self.TITLE}</caption><thead><tr>{head}</tr></thead>'
                f"<tbody>{rows}</tbody></table></div>{''.join(a.html() for a in self.architectures)}"
                f"{relations}</section>")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self._repr_html_()}


def _sizes(sizes: Sequence[int]) -> str:
    return ", ".join(human(size) for size in sizes)


def _label(fact: Fact) -> str:
    return f"{fact.name} ({fact.when})" if fact.when else fact.name


def _entry(fact: Fact) -> Entry:
    return _label(fact), fact.words, fact.sources
