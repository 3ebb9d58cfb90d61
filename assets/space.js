/* A side's points, asked of the server once and kept, and where a place of the input's view is on the screen. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const KEPT = 12;
  const answers = new Map();
  const waiting = [];
  let asked = null, serial = 0, guard = null;

  /* Float32 or Int32 values of a packed array. */
  T.unpacked = function (packed) {
    if (!packed) return null;
    if (!packed.values) {
      const buffer = Uint8Array.from(atob(packed.bdata), (c) => c.charCodeAt(0)).buffer;
      packed.values = packed.dtype === "f4" ? new Float32Array(buffer) : new Int32Array(buffer);
    }
    return packed.values;
  };

  // What of a session the points depend on.
  function science(session) {
    const { selection, level, morph, names_a: namesA, names_b: namesB, ...rest } = session;
    return rest;
  }

  const keyOf = (kind, side) => JSON.stringify([kind, side, kind === "journey" ? [T.session()[`model_${side}`], T.session().simplify] : science(T.session())]);

  /* The points of a side ("cloud" or "journey"), null while they are not here. */
  T.points = (kind, side) => (T.session() && answers.get(keyOf(kind, side))) || null;

  /* Calls `done` with them, at once where they are here. */
  T.withPoints = function (kind, side, done) {
    if (!T.session()) return;
    const key = keyOf(kind, side);
    if (answers.has(key)) { done(answers.get(key)); return; }
    waiting.push({ kind, side, key, done, session: T.session() });
    ask();
  };

  // One at a time: of two questions at once Dash would drop the first answer.
  function ask() {
    if (asked || !waiting.length) return;
    asked = waiting[0].key;
    serial += 1;
    const { kind, side, key, session } = waiting[0];
    window.dash_clientside.set_props("clouds-wanted", { data: { kind, side, key, session, serial } });
    clearTimeout(guard);
    guard = setTimeout(() => { waiting.splice(0, waiting.length, ...waiting.filter((one) => one.key !== asked)); asked = null; ask(); }, 15000);
  }

  window.dash_clientside = Object.assign(window.dash_clientside || {}, {
    topovizPoints: {
      taken: function (answer) {
        if (answer) {
          clearTimeout(guard);
          answers.set(answer.key, answer.points);
          while (answers.size > KEPT) answers.delete(answers.keys().next().value);
          const served = waiting.filter((one) => one.key === answer.key);
          waiting.splice(0, waiting.length, ...waiting.filter((one) => one.key !== answer.key));
          asked = null;
          for (const { done } of served) done(answer.points);
          ask();
        }
        return window.dash_clientside.no_update;
      },
    },
  });

  // ---------------------------------------------------------------- from the input's view to the screen
  function times(m, n) {
    const out = new Float64Array(16);
    for (let c = 0; c < 4; c += 1) for (let r = 0; r < 4; r += 1) for (let k = 0; k < 4; k += 1) out[4 * c + r] += m[4 * k + r] * n[4 * c + k];
    return out;
  }

  /* How a side's input view looks at space: `across`, `up` and `toward` the person (in places' own axes), `project(x, y, z)` to pixels of
     the panel and depth (0 near), `key`, which changes with the view. Null while there is no such view. */
  T.space = function (side) {
    const gd = T.plot(`surface-${side}`);
    const scene = gd && gd._fullLayout && gd._fullLayout.scene && gd._fullLayout.scene._scene;
    const { clientWidth: width, clientHeight: height } = gd || {};
    if (!gd || !width) return null;
    const camera = scene && scene.glplot && gd.data && gd.data.length ? scene.glplot.cameraParams : null;
    if (!camera) return plain(side, gd, width, height);
    const [sx, sy, sz] = scene.dataScale;
    const { view } = camera;
    const m = times(camera.projection, times(view, camera.model));
    const project = (x, y, z) => {
      const [a, b, c] = [x * sx, y * sy, z * sz];
      const w = m[3] * a + m[7] * b + m[11] * c + m[15];
      const at = (row) => (m[row] * a + m[4 + row] * b + m[8 + row] * c + m[12 + row]) / w;
      return [(width * (1 + at(0))) / 2, (height * (1 - at(1))) / 2, w];
    };
    const row = (at) => [view[at], view[4 + at], view[8 + at]];
    return { gd, width, height, project, across: row(0), up: row(1), toward: row(2), key: `${Array.from(m, (v) => v.toFixed(4))} ${width} ${height}` };
  };

  // A view without meshes has no camera: straight from the front, as wide as the points are.
  function plain(side, gd, width, height) {
    const cloud = T.points("cloud", side);
    const places = cloud && T.unpacked(cloud.space);
    let reach = 1e-9;
    if (places) for (let i = 0; i < places.length; i += 3) reach = Math.max(reach, Math.abs(places[i]), Math.abs(places[i + 1]));
    const scale = (0.42 * Math.min(width, height)) / reach;
    const project = (x, y, z) => [width / 2 + scale * x, height / 2 - scale * y, 10 - z / reach];
    return { gd, width, height, project, across: [1, 0, 0], up: [0, 1, 0], toward: [0, 0, 1], key: `plain ${scale} ${width} ${height}` };
  }

  /* A clear canvas of a graph's panel, in CSS pixels. */
  T.board = function (gd, name) {
    const board = window.topovizPlane.layer(gd, "canvas", name);
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(gd.clientWidth * ratio), Math.round(gd.clientHeight * ratio)];
    if (board.width !== width || board.height !== height) { board.width = width; board.height = height; }
    const pen = board.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, gd.clientWidth, gd.clientHeight);
    return pen;
  };

  T.calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  T.color = (side, id) => { const n = T.info({ side, id }); return n ? n.color : T.ink("--soft"); };
  T.ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
})();
