/* Where both trees stand, from the facts of the server and what a person opened: which branches are closed for want of room, the order
   of the leaves, the rows. Pure: nothing here touches the page. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  // The least height of a row with a name, and joinings of how many leaves turn by themselves where that spares crossings.
  const PITCH = 15, TURNED = 12, SIDES = ["a", "b"];

  /* The nodes of one side by id, the root, and for each node the leaves above it, in the server's order. */
  function grown(nodes) {
    const of = new Map(nodes.map((n) => [n.id, n]));
    const root = nodes.find((n) => n.up === null);
    const below = new Map();
    const leaves = (n) => {
      const own = n.down.length ? n.down.flatMap((id) => leaves(of.get(id))) : [n.id];
      below.set(n.id, own);
      return own;
    };
    if (root) leaves(root);
    return { of, root, below };
  }

  /* For each node the least of a value over the leaves above it. */
  const least = ({ below }, value) => new Map([...below].map(([id, leaves]) => [id, Math.min(...leaves.map(value))]));

  /* The order of the leaves: joinings that were there stay as they are, new ones stand as the server has them. */
  function kept(tree, before) {
    const { of, root } = tree;
    const was = new Map((before || []).map((id, at) => [id, at]));
    const first = least(tree, (leaf) => (was.has(leaf) ? was.get(leaf) : Infinity));
    const slot = (id) => of.get(id).slot;
    const walk = (id) => {
      const children = [...of.get(id).down].sort((one, other) => {
        const [x, y] = [first.get(one), first.get(other)];
        return Number.isFinite(x) && Number.isFinite(y) ? x - y : slot(one) - slot(other);
      });
      return children.length ? children.flatMap(walk) : [id];
    };
    return root ? walk(root.id) : [];
  }

  /* The order with the leaves that are gone where they were: what comes back finds its place. */
  function remembered(before, order) {
    const there = new Set(order), after = new Map();
    let last = null;
    for (const id of before || []) {
      if (there.has(id)) last = id;
      else after.set(last, [...(after.get(last) || []), id]);
    }
    return [...(after.get(null) || []), ...order.flatMap((id) => [id, ...(after.get(id) || [])])];
  }

  function crossings(lines) {
    let crossed = 0;
    for (let i = 1; i < lines.length; i += 1) for (let j = 0; j < i; j += 1) if (lines[j] > lines[i]) crossed += 1;
    return crossed;
  }

  /* The order in which small joinings are turned so that fewer links cross. */
  function turned(tree, order, wanted) {
    const { of, root, below } = tree;
    const slot = new Map(order.map((id, at) => [id, at]));
    const first = least(tree, (leaf) => slot.get(leaf));
    const walk = (id) => {
      const parts = [...of.get(id).down].sort((one, other) => first.get(one) - first.get(other)).map(walk);
      if (!parts.length) return [id];
      if (parts.length === 2 && below.get(id).length <= TURNED) {
        const [one, other] = parts.map((part) => part.filter((leaf) => wanted.has(leaf)).map((leaf) => wanted.get(leaf)));
        if (crossings([...other, ...one]) < crossings([...one, ...other])) parts.reverse();
      }
      return parts.flat();
    };
    return root ? walk(root.id) : [];
  }

  const strength = (n) => n.persistence * Math.sqrt(n.mass);

  /* How much is lost where a joining is closed: the second strongest branch above it, or above one that it holds. */
  function worth({ of, below, root }) {
    const found = new Map();
    for (const n of of.values()) {
      if (!n.down.length) continue;
      const best = n.down.map((id) => Math.max(...below.get(id).map((leaf) => strength(of.get(leaf)))));
      found.set(n.id, Math.min(...best));
    }
    const lift = (id) => {
      const n = of.get(id);
      if (!n.down.length) return 0;
      found.set(id, Math.max(found.get(id), ...n.down.map(lift)));
      return found.get(id);
    };
    lift(root.id);
    return found;
  }

  /* The joinings that are open: those worth most while there is room for `most` rows, and those that a person opened. */
  function opened(tree, most, wanted) {
    const { of, root, below } = tree;
    const open = new Set();
    if (!root) return open;
    if (below.get(root.id).length <= most) return new Set([...of.values()].filter((n) => n.down.length).map((n) => n.id));
    const found = tree.worth || (tree.worth = worth(tree));
    let rows = 1;
    const frontier = new Set([root.id]);
    const unfold = (id) => {
      frontier.delete(id);
      open.add(id);
      const { down } = of.get(id);
      rows += down.length - 1;
      for (const child of down) if (of.get(child).down.length) frontier.add(child);
    };
    const force = (id) => {
      const up = of.get(id).up;
      if (up !== null && !open.has(up)) force(up);
      if (!open.has(id) && of.get(id).down.length) unfold(id);
    };
    while (frontier.size && (rows < most || !open.size)) {
      let best = null;
      for (const id of frontier) if (best === null || found.get(id) > found.get(best)) best = id;
      unfold(best);
    }
    for (const id of wanted) if (of.has(id)) force(id);
    return open;
  }

  /* The rows of what is shown of one side, top to bottom: open joinings' leaves and closed branches. */
  function tips({ of, root }, order, open) {
    const shown = new Set();
    const todo = root ? [root.id] : [];
    while (todo.length) {
      const id = todo.pop();
      if (open.has(id)) todo.push(...of.get(id).down);
      else shown.add(id);
    }
    const seen = [], done = new Set();
    for (const leaf of order) {
      let at = leaf;
      while (at !== null && !shown.has(at)) at = of.get(at).up;
      if (at !== null && !done.has(at)) { done.add(at); seen.push(at); }
    }
    return seen;
  }

  const totalCrossings = (links, slots) => crossings([...links].sort((l, m) => slots.a.get(l.a) - slots.a.get(m.a)).map((l) => slots.b.get(l.b)));
  const slotsOf = (order) => ({ a: new Map(order.a.map((id, at) => [id, at])), b: new Map(order.b.map((id, at) => [id, at])) });

  /* Puts `x`, `y` (in rows), `shown`, `tip`, `closed` and the `holder` that is closed over it into every node of the facts. `view` is
     what a person sees: `order` of both sides, `opened` ("a12", ...), `zoom`; `height` the pixels of all rows at zoom 1. */
  T.lay = function (facts, view, height) {
    if (!view.order || !view.known || view.known.facts !== facts) view.known = arranged(facts, view);
    const { trees, order, memory, tangled } = view.known;
    const most = Math.max(4, Math.floor((height * view.zoom) / PITCH));
    const wanted = (side) => [...view.opened].filter((key) => key[0] === side).map((key) => Number(key.slice(1)));
    const open = {}, rows = {};
    for (const side of SIDES) {
      open[side] = opened(trees[side], most, wanted(side));
      rows[side] = tips(trees[side], order[side], open[side]);
    }
    const count = Math.max(rows.a.length, rows.b.length, 2);
    for (const side of SIDES) place(trees[side], rows[side], open[side], (count - rows[side].length) / 2, facts, side);
    const content = Math.max(height * view.zoom, count * PITCH);
    return { trees, order, memory, tangled, rows, count, content, pitch: content / count, leaves: Math.max(order.a.length, order.b.length) };
  };

  /* What does not change with zoom: the trees, the order of their leaves, and how many crossings another would spare. */
  function arranged(facts, view) {
    const trees = { a: grown(facts.nodes.filter((n) => n.side === "a")), b: grown(facts.nodes.filter((n) => n.side === "b")) };
    const order = { a: kept(trees.a, view.order && view.order.a), b: kept(trees.b, view.order && view.order.b) };
    if (view.order) {
      const slot = slotsOf(order).a;
      order.b = turned(trees.b, order.b, new Map(facts.links.map((l) => [l.b, slot.get(l.a)])));
    }
    const server = { a: kept(trees.a), b: kept(trees.b) };
    const tangled = view.order ? totalCrossings(facts.links, slotsOf(order)) - totalCrossings(facts.links, slotsOf(server)) : 0;
    const memory = { a: remembered(view.order && view.order.a, order.a), b: remembered(view.order && view.order.b, order.b) };
    return { facts, trees, order, memory, tangled: Math.max(0, tangled) };
  }

  function place({ of, root, below }, rows, open, shift, facts, side) {
    const row = new Map(rows.map((id, at) => [id, at + shift]));
    const across = (level) => { const height = facts.width * (1 - Math.max(0, Math.min(1, level / facts.floor))); return side === "a" ? height : facts.end - height; };
    const walk = (id, holder) => {
      const n = of.get(id);
      const isTip = row.has(id) && holder === null;
      const within = holder !== null ? holder : isTip && n.down.length ? id : null;
      for (const child of n.down) walk(child, within);
      n.tip = isTip;
      n.shown = holder === null;
      n.holder = holder;
      n.leaves = below.get(id).length;
      n.closed = isTip && n.down.length > 0;
      if (holder !== null) { n.y = row.get(holder); n.x = across(of.get(holder).level); }
      else {
        const ys = n.down.filter((child) => of.get(child).shown).map((child) => of.get(child).y);
        n.y = isTip ? row.get(id) : (Math.min(...ys) + Math.max(...ys)) / 2;
        n.x = across(n.level);
      }
      n.peak = n.closed ? across(Math.max(...below.get(id).map((leaf) => of.get(leaf).level))) : n.x;
    };
    if (root) walk(root.id, null);
  }

})();
