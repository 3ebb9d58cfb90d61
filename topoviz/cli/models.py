"""Commands on one model: train, info, encode, decode."""

import argparse
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import core
from core.data.arrays import named_array
from core.data.npy import write_arrays
from core.errors import invalid
from topoviz.cli.common import open_model, open_preparation, say
from topoviz.cli.sidecars import read_sidecars
from topoviz.session.convergence import choices, verdict

if TYPE_CHECKING:
    from core.training import Progress

__all__ = ["decode", "encode", "info", "train"]

_CHECKPOINT_SECONDS = 5

_FLAGS = ("latent_dim", "pad", "flow", "prior", "steps", "minutes")


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train a model on a data set and write its folder."""
    from core.model.checkpoint import load_checkpoint, save_checkpoint
    from core.training import train as fit
    from topoviz.jobs.progress import follow

    config = _config(arguments)
    dataset = core.load_dataset(arguments.data, seed=arguments.seed, n=arguments.n, key=arguments.key)
    if arguments.out.is_file():
        raise invalid("out", "a folder", arguments.out, "choose another place")
    sidecars = read_sidecars(dataset, arguments.labels, arguments.examples)
    checkpoint = arguments.out.with_name(f"{arguments.out.name}.checkpoint")
    state = None
    if arguments.resume and not checkpoint.is_file():
        say(f"there is no {checkpoint.name}; training starts at the beginning.")
    elif arguments.resume:
        state = load_checkpoint(checkpoint, dataset, config, arguments.seed)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)

    def kept() -> Iterator["Progress"]:
        written, kept_back = time.monotonic(), False
        for step in fit(dataset, config, seed=arguments.seed, state=state):
            if step.state is not None and time.monotonic() - written > _CHECKPOINT_SECONDS and not kept_back:
                try:
                    save_checkpoint(checkpoint, step.state(), dataset, config, arguments.seed)
                except core.InputError as error:
                    kept_back = True
                    say(f"{error} Training goes on without new checkpoints.")
                written = time.monotonic()
            yield step

    model = follow(kept(), f"training on {dataset.name}")
    core.save_model(model, arguments.out)
    sidecars.write(arguments.out)
    checkpoint.unlink(missing_ok=True)
    metrics = model.metrics
    for note in dataset.notes:
        say(note)
    say(
        f"{arguments.out}: held-out NLL {metrics['nll']:.3f} nats{_entropy(metrics)}, "
        f"volume defect {metrics['volume_defect']:.1e}, {metrics['seconds']:.0f} s."
    )
    _say_verdict(metrics)
    return {"model": str(arguments.out), "config": model.config.to_json(), "metrics": metrics}


def info(arguments: argparse.Namespace) -> dict[str, Any]:
    """Describe a model: sizes, configuration, likelihood, volume defect, tree, and whether its data's tree agrees."""
    from core.tree import check_topology, tree_with_regions

    model = open_model(arguments.model)
    sets = tree_with_regions(model)
    tree, leaves = sets.tree, sets.tree.leaves
    check = None if model.input_field is None else check_topology(model, sets)
    summary = {
        "nodes": len(tree),
        "leaves": len(leaves),
        "holes": int(tree.betti[:, 1].max()),
        "masses": [round(float(mass), 4) for mass in tree.mass[leaves]],
    }
    document = {
        "model": arguments.model,
        "data_dim": model.data_dim,
        "latent_dim": model.latent_dim,
        "pad": model.pad,
        "config": model.config.to_json(),
        "metrics": model.metrics,
        "tree": summary,
        "input_tree": None if check is None else {"agrees": check.agrees, "sentence": check.sentence},
    }
    metrics = model.metrics
    say(f"{arguments.model}: trained on {model.name or 'unknown data'}")
    say(f"  {model.data_dim} data dimensions + {model.pad} pads -> {model.latent_dim} latent dimensions")
    if "nll" in metrics:
        say(f"  held-out NLL {metrics['nll']:.3f} nats{_entropy(metrics)}")
    if "volume_defect" in metrics:
        say(f"  volume defect {metrics['volume_defect']:.1e}")
    say(f"  tree of {summary['nodes']} nodes, {summary['leaves']} of them leaves")
    if check is not None:
        say(f"  {check.sentence}")
    _say_verdict(metrics)
    return document


def encode(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write latents, noise and log-density of a data set; where the model was made by `align`, of activations."""
    model, preparation = open_model(arguments.model), open_preparation(arguments.model)
    points = core.load_dataset(arguments.data, key=arguments.key).points
    points = points if preparation is None else preparation(points)
    latent, noise = model.encode(points, seed=arguments.seed)
    write_arrays(arguments.out, latent=latent, noise=noise, log_density=model.log_density(points))
    say(f"{arguments.out}: {len(latent)} points in {model.latent_dim} latent dimensions.")
    return {"out": str(arguments.out), "n": len(latent), "latent_dim": model.latent_dim}


def decode(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the points that latents stand for; where the model was made by `align`, activations."""
    model, preparation = open_model(arguments.model), open_preparation(arguments.model)
    latent = named_array(arguments.file, "latent")
    points = model.decode(latent, seed=arguments.seed if arguments.sample_noise else None)
    points = points if preparation is None else preparation.inverse(points)
    write_arrays(arguments.out, points=points)
    say(f"{arguments.out}: {len(points)} points in {points.shape[1]} dimensions.")
    return {"out": str(arguments.out), "n": len(points), "data_dim": points.shape[1]}


def _config(arguments: argparse.Namespace) -> "core.FlowAutoencoderConfig":
    """The configuration file, with the flags given on top."""
    from core.files import read_json

    document = {} if arguments.config is None else read_json(arguments.config)
    if not isinstance(document, dict):
        raise invalid("config", "a JSON object", type(document).__name__, 'write {"latent_dim": 2}')
    flags = {name: getattr(arguments, name) for name in _FLAGS}
    return core.FlowAutoencoderConfig.from_json(
        document | {name: value for name, value in flags.items() if value is not None}
    )


def _say_verdict(metrics: dict[str, Any]) -> None:
    """How the model's sizes were chosen, and last whether it converged."""
    for choice in choices(metrics):
        say(choice.line)
    say(verdict(metrics).line)


def _entropy(metrics: dict[str, Any]) -> str:
    return "" if metrics.get("entropy") is None else f" (the data's entropy is {metrics['entropy']:.3f})"
