"""A rewritten command line keeps what the person wrote and changes only the words concerned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.config import Config, parse
from memkit.errors import MemkitError
from memkit.lab.patch import rewritten


def patched(text: str, new: str) -> str:
    """``text`` rewritten to read as ``new``."""
    return rewritten(text, parse(text), parse(new))


@pytest.mark.parametrize(
    ("text", "new", "result"),
    [
        ("-m 4G", "-m 8G", "-m 8G"),
        ("  -m   4G  ", "-m 8G", "  -m   8G  "),
        ("-m '4G'", "-m 8G", "-m 8G"),
        ('-name "a  b" -m 4G', "-name 'a  b' -m 8G", '-name "a  b" -m 8G'),
        ("-M q35 \\\n  -m 4G \\\n  -nodefaults", "-M q35 -m 8G -nodefaults",
         "-M q35 \\\n  -m 8G \\\n  -nodefaults"),
        ("$ qemu-system-x86_64 -m 4G &", "qemu-system-x86_64 -m 8G", "$ qemu-system-x86_64 -m 8G &"),
        ("-m 4G", "-m 4G -M q35", "-m 4G -M q35"),
        ("-m 4G &", "-m 4G -M q35", "-m 4G -M q35 &"),
        ("-m 4G \\\n  -nodefaults", "-m 4G -nodefaults -M q35", "-m 4G \\\n  -nodefaults \\\n  -M q35"),
        ("", "-m 4G", "-m 4G"),
        ("-nodefaults", "-m 4G -nodefaults", "-m 4G -nodefaults"),
        ("-m 4G -M q35", "-M q35", "-M q35"),
        ("-M q35 -m 4G", "-M q35", "-M q35"),
        ("-m 4G", "", ""),
        ("-M q35 \\\n  -m 4G \\\n  -nodefaults", "-M q35 -nodefaults", "-M q35 \\\n  -nodefaults"),
        ("-m 4G", "-m 4G -name 'a b'", "-m 4G -name 'a b'"),
    ],
)
def test_only_the_words_concerned_change(text: str, new: str, result: str) -> None:
    assert result == patched(text, new)


def test_a_line_whose_words_cannot_be_told_apart_is_printed_anew() -> None:
    text = '-object {"qom-type": "memory-backend-ram", "id": "m", "size": 1024} -m 4G'

    result = rewritten(text, parse(text), parse(text).with_memory(size="8G"))

    assert parse(text).with_memory(size="8G").text() == result


WORDS = st.sampled_from([
    "-m 4G", "-m '4G'", "-M q35", "-nodefaults", '-name "a b"', "-name a\\ b", "-smp 2", "-name ''",
    "-object memory-backend-ram,id=m1,size=1G", "-device pc-dimm,id=d1,memdev=m1", "-machine usb=off",
])
GAPS = st.sampled_from([" ", "   ", " \\\n  ", "\n", "\t"])


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A command line as a person could have written it."""
    words = draw(st.lists(WORDS, max_size=6, unique=True))
    start = draw(st.sampled_from(["", "qemu-system-x86_64 ", "  "]))
    return start + "".join(word + draw(GAPS) for word in words)


@given(lines(), lines())
def test_the_result_always_reads_as_the_new_config(text: str, new: str) -> None:
    old_config, new_config = parse(text), parse(new)
    wanted = Config(new_config.options, old_config.program, old_config.target)

    assert parse(rewritten(text, old_config, wanted)).argv() == wanted.argv()


@given(st.text(max_size=40), st.sampled_from(["-m 8G", "-M q35 -m 1G", ""]))
def test_any_text_that_reads_as_a_line_can_be_rewritten(text: str, new: str) -> None:
    try:
        old = parse(text)
    except MemkitError:
        return
    wanted = Config(parse(new).options, old.program, old.target)

    assert parse(rewritten(text, old, wanted)).argv() == wanted.argv()
