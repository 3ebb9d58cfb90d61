/* The browser's side of the linked views: one hovered node lit everywhere, clicks and keys turned into events.
   Trees and latents carry what is needed in `layout.meta`; marks are drawn on an SVG of our own over each graph, so that
   plotly's state is never touched. */
(function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const state = { hover: null, link: null, stored: null, busy: false, queue: [], serial: 0, lit: "" };

  const plot = (id) => document.querySelector(`#${id} .js-plotly-plot`) || document.querySelector(`#${id}.js-plotly-plot`);
  const meta = (gd) => (gd && gd.layout && gd.layout.meta) || null;
  const session = () => state.stored && state.stored.history.now;
  const trees = () => meta(plot("trees"));

  // ---------------------------------------------------------------- events to the server, one at a time
  const STREAMS = new Set(["set-level", "set-simplify", "set-morph"]);

  function emit(event) {
    const last = state.queue[state.queue.length - 1];
    if (last && STREAMS.has(event.type) && last.type === event.type) state.queue.pop();
    state.queue.push(event);
    pump();
  }

  function pump() {
    if (state.busy || !state.queue.length || !window.dash_clientside.set_props) return;
    state.busy = true;
    state.serial += 1;
    window.dash_clientside.set_props("event", { data: { ...state.queue.shift(), serial: state.serial } });
    clearTimeout(state.guard);
    state.guard = setTimeout(done, 8000);
  }

  function done() {
    state.busy = false;
    pump();
  }

  // ---------------------------------------------------------------- nodes and their partners
  function partner(node) {
    const all = trees();
    if (!all || !node) return null;
    const link = all.links.find((l) => l[node.side] === node.id);
    const other = node.side === "a" ? "b" : "a";
    return link ? { side: other, id: link[other] } : null;
  }

  const same = (x, y) => Boolean(x && y && x.side === y.side && x.id === y.id);
  const chosen = () => {
    const s = session() && session().selection;
    return s ? { side: s.side, id: s.node } : null;
  };

  function info(node) {
    const all = trees();
    return all && node && all.nodes.find((n) => n.side === node.side && n.id === node.id);
  }

  // ---------------------------------------------------------------- marks over the graphs
  function canvas(gd) {
    let svg = gd.querySelector(":scope > svg.marks");
    if (!svg) {
      svg = document.createElementNS(SVG, "svg");
      svg.setAttribute("class", "marks");
      svg.setAttribute("aria-hidden", "true");
      gd.appendChild(svg);
    }
    svg.replaceChildren();
    return svg;
  }

  const shape = (svg, name, attributes) => window.topovizPlane.add(svg, name, attributes);
  const path = (gd, xs, ys) => window.topovizPlane.path(gd, xs, ys);

  // The latents that are planes, with what they carry.
  function latents() {
    return ["a", "b"].map((side) => ({ side, view: plot(`latent-${side}`) }))
      .map(({ side, view }) => ({ side, view, meta: meta(view) }))
      .filter(({ view, meta: m }) => view && view._fullLayout && m && m.kind === "latent");
  }

  function lit() {
    const nodes = [];
    for (const [node, strong] of [[state.hover, true], [chosen(), false]]) {
      if (!node) continue;
      nodes.push({ ...node, strong });
      const other = partner(node);
      if (other) nodes.push({ ...other, strong });
    }
    return nodes;
  }

  function mark() {
    const nodes = lit();
    const gd = plot("trees");
    if (gd && gd._fullLayout && meta(gd)) {
      const svg = canvas(gd);
      const link = state.link;
      for (const l of meta(gd).links) {
        const on = nodes.some((n) => n.id === l[n.side]);
        const held = link && link.a === l.a && link.b === l.b;
        if (on || held) shape(svg, "path", { d: path(gd, l.x, l.y), fill: "none", stroke: l.color, "stroke-width": held ? 6 : 4.5, "stroke-linecap": "round" });
      }
      for (const node of nodes) {
        const n = info(node);
        if (!n) continue;
        const { xaxis, yaxis } = gd._fullLayout;
        shape(svg, "circle", {
          cx: xaxis._offset + xaxis.l2p(n.x), cy: yaxis._offset + yaxis.l2p(n.y),
          r: (n.leaf ? 9 + 22 * Math.sqrt(n.mass) : 7) / 2 + 4, fill: "none", class: node.strong ? "ring strong" : "ring",
        });
      }
    }
    for (const { side, view, meta: m } of latents()) {
      const svg = canvas(view);
      for (const node of nodes) {
        const outline = node.side === side && m.outlines[node.id];
        const n = info(node);
        if (!outline || !n) continue;
        shape(svg, "path", { d: path(view, outline.x, outline.y), fill: n.color, "fill-opacity": 0.22, stroke: n.color, "stroke-width": node.strong ? 4 : 3 });
      }
    }
    for (const row of document.querySelectorAll("tr[data-a]")) {
      const on = nodes.some((n) => String(n.id) === row.dataset[n.side]);
      row.classList.toggle("lit", on);
    }
    light(nodes);
  }

  // The meshes are recolored by a clientside patch: a restyle behind Dash's back would lose the next orbit.
  function light(nodes) {
    const under = (side) => {
      const wanted = new Set();
      for (const node of nodes.filter((n) => n.side === side)) {
        const todo = [node.id];
        while (todo.length) {
          const id = todo.pop();
          const n = info({ side, id });
          if (!n) continue;
          if (n.leaf) wanted.add(id);
          todo.push(...n.down);
        }
      }
      return [...wanted].sort();
    };
    const key = JSON.stringify({ a: under("a"), b: under("b") });
    if (key === state.lit) return;
    state.lit = key;
    clearTimeout(state.lighting);
    state.lighting = setTimeout(() => window.dash_clientside.set_props("lit", { data: JSON.parse(key) }), 60);
  }

  // What edits change over the latents is drawn here, not by plotly: it is the same at every frame of a morph or a pan.
  function planes() {
    const all = trees();
    if (!all || !state.stored || !state.live) return;
    const now = session();
    const color = (side) => { const of = {}; for (const n of all.nodes) if (n.side === side) of[n.id] = n; return of; };
    const nodes = { a: color("a"), b: color("b") };
    const live = state.live;
    for (const { side, view, meta: m } of latents()) {
      window.topovizPlane(view, {
        meta: m, nodes: nodes[side], carriers: nodes.a, cut: live.cut[side],
        overlay: side === "b" ? live.overlay : null, morph: state.morph === undefined ? now.morph : state.morph,
      });
    }
  }

  function hover(node) {
    if (same(node, state.hover) || (!node && !state.hover)) return;
    state.hover = node;
    mark();
    tip();
  }

  function tip() {
    let box = document.getElementById("tip");
    if (!box) {
      box = document.createElement("div");
      box.id = "tip";
      box.setAttribute("role", "tooltip");
      document.querySelector("main").appendChild(box);
    }
    const n = info(state.hover);
    box.hidden = !n;
    if (!n) return;
    const other = info(partner(state.hover));
    const name = n.label || (n.up === null ? "root" : "saddle");
    box.textContent = `${name}  node ${n.id}  mass ${(100 * n.mass).toFixed(1)} %  level ${n.level.toFixed(2)}  persistence ${n.persistence.toFixed(2)}` +
      (n.holes ? `  holes ${n.holes}` : "") + (other && other.label ? `  ↔ ${other.label}` : "");
    box.style.left = `${Math.min(state.x + 14, window.innerWidth - box.offsetWidth - 8)}px`;
    box.style.top = `${Math.min(state.y + 16, window.innerHeight - box.offsetHeight - 8)}px`;
  }

  // ---------------------------------------------------------------- what is under the pointer
  function at(gd, event) {
    const box = gd.getBoundingClientRect();
    const { xaxis, yaxis } = gd._fullLayout;
    return [event.clientX - box.left - xaxis._offset, event.clientY - box.top - yaxis._offset];
  }

  function underTrees(gd, event) {
    const [px, py] = at(gd, event);
    const { xaxis, yaxis } = gd._fullLayout;
    let best = null, nearest = 16;
    for (const n of meta(gd).nodes) {
      const far = Math.hypot(xaxis.l2p(n.x) - px, yaxis.l2p(n.y) - py) - (n.leaf ? 11 * Math.sqrt(n.mass) : 0);
      if (far < nearest) { nearest = far; best = { node: { side: n.side, id: n.id } }; }
    }
    if (best) return best;
    nearest = 7;
    for (const l of meta(gd).links) {
      for (let i = 1; i < l.x.length; i += 1) {
        const [x0, y0, x1, y1] = [xaxis.l2p(l.x[i - 1]), yaxis.l2p(l.y[i - 1]), xaxis.l2p(l.x[i]), yaxis.l2p(l.y[i])];
        const along = Math.max(0, Math.min(1, ((px - x0) * (x1 - x0) + (py - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2 || 1)));
        const far = Math.hypot(x0 + along * (x1 - x0) - px, y0 + along * (y1 - y0) - py);
        if (far < nearest) { nearest = far; best = { link: l }; }
      }
    }
    return best;
  }

  function underLatent(gd, event) {
    const m = meta(gd);
    const [px, py] = at(gd, event);
    const x = gd._fullLayout.xaxis.p2l(px), y = gd._fullLayout.yaxis.p2l(py);
    if (!m.region) {
      const id = Object.keys(m.outlines).find((key) => encloses(m.outlines[key], x, y));
      return id === undefined ? null : { node: { side: m.side, id: Number(id) } };
    }
    const [nx, ny] = m.shape;
    const i = Math.round(((x - m.x[0]) / (m.x[1] - m.x[0])) * (nx - 1));
    const j = Math.round(((y - m.y[0]) / (m.y[1] - m.y[0])) * (ny - 1));
    if (i < 0 || j < 0 || i >= nx || j >= ny) return null;
    const id = m.region[i * ny + j];
    return id < 0 ? null : { node: { side: m.side, id } };
  }

  function encloses(outline, x, y) {
    let inside = false;
    for (let i = 1; i < outline.x.length; i += 1) {
      const [x0, y0, x1, y1] = [outline.x[i - 1], outline.y[i - 1], outline.x[i], outline.y[i]];
      if (x0 !== null && x1 !== null && (y0 > y) !== (y1 > y) && x < x0 + ((x1 - x0) * (y - y0)) / (y1 - y0)) inside = !inside;
    }
    return inside;
  }

  function under(event) {
    const gd = event.target.closest && event.target.closest(".js-plotly-plot");
    const m = meta(gd);
    if (!m || !gd._fullLayout.xaxis) return null;
    if (m.kind === "trees") return underTrees(gd, event);
    return m.kind === "latent" ? underLatent(gd, event) : null;
  }

  // ---------------------------------------------------------------- choosing and linking
  function choose(node) {
    const first = chosen();
    state.link = null;
    const isLeaf = (n) => { const i = info(n); return i && i.leaf; };
    if (first && node && first.side !== node.side && isLeaf(first) === isLeaf(node)) {
      const [a, b] = first.side === "a" ? [first.id, node.id] : [node.id, first.id];
      emit({ type: "link", a, b });
      emit({ type: "clear-selection" });
    } else if (!node || same(first, node)) {
      emit({ type: "clear-selection" });
    } else {
      emit({ type: "select", side: node.side, node: node.id });
    }
  }

  function act(button) {
    const { event: type, a, b, alternative, complete, side, node, text } = button.dataset;
    const event = { type };
    if (a !== undefined) Object.assign(event, { a: Number(a), b: Number(b) });
    if (alternative !== undefined) event.alternative = Number(alternative);
    if (complete !== undefined) event.complete = complete === "true";
    if (node !== undefined) Object.assign(event, { side, node: Number(node) });
    if (text !== undefined) event.text = text;
    emit(event);
  }

  function rename(field) {
    const box = field.closest("[data-node]");
    if (box) emit({ type: "rename", side: box.dataset.side, node: Number(box.dataset.node), text: field.value.trim() });
  }

  // ---------------------------------------------------------------- listeners
  let pressed = null;
  document.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; }, true);

  document.addEventListener("pointermove", (event) => {
    [state.x, state.y] = [event.clientX, event.clientY];
    const row = event.target.closest && event.target.closest("tr[data-a]");
    if (row) return hover({ side: "a", id: Number(row.dataset.a) });
    const found = under(event);
    const gd = event.target.closest && event.target.closest(".js-plotly-plot");
    if (gd) gd.classList.toggle("pointing", Boolean(found));
    if (found || !gd || !(meta(gd) && meta(gd).kind === "surface")) hover(found && found.node ? found.node : null);
    tip();
  }, true);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-event]");
    if (button) return act(button);
    const saver = event.target.closest("[data-save]");
    if (saver) return savePicture(saver.dataset.save, saver.dataset.format);
    const wanted = event.target.closest("[data-export]");
    if (wanted) return request(wanted.dataset.export);
    if (event.target.closest("#undo")) return emit({ type: "undo" });
    if (event.target.closest("#redo")) return emit({ type: "redo" });
    if (event.target.closest("#help")) return toggle("keys");
    if (event.target.closest("#switch-theme")) return switchTheme();
    const row = event.target.closest("tr[data-a]");
    if (row) return choose({ side: "a", id: Number(row.dataset.a) });
    if (pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 4) return undefined;
    const found = under(event);
    if (found && found.node) return choose(found.node);
    if (found && found.link) { state.link = { a: found.link.a, b: found.link.b }; mark(); return undefined; }
    const gd = event.target.closest(".js-plotly-plot");
    if (gd && meta(gd) && meta(gd).kind === "trees") { state.link = null; if (chosen()) choose(null); else mark(); }
    return undefined;
  });

  document.addEventListener("dblclick", (event) => {
    const found = under(event);
    if (found && found.node) { emit({ type: "select", side: found.node.side, node: found.node.id }); focusName(); }
  });

  function focusName() {
    setTimeout(() => { const field = document.getElementById("name-field"); if (field) { field.focus(); field.select(); } }, 350);
  }

  document.addEventListener("input", (event) => {
    const value = Number(event.target.value);
    if (event.target.id === "level") emit({ type: "set-level", level: value });
    if (event.target.id === "simplify") emit({ type: "set-simplify", simplify: value });
    if (event.target.id === "morph") morph(value);
  });

  document.addEventListener("change", (event) => {
    if (event.target.id === "name-field") rename(event.target);
    if (event.target.id === "morph") emit({ type: "set-morph", morph: Number(event.target.value) });
  });

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "range" && !event.target.readOnly;
    if (typing) { if (event.key === "Enter" && event.target.id === "name-field") event.target.blur(); return undefined; }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      return emit({ type: event.shiftKey ? "redo" : "undo" });
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
    const row = document.activeElement && document.activeElement.closest("tr[data-a]");
    const held = state.link || (row && { a: Number(row.dataset.a), b: Number(row.dataset.b) }) || heldLink();
    if (event.key === "Delete" && held) { state.link = null; return emit({ type: "ban", ...held }); }
    if (event.key === "Backspace" && held) { state.link = null; return emit({ type: "unlink", ...held }); }
    if (event.key === "Enter" && row && event.target === row) return choose({ side: "a", id: Number(row.dataset.a) });
    if (event.key === "Escape") { state.link = null; return chosen() ? choose(null) : mark(); }
    if (event.key === "?") return toggle("keys");
    if (event.target.matches("div[role=button]") && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      return event.target.click();
    }
    if (event.key === "F2" && chosen()) return focusName();
    if (event.key.startsWith("Arrow") && event.target.type !== "range") return walk(event);
    return undefined;
  });

  function heldLink() {
    const node = chosen();
    const other = partner(node);
    if (!other) return null;
    return node.side === "a" ? { a: node.id, b: other.id } : { a: other.id, b: node.id };
  }

  function walk(event) {
    const all = trees();
    const node = info(chosen()) || (all && all.nodes.find((n) => n.side === "a" && n.up === null));
    if (!node) return undefined;
    event.preventDefault();
    if (!chosen()) return emit({ type: "select", side: node.side, node: node.id });
    const inward = node.side === "a" ? "ArrowRight" : "ArrowLeft";
    const outward = node.side === "a" ? "ArrowLeft" : "ArrowRight";
    const across = all.nodes.filter((n) => n.side === node.side && n.leaf === node.leaf).sort((m, n) => m.y - n.y || m.x - n.x);
    const here = across.findIndex((n) => n.id === node.id);
    let next = null;
    if (event.key === outward && node.up !== null) next = { side: node.side, id: node.up };
    if (event.key === inward) next = node.down.length ? { side: node.side, id: node.down[0] } : partner(node);
    if (event.key === "ArrowDown" && across[here + 1]) next = across[here + 1];
    if (event.key === "ArrowUp" && across[here - 1]) next = across[here - 1];
    return next ? emit({ type: "select", side: next.side, node: next.id }) : undefined;
  }

  function toggle(id) {
    state[id] = !document.querySelector(`#${id} [role=dialog]`);
    window.dash_clientside.set_props(id, { opened: state[id] });
  }

  function switchTheme() {
    const dark = document.documentElement.dataset.theme === "dark";
    window.dash_clientside.set_props("theme", { data: dark ? "light" : "dark" });
  }

  // ---------------------------------------------------------------- morph: A slides onto B
  function morph(t) {
    state.morph = t;
    planes();
  }

  // ---------------------------------------------------------------- pictures, sessions, files
  function savePicture(id, format) {
    const gd = plot(id);
    if (!gd) return;
    const picture = { view: id, format, width: gd.clientWidth, height: gd.clientHeight };
    // Of a latent plotly draws only the ground on the page: its whole picture comes from the server.
    if (id.startsWith("latent")) window.dash_clientside.set_props("request", { data: { what: "picture", ...picture, serial: (state.serial += 1) } });
    else download(gd, picture);
  }

  function download(figure, { view, format, width, height }) {
    window.Plotly.downloadImage(figure, { format, width, height, scale: format === "png" ? 3 : 1, filename: `topoviz-${view}` });
  }

  function request(what) {
    if (what === "link") return navigator.clipboard && navigator.clipboard.writeText(window.location.href);
    if (what === "open") return openSession();
    return window.dash_clientside.set_props("request", { data: { what, serial: (state.serial += 1) } });
  }

  function openSession() {
    const field = document.createElement("input");
    field.type = "file";
    field.accept = ".json,application/json";
    field.addEventListener("change", async () => {
      const file = field.files[0];
      if (!file) return;
      try {
        emit({ type: "load-session", session: JSON.parse(await file.text()) });
      } catch {
        window.dash_clientside.set_props("notice", { children: `${file.name} is not a session: it is no JSON. Save one with Save, then open that.` });
      }
    });
    field.click();
  }

  // ---------------------------------------------------------------- what Dash calls
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    topoviz: {
      stored: function (stored, live) {
        const keep = window.dash_clientside.no_update;
        if (!stored) return [keep, keep, keep];
        state.stored = stored;
        state.live = live || state.live;
        state.morph = undefined;
        state.link = null;
        state.busy = false;
        if (stored.query) window.history.replaceState(null, "", `${window.location.pathname}?${stored.query}`);
        requestAnimationFrame(() => { planes(); mark(); pump(); });
        // A slider that has moved on meanwhile is ahead of this answer.
        const ahead = (type) => state.queue.some((event) => event.type === type);
        return ["level", "simplify", "morph"].map((name) => (ahead(`set-${name}`) ? keep : stored.history.now[name]));
      },
      theme: function (theme) {
        document.documentElement.dataset.theme = theme;
        return theme;
      },
      pick: function (example, a, b) {
        const now = session();
        const by = window.dash_clientside.callback_context.triggered.map((t) => t.prop_id.split(".")[0]);
        if (!now) return window.dash_clientside.no_update;
        if (by.includes("example") && example && by.length === 1) emit({ type: "open-example", id: example });
        else if (a && b && (a !== now.model_a || b !== now.model_b)) emit({ type: "choose-models", a, b });
        return window.dash_clientside.no_update;
      },
      family: function (family) {
        const now = session();
        if (now && family && family !== now.family) emit({ type: "set-family", family });
        return window.dash_clientside.no_update;
      },
      method: function (method) {
        const now = session();
        if (now && method && method !== now.method) emit({ type: "set-method", method });
        return window.dash_clientside.no_update;
      },
      picture: function (picture) {
        if (picture) download(picture.figure, picture);
        return window.dash_clientside.no_update;
      },
      light: function (wanted, figureA, figureB) {
        const patch = (figure, on) => {
          const nodes = figure && figure.layout && figure.layout.meta && figure.layout.meta.nodes;
          if (!nodes) return window.dash_clientside.no_update;
          const change = new window.dash_clientside.Patch();
          nodes.forEach((node, at) => change.assign(["data", at, "opacity"], !on.length || on.includes(node) ? 1 : 0.28));
          return change.build();
        };
        return wanted ? [patch(figureA, wanted.a), patch(figureB, wanted.b)] : [window.dash_clientside.no_update, window.dash_clientside.no_update];
      },
    },
  });

  // Dash hands plotly the view that it last knew, which lags behind a person's last orbit or zoom: put the present one in.
  function keepViews() {
    const react = window.Plotly.react;
    window.Plotly.react = function (gd, figure, ...rest) {
      const now = gd._fullLayout, layout = figure.layout;
      if (now && gd.layout && layout && layout.uirevision && layout.uirevision === gd.layout.uirevision) {
        if (now.scene && now.scene._scene) layout.scene = { ...layout.scene, camera: now.scene._scene.getCamera() };
        for (const axis of ["xaxis", "yaxis"]) {
          if (layout[axis] && now[axis]) layout[axis] = { ...layout[axis], range: [...now[axis].range] };
        }
      }
      return react.call(this, gd, figure, ...rest);
    };
  }

  // Plotly makes its graphs some time after the page: listen on each once it is there, and redraw marks with it.
  const known = new WeakSet();
  new MutationObserver(() => {
    for (const gd of document.querySelectorAll(".js-plotly-plot")) {
      if (known.has(gd) || !gd.on) continue;
      if (!state.kept) { state.kept = true; keepViews(); }
      known.add(gd);
      const again = () => { planes(); mark(); };
      gd.on("plotly_afterplot", again);
      gd.on("plotly_relayouting", again);
      const node = (event) => {
        const m = meta(gd);
        const id = m && m.kind === "surface" && m.nodes[event.points[0].curveNumber];
        return id === null || id === undefined || id === false ? null : { side: m.side, id };
      };
      gd.on("plotly_hover", (event) => hover(node(event)));
      gd.on("plotly_unhover", () => hover(null));
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
