"""The look of the instruments, and the few lines of script that ipywidgets leave to the page.

The style follows JupyterLab's variables, so light and dark come by themselves.  The script adds
names for screen readers and lets a press on a picture choose the block to follow, which a list does, too.
"""

from __future__ import annotations

import json

from memkit.draw.theme import MONO, THEMES
from memkit.lab.controls import SIZES
from memkit.units import human

__all__ = ["script", "style"]

_STYLE = """
.memkit{--mk-ink:var(--jp-ui-font-color1,#14181d);--mk-soft:var(--jp-ui-font-color2,#55606c);
--mk-line:var(--jp-border-color2,#c9ced5);--mk-card:var(--jp-layout-color2,#f6f7f9);
--mk-bad:var(--jp-error-color1,#b3261e);--mk-warn:var(--jp-warn-color0,#8a5a00);
--mk-focus:var(--jp-brand-color1,#0b57d0);color:var(--mk-ink);overflow:hidden;padding:2px 4px 4px}
.memkit .mk-line textarea{font:13px/1.5 MONO;padding:6px 8px;resize:vertical;field-sizing:content;
min-height:34px;max-height:180px;overflow-wrap:anywhere}
.memkit .mk-paste textarea{white-space:pre;overflow:auto;field-sizing:fixed;height:92px}
.memkit .mk-told .widget-html-content{font-size:13px;line-height:1.45}
.memkit .mk-told .mk-changes{max-height:80px}
.memkit .widget-box,.memkit .widget-inline-hbox{max-width:100%}
.memkit .widget-inline-hbox :is(select,input){min-width:0}
.memkit .widget-label,.memkit .widget-label-basic{color:var(--mk-ink)}
.memkit .widget-inline-hbox .widget-label{text-align:left;width:auto;min-width:max-content;margin-right:6px}
.memkit .mk-exact input{font-family:MONO}
.memkit :is(input,select,textarea,button,.mk-changes):focus-visible,.memkit .noUi-handle:focus-visible,
.memkit .lm-TabBar-tab:focus-visible{outline:2px solid var(--mk-focus)!important;outline-offset:1px}
.memkit p{margin:0 0 3px;line-height:1.45}
.memkit code,.memkit pre{font-family:MONO;font-size:12px;color:inherit}
.memkit .mk-status{font-size:13px;min-height:22px}
.memkit .mk-good b{color:var(--jp-success-color0,#1b5e20)}
[data-jp-theme-light=false] .memkit .mk-good b{color:#81c995}
.memkit .mk-warn b{color:var(--mk-warn)}
.memkit .mk-note{color:var(--mk-soft)}
.memkit .mk-bad{border:1px solid var(--mk-line);border-left:4px solid var(--mk-bad);padding:5px 12px;
margin:2px 0 4px 2px}
.memkit .mk-said{white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;margin:2px 0 4px;padding:0;
background:none}
.memkit .mk-bad code{overflow-wrap:anywhere}
.memkit .mk-compared{border-left:4px solid var(--mk-line);padding-left:8px;margin:2px 0 2px 2px}
.memkit .mk-compared .widget-html-content{font-size:13px;line-height:1.45}
.memkit .mk-changes{max-height:104px;overflow:auto}
.memkit .mk-changes ul{margin:0;padding-left:20px;columns:2 400px;column-gap:34px}
.memkit .mk-part{border:1px solid var(--mk-line);border-radius:4px;padding:0 0 0 8px;margin:0 0 0 2px;
align-items:center}
.memkit .mk-part .widget-html-content{font-size:12px;overflow-wrap:anywhere}
.memkit .mk-form{border-left:4px solid var(--mk-line);padding-left:8px}
.memkit .mk-tabs .widget-tab-contents{padding:8px!important;
overflow:auto;min-height:300px;background:LIGHT!important}
[data-jp-theme-light=false] .memkit .mk-tabs .widget-tab-contents{background:DARK!important}
.memkit .mk-tabs .lm-TabBar-tab{min-width:72px;justify-content:center}
.memkit .mk-view{min-width:0;max-width:100%}
.memkit .mk-view .widget-html-content{line-height:1.4;min-width:0;width:100%}
.memkit .mk-view{transition:opacity .15s}
.memkit.mk-stale .mk-view{opacity:.42;filter:grayscale(1);transition-delay:.25s}
.memkit .mk-picture{overflow-x:auto}
.memkit .mk-picture svg{display:block}
.memkit .mk-view:not([class*=mk-zoom]) .mk-picture svg{min-width:780px;width:100%!important;
max-width:1560px!important}
.memkit [class*=mk-zoom] .mk-picture{max-height:75vh;overflow:auto}
.memkit [class*=mk-zoom] .mk-picture svg{max-width:none!important}
.memkit .mk-zoom-2 .mk-picture svg{zoom:1.5}
.memkit .mk-zoom-3 .mk-picture svg{zoom:2}
.memkit .mk-picture .x[class*=" k"]{cursor:pointer}
.memkit .mk-followed .x{opacity:.2}.memkit .mk-followed .x.mk-on{opacity:1}
.memkit .mk-term,.memkit .mk-words{margin:0;padding:8px 10px;background:var(--mk-card);line-height:1.4;
white-space:pre;overflow-x:auto}
.memkit .mk-story{font-size:13px;line-height:1.5;max-width:90ch}
.memkit .mk-story ol,.memkit .mk-story ul{margin:0;padding-left:22px}
""".replace("MONO", MONO).replace("LIGHT", THEMES["light"].page).replace("DARK", THEMES["dark"].page)

_SCRIPT = """
(function(){
  if (window.memkitPage) return;
  window.memkitPage = true;
  const sizes = %s;
  let waiting = false;
  function name() {
    waiting = false;
    for (const h of document.querySelectorAll(".memkit :is(.mk-ram,.mk-at) .noUi-handle")) {
      const ram = h.closest(".mk-ram"), now = Math.round(h.getAttribute("aria-valuenow"));
      const said = ram ? sizes[now] || "" : String(now), called = ram ? "RAM size" : "Step";
      if (h.getAttribute("aria-label") !== called) h.setAttribute("aria-label", called);
      if (h.getAttribute("aria-valuetext") !== said) h.setAttribute("aria-valuetext", said);
    }
    for (const t of document.querySelectorAll(".memkit .mk-line textarea[spellcheck=true],"
        + ".memkit .mk-line textarea:not([spellcheck])")) t.spellcheck = false;
  }
  // Pointing at a block and pressing: the same as choosing it under "Follow".
  document.addEventListener("click", (event) => {
    const part = event.target.closest && event.target.closest(".memkit .mk-picture .x");
    const list = part && part.closest(".memkit").querySelector(".mk-follow select");
    const number = part && (part.getAttribute("class").match(/ k(\\d+)/) || [])[1];
    if (!list || number === undefined) return;
    const name = JSON.parse(part.closest(".mk-picture").dataset.names)[number];
    const wanted = [...list.options].findIndex(o => o.text === name);
    if (wanted < 0) return;
    list.selectedIndex = list.selectedIndex === wanted ? 0 : wanted;
    list.dispatchEvent(new Event("change", {bubbles: true}));
  });
  // In a list, arrows and letters choose; JupyterLab would go to another cell, or cut this one.
  window.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const chooses = /^(Arrow|Home|End|Page)/.test(event.key) || event.key.length === 1;
    if (plain && chooses && event.target.matches && event.target.matches(".memkit select"))
      event.stopPropagation();
  }, true);
  function soon() { if (!waiting) { waiting = true; requestAnimationFrame(name); } }
  new MutationObserver(soon).observe(document.body,
    {subtree: true, childList: true, attributes: true, attributeFilter: ["aria-valuenow"]});
  soon();
})();
"""


def style() -> str:
    """The style element of the explorer and of the other instruments."""
    return f"<style>{_STYLE}</style>".replace("\n", "")


def script() -> str:
    """The script element that names what ipywidgets leave without a name; running it twice does no harm."""
    return f"<script>{_SCRIPT % json.dumps([human(size) for size in SIZES])}</script>"
