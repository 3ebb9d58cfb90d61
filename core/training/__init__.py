"""Training: a generator of progress, warm starts, the choice of dimensions, and whether it converged."""

from core.training.progress import Progress
from core.training.run import train

__all__ = ["Progress", "train"]
