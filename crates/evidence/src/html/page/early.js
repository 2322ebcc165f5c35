// Before anything is painted: that there is a script, and the theme that the reader chose before.
document.documentElement.classList.add("has-js");
try {
  const theme = localStorage.getItem("allod-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* a browser that keeps nothing for files: the system's theme */ }
