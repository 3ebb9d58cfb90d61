"""Volume-preserving maps: modules with `forward` and an exact `inverse`, and |det J| = 1."""

from core.flow.coupling import CouplingFlow

__all__ = ["CouplingFlow"]
