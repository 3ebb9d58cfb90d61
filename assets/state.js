/* What all scripts share: what is hovered and held, how to find nodes and their partners, events to the server.
   Latents carry what is needed in `layout.meta`; the trees' facts are `T.trees()`. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  // `hover` is {node}, {link}, {hole}, {level} or null; `link` the link in hand; `level` and `morph` what a drag shows before the server knows.
  const state = { hover: null, link: null, stored: null, busy: false, queue: [], serial: 0, lit: "" };
  const STREAMS = new Set(["set-level", "set-simplify", "set-morph"]);
  // The server hears of a dragged level when the hand rests so many milliseconds, and in any case after so many: the meshes,
  // which hold up the page, follow then; all else is drawn here.
  const REST = 120, LONGEST = 1500;

  T.state = state;
  T.plot = (id) => document.querySelector(`#${id} .js-plotly-plot`) || document.querySelector(`#${id}.js-plotly-plot`);
  T.meta = (gd) => (gd && gd.layout && gd.layout.meta) || null;
  T.session = () => state.stored && state.stored.history.now;

  // ---------------------------------------------------------------- events to the server, one at a time
  T.emit = function (event) {
    const last = state.queue[state.queue.length - 1];
    if (last && STREAMS.has(event.type) && last.type === event.type) state.queue.pop();
    state.queue.push(event);
    if (event.type === "set-level") {
      state.moved = performance.now();
      if (!last || last.type !== event.type) state.sent = Math.max(state.sent || 0, state.moved - LONGEST + REST);
    }
    T.pump();
  };

  T.pump = function () {
    if (state.busy || !state.queue.length) return;
    const level = state.queue[0].type === "set-level";
    const now = performance.now();
    const early = level && state.queue.length === 1 ? Math.min(REST - (now - state.moved), LONGEST - (now - (state.sent || 0))) : 0;
    if (early > 0) { clearTimeout(state.pace); state.pace = setTimeout(T.pump, early); return; }
    if (level) state.sent = now;
    state.busy = true;
    ask(state.queue.shift());
  };

  /* An event goes out with the history that it is for; the answer is taken, or its one line of refusal told. */
  async function ask(event) {
    const asked = { event, theme: T.theme(), stored: state.stored, query: window.location.search };
    let answer;
    try {
      const got = await fetch("edit", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked) });
      answer = await got.json().catch(() => ({ error: `The app answered ${got.status}; reload the page.` }));
    } catch {
      return T.lost(event);
    }
    await state.page;
    state.busy = false;
    if (answer.stored) T.take(answer);
    // Refused: sliders that went ahead go back.
    else if (state.stored) T.take({ stored: state.stored, trees: null });
    tell(answer.error || answer.notice);
    return T.pump();
  }

  function tell(words) {
    if (words === state.told) return;
    state.told = words;
    window.dash_clientside.set_props("notice", { children: words });
  }

  /* The theme that a person chose last, which Dash keeps in the browser. */
  T.theme = function () {
    try {
      return document.documentElement.dataset.theme || JSON.parse(window.localStorage.getItem("theme")) || "light";
    } catch {
      return "light";
    }
  };

  // The page is there once Dash has called for its theme; the first question is out long before.
  state.page = new Promise((there) => { state.there = there; });
  T.emit({ type: "show" });

  /* Whether a dialog is open; one that is closed may stay in the page. */
  T.inDialog = () => [...document.querySelectorAll("[role=dialog]")].some((dialog) => dialog.checkVisibility());

  // ---------------------------------------------------------------- nodes, links and partners
  T.same = (x, y) => Boolean(x && y && x.side === y.side && x.id === y.id);

  T.info = function (node) {
    const all = T.trees();
    return all && node && all.nodes.find((n) => n.side === node.side && n.id === node.id);
  };

  /* The number of a leaf, by its id. */
  T.leafNumber = (id) => (id + 1) >> 1;

  T.linkAt = function ({ a, b }) {
    const all = T.trees();
    return (all && all.links.find((l) => l.a === a && l.b === b)) || null;
  };

  T.linkOf = function (node) {
    const all = T.trees();
    return (all && node && all.links.find((l) => l[node.side] === node.id)) || null;
  };

  T.partner = function (node) {
    const link = T.linkOf(node);
    const other = node && node.side === "a" ? "b" : "a";
    return link ? { side: other, id: link[other] } : null;
  };

  T.chosen = function () {
    const s = T.session() && T.session().selection;
    return s ? { side: s.side, id: s.node } : null;
  };

  T.hole = function (wanted) {
    const all = T.trees();
    return all && wanted && all.holes.find((h) => h.side === wanted.side && h.hole === wanted.hole);
  };

  // The latents that are planes, with what they carry.
  T.latents = function () {
    return ["a", "b"].map((side) => ({ side, view: T.plot(`latent-${side}`) }))
      .map(({ side, view }) => ({ side, view, meta: T.meta(view) }))
      .filter(({ view, meta: m }) => view && view._fullLayout && m && m.kind === "latent");
  };
})();
