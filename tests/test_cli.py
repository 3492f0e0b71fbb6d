"""The command ``memkit`` in the process: what it answers, what it says to mistakes, its exit codes."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import memkit
from memkit.cli import main
from memkit.cli.parser import EXAMPLES
from memkit.versions import KNOWN_QEMU, UNCONFIRMED

DIMM = (
    "-m", "4G,slots=4,maxmem=16G", "-object", "memory-backend-ram,id=m1,size=1G",
    "-device", "pc-dimm,id=d1,memdev=m1",
)
LINE = " ".join(DIMM)
CONTINUED = LINE.replace(" -", " \\\n  -")
COMMANDS = ("explain", "monitor", "draw", "diff", "hazards")


class Stdin(io.TextIOWrapper):
    """Standard input with these bytes, or a terminal that gives them."""

    def __init__(self, data: bytes, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch):
    """A function that sets standard input."""
    return lambda data, terminal=False: monkeypatch.setattr("sys.stdin", Stdin(data, terminal))


@pytest.fixture(autouse=True)
def no_stdin(stdin) -> None:
    """Nothing on standard input unless a test puts it there."""
    stdin(b"")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of one call."""
    code = main(words)
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return code, said.out, said.err


# -- the answers are those of the package


def test_monitor_prints_the_monitors_text_and_nothing_else(capsys) -> None:
    text = memkit.boot(list(DIMM)).monitor("info ramblock")
    assert (0, text, "") == run(capsys, "monitor", "info ramblock", "--", *DIMM)


def test_a_monitor_command_needs_no_quotes_if_it_has_no_option(capsys) -> None:
    quoted, bare = (run(capsys, "monitor", *w, "--", *DIMM) for w in (["info memdev"], ["info", "memdev"]))
    assert quoted == bare


def test_explain_tells_who_answers(capsys) -> None:
    code, out, err = run(capsys, "explain", "0x1_4000_0000", "--", *DIMM)
    assert (0, "") == (code, err)
    assert out.startswith("m1 (ram) answers at 0x1_4000_0000")
    assert str(memkit.boot(LINE).explain(0x1_4000_0000)) in out


@pytest.mark.parametrize("address", ["5G", "0x140000000", "5368709120", "5 GiB"])
def test_an_address_can_be_written_as_people_write_it(capsys, address: str) -> None:
    assert "m1 is RAM and answers" in run(capsys, "explain", address, "--", *DIMM)[1]


def test_explain_looks_into_other_address_spaces(capsys) -> None:
    assert "serial" in run(capsys, "explain", "0x3f8", "--space", "I/O", "--", "-m", "1G")[1]


def test_explain_gives_data_to_programs(capsys) -> None:
    data = json.loads(run(capsys, "explain", "5G", "--json", "--", *DIMM)[1])
    assert (0x1_4000_0000, "m1", 0) == (data["gpa"], data["block"], data["offset_in_block"])


@pytest.mark.parametrize("kind", ["graph", "map", "tables"])
def test_draw_tells_a_picture_in_words(capsys, kind: str) -> None:
    guest = memkit.boot(LINE)
    view = {"graph": guest.graph, "map": guest.map, "tables": guest.tables}[kind]()
    for flag in (["--text"], ["--format", "text"]):
        code, out, err = run(capsys, "draw", kind, *flag, "--", *DIMM)
        assert (0, f"{view.text()}\n", "") == (code, out, err)


@pytest.mark.parametrize("kind", ["graph", "map"])
def test_draw_writes_an_svg_where_no_terminal_is(capsys, kind: str) -> None:
    code, out, _ = run(capsys, "draw", kind, "--", *DIMM)
    assert 0 == code
    assert "{http://www.w3.org/2000/svg}svg" == ET.fromstring(out).tag


def test_draw_draws_the_graph_unless_told_otherwise(capsys) -> None:
    assert run(capsys, "draw", "graph", "--", *DIMM) == run(capsys, "draw", "--", *DIMM)


def test_draw_tells_words_to_a_terminal(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert f"{memkit.boot(LINE).graph().text()}\n" == run(capsys, "draw", "--", *DIMM)[1]


@pytest.mark.parametrize("kind", ["graph", "map", "tables"])
def test_draw_gives_data_to_programs(capsys, kind: str) -> None:
    assert json.loads(run(capsys, "draw", kind, "--format", "json", "--", *DIMM)[1])


@pytest.mark.parametrize(
    ("name", "starts"),
    [("a.svg", ("<svg",)), ("a.html", ("<!doctype html>",)), ("a.HTM", ("<!doctype html>",)),
     ("a.txt", ("How pc", "Where the memory of pc")), ("a.json", ("{",))],
)
@pytest.mark.parametrize("kind", ["graph", "map"])
def test_the_ending_of_a_file_says_its_format(
    capsys, tmp_path: Path, kind: str, name: str, starts: tuple[str, ...]
) -> None:
    file = tmp_path / name
    code, out, err = run(capsys, "draw", kind, "-o", str(file), "--", *DIMM)
    assert (0, "", f"wrote {file}\n") == (code, out, err)
    assert file.read_text(encoding="utf-8").startswith(starts)


@pytest.mark.parametrize("kind", ["graph", "map", "tables"])
def test_a_page_loads_nothing_from_elsewhere(capsys, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "page.html"
    run(capsys, "draw", kind, "-o", str(file), "--", *DIMM)
    page = file.read_text(encoding="utf-8")
    assert [] == [word for word in ("<link", "<script src", "<img", "@import", "<iframe") if word in page]


def test_the_theme_colours_the_page(capsys) -> None:
    dark, light = (run(capsys, "draw", "--theme", t, "--", *DIMM)[1] for t in ("dark", "light"))
    assert "#111519" in dark
    assert "#111519" not in light


def test_diff_says_nothing_new_about_equal_lines(capsys) -> None:
    code, out, err = run(capsys, "diff", "-m 4G", "-m 4096")
    assert (0, "") == (code, err)
    assert out.startswith("No difference in the RAMBlocks")


def test_diff_tells_the_differences_and_exits_with_1(capsys) -> None:
    code, out, err = run(capsys, "diff", "-m 4G", "-m 5G")
    assert (1, "") == (code, err)
    assert "pc.ram grew from 4 GiB to 5 GiB.\n" in out


def test_diff_takes_a_line_behind_each_pair_of_dashes(capsys) -> None:
    assert run(capsys, "diff", "-m 4G", "-m 5G") == run(capsys, "diff", "--", "-m", "4G", "--", "-m", "5G")


def test_diff_gives_data_to_programs(capsys) -> None:
    data = json.loads(run(capsys, "diff", "--json", "-m 4G", "-m 5G")[1])
    assert data["same"] is False
    assert "pc.ram" in [change["subject"] for change in data["changes"] if change["kind"] == "block resized"]


def test_a_quoted_line_that_looks_like_an_option_is_a_line(capsys) -> None:
    # -h and -o are options of memkit's own.
    assert 1 == run(capsys, "diff", "-hda disk.img -m 1G", "-m 4G")[0]


def test_diff_tells_a_refusal_where_there_is_nothing_to_draw(capsys, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    code, out, err = run(capsys, "diff", "--draw", "map", "-o", str(file), "-m 1G", "-m 4Q")
    assert (1, "memkit: nothing is drawn where QEMU refuses a line\n") == (code, err)
    assert "It is now refused." in out
    assert not file.exists()


# -- how a line comes in


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        f"qemu-system-x86_64 {LINE}\n",
        f"$ sudo qemu-system-x86_64 {LINE} &\n",
        f"#!/bin/sh\nexec env LC_ALL=C /usr/bin/qemu-system-x86_64 \\\n  {CONTINUED}\n",
        "2024-05-01 10:00:00.000+0000: starting up libvirt version: 9.0.0, qemu version: 7.2.0\n"
        "LC_ALL=C \\\nPATH=/usr/bin \\\n/usr/bin/qemu-system-x86_64 \\\n" + CONTINUED + "\n",
        "\N{ZERO WIDTH NO-BREAK SPACE}" + LINE,
    ],
    ids=["bare", "program", "prompt", "script", "libvirt-log", "byte-order-mark"],
)
def test_a_line_on_standard_input_is_read_as_it_is_pasted(capsys, stdin, text: str) -> None:
    stdin(text.encode())
    want = memkit.boot(LINE).monitor("info memory-devices")
    assert (0, want, "") == run(capsys, "monitor", "info memory-devices")


def test_a_whole_line_in_quotes_behind_the_dashes_is_read_as_a_line(capsys) -> None:
    want = memkit.boot(LINE).monitor("info memdev")
    assert (0, want, "") == run(capsys, "monitor", "info memdev", "--", LINE)


def test_bare_dashes_stand_for_qemu_without_options(capsys) -> None:
    assert (0, memkit.boot([]).monitor("info memdev"), "") == run(capsys, "monitor", "info memdev", "--")


def test_a_terminal_is_asked_for_the_line(capsys, stdin) -> None:
    stdin(b"-m 1G", terminal=True)
    code, _, err = run(capsys, "monitor", "info memdev")
    assert (0, "Type or paste a QEMU command line, then press Enter and Ctrl-D:\n") == (code, err)


def test_a_described_host_is_taken_from_a_file(capsys, tmp_path: Path) -> None:
    file = tmp_path / "host.json"
    file.write_text('{"mounts": {"/huge": {"fs": "hugetlbfs", "page_size": 1073741824, "free_pages": 8}}}')
    words = ("monitor", "info ramblock", "--host", str(file), "--", "-m", "4G", "-mem-path", "/huge")
    assert "1 GiB" in run(capsys, *words)[1]


def test_warnings_go_to_standard_error(capsys) -> None:
    code, out, err = run(capsys, "monitor", "info numa", "--", "-m", "1G", "-smp", "2", "-numa",
                         "node,cpus=0", "-M", "pc-i440fx-5.0", "-numa", "node,mem=1G")
    if not memkit.boot("-m 1G -smp 2 -numa node,cpus=0 -M pc-i440fx-5.0 -numa node,mem=1G").warnings:
        pytest.fail("this line is meant to warn")
    assert (0, True) == (code, out.startswith("2 nodes"))
    assert "warning: " in err


@pytest.mark.parametrize("qemu", KNOWN_QEMU)
def test_the_qemu_that_is_asked_for_answers(capsys, qemu: str) -> None:
    want = memkit.boot(LINE, qemu=qemu).monitor("info mtree")
    note = f"memkit: {UNCONFIRMED[qemu]}\n" if qemu in UNCONFIRMED else ""
    assert (0, want, note) == run(capsys, "monitor", "info mtree", "--qemu", qemu, "--", *DIMM)


@pytest.mark.parametrize(("line", "code"), [("-m 1G", 0), ("-m x", 1)])
def test_what_is_not_exact_is_told_first_whether_the_line_boots_or_not(capsys, line: str, code: int) -> None:
    found, _, err = run(capsys, "monitor", "info numa", "--qemu", "10.2", "--", line)
    assert code == found
    assert err.splitlines()[0] == "memkit: QEMU 10.2 is not known here; the facts are those of QEMU 10.0."
    assert 1 == err.count("10.2")


# -- refusals and mistakes


def test_a_refusal_is_qemus_words_then_ours(capsys) -> None:
    code, out, err = run(capsys, "monitor", "info ramblock", "--", "-device", "pc-dimm,memdev=m9")
    lines = err.splitlines()
    assert (1, "") == (code, out)
    assert "-device pc-dimm,memdev=m9: Device 'm9' not found" == lines[0]
    assert ["Why", "Try"] == [line.partition(":")[0] for line in lines[1:]]


def test_diff_tells_a_line_that_is_refused_as_a_difference(capsys) -> None:
    code, out, err = run(capsys, "diff", "-m 4G", "-m 4Q")
    assert (1, "") == (code, err)
    assert out.startswith("From the first line to the second line:\n"
                          "It is now refused. QEMU says: -m 4Q: Parameter 'size' expects")
    assert "Try: write size=4G or size=512M" in out
    code, out, err = run(capsys, "diff", "-m 4Q", "-m 4G")
    assert (1, "") == (code, err)
    assert "It is no longer refused. Before, QEMU said: -m 4Q: Parameter" in out


def test_diff_of_two_lines_refused_alike_exits_with_1_and_says_why(capsys) -> None:
    code, out, err = run(capsys, "diff", "-m 4Q", "-M q35 -m 4Q")
    assert (1, "") == (code, err)
    assert out.startswith("No difference: QEMU refuses both in the same words.\n-m 4Q: Parameter 'size'")


@pytest.mark.parametrize("first", [["--", "-M", "microvm"], ["-M microvm"]])
def test_diff_compares_one_line_in_two_qemus(capsys, first: list[str]) -> None:
    code, out, err = run(capsys, "diff", "--qemu", "7.2", "--qemu", "11.1", *first)
    assert (1, "") == (code, err)
    assert out.startswith("From QEMU 7.2 to QEMU 11.1:\npc.bios grew from 64 KiB to 128 KiB.\n")


def test_diff_of_two_qemus_takes_the_line_from_standard_input(capsys, stdin) -> None:
    stdin(b"qemu-system-x86_64 -M microvm\n")
    assert (0, "") == run(capsys, "diff", "--qemu", "7.2", "--qemu", "7.2")[::2]


def test_diff_says_which_qemu_refuses(capsys) -> None:
    code, out, err = run(capsys, "diff", "--qemu", "5.2", "--qemu", "11.1", "--", "-M", "pc-i440fx-2.0")
    assert (1, "") == (code, err)
    assert out.startswith("From QEMU 5.2 to QEMU 11.1:\n"
                          'It is now refused. QEMU says: unsupported machine type: "pc-i440fx-2.0".')


def test_diff_tells_programs_what_is_refused(capsys) -> None:
    data = json.loads(run(capsys, "diff", "--json", "-m 4G", "-m 4Q")[1])
    assert data["refused"][0] is None
    assert data["refused"][1].startswith("-m 4Q: Parameter 'size'")
    assert [("refusal appeared", ["appeared"])] == [(c["kind"], c["words"]) for c in data["changes"]]


def test_diff_draws_what_changed_beside_its_words(capsys, tmp_path: Path) -> None:
    found = memkit.diff(memkit.boot("-m 4G"), memkit.boot("-m 5G"))
    file = tmp_path / "diff.svg"
    code, out, err = run(capsys, "diff", "--draw", "map", "-o", str(file), "-m 4G", "-m 5G")
    assert (1, f"{found}\n", f"wrote {file}\n") == (code, out, err)
    assert file.read_text(encoding="utf-8") == f"{found.map().svg()}\n"


@pytest.mark.parametrize("kind", ["graph", "map", "tables"])
def test_diff_draws_instead_of_telling_where_no_file_is_named(capsys, kind: str) -> None:
    found = memkit.diff(memkit.boot("-m 4G"), memkit.boot("-m 5G"))
    view = {"graph": found.graph, "map": found.map, "tables": found.tables}[kind]()
    assert (1, f"{view}\n", "") == run(capsys, "diff", "--draw", kind, "--text", "-m 4G", "-m 5G")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "say what to do: explain, monitor, draw, diff"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["monitor"], "required: COMMAND"),
        (["monitor", "info ramblock"], "there is no QEMU command line"),
        (["monitor", "info ramblock", "-m", "4G"], "write -- in front of QEMU's options"),
        (["monitor", "info cats", "--", "-m", "1G"], "try one of: info ramblock"),
        (["monitor", "info numa", "--", "-m", "1G", "--", "-m", "2G"], "-- stands twice"),
        (["monitor", "info numa", "--qemu", "frog", "--"], "the model knows: 5.2, 7.2"),
        (["monitor", "info numa", "--target", "pdp11", "--"], "it knows: x86_64, i386"),
        (["monitor", "info numa", "--host", "/no/such/file", "--"], "cannot read the host description"),
        (["monitor", "info numa", "--", "-m '4G"], "a single quote opens at position 3"),
        (["explain", "--", "-m", "1G"], "required: ADDRESS"),
        (["explain", "fffffff0", "--", "-m", "1G"], "write 0xfffffff0"),
        (["explain", "0000000100000000", "--", "-m", "1G"], "write 0x100000000"),
        (["explain", "here", "--", "-m", "1G"], "'here' is no address"),
        (["explain", "-1", "--", "-m", "1G"], "allowed are 0 to"),
        (["explain", "0", "--space", "moon", "--", "-m", "1G"], "this guest has: memory"),
        (["draw", "cat", "--", "-m", "1G"], "invalid choice: 'cat'"),
        (["draw", "-o", "picture", "--", "-m", "1G"], "use .svg, .html, .txt or .json"),
        (["draw", "tables", "-o", "t.svg", "--", "-m", "1G"], "tables are no picture"),
        (["draw", "map", "--focus", "pc.ram", "--", "-m", "1G"], "--focus belongs to the graph"),
        (["draw", "--focus", "cat", "--", "-m", "1G"], "this guest has: pc.ram"),
        (["draw", "--theme", "pink", "--", "-m", "1G"], "invalid choice: 'pink'"),
        (["diff", "-m 4G"], "not 1; quote each one"),
        (["diff", "--qemu", "5.2", "--qemu", "7.2", "-m 1G", "-m 2G", "-m 3G"], "not 3; quote each one"),
        (["diff", *["--qemu", "7.2"] * 3, "-m 1G"], "give --qemu once or twice"),
        (["diff", "--real", *["--qemu", "7.2"] * 2, "-m 1G"], "give --qemu once"),
        (["diff", "--qemu", "frog", "-m 1G", "-m 2G"], "'frog' is no version of QEMU"),
        (["diff", "-o", "x.svg", "-m 1G", "-m 2G"], "say which: --draw graph, map or tables"),
        (["diff", "--draw", "tables", "--format", "svg", "-m 1G", "-m 2G"], "tables are no picture"),
        (["diff", "--text", "-m 1G", "-m 2G"], "say which: --draw graph, map or tables"),
        (["diff", "--json", "--draw", "map", "-m 1G", "-m 2G"], "name a file for the picture with -o"),
        (["diff", "--real", "-m 4G", "-m 5G"], "--real compares one command line"),
        (["diff", "--binary", "qemu", "-m 4G", "-m 5G"], "goes with --real"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(capsys, words: list[str], says: str) -> None:
    code, out, err = run(capsys, *words)
    assert (2, "") == (code, out)
    assert says in err


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "there is no QEMU command line"),
        (b" \n\n", "there is no QEMU command line"),
        (b"-m 4G \xff", "byte 0xff at position 6"),
        ("-m 4G".encode("utf-16"), "byte 0xff at position 0"),
        (b"\x7fELF\x02\x01", "it is binary, not a command line"),
        (b"x" * (5 << 20), "a command line has at most"),
        (b"x" + ("\u00e9" * (3 << 20)).encode(), "a command line has at most"),
    ],
    ids=["nothing", "blanks", "latin-1", "utf-16", "binary", "5 MB", "cut in a character"],
)
def test_standard_input_that_is_no_line_is_told_apart(capsys, stdin, data: bytes, says: str) -> None:
    stdin(data)
    code, out, err = run(capsys, "monitor", "info ramblock")
    assert (2, "") == (code, out)
    assert says in err


def test_a_place_that_cannot_be_written_exits_with_3(capsys, tmp_path: Path) -> None:
    file = tmp_path / "no" / "a.svg"
    code, out, err = run(capsys, "draw", "map", "-o", str(file), "--", "-m", "1G")
    assert (3, "") == (code, out)
    assert f"memkit: cannot write {file}: No such file or directory. Name another file with -o\n" == err


def test_without_qemu_one_sentence_says_how_to_get_it(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = run(capsys, "diff", "--real", "--", "-m", "1G")
    assert (3, "") == (code, out)
    assert "qemu-system-x86_64 is not installed; install it with: " in err
    assert 1 == len(err.splitlines())


def test_the_interrupt_key_ends_it_quietly(capsys, monkeypatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("memkit.cli.commands.boot", interrupted)
    assert (130, "", "\n") == run(capsys, "monitor", "info numa", "--", "-m", "1G")


# -- help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_how_to_call_it_examples_and_exit_codes(capsys, command: str) -> None:
    code, out, err = run(capsys, command, "--help")
    assert (0, "") == (code, err)
    assert out.startswith(f"usage: memkit {command} ")
    for words in (*EXAMPLES[command], "Exit codes: 0 "):
        assert words in out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_lists_the_known_qemus(capsys, monkeypatch, command: str) -> None:
    monkeypatch.setattr("memkit.versions.numbers.UNCONFIRMED", {"11.1": "So they say."})
    said = " ".join(run(capsys, command, "--help")[1].split())
    known = ", ".join(KNOWN_QEMU).replace("11.1", "11.1 (unconfirmed)")
    assert f"which QEMU to be: {known} (default: 7.2)" in said


def test_help_names_every_command(capsys) -> None:
    out = run(capsys, "--help")[1]
    assert [] == [command for command in COMMANDS if f"\n    {command} " not in out]


def test_no_line_of_the_help_is_wider_than_a_terminal(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    for command in ([], *([c] for c in COMMANDS)):
        assert [] == [line for line in run(capsys, *command, "--help")[1].splitlines() if len(line) > 100]


def test_the_version_is_the_packages(capsys) -> None:
    assert (0, f"memkit {memkit.__version__}\n", "") == run(capsys, "--version")
