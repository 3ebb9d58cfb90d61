"""What runs in the browser: functions of `assets`, bound to the page's components."""

from dash import ClientsideFunction, Dash, Input, Output, State

from topoviz.app import ids

__all__ = ["register"]


def register(app: Dash) -> None:
    """Bind the browser's functions on `app`."""

    def bind(name: str, *wires: Output | Input | State, at_once: bool = False) -> None:
        app.clientside_callback(ClientsideFunction("topoviz", name), *wires, prevent_initial_call=not at_once)

    arrived = ClientsideFunction("overlay", "arrived")
    app.clientside_callback(
        arrived,
        Output(ids.PICKED, "data", allow_duplicate=True),
        Input(ids.LIVE, "data"),
        prevent_initial_call=True,
    )
    bind("theme", Output(ids.PROVIDER, "forceColorScheme"), Input(ids.THEME, "data"), at_once=True)
    bind(
        "pick",
        Output(ids.PICKED, "data"),
        Input(ids.EXAMPLE, "value"),
        Input(ids.A, "value"),
        Input(ids.B, "value"),
    )
    bind("family", Output(ids.PICKED, "data", allow_duplicate=True), Input(ids.FAMILY, "value"))
    bind("method", Output(ids.PICKED, "data", allow_duplicate=True), Input(ids.METHOD, "value"))
    bind("picture", Output(ids.PICKED, "data", allow_duplicate=True), Input(ids.PICTURE, "data"))
    taken = ClientsideFunction("topovizPoints", "taken")
    app.clientside_callback(
        taken, Output(ids.PICKED, "data", allow_duplicate=True), Input(ids.CLOUDS, "data"), prevent_initial_call=True
    )
    bind(
        "light",
        Output(ids.SURFACE["a"], "figure", allow_duplicate=True),
        Output(ids.SURFACE["b"], "figure", allow_duplicate=True),
        Input(ids.LIT, "data"),
        State(ids.SURFACE["a"], "figure"),
        State(ids.SURFACE["b"], "figure"),
    )
