"""The dataflow.

    control, click, key --(assets)--> event --> session callback --> history (the session, its past and future)
                                                      |--> trees, latents, details, controls      (patches)
                                                      |--> carry callback --> overlay, score, table of matches
                                                      `--> scene --> surface callback --> 3-D views (patches)
    export request --> export callback --> download;   training dialog --> jobs
    study dialog --> chart, table, card; a trial that is opened there is an event like any other

One callback writes the session. Figures that exist are patched, never replaced: a new figure would lose the person's
camera.
"""
