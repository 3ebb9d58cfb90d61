"""Two matches of the same models beside each other: what they share, where they differ."""

from typing import Any

from dash import html

from topoviz.app.views.markup import Styles, aria, data
from topoviz.session.difference import Agreement, Apart, Comparison, Naming
from topoviz.session.naming import leaf_name
from topoviz.session.state import Side
from topoviz.vocabulary import counted

__all__ = ["comparison"]


def comparison(found: Comparison, styles: Styles) -> list[Any]:
    """What two matches share and where they differ, each row with a button that takes the other's side."""
    rows = [
        *(_conflict(rivals, pair, styles) for rivals, pair in found.conflicts),
        *(_only_there(pair, styles) for pair in found.there),
        *(_only_here(pair, styles, pair in found.banned) for pair in found.here),
        *(_naming(naming, styles) for naming in found.names),
    ]
    both = [_row(pair, "in both", _pair(pair, styles), styles) for pair in found.both]
    blocks: list[Any] = [_figures(found)]
    if rows:
        blocks.append(html.Ul(rows, className="compare-rows", **aria(label="Differences")))
    else:
        blocks.append(html.P("They have the same pairs and names.", className="hint"))
    if both:
        summary = html.Summary(f"{counted(len(both), 'pair')} in both")
        blocks.append(html.Details([summary, html.Ul(both, className="compare-rows")]))
    return blocks


def _figures(found: Comparison) -> html.Dl:
    agreed: Agreement = found.agreement
    counts = (("in both", found.both), ("in conflict", found.conflicts), ("only here", found.here))
    pairs = ", ".join(f"{len(pairs_)} {word}" for word, pairs_ in (*counts, ("only there", found.there)) if pairs_)
    entries = [
        ("pairs", pairs or "none", "pairs of leaves in this match and in the other"),
        (
            "agreement",
            f"κ {agreed.kappa:.2f} · F1 {agreed.f1:.2f} · Jaccard {agreed.jaccard:.2f}",
            f"Cohen's kappa over the leaves of A; precision {agreed.precision:.2f} and recall {agreed.recall:.2f} "
            "of this match against the other",
        ),
        ("maps apart", _apart(found.apart), "how far the two maps carry A's points apart, in B's standard deviations"),
    ]
    return html.Dl(
        [part for word, value, title in entries for part in (html.Dt(word), html.Dd(value, title=title))],
        className="facts",
    )


def _apart(apart: Apart | None) -> str:
    if apart is None:
        return "one of the two has no map"
    return f"median {apart.median:.2f}, 95 % {apart.most:.2f} of B's deviations"


def _pair(pair: tuple[int, int], styles: Styles) -> str:
    return f"{_label('a', pair[0], styles)}\u00a0↔\u00a0{_label('b', pair[1], styles)}"


def _label(side: Side, node: int, styles: Styles) -> str:
    """A node's label; one that is simplified away here keeps its number."""
    style = styles[side].get(node)
    return style.label if style and style.label else leaf_name(side, node)


def _conflict(rivals: Any, pair: tuple[int, int], styles: Styles) -> html.Li:
    mine = ", ".join(_pair(rival, styles) for rival in rivals)
    take = ("Take it", {"event": "link", "a": pair[0], "b": pair[1]})
    return _row(pair, "conflict", f"{_pair(pair, styles)} there; {mine} here", styles, take)


def _only_there(pair: tuple[int, int], styles: Styles) -> html.Li:
    return _row(
        pair, "only there", _pair(pair, styles), styles, ("Take it", {"event": "link", "a": pair[0], "b": pair[1]})
    )


def _only_here(pair: tuple[int, int], styles: Styles, banned: bool) -> html.Li:
    kind = "banned there" if banned else "only here"
    return _row(pair, kind, _pair(pair, styles), styles, ("Drop it", {"event": "ban", "a": pair[0], "b": pair[1]}))


def _naming(naming: Naming, styles: Styles) -> html.Li:
    there, here = (f"“{text}”" if text else "no name" for text in (naming.there, naming.here))
    said = f"{leaf_name(naming.side, naming.node)}: {there} there, {here} here"
    sent = {"event": "rename", "side": naming.side, "node": naming.node, "text": naming.there}
    return _row(None, "name", said, styles, ("Take it", sent))


def _row(
    pair: tuple[int, int] | None,
    kind: str,
    said: str,
    styles: Styles,
    take: tuple[str, dict[str, Any]] | None = None,
) -> html.Li:
    lit = {} if pair is None else {"tabIndex": 0, **data(a=pair[0], b=pair[1])}
    button = None
    if take is not None:
        button = html.Button(take[0], className="chip", **data(**take[1]), **aria(label=f"{take[0]}: {said}"))
    return html.Li([html.Span(kind, className=f"kind {kind.replace(' ', '-')}"), html.Span(said), button], **lit)
