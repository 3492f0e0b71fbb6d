"""The guest that writes by a pattern, and how its migration is read from QEMU's trace."""

from __future__ import annotations

import struct
from dataclasses import asdict
from pathlib import Path

import pytest

from memkit.errors import MemkitError
from tools.record.ask import Binary
from tools.record.workloads import COLUMNS, WORKLOADS, read_trace, record_workloads
from tools.record.workloads_guest import CODE, IRQ, START, Program, image

OLD = (
    "7@1795653300.100000:migrate_transferred transferred 1678554 time_spent 100 bandwidth 16785 "
    "max_size 5035662"
)
NEW = (
    "2026-11-26T00:35:00.100000Z migrate_transferred transferred 1707282 time_spent 100 bandwidth 136 "
    "switchover_bw 17072 max_size 5121846"
)


def code(listing: str) -> bytes:
    """The bytes of a listing."""
    return bytes.fromhex("".join(line.split("  ")[0] for line in listing.strip().splitlines()))


def test_the_firmware_fills_64_kib_and_begins_at_the_reset_vector() -> None:
    rom = image(Program())
    assert len(rom) == 65536
    # A jump of 16 bits, from behind itself to the code that enters protected mode.
    (jump,) = struct.unpack("<h", rom[0xFFF1:0xFFF3])
    assert rom[0xFFF0] == 0xE9
    assert 0xFFF3 + jump == 0xFF00
    assert rom[0xFF00:].startswith(code(START))


def test_the_program_is_as_long_as_the_docs_say() -> None:
    assert len(code(CODE)) + len(code(START)) == 247


def test_every_jump_leads_to_the_start_of_an_instruction() -> None:
    at, starts, jumps = 0, set(), []
    for line in CODE.strip().splitlines():
        instruction = bytes.fromhex(line.split("  ")[0])
        starts.add(at)
        at += len(instruction)
        # Short jumps of two bytes: jb, jle, jmp, jecxz.
        if len(instruction) == 2 and instruction[0] in (0x72, 0x7E, 0xEB, 0xE3):
            jumps.append(at + struct.unpack("b", instruction[1:])[0])
    assert len(jumps) == 8
    assert {*jumps} <= starts
    assert IRQ & 0xFFFF in starts


def test_parameters_stand_where_the_program_reads_them() -> None:
    program = Program("random", pages=1024, fill=2, page_time=77, hot_pages=256, hot_share=230, seed=7)
    words = struct.unpack_from("<14I", image(program), 0xE000)
    assert words[1:4] == (2 << 20, 2048, 7)
    assert (words[5], words[6], words[7]) == (77, 1, 230)
    # Shifts that leave 10 and 8 bits of 32.
    assert (words[8], words[9], words[10]) == (22, 256, 24)


def test_a_trace_is_read_in_the_form_of_each_release() -> None:
    assert read_trace(OLD, 1795653300.0)["windows"] == [[100, 1678554, 100, 5035662]]
    assert read_trace(NEW, 1795653300.0)["windows"] == [[100, 1707282, 100, 5121846]]


def test_other_lines_of_a_trace_are_left_out() -> None:
    assert not any(read_trace("cpu reset\n7@1.0:other event 5\n", 0.0).values())


def test_there_are_workloads_of_every_kind() -> None:
    names = {w.id for w in WORKLOADS}
    assert len(names) == len(WORKLOADS) >= 6
    assert {w.program.pattern for w in WORKLOADS} == {"sequential", "random"}
    assert any(w.huge for w in WORKLOADS)
    assert any(w.postcopy_at for w in WORKLOADS)
    assert any("auto-converge" in w.capabilities for w in WORKLOADS)


def test_random_regions_are_powers_of_two() -> None:
    for program in (w.program for w in WORKLOADS if w.program.pattern == "random"):
        assert program.pages.bit_count() == program.hot_pages.bit_count() == 1


@pytest.mark.needs_qemu
def test_an_unknown_workload_is_told_with_those_that_there_are() -> None:
    with pytest.raises(MemkitError, match="no workload is called 'busy'; there are: idle, sequential-slow"):
        record_workloads(Binary("qemu-system-x86_64"), "busy")


@pytest.mark.needs_qemu
def test_a_migration_is_recorded_and_leaves_nothing_behind() -> None:
    before = {*Path("/var/tmp").glob("workloads-*")}
    facts = record_workloads(Binary("qemu-system-x86_64"), "zero")
    assert before == {*Path("/var/tmp").glob("workloads-*")}
    run = facts["workloads"]["zero"]
    assert (run["final"]["status"], run["destination"]) == ("completed", "completed")
    assert {*facts} == {"about", "columns", "workloads"}
    assert facts["columns"] == [*COLUMNS]
    assert all(len(sample) == len(COLUMNS) for sample in run["samples"])
    kept = {*asdict(Program())} - {"page_time", "burst"}
    assert {*run["program"]} == kept
