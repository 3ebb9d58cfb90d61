/* A node under the pointer, or in focus, lights in every panel, and its partner with it. The drawing names its parts:
   mark-a-3, area-b-5, link-3-5, ...; `facts` says who is below and beside whom. */
(function () {
  "use strict";

  const facts = JSON.parse(document.getElementById("facts").textContent);
  const svg = document.querySelector("svg");
  const card = document.getElementById("card");
  const NODE = /^(mark|name|area|edge|dots|carried|branch|solid|key|chip)-([ab])-(\d+)/;
  const PAIR = /^(link|bar|row|tip|key|chip)-(\d+)-(\d+)$/;
  const parts = [];

  for (const element of svg.querySelectorAll("[id]")) {
    const node = NODE.exec(element.id), pair = PAIR.exec(element.id);
    if (node) parts.push({ element, kind: node[1], nodes: [node[2] + node[3]] });
    else if (pair) parts.push({ element, kind: pair[1], nodes: ["a" + pair[2], "b" + pair[3]] });
  }
  const grounds = ["input-a", "input-b"].map((id) => document.getElementById(id)).filter(Boolean);

  // Thin lines are hard to hit: each gets a wide unseen one under the pointer.
  for (const part of parts) {
    if (part.kind === "link" || part.kind === "branch" || part.kind === "bar") {
      for (const path of part.element.querySelectorAll("path")) {
        const wide = path.cloneNode();
        wide.setAttribute("style", "fill:none;stroke:#000;stroke-opacity:0;stroke-width:7;pointer-events:stroke");
        part.element.appendChild(wide);
      }
    }
    if (part.kind === "solid") { part.element.style.visibility = "hidden"; part.element.style.pointerEvents = "none"; }
    if (part.kind === "mark") {
      const fact = facts[part.nodes[0]];
      if (!fact) continue;
      part.element.setAttribute("tabindex", "0");
      part.element.setAttribute("role", "img");
      part.element.setAttribute("aria-label", fact.lines.join(", "));
    }
  }

  // A node lights what is below it, and the partners of all that.
  function lit(keys) {
    const found = new Set();
    for (const key of keys) {
      for (const own of [key, ...((facts[key] || {}).below || [])]) {
        found.add(own);
        const other = (facts[own] || {}).partner;
        if (other) for (const far of [other, ...((facts[other] || {}).below || [])]) found.add(far);
      }
    }
    return found;
  }

  let shown = "";
  function light(keys) {
    const name = keys.join(" ");
    if (name === shown) return;
    shown = name;
    const on = lit(keys), any = on.size > 0;
    for (const { element, kind, nodes } of parts) {
      const own = nodes.every((key) => on.has(key));
      if (kind === "solid") element.style.visibility = any && own ? "visible" : "hidden";
      else element.style.opacity = !any || own ? "" : kind === "branch" ? "0.35" : "0.14";
      element.classList.toggle("lit", any && own);
    }
    for (const ground of grounds) ground.style.opacity = any ? "0.16" : "";
    document.documentElement.dataset.lit = [...on].sort().join(" ");
  }

  function tell(keys, x, y) {
    const told = keys.map((key) => facts[key]).filter(Boolean);
    card.hidden = !told.length;
    if (!told.length) return;
    card.replaceChildren(...told.flatMap((fact) => fact.lines.map((line, at) => {
      const row = document.createElement(at ? "div" : "b");
      row.textContent = line;
      return row;
    })));
    const box = card.getBoundingClientRect();
    card.style.left = `${Math.max(4, Math.min(x + 14, window.innerWidth - box.width - 4))}px`;
    card.style.top = `${Math.max(4, y + 14 + box.height > window.innerHeight ? y - box.height - 10 : y + 14)}px`;
  }

  // Which leaf of a level set is under the pointer: each pixel belongs to one of the pictures.
  const boards = new Map();
  function alpha(image, x, y) {
    const box = image.getBoundingClientRect();
    if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) return 0;
    if (!boards.has(image)) {
      const board = document.createElement("canvas");
      const picture = new Image();
      boards.set(image, null);
      picture.onload = () => {
        [board.width, board.height] = [picture.naturalWidth, picture.naturalHeight];
        const pen = board.getContext("2d", { willReadFrequently: true });
        pen.drawImage(picture, 0, 0);
        boards.set(image, pen);
      };
      picture.src = image.getAttribute("href") || image.getAttributeNS("http://www.w3.org/1999/xlink", "href");
    }
    const pen = boards.get(image);
    if (!pen) return 0;
    const { width, height } = pen.canvas;
    return pen.getImageData(Math.floor(((x - box.left) / box.width) * width), Math.floor(((y - box.top) / box.height) * height), 1, 1).data[3];
  }

  const solids = parts.filter(({ kind }) => kind === "solid");
  // Read before the first hover.
  for (const { element } of solids) { const box = element.getBoundingClientRect(); alpha(element, box.left, box.top); }

  function under(event) {
    for (let at = event.target; at && at !== svg; at = at.parentNode) {
      const part = parts.find(({ element }) => element === at);
      if (part) return part.nodes;
    }
    const solid = solids.find(({ element }) => alpha(element, event.clientX, event.clientY) > 96);
    return solid ? solid.nodes : [];
  }

  svg.addEventListener("pointermove", (event) => { const keys = under(event); light(keys); tell(keys, event.clientX, event.clientY); });
  svg.addEventListener("pointerleave", () => { light([]); tell([], 0, 0); });
  svg.addEventListener("focusin", (event) => {
    const keys = under(event), box = event.target.getBoundingClientRect();
    light(keys);
    tell(keys, box.right, box.bottom);
  });
  svg.addEventListener("focusout", () => { light([]); tell([], 0, 0); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { light([]); tell([], 0, 0); } });
})();
