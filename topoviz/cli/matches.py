"""Commands on trees and matches: tree, match, translate."""

import argparse
from typing import Any

import numpy as np

import core
from core.data.arrays import named_array
from core.data.npy import write_arrays
from core.errors import InputError
from topoviz.cli.common import open_model, say
from topoviz.session.analysis import fit
from topoviz.session.checks import choice
from topoviz.vocabulary import counted, families, verdict_lines

__all__ = ["match", "translate", "tree"]


def tree(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the simplified level-set tree of a model: as GraphML where the file's name ends so, else as JSON."""
    from core.documents import save_tree, tree_to_json
    from core.files import atomic_file
    from core.tree.networks import graph_file

    found = core.level_set_tree(open_model(arguments.model), simplify=arguments.simplify)
    if arguments.out.suffix.lower() == ".graphml":
        with atomic_file(arguments.out) as temporary:
            temporary.write_bytes(graph_file(found.to_networkx(), "graphml"))
    else:
        save_tree(found, arguments.out)
    say(f"{arguments.out}: {len(found)} nodes, {len(found.leaves)} of them leaves.")
    return tree_to_json(found)


def match(arguments: argparse.Namespace) -> dict[str, Any]:
    """Match two models' trees, fit the map and write both."""
    from core.documents import MatchDocument, save_match

    family = choice("family", arguments.family, families())
    models = [open_model(name) for name in (arguments.model_a, arguments.model_b)]
    a, b = (core.level_set_tree(model, simplify=arguments.simplify) for model in models)
    matching = core.match_trees(a, b, pins=arguments.pin, bans=arguments.ban)
    fitted = fit(matching, family)
    verdict = core.assess(matching, fitted.map, *models)
    document = MatchDocument.of(
        matching,
        fitted.map,
        model_a=arguments.model_a,
        model_b=arguments.model_b,
        verdict=verdict,
        residuals=fitted.residuals,
    )
    save_match(document, arguments.out)
    say(f"{arguments.out}: {counted(len(matching.leaf_pairs), 'matched leaf')}.")
    for line in verdict_lines(verdict):
        say(f"  {line}")
    if fitted.map is None:
        say(f"  no map: {fitted.problem}")
    else:
        score = "" if document.score is None else f", pair-free score {document.score:.3f} nats (0 is perfect)"
        say(f"  {fitted.map.family} map{score}")
    return document.to_json()


def translate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Carry latents of A into B's latent space."""
    from core.documents import load_match

    found = load_match(arguments.match)
    if found.map is None:
        raise InputError(f"`{arguments.match.name}` holds no map; match more nodes and write it again.")
    latent = named_array(arguments.file, "latent")
    mapped = found.map(latent)
    if not np.isfinite(mapped).all():
        raise InputError(f"`latent` in `{arguments.file.name}` is not finite; drop those rows.")
    write_arrays(arguments.out, latent=mapped)
    say(f"{arguments.out}: {len(mapped)} latents of {found.model_b}.")
    return {"out": str(arguments.out), "n": len(mapped), "family": found.map.family}
