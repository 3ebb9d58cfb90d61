"""LaTeX: the matches as a table with booktabs, the transform as a matrix. Names are escaped."""

import numpy as np

from core.maps import LatentMap
from topoviz.session.analysis import Analysis, mapped_names
from topoviz.session.naming import clean, leaf_name
from topoviz.session.state import Session, Side
from topoviz.vocabulary import bends, confidence_text, verdict_lines

__all__ = ["escape", "match_tex", "transform_tex"]

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "{''}", "`": "{`}", "'": "{'}", "[": "{[}", "]": "{]}",
    "–": r"\textendash{}", "−": "$-$",
}  # fmt: skip
_HEAD = """% {what}, written by topoviz. Needs \\usepackage{{booktabs}}{more}.
"""
_TABLE = r"""\begin{{table}}
  \centering
  \caption{{{caption}}}
  \label{{tab:matches}}
  \begin{{tabular}}{{@{{}}llrrrrr@{{}}}}
    \toprule
    A & B & sure & \multicolumn{{2}}{{c}}{{mass}} & \multicolumn{{2}}{{c}}{{level (nats)}} \\
    \cmidrule(lr){{4-5}} \cmidrule(l){{6-7}}
      &   &      & A & B & A & B \\
    \midrule
{rows}
    \bottomrule
  \end{{tabular}}
\end{{table}}
"""
_EQUATION = r"""\begin{{equation}}
  T(\mathbf{{z}}) = \begin{{bmatrix}}
    {rows}
  \end{{bmatrix}} \mathbf{{z}} + \begin{{bmatrix}}
    {shift}
  \end{{bmatrix}}
\end{{equation}}
"""


def escape(text: str) -> str:
    """A name escaped for LaTeX, on one line.

    >>> escape("50% of $x_1$")
    '50\\\\% of \\\\$x\\\\_1\\\\$'
    """
    return "".join(_SPECIAL.get(char, char) for char in clean(text)).replace("--", "-{}-")


def match_tex(analysis: Analysis, session: Session) -> str:
    """The matched leaves, then those without a partner, as a LaTeX table."""
    names = mapped_names(analysis, session)
    matching = analysis.matching
    lines = []
    for pair in matching.leaf_pairs:
        word = confidence_text(pair.confidence, "---") + (" (pinned)" if pair.pinned else "")
        a, b = _node(analysis, "a", pair.a, names[0]), _node(analysis, "b", pair.b, names[1])
        lines.append((a[0], b[0], word, a[1], b[1], a[2], b[2]))
    for node in matching.unmatched_a:
        name, mass, level = _node(analysis, "a", node, names[0])
        lines.append((name, "---", "", mass, "", level, ""))
    for node in matching.unmatched_b:
        name, mass, level = _node(analysis, "b", node, names[1])
        lines.append(("---", name, "", "", mass, "", level))
    rows = "\n".join("    " + " & ".join(line) + r" \\" for line in lines)
    caption = (
        f"Leaves of the level-set trees of {escape(session.model_a)} (A) and {escape(session.model_b)} (B), matched "
        f"without paired points. {escape(verdict_lines(analysis.verdict)[0])}"
    )
    plain = rows.isascii()
    more = "" if plain else "; names are in UTF-8, for which XeLaTeX or LuaLaTeX has the letters"
    return _HEAD.format(what="The table of matches", more=more) + _TABLE.format(caption=caption, rows=rows)


def transform_tex(fitted: LatentMap, analysis: Analysis) -> str:
    """The transform's global part as a LaTeX equation."""
    matrix, offset = np.asarray(fitted.matrix), np.asarray(fitted.offset)
    body = r" \\" + "\n    "
    rows = body.join(" & ".join(map(_number, row)) for row in matrix)
    shift = body.join(map(_number, offset))
    most = max(matrix.shape)
    room = f"\\setcounter{{MaxMatrixCols}}{{{most}}}\n" if most > 10 else ""
    bent = " Its global part; each leaf bends it." if bends(fitted.family) else ""
    score = "" if analysis.score is None else f" Pair-free score {analysis.score:.3f} nats."
    said = f"% The transform from A's latents to B's ({fitted.family}).{bent}{score}"
    return f"{said}\n% Needs \\usepackage{{amsmath}}.\n{room}" + _EQUATION.format(rows=rows, shift=shift)


def _node(analysis: Analysis, side: Side, node: int, names) -> tuple[str, str, str]:
    tree = analysis.tree(side)
    row = tree.row(node)
    given = names.get(node)
    name = escape(given.text) if given is not None and clean(given.text) else leaf_name(side, node)
    return name, f"{tree.mass[row]:.3f}", f"${round(float(tree.level[row]), 2) + 0.0:.2f}$"


def _number(value: float) -> str:
    return f"{round(float(value), 3) + 0.0:.3f}"
