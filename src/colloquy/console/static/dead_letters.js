// Choosing dead letters: all or some, what is chosen is what both buttons act on.

const boxes = () => [...document.querySelectorAll("#letters [name=numbers]")];
const all = document.querySelector("[data-choose-all]");

function show() {
  const chosen = boxes().filter((box) => box.checked);
  for (const button of document.querySelectorAll("[data-bulk]")) button.disabled = chosen.length === 0;
  all.checked = chosen.length > 0 && chosen.length === boxes().length;
  all.indeterminate = chosen.length > 0 && !all.checked;
  document.querySelector("[data-chosen]").textContent = chosen.length ? `${chosen.length} chosen` : "Choose all";
}

if (all) {
  document.addEventListener("change", (event) => {
    if (event.target === all) for (const box of boxes()) box.checked = all.checked;
    show();
  });
  show();
}
