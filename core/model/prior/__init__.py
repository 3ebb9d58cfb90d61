"""The priors of the latent density that a training can choose from: one row and one module each.

The rows are plain text, so that a configuration and a help text read them without torch; a row loads its module when a
prior of it is started. The first is the default.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.model.prior.learned import LearnedPrior

__all__ = ["PRIORS", "Prior"]


@dataclass(frozen=True)
class Prior:
    """A family of priors.

    `home` is "module:class" of its `LearnedPrior`. `says` tells a user what it is, `written` what a paper calls it;
    `source` is where it comes from. `shortest` says whether it has a start of shortest description, for latent spaces
    in which points are few.
    """

    home: str
    says: str
    written: str
    source: str
    shortest: bool = False

    @property
    def module(self) -> "type[LearnedPrior]":
        """The class that learns it, loaded now."""
        return resolve_name(self.home)

    def start(
        self, z: "np.ndarray", components: int, rng: "np.random.Generator", shortest: bool = False
    ) -> "LearnedPrior":
        """The prior at the beginning of a training, of at most `components` components, for latents `z` (n, k); with
        `shortest` the one that describes them shortest, where the family has it."""
        make: Callable[..., LearnedPrior] = self.module.shortest if shortest and self.shortest else self.module
        return make(z, components, rng)


PRIORS: dict[str, Prior] = {
    "mixture": Prior(
        "core.model.prior.mixture:MixtureModule",
        says="a big Gaussian mixture",
        written="a mixture of full-covariance Gaussians",
        source="Figueiredo and Jain 2002",
        shortest=True,
    ),
    "superposition": Prior(
        "core.model.prior.superposition:SuperpositionModule",
        says="a weighted sum of blobs, lines, rings, … whose weights say which topology the data chose",
        written="a superposition of families of different topology",
        source="Brand 1999",
    ),
    "adversarial": Prior(
        "core.model.prior.adversarial:AdversarialModule",
        says="a learned generator trained against a critic",
        written="a learned generator of closed-form density",
        source="Makhzani et al. 2015, arXiv 1511.05644",
    ),
}
