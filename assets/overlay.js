/* What follows an edit or a drag in the latents: the cut, found here in the density's grid so that it moves with the hand,
   and A's points over B, which the server sends after the rest of its answer. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});

  /* The density under its peak in nats, of the vertices row by row along x; sent once, in 16 bits. */
  function field(meta) {
    const packed = meta.field;
    if (!packed) return null;
    if (!packed.values) {
      const steps = new Uint16Array(Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0)).buffer);
      packed.values = Float32Array.from(steps, (step) => packed.low * (1 - step / 65535));
    }
    return packed;
  }

  // By which corners of a cell are inside (1, 2, 4, 8: around it from its origin on): the sides (0, 1, 2, 3: likewise) that its
  // lines run from and to, the inside on their left. High corners are joined.
  const SIDES = [[], [0, 3], [1, 0], [1, 3], [2, 1], [0, 1, 2, 3], [2, 0], [2, 3], [3, 2], [0, 2], [3, 0, 1, 2], [1, 2], [3, 1], [0, 1], [3, 0], []];

  /* The boundary of the superlevel set, as x and y with gaps, by marching squares. */
  function contour({ values, shape: [nx, ny], x: [x0, x1], y: [y0, y1] }, level) {
    // An edge is known by its first vertex and its direction: 2 at along x, 2 at + 1 along y.
    const next = new Int32Array(2 * nx * ny).fill(-1), entered = new Uint8Array(2 * nx * ny), starts = [];
    const offset = [0, 2 * ny + 1, 2, 1];
    for (let i = 0; i + 1 < nx; i += 1) {
      for (let j = 0, at = i * ny; j + 1 < ny; j += 1, at += 1) {
        const kind = (values[at] >= level) + 2 * (values[at + ny] >= level) + 4 * (values[at + ny + 1] >= level) + 8 * (values[at + 1] >= level);
        if (kind === 0 || kind === 15) continue;
        const sides = SIDES[kind];
        for (let k = 0; k < sides.length; k += 2) {
          const [from, to] = [2 * at + offset[sides[k]], 2 * at + offset[sides[k + 1]]];
          next[from] = to;
          entered[to] = 1;
          starts.push(from);
        }
      }
    }
    const [xs, ys] = [[], []];
    const [dx, dy] = [(x1 - x0) / (nx - 1), (y1 - y0) / (ny - 1)];
    const put = (edge) => {
      const at = edge >> 1, up = edge & 1, other = up ? at + 1 : at + ny;
      const part = (level - values[at]) / (values[other] - values[at]);
      xs.push(x0 + dx * (Math.floor(at / ny) + (up ? 0 : part)));
      ys.push(y0 + dy * ((at % ny) + (up ? part : 0)));
    };
    const follow = (start) => {
      let edge = start;
      put(edge);
      while (next[edge] >= 0) { const to = next[edge]; next[edge] = -1; edge = to; put(edge); }
      xs.push(null);
      ys.push(null);
    };
    // First the lines that begin at the border, then what closes.
    for (const start of starts) if (!entered[start]) follow(start);
    for (const start of starts) if (next[start] >= 0) follow(start);
    return { x: xs, y: ys };
  }

  const EMPTY = { x: [], y: [] };

  /* The cut of a latent at the level that is shown now. */
  T.cut = function (meta) {
    const grid = field(meta);
    if (!grid || !T.state.stored) return EMPTY;
    const share = T.state.level === undefined ? T.session().level : T.state.level;
    const level = (1 - share) * T.state.stored.floor;
    if (grid.level !== level) { grid.level = level; grid.cut = contour(grid, level); }
    return grid.cut;
  };

  /* The outline of a node: a leaf's came with the ground, an inner node's is found just below its joining when it is first asked for. */
  T.outline = function (side, meta, id) {
    const n = T.info({ side, id }), grid = field(meta);
    if (meta.outlines[id] || !n || !grid) return meta.outlines[id];
    const level = n.level - 0.03;
    const own = component(grid, level, leavesUnder(side, id).map((leaf) => meta.peaks[leaf]).filter(Boolean));
    const values = grid.values.map((value, at) => (own[at] || value < level ? value : level - 1));
    meta.outlines[id] = contour({ ...grid, values }, level);
    return meta.outlines[id];
  };

  function leavesUnder(side, id) {
    const n = T.info({ side, id });
    return n ? (n.down.length ? n.down.flatMap((child) => leavesUnder(side, child)) : [id]) : [];
  }

  /* 1 at each vertex of the superlevel set that hangs together with one of the places. */
  function component({ values, shape: [nx, ny], x: [x0, x1], y: [y0, y1] }, level, places) {
    const own = new Uint8Array(nx * ny), todo = [];
    const visit = (i, j) => {
      const at = i * ny + j;
      if (i < 0 || j < 0 || i >= nx || j >= ny || own[at] || values[at] < level) return;
      own[at] = 1;
      todo.push([i, j]);
    };
    for (const [x, y] of places) visit(Math.round(((x - x0) / (x1 - x0)) * (nx - 1)), Math.round(((y - y0) / (y1 - y0)) * (ny - 1)));
    while (todo.length) { const [i, j] = todo.pop(); visit(i - 1, j); visit(i + 1, j); visit(i, j - 1); visit(i, j + 1); }
    return own;
  }

  /* A's points over B: those of the last answer, until the next one comes; none from other models. */
  T.overlay = function () {
    const { live } = T.state;
    const now = T.session();
    return live && now && live.models[0] === now.model_a && live.models[1] === now.model_b ? live.overlay : null;
  };

  const once = {};
  /* One drawing a frame, however many moves of the hand fall into it. */
  T.atFrame = function (name, draw) {
    if (once[name]) return;
    once[name] = requestAnimationFrame(() => { once[name] = 0; draw(); });
  };

  /* The cuts alone, of both latents. */
  T.drawCut = function () {
    T.atFrame("cut", () => { for (const { view, meta } of T.latents()) window.topovizPlane.cut(view, T.cut(meta)); });
  };

  /* The points of B's latent alone, A's on their way among them. */
  T.drawMorph = function () {
    T.atFrame("morph", () => T.planes(true));
  };

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    overlay: {
      arrived: function (live) {
        if (live) { T.state.live = live; T.atFrame("planes", () => T.planes()); }
        return window.dash_clientside.no_update;
      },
    },
  });
})();
