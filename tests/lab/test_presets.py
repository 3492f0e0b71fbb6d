"""The presets are the talk's command lines, and say truly which of them QEMU 7.2 refuses."""

from __future__ import annotations

import subprocess

import pytest

from memkit.boot import boot
from memkit.errors import Refused
from memkit.lab.presets import PRESETS, Preset, preset

EVERY = pytest.mark.parametrize("chosen", PRESETS, ids=lambda p: p.title)


@EVERY
def test_a_preset_boots_or_is_refused_as_it_says(chosen: Preset) -> None:
    said = ""
    try:
        boot(chosen.text)
    except Refused as error:
        said = error.message

    assert said.startswith(chosen.refused)
    assert bool(said) == bool(chosen.refused)


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


def test_labels_warn_of_a_refusal() -> None:
    assert {"(refused today)"} == {p.label[-15:] for p in PRESETS if p.refused}


def test_an_unknown_title_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(KeyError, match="there are: 4 GiB, "):
        preset("5 GiB")


# The others take huge pages or make a file on the machine; the model's Host is only described.
HARMLESS = [p for p in PRESETS if "mem-path" not in p.text or "-M pc,nvdimm " in p.text]


@pytest.mark.needs_qemu
@pytest.mark.parametrize("chosen", HARMLESS, ids=lambda p: p.title)
def test_a_real_qemu_agrees_about_the_presets(chosen: Preset, qemu: str) -> None:
    asked = subprocess.run(
        [qemu, *chosen.text.split(), "-S", "-display", "none", "-nodefaults", "-monitor", "stdio"],
        input="quit\n", capture_output=True, text=True, timeout=60, check=False,
    )

    assert bool(chosen.refused) == bool(asked.returncode)
    assert chosen.refused in asked.stderr
