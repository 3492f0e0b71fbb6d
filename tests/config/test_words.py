"""A pasted line becomes words as a shell would make them; what is around the command is dropped."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.config.words import split
from memkit.errors import CommandLineError


@pytest.mark.parametrize(("line", "words"), [
    ("-m 4G", ["-m", "4G"]),
    ("  -m\t4G \n", ["-m", "4G"]),
    ("-m 4G \\\n  -M q35", ["-m", "4G", "-M", "q35"]),
    ("-m 4G \\  \n  -M q35", ["-m", "4G", "-M", "q35"]),
    ("-name 'a b' -m \"4G\"", ["-name", "a b", "-m", "4G"]),
    ("-name a' 'b\"c\"\\ d", ["-name", "a bc d"]),
    ("-name \"a \\\"b\\\" \\$c \\n\"", ["-name", 'a "b" $c \\n']),
    ("-object '{\"qom-type\":\"x\"}'", ["-object", '{"qom-type":"x"}']),
    ("-object {\"qom-type\": \"a b\", \"c\": {}} -S", ["-object", '{"qom-type": "a b", "c": {}}', "-S"]),
    ("-m 4G &", ["-m", "4G"]),
    ("-append a&b", ["-append", "a&b"]),
    ("-m $SIZE", ["-m", "$SIZE"]),
    ("", []),
    ("-m 4\u00a0G", ["-m", "4\u00a0G"]),
])
def test_a_line_is_split_at_a_shells_blanks_and_quotes(line: str, words: list[str]) -> None:
    assert (None, "", words) == split(line)


@pytest.mark.parametrize(("line", "target", "program"), [
    ("qemu-system-x86_64 -m 4G", "x86_64", "qemu-system-x86_64"),
    ("/usr/bin/qemu-system-i386 -m 4G", "i386", "/usr/bin/qemu-system-i386"),
    ("$ qemu-system-x86_64 -m 4G", "x86_64", "qemu-system-x86_64"),
    ("root@host:~# LC_ALL=C sudo qemu-system-aarch64 -m 4G", "aarch64", "qemu-system-aarch64"),
    ("2024-01-01 12:00:00.000+0000: starting up libvirt PATH=/bin /usr/bin/qemu-kvm -m 4G", "x86_64",
     "/usr/bin/qemu-kvm"),
    ("qemu-system-x86_64-microvm -m 4G", "x86_64", "qemu-system-x86_64-microvm"),
])
def test_a_program_in_front_names_the_target(line: str, target: str, program: str) -> None:
    assert (target, program, ["-m", "4G"]) == split(line)


def test_a_prompt_without_a_program_is_dropped_from_text_but_never_from_argv() -> None:
    assert (None, "", ["-m", "4G"]) == split("$ -m 4G")
    assert (None, "", ["A=1", "-m", "4G"]) == split(["A=1", "-m", "4G"])


def test_an_argv_list_may_start_with_the_program() -> None:
    assert ("x86_64", "qemu-system-x86_64", ["-m", "1 G"]) == split(["qemu-system-x86_64", "-m", "1 G"])


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)))
def test_what_a_shell_quotes_comes_back_word_by_word(words: list[str]) -> None:
    line = shlex.join(["qemu-system-x86_64", *words])
    assert ("x86_64", "qemu-system-x86_64", words) == split(line)


@pytest.mark.parametrize(("line", "position"), [("-m 'x", 3), ('-m a"x', 4), ("-m \\", 3), ("-m \x07", 3)])
def test_what_cannot_be_split_is_an_error_with_its_position(line: str, position: int) -> None:
    with pytest.raises(CommandLineError) as caught:
        split(line)
    assert position == caught.value.position
