"""A line that asks for KVM runs where the described host has it; all others run under TCG."""

from __future__ import annotations

import pytest

import memkit
from memkit.boards.accelerators import choose_accelerator
from memkit.config import parse

KVM, TCG = memkit.Host(accelerator="kvm"), memkit.Host(accelerator="tcg")


@pytest.mark.parametrize(("line", "on_kvm", "on_tcg"), [
    ("", "tcg", "tcg"), ("-accel tcg,thread=multi", "tcg", "tcg"), ("-M accel=tcg:kvm", "tcg", "tcg"),
    ("-M accel=kvm:tcg", "kvm", "tcg"), ("-accel kvm -accel tcg", "kvm", "tcg"),
    ("-M accel=foo:tcg", "tcg", "tcg"),
])
def test_the_first_accelerator_that_works_is_taken(line: str, on_kvm: str, on_tcg: str) -> None:
    assert on_kvm == choose_accelerator(parse(line), KVM)
    assert on_tcg == choose_accelerator(parse(line), TCG)


@pytest.mark.parametrize("line", ["-enable-kvm", "-accel kvm", "-M accel=kvm", "-M q35,accel=kvm -cpu host"])
def test_kvm_needs_a_host_that_has_it(line: str) -> None:
    assert memkit.boot(line, host=KVM)
    with pytest.raises(memkit.Refused, match="Could not access KVM kernel module: No such file or directory"):
        memkit.boot(line, host=TCG)


def test_the_hosts_cpu_needs_a_line_that_asks_for_kvm() -> None:
    assert memkit.boot("-accel kvm -cpu host")
    with pytest.raises(memkit.Refused, match="CPU model 'host' requires KVM or HVF"):
        memkit.boot("-cpu host")
