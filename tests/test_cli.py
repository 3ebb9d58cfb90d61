"""The command line end to end on small models: files, JSON on stdout, words on stderr, exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import core
import topoviz
from core.documents import load_match
from topoviz.__main__ import main
from topoviz.session.analysis import analyze
from topoviz.session.library import Library
from topoviz.session.settings import Settings
from topoviz.session.state import Session
from zoo import CONVERGED, UNCONVERGED, blobs, with_metrics

ROOT = Path(topoviz.__file__).parent.parent


@pytest.fixture
def command(capsys, models_folder, tmp_path, monkeypatch):
    """Runs a command in a fresh folder that holds the models a and b, and data.npy; returns its JSON document."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path(name).symlink_to(models_folder / f"three-{name}")
    np.save("data.npy", blobs(1, n=300).points)

    def run(*argv):
        assert main([*map(str, argv), "--json"]) == 0
        out, err = capsys.readouterr()
        assert err
        return json.loads(out)

    return run


def test_datasets_are_listed(command):
    rows = command("datasets")["datasets"]
    assert len({row["name"] for row in rows}) == len(rows) > 3
    assert all(row["dim"] > 0 and row["topology"] for row in rows)


def test_a_sample_is_the_same_for_the_same_seed(command):
    name = command("datasets")["datasets"][0]["name"]
    for out in ("one.npz", "two.npz"):
        command("sample", name, "--n", 200, "--seed", 5, "--out", out)
    one, two = np.load("one.npz"), np.load("two.npz")
    assert one["points"].dtype == np.float32
    assert np.array_equal(one["points"], two["points"])
    assert len(one["points"]) == 200


def test_training_writes_a_model_that_info_describes(command):
    written = command("train", "data.npy", "--steps", 20, "--latent-dim", 1, "--out", "model")
    assert written["config"]["latent_dim"] == 1
    about = command("info", "model")
    assert (about["data_dim"], about["latent_dim"], about["pad"]) == (3, 1, 0)
    assert about["metrics"]["nll"] == written["metrics"]["nll"]
    assert about["tree"]["leaves"] >= 1


@pytest.mark.parametrize(
    ("metrics", "last"),
    [
        (CONVERGED, "converged: noise is independent of the latents (0.0% explained); "),
        (
            UNCONVERGED,
            "did not converge: the latents explain 12% of a noise dimension; a leaf is found again in 50% of refits.",
        ),
        ({}, "no verdict: trained by an earlier version."),
        ({"verdict": {"converged": "yes"}}, "no verdict: trained by an earlier version."),
    ],
)
def test_info_ends_with_the_verdict(trained, tmp_path, capsys, metrics, last):
    core.save_model(with_metrics(trained["three-a"], **metrics), tmp_path / "m")
    assert main(["info", str(tmp_path / "m")]) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith(last)


def test_info_says_what_was_chosen_and_why(trained, tmp_path, capsys):
    core.save_model(with_metrics(trained["three-a"], **CONVERGED), tmp_path / "m")
    assert main(["info", str(tmp_path / "m")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2] == "latent dimensions: 2 chosen; dimension 2 still gains 0.81 nats."


def test_training_ends_with_the_same_verdict_as_info(command, capsys):
    ends = []
    for argv in (["train", "data.npy", "--steps", "20", "--out", "m"], ["info", "m"]):
        assert main(argv) == 0
        ends.append(capsys.readouterr().err.splitlines()[-1])
    assert ends[0] == ends[1]
    assert ends[0].startswith(("converged: ", "did not converge: "))


def test_a_match_of_a_model_that_did_not_converge_says_so(command, trained, capsys):
    core.save_model(with_metrics(trained["three-b"], **UNCONVERGED), "doubted")
    assert main(["match", "a", "doubted", "--out", "match.json"]) == 0
    assert "Model B did not converge: the latents explain 12% of a noise dimension;" in capsys.readouterr().err


@pytest.mark.slow
def test_dimensions_and_pads_can_be_left_open(command, capsys):
    written = command("train", "data.npy", "--steps", 10, "--latent-dim", "auto", "--pad", "auto", "--out", "m")
    assert set(written["metrics"]["choice"]) == {"latent_dim", "pad"}
    assert main(["info", "m"]) == 0
    told = capsys.readouterr().err.splitlines()
    for line, key, words in zip(told[-3:-1], ("latent_dim", "pad"), ("latent dimensions", "pads"), strict=True):
        assert line.startswith(f"{words}: {written['metrics']['choice'][key]['chosen']} chosen; ")


@pytest.mark.parametrize(("flag", "value"), [("--latent-dim", "two"), ("--pad", "-1"), ("--pad", "auto2")])
def test_other_words_for_dimensions_and_pads_are_one_line(command, capsys, flag, value):
    assert main(["train", "data.npy", flag, value, "--out", "m"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert flag[2:].replace("-", "_") in told
    assert not Path("m").exists()


def test_flags_come_on_top_of_the_configuration(command):
    Path("config.json").write_text('{"steps": 10, "blocks": 2, "latent_dim": 2}')
    config = command("train", "data.npy", "--config", "config.json", "--latent-dim", 1, "--out", "m")["config"]
    assert (config["blocks"], config["latent_dim"]) == (2, 1)


def test_decoding_keeps_the_latents_and_puts_the_noise_at_its_mean(command, trained):
    command("encode", "a", "data.npy", "--out", "z.npz")
    encoded = np.load("z.npz")
    assert (encoded["latent"].shape, encoded["noise"].shape) == ((300, 2), (300, 1))
    command("decode", "a", "z.npz", "--out", "x.npz")
    decoded = np.load("x.npz")["points"]
    assert decoded.shape == (300, 3)
    latent, noise = trained["three-a"].encode(decoded)
    assert np.allclose(latent, encoded["latent"], atol=1e-3)
    assert np.allclose(noise, 0, atol=1e-3)


def test_sampled_noise_follows_the_seed(command):
    command("encode", "a", "data.npy", "--out", "z.npz")
    files = []
    for seed in (1, 1, 2):
        command("decode", "a", "z.npz", "--sample-noise", "--seed", seed, "--out", "x.npz")
        files.append(np.load("x.npz")["points"])
    assert np.array_equal(files[0], files[1])
    assert not np.array_equal(files[0], files[2])


def test_a_tree_is_written_as_agreed(command):
    command("tree", "a", "--out", "tree.json")
    tree = json.loads(Path("tree.json").read_text())
    assert (tree["schema"], tree["dim"]) == (1, 2)
    keys = {"id", "parent", "kind", "level", "persistence", "mass", "volume", "mean", "covariance", "betti"}
    assert all(keys <= set(node) for node in tree["nodes"])
    assert [node["kind"] for node in tree["nodes"] if node["parent"] is None] == ["root"]


def test_matching_and_translating(command):
    written = command("match", "a", "b", "--family", "affine", "--out", "match.json")
    match = json.loads(Path("match.json").read_text())
    assert match["schema"] == 1
    assert {"pairs", "unmatched_a", "unmatched_b", "cost", "gap", "determined", "alternatives", "map"} <= set(match)
    assert written["pairs"] == match["pairs"]
    command("encode", "a", "data.npy", "--out", "z.npz")
    command("translate", "match.json", "z.npz", "--out", "t.npz")
    z, t = np.load("z.npz")["latent"], np.load("t.npz")["latent"]
    assert np.allclose(t, z @ np.array(match["map"]["matrix"]).T + match["map"]["offset"], atol=1e-4)


def test_a_tree_guided_map_survives_the_file(command):
    command("match", "a", "b", "--out", "match.json")
    assert json.loads(Path("match.json").read_text())["map"]["family"] == "tree"
    command("encode", "a", "data.npy", "--out", "z.npz")
    command("translate", "match.json", "z.npz", "--out", "t.npz")
    assert np.isfinite(np.load("t.npz")["latent"]).all()


def test_pins_and_bans_are_obeyed(command):
    a, b = (json_leaves(command, name) for name in ("a", "b"))
    pairs = command("match", "a", "b", "--pin", f"{a[0]}:{b[1]}", "--ban", f"{a[1]}:{b[0]}", "--out", "m.json")["pairs"]
    found = {(pair["a"], pair["b"]): pair["pinned"] for pair in pairs}
    assert found[a[0], b[1]] is True
    assert (a[1], b[0]) not in found


def json_leaves(command, name):
    command("tree", name, "--out", "tree.json")
    return [node["id"] for node in json.loads(Path("tree.json").read_text())["nodes"] if node["kind"] == "leaf"]


def outside(*argv, **options):
    """The program as a person starts it, from another folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, "-m", "topoviz", *argv], capture_output=True, text=True, env=environment, **options
    )


def test_version_and_help_need_nothing_heavy(tmp_path):
    code = (
        "import sys; from topoviz.cli.parser import run\n"
        "try: run(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'dash', 'plotly', 'pyvista', 'sklearn'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.stderr.strip() == "[]"
    assert "topoviz" in outside("--version", cwd=tmp_path).stdout


@pytest.fixture
def foreign(tmp_path):
    """A folder with a package `core` that is not ours, and that must not run."""
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("raise SystemExit('the wrong one ran')")
    return tmp_path


def test_another_core_in_the_way_is_named(foreign):
    done = outside("datasets", cwd=foreign)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"another package called `core` stands before ours ({foreign / 'core'}" in done.stderr


def test_another_core_before_the_console_script_is_named(foreign):
    script = foreign / "topoviz"
    script.write_text("import sys\nfrom topoviz.__main__ import main\nsys.exit(main())\n")
    environment = os.environ | {"PYTHONPATH": f"{foreign}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-P", str(script), "datasets"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=foreign)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("topoviz: another package called `core`")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("module", ["topoviz", "topoviz.session.state"])
def test_another_core_stops_the_import_in_one_line(foreign, module):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    code = f"try:\n    import {module}\nexcept ImportError as error:\n    print(error, error.__context__, sep='\\n')"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=foreign)
    assert (done.returncode, done.stderr) == (0, "")
    line, context = done.stdout.splitlines()
    assert line.startswith("topoviz: another package called `core` stands before ours (")
    assert context == "None"


@pytest.mark.slow
def test_a_pipe_sees_no_progress_bar(tmp_path):
    np.save(tmp_path / "data.npy", blobs(1, n=300).points)
    done = outside("train", "data.npy", "--steps", "20", "--out", "m", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "%|" not in done.stderr
    assert "\r" not in done.stderr


def test_two_files_are_aligned_into_a_folder_that_can_be_opened(command):
    np.save("other.npy", blobs(2, n=300).points)
    np.savez("anchors.npz", a=blobs(1, n=50).points, b=blobs(1, n=50).points)
    told = command("align", "data.npy", "other.npy", "--anchors", "anchors.npz", "--steps", 50, "--out", "both")
    assert told["models"] == ["data", "other"]
    folder = Path("both")
    assert {path.name for path in (folder / "models").iterdir()} == {"data", "other"}
    session = Session.from_json((folder / "session.json").read_text())
    opened = analyze(Library(Settings(models=folder / "models")), session)
    kept = load_match(folder / "match.json")
    assert {(p.a, p.b) for p in opened.matching.leaf_pairs} <= {(p.a, p.b) for p in kept.pairs}
    found = json.loads((folder / "report.json").read_text())
    assert opened.verdict.word == kept.verdict.word == found["verdict"]["word"] == told["verdict"]["word"]
    assert found["leaves"]["matched"] == len(opened.matching.leaf_pairs)
    assert found["seconds"] > 0
    report = (folder / "report.html").read_text()
    assert opened.verdict.sentence in report
    assert "data and other" in report
    assert "http" not in report


def test_align_matches_once(command, monkeypatch):
    from core.match import matching

    made = []
    once = matching.node_pairs
    monkeypatch.setattr(matching, "node_pairs", lambda *given: made.append(given) or once(*given))
    command("align", "data.npy", "data.npy", "--steps", 20, "--out", "both")
    assert len(made) == 1


def test_activations_go_through_the_models_that_align_made_and_come_back(command):
    # A unit that is a copy of another is left out of what the model learns, and must come back all the same.
    points = np.column_stack((blobs(1, n=300).points, blobs(1, n=300).points[:, 0]))
    np.savez("tables.npz", other=points[:5], units=points)
    command("align", "tables.npz", "tables.npz", "--key", "units", "--steps", 20, "--out", "both")
    model = "both/models/tables-a"
    np.save("points.npy", points)
    assert command("encode", model, "points.npy", "--out", "z.npz")["n"] == 300
    assert command("decode", model, "z.npz", "--out", "back.npz")["data_dim"] == points.shape[1]
    back = np.load("back.npz")["points"]
    assert back.shape == points.shape
    np.testing.assert_allclose(back[:, -1], back[:, 0], atol=1e-5)
    assert np.abs(back - points).mean() < np.abs(points - points.mean(0)).mean()


@pytest.mark.parametrize(("name", "agrees", "words"), [("islands-a", True, "agree"), ("trefoil-flat", False, "differ")])
def test_info_says_whether_the_data_have_the_latents_topology(command, capsys, name, agrees, words):
    document = command("info", name)
    assert document["input_tree"]["agrees"] is agrees
    assert words in document["input_tree"]["sentence"]


def test_labels_and_examples_beside_the_data_come_into_the_model_s_folder(command, capsys):
    from topoviz.session.examples import read_examples
    from topoviz.session.labels import read_labels

    data = blobs(1, n=300)
    np.save("labels.npy", data.labels)
    np.save("images.npy", np.broadcast_to(data.labels[:, None, None], (300, 4, 4)).astype(np.uint8))
    command("train", "data.npy", "--steps", 10, "--out", "m", "--labels", "labels.npy", "--examples", "images.npy")
    rows = core.load_model("m").sample.rows
    labels = read_labels(Path("m"))
    assert [int(labels.names[value]) for value in labels.values] == data.labels[rows].tolist()
    images = read_examples(Path("m"), len(rows)).images(np.arange(len(rows)))
    np.testing.assert_array_equal(images[:, 0, 0], data.labels[rows])


@pytest.mark.parametrize(
    ("argv", "flag"),
    [
        (("train", "data.npy"), "--labels"),
        (("train", "data.npy"), "--examples"),
        (("align", "data.npy", "data.npy"), "--labels-a"),
        (("align", "data.npy", "data.npy"), "--examples-b"),
    ],
)
def test_a_file_of_other_rows_is_one_line_before_the_training(command, capsys, argv, flag):
    np.save("short.npy", np.zeros(299))
    assert main([*argv, "--out", "m", flag, "short.npy"]) == 2
    told = capsys.readouterr().err
    assert told == (
        f"topoviz: `{flag}` must be one row for each of the data's 300, got 299; give the rows of the data, in their "
        "order.\n"
    )
    assert not Path("m").exists()
