"""What a session shows, computed from its models: level sets, matching, transform, verdict.

These are pure functions of the models and a few fields of the session. Results are cached by what they depend on: an
edit recomputes the matching and the map, never the trees.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

import core
from core.errors import InputError
from core.maps.affine import LatentMap
from core.match import Matching
from core.tree.levelsets import SIMPLIFY, LevelSets
from core.tree.simplify import ByHand
from core.tree.types import LevelSetTree
from core.verdict import matched_score
from topoviz.session.explanations import Preview, best, shown
from topoviz.session.library import Library
from topoviz.session.state import Name, Session, Side
from topoviz.vocabulary import AUTO

if TYPE_CHECKING:
    from core.maps import Residual
    from core.model.autoencoder import FlowAutoencoder
    from core.verdict import Verdict

__all__ = ["Analysis", "Fitted", "analyze", "by_hand", "cut_level", "fit", "level_sets", "mapped_names"]

# As many of A's points as the page draws.
_POINTS = 800
_NOTHING = ByHand()


@dataclass(frozen=True, eq=False)
class Analysis:
    """Everything that the views of a session show.

    `level_sets_a` and `level_sets_b` hold the grids, trees and regions; `matching` holds the pairs of the chosen
    explanation. `map` takes A's latents into B's; where it is None, `map_problem` says why. `families` gives for each
    family None, or what it lacks. `residuals` are the map's errors per matched node. `model_a` and `model_b` are the
    models. `notes` are sentences on what in the session could not be used. `preview` says how the pairs differ from
    the best ones, None where they are the best. `best` gives the analysis of the best matching where another one is
    shown. `known` is the verdict where it is known already.
    """

    level_sets_a: LevelSets
    level_sets_b: LevelSets
    matching: Matching
    map: LatentMap | None
    map_problem: str | None
    families: Mapping[str, str | None]
    residuals: tuple["Residual", ...]
    model_a: "FlowAutoencoder"
    model_b: "FlowAutoencoder"
    notes: tuple[str, ...] = ()
    preview: Preview | None = None
    best: "Callable[[], Analysis] | None" = None
    known: "Verdict | None" = None

    @classmethod
    def of(
        cls,
        sets: tuple[LevelSets, LevelSets],
        models: tuple["FlowAutoencoder", "FlowAutoencoder"],
        matching: Matching,
        fitted: "Fitted",
        **others: Any,
    ) -> "Analysis":
        """The analysis from its parts: level sets and models of A and B, a matching of their trees, its map."""
        return cls(
            *sets, matching, fitted.map, fitted.problem, core.families_available(matching), fitted.residuals, *models,
            **others,
        )  # fmt: skip

    @cached_property
    def verdict(self) -> "Verdict | None":
        """The verdict on the best matching and its map, even while another is shown; None where the method gives
        none."""
        if self.best is not None:
            return self.best().verdict
        return self.known or core.assess(self.matching, self.map, self.model_a, self.model_b)

    @cached_property
    def score(self) -> float | None:
        """The score in nats (0 is perfect) of the map that is shown; the best matching has the verdict's."""
        if self.best is None and self.verdict is not None:
            return self.verdict.score
        return None if self.map is None else matched_score(self.map, self.matching, self.model_a, self.model_b)

    @cached_property
    def mapped(self) -> np.ndarray | None:
        """The first m latents of A's sample, mapped into B (m, k_b); None without a map or a sample."""
        sample = self.model_a.sample
        return None if self.map is None or sample is None else self.map(sample.latent[:_POINTS])

    def model(self, side: Side) -> "FlowAutoencoder":
        """The model of one side."""
        return self.model_a if side == "a" else self.model_b

    def latent(self, side: Side) -> np.ndarray | None:
        """The latents (m, k) of the sample in one side's model."""
        sample = self.model(side).sample
        return None if sample is None else sample.latent

    def cut(self, fraction: float) -> float:
        """The relative level (nats) of the cut on both sides: `cut_level` of the deeper tree."""
        return min(cut_level(self.tree("a"), fraction), cut_level(self.tree("b"), fraction))

    def level_sets(self, side: Side) -> LevelSets:
        """The level sets of one side."""
        return self.level_sets_a if side == "a" else self.level_sets_b

    def tree(self, side: Side) -> LevelSetTree:
        """The level-set tree of one side."""
        return self.level_sets(side).tree

    def partner(self, side: Side, node: int) -> int | None:
        """The node on the other side that is matched with `node`, or None."""
        for pair in self.matching.pairs:
            if node == (pair.a if side == "a" else pair.b):
                return pair.b if side == "a" else pair.a
        return None


@dataclass(frozen=True, eq=False)
class Fitted:
    """A map with its residuals, or the `problem` that prevented it."""

    map: LatentMap | None
    problem: str | None = None
    residuals: tuple["Residual", ...] = ()

    @classmethod
    def of(cls, found: LatentMap, matching: Matching) -> "Fitted":
        """A map with its residuals at the pairs of a matching."""
        # A tree-guided map meets every leaf by construction, so the residuals are those of its global part.
        whole = core.AffineMap(found.matrix, found.offset)
        return cls(found, None, core.residuals(whole, matching))


def fit(matching: Matching, family: str) -> Fitted:
    """The map of a family, or of the best one for 'auto'."""
    try:
        found = core.fit_map(matching, core.best_family(matching) if family == AUTO else family)
    except InputError as error:
        return Fitted(None, str(error))
    return Fitted.of(found, matching)


class _Slot:
    """A value that is being computed, or is ready."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.value: Any = None
        self.filled = False


class _Cache:
    """The newest values by key, at most `size`. Each is computed once; a slow one blocks only its own key."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._size:
                self._slots.popitem(last=False)
        with slot.lock:
            if not slot.filled:
                slot.value = compute()
                slot.filled = True
            return slot.value


_grids = _Cache(16)
_level_sets = _Cache(64)
_matchings = _Cache(256)
_analyses = _Cache(128)


def by_hand(session: Session, side: Side) -> ByHand:
    """The nodes that are merged, split and hidden in the tree of one side."""
    return ByHand(*(getattr(session, f"{what}_{side}") for what in ("merged", "split", "hidden")))


def level_sets(library: Library, name: str, simplify: float, hand: ByHand = _NOTHING) -> LevelSets:
    """Grid, tree and regions of a model's latent density, with the edits made by hand.

    Raises `InputError` where there is no such model.
    """
    entry = library.entry(name)
    key = (entry.folder, entry.stamp)
    whole = _grids.get(key, lambda: core.tree_with_regions(library.model(name)))
    if simplify == SIMPLIFY and hand == _NOTHING:
        return whole
    return _level_sets.get((*key, simplify, hand), lambda: whole.simplified(simplify, by_hand=hand))


def cut_level(tree: LevelSetTree, fraction: float) -> float:
    """The relative level (nats) of a cut at a fraction of a tree's height: 1 is the peak, 0 lies below all saddles.

    The floor stops at 12 nats: deeper saddles are extrapolation.
    """
    saddles = tree.level[[row for row in range(len(tree)) if tree.children[row]]]
    floor = min(-2.0, max(-12.0, 1.2 * float(saddles.min(initial=0.0))))
    return (1 - fraction) * floor


def analyze(library: Library, session: Session) -> Analysis:
    """The analysis of a session. Raises `InputError` where one of its models cannot be opened. Where there can be no
    matching or no map, `notes` and `map_problem` say so."""
    key = (_matching_key(library, session), session.family, session.complete, session.alternative)
    return _analyses.get(key, lambda: _analyze(library, session))


def mapped_names(analysis: Analysis, session: Session) -> tuple[dict[int, Name], dict[int, Name]]:
    """The names to show on each side: the user's own, and, unconfirmed, those mapped from matched nodes."""
    own_a, own_b = session.names("a"), session.names("b")
    shown_a, shown_b = dict(own_a), dict(own_b)
    for pair in analysis.matching.pairs:
        if pair.a in own_a and pair.b not in own_b:
            shown_b[pair.b] = Name(own_a[pair.a].text, confirmed=False)
        elif pair.b in own_b and pair.a not in own_a:
            shown_a[pair.a] = Name(own_b[pair.b].text, confirmed=False)
    return shown_a, shown_b


def _matching_key(library: Library, session: Session) -> Hashable:
    models = [library.entry(name) for name in (session.model_a, session.model_b)]
    stamps = tuple((entry.folder, entry.stamp) for entry in models)
    hands = by_hand(session, "a"), by_hand(session, "b")
    return stamps, session.simplify, hands, session.pins, session.bans, session.method


def _analyze(library: Library, session: Session) -> Analysis:
    sets_a = level_sets(library, session.model_a, session.simplify, by_hand(session, "a"))
    sets_b = level_sets(library, session.model_b, session.simplify, by_hand(session, "b"))
    key = _matching_key(library, session)
    found = _matchings.get(key, lambda: best(sets_a.tree, sets_b.tree, session))
    seen = shown(found, session)
    models = library.model(session.model_a), library.model(session.model_b)
    whole = replace(session, alternative=0, complete=True)
    return Analysis.of(
        (sets_a, sets_b),
        models,
        seen.matching,
        fit(seen.matching, session.family),
        notes=seen.notes,
        preview=seen.preview,
        best=None if seen.matching is found.matching else lambda: analyze(library, whole),
    )
