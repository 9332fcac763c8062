// Talking to the service: a visit leases numbers, a beat keeps them, a tap says that somebody is about to call.

let asked; // how many of `found` the service was asked about
let line = Promise.resolve(); // one visit at a time: the second must know what the first was given
let beating;
let since = now(); // since when the page is looked at and nobody was told

// Without consent to ads the query, where the click ids stand, is nobody's business.
const address = () => place().split(isAdAllowed() ? "\n" : "?")[0].slice(0, 2e3);

// Only a visit is waited for, 800 ms. An answer to a question asked under another consent comes too late. Whatever goes
// wrong, the page stays as it is.
const send = async (what, body) => {
  const under = consent;
  try {
    const reply = await fetch(new URL("/v1/" + what, tag.src), {
      method: "POST",
      body: asText({ k: options.site, v: state.v, s: state.s, ...body }),
      keepalive: 1,
      credentials: "omit",
      signal: AbortSignal.timeout(what == "visit" ? 800 : 9e3),
    });
    const text = await reply.text();
    if (!reply.ok || under != consent) return;
    if (text) {
      const answer = JSON.parse(text);
      show(answer.n);
      state = { ...state, ...answer };
      // The visitor refused elsewhere, and this page could not see it.
      decide(answer.q ?? consent);
    }
    state.b = now();
    keep();
  } catch {}
};

// What is told of a visit that the service knows.
const tell = (what, body) => isAllowed() && state.s && send(what, body);

// The numbers last given, if their lease cannot have ended: no flash, and no wait. Else the page's own.
const resume = () => show(now() - state.b < state.h * 2e3 ? state.n : []);

// Without consent to measure the site may still tell its sources apart, by what this page alone knows.
const lease = () => {
  if (!isAllowed()) {
    state = {};
    if (options.consent != "source") return;
  }
  if (!isSeen()) return;
  remember();
  found = new Set();
  resume();
  asked = found.size;
  const phones = [...found].join();
  // _ga_<stream> holds the session of Google Analytics; _gcl_aw a click from before ours came to this site.
  return send("visit", {
    u: address(),
    r: page.referrer.slice(0, 999),
    t: page.title.slice(0, 200),
    l: state.l,
    c: isAdAllowed() && page.cookie.match(/\b_(ga(_\w+)?|fb[cp]|gcl_aw)=[^;]{1,512}(?![^;])/g),
    p: phones[999] ? "" : phones,
    q: isAllowed() ? consent : {},
  });
};

const visit = () => {
  line = line.then(safely(lease));
};

// Told by a timer, or by the event of the page being hidden: then the numbers are off the screen (`g`, gone) until it
// is seen again.
const beat = (event) => {
  beating = 0;
  if (!event && !isSeen()) return;
  recall();
  keep();
  tell("beat", { u: address(), d: now() - since, g: !!event });
  since = now();
};

// Somebody is here: be heard one heartbeat after the last time, at once if that is long ago.
const stir = () => {
  moved();
  if (!beating && state.h) beating = setTimeout(beat, state.a + state.h * 1e3 - now());
};

const look = (event) => {
  if (!isSeen()) return beat(event);
  since = now();
  if (!found) return visit();
  beat();
  // Another page or tab may have been given other numbers since.
  resume();
};

// Of a tap or a copy only our own numbers are told; what else somebody copies is not our business.
const note = (event, text) => {
  const digits = (text + "").replace(/;.*|%..|\D/g, "");
  if (known[digits]) tell("tap", { n: digits, w: event.type });
};

// A link that calls, or one that leads to another domain of the same company: the visitor goes along.
const tap = (event) => {
  const link = event.composedPath().find((node) => node.href);
  if (CALLS.test(link)) note(event, link);
  else if (state.s && options.link.split(" ").includes(link.hostname))
    link.search += "&_ct=" + [state.v, state.s];
};

// What a visitor typed to be called back is told only where the site asks for it, and only with consent.
const submit = (event) => {
  const typed = [...event.target.elements].flatMap((field) =>
    /^(tel|email|text .*(mail|phone|telef))/i.test(field.type + " " + field.name) ? field.value : [],
  );
  if (options.forms && consent) tell("form", { f: typed });
};
