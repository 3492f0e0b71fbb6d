"""The address map: one broken scale, three columns, a figure that changes in place."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sample
from hypothesis import given
from hypothesis import strategies as st

import memkit
from memkit.draw import bokehjs
from memkit.draw.map import AddressMap
from memkit.draw.mapfigure import sources
from memkit.draw.scale import ROW, Scale, _build_scale
from memkit.draw.theme import DARK, LIGHT
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.units import hex_address

GUESTS = {
    "talk": sample.talk, "numa": sample.numa_nvdimm, "microvm": sample.microvm,
    "dimms": lambda: sample.talk(64), "bare": sample.bare, "empty": sample.empty,
}
EVERY = pytest.mark.parametrize("guest", [make() for make in GUESTS.values()], ids=list(GUESTS))


def items(data: dict[str, Any], column: str) -> list[dict[str, Any]]:
    return [i for i in data["items"] if i["column"] == column]


def test_the_guest_column_is_the_flat_view_with_its_gaps() -> None:
    guest = sample.talk()
    found = items(AddressMap(guest).data(), "guest")
    real = [(i["start"], i["size"]) for i in found if i["kind"] != "nobody"]
    assert real == [(r.start, r.size) for r in guest.main_flat_view.ranges]
    assert all(a["start"] + a["size"] == b["start"] for a, b in pairwise(found))


def test_the_ram_column_lists_every_block_at_its_ram_addr_t() -> None:
    guest = sample.talk()
    found = {(i["name"], i["start"], i["size"]) for i in items(AddressMap(guest).data(), "ram")}
    assert found == {(b.label, b.offset, b.max_length) for b in guest.ram_blocks}


def test_the_host_column_counts_pages() -> None:
    hosts = items(AddressMap(sample.numa_nvdimm()).data(), "host")
    huge = next(i for i in hosts if i["tip"].startswith("RAMBlock huge0"))
    assert (huge["name"], huge["pages"], huge["page_size"]) == ("hugetlbfs", 1024, 2 << 20)


def test_links_tie_a_block_to_its_guest_addresses() -> None:
    data = AddressMap(sample.talk()).data()
    names = data["names"]
    links = {(names[x["blocks"][0]], x["ram"], x["gpa"], x["gpa_size"]) for x in data["links"]}
    assert ("m1", 0, 0x1_4000_0000, 1 << 30) in links
    assert ("pc.ram", 0x4000_0000 + 0xC000_0000, 0x1_0000_0000, 1 << 30) in links
    assert ("pc.bios", 0x1_4000_0000 + 0x2_0000, 0xE_0000, 0x2_0000) in links


@EVERY
def test_equal_addresses_lie_at_equal_heights(guest: Guest) -> None:
    data = AddressMap(guest).data()
    scale = Scale([tuple(k) for k in data["scale"]])
    for item in data["items"]:
        assert item["y0"] == pytest.approx(scale(item["start"]))
        assert item["y1"] == pytest.approx(scale(item["start"] + item["size"]))


@EVERY
def test_everything_real_is_tall_enough_for_its_name(guest: Guest) -> None:
    for item in AddressMap(guest).data()["items"]:
        if item["kind"] != "nobody":
            assert item["y1"] - item["y0"] >= ROW - 0.1


@EVERY
def test_breaks_are_where_no_column_has_anything(guest: Guest) -> None:
    data = AddressMap(guest).data()
    real = [i for i in data["items"] if i["kind"] != "nobody"]
    for gap in data["breaks"]:
        end = gap["start"] + gap["size"]
        assert not any(i["start"] < end and gap["start"] < i["start"] + i["size"] for i in real)


RUNS = st.tuples(st.integers(0, 1 << 52), st.integers(1, 1 << 44))


@given(st.lists(RUNS, min_size=1, max_size=30))
def test_the_scale_never_falls(pairs: list[tuple[int, int]]) -> None:
    facts = [{"start": start, "size": size, "kind": "ram"} for start, size in pairs]
    scale, _ = _build_scale(facts)
    heights = [y for _, y in scale.knots]
    assert heights == sorted(heights)
    for start, size in pairs:
        assert scale(start + size) > scale(start)


def test_a_crowd_of_dimms_stays_on_the_page() -> None:
    data = AddressMap(sample.talk(250)).data()
    assert len(data["items"]) < 80
    assert sum(i["count"] for i in items(data, "ram")) == 259
    assert data["height"] < 1500


def test_equal_io_windows_side_by_side_are_counted() -> None:
    names = [i["name"] for i in items(AddressMap(sample.microvm()).data(), "guest")]
    assert "24 \N{MULTIPLICATION SIGN} virtio-mmio" in names


@EVERY
def test_the_text_twin_has_every_item_of_the_picture(guest: Guest) -> None:
    view = AddressMap(guest)
    flat = re.sub(r"\s+", "", view.text())
    for item in view.data()["items"]:
        for fact in (item["name"], item["note"], hex_address(item["start"])):
            assert re.sub(r"\s+", "", fact) in flat
    assert max(map(len, view.text().splitlines())) <= 72


@EVERY
def test_static_picture_and_figure_show_the_same_items(guest: Guest) -> None:
    view = AddressMap(guest, theme="light")
    boxes = sources(view.data(), LIGHT)["boxes"]
    tips = [t.text for t in ET.fromstring(view.svg()).iter("{http://www.w3.org/2000/svg}title")][1:]
    assert sorted(boxes["tip"]) == sorted(t or "" for t in tips)
    assert json.loads(json.dumps(view.data())) == view.data()


def test_a_theme_decides_the_figures_colours() -> None:
    data = AddressMap(sample.talk()).data()
    light, dark = (set(sources(data, t)["boxes"]["fill"]) for t in (LIGHT, DARK))
    assert light.isdisjoint(dark)
    with pytest.raises(MemkitError, match="sepia"):
        AddressMap(sample.talk(), theme="sepia")


def test_an_update_changes_the_figure_in_place() -> None:
    pytest.importorskip("bokeh")
    one, other = sample.talk(), sample.numa_nvdimm()
    view = AddressMap(one)
    figure = view.figure()
    view.update(other)
    assert view.figure() is figure
    assert figure.title.text == AddressMap(other).data()["title"]


def test_html_brings_its_own_script_once_and_needs_no_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("bokeh")
    monkeypatch.setitem(bokehjs._state, "sent", False)
    view = AddressMap(sample.talk())
    first, second = view.html(), view.html()
    assert len(first) > 1_000_000
    assert len(second) < 200_000
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", second)
    assert "cdn" not in second.lower()
    assert "<svg" in second
    assert "<details" in second


def test_a_saved_page_stands_alone(tmp_path: Path) -> None:
    pytest.importorskip("bokeh")
    view = AddressMap(sample.talk(), theme="dark")
    view.save(str(tmp_path / "map.html"))
    view.save(str(tmp_path / "map.svg"))
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=", page)
    assert ET.parse(tmp_path / "map.svg").getroot().get("role") == "img"


def test_without_bokeh_the_static_picture_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bokeh", None)
    view = AddressMap(sample.talk())
    assert "<script" not in view.html()
    assert "<svg" in view.html()
    with pytest.raises(MemkitError, match="pip install"):
        view.figure()


@pytest.mark.parametrize("line", [
    "qemu-system-ppc64 -M powernv9", "qemu-system-ppc64 -M pseries -m 1G", "-m 4G",
])
def test_every_address_fits_into_the_picture(line: str) -> None:
    page = AddressMap(memkit.boot(line))
    svg = page.svg()
    width = float(ET.fromstring(svg).attrib["viewBox"].split()[2])
    found = re.findall(r'<text x="([\d.]+)"[^>]*text-anchor="start">(0x[0-9a-f_]+)<', svg)
    assert found
    # A letter of an address is 7.2 pixels wide.
    assert max(float(x) + 7.2 * len(address) for x, address in found) <= width
