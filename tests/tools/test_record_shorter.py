"""A shorter recording takes from a full one what is the same, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from memkit.errors import MemkitError
from tools.record.shorter import shorter, take_rules, use_shorter
from tools.record.targets import TARGETS, target, target_names

RULE = {"%/vga.vram": {"vgamem_mb": {"unit": "MiB", "round": "pow2", "size": 16}}}


def facts(blocks: list[Any], **more: Any) -> dict[str, Any]:
    """Facts of one device, whose start showed ``blocks``."""
    return {"about": {"qemu": "QEMU 7"}, "devices": {"VGA": {"virt": {"blocks": blocks}, **more}}}


def test_rules_are_taken_where_a_device_makes_the_same_blocks() -> None:
    found = facts([["%/vga.vram", 1 << 24]])
    assert take_rules(found, facts([["%/vga.vram", 1 << 24]], rules=RULE), ("virt",)) == 1
    assert found["devices"]["VGA"]["rules"] == RULE
    assert found["about"]["rules_of"] == "QEMU 7"


def test_rules_are_left_where_a_device_makes_other_blocks_or_is_new() -> None:
    found = facts([["%/vga.vram", 1 << 23]])
    assert take_rules(found, facts([["%/vga.vram", 1 << 24]], rules=RULE), ("virt",)) == 0
    assert take_rules(found, {"about": {"qemu": ""}, "devices": {}}, ("virt",)) == 0
    assert "rules" not in found["devices"]["VGA"]


def test_blocks_are_compared_with_the_options_that_a_device_needs() -> None:
    found = {"about": {}, "devices": {"d": {"virt": {"refusal": "no", "then": {"blocks": [["b", 4096]]}}}}}
    known = {
        "about": {"qemu": "7"},
        "devices": {
            "d": {"virt": {"refusal": "none", "then": {"blocks": [["b", 4096]]}}, "no_effect": ["x"]},
        },
    }
    assert take_rules(found, known, ("virt",)) == 1
    assert found["devices"]["d"]["no_effect"] == ["x"]


def test_every_target_can_be_asked_in_short() -> None:
    for name in target_names():
        assert not shorter(target(name)).zoo
        assert not shorter(target(name)).sweep


def test_a_target_is_asked_in_short_once_another_recording_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(TARGETS, "riscv64", target("riscv64"))
    like = tmp_path / "riscv64-7.2.json"
    like.write_text(json.dumps({"about": {"target": "riscv64", "qemu": "7"}, "devices": {"VGA": {}}}))
    assert use_shorter("riscv64", like)["devices"] == {"VGA": {}}
    assert not target("riscv64").sweep


@pytest.mark.parametrize("text", ["", "[]", "5", '{"about": {"target": "arm"}, "devices": {"VGA": {}}}'])
def test_a_file_of_something_else_is_told(tmp_path: Path, text: str) -> None:
    like = tmp_path / "other.json"
    like.write_text(text)
    with pytest.raises(MemkitError, match="has no devices of riscv64; give a file such as"):
        use_shorter("riscv64", like)
