"""What is compared beside the memory: whether QEMU takes the line, what it warns of, what ``pc`` means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from memkit.diff.change import Change
from memkit.errors import Refused
from memkit.guest import Guest

__all__ = ["Side", "alias", "heading", "refusals", "warnings"]

Side = Guest | Refused
_DOORS = {"model": "the model", "observed": "the real QEMU", "text": "the monitor's text"}
_UNKNOWN = "unknown"


def heading(a: Side, b: Side, names: tuple[str, str] | None = None) -> str:
    """Which side is which: by ``names``, else by what tells the guests apart; "" if nothing does.

    Doors come first, then machine types and QEMU's versions, each only where it differs.
    """
    if names is None:
        if isinstance(a, Refused) or isinstance(b, Refused):
            return ""
        names = (_name(a, b), _name(b, a))
    return f"From {names[0]} to {names[1]}" if names[0] != names[1] else ""


def _name(guest: Guest, other: Guest) -> str:
    said = []
    if guest.door != other.door:
        said.append(_DOORS.get(guest.door, guest.door))
    # Text that was pasted tells a family at most, and no version.
    if "text" not in (guest.door, other.door) and guest.machine_type != other.machine_type:
        said.append(guest.machine_type)
    if _UNKNOWN not in (guest.qemu, other.qemu) and guest.qemu != other.qemu:
        said.append(f"QEMU {guest.qemu}")
    if guest.target != other.target:
        said.append(guest.target)
    return f"{said[0]} ({', '.join(said[1:])})" if said[1:] else "".join(said)


def refusals(a: Side, b: Side) -> Iterator[Change]:
    """The difference between a refusal and a guest, or between two refusals."""
    before, after = ((s.message if isinstance(s, Refused) else None) for s in (a, b))
    if isinstance(a, Refused) and isinstance(b, Refused):
        if _first(a) != _first(b):
            yield Change("refusal changed", "the line", before, after,
                         f"Both are refused, but now QEMU says: {_told(b)} Before, it said: "
                         f"{_told(a, False)}")
    elif isinstance(b, Refused):
        yield Change("refusal appeared", "the line", None, after, f"It is now refused. QEMU says: {_told(b)}")
    elif isinstance(a, Refused):
        yield Change("refusal vanished", "the line", before, None,
                     f"It is no longer refused. Before, QEMU said: {_told(a, False)}")


def _first(refused: Refused) -> str:
    return refused.message.splitlines()[0] if refused.message else ""


def _told(refused: Refused, now: bool = True) -> str:
    """QEMU's words, then ours, as one piece of prose; what to try only for what is refused now."""
    said = [_sentence(_first(refused))]
    said += [f"Why: {_sentence(refused.explanation)}"] if refused.explanation else []
    said += [f"Try: {_sentence(refused.hint)}"] if refused.hint and now else []
    return " ".join(said)


def _sentence(words: str) -> str:
    return words if words[-1:] in (".", "!", "?", ":") else f"{words}."


def warnings(a: Guest, b: Guest) -> Iterator[Change]:
    """The warnings that only one guest has, word for word."""
    old, new = Counter(a.warnings), Counter(b.warnings)
    for text in new - old:
        yield Change("warning appeared", "QEMU", None, text, f"QEMU now warns: {_warning(text)}")
    for text in old - new:
        yield Change("warning vanished", "QEMU", text, None, f"QEMU no longer warns: {_warning(text)}")


def _warning(text: str) -> str:
    return _sentence(text.removeprefix("warning: "))


def alias(a: Guest, b: Guest) -> Iterator[Change]:
    """The new meaning of a machine type's short name, if both lines ask for the same one."""
    if a.config is None or b.config is None or a.machine_type == b.machine_type:
        return
    asked = a.config.machine_type
    if asked == b.config.machine_type:
        yield Change("machine type", asked, a.machine_type, b.machine_type,
                     f"The machine type {asked} now means {b.machine_type}, not {a.machine_type}.")
