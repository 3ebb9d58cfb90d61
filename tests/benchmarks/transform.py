"""The shipped island models: are all leaves matched right without pairs, and how well does the transform carry points?

    python tests/benchmarks/transform.py

True pairs exist because both sets are tangles of one plane: the same planted points, encoded by either model. R^2 is
the share of the variance of B's latents that the carried latents of A explain; "best affine" is fitted on the true
pairs.
"""

import numpy as np

import core
from core.tree import node_of, tree_with_regions
from core.worlds.tangled import WORLDS
from topoviz import resource

N = 5000
PAIRS = (
    ("islands-a", "islands-b"),
    ("islands-a", "islands-5d"),
    ("islands-b", "islands-10d"),
    ("islands-a", "islands-partial"),
)


def tangled(name: str, z: np.ndarray) -> np.ndarray:
    """The planted points `z` as the set `name` would show them."""
    world = WORLDS[name]
    noise = world.noise * np.random.default_rng(5).normal(size=(len(z), world.dim - 2))
    return world.tangle(np.concatenate((z, noise), axis=1))


def mode_of_leaf(name: str, sets, latent: np.ndarray, z: np.ndarray) -> dict[int, int]:
    """The planted mode of each leaf: the one of most of the points in its region."""
    modes = WORLDS[name].mixture.log_components(z).argmax(1)
    rows = node_of(sets, latent)
    return {int(sets.tree.id[row]): int(np.bincount(modes[rows == row]).argmax()) for row in sets.tree.leaves}


for name_a, name_b in PAIRS:
    models = [core.load_model(resource("sample_data") / "models" / name) for name in (name_a, name_b)]
    sets = [tree_with_regions(model) for model in models]
    matching = core.match_trees(sets[0].tree, sets[1].tree)
    own = [WORLDS[name].mixture.sample(N, seed=3) for name in (name_a, name_b)]
    modes = [
        mode_of_leaf(name, s, model.encode(tangled(name, z))[0], z)
        for name, s, model, z in zip((name_a, name_b), sets, models, own, strict=True)
    ]
    shared = range(4) if name_b == "islands-partial" else range(6)
    truth = {(i, j) for i, x in modes[0].items() for j, y in modes[1].items() if x == y and x in shared}
    found = {(pair.a, pair.b) for pair in matching.leaf_pairs}
    z = own[0][np.isin(WORLDS[name_a].mixture.log_components(own[0]).argmax(1), list(shared))]
    latent = [model.encode(tangled(name, z))[0] for name, model in zip((name_a, name_b), models, strict=True)]
    total = ((latent[1] - latent[1].mean(0)) ** 2).sum()
    design = np.column_stack((latent[0], np.ones(len(z))))
    images = {"best affine": design @ np.linalg.lstsq(design, latent[1], rcond=None)[0]}
    images |= {family: core.fit_map(matching, family)(latent[0]) for family in ("affine", "tree")}
    scores = ", ".join(f"{what} {1 - ((y - latent[1]) ** 2).sum() / total:.3f}" for what, y in images.items())
    print(
        f"{name_a} -> {name_b}: {len(found & truth)} of {len(truth)} leaves right, {len(found - truth)} wrong, "
        f"left out {len(matching.unmatched_a)} and {len(matching.unmatched_b)}, "
        f"{core.assess(matching).word}; R^2 {scores}"
    )
