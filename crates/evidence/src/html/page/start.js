// Themes and the start of everything.
function startTheme() {
  const button = $("#theme"), root = document.documentElement;
  const order = ["system", "light", "dark"];
  const show = () => { button.textContent = `Theme: ${root.dataset.theme ?? "system"}`; };
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = order[(order.indexOf(root.dataset.theme ?? "system") + 1) % order.length];
    if (next === "system") delete root.dataset.theme; else root.dataset.theme = next;
    try { localStorage.setItem("allod-theme", next); } catch { /* kept for this visit only */ }
    show();
  });
  show();
}

startTheme();
startPanel();
startMap();
startDrill();
startTables();
$$("[data-country]").forEach((one) => { one.textContent = `${countryName(one.dataset.country)} (${one.dataset.country})`; });
