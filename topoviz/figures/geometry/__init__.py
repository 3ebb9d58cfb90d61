"""The geometry of what is drawn: trees, densities, points and surfaces as plain numbers, for any backend to draw.

Plotly draws it on the page and in files, matplotlib in the composed figure, the browser from the facts that it is sent.
"""
