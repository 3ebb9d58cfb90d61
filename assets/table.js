/* The table of matches: a grid that is walked by arrow keys, sorted, filtered and edited from the keyboard; leaves that are left out are rows
   too, to be linked by typing a partner's name. The server says what is in it (`data-grid`); rows out of sight are not made. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const ROW = 26, WHOLE = 50, SPARE = 6, PAGE = 10, OFFERED = 60;
  const HEADS = [["a", "A"], ["b", "B"], ["sure", "sure"], ["off", "off by"]];
  const LAST = 5;
  const other = (side) => (side === "a" ? "b" : "a");
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  // `at` is where the focus stands or would come in: a row's key, "head" for the headings, and a cell, -1 for the whole row.
  const state = { shown: "", data: null, rows: [], sort: null, down: false, filter: "", at: { key: null, cell: -1 }, edit: null };
  let filter = null;

  const home = () => document.getElementById("match-grid");

  function made(tag, className, attributes, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // ---------------------------------------------------------------- rows
  const keyOf = (row) => `${row.a === undefined ? "" : row.a}-${row.b === undefined ? "" : row.b}`;
  const matched = (row) => row.a !== undefined && row.b !== undefined;
  const sideOf = (row) => (row.a === undefined ? "b" : "a");
  const text = (row, side) => (row[side] === undefined ? "" : row[side === "a" ? "A" : "B"]);

  function arranged() {
    const { data, sort, down, filter: wanted } = state;
    const found = [...data.rows, ...data.left].filter((row) => [text(row, "a"), text(row, "b")].some((label) => label.toLowerCase().includes(wanted.toLowerCase())));
    if (!sort) return found;
    const value = { sure: (row) => row.sure ?? -1, off: (row) => (row.off === null ? Infinity : row.off) }[sort];
    const by = value ? (p, q) => value(p) - value(q) : (p, q) => words.compare(text(p, sort), text(q, sort));
    const ordered = (rows) => rows.map((row, i) => [row, i]).sort(([p, i], [q, j]) => (down ? -1 : 1) * by(p, q) || i - j).map(([row]) => row);
    return [...ordered(found.filter(matched)), ...ordered(found.filter((row) => !matched(row)))];
  }

  function label(row, side) {
    const name = text(row, side);
    return row.carried && row.carried.includes(side) ? made("i", "", {}, name) : name;
  }

  function cells(row) {
    const dot = made("span", "dot", { style: `background:${row.color}` });
    if (!matched(row)) {
      const side = sideOf(row);
      const find = made("button", "chip", { type: "button", tabindex: -1, "data-partner": "" }, "link…");
      find.setAttribute("aria-label", `Link ${text(row, side)} to a leaf of ${other(side).toUpperCase()}`);
      const own = made("td", "", {}, label(row, side)), away = made("td", "alone", {}, "left out");
      const pair = side === "a" ? [own, away] : [away, own];
      pair[0].prepend(dot, " ");
      return [...pair, made("td", "number"), made("td", "off", { title: "mass" }, made("span", "mass", {}, `mass ${(100 * row.mass).toFixed(1)} %`)), made("td", "act", {}, find), made("td", "act")];
    }
    const far = made("span", "bar", { style: `width:${Math.round((26 * (row.off || 0)) / state.data.widest)}px;background:${row.color}` });
    const pin = made("button", row.pinned ? "chip on" : "chip", { type: "button", tabindex: -1, "data-event": row.pinned ? "unlink" : "link", "data-a": row.a, "data-b": row.b }, row.pinned ? "pinned" : "pin");
    const ban = made("button", "chip", { type: "button", tabindex: -1, "data-event": "ban", "data-a": row.a, "data-b": row.b }, "ban");
    const second = made("td", "", {}, label(row, "b"));
    if (row.was) second.append(made("span", "was", {}, ` ${row.was}`));
    return [
      made("td", "", {}, dot, " ", label(row, "a")), second, made("td", "number", { title: row.word }, row.sure === null ? "" : row.sure.toFixed(2)),
      made("td", "off", { title: "how far the global matrix carries A's mean from B's, in B's deviations" }, far, made("span", "number", {}, row.off === null ? "" : row.off.toFixed(2))),
      made("td", "act", {}, pin), made("td", "act", {}, ban),
    ];
  }

  function line(row, index) {
    const tr = made("tr", row.was ? "new" : "", { role: "row", tabindex: -1, "aria-rowindex": index + 2, "data-key": keyOf(row), "data-a": row.a, "data-b": row.b });
    cells(row).forEach((td, at) => {
      td.setAttribute("role", "gridcell");
      td.dataset.cell = at;
      if (!td.querySelector("button")) td.tabIndex = -1;
      tr.append(td);
    });
    return tr;
  }

  function heads() {
    const tr = made("tr", "", { role: "row", "aria-rowindex": 1 });
    HEADS.forEach(([key, word], at) => {
      const mark = state.sort === key ? (state.down ? " ▾" : " ▴") : "";
      const button = made("button", "sort", { type: "button", tabindex: -1, "data-sort-by": key }, word + mark);
      const sorted = state.sort === key ? (state.down ? "descending" : "ascending") : "none";
      tr.append(made("th", "", { role: "columnheader", scope: "col", "aria-sort": sorted, "data-cell": at }, button));
    });
    tr.append(made("td", "pins", { role: "gridcell" }), made("td", "bans", { role: "gridcell" }));
    return made("thead", "", { role: "rowgroup" }, tr);
  }

  // ---------------------------------------------------------------- drawing
  function draw() {
    const box = home();
    if (!box || !state.data) return;
    const held = state.focused && !state.edit;
    state.rows = arranged();
    let scroller = box.querySelector(":scope > .grid-scroll");
    if (!scroller) {
      scroller = made("div", "grid-scroll");
      scroller.addEventListener("scroll", () => requestAnimationFrame(window_));
      new ResizeObserver(() => requestAnimationFrame(window_)).observe(scroller);
      box.replaceChildren(scroller);
    }
    const top = scroller.scrollTop;
    const table = made("table", "matches", { role: "grid", "aria-label": "Matches", "aria-rowcount": state.rows.length + 1, "aria-describedby": "grid-help" });
    table.append(heads(), made("tbody", "", { role: "rowgroup" }));
    scroller.replaceChildren(table);
    if (!state.rows.length) scroller.append(made("p", "hint", {}, state.filter ? `No leaf is called “${state.filter}”.` : "Nothing is matched."));
    scroller.scrollTop = top;
    state.from = state.to = -1;
    // Twice: only with its rows in it has the grid its height.
    window_();
    window_();
    place(held);
  }

  // The rows in sight, and what holds the place of the rest.
  function window_() {
    const scroller = home() && home().querySelector(":scope > .grid-scroll"), body = scroller && scroller.querySelector("tbody");
    if (!body || state.edit) return;
    const n = state.rows.length;
    let [from, to] = [0, n];
    if (n > WHOLE) {
      from = Math.max(0, Math.floor(scroller.scrollTop / ROW) - SPARE);
      to = Math.min(n, Math.ceil((scroller.scrollTop + (scroller.clientHeight || 300)) / ROW) + SPARE);
      const held = state.rows.findIndex((row) => keyOf(row) === state.at.key);
      if (body.contains(document.activeElement) && held >= 0) { from = Math.min(from, held); to = Math.max(to, held + 1); }
    }
    if (from === state.from && to === state.to) return;
    const focused = body.contains(document.activeElement);
    [state.from, state.to] = [from, to];
    const gap = (rows) => made("tr", "gap", { "aria-hidden": "true", style: `height:${rows * ROW}px` });
    const rows = state.rows.slice(from, to).map((row, i) => line(row, from + i));
    body.replaceChildren(...(from ? [gap(from)] : []), ...rows, ...(to < n ? [gap(n - to)] : []));
    if (T.state.hover || (T.state.stored && T.chosen())) T.mark();
    place(focused);
  }

  const rowAt = (key) => home() && home().querySelector(`tr[data-key="${key}"]`);

  /* The element that stands for `at`, null where it is out of sight. */
  function element({ key, cell }) {
    if (key === "head") return home().querySelector(`th[data-cell="${Math.max(0, Math.min(cell, HEADS.length - 1))}"] button`);
    const tr = rowAt(key);
    if (!tr || cell < 0) return tr;
    const td = tr.querySelector(`td[data-cell="${cell}"]`);
    return td.querySelector("button") || td;
  }

  // One stop for Tab: where the focus was, or the first row. A row that is gone leaves it to one that shares a leaf, else to its neighbor.
  function place(focus) {
    const { at, rows } = state;
    if (at.key !== "head" && !rows.some((row) => keyOf(row) === at.key)) {
      const [a, b] = (at.key || "-").split("-");
      const kin = rows.find((row) => (a && String(row.a) === a) || (b && String(row.b) === b)) || rows[Math.min(at.index || 0, rows.length - 1)];
      at.key = kin ? keyOf(kin) : "head";
    }
    at.index = rows.findIndex((row) => keyOf(row) === at.key);
    for (const old of home().querySelectorAll("[tabindex='0']")) old.tabIndex = -1;
    const now = element(at);
    if (!now) return;
    now.tabIndex = 0;
    if (focus && document.activeElement !== now) now.focus({ preventScroll: at.key !== "head" && state.rows.length > WHOLE });
  }

  function go(key, cell) {
    state.at = { key, cell: key === "head" ? Math.max(0, Math.min(cell, HEADS.length - 1)) : cell };
    const scroller = home().querySelector(".grid-scroll");
    const index = state.rows.findIndex((row) => keyOf(row) === key);
    if (index >= 0) {
      const [top, room] = [index * ROW, scroller.clientHeight - ROW];
      if (top < scroller.scrollTop) scroller.scrollTop = top;
      else if (top + ROW > scroller.scrollTop + room) scroller.scrollTop = top + ROW - room;
      if (!rowAt(key)) { state.from = -1; window_(); }
    }
    place(true);
  }

  function sortBy(key) {
    if (state.sort !== key) [state.sort, state.down] = [key, false];
    else if (!state.down) state.down = true;
    else [state.sort, state.down] = [null, false];
    state.at = { key: "head", cell: HEADS.findIndex(([name]) => name === key) };
    draw();
    place(true);
  }

  // ---------------------------------------------------------------- edits in place
  function finish(focus = true) {
    const { edit } = state;
    if (!edit) return;
    state.edit = null;
    if (edit.list) edit.list.remove();
    draw();
    if (focus) place(true);
  }

  function field(row, cell, attributes, again) {
    const td = rowAt(keyOf(row)).querySelector(`td[data-cell="${cell}"]`);
    const input = made("input", "cell-field", { type: "text", autocomplete: "off", ...attributes });
    state.edit = { key: keyOf(row), input, again };
    td.replaceChildren(input);
    input.addEventListener("blur", () => setTimeout(() => { if (state.edit && state.edit.input === input) finish(false); }, 0));
    input.focus();
    return input;
  }

  // The grid was replaced under a person's hands: what is typed goes on in the new one.
  function resume() {
    const { edit } = state;
    if (edit.list) edit.list.remove();
    state.edit = null;
    draw();
    const row = state.rows.find((one) => keyOf(one) === edit.key);
    if (!row || !rowAt(edit.key)) { place(true); return; }
    const input = edit.again(row);
    input.value = edit.input.value;
    input.dispatchEvent(new Event("input"));
  }

  function rename(row, side) {
    const name = text(row, side);
    const input = field(row, side === "a" ? 0 : 1, { "aria-label": `Name of ${name}`, maxlength: 80, placeholder: name }, (now) => rename(now, side));
    const own = T.session()[`names_${side}`][String(row[side])];
    input.value = own ? own.text : row.carried && row.carried.includes(side) ? name : "";
    input.select();
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key !== "Enter" && event.key !== "Escape") return;
      if (event.key === "Enter") T.emit({ type: "rename", side, node: row[side], text: input.value.trim() });
      event.preventDefault();
      finish();
    });
    return input;
  }

  function partner(row) {
    const side = sideOf(row), away = other(side), name = text(row, side);
    const input = field(row, side === "a" ? 1 : 0, { role: "combobox", "aria-label": `Partner of ${name} in ${away.toUpperCase()}`, "aria-expanded": "true", "aria-controls": "partners", "aria-autocomplete": "list", placeholder: `leaf of ${away.toUpperCase()}` }, partner);
    const list = made("ul", "partners", { id: "partners", role: "listbox", "aria-label": `Leaves of ${away.toUpperCase()}` });
    state.edit.list = list;
    document.querySelector("main").append(list);
    const free = [...state.data.leaves[away]].sort((p, q) => Number(p.matched) - Number(q.matched) || words.compare(p.label, q.label));
    let offered = [], at = 0;
    const show = () => {
      offered = free.filter((leaf) => leaf.label.toLowerCase().includes(input.value.trim().toLowerCase()) && leaf.id !== row[away]).slice(0, OFFERED);
      at = Math.max(0, Math.min(at, offered.length - 1));
      list.replaceChildren(...offered.map((leaf, i) => made("li", i === at ? "on" : "", { role: "option", id: `partner-${i}`, "aria-selected": i === at },
        made("span", "dot", { style: `background:${leaf.color}` }), ` ${leaf.label}`, made("span", "was", {}, leaf.matched ? " matched" : " left out"))));
      if (!offered.length) list.append(made("li", "none", {}, `no leaf of ${away.toUpperCase()} is called that`));
      const box = input.getBoundingClientRect();
      list.style.left = `${Math.min(box.left, window.innerWidth - 190)}px`;
      const room = Math.min(220, list.scrollHeight + 4);
      list.style.top = `${box.bottom + room > window.innerHeight ? box.top - room - 2 : box.bottom + 2}px`;
      if (offered.length) { input.setAttribute("aria-activedescendant", `partner-${at}`); list.children[at].scrollIntoView({ block: "nearest" }); } else input.removeAttribute("aria-activedescendant");
      if (offered.length) T.hover({ node: { side: away, id: offered[at].id } }, input);
    };
    const take = (leaf) => {
      if (leaf) T.emit({ type: "link", a: side === "a" ? row.a : leaf.id, b: side === "a" ? leaf.id : row.b });
      finish();
    };
    input.addEventListener("input", () => { at = 0; show(); });
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && offered.length) { at = (at + step + offered.length) % offered.length; show(); }
      else if (event.key === "Enter") take(offered[at]);
      else if (event.key === "Escape") finish();
      else return;
      event.preventDefault();
    });
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const item = event.target.closest("[role=option]");
      if (item) take(offered[[...list.children].indexOf(item)]);
    });
    show();
    return input;
  }

  // ---------------------------------------------------------------- keys
  function pin(row) {
    if (matched(row)) T.emit({ type: row.pinned ? "unlink" : "link", a: row.a, b: row.b });
    else partner(row);
  }

  const ACTS = {
    p: (row) => pin(row),
    Delete: (row) => matched(row) && T.emit({ type: "ban", a: row.a, b: row.b }),
    Backspace: (row) => matched(row) && row.pinned && T.emit({ type: "unlink", a: row.a, b: row.b }),
    r: (row, side) => rename(row, side),
    F2: (row, side) => rename(row, side),
    l: (row) => partner(row),
    b: (row, side) => T.brush.node({ side, id: row[side] }),
    Enter: (row, side) => T.choose({ side, id: row[side] }),
  };

  function pressed(event) {
    if (state.edit || event.ctrlKey || event.metaKey || event.altKey || !event.target.closest("#match-grid")) return false;
    const { at, rows } = state;
    const here = at.key === "head" ? -1 : rows.findIndex((row) => keyOf(row) === at.key);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      const to = Math.min(rows.length - 1, Math.max(event.key === "ArrowUp" ? -1 : 0, here + moves[event.key]));
      go(to < 0 ? "head" : keyOf(rows[to]), at.cell);
      return true;
    }
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      go(at.key, Math.max(-1, Math.min(LAST, at.cell + (event.key === "ArrowRight" ? 1 : -1))));
      return true;
    }
    if (event.key === "/") { filter.focus(); return true; }
    if (here < 0 || (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " "))) return false;
    const act = ACTS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return false;
    const row = rows[here];
    const side = matched(row) && at.cell === 1 ? "b" : sideOf(row);
    act(row, side);
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (!pressed(event)) return;
    event.preventDefault();
    // Not for the page's own keys, which walk the trees.
    event.stopImmediatePropagation();
  }, true);

  // An answer of the server replaces the grid: its focus is kept for the next one, unless a person went elsewhere.
  document.addEventListener("focusout", () => setTimeout(() => {
    if (document.activeElement && document.activeElement !== document.body) state.focused = Boolean(document.activeElement.closest("#match-grid"));
  }, 0));
  document.addEventListener("pointerdown", (event) => { if (!event.target.closest("#match-grid, .partners")) state.focused = false; }, true);

  document.addEventListener("focusin", (event) => {
    state.focused = Boolean(event.target.closest("#match-grid"));
    const tr = event.target.closest("#match-grid tr");
    if (!tr || state.edit) return;
    const cell = event.target.closest("[data-cell]");
    const key = tr.dataset.key || "head";
    if (state.at.key === key && state.at.cell === (cell ? Number(cell.dataset.cell) : -1)) return;
    state.at = { key, cell: cell ? Number(cell.dataset.cell) : -1 };
    place(false);
  });

  document.addEventListener("click", (event) => {
    const sorter = event.target.closest("#match-grid [data-sort-by]");
    const finder = event.target.closest("#match-grid [data-partner]");
    if (!sorter && !finder) return;
    event.stopImmediatePropagation();
    if (sorter) sortBy(sorter.dataset.sortBy);
    else partner(state.rows.find((row) => keyOf(row) === finder.closest("tr").dataset.key));
  }, true);

  // ---------------------------------------------------------------- what the server says
  function filterField() {
    filter = made("input", "grid-filter", { type: "text", placeholder: "find a name  /", "aria-label": "Find matches by name", autocomplete: "off", spellcheck: "false" });
    filter.addEventListener("input", () => { state.filter = filter.value.trim(); draw(); });
    filter.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") { filter.value = ""; state.filter = ""; draw(); }
      if ((event.key === "ArrowDown" || event.key === "Enter") && state.rows.length) { go(keyOf(state.rows[0]), -1); event.preventDefault(); }
    });
    return filter;
  }

  function look() {
    const spot = document.getElementById("match-filter");
    if (spot && !spot.childElementCount) spot.append(filter || filterField());
    const box = home();
    const now = box && box.dataset.grid;
    if (!now || (now === state.shown && box.childElementCount)) return;
    state.shown = now;
    state.data = JSON.parse(now);
    if (state.edit) resume();
    else draw();
  }

  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-grid"] });

  T.table = { state, draw, go };
})();
