"""The science of topoviz: flow auto-encoders, their level-set trees, matchings of trees, maps between latent spaces.

Numpy in, numpy out; usable from a notebook without the app. Names load on first use, so importing this is cheap.
"""

import importlib
from typing import Any

_HOMES = {
    "core.activations.prepare": ("Preparation", "prepare", "prepared_pair"),
    "core.aligner": ("TopologyAligner",),
    "core.activations": ("Collected", "UnitReport", "collect", "examine_units"),
    "core.maps": (
        "AffineMap",
        "TreeMap",
        "best_family",
        "disagreeing_pairs",
        "families_available",
        "fit_map",
        "map_uncertainty",
        "pair_free_score",
        "residuals",
        "round_trip",
    ),
    "core.config": ("FlowAutoencoderConfig",),
    "core.data": ("Dataset",),
    "core.worlds": ("dataset_names", "load_dataset"),
    "core.errors": ("InputError",),
    "core.match": ("MatchConfig", "Matching", "match_trees"),
    "core.meaning": ("map_labels", "nearest_examples", "score_labels", "separation"),
    "core.model.autoencoder": ("FlowAutoencoder",),
    "core.gaussians": ("GaussianMixture",),
    "core.documents": ("MatchDocument", "load_match", "load_tree", "save_match", "save_tree"),
    "core.model.store": ("load_model", "save_model"),
    "core.baselines": ("TRANSLATORS", "Latents", "Pairs", "translate"),
    "core.training": ("Progress", "train"),
    "core.verdict": ("Verdict", "assess"),
    "core.tree": ("LevelSetTree", "level_set_tree", "tree_with_regions"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]
DISTRIBUTION = "topoviz"


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return [*_HOME_OF, "DISTRIBUTION"]
