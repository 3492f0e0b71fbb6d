"""BokehJS in the page: inline, once, without a banner and without the network.

A Bokeh picture needs its script in the page before it is shown.  The usual way loads it from a
content delivery network, which fails offline.  Here the script travels inside the first output
that needs it; a page that lost it still shows the static picture.
"""

from __future__ import annotations

from functools import lru_cache

from memkit.errors import Unavailable

__all__ = ["MISSING", "inline_script", "once", "require"]

_state = {"sent": False}

MISSING = (
    "the interactive address map needs Bokeh, which is not installed; "
    "install it with: pip install 'memkit[lab]' (or: pip install bokeh)"
)


def require() -> None:
    """Check that Bokeh is there; raises Unavailable with the command that installs it."""
    try:
        import bokeh  # noqa: F401
    except ImportError as error:
        raise Unavailable(MISSING) from error


@lru_cache(maxsize=1)
def inline_script() -> str:
    """BokehJS as one HTML script element; it does nothing in a page that has BokehJS.

    Raises Unavailable if Bokeh is missing.
    """
    require()
    from bokeh.resources import Resources

    code = "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)
    # Module loaders in a page (RequireJS in exported notebooks) must not catch the script.
    return (
        "<script>if(!window.Bokeh){(function(){var define,module,exports;"
        f"{code}\n}}).call(window);}}</script>"
    )


def once() -> str:
    """The script element the first time a kernel asks, afterwards nothing."""
    if _state["sent"]:
        return ""
    script = inline_script()
    _state["sent"] = True
    return script
