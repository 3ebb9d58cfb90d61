/* The browser's side of the linked views: what clicks and keys do, and what Dash calls. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});

  // ---------------------------------------------------------------- choosing and linking
  function choose(node) {
    const first = T.chosen();
    T.state.link = null;
    const isLeaf = (n) => { const i = T.info(n); return i && i.leaf; };
    if (first && node && first.side !== node.side && isLeaf(first) === isLeaf(node)) {
      const [a, b] = first.side === "a" ? [first.id, node.id] : [node.id, first.id];
      T.emit({ type: "link", a, b });
      T.emit({ type: "clear-selection" });
    } else if (!node || T.same(first, node)) {
      T.emit({ type: "clear-selection" });
    } else {
      T.emit({ type: "select", side: node.side, node: node.id });
    }
  }

  T.choose = choose;

  function act(button) {
    const { event: type, a, b, alternative, complete, side, node, text, pairs, bans } = button.dataset;
    const event = { type };
    if (pairs !== undefined) Object.assign(event, { pairs: JSON.parse(pairs), bans: JSON.parse(bans) });
    if (a !== undefined) Object.assign(event, { a: Number(a), b: Number(b) });
    if (alternative !== undefined) event.alternative = Number(alternative);
    if (complete !== undefined) event.complete = complete === "true";
    if (node !== undefined) Object.assign(event, { side, node: Number(node) });
    if (text !== undefined) event.text = text;
    T.emit(event);
  }

  function rename(field) {
    const box = field.closest("[data-node]");
    if (box) T.emit({ type: "rename", side: box.dataset.side, node: Number(box.dataset.node), text: field.value.trim() });
  }

  // ---------------------------------------------------------------- listeners
  let pressed = null;
  document.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; }, true);

  // What an element of the page outside the graphs stands for.
  function about(element) {
    const row = element.closest && element.closest("tr[data-a], tr[data-b], li[data-a]");
    if (row) {
      const [a, b] = [Number(row.dataset.a), Number(row.dataset.b)];
      if (row.dataset.a === undefined) return { node: { side: "b", id: b } };
      const link = T.linkAt({ a, b });
      return link ? { link } : { node: { side: "a", id: a } };
    }
    const hole = element.closest && element.closest("[data-hole]");
    const found = hole && T.hole({ side: hole.dataset.side, hole: Number(hole.dataset.hole) });
    return found ? { hole: found } : null;
  }

  document.addEventListener("pointermove", (event) => {
    [T.state.x, T.state.y] = [event.clientX, event.clientY];
    if (T.state.dragging || T.state.brushing) return undefined;
    const told = about(event.target);
    if (told) { T.hover(told); return T.placeCard(); }
    const found = event.target.closest && event.target.closest(".grip") ? { level: true } : T.under(event);
    const gd = T.graph(event);
    const over = gd || (T.overTrees(event) && document.getElementById("trees"));
    if (over) { over.classList.toggle("pointing", Boolean(found && !found.level)); over.classList.toggle("grasping", Boolean(found && found.level)); }
    if (found || !gd || !(T.meta(gd) && T.meta(gd).kind === "surface")) {
      // A card that the keyboard opened stays until the pointer meets something else.
      if (found || !T.state.anchor) T.hover(found);
    }
    return T.placeCard();
  }, true);

  document.addEventListener("focusin", (event) => {
    const told = event.target.matches("#match-grid tr, #match-grid td, li[data-a], [data-hole]") ? about(event.target) : null;
    if (told) T.hover(told, event.target);
    else if (T.state.anchor) T.hover(null);
  });

  document.addEventListener("focusout", () => { if (T.state.anchor) T.hover(null); });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-event]");
    if (button) return act(button);
    const saver = event.target.closest("[data-save]");
    if (saver) return T.savePicture(saver.dataset.save, saver.dataset.format);
    const wanted = event.target.closest("[data-export]");
    if (wanted) return T.request(wanted.dataset.export);
    if (event.target.closest("#undo")) return T.emit({ type: "undo" });
    if (event.target.closest("#redo")) return T.emit({ type: "redo" });
    if (event.target.closest("#help")) return toggle("keys");
    if (event.target.closest("#switch-theme")) return switchTheme();
    const row = event.target.closest("tr[data-a], tr[data-b]");
    if (row) return choose(row.dataset.a === undefined ? { side: "b", id: Number(row.dataset.b) } : { side: "a", id: Number(row.dataset.a) });
    if (pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 4) return undefined;
    const found = T.under(event);
    if (found && (found.level || found.hole)) return undefined;
    if (found && found.wedge) return T.openBranch(found.node);
    if (found && found.node) return choose(found.node);
    if (found && found.link) { T.state.link = { a: found.link.a, b: found.link.b }; T.mark(); return undefined; }
    if (T.overTrees(event)) { T.state.link = null; if (T.chosen()) choose(null); else T.mark(); }
    return undefined;
  });

  document.addEventListener("dblclick", (event) => {
    const found = T.under(event);
    if (found && found.node && !found.wedge) { T.emit({ type: "select", side: found.node.side, node: found.node.id }); focusName(); }
  });

  function focusName() {
    setTimeout(() => { const field = document.getElementById("name-field"); if (field) { field.focus(); field.select(); } }, 350);
  }

  document.addEventListener("input", (event) => {
    const value = Number(event.target.value);
    if (event.target.id === "level") T.setLevel(value, true);
    if (event.target.id === "simplify") T.emit({ type: "set-simplify", simplify: value });
    if (event.target.id === "morph") morph(value);
  });

  document.addEventListener("change", (event) => {
    if (event.target.id === "name-field") rename(event.target);
    if (event.target.id === "morph") T.emit({ type: "set-morph", morph: Number(event.target.value) });
  });

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "range" && !event.target.readOnly;
    if (typing) { if (event.key === "Enter" && event.target.id === "name-field") event.target.blur(); return undefined; }
    // Before the modifiers: on many keyboards brackets need AltGr.
    if (event.key === "[" || event.key === "]") {
      return explain(event.key === "]" ? 1 : -1);
    }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      return T.emit({ type: event.shiftKey ? "redo" : "undo" });
    }
    if (event.ctrlKey || event.metaKey || event.altKey || T.levelKey(event)) return undefined;
    const held = T.state.link || heldLink();
    if (event.key === "Delete" && held) { T.state.link = null; return T.emit({ type: "ban", ...held }); }
    if (event.key === "Backspace" && held) { T.state.link = null; return T.emit({ type: "unlink", ...held }); }
    if (event.key === "Escape") return letGo();
    if (event.key === "?") return toggle("keys");
    if (event.key.toLowerCase() === "l") return T.brush.arm(!T.brush.armed());
    if (event.key.toLowerCase() === "b" && T.chosen()) return T.brush.node(T.chosen());
    if (event.target.matches("div[role=button]") && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      return event.target.click();
    }
    if (event.key === "F2" && T.chosen()) return focusName();
    if (event.key.startsWith("Arrow") && event.target.type !== "range") return T.walk(event);
    return undefined;
  });

  // One thing at a time: a card, the lasso and what it holds, the link or node in hand, then the preview of another explanation.
  function letGo() {
    if (T.state.hover) T.hover(null);
    if (T.brush.armed()) T.brush.arm(false);
    if (T.brush.now()) return T.brush.clear();
    if (T.state.link) { T.state.link = null; return T.mark(); }
    if (T.chosen()) return choose(null);
    return T.session() && T.session().alternative ? T.emit({ type: "choose-alternative", alternative: 0 }) : T.mark();
  }

  /* The next explanation, or the one before; after the last comes the best. */
  function explain(by) {
    const count = T.state.stored && T.state.stored.explanations;
    return count > 1 ? T.emit({ type: "choose-alternative", alternative: (T.session().alternative + by + count) % count }) : undefined;
  }

  function heldLink() {
    const node = T.chosen();
    const other = T.partner(node);
    if (!other) return null;
    return node.side === "a" ? { a: node.id, b: other.id } : { a: other.id, b: node.id };
  }

  function toggle(id) {
    T.state[id] = !document.querySelector(`#${id} [role=dialog]`);
    window.dash_clientside.set_props(id, { opened: T.state[id] });
  }

  function switchTheme() {
    const dark = document.documentElement.dataset.theme === "dark";
    window.dash_clientside.set_props("theme", { data: dark ? "light" : "dark" });
  }

  // ---------------------------------------------------------------- morph: A slides onto B
  function morph(t) {
    T.state.morph = t;
    T.drawMorph();
  }

  /* Where on its scale each face of the one mesh of many leaves stands: faded where its node is not `on`. */
  function painted(nodes, faces, slots, on) {
    const colors = Math.max(...slots) + 1, lit = new Set(on);
    const places = slots.map((slot, at) => (!on.length || lit.has(nodes[at]) ? slot : slot + colors));
    return Array.from(faces, (at) => places[at]);
  }

  // ---------------------------------------------------------------- what Dash calls
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    topoviz: {
      theme: function (theme) {
        document.documentElement.dataset.theme = theme;
        T.state.there();
        if (T.state.stored && T.state.stored.theme !== theme) T.emit({ type: "show" });
        return theme;
      },
      pick: function (example, a, b) {
        const now = T.session();
        const by = window.dash_clientside.callback_context.triggered.map((t) => t.prop_id.split(".")[0]);
        if (!now) return window.dash_clientside.no_update;
        if (by.includes("example") && example && by.length === 1) T.emit({ type: "open-example", id: example });
        else if (a && b && (a !== now.model_a || b !== now.model_b)) T.emit({ type: "choose-models", a, b });
        return window.dash_clientside.no_update;
      },
      family: function (family) {
        const now = T.session();
        if (now && family && family !== now.family) T.emit({ type: "set-family", family });
        return window.dash_clientside.no_update;
      },
      method: function (method) {
        const now = T.session();
        if (now && method && method !== now.method) T.emit({ type: "set-method", method });
        return window.dash_clientside.no_update;
      },
      picture: function (picture) {
        if (picture) T.download(picture.figure, picture);
        return window.dash_clientside.no_update;
      },
      light: function (wanted, figureA, figureB) {
        const patch = (figure, on) => {
          const { nodes, faces, slots } = (figure && figure.layout && figure.layout.meta) || {};
          if (!nodes) return window.dash_clientside.no_update;
          const change = new window.dash_clientside.Patch();
          if (faces) return change.assign(["data", 0, "intensity"], painted(nodes, T.unpacked(faces), slots, on)).build();
          nodes.forEach((node, at) => change.assign(["data", at, "opacity"], !on.length || on.includes(node) ? 1 : 0.28));
          return change.build();
        };
        return wanted ? [patch(figureA, wanted.a), patch(figureB, wanted.b)] : [window.dash_clientside.no_update, window.dash_clientside.no_update];
      },
    },
  });

  /* Plotly fits a scene to the height of its view: in a narrow one the eye steps back until the width holds it. */
  function back({ x, y, z }, gd) {
    const by = Math.max(1, Math.min(1.6, gd.clientHeight / Math.max(gd.clientWidth, 1)));
    return { x: by * x, y: by * y, z: by * z };
  }

  // Dash hands plotly the view that it last knew, which lags behind a person's last orbit or zoom: put the present one in.
  function keepViews() {
    const react = window.Plotly.react;
    window.Plotly.react = function (gd, figure, ...rest) {
      const now = gd._fullLayout, layout = figure.layout;
      const eye = layout && layout.scene && layout.scene.camera && layout.scene.camera.eye;
      if (eye) layout.scene = { ...layout.scene, camera: { ...layout.scene.camera, eye: back(eye, gd) } };
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
      if (!T.state.kept) { T.state.kept = true; keepViews(); }
      known.add(gd);
      // Over a 3-D view lies nothing of the planes.
      const flat = () => !(T.meta(gd) && T.meta(gd).kind === "surface");
      const again = () => { if (flat()) { T.planes(); T.drawLevel(); } T.mark(); T.brush.draw(); T.findings(); };
      gd.on("plotly_afterplot", again);
      gd.on("plotly_relayouting", again);
      const node = (event) => {
        const m = T.meta(gd);
        const id = m && m.kind === "surface" && (m.faces ? event.points[0].customdata : m.nodes[event.points[0].curveNumber]);
        return id === null || id === undefined || id === false ? null : { node: { side: m.side, id } };
      };
      gd.on("plotly_hover", (event) => { if (!T.state.brushing && !T.travel.isOpen(T.meta(gd).side)) T.hover(node(event)); });
      gd.on("plotly_unhover", () => T.hover(null));
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
