// What is remembered in this browser, first-party only: one entry "calltrack" in localStorage, mirrored in one cookie
// so that sub-domains share it.
//   v visitor · s visit · a last sign of life · b last good answer · h heartbeat seconds · n numbers shown
//   l click ids and utm words as they stood in the address · e when they came · q consent

let state = {};
let consent; // {ad, measure}, or nothing as long as nobody answered
let stored; // whether this tab left its memory in localStorage

// What we left in both stores and is gone was deleted by another tab: consent was withdrawn there, for this tab as well.
const isAllowed = () => {
  if (stored && !localStorage.calltrack && !page.cookie.match(/calltrack=/)) decide(!1);
  return consent ? consent.measure : !options.consent;
};
const isAdAllowed = () => consent ? consent.ad : !options.consent;

// The newest of both stores and this tab's own memory wins: another tab may have gone on.
const recall = () =>
  [() => localStorage.calltrack, () => decodeURIComponent(page.cookie.match(/calltrack=([^;]+)/)[1])].map(
    safely((read) => {
      const kept = JSON.parse(read());
      if (kept.a > (state.a || 0)) state = kept;
    }),
  );

// The widest domain that takes the cookie is the registrable one: for a.example.co.uk not co.uk, but example.co.uk.
// No domain at all is the last choice.
const store = (seconds) => {
  const pair = "calltrack=" + encodeURIComponent(asText({ ...state, n: [] }));
  let domain = "";
  ("." + location.hostname).split(".").reverse().some((label) => {
    domain = label && "." + label + domain;
    page.cookie = `${pair};domain=${domain};path=/;max-age=${seconds};samesite=lax`;
    return page.cookie.includes(pair);
  });
  try {
    if (seconds) localStorage.calltrack = stored = asText(state);
    else stored = !delete localStorage.calltrack;
  } catch {}
};

const keep = () => {
  state.a = now();
  if (isAllowed()) store(7776e3);
};

// Bring the memory up to this page view. A new click id or new utm words replace the old touch as a whole. Without
// consent to ads only the name of a click id counts: it tells the source, and nobody.
const remember = () => {
  recall();
  const touch = location.search.match(/[?&]([gw]braid|\w+clk?id|li_fat_id|utm_\w+)=[^&]{1,512}(?![^&])/g);
  if (touch || !state.l || !(now() - state.e < 7776e6)) {
    state.l = touch || [];
    state.e = now();
  }
  if (!isAdAllowed()) state.l = state.l.map((word) => word[1] == "u" ? word : word.split("=")[0] + "=1");
  state.q = consent;
  keep();
};
