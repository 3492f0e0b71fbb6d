// Pictures follow JupyterLab's mark for light and dark; here the page's own switch sets it.
(function () {
  const root = document.documentElement;
  function mark() {
    root.dataset.jpThemeLight = root.dataset.theme === "dark" ? "false" : "true";
  }
  new MutationObserver(mark).observe(root, {attributes: true, attributeFilter: ["data-theme"]});
  mark();
})();
