/* What is lit: the hovered node or link or hole, the node in hand and its match, in every view. Marks are drawn on an SVG of our
   own over each graph, so that plotly's state is never touched. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const shape = (svg, name, attributes) => window.topovizPlane.add(svg, name, attributes);
  const path = (gd, xs, ys) => window.topovizPlane.path(gd, xs, ys);
  const through = (plane, xs, ys) => xs.map((x, at) => `${at ? "L" : "M"}${plane.x(x).toFixed(1)} ${plane.y(ys[at]).toFixed(1)}`).join("");

  function canvas(gd) {
    let svg = gd.querySelector(":scope > svg.marks");
    if (!svg) {
      svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("class", "marks");
      svg.setAttribute("aria-hidden", "true");
      gd.appendChild(svg);
    }
    svg.replaceChildren();
    return svg;
  }

  function lit() {
    const { node, link, hole } = T.state.hover || {};
    const nodes = [];
    const add = (one, strong) => { if (one) nodes.push({ ...one, strong }); };
    if (node) { add(node, true); add(T.partner(node), true); }
    if (link) { add({ side: "a", id: link.a }, true); add({ side: "b", id: link.b }, true); }
    if (hole) add({ side: hole.side, id: hole.node }, false);
    const held = T.chosen();
    if (held) { add(held, false); add(T.partner(held), false); }
    for (const one of T.state.shown || []) add(one, false);
    return nodes;
  }

  T.mark = function () {
    const nodes = lit();
    const plane = T.plane("trees");
    if (plane) markTrees(plane, nodes);
    for (const { side, view, meta } of T.latents()) markLatent(view, side, meta, nodes);
    for (const row of document.querySelectorAll("tr[data-a], tr[data-b], li[data-a]")) {
      row.classList.toggle("lit", nodes.some((n) => String(n.id) === row.dataset[n.side]));
    }
    light(nodes);
    T.treesHeld();
    T.tools();
  };

  function markTrees(plane, nodes) {
    const svg = canvas(plane.host);
    const all = T.trees();
    const { link: held, hover, found } = T.state;
    const { x, y } = plane;
    for (const l of all.links) {
      const on = nodes.some((n) => n.id === l[n.side]);
      const holding = held && held.a === l.a && held.b === l.b;
      if (!on && !holding) continue;
      shape(svg, "path", { d: through(plane, l.x, l.y), fill: "none", stroke: l.color, "stroke-width": holding ? 6 : 4.5, "stroke-linecap": "round" });
      const middle = [x(l.x[l.x.length >> 1]), y(l.y[l.y.length >> 1])];
      if (l.pinned) shape(svg, "path", { d: `M${middle[0] - 7} ${middle[1]}l7 -7 7 7 -7 7z`, fill: l.color, class: "pin" });
    }
    for (const n of found || []) shape(svg, "circle", { cx: x(n.x), cy: y(n.y), r: n.size / 2 + 4, class: "found" });
    for (const node of nodes) {
      const n = T.info(node);
      if (!n) continue;
      shape(svg, "circle", { cx: x(n.x), cy: y(n.y), r: n.size / 2 + 4, fill: "none", class: node.strong ? "ring strong" : "ring" });
      // A name that found no room, or not all of it, is shown while its node is lit.
      if (!n.named && n.label) window.topovizPlane.add(svg, "text", { x: x(n.x) + (n.side === "a" ? 1 : -1) * (n.size / 2 + 5), y: y(n.y), class: n.side === "a" ? "name" : "name before" }, n.label);
    }
    const h = hover && hover.hole && T.hole(hover.hole);
    if (h && h.shown) {
      shape(svg, "path", { d: through(plane, [h.x, h.end], [h.y, h.y]), class: "hole-line" });
      shape(svg, "circle", { cx: x(h.x), cy: y(h.y), r: h.size / 2 + 2, class: "hole-ring" });
    }
  }

  function markLatent(view, side, meta, nodes) {
    const svg = canvas(view);
    for (const node of nodes) {
      const outline = node.side === side && T.outline(side, meta, node.id);
      const n = T.info(node);
      if (!outline || !n) continue;
      shape(svg, "path", { d: path(view, outline.x, outline.y), fill: n.color, "fill-opacity": 0.22, stroke: n.color, "stroke-width": node.strong ? 4 : 3 });
    }
    const { hole } = T.state.hover || {};
    const place = hole && hole.side === side && meta.holes[hole.hole];
    if (!place) return;
    const { xaxis, yaxis } = view._fullLayout;
    const at = { cx: xaxis._offset + xaxis.l2p(place[0]), cy: yaxis._offset + yaxis.l2p(place[1]) };
    shape(svg, "circle", { ...at, r: 9, class: "hole-halo" });
    shape(svg, "circle", { ...at, r: 9, class: "hole-ring" });
  }

  // The meshes are recolored by a clientside patch: a restyle behind Dash's back would lose the next orbit.
  function light(nodes) {
    const under = (side) => {
      const wanted = new Set();
      for (const node of nodes.filter((n) => n.side === side)) {
        const todo = [node.id];
        while (todo.length) {
          const id = todo.pop();
          const n = T.info({ side, id });
          if (!n) continue;
          if (n.leaf) wanted.add(id);
          todo.push(...n.down);
        }
      }
      return [...wanted].sort();
    };
    const key = JSON.stringify({ a: under("a"), b: under("b") });
    if (key === T.state.lit) return;
    T.state.lit = key;
    clearTimeout(T.state.lighting);
    T.state.lighting = setTimeout(() => window.dash_clientside.set_props("lit", { data: JSON.parse(key) }), 60);
  }

  // What edits change over the latents is drawn here, not by plotly: it is the same at every frame of a morph or a pan.
  // `morphing` draws nothing but B's points.
  T.planes = function (morphing = false) {
    const all = T.trees();
    const { stored, morph } = T.state;
    if (!all || !stored) return;
    const byId = (side) => Object.fromEntries(all.nodes.filter((n) => n.side === side).map((n) => [n.id, n]));
    const nodes = { a: byId("a"), b: byId("b") };
    for (const { side, view, meta } of T.latents()) {
      if (morphing && side === "a") continue;
      const draw = morphing ? window.topovizPlane.points : window.topovizPlane;
      draw(view, {
        meta, nodes: nodes[side], carriers: nodes.a, cut: T.cut(meta),
        overlay: side === "b" ? T.overlay() : null, morph: morph === undefined ? T.session().morph : morph,
      });
    }
  };

  const key = (thing) => JSON.stringify(thing && (thing.node ? [thing.node.side, thing.node.id] : thing.link ? [thing.link.a, thing.link.b, "link"] : thing.hole ? [thing.hole.side, thing.hole.hole, "hole"] : ["level"]));

  /* Something is under the pointer or has the focus: `anchor` is the element that its card stands beside, none the pointer. */
  T.hover = function (thing, anchor) {
    if (key(thing) === key(T.state.hover)) return;
    // The level measures the page, which takes longer than all else here: only where it comes in or out of the light.
    const level = Boolean(thing && thing.level) !== Boolean(T.state.hover && T.state.hover.level);
    T.state.hover = thing;
    T.state.anchor = anchor || null;
    T.mark();
    if (level) T.drawLevel();
    T.card();
  };
})();
