"""The target page belongs to the program and, on Arm, to the machine type."""

from __future__ import annotations

import pytest

from memkit.architectures import target_page
from memkit.errors import MemkitError


# As info migrate of a real QEMU says: 5.2 for raspi3, else 7.2.
@pytest.mark.parametrize(("target", "machine", "kib"), [
    ("x86_64", "pc", 4), ("aarch64", "virt", 4), ("aarch64", "sbsa-ref", 4), ("aarch64", "raspi3b", 1),
    ("aarch64", "raspi3", 1), ("arm", "virt", 4), ("arm", "virt-2.7", 1), ("ppc64", "pseries", 4),
    ("ppc64", "powernv9", 4), ("s390x", "s390-ccw-virtio", 4), ("riscv64", "virt", 4),
    ("riscv64", "sifive_u", 4),
])
def test_the_target_page_is_the_one_that_qemu_says(target: str, machine: str, kib: int) -> None:
    assert kib << 10 == target_page(target, machine)


def test_an_unknown_target_is_named() -> None:
    with pytest.raises(MemkitError, match=r"the target page of 'vax' is not known; known: aarch64, arm"):
        target_page("vax")
