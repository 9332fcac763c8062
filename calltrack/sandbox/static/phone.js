// The phone page: reads the form, starts the call, follows its journal until it ends.
(() => {
  "use strict";
  const POLL = 500;
  const RESULTS = {
    talked: (call) => ["talk", `They talked ${minutes(call.talk_seconds)}`],
    voicemail: () => ["", "A message was left"],
    missed: () => ["", "Nobody took the call"],
    gone: () => ["", "The caller hung up"],
    rejected: () => ["bad", "The call was rejected"],
    error: () => ["bad", "The caller heard an error"],
    "not-in-service": () => ["bad", "Not in service here"],
  };
  const PREFIXES = ["320", "328", "333", "334", "338", "340", "345", "347", "349", "366", "388", "392"];
  const at = (id) => document.getElementById(id);
  const form = at("phone"), to = at("to"), from = at("from"), lines = at("lines"), screen = document.querySelector(".screen");
  let ticking = 0;

  const chosen = (name) => form.querySelector(`input[name=${name}]:checked`).value;
  const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  function show(look, words) {
    screen.className = `screen ${look}`;
    at("state").textContent = words;
  }

  function adapt() {
    const outcome = chosen("outcome");
    at("talk-field").hidden = outcome !== "answered";
    at("voicemail-field").hidden = outcome === "answered" || outcome === "caller-hangs-up";
    from.disabled = at("withheld").checked;
    at("shown").textContent = from.disabled ? "a withheld number" : from.value;
    for (const button of form.querySelectorAll(".pick")) {
      button.setAttribute("aria-pressed", String(button.dataset.number === to.value));
    }
  }

  function press(key) {
    to.value = key === "back" ? to.value.slice(0, -1) : to.value + key;
    adapt();
  }

  function order() {
    const weather = at("weather").checked;
    return {
      from: at("withheld").checked ? "" : from.value,
      to: to.value,
      outcome: chosen("outcome"),
      talk_seconds: Number(at("talk").value),
      voicemail_seconds: Number(at("voicemail").value),
      keys: at("keys").value.replaceAll(" ", ""),
      speed: Number(chosen("speed")),
      order: weather ? "shuffled" : "fifo",
      duplicates: weather ? 1 : 0,
    };
  }

  async function dial(event) {
    event.preventDefault();
    at("dial").disabled = true;
    at("after").hidden = true;
    lines.replaceChildren();
    at("empty").hidden = true;
    show("live", "Calling…");
    try {
      const wanted = order();
      const answer = await fetch("/sandbox/calls", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(wanted),
      });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.error);
      await follow(said.id, wanted.speed);
    } catch (error) {
      show("bad", "No call");
      add({ kind: "note", text: error.message || "The sandbox does not answer.", elapsed: 0 });
    } finally {
      clearInterval(ticking);
      at("dial").disabled = false;
    }
  }

  async function follow(id, speed) {
    let known = 0;
    for (;;) {
      const answer = await fetch(`/sandbox/calls/${id}?after=${known}`);
      const call = await answer.json();
      if (!answer.ok) throw new Error(call.error);
      known = call.lines;
      for (const entry of call.entries) {
        add(entry);
        progress(entry, speed);
      }
      if (call.result) {
        clearInterval(ticking);
        show(...(RESULTS[call.result] || RESULTS.missed)(call));
      }
      if (call.state === "ended") {
        at("after").hidden = call.result === "not-in-service";
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL));
    }
  }

  function progress(entry, speed) {
    if (entry.kind === "ring" && entry.text.endsWith("rings")) show("live", "Ringing…");
    if (entry.kind === "caller-hears") show("live", "Listening…");
    if (entry.kind === "connected") {
      show("talk", "Connected 0:00");
      if (speed > 0) tick(speed);
    }
    if (entry.kind === "call" && entry.text.includes("hangs up")) clearInterval(ticking);
  }

  function tick(speed) {
    const began = Date.now();
    clearInterval(ticking);
    ticking = setInterval(() => show("talk", `Connected ${minutes(((Date.now() - began) / 1000) * speed)}`), 250);
  }

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function add(entry) {
    const line = make("li", `line ${entry.kind}`);
    line.append(make("time", "", minutes(entry.elapsed)), make("span", "mark"), entry.kind === "hook" ? hook(entry) : words(entry));
    lines.append(line);
  }

  function words(entry) {
    const box = make("div");
    if (entry.kind === "caller-hears" || entry.kind === "business-hears") {
      box.append(entry.kind === "caller-hears" ? "The caller hears " : "The business hears ", make("q", "", entry.text));
    } else {
      box.textContent = entry.text;
    }
    return box;
  }

  function hook(entry) {
    const good = entry.status >= 200 && entry.status < 300;
    const box = make("details");
    const head = make("summary");
    head.append(
      make("span", `badge ${good ? "good" : "bad"}`, entry.status || "no answer"),
      make("code", "", `${entry.method} ${new URL(entry.url).pathname}`),
      make("span", "number", `${Math.round(entry.milliseconds || 0)} ms`),
      make("span", "", entry.attempt > 1 ? `try ${entry.attempt}` : entry.sent?.CallStatus || entry.sent?.RecordingStatus || ""),
    );
    const sent = Object.entries(entry.sent || {}).map(([name, value]) => `${name} = ${value}`).join("\n");
    box.append(head, make("pre", "", sent || "(no fields)"));
    if (entry.answer || entry.error) box.append(make("pre", "", entry.answer || entry.error));
    return box;
  }

  form.addEventListener("submit", dial);
  form.addEventListener("input", adapt);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.key) press(button.dataset.key);
    if (button?.dataset.number) {
      to.value = button.dataset.number;
      adapt();
    }
  });
  at("another").addEventListener("click", () => {
    const prefix = PREFIXES[Math.floor(Math.random() * PREFIXES.length)];
    const rest = String(Math.floor(Math.random() * 1e7)).padStart(7, "0");
    from.value = `+39 ${prefix} ${rest.slice(0, 3)} ${rest.slice(3)}`;
    adapt();
  });
  at("hooks").addEventListener("change", (event) => lines.classList.toggle("no-hooks", !event.target.checked));
  adapt();
})();
