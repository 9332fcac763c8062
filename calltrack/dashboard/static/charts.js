// The overview's charts. Their numbers stand in the page as a table too.
"use strict";
(() => {
  const source = document.getElementById("chart-data");
  if (!source || !window.uPlot) return;
  const data = JSON.parse(source.textContent);
  const at = data.labels.map((_, index) => index);
  const colour = (name) => {
    const probe = document.createElement("span");
    probe.className = "sr";
    document.body.append(probe);
    probe.style.color = `var(--${name})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
  const bars = (share, offset) => uPlot.paths.bars({ size: [share, 56, 1], align: offset || 0, radius: 0.15 });
  const kinds = {
    calls: () => ({
      rows: [data.calls, data.answered],
      series: [
        { fill: colour("open"), paths: bars(0.68), points: { show: false } },
        { fill: colour("accent"), paths: bars(0.68), points: { show: false } },
      ],
      say: (i) => [`${data.calls[i]} calls`, `${data.answered[i]} answered`],
    }),
    conversions: () => ({
      rows: [data.leads, data.purchases],
      series: [
        { fill: colour("leads"), paths: bars(0.36, -1), points: { show: false } },
        { fill: colour("purchases"), paths: bars(0.36, 1), points: { show: false } },
      ],
      say: (i) => [`${data.leads[i]} leads`, `${data.purchases[i]} purchases`],
    }),
    value: () => ({
      rows: [data.value.map((minor) => minor / 100)],
      series: [{ fill: colour("value"), paths: bars(0.68), points: { show: false } }],
      say: (i) => [data.money[i]],
    }),
    worth: () => ({
      rows: [data.value.map((minor) => minor / 100), data.spend.map((minor) => minor / 100)],
      series: [
        { fill: colour("value"), paths: bars(0.36, -1), points: { show: false } },
        { fill: colour("open"), paths: bars(0.36, 1), points: { show: false } },
      ],
      say: (i) => [`${data.money[i]} value`, `${data.cost[i]} spend`],
    }),
  };
  const tips = (say) => {
    const tip = document.createElement("div");
    tip.className = "chart-tip hidden";
    return {
      hooks: {
        init: (chart) => chart.over.append(tip),
        setCursor: (chart) => {
          const index = chart.cursor.idx;
          const shown = index !== null && index !== undefined && chart.cursor.left >= 0;
          tip.classList.toggle("hidden", !shown);
          if (!shown) return;
          const title = document.createElement("strong");
          title.textContent = data.labels[index];
          const lines = say(index).flatMap((words, place) => (place ? [document.createElement("br"), words] : [words]));
          tip.replaceChildren(title, ...lines);
          const left = chart.valToPos(index, "x");
          const fits = left + tip.offsetWidth + 14 < chart.over.clientWidth;
          tip.style.left = `${fits ? left + 12 : left - tip.offsetWidth - 12}px`;
          tip.style.top = "4px";
        },
      },
    };
  };
  const draw = (place) => {
    const kind = kinds[place.dataset.chart]();
    const soft = colour("soft");
    const line = colour("line");
    const every = Math.max(1, Math.ceil((data.labels.length * 74) / Math.max(place.clientWidth, 200)));
    const options = {
      width: place.clientWidth,
      height: place.clientHeight,
      cursor: { y: false, x: false, points: { show: false }, drag: { x: false, y: false } },
      legend: { show: false },
      scales: { x: { time: false, range: [-0.6, at.length - 0.4] }, y: { range: (_, low, high) => [0, Math.max(high * 1.08, 1)] } },
      axes: [
        {
          stroke: soft, grid: { show: false }, ticks: { show: false }, size: 28, font: "12px system-ui, sans-serif",
          splits: () => at.filter((index) => (at.length - 1 - index) % every === 0),
          values: (_, places) => places.map((index) => data.labels[index].replace("week of ", "").replace(/^[A-Z][a-z]{2} (?=\d+ )/, "")),
        },
        {
          stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, size: 44, font: "12px system-ui, sans-serif",
          space: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8],
          values: (_, places) => places.map((value) => compact.format(value)),
        },
      ],
      series: [{}, ...kind.series],
      plugins: [tips(kind.say)],
    };
    place.replaceChildren();
    return new uPlot(options, [at, ...kind.rows], place);
  };
  const places = [...document.querySelectorAll("[data-chart]")];
  let waiting = 0;
  const drawAll = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => places.forEach(draw), 60);
  };
  places.forEach(draw);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) drawAll();
    width = innerWidth;
  });
  document.addEventListener("themechange", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
