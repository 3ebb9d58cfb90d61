/* What each view shows, in words for those who do not see it: the name of each view follows the state, and one status line tells
   what an edit changed. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const REST = 350;
  let rest = null, told = "";

  const text = (selector) => { const found = document.querySelector(selector); return found ? found.textContent.trim().replace(/\s+/g, " ") : ""; };
  const count = (n, word) => `${n} ${n === 1 ? word : word === "leaf" ? "leaves" : `${word}s`}`;
  const percent = (share) => `${Math.round(100 * share)} %`;
  const leaves = (side) => T.trees().nodes.filter((n) => n.side === side && n.leaf);
  const cut = (side) => `the cut at ${text("#level-text")} leaves ${text(`#grip-${side} span`) || "no part"}`;

  function latent(side) {
    const all = leaves(side), heaviest = all.reduce((most, n) => (n.mass > most.mass ? n : most), all[0]);
    const heavy = heaviest ? `, the heaviest ${heaviest.label} with ${percent(heaviest.mass)}` : "";
    return `Latent density of ${side.toUpperCase()}: ${count(all.length, "leaf")}${heavy}; ${cut(side)}.`;
  }

  function surface(side) {
    const verdict = text(`#verdict-${side}`).replace(/^\W+/, "");
    return `Level set of the input density of ${side.toUpperCase()}, ${text(`#title-${side}`)}: ${cut(side)}${verdict ? `; the model: ${verdict}` : ""}.`;
  }

  function trees() {
    const { links } = T.trees(), [a, b] = ["a", "b"].map((side) => leaves(side));
    const own = new Set(a.map((n) => n.id));
    const matched = links.filter((l) => own.has(l.a)).length, pinned = links.filter((l) => l.pinned).length;
    const badge = document.querySelector("#trust .badge"), verdict = badge && badge.dataset.word;
    return `${matched} of ${count(a.length, "leaf")} of A and ${b.length} of B matched, ${pinned} by hand${verdict ? `; ${verdict}` : ""}.`;
  }

  function transform() {
    const found = document.querySelector("#transform > .matrix");
    const words = found ? text("#transform > .matrix + .words") || "fitted" : text("#transform > .hint");
    return [words, found && text("#score")].filter(Boolean).join("; ").replace(/\.$/, "");
  }

  function name(id, words) {
    const frame = document.querySelector(`#${id}`)?.closest(".graph-frame");
    if (frame && frame.getAttribute("aria-label") !== words) frame.setAttribute("aria-label", words);
  }

  function tell() {
    const status = document.getElementById("finding");
    if (!status || !T.session() || !T.trees()) return;
    const pair = trees();
    for (const side of ["a", "b"]) {
      name(`latent-${side}`, latent(side));
      name(`surface-${side}`, surface(side));
    }
    name("trees", `Level-set trees: ${pair}`);
    const now = `${pair} Transform A to B: ${transform() || "none"}.`;
    if (now !== told) status.textContent = told = now;
  }

  /* After an answer, once its views are drawn. */
  T.findings = () => { clearTimeout(rest); rest = setTimeout(tell, REST); };
})();
