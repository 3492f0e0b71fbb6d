"""The three grammars of option arguments: QemuOpts, keyval and JSON, each with QEMU's own words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.config.json_form import flatten_json, read_json
from memkit.config.keyval import Tree, flatten, merge, parse_into, split_keyval
from memkit.config.qdict import hash_order
from memkit.config.qemuopts import split_opts
from memkit.config.wrong import HelpWanted, Wrong

VALUES = st.text(alphabet="abc,=. 1G", max_size=8)
KEYS = st.text(alphabet="abcdefgh", min_size=2, max_size=5).filter(lambda key: not key.startswith("no"))


@pytest.mark.parametrize(("text", "implied", "pairs"), [
    ("", "size", ()),
    ("4G", "size", (("size", "4G"),)),
    ("size=4G", "size", (("size", "4G"),)),
    ("4G,", "size", (("size", "4G"),)),
    (",", "size", (("size", ""),)),
    ("4G,,", "size", (("size", "4G,"),)),
    ("slots=2,4G", "size", (("slots", "2"), ("4G", "on"))),
    ("a,share", "driver", (("driver", "a"), ("share", "on"))),
    ("a,noshare", "driver", (("driver", "a"), ("share", "off"))),
    ("a,path=x,,y,z", "driver", (("driver", "a"), ("path", "x,y"), ("z", "on"))),
    ("a,b=c=d", "driver", (("driver", "a"), ("b", "c=d"))),
    ("a,a=1,a=2", "driver", (("driver", "a"), ("a", "1"), ("a", "2"))),
    ("=x", None, (("", "x"),)),
])
def test_qemuopts(text: str, implied: str | None, pairs: tuple[tuple[str, str], ...]) -> None:
    assert pairs == split_opts(text, implied)


@given(st.lists(st.tuples(KEYS, VALUES), min_size=1))
def test_qemuopts_read_what_was_joined_with_doubled_commas(pairs: list[tuple[str, str]]) -> None:
    text = ",".join(f"{key}={value.replace(',', ',,')}" for key, value in pairs)
    assert tuple(pairs) == split_opts(text)


@given(st.dictionaries(KEYS, VALUES, min_size=1))
def test_keyval_reads_what_was_joined_with_doubled_commas(words: dict[str, str]) -> None:
    text = ",".join(f"{key}={value.replace(',', ',,')}" for key, value in words.items())
    assert tuple(words.items()) == split_keyval(text)


@pytest.mark.parametrize(("text", "tree"), [
    ("q35", {"type": "q35"}),
    ("q35,smp.cpus=2,smp.cores=2", {"type": "q35", "smp": {"cpus": "2", "cores": "2"}}),
    ("a.0=x,a.1=y", {"a": ["x", "y"]}),
    ("a.1.b=y,a.0.b=x", {"a": [{"b": "x"}, {"b": "y"}]}),
    ("pc,type=q35", {"type": "q35"}),
    ("x=a,,b", {"x": "a,b"}),
    ("q35,", {"type": "q35"}),
])
def test_keyval_makes_a_tree(text: str, tree: Tree) -> None:
    made: Tree = {}
    parse_into(made, text, "type")
    assert tree == made


@pytest.mark.parametrize(("text", "message"), [
    ("q35,usb", "Expected '=' after parameter 'usb'"),
    ("q35,", None), (",", "Invalid parameter ''"), ("q35,=on", "Invalid parameter ''"),
    ("q35,1a=2", "Invalid parameter '1a'"), ("q35,a..b=1", "Invalid parameter 'a..b'"),
    ("q35,a.b=1,a=2", "Parameters 'a.*' used inconsistently"),
    ("q35,a=2,a.b=1", "Parameters 'a.*' used inconsistently"),
    ("q35,a.0=x,a.b=y", "Parameters 'a.*' used inconsistently"),
    ("q35,a.0=x,a.2=y", "Parameter 'a.1' missing"),
    (f"q35,{'x' * 128}=1", f"Parameter '{'x' * 128}' is too long"),
])
def test_keyval_refuses_in_qemus_words(text: str, message: str | None) -> None:
    if message is None:
        parse_into({}, text, "type")
        return
    with pytest.raises(Wrong) as caught:
        parse_into({}, text, "type")
    assert message == caught.value.message


def test_keyval_knows_a_request_for_help() -> None:
    with pytest.raises(HelpWanted):
        parse_into({}, "q35,help", "type")


def test_trees_merge_member_by_member_and_later_text_wins() -> None:
    tree: Tree = {"type": "pc", "smp": {"cpus": "1"}, "l": ["a"]}
    merge(tree, {"type": "q35", "smp": {"cores": "2"}, "l": ["b"]})
    assert {"type": "q35", "smp": {"cpus": "1", "cores": "2"}, "l": ["a", "b"]} == tree
    assert {"type": "q35", "smp.cpus": "1", "smp.cores": "2", "l.0": "a", "l.1": "b"} == flatten(tree)
    with pytest.raises(Wrong, match="Parameter 'smp' used inconsistently"):
        merge(tree, {"smp": "2"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cn"], exclude_characters="\uffff\ufffe"),
        max_size=6,
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text("abc", max_size=3), inner, max_size=3
    ),
)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=4), JSON))
def test_json_that_python_writes_is_read_back(value: dict[str, object]) -> None:
    assert value == read_json(json.dumps(value, ensure_ascii=False))


def test_json_may_use_single_quotes_as_qemu_allows() -> None:
    assert {"a": [1, "b"]} == read_json("{'a': [1, 'b']}")


@pytest.mark.parametrize(("text", "message"), [
    ("{", "JSON parse error, premature EOI"),
    ('{"a":1', "JSON parse error, premature EOI"),
    ('{"a" 1}', "JSON parse error, missing : in object pair"),
    ('{"a":1 "b":2}', "JSON parse error, expected separator in dict"),
    ('{"a":[1 2]}', "JSON parse error, expected separator in list"),
    ('{"a":1,"a":2}', "JSON parse error, duplicate key"),
    ('{1:2}', "JSON parse error, key is not a string in object"),
    ('{"a":foo}', "JSON parse error, invalid keyword 'foo'"),
    ('{"a":}', "JSON parse error, expecting value"),
    ('{"a":1} x', "Expecting at most one JSON value"),
    ('{"a":"\\x"}', "JSON parse error, invalid escape sequence in string"),
    ('{"a":01}', "JSON parse error, stray '01'"),
])
def test_json_is_refused_in_qemus_words(text: str, message: str) -> None:
    with pytest.raises(Wrong) as caught:
        read_json(text)
    assert message == caught.value.message


def test_json_is_flattened_to_dotted_pairs() -> None:
    assert (("a", "on"), ("b.0", "1"), ("b.1.c", "x"), ("d", "")) == flatten_json(
        {"a": True, "b": [1, {"c": "x"}], "d": None}
    )


@pytest.mark.parametrize(("names", "order"), [
    # which of two wrong properties QEMU 7.2 complains about first
    (["cxl", "acpi-device"], ["acpi-device", "cxl"]),
    (["pic", "hmat"], ["hmat", "pic"]),
    (["vmport", "dump-guest-core"], ["dump-guest-core", "vmport"]),
    (["size", "prealloc-context"], ["prealloc-context", "size"]),
])
def test_properties_are_taken_in_the_order_of_qemus_hash_table(names: list[str], order: list[str]) -> None:
    assert order == hash_order(names) == hash_order(reversed(names))
