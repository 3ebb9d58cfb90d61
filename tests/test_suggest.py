"""Suggestions of what to ask a person: hand-made explanations with known answers, and laws over trained-like trees."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.gaussians import GaussianMixture
from core.match import Alternative, MatchConfig, Pair, match_trees, outlook
from core.tree import level_set_tree

_LEAVES = 8


@pytest.fixture(scope="module")
def matched():
    """A matching of two equal trees of eight leaves, and the ids of the leaves."""
    angle = 2 * np.pi * np.arange(_LEAVES) / _LEAVES
    means = 4 * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    weights = np.linspace(1, 2, _LEAVES)
    tree = level_set_tree(GaussianMixture(weights / weights.sum(), means, np.tile(0.3 * np.eye(2), (_LEAVES, 1, 1))))
    assert len(tree.leaves) == _LEAVES
    return match_trees(tree, tree), tree.ids(tree.leaves)


def explained(matched, *others, confidence=0.95, pinned=()):
    """The matching of each leaf to itself, with `others` in its place: (extra cost, {leaf number: partner number})."""
    matching, ids = matched
    pairs = tuple(Pair(i, i, confidence, pinned=i in {ids[at] for at in pinned}) for i in ids)
    alternatives = []
    for extra, changes in others:
        partners = {at: at for at in range(_LEAVES)} | changes
        chosen = tuple((ids[at], ids[to]) for at, to in partners.items() if to is not None)
        alternatives.append(Alternative(chosen, matching.cost + extra))
    return replace(matching, pairs=pairs, unmatched_a=(), unmatched_b=(), alternatives=tuple(alternatives)), ids


def test_nothing_is_asked_where_nothing_is_open(matched):
    matching, ids = explained(matched)
    found = outlook(matching)
    assert found.suggestions == ()
    assert found.open == ()
    assert found.sure == tuple(ids)
    assert found.entropy == 0
    assert found.closed == _LEAVES


def test_an_even_swap_is_one_bit_and_settles_both_leaves(matched):
    matching, ids = explained(matched, (0.0, {0: 1, 1: 0}))
    found = outlook(matching)
    assert found.entropy == pytest.approx(math.log(2))
    assert set(found.open) == {ids[0], ids[1]}
    assert {(s.a, s.b) for s in found.suggestions} == {(ids[i], ids[j]) for i in (0, 1) for j in (0, 1)}
    for suggestion in found.suggestions:
        assert suggestion.gain == pytest.approx(math.log(2))
        assert suggestion.decided == pytest.approx(2 * math.log(2))
        assert (suggestion.if_right, suggestion.if_wrong) == (2, 2)


def test_a_swap_that_costs_more_is_asked_about_later(matched):
    matching, ids = explained(matched, (0.0, {0: 1, 1: 0}), (1.2, {2: 3, 3: 2}))
    first, *_, last = outlook(matching).suggestions
    assert {first.a, first.b} <= {ids[0], ids[1]}
    assert {last.a, last.b} <= {ids[2], ids[3]}
    assert last.gain < first.gain


def test_changes_that_share_no_leaf_are_independent(matched):
    together = outlook(explained(matched, (0.0, {0: 1, 1: 0}), (0.0, {2: 3, 3: 2}))[0])
    assert together.entropy == pytest.approx(2 * math.log(2))
    assert all(s.probability == pytest.approx(0.5) for s in together.suggestions)


def test_a_turn_of_all_leaves_goes_before_a_swap_of_two(matched):
    """One ring of six that fits two ways round decides six leaves, the swap two."""
    turned = {at: (at + 1) % 6 for at in range(6)}
    matching, ids = explained(matched, (0.0, turned), (0.0, {6: 7, 7: 6}))
    first = outlook(matching).suggestions[0]
    assert first.a in ids[:6]
    assert first.if_right == first.if_wrong == 6
    assert first.expected_certain == pytest.approx(6)


def test_a_ring_that_fits_in_every_turn_and_mirrored_needs_two_answers(matched):
    ways = [{at: (turn + way * at) % 8 for at in range(8)} for turn in range(8) for way in (1, -1)]
    matching, _ = explained(matched, *((0.0, way) for way in ways[1:]))
    found = outlook(matching)
    assert found.entropy == pytest.approx(math.log(16))
    first = found.suggestions[0]
    assert first.probability == pytest.approx(1 / 8)
    # The leaf itself and the one across; the mirror is still open.
    assert (first.if_right, first.if_wrong) == (2, 0)


def test_a_pinned_leaf_is_never_asked_about_again(matched):
    matching, ids = explained(matched, (0.0, {2: 3, 3: 2}), pinned=(0, 1))
    found = outlook(matching)
    assert found.pinned == (ids[0], ids[1])
    assert not {s.a for s in found.suggestions} & set(found.pinned)


def test_an_unsure_pair_without_rivals_is_asked_about(matched):
    matching, ids = explained(matched, confidence=0.6)
    found = outlook(matching)
    assert {(s.a, s.b) for s in found.suggestions} == {(leaf, leaf) for leaf in ids}
    assert all((s.if_right, s.if_wrong) == (1, 0) for s in found.suggestions)
    heaviest = ids[int(np.argmax([matched[0].tree_a.basin_mass[matched[0].tree_a.row(leaf)] for leaf in ids]))]
    assert found.suggestions[0].a == heaviest


def test_leaves_that_stay_alone_are_settled_and_those_that_might_not_are_open(matched):
    matching, ids = explained(matched, (0.3, {0: 1}))
    partial = replace(
        matching, pairs=tuple(p for p in matching.pairs if p.a not in ids[:3]), unmatched_a=tuple(ids[:3])
    )
    others = tuple(replace(o, pairs=tuple(p for p in o.pairs if p[0] not in ids[1:3])) for o in matching.alternatives)
    found = outlook(replace(partial, alternatives=others))
    assert found.left_out == (ids[1], ids[2])
    assert found.open == (ids[0],)


swaps = st.lists(
    st.tuples(st.floats(0, 1.5), st.permutations(range(_LEAVES)), st.integers(2, _LEAVES)), min_size=1, max_size=12
)


@given(swaps)
@settings(max_examples=60)
def test_no_answer_tells_more_than_there_is_to_know(matched, found):
    """Information gained is at most the entropy; what is settled is at most what is open; shares are shares."""
    others = [(extra, dict(enumerate(order[:count])) if sorted(order[:count]) == list(range(count)) else dict(
        enumerate(order))) for extra, order, count in found]  # fmt: skip
    result = outlook(explained(matched, *sorted(others, key=lambda other: other[0]))[0])
    for suggestion in result.suggestions:
        assert 0 < suggestion.probability < 1
        assert 0 < suggestion.gain <= min(result.entropy, math.log(2)) + 1e-9
        assert suggestion.decided >= -1e-9
        assert max(suggestion.if_right, suggestion.if_wrong) <= len(result.open)
        assert suggestion.a in result.open
    decided = [round(s.decided, 6) for s in result.suggestions]
    assert decided == sorted(decided, reverse=True)
    parts = (*result.pinned, *result.sure, *result.left_out, *result.open)
    assert sorted(parts) == sorted(explained(matched)[1])


def test_a_confirmed_pair_settles_what_was_said(matched):
    """Two equal worlds of blobs that look alike in pairs: a pin of the first suggestion leaves less open."""
    means = np.array([[-4.0, 0], [4.0, 0], [0, -6.0], [0, 6.0]])
    tree = level_set_tree(GaussianMixture(np.full(4, 0.25), means, np.tile(0.3 * np.eye(2), (4, 1, 1))))
    before = outlook(match_trees(tree, tree))
    assert len(before.open) == 4
    first = before.suggestions[0]
    after = outlook(match_trees(tree, tree, pins=[(first.a, first.b)], config=MatchConfig()))
    assert len(after.open) < len(before.open)
