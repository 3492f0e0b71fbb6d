"""Lines from production that are sane get no false alarm; those whose alarm is right keep it."""

from __future__ import annotations

import datetime
import json
import re
import shlex
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.hazards import Hazards, rank
from memkit.versions import KNOWN_QEMU

DATA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data/production/lines.json").read_text(encoding="utf-8")
)
SANE, ALARMING = (
    [pytest.param(line, id=line["id"]) for line in DATA[kind]] for kind in ("lines", "alarming")
)
MAY_BE_READ = ("security", "silent-misbehaviour", "performance")


def host_of(line: dict[str, Any]) -> memkit.Host:
    """The host that the line expects: a named one, with the files and directories of this line."""
    host = dict(DATA["hosts"][line["host"]])
    host["directories"] = [*host["directories"], *line.get("directories", ())]
    return memkit.Host.from_dict({**host, "files": line.get("files", {})})


@cache
def found(name: str) -> Hazards:
    """The hazards of the line of this name; each line is booted once for all tests."""
    line = next(line for kind in ("lines", "alarming") for line in DATA[kind] if line["id"] == name)
    guest = memkit.boot(
        shlex.split(line["line"]), target=line["target"], qemu=line["qemu"], host=host_of(line)
    )
    return guest.hazards()


@pytest.mark.parametrize("line", SANE)
def test_a_sane_line_gets_no_alarm_as_bad_as_security(line: dict[str, Any]) -> None:
    assert [h.id for h in found(line["id"]) if rank(h.severity) <= rank("security")] == []


@pytest.mark.parametrize("line", SANE)
def test_a_sane_line_is_not_buried_in_findings(line: dict[str, Any]) -> None:
    assert len([h for h in found(line["id"]) if h.severity in MAY_BE_READ]) <= 3


@pytest.mark.parametrize("line", [*SANE, *ALARMING])
def test_a_line_has_the_hazards_that_were_judged(line: dict[str, Any]) -> None:
    hazards = found(line["id"])
    assert (line["worst"], line["hazards"]) == (hazards.worst, sorted(h.id for h in hazards))


@pytest.mark.parametrize("line", ALARMING)
def test_a_right_alarm_is_told_why(line: dict[str, Any]) -> None:
    assert rank(line["worst"]) <= rank("silent-misbehaviour")
    assert line["why"].endswith(".")


@pytest.mark.parametrize("line", [*SANE, *ALARMING])
def test_a_line_says_where_and_when_it_was_found_and_what_was_changed(line: dict[str, Any]) -> None:
    assert re.fullmatch(r"https://[^\s]+", line["source"])
    assert datetime.date.fromisoformat(line["found"])
    assert line["qemu"] in KNOWN_QEMU
    assert line["title"]
    assert line["line"] == " ".join(line["line"].split())
    # Nobody's home, name or network card.
    assert not re.search(r"/home/[a-z]+/|-uuid|52:54:00:", line["line"])


def test_there_are_many_lines_of_many_kinds() -> None:
    names = Counter(line["id"] for kind in ("lines", "alarming") for line in DATA[kind])
    assert set(names.values()) == {1}
    assert len(DATA["lines"]) >= 45
    assert {line["kind"] for line in DATA["lines"]} >= {
        "confidential", "cxl", "dpdk", "huge pages", "ivshmem", "kata", "libvirt", "microvm", "nested",
        "numa", "nvdimm", "openstack", "proxmox", "realtime", "spdk", "vfio", "vhost-user", "virtio-mem",
        "virtio-pmem", "virtiofs",
    }
