"""The shipped pairs from networks are what their stories say: matched or not, and labels carried as well as told."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest

import core
from core.tree import tree_with_regions
from core.tree.levelsets import leaf_of
from topoviz import resource
from topoviz.session.labels import read_labels

DATA = resource("sample_data")
SIDES = ("vases-seen", "vases-heard", "words-one-half", "words-other-half", "digits-dense", "digits-convolved")


@pytest.fixture(scope="module")
def domains():
    """The benchmark that made the figures."""
    path = resource("sample_data").parent / "tests" / "benchmarks" / "domains.py"
    spec = importlib.util.spec_from_file_location("domains", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judged(domains, name):
    with np.load(DATA / "sets" / f"{name}-pairs.npz") as same:
        inputs = same["a"], same["b"]
    return domains.judged(*(core.load_model(DATA / "models" / side) for side in domains.PAIRS[name]), inputs)


@pytest.mark.parametrize("side", SIDES)
def test_a_model_of_a_network_is_whole_and_every_row_has_a_label_and_an_example(side):
    folder = DATA / "models" / side
    model = core.load_model(folder)
    assert model.metrics["volume_defect"] < 1e-3
    points = model.sample.points[:300].astype(np.float64)
    assert np.abs(model.decode(*model.encode(points)) - points).max() < 1e-7 * np.abs(points).max()
    labels = read_labels(folder)
    assert list(labels.values) == model.sample.labels.tolist()
    examples = json.loads((folder / "examples.json").read_text())
    count = len(examples["texts"]) if examples["kind"] == "text" else examples["count"]
    assert count == len(model.sample.points)


def test_what_is_seen_and_what_is_heard_match_leaf_for_leaf_and_carry_the_kinds(domains):
    found = judged(domains, "vases")
    assert found.leaves == (7, 7)
    assert found.matched == found.right == 7
    assert found.determined
    assert found.labels > 0.98
    assert found.labels > found.within - 0.02
    assert found.same_leaf > 0.98
    assert found.explained > 0.95


def test_words_of_two_halves_of_a_book_match_by_the_company_they_keep(domains):
    found = judged(domains, "words")
    assert found.leaves == (7, 6)
    assert found.matched == found.right == 6
    assert found.determined
    assert found.labels > found.within - 0.05
    assert found.explained > 0.6


def test_auto_encoders_of_small_halves_carry_digits_but_are_not_determined(domains):
    found = judged(domains, "digits")
    assert found.matched >= 8
    assert found.labels > 0.85
    assert not found.determined
    assert any("refits" in reason for reason in found.reasons)


def test_the_leaves_of_words_are_kinds_of_words():
    for side in ("words-one-half", "words-other-half"):
        model = core.load_model(DATA / "models" / side)
        sets = tree_with_regions(model)
        owners, forms = leaf_of(sets, model.sample.latent), model.sample.labels
        for form in (0, 2):  # names, and what ends in -ed
            most = np.bincount(owners[forms == form]).max()
            assert most > 0.55 * (forms == form).sum()


def test_a_density_beyond_half_precision_is_kept_as_far_as_that_goes(tmp_path):
    model = core.load_model(DATA / "models" / "islands-a")
    field = model.input_field
    steep = replace(field, log_density=1e4 * (field.log_density - field.log_density.max()))
    core.save_model(replace(model, input_field=steep), tmp_path / "steep")
    assert core.load_model(tmp_path / "steep").input_field.log_density.min() == -np.finfo(np.float16).max
