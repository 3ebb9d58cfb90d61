/* The two trees and the links between them, drawn from the server's facts as an SVG of our own: an edit changes the elements that it
   concerns, in place. Zoom opens rows, not letters: both trees stay in sight, and small branches open as there is room for them. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const SVG = "http://www.w3.org/2000/svg";
  const MARGIN = 0.06, TOP = 20, FOOT = 20, MOVE = 190, FOLD = 16;
  // As wide as that of such a confidence is a link where the method of matching gives none.
  const ORDINARY = 0.6;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const view = { zoom: 1, top: 0, opened: new Set(), order: null };
  let sent = null, facts = null, laid = null, size = null, svg = null, field = null, content = null, layers = null, models = "", told = "";
  // Where everything is at this frame of a move, in pixels of the content.
  let now = new Map(), moving = null;

  const host = () => document.getElementById("trees");
  const keyOf = (n) => `${n.side}${n.id}`;
  const sign = (side) => (side === "a" ? 1 : -1);
  const span = () => facts.end + 2 * MARGIN;
  const px = (value) => ((value + MARGIN) / span()) * size.width;
  const valueX = (x) => (x / size.width) * span() - MARGIN;
  const py = (row) => TOP + (row + 0.5) * laid.pitch;
  const room = () => size.height - TOP - FOOT;

  // ---------------------------------------------------------------- elements by key, changed only where they differ
  function make(tag, parent) {
    const element = document.createElementNS(SVG, tag);
    element.known = {};
    if (parent) parent.appendChild(element);
    return element;
  }

  function set(element, values) {
    for (const [name, value] of Object.entries(values)) {
      if (element.known[name] === value) continue;
      element.known[name] = value;
      if (name === "text") element.textContent = value;
      else if (value === null) element.removeAttribute(name);
      else element.setAttribute(name, value);
    }
    return element;
  }

  /* The elements of a layer: `at(key)` makes or finds one, `done()` takes away those that were not asked for. */
  function keyed(tag, parent) {
    const known = new Map();
    let used = new Set();
    return {
      at(key) { used.add(key); if (!known.has(key)) known.set(key, make(tag, parent)); return known.get(key); },
      done() { for (const [key, element] of known) if (!used.has(key)) { element.remove(); known.delete(key); } used = new Set(); },
      get: (key) => known.get(key),
    };
  }

  function build() {
    const box = host();
    if (!box) return false;
    if (svg && box.contains(svg)) return true;
    svg = make("svg", null);
    set(svg, { class: "forest", focusable: "false" });
    box.insertBefore(svg, box.firstChild);
    const group = (name, hidden = true) => set(make("g", content), { class: name, "aria-hidden": hidden ? "true" : null });
    layers = { grid: keyed("line", set(make("g", svg), { class: "grid", "aria-hidden": "true" })) };
    layers.ticks = keyed("text", set(make("g", svg), { class: "ticks", "aria-hidden": "true" }));
    // A window of its own, so that what is panned ends above the axis and moves without being drawn anew.
    field = document.createElement("div");
    field.className = "tree-field";
    svg.after(field);
    content = set(make("svg", field), { class: "forest", focusable: "false" });
    for (const [name, tag] of [["branches", "path"], ["links", "path"], ["errors", "path"], ["wedges", "path"], ["holes", "path"], ["rings", "circle"]]) layers[name] = keyed(tag, group(name));
    for (const side of ["a", "b"]) {
      const tree = set(group(`tree tree-${side}`, false), { role: "tree", tabindex: "0", id: `tree-${side}`, "aria-label": `Tree ${side.toUpperCase()}: arrow keys walk, Enter opens a closed branch` });
      layers[side] = { tree, items: keyed("g", tree) };
    }
    for (const [name, tag] of [["names", "text"], ["pins", "path"]]) layers[name] = keyed(tag, group(name));
    new ResizeObserver(() => lay(false)).observe(box);
    return true;
  }

  // ---------------------------------------------------------------- text
  const pen = document.createElement("canvas").getContext("2d");
  const widths = new Map();

  function wide(text, font) {
    const key = `${font} ${text}`;
    if (!widths.has(key)) { pen.font = `${font}px Inter, "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif`; widths.set(key, pen.measureText(text).width); }
    return widths.get(key);
  }

  function cut(text, font, most) {
    if (wide(text, font) <= most) return text;
    let end = text.length;
    while (end > 1 && wide(`${text.slice(0, end)}…`, font) > most) end -= 1;
    return `${text.slice(0, end).trimEnd()}…`;
  }

  const nameOf = (n) => n.label || (n.closed ? `${n.leaves} leaves` : n.up === null ? "root" : "saddle");

  // ---------------------------------------------------------------- layout
  function compute() {
    const box = host();
    if (!facts || !build() || !box.clientWidth || !box.clientHeight) return false;
    size = { width: box.clientWidth, height: box.clientHeight };
    laid = T.lay(facts, view, room());
    view.order = laid.memory;
    return true;
  }

  function lay(smooth) {
    if (!compute()) return;
    view.top = Math.max(0, Math.min(laid.content - room(), view.top));
    measure();
    move(smooth && !still.matches);
    bar();
  }

  /* Sizes, names and the ways of links, in pixels. */
  function measure() {
    const scale = Math.max(0.36, Math.min(1, laid.pitch / 24));
    const font = laid.pitch < 18 ? 10.5 : 12;
    Object.assign(laid, { scale, font, column: {} });
    facts.crowded = laid.pitch < 24;
    const most = Math.max(34, (px(facts.end - facts.width) - px(facts.width)) * 0.3);
    const reach = { a: px(facts.width) + 12, b: px(facts.end - facts.width) - 12 };
    laid.linked = { a: new Map(facts.links.map((l) => [l.a, l])), b: new Map(facts.links.map((l) => [l.b, l])) };
    for (const n of facts.nodes) {
      n.said = "";
      n.size = n.down.length && !n.closed ? 2.5 + 4.5 * scale : n.closed ? 5 : scale * (9 + 22 * Math.sqrt(Math.max(0, Math.min(1, n.mass))));
      n.named = false;
      n.name = "";
      if (!n.shown) continue;
      const text = n.tip ? (n.closed && n.label ? `${n.label} · ${n.leaves}` : nameOf(n)) : n.label;
      if (!text) { n.named = true; continue; }
      n.name = cut(text, font, most);
      n.named = n.name === text;
      if (!n.tip) continue;
      n.from = px(n.closed ? n.peak : n.x) + sign(n.side) * ((n.closed ? 0 : n.size / 2) + 5);
      n.end = n.from + sign(n.side) * wide(n.name, font);
      reach[n.side] = n.side === "a" ? Math.max(reach.a, n.end + 4) : Math.min(reach.b, n.end - 4);
    }
    laid.column = reach;
    inner(font);
    const of = { a: laid.trees.a.of, b: laid.trees.b.of };
    for (const l of facts.links) {
      [l.from, l.to] = [holder(of.a.get(l.a)), holder(of.b.get(l.b))];
      [l.x, l.y] = curve(l.from, l.to);
    }
    for (const h of facts.holes) {
      const n = of[h.side].get(h.node);
      h.shown = Boolean(n && n.shown && !n.closed);
      if (!h.shown) continue;
      const across = (level) => { const height = facts.width * (1 - Math.max(0, Math.min(1, level / facts.floor))); return h.side === "a" ? height : facts.end - height; };
      Object.assign(h, { x: across(h.top), end: across(h.bottom), y: n.y + Math.max(0.18, Math.min(0.7, 13 / laid.pitch)) * (1 + 0.75 * h.lane), size: 3.5 + 4.5 * scale });
    }
  }

  const holder = (n) => (n && n.holder !== null ? laid.trees[n.side].of.get(n.holder) : n);

  /* Names of joinings stand on their outer side, where there is room between the rows. */
  function inner(font) {
    const taken = [];
    const named = facts.nodes.filter((n) => n.shown && !n.tip && n.name).sort((n, m) => m.mass - n.mass);
    for (const n of named) {
      const [x, y, width] = [px(n.x) - sign(n.side) * 6, py(n.y) - font * 0.75, wide(n.name, font)];
      const [left, right] = n.side === "a" ? [x - width, x] : [x, x + width];
      if (left < 2 || right > size.width - 2 || laid.pitch < font + 3 || taken.some((o) => Math.abs(o.y - y) < font + 1 && left < o.right && right > o.left)) { n.name = ""; n.named = false; continue; }
      taken.push({ left, right, y });
    }
  }

  /* A link from row to row, between the columns of names; as plane coordinates for the pointer. */
  function curve(from, to) {
    const [x0, x1] = [valueX(laid.column.a), valueX(laid.column.b)];
    const [xs, ys] = [[valueX(from.end + 3)], [from.y]];
    for (let at = 0; at <= 16; at += 1) {
      const t = at / 16;
      xs.push(x0 + (x1 - x0) * t);
      ys.push(from.y + (to.y - from.y) * t * t * (3 - 2 * t));
    }
    return [[...xs, valueX(to.end - 3)], [...ys, to.y]];
  }

  // ---------------------------------------------------------------- from what is drawn to what is to be
  function goals() {
    const goal = new Map();
    for (const n of facts.nodes) goal.set(keyOf(n), [px(n.x), py(n.y)]);
    goal.set("top", [view.top, 0]);
    goal.set("columns", [laid.column.a, laid.column.b]);
    return goal;
  }

  function move(smooth) {
    cancelAnimationFrame(moving);
    moving = null;
    const goal = goals();
    const start = new Map();
    let moved = false;
    for (const n of facts.nodes) {
      const key = keyOf(n);
      let at = now.get(key);
      // What is new grows out of what it hangs on.
      for (let up = n; !at && up.up !== null; ) { up = laid.trees[n.side].of.get(up.up); at = now.get(keyOf(up)); }
      start.set(key, at || goal.get(key));
      const [x, y] = goal.get(key);
      moved = moved || Math.abs(start.get(key)[0] - x) > 0.5 || Math.abs(start.get(key)[1] - y) > 0.5;
    }
    for (const key of ["top", "columns"]) start.set(key, now.get(key) || goal.get(key));
    moved = moved || Math.abs(start.get("top")[0] - view.top) > 0.5;
    if (!smooth || !moved || !now.size) { now = goal; return draw(); }
    const begun = performance.now();
    const step = (time) => {
      const share = Math.min(1, Math.max(0, (time - begun) / MOVE));
      const eased = 1 - (1 - share) ** 3;
      now = new Map([...goal].map(([key, [x, y]]) => { const [x0, y0] = start.get(key); return [key, [x0 + eased * (x - x0), y0 + eased * (y - y0)]]; }));
      moving = share < 1 ? requestAnimationFrame(step) : null;
      draw();
    };
    return step(begun);
  }

  // ---------------------------------------------------------------- drawing
  const r = (value) => Math.round(value * 10) / 10;
  const spot = (n) => now.get(keyOf(n));

  function draw() {
    set(svg, { viewBox: `0 0 ${size.width} ${size.height}` });
    field.style.height = `${size.height - FOOT + 3}px`;
    content.style.height = `${laid.content + TOP + FOOT}px`;
    slide();
    content.classList.toggle("crowded", laid.pitch < 24);
    grid();
    branches();
    drawLinks();
    errors();
    wedges();
    drawHoles();
    items();
    names();
    map();
  }

  function slide() {
    content.style.transform = `translateY(${r(-now.get("top")[0])}px)`;
    if (board && !board.hidden) frame();
  }

  function grid() {
    const step = [1, 2, 3].find((one) => -facts.floor / one <= 5) || 4;
    for (const side of ["a", "b"]) {
      for (let level = 0; level < -facts.floor; level += step) {
        const across = facts.width * (1 - level / -facts.floor);
        const x = r(px(side === "a" ? across : facts.end - across));
        set(layers.grid.at(`${side}${level}`), { x1: x, x2: x, y1: 0, y2: size.height });
        set(layers.ticks.at(`${side}${level}`), { x, y: size.height - 5, text: level ? `−${level}` : "0 nats" });
      }
    }
    layers.grid.done();
    layers.ticks.done();
  }

  function branches() {
    const width = r(0.7 + 0.7 * laid.scale);
    for (const n of facts.nodes) {
      if (!n.shown) continue;
      const [x, y] = spot(n);
      const up = n.up === null ? null : spot(laid.trees[n.side].of.get(n.up));
      const d = up ? `M${r(up[0])} ${r(up[1])}V${r(y)}H${r(x)}` : `M${r(px(n.side === "a" ? -0.04 : facts.end + 0.04))} ${r(y)}H${r(x)}`;
      set(layers.branches.at(keyOf(n)), { d, "stroke-width": width });
    }
    layers.branches.done();
  }

  /* Links that leave one closed branch for another are one, as wide as they are many. */
  function drawLinks() {
    const bundles = new Map();
    for (const l of facts.links) {
      const key = `${keyOf(l.from)} ${keyOf(l.to)}`;
      if (!bundles.has(key)) bundles.set(key, []);
      bundles.get(key).push(l);
    }
    const [left, right] = now.get("columns");
    const way = (from, to) => {
      const [[x0, y0], [x1, y1]] = [spot(from), spot(to)];
      const [start, end] = [x0 + (from.end + 3 - px(from.x)), x1 + (to.end - 3 - px(to.x))];
      const third = (right - left) / 3;
      return { d: `M${r(start)} ${r(y0)}H${r(left)}C${r(left + third)} ${r(y0)} ${r(right - third)} ${r(y1)} ${r(right)} ${r(y1)}H${r(end)}`, middle: [(left + right) / 2, (y0 + y1) / 2] };
    };
    for (const [key, all] of bundles) {
      const sure = all.reduce((most, l) => (l.confidence > most.confidence ? l : most));
      const pinned = all.find((l) => l.pinned);
      const full = pinned ? 3.5 : 0.7 + 4.3 * (sure.confidence ?? ORDINARY) ** 1.5;
      const { d, middle } = way(sure.from, sure.to);
      const width = full * (0.35 + 0.65 * laid.scale) + 0.9 * Math.log2(all.length);
      set(layers.links.at(key), { d, stroke: sure.color, "stroke-width": r(width), "stroke-dasharray": all.some((l) => l.new) ? "7 4" : null, class: null });
      if (pinned) set(layers.pins.at(key), { d: `M${r(middle[0] - 6)} ${r(middle[1])}l6 -6 6 6 -6 6z`, fill: pinned.color });
    }
    for (const [a, b] of facts.gone) {
      const [from, to] = [holder(laid.trees.a.of.get(a)), holder(laid.trees.b.of.get(b))];
      if (from && to) set(layers.links.at(`gone ${a} ${b}`), { d: way(from, to).d, stroke: null, "stroke-width": 1.2, "stroke-dasharray": "1 4", class: "gone" });
    }
    layers.links.done();
    layers.pins.done();
  }

  function errors() {
    const nat = (facts.width / Math.abs(facts.floor) / span()) * size.width;
    const foot = laid.pitch < 24 ? 0 : 2.5;
    for (const n of facts.nodes) {
      if (!n.shown || !n.level_error) continue;
      const [[x, y], reach] = [spot(n), nat * n.level_error];
      const feet = foot ? `M${r(x - reach)} ${r(y - foot)}v${2 * foot}M${r(x + reach)} ${r(y - foot)}v${2 * foot}` : "";
      set(layers.errors.at(keyOf(n)), { d: `M${r(x - reach)} ${r(y)}H${r(x + reach)}${feet}` });
    }
    layers.errors.done();
  }

  function wedges() {
    for (const n of facts.nodes) {
      if (!n.closed) continue;
      const [x, y] = spot(n);
      const tall = Math.min(laid.pitch * 0.42, 3 + 1.5 * Math.sqrt(n.leaves));
      const leaf = laid.trees[n.side].below.get(n.id).map((id) => laid.trees[n.side].of.get(id)).find((one) => one.matched);
      const tip = x + px(n.peak) - px(n.x);
      const ends = Math.abs(tip - x) < 8 ? x + 8 * sign(n.side) : tip;
      set(layers.wedges.at(keyOf(n)), { d: `M${r(x)} ${r(y)}L${r(ends)} ${r(y - tall)}V${r(y + tall)}Z`, style: leaf ? `color:${leaf.color}` : null });
    }
    layers.wedges.done();
  }

  function drawHoles() {
    for (const [at, h] of facts.holes.entries()) {
      if (!h.shown) continue;
      const n = laid.trees[h.side].of.get(h.node);
      const [[nx, ny], key] = [spot(n), `${h.side}${at}`];
      const [x, y] = [px(h.x) + nx - px(n.x), ny + (h.y - n.y) * laid.pitch];
      set(layers.holes.at(key), { d: `M${r(x)} ${r(y)}H${r(px(h.end))}` });
      set(layers.rings.at(key), { cx: r(x), cy: r(y), r: r(h.size / 2) });
    }
    layers.holes.done();
    layers.rings.done();
  }

  /* The nodes, which a screen reader reads as two trees. */
  function items() {
    const held = T.chosen();
    told = JSON.stringify(held);
    for (const side of ["a", "b"]) {
      const { of, root } = laid.trees[side];
      const { tree, items: known } = layers[side];
      const on = active(side);
      let before = null;
      const walk = (id, depth) => {
        const n = of.get(id);
        const [x, y] = spot(n);
        const element = known.at(id);
        if (!element.firstChild) make("circle", element);
        const chosen = T.same(held, n);
        set(element, { role: "treeitem", id: `tree-${side}-${id}`, "aria-level": depth, "aria-selected": chosen ? "true" : "false", "aria-label": (n.said = n.said || said(n)), "data-active": on && on.id === id ? "" : null, "aria-expanded": n.down.length ? (n.closed ? "false" : "true") : null });
        set(element.firstChild, { cx: r(x), cy: r(y), r: r(n.size / 2), fill: n.tip && !n.closed ? n.color : null, stroke: n.color, "stroke-width": r(0.7 + 0.7 * laid.scale) });
        if ((before ? before.nextSibling : tree.firstChild) !== element) tree.insertBefore(element, before ? before.nextSibling : tree.firstChild);
        before = element;
        if (!n.closed) for (const child of [...n.down].sort((one, other) => of.get(one).y - of.get(other).y)) walk(child, depth + 1);
      };
      if (root) walk(root.id, 1);
      known.done();
      set(tree, { "aria-activedescendant": on ? `tree-${side}-${on.id}` : null });
    }
  }

  /* The node of one side that the keys act on: the one in hand, if it is shown, else the root. */
  function active(side) {
    const { of, root } = laid.trees[side];
    const held = T.chosen();
    const n = held && held.side === side ? of.get(held.id) : null;
    return holder(n) || root || null;
  }

  const percent = (share) => (100 * share).toFixed(1);

  function said(n) {
    const kind = n.closed ? `closed branch of ${n.leaves} leaves` : n.down.length ? (n.up === null ? "root" : "saddle") : "leaf";
    const link = laid.linked[n.side].get(n.id);
    const across = n.side === "a" ? "b" : "a";
    const other = link && laid.trees[across].of.get(link[across]);
    const parts = [n.label ? `${n.label}, ${kind}` : kind, `${percent(n.mass)} % of the mass`, `level ${n.level.toFixed(1)} nats`];
    if (n.holes) parts.push(`${n.holes} hole${n.holes === 1 ? "" : "s"}`);
    if (!n.down.length) parts.push(other ? `matched to ${nameOf(other)}, ${link.word}` : "not matched");
    return parts.join(", ");
  }

  function names() {
    for (const n of facts.nodes) {
      if (!n.name) continue;
      const [x, y] = spot(n);
      const looks = [n.closed ? "many" : "", n.carried ? "carried" : "", n.matched || n.closed ? "" : "alone", n.side === (n.tip ? "b" : "a") ? "before" : ""].filter(Boolean).join(" ");
      const across = n.tip ? x + n.from - px(n.x) : x - sign(n.side) * 6;
      set(layers.names.at(keyOf(n)), { x: r(across), y: r(n.tip ? y : y - laid.font * 0.75), class: looks, text: n.name, "font-size": laid.font });
    }
    layers.names.done();
  }

  // ---------------------------------------------------------------- the map beside what is zoomed
  let board = null;

  function map() {
    const shown = laid.content > room() + 1;
    if (!board) {
      board = document.createElement("div");
      board.className = "tree-map";
      board.setAttribute("aria-hidden", "true");
      board.append(document.createElement("canvas"), document.createElement("div"));
    }
    if (board.parentNode !== host()) host().appendChild(board);
    board.hidden = !shown;
    if (!shown) return;
    const [width, height, ratio] = [34, size.height - FOOT, window.devicePixelRatio || 1];
    const canvas = board.firstChild;
    if (canvas.width !== width * ratio || canvas.height !== height * ratio) { canvas.width = width * ratio; canvas.height = height * ratio; canvas.style.height = `${height}px`; }
    const ink = canvas.getContext("2d");
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, width, height);
    const at = (n) => (now.get(keyOf(n))[1] / (laid.content + TOP)) * height;
    ink.lineWidth = 0.7;
    for (const l of facts.links) { ink.strokeStyle = l.color; ink.globalAlpha = 0.55; ink.beginPath(); ink.moveTo(9, at(l.from)); ink.lineTo(25, at(l.to)); ink.stroke(); }
    ink.globalAlpha = 1;
    for (const n of facts.nodes) if (n.tip) { ink.fillStyle = n.color; ink.fillRect(n.side === "a" ? 2 : 26, at(n) - 0.6, 6, 1.2); }
    frame();
  }

  function frame() {
    const height = size.height - FOOT;
    const { style } = board.lastChild;
    style.top = `${(now.get("top")[0] / (laid.content + TOP)) * height}px`;
    style.height = `${Math.max(8, (room() / (laid.content + TOP)) * height)}px`;
  }

  // ---------------------------------------------------------------- zoom and pan
  const most = () => Math.max(4, (laid.leaves * 30) / room());

  /* Zooms to a share of the most, the row at `y` (pixels from the top) staying where it is. */
  T.zoomTrees = function (zoom, y = size.height / 2, x = 0) {
    if (!laid) return;
    const wanted = Math.max(1, Math.min(most(), zoom));
    if (wanted === 1) view.opened.clear();
    else if (wanted === view.zoom) return;
    const side = x > size.width / 2 ? "b" : "a";
    const near = laid.rows[side].map((id) => laid.trees[side].of.get(id)).reduce((best, n) => (!best || Math.abs(py(n.y) - view.top - y) < Math.abs(py(best.y) - view.top - y) ? n : best), null);
    const away = near ? py(near.y) - view.top : y;
    view.zoom = wanted;
    compute();
    if (near) view.top = py(laid.trees[side].of.get(near.id).y) - away;
    settle(true);
  };

  function settle(smooth) {
    lay(smooth);
    after();
  }

  T.zoomBy = (by) => T.zoomTrees(view.zoom * by);

  T.panTrees = function (by, smooth = false) {
    view.top += by;
    if (smooth) return settle(true);
    if (moving) move(false);
    view.top = Math.max(0, Math.min(laid.content - room(), view.top));
    now.set("top", [view.top, 0]);
    slide();
    return after();
  };

  /* Opens closed branches until a node is shown, and brings it in sight. */
  T.reveal = function (node) {
    if (!laid) return;
    const { of } = laid.trees[node.side];
    const n = of.get(node.id);
    if (!n) return;
    if (!n.shown) { for (let up = n.up; up !== null; up = of.get(up).up) view.opened.add(`${node.side}${up}`); compute(); }
    const y = py(n.y) - view.top;
    if (y < 24 || y > room() - 12) view.top = py(n.y) - room() / 2;
    settle(true);
  };

  /* Opens a closed branch: all of it, or its strongest parts where it has many leaves. */
  T.openBranch = function (node) {
    const { of, below } = laid.trees[node.side];
    const todo = [node.id];
    let rows = 1;
    while (todo.length && rows < FOLD) {
      todo.sort((one, other) => below.get(other).length - below.get(one).length);
      const id = todo.shift();
      if (!of.get(id).down.length) break;
      view.opened.add(`${node.side}${id}`);
      rows += of.get(id).down.length - 1;
      todo.push(...of.get(id).down.filter((child) => of.get(child).down.length));
    }
    const stood = py(of.get(node.id).y) - view.top;
    compute();
    view.top = py(of.get(node.id).y) - stood;
    settle(true);
  };

  T.untangle = function () { if (laid && laid.tangled) { view.order = null; settle(true); } };

  T.fitTrees = function () { if (!laid) return; view.zoom = 1; view.top = 0; view.opened.clear(); settle(true); };

  function bar() {
    const able = { "tree-in": view.zoom < most() - 1e-6, "tree-out": view.zoom > 1 || view.opened.size > 0, "tree-fit": view.zoom > 1 || view.opened.size > 0, "tree-order": laid.tangled > 0 };
    for (const [id, on] of Object.entries(able)) { const button = document.getElementById(id); if (button) button.disabled = !on; }
  }

  const after = () => { T.mark(); T.drawLevel(); };
  const inside = (event) => Boolean(event.target.closest && event.target.closest("#trees"));
  const local = (event) => { const box = host().getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };

  document.addEventListener("wheel", (event) => {
    if (!inside(event) || !laid) return;
    event.preventDefault();
    if (event.shiftKey) return T.panTrees(event.deltaY || event.deltaX);
    const [x, y] = local(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    return T.zoomTrees(view.zoom * Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), y, x);
  }, { passive: false });

  const fingers = new Map();
  let drag = null;

  document.addEventListener("pointerdown", (event) => {
    if (!inside(event) || event.button || !laid) return;
    fingers.set(event.pointerId, local(event));
    const onMap = event.target.closest(".tree-map");
    drag = { y: event.clientY, top: view.top, onMap, apart: apart(), zoom: view.zoom, moved: false };
    if (onMap) jump(event);
  });

  const apart = () => { const [one, other] = [...fingers.values()]; return other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0; };

  function jump(event) {
    const height = size.height - FOOT;
    T.panTrees((local(event)[1] / height) * (laid.content + TOP) - room() / 2 - view.top);
  }

  document.addEventListener("pointermove", (event) => {
    if (!drag || !fingers.has(event.pointerId) || T.state.dragging) return;
    fingers.set(event.pointerId, local(event));
    if (drag.onMap) return jump(event);
    if (drag.apart && fingers.size === 2) {
      const [one, other] = [...fingers.values()];
      return T.zoomTrees((drag.zoom * apart()) / drag.apart, (one[1] + other[1]) / 2, (one[0] + other[0]) / 2);
    }
    if (laid.content <= room() + 1 || (!drag.moved && Math.abs(event.clientY - drag.y) < 4)) return;
    drag.moved = true;
    host().classList.add("panning");
    T.panTrees(drag.top - (event.clientY - drag.y) - view.top);
  });

  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      if (fingers.size) return;
      drag = null;
      if (host()) host().classList.remove("panning");
    });
  }

  // ---------------------------------------------------------------- what the others ask for
  /* Where values of a plane are in pixels of its `host`, and back: of the trees (levels across, rows down) or of a graph of plotly's. */
  T.plane = function (id) {
    if (id !== "trees") {
      const gd = T.plot(id);
      if (!gd || !gd._fullLayout || !gd._fullLayout.xaxis) return null;
      const { xaxis, yaxis } = gd._fullLayout;
      return { host: gd, x: (v) => xaxis._offset + xaxis.l2p(v), y: (v) => yaxis._offset + yaxis.l2p(v), valueX: (p) => xaxis.p2l(p - xaxis._offset), valueY: (p) => yaxis.p2l(p - yaxis._offset) };
    }
    if (!laid || !host()) return null;
    return { host: host(), x: px, y: (row) => py(row) - view.top, valueX, valueY: (p) => (p + view.top - TOP) / laid.pitch - 0.5 };
  };

  T.trees = () => (laid ? facts : null);
  T.treeRows = () => laid;

  /* The facts with what an edit changed: values of nodes by their place, links that stay as their place among the old ones. */
  function changed({ change, links, ...rest }) {
    const nodes = [...sent.nodes];
    for (const [at, values] of Object.entries(change)) nodes[at] = { ...nodes[at], ...values };
    return { ...sent, ...rest, nodes, links: links.map((link) => (typeof link === "number" ? sent.links[link] : link)) };
  }

  /* New facts from the server: a new pair of models starts afresh, all else stays as a person has it. */
  T.showTrees = function (given) {
    sent = given.change ? changed(given) : given;
    // What is laid out writes into copies: the next changes are of what was sent.
    const copy = (thing) => ({ ...thing });
    facts = { ...sent, nodes: sent.nodes.map((n) => ({ ...n, slot: n.y })), links: sent.links.map(copy), holes: sent.holes.map(copy) };
    const pair = facts.models.join(" ");
    if (models !== pair) { Object.assign(view, { zoom: 1, top: 0, order: null }); view.opened.clear(); now = new Map(); }
    models = pair;
    lay(true);
    T.findAgain();
  };

  /* The node in hand is another: what a screen reader is told follows. */
  T.treesHeld = () => { if (laid && svg && told !== JSON.stringify(T.chosen())) items(); };
})();
