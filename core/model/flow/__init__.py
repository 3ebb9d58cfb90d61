"""Volume-preserving maps: modules with `forward`, an `inverse`, |det J| = 1, and `tighten`, which sees to that."""

from core.model.flow.coupling import CouplingFlow
from core.model.flow.jacobian import jacobians
from core.model.flow.ridge import RidgeFlow

__all__ = ["FLOWS", "CouplingFlow", "RidgeFlow", "jacobians"]

FLOWS = {"coupling": CouplingFlow, "cnf": RidgeFlow}
