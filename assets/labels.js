/* Points of a latent in the colors of a column of their data, where the model has one, or in those of the other side's, carried over
   the match: fetched once a model, once a match. A key in the panel switches between them. Point i of the plane is row i of the
   model's sample. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  // Paul Tol's "bright" and "muted" for classes, and viridis for a scale: apart for every eye, on both papers.
  const CLASSES = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#e69f00", "#44aa99", "#999933", "#882255"];
  const SCALE = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"];
  const SHOWN = 10, OFF = "topoviz-labels-off";
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

  // ---------------------------------------------------------------- carried over the match
  const other = (side) => (side === "a" ? "b" : "a");
  // By the side whose points are colored: whether a person wants that, and what came last, with the question that it answers.
  const carrying = { a: false, b: false }, came = { a: null, b: null };

  /* The other side's classes for this one's points; while a match is new, those of the one before. */
  function carried(side) {
    const session = { ...T.session(), selection: null, level: 1, morph: 1, names_a: undefined, names_b: undefined };
    const asked = JSON.stringify({ session, side: other(side) });
    if (!came[side] || came[side].asked !== asked) {
      came[side] = { asked, labels: came[side] && came[side].labels };
      carry(side, came[side]);
    }
    return came[side].labels;
  }

  async function carry(side, entry) {
    try {
      const answer = await fetch("carried", { method: "POST", headers: { "Content-Type": "application/json" }, body: entry.asked });
      const found = await answer.json();
      entry.labels = answer.ok ? { ...prepared(found), sentence: found.sentence, right: found.right } : { names: [], sentence: found.error, color: () => null };
    } catch {
      if (came[side] === entry) came[side] = null;
      return;
    }
    if (came[side] === entry) T.planes();
  }

  // ---------------------------------------------------------------- the key
  function add(parent, tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    parent.appendChild(made);
    return made;
  }

  function chip(box, what, text, on) {
    const button = add(box, "button", on ? "chip on" : "chip", text);
    button.type = "button";
    button.dataset.colors = what;
    button.setAttribute("aria-pressed", String(on));
    return button;
  }

  /* The key of a side: `own` and `from` say which buttons there are, `shown` is what the points are colored by. */
  function key(side, own, from, shown) {
    const panel = document.querySelector(`.panel-latent-${side}`);
    if (!panel) return;
    let box = panel.querySelector(".labels-key");
    if (!own && !from) { if (box) box.remove(); return; }
    const stamp = JSON.stringify([own && own.column, from && from.column, off, carrying[side], shown && shown.names, shown && shown.sentence, shown && shown.right]);
    if (box && box.dataset.stamp === stamp) return;
    const held = box && box.contains(document.activeElement) && document.activeElement.dataset.colors;
    if (!box) box = add(panel, "div", "labels-key");
    box.dataset.stamp = stamp;
    box.replaceChildren();
    if (own) chip(box, "own", `Color by ${own.column}`, !off && !carrying[side]).addEventListener("click", () => turn(side));
    if (from) {
      const button = chip(box, "carried", `Carried from ${other(side).toUpperCase()}`, carrying[side]);
      button.title = `Color by ${from.column} of ${other(side).toUpperCase()}, carried over the match`;
      button.addEventListener("click", () => { carrying[side] = !carrying[side]; T.planes(); });
    }
    if (shown) entries(box, shown);
    if (shown && shown.sentence) add(box, "p", "labels-told", shown.sentence).setAttribute("role", "status");
    if (held) { const button = box.querySelector(`[data-colors=${held}]`); if (button) button.focus(); }
  }

  function entries(box, labels) {
    if (!labels.names.length) {
      if (labels.low === undefined) return;
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
      const right = labels.right && labels.right[at];
      if (typeof right === "number") {
        add(entry, "span", "share", `${Math.round(100 * right)} %`);
        entry.title = `${Math.round(100 * right)} % of the points of ${name} have that label when it is carried over`;
      }
    });
    if (labels.names.length > SHOWN) add(box, "span", "labels-name", `and ${labels.names.length - SHOWN} more`);
  }

  function turn(side) {
    off = carrying[side] ? false : !off;
    carrying[side] = false;
    try { window.localStorage.setItem(OFF, off ? "1" : "0"); } catch { /* as above */ }
    T.planes();
  }

  function labelsOf(model) {
    if (model && !known.has(model)) learn(model);
    return (model && known.get(model)) || null;
  }

  // What the plane asks for: the color of point i, or nothing where there are no labels to show.
  T.labelColors = function (side) {
    const now = T.session();
    if (!now) return null;
    const own = labelsOf(now[`model_${side}`]), from = labelsOf(now[`model_${other(side)}`]);
    const source = from && from.names.length ? from : null;
    if (!source) carrying[side] = false;
    const shown = carrying[side] ? carried(side) : off ? null : own;
    key(side, own, source, shown);
    return shown ? shown.color : null;
  };
})();
