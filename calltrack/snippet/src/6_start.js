// Watching the page live on, what the site may call, and the beginning.

let settling;
let here = place();
let late = 0; // how often this page view asked again for numbers that came late

const settle = () => {
  clearTimeout(settling);
  settling = setTimeout(visit, 200);
};

const watcher = new MutationObserver(
  safely((records) => {
    const roots = new Set();
    for (const { type, target, addedNodes } of records)
      for (const node of type == "childList" ? addedNodes : [target])
        roots.add(node.nodeType == 3 ? node.parentNode : node);
    const phones = new Set();
    roots.forEach((root) => {
      if (!root) return;
      swap(root);
      phonesIn(root, phones);
    });
    if ([...phones].some((digits) => !asked.has(digits)) && late++ < 3) settle();
  }),
);

const moved = () => {
  if (place() == here) return;
  here = place();
  late = 0;
  settle();
};

const asConsent = (answer) => (answer === !!answer ? { ad: answer, measure: answer } : answer);

const decide = (answer) => {
  const before = asText(consent);
  consent = asConsent(answer);
  if (asText(consent) == before) return;
  visit();
  if (!isAllowed()) show([]);
};

const start = () => {
  visit();
  listen(page, "visibilitychange", () => (asked ? stir() : visit()));
  listen(page, "pointermove click keydown scroll", stir);
  listen(page, "click", tap);
  listen(window, "popstate", moved);
  listen(window, "pageshow", (event) => event.persisted && visit());
  for (const name of ["pushState", "replaceState"]) {
    const real = history[name];
    history[name] = function (...given) {
      setTimeout(moved);
      return real.apply(this, given);
    };
  }
};

const early = window.ct || {};
if (!early.numbers) {
  window.ct = {
    numbers: () => Object.values(shown).map(({ t, n }) => ({ business: "+" + t, shown: "+" + n })),
    swap: safely(swap),
    consent: safely(decide),
  };
  recall();
  consent = asConsent(early.consent) || state.q;
  if (page.readyState == "loading") listen(page, "DOMContentLoaded", start);
  else start();
}
