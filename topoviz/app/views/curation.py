"""The third block under the trees, in tabs: the matches, what a node means, what to ask next, the log of edits, two
matches compared."""

from typing import Any

from dash import html

from core.match import Outlook, Suggestion
from topoviz.app import ids
from topoviz.app.views.markup import Styles, aria, data
from topoviz.session.analysis import Analysis, carried_names
from topoviz.session.difference import Agreement, Apart, Comparison, Naming
from topoviz.session.state import EDIT_FIELDS, Session, Side
from topoviz.vocabulary import VERDICTS, counted

__all__ = ["block", "comparison", "progress", "suggestions"]

TABS = (
    (ids.MATCHES, "Matches"),
    (ids.MEANING, "Meaning"),
    (ids.SUGGESTIONS, "Suggestions"),
    (ids.LOG, "Log"),
    (ids.COMPARISON, "Compare"),
)
_SHOWN = 20
_NOTHING_OPEN = "Nothing is open: every leaf is pinned, has one partner in every explanation, or is left out of all."


def block() -> html.Div:
    """The tabs and their panels. Matches, Suggestions and Compare are filled by callbacks, Meaning and Log by the
    browser."""
    contents: dict[str, Any] = {ids.LOG: _log(), ids.COMPARISON: _compare()}
    panels = [
        html.Div(
            contents.get(name),
            id=name,
            className="tab-panel",
            role="tabpanel",
            # It may scroll, and holds nothing else that takes the focus.
            tabIndex=0 if name == ids.MEANING else None,
            hidden=name != TABS[0][0],
            **aria(labelledby=f"tab-{name}"),
        )
        for name, _ in TABS
    ]
    return html.Div([_tabs(), *panels], id="curation", className="block wide curation")


def _tabs() -> html.Div:
    return html.Div(
        className="tabs",
        role="tablist",
        **aria(label="Curating the match"),
        children=[
            html.Button(
                word,
                id=f"tab-{name}",
                className="curation-tab",
                role="tab",
                tabIndex=-1 if at else 0,
                **data(tab=name),
                **aria(selected=not at, controls=name),
            )
            for at, (name, word) in enumerate(TABS)
        ],
    )


def _log() -> list[Any]:
    """Empty: the browser keeps the log and writes it here."""
    return [
        html.Div(
            className="log-head",
            children=[
                html.Label("Your name", htmlFor="log-by"),
                html.Div(id="log-by-place"),
                html.Button("Save the record", className="chip", title="As .md and .json", **data(export="record")),
            ],
        ),
        html.Ol(
            id="log-list",
            className="log-list",
            **data(fields=",".join(EDIT_FIELDS), verdicts=",".join(VERDICTS)),
            **aria(label="Edits, newest first"),
        ),
        html.P("No edits yet: what you link, ban, name or set is written here.", id="log-empty", className="hint"),
    ]  # fmt: skip


def _compare() -> list[Any]:
    return [
        html.Div(
            className="compare-head",
            children=[
                html.Button("Load a session…", className="chip", **data(compare="load")),
                html.Button("Keep this match", className="chip", **data(compare="keep")),
                html.Span(id="compare-name", className="compare-name"),
                html.Button("×", className="chip", hidden=True, title="Compare no more", **data(compare="drop")),
            ],
        ),
        html.Div(id=ids.COMPARED, className="compared"),
    ]


# ---------------------------------------------------------------- suggestions
def suggestions(outlook: Outlook, analysis: Analysis, session: Session, styles: Styles) -> list[Any]:
    """How far the match is settled, the pairs to ask about, most decisive first, and the names to confirm."""
    asked = [_question(suggestion, styles) for suggestion in outlook.suggestions[:_SHOWN]]
    names = _names(outlook, analysis, session, styles)
    more = len(outlook.suggestions) - len(asked)
    blocks: list[Any] = [progress(outlook)]
    if not asked:
        blocks.append(html.P(_NOTHING_OPEN, className="hint"))
    if asked or names:
        blocks.append(html.Ul([*asked, *names], className="suggestions", **aria(label="Suggestions: Y, N, S, arrows")))
    if more:
        blocks.append(html.P(f"And {more} more, which decide less.", className="hint"))
    return [*blocks, html.Button("", className="chip skipped", hidden=True, **data(skipped="show"))]


def progress(outlook: Outlook) -> html.Div:
    """One line: how many of A's leaves are settled, and how; a bar below it."""
    parts = [
        f"{len(leaves)} {word}"
        for leaves, word in (
            (outlook.pinned, "pinned by hand"),
            (outlook.sure, "sure"),
            (outlook.left_out, "left out"),
        )
        if leaves
    ]
    total = outlook.settled + len(outlook.open)
    left = counted(len(outlook.suggestions), "suggestion") if outlook.suggestions else "no suggestions"
    how = f": {', '.join(parts)}" if parts else ""
    bars = [
        html.Span(className=kind, style={"width": f"{100 * len(leaves) / max(total, 1):.1f}%"})
        for kind, leaves in (("pinned", outlook.pinned), ("sure", outlook.sure), ("alone", outlook.left_out))
    ]
    return html.Div(
        className="progress",
        children=[
            html.P([html.B(f"{outlook.settled} of {total}"), f" leaves settled{how}; {left} left"], role="status"),
            html.Div(bars, className="progress-bar", **aria(hidden=True)),
        ],
    )


def _question(suggestion: Suggestion, styles: Styles) -> html.Li:
    a, b = suggestion.a, suggestion.b
    share = f"{100 * suggestion.probability:.0f} %"
    told = f"in {share} of the explanations by weight; an answer tells {suggestion.gain:.2f} nats of them"
    return _item(
        a,
        b,
        styles,
        question=f"{styles['a'][a].label} ↔ {styles['b'][b].label}?",
        below=f"{_settles(suggestion)} · {share}",
        title=told,
        answers=(
            ("Confirm", {"event": "link", "a": a, "b": b, "answer": "y"}),
            ("Reject", {"event": "ban", "a": a, "b": b, "answer": "n"}),
        ),
        share=suggestion.probability,
    )


def _settles(suggestion: Suggestion) -> str:
    yes, no = suggestion.if_right, suggestion.if_wrong
    if yes == no:
        return f"settles {counted(yes, 'leaf')}"
    return f"yes settles {yes}, no {no}" if no else f"yes settles {counted(yes, 'leaf')}"


def _names(outlook: Outlook, analysis: Analysis, session: Session, styles: Styles) -> list[html.Li]:
    """The names that a settled match carries over and nobody has confirmed."""
    carried = dict(zip(("a", "b"), carried_names(analysis, session), strict=True))
    settled = {*outlook.pinned, *outlook.sure}
    sides: tuple[Side, Side] = ("a", "b")
    items = []
    for pair in analysis.matching.leaf_pairs:
        for side in sides:
            node = getattr(pair, side)
            name = carried[side].get(node)
            if pair.a in settled and name is not None and not name.confirmed:
                own = f"{side.upper()}{(node + 1) // 2}"
                sent = {"event": "confirm-name", "side": side, "node": node, "text": name.text, "answer": "y"}
                items.append(
                    _item(
                        pair.a,
                        pair.b,
                        styles,
                        question=f"“{name.text}” for {own}?",
                        below="a name that the match carried over",
                        title="Confirm the name",
                        answers=(("Confirm", sent),),
                    )
                )
    return items


def _item(
    a: int,
    b: int,
    styles: Styles,
    question: str,
    below: str,
    title: str,
    answers: tuple[tuple[str, dict[str, Any]], ...],
    share: float = 1.0,
) -> html.Li:
    buttons = [(word, sent) for word, sent in (*answers, ("Skip", {"answer": "s"}))]
    return html.Li(
        tabIndex=0,
        title=title,
        **data(a=a, b=b, share=f"{share:.4f}", question=question),
        children=[
            html.Span(className="dot", style={"background": styles["a"][a].color}),
            html.Div([html.B(question), html.Span(below)], className="question"),
            html.Div(
                [
                    html.Button(
                        word, className="chip", tabIndex=-1, **data(**sent), **aria(label=f"{word}: {question}")
                    )
                    for word, sent in buttons
                ],
                className="answers",
            ),
        ],
    )


# ---------------------------------------------------------------- compare
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
    return style.label if style and style.label else f"{side.upper()}{(node + 1) // 2}"


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
    said = f"{naming.side.upper()}{(naming.node + 1) // 2}: {there} there, {here} here"
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
