// Watching the page live on, what the site may call, and the beginning.

let settling;
let here; // nothing before the beginning
let late = 0; // how often this page view asked again for numbers that came late

const settle = () => {
  clearTimeout(settling);
  settling = setTimeout(visit, 200);
};

const moved = () => {
  if (here != (here = place())) settle((late = 0));
};

// A page that goes on without loading changes what it shows: nothing of its history needs to be touched.
const watcher = new MutationObserver(
  safely((records) => {
    const nodes = records.flatMap((record) => record.type == "childList" ? [...record.addedNodes] : record.target);
    new Set(nodes).forEach((node) => swap(node.nodeType == 3 ? node.parentNode : node));
    moved();
    if (found.size > asked && late++ < 3) settle();
  }),
);

const decide = safely((answer) => {
  const said = answer === !!answer ? { ad: answer, measure: answer } : answer;
  if (asText(said) == asText(consent)) return;
  consent = said;
  // At once, whatever the service still has to answer: the page may be left before.
  if (!isAllowed()) {
    state.s && send("beat", { q: said });
    state = {};
    store(0);
    if (here) show([]);
  }
  if (here) visit();
});

// Google consent mode: a refusal by default only means that the visitor is still to be asked. Which regions a default is
// for, we cannot tell: it grants nothing.
const heed = safely(([what, how, words]) => {
  if (what != "consent") return;
  Object.assign(options, words);
  const isGranted = options.analytics_storage == "granted";
  if (how == "update") decide({ ad: options.ad_storage == "granted", measure: isGranted });
  else if (!isGranted) options.consent ||= 1;
});

// IAB TCF: purpose 1 is storing, 7 measuring ads, 8 measuring content.
const hear = safely((data) => {
  const isGiven = (number) => data.gdprApplies == 0 || (data.purpose.consents[1] && data.purpose.consents[number]);
  if (/^[tu]/.test(data.eventStatus)) decide({ ad: isGiven(7), measure: isGiven(8) });
});

const start = () => {
  here = place();
  visit();
  listen("visibilitychange", look);
  listen("click keydown scroll pointermove popstate", stir);
  listen("click auxclick", tap);
  listen("copy", (event) => note(event, getSelection()));
  listen("submit", submit);
};

// What a server drew and a framework is still taking over must not change under its hands.
const begin = () => {
  const phase = page.readyState[0]; // loading, interactive, complete
  if (!here && phase != "l" && (phase == "c" || !page.querySelector("[id^=__],[ng-server-context]"))) start();
};

if (!early.numbers) {
  const api = {
    numbers: () => Object.values(shown).map(({ t, n }) => ({ business: "+" + t, shown: "+" + n })),
    swap: swap,
    consent: decide,
    push: safely(([name, ...given]) => api[name](...given)),
  };
  window.calltrack = window.ct = api;
  recall();
  decide(early.consent ?? state.q);
  early.map?.(api.push);
  const layer = window.dataLayer || [];
  const real = layer.push;
  layer.map(heed);
  layer.push = (...given) => given.map(heed) && real.apply(layer, given);
  window.__tcfapi?.("addEventListener", 2, hear);
  listen("readystatechange", begin);
  begin();
}
