"""Every component id, in one place; the scripts in `assets` use the same words."""

__all__ = [
    "CARRY",
    "COMPLETE",
    "DOWNLOAD",
    "DRAWN",
    "EVENT",
    "EXAMPLE",
    "EXPORTS",
    "FAMILIES",
    "FAMILY",
    "GRAPHS",
    "HISTORY",
    "LATENT",
    "LEVEL",
    "LIT",
    "LIVE",
    "LOCATION",
    "MATCHES",
    "METHOD",
    "MORPH",
    "NOTICE",
    "PICKED",
    "PICTURE",
    "POINTS",
    "PROVIDER",
    "REDO",
    "REQUEST",
    "SCENE",
    "SCORE",
    "SENTENCE",
    "SIMPLIFY",
    "STUDIES",
    "SURFACE",
    "THEME",
    "TITLE",
    "TRANSFORM",
    "TREES",
    "TRUST",
    "UNDO",
    "VERDICT",
    "A",
    "B",
]  # fmt: skip

LOCATION = "location"
PROVIDER = "provider"
HISTORY = "history"
EVENT = "event"
SCENE = "scene"
DRAWN = "drawn"
THEME = "theme"
REQUEST = "request"
LIT = "lit"
PICKED = "picked"
PICTURE = "picture"
LIVE = "live"
CARRY = "carry"
SCORE = "score"
POINTS = {"a": "points-a", "b": "points-b"}
DOWNLOAD = "download"

EXAMPLE = "example"
A = "model-a"
B = "model-b"
LEVEL = "level"
SIMPLIFY = "simplify"
COMPLETE = "complete"
FAMILY = "family"
MORPH = "morph"
UNDO = "undo"
REDO = "redo"
EXPORTS = "exports"
SENTENCE = "sentence"
NOTICE = "notice"
TRUST = "trust"
TRANSFORM = "transform"
MATCHES = "matches"
METHOD = "method"
STUDIES = "studies"

TREES = "trees"
SURFACE = {"a": "surface-a", "b": "surface-b"}
LATENT = {"a": "latent-a", "b": "latent-b"}
TITLE = {"a": "title-a", "b": "title-b"}
FAMILIES = {"a": "families-a", "b": "families-b"}
VERDICT = {"a": "verdict-a", "b": "verdict-b"}
GRAPHS = (TREES, *LATENT.values(), *SURFACE.values())
