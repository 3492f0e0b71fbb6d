"""How an Outlook reads: as text, as data, as a page."""

from __future__ import annotations

import json

import pytest

import memkit
from memkit.migration import OUTCOMES

FILE = ("-nodefaults -m 64M -M memory-backend=pc.ram "
        "-object memory-backend-file,id=pc.ram,size=64M,share=on,mem-path=")
SLOTS = "-nodefaults -m 64M,slots=4,maxmem=1G"


def outlook(
    source: str, destination: str | None, *, one: bool = False, qemu: str = "11.1", **how
) -> memkit.Outlook:
    """The Outlook of two lines, on two hosts or on one."""
    here = memkit.Host()
    there = here if one else memkit.Host()
    return memkit.migrate(
        memkit.boot(source, qemu=qemu, host=here),
        None if destination is None else memkit.boot(destination, qemu=qemu, host=there), **how)


def fates(found: memkit.Outlook) -> dict[str, str]:
    return {block.idstr: block.fate for block in found.blocks}


def test_a_completed_migration_tells_what_was_sent() -> None:
    found = outlook("-nodefaults -m 64M -accel kvm", "-nodefaults -m 64M -accel kvm")
    assert str(found).splitlines() == [
        "completes: The migration completes, and the destination has the guest's memory.",
        "  Why: 66056 KiB in 6 RAMBlocks are sent.",
        "RAMBlocks of the source:",
        "  pc.ram                    64 MiB  sent: Sent page by page.",
        "  /rom@etc/acpi/tables     128 KiB  sent: Sent page by page.",
        "  pc.bios                  256 KiB  sent: Sent page by page.",
        "  pc.rom                   128 KiB  sent: Sent page by page.",
        "  /rom@etc/table-loader      4 KiB  sent: Sent page by page.",
        "  /rom@etc/acpi/rsdp         4 KiB  sent: Sent page by page.",
    ]


def test_a_failure_tells_qemus_words_the_side_and_the_source() -> None:
    found = outlook("-nodefaults -m 64M", "-nodefaults -m 128M")
    assert str(found).splitlines()[:5] == [
        "fails: The migration begins and does not succeed.",
        "  QEMU says: Size mismatch: pc.ram: 0x4000000 != 0x8000000: Invalid argument",
        "  Where: destination",
        "  Why: pc.ram has 0x4000000 bytes at the source and 0x8000000 at the destination, and only tables "
        "of the firmware can change their size.",
        "  Sources: migration/ram.c: parse_ramblock, 11.1",
    ]
    assert "[migrate-ram-size-mismatch]" in str(found)


def test_a_refusal_sends_nothing() -> None:
    found = outlook("-nodefaults", "-nodefaults", capabilities=["multifd", "xbzrle"])
    assert (found.outcome, found.where, found.blocks) == ("refused", "set-capabilities", ())


@pytest.mark.parametrize(("source", "destination", "how", "fate"), [
    (f"{FILE}/dev/shm/a", f"{FILE}/dev/shm/a", {"one": True}, "shared in place"),
    (f"{FILE}/dev/shm/a", f"{FILE}/dev/shm/a", {}, "lost"),
    (f"{FILE}/dev/shm/a", f"{FILE}/dev/shm/b", {"one": True}, "lost"),
    (f"{FILE}/dev/shm", f"{FILE}/dev/shm", {"one": True}, "lost"),
    (f"{FILE}/dev/shm/a,share=off", f"{FILE}/dev/shm/a,share=off", {"one": True}, "sent"),
    ("-nodefaults -m 64M", "-nodefaults -m 64M", {}, "sent"),
])
def test_x_ignore_shared_leaves_in_place_what_both_sides_map(
    source: str, destination: str, how: dict, fate: str
) -> None:
    found = outlook(source, destination, capabilities=["x-ignore-shared"], **how)
    assert fates(found)["pc.ram"] == fate
    assert found.outcome == ("corrupts" if fate == "lost" else "completes")


def test_files_on_a_network_are_the_same_on_two_hosts() -> None:
    mounts = {"/": memkit.Mount("ext4"), "/net": memkit.Mount("nfs")}
    hosts = [memkit.Host(mounts=mounts) for _ in "ab"]
    pair = [memkit.boot(f"{FILE}/net/a", host=host) for host in hosts]
    assert memkit.migrate(*pair, capabilities=["x-ignore-shared"]).outcome == "completes"


def test_memory_without_a_name_in_the_stream_stays_behind() -> None:
    line = f"{SLOTS} -object memory-backend-ram,id=m1,size=64M"
    pmem = f"{line} -device virtio-pmem-pci,id=d1,memdev=m1"
    found = outlook(pmem, pmem)
    assert (found.outcome, fates(found)["(m1)"]) == ("corrupts", "left behind")
    assert fates(outlook(line, line))["(m1)"] == "not needed"


def test_a_file_that_is_read_later_stands_for_the_destination() -> None:
    assert outlook("-nodefaults -m 64M", None).outcome == "completes"
    found = outlook("-nodefaults -m 64M", None, qemu="7.2", transport="file")
    assert found.message == "Parameter 'uri' expects a valid migration protocol"


def test_what_is_not_known_is_said() -> None:
    line = "-nodefaults -chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c -m 64M"
    notes = outlook(line, line).notes
    assert any("needs another process" in note for note in notes)
    assert f"Not known: {notes[0]}" in str(outlook(line, line))


def test_data_is_plain_and_complete() -> None:
    data = outlook("-nodefaults -m 64M", "-nodefaults -m 128M").data()
    assert json.loads(json.dumps(data)) == data
    keys = ["outcome", "message", "where", "explanation", "blocks", "hazards", "notes", "sources"]
    assert list(data) == keys
    assert data["hazards"][0]["id"] == "migrate-ram-size-mismatch"
    assert outlook("-nodefaults", "-nodefaults").data()["blocks"][0] == {
        "idstr": "pc.ram", "size": 128 << 20, "fate": "sent", "sentence": "Sent page by page.", "good": True,
    }


def test_a_page_has_a_table_with_headings_and_escapes_names() -> None:
    bundle = outlook("-nodefaults", "-nodefaults")._repr_mimebundle_()
    assert bundle["text/plain"].startswith("completes: ")
    html = bundle["text/html"]
    assert html.startswith('<section aria-label="Outlook of a migration">')
    assert html.count("<th scope=row>") == 6
    evil = "-nodefaults -m 64M -M memory-backend=a -object memory-backend-ram,id=a,size=64M"
    assert "&quot;a&quot;" in outlook(evil, "-nodefaults -m 64M")._repr_mimebundle_()["text/html"]


def test_each_outcome_is_one_of_four_words() -> None:
    assert list(OUTCOMES) == ["completes", "refused", "fails", "corrupts"]
