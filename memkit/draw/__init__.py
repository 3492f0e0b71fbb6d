"""Views: plain objects that show one Guest, each with its text twin.

A view has ``data()`` (the facts, plain and JSON-able), ``text()`` (the facts in words) and
``_repr_mimebundle_`` (the facts as a picture).  Picture and text are made from ``data()``
alone, so they cannot disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memkit.draw.graph import Graph
    from memkit.draw.map import AddressMap
    from memkit.draw.table import Tables

__all__ = ["AddressMap", "Graph", "Tables"]


def __getattr__(name: str) -> object:
    # Views are imported when they are asked for: pandas, Bokeh and Graphviz are slow to load.
    if name == "Graph":
        from memkit.draw.graph import Graph

        return Graph
    if name == "AddressMap":
        from memkit.draw.map import AddressMap

        return AddressMap
    if name == "Tables":
        from memkit.draw.table import Tables

        return Tables
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
