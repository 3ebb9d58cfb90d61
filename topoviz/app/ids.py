"""Every component id, in one place; the scripts in `assets` use the same words."""

__all__ = [
    "CLOUDS",
    "CLOUDS_WANTED",
    "COMPARED",
    "COMPARISON",
    "COMPLETE",
    "COMPOSED",
    "COMPOSER",
    "COMPOSER_PRESET",
    "COMPOSER_PREVIEW",
    "COMPOSER_STATUS",
    "COMPOSER_VIEW",
    "CURATED",
    "DOWNLOAD",
    "DRAWN",
    "EXAMPLE",
    "EXPORTS",
    "FAMILIES",
    "FAMILY",
    "GRAPHS",
    "HISTORY",
    "JUDGED",
    "LATENT",
    "LEVEL",
    "LIT",
    "LIVE",
    "LOG",
    "MATCHES",
    "MEANING",
    "METHOD",
    "MORPH",
    "NOTICE",
    "OTHER",
    "PICKED",
    "PICTURE",
    "POINTS",
    "PROVIDER",
    "REDO",
    "REQUEST",
    "SCENE",
    "SCORE",
    "SENTENCE",
    "SHOWN",
    "SIMPLIFY",
    "STUDIES",
    "SUGGESTIONS",
    "SURFACE",
    "TAB",
    "THEME",
    "TITLE",
    "TO_JUDGE",
    "TRANSFORM",
    "TREES",
    "TRUST",
    "UNDO",
    "VERDICT",
    "A",
    "B",
    "composer",
]  # fmt: skip

PROVIDER = "provider"
HISTORY = "history"
SHOWN = "shown"
TO_JUDGE = "to-judge"
JUDGED = "judged"
SCENE = "scene"
DRAWN = "drawn"
THEME = "theme"
REQUEST = "request"
LIT = "lit"
PICKED = "picked"
CLOUDS = "clouds"
CLOUDS_WANTED = "clouds-wanted"
PICTURE = "picture"
LIVE = "live"
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
MEANING = "meaning"
METHOD = "method"
STUDIES = "studies"
SUGGESTIONS = "suggestions"
LOG = "log"
COMPARISON = "comparison"
COMPARED = "compared"
TAB = "curation-tab"
OTHER = "curation-other"
CURATED = "curated"

TREES = "trees"
SURFACE = {"a": "surface-a", "b": "surface-b"}
LATENT = {"a": "latent-a", "b": "latent-b"}
TITLE = {"a": "title-a", "b": "title-b"}
FAMILIES = {"a": "families-a", "b": "families-b"}
VERDICT = {"a": "verdict-a", "b": "verdict-b"}
GRAPHS = (*LATENT.values(), *SURFACE.values())

COMPOSER = "composer"
COMPOSER_PRESET = "composer-preset"
COMPOSER_PREVIEW = "composer-preview"
COMPOSER_STATUS = "composer-status"
COMPOSER_VIEW = "composer-view"
COMPOSED = "composed"


def composer(field: str) -> str:
    """The id of a field of the composer's form."""
    return f"composer-{field}"
