// Keeps the page of the ad-platform twins fresh: asks every two seconds while the page is visible.
(() => {
  "use strict";
  const root = document.getElementById("platforms");
  const refreshed = document.getElementById("refreshed");
  let known = new Set([...root.querySelectorAll("tbody tr")].map((row) => row.innerText));

  const cell = (text, kind) => {
    const td = document.createElement("td");
    if (kind === "number") td.className = "number";
    if (kind !== "code" && !kind?.badge) td.textContent = text;
    if (kind === "code") td.append(Object.assign(document.createElement("code"), { textContent: text }));
    if (kind?.badge) {
      td.append(Object.assign(document.createElement("span"), { className: `badge ${kind.badge}`, textContent: text }));
    }
    return td;
  };

  const rowOf = (row) => {
    const tr = document.createElement("tr");
    tr.append(
      cell(row.time, "number"),
      cell(row.target),
      cell(row.click || "none", "code"),
      cell(row.value || "none", "number"),
      cell(row.id, "code"),
      cell(row.status, { badge: row.tone }),
    );
    return tr;
  };

  const show = (overview) => {
    const seen = new Set();
    for (const platform of overview.platforms) {
      const section = root.querySelector(`[data-platform="${platform.name}"]`);
      if (!section) continue;
      for (const tally of section.querySelectorAll("[data-tally]")) {
        tally.textContent = platform[tally.dataset.tally];
      }
      const body = section.querySelector("tbody");
      body.replaceChildren(...platform.rows.map(rowOf));
      section.querySelector(".empty").hidden = platform.rows.length > 0;
      section.querySelector(".scroll").hidden = platform.rows.length === 0;
      for (const tr of body.rows) {
        if (!known.has(tr.innerText)) tr.classList.add("new");
        seen.add(tr.innerText);
      }
    }
    known = seen;
  };

  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(root.dataset.source, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
      refreshed.textContent = "";
    } catch {
      refreshed.textContent = "The sandbox does not answer at the moment; trying again.";
    }
  };

  setInterval(refresh, 2000);
  document.addEventListener("visibilitychange", refresh);
})();
