// What is remembered in this browser, first-party only: one entry "calltrack" in localStorage, mirrored in one cookie
// so that sub-domains share it.
//   v visitor · s visit · a last sign of life · b last good answer · h heartbeat seconds · n numbers shown
//   c click ids · m utm words · e when they came · r outside referrer · q consent

const QUARTER = 7776e6;
const HALF_HOUR = 18e5;
const CLICK_IDS = "gclid gbraid wbraid fbclid msclkid ttclid li_fat_id dclid";
const AD_COOKIES = "_ga _fbc _fbp";
const WORDS = "source medium campaign term content";

let state = {};
let consent; // {ad, measure}, or nothing as long as nobody answered

const isAllowed = () => (consent ? consent.measure : tag.dataset.consent != "required");
const isAdAllowed = () => !consent || consent.ad;

// An unknown name leaves the whole line, which begins with ";": the answer is "".
const cookie = (name) => `; ${page.cookie}`.split(`; ${name}=`).pop().split(";")[0];

// Take what the names stand for; empty and absurdly long values are left out.
const pick = (names, read) =>
  Object.fromEntries(
    names
      .split(" ")
      .map((name) => [name, read(name)])
      .filter(([, value]) => value && value.length < 513),
  );

// The newest of both stores and this tab's own memory wins: another tab may have gone on.
const recall = () =>
  [() => localStorage.calltrack, () => decodeURIComponent(cookie("calltrack"))].map(
    safely((read) => {
      const found = JSON.parse(read());
      if (found.a > (state.a || 0)) state = found;
    }),
  );

// The widest domain that takes the cookie is the registrable one: for a.example.co.uk not co.uk, but example.co.uk.
const writeCookie = (text, seconds) => {
  const value = encodeURIComponent(text);
  const labels = location.hostname.split(".");
  let at = labels.length + 1;
  while (at--) {
    const domain = at ? ";domain=" + labels.slice(at - 1).join(".") : "";
    page.cookie = `calltrack=${value}${domain};path=/;max-age=${seconds};samesite=lax`;
    if (cookie("calltrack") == value) return;
  }
};

const keep = () => {
  safely(() => (localStorage.calltrack = asText(state)))();
  safely(() => writeCookie(asText({ ...state, n: [] }), QUARTER / 1e3))();
};

const forget = () => {
  state = {};
  safely(() => delete localStorage.calltrack)();
  safely(() => writeCookie("", 0))();
};

// Bring the memory up to this page view. A new click id or new utm words replace the old touch as a whole.
const remember = () => {
  recall();
  const query = new URLSearchParams(location.search);
  const touch = {
    c: pick(CLICK_IDS, (name) => query.get(name)),
    m: pick(WORDS, (name) => query.get("utm_" + name)),
    e: now(),
  };
  const referrer = page.referrer;
  if (!(now() - state.a < HALF_HOUR)) state.s = state.r = "";
  if (Object.keys({ ...touch.c, ...touch.m })[0] || !(now() - state.e < QUARTER)) state = { ...state, ...touch };
  if (referrer && referrer.split("/")[2] != location.host) state.r = referrer.slice(0, 999);
  if (!isAdAllowed()) state.c = {};
  state.a = now();
  state.q = consent;
};

// Google's own tag may have kept a click from before ours came to this site: GCL.<time>.<gclid>.
const adIds = () =>
  isAdAllowed() && {
    ...(state.m.source ? {} : pick("gclid", () => cookie("_gcl_aw").split(".").slice(2).join("."))),
    ...state.c,
    ...pick(AD_COOKIES, cookie),
  };
