/* The dialog of studies: a trial that is pointed at or focused lights up in chart and table and shows its card; a click or Enter
   opens it as A, with Shift as B. Each is an element with `data-trial` (its number) and `data-model` (the model's name, if any). */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const REST = 60, REACH = 18, AT_ONCE = 2;
  const dialog = () => document.getElementById("study-view");
  const inside = (event) => event.target.closest && event.target.closest("#study-view");
  let lit = null, timer = null;

  function look(trial) {
    if (trial === lit) return;
    lit = trial;
    mark();
    clearTimeout(timer);
    // Only where the pointer rests: the card comes from the server.
    timer = setTimeout(() => window.dash_clientside.set_props("study-trial", { data: Number(trial) }), REST);
  }

  function mark() {
    for (const old of dialog().querySelectorAll(".lit")) old.classList.remove("lit");
    for (const own of dialog().querySelectorAll(`[data-trial="${lit}"]`)) own.classList.add("lit");
  }

  function open(model, side) {
    const now = T.session();
    if (!model || !now) return;
    T.emit({ type: "choose-models", a: side === "a" ? model : now.model_a, b: side === "b" ? model : now.model_b });
    window.dash_clientside.set_props("study", { opened: false });
  }

  function sort(button) {
    const heading = button.closest("th").getAttribute("aria-sort");
    window.dash_clientside.set_props("study-order", { data: { key: button.dataset.sort, down: heading === "ascending" } });
  }

  // The trial that an event means. Points may cover each other: of those in reach the pointer means the nearest.
  function meant(event) {
    const plot = event.target.closest(".plot");
    if (!plot || !event.clientX) return event.target.closest("[data-trial]");
    const away = (point) => { const box = point.getBoundingClientRect(); return Math.hypot((box.left + box.right) / 2 - event.clientX, (box.top + box.bottom) / 2 - event.clientY); };
    const near = [...plot.querySelectorAll(".trial-point")].map((point) => [away(point), point]).filter(([far]) => far < REACH);
    return near.length ? near.reduce((p, q) => (q[0] < p[0] ? q : p))[1] : null;
  }

  for (const kind of ["pointermove", "focusin"]) {
    document.addEventListener(kind, (event) => {
      const trial = inside(event) && meant(event);
      const plot = inside(event) && event.target.closest(".plot");
      if (plot) plot.classList.toggle("pointing", Boolean(trial));
      if (trial) look(trial.dataset.trial);
    });
  }

  document.addEventListener("click", (event) => {
    if (!inside(event)) return undefined;
    const button = event.target.closest("[data-sort]");
    if (button) return sort(button);
    const way = event.target.closest("[data-open]");
    if (way) return open(way.dataset.model, way.dataset.open);
    const trial = meant(event);
    return trial ? open(trial.dataset.model, event.shiftKey ? "b" : "a") : undefined;
  });

  // Before the page's own keys, which walk the trees.
  document.addEventListener("keydown", (event) => {
    const here = inside(event) && event.target.matches("[data-trial]") ? event.target : null;
    if (!here) return;
    const next = event.key.startsWith("Arrow") ? neighbor(here, event.key) : null;
    if (next) next.focus();
    else if (event.key === "Enter" || event.key === " ") open(here.dataset.model, event.shiftKey ? "b" : "a");
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  function neighbor(here, key) {
    const along = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
    if (here.matches("tr")) return here.parentElement.rows[here.sectionRowIndex + along] || null;
    // Points: to the next across or up, whatever lies between.
    const across = key === "ArrowRight" || key === "ArrowLeft";
    const at = (point) => { const box = point.getBoundingClientRect(); return across ? [box.left, -box.top] : [box.top, box.left]; };
    const points = [...here.parentElement.querySelectorAll(".trial-point")].map((point) => ({ point, at: at(point) }));
    points.sort((p, q) => p.at[0] - q.at[0] || p.at[1] - q.at[1]);
    const next = points[points.findIndex(({ point }) => point === here) + along];
    if (!next) return null;
    here.tabIndex = -1;
    next.point.tabIndex = 0;
    return next.point;
  }

  // ---------------------------------------------------------------- lines across the rails
  function drawLines(box) {
    const make = (name, about) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(about)) element.setAttribute(key, value);
      return element;
    };
    const svg = make("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const { trial, model, points, color, best } of JSON.parse(box.dataset.lines)) {
      const group = make("g", { "data-trial": trial, "data-model": model || "", class: best ? "line best" : "line" });
      group.append(make("polyline", { points, class: "reach" }), make("polyline", { points, stroke: color }));
      svg.append(group);
    }
    box.drawn = box.dataset.lines;
    box.replaceChildren(svg);
  }

  // Trees are drawn by the server: only those in sight are asked for, and few at once, so that the card's comes through.
  const waiting = [];
  let asked = 0;

  function ask() {
    while (asked < AT_ONCE && waiting.length) {
      const image = waiting.shift();
      if (!image.isConnected) continue;
      asked += 1;
      image.onload = image.onerror = () => { asked -= 1; image.onload = image.onerror = null; ask(); };
      image.src = image.dataset.src;
    }
  }

  const sight = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      sight.unobserve(target);
      waiting.push(target);
    }
    ask();
  });

  function pictures() {
    for (const image of document.querySelectorAll("#study-table img[data-src]")) {
      if (image.shown === image.dataset.src) continue;
      image.shown = image.dataset.src;
      image.removeAttribute("src");
      sight.observe(image);
    }
  }

  new MutationObserver(() => {
    pictures();
    const box = document.getElementById("study-lines");
    if (box && box.drawn !== box.dataset.lines) drawLines(box);
    if (!dialog()) lit = null;
  }).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-src", "data-lines"] });
})();
