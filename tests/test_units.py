"""Sizes are read as QEMU reads them, printed as a command line has them, and told as people tell them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.units import format_size, hex_address, human, parse_address, parse_size


@pytest.mark.parametrize(("text", "size"), [
    ("0", 0), ("1", 1), ("4k", 4096), ("4K", 4096), ("1M", 1 << 20), ("1G", 1 << 30), ("1T", 1 << 40),
    ("1P", 1 << 50), ("1E", 1 << 60), ("7B", 7), ("7b", 7), ("1.5G", 3 << 29), ("0.5k", 512),
    ("1.G", 1 << 30), ("1.0", 1), ("0x1000", 4096), ("0x10M", 16 << 20), ("010", 10), (" 5", 5), ("+5", 5),
    ("18446744073709551615", (1 << 64) - 1), ("15E", 15 << 60), ("0.1G", 107374182),
])
def test_a_size_is_read_as_qemu_reads_it(text: str, size: int) -> None:
    assert size == parse_size(text)


def test_a_number_without_suffix_takes_the_default_one() -> None:
    assert 512 << 20 == parse_size("512", "M")
    assert 512 == parse_size("512B", "M")


@pytest.mark.parametrize("text", [
    "", "x", "G", "-1", "1GB", "1 G", "1e3", "1..5G", ".5G", "1.5", "0x", "0x1.8G", "1G ", "1,5G", "nan",
    "inf", "1Z", "१", "1_000", "99999999999999999999G",
])
def test_what_is_no_size_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_size(text)


@pytest.mark.parametrize("text", ["18446744073709551616", "16E", "17E", "9" * 20, "9" * 100_000])
def test_what_does_not_fit_into_64_bits_is_out_of_range(text: str) -> None:
    with pytest.raises(OverflowError):
        parse_size(text)


@given(st.integers(0, (1 << 64) - 1))
def test_a_formatted_size_is_read_back(size: int) -> None:
    assert size == parse_size(format_size(size))


@pytest.mark.parametrize(("size", "text"), [
    (0, "0 bytes"), (1, "1 byte"), (512, "512 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1 << 20, "1 MiB"),
    (3 << 29, "1.5 GiB"), (640 << 10, "640 KiB"), ((1 << 30) + (1 << 20), "1025 MiB"), (1 << 60, "1 EiB"),
])
def test_people_read_sizes_in_binary_units(size: int, text: str) -> None:
    assert text == human(size)


@given(st.integers(0, 1 << 65))
def test_addresses_and_sizes_for_people_keep_their_value_or_say_that_they_round(number: int) -> None:
    assert number == int(hex_address(number), 16)
    assert human(number)


@pytest.mark.parametrize("text", ["0x100000000", "0x1_0000_0000", "4294967296", "4G", "4 GiB", "4096M"])
def test_an_address_is_read_as_people_type_it(text: str) -> None:
    assert 1 << 32 == parse_address(text)


@pytest.mark.parametrize("text", ["", "x", "fee00000", "0b11", "1" * 100])
def test_what_is_no_address_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_address(text)
