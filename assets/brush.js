/* Brushing: a lasso or a box around points of a latent space or of an input view lights them in every view of that side, their share of
   each node in the trees, and their images on the other side. `T.brush.set(side, rows)`, `.node(node)`, `.clear()`, `.arm(on)`. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const SIDES = ["a", "b"], LEAST = 4, NAMED = 4, TOLD = 24;
  const other = (side) => (side === "a" ? "b" : "a");
  let stroke = null, brush = null, armed = false, running = false;
  const drawn = {};

  // ---------------------------------------------------------------- where points are
  const cloudOf = (side) => T.points("cloud", side);

  function plane(side) {
    const found = T.latents().find((one) => one.side === side);
    if (!found || !found.meta.points.length) return null;
    const { xaxis, yaxis } = found.view._fullLayout;
    return { ...found, place: (x, y) => [xaxis._offset + xaxis.l2p(x), yaxis._offset + yaxis.l2p(y)] };
  }

  /* The side's points on a panel, in its pixels. */
  function onPanel({ side, kind }) {
    if (kind === "latent") {
      const found = plane(side);
      return found ? found.meta.points[0].map((x, i) => found.place(x, found.meta.points[1][i])) : [];
    }
    const space = T.space(side), cloud = cloudOf(side);
    return space && cloud ? projected(space, T.unpacked(cloud.space)) : [];
  }

  function projected(space, places) {
    const out = [];
    for (let i = 0; i < places.length; i += 3) out.push(space.project(places[i], places[i + 1], places[i + 2]));
    return out;
  }

  function panelOf(target) {
    const gd = target.closest && target.closest(".js-plotly-plot");
    const meta = T.meta(gd);
    if (!meta || !meta.side || (meta.kind !== "latent" && meta.kind !== "surface")) return null;
    if (meta.kind === "surface" && T.travel && T.travel.isOpen(meta.side)) return null;
    return { gd, side: meta.side, kind: meta.kind };
  }

  // ---------------------------------------------------------------- the stroke
  function start(event) {
    if (event.button || !(armed || event.shiftKey) || !event.target.closest) return;
    const panel = panelOf(event.target);
    if (!panel) return;
    const box = panel.gd.getBoundingClientRect();
    stroke = { ...panel, box, boxed: event.shiftKey, path: [[event.clientX - box.left, event.clientY - box.top]], kept: event.ctrlKey || event.metaKey ? brush : null };
    T.state.brushing = true;
    T.withPoints("cloud", panel.side, () => { if (stroke) stroke.points = null; });
    event.stopPropagation();
  }

  function go(event) {
    if (!stroke) return;
    event.stopPropagation();
    event.preventDefault();
    if (event.type !== "pointermove") return;
    const at = [event.clientX - stroke.box.left, event.clientY - stroke.box.top];
    const from = stroke.path[0];
    if (stroke.boxed) stroke.path = [from, [at[0], from[1]], at, [from[0], at[1]]];
    else stroke.path.push(at);
    if (span() < LEAST) return;
    if (!stroke.points || !stroke.points.length) stroke.points = onPanel(stroke);
    const rows = new Set(stroke.kept && stroke.kept.side === stroke.side ? stroke.kept.rows : []);
    stroke.points.forEach(([x, y], i) => { if (encloses(stroke.path, x, y)) rows.add(i); });
    brush = { side: stroke.side, rows };
    changed();
    outline();
  }

  function end(event) {
    if (!stroke) return;
    const { gd } = stroke, moved = span() >= LEAST;
    stroke = null;
    T.state.brushing = false;
    T.board(gd, "lasso");
    if (!moved) return;
    event.stopPropagation();
    // A loop ends where it began: no click is meant.
    T.state.stroked = true;
    setTimeout(() => { T.state.stroked = false; }, 0);
    if (brush && !brush.rows.size) T.brush.clear();
    else T.brush.set(brush.side, brush.rows);
  }

  const span = () => Math.max(...[0, 1].map((k) => { const values = stroke.path.map((p) => p[k]); return Math.max(...values) - Math.min(...values); }));

  function encloses(path, x, y) {
    let inside = false;
    for (let i = 0, j = path.length - 1; i < path.length; j = i, i += 1) {
      const [[x0, y0], [x1, y1]] = [path[j], path[i]];
      if ((y0 > y) !== (y1 > y) && x < x0 + ((x1 - x0) * (y - y0)) / (y1 - y0)) inside = !inside;
    }
    return inside;
  }

  function outline() {
    const pen = T.board(stroke.gd, "lasso");
    const path = new Path2D();
    stroke.path.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
    pen.strokeStyle = pen.fillStyle = T.ink("--accent");
    pen.globalAlpha = 0.1;
    pen.fill(path);
    pen.globalAlpha = 1;
    pen.lineWidth = 1.5;
    pen.setLineDash([5, 3]);
    pen.stroke(path);
  }

  // ---------------------------------------------------------------- what is brushed, in numbers
  function count(ids) {
    const counted = new Map();
    for (const id of ids) counted.set(id, (counted.get(id) || 0) + 1);
    return counted;
  }

  /* Of the brushed side: brushed and all points by leaf; of the other: images by leaf, null where there are none. */
  function numbers() {
    const cloud = brush && cloudOf(brush.side);
    if (!cloud) return null;
    const rows = [...brush.rows];
    return {
      own: count(rows.map((i) => cloud.owners[i])), all: count(cloud.owners), total: cloud.owners.length,
      images: cloud.image && count(rows.map((i) => cloud.image.owners[i])),
    };
  }

  const named = (side, id) => { const n = T.info({ side, id }); return n ? n.label : "a hidden leaf"; };

  function listed(side, counted) {
    const sorted = [...counted].sort((p, q) => q[1] - p[1]);
    const parts = sorted.slice(0, NAMED).map(([id, k]) => `${k} in ${named(side, id)}`);
    return parts.join(", ") + (sorted.length > NAMED ? `, ${sorted.slice(NAMED).reduce((sum, [, k]) => sum + k, 0)} elsewhere` : "");
  }

  function sentence(found) {
    const { side, rows } = brush;
    if (!found) return `${rows.size} points of ${side.toUpperCase()}`;
    const own = `${rows.size} of ${found.total} points of ${side.toUpperCase()}: ${listed(side, found.own)}`;
    return found.images && rows.size ? `${own}. Carried to ${other(side).toUpperCase()}: ${listed(other(side), found.images)}` : own;
  }

  function tell() {
    const line = document.getElementById("brushed");
    if (!line) return;
    const text = brush ? sentence(numbers()) : "";
    // Read out when a stroke is done, not at each of its steps.
    line.setAttribute("aria-busy", String(Boolean(stroke)));
    const [words, button] = line.children;
    if (words.textContent !== text) words.textContent = text;
    button.hidden = !brush;
    line.classList.toggle("shown", Boolean(brush));
  }

  // ---------------------------------------------------------------- drawing
  function dots(pen, points, wanted, color, radius, alpha, ring) {
    pen.globalAlpha = alpha;
    for (const i of wanted) {
      const p = points[i];
      if (!p) continue;
      pen.fillStyle = color(i);
      pen.beginPath();
      pen.arc(p[0], p[1], radius, 0, 2 * Math.PI);
      pen.fill();
      if (ring) pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  function drawPlane(side) {
    const found = T.latents().find((one) => one.side === side);
    if (!found) return;
    found.view.classList.toggle("brushing", Boolean(brush));
    const pen = T.board(found.view, "brushed");
    const shown = brush && plane(side);
    if (!shown) return;
    pen.strokeStyle = T.ink("--paper");
    pen.lineWidth = 0.8;
    const cloud = cloudOf(brush.side);
    const color = (i) => (cloud ? T.color(brush.side, cloud.owners[i]) : T.ink("--accent"));
    if (brush.side === side) return dots(pen, onPanel({ side, kind: "latent" }), brush.rows, color, 3.2, 1, true);
    const image = cloud && cloud.image && T.unpacked(cloud.image.latent);
    if (!image) return;
    const points = {};
    for (const i of brush.rows) points[i] = shown.place(image[2 * i], image[2 * i + 1]);
    dots(pen, points, brush.rows, color, 3.2, 1, true);
  }

  function drawSpace(side) {
    const space = (brush || armed) && T.space(side);
    const gd = T.plot(`surface-${side}`);
    const hidden = T.travel && T.travel.isOpen(side);
    const key = space && !hidden ? `${space.key} ${T.state.brushes} ${armed} ${Boolean(cloudOf(side))} ${document.documentElement.dataset.theme}` : "";
    if (!gd || key === drawn[side]) return;
    drawn[side] = key;
    gd.classList.toggle("brushing", Boolean(brush));
    const pen = T.board(gd, "brushed");
    if (!space || hidden) return;
    pen.strokeStyle = T.ink("--paper");
    pen.lineWidth = 0.8;
    const cloud = cloudOf(side);
    const faint = armed || (brush && brush.side === side);
    if (cloud && faint) dots(pen, projected(space, T.unpacked(cloud.space)), cloud.owners.keys(), (i) => T.color(side, cloud.owners[i]), 1.5, brush ? 0.35 : 0.75);
    const source = brush && cloudOf(brush.side);
    if (!source) return;
    const places = brush.side === side ? source.space : source.image && source.image.space;
    if (places) dots(pen, projected(space, T.unpacked(places)), brush.rows, (i) => T.color(brush.side, source.owners[i]), 3, 1, true);
  }

  // In the trees: outside each node half a ring, filled by the share of its points, and their number.
  function drawTrees() {
    const frame = document.querySelector("#trees");
    const home = frame && frame.closest(".graph-frame, .panel");
    if (!home) return;
    const found = brush && numbers();
    const marks = [];
    if (found) {
      const add = (side, counted, all) => {
        const held = new Map();
        for (const [id, k] of counted) {
          let n = T.info({ side, id });
          while (n && n.shown === false) n = T.info({ side, id: n.holder === undefined || n.holder === null ? n.up : n.holder });
          const at = n && T.nodeAt(n);
          if (!at) continue;
          const mark = held.get(n.id) || held.set(n.id, { side, at, color: n.color, k: 0, of: 0 }).get(n.id);
          mark.k += k;
          mark.of += all(id);
        }
        marks.push(...held.values());
      };
      add(brush.side, found.own, (id) => found.all.get(id) || 1);
      if (found.images) add(other(brush.side), found.images, () => brush.rows.size);
    }
    const box = home.getBoundingClientRect();
    const key = JSON.stringify([marks, Math.round(box.left), Math.round(box.top)]);
    if (key === drawn.trees) return;
    drawn.trees = key;
    let svg = home.querySelector(":scope > svg.brush-marks");
    if (!svg) {
      svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("class", "brush-marks");
      svg.setAttribute("aria-hidden", "true");
      home.append(svg);
    }
    svg.replaceChildren();
    for (const mark of marks) {
      const [x, y] = [mark.at.x - box.left, mark.at.y - box.top];
      const r = mark.at.r + 6, share = (Math.PI * mark.k) / mark.of, outward = mark.side === "a" ? -1 : 1;
      const arc = (angle) => `M${x} ${y + r}A${r} ${r} 0 0 ${outward < 0 ? 1 : 0} ${x + outward * r * Math.sin(angle)} ${y + r * Math.cos(angle)}`;
      window.topovizPlane.add(svg, "path", { d: arc(Math.PI), class: "brush-all" });
      window.topovizPlane.add(svg, "path", { d: arc(share), class: "brush-share", stroke: mark.color });
      if (marks.length <= TOLD) window.topovizPlane.add(svg, "text", { x: x + outward * (r + 1), y: y - r + 1, class: mark.side === "a" ? "brush-count before" : "brush-count" }, String(mark.k));
    }
  }

  /* Where a node of the trees is on the screen: middle and radius in pixels of the window, null where it is not. */
  T.nodeAt = function (node) {
    const drawn = T.plane("trees");
    if (!drawn) return null;
    const box = drawn.host.getBoundingClientRect();
    return { x: box.left + drawn.x(node.x), y: box.top + drawn.y(node.y), r: node.size / 2 };
  };

  // Input views and trees move without telling: while something is shown there they are looked at once a frame.
  function watch() {
    for (const side of SIDES) drawSpace(side);
    drawTrees();
    running = Boolean(brush || armed);
    if (running) requestAnimationFrame(watch);
  }

  function changed() {
    T.state.brushes = (T.state.brushes || 0) + 1;
    document.documentElement.classList.toggle("brushing-now", Boolean(brush));
    T.brush.draw();
    if (!running) { running = true; requestAnimationFrame(watch); }
  }

  // ---------------------------------------------------------------- what others call
  T.brush = {
    /* The rows that are brushed on a side, null where none are. */
    rows: (side) => (brush && brush.side === side ? brush.rows : null),
    now: () => brush && { side: brush.side, rows: [...brush.rows] },
    armed: () => armed,

    set: function (side, rows) {
      brush = { side, rows: new Set(rows), model: T.session()[`model_${side}`] };
      changed();
      T.withPoints("cloud", side, changed);
    },

    /* The points of a node and all above it. */
    node: function ({ side, id }) {
      T.withPoints("cloud", side, (cloud) => {
        if (!cloud) return;
        const leaves = new Set(), todo = [id];
        while (todo.length) {
          const n = T.info({ side, id: todo.pop() });
          if (n && n.leaf) leaves.add(n.id);
          if (n) todo.push(...n.down);
        }
        T.brush.set(side, cloud.owners.flatMap((owner, i) => (leaves.has(owner) ? [i] : [])));
      });
    },

    clear: function () {
      if (!brush) return;
      brush = null;
      changed();
    },

    /* Whether a drag in a view draws a lasso. */
    arm: function (on) {
      armed = on;
      document.documentElement.classList.toggle("lassoing", on);
      for (const tool of document.querySelectorAll("[data-tool=lasso]")) tool.setAttribute("aria-pressed", String(on));
      if (on) for (const side of SIDES) T.withPoints("cloud", side, changed);
      changed();
    },

    draw: function () {
      for (const side of SIDES) drawPlane(side);
      tell();
    },

    /* After an edit the points' images are others; of another model's points nothing is brushed. */
    check: function () {
      if (!brush) return;
      if (brush.model && brush.model !== T.session()[`model_${brush.side}`]) T.brush.clear();
      else T.withPoints("cloud", brush.side, changed);
    },
  };

  document.addEventListener("pointerdown", start, true);
  for (const kind of ["pointermove", "mousedown", "mousemove"]) document.addEventListener(kind, go, true);
  for (const kind of ["pointerup", "pointercancel"]) document.addEventListener(kind, end, true);

  document.addEventListener("click", (event) => {
    if (T.state.stroked) { event.stopImmediatePropagation(); event.preventDefault(); T.state.stroked = false; return; }
    if (!event.target.closest) return;
    if (event.target.closest("[data-tool=lasso]")) T.brush.arm(!armed);
    if (event.target.closest("#brushed button")) T.brush.clear();
  }, true);
})();
