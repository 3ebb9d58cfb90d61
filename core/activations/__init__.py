"""Activations of a network: collected layer by layer from a person's own module, and examined unit by unit."""

from core.activations.collect import Collected, Collecting, collect
from core.activations.units import DuplicateUnits, UnitReport, examine_units

__all__ = ["Collected", "Collecting", "DuplicateUnits", "UnitReport", "collect", "examine_units"]
