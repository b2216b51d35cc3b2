// Colours: as the system has them, or as the reader chose; canvases are told when they change.
const page = JSON.parse(document.getElementById("assay-data").textContent);
const root = document.documentElement;
const repainters = [];
let printing = false;

function colour(name) {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}

function faint(name, percent) {
  return `color-mix(in srgb, ${colour(name)} ${percent}%, transparent)`;
}

function repaint() {
  for (const paint of repainters) paint();
}

function startTheme() {
  const button = document.getElementById("theme");
  const choices = ["system", "light", "dark"];
  const words = { system: "Auto", light: "Light", dark: "Dark" };
  let choice = "system";
  try {
    choice = localStorage.getItem("assay-theme") || "system";
  } catch { /* a page from disk may not remember */ }
  function apply() {
    if (!choices.includes(choice)) choice = "system";
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
    button.replaceChildren("◐", element("span", {}, ` ${words[choice]}`));
    button.setAttribute("aria-label", `Colours: ${words[choice]}; change`);
    repaint();
  }
  button.hidden = false;
  button.addEventListener("click", () => {
    choice = choices[(choices.indexOf(choice) + 1) % choices.length];
    try {
      localStorage.setItem("assay-theme", choice);
    } catch { /* as above */ }
    apply();
  });
  apply();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
}

// Paper is white: printed in light colours, with everything unfolded.
function startPrinting() {
  let opened = [];
  let before;
  addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    printing = true;
    opened = [...document.querySelectorAll("details:not([open]):not(.numbers)")];
    for (const each of opened) each.open = true;
    repaint(); // now: what is drawn later does not reach the paper
  });
  addEventListener("afterprint", () => {
    printing = false;
    if (before === undefined) delete root.dataset.theme;
    else root.dataset.theme = before;
    for (const each of opened) each.open = false;
    repaint();
  });
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function inWords(value, unit = "") {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return "not finite";
  if (unit === "bytes") return value >= 2 ** 30 ? `${inWords(value / 2 ** 30)} GiB` : `${inWords(value / 2 ** 20)} MiB`;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e").replaceAll("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

function stepInWords(step) {
  return Math.round(step).toLocaleString("en");
}
