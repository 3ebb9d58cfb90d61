"""The hard suite: its cases are what they say they are."""

import numpy as np
import pytest

from core.tree import level_set_tree
from core.worlds.suite import CASES


def test_a_third_is_kept_for_the_final_figure_and_every_kind_is_there():
    assert len(CASES) >= 40
    assert sum(case.final for case in CASES) == len(CASES) // 3
    for part in (True, False):
        kinds = {case.kind for case in CASES if case.final == part}
        assert kinds == {"islands", "nested", "ring", "ringed", "crescents"}
    assert {3, 5, 10, 64} <= {case.dim for case in CASES}
    assert {4_000, 16_000, 100_000} <= {case.points for case in CASES}


@pytest.mark.parametrize("case", CASES[::5], ids=lambda case: case.name)
def test_a_case_has_its_modes_and_its_weakest_saddle(case):
    tree = level_set_tree(case.world.mixture)
    assert len(tree.leaves) == case.modes
    assert tree.persistence[tree.leaves].min() == pytest.approx(case.weakest, abs=0.02)


@pytest.mark.parametrize("case", CASES[1::9], ids=lambda case: case.name)
def test_the_entropy_of_a_case_is_that_of_its_points(case):
    points = case.world.sample(case.name, 5_000, seed=1).points.astype(np.float64)
    minus = -case.world.log_density(points)
    assert abs(minus.mean() - case.world.entropy) < 4 * minus.std() / np.sqrt(len(minus))
