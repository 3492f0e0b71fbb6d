"""What releases read differently: sizes, lists of options, objects, JSON, and which unknown name is told."""

from __future__ import annotations

import pytest

import memkit
from memkit.config import parse
from memkit.config.ghash import first_left
from memkit.config.numbers import size_reader
from memkit.config.string_form import read_string_value
from memkit.config.wrong import Wrong
from memkit.versions import qemu_facts

G = 1 << 30


def size(qemu: str, text: str) -> object:
    """The bytes, or the name of the exception."""
    try:
        return size_reader(qemu_facts(qemu))(text)
    except (ValueError, OverflowError) as error:
        return type(error).__name__


@pytest.mark.parametrize(("text", "old", "middle", "new"), [
    ("1e3", 1000, "ValueError", "ValueError"),
    ("1.5G", 3 * G // 2, 3 * G // 2, 3 * G // 2),
    (".5G", G // 2, "ValueError", G // 2),
    ("0x10M", 16 << 20, 16 << 20, "ValueError"),
    ("0x1000", 4096, 4096, 4096),
    ("0x1p4", 16, "ValueError", "ValueError"),
    ("-1", "OverflowError", "ValueError", "OverflowError"),
    ("-0", 0, "ValueError", "OverflowError"),
    ("1.5", "ValueError", "ValueError", "ValueError"),
    # A floating-point number has 53 bits.
    ("9007199254740993", 9007199254740992, 9007199254740993, 9007199254740993),
    ("18446744073709551615", "OverflowError", (1 << 64) - 1, (1 << 64) - 1),
    ("16E", "OverflowError", "OverflowError", "OverflowError"),
    ("1e999", "OverflowError", "ValueError", "ValueError"),
    ("1e999G", "ValueError", "ValueError", "ValueError"),
    ("x", "ValueError", "ValueError", "ValueError"),
    ("", "ValueError", "ValueError", "ValueError"),
])
def test_a_size_is_a_float_before_6_0_and_has_no_suffix_in_hexadecimal_since_8_1(
    text: str, old: object, middle: object, new: object
) -> None:
    assert (old, middle, new) == (size("5.2", text), size("7.2", text), size("10.0", text))


@pytest.mark.parametrize(("line", "message"), [
    # Objects are made after -m, and say where they stand.
    ("-m 1G,slots=2 -object foo,id=a", "-m 1G,slots=2: invalid -m option value: missing 'maxmem' option"),
    ("-object foo,id=a", "-object foo,id=a: invalid object type: foo"),
    ("-object memory-backend-ram,id=a", "-object memory-backend-ram,id=a: can't create backend with size 0"),
    # In the order of the hash table: reserve before size.
    ("-object memory-backend-ram,id=a,size=0,reserve=on",
     "-object memory-backend-ram,id=a,size=0,reserve=on: Property 'memory-backend-ram.reserve' not found"),
    ("-object memory-backend-ram,id=a,size=0",
     "-object memory-backend-ram,id=a,size=0: property 'size' of memory-backend-ram doesn't take value '0'"),
    # What is no backend comes before the machine's properties, backends after them.
    ("-M pc,foo=1 -object secret,id=a", "-object secret,id=a: Either 'file' or 'data' must be provided"),
    ("-M pc,foo=1 -object memory-backend-ram,id=a", "Property 'pc-i440fx-5.2-machine.foo' not found"),
    ("-M foo -m 1G,slots=1", "-M foo: unsupported machine type"),
])
def test_5_2_finds_mistakes_in_its_own_order(line: str, message: str) -> None:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot(line, qemu="5.2")
    assert message == caught.value.message.partition("\n")[0]


def test_an_option_with_an_id_is_lost_in_5_2() -> None:
    assert 128 << 20 == memkit.boot("-m 1G,id=x", qemu="5.2").ram_blocks[0].used_length
    with pytest.raises(memkit.Refused, match="Invalid parameter 'id'"):
        memkit.boot("-m 1G,id=x", qemu="7.2")


def test_set_reaches_objects_in_5_2() -> None:
    line = "-object memory-backend-ram,id=a,size=64M -set object.a.size=32M"
    assert 32 << 20 == next(b.size for b in memkit.boot(line, qemu="5.2").backends if b.id == "a")
    with pytest.raises(memkit.Refused, match="-set is not supported with object"):
        parse(line, "7.2")


@pytest.mark.parametrize(("text", "message"), [
    ('{"a": 1,}', "1:9: JSON parse error, expecting key"),
    ('{"a" 1}', "1:6: JSON parse error, expecting ':'"),
    ('{"a": [1 2]}', "1:10: JSON parse error, expected ',' or ']'"),
    ('{"a": "x" "b"}', "1:11: JSON parse error, expected ',' or '}'"),
    ('{"a":\n,}', "2:1: JSON parse error, expecting value"),
    ('{"a": 1, "a": 2}', "1:15: JSON parse error, duplicate key"),
    # Behind a number or keyword, columns are one ahead.
    ('{"a": 12:3}', "1:10: JSON parse error, expected ',' or '}'"),
    ('{"a": tru}', "1:7: JSON parse error, invalid keyword 'tru'"),
    ('{"a": 01}', "1:7: JSON parse error, stray '01'"),
    ('{"a": {', "1:8: JSON parse error, premature end of input"),
    ("{} x", "Expecting at most one JSON value"),
])
def test_11_1_says_line_and_column_of_a_mistake_in_json(text: str, message: str) -> None:
    with pytest.raises(memkit.Refused) as caught:
        parse(["-object", text], "11.1")
    assert f"-object {text}: {message}" == caught.value.message


def test_json_without_a_mistake_is_the_same_in_all_releases() -> None:
    argv = ["-object", '{"qom-type": "memory-backend-ram", "id": "a", "size": 1048576, "host-nodes": [0]}']
    for qemu in ("7.2", "10.0", "11.1"):
        assert {"size": 1 << 20, "host-nodes": [0]} == dict(parse(argv, qemu).objects[0].props)


def test_of_several_unknown_names_the_first_of_the_hash_table_is_told() -> None:
    # As QEMU 7.2 answered to -object main-loop,id=m0,size=256M,merge=on,hugetlbsize=1G.
    assert "merge" == first_left(["qom-type", "size", "merge", "hugetlbsize", "id"], ["qom-type", "id"])
    assert first_left(["a"], ["a"]) is None
    names = [f"n{number}" for number in range(500)]
    assert "n7" == first_left(names, [name for name in names if name != "n7"])


@pytest.mark.parametrize(("kind", "text", "value"), [
    ("bool", "yes", True), ("size", "1k", 1024), ("int", "-3", -3), ("uint16", "0x10", 16), ("str", "x", "x"),
    ("OnOffAuto", "auto", "auto"),
])
def test_text_becomes_a_value_of_its_kind(kind: str, text: str, value: object) -> None:
    assert value == read_string_value("p", kind, text, size_reader(qemu_facts("5.2")))


@pytest.mark.parametrize(("kind", "text", "message"), [
    ("int", "x", "Parameter 'p' expects int64"), ("uint32", "x", "Parameter 'p' expects uint64"),
    ("uint16", "65536", "Parameter 'p' expects uint16_t"),
    ("bool", "2", "Parameter 'p' expects 'on' or 'off'"),
    ("size", "-1", "Value '-1' is out of range for parameter 'p'"),
])
def test_text_that_is_no_value_of_its_kind_is_told(kind: str, text: str, message: str) -> None:
    with pytest.raises(Wrong) as caught:
        read_string_value("p", kind, text, size_reader(qemu_facts("5.2")))
    assert message == caught.value.message


@pytest.mark.parametrize(("line", "warnings"), [
    ("-show-cursor", {"5.2": 2}), ("-no-acpi", {"5.2": 0, "7.2": 0, "8.2": 1}),
    ("-realtime mlock=off", {"5.2": 1}), ("-chroot /", {"7.2": 0, "8.2": 1}),
    ("-object memory-backend-ram,id=a,size=1M,share", {"5.2": 0, "7.2": 1, "11.1": 1}),
    ("-m 0x10M", {"5.2": 0, "7.2": 2}),
])
def test_a_release_warns_of_what_it_will_drop(line: str, warnings: dict[str, int]) -> None:
    assert warnings == {qemu: len(parse(line, qemu).warnings) for qemu in warnings}
