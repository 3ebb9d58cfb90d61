"""The list of models: what is in it, what is kept out, and that it follows the folder."""

import shutil
from dataclasses import replace

import pytest

from core.errors import InputError
from topoviz.session.analysis import analyze
from topoviz.session.library import Library
from topoviz.session.settings import Settings


def test_models_are_listed_with_what_is_known(library):
    entry = next(entry for entry in library.entries() if entry.name == "three-a")
    assert (entry.source, entry.dim, entry.latent_dim, entry.problem) == ("yours", 3, 2, None)
    assert entry.dataset == "three blobs"
    assert entry.nll is not None


def test_a_broken_folder_is_listed_with_one_line_and_cannot_be_opened(library):
    entry = next(entry for entry in library.entries() if entry.name == "broken")
    assert entry.problem
    assert "\n" not in entry.problem
    with pytest.raises(InputError):
        library.model("broken")


def test_a_model_is_loaded_once(library):
    assert library.model("three-a") is library.model("three-a")


@pytest.mark.parametrize(
    "name", ["../three-a", "/etc", "", ".", "..", "three-a/..", "three-a\0", "missing", "_jobs", 3]
)
def test_names_reach_nothing_else(library, name):
    with pytest.raises(InputError):
        library.model(name)


def test_links_out_of_the_folder_are_left_aside(models_folder, tmp_path):
    inside = tmp_path / "models"
    inside.mkdir()
    (inside / "outside").symlink_to(models_folder / "three-a")
    assert "outside" not in {entry.name for entry in Library(Settings(models=inside)).entries()}


def test_a_model_that_arrives_or_changes_is_noticed(models_folder, tmp_path):
    library = Library(Settings(models=tmp_path))
    assert "new" not in {entry.name for entry in library.entries()}
    shutil.copytree(models_folder / "three-a", tmp_path / "new")
    first = library.model("new")
    shutil.rmtree(tmp_path / "new")
    shutil.copytree(models_folder / "three-b", tmp_path / "new")
    (tmp_path / "new" / "model.safetensors").touch()
    assert library.model("new") is not first


def test_a_missing_folder_is_an_empty_one(tmp_path):
    assert all(entry.source == "shipped" for entry in Library(Settings(models=tmp_path / "none")).entries())


def test_every_example_can_be_opened(library):
    for example in library.examples():
        assert example.title
        assert library.model(example.session.model_a)
        assert library.model(example.session.model_b)


def test_every_step_of_the_story_opens(settings):
    library = Library(settings)
    steps = library.story()
    assert len(steps) == 4
    for step in steps:
        analysis = analyze(library, step.session)
        assert not analysis.notes
        for side, node in step.nodes:
            assert node in analysis.tree(side).id


def test_the_story_of_the_half_made_match_can_be_finished_as_it_says(settings):
    library = Library(settings)
    step = next(step for step in library.story() if step.done == "matched")
    (_, a), (_, b) = step.nodes
    half = analyze(library, step.session)
    assert (a, b) not in {(pair.a, pair.b) for pair in half.matching.leaf_pairs}
    whole = analyze(library, replace(step.session, pins=(*step.session.pins, (a, b)), complete=True))
    assert len(whole.matching.leaf_pairs) == 4


def test_the_story_ends_with_a_match_that_is_not_determined(settings):
    library = Library(settings)
    assert not analyze(library, library.story()[-1].session).verdict.determined
