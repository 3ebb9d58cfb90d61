"""Train an island set with the defaults, as a whole process, and weigh the model against the known entropy.

    python tests/benchmarks/training.py [NAME] [SEED]

The excess is measured on 100,000 fresh points, paired with the planted density: mean of log p - log p_model, in nats.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import core
from core.worlds.tangled import WORLDS

name, seed = [*sys.argv[1:], *("islands-a", "0")[len(sys.argv) - 1 :]]
with tempfile.TemporaryDirectory() as folder:
    out = Path(folder) / "model"
    began = time.monotonic()
    command = [sys.executable, "-m", "topoviz", "train", name, "--seed", seed, "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.monotonic() - began
    model = core.load_model(out)
world = WORLDS[name]
fresh = core.load_dataset(name, seed=10_000 + int(seed), n=100_000)
ours = model.log_density(fresh.points)
gain = world.log_density(fresh.points.astype(np.float64)) - ours
tree = core.level_set_tree(model)
print(
    f"{name} seed {seed}: {seconds:.1f} s, excess {gain.mean():.4f} +- {gain.std() / np.sqrt(len(gain)):.4f} nats, "
    f"NLL {-ours.mean():.4f} (entropy {world.entropy:.4f}), {len(tree.leaves)} leaves of {world.topology.leaves}, "
    f"volume defect {model.metrics['volume_defect']:.1e}"
)
