"""Start-up of boards that are no PC: which machine is meant, and what all of them share."""

from __future__ import annotations

import pytest

import memkit
from memkit.boards.boot_other import BOARDS, TARGETS, board_types
from memkit.errors import MemkitError


def test_a_program_without_a_default_machine_wants_one() -> None:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot("-m 1G", target="aarch64")
    assert caught.value.message == (
        "No machine specified, and there is no default\nUse -machine help to list supported machines"
    )
    assert caught.value.hint == "add -machine virt"


@pytest.mark.parametrize(("target", "machine"), [
    ("ppc64", "pseries-7.2"), ("s390x", "s390-ccw-virtio-7.2"),
])
def test_a_program_with_a_default_machine_takes_it(target: str, machine: str) -> None:
    assert memkit.boot("-m 1G", target=target).machine_type == machine


def test_a_machine_that_the_program_does_not_have_is_refused_as_qemu_does() -> None:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot("-M q35 -m 1G", target="aarch64")
    assert caught.value.message.splitlines()[0] == "unsupported machine type"
    assert "virt, sbsa-ref, raspi3b" in (caught.value.hint + caught.value.explanation)


def test_a_machine_that_only_the_model_lacks_is_told_apart() -> None:
    with pytest.raises(MemkitError, match=r"QEMU 7\.2 has machine type 'versatilepb' for arm") as caught:
        memkit.boot("-M versatilepb", target="arm")
    assert not isinstance(caught.value, memkit.Refused)


def test_the_name_of_the_program_on_the_line_says_which_target_it_is() -> None:
    guest = memkit.boot("qemu-system-riscv64 -M virt -m 1G -nodefaults")
    assert (guest.target, guest.machine_type) == ("riscv64", "virt")
    assert guest.flat_view("memory").find(0x8000_0000).region.name == "riscv_virt_board.ram"


def test_every_target_has_a_board_and_every_board_a_target() -> None:
    assert all(board_types(target) for target in TARGETS)
    assert all(set(board.targets) <= set(TARGETS) for board in BOARDS)


@pytest.mark.parametrize("target", TARGETS)
def test_a_backend_takes_the_place_of_main_ram_on_each_board(target: str) -> None:
    machine = board_types(target)[0]
    guest = memkit.boot(
        f"-M {machine},memory-backend=m -m 1G -nodefaults "
        "-object memory-backend-memfd,id=m,size=1G,share=on", target=target,
    )
    assert guest.ram_blocks[0].idstr == "m"
    assert [f.label for f in guest.frontends if f.backend] == [f"main RAM of {guest.machine_type}"]
    with pytest.raises(memkit.Refused, match="Memory backend 'nobody' not found"):
        memkit.boot(f"-M {machine},memory-backend=nobody -m 1G", target=target)


def test_a_release_that_was_not_recorded_for_a_target_is_answered_by_an_older_one() -> None:
    guest = memkit.boot("-M virt -m 1G", target="riscv64", qemu="8.2")
    assert guest.qemu == "7.2"
    assert guest.notes == ("QEMU 8.2 is not known for riscv64; the facts are those of QEMU 7.2.",)
