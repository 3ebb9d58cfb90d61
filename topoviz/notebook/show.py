"""In a notebook: `topoviz.show` gives the linked figure without a server, and core's results show themselves as small
tables with a drawing of their tree.

Core knows nothing of it: the formatters are registered with IPython by the names of core's types.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import invalid

if TYPE_CHECKING:
    from core.maps import LatentMap
    from core.match import Matching
    from core.model.autoencoder import FlowAutoencoder
    from core.tree import LevelSetTree
    from core.verdict import Verdict
    from topoviz.session.analysis import Analysis
    from topoviz.session.composition import Composition
    from topoviz.session.state import Session

__all__ = ["Comparison", "formatters", "load_ipython_extension", "show"]

_SIMPLIFY = 0.1
_MOST_ROWS = 12
_TABLE = "border-collapse:collapse;font:12px/1.5 sans-serif;font-variant-numeric:tabular-nums"
_ROOM = "flex:1;min-width:16rem;max-width:42rem"
_CELL = "padding:1px 10px 1px 0;text-align:left;border:0;background:none"


def show(
    model_a: "FlowAutoencoder | str | Path",
    model_b: "FlowAutoencoder | str | Path",
    matching: "Matching | None" = None,
    family: str = "tree",
) -> "Comparison":
    """Two models beside each other, their trees matched: in a notebook a figure whose panels are linked.

    Models are trained ones, model folders, or names of those that are shipped. `matching` is between their trees as
    `core.level_set_tree` gives them, by default the one that `core.match_trees` finds; `family` is the transform's.
    Raises `InputError` where there is no such model, or the matching is of other trees.
    """
    models = [_opened(model) for model in (model_a, model_b)]
    from topoviz.session.state import Session

    names = [_name(model, side) for model, side in zip((model_a, model_b), "AB", strict=True)]
    pinned = () if matching is None else tuple((p.a, p.b) for p in matching.leaf_pairs if p.pinned)
    session = Session(model_a=names[0], model_b=names[1], simplify=_SIMPLIFY, family=family, pins=pinned)
    return Comparison(_analyzed(models[0], models[1], matching, family), session)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two models, their matched trees and the transform, to be looked at and saved."""

    analysis: "Analysis"
    session: "Session"

    def __repr__(self) -> str:
        from topoviz.vocabulary import verdict_lines

        a, b = self.session.model_a, self.session.model_b
        said = verdict_lines(self.analysis.verdict)[0]
        return f"<topoviz comparison of {a} and {b}: {_matching_line(self.analysis.matching)}. {said}>"

    def html(self, composition: "Composition | None" = None) -> str:
        """The linked figure as an HTML page of its own."""
        from topoviz.report.figure.linked import linked_html

        return linked_html(self.analysis, self.session, composition or self._usual)

    def save(self, path: str | Path, composition: "Composition | None" = None, dpi: float = 300) -> None:
        """Write the figure as .svg, .pdf, .png, or linked as .html.

        Raises `InputError` on another ending.
        """
        from core.files import write_file
        from topoviz.report.figure.composed import figure

        path = Path(path)
        if path.suffix.lower() == ".html":
            write_file(self.html(composition), path)
            return
        kind = path.suffix.lower().removeprefix(".")
        write_file(figure(self.analysis, self.session, composition or self._usual, kind, dpi), path)

    def _repr_html_(self) -> str:
        page = html.escape(self._page, quote=True)
        look = "width:100%;height:720px;border:0;background:#fff"
        title = html.escape(f"{self.session.model_a} and {self.session.model_b}", quote=True)
        # No same origin: the figure sees nothing of the notebook.
        return f'<iframe sandbox="allow-scripts" title="{title}" style="{look}" srcdoc="{page}"></iframe>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What notebooks ask for: the figure, and words for a terminal."""
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    @cached_property
    def _page(self) -> str:
        return self.html()

    @property
    def _usual(self) -> "Composition":
        from topoviz.session.composition import Composition

        return Composition()


def load_ipython_extension(ipython: Any) -> None:
    """Register the formatters: `%load_ext topoviz`, done by `import topoviz` in a notebook."""
    formatter = ipython.display_formatter.formatters["text/html"]
    for (module, name), form in formatters().items():
        formatter.for_type_by_name(module, name, form)


def formatters() -> Mapping[tuple[str, str], Callable[[Any], str]]:
    """How each type, by its module and name, is shown in HTML."""
    maps = (
        ("affine", "AffineMap"),
        ("affine", "ComposedMap"),
        ("tree_guided", "TreeMap"),
        ("tree_guided", "InverseTreeMap"),
    )
    return {
        ("core.model.autoencoder", "FlowAutoencoder"): _model,
        ("core.tree.types", "LevelSetTree"): _tree,
        ("core.match.types", "Matching"): _matching,
        ("core.verdict.verdict", "Verdict"): _verdict,
        **{(f"core.maps.{module}", name): _map for module, name in maps},
    }


def _opened(model: Any) -> "FlowAutoencoder":
    if not isinstance(model, str | Path):
        from core.model.autoencoder import FlowAutoencoder

        if not isinstance(model, FlowAutoencoder):
            raise invalid("model", "a trained model, a model folder or a name", type(model).__name__, "give one")
        return model
    from topoviz.cli.common import open_model

    return open_model(str(model))


def _name(model: Any, side: str) -> str:
    """A name that a session takes."""
    from topoviz.session.checks import is_folder_name

    name = Path(model).resolve().name if isinstance(model, str | Path) else model.name
    return name if is_folder_name(name) else f"model {side}"


def _analyzed(a: "FlowAutoencoder", b: "FlowAutoencoder", matching: "Matching | None", family: str) -> "Analysis":
    import core
    from topoviz.session.analysis import Analysis, fit

    sets_a, sets_b = (core.tree_with_regions(model).simplified(_SIMPLIFY) for model in (a, b))
    used: Matching = core.match_trees(sets_a.tree, sets_b.tree) if matching is None else matching
    for side, end, tree in (("A", 0, sets_a.tree), ("B", 1, sets_b.tree)):
        known = set(tree.id.tolist())
        strange = [pair for p in used.pairs if (pair := (p.a, p.b))[end] not in known]
        if strange:
            what_to_do = "match `core.level_set_tree` of the models"
            raise invalid("matching", f"of nodes of {side}'s tree", strange[0], what_to_do)
    return Analysis.of((sets_a, sets_b), (a, b), used, fit(used, family))


def _model(model: "FlowAutoencoder") -> str:
    import core
    from topoviz.session.convergence import verdict

    metrics = model.metrics
    facts = [
        (
            "data",
            f"{model.name or 'unnamed'}, {model.data_dim} dimensions" + (f" + {model.pad} pads" if model.pad else ""),
        ),
        ("latent", f"{model.latent_dim} dimensions"),
        ("flow, prior", f"{model.config.flow}, {model.config.prior}"),
    ]
    for key, label in (("nll", "held-out NLL"), ("entropy", "entropy")):
        if isinstance(metrics.get(key), int | float):
            facts.append((label, f"{metrics[key]:.3f} nats"))
    facts.append(("verdict", verdict(metrics).line))
    return _side_by_side(_drawn(core.level_set_tree(model)), _facts("Flow auto-encoder", facts))


def _tree(tree: "LevelSetTree") -> str:
    rows = [
        (
            str(tree.id[row]),
            tree.kind[row],
            *(f"{value:.2f}" for value in (tree.level[row], tree.persistence[row])),
            f"{tree.mass[row]:.3f}",
            str(int(tree.betti[row, 1])),
        )
        for row in range(len(tree))
    ]
    title = f"Level-set tree, {len(tree.leaves)} leaves, {tree.dim} dimensions"
    return _side_by_side(_drawn(tree), _rows(title, ("id", "kind", "level", "persistence", "mass", "holes"), rows))


def _matching(matching: "Matching") -> str:
    from topoviz.session.naming import leaf_name
    from topoviz.vocabulary import confidence_text

    rows = [
        (leaf_name("a", p.a), leaf_name("b", p.b), confidence_text(p.confidence) + (" pinned" if p.pinned else ""))
        for p in matching.leaf_pairs
    ]
    trees = f"<div style='display:flex'>{_drawn(matching.tree_a)}{_drawn(matching.tree_b)}</div>"
    return _side_by_side(trees, _rows(_matching_line(matching), ("A", "B", "sure"), rows))


def _map(fitted: "LatentMap") -> str:
    from topoviz.report.words import decimals, in_words
    from topoviz.vocabulary import map_kind

    cells = [
        [*map(decimals, row[:8]), decimals(shift)] for row, shift in zip(fitted.matrix, fitted.offset, strict=True)
    ]
    said = in_words(fitted.matrix)
    head = (*(f"z{at + 1}" for at in range(min(fitted.dim_in, 8))), "offset")
    title = map_kind(fitted.family) + (f": {said}" if said else "")
    return _rows(title, head, cells)


def _verdict(verdict: "Verdict") -> str:
    from topoviz.vocabulary import VERDICTS, verdict_lines

    look = VERDICTS[verdict.word]
    facts = [(name, f"{value:.3g}") for name, value in verdict.figures.items()]
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in verdict_lines(verdict))
    table = _facts(f"{look.glyph} {look.label}", [("probability", verdict.percent), *facts])
    return f"{table}<ul style='font:12px/1.5 sans-serif;margin:4px 0'>{lines}</ul>"


def _matching_line(matching: "Matching") -> str:
    from topoviz.vocabulary import counted

    return counted(len(matching.leaf_pairs), "matched leaf")


def _drawn(tree: "LevelSetTree") -> str:
    from topoviz.figures.theme import THEMES
    from topoviz.figures.thumbnail import thumbnail

    return f"<div style='background:#fff;width:240px;height:150px'>{thumbnail(tree, THEMES['light'])}</div>"


def _side_by_side(drawing: str, table: str) -> str:
    style = "display:flex;gap:16px;align-items:flex-start;flex-wrap:wrap"
    return f"<div style='{style}'>{drawing}<div style='{_ROOM}'>{table}</div></div>"


def _facts(title: str, facts: Sequence[tuple[str, str]]) -> str:
    return _rows(title, (), facts)


def _rows(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A small table; of many rows the first ones."""

    def cells(row: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag} style='{_CELL}'>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"

    shown = "".join(cells(row, "td") for row in rows[:_MOST_ROWS])
    left = len(rows) - _MOST_ROWS
    more = f"<tr><td style='{_CELL}' colspan=9>… {left} more</td></tr>" if left > 0 else ""
    heading = cells(head, "th") if head else ""
    caption = (
        f"<caption style='text-align:left;font-weight:600;padding:0;white-space:nowrap'>{html.escape(title)}</caption>"
    )
    return f"<table style='{_TABLE}'>{caption}{heading}{shown}{more}</table>"
