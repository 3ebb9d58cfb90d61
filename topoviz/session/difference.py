"""Two curated matches of the same two models, compared: where they agree, and how far apart their maps are.

Agreement over the leaves of A is that of two raters, each of whom gives every leaf a partner or none.

References: Cohen 1960, "A coefficient of agreement for nominal scales".
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from topoviz.session.analysis import Analysis
from topoviz.session.state import SIDES, Links, Session, Side

__all__ = ["Agreement", "Apart", "Comparison", "Naming", "agreement", "compare", "same_models"]


@dataclass(frozen=True)
class Agreement:
    """How far two sets of pairs agree: `precision` and `recall` of the first against the second, `jaccard`, the share
    of common pairs among all, and Cohen's `kappa` over the leaves of A. All are 1 where both sets are empty."""

    precision: float
    recall: float
    f1: float
    jaccard: float
    kappa: float


@dataclass(frozen=True)
class Naming:
    """A node that has different names in the two matches; an empty text is no name."""

    side: Side
    node: int
    here: str
    there: str


@dataclass(frozen=True)
class Apart:
    """The distance between the images of A's points under the two maps, in B's standard deviations (Mahalanobis)."""

    median: float
    most: float


@dataclass(frozen=True)
class Comparison:
    """Leaf pairs of `both` matches, those only `here` (the first) and only `there` (the second). `conflicts` are pairs
    of the second, each after the pairs of the first that give one of its leaves another partner. `banned` are pairs
    of the first that the second bans. `apart` is None where one of the two has no map."""

    both: Links
    here: Links
    there: Links
    conflicts: tuple[tuple[Links, tuple[int, int]], ...]
    banned: Links
    names: tuple[Naming, ...]
    agreement: Agreement
    apart: Apart | None


def compare(mine: tuple[Session, Analysis], other: tuple[Session, Analysis]) -> Comparison:
    """Compare the matches of two sessions of the same models."""
    (session, analysis), (session_b, analysis_b) = mine, other
    here, there = (frozenset((p.a, p.b) for p in a.matching.leaf_pairs) for a in (analysis, analysis_b))
    leaves = {node for a in (analysis, analysis_b) for node in a.tree("a").ids(a.tree("a").leaves)}
    alone_here, alone_there, conflicts = _parted(here - there, there - here)
    return Comparison(
        both=tuple(sorted(here & there)),
        here=alone_here,
        there=alone_there,
        conflicts=conflicts,
        banned=tuple(sorted(here & set(session_b.bans))),
        names=tuple(_names(session, session_b)),
        agreement=agreement(here, there, leaves),
        apart=_apart(analysis, analysis_b),
    )


def same_models(here: Session, there: Session) -> None:
    """Raises `InputError` where two sessions are of different models. The models are not opened."""
    if (here.model_a, here.model_b) != (there.model_a, there.model_b):
        raise InputError(
            f"the other match is of `{there.model_a}` and `{there.model_b}`, this one of `{here.model_a}` and "
            f"`{here.model_b}`; compare matches of the same two models."
        )


def agreement(here: Iterable[tuple[int, int]], there: Iterable[tuple[int, int]], leaves: Iterable[int]) -> Agreement:
    """How far two one-to-one sets of pairs agree, over these leaves of A.

    >>> agreement([(1, 1), (2, 2)], [(1, 1), (2, 3)], [1, 2, 3, 4]).jaccard
    0.3333333333333333
    """
    here, there, leaves = set(here), set(there), sorted(leaves)
    common, everything = len(here & there), len(here | there)
    precision = common / len(here) if here else float(not there)
    recall = common / len(there) if there else float(not here)
    return Agreement(
        precision=precision,
        recall=recall,
        f1=2 * common / (len(here) + len(there)) if everything else 1.0,
        jaccard=common / everything if everything else 1.0,
        kappa=_kappa([dict(here).get(leaf) for leaf in leaves], [dict(there).get(leaf) for leaf in leaves]),
    )


def _kappa(first: list[int | None], second: list[int | None]) -> float:
    """Cohen's kappa of two raters; 1 where both agree on everything, even if chance would."""
    if first == second:
        return 1.0
    count = len(first)
    observed = sum(x == y for x, y in zip(first, second, strict=True)) / count
    chance = sum(first.count(said) * second.count(said) for said in {*first, *second}) / count**2
    return (observed - chance) / (1 - chance)


def _parted(
    here: frozenset[tuple[int, int]], there: frozenset[tuple[int, int]]
) -> tuple[Links, Links, tuple[tuple[Links, tuple[int, int]], ...]]:
    """Pairs that share no leaf with a pair of the other match, and those that do, grouped by the pairs of the
    second."""
    conflicts, seen = [], set()
    for pair in sorted(there):
        rivals = tuple(sorted(own for own in here if own[0] == pair[0] or own[1] == pair[1]))
        if rivals:
            conflicts.append((rivals, pair))
            seen |= {pair, *rivals}
    return tuple(sorted(here - seen)), tuple(sorted(there - seen)), tuple(conflicts)


def _names(here: Session, there: Session) -> Iterable[Naming]:
    for side in SIDES:
        ours, theirs = here.names(side), there.names(side)
        for node in sorted(ours.keys() | theirs.keys()):
            said = tuple(names[node].text if node in names else "" for names in (ours, theirs))
            if said[0] != said[1]:
                yield Naming(side, node, *said)


def _apart(here: Analysis, there: Analysis) -> Apart | None:
    """The distances between A's points under the two maps, whitened by B's covariance."""
    if here.mapped is None or there.mapped is None:
        return None
    latent = here.latent("b")
    covariance = np.cov(here.mapped if latent is None else latent, rowvar=False)
    away = here.mapped - there.mapped
    whitened = np.linalg.solve(np.linalg.cholesky(np.atleast_2d(covariance)), away.T)
    distances = np.linalg.norm(whitened, axis=0)
    return Apart(float(np.median(distances)), float(np.quantile(distances, 0.95)))
