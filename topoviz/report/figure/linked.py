"""A linked figure in one file: a node under the pointer is highlighted with its partner in every panel.

The file is the composed figure's SVG with a small script. It loads nothing and needs no server.
"""

import html
import json
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

from topoviz.report.figure.composed import figure
from topoviz.report.figure.scene import Scene
from topoviz.session.analysis import Analysis
from topoviz.session.composition import Composition
from topoviz.session.state import SIDES, Session, Side
from topoviz.vocabulary import sureness

__all__ = ["linked_html"]

_DPI = 220.0
# Nothing loads from elsewhere, not even by mistake.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title><style>{style}</style></head>
<body>
{svg}
<div id="card" role="status" hidden></div>
<script type="application/json" id="facts">{facts}</script>
<script>{script}</script>
</body></html>
"""


def linked_html(analysis: Analysis, session: Session, composition: Composition) -> str:
    """The composed figure as an HTML page, as wide as the window.

    Raises `InputError` where the figure cannot be composed.
    """
    scene = Scene(analysis, session, replace(composition, height=None))
    svg = figure(analysis, session, scene.composition, "svg", _DPI, linked=True).decode()
    svg = re.sub(r'width="[^"]+mm" height="[^"]+mm"', 'role="group"', svg[svg.index("<svg") :], count=1)
    return _PAGE.format(
        policy=html.escape(_POLICY),
        title=html.escape(f"{session.model_a} and {session.model_b}"),
        style=_resource("linked.css"),
        svg=svg,
        facts=_safe(_facts(scene)),
        script=_resource("linked.js"),
    )


def _resource(name: str) -> str:
    return (files("topoviz.report.figure") / name).read_text("utf-8")


def _safe(value: Any) -> str:
    """JSON that cannot end the script around it."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _facts(scene: Scene) -> dict[str, dict[str, Any]]:
    """For each side and id: the lines of its card, the nodes below it, its partner."""
    analysis = scene.analysis
    other = {f"a{pair.a}": f"b{pair.b}" for pair in analysis.matching.pairs}
    other |= {b: a for a, b in other.items()}
    sure = {}
    for pair in analysis.matching.leaf_pairs:
        word = sureness(pair.confidence, pair.pinned)
        word += "" if pair.confidence is None else f" ({pair.confidence:.2f})"
        sure |= {f"a{pair.a}": word, f"b{pair.b}": word}
    facts = {}
    for side in SIDES:
        tree = analysis.tree(side)
        for row, node in enumerate(tree.id.tolist()):
            key = f"{side}{node}"
            below, todo = [], list(tree.children[row])
            while todo:
                below.append(f"{side}{tree.id[todo[-1]]}")
                todo.extend(tree.children[todo.pop()])
            lines = [
                _title(scene, side, node, row),
                f"mass {tree.mass[row]:.3f}, level {tree.level[row]:.2f}".replace("-", "−"),
            ]
            if key in sure:
                lines.append(f"partner {_partner(scene, other[key])}, {sure[key]}")
            facts[key] = {"lines": lines, "below": below, "partner": other.get(key)}
    return facts


def _title(scene: Scene, side: Side, node: int, row: int) -> str:
    return scene.label(side, node) or f"{side.upper()}: {scene.analysis.tree(side).kind[row]}"


def _partner(scene: Scene, key: str) -> str:
    side: Side = "a" if key[0] == "a" else "b"
    return scene.label(side, int(key[1:]))
