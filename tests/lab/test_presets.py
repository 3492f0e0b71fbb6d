"""The presets are the talk's command lines, and say truly which QEMU refuses them."""

from __future__ import annotations

import re
import subprocess

import pytest

from memkit.boot import boot
from memkit.errors import Refused
from memkit.lab.presets import PRESETS, Preset, preset
from memkit.versions import KNOWN_QEMU

EVERY = pytest.mark.parametrize("chosen", PRESETS, ids=lambda p: p.title)


@EVERY
@pytest.mark.parametrize("qemu", KNOWN_QEMU)
def test_a_preset_boots_or_is_refused_as_it_says(chosen: Preset, qemu: str) -> None:
    said = ""
    try:
        boot(chosen.text, qemu=qemu)
    except Refused as error:
        said = error.message

    assert bool(said) == chosen.refused_by(qemu)
    assert not said or chosen.refused in said


@pytest.mark.parametrize(
    ("title", "boots", "refused"),
    [("room for hotplug", "7.0", "7.1"), ("room for hotplug, with the address bits", "6.0", "5.2"),
     ("an NVDIMM, as in 2018", "6.0", "6.1"), ("more than the pool has", "4.2", "5.0")],
)
def test_a_refusal_begins_or_ends_with_a_release(title: str, boots: str, refused: str) -> None:
    assert (False, True) == (preset(title).refused_by(boots), preset(title).refused_by(refused))


@pytest.mark.parametrize(
    "words",
    ["-m 4G", "-m size=4G", "-m 4G,slots=3,maxmem=1T", "-mem-path /dev/hugepages",
     "-mem-path /dev/hugepages/foo", "-mem-prealloc",
     "-m 8G -object memory-backend-file,id=mem,mem-path=/dev/hugepages,size=8G "
     "-numa node,nodeid=0,memdev=mem",
     "-m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1",
     "nvdimm -m 4G,slots=4,maxmem=16G -object memory-backend-file,id=n1,size=4G,mem-path=",
     "-device nvdimm,id=ndimm1,memdev=n1"],
)
def test_every_command_line_of_the_talk_is_there(words: str) -> None:
    assert [p.text for p in PRESETS if words in p.text]


def test_titles_and_lines_are_unique() -> None:
    assert len(PRESETS) == len({p.title for p in PRESETS}) == len({p.text for p in PRESETS})


def test_labels_warn_of_a_refusal_by_the_qemu_that_answers() -> None:
    chosen = preset("an NVDIMM, as in 2018")

    assert "an NVDIMM, as in 2018 (refused by 11.1)" == chosen.label("11.1")
    assert "an NVDIMM, as in 2018" == chosen.label("5.2")


def test_an_unknown_title_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(KeyError, match="there are: 4 GiB, "):
        preset("5 GiB")


# The others take huge pages or make a file on the machine; the model's Host is only described.
HARMLESS = [p for p in PRESETS if "mem-path" not in p.text or "-M pc,nvdimm " in p.text]


@pytest.mark.needs_qemu
@pytest.mark.parametrize("chosen", HARMLESS, ids=lambda p: p.title)
def test_a_real_qemu_agrees_about_the_presets(chosen: Preset, qemu: str) -> None:
    told = subprocess.run([qemu, "--version"], capture_output=True, text=True, timeout=60, check=True)
    version = re.search(r"version (\d+\.\d+)", told.stdout)
    assert version
    refused = chosen.refused_by(version[1])
    asked = subprocess.run(
        [qemu, *chosen.text.split(), "-S", "-display", "none", "-nodefaults", "-monitor", "stdio"],
        input="quit\n", capture_output=True, text=True, timeout=60, check=False,
    )

    assert refused == bool(asked.returncode)
    assert not refused or chosen.refused in asked.stderr
