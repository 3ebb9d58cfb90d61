"""Points for the browser: whose they are, where they lie in every view, and how they travel along the flow."""

import base64
import json

import numpy as np
import pytest
import torch

from core.model.flow import CouplingFlow, RidgeFlow, jacobians
from core.worlds import load_dataset
from topoviz.app.panels.details.blocks import grid
from topoviz.figures.geometry.density import projection
from topoviz.figures.points import cloud, journey
from topoviz.figures.theme import THEMES
from topoviz.session.analysis import analyze
from topoviz.session.state import Session

PAIRS = (("trefoil-flat", "trefoil"), ("islands-a", "islands-10d"), ("two-moons", "blob"))


def unpacked(spec):
    kind = {"f4": np.float32, "i4": np.int32}[spec["dtype"]]
    flat = np.frombuffer(base64.b64decode(spec["bdata"]), kind)
    return flat.reshape([int(part) for part in spec["shape"].split(",")])


@pytest.fixture(scope="module", params=PAIRS, ids="/".join)
def view(request, library):
    a, b = request.param
    return analyze(library, Session(model_a=a, model_b=b))


def flows():
    coupling = CouplingFlow(4, blocks=5, width=16, seed=1)
    ridge = RidgeFlow(4, blocks=4, width=16, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        coupling.last.copy_(0.3 * torch.randn(coupling.last.shape, generator=generator))
        ridge.push.mul_(5)
    ridge.refine()
    return [coupling.double().eval(), ridge.double().eval()]


@pytest.mark.parametrize("flow", flows(), ids=["coupling", "cnf"])
def test_a_trajectory_leads_from_the_points_to_their_images_and_keeps_volume_at_every_state(flow):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(20, 4)))
    with torch.no_grad():
        way = flow.trajectory(x)
        assert torch.equal(way[0], x)
        assert torch.allclose(way[-1], flow(x), atol=1e-4)
        assert (way[1:] - way[:-1]).abs().amax((1, 2)).min() > 1e-4
    half = len(way) // 2
    middle = torch.linalg.slogdet(jacobians(lambda part: flow.trajectory(part)[half], x))[1]
    assert middle.abs().max() < 1e-3


def test_a_models_trajectory_ends_at_its_latents(view):
    for side in "ab":
        model = view.model(side)
        way = model.trajectory(model.sample.points[:50])
        latent = way[-1][:, : model.latent_dim] @ model.latent_head.T + model.latent_shift
        assert np.abs(latent - model.sample.latent[:50]).max() < 1e-4
        assert way.shape[2] == model.data_dim + model.pad


def test_the_way_begins_at_the_data_and_ends_at_the_latents_seen_from_the_front(view):
    for side in "ab":
        model, told = view.model(side), journey(view, side)
        places = unpacked(told["places"])
        assert places.shape == (told["states"], 600, 4)
        field = model.input_field
        data = (model.sample.points[:600] - field.center) @ field.frame
        assert np.abs(places[0, :, :3] - data).max() < 0.05
        seen = (places[-1, :, :3] - told["center"]) / model.scale @ np.array(told["facing"]).T
        flat = model.sample.latent[:600] @ projection(view.level_sets(side))
        assert np.abs(seen[:, :2] - flat).max() < 1e-3
        facing = np.array(told["facing"])
        assert np.abs(facing @ facing.T - np.eye(3)).max() < 1e-4
        assert np.linalg.det(facing) == pytest.approx(1, abs=1e-3)


def test_a_journey_is_small_enough_to_send(view):
    for side in "ab":
        assert len(json.dumps(journey(view, side))) < 300_000


def test_strands_that_meet_in_what_is_drawn_stay_apart_in_all_dimensions(library):
    knot = analyze(library, Session(model_a="trefoil-flat", model_b="trefoil"))
    drawn, whole = np.array(journey(knot, "b")["gaps"]).T
    assert drawn.min() < 0.1
    assert whole.min() > 0.5
    assert (drawn <= whole + 1e-3).all()
    # Without pads all dimensions are drawn.
    assert journey(knot, "a")["gaps"] is None


def test_every_point_has_a_leaf_and_an_image_where_the_map_takes_it(library):
    view = analyze(library, Session(model_a="islands-a", model_b="islands-b"))
    latent = view.model_a.sample.latent[:800]
    forth, back = cloud(view, "a"), cloud(view, "b")
    assert set(forth["owners"]) == set(view.tree("a").ids(view.tree("a").leaves))
    assert np.allclose(unpacked(forth["image"]["latent"]), view.map(latent), atol=1e-4)
    carried = unpacked(back["image"]["latent"])
    assert np.abs(view.map(carried.astype(float)) - view.model_b.sample.latent[:800]).max() < 1e-2
    assert np.allclose(unpacked(forth["space"]), view.model_a.sample.points[:800], atol=1e-4)
    # A's leaves are carried onto their partners.
    pairs = {pair.a: pair.b for pair in view.matching.leaf_pairs}
    kept = [pairs[own] == other for own, other in zip(forth["owners"], forth["image"]["owners"], strict=True)]
    assert np.mean(kept) > 0.8


def test_between_dimensions_that_do_not_come_back_there_is_no_image(library):
    view = analyze(library, Session(model_a="islands-a", model_b="blob"))
    assert view.map is None
    assert cloud(view, "a")["image"] is None


def test_data_of_any_dimension_travel():
    """The frames of the drawn space are orthonormal whatever the data's dimension and the pads are."""
    from core.config import FlowAutoencoderConfig
    from core.training.run import train
    from topoviz.figures.points import _views

    for dim, pad in ((1, 2), (2, 0), (2, 2)):
        rng = np.random.default_rng(dim)
        data = load_dataset("blob", n=600)
        data = type(data)("flat", rng.normal(size=(600, dim)).astype(np.float32))
        config = FlowAutoencoderConfig(
            latent_dim=min(dim, 2), pad=pad, steps=20, blocks=2, width=8, components=2, batch=64,
            warm_start="pca",
        )
        *_, last = train(data, config, seed=0)
        first, shown, facing = _views(last.model, np.eye(min(dim, 2)))
        rank = min(dim + pad, 3)
        for frame in (first, shown):
            assert np.linalg.matrix_rank(frame, tol=1e-6) == rank
            assert np.abs(frame.T @ frame @ frame.T - frame.T).max() < 1e-6
        assert np.linalg.det(facing) == pytest.approx(1)


def test_the_table_holds_every_leaf_once(library):
    from topoviz.figures.style import node_styles

    session = Session(model_a="islands-a", model_b="islands-partial")
    view = analyze(library, session)
    styles = {side: node_styles(view, session, side, THEMES["light"]) for side in "ab"}
    told = grid(view, styles)
    for side in "ab":
        shown = [row[side] for row in (*told["rows"], *told["left"]) if side in row]
        assert (
            sorted(shown)
            == sorted(view.tree(side).ids(view.tree(side).leaves))
            == sorted(leaf["id"] for leaf in told["leaves"][side])
        )
    json.dumps(told, allow_nan=False)
