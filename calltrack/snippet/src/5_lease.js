// Talking to the service: a visit leases numbers, a beat keeps them, a tap says that somebody is about to call.

let asked; // phone-like digits the service was asked about; nothing as long as the page was not seen
let line = Promise.resolve(); // one visit at a time: the second must know what the first was given
let beating;

// Without consent to ads the query, where the click ids stand, is nobody's business.
const address = () => place().split(isAdAllowed() ? "\n" : "?")[0].slice(0, 2e3);

const leavePageAsItIs = () => {};

// A tap is given time: nobody waits for its answer, and the phone may be opening.
const send = (what, body) =>
  fetch(service + what, {
    method: "POST",
    body: asText({ k: tag.dataset.site, s: state.s, ...body }),
    keepalive: true,
    credentials: "omit",
    signal: AbortSignal.timeout(what == "tap" ? 9e3 : 800),
  })
    .then((reply) => (reply.status == 200 ? reply.json() : reply.ok))
    .then(take)
    .catch(leavePageAsItIs);

const take = (answer) => {
  if (!answer || !isAllowed()) return;
  if (answer.n) {
    show(answer.n);
    state = { ...state, ...answer };
  }
  state.b = now();
  keep();
};

const lease = () => {
  if (!isAllowed()) return consent && forget();
  if (!isSeen()) return;
  remember();
  keep();
  // The numbers of the page before, if their lease cannot have ended: no flash, and no wait.
  if (now() - state.b < state.h * 2e3) show(state.n);
  asked = new Set();
  phonesIn(page.body, asked);
  return send("visit", {
    v: state.v || "",
    u: address(),
    r: state.r,
    t: page.title.slice(0, 200),
    c: { ...adIds() },
    m: state.m,
    p: asked.size > 20 ? [] : [...asked],
    q: consent,
  });
};

const visit = () => {
  line = line.then(lease).catch(leavePageAsItIs);
};

const beat = () => {
  beating = 0;
  if (!isSeen() || !isAllowed()) return;
  recall();
  if (now() - state.a > HALF_HOUR) return visit();
  state.a = now();
  keep();
  send("beat", { v: state.v, u: address() });
};

// Somebody is here: be heard one heartbeat after the last time, at once if that is long ago.
const stir = () => {
  if (!beating && state.s && state.h) beating = setTimeout(beat, state.a + state.h * 1e3 - now());
};

const tap = (event) => {
  const link = event.composedPath().find((node) => /^tel:/i.test(node.href));
  if (link && state.s)
    send("tap", { n: link.href.replace(/;.*|%..|\D/g, "") });
};
