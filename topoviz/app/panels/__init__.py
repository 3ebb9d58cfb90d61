"""The table of panels. Each row is one module of this folder with its browser half, a script of `assets`.

The page, its tabs, the list of keys and the server read this table. A module has the panel's layout, the ids of its
components, its callbacks and its addresses; a larger panel is a folder. The parts in one place of the page, and the
keys in their list, stand in the order of the rows.
"""

from functools import partial

from topoviz.app.panels import (
    composer,
    controls,
    curation,
    details,
    export,
    latent,
    meaning,
    points,
    story,
    study,
    surface,
    training,
    trees,
)
from topoviz.app.panels.panel import Context, Panel, Place

__all__ = ["PANELS", "Context", "Panel", "Place"]

_POINTS = {Place.CENTER: points.layout, Place.DIALOGS: points.stores}
_SURFACES = {
    Place.COLUMN_A: partial(surface.layout, side="a"),
    Place.COLUMN_B: partial(surface.layout, side="b"),
    Place.DIALOGS: surface.stores,
}
_LATENTS = {
    Place.COLUMN_A: partial(latent.layout, side="a"),
    Place.COLUMN_B: partial(latent.layout, side="b"),
    Place.DIALOGS: latent.stores,
}
_CURATION = {Place.TABS: curation.suggested, Place.DIALOGS: curation.stores}

PANELS = (
    # name, title, keys, layout in each place, callbacks
    Panel("story", "Story", (), {Place.HEADER: story.button, Place.CENTER: story.layout}),
    Panel("trees", "Level-set trees", trees.KEYS, {Place.CENTER: trees.layout}),
    Panel("points", "Points", points.KEYS, _POINTS, points.register),
    Panel("surface", "Input densities", (), _SURFACES, surface.register),
    Panel("latent", "Latent densities", (), _LATENTS, latent.register),
    Panel("trust", "Trust", details.TRUST_KEYS, {Place.DETAILS: details.trust}, details.register_trust),
    Panel("controls", "Controls", controls.KEYS, {Place.HEADER: controls.layout}, controls.register),
    Panel("transform", "Transform A → B", (), {Place.DETAILS: details.transform}, details.register_transform),
    Panel("matches", "Matches", details.MATCHES_KEYS, {Place.TABS: details.matches}),
    Panel("meaning", "Meaning", meaning.KEYS, {Place.TABS: meaning.layout}, meaning.register),
    Panel("suggestions", "Suggestions", curation.KEYS, _CURATION, curation.register),
    Panel("log", "Log", (), {Place.TABS: curation.log}),
    Panel("comparison", "Compare", (), {Place.TABS: curation.compared}),
    Panel("study", "Studies", study.KEYS, {Place.HEADER: study.button, Place.DIALOGS: study.dialog}, study.register),
    Panel("export", "Save", (), {Place.HEADER: export.menu, Place.DIALOGS: export.stores}, export.register),
    Panel("training", "Train", (), {Place.HEADER: training.buttons, Place.DIALOGS: training.layout}, training.register),
    Panel("composer", "Compose a figure", (), {Place.DIALOGS: composer.dialog}, composer.register),
)
