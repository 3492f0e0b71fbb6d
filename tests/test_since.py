"""Then and now: the records are complete, the choices choose, and the model of 7.2 agrees with them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.errors import MemkitError
from memkit.history import HOLDS, KINDS, History, Statement, Talk, VersionChange
from memkit.history.facts import changes, release, releases, slides, statements, targets

RELEASES = ("3.0 3.1 4.0 4.1 4.2 5.0 5.1 5.2 6.0 6.1 6.2 7.0 7.1 7.2 8.0 8.1 8.2 9.0 9.1 9.2 10.0 10.1 10.2 "
            "11.0 11.1").split()
CHECKS = {"history", "text", "run", "recorded"}
VOID = {"br"}


def place(version: str) -> int:
    return RELEASES.index(version)


# -- every record


def test_the_releases_are_those_of_qemu_from_the_talk_to_the_newest_known() -> None:
    assert tuple(RELEASES) == releases()


@pytest.mark.parametrize("change", changes(), ids=lambda c: c.id)
def test_every_change_is_whole(change: VersionChange) -> None:
    assert re.fullmatch(r"[a-z0-9]+(?:[.-][a-z0-9]+)*", change.id, re.IGNORECASE)
    assert change.kind in KINDS
    assert 0 < place(change.since)
    assert change.until is None or place(change.since) < place(change.until)
    assert change.targets
    assert "any" not in change.targets or len(change.targets) == 1
    assert change.title
    assert change.title[-1] != "."
    for text in (change.before, change.now, change.note or "."):
        assert text.endswith(".")
        assert text == text.strip()
    assert change.before != change.now
    assert change.checked
    assert set(change.checked) <= CHECKS


def test_every_entry_names_files_of_qemu_with_release_and_commit() -> None:
    entries: list[VersionChange | Statement] = [*changes(), *statements()]
    assert [] == [entry for entry in entries if not entry.sources]
    for source in {source for entry in entries for source in entry.sources}:
        assert re.fullmatch(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_.-]+)*\.(?:c|h|rst|txt|json|hx)", source.file)
        assert source.version in RELEASES
        assert source.commit == "" or re.fullmatch("[0-9a-f]{10}", source.commit)


def test_a_change_has_a_source_of_the_release_that_it_names() -> None:
    # The rule that removes old machine types was written once and bites later; a document that lists
    # what is gone is read in its newest form.
    early = {"versioned-machines-deleted-10.2", "versioned-machines-deleted-11.1"}
    lost = [
        c.id for c in changes()
        if c.since not in {s.version for s in c.sources} and not any(s.version == "11.1" for s in c.sources)
    ]
    assert early == set(lost)


def test_ids_and_titles_are_given_once() -> None:
    ids, titles = [c.id for c in changes()], [c.title for c in changes()]
    assert sorted(set(ids)) == sorted(ids)
    assert sorted(set(titles)) == sorted(titles)


def test_changes_are_stored_oldest_release_first_and_one_a_line(root: Path) -> None:
    assert sorted((c.since for c in changes()), key=place) == [c.since for c in changes()]
    for name, key in (("changes.json", '{"id": '), ("talk.json", '{"slide": ')):
        lines = (root / "data" / "since" / name).read_text(encoding="utf-8").splitlines()
        assert lines[-1] == "]}"
        assert {key} == {line[:len(key)] for line in lines[2:-1]}


def test_every_kind_is_used_and_no_other() -> None:
    assert set(KINDS) == {c.kind for c in changes()}


@pytest.mark.parametrize("statement", statements(), ids=lambda s: s.said[:40])
def test_every_statement_is_whole(statement: Statement) -> None:
    assert statement.holds in HOLDS
    assert statement.slide
    assert statement.said.endswith((".", ").")) or statement.said.endswith(")")
    assert statement.today.endswith(".")
    assert statement.checked
    assert set(statement.checked) <= {"run", "source", "recorded"}
    if statement.holds == "yes":
        assert statement.since is None
    elif statement.since is None:  # then the note says why no release can be named
        assert statement.note
    else:
        assert statement.since in RELEASES[1:]
    assert set(statement.see) <= {c.id for c in changes()}


# -- the facts that everybody asks for


@pytest.mark.parametrize(("id", "since", "now"), [
    ("mem-path-fallback-removed", "5.0", "QEMU stops with the error"),
    ("block-name-is-id", "4.0", "All name it ID, on machine types of 4.0 and newer."),
    ("numa-mem-refused", "5.1", "types of 5.1 and newer refuse it and name memdev"),
    ("mig-size-mismatch", "5.2", "'Size mismatch: NAME: A != B'"),
    ("ramblock-hva-ro", "8.0", "HVA"),
    ("mtree-container", "11.0", "container"),
    ("hex-suffix-removed", "8.0", "no suffix"),
    ("phys-bits-check", "7.1", "phys-bits too low"),
    ("amd-1tib-hole", "7.1", "1 TiB"),
])
def test_what_is_best_known_has_its_release(id: str, since: str, now: str) -> None:
    change = memkit.since("3.0")[id]
    assert since == change.since
    assert now in change.now


@pytest.mark.parametrize(("word", "holds", "since"), [
    ("falls back to normal memory", "no", "5.0"),
    ("/objects/m1", "partly", "4.0"),
    ("-M ...,nvdimm", "no", "6.1"),
    ("maxmem=1T", "partly", "7.1"),
    ("Length mismatch", "no", "5.2"),
    ("Block Name, PSize", "partly", "8.0"),
    ("The page size is a property of each RAMBlock", "yes", None),
])
def test_the_talk_is_judged(word: str, holds: str, since: str | None) -> None:
    (statement,) = [s for s in memkit.talk() if word in s.said]
    assert (holds, since) == (statement.holds, statement.since)


def test_the_longer_names_of_blocks_were_those_of_file_and_memfd_backends_only() -> None:
    change = memkit.since("3.0")["block-name-is-id"]
    assert "memory-backend-file and memory-backend-memfd" in change.before
    assert "memory-backend-ram named it ID" in change.before


# -- the choice


def test_a_history_goes_from_after_one_release_up_to_and_with_another() -> None:
    history = memkit.since("5.0", until="5.2")
    assert ["5.1", "5.2"] == list(history.releases)
    assert ("5.0", "5.2") == (history.since, history.until)
    assert len(history) == sum(map(len, history.releases.values())) == len(list(history))


def test_without_an_end_it_goes_to_the_newest_release() -> None:
    assert list(changes()) == list(memkit.since("3.0"))
    assert "11.1" == memkit.since("3.0").until


def test_two_histories_in_a_row_are_one() -> None:
    assert [*memkit.since("3.0", "7.2"), *memkit.since("7.2")] == list(memkit.since("3.0"))


def test_nothing_is_known_after_the_newest_release() -> None:
    history = memkit.since("11.1")
    assert 0 == len(history)
    assert "No changes for guest RAM after QEMU 11.1, up to 11.1" == history.title
    assert f"{history.title}.\nNothing that is known changed." == str(history)


@pytest.mark.parametrize(("said", "meant"), [
    ("3.0", "3.0"), ("3.0.1", "3.0"), (3.0, "3.0"), (3, "3.0"), ("7.2.22", "7.2"), (" v8.2 ", "8.2"),
    (10.1, "10.1"), ("11", "11.0"),
])
def test_versions_may_be_written_in_several_ways(said: Any, meant: str) -> None:
    assert meant == release(said)


@pytest.mark.parametrize(("said", "words"), [
    ("banana", "'banana' is no version of QEMU; write one between 3.0 and 11.1"),
    ("", "'' is no version of QEMU"),
    (None, "None is no version of QEMU"),
    (True, "True is no version of QEMU"),
    (float("nan"), "nan is no version of QEMU"),
    ("7.x", "'7.x' is no version of QEMU"),
    ("2.12", "QEMU '2.12': changes are known from 3.0 on"),
    ("12.0", "QEMU '12.0': changes are known up to 11.1"),
    ("7.3", "QEMU '7.3': there was no such release; there were 3.0, 3.1, 4.0"),
])
def test_versions_that_are_none_are_refused_with_the_range(said: Any, words: str) -> None:
    with pytest.raises(MemkitError, match=re.escape(words)):
        memkit.since(said)
    if said is not None:  # until=None is the newest
        with pytest.raises(MemkitError, match=re.escape(words)):
            memkit.since("3.0", until=said)


def test_a_beginning_newer_than_the_end_is_told() -> None:
    with pytest.raises(MemkitError, match=r"since 8\.0 is newer than until 7\.2: the older"):
        memkit.since("8.0", until="7.2")


def test_kinds_choose_one_or_several() -> None:
    removed = memkit.since("3.0", kind="option-removed")
    both = memkit.since("3.0", kind=["option removed", "option-deprecated"])
    assert {"option-removed"} == {c.kind for c in removed}
    assert {"option-removed", "option-deprecated"} == {c.kind for c in both}
    assert len(both) == len(removed) + len(memkit.since("3.0", kind="option-deprecated"))
    assert "kind option-removed" in str(removed)


def test_a_target_leaves_out_what_is_for_others_alone() -> None:
    arm = memkit.since("3.0", target="aarch64")
    assert "arm-virt-255g" in {c.id for c in arm}
    assert "machine-memory-backend" in {c.id for c in arm}
    assert "amd-1tib-hole" not in {c.id for c in arm}
    assert {"any"} == {t for c in memkit.since("3.0", target="any") for t in c.targets}


def test_a_word_is_found_in_any_case_and_in_any_part() -> None:
    found = {c.id for c in memkit.since("3.0", word="VIRTIO-MEM")}
    assert {"device-virtio-mem", "ram-discard-manager", "reserve-property"} <= found
    assert all(c.mentions("virtio-mem") for c in memkit.since("3.0", word="VIRTIO-MEM"))
    assert 0 == len(memkit.since("3.0", word="no such word"))


@pytest.mark.parametrize(("call", "words"), [
    ({"kind": "options"}, "no kind of change is called 'options'; there are: option-added, option-dep"),
    ({"kind": 5}, "no kind of change is called 5"),
    ({"target": "vax"}, "no change names target 'vax'; there are: aarch64, any, "),
    ({"word": 5}, "word is a text to look for, not 5"),
])
def test_a_wrong_choice_is_told_with_what_there_is(call: dict[str, Any], words: str) -> None:
    with pytest.raises(MemkitError, match=re.escape(words)):
        memkit.since("3.0", **call)


def test_the_talk_is_chosen_by_slide_and_by_verdict() -> None:
    assert len(statements()) == len(memkit.talk())
    assert ["Huge pages"] == list(memkit.talk("huge").slides)
    assert sum(len(memkit.talk(holds=h)) for h in HOLDS) == len(memkit.talk())
    assert {"no"} == {s.holds for s in memkit.talk(holds="no")}
    with pytest.raises(MemkitError, match=r"no slide is called 'Coffee'; there are: Types of memory, "):
        memkit.talk("Coffee")
    with pytest.raises(MemkitError, match=r"holds is yes, partly, no, not 'maybe'"):
        memkit.talk(holds="maybe")


def test_every_slide_of_the_talk_with_statements_is_there() -> None:
    assert ("Types of memory", "Types of host memory", "Command lines and memory", "Persistent memory",
            "'All of RAM'", "Huge pages", "Sharing", "Encrypted RAM", "Migration", "HMP commands",
            "Conclusion") == slides()


def test_results_are_frozen() -> None:
    results: list[tuple[object, str]] = [
        (memkit.since("3.0"), "until"), (memkit.talk(), "newest"),
        (changes()[0], "id"), (statements()[0], "said"),
    ]
    for thing, field in results:
        with pytest.raises(FrozenInstanceError):
            setattr(thing, field, "x")


def test_an_unknown_id_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        memkit.since("3.0")["no-such-change"]


# -- the forms


class Reader(HTMLParser):
    """The visible text of a page, and whether its tags are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


PAGES: list[History | Talk] = [
    memkit.since("3.0"), memkit.since("9.2", kind="migration"), memkit.talk(), memkit.talk(holds="no"),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_text_and_html_hold_the_same_entries(page: History | Talk) -> None:
    bundle = page._repr_mimebundle_()
    assert str(page) == bundle["text/plain"]
    reader = Reader(bundle["text/html"])
    html, text = " ".join(reader.text), bundle["text/plain"]
    assert [] == reader.open
    assert len(page) == sum(tag == "li" for tag, _ in reader.seen)
    for entry in page:
        told = (entry.title, entry.before, entry.now) if isinstance(entry, VersionChange) else (
            entry.said, entry.verdict, entry.today)
        for words in (*told, entry.note, *map(str, entry.sources)):
            assert words in text
            assert words in html
    assert page.title in text
    assert page.summary in html


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_a_page_has_a_name_and_no_colours_of_its_own_and_runs_nothing(page: History | Talk) -> None:
    html = page._repr_mimebundle_()["text/html"]
    reader = Reader(html)
    assert ("section", {"aria-label": page.title}) == reader.seen[0]
    assert {"section", "p", "strong", "details", "summary", "ul", "li", "em", "br", "small"} >= {
        tag for tag, _ in reader.seen}
    assert {"aria-label", "open"} >= {name for _, attributes in reader.seen for name in attributes}


def test_a_long_page_begins_folded_and_a_short_one_open() -> None:
    assert "<details open>" not in memkit.since("3.0")._repr_mimebundle_()["text/html"]
    assert "<details open>" in memkit.since("10.2")._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.title)
def test_data_is_json_with_every_entry_in_full(page: History | Talk) -> None:
    data = json.loads(json.dumps(page.data()))
    entries = data["changes" if isinstance(page, History) else "statements"]
    assert len(page) == len(entries)
    shown: list[Any] = list(page)
    for entry, record in zip(shown, entries, strict=True):
        assert {*entry.__dataclass_fields__} == {*record}
        assert [s.file for s in entry.sources] == [s["file"] for s in record["sources"]]


def test_the_text_is_grouped_by_release_in_plain_words() -> None:
    assert [
        "1 change for guest RAM after QEMU 5.1, up to 5.2 (with 'Length mismatch').",
        "By kind: message changed (1).",
        "",
        "QEMU 5.2: 1 change",
        "  Length mismatch became Size mismatch [message changed]",
        "    Before: A block of another size on the destination ended the stream with "
        "'Length mismatch: NAME: A in != B'.",
        "    Now: The message is 'Size mismatch: NAME: A != B'.",
        "    Source: softmmu/physmem.c (QEMU 5.2, commit a3a929083b)",
    ] == str(memkit.since("5.1", until="5.2", word="Length mismatch")).splitlines()


def test_what_ended_again_says_when() -> None:
    assert "option deprecated; until QEMU 5.0" in str(memkit.since("4.0", "4.1", word="fallback"))


# -- the records against the model of QEMU 7.2

NUMA_MEM = "-m 1G -numa node,mem=1G"


@pytest.mark.parametrize(("id", "line", "words"), [
    ("machine-keyval", "-M pc,nvdimm", "Expected '=' after parameter 'nvdimm'"),
    ("mem-path-fallback-removed", "-mem-path /no/such/folder/file", "No such file or directory"),
    ("numa-mem-refused", NUMA_MEM, "Parameter -numa node,mem is not supported by this machine type"),
    ("numa-implicit-split-removed", "-numa node -numa node", "total memory for NUMA nodes (0x0)"),
    ("phys-bits-check", "-m 4G,slots=3,maxmem=1T", "phys-bits too low (40)"),
    ("memory-backend-excludes-mem-path",
     "-m 64M -object memory-backend-ram,id=m,size=64M -M pc,memory-backend=m -mem-path /dev/shm",
     "'-mem-path' can't be used together with"),
    ("realtime-removed", "-realtime mlock=on", "invalid option"),
    ("memory-backend-size-message",
     "-m 64M -object memory-backend-ram,id=m,size=32M -M pc,memory-backend=m",
     "Machine memory size does not match the size of the memory backend"),
    ("maxmem-message-7.1", "-m 4G,maxmem=1G", "invalid value of maxmem"),
    ("pc-1.3-removed", "-M pc-1.3", "unsupported machine type"),
    # what later releases refuse, 7.2 accepts
    ("hex-suffix-removed", "-m 0x10M", None),
    ("virtio-mem-backend-prealloc-refused",
     "-m 1G,maxmem=2G -object memory-backend-ram,id=m,size=64M,prealloc=on -device virtio-mem-pci,memdev=m",
     None),
    # what later releases accept, 7.2 does not know
    ("file-offset", "-object memory-backend-file,id=m,size=1M,mem-path=/dev/shm/f,offset=0", "'offset'"),
    ("backend-shm", "-object memory-backend-shm,id=m,size=1M", "memory-backend-shm"),
    ("aux-ram-share", "-M pc,aux-ram-share=on", "aux-ram-share"),
])
def test_the_model_refuses_and_accepts_what_the_records_say(id: str, line: str, words: str | None) -> None:
    change = memkit.since("3.0")[id]
    refuses = not change.kind.endswith("-added") or change.kind == "limit-added"
    assert (words is not None) == (refuses == (place(change.since) <= place("7.2")))
    if words is None:
        memkit.boot(line, qemu="7.2")
    else:
        with pytest.raises(memkit.Refused) as refused:
            memkit.boot(line, qemu="7.2")
        assert words in refused.value.message


def test_the_model_takes_mem_on_the_machine_types_that_the_record_names() -> None:
    assert "5.1 and newer" in memkit.since("3.0")["numa-mem-refused"].now
    assert [1 << 30] == [n.size for n in memkit.boot(f"-M pc-i440fx-5.0 {NUMA_MEM}", qemu="7.2").numa]


def test_the_model_names_blocks_as_the_record_says() -> None:
    line = ("-m 1G,slots=2,maxmem=4G -object memory-backend-memfd,id=m1,size=1G -device pc-dimm,memdev=m1 "
            "-object memory-backend-ram,id=m2,size=1G -device pc-dimm,memdev=m2")
    names = {
        machine: {b.idstr for b in memkit.boot(f"-M {machine} {line}", qemu="7.2").ram_blocks} & {
            "m1", "m2", "/objects/m1", "/objects/m2"}
        for machine in ("pc-i440fx-3.1", "pc-i440fx-4.0")
    }
    assert {"pc-i440fx-3.1": {"/objects/m1", "m2"}, "pc-i440fx-4.0": {"m1", "m2"}} == names


def test_the_model_prints_what_releases_up_to_7_2_print_and_nothing_newer() -> None:
    guest = memkit.boot("-M q35 -m 1G", qemu="7.2")
    assert "5.0" == memkit.since("3.0")["main-ram-is-a-backend"].since
    assert "memory backend: pc.ram" in guest.monitor("info memdev")
    assert {"6.1"} == {memkit.since("3.0")[f"memdev-{field}"].since for field in ("share", "reserve")}
    assert "share: false" in guest.monitor("info memdev")
    assert "reserve: true" in guest.monitor("info memdev")
    assert place("7.2") < place(memkit.since("3.0")["ramblock-hva-ro"].since)
    assert "HVA" not in guest.monitor("info ramblock")
    assert place("7.2") < place(memkit.since("3.0")["mtree-container"].since)
    assert "container): system" not in guest.monitor("info mtree")
    assert "smbase-blackhole" not in guest.monitor("info mtree")
    assert "smbase-blackhole" in guest.monitor("info mtree -D")


@pytest.mark.parametrize(("machine", "start"), [("pc-q35-7.0", 4 << 30), ("pc-q35-7.1", 1 << 40)])
def test_the_model_moves_high_ram_of_an_amd_guest_as_the_record_says(machine: str, start: int) -> None:
    line = f"-M {machine} -cpu EPYC,phys-bits=48 -m 1T"
    view = memkit.boot(line, qemu="7.2").main_flat_view
    starts = [r.start for r in view.ranges if r.region.name == "pc.ram"]
    assert start in starts
    assert (start == 4 << 30) == ((1 << 40) not in starts)


# -- light


def test_importing_memkit_reads_no_record_and_asking_loads_no_board(root: Path) -> None:
    program = ("import sys; sys.path.insert(0, sys.argv[1]); import memkit; "
               "assert 'json' not in sys.modules; memkit.since('3.0'); memkit.talk(); "
               "print(*[m for m in sys.modules if m.startswith('memkit.boards.')])")
    command = [sys.executable, "-I", "-S", "-c", program, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ["memkit.boards.recorded"] == done.stdout.split()


def test_the_targets_are_names_of_qemu_system_programs() -> None:
    assert ("aarch64", "any", "arm", "loongarch64", "ppc64", "riscv64", "s390x", "x86_64") == targets()
