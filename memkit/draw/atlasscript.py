"""What the page of the atlas does by itself, without a kernel: letters for a third feature, and explanations.

The same few steps as in memkit.atlas.layer: a conflict shows where all of its features are, and none of the
sets that mend it.  A test compares both, cell by cell.
"""

from __future__ import annotations

__all__ = ["SCRIPT"]

# %s: the data, the Bokeh document, the swap of colours for dark pages, the id of the section.
SCRIPT = r"""
(function () {
  const D = %s, item = %s, swap = %s, id = "%s";
  const box = document.getElementById(id);
  if (!box || box.dataset.live) return;
  box.dataset.live = "1";
  const names = D.features.map((f) => f.name);
  const pick = ["a", "b", "c"].map((k) => box.querySelector("select." + k));
  const all = box.querySelector("input.all"), said = box.querySelector(".said");
  let cells = null, guide = null;

  function dark() {
    const marked = box.closest("[data-jp-theme-light]");
    if (marked) return marked.dataset.jpThemeLight === "false";
    return matchMedia("(prefers-color-scheme: dark)").matches;
  }
  const swapping = swap && dark();
  const colour = (role) => (swapping && swap[D.colours[role]]) || D.colours[role];

  function combination(list) {
    const chosen = [...new Set(list.filter((n) => n >= 0))].sort((x, y) => x - y);
    const having = new Set(chosen);
    for (const n of chosen) for (const m of D.features[n].includes) having.add(m);
    const within = (set) => set.every((n) => having.has(n));
    const exact = (set) => set.length === chosen.length && set.every((n) => chosen.includes(n));
    const part = (done) => D.exclusive[chosen.filter((n) => D.done.includes(n) === done).join(" ")];
    const reason = D.reasons[part(false)] || D.reasons[part(true)];
    const none = { here: [], together: [], inherited: [], mended: [] };
    if (reason) return { chosen, reason, look: "exclusive", ...none };
    const met = D.conflicts.filter((c) => within(c.places));
    const holds = (c) => !c.mending.some(within);
    let here = met.filter(holds);
    const refused = here.some((c) => c.severity === "refused");
    if (refused) here = here.filter((c) => c.severity === "refused");
    const mended = refused ? [] : met.filter((c) => !holds(c));
    const together = here.filter((c) => exact(c.places));
    const all_of = (set) => chosen.every((n) => set.includes(n));
    const own = mended.some((c) => c.mending.some((m) => all_of([...c.places, ...m])));
    const shown = all.checked ? here : together;
    const look = shown.length ? shown[0].severity : own ? "mended" : here.length ? "inherited" : "fine";
    const inherited = here.filter((c) => !together.includes(c));
    return { chosen, reason: "", here, together, inherited, mended, look };
  }

  function paint() {
    if (!cells) return;
    const third = +pick[2].value, old = cells.data;
    const letter = [], fill = [], line = [], ink = [], tip = [];
    for (let i = 0; i < old.row.length; i++) {
      const found = combination([old.row[i], old.column[i], third]), look = D.looks[found.look];
      letter.push(look.letter); ink.push(colour(look.ink));
      fill.push(colour(look.fill)); line.push(colour(look.line));
      const title = found.reason || (found.together[0] || found.here[0] || {}).title || look.words;
      tip.push(found.chosen.map((n) => names[n]).join(" + ") + "\n" + title);
    }
    cells.data = { ...old, letter, fill, line, ink, tip };
  }

  function element(tag, text, name) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (name) made.className = name;
    return made;
  }
  function entry(c) {
    const made = element("section");
    const head = element("p"), look = D.looks[c.severity];
    head.append(element("strong", look.letter + " " + c.severity), ": " + c.title + " ");
    head.append(element("code", c.id));
    made.append(head);
    const facts = [
      ["With", c.features], ["Why", c.why], ["Instead", c.instead], ["Shown by", c.command],
      ["QEMU", c.versions], ["Confirmed", c.confirmed || "not on a real QEMU yet"],
      ["Mended by", c.mended_by], ["Sources", c.sources]];
    const list = element("dl");
    for (const [label, words] of facts) if (words) {
      const told = element("dd");
      told.append(label === "Shown by" ? element("code", words) : words);
      list.append(element("dt", label), told);
    }
    made.append(list);
    return made;
  }
  function explain() {
    const found = combination(pick.map((s) => +s.value));
    said.replaceChildren(element("h4", found.chosen.map((n) => names[n]).join(" + ")));
    if (found.reason) said.append(element("p", "No line says it all: " + found.reason + "."));
    else if (!found.here.length) said.append(element("p", "Nothing is known to go wrong."));
    const parts = [[found.chosen.length > 1 ? "Only together" : "By itself", found.together],
      ["From fewer of them", found.inherited], ["Mended by the combination", found.mended]];
    for (const [heading, list] of parts) if (list.length) {
      said.append(element("h5", heading));
      for (const c of list) said.append(entry(c));
    }
    said.scrollTop = 0;
    if (!guide) return;
    const [row, column] = [+pick[0].value, +pick[1].value].sort((x, y) => y - x);
    const place = (r, c) => r * (r + 1) / 2 + c, i = place(row, column);
    const x = cells.data.x[i], y = cells.data.y[i], top = cells.data.y[place(column, column)];
    guide.data = { x0: [D.label, x], y0: [y, top], x1: [x, x], y1: [y, y] };
    if (cells.selected.indices.join() !== String(i)) cells.selected.indices = [i];
  }
  pick.forEach((s) => s.addEventListener("change", () => { paint(); explain(); }));
  all.addEventListener("change", () => { paint(); explain(); });
  [pick[0].value, pick[1].value] = D.start.map(String);
  box.querySelector(".work").hidden = false;
  box.querySelector("details").open = false;
  explain();

  let tries = 0;
  function show() {
    if (!window.Bokeh || !item) { if (item && ++tries < 60) setTimeout(show, 100); return; }
    let text = JSON.stringify(item);
    if (swapping) text = text.replace(/#[0-9a-f]{6}/g, (c) => swap[c] || c);
    Bokeh.embed.embed_item(JSON.parse(text), box.querySelector(".live > div")).then((manager) => {
      const plot = (manager.roots ? [...manager.roots][0] : manager).model;
      const named = (name) => [...plot.references()].find((m) => m.name === name);
      cells = named("cells"); guide = named("guide");
      cells.selected.properties.indices.change.connect(() => {
        const i = cells.selected.indices[0];
        if (i === undefined) return;
        const row = String(cells.data.row[i]), column = String(cells.data.column[i]);
        if ([pick[0].value, pick[1].value].sort().join() === [row, column].sort().join()) return;
        pick[0].value = row; pick[1].value = column;
        explain();
      });
      paint(); explain();
      box.dataset.ready = "1";
    });
  }
  show();
})();
"""
