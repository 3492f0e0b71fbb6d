"""Options are looked up in a first pass, so an unknown one is reported before any other mistake."""

from __future__ import annotations

import subprocess

import pytest

import memkit
from memkit.config import parse
from memkit.config.options import TAKES_ARGUMENT, known_options
from memkit.versions import KNOWN_QEMU


def refusal(line: str | list[str]) -> memkit.Refused:
    with pytest.raises(memkit.Refused) as caught:
        parse(line)
    return caught.value


def test_one_dash_and_two_mean_the_same_and_are_kept_as_written() -> None:
    config = parse("--m 4G -M q35 --nodefaults")
    assert ["m", "machine", "nodefaults"] == [option.name for option in config.options]
    assert "--m 4G -M q35 --nodefaults" == config.text()


def test_an_unknown_option_comes_before_a_wrong_argument() -> None:
    error = refusal("-m x -foo")
    assert "-foo: invalid option" == error.message
    assert 2 == error.position


@pytest.mark.parametrize(("line", "message"), [
    ("-foo", "-foo: invalid option"), ("--foo", "--foo: invalid option"), ("-", "-: invalid option"),
    ("---m 4G", "---m: invalid option"), ("-memory 4G", "-memory: invalid option"),
    ("-soundhw hda", "-soundhw: invalid option"), ("-no-kvm", "-no-kvm: invalid option"),
    ("-m", "-m: requires an argument"), ("-object", "-object: requires an argument"),
    ("-nodefaults -M", "-M: requires an argument"),
    ("-xen-domid 1", "-xen-domid 1: Option not supported for this target"),
    ("-g 800x600", "-g 800x600: Option not supported for this target"),
])
def test_wrong_options_get_qemus_own_words(line: str, message: str) -> None:
    assert message == refusal(line).message


def test_a_misspelt_option_gets_the_names_that_are_near() -> None:
    assert "did you mean -object?" == refusal("-objct x").hint
    assert "-help lists all options" in refusal("-zzzz").hint


def test_an_option_takes_the_next_word_even_if_it_looks_like_an_option() -> None:
    assert "-M" == parse("-name -M").options[0].value


def test_positions_count_words_of_argv() -> None:
    config = parse(["-nodefaults", "disk.img", "-m", "1G", "-S"])
    assert [0, 1, 2, 4] == [option.index for option in config.options]


# Help and version end QEMU, readconfig would open a file, and the others have a fixed grammar.
UNLIKE = {
    "help", "h", "version", "audio-help", "readconfig", "xen-domid", "xen-attach", "xen-domid-restrict", "g",
    "prom-env", "semihosting", "semihosting-config", "old-param",
}


@pytest.mark.parametrize(("qemu", "name"), [
    (qemu, name) for qemu in KNOWN_QEMU for name in sorted(known_options(qemu) - UNLIKE)
])
def test_every_option_of_x86_is_known_with_and_without_its_argument(qemu: str, name: str) -> None:
    argv = [f"-{name}", *(["x"] if name in TAKES_ARGUMENT else [])]
    said = ""
    try:
        assert argv == parse(argv, qemu).argv()
    except memkit.Refused as error:
        said = error.message
    assert not said or said.startswith((f"-{name} x: ", "-sdl: SDL")) or name in ("append", "initrd", "shim")
    assert "invalid option" not in said
    assert "requires an argument" not in said


@pytest.mark.parametrize(("name", "releases"), [
    ("soundhw", ["5.2"]), ("realtime", ["5.2"]), ("audio", ["7.2", "8.2", "10.0", "11.1"]),
    ("no-acpi", ["5.2", "7.2", "8.2"]), ("run-with", ["8.2", "10.0", "11.1"]), ("shim", ["10.0", "11.1"]),
    ("async-teardown", ["7.2", "8.2"]), ("m", list(KNOWN_QEMU)),
])
def test_an_option_is_known_in_the_releases_that_have_it(name: str, releases: list[str]) -> None:
    assert releases == [qemu for qemu in KNOWN_QEMU if name in known_options(qemu)]


def test_an_option_that_a_release_lacks_is_an_unknown_one() -> None:
    with pytest.raises(memkit.Refused, match=r"^-soundhw: invalid option"):
        parse("-soundhw hda", "7.2")
    with pytest.raises(memkit.Refused, match=r"^-no-hpet: invalid option"):
        parse("-no-hpet", "10.0")


@pytest.mark.needs_qemu
def test_the_options_are_those_that_the_installed_qemu_helps_with() -> None:
    command = ["qemu-system-x86_64", "-help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # "-hda/-hdb file" are two.
    heads = [line.split()[0] for line in text.splitlines() if line[:1] == "-"]
    names = {name.lstrip("-") for head in heads for name in head.split("/")}
    assert set() == names - known_options("7.2")


def test_asking_for_help_is_no_refusal() -> None:
    asking = ("-h", "-help", "-version", "-M help", "-m 1G,help", "-device help", "-cpu ?", "-object help")
    for line in asking:
        with pytest.raises(memkit.CommandLineError, match="starts no guest"):
            parse(line)


def test_readconfig_is_refused_politely() -> None:
    error = refusal("-m 1G -readconfig my.cfg")
    assert "-readconfig my.cfg: the model opens no file, so it cannot read a configuration" == error.message
    assert "write the file's options on the command line" == error.hint
    assert 2 == error.position
