/* The server's answer to an event: the trees first, at once; the rest of the page when they are on the screen. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});

  T.take = function ({ stored, trees }) {
    // A slider that has moved on meanwhile is ahead of this answer.
    const ahead = (name) => T.state.queue.some((event) => event.type === `set-${name}`);
    T.state.stored = stored;
    T.state.morph = undefined;
    if (!ahead("level")) T.state.level = undefined;
    T.state.link = null;
    locate(stored);
    if (trees) T.showTrees(trees);
    T.mark();
    T.drawLevel();
    T.card();
    T.atFrame("planes", () => T.planes());
    requestAnimationFrame(() => {
      T.brush.check();
      T.brush.draw();
      T.travel.check();
      // What is on the screen now comes first; the rest of the page follows it.
      setTimeout(() => {
        window.dash_clientside.set_props("history", { data: stored });
        for (const name of ["level", "simplify", "morph"]) {
          const slider = document.getElementById(name), value = T.session()[name];
          if (slider && Number(slider.value) !== value && !ahead(name)) window.dash_clientside.set_props(name, { value });
        }
        T.findings();
        T.meaning.check();
        forget();
      });
    });
  };

  /* Dash keeps what its stores held before each change, without end, for an undo of its own that is not in use here. */
  function forget() {
    for (const store of window.dash_stores || []) store.getState().history.past.length = 0;
  }

  /* The session as the page's address; an address that could not be opened stays one step back. */
  function locate({ query, history: { now } }) {
    const asked = new URLSearchParams(window.location.search);
    const unopened = asked.has("a") && !T.state.opened && (asked.get("a") !== now.model_a || asked.get("b") !== now.model_b);
    T.state.opened = true;
    window.history[unopened ? "pushState" : "replaceState"](null, "", `${window.location.pathname}?${query}`);
  }
})();
