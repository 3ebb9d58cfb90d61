"""From activations to what a flow takes: the principal axes that hold structure, and how many those are.

Of d units most directions hold noise. How many latent dimensions there are is asked of the data: the mixture of the
shortest description is fitted to the first principal axes of some rows, and the directions count in which its means
lie further apart than a share of what its components spread. Ten clusters in general position span nine dimensions, a
ring of blobs two.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.linalg
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.activations.units import UnitReport, examine_units
from core.data.spool import row_blocks
from core.errors import InputError, invalid
from core.files import atomic_file
from core.model.prior.mixture import MixtureModule
from core.tree.regime import Regime, regime_of

__all__ = ["Preparation", "load_preparation", "prepare", "prepared_pair", "save_preparation"]

_MOST_AXES = 16
# Where structure is looked for: in the axes that hold such a share of the variance.
_SEEN = 0.97
# The variance between means over that within components from which a direction counts.
_APART = 0.25
# Share of the variance that a layer's axes hold where the flow is to unbend them, up to three latent dimensions.
_HELD = 0.99
_ROWS, _COMPONENTS, _STARTS = 4000, 40, 4
# Units whose deviations differ by so much are each given deviation 1 before the axes are sought.
_UNLIKE = 30.0
_FEWEST_ROWS = 100
_ARRAYS = ("mean", "axes", "back")
_FILE, _MOST_BYTES = "preparation.safetensors", 64 * 2**20


@dataclass(frozen=True, eq=False)
class Preparation:
    """A linear map from activations (n, d) to a few principal axes (n, r): (x - mean) @ axes.

    `axes` (d, r) hold the choice of units, their scaling and the rotation; one scale for all axes makes their mean
    variance one. `back` (r, d) is the way back of least squares: a copied unit comes back as what it copies. `held` is
    the share of the variance that the axes keep, `latent_dim` the k chosen, `reasons` say in sentences what was chosen
    and why, `apart` are the variances between means over those within components (empty where k was given).
    """

    mean: np.ndarray
    axes: np.ndarray
    back: np.ndarray
    held: float
    latent_dim: int
    reasons: tuple[str, ...] = ()
    apart: tuple[float, ...] = ()

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Coordinates (n, r) float32 of activations (n, d); read in blocks, so that they may be a memory map. Raises
        `InputError` where they are of another width or not finite."""
        points = np.asanyarray(points)
        if points.ndim != 2 or points.shape[1] != len(self.mean):
            raise invalid("points", f"of shape (n, {len(self.mean)})", points.shape, "give the units it was fitted to")
        out = np.empty((len(points), self.axes.shape[1]), np.float32)
        for rows in row_blocks(points.shape):
            out[rows] = (points[rows].astype(np.float64) - self.mean) @ self.axes
        if not np.isfinite(out).all():
            raise invalid("points", "finite", "NaN or infinity", "drop those rows")
        return out

    def inverse(self, coordinates: np.ndarray) -> np.ndarray:
        """Activations (n, d) at coordinates (n, r), what the axes do not tell at its mean."""
        return np.asarray(coordinates, dtype=np.float64) @ self.back + self.mean


def prepare(
    points: np.ndarray, latent_dim: int | str = "auto", report: UnitReport | None = None, seed: int = 0
) -> Preparation:
    """The preparation of activations (n, d), with `latent_dim` latent dimensions or as many as the data show.

    Raises `InputError` as `examine_units` does, and for a `latent_dim` that the units do not have.

    References: Fisher 1936, "The use of multiple measurements in taxonomic problems", for the directions in which
    means lie apart; here of clusters that nobody named.
    """
    return prepared_pair([points], latent_dim, [report], seed)[0]


def prepared_pair(
    sides: Sequence[np.ndarray],
    latent_dim: int | str = "auto",
    reports: Sequence[UnitReport | None] = (None, None),
    seed: int = 0,
) -> list[Preparation]:
    """`prepare` for several layers that are to be compared: 'auto' gives them one latent dimension, the most that one
    of them shows."""
    examined = [
        examine_units(points) if report is None else report for points, report in zip(sides, reports, strict=False)
    ]
    spectra = [_spectrum(report) for report in examined]
    most = min(len(values) for _, values, _ in spectra)
    if latent_dim == "auto":
        spans = [
            _span(points, report.mean, *spectrum[:2], seed)
            for points, report, spectrum in zip(sides, examined, spectra, strict=True)
        ]
        k = min(max(2, *(sum(value > _APART for value in span) for span in spans)), most)
    else:
        k, spans = _whole(latent_dim), [()] * len(spectra)
        if not 1 <= k <= most:
            raise invalid("latent_dim", f"from 1 to {most}, the units' own rank", latent_dim, "lower it")
    return [_chosen(*parts, k) for parts in zip(examined, spectra, spans, strict=True)]


def save_preparation(preparation: Preparation, folder: Path) -> None:
    """Write it into a model's folder, whole or not at all."""
    document = {"held": preparation.held, "latent_dim": preparation.latent_dim, "reasons": list(preparation.reasons)}
    with atomic_file(folder / _FILE) as temporary:
        arrays = {name: np.ascontiguousarray(getattr(preparation, name)) for name in _ARRAYS}
        save_file(arrays, temporary, {"about": json.dumps(document)})


def load_preparation(folder: Path) -> Preparation | None:
    """What a model's folder says of how its data were made from activations; None where it says nothing. Raises
    `InputError` where it is damaged."""
    path = folder / _FILE
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("too large")
        with safe_open(path, "numpy") as file:
            mean, axes, back = (np.asarray(file.get_tensor(name), np.float64) for name in _ARRAYS)
            about = json.loads((file.metadata() or {})["about"])
        held, k, reasons = float(about["held"]), int(about["latent_dim"]), tuple(map(str, about["reasons"]))
        if mean.ndim != 1 or axes.ndim != 2 or len(axes) != len(mean) or back.shape != axes.T.shape:
            raise ValueError("of other shapes")
        if not all(np.isfinite(array).all() for array in (mean, axes, back)):
            raise ValueError("not finite")
    except (ValueError, KeyError, TypeError, OSError, SafetensorError) as error:
        raise InputError(f"`{folder.name}/{_FILE}` is damaged ({str(error)[:80]}); align anew.") from None
    return Preparation(mean, axes, back, held, k, reasons)


def _whole(latent_dim: int | str) -> int:
    if isinstance(latent_dim, bool) or not isinstance(latent_dim, int | np.integer):
        raise invalid("latent_dim", "a whole number or 'auto'", repr(latent_dim), "give one")
    return int(latent_dim)


def _spectrum(report: UnitReport) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The principal axes (d, r) in units of one mean deviation, their variances (r,), and what was done about the
    units, in sentences."""
    kept = report.distinct
    covariance = report.covariance[np.ix_(kept, kept)]
    deviation, said = np.sqrt(np.diagonal(covariance)), list(report.sentences())
    spread = np.quantile(deviation, 0.9) / max(np.quantile(deviation, 0.1), 1e-300)
    scaled = spread > _UNLIKE
    scale = deviation if scaled else np.full(len(kept), np.sqrt((deviation**2).mean()))
    said.append(
        f"Units are each scaled to deviation 1: their own differ {spread:.0f}-fold."
        if scaled
        else f"Units keep their scale: most deviations lie within {spread:.1f}-fold of each other."
    )
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    order = np.argsort(-values)[: min(_MOST_AXES, len(values))]
    order = order[values[order] > 1e-9 * values.max()]
    axes = np.zeros((report.units, len(order)))
    signs = np.sign(vectors[np.abs(vectors[:, order]).argmax(axis=0), order])
    axes[kept] = vectors[:, order] * signs / scale[:, None]
    held = np.cumsum(np.sort(values)[::-1]) / values.sum()
    said.append(f"The first {len(order)} principal axes hold {held[len(order) - 1]:.1%} of the variance.")
    return axes, values[order], tuple(said)


def _span(points: np.ndarray, mean: np.ndarray, axes: np.ndarray, values: np.ndarray, seed: int) -> tuple[float, ...]:
    """In how many directions, and how far, the means of the shortest mixture of some rows lie apart: the eigenvalues of
    W^-1 B for the covariances within components and between their means, the largest first."""
    rng = np.random.default_rng([seed, 7])
    rows = np.sort(rng.permutation(len(points))[:_ROWS])
    if len(rows) < _FEWEST_ROWS:
        raise invalid("points", f"at least {_FEWEST_ROWS} rows", len(rows), "give more, or a latent_dim")
    seen = min(int(np.searchsorted(np.cumsum(values) / values.sum(), _SEEN)) + 1, len(values))
    scores = (np.asarray(points[rows], dtype=np.float64) - mean) @ axes[:, :seen] / np.sqrt(values[:seen].mean())
    density = MixtureModule.shortest(scores, _COMPONENTS, rng, _STARTS).export()
    away = density.means - density.weights @ density.means
    between, within = (away.T * density.weights) @ away, np.tensordot(density.weights, density.covariances, 1)
    apart = scipy.linalg.eigh(between, within, eigvals_only=True)[::-1]
    return tuple(float(value) for value in apart[: len(density.weights) - 1])


def _chosen(
    report: UnitReport, spectrum: tuple[np.ndarray, np.ndarray, tuple[str, ...]], span: tuple[float, ...], k: int
) -> Preparation:
    axes, values, said = spectrum
    total = np.cumsum(values) / values.sum()
    kept = max(k, int(np.searchsorted(total, _HELD)) + 1) if regime_of(k) is Regime.PLANE else k
    kept = min(kept, len(values))
    if span:
        own = sum(value > _APART for value in span)
        said += (f"{len(span) + 1} clusters lie apart in {own} directions; {k} latent dimensions are taken.",)
    axes = axes[:, :kept] / np.sqrt(values[:kept].mean())
    spread = axes.T @ report.covariance
    back = np.linalg.solve(spread @ axes, spread)
    return Preparation(report.mean, axes, back, float(total[kept - 1]), k, said, span)
