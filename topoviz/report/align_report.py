"""The report of an alignment: one HTML file that loads nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.verdict import Verdict
from topoviz.report.page import escaped, page, table
from topoviz.session.analysis import Analysis, mapped_names
from topoviz.session.naming import leaf_name
from topoviz.session.state import SIDES, Session
from topoviz.vocabulary import VERDICTS, confidence_text, verdict_lines

__all__ = ["report", "summary"]

_STYLE = """
.verdict { border-left: .3rem solid; padding: .5rem 1rem; background: #f5f7f9; }
.verdict b { color: var(--ink); }
"""


def report(
    session: Session,
    analysis: Analysis,
    models: Mapping[str, Mapping[str, Any]],
    anchors: Mapping[str, float] | None = None,
    figures: Sequence[str] = (),
) -> str:
    """The report as HTML.

    `models` gives the metrics of each model by name, `anchors` the measures of the map on paired rows, `figures` are
    pieces of HTML that are put at the end.
    """
    matching = analysis.matching
    title = f"{session.model_a} and {session.model_b}"
    parts = [
        f"<h1>{escaped(title)}</h1>",
        _verdict(analysis.verdict),
        f"<p>{len(matching.leaf_pairs)} matched leaves; cost {matching.cost:.3g}, "
        f"{matching.gap:.3g} better than the next ({escaped(matching.solver)} solver).</p>",
        table(("model", "held-out NLL (nats)", "volume defect", "seconds"), _model_rows(models)),
        "<h2>Matched nodes</h2>",
        table(("A", "B", "confidence", "mass A", "mass B"), _pair_rows(analysis, session)),
        "<h2>The transform</h2>",
        f"<p>{escaped(_transform(analysis))}</p>",
    ]
    if anchors:
        parts += [
            "<h2>On the anchors</h2>",
            table(("measure", "value"), [(k, f"{v:.3f}") for k, v in anchors.items()]),
        ]
    return page(title, _STYLE, [*parts, *figures])


def summary(analysis: Analysis, seconds: float) -> dict[str, Any]:
    """The alignment in numbers, as in report.json; `seconds` is its duration. What was not measured is null."""
    a, b = (analysis.tree(side) for side in SIDES)
    matched, fitted = len(analysis.matching.leaf_pairs), analysis.map
    return {
        "schema": 1,
        "verdict": None if analysis.verdict is None else analysis.verdict.to_json(),
        "leaves": {"a": len(a.leaves), "b": len(b.leaves), "matched": matched},
        "map": None if fitted is None else {"family": fitted.family, "score": analysis.score, "carried_share": None},
        "retrieval": None,
        "seconds": round(seconds, 1),
    }


def _verdict(verdict: Verdict | None) -> str:
    sentence, *reasons = map(escaped, verdict_lines(verdict))
    if verdict is None:
        return f"<p class='verdict'>{sentence}</p>"
    look = VERDICTS[verdict.word]
    items = "".join(f"<li>{reason}</li>" for reason in reasons)
    return (
        f"<div class='verdict {look.kind}' style='--ink:{look.ink};border-color:{look.ink}'>"
        f"<p><b>{look.glyph} {look.label}</b> {sentence}</p><ul>{items}</ul></div>"
    )


def _model_rows(models: Mapping[str, Mapping[str, Any]]) -> list[tuple[object, ...]]:
    return [(name, f"{m['nll']:.3f}", f"{m['volume_defect']:.1e}", f"{m['seconds']:.0f}") for name, m in models.items()]


def _pair_rows(analysis: Analysis, session: Session) -> list[tuple[object, ...]]:
    names_a, names_b = mapped_names(analysis, session)
    a, b = analysis.tree("a"), analysis.tree("b")
    rows = []
    for pair in analysis.matching.leaf_pairs:
        label_a = names_a[pair.a].text if pair.a in names_a else leaf_name("a", pair.a)
        label_b = names_b[pair.b].text if pair.b in names_b else leaf_name("b", pair.b)
        masses = a.mass[a.row(pair.a)], b.mass[b.row(pair.b)]
        rows.append((label_a, label_b, confidence_text(pair.confidence), *(f"{mass:.3f}" for mass in masses)))
    return rows


def _transform(analysis: Analysis) -> str:
    if analysis.map is None:
        return f"There is none: {analysis.map_problem}"
    score = "" if analysis.score is None else f"; pair-free score {analysis.score:.3f} nats (0 is perfect)"
    return f"Family {analysis.map.family}{score}."
