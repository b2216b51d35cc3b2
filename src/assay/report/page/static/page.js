// Puts everything in its place.
function numbersTable(head, rows) {
  const cells = (tag, words, scope) => words.map((word, i) => element(i === 0 && tag === "td" ? "th" : tag, tag === "th" || i === 0 ? { scope } : {}, String(word)));
  return element("table", {},
    element("thead", {}, element("tr", {}, ...cells("th", head, "col"))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells("td", row, "row")))));
}

// A table is made when somebody asks for it, and again if what it shows has changed.
function fillOnOpen(details, make) {
  details.addEventListener("toggle", () => {
    details.querySelector("table")?.remove();
    if (details.open) details.append(numbersTable(...make()));
  });
}

function panelNumbers(panel) {
  const longest = panel.lines.reduce((best, line) => (line.x.length > best.x.length ? line : best));
  const count = Math.min(longest.x.length, 24);
  const steps = Array.from({ length: count }, (_, i) => longest.x[Math.round(i * (longest.x.length - 1) / Math.max(count - 1, 1))]);
  const at = (line, step) => {
    let best = null;
    line.x.forEach((s, i) => { if (s <= step) best = line.y[i]; });
    return inWords(best, panel.unit);
  };
  const unit = panel.unit && !["1", "bytes"].includes(panel.unit) ? ` (${panel.unit})` : "";
  return [["step", ...panel.lines.map((line) => line.label + unit)], steps.map((step) => [stepInWords(step), ...panel.lines.map((line) => at(line, step))])];
}

function start() {
  const all = [
    ...page.curves.map((panel) => ({ ...panel, linked: !panel.own, marks: page.marks, phases: page.phases })),
    ...page.inputs.map((panel) => ({ ...panel, linked: !panel.own, phases: page.phases })),
    ...page.evidence.map((panel) => ({ ...panel, evidence: true, linked: false, height: 200 })),
    ...page.trials.map(trialPanel),
  ];
  const byKey = new Map(all.map((panel) => [panel.key, panel]));
  for (const figure of document.querySelectorAll("[data-plot]")) {
    const panel = byKey.get(figure.dataset.plot);
    const holder = figure.querySelector(".canvas");
    const folded = figure.closest("details:not([open])");
    if (folded) folded.addEventListener("toggle", () => makePlot(holder, panel), { once: true });
    else makePlot(holder, panel);
    const numbers = figure.querySelector("details.numbers");
    if (numbers) fillOnOpen(numbers, () => panelNumbers(panel));
  }
  document.getElementById("all-steps")?.addEventListener("click", () => zoomTo(null));
  const log = document.getElementById("log-steps");
  log?.addEventListener("click", () => {
    view.log = !view.log;
    [view.min, view.max] = [null, null];
    log.setAttribute("aria-pressed", String(view.log));
    for (const plot of plots) if (plot.linked) plot.build();
    zoomTo(null);
  });
  startLayers();
  startTheme();
  startPrinting();
  root.dataset.ready = "yes";
}

start();
