"""The verdict on a match and its map: right ones are determined, wrong ones are not, and it says why."""

from dataclasses import replace

import numpy as np
import pytest

import core
from core.match.calibration import calibration
from topoviz import resource

MODELS = resource("sample_data") / "models"


@pytest.fixture(scope="module")
def models():
    names = ("islands-a", "islands-b", "islands-5d", "nested", "blob", "trefoil-flat")
    return {name: core.load_model(MODELS / name) for name in names}


def judged(a, b, pins=(), family="affine"):
    matching = core.match_trees(core.level_set_tree(a), core.level_set_tree(b), pins)
    try:
        fitted = core.fit_map(matching, family)
    except core.InputError:
        fitted = None
    return core.assess(matching, fitted, a, b)


@pytest.mark.parametrize("b", ["islands-b", "islands-5d"])
@pytest.mark.parametrize("family", ["affine", "tree"])
def test_a_right_match_is_determined(models, b, family):
    verdict = judged(models["islands-a"], models[b], family=family)
    assert verdict.determined
    assert verdict.probability > 0.9
    assert verdict.figures["matched_mass"] > 0.99
    assert -1 < verdict.figures["score"] < 0.05


@pytest.mark.parametrize(("a", "b"), [("islands-a", "nested"), ("nested", "islands-b"), ("blob", "blob")])
def test_worlds_with_nothing_to_tell_are_not_determined(models, a, b):
    verdict = judged(models[a], models[b])
    assert not verdict.determined
    assert verdict.probability < 0.5
    assert verdict.reasons


def test_leaves_pinned_crosswise_cost_the_verdict(models):
    a, b = models["islands-a"], models["islands-b"]
    right = core.match_trees(core.level_set_tree(a), core.level_set_tree(b)).leaf_pairs
    crossed = [(right[0].a, right[1].b), (right[1].a, right[0].b)]
    verdict = judged(a, b, crossed)
    assert not verdict.determined
    assert verdict.probability < 0.5


def test_a_model_that_did_not_converge_is_a_reason_in_its_weight(models):
    a = models["islands-a"]
    measured = {"converged": False, "reasons": ["it is torn"], "tree_support": 0.5}
    plain = judged(a, models["islands-b"])
    doubted = judged(a, replace(models["islands-b"], metrics={"verdict": measured}))
    assert "Model B did not converge: it is torn." in doubted.reasons
    assert not any("converge" in reason for reason in plain.reasons)
    assert doubted.probability <= plain.probability


@pytest.mark.parametrize(
    "damaged", ["yes", ["x"], 3, {"tree_support": "x"}, {"tree_support": None}, {"converged": False, "reasons": 3}]
)
def test_damaged_metrics_cost_no_more_than_their_doubt(models, damaged):
    a, b = models["islands-a"], replace(models["islands-b"], metrics={"verdict": damaged})
    verdict = judged(a, b)
    says = isinstance(damaged, dict) and damaged.get("converged") is False
    assert any("Model B did not converge" in reason for reason in verdict.reasons) == says
    assert verdict.figures["instability"] == pytest.approx(judged(a, a).figures["instability"] / 2)


def test_a_pair_that_contradicts_the_rest_is_named(models):
    a, b = models["islands-a"], models["islands-b"]
    trees = core.level_set_tree(a), core.level_set_tree(b)
    matching = core.match_trees(*trees)
    one, two, *_ = matching.leaf_pairs
    crossed = core.match_trees(*trees, [(one.a, two.b), (two.a, one.b)])
    verdict = core.assess(crossed, core.fit_map(matching), a, b)
    assert any(f"{one.a}:{two.b}" in reason and "disagree" in reason for reason in verdict.reasons)


def test_the_word_follows_from_the_probability(models):
    for a, b in (("islands-a", "islands-b"), ("islands-a", "nested"), ("blob", "blob"), ("trefoil-flat", "nested")):
        verdict = judged(models[a], models[b])
        assert verdict.determined == (verdict.probability >= calibration().threshold)
        assert verdict.determined == (verdict.word == "determined")


def test_a_published_method_has_no_verdict(models):
    trees = core.level_set_tree(models["islands-a"]), core.level_set_tree(models["islands-b"])
    matching = core.match_trees(*trees, config=core.MatchConfig(method="path-mapping"))
    assert core.assess(matching, core.fit_map(matching), models["islands-a"], models["islands-b"]) is None
    assert all(pair.confidence is None for pair in matching.pairs)


def test_the_score_of_the_matched_part_is_that_of_all_where_all_is_matched(models):
    from core.verdict import matched_score

    a, b = models["islands-a"], models["islands-b"]
    matching = core.match_trees(core.level_set_tree(a), core.level_set_tree(b))
    fitted = core.fit_map(matching)
    # Of the same draws.
    assert matched_score(fitted, matching, a, b) == pytest.approx(core.pair_free_score(fitted, a, b, 1000), abs=0.005)
    part = replace(matching, pairs=matching.leaf_pairs[:3])
    assert np.isfinite(matched_score(fitted, part, a, b))
    assert matched_score(fitted, replace(matching, pairs=()), a, b) is None
