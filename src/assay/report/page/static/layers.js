// Heat maps of layers against steps, and the series of one layer.
const RAMP = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"].map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
const [MISSING, ZERO, FIRST, LAST, NOT_FINITE] = [0, 1, 2, 65534, 65535];
const heat = { map: null, row: 0 };
let layerPlots = [];

function unpack(map) {
  if (!map.codes) {
    const bytes = Uint8Array.from(atob(map.cells), (char) => char.charCodeAt(0));
    map.codes = new Uint16Array(bytes.buffer);
  }
  return map.codes;
}

function decoded(map, code) {
  if (code === MISSING) return null;
  if (code === NOT_FINITE) return NaN;
  if (code === ZERO) return 0;
  const part = (code - FIRST) / (LAST - FIRST);
  return map.scale === "log" ? map.low * (map.high / map.low) ** part : map.low + (map.high - map.low) * part;
}

function cell(map, row, column) {
  const place = 2 * (row * map.steps.length + column);
  return [unpack(map)[place], unpack(map)[place + 1]];
}

function shade(code) {
  const part = Math.max(code - FIRST, 0) / (LAST - FIRST) * (RAMP.length - 1);
  const i = Math.min(Math.floor(part), RAMP.length - 2);
  return RAMP[i].map((from, channel) => Math.round(from + (RAMP[i + 1][channel] - from) * (part - i)));
}

function layout(canvas, map) {
  const width = canvas.clientWidth;
  const left = Math.min(Math.max(...map.rows.map((name) => name.length)) * 7.4 + 16, width * 0.34, 260);
  const height = Math.round(Math.min(Math.max(map.rows.length * 20, 80), 460));
  return { width, left, height, each: height / map.rows.length, right: width - left };
}

function shortened(ctx, name, room) {
  if (ctx.measureText(name).width <= room) return name;
  let cut = name;
  while (cut.length > 1 && ctx.measureText(`…${cut}`).width > room) cut = cut.slice(1);
  return `…${cut}`;
}

function pixels(map) {
  if (map.image) return map.image;
  const [rows, columns] = [map.rows.length, map.steps.length];
  const image = document.createElement("canvas");
  [image.width, image.height] = [columns, rows];
  const ctx = image.getContext("2d");
  const data = ctx.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const code = unpack(map)[2 * i + 1]; // the highest: a spike must show
    const shown = code === NOT_FINITE ? [229, 57, 53] : code === ZERO && map.scale === "log" ? [128, 128, 128] : shade(code);
    data.data.set([...shown, code === MISSING ? 0 : 255], 4 * i);
  }
  ctx.putImageData(data, 0, 0);
  map.image = image;
  return image;
}

function drawHeat() {
  const canvas = document.getElementById("layer-heat");
  const map = heat.map;
  if (!map || !canvas.clientWidth) return;
  const dot = devicePixelRatio;
  const { width, left, height, each, right } = layout(canvas, map);
  canvas.style.height = `${height + 24}px`;
  [canvas.width, canvas.height] = [width * dot, (height + 24) * dot];
  const ctx = canvas.getContext("2d");
  ctx.scale(dot, dot);
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(pixels(map), left, 0, right, height);
  ctx.font = "12px ui-monospace, Menlo, Consolas, monospace";
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  const skip = Math.max(Math.ceil(14 / each), 1);
  map.rows.forEach((name, i) => {
    const chosen = i === heat.row;
    const near = Math.abs(i - heat.row) * each < 14;
    if (!chosen && (i % skip || near && skip > 1)) return;
    ctx.fillStyle = colour(chosen ? "brand" : "muted");
    ctx.fillText(shortened(ctx, name, left - 12), left - 8, Math.min(Math.max((i + 0.5) * each, 6), height - 6));
  });
  ctx.font = "11.5px system-ui, sans-serif";
  ctx.fillStyle = colour("muted");
  const ticks = Math.max(Math.min(Math.floor(right / 90), map.steps.length), 2);
  for (let i = 0; i < ticks; i++) {
    const column = Math.round(i * (map.steps.length - 1) / (ticks - 1));
    ctx.textAlign = i === 0 ? "left" : i === ticks - 1 ? "right" : "center";
    ctx.fillText(`${i === 0 ? "step " : ""}${stepInWords(map.steps[column])}`, left + (i === 0 ? 0 : i === ticks - 1 ? right : (column + 0.5) / map.steps.length * right), height + 14);
  }
  ctx.strokeStyle = colour("brand");
  ctx.lineWidth = 1.5;
  ctx.strokeRect(left + 0.75, heat.row * each + 0.75, right - 1.5, Math.max(each - 1.5, 1.5));
}

function under(event) {
  const canvas = document.getElementById("layer-heat");
  const { left, height, each, right } = layout(canvas, heat.map);
  const box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const row = Math.floor(y / each);
  if (y < 0 || y >= height) return null;
  const column = Math.floor((x - left) / right * heat.map.steps.length);
  return { x, y, row, column: column >= 0 && column < heat.map.steps.length ? column : null };
}

function cellInWords(map, row, column) {
  const [low, high] = cell(map, row, column).map((code) => decoded(map, code));
  if (low === null) return "not measured";
  return low === high || Number.isNaN(low) ? inWords(high) : `${inWords(low)} to ${inWords(high)}`;
}

function showTip(event) {
  const tip = document.getElementById("layer-tip");
  const at = under(event);
  if (!at || at.column === null) {
    tip.hidden = true;
    return;
  }
  const map = heat.map;
  const until = at.column + 1 < map.steps.length ? map.steps[at.column + 1] - 1 : map.last;
  const steps = until > map.steps[at.column] ? `steps ${stepInWords(map.steps[at.column])} to ${stepInWords(until)}` : `step ${stepInWords(until)}`;
  tip.replaceChildren(element("strong", {}, map.rows[at.row]), element("br"), `${cellInWords(map, at.row, at.column)} · ${steps}`);
  tip.hidden = false;
  const wide = document.getElementById("layer-heat").clientWidth;
  tip.style.left = `${Math.max(Math.min(at.x + 14, wide - tip.offsetWidth), 0)}px`;
  tip.style.top = `${at.y + 16}px`;
}

function chooseMap(index) {
  const before = heat.map?.rows[heat.row];
  heat.map = page.layers.maps[index];
  const map = heat.map;
  heat.row = Math.max(map.rows.indexOf(before), 0);
  const rows = document.getElementById("layer-row");
  rows.replaceChildren(...map.rows.map((name, i) => element("option", { value: i }, name)));
  const [low, , high] = document.getElementById("layer-scale").children;
  [low.textContent, high.textContent] = [inWords(map.low), inWords(map.high)];
  const notes = ["Columns hold equal numbers of samples; the first steps are sampled most densely."];
  if (map.scale === "log") notes.push("Grey: exactly zero.");
  notes.push("Red: not finite.");
  if (map.left_out) notes.push(`${map.left_out} more layers are left out.`);
  document.getElementById("layer-note").textContent = notes.join(" ");
  document.getElementById("layer-heat").setAttribute("aria-label", `${map.title}: ${map.rows.length} layers against steps 0 to ${map.last}; the list of layers and the numbers below say the same`);
  const table = document.getElementById("layer-numbers");
  table.open = false;
  chooseRow(heat.row);
}

function chooseRow(row) {
  heat.row = row;
  document.getElementById("layer-row").value = row;
  drawHeat();
  showLayer(heat.map.rows[row]);
}

function moduleOf(name) {
  if (page.layers.parameters[name]) return name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "";
  return name;
}

function showLayer(name) {
  document.getElementById("layer-name").textContent = name;
  const owner = moduleOf(name);
  const parameter = page.layers.parameters[name];
  const facts = [page.layers.modules[owner] || ""];
  if (parameter) facts.push(parameter.shape.join(" × ") || "one number", parameter.dtype, parameter.trainable ? "" : "frozen");
  document.getElementById("layer-facts").textContent = facts.filter(Boolean).join(" · ");
  document.getElementById("layer-tree").replaceChildren(tree(owner));
  for (const plot of layerPlots) {
    plot.u.destroy();
    plots.splice(plots.indexOf(plot), 1);
  }
  layerPlots = [];
  const holder = document.getElementById("layer-plots");
  holder.replaceChildren();
  for (const map of page.layers.maps) {
    map.rows.forEach((other, row) => {
      const same = other === name || (moduleOf(other) === owner && (!parameter || !page.layers.parameters[other]));
      if (same && layerPlots.length < 12) layerPlots.push(layerPlot(holder, map, row));
    });
  }
}

function layerPlot(holder, map, row) {
  const lines = [{ label: "highest", x: [], y: [], bad: [] }, { label: "lowest", x: [], y: [], bad: [] }];
  map.steps.forEach((step, column) => {
    const [low, high] = cell(map, row, column).map((code) => decoded(map, code));
    const until = (map.steps[column + 1] ?? map.last + 1) - 1;
    if (low === null) return;
    if (Number.isNaN(low)) lines[0].bad.push([step, until]);
    else [high, low].forEach((value, i) => { lines[i].x.push(step); lines[i].y.push(value); });
  });
  const apart = lines[0].y.some((value, i) => value !== lines[1].y[i]);
  const shown = apart ? lines : [{ ...lines[0], label: "value" }];
  const values = shown.flatMap((line) => line.y);
  const log = map.scale === "log" && values.length > 0 && Math.min(...values) > 0 && Math.max(...values) > 60 * Math.min(...values);
  const canvas = element("div", { class: "canvas", role: "img", tabindex: "0" });
  const title = map.rows[row] === heat.map.rows[heat.row] ? map.title : `${map.title}, ${map.rows[row]}`;
  holder.append(element("figure", { class: "panel" }, element("figcaption", {}, element("h4", {}, title)), canvas));
  return makePlot(canvas, { title, lines: shown, limits: [], log, band: apart, unit: "", height: 150, linked: true });
}

// The way from the root to a module, and what else its parent holds.
function tree(name) {
  const kinds = page.layers.modules;
  const names = Object.keys(kinds);
  const label = (path, text) => element("li", {}, element("span", path === name ? { class: "chosen", "aria-current": "true" } : {}, text), " ", element("span", { class: "muted" }, kinds[path] === text ? "" : kinds[path] || ""));
  const top = element("ul");
  let level = top;
  const { roots } = page.layers;
  if (roots.length === 1 && roots[0] !== name) {
    const item = label(roots[0], roots[0]);
    level = element("ul");
    item.append(level);
    top.append(item);
  }
  const parts = name.split(".");
  for (let depth = 0; depth < parts.length; depth++) {
    const path = parts.slice(0, depth).join(".");
    const here = parts.slice(0, depth + 1).join(".");
    if (depth < parts.length - 1) {
      const item = label(here, parts[depth]);
      const inner = element("ul");
      item.append(inner);
      level.append(item);
      level = inner;
      continue;
    }
    const start = path ? `${path}.` : "";
    const siblings = names.filter((other) => other.startsWith(start) && !other.slice(start.length).includes(".") && !roots.includes(other));
    const place = siblings.indexOf(here);
    const from = Math.max(Math.min(place - 8, siblings.length - 17), 0);
    const near = siblings.slice(from, from + 17);
    if (from) level.append(element("li", { class: "muted" }, `… ${from} before`));
    for (const other of place < 0 ? [here] : near) level.append(label(other, other.slice(start.length)));
    const rest = place < 0 ? 0 : siblings.length - from - near.length;
    if (rest) level.append(element("li", { class: "muted" }, `… ${rest} more`));
  }
  return top;
}

function startLayers() {
  const canvas = document.getElementById("layer-heat");
  if (!canvas) return;
  document.getElementById("layer-map").addEventListener("change", (event) => chooseMap(Number(event.target.value)));
  document.getElementById("layer-row").addEventListener("change", (event) => chooseRow(Number(event.target.value)));
  canvas.addEventListener("click", (event) => { const at = under(event); if (at) chooseRow(at.row); });
  canvas.addEventListener("mousemove", showTip);
  canvas.addEventListener("mouseleave", () => { document.getElementById("layer-tip").hidden = true; });
  fillOnOpen(document.getElementById("layer-numbers"), () => {
    const map = heat.map;
    const columns = [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * (map.steps.length - 1)));
    const unique = [...new Set(columns)];
    return [["layer", ...unique.map((c) => `step ${stepInWords(map.steps[c])}`)], map.rows.map((name, row) => [name, ...unique.map((c) => cellInWords(map, row, c))])];
  });
  new ResizeObserver(() => { if (!printing) drawHeat(); }).observe(canvas.parentElement);
  repainters.push(drawHeat);
  chooseMap(0);
}
