"""The geometry of all drawings: trees, densities, points and surfaces as plain numbers, for any backend.

Plotly draws it on the page and in files, matplotlib in the composed figure, and the browser from the facts it receives.
"""
