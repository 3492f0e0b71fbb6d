"""What was read before is read the same again, and its mistakes and warnings are told each time."""

from __future__ import annotations

import dataclasses

import pytest

from memkit.config import parse
from memkit.config.remembered import REMEMBERED, remember
from memkit.errors import Refused

RAM = "-object memory-backend-ram,id=m,size=1G"


def test_a_line_means_the_same_the_second_time() -> None:
    REMEMBERED.clear()
    line = f"{RAM} -device pc-dimm,id=d,memdev=m -device VGA"
    first, second = parse(line), parse(line)
    assert first == second
    assert [(o.qom_type, o.id, dict(o.props)) for o in first.objects] == [
        (o.qom_type, o.id, dict(o.props)) for o in second.objects
    ]
    assert first.devices == second.devices


def test_each_object_points_at_the_option_of_its_own_line() -> None:
    for line in (f"-m 1G {RAM}", RAM):
        config = parse(line)
        assert config.objects[0].option is config.options[-1]


def test_options_that_are_complete_stay_the_same_options() -> None:
    config = parse(f"-m 1G {RAM} -device VGA")
    again = dataclasses.replace(config, program="qemu")
    assert again.objects[0].option is config.options[1]
    assert again.devices[0].option is config.options[2]


def test_an_id_is_taken_once_however_often_the_option_was_read() -> None:
    parse(RAM)
    with pytest.raises(Refused, match="Duplicate ID 'm' for object"):
        parse(f"{RAM} {RAM}")
    assert len(parse("-device VGA -device VGA").devices) == 2


def test_a_warning_comes_each_time() -> None:
    line = f"{RAM},share"
    assert parse(line).warnings == parse(line).warnings != ()


def test_a_mistake_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(Refused, match="Invalid parameter 'nope'"):
            parse(f"{RAM},nope=1")


def test_each_release_reads_for_itself() -> None:
    line = "-object memory-backend-file,id=f,size=1G,mem-path=/dev/shm,rom=off"
    assert parse(line, "8.2").objects[0].props["rom"] == "off"
    with pytest.raises(Refused, match="Invalid parameter 'rom'"):
        parse(line, "7.2")


def test_the_memory_is_bounded_in_number_and_length() -> None:
    memory: dict[int, int] = {}
    for number in range(5000):
        remember(memory, number, number, 10)
    assert len(memory) <= 4096
    remember(memory, -1, 0, 301)
    assert -1 not in memory


def test_an_option_whose_warning_was_one_too_many_still_warns_next_time() -> None:
    backends = [f"-object memory-backend-ram,id=m{number},size=1G,share" for number in range(120)]
    parse(" ".join(backends))
    assert len(parse(backends[-1]).warnings) == 1
