/* What a node means: examples of what it holds, on both sides where it is matched, and what its branches separate. In the tab
   "Meaning" for the node in hand, or else the one last pointed at; small in the card beside the pointer. Asked for when looked at. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const SIDES = ["a", "b"], MOST = 120, REST = 80, IN_CARD = 8, COLUMNS = 3;
  const HINT = "Take a node in hand, or point at one: what its points look like is shown here, on both sides where it is matched.";
  const HOW = "No examples are kept with this model: train it with --examples FILE (pictures, texts or a table, one for each row).";
  const PICTURES = ["first", "difference", "second"];
  // Answers by their question; models in which nothing is to be seen on hovering.
  const known = new Map(), bare = new Set();
  let drawn = "", pointed = null, last = "", chosen = false, timer = null;

  // ---------------------------------------------------------------- asking
  const models = () => JSON.stringify([T.session().model_a, T.session().model_b]);

  /* A matched pair is one question, whichever of the two is looked at. */
  function question({ side, id }) {
    const link = side === "b" && T.linkOf({ side, id });
    const session = { ...T.session(), selection: null, level: 1, morph: 1 };
    return JSON.stringify({ session, side: link ? "a" : side, node: link ? link.a : id, theme: T.theme() });
  }

  function ask(node, then) {
    const asked = question(node), found = known.get(asked);
    if (found) return found.answer ? then(found.answer) : found.then.push(then);
    const entry = { answer: null, then: [then] };
    known.set(asked, entry);
    while (known.size > MOST) known.delete(known.keys().next().value);
    return fetchAnswer(asked, entry, models());
  }

  async function fetchAnswer(asked, entry, of) {
    let answer;
    try {
      const got = await fetch("meaning", { method: "POST", headers: { "Content-Type": "application/json" }, body: asked });
      answer = await got.json();
    } catch {
      known.delete(asked);
      return;
    }
    entry.answer = answer;
    if (answer.error) known.delete(asked);
    else if (SIDES.every((side) => !answer[side] || !answer[side].examples)) bare.add(of);
    for (const then of entry.then.splice(0)) then(answer);
  }

  // ---------------------------------------------------------------- parts of the page
  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function picture(source, alt, className) {
    const image = element("img", className);
    image.src = source;
    image.alt = alt;
    image.title = alt;
    image.draggable = false;
    return image;
  }

  function list(tag, className, items) {
    const made = element(tag, className);
    for (const item of items) {
      const line = element("li");
      line.append(item);
      made.append(line);
    }
    return made;
  }

  /* The first few columns; a row's title says all of them. */
  function table({ columns: all, rows }) {
    const columns = all.slice(0, COLUMNS), more = all.slice(COLUMNS);
    const made = element("table", "sheet-table"), head = element("tr");
    for (const name of columns) {
      const cell = element("th", "", name);
      cell.scope = "col";
      cell.title = name;
      head.append(cell);
    }
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      line.title = row.map((value, at) => `${all[at]}: ${value}`).join("\n");
      for (const value of row.slice(0, COLUMNS)) line.append(element("td", "", value));
      body.append(line);
    }
    const top = element("thead");
    top.append(head);
    made.append(top, body);
    if (more.length) made.append(element("caption", "hint", `and ${more.length} more: ${more.join(", ")}`));
    return made;
  }

  const SHEETS = {
    image: ({ images }) => list("ul", "sheet", images.map(({ src, alt }) => picture(src, alt))),
    text: ({ texts }) => list("ol", "sheet-texts", texts.map((text) => element("span", "", text))),
    table,
  };

  const count = (k) => k.toLocaleString("en");

  /* How many points it holds, and what most of them are. */
  function about({ held, labels }) {
    const line = element("p", "meaning-held"), points = `${count(held)} point${held === 1 ? "" : "s"}`;
    if (!labels) { line.textContent = points; return line; }
    const share = labels.share === null ? "median " : `${Math.round(100 * labels.share)} % `;
    line.append(element("b", "", `${share}${labels.column} ${labels.name}`.replaceAll(" ", "\u00a0")), ` of ${points.replace(" ", "\u00a0")}`);
    return line;
  }

  function heading(side, told) {
    const head = element("h3", "", told ? told.title : side.toUpperCase());
    if (told) {
      const dot = element("span", "dot");
      dot.style.background = told.color;
      head.prepend(dot);
    }
    return head;
  }

  function half(side, told, other) {
    const part = element("section", told && told.separates ? "meaning-side separating" : "meaning-side");
    part.setAttribute("aria-label", told ? `What ${told.title} of ${side.toUpperCase()} means` : `Nothing of ${side.toUpperCase()}`);
    part.append(heading(side, told));
    if (!told) {
      part.append(element("p", "hint", `${other.title} has no partner in ${side.toUpperCase()}.`));
      return part;
    }
    part.append(about(told));
    if (told.separates) part.append(...separates(told.separates), element("h4", "", "Examples"));
    if (told.problem) part.append(element("p", "hint problem", told.problem));
    else if (told.examples) part.append(SHEETS[told.examples.kind](told.examples));
    else part.append(element("p", "hint", HOW));
    return part;
  }

  // ---------------------------------------------------------------- what two branches separate
  function separates({ branches, d, auc, axis, features, pictures }) {
    const head = element("h4", "", "What it separates");
    const apart = element("p", "hint", `d′ ${d.toFixed(1)} · AUC ${auc.toFixed(2)}`);
    apart.title = `Along Fisher's direction (${axis.map((x) => x.toFixed(2)).join(", ")}) the branches lie ${d.toFixed(1)} deviations apart; of pairs of points ${Math.round(100 * auc)} % lie in order`;
    return [head, ...(pictures ? [strip(pictures, branches)] : [ends(branches), bars(features, branches)]), apart];
  }

  function ends([first, second]) {
    const line = element("p", "ends");
    line.append(element("b", "", first), element("span", "", "↔"), element("b", "", second));
    return line;
  }

  function strip(pictures, [first, second]) {
    const words = { first: `Mean of ${first}`, second: `Mean of ${second}`, difference: `Where ${second} is brighter (red) or darker (blue) than ${first}` };
    const below = { first, difference: "change", second };
    return list("ul", "strip", PICTURES.map((key) => {
      const figure = element("figure");
      figure.append(picture(pictures[key], words[key]), element("figcaption", "", below[key]));
      return figure;
    }));
  }

  function bars(features, [first, second]) {
    const most = Math.max(...features.map(({ by }) => Math.abs(by)), 1e-9);
    const made = element("ul", "bars");
    for (const { name, by } of features) {
      const item = element("li"), bar = element("span", "bar-track");
      bar.append(element("span", by < 0 ? "less" : "more"));
      bar.firstChild.style.width = `${(50 * Math.abs(by)) / most}%`;
      item.title = `${name} is greater in ${by < 0 ? first : second}, by ${Math.abs(by).toFixed(2)} deviations`;
      item.append(element("span", "bar-name", name), bar, element("span", "bar-value", by.toFixed(1).replace("-", "−")));
      made.append(item);
    }
    return made;
  }

  // ---------------------------------------------------------------- the tab
  const panel = () => document.getElementById("meaning");
  const isOpen = () => Boolean(panel() && !panel().hidden);

  function fill(...parts) {
    const box = panel();
    if (box) box.replaceChildren(...parts);
  }

  function draw() {
    if (!isOpen() || !T.session()) return;
    const node = T.chosen() || (pointed && T.info(pointed) ? pointed : null);
    if (!node) { drawn = ""; fill(element("p", "hint", HINT)); return; }
    const asked = question(node);
    if (asked === drawn) return;
    ask(node, (answer) => {
      const now = T.chosen() || pointed;
      if (!isOpen() || !now || question(now) !== asked) return;
      drawn = asked;
      if (answer.error) { fill(element("p", "hint problem", answer.error)); return; }
      const sides = element("div", "meaning-sides");
      sides.append(...SIDES.map((side) => half(side, answer[side], answer[side === "a" ? "b" : "a"])));
      fill(sides);
    });
  }

  // ---------------------------------------------------------------- the card
  function small(told) {
    const { kind, images, texts } = told.examples;
    if (kind === "image") return list("ul", "sheet", images.slice(0, IN_CARD).map(({ src }) => picture(src, "")));
    if (kind === "text") return list("ul", "sheet-texts", texts.slice(0, 2).map((text) => element("span", "", text)));
    return null;
  }

  /* The sheets of the node or link under the pointer, once they are there. */
  function card(node) {
    if (!T.session() || bare.has(models())) return null;
    const found = known.get(question(node));
    if (!found || !found.answer) {
      clearTimeout(timer);
      timer = setTimeout(() => { if (looked() === JSON.stringify(node)) ask(node, T.card); }, REST);
      return null;
    }
    const halves = SIDES.map((side) => found.answer[side]).filter((told) => told && told.examples).map((told) => [told, small(told)]);
    if (!halves.some(([, sheet]) => sheet)) return null;
    const box = element("div", "card-sheets");
    box.setAttribute("aria-hidden", "true");
    for (const [told, sheet] of halves) {
      const part = element("div");
      part.append(element("p", "card-sure", told.labels ? `${told.title} · ${told.labels.name}` : told.title), sheet);
      box.append(part);
    }
    return box;
  }

  function looked() {
    const { node, link } = T.state.hover || {};
    return JSON.stringify(link ? { side: "a", id: link.a } : node && { side: node.side, id: node.id });
  }

  // ---------------------------------------------------------------- what others call
  T.meaning = {
    draw, card,

    /* After an edit: another node in hand, or the same one in another tree. The tab opens by itself for the first node
       with examples, until a person has chosen a tab. */
    check: function () {
      const node = T.chosen();
      if (!node) pointed = null;
      draw();
      const now = node && question(node);
      if (!now || now === last) { last = now || ""; return; }
      last = now;
      if (chosen || isOpen() || bare.has(models())) return;
      ask(node, (answer) => {
        const inside = document.activeElement && document.activeElement.closest("#curation");
        if (chosen || inside || !SIDES.some((side) => answer[side] && answer[side].examples)) return;
        T.openTab("meaning");
      });
    },

    hovered: function () {
      const { node, link } = T.state.hover || {};
      const at = link ? { side: "a", id: link.a } : node;
      if (!at || T.same(at, pointed)) return;
      pointed = { side: at.side, id: at.id };
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
