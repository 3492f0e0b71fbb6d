"""The glossary explains every word that the notebooks bring in, and says where it can be read up."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = {term.lower() for term in re.findall(r"\*\*([^*]+)\*\*", GLOSSARY)}


def test_every_word_that_a_notebook_explains_is_in_the_glossary() -> None:
    missing = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        # Bold words that end with a full stop are headings within a paragraph; keys are no terms.
        bold = [term for term in re.findall(r"\*\*([^*]+)\*\*", text) if "." not in term and "+" not in term]
        missing |= {term for term in bold if term.lower() not in TERMS}
    assert set() == missing


def test_every_word_of_the_glossary_is_explained_once() -> None:
    terms = re.findall(r"\*\*([^*]+)\*\*", GLOSSARY)
    assert len(TERMS) == len(terms)


def test_sources_are_files_of_qemu() -> None:
    named = re.findall(r"`([\w/.-]+\.[a-z]+)`", GLOSSARY)
    assert [] == [name for name in named if not re.search(r"\.(?:c|h|hx|rst|txt)\Z", name)]
    assert len(named) > 20
