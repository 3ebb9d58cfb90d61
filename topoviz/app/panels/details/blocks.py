"""Under the trees: the verdict on the match, the selected node, the transform, the table of matches."""

import json
from typing import Any

import numpy as np
from dash import dcc, html

from core.tree import LevelSetTree
from core.verdict import Verdict
from topoviz.app.panels.details.explanations import stepper
from topoviz.app.views.markup import Styles, aria, data
from topoviz.report.words import decimals, in_words
from topoviz.session.analysis import Analysis, mapped_names
from topoviz.session.state import SIDES, Session, Side
from topoviz.vocabulary import NO_VERDICT, VERDICTS, cost_shares, families, family_label, rounded, sureness

__all__ = ["family_options", "grid", "matches", "score", "transform", "trust"]

_GRID_KEYS = (
    "Arrow keys move. P pins or unpins, Delete bans, L chooses another partner, Enter takes in hand, R renames, "
    "B brushes the points, slash finds a name."
)


def family_options(analysis: Analysis) -> list[dict[str, Any]]:
    """The families to choose from; those that cannot be fitted say behind their name what is missing."""
    options = []
    for family in families():
        lack = analysis.families.get(family)
        reason = f": {lack[0].lower()}{lack[1:]}" if lack else ""
        options.append({"value": family, "label": family_label(family) + reason, "disabled": bool(lack)})
    return options


def trust(analysis: Analysis, session: Session, styles: Styles) -> list[Any]:
    """The verdict on the match with its reasons, and the other matchings to look at."""
    verdict = analysis.verdict
    reasons = analysis.notes if verdict is None else (*verdict.reasons, *analysis.notes)
    return [
        *([html.P(NO_VERDICT, className="hint")] if verdict is None else _badge(verdict)),
        *stepper(analysis, session, styles),
        html.Ul([html.Li(reason) for reason in reasons], className="reasons"),
    ]


def _badge(verdict: Verdict) -> list[Any]:
    look = VERDICTS[verdict.word]
    sign = html.Span(look.glyph, **aria(hidden=True))
    return [
        html.Div([sign, look.label], className=f"badge {look.kind}", **data(word=verdict.word)),
        html.P(verdict.sentence, className="words"),
    ]


def _selected(analysis: Analysis, session: Session, styles: Styles) -> list[Any]:
    chosen = session.selection
    if chosen is None or chosen.node not in styles[chosen.side]:
        return [html.P("Click a node in one tree, then its partner in the other, to link them.", className="hint")]
    tree = analysis.tree(chosen.side)
    row = tree.row(chosen.node)
    style = styles[chosen.side][chosen.node]
    names = mapped_names(analysis, session)[0 if chosen.side == "a" else 1]
    name = names.get(chosen.node)
    blocks: list[Any] = [
        html.H3(["In hand: ", html.Span(style.label or tree.kind[row], style={"color": style.color})]),
        _name_field(chosen.side, chosen.node, name.text if name else ""),
        html.Dl(
            [part for word, value in _facts(tree, row) for part in (html.Dt(word), html.Dd(value))], className="facts"
        ),
        *_holes(chosen.side, tree, row),
        *_why(analysis, chosen.side, chosen.node),
    ]
    if name is not None and not name.confirmed:
        blocks.append(
            html.Button(
                f"Confirm “{name.text}”",
                className="chip",
                **data(event="confirm-name", side=chosen.side, node=chosen.node, text=name.text),
            )
        )
    return blocks


def _facts(tree: LevelSetTree, row: int) -> list[tuple[str, str]]:
    """What is known of a node, with its standard errors where they are."""
    level = f"{tree.level[row]:.2f}" + ("" if tree.level_error is None else f" ± {tree.level_error[row]:.2f}")
    facts = [("mass", f"{tree.mass[row]:.3f}"), ("level", level), ("persistence", f"{tree.persistence[row]:.2f}")]
    if tree.mass_error is not None:
        facts.append(("basin", f"{100 * tree.basin_mass[row]:.1f} ± {100 * tree.mass_error[row]:.1f} %"))
    return [*facts, ("holes", str(int(tree.betti[row, 1])))]


def _holes(side: Side, tree: LevelSetTree, row: int) -> list[Any]:
    """The holes that the node surrounds itself, each to be lit by pointer or focus."""
    if tree.holes is None:
        return []
    own = np.flatnonzero(tree.holes.node == row).tolist()
    return [
        html.Ul(
            [
                html.Li(
                    f"hole from {tree.holes.top[at]:.2f} to {tree.holes.bottom[at]:.2f}",
                    tabIndex=0,
                    **data(side=side, hole=at),
                )
                for at in own
            ],
            className="differences",
        )
    ]


def _why(analysis: Analysis, side: Side, node: int) -> list[Any]:
    """What the node's match costs by each kind of evidence."""
    pair = next((pair for pair in analysis.matching.leaf_pairs if getattr(pair, side) == node), None)
    if pair is None or not pair.terms:
        return []
    return [
        html.P(
            f"Matched, {sureness(pair.confidence, pair.pinned)}: differs by {sum(pair.terms.values()):.3f}, of it",
            className="words",
        ),
        html.Ul(
            className="terms",
            children=[
                html.Li(
                    title=f"{cost:.4f}",
                    children=[
                        html.Span(name),
                        html.Span(html.Span(style={"width": f"{100 * share:.0f}%"}), className="term-bar"),
                        html.Span(f"{100 * share:.0f} %", className="term-value"),
                    ],
                )
                for name, cost, share in cost_shares(pair.terms)
            ],
        ),
    ]


def _name_field(side: Side, node: int, value: str) -> Any:
    return html.Div(
        dcc.Input(id="name-field", className="name-field", value=value, placeholder="Name this node", maxLength=80),
        **data(side=side, node=node),
    )


def transform(analysis: Analysis, session: Session, styles: Styles) -> list[Any]:
    """The map as numbers and in words, and under it the node in hand."""
    return [*_map(analysis), *_selected(analysis, session, styles)]


def _map(analysis: Analysis) -> list[Any]:
    if analysis.map is None:
        return [html.P(analysis.map_problem or "", className="hint")]
    matrix = np.asarray(analysis.map.matrix)
    blocks: list[Any] = [_matrix(matrix, np.asarray(analysis.map.offset))]
    if (said := in_words(matrix)) is not None:
        blocks.append(html.P(said, className="words"))
    return blocks


def score(analysis: Analysis) -> Any:
    """The map's score, which comes after the rest of an edit's answer."""
    if analysis.score is None:
        return ""
    return html.Span(
        ["score ", html.B(f"{analysis.score:.3f}"), " nats"],
        title="E[log q_B(T z)] + log|det T| - E[log q_A(z)] of what is matched: minus a KL divergence; 0 is perfect",
    )


def _matrix(matrix: np.ndarray, offset: np.ndarray) -> Any:
    shown = slice(0, 6)
    rows = [
        html.Tr([*(html.Td(decimals(value)) for value in row[shown]), html.Td(decimals(shift), className="shift")])
        for row, shift in zip(matrix[shown], offset[shown], strict=True)
    ]
    return html.Table(
        html.Tbody(rows),
        className="matrix",
        title="matrix, and offset in the last column; of a tree-guided map the global part, bent by each leaf",
    )


def matches(analysis: Analysis, session: Session, styles: Styles) -> list[Any]:
    """The table of matched leaves and of those left out, drawn by the browser, and the banned pairs."""
    blocks: list[Any] = [
        html.Div(
            className="row-head",
            children=[
                html.H3("Matches"),
                html.Div(id="match-filter", className="match-filter"),
                html.Button(
                    "complete the rest",
                    className="chip" + (" on" if session.complete else ""),
                    **data(event="set-complete", complete=not session.complete),
                    **aria(pressed=session.complete),
                ),
                html.Button("clear edits", className="chip", **data(event="clear-edits")),
            ],
        ),
        html.Span(_GRID_KEYS, id="grid-help", hidden=True),
        html.Div(id="match-grid", className="match-grid", **data(grid=json.dumps(grid(analysis, styles)))),
    ]
    if session.bans:
        blocks.append(
            html.P(
                className="hint",
                children=[
                    "Banned: ",
                    *(
                        html.Button(
                            f"{styles['a'][a].label}–{styles['b'][b].label} ×",
                            className="chip",
                            **data(event="unban", a=a, b=b),
                            **aria(label="Lift this ban"),
                        )
                        for a, b in session.bans
                        if a in styles["a"] and b in styles["b"]
                    ),
                ],
            )
        )
    return blocks


def grid(analysis: Analysis, styles: Styles) -> dict[str, Any]:
    """What the table of matches holds: matched `rows`, leaves that are `left` out, and all `leaves` of each side to
    choose a partner from. `off` is how far the global matrix carries A's mean from B's, in B's deviations; `was`, of a
    pair that is not in the best matching, says what stands in its place there. `sure` is null where the method of
    matching gives no confidence.
    """
    distance = {(r.a, r.b): round(r.distance, 3) for r in analysis.residuals}
    was = {} if analysis.preview is None else dict(analysis.preview.gone)
    new = () if analysis.preview is None else analysis.preview.new
    rows = []
    for pair in analysis.matching.leaf_pairs:
        own, other = styles["a"][pair.a], styles["b"][pair.b]
        row = {
            "a": pair.a, "b": pair.b, "A": own.label, "B": other.label, "color": own.color,
            "carried": "a" * own.unconfirmed + "b" * other.unconfirmed, "sure": rounded(pair.confidence),
            "word": sureness(pair.confidence, pair.pinned), "pinned": pair.pinned,
            "off": distance.get((pair.a, pair.b)),
        }  # fmt: skip
        if (pair.a, pair.b) in new:
            row["was"] = f"(best: {styles['b'][was[pair.a]].label if pair.a in was else 'none'})"
        rows.append(row)
    leaves = {side: _leaves(analysis, side, styles) for side in SIDES}
    left = [
        {side: leaf["id"], side.upper(): leaf["label"], "color": leaf["color"], "mass": leaf["mass"]}
        for side in SIDES
        for leaf in leaves[side]
        if not leaf["matched"]
    ]
    return {"rows": rows, "left": left, "leaves": leaves, "widest": max([1.0, *distance.values()])}


def _leaves(analysis: Analysis, side: Side, styles: Styles) -> list[dict[str, Any]]:
    tree = analysis.tree(side)
    paired = {getattr(pair, side) for pair in analysis.matching.leaf_pairs}
    return [
        {
            "id": node, "label": styles[side][node].label, "color": styles[side][node].color,
            "matched": node in paired, "mass": round(float(tree.mass[row]), 4),
        }
        for row, node in zip(tree.leaves.tolist(), tree.ids(tree.leaves), strict=True)
    ]  # fmt: skip
