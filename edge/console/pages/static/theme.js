// Before anything is drawn: the chosen theme, so that nothing flashes.
(() => {
  try {
    const chosen = localStorage.getItem("edge-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // A browser without storage follows the system.
  }
})();
