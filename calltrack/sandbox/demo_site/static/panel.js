// The demo's own panel: what the calltrack snippet did on this page. Not part of the snippet.
(() => {
  "use strict";
  const make = (name, text, children = []) => {
    const element = document.createElement(name);
    element.append(text, ...children);
    return element;
  };

  const remembered = () => {
    try {
      return JSON.parse(localStorage.getItem("calltrack")) || {};
    } catch {
      return {};
    }
  };

  // "+39 06 8765 0001": for reading only; the snippet itself keeps the page's notation.
  const readable = (e164) => e164.replace(/^(\+39)(\d\d)(\d+)(\d{4})$/, "$1 $2 $3 $4");

  // What came with the address is remembered as it stood there: ["?gclid=...", "&utm_source=..."].
  const source = ({ l: touch = [] }) => {
    const words = [...new URLSearchParams(touch.map((word) => word.slice(1)).join("&"))];
    const named = words.filter(([name]) => /^utm_(source|medium|campaign)$/.test(name)).map(([, value]) => value);
    const click = words.find(([name]) => !name.startsWith("utm_"));
    return [named.join(" / "), click && click.join(" ")].filter(Boolean).join(", ") || document.referrer || "direct";
  };

  const numbers = () =>
    (window.ct && window.ct.numbers ? window.ct.numbers() : []).filter((each) => each.shown != each.business);

  const fill = () => {
    const memory = remembered();
    const shown = numbers();
    const rows = shown.map(({ business, shown: number }) => [readable(business), make("b", readable(number))]);
    if (!rows.length) rows.push(["Numbers", "the page's own: no answer from the service"]);
    rows.push(["Visit", memory.s || "none"], ["Source", source(memory)]);
    list.replaceChildren(...rows.flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
    const first = shown[0] && make("b", readable(shown[0].shown));
    title.replaceChildren("What the snippet did here: ", first || "nothing");
    const phone = make("a", shown.length ? "Call it on the sandbox phone" : "Open the sandbox phone");
    phone.href = "/sandbox/phone" + (shown.length ? "?to=" + encodeURIComponent(shown[0].shown) : "");
    foot.replaceChildren(phone);
  };

  const list = document.createElement("dl");
  const foot = document.createElement("p");
  const title = document.createElement("summary");
  const panel = make("details", title, [list, foot]);
  panel.className = "ct-panel";
  panel.lang = "en";
  panel.dataset.ctNoswap = "";
  panel.addEventListener("toggle", fill);
  document.body.append(panel);

  // Every click on "Arrive from a Google ad" is another click, as in real life.
  const ad = document.querySelector("[data-fresh-click]");
  const letters = crypto.getRandomValues(new Uint8Array(9));
  if (ad) ad.href = ad.href.replace("demo-click", "demo-" + Array.from(letters, (each) => each.toString(36)).join(""));

  // The service answers within 800 ms or not at all.
  for (const wait of [0, 150, 400, 1000]) setTimeout(fill, wait);
})();
