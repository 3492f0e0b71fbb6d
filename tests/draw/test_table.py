"""Tables: what the monitor prints, and what it hides."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import sample

from memkit.draw.table import TABLES, Tables, said
from memkit.guest import Guest

GUESTS = {
    "talk": sample.talk, "numa": sample.numa_nvdimm, "microvm": sample.microvm,
    "bare": sample.bare, "empty": sample.empty,
}
EVERY = pytest.mark.parametrize("guest", [make() for make in GUESTS.values()], ids=list(GUESTS))


def test_a_block_has_its_monitor_facts_and_the_hidden_ones() -> None:
    row = Tables(sample.talk()).data()["ram_blocks"][0]
    assert row == {
        "name": "m1", "page_size": 4096, "offset": 0, "used": 1 << 30, "total": 1 << 30,
        "kind": "ram", "backing": "private", "backend": "m1", "share": False, "migratable": True,
        "mapped_by": "pc-dimm d1", "at": [0x1_4000_0000],
    }


def test_a_resizeable_block_tells_used_and_total() -> None:
    rows = {r["name"]: r for r in Tables(sample.talk()).data()["ram_blocks"]}
    tables = rows["/rom@etc/acpi/tables"]
    assert (tables["used"], tables["total"], tables["at"]) == (128 << 10, 2 << 20, [])


def test_flat_ranges_are_sorted_and_name_their_block_and_window() -> None:
    rows = Tables(sample.talk()).data()["flat_ranges"]
    assert [r["start"] for r in rows] == sorted(r["start"] for r in rows)
    first = rows[0]
    assert (first["end"], first["block"], first["through"]) == (0x9_FFFF, "pc.ram", "ram-below-4g")
    assert [r["region"] for r in rows if r["block"] is None][:2] == ["vga-lowmem", "ioapic"]


def test_a_memory_device_keeps_its_monitor_facts() -> None:
    row = Tables(sample.talk()).data()["memory_devices"][0]
    assert (row["id"], row["addr"], row["slot"]) == ("d1", 0x1_4000_0000, 0)
    assert row["memdev"] == "/objects/m1"


@EVERY
def test_html_and_text_have_every_cell(guest: Guest) -> None:
    tables = Tables(guest)
    html = re.sub(r"<[^>]+>|\s+", "", tables.html()).replace("&quot;", '"').replace("&#39;", "'")
    text = re.sub(r"\s+", "", tables.text())
    for name, rows in tables.data().items():
        for row in rows:
            for column in TABLES[name][2]:
                fact = re.sub(r"\s+", "", said(row[column.key], column.style))
                assert fact in html
                assert fact in text
    assert all(len(line) <= 72 for line in tables.text().splitlines())


@EVERY
def test_the_facts_are_plain_data(guest: Guest) -> None:
    json.dumps(Tables(guest).data())


def test_html_is_accessible() -> None:
    html = Tables(sample.talk()).html()
    assert html.count("<caption>") == html.count("<table>") == 5
    assert 'scope="col"' in html
    assert 'scope="row"' in html
    assert re.search(r"<th(?![^>]*scope)", html.replace("<thead", "")) is None
    assert 'aria-hidden="true"' in html


def test_names_are_escaped() -> None:
    guest = sample.talk()
    guest.ram_blocks[0].idstr = "<script>alert(1)</script>"
    assert "<script" not in Tables(guest).html()


def test_frames_hold_numbers_and_the_same_columns() -> None:
    pytest.importorskip("pandas")
    tables = Tables(sample.talk())
    assert list(tables.ram_blocks.columns) == [c.key for c in TABLES["ram_blocks"][2]]
    assert tables.ram_blocks["total"].sum() == sum(b.max_length for b in tables.guest.ram_blocks)
    assert list(tables.backends["id"]) == ["m1", "pc.ram"]
    assert len(tables.frontends) == 6
    assert len(tables.flat_ranges) == 11
    assert len(tables.memory_devices) == 1
    assert "name" in Tables(sample.empty()).ram_blocks.columns


def test_showing_tables_does_not_load_pandas() -> None:
    """Pandas takes a second to load; HTML and words are made without it."""
    show = (
        "import sys, memkit; memkit.boot('-m 1G').tables()._repr_mimebundle_(); "
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")
