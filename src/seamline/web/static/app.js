/* Charts, copying, confirming, light and dark. All else works without it. */
"use strict";

const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;

const colour = (name) => {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};

function draw(box) {
  const data = JSON.parse(box.dataset.chart);
  box.textContent = "";
  const ink = colour("quiet"), line = colour("line");
  const palette = ["accent", "bad", "warn", "good", "ink"].map(colour);
  const isTime = data.times !== undefined;
  const x = isTime ? data.times : data.labels.map((_, index) => index);
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  const across = isTime ? axis : { ...axis, values: (_, splits) => splits.map((s) => data.labels[s] ?? "") };
  const bars = uPlot.paths.bars({ size: [0.8, 40] });
  new uPlot({
    width: box.clientWidth,
    height: 180,
    scales: { x: { time: isTime, range: (_, low, high) => [low - (isTime ? 1800 : 0.5), high + (isTime ? 1800 : 0.5)] }, y: { range: (_, low, high) => [Math.min(0, low), high || 1] } },
    axes: [across, { ...axis, size: 56 }],
    legend: { show: data.series.length > 1 },
    cursor: { drag: { x: false, y: false } },
    series: [{}, ...data.series.map((one, index) => ({
      label: one.name, stroke: palette[index], fill: palette[index], paths: bars, points: { show: false },
    }))],
  }, [x, ...data.series.map((one) => one.values)], box);
}

function drawAll() {
  document.querySelectorAll("[data-chart]").forEach(draw);
}

/* What scrolls sideways must be reachable by keyboard. */
function reachable() {
  document.querySelectorAll(".wide, pre").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  });
}

document.addEventListener("htmx:afterSettle", reachable);
document.addEventListener("DOMContentLoaded", () => {
  drawAll();
  reachable();
  let pending;
  addEventListener("resize", () => { clearTimeout(pending); pending = setTimeout(() => { drawAll(); reachable(); }, 200); });
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.copy) {
    const field = document.querySelector(button.dataset.copy);
    const text = field.value ?? field.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      if (field.select) { field.select(); document.execCommand("copy"); }
    }
    button.textContent = "Copied";
  } else if (button.dataset.theme !== undefined) {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
      || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", document.documentElement.dataset.theme);
    drawAll();
  } else if (button.dataset.confirm && !confirm(button.dataset.confirm)) {
    event.preventDefault();
  }
});
