"""The pictures and figures of docs/identifiability.md, from planted densities whose answer is known.

    PYTHONPATH=. python docs/identifiability.py                     # all, four minutes of one core
    PYTHONPATH=. python docs/identifiability.py anchors --seeds 20  # one: invariants, symmetry, limits or anchors

No flow is trained: densities are planted, or mixtures fitted to points drawn from them, so that what is seen is what
topology can tell and not how well a flow learned. Figures are printed as they are found; all seeds are fixed.
"""

import argparse
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial import KDTree

import core
from core.baselines import Latents, Pairs, translate
from core.baselines.relative import choose_anchors, transfer_labels
from core.errors import InputError
from core.gaussians.mixture import GaussianMixture
from core.match.anchors import anchor_pins
from core.match.problem import leaf_distances
from core.meaning import map_labels, score_labels
from core.model.prior.mixture import MixtureModule
from core.tree import LevelSets, LevelSetTree, tree_with_regions
from core.worlds.tangled import WORLDS

OUT = Path(__file__).parent / "identifiability"
COUNTS, DRAWS, POINTS = (1, 3, 10, 30), 5, 2000
BLUE, GREEN, ORANGE, PURPLE = "#5468d4", "#127a34", "#c8590e", "#a8459a"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", nargs="*", choices=[[], *PICTURES], default=[])
    parser.add_argument("--seeds", type=int, help="how many worlds of a kind, by default as many as the page says")
    arguments = parser.parse_args()
    plt.rcParams |= {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
    OUT.mkdir(exist_ok=True)
    for name in arguments.which or PICTURES:
        picture, usual = PICTURES[name]
        picture(usual if arguments.seeds is None else arguments.seeds)
        plt.savefig(OUT / f"{name}.png", dpi=110, bbox_inches="tight")
        plt.close("all")


def mixture(rows: list[tuple[float, ...]]) -> GaussianMixture:
    """Gaussians of the plane from rows of mass, center, two deviations and a turn in degrees."""
    table = np.array(rows, dtype=float)
    turn = np.deg2rad(table[:, 5])
    axes = np.stack((np.stack((np.cos(turn), -np.sin(turn)), 1), np.stack((np.sin(turn), np.cos(turn)), 1)), 1)
    covariances = (axes * table[:, None, 3:5] ** 2) @ np.swapaxes(axes, 1, 2)
    return GaussianMixture(table[:, 0] / table[:, 0].sum(), table[:, 1:3], covariances)


def beads(count: int, radius: float = 3.0) -> GaussianMixture:
    """Equal beads around a circle."""
    turns = np.arange(count) * 360 / count
    at = radius * np.stack((np.cos(np.deg2rad(turns)), np.sin(np.deg2rad(turns))), 1)
    return mixture([(1, *place, 0.45, 0.45, 0) for place in at])


def simplex(count: int, apart: float = 6.0) -> GaussianMixture:
    """Equal round clusters, each as far from each other: every permutation is a symmetry."""
    corners = np.eye(count) - 1 / count
    means = apart / np.sqrt(2) * corners @ np.linalg.svd(corners)[2][: count - 1].T
    return GaussianMixture(np.full(count, 1 / count), means, np.tile(np.eye(count - 1), (count, 1, 1)))


BLOBS = mixture([(1, -1.5, 0, 0.6, 0.6, 0), (1, 1.5, 0, 0.6, 0.6, 0)])
# A mirror turns it into itself: one island on the axis, two pairs of islands beside it.
MIRRORED = mixture(
    [
        (0.24, 0, 2.4, 0.6, 0.4, 0),
        (0.23, 2.2, 0.6, 0.4, 0.55, 20),
        (0.23, -2.2, 0.6, 0.4, 0.55, -20),
        (0.15, 1.5, -2, 0.35, 0.35, 0),
        (0.15, -1.5, -2, 0.35, 0.35, 0),
    ]
)
ISLANDS = WORLDS["islands-a"].mixture


@dataclass(frozen=True)
class Moved:
    """A density carried by a bijection of the plane whose log-determinant is `growth` everywhere."""

    of: GaussianMixture
    to: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]
    growth: float
    dim: int = 2

    def log_density(self, z: np.ndarray) -> np.ndarray:
        return self.of.log_density(self.back(z)) - self.growth

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.of.bounds()
        edge = self.to(np.array(list(itertools.product(*np.linspace(low, high, 40).T))))
        return edge.min(0), edge.max(0)


LINEAR = np.array([[1.1, 0.9], [-0.5, 1.4]])


def bent(z: np.ndarray, sign: int = 1) -> np.ndarray:
    """A shear along a wave: area is kept, straight lines are not."""
    return np.stack((z[:, 0] + sign * 0.7 * np.sin(0.9 * z[:, 1]), z[:, 1]), 1)


def evidence(tree: LevelSetTree) -> dict[str, np.ndarray]:
    """What lies between each two leaves, in a fixed order, by kind."""
    rows = tree.leaves[np.argsort(tree.basin_mass[tree.leaves])]
    i, j = np.triu_indices(len(rows), 1)
    height, mass = tree.level[rows], np.log(tree.basin_mass[rows])
    volume = 0.5 * np.linalg.slogdet(tree.basin_covariance[rows])[1]
    place = {row: at for at, row in enumerate(tree.leaves)}
    order = [place[row] for row in rows]
    return {
        "height": height[i] - height[j],
        "log mass": mass[i] - mass[j],
        "log volume": volume[i] - volume[j],
        "Bhattacharyya": leaf_distances(tree)[np.ix_(order, order)][i, j],
        "Euclidean": np.linalg.norm(tree.basin_mean[rows][i] - tree.basin_mean[rows][j], axis=1),
    }


def invariants(seeds: int) -> None:
    """What stays when a world is stretched and turned, or bent without a change of area."""
    inverse = np.linalg.inv(LINEAR)
    worlds = {
        "a world": ISLANDS,
        "stretched, sheared": Moved(
            ISLANDS, lambda z: z @ LINEAR.T, lambda z: z @ inverse.T, float(np.log(np.linalg.det(LINEAR)))
        ),
        "bent, area kept": Moved(ISLANDS, bent, lambda z: bent(z, -1), 0.0),
    }
    found = [evidence(core.level_set_tree(world)) for world in worlds.values()]
    _, axes = plt.subplots(1, 5, figsize=(11, 2.4))
    for ax, (title, world) in zip(axes, worlds.items(), strict=False):
        contour(ax, world, title)
    colors = (BLUE, GREEN, ORANGE, PURPLE, "#999999")
    for ax, title, moved in zip(axes[3:], list(worlds)[1:], found[1:], strict=True):
        for (kind, values), color in zip(found[0].items(), colors, strict=True):
            ax.scatter(values, moved[kind], 9, color=color, label=kind, alpha=0.8)
            difference = np.abs(moved[kind] - values)
            print(f"{title}: {kind}: differs by {difference.max():.3f} at most, of {np.ptp(values):.2f}")
        ax.axline((0, 0), slope=1, lw=0.6, color="black")
        ax.set(title=title, xlabel="between leaves of the world", ylabel="of its image")
    axes[4].legend(fontsize=6, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    plt.tight_layout()


def contour(ax: plt.Axes, density: object, title: str) -> None:
    grid = tree_with_regions(density).grid
    levels = (-6, -4.5, -3, -2, -1, -0.5, 0)
    ax.contourf(*grid.axes, grid.relative.T, levels=levels, cmap="Blues")
    ax.set(title=title, aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def symmetry(seeds: int) -> None:
    """Worlds that are their own images: how many ways there are to match each with itself."""
    worlds = {
        "one Gaussian": WORLDS["blob"].mixture,
        "two equal blobs": BLOBS,
        "two equal pairs": MIRRORED,
        "six equal beads": beads(6),
        "a smooth ring": WORLDS["ring"].mixture,
        "six unlike islands": ISLANDS,
    }
    _, axes = plt.subplots(1, 6, figsize=(11, 2.3))
    for ax, (name, world) in zip(axes, worlds.items(), strict=True):
        tree = core.level_set_tree(world)
        matching = core.match_trees(tree, tree)
        word = core.assess(matching).word
        try:
            core.fit_map(matching, "affine")
            fitted = "map found"
        except InputError:
            fitted = "no map"
        contour(ax, world, name)
        ax.set_xlabel(f"{len(tree.leaves)} leaves, {len(matching.rivals)} rivals\n{word}\n{fitted}")
        print(f"{name}: {len(tree.leaves)} leaves, {len(matching.rivals)} rivals, {word}, {fitted}")
    plt.tight_layout()
    for name in ("two equal pairs", "six equal beads"):
        found = [broken(worlds[name], seed) for seed in range(4 * seeds)]
        told = [outcome for outcome in found if outcome.determined]
        wrong = sum(outcome.wrong > 0 for outcome in told)
        print(f"{name}, two samples of {POINTS}: {len(told)} of {len(found)} determined, {wrong} of these wrong")


def broken(world: GaussianMixture, seed: int) -> "Outcome":
    """Two samples of a symmetric world: their noise breaks the symmetry, in each in its own way."""
    rng = np.random.default_rng([seed, 5])
    a, b = (fitted(world.sample(POINTS, int(rng.integers(2**31))), rng) for _ in range(2))
    return rightly(a, b, world, np.eye(world.dim), POINTS)


def planted(rng: np.random.Generator, count: int, k: int, alike: bool) -> GaussianMixture:
    """Clusters at random places, about five deviations from each other; `alike` in mass and shape, or not."""
    means = rng.normal(size=(count, k))
    means *= 5.0 / np.median(np.linalg.norm(means[:, None] - means, axis=2)[np.triu_indices(count, 1)])
    covariances = np.tile(np.eye(k) * 0.5, (count, 1, 1))
    if not alike:
        turns = np.linalg.qr(rng.normal(size=(count, k, k)))[0]
        covariances = (turns * rng.uniform(0.2, 1.0, (count, 1, k))) @ np.swapaxes(turns, 1, 2)
    weights = np.full(count, 1 / count) if alike else rng.dirichlet(np.full(count, 10.0))
    return GaussianMixture(weights, means, covariances)


def seen(rng: np.random.Generator, world: GaussianMixture, points: int) -> GaussianMixture:
    """The world as its masses, means and covariances come out of so many points of each cluster."""
    k, count = world.dim, len(world.weights)
    weights = rng.multinomial(points * count, world.weights) / (points * count)
    means, covariances = [], []
    for mean, covariance, weight in zip(world.means, world.covariances, weights, strict=True):
        own = rng.multivariate_normal(mean, covariance, max(int(weight * points * count), 3 * k))
        means.append(own.mean(0))
        covariances.append(np.cov(own.T))
    return GaussianMixture(weights, np.array(means), np.array(covariances))


@dataclass(frozen=True)
class Outcome:
    """The share of the world's clusters whose leaves are matched with each other, how many pairs are `wrong`, and
    whether the matching is `determined`."""

    share: float
    wrong: int
    determined: bool


def rightly(a: GaussianMixture, b: GaussianMixture, world: GaussianMixture, turn: np.ndarray, points: int) -> Outcome:
    """What comes of matching two views of a world, each of so many points, the second of them turned."""
    trees = [tree_with_regions(density, points=points).tree for density in (a, b)]
    matching = core.match_trees(trees[0], trees[1])
    at = KDTree(world.means)
    of_a = dict(zip(trees[0].ids(trees[0].leaves), at.query(trees[0].peak[trees[0].leaves])[1], strict=True))
    of_b = dict(zip(trees[1].ids(trees[1].leaves), at.query(trees[1].peak[trees[1].leaves] @ turn)[1], strict=True))
    right = {of_a[pair.a] for pair in matching.leaf_pairs if of_a[pair.a] == of_b[pair.b]}
    wrong = sum(of_a[pair.a] != of_b[pair.b] for pair in matching.leaf_pairs)
    return Outcome(len(right) / len(world.weights), wrong, core.assess(matching).determined)


def limits(seeds: int) -> None:
    """Leaves matched rightly by the latent dimension and by the number of points for each leaf."""
    _, axes = plt.subplots(1, 2, figsize=(8, 2.7))
    dims, amounts = (2, 3, 4, 6, 8), (10, 20, 50, 100, 300, 1000)
    for alike, color in ((False, GREEN), (True, ORANGE)):
        word = "clusters alike" if alike else "clusters unlike"
        by_dim = [[dimension(seed, k, alike) for seed in range(seeds)] for k in dims]
        draw(axes[0], dims, by_dim, color, word, "dimension")
    by_points = [[amount(seed, n) for seed in range(seeds)] for n in amounts]
    draw(axes[1], amounts, by_points, BLUE, "six islands", "points a leaf")
    axes[0].set_xlabel("latent dimensions (nine clusters, 100 points each)")
    axes[1].set(xlabel="points for each leaf, in the plane", xscale="log")
    for ax in axes:
        ax.set(ylim=(0, 1.05), ylabel="leaves matched rightly")
        ax.legend(frameon=False, fontsize=7, loc="lower right")
    plt.tight_layout()


def draw(ax: plt.Axes, places: tuple, found: list[list[Outcome]], color: str, word: str, unit: str) -> None:
    share = [np.mean([one.share for one in row]) for row in found]
    sure = [np.mean([one.determined for one in row]) for row in found]
    ax.plot(places, share, "o-", color=color, label=f"{word}: right", ms=4)
    ax.plot(places, sure, "s:", color=color, label=f"{word}: called determined", ms=3, lw=1)
    for place, row, one in zip(places, found, share, strict=True):
        told = [outcome for outcome in row if outcome.determined]
        print(
            f"{word}, {unit} {place}: right {one:.2f}; of {len(row)} determined {len(told)}, of these "
            f"{sum(outcome.wrong > 0 for outcome in told)} with a wrong pair, "
            f"{sum(outcome.wrong > 1 for outcome in told)} with several"
        )


def dimension(seed: int, k: int, alike: bool) -> Outcome:
    rng = np.random.default_rng([seed, k, alike])
    world, turn = planted(rng, 9, k, alike), np.linalg.qr(rng.normal(size=(k, k)))[0]
    b = seen(rng, world, 100)
    turned = GaussianMixture(b.weights, b.means @ turn.T, turn @ b.covariances @ turn.T)
    return rightly(seen(rng, world, 100), turned, world, turn, 900)


def amount(seed: int, points: int) -> Outcome:
    rng = np.random.default_rng([seed, points])
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    draws = [ISLANDS.sample(points * 6, int(rng.integers(2**31))) for _ in range(2)]
    a, b = (fitted(z, rng) for z in (draws[0], draws[1] @ turn.T))
    return rightly(a, b, ISLANDS, turn, points * 6)


def fitted(z: np.ndarray, rng: np.random.Generator) -> GaussianMixture:
    return MixtureModule.shortest(z, min(12, len(z) // 8), rng, 2).export()


@dataclass(frozen=True, eq=False)
class Side:
    """Points of one encoding with the true classes, and the level sets of the density fitted to them."""

    points: np.ndarray
    classes: np.ndarray
    sets: LevelSets


def encoded(z: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """What B's network makes of the world: a little bent, then turned or mirrored."""
    moved = np.array(z)
    moved[:, 0] += 0.3 * np.sin(z[:, 1])
    return moved @ turn.T


def anchors(seeds: int) -> None:
    """Labels that arrive, by the number of anchors, in worlds with and without a symmetry."""
    worlds = {
        "two equal pairs": MIRRORED,
        "six equal beads": beads(6),
        "nine equal clusters, 8 dimensions": simplex(9),
        "six unlike islands": ISLANDS,
    }
    _, axes = plt.subplots(1, 4, figsize=(12, 2.6), sharey=True)
    styles = {
        "topology": ("topology + anchors", BLUE, "o-"),
        "relative": ("relative representations", ORANGE, "^--"),
        "relative-like": ("the same, length kept", GREEN, "s--"),
    }
    for ax, (name, world) in zip(axes, worlds.items(), strict=True):
        table: dict[tuple[str, int], list[float]] = {}
        sure = []
        for seed in range(seeds):
            sure.append(one_world(world, seed, table))
        print(f"{name}: without anchors {sum(d for d, _ in sure)} of {seeds} determined, "
              f"{sum(d and share < 0.9 for d, share in sure)} of these wrongly")  # fmt: skip
        for method, (label, color, style) in styles.items():
            counts = [count for count in (0, *COUNTS) if (method, count) in table]
            means = [np.mean(table[method, count]) for count in counts]
            low = [np.quantile(table[method, count], 0.1) for count in counts]
            ax.plot([(0, *COUNTS).index(count) for count in counts], means, style, color=color, label=label, ms=4)
            told = zip(counts, means, low, strict=True)
            print(f"  {method}:", *(f"{count}: {mean:.2f} (tenth {tenth:.2f})" for count, mean, tenth in told))
        ax.set(title=name, xticks=range(5), xticklabels=(0, *COUNTS), xlabel="anchors", ylim=(0, 1.05))
    axes[0].set_ylabel("B's points labeled rightly")
    axes[0].legend(frameon=False, fontsize=7, loc="lower right")
    plt.tight_layout()


def one_world(world: GaussianMixture, seed: int, table: dict[tuple[str, int], list[float]]) -> tuple[bool, float]:
    rng = np.random.default_rng([seed, 11])
    turn = np.linalg.qr(rng.normal(size=(world.dim, world.dim)))[0]
    sides = []
    for encode in (lambda z: z, lambda z: encoded(z, turn)):
        z = world.sample(POINTS, int(rng.integers(2**31)))
        points = encode(z)
        density = fitted(points, rng)
        sides.append(Side(points, world.log_components(z).argmax(1), tree_with_regions(density, points=POINTS)))
    a, b = sides
    matching = core.match_trees(a.sets.tree, b.sets.tree)
    alone = labeled(matching, a, b)
    table.setdefault(("topology", 0), []).append(alone)
    for count in COUNTS:
        for _ in range(DRAWS):
            z = world.sample(count, int(rng.integers(2**31)))
            pairs = z, encoded(z, turn)
            pins = anchor_pins(a.sets.tree, b.sets.tree, a.sets, b.sets, *pairs).pins
            pinned = core.match_trees(a.sets.tree, b.sets.tree, pins=pins)
            table.setdefault(("topology", count), []).append(labeled(pinned, a, b))
            if count > 1:
                for method, share in relatives(pairs, a, b).items():
                    table.setdefault((method, count), []).append(share)
    return core.assess(matching).determined, alone


def labeled(matching: core.Matching, a: Side, b: Side) -> float:
    """The share of B's points whose carried label is right; a point without one counts as wrong."""
    try:
        carry = core.fit_map(matching, "affine")
    except InputError:
        carry = None
    carried = map_labels(matching, carry, a.sets, b.sets, a.points, a.classes, b.points)
    found = score_labels(carried, b.classes)
    return 0.0 if found is None else found.accuracy * found.rows / len(b.points)


def relatives(pairs: tuple[np.ndarray, np.ndarray], a: Side, b: Side) -> dict[str, float]:
    """The same from anchors alone: by cosines to them, and by the affine map that keeps lengths."""
    try:
        chosen = choose_anchors(Pairs(pairs[1], pairs[0]), len(pairs[0]), "random")
        cosines = transfer_labels(chosen, b.points, a.points, a.classes, 15)
        carry = translate("relative-like", Latents(a.points), Latents(b.points), Pairs(*pairs), 0)
    except InputError:
        return {"relative": 0.0, "relative-like": 0.0}
    near = a.classes[KDTree(carry(a.points)).query(b.points, 15)[1]]
    votes = (near[..., None] == np.arange(near.max() + 1)).sum(1).argmax(1)
    return {"relative": float((cosines == b.classes).mean()), "relative-like": float((votes == b.classes).mean())}


PICTURES: dict[str, tuple[Callable[[int], None], int]] = {
    "invariants": (invariants, 1),
    "symmetry": (symmetry, 20),
    "limits": (limits, 15),
    "anchors": (anchors, 12),
}

if __name__ == "__main__":
    main()
