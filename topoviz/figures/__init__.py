"""The views as plotly figures: pure functions of an analysis, a session and a theme's name."""
