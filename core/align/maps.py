"""Maps from one latent space to another: immutable, composable, invertible."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import invalid

__all__ = ["AffineMap", "LatentMap", "TreeMap"]
