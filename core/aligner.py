"""From two tables of activations to a translation that says how far it may be trusted, in one call."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from core.activations import UnitReport, examine_units
from core.activations.prepare import Preparation, prepared_pair
from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.errors import InputError, invalid
from core.maps import LatentMap, fit_map
from core.match import Matching, match_trees
from core.match.anchors import AnchorPins, anchor_pins, anchor_rows
from core.match.types import Alternative
from core.model.autoencoder import FlowAutoencoder
from core.training import train
from core.training.progress import Progress
from core.tree import tree_with_regions
from core.verdict import Verdict, assess

__all__ = ["Follow", "TopologyAligner"]

Follow = Callable[[Generator[Progress, None, FlowAutoencoder], str], FlowAutoencoder]
"""What lets a training run: takes its progress and a name, returns its model."""


class TopologyAligner(BaseEstimator):
    """Aligns two networks' representations by the topology of their densities: no paired rows, no common basis.

    Both tables are prepared (`core.prepare`), a flow auto-encoder learns each, their level-set trees are matched, and a
    map between the latent spaces follows from the match. `k` is the latent dimension or 'auto', `prior` one of the
    priors of `FlowAutoencoderConfig`, `family` that of the map, `steps` the most training steps (None: the usual), and
    `seed` decides all that is random.

    After `fit`: `verdict_` (is the match determined, how probable, why), `matching_`, `alternatives_` (the other
    matchings that explain the trees about as well), `map_` between latents (None where too little is matched),
    `model_a_`, `model_b_`, `preparation_a_`, `preparation_b_`, `level_sets_a_`, `level_sets_b_`, `tree_a_`, `tree_b_`,
    `anchors_` and `n_features_in_`.

    >>> TopologyAligner(k=4).get_params()["prior"]
    'mixture'
    """

    def __init__(
        self,
        k: int | str = "auto",
        prior: str = "mixture",
        family: str = "tree",
        steps: int | None = None,
        seed: int = 0,
        follow: Follow | None = None,
    ) -> None:
        self.k = k
        self.prior = prior
        self.family = family
        self.steps = steps
        self.seed = seed
        self.follow = follow

    def fit(self, A: np.ndarray, B: np.ndarray, anchors: Any = None) -> "TopologyAligner":
        """Learn both tables, activations (n_a, d_a) and (n_b, d_b), match them and fit the map.

        `anchors` (m, 2) are numbers of rows of A and B that stand for the same input, where some are known: the leaves
        they lie in are pinned. Raises `InputError` on tables that are not finite, constant or too short.
        """
        tables, reports = (_table(A, "A"), _table(B, "B")), (_examined(A, "A"), _examined(B, "B"))
        pairs = None if anchors is None else anchor_rows(anchors, len(tables[0]), len(tables[1]))
        self.n_features_in_ = tables[0].shape[1]
        self.preparation_a_, self.preparation_b_ = prepared_pair(tables, self.k, reports, self.seed)
        self.model_a_ = self._learned(self.preparation_a_(tables[0]), self.preparation_a_, "A")
        self.model_b_ = self._learned(self.preparation_b_(tables[1]), self.preparation_b_, "B")
        self.level_sets_a_, self.level_sets_b_ = tree_with_regions(self.model_a_), tree_with_regions(self.model_b_)
        self.tree_a_, self.tree_b_ = self.level_sets_a_.tree, self.level_sets_b_.tree
        return self._match(None if pairs is None else (tables[0][pairs[:, 0]], tables[1][pairs[:, 1]]))

    def rematch(self, a: np.ndarray | None = None, b: np.ndarray | None = None) -> "TopologyAligner":
        """Match the same models anew, with anchors given as activations (m, d_a) and (m, d_b) of the same inputs, or
        with none."""
        self._fitted()
        if (a is None) != (b is None) or (a is not None and b is not None and len(a) != len(b)):
            raise invalid("anchors", "as many rows of A as of B", "others", "pair the rows")
        return self._match(None if a is None or b is None else (_table(a, "a"), _table(b, "b")))

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Activations (n, d_b) of B that stand for activations (n, d_a) of A; what B's latents do not hold is at its
        mean. Raises `InputError` where no map could be fitted."""
        return self._lifted(self._map()(self.encode_a(X)), self.model_b_, self.preparation_b_)

    def inverse_transform(self, X: np.ndarray) -> np.ndarray:
        """Activations (n, d_a) of A that stand for activations (n, d_b) of B."""
        return self._lifted(self._map().inverse()(self.encode_b(X)), self.model_a_, self.preparation_a_)

    def fit_transform(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        """`fit(A, B)` and then `transform(A)`."""
        return self.fit(A, B).transform(A)

    def encode_a(self, X: np.ndarray) -> np.ndarray:
        """Latents (n, k) of A's activations (n, d_a)."""
        self._fitted()
        return self.model_a_.encode(self.preparation_a_(X))[0]

    def encode_b(self, X: np.ndarray) -> np.ndarray:
        """Latents (n, k) of B's activations (n, d_b)."""
        self._fitted()
        return self.model_b_.encode(self.preparation_b_(X))[0]

    def score(self, A: np.ndarray | None = None, B: np.ndarray | None = None) -> float:
        """Without arguments how well A's density, carried over, fits B's where both are matched: minus a divergence in
        nats, 0 is perfect. With activations of the same inputs the share of B's latent variance that carried ones
        explain."""
        self._fitted()
        if A is None or B is None:
            self._map()
            known = self.verdict_
            return float("nan") if known is None or known.score is None else known.score
        images, truth = self._map()(self.encode_a(A)), self.encode_b(B)
        if len(images) != len(truth):
            raise invalid("B", f"one row for each of A's ({len(images)})", len(truth), "pair the rows")
        return float(1 - ((images - truth) ** 2).sum() / ((truth - truth.mean(0)) ** 2).sum())

    def _learned(self, coordinates: np.ndarray, preparation: Preparation, name: str) -> FlowAutoencoder:
        given = {"latent_dim": preparation.latent_dim, "prior": self.prior, "steps": self.steps}
        config = FlowAutoencoderConfig.from_json({key: value for key, value in given.items() if value is not None})
        training = train(Dataset(points=coordinates, name=name), config, seed=self.seed)
        return _followed(training) if self.follow is None else self.follow(training, name)

    def _match(self, anchors: tuple[np.ndarray, np.ndarray] | None) -> "TopologyAligner":
        self.anchors_: AnchorPins | None = None
        if anchors is not None:
            latents = self.encode_a(anchors[0]), self.encode_b(anchors[1])
            self.anchors_ = anchor_pins(self.tree_a_, self.tree_b_, self.model_a_, self.model_b_, *latents)
        pins = () if self.anchors_ is None else self.anchors_.pins
        self.matching_: Matching = match_trees(self.tree_a_, self.tree_b_, pins=pins)
        self.alternatives_: tuple[Alternative, ...] = self.matching_.alternatives
        self.map_: LatentMap | None
        try:
            self.map_ = fit_map(self.matching_, self.family)
        except InputError as error:
            if self.matching_.pairs and "family" in str(error).split("`")[1:2]:
                raise
            self.map_ = None
        self.verdict_: Verdict | None = assess(self.matching_, self.map_, self.model_a_, self.model_b_)
        return self

    def _map(self) -> LatentMap:
        self._fitted()
        if self.map_ is None:
            raise InputError(
                "no map could be fitted: too few leaves are matched; see `verdict_.reasons`, or give anchors."
            )
        return self.map_

    def _fitted(self) -> None:
        try:
            check_is_fitted(self, "tree_b_")
        except NotFittedError:
            raise InputError("this aligner has learned nothing yet; call `fit(A, B)` first.") from None

    @staticmethod
    def _lifted(latents: np.ndarray, model: FlowAutoencoder, preparation: Preparation) -> np.ndarray:
        return preparation.inverse(model.decode(latents))


def _followed(training: Generator[Progress, None, FlowAutoencoder]) -> FlowAutoencoder:
    *_, last = training
    assert last.model is not None
    return last.model


def _table(array: Any, name: str) -> np.ndarray:
    array = np.asanyarray(array)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        got = f"shape {array.shape} of {array.dtype}"
        raise invalid(name, "a table (n, d) of numbers", got, "give a row per input")
    return array


def _examined(points: Any, name: str) -> UnitReport:
    try:
        return examine_units(_table(points, name))
    except InputError as error:
        raise InputError(str(error).replace("`points`", f"`{name}`")) from None
