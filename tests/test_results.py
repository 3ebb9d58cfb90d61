"""What a session shows: pins alone, other explanations, names across links, and nothing computed twice."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from core.verdict import matched_score
from topoviz.app.panels.details.blocks import grid, trust
from topoviz.figures.links import link_facts
from topoviz.figures.style import node_styles
from topoviz.figures.theme import THEMES
from topoviz.session.analysis import analyze, cut_level, level_sets, mapped_names
from topoviz.session.convergence import choices, verdict
from topoviz.session.events import Adopt, reduce
from topoviz.session.state import Name, Session
from topoviz.vocabulary import NO_VERDICT
from zoo import CONVERGED, UNCONVERGED, with_metrics


@pytest.fixture(scope="module")
def session():
    return Session(model_a="three-a", model_b="three-b")


def leaves(analysis, side):
    tree = analysis.tree(side)
    return tree.ids(tree.leaves)


def test_the_same_session_is_computed_once(library, session):
    assert analyze(library, session) is analyze(library, replace(session, morph=0.3, level=0.2))


def test_an_edit_keeps_the_trees(library, session):
    first = analyze(library, session)
    edited = analyze(library, replace(session, bans=((leaves(first, "a")[0], leaves(first, "b")[0]),)))
    assert edited.level_sets_a is first.level_sets_a


def test_without_completion_only_links_count(library, session):
    first = analyze(library, session)
    pin = (leaves(first, "a")[0], leaves(first, "b")[1])
    alone = analyze(library, replace(session, pins=(pin,), complete=False))
    assert [(pair.a, pair.b) for pair in alone.matching.pairs] == [pin]
    nothing = analyze(library, replace(session, complete=False))
    assert nothing.matching.pairs == ()
    assert nothing.map is None
    assert nothing.map_problem
    assert set(nothing.matching.unmatched_a) == set(leaves(first, "a"))


def test_every_explanation_can_be_looked_at(library, session):
    best = analyze(library, session).matching
    for index, other in enumerate(best.alternatives, start=1):
        shown = analyze(library, replace(session, alternative=index)).matching
        assert {(pair.a, pair.b) for pair in shown.leaf_pairs} == set(other.pairs)
        assert shown.alternatives == best.alternatives
        assert not any(pair.pinned for pair in shown.pairs)


def test_a_preview_says_what_differs_and_adopting_keeps_it(library):
    start = Session(model_a="islands-a", model_b="islands-partial")
    best = analyze(library, start)
    assert best.preview is None
    usual = {(pair.a, pair.b) for pair in best.matching.leaf_pairs}
    assert best.matching.alternatives
    for index, other in enumerate(best.matching.alternatives, start=1):
        preview = analyze(library, replace(start, alternative=index)).preview
        assert (set(preview.new), set(preview.gone)) == (set(other.pairs) - usual, usual - set(other.pairs))
        assert preview.extra == pytest.approx(other.cost - best.matching.cost)
        adopted = analyze(library, reduce(start, Adopt(other.pairs, preview.freed)))
        assert {(pair.a, pair.b) for pair in adopted.matching.leaf_pairs} == set(other.pairs)
        assert all(pair.pinned for pair in adopted.matching.leaf_pairs)


def test_what_is_new_in_an_explanation_is_marked_in_the_table(library):
    start = Session(model_a="islands-a", model_b="islands-partial", alternative=1)
    view = analyze(library, start)
    styles = {side: node_styles(view, start, side, THEMES["light"]) for side in ("a", "b")}
    marked = [row for row in grid(view, styles)["rows"] if "was" in row]
    assert {(row["a"], row["b"]) for row in marked} == set(view.preview.new) != set()
    assert all("best: " in row["was"] for row in marked)
    assert "adopt" in str(trust(view, start, styles))
    usual = replace(start, alternative=0)
    assert not any("was" in row for row in grid(analyze(library, usual), styles)["rows"])


def test_an_explanation_that_is_not_there_falls_back_to_the_best_and_says_so(library, session):
    far = analyze(library, replace(session, alternative=900))
    assert far.notes
    assert far.matching.pairs == analyze(library, session).matching.pairs


def test_links_of_nodes_that_are_gone_are_told_and_left_out(library, session):
    lost = analyze(library, replace(session, pins=((999, 1),)))
    assert any("999" in note for note in lost.notes)
    assert lost.matching.pairs == analyze(library, session).matching.pairs


def test_links_that_contradict_each_other_are_told(library, session):
    first = analyze(library, session)
    inner = int(first.tree("a").id[0])
    odd = analyze(library, replace(session, pins=((inner, leaves(first, "b")[0]),)))
    assert odd.notes


def test_an_unknown_method_is_told(library, session):
    assert analyze(library, replace(session, method="no-such-method")).notes


@pytest.mark.parametrize("family", ["auto", "translation", "similarity", "orthogonal", "affine", "tree"])
def test_a_map_comes_with_its_score_or_its_problem(library, session, family):
    analysis = analyze(library, replace(session, family=family))
    assert (analysis.map is None) == (analysis.map_problem is not None)
    if analysis.map is not None:
        assert np.isfinite(analysis.score)
        assert np.isfinite(analysis.mapped).all()


def test_names_cross_links_until_both_ends_have_their_own(library, session):
    analysis = analyze(library, session)
    pair = analysis.matching.leaf_pairs[0]
    one = session.with_name("b", pair.b, Name("left"))
    assert mapped_names(analysis, one)[0] == {pair.a: Name("left", confirmed=False)}
    both = one.with_name("a", pair.a, Name("links"))
    assert mapped_names(analysis, both) == ({pair.a: Name("links")}, {pair.b: Name("left")})


def test_partners_are_mutual(library, session):
    analysis = analyze(library, session)
    for pair in analysis.matching.pairs:
        assert analysis.partner("a", pair.a) == pair.b
        assert analysis.partner("b", pair.b) == pair.a


def test_the_cut_runs_from_below_every_saddle_to_the_peak(library):
    tree = level_sets(library, "three-a", 0.1).tree
    assert cut_level(tree, 1.0) == 0
    inner = [row for row in range(len(tree)) if tree.children[row]]
    assert cut_level(tree, 0.0) <= max(-12.0, float(tree.level[inner].min()))


@pytest.mark.parametrize("name", ["", "nowhere", "broken"])
def test_a_model_that_cannot_be_had_is_refused(library, name):
    with pytest.raises(InputError):
        analyze(library, Session(model_a="three-a", model_b=name))


def test_a_model_that_did_not_converge_is_in_the_trust(library, session):
    analysis = analyze(library, session)
    styles = {side: node_styles(analysis, session, side, THEMES["light"]) for side in ("a", "b")}
    fine, doubted, old = (with_metrics(analysis.model_b, **m) for m in (CONVERGED, UNCONVERGED, {}))
    sentence = (
        "Model B did not converge: the latents explain 12% of a noise dimension; "
        "a leaf is found again in 50% of refits."
    )
    for model, doubts in ((fine, ()), (old, ()), (doubted, (sentence,))):
        view = replace(analysis, model_a=fine, model_b=model)
        assert tuple(reason for reason in view.verdict.reasons if "converge" in reason) == doubts
        assert ("did not converge" in str(trust(view, session, styles))) == bool(doubts)


def test_a_look_at_another_explanation_or_at_the_pins_alone_leaves_the_verdict(library):
    start = Session(model_a="islands-a", model_b="islands-partial")
    best = analyze(library, start)
    assert best.matching.alternatives
    other, alone = (analyze(library, replace(start, **change)) for change in ({"alternative": 1}, {"complete": False}))
    assert other.verdict is alone.verdict is best.verdict
    assert best.score == best.verdict.score
    assert other.score == matched_score(other.map, other.matching, other.model_a, other.model_b)


def test_a_published_method_shows_no_verdict_and_no_number(library, session):
    published = replace(session, method="path-mapping")
    view = analyze(library, published)
    styles = {side: node_styles(view, published, side, THEMES["light"]) for side in ("a", "b")}
    shown = str(trust(view, published, styles))
    assert view.verdict is None
    assert NO_VERDICT in shown
    assert "badge" not in shown
    assert all(row["sure"] is None for row in grid(view, styles)["rows"])
    assert all(link["confidence"] is None for link in link_facts(view, styles["a"], THEMES["light"]))


def test_a_verdict_is_told_in_plain_words():
    metrics = CONVERGED | {"volume_defect": 4.4e-7, "nll": 3.0, "entropy": 3.01, "steps": 2500, "seconds": 40.2}
    found = verdict(metrics)
    assert found.converged
    assert found.checks == (
        "Noise is independent of the latents (0.0% explained)",
        "Noise dimensions are independent of each other (0.1% explained)",
        "Noise is normal to within 0.01",
        "Volume is kept to 4e-7",
        "Held-out points do 0.01 nats worse than trained ones",
        "Every leaf was found again in 4 of 4 refits",
    )
    assert found.fit == ("Held-out NLL 3.00 nats, the data's entropy 3.01", "Trained for 2,500 steps in 40 s")


def test_what_did_not_converge_is_never_told_as_fulfilled():
    found = verdict(UNCONVERGED | {"nll": 3.0, "entropy": None})
    assert found.converged is False
    assert len(found.reasons) == 2
    assert "The latents explain 12.0% of a noise dimension" in found.checks
    assert "The least supported leaf was found again in 2 of 4 refits" in found.checks
    assert "Held-out points do as well as trained ones" in found.checks
    assert not any("independent" in text for text in found.checks)
    assert found.fit == ("Held-out NLL 3.00 nats",)


@pytest.mark.parametrize(
    "metrics",
    [{}, {"verdict": None, "choice": []}, {"verdict": {}, "choice": {"pad": 3}}, {"verdict": [True], "nll": "low"}],
)
def test_metrics_that_lack_a_verdict_have_none(metrics):
    found = verdict(metrics)
    assert (found.converged, found.reasons, found.checks, found.fit) == (None, (), (), ())
    assert choices(metrics) == ()


def test_a_damaged_verdict_leaves_out_what_cannot_be_read():
    damaged = {"converged": True, "reasons": 3, "latent_noise": float("nan"), "overfit": "x", "refit_leaves": None}
    assert verdict({"verdict": damaged | {"tree_support": 0.75}}).checks == (
        "The least supported leaf was found again in 75% of refits",
    )
    tried = [{"value": 1, "nll": 4.0}, {"value": 2, "nll": None}, "three"]
    (choice,) = choices({"choice": {"pad": {"chosen": 1, "tried": tried}}})
    assert (choice.what, choice.chosen, [(t.value, t.nll, t.error) for t in choice.tried]) == ("pads", 1, [(1, 4, 0)])
