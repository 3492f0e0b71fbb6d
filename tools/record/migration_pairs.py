"""Which migration capabilities a QEMU refuses: alone, in pairs, and by what backs the guest's memory."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

from .ask import Binary
from .migration_cases import BACKINGS, board
from .migration_guest import Ended, Refusal, Running
from .migration_places import open_places
from .migrations import SECONDS

__all__ = ["record_capabilities"]


def record_capabilities(binary: Binary) -> list[dict[str, Any]]:
    """A row for each guest and side.  What is not listed under ``refused`` is accepted.

    Pairs are tried on the first two rows only; triples only where a capability needs another one.
    """
    rows = []
    for kind in ("", *BACKINGS):
        for side in ("source", "destination"):
            rows.append(_one(binary, kind, side))
    return rows


def _one(binary: Binary, kind: str, side: str) -> dict[str, Any]:
    argv = board(kind=kind)
    words = argv if side == "source" else [*argv, "-incoming", "defer"]
    row: dict[str, Any] = {"id": f"capabilities/{kind or 'default'}/{side}", "kind": "capabilities"}
    row |= {"side": side, "source" if side == "source" else "destination": argv}
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(tempfile.TemporaryDirectory(prefix="memkit-", dir="/var/tmp"))
        real = stack.enter_context(open_places(f"{link.rpartition('/')[2]}-c", {}, link))
        guest = stack.enter_context(Running(binary, words, real, SECONDS))
        guest.greet()
        names = [one["capability"] for one in guest.do("query-migrate-capabilities")]
        refused = _refused(guest, ([name] for name in names))
        row["capabilities"] = names
        if not kind:
            pairs = _refused(guest, itertools.combinations(names, 2))
            refused |= pairs
            refused |= {
                key: words
                for key, words in _refused(guest, _needing(names, refused)).items()
                if words not in {refused.get(name) for name in key.split("+")}
            }
        row["refused"] = refused
    return row


def _needing(names: Sequence[str], refused: dict[str, str]) -> Iterable[tuple[str, ...]]:
    """Triples with a capability that is refused alone and accepted beside another."""
    for pair in itertools.combinations(names, 2):
        if "+".join(pair) in refused or not any(name in refused for name in pair):
            continue
        for name in names:
            if name not in pair:
                yield (*pair, name)


def _refused(guest: Running, sets: Iterable[Sequence[str]]) -> dict[str, str]:
    """QEMU's words to each set of capabilities (joined by +) that it does not take."""
    words = {}
    for names in sets:
        try:
            _switch(guest, names, True)
        except Refusal as e:
            words["+".join(names)] = str(e)
            continue
        except Ended:
            words["+".join(names)] = "(QEMU ended)"
            break
        _switch(guest, names[::-1], False)
    return words


def _switch(guest: Running, names: Sequence[str], state: bool) -> None:
    guest.do("migrate-set-capabilities", capabilities=[{"capability": n, "state": state} for n in names])
