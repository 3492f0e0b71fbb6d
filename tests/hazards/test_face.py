"""A guest asked for its hazards: the list, how it shows, and the command line mended."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

import memkit
from memkit.errors import MemkitError
from memkit.hazards import FEATURES, RULES, Hazards, Scene, mend, rank, read_operations

VHOST_USER = "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c"
PRIVATE = f"-m 1G -mem-path /dev/shm {VHOST_USER}"
LOCKED_BALLOON = "-m 4G -device virtio-balloon-pci -overcommit mem-lock=on"
# Ids that the lines above have, worst first.
PRIVATE_IDS = ["vhost-user-mem-path-hugepages", "tcg-vhost-user-code-rewrite"]
LOCKED_IDS = ["balloon-mlock", "mem-lock-overcommit"]


def ids(found: Hazards) -> list[str]:
    return [hazard.id for hazard in found]


# -- the list


@pytest.mark.parametrize(("line", "expected"), [(PRIVATE, PRIVATE_IDS), (LOCKED_BALLOON, LOCKED_IDS)])
def test_a_guest_tells_its_hazards_worst_first(line: str, expected: list[str]) -> None:
    found = memkit.boot(line).hazards()
    assert expected == ids(found)
    assert sorted(found, key=lambda hazard: rank(hazard.severity)) == found


def test_a_hazard_has_all_that_other_programs_rely_on() -> None:
    hazard = memkit.boot(PRIVATE).hazards()[0]
    assert isinstance(hazard, memkit.Hazard)
    assert "silent-misbehaviour" == hazard.severity
    assert hazard.title.startswith("-mem-path is private")
    assert hazard.why
    assert {"mem-path", "vhost-user"} <= set(hazard.features)
    assert ("2.1", "11.0") == (hazard.since, hazard.until)
    assert hazard.sources
    assert "share=on" in hazard.fix(memkit.boot(PRIVATE).config).text()


def test_a_hazard_without_a_fix_says_what_to_do() -> None:
    hazard = memkit.boot(PRIVATE).hazards()[1]
    with pytest.raises(memkit.MemkitError, match="no change of the command line mends tcg-vhost-user"):
        hazard.fix(memkit.boot(PRIVATE).config)


def test_what_is_about_to_be_done_brings_hazards_of_its_own() -> None:
    rule = next(r for r in RULES.values() if "migrate-precopy" in r.operations and not r.architectures)
    guest = memkit.boot(rule.example, host=rule.host)
    assert rule.id in ids(guest.hazards(rule.operations))
    assert rule.id not in ids(guest.hazards())


def test_operations_come_as_one_word_as_text_or_as_several() -> None:
    assert () == read_operations(None)
    assert ("multifd",) == read_operations("multifd")
    assert ("migrate-precopy", "multifd") == read_operations("migrate-precopy, multifd")
    assert ("migrate-precopy", "multifd") == read_operations(["migrate-precopy", "multifd"])


@pytest.mark.parametrize("word", ["teleport", "", "migrate-precopy,", ["multifd", "x"]])
def test_an_unknown_operation_is_told_with_the_known_ones(word: str | list[str]) -> None:
    with pytest.raises(memkit.MemkitError, match="is no operation; they are: migrate-precopy, "):
        memkit.boot("-m 1G").hazards(word)


def test_a_guest_read_without_a_command_line_can_be_asked() -> None:
    guest = memkit.boot("-m 1G")
    unknown = replace(guest, config=None)
    assert [] == unknown.hazards()
    with pytest.raises(memkit.MemkitError, match="no command line to mend"):
        mend(unknown)


# -- features are looked up when they are asked for


def test_the_features_of_a_guest_are_a_mapping_that_lacks_what_the_guest_lacks() -> None:
    features = Scene(memkit.boot(LOCKED_BALLOON)).features
    assert ("virtio-balloon-pci",) == features["balloon"]
    assert "vfio" not in features
    assert () == features.get("vfio", ())
    assert set(features) == {name for name in FEATURES if features.names(name)}
    assert len(features) == len(set(features))


def test_a_rule_whose_rarest_feature_is_absent_is_not_looked_into(monkeypatch) -> None:
    asked: list[str] = []
    guest = memkit.boot("-m 1G")
    for rule in RULES.values():
        monkeypatch.setattr(type(rule), "holds_for", lambda self, *_: asked.append(self.id) or True)
    assert [] == guest.hazards()
    present = set(Scene(guest).features)
    assert {id for id in asked if not set(RULES[id].features) <= present} == set()
    assert len(asked) < len(RULES) / 10


# -- how it shows


def test_no_hazard_is_said() -> None:
    found = memkit.boot("-m 4G").hazards()
    assert "No hazard found." == str(found)
    assert "" == found.worst
    assert "No hazard found." in found._repr_mimebundle_()["text/html"]


def test_the_text_tells_how_many_and_how_bad() -> None:
    found = memkit.boot(PRIVATE).hazards()
    assert str(found).startswith("2 hazards, worst first: 1 silent-misbehaviour, 1 surprise.\n\n")
    assert "silent-misbehaviour" == found.worst
    for hazard in found:
        assert str(hazard) in str(found)


def test_the_text_of_a_hazard_says_everything() -> None:
    hazard = memkit.boot(PRIVATE).hazards()[0]
    told = str(hazard)
    for words in (hazard.id, hazard.severity, hazard.title, hazard.why, hazard.instead, *hazard.sources,
                  *hazard.sentences, "QEMU: since 2.1, gone in 11.0"):
        assert words in told


@pytest.mark.parametrize("line", ["-m 4G", PRIVATE, LOCKED_BALLOON])
def test_the_page_says_what_the_text_says(line: str) -> None:
    found = memkit.boot(line).hazards()
    for shown in (found, *found):
        bundle = shown._repr_mimebundle_()
        assert str(shown) == bundle["text/plain"]
        page = ET.fromstring(bundle["text/html"])
        assert page.get("aria-label")
        said = " ".join("".join(page.itertext()).split())
        for hazard in [shown] if isinstance(shown, memkit.Hazard) else shown:
            for words in (hazard.id, hazard.severity, hazard.title, hazard.why, hazard.instead,
                          hazard.versions, *hazard.sentences, *hazard.sources):
                assert " ".join(words.split()) in said


def test_a_name_from_the_line_cannot_bring_markup_into_the_page() -> None:
    hazard = memkit.boot(LOCKED_BALLOON).hazards()[0]
    named = hazard.culprits[0]._replace(sentence="<b>&.")
    found = Hazards([replace(hazard, culprits=(named,))])
    page = found._repr_mimebundle_()["text/html"]
    assert "<b>" not in page
    ET.fromstring(page)


def test_the_data_are_ready_for_json() -> None:
    data = json.loads(json.dumps(memkit.boot(PRIVATE).hazards().data()))
    assert PRIVATE_IDS == [hazard["id"] for hazard in data]
    assert [True, False] == [hazard["mendable"] for hazard in data]
    assert ["-mem-path /dev/shm"] == data[0]["culprits"][0]["options"]


# -- mending the whole line


def test_a_line_is_mended_until_no_fix_is_left() -> None:
    mended = mend(PRIVATE)
    assert ["vhost-user-mem-path-hugepages"] == ids(Hazards(mended.applied))
    assert "share=on" in str(mended)
    assert mended.left == memkit.boot(mended.config).hazards()
    assert "vhost-user-mem-path-hugepages" not in ids(mended.left)


def test_a_fix_is_taken_if_it_mends_two_and_brings_one_as_bad_which_is_mended_in_turn() -> None:
    mended = mend(
        "-M pc,nvdimm=on -m 256M,slots=2,maxmem=1G -device nvdimm,id=nv,memdev=n "
        "-object memory-backend-file,id=n,size=128M,mem-path=/var/tmp/n,pmem=on"
    )
    assert ["nvdimm-share-off-loses-writes", "pmem-on-non-dax"] == ids(Hazards(mended.applied))
    assert [] == mended.left


def test_a_harmless_line_stays_as_it_is() -> None:
    mended = memkit.mend("-m 4G")
    assert ("-m 4G", (), []) == (str(mended), mended.applied, mended.left)


@pytest.mark.parametrize(
    "rule", [pytest.param(rule, id=rule.id) for rule in RULES.values() if rule.mend is not None]
)
def test_mending_ends_and_leaves_nothing_worse(rule) -> None:
    qemu = next(q for q in ("7.2", "5.2", "8.2", "10.0", "11.1") if _holds(rule, q))
    guest = memkit.boot(rule.example, qemu=qemu, host=rule.host)
    before, mended = guest.hazards(rule.operations), mend(guest, rule.operations, down_to=rule.severity)
    assert mended.applied
    after = memkit.boot(mended.config, qemu=qemu, host=rule.host).hazards(rule.operations)
    assert after == mended.left
    assert rank(after.worst or "surprise") >= rank(before.worst)
    new = [hazard for hazard in after if hazard.id not in ids(before)]
    assert [] == [h.id for h in new if rank(h.severity) < max(rank(a.severity) for a in mended.applied)]


def test_a_surprise_is_mended_only_on_demand() -> None:
    assert [] == ids(Hazards(mend("-m 0").applied))
    assert ["m-zero-means-default"] == ids(Hazards(mend("-m 0", down_to="surprise").applied))
    with pytest.raises(memkit.MemkitError, match="is no severity"):
        mend("-m 0", down_to="all")


def test_a_fix_that_the_guest_cannot_boot_with_is_left_out(monkeypatch) -> None:
    _replace_fix(monkeypatch, lambda config, _culprit: config.with_option("-numa", "node,memdev=nowhere"))
    mended = mend(LOCKED_BALLOON)
    assert "balloon-mlock" not in ids(Hazards(mended.applied))
    assert "balloon-mlock" in ids(mended.left)


def test_a_fix_that_changes_nothing_is_left_out(monkeypatch) -> None:
    _replace_fix(monkeypatch, lambda config, _culprit: config)
    assert "balloon-mlock" in ids(mend(LOCKED_BALLOON).left)


def test_a_fix_that_makes_things_worse_is_left_out(monkeypatch) -> None:
    worse = memkit.boot(PRIVATE).config
    _replace_fix(monkeypatch, lambda _config, _culprit: worse)
    mended = mend(LOCKED_BALLOON)
    assert "balloon-mlock" not in ids(Hazards(mended.applied))


def test_a_refused_line_is_refused_in_qemus_words() -> None:
    with pytest.raises(memkit.Refused, match="Device 'm' not found"):
        mend("-m 1G -device pc-dimm,memdev=m")


def _holds(rule, qemu: str) -> bool:
    from memkit.versions import parse_version

    return rule.holds_for(parse_version(qemu), (rule.architectures or ("x86_64",))[0])


def _replace_fix(monkeypatch, fix) -> None:
    """Give every balloon-mlock another fix."""
    original = memkit.Hazard.fix

    def replaced(self, config):
        return fix(config, self.culprits[0]) if self.id == "balloon-mlock" else original(self, config)

    monkeypatch.setattr(memkit.Hazard, "fix", replaced)


@pytest.mark.parametrize("migration", [5, [5], b"multifd", object()])
def test_what_is_no_name_of_an_operation_is_told(migration: object) -> None:
    with pytest.raises(MemkitError, match="migration= is the name of an operation, or a list of names, not "):
        memkit.boot("-m 1G").hazards(migration)  # type: ignore[arg-type]
