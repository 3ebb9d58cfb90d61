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

  /* The boundary of the superlevel set as segments, x and y with gaps (marching squares; high corners are joined). */
  function contour({ values, shape: [nx, ny], x: [x0, x1], y: [y0, y1] }, level) {
    const [xs, ys] = [[], []];
    const [dx, dy] = [(x1 - x0) / (nx - 1), (y1 - y0) / (ny - 1)];
    const segment = (px, py, qx, qy) => {
      xs.push(x0 + px * dx, x0 + qx * dx, null);
      ys.push(y0 + py * dy, y0 + qy * dy, null);
    };
    for (let i = 0; i + 1 < nx; i += 1) {
      for (let j = 0; j + 1 < ny; j += 1) {
        const at = i * ny + j;
        const [a, b, c, d] = [values[at], values[at + ny], values[at + ny + 1], values[at + 1]];
        const kind = (a >= level) + 2 * (b >= level) + 4 * (c >= level) + 8 * (d >= level);
        if (kind === 0 || kind === 15) continue;
        const part = (low, high) => (level - low) / (high - low);
        const side = [() => [i + part(a, b), j], () => [i + 1, j + part(b, c)], () => [i + part(d, c), j + 1], () => [i, j + part(a, d)]];
        const ends = SIDES[kind];
        for (let k = 0; k < ends.length; k += 2) segment(...side[ends[k]](), ...side[ends[k + 1]]());
      }
    }
    return { x: xs, y: ys };
  }

  // The sides of a cell that its segments join: below, right, above, left; by which corners are inside, counted likewise.
  const SIDES = [[], [3, 0], [0, 1], [3, 1], [1, 2], [0, 1, 2, 3], [0, 2], [3, 2], [2, 3], [0, 2], [3, 0, 1, 2], [1, 2], [1, 3], [0, 1], [3, 0], []];

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

  /* A's points over B: those of the last answer, until the next one comes; none from other models. */
  T.overlay = function () {
    const { live } = T.state;
    const now = T.session();
    return live && now && live.models[0] === now.model_a && live.models[1] === now.model_b ? live.overlay : null;
  };

  const once = {};
  /* One drawing a frame, however many moves of the hand fall into it. */
  function atFrame(name, draw) {
    if (once[name]) return;
    once[name] = requestAnimationFrame(() => { once[name] = 0; draw(); });
  }

  /* The cuts alone, of both latents. */
  T.drawCut = function () {
    atFrame("cut", () => { for (const { view, meta } of T.latents()) window.topovizPlane.cut(view, T.cut(meta)); });
  };

  /* The points of B's latent alone, A's on their way among them. */
  T.drawMorph = function () {
    atFrame("morph", () => T.planes(true));
  };

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    overlay: {
      arrived: function (live) {
        if (live) { T.state.live = live; requestAnimationFrame(() => T.planes()); }
        return window.dash_clientside.no_update;
      },
    },
  });
})();
