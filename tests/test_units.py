"""What units do: means and covariances as mathematics has them, and the dead, the constant and the copies found."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import core
from core.activations import DuplicateUnits, examine_units, repeats
from core.errors import InputError

RNG = np.random.default_rng(0)


def plain(rows=500, units=4):
    return np.random.default_rng(1).normal(size=(rows, units)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(2, 60),
    units=st.integers(1, 6),
    chunk=st.one_of(st.none(), st.integers(1, 70)),
    shift=st.sampled_from([0.0, -3.0, 1e4]),
    seed=st.integers(0, 100),
)
def test_mean_and_covariance_are_those_of_all_rows(rows, units, chunk, shift, seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(shift, 1, (rows, units)).astype(np.float32)
    report = examine_units(points, chunk)
    wide = points.astype(np.float64)
    np.testing.assert_allclose(report.mean, wide.mean(0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(report.covariance, np.cov(wide.T).reshape(units, units), rtol=1e-9, atol=1e-9)
    assert (report.rows, report.units) == (rows, units)


def test_a_small_spread_far_from_zero_is_measured():
    """The textbook formula loses all digits here: the square of the mean is 10^16 times the variance."""
    rng = np.random.default_rng(0)
    points = 1e8 + rng.normal(size=(40_000, 3))
    report = examine_units(points, chunk=700)
    np.testing.assert_allclose(report.covariance, np.cov((points - 1e8).T), atol=1e-6)


def test_a_mean_that_drifts_is_no_harm():
    points = np.linspace(0, 1e6, 10_000)[:, None] + RNG.normal(size=(10_000, 2))
    np.testing.assert_allclose(examine_units(points, 100).covariance, np.cov(points.T), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["?", "u1", "i4", "f2", "f4", ">f4", "f8", "g"])
def test_every_real_type_is_taken(dtype):
    points = RNG.integers(0, 2, size=(50, 2)).astype(dtype)
    np.testing.assert_allclose(examine_units(points).mean, points.astype(float).mean(0))


def test_dead_constant_and_nearly_dead_units_are_told_apart():
    points = np.column_stack((plain(4000), np.zeros(4000), np.full(4000, 0.1), np.zeros(4000), np.zeros(4000)))
    points[:4, 6] = 1
    points[:5, 7] = 1
    report = examine_units(points.astype(np.float32), chunk=333)
    assert (report.constant, report.dead, report.nearly_dead) == ((4, 5), (4,), (6,))
    assert not report.covariance[5].any()
    np.testing.assert_array_equal(report.distinct, [0, 1, 2, 3, 6, 7])


def test_copies_are_grouped_with_their_signs():
    base = plain(3000, 3)
    copies = (base[:, 1] * -2 + 5, base[:, 0], base[:, 1] * 1e-3, base[:, 0] + 1e-2 * base[:, 2], np.ones(3000))
    report = examine_units(np.column_stack((base, *copies)).astype(np.float32))
    assert report.duplicates == (DuplicateUnits((0, 4), (1, 1)), DuplicateUnits((1, 3, 5), (1, -1, 1)))
    np.testing.assert_array_equal(report.distinct, [0, 1, 2, 6])


def test_units_of_tiny_numbers_are_no_copies_for_that():
    points = plain(100, 3) * np.float32(1e-30)
    assert examine_units(points).duplicates == ()
    assert examine_units(plain(100, 3).astype(np.float64) * 1e-200).duplicates == ()


@pytest.mark.parametrize("chunk", [None, 7])
@given(share=st.sampled_from([0.0, 0.25, 0.5, 0.75]))
@settings(max_examples=10, deadline=None)
def test_rows_that_repeat_are_counted(chunk, share):
    points = plain(400, 3)
    repeated = int(400 * share)
    points[:repeated] = points[-1]
    assert examine_units(points[RNG.permutation(400)], chunk).repeated_rows == pytest.approx(share)


def test_signed_zeros_are_one_number_and_order_matters():
    points = plain(100, 2)
    points[:3] = [[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]]
    assert examine_units(points).repeated_rows == pytest.approx(0.01)


def test_repeats_among_very_many_rows_are_estimated(monkeypatch):
    monkeypatch.setattr(repeats, "_MOST_KEPT", 4000)
    monkeypatch.setattr(repeats, "_MERGED_AT", 1000)
    points = np.repeat(np.random.default_rng(3).normal(size=(40_000, 2)), 2, axis=0)
    points = np.concatenate((points, np.random.default_rng(4).normal(size=(40_000, 2))))
    assert examine_units(points, 500).repeated_rows == pytest.approx(1 / 3, abs=0.03)
    assert examine_units(np.random.default_rng(5).normal(size=(50_000, 1)), 500).repeated_rows == 0


def test_rows_that_are_all_alike_but_few_stay_in_bounds(monkeypatch):
    monkeypatch.setattr(repeats, "_MOST_KEPT", 10)
    monkeypatch.setattr(repeats, "_MERGED_AT", 20)
    points = np.ones((1000, 2))
    points[0] = 2
    assert examine_units(points, 10).repeated_rows == pytest.approx(0.998)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("chunk", [None, 10])
def test_the_first_value_that_is_not_finite_is_named(value, chunk):
    points = plain()
    points[[300, 123, 123], [0, 3, 1]] = value
    with pytest.raises(InputError, match=f"{value} in row 123, column 1"):
        examine_units(points, chunk)


WRONG = {
    "all constant": (np.ones((40, 3)), "3 constant"),
    "flat": (np.ones(40), "table"),
    "cube": (np.ones((4, 3, 2)), "table"),
    "one row": (np.ones((1, 3)), "two or more"),
    "no units": (np.ones((40, 0)), "table"),
    "text": (np.full((40, 2), "a"), "real numbers"),
    "complex": (np.ones((40, 2), complex), "real numbers"),
    "too wide": (np.lib.stride_tricks.as_strided(np.ones(2), (2, 20_000), (8, 0)), "16,384"),
    "too large": (plain().astype(np.float64) * 1e200, "scale them down"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_examined_is_refused_in_one_line(case):
    points, expected = WRONG[case]
    with pytest.raises(InputError, match=expected) as caught:
        examine_units(points)
    assert str(caught.value).isprintable()


def test_no_chunk_has_no_rows():
    with pytest.raises(InputError, match="chunk"):
        examine_units(plain(), 0)


def test_sentences_say_what_was_found():
    points = np.column_stack((plain(2000), np.zeros(2000), np.ones(2000), -plain(2000)[:, 0]))
    points[1] = points[0]
    assert examine_units(points).sentences() == (
        "2,000 rows of 7 units, 4 of them distinct.",
        "1 unit is zero on every row: 4.",
        "1 unit is constant: 5.",
        "1 unit copies another, up to scale and sign: 0 = -6.",
        "Less than 0.1% of the rows repeat an earlier row.",
    )
    assert len(examine_units(plain()).sentences()) == 1


def test_a_memory_map_is_never_held_whole(tmp_path):
    np.save(tmp_path / "a.npy", plain(40_000, 200))
    points = np.load(tmp_path / "a.npy", mmap_mode="r")
    examine_units(points[:100])
    tracemalloc.start()
    try:
        report = core.examine_units(points, chunk=500)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < points.nbytes / 2
    np.testing.assert_allclose(report.mean, points.mean(0, dtype=np.float64))
