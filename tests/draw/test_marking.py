"""Pictures of a difference: what is marked, how, and that words and pictures say the same."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

import memkit
from memkit.diff import Difference
from memkit.diff.change import WORDS
from memkit.draw import marking
from memkit.draw.mapfigure import sources
from memkit.draw.theme import DARK, LIGHT
from memkit.errors import MemkitError
from memkit.monitor.parser import read

DIMM = "-m {},slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"
OLD = "-m 2G,slots=4,maxmem=16G -M {} -object memory-backend-file,mem-path=/dev/shm,id=m1,size=1G " \
      "-device pc-dimm,id=d1,memdev=m1"
MANY = "-m 2G,slots=64,maxmem=128G" + "".join(
    f" -object memory-backend-ram,id=m{n},size=1G -device pc-dimm,memdev=m{n}" for n in range(40)
)
PAIRS = {
    "grown": ("-m 4G -M q35", "-m 5G -M q35"),
    "come": ("-m 4G,slots=4,maxmem=16G", DIMM.format("4G")),
    "gone": (DIMM.format("4G"), "-m 4G,slots=4,maxmem=16G"),
    "dimm-moved": (DIMM.format("4G"), DIMM.format("5G")),
    "pc-q35": ("-m 4G -M pc", "-m 4G -M q35"),
    "microvm": ("-m 4G -M pc", "-m 4G -M microvm"),
    "renamed": (OLD.format("pc-i440fx-3.1"), OLD.format("pc-i440fx-7.2")),
    "shared": ("-m 1G", "-m 1G -M memory-backend=f -object memory-backend-memfd,id=f,size=1G,share=on"),
    "many": (MANY, MANY.replace("-m 2G", "-m 3G")),
    "same": ("-m 1G", "-m 1G"),
}
SVG = "{http://www.w3.org/2000/svg}"
FOUND = {name: memkit.diff(*map(memkit.boot, pair)) for name, pair in PAIRS.items()}
EVERY = pytest.mark.parametrize("found", FOUND.values(), ids=list(FOUND))


def badges(picture: str) -> Counter[str]:
    """How often each word is marked in a picture, its legend left out."""
    found: Counter[str] = Counter()
    for group in ET.fromstring(picture).iter(f"{SVG}g"):
        words = (group.get("class") or "").split()
        if "d" in words:
            found.update(w.removeprefix("d-") for w in words[1:])
    return found


def marked(facts: list[dict[str, Any]]) -> Counter[str]:
    return Counter(word for fact in facts for word in fact["mark"])


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def nodes_and_rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [*data["nodes"], *(row for node in data["nodes"] for row in node["rows"])]


# -- signs


def test_every_word_has_a_sign_of_its_own() -> None:
    assert list(marking.SIGNS) == list(WORDS)
    assert len(set(marking.SIGNS.values())) == len(WORDS)


def test_come_gone_and_changed_differ_in_their_outlines_too() -> None:
    looks = {marking.dash([w]) for w in ("appeared", "vanished", "moved")}
    assert len(looks) == 3
    assert marking.outline(0, 0, 9, 9, ("vanished",)) == ""
    assert "stroke-dasharray" not in marking.outline(0, 0, 9, 9, ("appeared",))
    assert "stroke-dasharray" in marking.outline(0, 0, 9, 9, ("moved",))


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda p: p.name)
def test_a_badge_is_readable_in_both_themes(palette: Any) -> None:
    from memkit.draw.theme import contrast

    assert contrast(palette.text, palette.page) >= 7


def test_counts_are_grammatical() -> None:
    facts = [{"mark": [w], "count": n} for w, n in (("moved", 2), ("resized", 1), ("renamed", 3))]
    assert marking.counted(facts, "range") == "3 ranges were renamed, 2 ranges moved, 1 range was resized"


# -- the graph


@EVERY
def test_the_graph_and_its_twin_mark_the_same(found: Difference) -> None:
    graph = found.graph()
    facts = nodes_and_rows(graph.data())
    picture = graph.svg()
    assert badges(picture) == marked(facts)
    said = squeezed("".join(t.text or "" for t in ET.fromstring(picture).iter()))
    twin = squeezed(graph.text())
    for fact in facts:
        if fact["mark"]:
            assert squeezed(marking.said(fact["mark"], fact["was"])) in twin
        for was in fact["was"]:
            assert squeezed(was) in said
    told = Counter(w for line in graph.text().splitlines()
                   for w in WORDS if re.match(rf" +[-+=>~*]+ (\w+, )*{w}\b", line))
    assert set(told) == set(marked(facts))
    assert max(map(len, graph.text().splitlines())) <= 72


@EVERY
def test_the_graph_draws_exactly_the_blocks_of_the_second_guest_and_the_ghosts_of_the_first(
    found: Difference,
) -> None:
    old, new = ({b.label for b in g.ram_blocks} for g in (found.marks.before, found.marks.after))
    gone = {c.subject for c in found.changes if c.kind == "block vanished"}
    drawn = [name for p in found.graph().data()["paths"] for name in p["members"]]
    ghosts = [n for p in found.graph().data()["paths"] if "vanished" in p["mark"] for n in p["members"]]
    assert sorted(drawn) == sorted([*new, *gone])
    assert set(ghosts) == gone <= old


def test_a_ghost_is_hollow_and_its_words_and_card_are_ghosts_only_if_they_are_gone() -> None:
    data = FOUND["gone"].graph().data()
    ghosts = {n["title"] for n in data["nodes"] if "vanished" in n["mark"]}
    assert ghosts == {"-object memory-backend-ram,id=m1,size=1G", "-device pc-dimm,id=d1,memdev=m1", "m1",
                      "pc-dimm d1"}
    cards = [n for n in FOUND["pc-q35"].graph().data()["nodes"] if n["column"] == 4]
    assert [n["title"] for n in cards if "vanished" in n["mark"]] == ["NIC e1000"]
    picture = FOUND["gone"].graph().svg()
    hollow = [r for r in ET.fromstring(picture).iter(f"{SVG}rect") if r.get("stroke-dasharray") == "2 3"]
    assert len(hollow) >= len(ghosts)
    assert all("a-" not in (r.get("class") or "") for r in hollow)


def test_a_card_by_another_label_is_no_other_card() -> None:
    # A model and a real QEMU call the same frontends differently.
    one, two = (memkit.boot(line) for line in PAIRS["come"])
    two = replace(two, frontends=tuple(replace(f, label=f"my {f.label}") for f in two.frontends))
    cards = [n for n in memkit.diff(one, two).graph().data()["nodes"] if n["column"] == 4]
    assert [n["mark"] for n in cards if n["mark"]] == [["appeared"]]
    back = [n for n in memkit.diff(two, one).graph().data()["nodes"] if n["column"] == 4]
    assert [n["mark"] for n in back if n["mark"]] == [["vanished"]]


def test_the_graph_shows_the_word_that_changed_and_what_it_was() -> None:
    node = next(n for n in FOUND["grown"].graph().data()["nodes"] if n["title"] == "-m 5G")
    assert (node["mark"], node["was"]) == (["changed"], ["was -m 4G"])


def test_a_memory_device_that_moves_marks_its_card_and_its_range() -> None:
    card = next(n for n in FOUND["dimm-moved"].graph().data()["nodes"] if n["title"] == "pc-dimm d1")
    assert (card["mark"], card["was"]) == (["moved"], ["was at 0x1_4000_0000"])
    assert [(r["mark"], r["text"]) for r in card["rows"]] == [
        (["moved"], "0x1_8000_0000"), ([], "was at 0x1_4000_0000"),
    ]


def test_many_alike_are_drawn_together_only_if_they_changed_alike() -> None:
    data = FOUND["many"].graph().data()
    assert len(data["paths"]) < 30
    marks = FOUND["many"].marks
    words = {b.label: marks.of(b).words for b in marks.after.ram_blocks}
    for path in data["paths"]:
        assert {words[name] for name in path["members"]} == {tuple(path["mark"])}


# -- the map


@EVERY
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda p: p.name)
def test_the_map_its_figure_and_its_twin_mark_the_same(found: Difference, palette: Any) -> None:
    view = found.map(theme=palette.name)
    items = view.data()["items"]
    assert badges(view.svg()) == marked(items)
    boxes = sources(view.data(), palette)["boxes"]
    tips = [t.text or "" for t in ET.fromstring(view.svg()).iter(f"{SVG}title")][1:]
    besides = [" ".join(view.data()["besides"])] if view.data()["besides"] else []
    assert sorted([*boxes["tip"], *besides]) == sorted(tips)
    signed = [line for line in view.text().splitlines() if re.match(r"    [-+=>~*]+ \w", line)]
    assert len(signed) == sum(bool(i["mark"]) for i in items)
    for item in items:
        if item["mark"]:
            said = squeezed(marking.said(item["mark"], item["was"]))
            assert said in squeezed(view.text())
            assert said in squeezed(item["tip"])
    labels = [t for t in sources(view.data(), palette)["labels"]["text"] if re.match(r"[-+=>~*]+ ", t)]
    assert len(labels) == sum(bool(i["mark"]) for i in items)
    assert max(map(len, view.text().splitlines())) <= 72


@EVERY
def test_the_map_says_nothing_that_the_guests_do_not_know(found: Difference) -> None:
    items = found.map().data()["items"]
    for column, guest in (("guest", found.marks.after), ("guest-was", found.marks.before)):
        starts = {r.start for r in guest.main_flat_view.ranges}
        assert {i["start"] for i in items if i["column"] == column and i["kind"] != "nobody"} <= starts
    for column, guest in (("ram", found.marks.after), ("ram-was", found.marks.before)):
        assert {i["start"] for i in items if i["column"] == column} <= {b.offset for b in guest.ram_blocks}
    assert sum(i["count"] for i in items if i["column"] == "ram") == len(found.marks.after.ram_blocks)
    assert sum(i["count"] for i in items if i["column"] == "guest" and i["kind"] != "nobody") == len(
        found.marks.after.main_flat_view.ranges)


@EVERY
def test_addresses_beside_the_map_do_not_lie_on_each_other(found: Difference) -> None:
    view = found.map()
    heights: dict[str, set[float]] = {}
    for text in ET.fromstring(view.svg()).iter(f"{SVG}text"):
        if re.fullmatch(r"0x[0-9a-f_]+", text.text or ""):
            heights.setdefault(str(text.get("x")), set()).add(float(str(text.get("y"))))
    assert len(heights) == 2
    for column in heights.values():
        ordered = sorted(column)
        assert all(b - a >= 14 for a, b in pairwise(ordered))


def test_the_lanes_show_where_things_were() -> None:
    items = FOUND["dimm-moved"].map().data()["items"]
    dimm = {i["column"]: (i["start"], i["mark"], i["past"]) for i in items if i["name"] == "m1"}
    assert dimm["guest"] == (0x1_8000_0000, ["moved"], False)
    assert dimm["guest-was"] == (0x1_4000_0000, [], True)
    assert "ram-was" not in dimm
    gone = FOUND["gone"].map().data()["items"]
    assert [(i["column"], i["start"]) for i in gone if i["mark"] == ["vanished"]] == [
        ("ram-was", 0), ("guest-was", 0x1_4000_0000),
    ]


def test_the_map_of_a_difference_stays_one() -> None:
    with pytest.raises(MemkitError, match=r"use guest\.map\(\)"):
        FOUND["grown"].map().update(memkit.boot("-m 1G"))


def test_the_live_maps_page_explains_the_signs() -> None:
    pytest.importorskip("bokeh")
    page = FOUND["microvm"].map().html(script=False)
    live = page[page.index('class="live"'):]
    legend = html.unescape(live[live.index("<svg"): live.index("</svg>")])
    for word in FOUND["microvm"].map().data()["marks"]:
        assert f">{word}" in legend


# -- the tables


@EVERY
def test_the_tables_have_a_row_for_each_thing_of_either_guest_and_say_what_changed(found: Difference) -> None:
    data = found.tables().data()
    after = found.marks.after
    rows = {"ram_blocks": (after.ram_blocks, "block"), "flat_ranges": (after.main_flat_view.ranges, "range"),
            "backends": (after.backends, "backend"), "memory_devices": (after.memory_devices, "device")}
    for name, (things, what) in rows.items():
        gone = [c for c in found.changes if c.kind == f"{what} vanished"]
        assert len(data[name]) == len(things) + len(gone)
        assert sum(r["change"] == "- vanished" for r in data[name]) == len(gone)
        changed = {id(c.things[1]) for c in found.changes if c.kind.startswith(what) and c.things[1]}
        assert sum(bool(r["change"]) for r in data[name]) == len(changed) + len(gone)
    page, words = html.unescape(squeezed(found.tables().html())), squeezed(found.tables().text())
    for row in (r for rows_ in data.values() for r in rows_):
        assert squeezed(row["change"]) in page
        assert squeezed(row["change"]) in words


def test_the_tables_of_one_guest_have_no_column_of_changes() -> None:
    assert "change" not in memkit.boot("-m 1G").tables().data()["ram_blocks"][0]


def test_the_frames_begin_with_the_change() -> None:
    pytest.importorskip("pandas")
    frame = FOUND["gone"].tables().ram_blocks
    assert frame.columns[0] == "change"
    assert list(frame["change"])[-1] == "- vanished"


# -- all of them


@EVERY
@pytest.mark.parametrize("draw", ["graph", "map"])
def test_legend_title_and_alternative_text_say_what_is_marked(found: Difference, draw: str) -> None:
    view = getattr(found, draw)()
    root = ET.fromstring(view.svg())
    said = [t.text or "" for t in root.iter(f"{SVG}text")]
    words = view.data()["marks"]
    assert set(words) == set(badges(view.svg()))
    for word in words:
        assert any(t.split(" (")[0] == word for t in said)
    if not words:
        assert "nothing in this picture" in said
    title = f"{found.title}: what changed in"
    assert str(root.get("aria-label")).startswith(title)
    assert view.alt().startswith(title)
    things = view.data()["items"] if draw == "map" else view.data()["paths"]
    for word in {w for t in things for w in t["mark"]}:
        assert f" {word}" in view.alt()
    assert "<script" not in view.svg()


@EVERY
@pytest.mark.parametrize("draw", ["graph", "map"])
def test_every_change_is_marked_in_a_picture_or_named_as_not_drawn(found: Difference, draw: str) -> None:
    view = getattr(found, draw)()
    besides = view.data()["besides"]
    assert set(besides) <= set(found.sentences)
    drawn = {id(t) for c in found.changes for t in c.things if t is not None}
    things = [*found.marks.before.numa, *found.marks.after.numa]
    assert bool(drawn & {id(n) for n in things}) <= any("ode" in s for s in besides)
    titles = [t.text for t in ET.fromstring(view.svg()).iter(f"{SVG}title")]
    assert (" ".join(besides) in titles) == bool(besides)
    for said in besides:
        assert squeezed(said) in squeezed(view.text())


def test_what_a_picture_has_no_place_for_is_named_below_it() -> None:
    found = FOUND["dimm-moved"]
    assert found.map().data()["besides"] == [
        "Backend pc.ram has size 5 GiB instead of 4 GiB.", "Node 0 has 6 GiB instead of 5 GiB.",
    ]
    assert found.graph().data()["besides"] == ["Node 0 has 6 GiB instead of 5 GiB."]
    said = [t.text or "" for t in ET.fromstring(found.map().svg()).iter(f"{SVG}text")]
    assert "Not drawn here: Backend pc.ram has size 5 GiB instead of 4 GiB. And 1 more." in said
    assert FOUND["microvm"].graph().data()["besides"][0].startswith("The guest no longer sees vga-lowmem")


@pytest.mark.parametrize("length", [10, 200, 2000])
def test_the_line_below_a_picture_fits_it(length: int) -> None:
    from memkit.draw.svg import text_width

    line = marking.besides_line(0, 0, 1000, ["x" * length, "y"])
    text = ET.fromstring(line).findtext("text") or ""
    assert text_width(text) <= 1000
    assert text.endswith(" And 1 more.")
    assert text.startswith("Not drawn here: xxx")


def test_guests_of_whose_memory_nothing_is_known_have_an_empty_map() -> None:
    texts = [{"info numa": memkit.boot(f"-m {n}G,maxmem=8G").monitor("info numa")} for n in (1, 2)]
    view = memkit.diff(read(texts[0]), read(texts[1])).map()
    assert "Nothing is known" in view.svg()
    assert view.data()["besides"] == ["Node 0 has 2 GiB instead of 1 GiB."]


@pytest.mark.parametrize("draw", ["graph", "map"])
def test_themes_differ_in_colours_and_in_nothing_else(draw: str) -> None:
    light, dark = (getattr(FOUND["microvm"], draw)(theme=t) for t in ("light", "dark"))
    assert light.data() == dark.data()
    assert badges(light.svg()) == badges(dark.svg())
    assert light.svg() != dark.svg()


def test_guests_from_text_have_pictures_of_their_difference_too() -> None:
    asked = ("info ramblock", "info mtree", "info mtree -f", "info memdev")
    texts = [{c: memkit.boot(line).monitor(c) for c in asked} for line in PAIRS["microvm"]]
    found = memkit.diff(read(texts[0]), read(texts[1]))
    assert {"appeared", "vanished", "renamed"} <= set(found.map().data()["marks"])
    assert {"appeared", "vanished", "renamed"} <= set(found.graph().data()["marks"])
    assert "-->" not in found.graph().svg()
    assert "- vanished" in found.tables().html()


def test_names_are_escaped_in_what_was() -> None:
    line = "-m 1G,slots=1,maxmem=4G -object memory-backend-ram,id={},size=1G -device pc-dimm,memdev={}"
    one, two = memkit.boot(line.format("a", "a")), memkit.boot(line.format("b", "b"))
    next(b for b in one.ram_blocks if b.idstr == "a").idstr = '<b>&"'
    found = memkit.diff(one, two)
    for picture in (found.graph().svg(), found.map().svg()):
        ET.fromstring(picture)
        assert "<b>&" not in picture
    assert "<b>&" not in found.tables().html()
