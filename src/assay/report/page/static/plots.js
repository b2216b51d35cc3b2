// Curves over steps: one uPlot each; all of them share zoom and cursor.
const HEIGHT = 190;
const plots = [];
const view = { log: false, min: null, max: null };

function fullRange() {
  return [view.log ? 0.5 : 0, Math.max(page.steps, 1)];
}

function shownRange() {
  return view.min === null ? fullRange() : [view.min, view.max];
}

function zoomTo(min, max) {
  const [first, last] = fullRange();
  const whole = min === null || (min <= first && max >= last);
  view.min = whole ? null : Math.max(min, first);
  view.max = whole ? null : Math.min(max, last);
  const range = shownRange();
  for (const plot of plots) {
    const scale = plot.linked && plot.u && plot.u.scales.x;
    if (scale && (scale.min !== range[0] || scale.max !== range[1])) plot.u.setScale("x", { min: range[0], max: range[1] });
  }
  document.getElementById("all-steps")?.toggleAttribute("disabled", whole);
}

function seriesOf(panel) {
  const count = panel.lines.length;
  return panel.lines.map((line, i) => {
    const name = panel.band ? (i === (count - 1) / 2 || count === 2 ? "line-1" : "line-8") : `line-${(i % 8) + 1}`;
    const edge = panel.band && count > 2 && name !== "line-1";
    return {
      label: line.label,
      stroke: () => (edge ? faint(name, 70) : colour(name)),
      width: edge ? 1 : 1.6,
      spanGaps: true,
      points: { show: !panel.stepped, filter: alone, size: 5, stroke: () => colour(name), fill: () => colour("card") },
      paths: panel.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
      value: (u, ...at) => atCursorOrEnd(u, ...at, panel.unit),
    };
  });
}

// A sample far from its neighbours gets a point: between two such, the line is no measurement.
function alone(u, series, show) {
  if (!show) return null;
  const [steps, values] = [u.data[0], u.data[series]];
  const range = u.scales.x;
  const far = (a, b) => Math.abs(u.valToPos(a, "x") - u.valToPos(b, "x")) > 14;
  const found = [];
  let before = null;
  let wasFar = false;
  for (let i = 0; i < values.length; i++) {
    if (values[i] === null || values[i] === undefined) continue;
    const isFar = before !== null && far(steps[before], steps[i]);
    if ((isFar || wasFar) && steps[before] >= range.min && steps[before] <= range.max) found.push(before);
    [before, wasFar] = [i, isFar];
    if (found.length > 400) return null;
  }
  const only = values.filter((value) => value !== null && value !== undefined).length === 1;
  if (wasFar || only) found.push(before);
  return found;
}

// Without a cursor a legend says how a curve ended.
function atCursorOrEnd(u, value, series, index, unit = "") {
  if (index !== null && index !== undefined) return inWords(value, unit);
  const values = u.data?.[series] ?? [];
  for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null && values[i] !== undefined) return inWords(values[i], unit);
  return "–";
}

function valueRange(panel) {
  const limits = panel.limits.map((limit) => limit.y);
  return (u, low, high) => {
    if (low === null || low === undefined) [low, high] = limits.length ? [Math.min(...limits), Math.max(...limits)] : [0, 1];
    if (panel.log) {
      for (const y of limits) [low, high] = [Math.min(low, y), Math.max(high, y)];
      return uPlot.rangeLog(low, high, 10, false);
    }
    const span = high - low || Math.abs(high) || 1;
    for (const y of limits) {
      const near = panel.evidence || (y > low - 3 * span && y < high + 3 * span);
      if (near) [low, high] = [Math.min(low, y), Math.max(high, y)];
    }
    const room = 0.06 * (high - low || Math.abs(high) || 1);
    const floor = low >= 0 && low <= 0.4 * high ? 0 : low - room;
    return [floor, high + room];
  };
}

function axes(unit) {
  const shared = {
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("grid"), width: 1 },
    ticks: { show: false },
    border: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const powers = unit === "bytes" ? { incrs: Array.from({ length: 44 }, (_, i) => 2 ** i) } : {};
  return [
    { ...shared, size: 26, space: 70, gap: 4, values: (u, splits) => splits.map((s) => (s === null ? "" : Number.isInteger(s) ? stepInWords(s) : "")) },
    { ...shared, grid: { ...shared.grid, filter: (u, splits) => splits.map((v) => (u.scales.y.distr !== 3 || Number.isInteger(Math.log10(v)) ? v : null)) }, ...powers, size: unit === "bytes" ? 74 : 58, gap: 6, space: 32, values: (u, splits) => splits.map((v) => (v === null ? "" : inWords(v, unit))) },
  ];
}

// What lies beneath the curves: stretches that are not finite, and the finding's own steps.
function drawBeneath(u, panel) {
  const { ctx, bbox } = u;
  const at = (step) => u.valToPos(view.log && panel.linked ? Math.max(step, 0.5) : step, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const line of panel.lines) {
    for (const [first, last] of line.bad || []) {
      const left = at(first);
      const width = Math.max(at(last) - left, 2 * devicePixelRatio);
      ctx.fillStyle = faint("error", 12);
      ctx.fillRect(left, bbox.top, width, bbox.height);
      ctx.fillStyle = colour("error");
      ctx.fillRect(left, bbox.top + bbox.height - 4 * devicePixelRatio, width, 4 * devicePixelRatio);
    }
  }
  ctx.restore();
}

// What lies on top of them: limits with their names, and findings at the steps where they begin.
function drawAbove(u, panel) {
  const { ctx, bbox } = u;
  const dot = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * dot}px system-ui, sans-serif`;
  ctx.lineWidth = dot;
  for (const limit of panel.limits) {
    const y = u.valToPos(limit.y, "y", true);
    if (!(y >= bbox.top - 1 && y <= bbox.top + bbox.height + 1)) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(limit.broken ? "limit" : "muted");
    ctx.setLineDash([5 * dot, 4 * dot]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.textAlign = "right";
    const below = y < bbox.top + 16 * dot;
    ctx.fillText(`${limit.label} ${inWords(limit.y)}`, bbox.left + bbox.width - 4 * dot, y + (below ? 13 : -5) * dot);
  }
  ctx.setLineDash([]);
  ctx.textAlign = "left";
  for (const phase of panel.phases || []) {
    const x = u.valToPos(view.log ? Math.max(phase.step, 0.5) : phase.step, "x", true);
    if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
    ctx.strokeStyle = ctx.fillStyle = colour("muted");
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(phase.label, x + 4 * dot, bbox.top + bbox.height - 6 * dot);
  }
  ctx.setLineDash([2 * dot, 3 * dot]);
  for (const mark of panel.marks || []) {
    const x = u.valToPos(view.log ? Math.max(mark.step, 0.5) : mark.step, "x", true);
    if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(mark.severity);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x - 4.5 * dot, bbox.top - 6 * dot);
    ctx.lineTo(x + 4.5 * dot, bbox.top - 6 * dot);
    ctx.lineTo(x, bbox.top + dot);
    ctx.fill();
  }
  ctx.restore();
}

// The nearest step at which this curve has a value: curves are sampled at different steps.
function nearest(u, series, index) {
  const values = u.data[series];
  if (series === 0 || (values[index] !== null && values[index] !== undefined)) return index;
  for (let off = 1; off < values.length; off++) {
    for (const i of [index - off, index + off]) {
      if (values[i] !== null && values[i] !== undefined) return i;
    }
  }
  return index;
}

function bandsOf(panel) {
  if (panel.bands) return panel.bands.map(([high, low, name]) => ({ series: [high, low], fill: () => faint(name, 16) }));
  return panel.band && panel.lines.length > 1 ? [{ series: [1, panel.lines.length], fill: () => faint("line-1", 14) }] : [];
}

function makePlot(holder, panel) {
  const plot = { holder, panel, linked: panel.linked, u: null };
  const said = panel.lines.map((l) => `${l.label}: ${l.y.length ? `${inWords(l.y[0])} at step ${stepInWords(l.x[0])}, ${inWords(l.y.at(-1))} at step ${stepInWords(l.x.at(-1))}` : "no finite value"}`);
  holder.setAttribute("aria-label", `${panel.title} over steps. ${said.join("; ")}.${panel.limits.map((l) => ` ${l.label}: ${inWords(l.y)}.`).join("")}`);
  plot.build = () => {
    plot.u?.destroy();
    const log = view.log && plot.linked;
    const tables = panel.lines.map((l) => [log ? l.x.map((s) => Math.max(s, 0.5)) : l.x, l.y]);
    const data = uPlot.join(tables);
    const last = Math.max(...panel.lines.map((l) => l.x.at(-1) ?? 0), 1);
    const own = panel.steps && panel.steps[1] > panel.steps[0] ? [Math.min(data[0][0] ?? 0, panel.steps[0]), Math.max(last, panel.steps[1])] : [data[0][0] ?? 0, last];
    const [min, max] = plot.linked ? shownRange() : own;
    const options = {
      width: Math.max(holder.clientWidth, 120),
      height: panel.height || HEIGHT,
      padding: [12, 24, 0, 0],
      scales: {
        x: { time: false, auto: false, min, max, range: (u, from, to) => [from, to], distr: log ? 3 : 1 },
        y: { distr: panel.log ? 3 : 1, range: valueRange(panel) },
      },
      series: [{ label: "step", value: (u, step) => (step === null || step === undefined ? "last" : stepInWords(step)) }, ...(panel.series || seriesOf(panel))],
      bands: bandsOf(panel),
      axes: axes(panel.unit),
      legend: { markers: { width: 0, fill: (u, i) => u.series[i].stroke(), stroke: () => "transparent" } },
      cursor: {
        y: false,
        drag: { x: plot.linked, y: false },
        points: { size: 7, width: 0, fill: (u, i) => u.series[i].stroke() },
        dataIdx: nearest,
        sync: plot.linked ? { key: "steps", scales: ["x", null], filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } } : undefined,
        bind: { dblclick: () => () => { if (plot.linked) zoomTo(null); return null; } },
      },
      hooks: {
        drawClear: [(u) => drawBeneath(u, panel)],
        draw: [(u) => drawAbove(u, panel)],
        setScale: [(u, key) => { if (key === "x") holder.dataset.range = `${u.scales.x.min} ${u.scales.x.max}`; if (key === "x" && plot.linked && plot.u) zoomTo(u.scales.x.min, u.scales.x.max); }],
      },
    };
    plot.u = new uPlot(options, data, holder);
  };
  plot.build();
  new ResizeObserver(() => {
    const width = holder.clientWidth;
    if (!printing && width && plot.u.width !== width) plot.u.setSize({ width, height: panel.height || HEIGHT });
  }).observe(holder);
  if (plot.linked) holder.addEventListener("keydown", onKey);
  plots.push(plot);
  return plot;
}

function onKey(event) {
  const [min, max] = shownRange();
  const log = view.log;
  const [a, b] = log ? [Math.log(min), Math.log(max)] : [min, max];
  const back = (value) => (log ? Math.exp(value) : value);
  const span = b - a;
  const [first, last] = fullRange().map((value) => (log ? Math.log(value) : value));
  const shift = { ArrowLeft: Math.max(-0.2 * span, first - a), ArrowRight: Math.min(0.2 * span, last - b) }[event.key];
  if (shift !== undefined) zoomTo(back(a + shift), back(b + shift));
  else if (event.key === "+" || event.key === "=") zoomTo(back(a + 0.2 * span), back(b - 0.2 * span));
  else if (event.key === "-") zoomTo(back(a - span / 3), back(b + span / 3));
  else if (event.key === "0" || event.key === "Escape") zoomTo(null);
  else return;
  event.preventDefault();
}

repainters.push(() => { for (const plot of plots) plot.u?.redraw(false); });
