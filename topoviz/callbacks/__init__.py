"""The dataflow.

    control, click, key --(assets)--> event --> session callback --> history (the session, its past and future)
                                                      |--> trees (facts), latents (patches), details, controls
                                                      |--> carry callback --> overlay, score, table of matches
                                                      `--> scene --> surface callback --> 3-D views (patches)
    brush, travel --> points callback --> a side's points, kept by the browser
    export request --> export callback --> download;   training dialog --> jobs
    history, open tab --(assets)--> curation callback --> suggestions, comparison;   the log stays in the browser
    dropped file --(assets, in pieces)--> uploads --> training dialog;   jobs --> list, badge, notice, pickers
    study dialog --> chart, table, card; a trial that is opened there is an event like any other

One callback writes the session. Figures that exist are patched, never replaced: a new figure would lose the person's
camera.
"""
