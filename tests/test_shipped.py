"""What is shipped is what the page says it is: trees, matches, maps and knots of the sample models."""

import json

import numpy as np
import pytest

import core
from core.tree import node_of, tree_with_regions
from core.worlds import dataset_info
from topoviz import resource

MODELS = resource("sample_data") / "models"
NAMES = sorted(path.name for path in MODELS.iterdir())
PLANTED = [name for name in NAMES if core.load_model(MODELS / name).metrics["entropy"] is not None]


def beads_in_order(model) -> bool:
    """Whether the beads' mean latents, by angle around the middle, come in the order they have along the curve."""
    sample = model.sample
    beads = np.unique(sample.labels)
    center = np.array([sample.latent[sample.labels == bead].mean(0) for bead in beads])
    around = np.argsort(np.arctan2(*(center - center.mean(0)).T))
    steps = np.diff(np.append(around, around[0])) % len(beads)
    return set(steps.tolist()) in ({1}, {len(beads) - 1})


@pytest.mark.parametrize("name", PLANTED)
def test_a_shipped_model_is_sound(name):
    model = core.load_model(MODELS / name)
    metrics = model.metrics
    assert metrics["volume_defect"] < 1e-3
    assert metrics["excess"] > -4 * metrics["nll_error"]
    points = model.sample.points[:300].astype(np.float64)
    assert np.abs(model.decode(*model.encode(points)) - points).max() < 1e-8
    assert model.input_field is not None
    if name != "trefoil-flat":
        assert len(core.level_set_tree(model).leaves) == dataset_info(metrics["dataset"]).topology.leaves


def is_one_ring(name: str) -> bool:
    """Nine leaves, a bead each, in order around one hole."""
    model = core.load_model(MODELS / name)
    tree = core.level_set_tree(model, simplify=0.3)
    return len(tree.leaves) == 9 and tree.betti[0].tolist() == [1, 1] and beads_in_order(model)


def test_only_the_padded_trefoil_is_one_ring():
    assert is_one_ring("trefoil")
    assert not is_one_ring("trefoil-flat")


def leaf_modes(model) -> dict[int, int]:
    """The planted mode that most of each leaf's points are of."""
    sets = tree_with_regions(model)
    rows = node_of(sets, model.sample.latent)
    return {
        int(sets.tree.id[row]): int(np.bincount(model.sample.labels[rows == row]).argmax()) for row in sets.tree.leaves
    }


@pytest.mark.parametrize(
    ("b", "shared"), [("islands-b", 6), ("islands-5d", 6), ("islands-10d", 6), ("islands-partial", 4)]
)
def test_shared_islands_are_matched_and_no_others(b, shared):
    models = [core.load_model(MODELS / name) for name in ("islands-a", b)]
    matching = core.match_trees(*map(core.level_set_tree, models))
    modes_a, modes_b = map(leaf_modes, models)
    found = sorted((modes_a[pair.a], modes_b[pair.b]) for pair in matching.leaf_pairs)
    assert found == [(mode, mode) for mode in range(shared)]
    verdict = core.assess(matching, core.fit_map(matching), *models)
    assert verdict.determined == (shared == 6)
    assert len(matching.unmatched_a) == len(matching.unmatched_b) == 6 - shared
    assert any("left out" in reason for reason in verdict.reasons) == (shared < 6)


def test_every_example_names_models_that_are_there():
    for example in json.loads((resource("sample_data") / "examples.json").read_text()):
        assert {example["model_a"], example["model_b"]} <= set(NAMES)
