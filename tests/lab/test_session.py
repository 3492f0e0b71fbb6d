"""Text leads, controls rewrite it, and whatever is written ends in a State with a guest or a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.errors import CommandLineError, MemkitError, Refused
from memkit.host import Host, Mount
from memkit.lab import session
from memkit.lab.presets import DIMM, PRESETS
from memkit.lab.session import (
    State,
    added,
    back,
    removed,
    start,
    typed,
    uncompared,
    with_machine,
    with_maxmem,
    with_qemu,
    with_size,
)
from memkit.lab.wishes import Wish
from memkit.versions import KNOWN_QEMU

GIB = 1 << 30


def test_a_line_that_boots_has_a_guest_and_no_problem() -> None:
    state = start("-m 4G")

    assert state.guest
    assert ("pc-i440fx-7.2", None, False) == (state.guest.machine_type, state.problem, state.stale)


def test_argv_lists_are_lines_too() -> None:
    assert "-name 'a b'" == start(["-name", "a b"]).text
    assert "-m 4G -name 'a b'" == start(session.parse(["-m", "4G", "-name", "a b"])).text


@pytest.mark.parametrize("line", [5, None, ["-m", 4], b"-m 4G"])
def test_what_is_no_line_at_all_is_refused_at_once(line: object) -> None:
    with pytest.raises(CommandLineError, match="text"):
        start(line)  # type: ignore[arg-type]


def test_a_refused_line_keeps_the_last_guest_and_says_qemus_words() -> None:
    good = start("-m 4G")
    bad = typed(good, "-m 4G -device pc-dimm,memdev=x")

    assert good.guest is bad.guest
    assert bad.problem
    assert bad.stale
    assert bad.problem.by_qemu
    assert ("-device pc-dimm,memdev=x: Device 'x' not found", "-device pc-dimm,memdev=x", "word 3") == (
        bad.problem.message, bad.problem.word, bad.problem.place)
    assert bad.controls  # the line can be read, so controls still work on it


def test_a_line_that_cannot_be_read_has_no_controls_but_keeps_the_guest() -> None:
    good = start("-m 4G")
    bad = typed(good, "-m '4G")

    assert (None, None) == (bad.config, bad.controls)
    assert good.guest is bad.guest
    assert bad.problem
    assert not bad.problem.by_qemu
    assert ("'4G", "character 4") == (bad.problem.word, bad.problem.place)


def test_a_line_that_never_booted_has_no_guest() -> None:
    state = start("-m 4Gx")

    assert (None, "") == (state.guest, state.good_text)
    assert state.problem


def test_the_next_line_that_boots_ends_the_problem() -> None:
    state = typed(typed(start("-m 4G"), "-m x"), "-m 2G")

    assert state.problem is None
    assert state.guest
    assert 2 * GIB == state.guest.ram_blocks[0].used_length


def test_back_is_the_last_line_that_booted() -> None:
    assert "-m 4G" == back(typed(typed(start("-m 4G"), "-m x"), "-m y")).text


def test_a_control_changes_only_its_word() -> None:
    line = "-M q35 \\\n -m '4G',slots=2,maxmem=16G -name 'my guest'"

    assert "-M q35 \\\n -m 8G,slots=2,maxmem=16G -name 'my guest'" == with_size(start(line), 8 * GIB).text
    assert "-M pc \\\n -m '4G',slots=2,maxmem=16G -name 'my guest'" == with_machine(start(line), "pc").text


@pytest.mark.parametrize(
    ("line", "change", "result"),
    [
        ("-m 4G", lambda s: with_size(s, " 8G "), "-m 8G"),
        ("-m 4G,slots=1,maxmem=8G", lambda s: with_size(s, ""), "-m slots=1,maxmem=8G"),
        ("-m 4G", lambda s: with_maxmem(s, "8G"), "-m 4G,maxmem=8G"),
        ("-m 4G,maxmem=8G", lambda s: with_maxmem(s, " "), "-m 4G"),
        ("-m 4G,maxmem=8G", lambda s: session.with_slots(s, 2), "-m 4G,maxmem=8G,slots=2"),
        ("-m 4G,slots=2,maxmem=8G", lambda s: session.with_slots(s, 0), "-m 4G,maxmem=8G"),
        ("-m 4G,slots=2,maxmem=8G", lambda s: added(s, Wish()), "-m 4G,slots=2,maxmem=8G "
         "-object memory-backend-ram,id=mem1,size=1G -device pc-dimm,id=dimm1,memdev=mem1"),
        (DIMM.text, lambda s: removed(s, "m1"), "-M q35 -m 4G,slots=4,maxmem=16G"),
        ("-m 4G", lambda s: with_machine(s, "q35"), "-m 4G -machine q35"),
    ],
)
def test_each_control_writes_its_words(line: str, change: object, result: str) -> None:
    state = change(start(line))  # type: ignore[operator]

    assert (result, None) == (state.text, state.problem)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: with_size(s, "4Gx"), "-m 4Gx,slots=4,maxmem=16G: Parameter 'size' expects a non-negative "
                                        "number below 2^64"),
        (lambda s: added(s, Wish(size="much")), "the size of the new memory: 'much' is not a size; write a "
                                                "number with k, M, G or T, such as 512M"),
        (lambda s: with_maxmem(s, "x"), "-m 4G,slots=4,maxmem=x: Parameter 'maxmem' expects a non-negative "
                                        "number below 2^64"),
    ],
)
def test_a_refused_control_leaves_the_line_and_says_why(change: object, said: str) -> None:
    good = start(DIMM.text)
    state = change(good)  # type: ignore[operator]

    assert (good.text, good.guest) == (state.text, state.guest)
    assert state.problem
    assert said == state.problem.message.splitlines()[0]
    assert not state.problem.in_line


def test_a_control_can_make_a_line_that_qemu_refuses_later() -> None:
    state = with_size(start("-m 4G,slots=1,maxmem=8G"), 16 * GIB)

    assert "-m 16G,slots=1,maxmem=8G" == state.text
    assert state.problem
    assert state.problem.message.startswith("invalid value of maxmem: maximum memory size")
    assert with_size(state, 4 * GIB).problem is None


def test_controls_of_a_line_that_cannot_be_read_do_nothing() -> None:
    bad = typed(start("-m 4G"), "-m '")

    assert bad is with_size(bad, GIB) is with_machine(bad, "q35") is added(bad, Wish())


def test_warnings_of_qemu_are_kept_also_where_the_line_is_refused_later() -> None:
    short = "-object memory-backend-ram,id=a,size=1G,share"
    warned = (f"{short}: warning: short-form boolean option 'share' deprecated\n"
              "Please use share=on instead",)

    assert warned == start(short).warnings
    assert warned == start(f"{short} -device pc-dimm,memdev=x").warnings
    assert () == start("-m '").warnings


def test_the_host_of_the_session_decides() -> None:
    line = "-m 1G -mem-path /dev/hugepages"

    assert start(line).problem is None
    assert start(line, Host(mounts={"/dev/hugepages": Mount("hugetlbfs", 2 << 20, 8)})).problem


@given(st.text(max_size=60))
def test_any_text_ends_in_a_guest_or_a_message(text: str) -> None:
    good = start("-m 1G")
    state = typed(good, text)

    assert text == state.text
    assert state.guest
    assert (state.problem is None) or state.problem.message
    assert state.stale == (state.good_text != text) or state.good_text == text == good.text


LINES = st.sampled_from([p.text for p in PRESETS])
MANGLED = st.builds(
    lambda text, at, junk: text[:at % (len(text) + 1)] + junk + text[at % (len(text) + 1):],
    LINES, st.integers(0, 300), st.text("0123456789GMkx=,-' \"\\\n{}é\x00", max_size=4),
)
ACTS = st.one_of(
    st.builds(lambda v: lambda s: with_size(s, v), st.one_of(st.text(max_size=8), st.integers(0, 1 << 66))),
    st.builds(lambda v: lambda s: with_maxmem(s, v), st.text(max_size=8)),
    st.builds(lambda v: lambda s: with_machine(s, v), st.one_of(st.text(max_size=8), st.just("q35"))),
    st.builds(lambda v: lambda s: session.with_slots(s, v), st.integers(-5, 1 << 40)),
    st.builds(lambda v: lambda s: with_qemu(s, v), st.sampled_from(KNOWN_QEMU)),
    st.builds(lambda v: lambda s: removed(s, v), st.sampled_from(["m1", "n1", "mem", "mem1", "?"])),
    st.builds(
        lambda *v: lambda s: added(s, Wish(*v)), st.sampled_from(["dimm", "numa", "main", "virtio-mem"]),
        st.sampled_from(["ram", "file"]), st.one_of(st.text(max_size=5), st.just("1G")), st.booleans(),
        st.text(max_size=5), st.booleans(),
    ),
)


@given(MANGLED, st.lists(ACTS, max_size=3))
def test_any_input_in_any_box_keeps_the_session_alive(text: str, acts: list) -> None:
    state: State = start(text)
    for act in acts:
        state = act(state)

        assert state.problem is None or state.problem.message
        if state.config is not None:
            assert session.parse(state.text, state.version).argv() == state.config.argv()
            assert state.controls


def test_edits_read_back_as_the_config_they_made() -> None:
    state = start("-m 1G -name 'x y'")
    for kind in ("dimm", "nvdimm", "numa", "ivshmem"):
        state = added(state, Wish(kind))
    assert state.problem is None
    assert session.parse(state.text) == state.config


# -- another QEMU


def test_another_qemu_reads_the_same_line() -> None:
    state = with_qemu(start("-M q35  -m 4G"), "11.1")

    assert state.guest
    assert state.config
    assert ("-M q35  -m 4G", "pc-q35-11.1", "11.1", "11.1") == (
        state.text, state.guest.machine_type, state.guest.qemu, state.config.qemu)
    assert ("7.2", "11.1", "11.1") == (state.before, state.version, state.good_qemu)


def test_the_same_qemu_changes_nothing() -> None:
    state = start("-m 4G", qemu="10.2")

    assert state is with_qemu(state, "10.0")


@pytest.mark.parametrize("qemu", ["new", "1.0", "", "9" * 400])
def test_nonsense_for_a_version_is_refused_at_once(qemu: str) -> None:
    with pytest.raises(MemkitError, match=r"7\.2"):
        start("-m 4G", qemu=qemu)


def test_a_config_brings_its_qemu() -> None:
    config = session.parse("-m 4G", "10.0")

    assert ("10.0", "11.1") == (start(config).version, start(config, qemu="11.1").version)


def test_a_line_that_only_the_other_qemu_refuses_comes_back_unharmed() -> None:
    good = start("-M pc-i440fx-3.1 -m 4G")
    bad = with_qemu(good, "11.1")

    assert bad.problem
    assert bad.problem.by_qemu
    assert bad.problem.message.startswith('unsupported machine type: "pc-i440fx-3.1"')
    assert (good.text, good.guest) == (bad.text, bad.guest)
    for again in (back(bad), with_qemu(bad, "7.2")):
        assert (good.text, "7.2", None) == (again.text, again.version, again.problem)
        assert again.guest
        assert "pc-i440fx-3.1" == again.guest.machine_type
    assert "" == back(bad).before


def test_a_line_that_was_never_read_is_read_by_the_next_qemu() -> None:
    state = with_qemu(start("-m 4G -M pc-i440fx-11.1"), "11.1")

    assert state.problem is None
    assert state.difference
    assert isinstance(state.difference.before, Refused)
    assert state.drawable is None


def test_a_switch_is_compared_with_the_version_before_it_until_that_is_ended() -> None:
    state = with_qemu(with_qemu(start("-M q35 -m 4G"), "10.0"), "11.1")

    assert state.difference
    assert ("QEMU 10.0", "QEMU 11.1") == state.difference.names
    assert "The machine type q35 now means pc-q35-11.1, not pc-q35-10.0." in state.difference.sentences
    assert state.drawable is state.difference
    assert uncompared(state).difference is None


def test_nothing_is_compared_without_a_switch_or_without_a_line() -> None:
    assert start("-m 4G").difference is None
    assert typed(with_qemu(start("-m 4G"), "10.0"), "-m '").difference is None


def test_edits_are_read_by_the_qemu_that_was_chosen_and_compared_as_well() -> None:
    state = with_size(with_qemu(start("-M q35 -m 4G"), "11.1"), 8 * GIB)

    assert state.guest
    assert state.config
    assert ("11.1", "11.1", 8 * GIB) == (
        state.guest.qemu, state.config.qemu, state.guest.ram_blocks[0].used_length)
    assert state.drawable
    assert [8 * GIB] == [b.used_length for b in state.drawable.marks.before.ram_blocks if b.idstr == "pc.ram"]


def test_a_refused_control_keeps_the_comparison() -> None:
    state = with_size(with_qemu(start("-M q35 -m 4G"), "11.1"), "4Gx")

    assert state.stale
    assert state.drawable


def test_a_version_in_between_is_noted_whether_the_line_boots_or_not() -> None:
    note = "QEMU 10.2 is not known here; the facts are those of QEMU 10.0."
    state = start("-m 4G", qemu="10.2")

    assert state.guest
    assert (note, (note,), "10.0") == (state.note, state.guest.notes, state.guest.qemu)
    assert note == typed(state, "-m x").note
    assert "" == with_qemu(state, "11.1").note


def test_a_kept_refusal_keeps_no_frames_alive() -> None:
    state = start("-m 4Gx")

    assert isinstance(state.answer, Refused)
    assert (None, None) == (state.answer.__traceback__, state.answer.__context__)


@pytest.mark.parametrize("host", ["arm", b"", 5, 0, {"page_size": 4096}, []])
def test_what_is_no_host_is_told(host: object) -> None:
    with pytest.raises(MemkitError, match=r"host= is a memkit\.Host, not"):
        session.start("-m 1G", host=host)  # type: ignore[arg-type]
