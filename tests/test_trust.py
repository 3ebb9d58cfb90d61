"""The verdict on a match and its map: right ones are trusted, wrong ones are not, and it says why."""

from dataclasses import replace

import numpy as np
import pytest

import core
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
def test_a_right_match_is_trusted(models, b, family):
    trust = judged(models["islands-a"], models[b], family=family)
    assert trust.determined
    assert trust.probable > 0.9
    assert trust.figures["matched_mass"] > 0.99
    assert -1 < trust.figures["score"] < 0.05


@pytest.mark.parametrize(("a", "b"), [("islands-a", "nested"), ("nested", "islands-b"), ("blob", "blob")])
def test_worlds_with_nothing_to_tell_are_not_trusted(models, a, b):
    trust = judged(models[a], models[b])
    assert not trust.determined
    assert trust.probable < 0.5
    assert trust.reasons


def test_leaves_pinned_crosswise_cost_the_trust(models):
    a, b = models["islands-a"], models["islands-b"]
    right = core.match_trees(core.level_set_tree(a), core.level_set_tree(b)).leaf_pairs
    crossed = [(right[0].a, right[1].b), (right[1].a, right[0].b)]
    trust = judged(a, b, crossed)
    assert not trust.determined
    assert trust.probable < 0.5


def test_a_model_that_did_not_converge_is_named(models):
    a = models["islands-a"]
    doubtful = replace(models["islands-b"], metrics={"verdict": {"converged": False, "reasons": ["it is torn"]}})
    trust = judged(a, doubtful)
    assert not trust.determined
    assert "Model B did not converge: it is torn." in trust.reasons


def test_a_pair_that_contradicts_the_rest_is_named(models):
    a, b = models["islands-a"], models["islands-b"]
    matching = core.match_trees(core.level_set_tree(a), core.level_set_tree(b))
    one, two, *rest = matching.pairs
    crossed = replace(matching, pairs=(replace(one, b=two.b), replace(two, b=one.b), *rest))
    trust = core.assess(crossed, core.fit_map(matching), a, b)
    assert any(f"{one.a}:{two.b}" in reason and "disagree" in reason for reason in trust.reasons)


def test_the_score_of_the_matched_part_is_that_of_all_where_all_is_matched(models):
    from core.verdict.trust import matched_score

    a, b = models["islands-a"], models["islands-b"]
    matching = core.match_trees(core.level_set_tree(a), core.level_set_tree(b))
    fitted = core.fit_map(matching)
    assert matched_score(fitted, matching, a, b) == pytest.approx(core.pair_free_score(fitted, a, b), abs=0.02)
    part = replace(matching, pairs=matching.leaf_pairs[:3])
    assert np.isfinite(matched_score(fitted, part, a, b))
    assert matched_score(fitted, replace(matching, pairs=()), a, b) is None
