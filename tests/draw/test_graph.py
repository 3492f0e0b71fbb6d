"""The joined graph: its facts, its picture, its words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import sample

from memkit.draw.collapse import ROOM
from memkit.draw.graph import Graph
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.memory.region import MemoryRegion

GUESTS = {
    "talk": sample.talk, "numa": sample.numa_nvdimm, "microvm": sample.microvm,
    "dimms": lambda: sample.talk(64), "bare": sample.bare, "empty": sample.empty,
}
EVERY = pytest.mark.parametrize("guest", [make() for make in GUESTS.values()], ids=list(GUESTS))


def columns(graph: Graph) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for node in graph.data()["nodes"]:
        found.setdefault(node["column"], []).append(node["title"])
    return found


def test_the_talks_example_has_these_nodes() -> None:
    found = columns(Graph(sample.talk()))
    assert set(found[0]) == {
        "-m 4G,slots=4,maxmem=16G", "-object memory-backend-ram,id=m1,size=1G",
        "-device pc-dimm,id=d1,memdev=m1",
    }
    assert set(found[1]) == {"pc.ram", "m1"}
    assert len(found[2]) == 10
    assert set(found[4]) == {
        "pc: main RAM", "pc-dimm d1", "firmware", "VGA", "e1000", "ACPI tables for the firmware",
    }


def test_the_path_of_one_block_leads_from_words_to_address() -> None:
    data = Graph(sample.talk()).data()
    number = next(p["number"] for p in data["paths"] if p["name"] == "m1")
    titles = {n["id"]: n["title"] for n in data["nodes"]}
    edges = {(titles[e["from"]], titles[e["to"]]) for e in data["edges"] if e["path"] == number}
    assert edges == {
        ("-object memory-backend-ram,id=m1,size=1G", "m1"),
        ("-device pc-dimm,id=d1,memdev=m1", "m1"), ("m1", "m1"), ("m1", "pc-dimm d1"),
    }
    rows = [r for n in data["nodes"] if n["column"] == 4 for r in n["rows"] if r["path"] == number]
    assert [(r["start"], r["size"]) for r in rows] == [(0x1_4000_0000, 1 << 30)]


def test_an_alias_is_a_window_in_its_target_and_never_a_second_block() -> None:
    data = Graph(sample.talk()).data()
    region = next(n for n in data["nodes"] if n["column"] == 3 and n["title"] == "pc.ram")
    assert [(r["text"], r["start"], r["dashed"]) for r in region["rows"]] == [
        ("ram-below-4g", 0, True), ("ram-above-4g", 0xC000_0000, True),
    ]
    assert not any("ram-below-4g" in n["title"] for n in data["nodes"])


def test_windows_that_others_cover_are_counted_when_there_are_many() -> None:
    guest = sample.talk()
    system = guest.address_spaces[0].root
    ram = next(r.alias for r in system.subregions if r.name == "ram-below-4g")
    assert ram is not None
    for n in range(12):
        system.add(MemoryRegion.window("pam-ram", ram, n << 14, 1 << 14), 0xC0000 + (n << 14), -2)
    region = next(
        n for n in Graph(guest).data()["nodes"] if n["column"] == 3 and n["title"] == "pc.ram"
    )
    said = [r["text"] for r in region["rows"]]
    assert said == ["ram-below-4g", "ram-above-4g", "12 more windows"]


@EVERY
def test_the_picture_shows_every_node_and_edge(guest: Guest) -> None:
    graph = Graph(guest)
    picture = ET.fromstring(graph.svg())
    said = {t.text or "" for t in picture.iter("{http://www.w3.org/2000/svg}text")}
    for node in graph.data()["nodes"]:
        for row in node["rows"]:
            assert row["note"] in said
    drawn = picture.iter("{http://www.w3.org/2000/svg}path")
    curves = [p for p in drawn if p.get("stroke-opacity")]
    assert len(curves) == len(graph.data()["edges"])


@EVERY
def test_the_text_twin_tells_what_the_picture_shows(guest: Guest) -> None:
    graph = Graph(guest)
    flat = re.sub(r"\s+", "", graph.text())
    for node in graph.data()["nodes"]:
        assert re.sub(r"\s+", "", node["title"]) in flat
        for row in node["rows"]:
            assert re.sub(r"\s+", "", row["text"]) in flat
    for path in graph.data()["paths"]:
        assert re.sub(r"\s+", "", path["pages"]) in flat


@EVERY
def test_text_fits_a_phone(guest: Guest) -> None:
    assert max(map(len, Graph(guest).text().splitlines())) <= 72


@EVERY
def test_the_facts_are_plain_data(guest: Guest) -> None:
    data = Graph(guest).data()
    assert json.loads(json.dumps(data)) == data


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_picture_is_accessible_and_needs_nothing_from_outside(theme: str) -> None:
    picture = Graph(sample.talk(), theme=theme).svg()
    root = ET.fromstring(picture)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert root.find("{http://www.w3.org/2000/svg}desc") is not None
    assert "<script" not in picture
    assert not re.search(r"(?:href|src|url)\s*[=(]\s*[\"']?(?:https?:|//)", picture)
    assert "@import" not in picture
    assert "@font-face" not in picture


def test_equal_guests_give_pictures_that_are_equal_to_the_byte() -> None:
    assert Graph(sample.talk()).svg() == Graph(sample.talk()).svg()
    assert Graph(sample.talk()).svg() != Graph(sample.microvm()).svg()


def test_a_block_in_focus_stands_out() -> None:
    for name in ("m1", "d1"):
        data = Graph(sample.talk(), focus=name).data()
        assert data["paths"][data["focus"]]["name"] == "m1"
    faded = Graph(sample.talk(), focus="m1").svg().count(" o\"")
    assert faded > 20


def test_an_unknown_focus_is_told_with_the_known_blocks() -> None:
    with pytest.raises(MemkitError, match=r"'m9'.*pc\.ram"):
        Graph(sample.talk(), focus="m9")


def test_many_dimms_are_drawn_as_a_few_and_the_rest_together() -> None:
    graph = Graph(sample.talk(250))
    paths = graph.data()["paths"]
    assert len(paths) <= ROOM + 4
    assert sum(p["count"] for p in paths) == 250 + 9
    assert "248 more like it" in graph.text()


def test_a_focus_among_many_keeps_its_own_path() -> None:
    data = Graph(sample.talk(250), focus="m77").data()
    assert data["paths"][data["focus"]]["members"] == ["m77"]


def test_names_are_escaped_in_the_picture() -> None:
    guest = sample.talk()
    guest.ram_blocks[0].idstr = "<b>&\"'\x07"
    picture = Graph(guest).svg()
    ET.fromstring(picture)
    assert "&lt;b&gt;&amp;" in picture


def test_without_pygraphviz_a_sentence_and_the_words_take_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from memkit.draw import layout

    layout._KNOWN.clear()
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    bundle = Graph(sample.talk())._repr_mimebundle_()
    assert "pip install" in bundle["text/plain"]
    assert "0x1_4000_0000" in bundle["text/html"]
    assert "image/svg+xml" not in bundle


def test_nothing_lands_on_stderr_or_stdout(tmp_path: Path) -> None:
    # Graphviz is C code, so the file descriptors themselves are watched, without a home directory.
    pytest.importorskip("pygraphviz")
    code = (
        f"import sys; sys.path.insert(0, {str(Path(sample.__file__).parent)!r})\n"
        "import sample; from memkit.draw.graph import Graph\n"
        "g = Graph(sample.talk()); g._repr_mimebundle_(); g.dot()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin", "HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())},
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_the_graph_in_dot_says_its_words() -> None:
    source = Graph(sample.talk()).dot()
    assert "rankdir=LR" in source
    assert "pc-dimm d1" in source
