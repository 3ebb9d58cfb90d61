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
    """Of one kind of evidence: how far it differs between two encodings of one world (`noise`) and between leaves at
    random (`spread`), as mean absolute deviations, and how much it counts (`weight`)."""

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
    """How a map that must carry every leaf is judged: see `core.match.by_map`."""

    weight: float
    limit: float
    most: float
    room: float
    matched: float
    pseudo: float
    covariances: float


@dataclass(frozen=True)
class RegimeCalibration:
    """What holds in one regime, in nats.

    `levels` are the multiples of the evidence's noise that are tried, `ways` in how many ways a leaf differs from the
    others (None: as many as there are dimensions), `price` what a matched leaf must bring, `margin` within which
    another matching explains the trees as well, `chance` what a leaf brings where trees have nothing in common, `rival`
    how much chance moves the costs of two matchings that differ in one pair against each other, as a share of the
    margin. `pair` are the odds that a pair is right, `verdict` those that all are.
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
    """All of it.

    `support` are the odds that a leaf is rightly matched at all, by what it brings, which counts up to `most_support`
    nats. `misfit` is what a leaf costs per unit that an affine map leaves of it, `untested_misfit` what two leaves,
    which fit some map, are taken to leave. No evidence between two pairs is less than log `floor`; leaves that differ
    in a hole cost `holes`; distances above `far` grow less reliable. Each figure of the odds counts within its
    `bounds`. Below `least_evidence`, or `least_mass` (the share of probability matched), there is too little to tell;
    from the probability `threshold` on a match is determined.
    """

    regimes: Mapping[Regime, RegimeCalibration]
    map: MapScale
    support: Odds
    most_support: float
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
    support = dict(document["support"])
    plain = ("misfit", "untested_misfit", "floor", "holes", "far", "least_evidence", "least_mass", "threshold")
    return Calibration(
        regimes={regime: _regime(document[regime]) for regime in Regime},
        map=MapScale(**document["map"]),
        most_support=support.pop("most"),
        support=Odds.of(support),
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
