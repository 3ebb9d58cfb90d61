"""What to ask next: the pairs that decide most, the names to confirm, and how far the match is settled."""

from typing import Any

from dash import html

from core.match import Outlook, Suggestion
from topoviz.app.views.markup import Styles, aria, data
from topoviz.session.analysis import Analysis, mapped_names
from topoviz.session.naming import leaf_name
from topoviz.session.state import SIDES, Session
from topoviz.vocabulary import counted

__all__ = ["progress", "suggestions"]

_SHOWN = 20
_NOTHING_OPEN = "Nothing is open: every leaf is pinned, has one partner in every explanation, or is left out of all."


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
    total = outlook.closed + len(outlook.open)
    left = counted(len(outlook.suggestions), "suggestion") if outlook.suggestions else "no suggestions"
    how = f": {', '.join(parts)}" if parts else ""
    bars = [
        html.Span(className=kind, style={"width": f"{100 * len(leaves) / max(total, 1):.1f}%"})
        for kind, leaves in (("pinned", outlook.pinned), ("sure", outlook.sure), ("alone", outlook.left_out))
    ]
    return html.Div(
        className="progress",
        children=[
            html.P([html.B(f"{outlook.closed} of {total}"), f" leaves settled{how}; {left} left"], role="status"),
            html.Div(bars, className="progress-bar", **aria(hidden=True)),
        ],
    )


def _question(suggestion: Suggestion, styles: Styles) -> html.Li:
    a, b = suggestion.a, suggestion.b
    share = f"{100 * suggestion.probability:.0f} %"
    title = f"in {share} of the explanations by weight; an answer tells {suggestion.gain:.2f} nats of them"
    return _item(
        a,
        b,
        styles,
        question=f"{styles['a'][a].label} ↔ {styles['b'][b].label}?",
        below=f"{_settles(suggestion)} · {share}",
        title=title,
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
    names = dict(zip(SIDES, mapped_names(analysis, session), strict=True))
    settled = {*outlook.pinned, *outlook.sure}
    items = []
    for pair in analysis.matching.leaf_pairs:
        for side in SIDES:
            node = getattr(pair, side)
            name = names[side].get(node)
            if pair.a in settled and name is not None and not name.confirmed:
                own = leaf_name(side, node)
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
