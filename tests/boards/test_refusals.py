"""Every refusal has QEMU's words, and beside them ours: why, what to write instead, where it stands."""

from __future__ import annotations

import re

import pytest
from recorded import RECORDED, Capture, answers, refusals

import memkit
from memkit.boards.refusals import REFUSALS, refuse
from memkit.config import Option
from memkit.versions import QEMU_FACTS, parse_version
from memkit.versions.wordings import WORDINGS, Wording


def refused(capture: Capture) -> memkit.Refused:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot(capture.argv, qemu=capture.qemu, host=capture.host)
    return caught.value


def recorded(key: str) -> Capture:
    """The line of 7.2 for ``key``, or that of another release where 7.2 refuses nothing of the kind."""
    return next(refusals(qemu)[key] for qemu in ("7.2", *RECORDED) if key in refusals(qemu))


def test_each_refusal_that_the_model_knows_was_recorded_from_a_real_qemu() -> None:
    assert {key for key in REFUSALS if not any(key in refusals(qemu) for qemu in RECORDED)} == set()


def worded() -> list[tuple[str, Wording, str]]:
    """Each wording that a recorded release has: the key, the wording, the release."""
    return [
        (key, wording, qemu)
        for key, wordings in WORDINGS.items() for wording in wordings for qemu in RECORDED
        if wording.since <= parse_version(qemu) < wording.until
    ]


@pytest.mark.parametrize(("key", "qemu"), [(key, qemu) for key, _, qemu in worded()])
def test_the_words_of_another_release_were_recorded_from_it(key: str, qemu: str) -> None:
    capture = refusals(qemu)[key]
    assert capture.refusal == refused(capture).message.partition("\n")[0].rstrip()
    assert refused(capture).key == key


@pytest.mark.parametrize("key", REFUSALS)
def test_a_refusal_says_what_qemu_said(key: str) -> None:
    capture = recorded(key)
    words = REFUSALS[key]
    error = refused(capture)
    assert error.key == key
    if any(w.since <= parse_version(capture.qemu) < w.until for w in WORDINGS.get(key, ())):
        # Only a later release has the words of the table; this one is tested above.
        return
    assert capture.refusal == error.message.partition("\n")[0]
    # It is this entry of the table that spoke, and no other.
    pattern = re.sub(r"\\\{[^}]*\\\}", ".*", re.escape(words.message))
    assert re.search(pattern, error.message)
    assert words.source.partition(",")[0] in error.source


@pytest.mark.parametrize("key", REFUSALS)
def test_a_refusal_explains_itself_and_gives_a_hint_and_a_source(key: str) -> None:
    why, hint, source = REFUSALS[key].why, REFUSALS[key].hint, REFUSALS[key].source
    assert why.endswith((".", ".)", "{why}"))
    assert hint.strip()
    assert re.search(r"\.c\b|hw/|qom/|target/", source)


def test_an_option_in_front_is_named_only_where_qemu_names_it() -> None:
    option = Option("device", "-device", "pc-dimm", (), 4)
    assert refuse("no-slots", option, located=True).message.startswith("-device pc-dimm: no slots")
    assert refuse("no-slots", option).message.startswith("no slots")
    assert refuse("no-slots").option == ""
    assert refuse("no-slots").position is None


@pytest.mark.parametrize("qemu", RECORDED)
def test_every_recorded_refusal_names_its_option_and_its_position(qemu: str) -> None:
    for capture in answers(qemu):
        if not capture.refusal:
            continue
        error = refused(capture)
        assert error.explanation, capture.argv
        assert error.hint, capture.argv
        if error.position is None:
            # It is about the line as a whole, such as a size that nobody gave.
            assert error.option == "", capture.argv
            continue
        word = capture.argv[error.position]
        assert error.option.startswith(word), capture.argv
        if word.startswith("-") and error.option != word:
            assert error.option == f"{word} {capture.argv[error.position + 1]}"
        if error.message.startswith("-") and ": " in error.message:
            assert error.message.startswith((error.option, "-machine nvdimm-persistence=")), capture.argv


# A fact about releases that decides what is refused → a line that two releases answer differently for it.
SHOWN: dict[str, list[str]] = {
    "exact_sizes": ["-m", "1e3"],
    "strict_sizes": ["-m", "0x100"],
    "merged_without_id": ["-M", "pc,id=x"],
    "whole_globals": ["-global", "driver=x,property=y"],
    "located_networks": ["-netdev", "foo,id=a"],
    "modern_netdevs": ["-netdev", "stream,id=a"],
    "audio_models": ["-audio", "none"],
    "mem_lock_word": ["-overcommit", "mem-lock=maybe"],
    "typed_objects": ["-object", '{"qom-type":"memory-backend-ram","id":"m","size":67108864}'],
    "json_device": ["-device", '{"driver":"VGA","id":"v"}'],
    "json_located": ["-object", '{"qom-type":"memory-backend-ram","id":"m","size":67108864,}'],
    "compound_options": ["-smp", "x"],
    "smp_zero_refused": ["-smp", "0"],
    "smp_modules": ["-smp", "4,modules=3"],
    "memory_encryption_link": ["-M", "pc,memory-encryption=x"],
    "initiator_first": [
        "-M", "hmat=on", "-object", "memory-backend-ram,id=a,size=128M", "-numa", "node,memdev=a,cpus=0",
    ],
    "located_kvm": ["-accel", "kvm"],
    "dumpdtb_checked": ["-M", "pc,dumpdtb=x"],
    "readonly_opens_only": ["-object", "memory-backend-file,id=m,size=64M,mem-path=/srv/guest,readonly=on"],
    "file_fits_offset": ["-object", "memory-backend-file,id=m,size=128M,mem-path=/srv/guest/64m"],
    "whole_pages": ["-object", "memory-backend-file,id=m,size=5000,mem-path=/srv/guest/new"],
}


@pytest.mark.parametrize("fact", SHOWN)
def test_a_recorded_line_shows_where_a_release_changed_what_is_refused(fact: str) -> None:
    since = next(f.since for f in QEMU_FACTS if f.name == fact)
    said = {
        qemu: next(a.refusal for a in answers(qemu) if a.argv == SHOWN[fact]) for qemu in RECORDED
    }
    before = [qemu for qemu in RECORDED if parse_version(qemu) < since]
    assert said[before[-1]] != said[RECORDED[len(before)]]
