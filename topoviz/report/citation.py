"""A comparison in a paper: BibTeX entries for topoviz and both models, and a paragraph of methods with the true
numbers."""

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from topoviz import __version__
from topoviz.report.latex import escape
from topoviz.session.analysis import Analysis
from topoviz.session.convergence import verdict
from topoviz.session.state import SIDES, Session
from topoviz.vocabulary import (
    article,
    counted,
    map_written,
    method_label,
    method_source,
    method_written,
    prior_written,
    verdict_lines,
)

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["bibtex", "data_hash", "methods"]

_SOFTWARE = """@software{{topoviz,
  author  = {{{{The topoviz authors}}}},
  title   = {{topoviz: topology matching of neural representations}},
  version = {{{version}}},
  year    = {{2026}},
  license = {{MIT}}
}}
"""
_IDEA = """@misc{clarke2022topology,
  author = {Maxwell Clarke},
  title  = {My tentative interpretability research agenda: topology matching},
  year   = {2022}
}
"""
_ENTRY = """@misc{{{key},
  title = {{{title}}},
  note  = {{{note}}}
}}
"""
_FLOWS = {
    "coupling": "additive couplings between orthogonal mixings",
    "cnf": "an ordinary differential equation with a divergence-free field",
}


def bibtex(analysis: Analysis, session: Session) -> str:
    """Entries for topoviz, the idea behind it, both models with seed, version and hash of their data, and the published
    method of matching, if one was used."""
    entries = [_SOFTWARE.format(version=__version__), _IDEA]
    sides = SIDES[:1] if session.model_a == session.model_b else SIDES
    for side in sides:
        name, model = session.model(side), analysis.model(side)
        key = "topoviz-" + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or side)
        title = f"Flow auto-encoder of {escape(model.name or name)}, model {escape(name)}"
        entries.append(_ENTRY.format(key=f"{key}-{side}", title=f"{{{title}}}", note=_note(model)))
    if source := method_source(session.method):
        title = f"{{{escape(method_label(session.method))}, the method that matched the trees}}"
        entries.append(_ENTRY.format(key=f"topoviz-method-{session.method}", title=title, note=escape(source)))
    return "\n".join(entries)


def data_hash(model: "FlowAutoencoder") -> str | None:
    """The first sixteen digits of the SHA-256 of a model's data, or, where the model does not know it, of the sample
    that it keeps; the text says which of the two it is."""
    known = model.metrics.get("data_sha256")
    if isinstance(known, str) and re.fullmatch(r"[0-9a-f]{64}", known):
        return f"data SHA-256 {known[:16]}"
    if model.sample is None:
        return None
    kept = np.ascontiguousarray(model.sample.points, dtype=np.float32)
    return f"kept sample SHA-256 {hashlib.sha256(kept.tobytes()).hexdigest()[:16]}"


def methods(analysis: Analysis, session: Session) -> str:
    """A paragraph of methods, to be pasted into a paper and shortened."""
    sentences = [
        f"Representations were compared with topoviz {__version__}.",
        *(_trained(side, session, analysis.model(side)) for side in SIDES),
        "Both flows keep volume, so that heights and masses of superlevel sets are the same in data and latent space.",
        f"The level-set trees of the latent densities were simplified at {session.simplify:g} nats of persistence, "
        f"which left {counted(len(analysis.tree('a').leaves), 'leaf')} in A and "
        f"{counted(len(analysis.tree('b').leaves), 'leaf')} in B.",
        _matched(analysis, session),
        *verdict_lines(analysis.verdict),
        _map(analysis),
    ]
    return " ".join(filter(None, sentences)) + "\n"


def _note(model: "FlowAutoencoder") -> str:
    metrics = model.metrics
    parts = [f"topoviz {__version__}", f"{model.config.flow} flow, {model.config.prior} prior"]
    parts += [f"{model.data_dim} data, {model.pad} pad and {model.latent_dim} latent dimensions"]
    if (seed := _whole(metrics, "seed")) is not None:
        parts.append(f"seed {seed}")
    if (points := _whole(metrics, "points")) is not None:
        parts.append(counted(points, "point"))
    return "; ".join(filter(None, (*parts, data_hash(model))))


def _trained(side: str, session: Session, model: "FlowAutoencoder") -> str:
    metrics, config = model.metrics, model.config
    name = session.model_a if side == "a" else session.model_b
    points, steps, seed = (_whole(metrics, key) for key in ("points", "steps", "seed"))
    nll, entropy = metrics.get("nll"), metrics.get("entropy")
    said = f"Model {side.upper()} ({name}) is a flow auto-encoder"
    said += f" of {counted(points, 'point')}" if points is not None else ""
    said += f" in {counted(model.data_dim, 'dimension')}"
    said += f" with {counted(model.pad, 'dimension')} of Gaussian noise added" if model.pad else ""
    said += (
        f", with {counted(model.latent_dim, 'latent dimension')}; its flow is {_FLOWS.get(config.flow, config.flow)}, "
    )
    said += f"its prior {prior_written(config.prior)}"
    trained = [f"for {counted(steps, 'step')}"] if steps is not None else []
    trained += [f"with seed {seed}"] if seed is not None else []
    said += f"; it was trained {' '.join(trained)}" if trained else ""
    if isinstance(nll, int | float):
        said += f" to a held-out negative log-likelihood of {_number(nll)} nats"
        said += f" (entropy of the data: {_number(entropy)})" if isinstance(entropy, int | float) else ""
    converged = {True: "; it converged", False: "; it did not converge", None: ""}[verdict(metrics).converged]
    return said + converged + "."


def _matched(analysis: Analysis, session: Session) -> str:
    matching = analysis.matching
    pinned = sum(pair.pinned for pair in matching.leaf_pairs)
    by_hand = [f"{counted(pinned, 'pair')} pinned"] if pinned else []
    by_hand += [f"{counted(len(session.bans), 'pair')} banned"] if session.bans else []
    mass_a, mass_b = matching.matched_masses
    said = f"Matched {method_written(session.method)}, without paired points"
    said += f" and with {' and '.join(by_hand)} by hand" if by_hand else ""
    said += f", {counted(len(matching.leaf_pairs), 'leaf')} of A correspond to leaves of B"
    said += f", which hold {100 * mass_a:.0f} % of A's and {100 * mass_b:.0f} % of B's probability"
    gap = matching.gap
    return said + (f" (cost {matching.cost:.2f} nats, the next matching {gap:.2f} nats more)." if np.isfinite(gap) else
                   f" (cost {matching.cost:.2f} nats).")  # fmt: skip


def _map(analysis: Analysis) -> str:
    if analysis.map is None:
        return f"No transform was fitted: {analysis.map_problem}"
    family = analysis.map.family
    said = f"The transform from A's latent space to B's is {article(map_written(family))}"
    said += f" with a pair-free score of {analysis.score:.3f} nats (0 is perfect)" if analysis.score is not None else ""
    if analysis.residuals:
        off = [found.distance for found in analysis.residuals]
        said += f"; its global part maps matched means to within {np.median(off):.2f} deviations in the median and "
        said += f"{max(off):.2f} at most"
    return said + "."


def _whole(metrics: Mapping[str, Any], key: str) -> int | None:
    value = metrics.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: float) -> str:
    return f"{float(value):.2f}"
