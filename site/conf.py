"""How Sphinx builds the site: the notebooks, run, with their results, and the documents."""

from __future__ import annotations

from typing import Any

import memkit

project = "memkit"
author = "the memkit authors"
copyright = "the memkit authors"
version = release = memkit.__version__
root_doc = "index"

extensions = ["myst_nb"]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
suppress_warnings = ["mystnb.unknown_mime_type"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# The notebooks come here with their results; nothing is run by Sphinx.
nb_execution_mode = "off"
nb_mime_priority_overrides: list[Any] = [
    ("html", mime, place) for place, mime in enumerate(
        ("text/html", "image/svg+xml", "image/png", "text/markdown", "text/plain"))
]

html_theme = "sphinx_book_theme"
html_title = "memkit: how QEMU handles guest RAM"
html_static_path = ["static"]
html_css_files = ["memkit.css"]
html_js_files = ["memkit.js"]
html_copy_source = False
html_show_sourcelink = False
# A page on a disk cannot fetch others, from which the summaries would come.
html_show_search_summary = False
html_theme_options = {
    "repository_url": "https://github.com/memkit/memkit",
    "repository_branch": "main",
    "path_to_docs": ".",
    "use_repository_button": True,
    "launch_buttons": {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"},
    "home_page_in_toc": True,
    # Pictures need the room that a list of headings would take.
    "secondary_sidebar_items": [],
}
