"""The matrix of "all of RAM": picture, words and table show the same data, in shapes that need no colour."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

import memkit
from memkit.all_of_ram import AllOfRam
from memkit.all_of_ram.ask import compare
from memkit.draw.all_of_ram import MANY, STATES, gathered
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.monitor.parser import read
from memkit.units import human

TALK = "-m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"
DIMMS = "-m 1G,slots=64,maxmem=64G" + "".join(
    f" -object memory-backend-ram,id=m{n},size=128M -device pc-dimm,memdev=m{n}" for n in range(64)
)
GUESTS: dict[str, Callable[[], Guest]] = {
    "talk": lambda: memkit.boot(TALK),
    "nvdimm": lambda: memkit.boot(
        "-M q35,nvdimm=on -m 1G,slots=2,maxmem=4G -object memory-backend-ram,id=lost,size=1M "
        "-object memory-backend-file,id=n,size=128M,mem-path=/var/tmp/n,share=on -device nvdimm,memdev=n"
    ),
    "microvm": lambda: memkit.boot("-M microvm -m 1G"),
    "dimms": lambda: memkit.boot(DIMMS),
    "text": lambda: read({"info ramblock": memkit.boot(TALK).monitor("info ramblock")}),
    "empty": lambda: read({"info numa": "0 nodes\n"}),
}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=GUESTS)
def everything(request: pytest.FixtureRequest) -> AllOfRam:
    return compare(GUESTS[request.param]())


def tips(picture: str) -> list[str]:
    """The words under the pointer of each cell, in order: rows from above, columns from the left."""
    titles = [node.text or "" for node in ET.fromstring(picture).iter(f"{SVG}title")]
    return [tip for tip in titles if re.search(r": (?:in|partly in|out|unknown)\. ", tip)]


def test_each_cell_of_the_picture_says_what_the_data_say(everything: AllOfRam) -> None:
    data = everything.data()
    expected = []
    for indexes in gathered(data):
        for each in data["sets"]:
            cell = each["cells"][indexes[0]]
            expected.append((each["name"], STATES[cell["state"]], cell["reason"].capitalize() + "."))
    found = [re.fullmatch(r"(.+?), .+?: (in|partly in|out|unknown)\. (.*)", tip, re.S) for tip in
             tips(everything.svg())]
    assert expected == [m.groups() for m in found if m]


def test_the_sums_stand_below_and_in_the_words(everything: AllOfRam) -> None:
    picture, text = everything.svg(), everything.text()
    for each in everything.data()["sets"]:
        assert f">{'' if each['certain'] else '≥ '}{human(each['bytes'])}</text>" in picture.replace(
            f"<title>{each['remark']}</title>", "")
        least = "" if each["certain"] else "at least "
        assert f"\n{each['name']}: {least}{human(each['bytes'])}\n" in text + "\n"


def test_the_words_name_every_block_in_every_definition(everything: AllOfRam) -> None:
    """In each definition's paragraph, each block stands once, with its state and its reason."""
    parts = re.split(r"\n\n(?=[\w -]+: (?:at least )?[\d.]+ )", everything.text())[1:]
    data = everything.data()
    assert len(parts) == len(data["sets"])
    for part, each in zip(parts, data["sets"], strict=True):
        words = re.sub(r"\s+", "", part)
        said = re.sub(r"\s+", "", part.partition("\n")[2])
        assert all(re.sub(r"\s+", "", b["label"]) in said for b in data["blocks"])
        for cell in each["cells"]:
            assert re.sub(r"\s+", "", cell["reason"]) in words


def test_no_line_of_the_words_is_longer_than_a_phone_shows(everything: AllOfRam) -> None:
    assert [] == [line for line in everything.text().splitlines() if len(line) > 72]


def test_the_table_has_the_same_cells(everything: AllOfRam) -> None:
    pytest.importorskip("pandas", reason="pandas is an extra of the lab")
    for show in ("bytes", "state", "reason"):
        table = everything.table(show)
        assert list(everything.names) == list(table.columns)
        for each in everything.data()["sets"]:
            cells = [None if value != value else value for value in table[each["name"]]]
            assert [cell[show] for cell in each["cells"]] == cells


def test_a_table_of_something_else_is_refused_with_what_there_is() -> None:
    with pytest.raises(MemkitError, match="show= is one of bytes, state, reason, not 'gpa'"):
        compare(memkit.boot(TALK)).table("gpa")


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_picture_is_one_image_with_a_name_and_a_description(theme: str) -> None:
    root = ET.fromstring(compare(memkit.boot(TALK)).svg(theme))
    assert "img" == root.get("role")
    assert (root.get("aria-label") or "").startswith("All of RAM of a ")
    description = root.find(f"{SVG}desc")
    assert description is not None
    assert "definitions of all of RAM give" in (description.text or "")


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(MemkitError, match="no theme"):
        compare(memkit.boot(TALK)).svg("pink")


def test_states_differ_in_shape_and_not_only_in_colour() -> None:
    """Without classes, which carry the colours, the four samples of the legend are still four."""
    picture = compare(memkit.boot(TALK)).svg()
    legend = picture.rpartition(">Cell</text>")[2].partition(">Colour<")[0]
    samples = re.split(r"<text[^>]*>(?:in|partly in|out|unknown)</text>", legend)[:4]
    shapes = {re.sub(r'class="[^"]*"|[xy]="[^"]*"|-?\d+\.\d', "", s) for s in samples}
    assert 4 == len(shapes)


def test_of_many_blocks_those_that_fare_alike_share_a_row() -> None:
    data = compare(memkit.boot(DIMMS)).data()
    rows = gathered(data)
    assert len(rows) < MANY < len(data["blocks"])
    assert sorted(itertools.chain(*rows)) == list(range(len(data["blocks"])))
    for row in rows:
        assert 1 == len({tuple(s["cells"][index]["state"] for s in data["sets"]) for index in row})


def test_few_blocks_have_a_row_each() -> None:
    data = compare(memkit.boot(TALK)).data()
    assert [[index] for index in range(len(data["blocks"]))] == gathered(data)


def test_the_notebook_gets_picture_and_words() -> None:
    everything = compare(memkit.boot(TALK))
    bundle = everything._repr_mimebundle_()
    assert bundle["text/plain"] == str(everything)
    assert bundle["text/html"] == bundle["image/svg+xml"] == everything.svg()


def test_names_from_outside_are_escaped() -> None:
    line = "-m 1G -object memory-backend-ram,id=a,size=1M -device ivshmem-plain,memdev=a,id=x"
    guest = memkit.boot(line)
    guest.ram_blocks[0].idstr = '<b onclick="x">'
    assert "<b " not in compare(guest).svg()
    assert "<b " not in compare(guest)["migration"]._repr_mimebundle_()["text/html"]
