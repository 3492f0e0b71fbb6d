"""Features are words: they go together into one line in one order, or say why they cannot."""

from __future__ import annotations

import pytest

from memkit.atlas import AREAS, FEATURES
from memkit.atlas.features import read_features
from memkit.atlas.line import HOST, combine
from memkit.boot import boot
from memkit.config import parse
from memkit.errors import MemkitError
from memkit.hazards import FEATURES as IN_RULES
from memkit.hazards import OPERATIONS, Scene
from memkit.versions import KNOWN_QEMU, parse_version

# What the atlas adds, for rules have no name for it.
OWN = {"merge-off", "microvm", "nvdimm-unarmed"}


def line(*names: str, board: str = "q35") -> str:
    return " ".join(combine(read_features(names), board).argv)


def test_there_are_some_forty_features_and_rules_know_their_names() -> None:
    assert 40 <= len(FEATURES) <= 60
    assert set(FEATURES) - set(IN_RULES) == OWN


def test_areas_come_one_after_the_other() -> None:
    areas = [feature.area for feature in FEATURES.values()]
    assert list(AREAS) == list(dict.fromkeys(areas))
    assert areas == sorted(areas, key=list(AREAS).index)


def test_what_is_done_is_an_operation_of_the_rules() -> None:
    for feature in FEATURES.values():
        assert (feature.area == "operations") == bool(feature.operations)
        assert set(feature.operations) <= set(OPERATIONS)


def test_included_features_exist() -> None:
    assert {name for f in FEATURES.values() for name in f.includes} <= FEATURES.keys()


# These are properties of a file, and name none.
IN_A_FILE = {"readonly": "tmpfs", "pmem-on": "tmpfs", "discard-data": "tmpfs"}


@pytest.mark.parametrize("name", sorted(FEATURES.keys() - OWN))
def test_a_guest_with_the_feature_has_it_as_rules_see_it(name: str) -> None:
    feature = FEATURES[name]
    qemu = next(v for v in reversed(KNOWN_QEMU) if feature.known_to(parse_version(v)))
    companions = [IN_A_FILE[name]] if name in IN_A_FILE else []
    combined = combine(read_features([name, *companions]))
    guest = boot(list(combined.argv), qemu=qemu, host=HOST)
    assert Scene(guest, combined.operations).features.names(name)


def test_features_fill_one_line_in_one_order() -> None:
    assert line("tmpfs", "share-on", "pc-dimm", "balloon", "dirty-ring") == (
        "-accel kvm,dirty-ring-size=4096 -M q35,memory-backend=ram -m 256M,slots=4,maxmem=8G "
        "-object memory-backend-file,id=ram,size=256M,mem-path=/dev/shm/ram,share=on "
        "-object memory-backend-file,id=dimm,size=128M,mem-path=/dev/shm/dimm,share=on "
        "-device pc-dimm,id=dimm0,memdev=dimm -device virtio-balloon-pci,id=balloon"
    )


def test_the_board_is_the_machine_type_unless_a_feature_names_one() -> None:
    assert line("balloon", board="pc").startswith("-M pc ")
    assert line("microvm", board="pc").startswith("-M microvm ")


def test_persistent_memory_keeps_its_own_file() -> None:
    assert "id=nvdimm,size=128M,mem-path=/var/tmp/nvdimm,share=on" in line("nvdimm", "hugetlb")
    assert "id=nvdimm,size=128M,mem-path=/var/tmp/nvdimm,share=off" in line("nvdimm", "share-off")


def test_a_property_of_a_file_leaves_anonymous_memory_alone() -> None:
    assert "memory-backend=ram" not in line("readonly", "nvdimm-unarmed")
    assert line("readonly", "nvdimm-unarmed").count("readonly=on") == 1


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("tmpfs", "backend-memfd"), "backend-memfd and tmpfs both say what its memory lies in"),
        (("migrate-precopy", "migrate-postcopy"),
         "migrate-precopy and migrate-postcopy both say how it migrates"),
        (("share-on", "share-off"), "share-on and share-off both say how it is mapped"),
        (("hugetlb", "tmpfs"), "huge pages come from hugetlbfs or a memfd, not from a file on tmpfs"),
        (("mem-path", "hugetlb"), "-mem-path says what main RAM lies in, and so does a backend"),
        (("mem-path", "prealloc"), "-mem-path gives memory no properties; a backend does"),
        (("readonly",), "readonly is a property of a file, and no memory lies in one"),
    ],
)
def test_what_cannot_be_said_together_is_told(names: tuple[str, ...], why: str) -> None:
    combined = combine(read_features(names))
    assert (combined.argv, combined.exclusive) == ((), why)


def test_names_are_read_from_text_and_lists() -> None:
    assert read_features(" hugetlb,balloon ") == read_features(["hugetlb", FEATURES["balloon"]])
    assert len(read_features(None)) == len(FEATURES)


@pytest.mark.parametrize(
    ("names", "words"),
    [("hugepages", "'hugepages' is no feature of the atlas; they are: backend-memfd, "),
     ("balloon,balloon", "the feature 'balloon' is named twice")],
)
def test_wrong_names_are_told(names: str, words: str) -> None:
    with pytest.raises(MemkitError) as caught:
        read_features(names)
    assert str(caught.value).startswith(words)


def test_every_line_is_a_line() -> None:
    for feature in FEATURES.values():
        combined = combine([feature])
        if combined.argv:
            parse(list(combined.argv), KNOWN_QEMU[-1])
