"""No file names this or that machine, a package registry's host, or the way the kit was made."""

from __future__ import annotations

import re
from pathlib import Path

# Written in pieces, so that this file does not match itself.
FORBIDDEN = {
    "a path of one machine": r"/(?:work/(?:main|shared)|roo" r"t/\.|home/[a-z]+/|Users/[a-z]+/)",
    "a registry's host": r"\b(?:pypi\.or" r"g|pythonhosted\.or" r"g|registry\.npmj" r"s|deb\.debia" r"n\.org"
    r"|conda\.anacond" r"a\.org)\b",
    # A public report, with a link to it, is no trace of how the kit was made.
    "how the kit was made": r"\b(?:Claud" r"e|Anthropi" r"c|Copilo" r"t|ChatGP" r"T"
    r"|issue #?\d+\b(?!/|\]\(https:)|contract\.m" r"d)\b",
}
BINARY = {".gz", ".png", ".whl", ".jpg", ".ico"}


def test_files_name_no_machine_no_registry_and_no_workplace(files: list[Path], root: Path) -> None:
    found = []
    for path in files:
        if path.suffix in BINARY:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for what, pattern in FORBIDDEN.items():
                if hit := re.search(pattern, line):
                    found.append(f"{path.relative_to(root)}:{number}: {what}: {hit[0]}")
    assert [] == found


def test_text_files_end_with_a_line_end_and_have_no_tabs_in_python(files: list[Path], root: Path) -> None:
    wrong = []
    for path in files:
        if path.suffix not in {".py", ".md", ".toml", ".yml", ".txt"}:
            continue
        text = path.read_text(encoding="utf-8")
        if text and not text.endswith("\n"):
            wrong.append(f"{path.relative_to(root)}: no line end at its end")
        if path.suffix == ".py" and "\t" in text:
            wrong.append(f"{path.relative_to(root)}: a tab")
    assert [] == wrong
