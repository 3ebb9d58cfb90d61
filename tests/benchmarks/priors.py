"""Do the priors find the planted tree? Short trainings of twelve sets with every prior, and what a choice among them by
critic, likelihood or stability would have found.

    python tests/benchmarks/priors.py FILE [--priors gaussian mixture ...] [--sets NAME ...] [--seeds 0 1 2] [--jobs 2]
    python tests/benchmarks/priors.py FILE --components 12 24 48 96
    python tests/benchmarks/priors.py FILE --families [--seeds 0 1 2 3 4 5 6 7 8 9]
    python tests/benchmarks/priors.py FILE --read [--figures FOLDER]

Every training becomes a JSON line of FILE as it ends; those that are there are not run again, and with --read none is.
"gaussian" is a mixture of one component, the control that does constrain the topology. A seed draws the points and the
network. "excess" is the negative log-likelihood above the entropy on 20,000 fresh points, in nats; the critic, and the
likelihood that a choice goes by, see 2,000 others. What is whole, missed, spurious and the distance say
`core.worlds.truth.TreeError`; "used" counts the components with weight above 0.001.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import priors_statistics as statistics
import torch

import core
from core.data import Dataset
from core.worlds import planted
from core.worlds.truth import tree_error

SETS = (
    "islands-a", "islands-5d", "islands-laplace", "nested", "01-nested-5", "ringed", "06-ring-6", "two-moons",
    "crescent-ring", "island-in-ring", "eight-lobes", "trefoil",
)  # fmt: skip
PADS = {"trefoil": 2, "hopf-link": 2}
PRIORS = ("gaussian", "mixture", "superposition", "adversarial")
FAMILY_OF = {"ring": "ring", "eight": "eight", "line": "line", "islands-a": "blobs"}
"""The sets whose topology a superposition should name, and its name for it."""
FRESH, JUDGED = 20_000, 2_000


@dataclass(frozen=True)
class Run:
    """One training: the set, the prior and its components, and how long and on how many points."""

    set: str
    prior: str
    components: int
    seed: int
    steps: int
    batch: int
    points: int

    def config(self) -> core.FlowAutoencoderConfig:
        """Its configuration. Raises `InputError` for a prior that there is not."""
        return core.FlowAutoencoderConfig(
            pad=PADS.get(self.set, 0),
            prior="mixture" if self.prior == "gaussian" else self.prior,
            components=self.components,
            steps=self.steps,
            batch=self.batch,
        )


def measured(run: Run) -> dict[str, Any]:
    """Train, and weigh the model: a JSON object."""
    torch.set_num_threads(1)
    known = planted(run.set)
    dataset = known.sample(run.points, run.seed)
    *_, last = core.train(dataset, run.config(), run.seed)
    model, weights = last.model, getattr(last.model.prior, "weights", None)
    fresh, judged = known.sample(FRESH, 990), known.sample(JUDGED, 991)
    error, verdict = tree_error(model), last.model.metrics["verdict"]
    return {
        **asdict(run),
        **asdict(error),
        "excess": excess(model, fresh),
        "heldout": excess(model, judged),
        "critic": critic(model, dataset, judged),
        "support": verdict["tree_support"],
        "converged": verdict["converged"],
        "seconds": last.seconds,
        "used": None if weights is None else int((np.asarray(weights) > 1e-3).sum()),
        "families": model.metrics.get("families"),
    }


def excess(model: core.FlowAutoencoder, fresh: Dataset) -> float:
    """Nats that the mean negative log-likelihood lies above the planted density's, or where that is not known at points
    above the entropy."""
    density = planted(fresh.name).log_density
    best = -fresh.entropy if density is None else density(fresh.points.astype(np.float64))
    return float(np.mean(best - model.log_density(fresh.points)))


def critic(model: core.FlowAutoencoder, trained: Dataset, judged: Dataset) -> float | None:
    """The loss of a critic between latents and samples of the prior; None without the critic's module."""
    try:
        from core.search.critic import critic_loss
    except ImportError:
        return None
    return float(critic_loss(model.prior, model.encode(trained.points)[0], model.encode(judged.points)[0]))


def read(file: Path, runs: Iterable[Run]) -> dict[Run, dict[str, Any]]:
    """What is there of the runs; a line that was cut is left out."""
    found, names = {}, list(Run.__dataclass_fields__)
    for line in file.read_text().splitlines() if file.exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[Run(**{name: record[name] for name in names})] = record
    return {run: found[run] for run in runs if run in found}


def train_all(file: Path, runs: Sequence[Run], jobs: int) -> None:
    """Run what is not in the file yet, and append each result as it comes."""
    done = read(file, runs)
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(measured, run): run for run in runs if run not in done}
        for future in as_completed(waiting):
            run = waiting[future]
            if error := future.exception():
                print(f"{run.set} {run.prior} {run.seed}: {type(error).__name__}: {error}", flush=True)
                continue
            with file.open("a") as stream:
                # A line that an interruption cut must not swallow this one.
                whole = not stream.tell() or file.read_bytes().endswith(b"\n")
                stream.write(("" if whole else "\n") + json.dumps(future.result()) + "\n")
            print(statistics.line([future.result()]), flush=True)


def available(priors: Iterable[str]) -> list[str]:
    """Those that can be trained."""
    found = []
    for prior in priors:
        try:
            Run("islands-a", prior, 1, 0, 1, 64, 100).config()
            found.append(prior)
        except core.InputError as error:
            print(f"left out: {error}")
    return found


def main() -> None:
    """Train what is asked for and not there yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--priors", nargs="+", default=PRIORS, choices=PRIORS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--points", type=int, default=8000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--components", nargs="+", type=int, help="mixtures of so many components instead")
    parser.add_argument("--families", action="store_true", help="does a superposition name the topology, instead")
    parser.add_argument("--read", action="store_true", help="train nothing")
    parser.add_argument("--figures", type=Path)
    arguments = parser.parse_args()
    counts: dict[str, list[int]] = {prior: [40] for prior in PRIORS} | {"gaussian": [1]}
    sets, priors = arguments.sets, arguments.priors
    if arguments.components:
        priors, counts["mixture"] = ["mixture"], arguments.components
    if arguments.families:
        priors, sets = ["superposition"], list(FAMILY_OF)
    size = arguments.steps, arguments.batch, arguments.points
    priors = available(priors)
    runs = [
        Run(name, prior, count, seed, *size)
        for seed in arguments.seeds
        for name in sets
        for prior in priors
        for count in counts[prior]
    ]
    if not arguments.read:
        arguments.file.parent.mkdir(parents=True, exist_ok=True)
        train_all(arguments.file, runs, arguments.jobs)
    records = list(read(arguments.file, runs).values())
    if not records:
        parser.error(f"no result in {arguments.file}; leave out --read")
    by = "components" if arguments.components else "prior"
    print(statistics.table(records, by))
    if arguments.families:
        print(statistics.named(records, FAMILY_OF))
    else:
        print(statistics.by_components(records) if arguments.components else statistics.report(records))
    if arguments.figures:
        import priors_figures

        priors_figures.write(arguments.figures, records, "families" if arguments.families else by)


if __name__ == "__main__":
    main()
