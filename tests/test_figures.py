"""The views' figures: plain JSON, one color for a matched pair, and differences that lead from one to the next."""

import base64
import copy
import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from dash import no_update

from topoviz.callbacks.patches import difference
from topoviz.figures import choice, latent, surface, training, trees
from topoviz.figures.style import markup, node_styles, packed
from topoviz.results import analyse
from topoviz.session import Name, Session
from topoviz.theme import THEMES
from topoviz.verdict import choices
from zoo import CONVERGED

SPECS = {
    "trees": trees.spec,
    "ground": trees.ground,
    "ground-a": lambda *view: latent.ground(*view[:2], "a", view[2]),
    "latent-a": lambda *view: latent.spec(*view[:2], "a", view[2]),
    "latent-b": lambda *view: latent.spec(*view[:2], "b", view[2]),
    "surface-a": lambda *view: surface.spec(*view[:2], "a", view[2]),
}


@pytest.fixture(scope="module")
def views(library):
    """Views of sessions that differ in one thing each."""
    start = Session(model_a="three-a", model_b="three-b")
    pair = analyse(library, start).matching.leaf_pairs[0]
    changed = (
        {}, {"level": 0.8}, {"morph": 0.25}, {"pins": ((pair.a, pair.b),)}, {"bans": ((pair.a, pair.b),)},
        {"names_a": ((pair.a, Name("<north>")),)}, {"model_b": "three-a"},
    )  # fmt: skip
    sessions = [replace(start, **change) for change in changed]
    return [(analyse(library, session), session, theme) for session in sessions for theme in THEMES]


@pytest.mark.parametrize("name", SPECS)
def test_a_figure_is_json_that_plotly_takes(views, name):
    for view in views:
        spec = SPECS[name](*view)
        assert json.loads(json.dumps(spec, allow_nan=False)) == spec
        assert len(go.Figure(spec).data) == len(spec["data"])


@pytest.mark.parametrize("name", SPECS)
def test_a_difference_leads_from_one_figure_to_the_next(views, name):
    specs = [SPECS[name](*view) for view in views]
    for old in specs:
        for new in specs:
            patch = difference(old, new)
            if old == new:
                assert patch is no_update
            else:
                assert _without_none(_applied(old, patch)) == _without_none(new)


def test_matched_leaves_share_a_color(views):
    for analysis, session, theme in views:
        styles = [node_styles(analysis, session, side, THEMES[theme]) for side in ("a", "b")]
        shared = [styles[0][pair.a].color for pair in analysis.matching.leaf_pairs]
        assert shared == [styles[1][pair.b].color for pair in analysis.matching.leaf_pairs]
        assert len(set(shared)) == len(shared)


def test_a_name_from_the_other_side_is_in_italics_and_no_markup(views):
    analysis, session, theme = next(view for view in views if view[1].names_a)
    node = {pair.a: pair.b for pair in analysis.matching.pairs}[session.names_a[0][0]]
    assert markup(node_styles(analysis, session, "b", THEMES[theme])[node]) == "<i>&lt;north&gt;</i>"


def test_the_morph_ends_at_the_transform_and_starts_at_its_center(views):
    analysis, session, _ = views[0]
    ends = latent.live(analysis, session)["overlay"]
    end = np.array(ends["end"]).T
    assert end == pytest.approx(analysis.mapped[: len(end)], abs=1e-3)
    assert np.mean(ends["start"], axis=1) == pytest.approx(end.mean(0), abs=1e-3)


def test_packing_keeps_shape_and_values():
    array = np.linspace(0, 1, 6).reshape(2, 3)
    spec = packed(array)
    assert (spec["dtype"], spec["shape"]) == ("f4", "2, 3")
    back = np.frombuffer(base64.b64decode(spec["bdata"]), dtype="<f4").reshape(2, 3)
    assert back == pytest.approx(array)


@pytest.mark.parametrize("theme", THEMES)
def test_an_elbow_shows_all_that_was_tried_and_marks_what_was_chosen(theme):
    (found,) = choices(CONVERGED)
    spec = choice.spec(found, theme)
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    (curve,) = go.Figure(spec).data
    assert list(curve.x) == [1, 2, 3]
    assert list(curve.y) == [4.1, 3.29, 3.28]
    assert list(curve.error_y.array) == [0.03, 0.008, 0.0]
    assert list(curve.text) == ["", "chosen", ""]
    accent = THEMES[theme].accent
    assert [color == accent for color in curve.marker.color] == [False, True, False]


def test_trials_for_a_size_are_no_part_of_the_training_curve():
    steps = [{"phase": phase, "step": 10, "heldout_nll": nll} for phase, nll in (("choose", 9.0), ("fit", 3.0))]
    assert [list(trace.y) for trace in training.figure(steps, "light").data][1] == [3.0]


def _applied(spec, patch):
    """A figure after a patch, as the browser makes it."""
    spec = copy.deepcopy(spec)
    for step in patch.to_plotly_json()["operations"]:
        *path, last = step["location"]
        at = spec
        for key in path:
            at = at[key]
        at[last] = step["params"]["value"]
    return spec


def _without_none(spec):
    return {
        "data": [{key: value for key, value in trace.items() if value is not None} for trace in spec["data"]],
        "layout": {key: value for key, value in spec["layout"].items() if value is not None},
    }
