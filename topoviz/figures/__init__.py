"""The views: plotly figures as pure functions of an analysis, a session and the name of a theme, and the facts from
which the page draws its own."""
