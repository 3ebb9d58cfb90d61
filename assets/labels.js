/* Points of a latent in the colors of a column of their data, where the model has one: fetched once a model, with a key in the
   panel that also switches it off. Point i of the plane is row i of the model's sample. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  // Paul Tol's "bright" and "muted" for classes, and viridis for a scale: apart for every eye, on both papers.
  const CLASSES = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#e69f00", "#44aa99", "#999933", "#882255"];
  const SCALE = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"];
  const SHOWN = 8, OFF = "topoviz-labels-off";
  const known = new Map();
  let off = false;
  try { off = window.localStorage.getItem(OFF) === "1"; } catch { /* storage may be forbidden */ }

  async function learn(model) {
    known.set(model, null);
    try {
      const answer = await fetch(`labels/${model.split("/").map(encodeURIComponent).join("/")}`);
      known.set(model, answer.ok ? prepared(await answer.json()) : null);
    } catch {
      known.delete(model);
    }
    T.planes();
  }

  function prepared(found) {
    if (!found.values || !found.values.length) return null;
    const { column, names, values } = found;
    if (names.length) return { column, names, color: (i) => (values[i] >= 0 ? CLASSES[values[i] % CLASSES.length] : null) };
    const finite = values.filter((value) => value !== null);
    const [low, high] = [Math.min(...finite), Math.max(...finite)];
    const at = (value) => (high > low ? (value - low) / (high - low) : 0.5);
    return { column, names, low, high, color: (i) => (values[i] === null || values[i] === undefined ? null : mixed(at(values[i]))) };
  }

  function mixed(share) {
    const place = Math.min(share, 0.9999) * (SCALE.length - 1);
    const [one, other] = [SCALE[Math.floor(place)], SCALE[Math.floor(place) + 1]];
    const part = (hex, k) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16);
    const mix = [0, 1, 2].map((k) => Math.round(part(one, k) + (place % 1) * (part(other, k) - part(one, k))));
    return `rgb(${mix.join(" ")})`;
  }

  // ---------------------------------------------------------------- the key
  function add(parent, tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    parent.appendChild(made);
    return made;
  }

  function key(side, model, labels) {
    const panel = document.querySelector(`.panel-latent-${side}`);
    if (!panel) return;
    let box = panel.querySelector(".labels-key");
    if (!labels) { if (box) box.remove(); return; }
    const stamp = JSON.stringify([model, off]);
    if (box && box.dataset.stamp === stamp) return;
    const held = box && box.contains(document.activeElement);
    if (!box) box = add(panel, "div", "labels-key");
    box.dataset.stamp = stamp;
    box.replaceChildren();
    const button = add(box, "button", off ? "chip" : "chip on", `Color by ${labels.column}`);
    button.type = "button";
    button.setAttribute("aria-pressed", String(!off));
    button.addEventListener("click", turn);
    if (!off) entries(box, labels);
    if (held) button.focus();
  }

  function entries(box, labels) {
    if (!labels.names.length) {
      const short = (value) => String(Number(value.toPrecision(3))).replace("-", "−");
      const line = add(box, "span", "labels-scale");
      add(line, "span", "", short(labels.low));
      add(line, "i").style.background = `linear-gradient(to right, ${SCALE.join(", ")})`;
      add(line, "span", "", short(labels.high));
      return;
    }
    labels.names.slice(0, SHOWN).forEach((name, at) => {
      const entry = add(box, "span", "labels-name");
      add(entry, "i").style.background = CLASSES[at % CLASSES.length];
      add(entry, "span", "", name);
    });
    if (labels.names.length > SHOWN) add(box, "span", "labels-name", `and ${labels.names.length - SHOWN} more`);
  }

  function turn() {
    off = !off;
    try { window.localStorage.setItem(OFF, off ? "1" : "0"); } catch { /* as above */ }
    T.planes();
  }

  // What the plane asks for: the color of point i, or nothing where there are no labels to show.
  T.labelColors = function (side) {
    const now = T.session();
    const model = now && now[`model_${side}`];
    if (!model) return null;
    if (!known.has(model)) learn(model);
    const labels = known.get(model);
    key(side, model, labels);
    return labels && !off ? labels.color : null;
  };
})();
