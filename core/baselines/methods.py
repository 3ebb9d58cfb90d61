"""The table of translators, and the one call for all of them.

Each takes clouds of latents, pairs where it needs them, and a seed; each gives a map from A's space to B's. A row is
plain text, so that a list of them loads none; it loads its module when it translates.
"""

import numpy as np

from core.baselines.types import Latents, Method, Pairs, Translator
from core.errors import InputError, invalid

__all__ = ["TRANSLATORS", "problem", "translate"]

TRANSLATORS: dict[str, Method] = {
    "ours": Method(
        "core.baselines.ours:ours", "matched level-set trees, affine map", "topoviz",
        same_dim=False, models=True, ours=True,
    ),
    "ours-tree": Method(
        "core.baselines.ours:ours_tree", "matched level-set trees, one affine piece per leaf", "topoviz",
        models=True, ours=True,
    ),
    "wasserstein-procrustes-ours": Method(
        "core.baselines.wasserstein:wasserstein_procrustes_ours", "rotation and coupling in turns, from ours",
        "arXiv 1805.11222", models=True, ours=True,
    ),
    "wasserstein-procrustes": Method(
        "core.baselines.wasserstein:wasserstein_procrustes", "rotation and coupling in turns, from random starts",
        "arXiv 1805.11222",
    ),
    "gromov-wasserstein": Method(
        "core.baselines.gromov:gromov_wasserstein", "coupling that keeps distances, affine fit", "arXiv 1805.09114",
        same_dim=False,
    ),
    "mini-vec2vec": Method(
        "core.baselines.mini_vec2vec:mini_vec2vec", "anchors by quadratic assignment, refined by neighbors",
        "arXiv 2510.02348",
    ),
    "mini-vec2vec-like": Method(
        "core.baselines.mini_vec2vec:mini_vec2vec_like", "the same with lengths kept", "after arXiv 2510.02348"
    ),
    "optimal-transport": Method(
        "core.baselines.transport:optimal_transport", "least displacement, point by point", "arXiv 1507.00504"
    ),
    "gaussian-transport": Method(
        "core.baselines.gaussian:gaussian_transport", "least displacement between Gaussians", "arXiv 1803.00567"
    ),
    "latent-translation": Method(
        "core.baselines.latent_translation:latent_translation", "one auto-encoder for both, held together by classes",
        "arXiv 1902.08261", same_dim=False, labels=True,
    ),
    "affine": Method(
        "core.baselines.affine:affine", "least squares on pairs", "arXiv 2311.00664", pairs=True, same_dim=False
    ),
    "procrustes": Method(
        "core.baselines.procrustes:procrustes", "rotation of least squares on pairs", "Schönemann 1966", pairs=True
    ),
    "relative": Method(
        "core.baselines.relative:relative", "directions, by their cosines to paired anchors", "arXiv 2406.15057",
        pairs=True, same_dim=False, few=True,
    ),
    "relative-like": Method(
        "core.baselines.relative:relative_like", "the same with lengths kept", "after arXiv 2406.15057",
        pairs=True, same_dim=False, few=True,
    ),
}  # fmt: skip


def problem(method: str, source: Latents, target: Latents, pairs: Pairs | None = None) -> str | None:
    """Why a method does not apply here, None where it does. Raises `InputError` for a name that is none."""
    if method not in TRANSLATORS:
        raise invalid("method", "one of " + ", ".join(TRANSLATORS), repr(method), "choose one of these")
    needs = TRANSLATORS[method]
    if needs.pairs and pairs is None:
        return "needs pairs"
    if needs.pairs and not needs.few and pairs is not None and len(pairs) < source.dim + 2:
        return f"needs {source.dim + 2} pairs or more, these are {len(pairs)}"
    if needs.labels and not _has_labels(source, target, pairs):
        return "needs classes of points on both sides"
    if needs.models and (source.model is None or target.model is None):
        return "needs a density on both sides"
    if needs.same_dim and source.dim != target.dim:
        return f"needs latent spaces of one dimension, these have {source.dim} and {target.dim}"
    return None


def translate(method: str, source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> Translator:
    """The translator that a method finds from `source` (n, k_a) to `target` (m, k_b).

    Raises `InputError` for a name that is none, for latents and pairs that the method cannot take, and where it does
    not converge.

    >>> z = np.random.default_rng(0).normal(size=(400, 2)) * [1.0, 2.0]
    >>> found = translate("gaussian-transport", Latents(z), Latents(3 * z + 1))
    >>> np.allclose(found(z), 3 * z + 1)
    True
    """
    reason = problem(method, source, target, pairs)
    if reason is not None:
        raise InputError(f"`{method}` {reason}; choose another method.")
    if pairs is not None and (pairs.a.shape[1], pairs.b.shape[1]) != (source.dim, target.dim):
        widths = f"{pairs.a.shape[1]} and {pairs.b.shape[1]}"
        raise invalid("pairs", f"of widths {source.dim} and {target.dim}", widths, "encode them with these models")
    found = TRANSLATORS[method].fit(source, target, pairs, seed)
    if not np.isfinite(found(source.points)).all():
        raise InputError(f"`{method}` did not converge; give it more points or another seed.")
    return found


def _has_labels(source: Latents, target: Latents, pairs: Pairs | None) -> bool:
    both = source.labels is not None and target.labels is not None
    return both or (pairs is not None and pairs.labels is not None)
