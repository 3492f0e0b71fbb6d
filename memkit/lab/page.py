"""The explorer's look, and the few lines of script that ipywidgets leave to the page.

The style follows JupyterLab's variables, so light and dark come by themselves.  The script only adds
names for screen readers; without it everything works.
"""

from __future__ import annotations

import json

from memkit.draw.theme import MONO
from memkit.lab.controls import SIZES
from memkit.units import human

__all__ = ["script", "style"]

_STYLE = """
.memkit{--mk-ink:var(--jp-ui-font-color1,#14181d);--mk-soft:var(--jp-ui-font-color2,#55606c);
--mk-line:var(--jp-border-color2,#c9ced5);--mk-card:var(--jp-layout-color2,#f6f7f9);
--mk-bad:var(--jp-error-color1,#b3261e);--mk-warn:var(--jp-warn-color0,#8a5a00);
--mk-focus:var(--jp-brand-color1,#0b57d0);color:var(--mk-ink);overflow:hidden;padding:2px 4px 4px}
.memkit .mk-line textarea{font:13px/1.5 MONO;padding:6px 8px;resize:vertical;field-sizing:content;
min-height:34px;max-height:180px;word-break:break-all}
.memkit .widget-label,.memkit .widget-label-basic{color:var(--mk-ink)}
.memkit .widget-inline-hbox .widget-label{text-align:left;width:auto;min-width:max-content;margin-right:6px}
.memkit .mk-exact input{font-family:MONO}
.memkit :is(input,select,textarea,button):focus-visible,.memkit .noUi-handle:focus-visible,
.memkit .lm-TabBar-tab:focus-visible{outline:2px solid var(--mk-focus)!important;outline-offset:1px}
.memkit p{margin:0 0 3px;line-height:1.45}
.memkit code,.memkit pre{font-family:MONO;font-size:12px;color:inherit}
.memkit .mk-status{font-size:13px;min-height:22px}
.memkit .mk-good b{color:var(--jp-success-color0,#1b5e20)}
[data-jp-theme-light=false] .memkit .mk-good b{color:#81c995}
.memkit .mk-warn b{color:var(--mk-warn)}
.memkit .mk-note{color:var(--mk-soft)}
.memkit .mk-bad{border-left:4px solid var(--mk-bad);background:var(--mk-card);padding:6px 12px;margin:2px 0}
.memkit .mk-said{white-space:pre-wrap;margin:2px 0 4px;padding:0;background:none;overflow-wrap:anywhere}
.memkit .mk-bad code{overflow-wrap:anywhere}
.memkit .mk-part{border:1px solid var(--mk-line);border-radius:4px;padding:0 0 0 8px;align-items:center;
background:var(--mk-card)}
.memkit .mk-part .widget-html-content{font-size:12px;overflow-wrap:anywhere}
.memkit .mk-form{border-left:4px solid var(--mk-line);padding-left:8px}
.memkit .mk-tabs .widget-tab-contents,.memkit .mk-tabs .jupyter-widget-tab-contents{padding:8px;
overflow:auto;min-height:300px}
.memkit .mk-tabs .lm-TabBar-tab{min-width:72px;justify-content:center}
.memkit .mk-view{transition:opacity .15s}
.memkit.mk-stale .mk-view{opacity:.42;filter:grayscale(1);transition-delay:.25s}
.memkit .mk-picture{overflow-x:auto}
.memkit .mk-picture svg{min-width:900px}
.memkit .mk-term,.memkit .mk-words{margin:0;padding:8px 10px;background:var(--mk-card);line-height:1.4;
white-space:pre;overflow-x:auto}
.memkit .mk-story{font-size:13px;line-height:1.5;max-width:90ch}
.memkit .mk-story ol,.memkit .mk-story ul{margin:0;padding-left:22px}
""".replace("MONO", MONO).replace("\n", "")

_SCRIPT = """
(function(){
  if (window.memkitPage) return;
  window.memkitPage = true;
  const sizes = %s;
  let waiting = false;
  function name() {
    waiting = false;
    for (const h of document.querySelectorAll(".memkit .mk-ram .noUi-handle")) {
      const said = sizes[Math.round(h.getAttribute("aria-valuenow"))] || "";
      if (h.getAttribute("aria-label") !== "RAM size") h.setAttribute("aria-label", "RAM size");
      if (h.getAttribute("aria-valuetext") !== said) h.setAttribute("aria-valuetext", said);
    }
    for (const t of document.querySelectorAll(".memkit .mk-line textarea[spellcheck=true],"
        + ".memkit .mk-line textarea:not([spellcheck])")) t.spellcheck = false;
  }
  function soon() { if (!waiting) { waiting = true; requestAnimationFrame(name); } }
  new MutationObserver(soon).observe(document.body,
    {subtree: true, childList: true, attributes: true, attributeFilter: ["aria-valuenow"]});
  soon();
})();
"""


def style() -> str:
    """The style element of the explorer."""
    return f"<style>{_STYLE}</style>"


def script() -> str:
    """The script element that names what ipywidgets leave without a name; running it twice does no harm."""
    return f"<script>{_SCRIPT % json.dumps([human(size) for size in SIZES])}</script>"
