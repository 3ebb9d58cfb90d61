"""Git Re-Basin on the 8x8 digits: are two networks of one architecture merged halfway after their units are matched?

    python tests/benchmarks/rebasin.py [--width 512] [--hidden 2] [--epochs 100] [--optimizer adam] [--rate 0.001]
        [--decay 0] [--seeds 3] [--json FILE]

Two multilayer perceptrons learn from disjoint halves of the training part, or from all of it with other seeds. Accuracy
is on a held-out quarter that neither training nor matching sees. The drop is the mean of the ends less the accuracy
halfway, in points; the last figure is the barrier of the loss.
"""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.functional import cross_entropy

from core.baselines.rebasin import along, apply, weight_matching

OPTIMIZERS = {
    "adam": lambda parameters, rate, decay: torch.optim.AdamW(parameters, rate, weight_decay=decay),
    "sgd": lambda parameters, rate, decay: torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay),
}


def trained(x: np.ndarray, y: np.ndarray, seed: int, options: argparse.Namespace) -> nn.Sequential:
    """A perceptron that learned to tell the digits `y` (n,) of images `x` (n, 64), its rate going down to zero."""
    torch.manual_seed(seed)
    widths = [x.shape[1], *[options.width] * options.hidden, 10]
    layers = [[nn.Linear(a, b), nn.ReLU()] for a, b in itertools.pairwise(widths)]
    network = nn.Sequential(*itertools.chain(*layers))[:-1]
    optimizer = OPTIMIZERS[options.optimizer](network.parameters(), options.rate, options.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    images, digits = torch.as_tensor(x), torch.as_tensor(y)
    for _ in range(options.epochs):
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            cross_entropy(network(images[rows]), digits[rows]).backward()
            optimizer.step()
        schedule.step()
    return network.eval()


def figures(kind: str, seed: int, options: argparse.Namespace) -> dict:
    """Accuracies and losses on the way from one network to the other, as they are and matched."""
    digits = load_digits()
    x = (digits.data / 16).astype(np.float32)
    x, held, y, truth = train_test_split(x, digits.target, test_size=0.25, random_state=seed, stratify=digits.target)
    whole = np.arange(len(x))
    halves = np.array_split(np.random.default_rng(seed).permutation(whole), 2) if kind == "halves" else (whole, whole)
    a, b = (trained(x[rows], y[rows], 2 * seed + side, options) for side, rows in enumerate(halves))
    found = weight_matching(a, b, seed)
    record = {"kind": kind, "seed": seed, "rounds": found.rounds}
    for name, other in (("as they are", b), ("matched", apply(found, b))):
        way = along(a, other, held, truth)
        record[name] = {
            "accuracies": [round(100 * value, 1) for value in way.accuracies.tolist()],
            "drop": round(100 * way.drop, 2),
            "barrier": round(way.barrier, 4),
        }
    return record


def main() -> None:
    """A line for each pair of networks, then the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--hidden", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--decay", type=float, default=0.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(", ".join(f"{key} {value}" for key, value in vars(options).items() if key != "json"))
    records = [figures(kind, seed, options) for kind in ("halves", "seeds") for seed in range(options.seeds)]
    for record in records:
        for name in ("as they are", "matched"):
            row, what = record[name], f"{record['kind']} {record['seed']} {name:<11}"
            way = " ".join(f"{value:5.1f}" for value in row["accuracies"])
            print(f"{what} {way}  drop {row['drop']:5.2f}  {row['barrier']:.3f} nats")
    for kind, name in itertools.product(("halves", "seeds"), ("as they are", "matched")):
        drops = [record[name]["drop"] for record in records if record["kind"] == kind]
        print(f"{kind}, {name}: drop {np.mean(drops):.2f} points on average, {max(drops):.2f} at most")
    if options.json:
        options.json.write_text(json.dumps({"options": vars(options) | {"json": None}, "records": records}))


if __name__ == "__main__":
    main()
