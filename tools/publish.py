"""Print the notebooks as web pages with their results: ``publish.py _site``.

Each notebook is run from top to bottom and written as one HTML file that needs no network, no kernel
and no other file.  Widgets do not run there; what they show instead comes from the objects themselves.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from traitlets.config import Config

__all__ = ["convert", "execute", "page", "publish"]

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
# A widget is nothing without its kernel, so its HTML goes first.
SHOWN = ["text/html", "image/svg+xml", "image/png", "text/markdown", "text/plain"]
NOTE = (
    "This is a printed edition: you see what the notebook showed when it was run. To move the sliders and "
    "change the lines yourself, get the kit and type <code>make lab</code>."
)
STYLE = """
:root{color-scheme:light dark;--ink:#14181d;--soft:#55606c;--page:#fefefe;--card:#f6f7f9;--rule:#c9ced5;
--link:#00629f;--bad:#a2261d;--word:#00629f;--text:#7a4300}
@media (prefers-color-scheme:dark){:root{--ink:#eceff2;--soft:#a6b0bb;--page:#111519;--card:#1a2026;
--rule:#3b444e;--link:#62b5f0;--bad:#ff8a80;--word:#62b5f0;--text:#e3b27a}}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 'Helvetica Neue',Arial,'DejaVu Sans',
sans-serif}
main{max-width:1200px;margin:0 auto;padding:16px 20px 60px}
p,ul,ol{max-width:75ch}
a{color:var(--link)} .anchor-link{visibility:hidden;text-decoration:none;margin-left:.3em}
:is(h1,h2,h3):hover .anchor-link,.anchor-link:focus{visibility:visible}
small,.note,.prompt{color:var(--soft)} .prompt{font:12px 'DejaVu Sans Mono',monospace;margin-top:10px}
.prompt:empty,.text_cell .prompt{display:none}
pre,code{font:13px/1.5 'DejaVu Sans Mono',Menlo,Consolas,monospace}
.text_cell code{background:var(--card);padding:1px 4px;border-radius:3px}
.input_area pre{background:var(--card);border:1px solid var(--rule);border-radius:4px;padding:8px 12px;
margin:4px 0 8px;overflow-x:auto}
.output_subarea{overflow-x:auto} .output_subarea pre{white-space:pre-wrap;margin:6px 0}
.output_error pre,.output_subarea.output_error pre{border-left:4px solid var(--bad);padding-left:12px}
.note{border:1px solid var(--rule);border-radius:4px;padding:8px 12px}
.highlight :is(.kn,.k,.ow){color:var(--word)} .highlight :is(.s1,.s2){color:var(--text)}
summary{cursor:pointer}
""".replace("\n", "")


def execute(path: Path) -> Any:
    """The notebook with the results of running it; raises CellExecutionError if a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=120, resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    client.execute()
    notebook.metadata.pop("widgets", None)
    return notebook


def convert(notebook: Any) -> str:
    """The cells of a notebook as HTML, without a page around them."""
    config = Config()
    config.NbConvertBase.display_data_priority = SHOWN
    body, _ = HTMLExporter(config=config, template_name="basic").from_notebook_node(notebook)
    return str(body)


def page(title: str, body: str) -> str:
    """A web page of its own."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>{body}</main></body></html>\n"
    )


def heading(notebook: Any) -> str:
    """The first heading of a notebook."""
    words = next(cell.source for cell in notebook.cells if cell.source.startswith("# "))
    return str(words.splitlines()[0].removeprefix("# "))


def publish(target: Path) -> list[Path]:
    """The files written below ``target``: a page for each notebook, and index.html."""
    target.mkdir(parents=True, exist_ok=True)
    written, items = [], []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = execute(path)
        title, file = heading(notebook), target / f"{path.stem}.html"
        note = f'<p class="note">{NOTE}</p>'
        file.write_text(page(f"{title} - memkit", note + convert(notebook)), encoding="utf-8")
        items.append(f'<li><a href="{file.name}">{escape(title)}</a></li>')
        written.append(file)
    index = target / "index.html"
    index.write_text(page("memkit", f"<h1>memkit</h1><ul>{''.join(items)}</ul>"), encoding="utf-8")
    return [*written, index]


def main() -> int:
    """0 when every notebook ran and is written."""
    for file in publish(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "_site")):
        print(f"wrote {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
