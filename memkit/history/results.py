"""Chosen changes and statements as objects, and their forms for people and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from memkit.explain.story import listed
from memkit.history.facts import HOLDS, KINDS, Source, Statement, VersionChange

if TYPE_CHECKING:
    from memkit.draw.releases import ReleaseChart

__all__ = ["History", "Talk"]

# A page with more entries than this begins folded, one line a release.
UNFOLDED = 40


@dataclass(frozen=True)
class History:
    """What changed for guest RAM after QEMU ``since``, up to and with QEMU ``until``.

    ``changes`` are in the order of releases; ``chosen`` says in words what was asked for beside the
    versions, empty if nothing was.
    """

    since: str
    until: str
    changes: tuple[VersionChange, ...]
    chosen: str = ""

    def __iter__(self) -> Iterator[VersionChange]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __getitem__(self, id: str) -> VersionChange:
        """The change of that id; raises KeyError if it is not among those chosen."""
        for change in self.changes:
            if change.id == id:
                return change
        raise KeyError(id)

    @property
    def releases(self) -> dict[str, tuple[VersionChange, ...]]:
        """Release → its changes, oldest first, without releases that changed nothing."""
        grouped: dict[str, list[VersionChange]] = {}
        for change in self.changes:
            grouped.setdefault(change.since, []).append(change)
        return {name: tuple(group) for name, group in grouped.items()}

    @property
    def title(self) -> str:
        """What is listed, and how many entries there are."""
        many = _count(len(self.changes), "change")
        chosen = f" ({self.chosen})" if self.chosen else ""
        return f"{many} for guest RAM after QEMU {self.since}, up to {self.until}{chosen}"

    @property
    def summary(self) -> str:
        """How many changes there are of each kind."""
        kinds = Counter(change.kind for change in self.changes)
        words = [f"{_words(kind)} ({kinds[kind]})" for kind in KINDS if kinds[kind]]
        return f"By kind: {listed(words)}." if words else "Nothing that is known changed."

    def data(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "since": self.since, "until": self.until, "chosen": self.chosen,
            "changes": [change.data() for change in self.changes],
        }

    def chart(self) -> ReleaseChart:
        """A picture: how many changes of each kind each release brought."""
        from memkit.draw.releases import ReleaseChart

        return ReleaseChart(self)

    def __str__(self) -> str:
        lines = [f"{self.title}.", self.summary]
        for name, group in self.releases.items():
            lines += ["", f"QEMU {name}: {_count(len(group), 'change')}"]
            for change in group:
                lines += [f"  {change.title} [{_label(change)}]",
                          f"    Before: {change.before}", f"    Now: {change.now}"]
                lines += [f"    Note: {change.note}"] if change.note else []
                lines += [f"    Source: {_listed(change.sources)}"]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        groups = {
            f"QEMU {name}: {_count(len(group), 'change')}": [
                _item(change.title, _label(change),
                      (("Before", change.before), ("Now", change.now), ("Note", change.note)), change.sources)
                for change in group
            ]
            for name, group in self.releases.items()
        }
        return {"text/plain": str(self), "text/html": _section(self.title, self.summary, groups)}


@dataclass(frozen=True)
class Talk:
    """Statements of the talk "RAM is getting more complex" (26 October 2018, QEMU 3.0), then and now."""

    statements: tuple[Statement, ...]
    newest: str
    chosen: str = ""

    def __iter__(self) -> Iterator[Statement]:
        return iter(self.statements)

    def __len__(self) -> int:
        return len(self.statements)

    @property
    def slides(self) -> dict[str, tuple[Statement, ...]]:
        """Heading of a slide → its statements, in the order of the talk."""
        grouped: dict[str, list[Statement]] = {}
        for statement in self.statements:
            grouped.setdefault(statement.slide, []).append(statement)
        return {name: tuple(group) for name, group in grouped.items()}

    @property
    def title(self) -> str:
        """What is listed, and how many entries there are."""
        many = _count(len(self.statements), "statement")
        chosen = f" ({self.chosen})" if self.chosen else ""
        return f'{many} of "RAM is getting more complex" (2018), seen from QEMU {self.newest}{chosen}'

    @property
    def summary(self) -> str:
        """How many statements hold, hold partly, and no longer hold."""
        verdicts = Counter(statement.holds for statement in self.statements)
        words = [
            f"{verdicts[key]} {words if verdicts[key] == 1 else words.replace('holds', 'hold')}"
            for key, words in HOLDS.items() if verdicts[key]
        ]
        return listed(words).capitalize() + "." if words else "Nothing was said there."

    def data(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "newest": self.newest, "chosen": self.chosen,
            "statements": [statement.data() for statement in self.statements],
        }

    def __str__(self) -> str:
        lines = [f"{self.title}.", self.summary]
        for name, group in self.slides.items():
            lines += ["", name]
            for statement in group:
                lines += [f"  {statement.said} [{statement.verdict}]", f"    Today: {statement.today}"]
                lines += [f"    Note: {statement.note}"] if statement.note else []
                lines += [f"    Source: {_listed(statement.sources)}"]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        groups = {
            name: [
                _item(statement.said, statement.verdict,
                      (("Today", statement.today), ("Note", statement.note)), statement.sources)
                for statement in group
            ]
            for name, group in self.slides.items()
        }
        return {"text/plain": str(self), "text/html": _section(self.title, self.summary, groups)}


def _count(number: int, noun: str) -> str:
    return f"{number or 'No'} {noun}{'' if number == 1 else 's'}"


def _words(kind: str) -> str:
    return kind.replace("-", " ")


def _label(change: VersionChange) -> str:
    """Kind, targets and end of a change, in words."""
    where = "" if "any" in change.targets else f"; {listed(change.targets)}"
    until = f"; until QEMU {change.until}" if change.until else ""
    return f"{_words(change.kind)}{where}{until}"


def _listed(sources: Sequence[Source]) -> str:
    return "; ".join(map(str, sources))


def _item(title: str, label: str, parts: Sequence[tuple[str, str]], sources: Sequence[Source]) -> str:
    """One entry of a list.  It has no colours of its own, so that it fits light and dark pages."""
    lines = [f"<strong>{escape(title)}</strong> <em>({escape(label)})</em>"]
    lines += [f"{name}: {escape(text)}" for name, text in parts if text]
    lines += [f"<small>Source: {escape(_listed(sources))}</small>"]
    return f"<li>{'<br>'.join(lines)}</li>"


def _section(title: str, summary: str, groups: dict[str, list[str]]) -> str:
    """A page of lists that fold and unfold by mouse and by keyboard, without a script."""
    state = " open" if sum(map(len, groups.values())) <= UNFOLDED else ""
    lists = "".join(
        f"<details{state}><summary>{escape(name)}</summary><ul>{''.join(items)}</ul></details>"
        for name, items in groups.items()
    )
    return (f'<section aria-label="{escape(title)}"><p><strong>{escape(title)}.</strong></p>'
            f"<p>{escape(summary)}</p>{lists}</section>")
