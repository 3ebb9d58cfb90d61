"""Every number that decides matches and verdicts, read from `calibration.json` beside this file.

No number there is set by hand: `tests/benchmarks/calibrate.py` writes the file from features of pairs of trained models
whose right matches are known. The file says when, and from which pairs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from core.tree.regime import Regime

__all__ = ["Calibration", "EvidenceScale", "MapScale", "Odds", "RegimeCalibration", "calibration"]


@dataclass(frozen=True)
class EvidenceScale:
    """The scale of one kind of evidence: the mean absolute difference between two encodings of one world (`noise`) and
    between random leaves (`spread`), and its `weight`."""

    noise: float
    spread: float
    weight: float


@dataclass(frozen=True)
class Odds:
    """Log-odds that are linear in named figures."""

    bias: float
    slopes: Mapping[str, float]

    @classmethod
    def of(cls, document: Mapping[str, float]) -> "Odds":
        """The odds in a JSON object of `bias` and slopes."""
        return cls(document["bias"], {name: slope for name, slope in document.items() if name != "bias"})


@dataclass(frozen=True)
class MapScale:
    """The constants of the matching by one map, which `core.match.by_map` explains."""

    weight: float
    limit: float
    most: float
    room: float
    matched: float
    pseudo: float
    covariances: float


@dataclass(frozen=True)
class RegimeCalibration:
    """The numbers of one regime, in nats.

    `levels` are the multiples of the evidence's noise that are tried. `ways` is the number of independent ways in which
    a leaf differs from the others (None: the dimension). `price` is the evidence that a matched leaf needs; `chance` is
    its gain in unrelated trees. A matching within `margin` of the best explains the trees as well. `rival` is the
    chance difference between the costs of two matchings that differ in one pair, as a share of the margin. `pair` has
    the odds that a pair is right, `verdict` the odds that all pairs are.
    """

    evidence: Mapping[str, EvidenceScale]
    levels: tuple[float, ...]
    ways: float | None
    price: float
    margin: float
    chance: float
    rival: float
    pair: Odds
    verdict: Odds


@dataclass(frozen=True)
class Calibration:
    """All calibrated numbers.

    `inclusion` has the odds that a leaf is rightly matched at all, given its removal cost, which counts up to
    `most_removal_cost` nats. `misfit` is the cost per unit of a leaf's residual under an affine map;
    `untested_misfit` is the residual assumed for each of two leaves, which always fit some map. The evidence between
    two pairs is at least log `floor`; leaves that differ in a hole cost `holes`; distances above `far` are less
    reliable. Each figure of the odds is clipped to its `bounds`. Below `least_evidence`, or `least_mass` (the share of
    probability matched), there is too little evidence for a verdict. A match is determined from the probability
    `threshold` on.
    """

    regimes: Mapping[Regime, RegimeCalibration]
    map: MapScale
    inclusion: Odds
    most_removal_cost: float
    misfit: float
    untested_misfit: float
    floor: float
    holes: float
    far: float
    bounds: Mapping[str, tuple[float, float]]
    least_evidence: float
    least_mass: float
    threshold: float


@cache
def calibration() -> Calibration:
    """The calibration that the package ships."""
    return read(json.loads((files("core.match") / "calibration.json").read_text("utf-8")))


def read(document: Mapping[str, Any]) -> Calibration:
    """The calibration in a JSON object as `calibrate.py` writes it."""
    inclusion = dict(document["support"])
    plain = ("misfit", "untested_misfit", "floor", "holes", "far", "least_evidence", "least_mass", "threshold")
    return Calibration(
        regimes={regime: _regime(document[regime]) for regime in Regime},
        map=MapScale(**document["map"]),
        most_removal_cost=inclusion.pop("most"),
        inclusion=Odds.of(inclusion),
        bounds={name: (low, high) for name, (low, high) in document["bounds"].items()},
        **{name: document[name] for name in plain},
    )


def _regime(document: Mapping[str, Any]) -> RegimeCalibration:
    return RegimeCalibration(
        evidence={kind: EvidenceScale(**scale) for kind, scale in document["evidence"].items()},
        levels=tuple(document["levels"]),
        pair=Odds.of(document["pair"]),
        verdict=Odds.of(document["verdict"]),
        **{name: document[name] for name in ("ways", "price", "margin", "chance", "rival")},
    )
