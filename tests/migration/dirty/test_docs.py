"""The page about dirty pages: its Python works, and it names what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from memkit.migration import dirty
from memkit.migration.dirty.options import Options
from memkit.migration.dirty.rules import GRANULES, ZERO_PAGE
from memkit.migration.dirty.run import NORMAL

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "dirty-pages.md").read_text(encoding="utf-8")


def test_the_python_on_the_page_works() -> None:
    names: dict[str, Any] = {"print": lambda *_: None}
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    assert len(blocks) == 5
    for block in blocks:
        exec(block, names)


def test_every_workload_is_on_the_page() -> None:
    offered = [getattr(dirty, name) for name in dirty.__all__]
    workloads = {w.__name__ for w in offered if isinstance(w, type) and issubclass(w, dirty.Workload)}
    assert workloads - {"Workload"} == {*re.findall(r"^\| `(\w+)\(", PAGE, re.M)}


def test_the_parameters_on_the_page_exist() -> None:
    known = {*Options.__dataclass_fields__, "target", "dirty_granularity", "nonzero"}
    workload = {"rate", "size", "hot", "share", "seed", "stride", "offset", "block"}
    named = {*re.findall(r"`(\w+)=`", PAGE)}
    assert named <= known | workload


def test_the_numbers_on_the_page_are_the_model_s() -> None:
    assert f"{ZERO_PAGE} bytes in the stream instead of {NORMAL}" in PAGE
    assert all(target in PAGE for target in (*GRANULES,) if target != "x86_64")
