/* What lies over a latent's ground: its points, the points carried over, the cut, the leaves' outlines and names.
   Points go on a canvas, lines and names on an SVG under the marks of hovering; plotly draws neither. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const SVG = "http://www.w3.org/2000/svg";

  function layer(gd, tag, name) {
    let element = gd.querySelector(`:scope > ${tag}.${name}`);
    if (!element) {
      element = tag === "svg" ? document.createElementNS(SVG, "svg") : document.createElement(tag);
      element.setAttribute("class", name);
      element.setAttribute("aria-hidden", "true");
      gd.insertBefore(element, gd.querySelector(":scope > svg.marks"));
    }
    return element;
  }

  function add(parent, name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.appendChild(element);
  }

  const pools = new WeakMap();

  /* Draws into what a layer holds already: an edit touches the elements that it changes. `put` by key, then `done`. */
  function pool(svg) {
    if (!pools.has(svg)) pools.set(svg, new Map());
    const known = pools.get(svg), seen = new Set();
    const create = (key, name) => {
      const element = document.createElementNS(SVG, name);
      // Names stand over lines.
      svg.insertBefore(element, name === "text" ? null : svg.querySelector("text"));
      known.set(key, { element, as: {} });
    };
    return {
      put(key, name, attributes, text) {
        seen.add(key);
        if (!known.has(key)) create(key, name);
        const { element, as } = known.get(key);
        for (const [attribute, value] of Object.entries(attributes)) {
          if (as[attribute] !== value) { as[attribute] = value; element.setAttribute(attribute, value); }
        }
        if (text !== undefined && as.text !== text) { as.text = text; element.textContent = text; }
      },
      done() {
        for (const [key, { element }] of known) if (!seen.has(key)) { element.remove(); known.delete(key); }
      },
    };
  }

  function placer(gd) {
    const { xaxis, yaxis } = gd._fullLayout;
    return [(x) => xaxis._offset + xaxis.l2p(x), (y) => yaxis._offset + yaxis.l2p(y)];
  }

  function path([px, py], xs, ys) {
    let d = "", pen = "M";
    for (let i = 0; i < xs.length; i += 1) {
      if (xs[i] === null || Number.isNaN(xs[i])) { pen = "M"; continue; }
      d += `${pen}${px(xs[i]).toFixed(1)} ${py(ys[i]).toFixed(1)}`;
      pen = "L";
    }
    return d;
  }

  /* What the way of a line hangs on; measured once a drawing, since to measure is to lay the page out. */
  function viewOf(gd) {
    const { xaxis, yaxis } = gd._fullLayout;
    return [...xaxis.range, ...yaxis.range, xaxis._offset, xaxis._length, yaxis._offset, yaxis._length].join();
  }

  /* The path of an outline or a cut, kept until the view moves: an edit changes its color alone. */
  function traced(view, place, outline) {
    if (outline.view !== view) { outline.view = view; outline.d = path(place, outline.x, outline.y); }
    return outline.d;
  }

  /* All that the points of a latent hang on, but for a person's own colors. */
  function looks(gd, { nodes, carriers, overlay }, soft) {
    const colors = (known) => Object.values(known).map((node) => node.color).join("");
    return [viewOf(gd), gd.clientWidth, gd.clientHeight, window.devicePixelRatio, soft, colors(nodes), overlay ? colors(carriers) : ""].join(" ");
  }

  const shownLast = new WeakMap();

  /* Whether the points stand there already: an edit often leaves them as they are. */
  function stands(gd, board, shown, soft, labels) {
    const now = { look: looks(gd, shown, soft), points: shown.meta.points, overlay: shown.overlay, morph: shown.overlay && shown.morph, labels: Boolean(labels) };
    const last = shownLast.get(board);
    shownLast.set(board, now);
    return Boolean(last && !labels && Object.keys(now).every((key) => now[key] === last[key]));
  }

  function points(gd, place, shown) {
    const { meta, nodes, carriers, overlay, morph } = shown;
    const board = layer(gd, "canvas", "points");
    const soft = getComputedStyle(document.documentElement).getPropertyValue("--soft");
    const labels = T.labelColors && T.labelColors(meta.side);
    if (stands(gd, board, shown, soft, labels)) return;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [gd.clientWidth, gd.clientHeight];
    if (board.width !== width * ratio || board.height !== height * ratio) {
      board.width = width * ratio;
      board.height = height * ratio;
    }
    const pen = board.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const [px, py] = place;
    const dots = (xs, ys, radius, alpha, color) => {
      pen.globalAlpha = alpha;
      for (let i = 0; i < xs.length; i += 1) {
        pen.fillStyle = color(i);
        pen.beginPath();
        pen.arc(px(xs[i]), py(ys[i]), radius, 0, 2 * Math.PI);
        pen.fill();
      }
    };
    const of = (known, owners) => (i) => (known[owners[i]] ? known[owners[i]].color : soft);
    if (labels) dots(...meta.points, 1.9, 0.85, (i) => labels(i) || soft);
    else dots(...meta.points, meta.owners.length ? 1.7 : 1.3, meta.owners.length ? 0.7 : 0.4, meta.owners.length ? of(nodes, meta.owners) : () => soft);
    if (!overlay) return;
    const mix = (k) => overlay.start[k].map((value, i) => value + morph * (overlay.end[k][i] - value));
    dots(mix(0), mix(1), 2.1, 0.8, of(carriers, overlay.owners));
  }

  function lines(gd, place, { meta, nodes, cut }) {
    const svg = layer(gd, "svg", "regions");
    const drawing = pool(svg), view = viewOf(gd);
    const leaves = Object.entries(meta.peaks).map(([id, peak]) => ({ peak, node: nodes[id], outline: meta.outlines[id] }))
      .filter(({ node, outline }) => node && outline);
    const width = leaves.length > 24 ? 1.3 : 2;
    for (const { node, outline } of leaves) {
      const fill = node.matched ? 0.1 : 0.04;
      drawing.put(node.id, "path", { d: traced(view, place, outline), fill: node.color, "fill-opacity": fill, stroke: node.color, "stroke-width": width });
    }
    names(drawing, place, leaves);
    drawing.done();
    drawCut(gd, cut);
  }

  /* Names of heavier leaves first; one that would lie on another is left out. */
  function names(drawing, place, leaves) {
    const taken = [];
    for (const { node, peak } of [...leaves].sort((one, other) => other.node.mass - one.node.mass)) {
      const [x, y] = [place[0](peak[0]), place[1](peak[1])];
      const reach = 3.6 * node.label.length + 2;
      if (taken.some((other) => Math.abs(other.x - x) < other.reach + reach && Math.abs(other.y - y) < 13)) continue;
      taken.push({ x, y, reach });
      drawing.put(`name ${node.id}`, "text", { x: x.toFixed(1), y: y.toFixed(1), class: node.carried ? "name carried" : "name" }, node.label);
    }
  }

  function draw(gd, shown) {
    const place = placer(gd);
    points(gd, place, shown);
    lines(gd, place, shown);
  }

  /* The cut alone: on a ground of its own, so that a drag does not paint the outlines anew. */
  function drawCut(gd, cut) {
    const svg = layer(gd, "svg", "cuts");
    svg.classList.add("regions");
    if (!svg.firstChild) add(svg, "path", { class: "cut" });
    const d = traced(viewOf(gd), placer(gd), cut);
    if (svg.firstChild.getAttribute("d") !== d) svg.firstChild.setAttribute("d", d);
  }

  window.topovizPlane = Object.assign(draw, { add, layer, cut: drawCut, points: (gd, shown) => points(gd, placer(gd), shown), path: (gd, xs, ys) => path(placer(gd), xs, ys) });
})();
