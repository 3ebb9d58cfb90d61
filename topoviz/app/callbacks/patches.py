"""From one figure to the next by what differs: a whole new figure would lose the person's camera and zoom."""

from typing import Any

from dash import Patch, no_update

from topoviz.figures.style import Spec

__all__ = ["difference"]


def difference(old: Spec | None, new: Spec) -> Any:
    """What to hand a graph that shows `old` so that it shows `new`: a patch, no update, or with no `old` all of it."""
    if old is None:
        return new
    patch, changed = Patch(), False
    if [trace["type"] for trace in old["data"]] != [trace["type"] for trace in new["data"]]:
        patch["data"] = new["data"]
        changed = True
    else:
        for at, (before, after) in enumerate(zip(old["data"], new["data"], strict=True)):
            for key in _changed_keys(before, after):
                patch["data"][at][key] = after.get(key)
                changed = True
    for key in _changed_keys(old["layout"], new["layout"]):
        patch["layout"][key] = new["layout"].get(key)
        changed = True
    return patch if changed else no_update


def _changed_keys(old: Spec, new: Spec) -> list[str]:
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]
