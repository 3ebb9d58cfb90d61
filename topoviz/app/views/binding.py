"""Clientside callbacks: functions of the scripts in `assets`, bound to components."""

from dash import ClientsideFunction, Dash, Input, Output, State

from topoviz.app.views import ids

__all__ = ["bind", "bind_event"]


def bind(app: Dash, space: str, name: str, *wires: Output | Input | State, at_once: bool = False) -> None:
    """Bind the browser's function `space.name`; with `at_once` it is also called when the page opens."""
    app.clientside_callback(ClientsideFunction(space, name), *wires, prevent_initial_call=not at_once)


def bind_event(app: Dash, space: str, name: str, *inputs: Input) -> None:
    """Bind a function of the browser that turns inputs into an event and sets no component."""
    bind(app, space, name, Output(ids.PICKED, "data", allow_duplicate=True), *inputs)
