// The call's page renews the part that says where its conversions are: at once when something happened at the
// company, else by asking every few seconds while something is under way.
"use strict";
(() => {
  const box = document.querySelector("[data-sent]");
  if (!box) return;
  const list = box.querySelector("[data-sent-list]");
  let isFinal = box.dataset.final === "yes", last = "", asking, stream;
  const put = (text) => {
    if (text === last) return;
    const isFirst = !last;
    last = text;
    const fresh = document.createElement("div");
    fresh.innerHTML = text;
    if (isFirst && fresh.textContent === list.textContent) return;
    const held = document.activeElement?.closest?.("[data-key]")?.dataset.key;
    for (const open of list.querySelectorAll("details[open][data-key]")) {
      const same = fresh.querySelector(`details[data-key="${CSS.escape(open.dataset.key)}"]`);
      if (same) same.open = true;
    }
    list.replaceChildren(...fresh.childNodes);
    if (held) list.querySelector(`details[data-key="${CSS.escape(held)}"] > summary`)?.focus();
  };
  const ask = async () => {
    clearTimeout(asking);
    try {
      const answer = await fetch(box.dataset.url, { cache: "no-store", headers: { Accept: "application/json" } });
      if (answer.ok) {
        isFinal = answer.headers.get("X-Final") === "yes";
        put(await answer.text());
      }
    } catch {
      // The network is away: the next round asks again.
    }
    asking = setTimeout(ask, isFinal ? 60000 : 5000);
  };
  const listen = async () => {
    try {
      const answer = await fetch(box.dataset.tokenUrl, { cache: "no-store", headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { token } = await answer.json();
      stream = new EventSource(`${box.dataset.streamUrl}?token=${encodeURIComponent(token)}`);
      stream.addEventListener("news", ask);
      stream.addEventListener("error", () => {
        stream.close();
        setTimeout(listen, 30000);
      });
    } catch {
      // Without a stream the page asks by itself.
    }
  };
  addEventListener("pagehide", () => stream && stream.close());
  asking = setTimeout(ask, isFinal ? 60000 : 2000);
  listen();
})();
