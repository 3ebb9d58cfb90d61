/* What is under the pointer in a graph: {node}, {link}, {hole}, {level} or null. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});

  function at(gd, event) {
    const box = gd.getBoundingClientRect();
    const { xaxis, yaxis } = gd._fullLayout;
    return [event.clientX - box.left - xaxis._offset, event.clientY - box.top - yaxis._offset];
  }

  function fromSegment(px, py, x0, y0, x1, y1) {
    const along = Math.max(0, Math.min(1, ((px - x0) * (x1 - x0) + (py - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2 || 1)));
    return Math.hypot(x0 + along * (x1 - x0) - px, y0 + along * (y1 - y0) - py);
  }

  function nearest(things, reach, far) {
    let best = null, least = reach;
    for (const thing of things) {
      const away = far(thing);
      if (away < least) { least = away; best = thing; }
    }
    return [best, least];
  }

  function underTrees(event) {
    const plane = T.plane("trees");
    const m = T.trees();
    if (!plane || !m) return null;
    const box = plane.host.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const { x, y } = plane;
    const [node, toNode] = nearest(m.nodes.filter((n) => n.shown), 12, (n) => Math.hypot(x(n.x) - px, y(n.y) - py) - n.size / 2);
    const [hole, toHole] = nearest(m.holes.filter((h) => h.shown), 5, (h) => Math.min(Math.hypot(x(h.x) - px, y(h.y) - py) - h.size / 2, fromSegment(px, py, x(h.x), y(h.y), x(h.end), y(h.y)) + 1));
    if (hole && toHole < toNode) return { hole };
    const wedge = m.nodes.find((n) => n.closed && overWedge(n, plane, px, py));
    if (wedge && toNode > 3) return { node: { side: wedge.side, id: wedge.id }, wedge: true };
    if (node) return { node: { side: node.side, id: node.id } };
    const [link] = nearest(m.links, 7, (l) => {
      const [top, foot] = [y(Math.min(l.y[0], l.y[l.y.length - 1])), y(Math.max(l.y[0], l.y[l.y.length - 1]))];
      if (py < top - 7 || py > foot + 7) return Infinity;
      let least = Infinity;
      for (let i = 1; i < l.x.length; i += 1) least = Math.min(least, fromSegment(px, py, x(l.x[i - 1]), y(l.y[i - 1]), x(l.x[i]), y(l.y[i])));
      return least;
    });
    if (link) return { link };
    const side = ["a", "b"].find((s) => Math.abs(x(T.levelAt(s)) - px) < 6);
    return side ? { level: side } : null;
  }

  // A closed branch and the words beside it.
  function overWedge(n, plane, px, py) {
    if (Math.abs(plane.y(n.y) - py) > 8) return false;
    const [from, to] = n.side === "a" ? [plane.x(n.x), n.end] : [n.end, plane.x(n.x)];
    return px >= from - 2 && px <= to + 2;
  }

  function underLatent(gd, event) {
    const m = T.meta(gd);
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

  T.overTrees = (event) => Boolean(event.target.closest && event.target.closest("#trees") && !event.target.closest(".tree-map"));

  T.graph = (event) => (event.target.closest && event.target.closest(".js-plotly-plot")) || null;

  T.under = function (event) {
    if (T.overTrees(event)) return underTrees(event);
    const gd = T.graph(event);
    const m = T.meta(gd);
    if (!m || !gd._fullLayout.xaxis) return null;
    return m.kind === "latent" ? underLatent(gd, event) : null;
  };
})();
