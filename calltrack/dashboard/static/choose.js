// Rows to choose: one box for all of the page, and a button that says how many are chosen.
"use strict";
(() => {
  const form = document.querySelector("[data-choose]");
  if (!form) return;
  const button = form.querySelector("[data-chosen]"), all = form.querySelector("[data-choose-all]");
  if (!button || !all) return;
  const boxes = [...form.querySelectorAll('input[name="id"]')], words = button.textContent;
  const count = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    button.disabled = !chosen;
    button.textContent = chosen ? `${words} (${chosen})` : words;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    all.disabled = !boxes.length;
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    count();
  });
  for (const box of boxes) box.addEventListener("change", count);
  addEventListener("pageshow", count);
  count();
})();
