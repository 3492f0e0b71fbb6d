"""Cut, garbled and shuffled monitor text ends in a Guest whose views work, or in a MemkitError."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import memkit
from memkit.diff import diff
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.monitor.parse_text import COMMANDS
from memkit.monitor.parser import read, read_monitor

TEXTS: list[dict[str, str]] = [
    machine["hmp"] for machine in json.loads(
        gzip.decompress((Path(__file__).parent / "test_parser_machines.json.gz").read_bytes())
    ).values()
]


def spoil(text: str, how: str, first: float, second: float, letter: str) -> str:
    """The text with one mistake, as copying and cutting make them; places are fractions of its length."""
    lines = text.split("\n")
    here, there = sorted((int(first * len(text)), int(second * len(text))))
    line, other = int(first * (len(lines) - 1)), int(second * (len(lines) - 1))
    if how == "cut the end":
        return text[:here]
    if how == "cut the start":
        return text[there:]
    if how == "cut a hole":
        return text[:here] + text[there:]
    if how == "paste twice":
        return text[:there] + text[here:]
    if how == "other letter":
        return text[:here] + letter + text[here + 1:]
    if how == "swap lines":
        lines[line], lines[other] = lines[other], lines[line]
    elif how == "repeat a line":
        lines.insert(other, lines[line])
    elif how == "indent":
        lines[line] = "  " + lines[line]
    elif how == "outdent":
        lines[line] = lines[line].removeprefix("  ")
    elif how == "rename":
        name = lines[line].rpartition(" ")[2]
        return text.replace(name, lines[other].rpartition(" ")[2]) if name else text
    return "\n".join(lines)


WAYS = st.sampled_from((
    "cut the end", "cut the start", "cut a hole", "paste twice", "other letter", "swap lines",
    "repeat a line", "indent", "outdent", "rename",
))
PLACES = st.floats(0, 1, exclude_max=True)
MISTAKES = st.tuples(WAYS, PLACES, PLACES, st.sampled_from("0f-:()@ \n\té[],x"))


def look_at(guest: Guest) -> None:
    """Everything that the views ask a guest."""
    for command in COMMANDS:
        if command in guest.raw_monitor or (command == "info mtree -f" and "info mtree" in guest.raw_monitor):
            assert isinstance(guest.monitor(command), str)
        else:
            with pytest.raises(MemkitError, match="has no answer to"):
                guest.monitor(command)
    for space in guest.address_spaces[:3]:
        for found in space.flat_view.ranges[::7]:
            if 0 <= found.start < 1 << 64:
                assert str(guest.explain(found.start, space.name))
        assert str(guest.explain(1 << 40, space.name))
    if guest.address_spaces:
        assert not diff(guest, guest)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(
    texts=st.sampled_from(TEXTS), dropped=st.sets(st.sampled_from(COMMANDS), max_size=3),
    spoilt=st.dictionaries(st.sampled_from(COMMANDS), st.lists(MISTAKES, min_size=1, max_size=2), max_size=2),
)
def test_spoilt_text_gives_a_guest_that_can_be_looked_at_or_a_clear_error(
    texts: dict[str, str], dropped: set[str], spoilt: dict[str, list[tuple[str, float, float, str]]]
) -> None:
    given_texts = {c: t for c, t in texts.items() if c not in dropped}
    for command, mistakes in spoilt.items():
        for mistake in mistakes:
            if command in given_texts:
                given_texts[command] = spoil(given_texts[command], *mistake)
    try:
        guest = read(given_texts)
    except MemkitError:
        pass  # the text that is spoilt is named; what else is there to read is read below
    else:
        look_at(guest)
    try:
        guest = read_monitor("".join(f"(qemu) {c}\n{t}" for c, t in given_texts.items()))
    except MemkitError:
        return
    look_at(guest)


@settings(max_examples=40)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    for command in COMMANDS:
        try:
            look_at(read({command: text}))
        except MemkitError as refused:
            assert len(str(refused)) < 400  # noqa: PT017


def test_an_alias_cannot_show_a_region_that_it_lies_in() -> None:
    text = (
        "address-space: memory\n"
        "  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n"
        "    0000000000000000-ffffffffffffffff (prio 0, i/o): alias again @system "
        "0000000000000000-ffffffffffffffff\n"
        "    0000000000001000-0000000000001fff (prio 1, ram): ram\n"
        "memory-region: system\n"
        "  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n"
        "    0000000000000000-ffffffffffffffff (prio 0, i/o): alias again @system "
        "0000000000000000-ffffffffffffffff\n"
        "    0000000000001000-0000000000001fff (prio 1, ram): ram\n"
    )
    guest = read({"info mtree": text})
    assert str(guest.flat_view()) == "0000000000001000-0000000000001fff (prio 1, ram): ram"
    look_at(guest)


@pytest.mark.parametrize("line", [
    "-m 1G", "-M q35 -m 4G,slots=2,maxmem=8G -object memory-backend-ram,id=m,size=1G "
    "-device pc-dimm,memdev=m", "-M microvm -m 512",
])
def test_what_the_model_prints_is_read_back_as_the_same_guest(line: str) -> None:
    model = memkit.boot(line)
    again = read({c: model.monitor(c) for c in COMMANDS})
    assert not diff(model, again)
    assert [str(s.flat_view) for s in again.address_spaces if s.name == "memory"] == [str(model.flat_view())]
