/* The card beside what is hovered or focused: what it is, how sure it is, and of a match why. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const signed = (value, digits) => value.toFixed(digits).replace("-", "−");
  const percent = (share) => `${(100 * share).toFixed(1)}`;

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function facts(entries) {
    const list = element("dl", "card-facts");
    for (const [word, value] of entries) list.append(element("dt", "", word), element("dd", "", value));
    return list;
  }

  const nameOf = (n) => (n ? n.label || (n.up === null ? "root" : "saddle") : "–");

  function aboutNode(n) {
    const error = n.level_error === undefined ? "" : ` ± ${n.level_error.toFixed(2)}`;
    const entries = [["level", `${signed(n.level, 2)}${error} nats`], ["persistence", `${n.persistence.toFixed(2)} nats`], ["mass", `${percent(n.mass)} %`]];
    if (n.basin_error !== undefined) entries.push(["basin", `${percent(n.basin)} ± ${percent(n.basin_error)} %`]);
    if (n.leaves > 1) entries.push(["leaves", String(n.leaves)]);
    if (n.holes) entries.push(["holes", String(n.holes)]);
    return facts(entries);
  }

  function aboutHole(h) {
    return [
      element("p", "card-title", "Hole"),
      facts([["closes at", `${signed(h.top, 2)} nats`], ["filled at", `${signed(h.bottom, 2)} nats`], ["persistence", `${(h.top - h.bottom).toFixed(2)} nats`]]),
    ];
  }

  /* How sure a match is and what it costs, the largest term first. */
  function why(link) {
    const sure = link.confidence === null ? link.word : `${link.word}, ${link.confidence.toFixed(2)}`;
    const parts = [element("p", "card-sure", link.pinned ? "pinned by hand" : `${sure}${link.new ? " · not in the best" : ""}`)];
    const total = link.terms.reduce((sum, [, cost]) => sum + cost, 0);
    if (!link.terms.length) return parts;
    parts.push(element("p", "card-why", total > 0 ? `Differs by ${total.toFixed(3)}, of it` : "No difference"));
    const list = element("ul", "terms");
    for (const [name, cost, share] of link.terms) {
      const item = element("li");
      const bar = element("span", "term-bar");
      bar.append(element("span"));
      bar.firstChild.style.width = `${Math.round(100 * share)}%`;
      item.append(element("span", "term-name", name), bar, element("span", "term-value", `${Math.round(100 * share)} %`));
      item.title = cost.toFixed(4);
      list.append(item);
    }
    return [...parts, list];
  }

  function match(link) {
    const [a, b] = [T.info({ side: "a", id: link.a }), T.info({ side: "b", id: link.b })];
    return `${nameOf(a)} ↔ ${nameOf(b)}`;
  }

  /* Examples of what it holds, where the models have some. */
  function sheets(node) {
    const found = T.meaning.card({ side: node.side, id: node.id });
    return found ? [found] : [];
  }

  function content({ node, link, hole }) {
    if (hole) return T.hole(hole) ? aboutHole(T.hole(hole)) : [];
    const present = link && T.linkAt(link);
    if (link) return present ? [element("p", "card-title", match(present)), ...why(present), ...sheets({ side: "a", id: link.a })] : [];
    const n = T.info(node);
    if (!n) return [];
    const linked = T.linkOf(node);
    const title = element("p", "card-title", linked ? match(linked) : nameOf(n));
    return [title, aboutNode(n), ...(linked ? why(linked) : []), ...sheets(node)];
  }

  T.card = function () {
    let box = document.getElementById("tip");
    if (!box) {
      box = element("div");
      box.id = "tip";
      box.setAttribute("role", "tooltip");
      document.querySelector("main").appendChild(box);
    }
    const { hover, anchor } = T.state;
    T.meaning.hovered();
    const parts = hover ? content(hover) : [];
    box.hidden = !parts.length;
    for (const old of document.querySelectorAll("[aria-describedby=tip]")) old.removeAttribute("aria-describedby");
    if (box.hidden) return;
    box.replaceChildren(...parts);
    if (anchor) anchor.setAttribute("aria-describedby", "tip");
    T.placeCard();
  };

  T.placeCard = function () {
    const box = document.getElementById("tip");
    if (!box || box.hidden) return;
    const { anchor, x, y } = T.state;
    const at = anchor && anchor.getBoundingClientRect();
    const [left, top] = at ? [at.left - box.offsetWidth - 10, at.top - 8] : [x + 16, y + 16];
    const most = window.innerHeight - box.offsetHeight - 8;
    box.style.left = `${Math.max(8, !at && left + box.offsetWidth > window.innerWidth - 8 ? x - box.offsetWidth - 16 : left)}px`;
    box.style.top = `${Math.max(8, Math.min(top, most))}px`;
  };
})();
