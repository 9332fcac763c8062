// The live view: server-sent events, plain asking every five seconds while the stream does not come through.
"use strict";
(() => {
  const box = document.querySelector("[data-live]");
  if (!box) return;
  const list = box.querySelector("[data-list]");
  const blank = box.querySelector("[data-blank]").content.firstElementChild;
  const status = document.querySelector("[data-stream]");
  const most = 60;
  const timeZone = box.dataset.zone;
  let stream = null;
  let asking = 0;

  const say = (kind, words) => {
    status.className = `stream ${kind}`;
    const place = status.querySelector("[data-stream-words]");
    if (place.textContent !== words) place.textContent = words;
  };
  const clock = (iso) => new Date(iso).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone });
  const day = (iso) => new Date(iso).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone });
  const since = (iso) => {
    const seconds = Math.max(0, Math.floor((Date.now() - new Date(iso)) / 1000));
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  const stamp = (row) => {
    const iso = row.dataset.started;
    const when = row.querySelector("[data-when]");
    const today = day(iso) === day(new Date().toISOString());
    when.dateTime = iso;
    when.textContent = today ? clock(iso) : `${day(iso)} ${clock(iso)}`;
    if (row.classList.contains("running")) row.querySelector("[data-talk]").textContent = since(iso);
  };
  const fill = (row, call) => {
    row.dataset.id = call.id;
    row.dataset.started = call.started_at;
    row.classList.toggle("running", call.is_open);
    row.classList.toggle("lost", call.is_lost);
    const link = row.querySelector("a");
    link.href = `${link.getAttribute("href").replace(/\/[0-9a-f]*$/, "")}/${call.id}`;
    const sign = row.querySelector("[data-sign]");
    sign.className = `sign ${call.tone}`;
    sign.querySelector("use").setAttribute("href", `${box.dataset.icons}#${call.icon}`);
    const words = {
      word: call.word, caller: call.caller, city: call.city, location: call.location, talk: call.talk,
      source: call.source || "Source not known yet", campaign: call.campaign, brought: call.brought,
    };
    for (const [name, text] of Object.entries(words)) row.querySelector(`[data-${name}]`).textContent = text;
    stamp(row);
  };
  const put = (call, isNews) => {
    let row = list.querySelector(`[data-id="${CSS.escape(call.id)}"]`);
    const isNew = !row;
    if (isNew) row = blank.cloneNode(true);
    fill(row, call);
    if (isNew) {
      const later = [...list.children].find((other) => other.dataset.started < call.started_at);
      list.insertBefore(row, later || null);
    }
    if (isNews) {
      row.classList.remove("fresh");
      void row.offsetWidth;
      row.classList.add("fresh");
    }
    box.querySelector("[data-empty]").classList.add("hidden");
    while (list.children.length > most) list.lastElementChild.remove();
  };
  const ask = async () => {
    const answer = await fetch(box.dataset.pollUrl, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.status === 401 || answer.status === 404) {
      location.reload();
      throw new Error("signed out");
    }
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const news = await answer.json();
    news.calls.reverse().forEach((call) => put(call, false));
    return news.token;
  };
  const open = async () => {
    clearTimeout(asking);
    try {
      listen(await ask());
    } catch {
      say("poll", "No connection, trying again");
      asking = setTimeout(open, 5000);
    }
  };
  const listen = (token) => {
    stream = new EventSource(`${box.dataset.streamUrl}?token=${encodeURIComponent(token)}`);
    stream.addEventListener("open", () => say("on", "Live"));
    stream.addEventListener("call", (event) => put(JSON.parse(event.data), true));
    stream.addEventListener("known", (event) => put(JSON.parse(event.data), false));
    stream.addEventListener("error", () => {
      stream.close();
      say("poll", "Asking every 5 seconds");
      asking = setTimeout(open, 5000);
    });
  };
  [...list.children].forEach(stamp);
  setInterval(() => list.querySelectorAll(".running").forEach(stamp), 1000);
  addEventListener("pagehide", () => stream && stream.close());
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
})();
