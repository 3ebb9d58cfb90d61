"""Commands on the built-in data sets: list them, write one."""

import argparse
from typing import Any

import numpy as np

import core
from core.data.npy import write_arrays
from core.errors import invalid
from core.worlds import dataset_info
from topoviz.cli.common import say

__all__ = ["datasets", "sample"]


def datasets(_: argparse.Namespace) -> dict[str, Any]:
    """List the built-in sets with what is known of them."""
    rows = []
    for name in core.dataset_names():
        about = dataset_info(name)
        rows.append(
            {
                "name": name,
                "dim": about.dim,
                "topology": about.topology.sentence,
                "leaves": about.topology.leaves,
                "betti": list(about.topology.betti),
                "entropy": about.entropy,
            }
        )
        say(f"{name:<16} {about.dim:>3} dimensions  {about.topology.sentence}")
    return {"datasets": rows}


def sample(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write a built-in set."""
    if arguments.name not in core.dataset_names():
        raise invalid("name", "a built-in set", repr(arguments.name), "see `topoviz datasets`")
    dataset = core.load_dataset(arguments.name, seed=arguments.seed, n=arguments.n)
    arrays: dict[str, np.ndarray] = {"points": dataset.points}
    if dataset.labels is not None:
        arrays["labels"] = dataset.labels
    if dataset.latent is not None:
        arrays["latent"] = dataset.latent
    if dataset.entropy is not None:
        arrays["entropy"] = np.array(dataset.entropy)
    write_arrays(arguments.out, **arrays)
    say(f"{arguments.out}: {len(dataset)} points in {dataset.dim} dimensions.")
    return {"out": str(arguments.out), "n": len(dataset), "dim": dataset.dim, "entropy": dataset.entropy}
