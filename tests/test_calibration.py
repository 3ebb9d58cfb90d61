"""The numbers that decide matches and verdicts are those that the stored features call for, and do what they should."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from core.match.calibration import calibration, read
from core.tree.regime import Regime, regime_of

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("calibrate", BENCHMARKS / "calibrate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibrate"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["calibrate"]


@pytest.fixture(scope="module")
def features(script):
    return json.loads(script.FEATURES.read_text("utf-8"))


@pytest.fixture(scope="module")
def shipped(script):
    return json.loads(script.CALIBRATION.read_text("utf-8"))


def test_the_script_gives_the_shipped_numbers_again(script, features, shipped):
    again = script.fitted(features, shipped)
    assert again == shipped


def test_it_would_find_another_number_wrong(script, features, shipped):
    off = json.loads(json.dumps(shipped))
    off["plane"]["evidence"]["mass"]["noise"] *= 2
    off["sampled"]["verdict"]["bias"] += 1
    off["plane"]["price"] *= 1.5
    assert script.fitted(features, off) == shipped


def test_what_is_judged_by_was_not_fitted_to(features):
    parts = {part: {name.split(":")[0] for name in names} for part, names in features["data"].items()}
    assert parts["fit"]
    assert parts["judge"]
    assert not parts["fit"] & (parts["judge"] | parts["judge after"])


@pytest.mark.parametrize(("part", "most"), [("fit", 0.0), ("judge", 0.02), ("judge after", 0.0)])
def test_wrong_matches_are_hardly_ever_determined(script, features, part, most):
    known = calibration()
    wrong = [
        script._probability(row, known.regimes[Regime(pair["regime"])], known) >= known.threshold
        for pair in features["pairs"]
        for row in pair["rows"]
        if pair["part"] == part and not row["right"]
    ]
    assert len(wrong) > 20
    assert sum(wrong) <= most * len(wrong)


def test_odds_go_the_way_that_their_figures_say(script):
    for regime in calibration().regimes.values():
        assert all(slope * script.FIGURES[name] >= 0 for name, slope in regime.verdict.slopes.items())
        assert all(scale.noise < scale.spread for scale in regime.evidence.values())


def test_a_calibration_is_read_as_it_is_written(shipped):
    assert read(shipped) == calibration()


def test_the_greatest_dimension_decides_the_regime():
    assert [regime_of(k) for k in (1, 3, 4, 16)] == [Regime.PLANE, Regime.PLANE, Regime.SAMPLED, Regime.SAMPLED]
    assert regime_of(2, 5) is regime_of(5, 2) is Regime.SAMPLED


def test_a_dimension_is_compared_with_space_in_one_place():
    root = BENCHMARKS.parents[1]
    sources = [path for part in ("core", "topoviz") for path in (root / part).rglob("*.py")]
    dimension = r"\b(?:dim|dims|latent_dim|data_dim|k|d)\b"
    compared = re.compile(rf"{dimension}\s*(?:[<>]=?|[=!]=)\s*[34]\b|\b[34]\s*[<>]=?\s*(?:\w+\.)*{dimension}")
    lines = [(path, line) for path in sources for line in path.read_text("utf-8").splitlines()]
    assert not [f"{path.name}: {line}" for path, line in lines if compared.search(line)]
