/* Curating a tree by hand: merge, split and hide the node in hand, find nodes by name, walk by arrow keys. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const element = (id) => document.getElementById(id);
  let at = -1;

  // ---------------------------------------------------------------- merge, split, hide
  const inTree = (side, id) => T.info({ side, id });

  /* The joining that merging a node makes a leaf of: itself, or what a leaf hangs on; the root stays a tree. */
  function mergeable(n) {
    const target = n && (n.leaf ? inTree(n.side, n.up) : n);
    return target && target.up !== null ? target : null;
  }

  const hideable = (n) => n && n.up !== null && T.trees().nodes.filter((m) => m.side === n.side && m.leaf).length > n.leaves;
  const hiddenCount = () => { const s = T.session(); return s ? (s.hidden_a || []).length + (s.hidden_b || []).length : 0; };

  /* The one leaf that a merged branch becomes. */
  function highest(n) {
    const above = (m) => (m.down.length ? m.down.flatMap((id) => above(inTree(m.side, id))) : [m]);
    return above(n).reduce((best, leaf) => (leaf.level > best.level || (leaf.level === best.level && leaf.id < best.id) ? leaf : best));
  }

  function merge(n) {
    const target = mergeable(n);
    if (!target) return;
    const stays = highest(target);
    T.emit({ type: "merge", side: n.side, node: target.id });
    T.emit({ type: "select", side: n.side, node: stays.id });
    tell(`${target.leaves} leaves are one, ${stays.label}`);
  }

  function split(n) {
    if (!n || !n.opens) return;
    T.emit({ type: "split", side: n.side, node: n.opens });
    tell(`${n.label || "The branch"} is split`);
  }

  function hide(n) {
    if (!hideable(n)) return;
    // A merged branch goes by its saddle: by its leaf another leaf of it would come in its place.
    T.emit({ type: "hide", side: n.side, node: n.merged ? n.opens : n.id });
    if (n.merged) T.emit({ type: "clear-selection" });
    tell(`${n.label || `A branch of ${n.leaves} leaves`} is hidden`);
  }

  function showAll() {
    if (!hiddenCount()) return;
    T.emit({ type: "show-all" });
    tell("All nodes are shown");
  }

  function tell(text) { const place = element("tree-said"); if (place) place.textContent = text; }

  /* What the buttons can do with the node in hand. */
  T.tools = function () {
    const all = T.trees();
    const n = all && T.info(T.chosen());
    const target = mergeable(n);
    const able = {
      "tree-merge": [Boolean(target), target ? `Make one leaf of ${target.leaves} (C)` : "Make one leaf of the branch in hand (C)"],
      "tree-split": [Boolean(n && n.opens), n && n.opens ? (n.merged ? "Take the merging back (S)" : `Split off the strongest of ${n.inside} dissolved leaves (S)`) : "Split the node in hand where leaves have dissolved into it (S)"],
      "tree-hide": [Boolean(hideable(n)), "Leave the node in hand out of tree and matching (H)"],
    };
    for (const [id, [on, title]] of Object.entries(able)) {
      const button = element(id);
      if (button) { button.disabled = !on; button.title = title; }
    }
    const show = element("tree-show"), count = hiddenCount();
    if (!show) return;
    show.disabled = !count;
    show.textContent = count ? `Show ${count}` : "Show";
    show.title = count ? `Show what is hidden: ${count} (Shift+H)` : "Nothing is hidden (Shift+H)";
  };

  const acts = {
    "tree-merge": () => merge(T.info(T.chosen())), "tree-split": () => split(T.info(T.chosen())), "tree-hide": () => hide(T.info(T.chosen())), "tree-show": showAll,
    "tree-in": () => T.zoomBy(1.6), "tree-out": () => T.zoomBy(1 / 1.6), "tree-fit": () => T.fitTrees(), "tree-order": () => T.untangle(),
  };
  const keys = { c: "tree-merge", s: "tree-split", h: "tree-hide", "+": "tree-in", "=": "tree-in", "-": "tree-out", "0": "tree-fit", o: "tree-order" };

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest(".tree-tools button");
    if (button && acts[button.id]) acts[button.id]();
  });

  document.addEventListener("dblclick", (event) => { if (T.overTrees(event) && !T.under(event)) T.fitTrees(); });

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "range" && !event.target.readOnly;
    if (typing || event.ctrlKey || event.metaKey || event.altKey || T.inDialog() || !T.trees()) return;
    if (event.key === "/" && element("tree-find")) { event.preventDefault(); element("tree-find").focus(); element("tree-find").select(); return; }
    if (event.key === "H") return void showAll();
    const tree = event.target.closest && event.target.closest("[role=tree]");
    if (tree && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); return void enter(tree.id.slice(-1)); }
    if (event.key === "PageDown" || event.key === "PageUp") {
      if (tree) { event.preventDefault(); T.panTrees(event.key === "PageDown" ? 120 : -120, true); }
      return undefined;
    }
    const act = keys[event.key];
    if (act) { event.preventDefault(); acts[act](); }
    return undefined;
  });

  /* Enter on a tree opens the closed branch in hand, else takes the node that the keys are at in hand. */
  function enter(side) {
    const held = T.info(T.chosen());
    if (held && held.side === side && held.closed) return T.openBranch(held);
    const root = T.trees().nodes.find((n) => n.side === side && n.up === null);
    return held && held.side === side ? undefined : T.emit({ type: "select", side, node: root.id });
  }

  // ---------------------------------------------------------------- arrow keys
  /* Arrow keys walk what is shown of the tree in hand: inward to a child, at a leaf to its match, outward to the parent. */
  T.walk = function (event) {
    const all = T.trees();
    const tree = event.target.closest && event.target.closest("[role=tree]");
    const side = tree ? tree.id.slice(-1) : null;
    const held = T.info(T.chosen());
    const root = all && all.nodes.find((n) => n.side === (side || "a") && n.up === null);
    const node = held && (!side || held.side === side) ? held : root;
    if (!node) return undefined;
    event.preventDefault();
    if (node !== held) return T.emit({ type: "select", side: node.side, node: node.id });
    const inward = node.side === "a" ? "ArrowRight" : "ArrowLeft";
    const outward = node.side === "a" ? "ArrowLeft" : "ArrowRight";
    const across = all.nodes.filter((n) => n.side === node.side && n.shown && n.tip === node.tip).sort((m, n) => m.y - n.y || m.x - n.x);
    const here = across.findIndex((n) => n.id === node.id);
    let next = null;
    if (event.key === outward && node.up !== null) next = { side: node.side, id: node.up };
    if (event.key === inward && node.closed) return T.openBranch(node);
    if (event.key === inward) next = node.down.length ? { side: node.side, id: node.down[0] } : T.partner(node);
    if (event.key === "ArrowDown" && across[here + 1]) next = across[here + 1];
    if (event.key === "ArrowUp" && across[here - 1]) next = across[here - 1];
    if (!next) return undefined;
    T.reveal(next);
    return T.emit({ type: "select", side: next.side, node: next.id });
  };

  // ---------------------------------------------------------------- finding
  const number = (n) => (n.leaf ? T.leafNumber(n.id) : null);

  /* Leaves of that number, with or without their tree's letter, and nodes whose name holds the words. */
  function hits(text) {
    const words = text.trim().toLowerCase();
    const plain = words.match(/^([ab]?)(\d+)$/);
    if (!words || !T.trees()) return [];
    const fits = (n) => {
      const usual = n.leaf ? `${n.side}${number(n)}` : "";
      if (plain && n.leaf && number(n) === Number(plain[2]) && (!plain[1] || plain[1] === n.side)) return true;
      const label = n.label.toLowerCase();
      return Boolean(label) && (plain || label === usual ? label !== usual && label.includes(words) : label.includes(words)) || (!plain && Boolean(usual) && usual.includes(words));
    };
    return T.trees().nodes.filter(fits).sort((n, m) => n.side.localeCompare(m.side) || n.y - m.y);
  }

  function look() {
    const field = element("tree-find");
    T.state.found = hits(field.value);
    at = -1;
    count();
    T.mark();
  }

  function count() {
    const found = T.state.found || [];
    const place = element("tree-found"), { value } = element("tree-find");
    place.textContent = !value.trim() ? "" : !found.length ? "none" : at < 0 ? String(found.length) : `${at + 1} of ${found.length}`;
  }

  function step(by) {
    const found = T.state.found || [];
    if (!found.length) return;
    at = (at + by + found.length) % found.length;
    const n = found[at];
    count();
    T.reveal(n);
    T.emit({ type: "select", side: n.side, node: n.id });
  }

  function leave(field) {
    window.dash_clientside.set_props("tree-find", { value: "" });
    field.value = "";
    look();
    field.blur();
  }

  document.addEventListener("input", (event) => { if (event.target.id === "tree-find") look(); });

  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "tree-find") return;
    if (event.key === "Enter") { event.preventDefault(); step(event.shiftKey ? -1 : 1); }
    if (event.key === "Escape") { event.preventDefault(); leave(event.target); }
  });

  // New facts hold new nodes: what is found is found again.
  T.findAgain = function () {
    const field = element("tree-find");
    if (!field || !field.value.trim()) { T.state.found = []; return; }
    T.state.found = hits(field.value);
    at = Math.min(at, T.state.found.length - 1);
    count();
  };
})();
