/* One level across both trees: a line in each with a grip, the slider in the header, the contour in both latents. The line and
   the contour follow the hand at once; the server's meshes follow as fast as they come. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const STEP = 0.01, PAGE = 0.1;
  const grip = (side) => document.getElementById(`grip-${side}`);

  // The height as a share: 0 the floor, 1 the peak.
  const height = () => (T.state.level === undefined ? T.session().level : T.state.level);

  /* Where the line stands across the trees' figure. */
  T.levelAt = function (side) {
    const m = T.trees();
    return side === "a" ? m.width * height() : m.end - m.width * height();
  };

  /* `own` where the slider itself moved: it must not be set back while it is dragged. */
  T.setLevel = function (share, own = false) {
    const level = Math.round(100 * Math.max(0, Math.min(1, share))) / 100;
    if (level === height()) return;
    T.state.level = level;
    T.atFrame("level", T.drawLevel);
    T.drawCut();
    if (!own) window.dash_clientside.set_props("level", { value: level });
    T.emit({ type: "set-level", level });
  };

  // Branches that the level cuts: the connected parts of the superlevel set.
  function cut(m, side, level) {
    const nodes = m.nodes.filter((n) => n.side === side);
    const of = Object.fromEntries(nodes.map((n) => [n.id, n]));
    return nodes.filter((n) => n.level > level && (n.up === null || of[n.up].level <= level));
  }

  function lit() {
    const focus = document.activeElement && document.activeElement.id;
    return Boolean(T.state.dragging || (T.state.hover && T.state.hover.level) || ["grip-a", "grip-b", "level"].includes(focus));
  }

  T.drawLevel = function () {
    const plane = T.plane("trees");
    const m = T.trees();
    if (!plane || !m || !T.session()) return;
    const add = window.topovizPlane.add;
    const svg = window.topovizPlane.layer(plane.host, "svg", "level");
    const level = (1 - height()) * m.floor;
    // All that is measured comes before all that is drawn: the page is laid out once.
    const tall = plane.host.clientHeight, corners = { a: corner("a", plane.host), b: corner("b", plane.host) };
    svg.replaceChildren();
    svg.classList.toggle("lit", lit());
    for (const side of ["a", "b"]) {
      const x = plane.x(T.levelAt(side));
      add(svg, "line", { x1: x, x2: x, y1: 0, y2: tall });
      const parts = cut(m, side, level);
      for (const n of parts) add(svg, "circle", { cx: x, cy: plane.y(n.y), r: m.crowded ? 1.8 : 3 });
      const holes = m.holes.filter((h) => h.side === side && h.top > level && h.bottom < level).length;
      place(side, corners[side], x, m.floor, level, `${parts.length} part${parts.length === 1 ? "" : "s"}${holes ? `, ${holes} hole${holes === 1 ? "" : "s"}` : ""}`);
    }
    for (const regions of document.querySelectorAll("svg.regions")) regions.classList.toggle("lit", lit());
  };

  /* Where a grip stands at the left end of the trees. */
  function corner(side, host) {
    const handle = grip(side);
    if (!handle) return null;
    const [own, panel] = [host.getBoundingClientRect(), handle.offsetParent.getBoundingClientRect()];
    return { left: own.left - panel.left, top: own.top - panel.top + handle.offsetHeight + 1 };
  }

  function place(side, at, x, floor, level, parts) {
    if (!at) return;
    const handle = grip(side);
    const nats = level.toFixed(1).replace("-", "−");
    handle.querySelector("b").textContent = `${nats} nats`;
    handle.querySelector("span").textContent = parts;
    handle.style.left = `${at.left + x}px`;
    handle.style.top = `${at.top}px`;
    const now = { valuemin: floor.toFixed(2), valuemax: "0", valuenow: level.toFixed(2), valuetext: `${nats} nats under the peak: ${parts}` };
    for (const [name, value] of Object.entries(now)) handle.setAttribute(`aria-${name}`, value);
  }

  // ---------------------------------------------------------------- by hand
  const share = (side, event) => {
    const plane = T.plane("trees");
    const m = T.trees();
    const x = plane.valueX(event.clientX - plane.host.getBoundingClientRect().left);
    return side === "a" ? x / m.width : (m.end - x) / m.width;
  };

  document.addEventListener("pointerdown", (event) => {
    if (event.button || !event.target.closest) return;
    const handle = event.target.closest(".grip");
    const found = handle ? { level: handle.id.slice(-1) } : T.under(event);
    if (!found || !found.level) return;
    T.state.dragging = found.level;
    T.drawLevel();
  }, true);

  document.addEventListener("pointermove", (event) => { if (T.state.dragging) T.setLevel(share(T.state.dragging, event)); }, true);

  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => { if (T.state.dragging) { T.state.dragging = null; T.drawLevel(); } }, true);
  }

  for (const change of ["focusin", "focusout"]) {
    document.addEventListener(change, (event) => { if (event.target.matches(".grip, #level")) requestAnimationFrame(T.drawLevel); });
  }

  /* Arrow keys move the line the way they point; up is always towards the peak. Says whether the key was one of these. */
  T.levelKey = function (event) {
    const handle = event.target.closest(".grip");
    if (!handle) return false;
    const right = handle.id === "grip-a" ? STEP : -STEP;
    const moves = { ArrowRight: right, ArrowLeft: -right, ArrowUp: STEP, ArrowDown: -STEP, PageUp: PAGE, PageDown: -PAGE, Home: -1, End: 1 };
    if (!(event.key in moves)) return false;
    event.preventDefault();
    T.setLevel(height() + moves[event.key]);
    return true;
  };
})();
