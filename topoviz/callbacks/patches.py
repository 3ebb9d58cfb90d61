"""Figures as patches of graphs that are there already: a new figure would lose the person's camera and zoom."""

import plotly.graph_objects as go
from dash import Patch

__all__ = ["patched"]

_FRESH = ("xaxis", "yaxis", "scene", "dragmode", "hovermode", "uirevision", "font")


def patched(figure: go.Figure, fresh: bool = False, ground: bool = False) -> Patch:
    """A patch with a figure's traces and marks; its view only where it is `fresh`, its fonts for a new `ground`."""
    whole = figure.to_dict()
    layout = whole["layout"]
    patch = Patch()
    patch["data"] = whole["data"]
    keys = ("meta", "annotations", "shapes", *(_FRESH if fresh else ("font",) if ground else ()))
    for key in keys:
        if key in layout:
            patch["layout"][key] = layout[key]
    return patch
