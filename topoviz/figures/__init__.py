"""The views: plotly figures as pure functions of an analysis, a session and a theme's name, and what the page draws
itself."""
