"""A graph in its frame: a title, the buttons that save it, the graph."""

from typing import Any

from dash import dcc, html

from topoviz.app.views.markup import aria, data
from topoviz.figures.style import bare

__all__ = ["graph_frame", "savers"]


def graph_frame(graph: str, title: Any, label: str, extra: Any = None, under: Any = None) -> html.Div:
    """A graph under a line with its title, `extra` beside that and `under` below it."""
    return html.Div(
        className=f"panel panel-{graph}",
        children=[
            html.Div(
                className="panel-head",
                children=[
                    html.H2(title),
                    extra,
                    *savers(graph, label),
                ],
            ),
            under,
            html.Div(
                className="graph-frame",
                role="img",
                **aria(label=label),
                children=dcc.Graph(
                    id=graph,
                    className="graph",
                    figure=bare("light", xaxis={"visible": False}, yaxis={"visible": False}),
                    responsive=True,
                    config={"displayModeBar": False, "doubleClick": False, "scrollZoom": True},
                ),
            ),
        ],
    )


def savers(graph: str, label: str) -> list[html.Button]:
    """The buttons that save a view as a picture."""
    return [
        html.Button(
            name, className="quiet", **data(save=graph, format=name.lower()), **aria(label=f"Save as {name}: {label}")
        )
        for name in ("SVG", "PNG")
    ]
