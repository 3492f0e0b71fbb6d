"""Make slides of the notebooks: run them, cut them at their headings; nbconvert writes reveal.js pages.

``slides.py FOLDER [NOTEBOOK ...]`` writes into FOLDER what any browser shows from a disk, without network.
A heading ``##`` begins a slide; ``###`` and each result lie below it.  On a slide stand the first paragraph,
lists and tables; all that the notebook says more stands in the speaker's notes (key S).
"""

from __future__ import annotations

import copy
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nbconvert import SlidesExporter
from nbformat.v4 import new_markdown_cell

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools.publish import NOTEBOOKS, execute

__all__ = ["bring_reveal", "cut", "slides", "write"]

TEMPLATES = Path(__file__).resolve().parent / "templates"
# What of reveal.js the pages load: sphinx-revealjs carries all of it.
PARTS = ("LICENSE", "dist/reveal.js", "dist/reveal.css", "dist/theme/white.css", "dist/theme/fonts",
         "plugin/notes/notes.js")
KINDS = {"# ": "slide", "## ": "slide", "### ": "subslide"}


def cut(notebook: Any) -> Any:
    """A copy of a notebook that was run, with marks for reveal.js: each cell a slide, a subslide or notes."""
    found = copy.deepcopy(notebook)
    marked = []
    for cell in found.cells:
        if cell.cell_type == "markdown":
            marked += _told(cell)
        elif _shows(cell):
            marked.append(_marked(cell, "subslide"))
    found.cells = marked
    return found


def _marked(cell: Any, kind: str) -> Any:
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def _told(cell: Any) -> list[Any]:
    """A cell in words as one with what is shown, and one with notes for who speaks."""
    # Links lead to files of the kit, which are not beside the slides.
    cell.source = re.sub(r"\[([^\[\]]+)\]\((?!https?:)[^()]+\)", r"\1", cell.source)
    paragraphs = re.split(r"\n\s*\n", cell.source.strip())
    kind = next((KINDS[mark] for mark in KINDS if paragraphs[0].startswith(mark)), "")
    shown = paragraphs[:2] if kind else []
    shown += [each for each in paragraphs[len(shown):] if kind and re.match(r"[-*] |\||\d+\. ", each)]
    notes = new_markdown_cell(cell.source, id=f"{cell.id}-notes")
    if not kind:
        return [_marked(notes, "notes")]
    cell.source = "\n\n".join(shown)
    return [_marked(cell, kind), _marked(notes, "notes")]


def _shows(cell: Any) -> bool:
    """True for a cell with a result; a widget without its kernel is none, and links lose their targets."""
    for output in cell.outputs:
        data = output.get("data", {})
        data.pop("application/vnd.jupyter.widget-view+json", None)
        if html := data.get("text/html"):
            html = re.sub(r'<a href="[\w-]+\.ipynb">(.*?)</a>', r"\1", html)
            # To reveal.js, a section is a slide.
            data["text/html"] = html.replace("<section", '<div role="region"').replace("</section>", "</div>")
    return bool(cell.outputs)


def write(name: str, notebook: Any, target: Path) -> None:
    """Write the slides of one notebook, which was run, below ``target``."""
    exporter = SlidesExporter(
        template_name="memkit", extra_template_basedirs=[str(TEMPLATES)], reveal_url_prefix="reveal",
        reveal_theme="white",
        embed_images=True,
    )
    text, _ = exporter.from_notebook_node(cut(notebook), {"metadata": {"name": name}})
    (target / f"{name}.html").write_text(text, encoding="utf-8")


def bring_reveal(target: Path) -> bool:
    """True when reveal.js stands below ``target``; False where the package that carries it is missing."""
    spec = find_spec("sphinx_revealjs")
    if spec is None or spec.origin is None:
        return False
    source = Path(spec.origin).parent / "_static" / "revealjs"
    for part in PARTS:
        place = target / "reveal" / part
        place.parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, place, dirs_exist_ok=True)
        else:
            shutil.copy(source / part, place)
    return True


def slides(target: Path, names: list[str]) -> int:
    """0 when the slides of some notebooks, or of all, and an index stand below ``target``."""
    if not bring_reveal(target):
        print("slides: sphinx-revealjs, which carries reveal.js, is missing; make environment installs it",
              file=sys.stderr)
        return 1
    paths = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if not names or path.stem in names]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, notebook in zip(paths, pool.map(execute, paths), strict=True):
            write(path.stem, notebook, target)
    links = "\n".join(f'<li><a href="{path.stem}.html">{escape(path.stem)}</a></li>' for path in paths)
    head = '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Slides</title>'
    (target / "index.html").write_text(f"{head}\n<ul>\n{links}\n</ul></html>\n", encoding="utf-8")
    return 0


def main() -> int:
    """0 when the slides stand."""
    words = sys.argv[1:] or [str(NOTEBOOKS.parent / "_slides")]
    code = slides(Path(words[0]), [Path(word).stem for word in words[1:]])
    if not code:
        print(f"wrote {Path(words[0]) / 'index.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
