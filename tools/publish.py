"""Build the site: run every notebook, and let Sphinx make web pages that need no kernel and no network.

``publish.py FOLDER`` writes the pages into FOLDER; its index.html opens in any browser, from a disk, too.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

__all__ = ["build", "execute", "gather", "lead_to_pages", "publish"]

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
SITE = ROOT / "site"


def execute(path: Path) -> Any:
    """The notebook with the results of running it; raises CellExecutionError if a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=120, resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    client.execute()
    # A widget is nothing without its kernel; what stands beside it is shown.
    notebook.metadata.pop("widgets", None)
    return notebook


def gather(sources: Path, notebooks: dict[str, Any]) -> None:
    """Put what Sphinx reads into ``sources``: its settings, the documents, and the notebooks with results."""
    shutil.copytree(SITE, sources, dirs_exist_ok=True)
    shutil.copytree(ROOT / "docs", sources / "docs")
    (sources / "data").mkdir()
    shutil.copy(ROOT / "data" / "README.md", sources / "data")
    (sources / "notebooks").mkdir()
    for name, notebook in notebooks.items():
        notebook = copy.deepcopy(notebook)
        lead_to_pages(notebook, notebooks)
        nbformat.write(notebook, sources / "notebooks" / f"{name}.ipynb")


def lead_to_pages(notebook: Any, names: Container[str]) -> None:
    """Let links to notebooks in what cells show lead to their pages, if there are such."""
    def page(link: re.Match[str]) -> str:
        return f'<a href="{link[1]}.html">{link[2]}</a>' if link[1] in names else link[2]

    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if html := output.get("data", {}).get("text/html"):
                output.data["text/html"] = re.sub(r'<a href="([\w-]+)\.ipynb">(.*?)</a>', page, html)


def build(sources: Path, target: Path) -> int:
    """0 when Sphinx has written the pages; its complaints go to standard error, and are errors."""
    from sphinx.cmd.build import build_main

    return build_main([
        "-b", "html", "-q", "-W", "--keep-going", "-d", str(sources / "_doctrees"), str(sources), str(target),
    ])


def publish(target: Path) -> int:
    """0 when every notebook ran and the site is written below ``target``."""
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = dict(zip((path.stem for path in paths), pool.map(execute, paths), strict=True))
    with tempfile.TemporaryDirectory(prefix="memkit-site-") as folder:
        gather(Path(folder), done)
        return build(Path(folder), target)


def main() -> int:
    """0 when the site stands."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "_site")
    code = publish(target)
    if not code:
        print(f"wrote {target / 'index.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
