// Pictures follow JupyterLab's mark for light and dark; here the page's own switch sets it.
(function () {
  const root = document.documentElement;
  function mark() {
    // The page's switch is set after the first pictures are drawn; until then, the browser's wish counts.
    const theme = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    root.dataset.jpThemeLight = theme === "dark" ? "false" : "true";
  }
  new MutationObserver(mark).observe(root, {attributes: true, attributeFilter: ["data-theme"]});
  mark();
})();
