/* Parts of the page that show what nodes hold: contact sheets, texts and tables of examples, and what two branches differ in.
   Texts of a person's own data go in as text, never as markup. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const IN_CARD = 8, COLUMNS = 3, PICTURES = ["first", "difference", "second"];

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

  const KINDS = {
    image: ({ images }, name) => list("ul", "sheet", images.map(({ src, said }, at) => picture(src, `Example ${at + 1} of ${name}${said ? `: ${said}` : ""}`))),
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

  // ---------------------------------------------------------------- what two branches separate
  /* Fisher's direction in numbers under a difference picture or bars; `branches` are the two names. */
  function separates({ d, auc, axis, features, pictures }, branches) {
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

  // ---------------------------------------------------------------- in a card
  function small({ kind, images, texts }) {
    if (kind === "image") return list("ul", "sheet", images.slice(0, IN_CARD).map(({ src }) => picture(src, "")));
    if (kind === "text") return list("ul", "sheet-texts", texts.slice(0, 2).map((text) => element("span", "", text)));
    return null;
  }

  T.sheets = { element, about, separates, small, whole: (examples, name) => KINDS[examples.kind](examples, name) };
})();
