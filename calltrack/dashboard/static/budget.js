// Sliders beside the amounts of "What if?": the server works out what a split would bring; without this script
// the form does the same with its button.
"use strict";
(() => {
  const form = document.querySelector("form[data-what-if]");
  if (!form) return;
  const box = form.querySelector("[data-answer]");
  let waiting, round = 0;
  const ask = async () => {
    const mine = ++round;
    const wish = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(`${form.dataset.whatIf}?${wish}`, { cache: "no-store", headers: { Accept: "application/json" } });
      // A later question is under way: its answer counts.
      if (!answer.ok || mine !== round) return;
      box.innerHTML = await answer.text();
      box.dataset.round = mine;
    } catch {
      // The network is away: the button still asks.
    }
  };
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  };
  for (const slider of form.querySelectorAll("input[type=range]")) {
    const field = document.getElementById(slider.dataset.of);
    slider.hidden = false;
    slider.value = field.value;
    slider.addEventListener("input", () => {
      field.value = slider.value;
      later();
    });
    field.addEventListener("input", () => {
      slider.value = field.value;
      later();
    });
  }
})();
