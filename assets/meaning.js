/* What a node means: examples of what it holds, on both sides where it is matched, and what its branches separate. In the tab
   "Meaning" for the node in hand, or else the one last pointed at; small in the card beside the pointer. Asked for when looked at. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const SIDES = ["a", "b"], MOST = 120, REST = 80, LISTED = 3;
  const HINT = "Take a node in hand, or point at one: what its points look like is shown here, on both sides where it is matched.";
  const HOW = "No examples are kept with this model: train it with --examples FILE (pictures, texts or a table, one for each row).";
  // Answers by their question; models that keep no examples.
  const known = new Map(), bare = new Set();
  let drawn = "", pointed = null, last = "", chosen = false, timer = null;

  // ---------------------------------------------------------------- asking
  /* What is asked of a node: its model and how its tree is shown, not the match, so that no edit asks anew. */
  function question({ side, id }) {
    const now = T.session(), of = (what) => now[`${what}_${side}`];
    const session = { model_a: of("model"), model_b: of("model"), simplify: now.simplify, merged_a: of("merged"), split_a: of("split"), hidden_a: of("hidden") };
    return JSON.stringify({ session, side: "a", node: id });
  }

  /* Calls `then` once the answer is there; at once where it is known, never for a node that the tree no longer has. */
  function ask(node, then) {
    if (!T.info(node)) return undefined;
    const asked = question(node), found = known.get(asked);
    if (found && found.answer) return then();
    if (found) return found.then.push(then);
    const entry = { answer: null, then: [then] };
    known.set(asked, entry);
    while (known.size > MOST) known.delete(known.keys().next().value);
    return fetchAnswer(asked, entry, T.session()[`model_${node.side}`]);
  }

  async function fetchAnswer(asked, entry, model) {
    try {
      const got = await fetch("meaning", { method: "POST", headers: { "Content-Type": "application/json" }, body: asked });
      entry.answer = await got.json();
    } catch {
      known.delete(asked);
      return;
    }
    if (!entry.answer.error && !entry.answer.examples && entry.answer.held) bare.add(model);
    for (const then of entry.then.splice(0)) then();
  }

  const answerOf = (node) => { const found = node && known.get(question(node)); return (found && found.answer) || null; };
  const isBare = (node) => bare.has(T.session()[`model_${node.side}`]);

  /* A node and its partner, by side; inner nodes have partners too, though no link shows them. */
  function pair(node) {
    const other = node.side === "a" ? "b" : "a", mine = node.side === "a" ? 0 : 1;
    const inner = T.trees().inner.find((ids) => ids[mine] === node.id);
    return { [node.side]: node, [other]: T.partner(node) || (inner ? { side: other, id: inner[1 - mine] } : null) };
  }

  /* A node's name, or those of the leaves that it holds. */
  function title(node) {
    const own = T.info(node), leaves = [];
    if (!own) return "";
    if (own.label) return own.label;
    const todo = [...own.down];
    while (todo.length) {
      const n = T.info({ side: node.side, id: todo.pop() });
      if (n && n.leaf) leaves.push(n);
      if (n) todo.push(...n.down);
    }
    if (leaves.length > LISTED) return `${leaves.length} leaves`;
    return leaves.sort((p, q) => p.id - q.id).map((n) => n.label).join(" + ");
  }

  // ---------------------------------------------------------------- the tab
  const element = (...parts) => T.sheets.element(...parts);

  function heading(node) {
    const head = element("h3", "", title(node)), dot = element("span", "dot");
    dot.style.background = T.info(node).color;
    head.prepend(dot);
    return head;
  }

  /* One side: the node, or that there is none. */
  function half(side, node, other) {
    const told = answerOf(node), name = node && title(node);
    const part = element("section", told && told.separates ? "meaning-side separating" : "meaning-side");
    part.setAttribute("aria-label", node ? `What ${name} of ${side.toUpperCase()} means` : `Nothing of ${side.toUpperCase()}`);
    if (!node) {
      part.append(element("h3", "", side.toUpperCase()), element("p", "hint", `${T.info(other).leaf ? title(other) : "This branch"} has no partner in ${side.toUpperCase()}.`));
      return part;
    }
    part.append(heading(node));
    if (!told || told.error) {
      part.append(element("p", "hint problem", told ? told.error : ""));
      return part;
    }
    part.append(T.sheets.about(told));
    if (told.separates) part.append(...T.sheets.separates(told.separates, told.separates.branches.map((id) => title({ side, id }))), element("h4", "", "Examples"));
    if (told.problem) part.append(element("p", "hint problem", told.problem));
    else if (told.examples) part.append(T.sheets.whole(told.examples, name));
    else part.append(element("p", "hint", told.held ? HOW : "None of the sample's points lie in this node."));
    return part;
  }

  const panel = () => document.getElementById("meaning");
  const isOpen = () => Boolean(panel() && !panel().hidden);

  function fill(...parts) {
    const box = panel();
    if (!box) return;
    // It may scroll, and holds nothing else that takes the focus.
    box.tabIndex = 0;
    box.replaceChildren(...parts);
  }

  const looked = () => T.chosen() || (pointed && T.info(pointed) ? pointed : null);

  function draw() {
    if (!isOpen() || !T.session()) return;
    const node = looked();
    if (!node || !T.info(node)) { drawn = ""; fill(element("p", "hint", HINT)); return; }
    const both = pair(node), asked = SIDES.filter((side) => both[side]);
    const stamp = JSON.stringify(asked.map((side) => [question(both[side]), title(both[side]), T.info(both[side]).color]));
    if (stamp === drawn) return;
    if (!asked.every((side) => answerOf(both[side]))) {
      for (const side of asked) if (!answerOf(both[side])) ask(both[side], draw);
      return;
    }
    drawn = stamp;
    const sides = element("div", "meaning-sides");
    sides.append(...SIDES.map((side) => half(side, both[side], node)));
    fill(sides);
  }

  // ---------------------------------------------------------------- the card
  function hovered() {
    const { node, link } = T.state.hover || {};
    return link ? { side: "a", id: link.a } : node ? { side: node.side, id: node.id } : null;
  }

  /* The small sheets of a node and its partner, once they are there. */
  function card(node) {
    if (!T.session()) return null;
    const both = pair(node), asked = SIDES.filter((side) => both[side] && !isBare(both[side]));
    const missing = asked.filter((side) => !answerOf(both[side]));
    if (missing.length) {
      clearTimeout(timer);
      timer = setTimeout(() => { if (T.same(hovered(), node)) for (const side of missing) ask(both[side], T.card); }, REST);
    }
    const box = element("div", "card-sheets");
    box.setAttribute("aria-hidden", "true");
    for (const side of asked) {
      const told = answerOf(both[side]), sheet = told && told.examples && T.sheets.small(told.examples);
      if (!sheet) continue;
      const part = element("div");
      part.append(element("p", "card-sure", told.labels ? `${title(both[side])} · ${told.labels.name}` : title(both[side])), sheet);
      box.append(part);
    }
    return box.childElementCount ? box : null;
  }

  // ---------------------------------------------------------------- what others call
  /* The tab opens by itself for the first node in hand that has examples, until a person has chosen a tab. */
  function offer(node) {
    const stamp = JSON.stringify(node);
    if (stamp === last) return;
    last = stamp;
    if (!node || chosen || isOpen() || isBare(node)) return;
    ask(node, () => {
      const inside = document.activeElement && document.activeElement.closest("#curation"), told = answerOf(node);
      if (!chosen && !inside && told && told.examples && T.same(T.chosen(), node)) T.openTab("meaning");
    });
  }

  T.meaning = {
    draw, card,

    /* After an edit: another node in hand, another tree, another partner. */
    check: function () {
      draw();
      offer(T.chosen());
    },

    hovered: function () {
      const at = hovered();
      if (!at || T.same(at, pointed)) return;
      pointed = at;
      if (isOpen() && !T.chosen()) setTimeout(draw, REST);
    },
  };

  document.addEventListener("click", (event) => {
    if (event.isTrusted && event.target.closest && event.target.closest("#curation [role=tab]")) chosen = true;
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.target.closest && event.target.matches("#curation [role=tab]")) chosen = true;
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key.toLowerCase() !== "m" || typing || event.ctrlKey || event.metaKey || event.altKey || T.inDialog()) return;
    chosen = true;
    T.openTab("meaning", true);
  });
})();
