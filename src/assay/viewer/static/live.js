// Curves that grow: asks for what is new, and puts it into the plots that are there.
const MOST = 12000; // points of a curve; past that it is asked for anew, thinned
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

class Feed {
  constructor(run) {
    this.address = `${page.base}run/${encodeURIComponent(run)}/data`;
    this.panels = new Map();
    this.since = -1;
    this.state = "reading …";
    this.running = true;
    this.steps = 0;
  }

  async ask() {
    const response = await fetch(`${this.address}?since=${this.since}`, { cache: "no-store" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const answer = await response.json();
    if (this.since < 0) this.panels.clear();
    for (const panel of answer.panels) this.merge(panel);
    const longest = Math.max(0, ...[...this.panels.values()].flatMap((panel) => panel.lines.map((line) => line.x.length)));
    this.since = longest > MOST && answer.since - this.since > 1000 ? -1 : answer.since;
    Object.assign(this, { state: answer.state, running: answer.running, steps: answer.steps });
    return answer.wait_ms;
  }

  merge(panel) {
    const known = this.panels.get(panel.key);
    if (!known) {
      this.panels.set(panel.key, panel);
      return;
    }
    for (const line of panel.lines) {
      const old = known.lines.find((each) => each.label === line.label);
      if (!old) {
        known.lines.push(line);
        continue;
      }
      let kept = old.x.length;
      while (kept > 0 && old.x[kept - 1] > this.since) kept--;
      old.x = [...old.x.slice(0, kept), ...line.x];
      old.y = [...old.y.slice(0, kept), ...line.y];
      old.bad = [...old.bad.filter(([, last]) => last <= this.since), ...line.bad];
    }
    known.log = panel.log;
    known.limits = panel.limits;
  }
}

// Two runs in one plot: each keeps its colours, also where the other has no such curve.
function combined(feeds) {
  if (feeds.length === 1) return [...feeds[0].panels.values()];
  const keys = new Set(feeds.flatMap((feed) => [...feed.panels.keys()]));
  return [...keys].map((key) => {
    const found = feeds.map((feed) => feed.panels.get(key));
    const known = found.find(Boolean);
    const lines = found.map((panel) => (panel?.lines ?? []).filter((line) => !panel.band || line.label === "median"));
    const turns = Math.max(...lines.map((each) => each.length));
    const slots = [];
    for (let i = 0; i < turns; i++) {
      lines.forEach((each, run) => slots.push(each[i] ? { ...each[i], label: `${"AB"[run]} ${each[i].label}` } : null));
    }
    const all = slots.filter(Boolean);
    const padded = { ...known, band: false, lines: slots.map((line) => line ?? { label: "", x: [] }) };
    const limits = found.flatMap((panel) => panel?.limits ?? []);
    const once = limits.filter((limit, i) => limits.findIndex((other) => other.label === limit.label && other.y === limit.y) === i);
    const log = found.some((panel) => panel?.log) && all.every((line) => line.y.every((y) => y > 0)) && once.every((limit) => limit.y > 0);
    const about = known.band ? "Length of a step over the length of the weights, in the median layer." : known.about;
    return { ...padded, lines: all, series: seriesOf(padded).filter((_, i) => slots[i]), limits: once, log, about };
  });
}

const made = new Map();

function draw(panel) {
  const plot = made.get(panel.key);
  if (!plot) {
    const holder = element("div", { class: "canvas", tabindex: "0", role: "img" });
    const caption = element("figcaption", {}, element("h3", {}, panel.title), element("p", { class: "muted" }, panel.about));
    document.getElementById("panels").append(element("figure", { class: "panel", "data-plot": panel.key }, caption, holder));
    made.set(panel.key, makePlot(holder, { ...panel, linked: true, marks: page.marks ?? [] }));
    return;
  }
  const few = (each) => each.lines.map((line) => `${line.label}${line.x.length <= 24}`).join("\n");
  const same = plot.panel.log === panel.log && few(plot.panel) === few(panel);
  Object.assign(plot.panel, panel);
  if (!same) {
    plot.build();
    return;
  }
  const steps = (line) => (view.log ? line.x.map((step) => Math.max(step, 0.5)) : line.x);
  plot.u.setData(uPlot.join(panel.lines.map((line) => [steps(line), line.y])), false);
  const [min, max] = shownRange();
  plot.u.setScale("x", { min, max });
  if (plot.u.cursor.idx === null || plot.u.cursor.idx === undefined) plot.u.setLegend({ idx: null }); // how each curve ends now
}

function say(feeds) {
  feeds.forEach((feed, i) => {
    const state = document.querySelector(`[data-state="${i}"]`);
    if (state.textContent !== feed.state) state.textContent = feed.state;
    state.className = `badge ${feed.running ? "note" : feed.state === "ended" ? "healthy" : "warning"}`;
    document.querySelector(`[data-steps="${i}"]`).textContent = feed.steps ? `${stepInWords(feed.steps)} steps` : "";
  });
}

async function follow(runs) {
  const feeds = runs.map((run) => new Feed(run));
  for (let failed = 0; ;) {
    let wait = null;
    try {
      const waits = await Promise.all(feeds.map((feed) => feed.ask()));
      wait = Math.max(...waits.map((each) => each ?? 0)) || null;
      failed = 0;
      page.steps = Math.max(1, ...feeds.map((feed) => feed.steps));
      for (const panel of combined(feeds)) draw(panel);
    } catch (error) {
      failed++;
      for (const feed of feeds) feed.state = `not reachable (${error.message})`;
      wait = failed < 20 ? 1500 * failed : null;
    }
    say(feeds);
    root.dataset.ready = wait === null ? "done" : "live";
    if (wait === null) return;
    await sleep(wait);
  }
}

async function watchList() {
  const known = JSON.stringify(page.runs);
  for (;;) {
    await sleep(2000);
    let runs;
    try {
      runs = await (await fetch(`${page.base}runs.json`, { cache: "no-store" })).json();
    } catch {
      continue;
    }
    const chosen = document.querySelector("input:checked");
    if (!chosen && JSON.stringify(runs.map((run) => run.id)) !== known) location.reload();
    for (const run of runs) {
      const row = document.querySelector(`[data-run="${CSS.escape(run.id)}"]`);
      if (!row) continue;
      row.querySelector(".state").textContent = run.state;
      row.querySelector(".steps").textContent = run.steps === null ? "–" : stepInWords(run.steps);
      row.querySelector(".loss").textContent = inWords(run.loss);
    }
  }
}

startTheme();
document.getElementById("all-steps")?.addEventListener("click", () => zoomTo(null));
const logSteps = document.getElementById("log-steps");
logSteps?.addEventListener("click", () => {
  view.log = !view.log;
  [view.min, view.max] = [null, null];
  logSteps.setAttribute("aria-pressed", String(view.log));
  for (const plot of plots) plot.build();
  zoomTo(null);
});
if (page.kind === "runs") watchList();
else follow(page.runs);
