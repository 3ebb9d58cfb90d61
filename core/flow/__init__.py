"""Volume-preserving maps: modules with `forward`, an `inverse`, |det J| = 1, and `tighten`, which sees to that."""

from core.flow.coupling import CouplingFlow
from core.flow.jacobian import jacobians
from core.flow.ridge import RidgeFlow

__all__ = ["FLOWS", "CouplingFlow", "RidgeFlow", "jacobians"]

FLOWS = {"coupling": CouplingFlow, "cnf": RidgeFlow}
