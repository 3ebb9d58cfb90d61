"""The recipes of CONTRIBUTING: a new thing is a new module and a row in one file, and everything that lists, checks,
draws or cites such things finds it. Each is added to a copy of the packages and looked for in a process of its own."""

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from core.model.prior.skeletons import SKELETONS
from topoviz.figures.glyphs import glyph
from topoviz.session.families import Family, chose

ROOT = Path(__file__).parents[1]
PACKAGES = "core", "topoviz"


@pytest.fixture
def copy(tmp_path):
    """A folder with the two packages, and the shipped data beside them."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("assets", "sample_data"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def add(copy, module, source, table, *edits):
    """Write a new module and edit one table; exactly these two files differ from the checkout."""
    (copy / module).write_text(dedent(source))
    text = (copy / table).read_text()
    for before, after in edits:
        assert text.count(before) == 1, before
        text = text.replace(before, dedent(after) if "\n" not in before else after)
    (copy / table).write_text(text)
    assert differing(copy) == {module, table}


def differing(copy):
    """The sources of the copy that are new, gone or changed."""

    def sources(root):
        return {str(path.relative_to(root)) for name in PACKAGES for path in (root / name).rglob("*.py")}

    ours, theirs = sources(ROOT), sources(copy)
    return (ours ^ theirs) | {name for name in ours & theirs if not filecmp.cmp(ROOT / name, copy / name, False)}


PRELUDE = """
import contextlib, io, json, sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np

def told(*arguments):
    'What a command prints to stdout.'
    from topoviz.cli.parser import run
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            status = run(arguments)
        except SystemExit as ended:
            status = ended.code
    assert not status, (arguments, status)
    return ' '.join(printed.getvalue().split())

def analyzed(models=None, **session):
    from topoviz.session.analysis import analyze
    from topoviz.session.library import Library
    from topoviz.session.settings import Settings
    from topoviz.session.state import Session
    session = Session(**session)
    return analyze(Library(Settings(models=models, open_browser=False)), session), session

def page(parts):
    'Whatever a view shows, as JSON.'
    from plotly.utils import PlotlyJSONEncoder
    return json.dumps(parts, cls=PlotlyJSONEncoder, ensure_ascii=False)

"""


def found(copy, probe):
    """Run a probe in the copy: its asserts must hold there."""
    code = PRELUDE + dedent(probe)
    environment = os.environ | {"PYTHONPATH": str(copy), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=copy)
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_prior_is_a_module_and_a_row(copy):
    add(
        copy,
        "core/model/prior/single.py",
        '''
        """A prior of one Gaussian."""

        from core.model.prior.mixture import MixtureModule

        __all__ = ["SingleModule"]


        class SingleModule(MixtureModule):
            """One Gaussian, whatever the number of components."""

            def __init__(self, z, components, rng):
                super().__init__(z, 1, rng)
        ''',
        "core/model/prior/__init__.py",
        (
            '        source="Makhzani et al. 2015, arXiv 1511.05644",\n    ),\n',
            '        source="Makhzani et al. 2015, arXiv 1511.05644",\n    ),\n    "single": Prior(\n'
            '        "core.model.prior.single:SingleModule", says="one toy Gaussian",\n'
            '        written="a single toy Gaussian", source="Gauss 1809",\n    ),\n',
        ),
    )
    found(
        copy,
        """
        assert "single, one toy Gaussian" in told("train", "--help")
        assert "torch" not in sys.modules

        import core
        from core.config import FlowAutoencoderConfig, choices
        from core.search.space import Space
        config = FlowAutoencoderConfig(prior="single", steps=4, blocks=2, width=8, batch=64)
        *_, last = core.train(core.load_dataset("blob", n=300), config)
        assert len(last.model.prior.weights) == 1
        assert "single" in Space().priors
        for name in ("one", "two"):
            core.save_model(last.model, Path("models") / name)
        assert core.load_model("models/one").config.prior == "single"

        from topoviz.app.panels.study.chart import legend
        from topoviz.app.panels.training.form import form
        from topoviz.figures.glyphs import prior_mark
        from topoviz.figures.theme import THEMES, prior_color
        priors = choices("prior")
        assert "one toy Gaussian" in page(form(["blob"], choices("flow"), priors))
        trials = [SimpleNamespace(state="complete", prior=prior, converged=True) for prior in reversed(priors)]
        drawn = page(legend(SimpleNamespace(trials=trials, best=0), True, "light"))
        assert [drawn.index(f'"{prior}"') for prior in priors] == sorted(drawn.index(f'"{prior}"') for prior in priors)
        for look in (lambda prior: prior_color(prior, theme), lambda prior: prior_mark(prior, theme, True)):
            for theme in THEMES.values():
                assert len({look(prior) for prior in (*priors, "unknown")}) == len(priors) + 1

        from topoviz.report.citation import bibtex, methods
        analysis, session = analyzed(Path("models"), model_a="one", model_b="two")
        assert "its prior a single toy Gaussian (Gauss 1809)" in methods(analysis, session)
        assert "coupling flow, single prior" in bibtex(analysis, session)
        """,
    )


def test_a_map_family_is_a_module_and_a_row(copy):
    add(
        copy,
        "core/maps/scaling.py",
        '''
        """Uniform scaling about a center."""

        import numpy as np

        __all__ = ["scaling_step"]


        def scaling_step(cross, spread):
            """The `Step` of multiples of the identity."""
            scale = np.trace(cross, axis1=-2, axis2=-1) / np.trace(spread, axis1=-2, axis2=-1)
            return scale[:, None, None] * np.eye(spread.shape[-1])
        ''',
        "core/maps/families.py",
        (
            "from core.maps.tree_guided import",
            "from core.maps.scaling import scaling_step\nfrom core.maps.tree_guided import",
        ),
        (
            '    "orthogonal": Family(\n',
            '    "scaling": Family("Scaling", "toy scaling", "Thales", scaling_step, lambda k_b, k_a: 1),\n'
            '    "orthogonal": Family(\n',
        ),
    )
    found(
        copy,
        """
        assert "scaling" in told("match", "--help")
        assert "torch" not in sys.modules

        import core
        from core.maps import map_from_dict
        q = core.load_model("sample_data/models/islands-a").prior
        rng = np.random.default_rng(0)
        moved = 2.5 * q.means + [3.0, -1.0] + 0.02 * rng.normal(size=q.means.shape)
        scaled = core.GaussianMixture(q.weights, moved, 6.25 * q.covariances)
        a, b = core.level_set_tree(q), core.level_set_tree(scaled)
        matching = core.match_trees(a, b)
        fitted = core.fit_map(matching, family="scaling")
        assert np.allclose(fitted.matrix, 2.5 * np.eye(2), atol=0.05), fitted.matrix
        assert core.best_family(matching) == "scaling"
        assert core.families_available(matching)["scaling"] is None
        assert (core.map_uncertainty(matching, "scaling")(q.means) >= 0).all()
        again = map_from_dict(json.loads(json.dumps(fitted.to_dict())))
        assert (again.family, again.matrix.tolist()) == ("scaling", fitted.matrix.tolist())

        from topoviz.app.panels.details.blocks import family_options
        from topoviz.notebook.show import _map
        from topoviz.report.citation import methods
        from topoviz.report.latex import transform_tex
        analysis, session = analyzed(model_a="islands-a", model_b="islands-b", family="scaling")
        assert {"value": "scaling", "label": "Scaling", "disabled": False} in family_options(analysis)
        assert analysis.map.family == "scaling"
        assert "is a toy scaling (Thales)" in methods(analysis, session)
        assert "(scaling)." in transform_tex(analysis.map, analysis)
        assert "toy scaling" in _map(analysis.map)
        """,
    )


def test_a_matching_method_is_a_module_and_a_row(copy):
    add(
        copy,
        "core/match/published/by_mass.py",
        '''
        """Leaves in order of their mass."""

        import numpy as np

        from core.match.published.types import Published

        __all__ = ["by_mass"]


        def by_mass(a, b):
            """The heaviest leaf to the heaviest, and so on."""
            order = [tree.leaves[np.argsort(-tree.basin_mass[tree.leaves])].tolist() for tree in (a, b)]
            return Published(tuple(sorted(zip(*order))), 0.5)
        ''',
        "core/match/methods.py",
        (
            "from core.match.published.edit_distance import",
            "from core.match.published.by_mass import by_mass\nfrom core.match.published.edit_distance import",
        ),
        (
            '    "edit-distance": MatchMethod(\n',
            '    "by-mass": MatchMethod("Order of mass", "by the toy order of mass", "Archimedes", by_mass),\n'
            '    "edit-distance": MatchMethod(\n',
        ),
    )
    found(
        copy,
        """
        import core
        from core.match import METHODS
        tree = core.level_set_tree(core.load_model("sample_data/models/islands-a"))
        matching = core.match_trees(tree, tree, config=core.MatchConfig(method="by-mass"))
        assert all(pair.a == pair.b for pair in matching.leaf_pairs) and matching.leaf_pairs
        assert not METHODS["by-mass"].verdict

        from topoviz.app.page import layout
        from topoviz.app.panels import Context
        from topoviz.jobs.queue import Jobs
        from topoviz.session.library import Library
        from topoviz.session.settings import Settings
        from topoviz.report.citation import bibtex, methods
        settings = Settings(open_browser=False)
        analysis, session = analyzed(model_a="islands-a", model_b="islands-b", method="by-mass")
        assert analysis.matching.method == "by-mass"
        assert "Matched by the toy order of mass (Archimedes)" in methods(analysis, session)
        entries = bibtex(analysis, session)
        assert "topoviz-method-by-mass" in entries and "{Archimedes}" in entries
        context = Context(settings, Library(settings), Jobs(settings))
        assert '"value": "by-mass", "label": "Order of mass"' in page(layout(context))
        """,
    )


def test_a_translator_is_a_module_and_a_row(copy):
    add(
        copy,
        "core/baselines/mean_shift.py",
        '''
        """The shift of the mean."""

        import numpy as np

        from core.maps.affine import AffineMap

        __all__ = ["mean_shift"]


        def mean_shift(source, target, pairs=None, seed=0):
            """z -> z + mean of B - mean of A."""
            return AffineMap(np.eye(source.dim), target.points.mean(0) - source.points.mean(0), "translation")
        ''',
        "core/baselines/methods.py",
        (
            '    "affine": Method(\n',
            '    "mean-shift": Method("core.baselines.mean_shift:mean_shift", "the toy shift", "Newton"),\n'
            '    "affine": Method(\n',
        ),
    )
    found(
        copy,
        """
        assert "mean-shift" in (listed := told("compare", "--help")) and "the toy shift (Newton)" in listed
        assert "torch" not in sys.modules

        import core
        points = np.random.default_rng(0).normal(size=(50, 2))
        shifted = core.translate("mean-shift", core.Latents(points), core.Latents(points + [2.0, 5.0]))
        assert np.allclose(shifted(points), points + [2.0, 5.0])

        from topoviz.figures.compare import spec
        document = json.loads(told("compare", "islands-a", "islands-b", "--methods", "mean-shift", "--json"))
        (row,) = document["methods"]
        assert (row["status"], row["says"], row["source"]) == ("done", "the toy shift", "Newton")
        assert "mean-shift" in page(spec(document, "light"))
        """,
    )


def test_a_skeleton_of_the_superposition_draws_itself(monkeypatch):
    """Its row in `SKELETONS` is all that a new family of the superposition needs."""
    unknown = glyph("torus", "#000")
    monkeypatch.setitem(SKELETONS, "torus", SKELETONS["ring"])
    assert glyph("torus", "#000") != unknown
    assert glyph("torus", "#000").count("<circle") == len(SKELETONS["ring"]().places)
    assert chose([Family("torus", 1.0)]) == "chose a torus (100 %)"
