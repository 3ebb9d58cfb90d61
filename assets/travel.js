/* Points that travel along the flow, from the data to the latents and back, over a side's input view: positions come from the server
   once, the turning, the projection and the drawing are the browser's. `T.travel.open(side)`, `.to(t)`, `.play()`, `.close()`. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const SIDES = ["a", "b"], STATE = 560, FACING = 0.62, PASSING = 0.25, ROOM = 110;
  const LOW = [0, 114, 178], MIDDLE = [150, 155, 163], HIGH = [213, 94, 0];
  const trips = {};
  const panel = (side) => document.querySelector(`.panel-surface-${side}`);
  const home = (side) => panel(side) && panel(side).querySelector(":scope > .travel");
  const clamp = (value) => Math.max(0, Math.min(1, value));
  const smooth = (value) => { const x = clamp(value); return x * x * (3 - 2 * x); };

  function made(tag, className, attributes, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // ---------------------------------------------------------------- the controls
  const LABEL = { a: "A", b: "B" };

  function door(side) {
    const button = made("button", "chip travel-door", { type: "button", title: "Watch the points travel along the flow, from the data to the latents" });
    button.append(made("span", "", { "aria-hidden": "true" }, "▶"), " data → latent", made("span", "unseen", {}, ` of ${LABEL[side]}`));
    button.addEventListener("click", () => T.travel.open(side).then(() => { if (trips[side]) trips[side].parts.play.focus(); }));
    return button;
  }

  function bar(side) {
    const box = made("div", "travel-bar", { role: "group", "aria-label": `Points of ${LABEL[side]} from data to latent` });
    const play = made("button", "icon travel-play", { type: "button" });
    const range = made("input", "travel-range", { type: "range", min: 0, max: 1, step: 0.005, "aria-label": `Way from data to latent of ${LABEL[side]}` });
    const way = made("button", "chip", { type: "button", title: "Along the flow, or straight from data to latent" });
    const tint = made("button", "chip", { type: "button" });
    tint.append(made("span"));
    const end = made("button", "icon travel-end", { type: "button", "aria-label": `Stop watching ${LABEL[side]}`, title: "Back to the level set (Escape)" }, "×");
    const place = made("span", "travel-place");
    const gap = made("p", "travel-gap", { "aria-live": "off" });
    const first = made("div", "travel-row"), second = made("div", "travel-row");
    first.append(play, made("span", "travel-word", {}, "data"), range, made("span", "travel-word", {}, "latent"), end);
    second.append(place, way, tint);
    box.append(gap, second, first);
    play.addEventListener("click", () => { if (trips[side].playing) T.travel.pause(side); else T.travel.play(side); });
    range.addEventListener("input", () => { T.travel.pause(side); move(trips[side], Number(range.value)); });
    way.addEventListener("click", () => { trips[side].straight = !trips[side].straight; label(trips[side]); });
    tint.addEventListener("click", () => { trips[side].fourth = !trips[side].fourth; label(trips[side]); });
    end.addEventListener("click", () => T.travel.close(side));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { T.travel.close(side); event.stopPropagation(); }
      else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && event.target !== range) {
        T.travel.pause(side);
        move(trips[side], stepped(trips[side], event.key === "ArrowRight" ? 1 : -1));
        event.preventDefault();
        event.stopPropagation();
      }
    });
    return { box, play, range, way, tint, place, gap };
  }

  function label(trip) {
    const { parts, journey: j, t, playing, straight, fourth } = trip;
    const calm = T.calm(), back = t >= 1;
    const says = playing ? "Pause" : calm ? (back ? "Back to the data" : "Next step") : back ? "Back to the data" : "Play";
    parts.play.textContent = playing ? "❚❚" : back ? "◀" : "▶";
    parts.play.setAttribute("aria-label", says);
    parts.play.title = says;
    parts.range.value = t;
    parts.range.step = calm ? 1 / (j.states - 1) : 0.005;
    parts.way.textContent = straight ? "straight" : "flow";
    parts.way.setAttribute("aria-label", `Way: ${straight ? "straight" : "flow"}`);
    parts.tint.firstChild.textContent = fourth ? `${j.dims > 4 ? "unseen" : "4th"} dimension` : "leaf";
    parts.tint.setAttribute("aria-label", `Color: ${parts.tint.textContent}`);
    parts.tint.classList.toggle("fourth", fourth);
    parts.tint.title = "Color by leaf, or by the dimension beyond the three drawn in which the points move most";
    parts.tint.hidden = j.dims <= 3;
    const where = stage(trip);
    parts.place.textContent = where;
    parts.range.setAttribute("aria-valuetext", where);
    tell(trip);
  }

  function stage({ journey: j, t, straight }) {
    if (t === 0) return `data${j.dims > 3 ? `, 3 of ${j.dims} dimensions` : ""}`;
    if (t === 1) return "latent plane, seen from the front";
    if (straight) return `${Math.round(100 * t)} % of a straight way`;
    const at = t * (j.states - 1), blocks = j.states - 2 - j.turns;
    if (at < j.turns) return "turning to the latent plane";
    if (at > j.states - 2) return "stretched to unit variance";
    const block = Math.min(blocks, Math.floor(at - j.turns) + 1);
    return j.flow === "coupling" ? `block ${block} of ${blocks}` : `flow, time ${((at - j.turns) / blocks).toFixed(2)}`;
  }

  // Two numbers say what a picture cannot: strands that cross on the screen pass by each other elsewhere.
  function tell({ parts, journey: j, t, straight }) {
    const at = (t * (j.states - 1) - j.turns) / (j.states - 2 - j.turns);
    const gap = j.gaps && !straight && at >= 0 && at <= 1 ? j.gaps[Math.round(at * (j.gaps.length - 1))] : null;
    parts.gap.hidden = !gap;
    if (!gap) return;
    const passing = gap[0] < PASSING * gap[1];
    parts.gap.classList.toggle("passing", passing);
    parts.gap.replaceChildren("nearest strands ", made("b", "", {}, gap[0].toFixed(2)), " apart as drawn, ", made("b", "", {}, gap[1].toFixed(2)), ` in all ${j.dims} dimensions`);
  }

  // ---------------------------------------------------------------- along the way
  function stepped(trip, by) {
    const last = trip.journey.states - 1;
    return clamp(Math.round(trip.t * last + 0.499 * Math.sign(by) + (by > 0 ? 0.001 : -0.001)) / last);
  }

  function move(trip, t) {
    trip.t = clamp(t);
    label(trip);
  }

  function tick(now) {
    let open = false;
    for (const side of SIDES) {
      const trip = trips[side];
      if (!trip) continue;
      open = true;
      if (trip.playing) {
        const span = Math.min(100, now - (trip.before || now)) / (STATE * (trip.journey.states - 1));
        move(trip, trip.t + trip.playing * span);
        if (trip.t === (trip.playing > 0 ? 1 : 0)) { trip.playing = 0; label(trip); }
      }
      trip.before = now;
      draw(trip);
    }
    T.travel.running = open;
    if (open) requestAnimationFrame(tick);
  }

  /* Where all points are (n, 4) at t. */
  function places({ journey: j, t, straight }) {
    const all = T.unpacked(j.places), size = all.length / j.states;
    const at = straight ? t : t * (j.states - 1);
    const from = straight ? 0 : Math.min(j.states - 2, Math.floor(at));
    const to = straight ? j.states - 1 : from + 1;
    const share = at - (straight ? 0 : from), out = new Float32Array(size);
    for (let i = 0; i < size; i += 1) out[i] = all[from * size + i] + share * (all[to * size + i] - all[from * size + i]);
    return out;
  }

  // ---------------------------------------------------------------- the person's view turns to face the latent plane
  const dot = (u, v) => u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
  const product = (m, n) => m.map((row) => [0, 1, 2].map((c) => row[0] * n[0][c] + row[1] * n[1][c] + row[2] * n[2][c]));
  const transposed = (m) => [0, 1, 2].map((r) => m.map((row) => row[r]));

  /* A share of a rotation. */
  function part(q, share) {
    const angle = Math.acos(Math.max(-1, Math.min(1, (q[0][0] + q[1][1] + q[2][2] - 1) / 2)));
    if (angle < 1e-6) return q;
    let axis = [q[2][1] - q[1][2], q[0][2] - q[2][0], q[1][0] - q[0][1]];
    if (Math.hypot(...axis) < 1e-4) {
      const r = [0, 1, 2].reduce((best, i) => (q[i][i] > q[best][best] ? i : best), 0);
      axis = q.map((row, i) => row[r] + (i === r ? 1 : 0));
    }
    const [x, y, z] = axis.map((v) => v / Math.hypot(...axis));
    const s = Math.sin(share * angle), c = 1 - Math.cos(share * angle);
    return [[1 - c * (y * y + z * z), c * x * y - s * z, c * x * z + s * y], [c * x * y + s * z, 1 - c * (x * x + z * z), c * y * z - s * x], [c * x * z - s * y, c * y * z + s * x, 1 - c * (x * x + y * y)]];
  }

  function turning(space, j, share) {
    const unit = (v) => v.map((x) => x / (Math.hypot(...v) || 1));
    const view = [unit(space.across), unit(space.up), unit(space.toward)];
    const q = part(product(j.facing, transposed(view)), share);
    return product(transposed(view), product(q, view));
  }

  // By how much the latent plane is to grow so that it fills the panel above the controls.
  function filling({ project, across, width, height }, j) {
    const all = T.unpacked(j.places), size = all.length / j.states, c = j.center;
    let far = 1e-9;
    for (let i = all.length - size; i < all.length; i += 4) {
      const d = [all[i] - c[0], all[i + 1] - c[1], all[i + 2] - c[2]];
      far = Math.max(far, Math.abs(dot(j.facing[0], d)) / width, Math.abs(dot(j.facing[1], d)) / (height - ROOM));
    }
    const [from, to] = [project(...c), project(...c.map((v, i) => v + across[i]))];
    return Math.max(0.4, Math.min(3, 0.42 / (Math.hypot(to[0] - from[0], to[1] - from[1]) * far)));
  }

  // ---------------------------------------------------------------- drawing
  // By the dimension that is not drawn; where the person faces the latent plane the color is the leaf's.
  function tinted(value, leaf, share) {
    const end = value < 0 ? LOW : HIGH, far = Math.min(1, Math.abs(value));
    const own = [1, 3, 5].map((at) => parseInt(leaf.slice(at, at + 2), 16));
    const unseen = MIDDLE.map((from, i) => from + far * (end[i] - from));
    return `rgb(${unseen.map((from, i) => Math.round((from + share * (own[i] - from)) / 6) * 6).join()})`;
  }

  // The hardest reach of the unseen dimension, so that a color means the same at every moment.
  function reach(j) {
    if (!j.reach) {
      const all = T.unpacked(j.places);
      const size = [];
      for (let i = 3; i < all.length; i += 4) size.push(Math.abs(all[i]));
      j.reach = size.sort((u, v) => u - v)[Math.floor(0.97 * size.length)] || 1;
    }
    return j.reach;
  }

  // Leaves that are lit by pointer or brush, null for all.
  function wanted(side) {
    const { node, link } = T.state.hover || {};
    const own = node && node.side === side ? node.id : node && T.partner(node) && T.partner(node).id;
    const id = link ? link[side] : own;
    if (id === null || id === undefined) return null;
    const found = new Set(), todo = [id];
    while (todo.length) {
      const n = T.info({ side, id: todo.pop() });
      if (n && n.leaf) found.add(n.id);
      if (n) todo.push(...n.down);
    }
    return found;
  }

  function draw(trip) {
    const { side, journey: j, t } = trip;
    const space = T.space(side);
    if (!space) return;
    const lit = wanted(side), brushed = T.brush && T.brush.rows(side);
    const key = [t, trip.straight, trip.fourth, space.key, lit && [...lit].join(), T.state.brushes, document.documentElement.dataset.theme, T.state.stored && T.state.stored.query].join("|");
    if (key === trip.drawn) return;
    trip.drawn = key;
    space.gd.style.setProperty("--ghost", t === 0 ? 0.35 : (0.22 * (1 - smooth(t / 0.5))).toFixed(3));
    const pen = T.board(space.gd, "travelers");
    const now = places(trip), n = now.length / 4;
    const center = j.center, share = smooth((t - FACING) / (1 - FACING));
    const zoom = filling(space, j) ** share;
    const turn = turning(space, j, share).map((row) => row.map((v) => v * zoom));
    const shown = new Array(n), colors = new Map();
    for (let i = 0; i < n; i += 1) {
      const d = [now[4 * i] - center[0], now[4 * i + 1] - center[1], now[4 * i + 2] - center[2]];
      const [x, y, w] = space.project(center[0] + dot(turn[0], d), center[1] + dot(turn[1], d), center[2] + dot(turn[2], d));
      const on = brushed ? brushed.has(i) : !lit || lit.has(j.owners[i]);
      const own = colors.get(j.owners[i]) || colors.set(j.owners[i], T.color(side, j.owners[i])).get(j.owners[i]);
      shown[i] = { x, y, w, on, color: trip.fourth ? tinted(now[4 * i + 3] / reach(j), own, share) : own };
    }
    const ws = shown.map((p) => p.w), near = Math.min(...ws), far = Math.max(...ws);
    threads(pen, shown, T.unpacked(j.edges));
    for (const p of [...shown].sort((u, v) => v.w - u.w)) {
      const depth = far > near ? (far - p.w) / (far - near) : 0.5;
      pen.globalAlpha = p.on ? 0.55 + 0.45 * depth : 0.12;
      pen.fillStyle = p.color;
      pen.beginPath();
      pen.arc(p.x, p.y, 1.7 + 1.5 * depth, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  // Neighbors among the data stay joined: where the flow tears them apart one sees it.
  function threads(pen, shown, edges) {
    const byColor = new Map();
    for (let e = 0; e < edges.length; e += 2) {
      const [p, q] = [shown[edges[e]], shown[edges[e + 1]]];
      if (!p.on || !q.on) continue;
      const path = byColor.get(p.color) || byColor.set(p.color, new Path2D()).get(p.color);
      path.moveTo(p.x, p.y);
      path.lineTo(q.x, q.y);
    }
    pen.globalAlpha = 0.3;
    pen.lineWidth = 1;
    for (const [color, path] of byColor) { pen.strokeStyle = color; pen.stroke(path); }
  }

  // ---------------------------------------------------------------- what others call
  T.travel = {
    running: false,
    isOpen: (side) => Boolean(trips[side]),
    at: (side) => (trips[side] ? trips[side].t : null),

    /* Shows a side's points at the data, and lets them go unless `play` is false or motion is unwelcome; resolves when they are there. */
    open: (side, { play = true } = {}) => new Promise((done) => {
      if (trips[side]) { done(true); return; }
      T.withPoints("journey", side, (journey) => {
        if (!journey || !home(side)) { done(false); return; }
        const parts = bar(side);
        const model = T.session()[`model_${side}`];
        trips[side] = { side, journey, parts, model, t: 0, playing: 0, straight: false, fourth: journey.pads > 0 };
        home(side).replaceChildren(parts.box);
        T.plot(`surface-${side}`).classList.add("traveling");
        label(trips[side]);
        if (play && !T.calm()) trips[side].playing = 1;
        if (!T.travel.running) requestAnimationFrame(tick);
        done(true);
      });
    }),

    /* Puts the points of one side, or of all that are open, at t from 0 (data) to 1 (latent). */
    to: (t, side) => { for (const one of SIDES) if (trips[one] && (!side || side === one)) { T.travel.pause(one); move(trips[one], t); } },

    play: (side) => {
      for (const one of SIDES) {
        const trip = trips[one];
        if (!trip || (side && side !== one)) continue;
        if (T.calm()) move(trip, trip.t >= 1 ? 0 : stepped(trip, 1));
        else { trip.playing = trip.t >= 1 ? -1 : 1; trip.before = null; label(trip); }
      }
    },

    pause: (side) => { const trip = trips[side]; if (trip && trip.playing) { trip.playing = 0; label(trip); } },

    close: (side) => {
      for (const one of SIDES) {
        if (!trips[one] || (side && side !== one)) continue;
        const gd = T.plot(`surface-${one}`), focused = home(one).contains(document.activeElement);
        delete trips[one];
        if (gd) { gd.classList.remove("traveling"); T.board(gd, "travelers"); }
        home(one).replaceChildren(door(one));
        if (focused) home(one).firstChild.focus();
      }
    },

    /* Where another model has taken its place, a trip is over. */
    check: () => { for (const side of SIDES) if (trips[side] && trips[side].model !== T.session()[`model_${side}`]) T.travel.close(side); },
  };

  new MutationObserver(() => {
    for (const side of SIDES) {
      if (!panel(side) || home(side)) continue;
      const box = made("div", "travel");
      box.append(door(side));
      panel(side).append(box);
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
