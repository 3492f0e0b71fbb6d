"""What one definition of "all of RAM" says of one RAMBlock, and of all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from memkit.units import hex_address, human

if TYPE_CHECKING:
    from memkit.all_of_ram.definition import Definition
    from memkit.memory.ramblock import RAMBlock

__all__ = ["Member", "Part", "RAMSet", "covered", "out", "pieces", "unknown", "whole"]

State = Literal["in", "part", "out", "unknown"]


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a RAMBlock: ``offset`` in the block and ``size`` are bytes.

    ``gpa`` is the guest-physical address at which the guest sees it, None where the definition does not
    look at addresses.
    """

    offset: int
    size: int
    gpa: int | None = None

    @property
    def end(self) -> int:
        """The first byte of the block behind this part."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Member:
    """One RAMBlock before one definition: ``state`` says whether it is in, and ``reason`` why.

    ``state`` is in, part (some of it), out, or unknown (the guest's data do not tell).  ``bytes`` are
    what the definition counts, 0 if it is out, None if unknown; what the guest sees twice counts twice.
    ``parts`` are the runs; none where which bytes they are is not known.
    """

    block: RAMBlock
    state: State
    bytes: int | None
    parts: tuple[Part, ...]
    reason: str


def whole(block: RAMBlock, reason: str, size: int | None = None) -> Member:
    """The block is in, with its used length or with ``size`` bytes."""
    size = block.used_length if size is None else size
    return Member(block, "in", size, (Part(0, size),), reason)


def out(block: RAMBlock, reason: str) -> Member:
    """The block is not in."""
    return Member(block, "out", 0, (), reason)


def unknown(block: RAMBlock, reason: str) -> Member:
    """Nobody can tell from what is known of this guest."""
    return Member(block, "unknown", None, (), reason)


def pieces(block: RAMBlock, parts: Iterable[Part], reason: str, without: str) -> Member:
    """The block is in as far as ``parts`` reach; ``without`` is the reason where there are none."""
    found = tuple(parts)
    size = sum(part.size for part in found)
    if not size:
        return out(block, without)
    seen = covered(found)
    state: State = "in" if seen >= block.used_length else "part"
    if state == "part":
        rest = block.used_length - seen
        reason += f", but for {human(rest)}" if rest < seen else f": {human(seen)} of it"
    if size > seen:
        reason += f", {human(size - seen)} of it twice"
    return Member(block, state, size, found, reason)


def covered(parts: Sequence[Part]) -> int:
    """The bytes of a block that ``parts`` hold, each counted once.

    >>> covered([Part(0, 4), Part(2, 4), Part(8, 1)])
    7
    """
    total = end = 0
    for part in sorted(parts, key=lambda p: p.offset):
        total += max(0, part.end - max(part.offset, end))
        end = max(end, part.end)
    return total


@dataclass(frozen=True)
class RAMSet:
    """"All of RAM" by one definition: what each RAMBlock of a guest is to it.

    ``members`` are all blocks, in order of creation; ``blocks`` those that are in, wholly or partly.
    ``remark`` says what is special about this guest ("" for nothing).
    """

    definition: Definition
    members: tuple[Member, ...]
    remark: str = ""

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.name

    @property
    def blocks(self) -> tuple[Member, ...]:
        """The members that are in, wholly or partly."""
        return tuple([m for m in self.members if m.state in ("in", "part")])

    @property
    def bytes(self) -> int:
        """The bytes of all members that are known."""
        return sum(m.bytes or 0 for m in self.members)

    @property
    def certain(self) -> bool:
        """False if some block may or may not be in."""
        return all(m.state != "unknown" for m in self.members)

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(gpa, bytes) of all parts that have an address, by address."""
        parts = [p for m in self.members for p in m.parts]
        return tuple(sorted((p.gpa, p.size) for p in parts if p.gpa is not None))

    @property
    def sentence(self) -> str:
        """How much it is, in how many blocks."""
        least = "" if self.certain else "at least "
        of = f"{len(self.blocks)} of {len(self.members)} RAMBlocks"
        said = f"{self.name}: {least}{human(self.bytes)} in {of}."
        return f"{said} {self.remark}" if self.remark else said

    def member(self, name: str) -> Member | None:
        """What it says of the block called ``name`` (its idstr or label), or None: no such block."""
        return next((m for m in self.members if name in (m.block.idstr, m.block.label)), None)

    def data(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            **self.definition.data(), "bytes": self.bytes, "certain": self.certain, "remark": self.remark,
            "sentence": self.sentence,
            "blocks": [
                {"block": m.block.label, "state": m.state, "bytes": m.bytes, "reason": m.reason,
                 "parts": [{"offset": p.offset, "size": p.size, "gpa": p.gpa} for p in m.parts]}
                for m in self.members
            ],
        }

    def __str__(self) -> str:
        lines = [self.sentence, f"  {self.definition.meaning}"]
        lines += [f"  {m.block.label}: {_amount(m)}; {m.reason}" for m in self.members]
        lines += [f"  {label}: {words}" for label, words in self.definition.facts()]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        rows = "".join(
            f'<tr><th scope="row"><code>{escape(m.block.label)}</code></th><td>{escape(_amount(m))}</td>'
            f"<td>{escape(m.reason)}</td><td>{escape(_where(m))}</td></tr>" for m in self.members
        )
        facts = "".join(f"<dt>{a}</dt><dd>{escape(b)}</dd>" for a, b in self.definition.facts())
        html = (
            f'<section aria-label="All of RAM: {escape(self.name)}"><p><strong>{escape(self.sentence)}'
            f"</strong></p><p>{escape(self.definition.meaning)}</p><table><thead><tr>"
            '<th scope="col">RAMBlock</th><th scope="col">In</th><th scope="col">Why</th>'
            f'<th scope="col">Where</th></tr></thead><tbody>{rows}</tbody></table><dl>{facts}</dl></section>'
        )
        return {"text/plain": str(self), "text/html": html}


def _amount(member: Member) -> str:
    if member.state in ("in", "part"):
        return human(member.bytes or 0)
    return "not in" if member.state == "out" else "unknown"


def _where(member: Member) -> str:
    return ", ".join(hex_address(p.gpa) for p in member.parts if p.gpa is not None)
