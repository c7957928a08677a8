// Before the first paint: the theme that was chosen here, else what the system says.
// A classic script on purpose: a module would run too late and the page would flash.
try {
  const chosen = localStorage.getItem("colloquy.theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is switched off: the system's choice it is.
}
