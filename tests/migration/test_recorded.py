"""The model says of each recorded migration what became of it, in QEMU's words."""

from __future__ import annotations

import itertools

import pytest

from memkit.migration.attempt import Side
from memkit.migration.checks.settings import refused
from tests.migration.cases import FILES, cases, guest_rows, shown, told

SINGLE = [name for name in FILES if "-to-" not in name]


@pytest.mark.parametrize("name", FILES)
def test_each_recorded_migration_is_foretold_in_qemus_words(name: str) -> None:
    wrong = []
    for case in cases(name):
        # The memory behind a doorbell is its server's, which no command line tells.
        if not case.starts or case.row.get("varies") or "doorbell" in case.id:
            continue
        got = case.outlook()
        wanted = told(case.row)
        if (got.outcome, got.message) != wanted and not _one_race(got.message, wanted[1]):
            wrong.append(shown(case, got))
    assert [] == wrong


# Two programs race, and QEMU says one of these words; which it is differs from try to try.
RACES = (
    # A page is there already.
    ("postcopy_place_page", "uffd_zero_page() failed", "uffd_copy_page() failed"),
    # Which of multifd's connections is taken for the only one.
    (
        "Unable to write to socket: Broken pipe", "Not a migration stream",
        "Unknown combination of migration flags", "socket_accept_incoming_migration: Extra",
        "check_section_footer: Read section footer failed: -5",
        "load of migration failed: Input/output error: Failed to load section ID",
    ),
)


def _one_race(ours: str, theirs: str) -> bool:
    return any(ours.startswith(words) and (not theirs or theirs.startswith(words)) for words in RACES)


@pytest.mark.parametrize("name", FILES)
def test_a_migration_that_varies_is_never_said_to_complete(name: str) -> None:
    racing = [case for case in cases(name) if case.starts and case.row.get("varies")]
    assert [] == [case.id for case in racing if case.outlook().outcome == "completes"]


@pytest.mark.parametrize("name", FILES)
def test_there_is_much_to_compare_with(name: str) -> None:
    assert len([case for case in cases(name) if case.starts]) > (30 if "-to-" in name else 250)


@pytest.mark.parametrize("name", SINGLE)
def test_each_set_of_capabilities_is_taken_or_refused_as_qemu_does(name: str) -> None:
    wrong = []
    for row, guest, _ in guest_rows(name):
        names = row["capabilities"]
        tried = [(one,) for one in names]
        if row["id"].startswith("capabilities/default/"):
            tried += itertools.combinations(names, 2)
        tried += [tuple(key.split("+")) for key in row["refused"]]
        for words in tried:
            stop = refused(Side(guest, frozenset(words), incoming=row["side"] == "destination"))
            got, wanted = stop.message if stop else "", row["refused"].get("+".join(words), "")
            if got != wanted:
                wrong.append(f"{row['id']} {'+'.join(words)}: QEMU {wanted!r}, the model {got!r}")
    assert [] == wrong
