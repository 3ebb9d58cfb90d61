/* The log of edits, one a pair of models, kept in this browser alone: what, when, by whom, what came of it, and a person's
   note. It leaves only in a session file and in the record that are saved. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const PREFIX = "topoviz-log ", BY = "topoviz-by";
  const MOST = { entries: 500, characters: 400000, pairs: 20, text: 600, note: 500, by: 80 };
  const TOGETHER = 3000;
  const KINDS = ["edit", "undo", "redo", "jump", "open"];
  // A verdict's word in logs of earlier versions.
  const FORMER = { undetermined: "not determined" };
  const SETTINGS = { method: "method", family: "family", simplify: "simplify" };
  let log = null, shown = null, cause = null, expected = null, before = null, pending = null;

  // ---------------------------------------------------------------- words
  const line = (text, most) => String(text).replace(/[\p{C}\p{Z}]+/gu, " ").trim().slice(0, most);
  const listed = (name) => ((document.getElementById("log-list") || { dataset: {} }).dataset[name] || "").split(",").filter(Boolean);
  const fields = () => listed("fields");
  const edits = (session) => Object.fromEntries(fields().filter((key) => key in session).map((key) => [key, session[key]]));
  const same = (x, y) => JSON.stringify(x) === JSON.stringify(y);
  const minus = (some, others) => (some || []).filter(([a, b]) => !(others || []).some(([c, d]) => a === c && b === d));

  function called(state, side, id) {
    const info = T.info({ side, id });
    const own = !info || info.leaf ? `${side.toUpperCase()}${T.leafNumber(id)}` : `an inner node of ${side.toUpperCase()}`;
    const name = (state[`names_${side}`] || {})[id];
    return name ? `‘${name.text}’ (${own})` : own;
  }

  function pairs(state, list, joint) {
    const told = list.slice(0, 4).map(([a, b]) => `${called(state, "a", a)} ${joint} ${called(state, "b", b)}`).join(", ");
    return list.length > 4 ? `${told} and ${list.length - 4} more` : told;
  }

  /* What changed between two states, in words. */
  function words(old, now) {
    if (old.model_a !== now.model_a || old.model_b !== now.model_b) return `opened ${now.model_a} and ${now.model_b}`;
    const told = [];
    const linked = minus(now.pins, old.pins);
    const gone = minus(old.pins, now.pins).filter(([a, b]) => !linked.some(([c, d]) => a === c || b === d));
    const banned = minus(now.bans, old.bans), allowed = minus(old.bans, now.bans);
    if (linked.length) told.push(`linked ${pairs(now, linked, "to")}`);
    const rejected = gone.filter(([a, b]) => banned.some(([c, d]) => a === c && b === d));
    const undone = minus(gone, rejected);
    if (undone.length) told.push(`took back ${pairs(old, undone, "–")}`);
    if (banned.length) told.push(`banned ${pairs(now, banned, "–")}`);
    const freed = minus(allowed, linked);
    if (freed.length) told.push(`allowed ${pairs(now, freed, "–")} again`);
    for (const side of ["a", "b"]) told.push(...renamed(old, now, side));
    for (const [key, word] of Object.entries(SETTINGS)) if (!same(old[key], now[key])) told.push(`${word} ${old[key]} → ${now[key]}`);
    if (old.complete !== now.complete) told.push(now.complete ? "completed the rest" : "left the rest alone");
    const known = new Set(["model_a", "model_b", "pins", "bans", "names_a", "names_b", "complete", ...Object.keys(SETTINGS)]);
    for (const key of Object.keys(now)) if (!known.has(key) && !same(old[key], now[key])) told.push(`changed ${key.replaceAll("_", " ")}`);
    return told.join("; ") || "changed nothing";
  }

  function renamed(old, now, side) {
    const [was, is] = [old[`names_${side}`] || {}, now[`names_${side}`] || {}];
    const ids = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((id) => !same(was[id], is[id]));
    const bare = (id) => called({}, side, Number(id));
    return ids.slice(0, 4).map((id) => (is[id] ? `named ${bare(id)} ‘${is[id].text}’` : `took the name ‘${was[id].text}’ from ${bare(id)}`));
  }

  // The one pair that a step is about, to be lit.
  function pairOf(old, now) {
    const some = [...minus(now.pins, old.pins), ...minus(now.bans, old.bans), ...minus(old.pins, now.pins), ...minus(old.bans, now.bans)];
    return some[0] || null;
  }

  // ---------------------------------------------------------------- what an edit brought about
  const pairsNow = () => { const trees = T.trees(); return trees ? trees.links.map(({ a, b }) => [a, b]) : null; };

  function effect(old, now) {
    if (!old || !now) return {};
    const made = {};
    if (old.trust && now.trust) made.trust = [old.trust, now.trust];
    made.kept = [old.pairs.length, old.pairs.length - minus(old.pairs, now.pairs).length];
    if (Number.isFinite(old.score) && Number.isFinite(now.score) && old.score !== null && now.score !== null) made.score = [old.score, now.score];
    return made;
  }

  function told({ trust, kept, score }) {
    const two = (value) => value.toFixed(2).replace("-", "−");
    const parts = [];
    if (trust) parts.push(trust[0] === trust[1] ? trust[0] : `${trust[0]} → ${trust[1]}`);
    if (kept) parts.push(`${kept[1]} of ${kept[0]} pairs kept`);
    if (score) parts.push(`score ${two(score[0])} → ${two(score[1])}`);
    return parts.join("; ");
  }

  // ---------------------------------------------------------------- keeping it
  const place = (state) => PREFIX + JSON.stringify([state.model_a, state.model_b]);
  const two = (value, right) => Array.isArray(value) && value.length === 2 && value.every(right);

  /* An entry as it may be kept: what a person or another page put there is not taken on trust. */
  function clean(entry) {
    const is = (value, pattern) => typeof value === "string" && pattern.test(value);
    const plain = entry && typeof entry === "object" && entry.state && typeof entry.state === "object" && !Array.isArray(entry.state);
    if (!plain || !is(entry.id, /^[a-z0-9-]{1,40}$/) || !is(entry.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/) || !KINDS.includes(entry.kind)) return null;
    const { trust: words, kept, score } = entry.effect || {};
    const came = {}, known = listed("verdicts");
    const trust = Array.isArray(words) ? words.map((word) => FORMER[word] || word) : null;
    if (two(trust, (word) => known.includes(word))) came.trust = trust;
    if (two(kept, (count) => Number.isInteger(count) && count >= 0 && count <= 1e6)) came.kept = kept;
    if (two(score, (value) => Number.isFinite(value) && Math.abs(value) < 1e9)) came.score = score;
    const { id, time, kind } = entry;
    const text = line(entry.text || "", MOST.text), note = line(entry.note || "", MOST.note), by = line(entry.by || "", MOST.by);
    return { id, time, by, kind, text, note, effect: came, state: edits(entry.state) };
  }

  function read(key) {
    try {
      const kept = JSON.parse(window.localStorage.getItem(key));
      const entries = (kept.entries || []).map(clean).filter(Boolean);
      return { entries, dropped: Number.isInteger(kept.dropped) && kept.dropped >= 0 ? kept.dropped : 0 };
    } catch {
      return { entries: [], dropped: 0 };
    }
  }

  function write() {
    if (!log) return;
    const drop = (count) => { log.entries.splice(0, count); log.dropped += count; };
    if (log.entries.length > MOST.entries) drop(log.entries.length - MOST.entries);
    let text = JSON.stringify({ ...log, used: Date.now() });
    while (text.length > MOST.characters && log.entries.length > 1) {
      drop(Math.ceil(log.entries.length / 10));
      text = JSON.stringify({ ...log, used: Date.now() });
    }
    try {
      if (!window.localStorage.getItem(log.key)) forget();
      window.localStorage.setItem(log.key, text);
    } catch {
      // The log goes on in this page; where there is no room, or none is allowed, a reload forgets it.
    }
  }

  // The logs of the pairs of models that were looked at last stay.
  function forget() {
    const kept = Object.keys(window.localStorage).filter((key) => key.startsWith(PREFIX));
    const used = (key) => { try { return JSON.parse(window.localStorage.getItem(key)).used || 0; } catch { return 0; } };
    kept.sort((x, y) => used(y) - used(x)).slice(MOST.pairs - 1).forEach((key) => window.localStorage.removeItem(key));
  }

  function author() {
    try { return line(window.localStorage.getItem(BY) || "", MOST.by); } catch { return ""; }
  }

  // ---------------------------------------------------------------- writing entries
  function add(kind, text, state, came) {
    const id = `${Date.now().toString(36)}-${Math.floor(Math.random() * 1e6).toString(36)}`;
    log.entries.push({ id, time: new Date().toISOString(), by: author(), kind, text: line(text, MOST.text), note: "", effect: came, state });
  }

  // A slider that is dragged makes one entry, not twenty.
  function joined(kind, old, now) {
    const [previous, last] = log.entries.slice(-2);
    const only = Object.keys(now).filter((key) => !same(old[key], now[key]));
    if (kind !== "edit" || !last || last.kind !== "edit" || last.note || only.length !== 1 || !(only[0] in SETTINGS)) return false;
    const apart = Date.now() - Date.parse(last.time);
    if (!previous || apart > TOGETHER || !same(Object.keys(now).filter((key) => !same(previous.state[key], last.state[key])), only)) return false;
    Object.assign(last, { state: now, text: line(words(previous.state, now), MOST.text), time: new Date().toISOString() });
    return true;
  }

  /* What came of the last edit, once its verdict is there; where the next edit is faster, without the verdict. */
  function settle(found) {
    if (!pending) return;
    const { entry, old, pairs } = pending;
    pending = null;
    before = pairs && { pairs, trust: found ? found.word : null, score: found ? found.score : null };
    if (entry) { entry.effect = effect(old, before); write(); draw(); }
  }

  /* The verdict of a session has come. */
  function judged(found) {
    if (!shown || !same(shown.now, edits(found.session))) return;
    if (pending) settle(found);
    else before = { pairs: pairsNow() || [], trust: found.word, score: found.score };
  }

  function kindOf(old, now) {
    const moved = [now.past.length - old.past, now.future.length - old.future];
    if (cause) return "jump";
    if (moved[0] === -1 && moved[1] === 1) return "undo";
    return moved[0] === 1 && moved[1] === -1 ? "redo" : "edit";
  }

  /* The history has come back from the server: what it says that happened is written down. */
  function seen(stored) {
    const { now: session, past, future } = stored.history;
    const now = edits(session);
    const old = shown;
    const other = !old || !same(old.now, now);
    if (other) settle();
    shown = { now, past: past.length, future: future.length };
    const key = place(now);
    let entry = null;
    if (!log || log.key !== key) {
      log = { key, ...read(key) };
      adopt(now);
      const last = log.entries[log.entries.length - 1];
      if (!last || !same(last.state, now)) { add("open", `opened ${now.model_a} and ${now.model_b}`, now, {}); write(); }
      before = null;
    } else if (other) {
      const kind = kindOf(old, stored.history);
      const came = adopt(now);
      const text = { undo: () => `undid: ${words(now, old.now)}`, redo: () => `redid: ${words(old.now, now)}`, jump: () => `went back to ${cause}`, edit: () => words(old.now, now) }[kind]();
      if (came || !joined(kind, old.now, now)) add(came ? "open" : kind, came || text, now, {});
      entry = log.entries[log.entries.length - 1];
      write();
    } else adopt(now);
    cause = null;
    if (other) pending = { entry, old: before, pairs: pairsNow() };
    draw();
  }

  /* The log of a session file joins the one that is here, once the server has taken the session. */
  function adopt(now) {
    if (!expected) return null;
    const { state, entries, dropped, name } = expected;
    expected = null;
    if (Object.keys(state).some((key) => !same(state[key], now[key]))) return null;
    const here = new Set(log.entries.map((entry) => entry.id));
    log.entries.push(...entries.filter((entry) => !here.has(entry.id)));
    log.entries.sort((x, y) => Date.parse(x.time) - Date.parse(y.time));
    log.dropped = Math.max(log.dropped, dropped);
    write();
    return `opened ${name}`;
  }

  // ---------------------------------------------------------------- showing it
  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function row(entry, old, current) {
    const pair = old && pairOf(old.state, entry.state);
    const when = new Date(entry.time);
    const time = element("time", { datetime: entry.time, title: when.toLocaleString() }, when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }));
    const back = element("button", { class: "chip", "data-back": entry.id, "aria-label": `Go back to: ${entry.text}` }, "Go back");
    back.hidden = current;
    const note = element("input", { class: "note", maxlength: MOST.note, placeholder: "Add a note", "aria-label": `Note on: ${entry.text}`, "data-note": entry.id });
    note.value = entry.note;
    const head = element("div", { class: "log-what" }, time, element("span", { class: "log-text" }, entry.text), back);
    const came = told(entry.effect);
    const below = element("div", { class: "log-came" }, [came, entry.by].filter(Boolean).join(" · "));
    const lit = pair ? { "data-a": pair[0], "data-b": pair[1] } : {};
    return element("li", { ...lit, class: current ? "current" : "", "data-entry": entry.id }, head, ...(came || entry.by ? [below] : []), note);
  }

  function draw() {
    const list = document.getElementById("log-list");
    if (!list || !log || document.getElementById("log").hidden) return;
    whoseName();
    const typing = document.activeElement && list.contains(document.activeElement) && document.activeElement.dataset.note;
    const draft = typing ? document.activeElement.value : "";
    const now = shown && log.entries.findLast((entry) => same(entry.state, shown.now));
    list.replaceChildren(...log.entries.map((entry, at) => row(entry, log.entries[at - 1], entry === now)).reverse());
    if (log.dropped) list.append(element("li", { class: "hint" }, `${log.dropped} older edits found no room.`));
    document.getElementById("log-empty").hidden = log.entries.length > 0;
    const field = typing && list.querySelector(`[data-note="${typing}"]`);
    if (field) { field.value = draft; field.focus(); }
  }

  function whoseName() {
    const hold = document.getElementById("log-by-place");
    if (hold.firstChild) return;
    const field = element("input", { id: "log-by", class: "note", maxlength: MOST.by, placeholder: "optional", autocomplete: "name" });
    field.value = author();
    field.addEventListener("change", () => { try { window.localStorage.setItem(BY, line(field.value, MOST.by)); } catch { /* as long as the page */ } });
    hold.append(field);
  }

  document.addEventListener("change", (event) => {
    const entry = event.target.dataset && event.target.dataset.note && log.entries.find((one) => one.id === event.target.dataset.note);
    if (!entry) return;
    entry.note = line(event.target.value, MOST.note);
    write();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches && event.target.matches("[data-note], #log-by")) event.target.blur();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-back]");
    const entry = button && log.entries.find((one) => one.id === button.dataset.back);
    if (!entry) return;
    cause = `${new Date(entry.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })}, ${entry.text}`;
    T.emit({ type: "load-session", session: { ...T.session(), ...entry.state, alternative: 0, selection: null } });
  });

  T.log = {
    seen,
    judged,
    draw,
    /* The log to put in a file, nothing where it is empty. */
    current: () => (log && log.entries.length ? { entries: log.entries, dropped: log.dropped } : undefined),
    /* A session file is being opened: its log is taken over when the server takes its session. */
    expect: (document, name) => {
      const { log: kept, ...session } = document && typeof document === "object" ? document : {};
      const entries = (kept && Array.isArray(kept.entries) ? kept.entries : []).slice(-MOST.entries).map(clean).filter(Boolean);
      const dropped = kept && Number.isInteger(kept.dropped) && kept.dropped > 0 ? kept.dropped : 0;
      expected = { state: edits(session), entries, dropped, name: line(name, 80) };
    },
  };
})();
