/* The tabs of the third block: going through suggestions by key, pairs that are only proposed lit like links, another match to
   compare with. What a tab shows is asked of the server only while it is open, from the session of that moment alone. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const LIT_TABS = new Set(["suggestions", "comparison"]);
  const all = (selector) => [...document.querySelectorAll(selector)];
  // Rows that were skipped, and those whose answer is on its way.
  const skipped = new Set(), answered = new Set();
  let hold = null, deaf = 0;

  // ---------------------------------------------------------------- tabs
  function open(tab, focus) {
    for (const one of all("#curation [role=tab]")) {
      const on = one === tab;
      one.setAttribute("aria-selected", String(on));
      one.tabIndex = on ? 0 : -1;
      document.getElementById(one.dataset.tab).hidden = !on;
    }
    if (focus) tab.focus();
    window.dash_clientside.set_props("curation-tab", { data: tab.dataset.tab });
    if (tab.dataset.tab === "log" && T.log) T.log.draw();
    if (tab.dataset.tab === "meaning") T.meaning.draw();
  }

  T.openTab = (name, focus = false) => open(document.getElementById(`tab-${name}`), focus);

  function onTab(event) {
    const tabs = all("#curation [role=tab]");
    const at = tabs.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return false;
    open(tabs[(to + tabs.length) % tabs.length], true);
    return true;
  }

  // ---------------------------------------------------------------- the list of suggestions
  const rows = () => all(".suggestions > li").filter((row) => !row.hidden);
  const pairKey = (row) => [...["model_a", "model_b"].map((key) => (T.session() || {})[key]), row.dataset.question].join("\n");

  function leave(row, where) {
    const next = rows()[rows().indexOf(row) + 1] || rows()[rows().indexOf(row) - 1];
    where.add(pairKey(row));
    hide();
    if (next) next.focus();
    else document.querySelector("#tab-suggestions").focus();
  }

  function hide() {
    let count = 0;
    for (const row of all(".suggestions > li")) {
      const away = skipped.has(pairKey(row));
      row.hidden = away || answered.has(pairKey(row));
      count += away ? 1 : 0;
    }
    rove();
    const button = document.querySelector("[data-skipped]");
    if (!button) return;
    button.hidden = !count;
    const text = `Show the ${count} skipped`;
    if (button.textContent !== text) button.textContent = text;
  }

  // One stop for the whole list: the row with the focus, else the first.
  function rove() {
    const held = document.activeElement && document.activeElement.closest(".suggestions > li");
    const stop = held && !held.hidden ? held : rows()[0];
    for (const row of all(".suggestions > li")) row.tabIndex = row === stop ? 0 : -1;
  }

  function onList(event) {
    const row = event.target.closest(".suggestions > li");
    const at = rows().indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows().length - 1 }[event.key];
    if (to !== undefined) {
      if (rows()[to]) rows()[to].focus();
      if (hold !== null && rows()[to]) hold = rows()[to].dataset.question;
      return true;
    }
    const across = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (across) {
      const stops = [row, ...row.querySelectorAll("button")];
      const next = stops[stops.indexOf(event.target) + across];
      if (next) next.focus();
      return true;
    }
    const answer = !event.ctrlKey && !event.metaKey && !event.altKey && row.querySelector(`[data-answer="${CSS.escape(event.key.toLowerCase())}"]`);
    if (answer && performance.now() > deaf) answer.click();
    return Boolean(answer);
  }

  // After an answer the list is new: the focus goes to what decides most now, or stays where a person has gone meanwhile.
  function keepPlace() {
    answered.clear();
    hide();
    if (hold === null || document.querySelector("#suggestions").hidden) return;
    const to = rows().find((row) => row.dataset.question === hold) || rows()[0] || document.querySelector("#tab-suggestions");
    hold = null;
    to.focus();
    rove();
    // A key that was meant for another question answers none.
    deaf = performance.now() + 300;
  }

  const watch = new MutationObserver((changes) => {
    const inside = ({ target }) => (target.closest ? target : target.parentElement || document.body).closest("[data-skipped]");
    if (!changes.every(inside)) keepPlace();
  });

  // ---------------------------------------------------------------- proposed pairs are lit as links are
  function proposed({ a, b }) {
    const row = document.querySelector(`#curation li[data-a="${a}"][data-b="${b}"]`);
    if (!row) return null;
    const share = Number(row.dataset.share);
    const word = row.dataset.share === undefined ? "not linked here" : "suggested";
    return { a, b, proposed: true, pinned: false, new: false, confidence: Number.isFinite(share) ? share : 0, word, terms: [], x: [], y: [], color: "currentColor" };
  }

  function alsoProposed() {
    const present = T.linkAt;
    T.linkAt = (pair) => present(pair) || proposed(pair);
  }

  // ---------------------------------------------------------------- another match to compare with
  function compareWith(other) {
    T.other = other;
    const name = document.getElementById("compare-name");
    name.textContent = name.title = other ? other.name : "";
    document.querySelector("[data-compare=drop]").hidden = !other;
    window.dash_clientside.set_props("curation-other", { data: other && { serial: (T.state.serial += 1) } });
  }

  function loadOther() {
    const field = document.createElement("input");
    field.type = "file";
    field.accept = ".json,application/json";
    field.addEventListener("change", async () => {
      const file = field.files[0];
      if (!file) return;
      try {
        const { log: _, ...session } = JSON.parse(await file.text());
        compareWith({ name: file.name, session });
      } catch {
        window.dash_clientside.set_props("compared", { children: `${file.name} is not a session: it is no JSON. Save one with Save, then load that.` });
      }
    });
    field.click();
  }

  function onCompare(what) {
    if (what === "load") loadOther();
    if (what === "keep") compareWith({ name: `the match of ${new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })}`, session: T.session() });
    if (what === "drop") compareWith(null);
  }

  function begin() {
    T.state.curating = true;
    alsoProposed();
    watch.observe(document.getElementById("suggestions"), { childList: true, characterData: true, attributeFilter: ["data-question"], subtree: true });
  }

  // ---------------------------------------------------------------- listeners, before those of the page at large
  document.addEventListener("focusin", (event) => { if (event.target.closest && event.target.closest(".suggestions > li")) rove(); });

  document.addEventListener("keydown", (event) => {
    const from = event.target;
    if (!from.closest) return;
    const done = (from.matches("#curation [role=tab]") && onTab(event)) || (from.closest(".suggestions > li") && onList(event));
    if (done) { event.preventDefault(); event.stopPropagation(); }
  }, true);

  document.addEventListener("click", (event) => {
    const from = event.target;
    if (!from.closest) return;
    const tab = from.closest("#curation [role=tab]");
    if (tab) open(tab);
    const answer = from.closest(".suggestions [data-answer]");
    if (answer) {
      leave(answer.closest("li"), answer.dataset.answer === "s" ? skipped : answered);
      if (answer.dataset.answer !== "s") hold = "";
    }
    if (from.closest("[data-skipped]")) { skipped.clear(); hide(); if (rows()[0]) rows()[0].focus(); }
    const compare = from.closest("[data-compare]");
    if (compare) onCompare(compare.dataset.compare);
  });

  // ---------------------------------------------------------------- what Dash calls
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    curation: {
      asked: function (stored, tab) {
        const keep = window.dash_clientside.no_update;
        if (!stored) return keep;
        if (!T.state.curating) begin();
        const by = window.dash_clientside.callback_context.triggered.map((one) => one.prop_id.split(".")[0]);
        if (by.includes("history") && T.log) T.log.seen(stored);
        if (!LIT_TABS.has(tab)) return keep;
        const other = tab === "comparison" && T.other ? T.other.session : null;
        return { tab, session: stored.history.now, theme: stored.theme, other };
      },
      judged: function (found) {
        if (found && T.log) T.log.judged(found);
        T.findings();
        return window.dash_clientside.no_update;
      },
    },
  });
})();
