"""The glossary explains the words that the notebooks bring in, and the notebooks lead to it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^### (.+)$", GLOSSARY, re.M)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EVERY = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
LINK = re.compile(r"\[([^\[\]]+)\]\(([^()\s]+)\)")
AT_LEAST = 5


def slug(term: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w -]", "", term.lower()).replace(" ", "-")


SLUGS = {slug(term): term for term in TERMS}


def prose(path: Path) -> str:
    """What a notebook says in words: no code, no headings, no comments on sources."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for what in (r"(?ms)^```.*?^```", r"`[^`\n]*`", r"(?s)<small>.*?</small>", r"(?m)^#+ .*$", r"<[^>\n]+>"):
        text = re.sub(what, " ", text)
    return text


def linked(path: Path) -> list[str]:
    """The anchors of the glossary to which a notebook has links, in their order."""
    targets = [target for _, target in LINK.findall(prose(path))]
    return [target.partition("#")[2] for target in targets if "docs/glossary.md#" in target]


def uses(text: str, term: str, anchor: str) -> list[tuple[int, bool]]:
    """Where ``term`` is used in words, and whether it is a link to ``anchor``; other links are no uses."""
    links = [link for link in LINK.finditer(text) if link[2].endswith(f"glossary.md#{anchor}")]
    found = [(link.start(), True) for link in links]
    plain = LINK.sub(lambda link: " " * len(link[0]), text)
    words = r"\s+".join(map(re.escape, term.split()))
    flags = re.IGNORECASE if term == term.lower() else 0
    # KVM Forum is a conference.
    use = re.compile(rf"(?<![\w-]){words}s?(?![\w-]| Forum)", flags)
    found += [(each.start(), False) for each in use.finditer(plain)]
    return sorted(found)


@EVERY
def test_links_to_the_glossary_lead_to_one_of_its_words(path: Path) -> None:
    assert [] == [anchor for anchor in linked(path) if anchor not in SLUGS]


@EVERY
def test_a_notebook_leads_to_the_glossary_where_it_first_uses_each_word(path: Path) -> None:
    assert len(set(linked(path))) >= AT_LEAST
    text = prose(path)
    late = {}
    for anchor, term in SLUGS.items():
        place, is_link = next(iter(uses(text, term, anchor)), (0, True))
        if not is_link:
            late[anchor] = " ".join(text[max(0, place - 40) : place + 40].split())
    assert {} == late


def test_every_word_of_the_glossary_has_one_anchor() -> None:
    assert len(TERMS) == len(SLUGS)
    assert len(TERMS) > 60


def test_words_with_capitals_have_an_anchor_that_jupyterlab_finds() -> None:
    """JupyterLab keeps capitals in the names of headings; links are written without."""
    named = re.findall(r'^<div data-jupyter-id="([^"]+)"></div>\n\n### (.+)$', GLOSSARY, re.M)
    assert [(slug(term), term) for term in TERMS if term != term.lower()] == named


def test_every_word_is_explained_and_says_where_to_read_it_up() -> None:
    parts = re.split(r"^### ", re.sub(r"^(?:## |<div ).*$", "", GLOSSARY, flags=re.M), flags=re.M)[1:]
    told = re.compile(r"\w[.:;].*\(.*`[\w/.-]+\.(?:c|h|hx|rst|txt|json)`.*\)\s*\Z", re.S)
    bare = [part.splitlines()[0] for part in parts if not told.search(part)]
    assert [] == bare


def test_sources_are_files_of_qemu() -> None:
    named = re.findall(r"`([\w/.-]+\.[a-z]+)`", GLOSSARY)
    assert [] == [name for name in named if not re.search(r"\.(?:c|h|hx|rst|txt|json)\Z", name)]
    assert len(named) > len(TERMS)
