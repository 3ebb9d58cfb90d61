"""What the examples from networks share: small auto-encoders, and sides of a pair with what a person sees of them."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

import core
from core.activations.prepare import prepared_pair
from core.files import write_json
from topoviz import resource

__all__ = ["Pair", "Side", "Training", "autoencoder", "bottleneck", "make"]

_BATCH = 128


@dataclass(frozen=True)
class Training:
    """How an auto-encoder learns: `steps` of Adam, and the deviation of the `noise` put on its bottleneck, in units of
    the bottleneck's own, so that what lies close there looks alike too."""

    steps: int = 2500
    learning_rate: float = 2e-3
    noise: float = 0.1


@dataclass(frozen=True, eq=False)
class Side:
    """One network's activations (n, d), and for every row what a person may see of it.

    `labels` (n,) number the classes among `names`, -1 for none. `kind` says what `examples` are: pictures (n, h, w)
    uint8 for 'image', texts for 'text'. `truth` (n, j) are coordinates known of the rows, where there are any. Nothing
    but `points` is learned from.
    """

    name: str
    title: str
    points: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    column: str
    kind: str
    examples: Any
    config: core.FlowAutoencoderConfig = field(default_factory=core.FlowAutoencoderConfig)
    truth: np.ndarray | None = None

    def dataset(self) -> core.Dataset:
        """The points as `core.train` takes them."""
        return core.Dataset(
            self.name,
            np.ascontiguousarray(self.points, np.float32),
            self.labels.astype(np.int64),
            None if self.truth is None else self.truth.astype(np.float32),
        )

    def train(self, seed: int) -> core.FlowAutoencoder:
        """The model of these activations."""
        *_, last = core.train(self.dataset(), self.config, seed)
        last.model.metrics["title"] = self.title
        return last.model

    def write(self, folder: Path, seed: int) -> core.FlowAutoencoder:
        """Train the model and write its folder, labels and examples beside it."""
        model = self.train(seed)
        core.save_model(model, folder / self.name)
        self.write_beside(folder / self.name)
        return model

    def write_beside(self, folder: Path) -> None:
        """Write labels.json and the examples of the rows that the model in `folder` keeps."""
        rows = kept_rows(folder, self.points)
        write_json(
            {"column": self.column, "names": list(self.names), "values": self.labels[rows].tolist()},
            folder / "labels.json",
        )
        if self.kind == "image":
            save_file({"images": np.ascontiguousarray(self.examples[rows])}, folder / "examples.safetensors")
            (folder / "examples.safetensors").chmod(0o644)
            write_json({"schema": 1, "kind": "image", "count": len(rows)}, folder / "examples.json")
        elif self.kind == "text":
            texts = [self.examples[row] for row in rows.tolist()]
            write_json({"schema": 1, "kind": "text", "texts": texts}, folder / "examples.json")


@dataclass(frozen=True, eq=False)
class Pair:
    """Two sides, and both networks' activations (m, d) at the same inputs: to judge by, never learned from."""

    name: str
    a: Side
    b: Side
    same: tuple[np.ndarray, np.ndarray]

    def prepared(self) -> "Pair":
        """The pair on the principal axes and in the latent dimension that `core.TopologyAligner` would choose."""
        ways = prepared_pair((self.a.points, self.b.points))
        a, b = (
            replace(side, points=way(side.points), config=replace(side.config, latent_dim=way.latent_dim))
            for side, way in zip((self.a, self.b), ways, strict=True)
        )
        return replace(self, a=a, b=b, same=(ways[0](self.same[0]), ways[1](self.same[1])))

    def write_same(self, folder: Path) -> None:
        """Write the activations at the same inputs, as `topoviz compare --pairs` takes them."""
        a, b = (np.ascontiguousarray(part, np.float32) for part in self.same)
        np.savez_compressed(folder / f"{self.name}-pairs.npz", a=a, b=b)


def kept_rows(folder: Path, points: np.ndarray) -> np.ndarray:
    """(m,): the rows of `points` (n, d) that the model in `folder` keeps, found by their bytes."""
    kept = core.load_model(folder).sample
    assert kept is not None
    place = {row.tobytes(): at for at, row in enumerate(np.ascontiguousarray(points, np.float32))}
    return np.array([place[row.tobytes()] for row in np.ascontiguousarray(kept.points, np.float32)])


def autoencoder(
    inputs: np.ndarray,
    build: Callable[[int], tuple[torch.nn.Module, torch.nn.Module]],
    seed: int,
    training: Training | None = None,
) -> torch.nn.Module:
    """The encoder of an auto-encoder trained on `inputs` (n, ...) by squared error; `build` makes, from nothing but the
    generator's state, its encoder and decoder."""
    training = training or Training()
    torch.manual_seed(seed)
    encoder, decoder = build(seed)
    data = torch.as_tensor(inputs, dtype=torch.float32)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], training.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, training.steps)
    for _ in range(training.steps):
        batch = data[torch.randint(len(data), (_BATCH,))]
        code = encoder(batch)
        spread = code.std(0, keepdim=True).detach()
        loss = ((decoder(code + training.noise * spread * torch.randn_like(code)) - batch) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return encoder.eval()


@torch.no_grad()
def bottleneck(encoder: torch.nn.Module, inputs: np.ndarray) -> np.ndarray:
    """The encoder's activations (n, d) float32 at `inputs`."""
    return encoder(torch.as_tensor(inputs, dtype=torch.float32)).numpy()


def make(pair: Callable[[int], Pair], description: str) -> None:
    """Write the models of a pair, and what judges it, into the shipped sample data or the folder given."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, default=resource("sample_data"), help="holds models/ and sets/")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    made = pair(arguments.seed)
    for part in ("models", "sets"):
        (arguments.out / part).mkdir(parents=True, exist_ok=True)
    made.write_same(arguments.out / "sets")
    for side in (made.a, made.b):
        metrics = side.write(arguments.out / "models", arguments.seed).metrics
        print(f"{side.name}: held-out NLL {metrics['nll']:.3f} nats, {metrics['seconds']:.0f} s", flush=True)
