"""Printing and parsing are inverse, and an edit leaves all that it does not change as the user wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import captures

import memkit
from memkit.config import Config, Option, parse

LINES = [capture.argv for capture in captures()]
SIZES = st.sampled_from(("512M", "1G", "3.5G", "6144", 1 << 30, 5 << 30))
lines = st.sampled_from(LINES)


def read(argv: list[str]) -> Config | None:
    """The Config of a recorded line; None for one that the option loop refuses."""
    try:
        return parse(argv)
    except memkit.Refused:
        return None


def others(config: Config, *names: str) -> list[Option]:
    return [option for option in config.options if option.name not in names]


@given(lines)
def test_argv_and_text_come_back_as_they_were(argv: list[str]) -> None:
    config = read(argv)
    if config is None:
        return
    assert argv == config.argv()
    assert config == parse(config.text()) == parse(config.argv())
    assert config.text() == parse(config.text()).text()


@pytest.mark.parametrize("line", [
    "--m 4G -M q35", "-m size=4G,", "-machine type=q35,usb=on -no-acpi",
    "-M q35 -M usb=off -m 1G -m slots=2,maxmem=4G",
    "-object '{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1048576}'", "disk.img -m 1G",
    "qemu-system-x86_64 -name 'a b' -kernel k -append ''", "-device pc-dimm,memdev=a,,b,id=d",
])
def test_a_line_is_printed_as_it_was_written(line: str) -> None:
    assert line == parse(line).text()


@given(lines, SIZES)
def test_with_memory_changes_m_alone(argv: list[str], size: str | int) -> None:
    config = read(argv)
    if config is None:
        return
    try:
        edited = config.with_memory(size=size, slots=None, maxmem=None)
    except memkit.Refused:
        return
    assert others(config, "m") == others(edited, "m")
    expected = {"512M": 512 << 20, "1G": 1 << 30, "3.5G": 3584 << 20, "6144": 6 << 30}.get(str(size), size)
    memory = edited.memory_options()
    assert (expected, None, None) == (memory.size, memory.slots, memory.maxmem)


@given(lines, st.sampled_from(("pc", "q35", "microvm")))
def test_with_machine_changes_machine_alone(argv: list[str], machine: str) -> None:
    config = read(argv)
    if config is None:
        return
    edited = config.with_machine(machine)
    assert machine == edited.machine_type
    assert others(config, "machine") == others(edited, "machine")
    assert {k: v for k, v in config.machine.items() if k != "type"} == {
        k: v for k, v in edited.machine.items() if k != "type"
    }


@given(lines, SIZES)
def test_what_is_added_at_the_end_is_taken_away_again(argv: list[str], size: str | int) -> None:
    config = read(argv)
    if config is None or "added" in str(argv):
        return
    edited = config.with_backend("memory-backend-ram", "added", size=size, share=True)
    edited = edited.with_device("pc-dimm", memdev="added", id="added-dimm")
    assert config.options == edited.options[:-2]
    assert "-object" == edited.options[-2].word
    assert config == edited.without_object("added")


@given(lines, st.data())
def test_an_option_can_be_replaced_and_left_out(argv: list[str], data: st.DataObject) -> None:
    config = read(argv)
    if config is None:
        return
    place = data.draw(st.integers(0, len(config.options) - 1))
    option = config.options[place]
    try:
        left = config.without(option)
    except memkit.Refused:
        return
    assert [*config.options[:place], *config.options[place + 1:]] == list(left.options)
    same = config if option.value is None else config.replace(option, option.value)
    assert config == same == config.replace(option, option)


@pytest.mark.parametrize(("line", "changes", "expected"), [
    ("-m 4G", {"size": "8G"}, "-m 8G"),
    ("-m size=4G,slots=2,maxmem=8G", {"size": 6 << 30}, "-m size=6G,slots=2,maxmem=8G"),
    ("-m slots=2,maxmem=8G", {"size": "1G"}, "-m 1G,slots=2,maxmem=8G"),
    ("-M q35", {"size": "1G"}, "-M q35 -m 1G"),
    ("-m 4G,slots=2,maxmem=8G -S", {"slots": None, "maxmem": None}, "-m 4G -S"),
    ("-m 4G -S", {"size": None}, "-S"),
    ("-m 1G -m slots=2,maxmem=4G", {"size": "2G"}, "-m 2G -m slots=2,maxmem=4G"),
    ("-m 1G -m 2G", {"size": "3G"}, "-m 1G -m 3G"),
    ("--m 4G", {"slots": 4, "maxmem": 16 << 30}, "--m 4G,slots=4,maxmem=16G"),
])
def test_with_memory(line: str, changes: dict[str, object], expected: str) -> None:
    assert expected == parse(line).with_memory(**changes).text()


@pytest.mark.parametrize(("line", "type_", "changes", "expected"), [
    ("-m 1G", "q35", {}, "-m 1G -machine q35"),
    ("-M pc -m 1G", "q35", {}, "-M q35 -m 1G"),
    ("-machine type=pc,usb=on", "q35", {}, "-machine type=q35,usb=on"),
    ("-machine usb=on,type=pc", "q35", {}, "-machine usb=on,type=q35"),
    ("-M pc", None, {"nvdimm": True}, "-M pc,nvdimm=on"),
    ("-M pc,nvdimm=on", None, {"nvdimm": None}, "-M pc"),
    ("-M nvdimm=on -S", None, {"nvdimm": None}, "-S"),
    ("-M pc,memory_backend=a", None, {"memory_backend": "b"}, "-M pc,memory-backend=b"),
    ("-M pc -M usb=on", None, {"usb": False}, "-M pc -M usb=off"),
    ("-M pc -M usb=on", None, {"hpet": False}, "-M pc -M usb=on,hpet=off"),
])
def test_with_machine(line: str, type_: str | None, changes: dict[str, object], expected: str) -> None:
    assert expected == parse(line).with_machine(type_, **changes).text()


def test_without_object_takes_all_that_shows_it() -> None:
    config = parse(
        "-M q35,memory-backend=a,usb=on -object memory-backend-ram,id=a,size=1G "
        "-object memory-backend-ram,id=b,size=1G "
        "-numa node,memdev=a -numa node,memdev=b -device pc-dimm,memdev=a,id=x -device "
        "'{\"driver\":\"pc-dimm\",\"memdev\":\"a\"}' -S"
    )
    assert (
        "-M q35,usb=on -object memory-backend-ram,id=b,size=1G -numa node,memdev=b -S"
        == config.without_object("a").text()
    )


def test_values_with_commas_are_doubled_and_come_back() -> None:
    config = parse("-S").with_backend("memory-backend-file", "a", size="1G", mem_path="/x,y")
    assert "-S -object memory-backend-file,id=a,size=1G,mem-path=/x,,y" == config.text()
    assert "/x,y" == config.objects[0].props["mem-path"]


def test_an_edit_that_qemu_would_refuse_is_refused() -> None:
    config = parse("-m 1G -object memory-backend-ram,id=a,size=1G")
    with pytest.raises(memkit.Refused, match="Parameter 'size' expects"):
        config.with_memory(size="x")
    with pytest.raises(memkit.Refused, match="Duplicate ID 'a' for object"):
        config.with_backend("memory-backend-ram", "a", size="1G")


def test_an_option_that_is_not_there_cannot_be_replaced() -> None:
    with pytest.raises(memkit.MemkitError, match="has no option '-S'"):
        parse("-m 1G").without(Option("S", "-S"))


@pytest.mark.parametrize(
    ("word", "value"), [("m", "1G"), ("-foo", None), ("-m", None), ("-S", "x"), ("", None)]
)
def test_with_option_takes_options_only(word: str, value: str | None) -> None:
    with pytest.raises(memkit.CommandLineError):
        parse("-m 1G").with_option(word, value)
