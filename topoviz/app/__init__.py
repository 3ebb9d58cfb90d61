"""The dataflow.

    control, click, key --(assets)--> event --> /edit --> trees (facts), history (the session, its past and future)
    history --> show callback --> latents (patches), overlay, score, table of matches, details, controls
                     `--> scene --> surface callback --> 3-D views (patches)
    brush, travel --> points callback --> a side's points, kept by the browser
    export request --> export callback --> download;   training dialog --> jobs
    history, open tab --(assets)--> curation callback --> suggestions, comparison;   the log stays in the browser
    dropped file --(assets, in pieces)--> uploads --> training dialog;   jobs --> list, badge, notice, pickers
    study dialog --> chart, table, card; a trial that is opened there is an event like any other

/edit alone writes the session, and is no callback: what it answers is drawn before Dash has gone through the page.
Figures that exist are patched, never replaced: a new figure would lose the person's camera.
"""

from topoviz.app.server import create_app

__all__ = ["create_app"]
