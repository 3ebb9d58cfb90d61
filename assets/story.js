/* The guided story: shows one step, opens its session, points at what it is about and notices when its task is done. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const KEPT = "topoviz-story", LEFT = "left";
  const SLIDE = 1800;
  const fresh = !window.location.search;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const box = () => document.getElementById("story");
  const steps = () => [...box().querySelectorAll("article")];
  let at = null, done = new Set(), sliding = 0;

  const kept = () => { try { return window.localStorage.getItem(KEPT); } catch { return null; } };
  const keep = (value) => { try { window.localStorage.setItem(KEPT, value); } catch { /* A browser may forbid it. */ } };

  const DONE = {
    travelled: () => T.travel.at("b") > 0.98,
    hovered: () => Boolean(T.state.hover && T.state.hover.node && T.partner(T.state.hover.node)),
    matched: (step) => T.session().complete && wanted(step).every((node) => T.partner(node)),
    seen: () => Boolean(document.querySelector("#trust:hover, #trust:focus-within")),
  };

  const wanted = (step) => JSON.parse(step.dataset.nodes).map(([side, id]) => ({ side, id }));

  /* Whether the page shows the two models that a step is about. */
  function there(step) {
    const session = JSON.parse(step.dataset.session), now = T.session();
    return Boolean(now) && now.model_a === session.model_a && now.model_b === session.model_b;
  }

  function show(index, open = true) {
    at = index;
    keep(String(at));
    const step = steps()[at];
    steps().forEach((other, k) => { other.hidden = k !== at; });
    box().hidden = false;
    document.querySelectorAll(".story-dot").forEach((dot, k) => {
      dot.setAttribute("aria-current", k === at ? "step" : "false");
      dot.classList.toggle("done", done.has(k));
    });
    box().querySelector("[data-story=back]").disabled = at === 0;
    box().querySelector("[data-story=next]").textContent = at === steps().length - 1 ? "Finish" : "Next";
    if (open && !(at === 0 && there(step))) T.emit({ type: "load-session", session: JSON.parse(step.dataset.session) });
    point();
    resize();
  }

  function leave() {
    at = null;
    keep(LEFT);
    box().hidden = true;
    point();
    resize();
    document.getElementById("tour").focus();
  }

  // The graphs under the story change their height with it.
  const resize = () => requestAnimationFrame(() => window.dispatchEvent(new Event("resize")));

  /* What the step is about is outlined, and its nodes are ringed. */
  function point() {
    for (const old of document.querySelectorAll(".story-look")) old.classList.remove("story-look");
    const step = at === null ? null : steps()[at];
    const look = step && document.querySelector(step.dataset.look);
    if (look) (look.closest(".panel, .block") || look).classList.add("story-look");
    T.state.shown = step && there(step) && !done.has(at) ? wanted(step) : [];
    if (T.trees()) T.mark();
  }

  function check() {
    if (at === null || done.has(at) || !T.session()) return;
    const step = steps()[at];
    if (there(step) && !T.state.shown.length && wanted(step).length) point();
    if (!there(step) || !DONE[step.dataset.done](step)) return;
    done.add(at);
    step.classList.add("done");
    document.querySelectorAll(".story-dot")[at].classList.add("done");
    point();
    if (step.dataset.done === "matched") slide();
  }

  /* A slides onto B. */
  function slide() {
    cancelAnimationFrame(sliding);
    const end = () => T.emit({ type: "set-morph", morph: 1 });
    if (still.matches) return end();
    const began = performance.now();
    const frame = (now) => {
      const share = Math.min(1, (now - began) / SLIDE);
      T.state.morph = share * share * (3 - 2 * share);
      T.planes();
      if (share < 1) sliding = requestAnimationFrame(frame); else end();
    };
    sliding = requestAnimationFrame(frame);
    return undefined;
  }

  function act(what) {
    if (what === "leave") return leave();
    if (what === "play") return T.travel.isOpen("b") ? T.travel.play("b") : T.travel.open("b");
    if (what === "back") return show(Math.max(0, at - 1));
    if (what === "next") return at === steps().length - 1 ? leave() : show(at + 1);
    return show(Number(what));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-story]");
    if (button) {
      act(button.dataset.story);
      // What was pressed may say another thing now: the new step is read from its start.
      if (at !== null && button.dataset.story !== "play") box().focus();
      return undefined;
    }
    if (event.target.closest("#tour")) { show(at === null ? 0 : at); box().focus(); }
    return undefined;
  });

  // The page comes some time after the script; a session that arrives may be the step's.
  let begun = false;
  setInterval(() => {
    if (!box() || !T.session || !T.session() || !T.trees()) return;
    if (!begun) {
      begun = true;
      const last = kept();
      if (box().dataset.auto === "true" && fresh && last !== LEFT) show(0, false);
      else if (!fresh && last !== null && last !== LEFT && steps()[Number(last)] && there(steps()[Number(last)])) show(Number(last), false);
    }
    check();
  }, 150);
})();
