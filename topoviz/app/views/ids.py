"""The component ids that every panel may use; those of a panel's own parts are in its module. The scripts in `assets`
use the same words."""

__all__ = ["HISTORY", "JUDGED", "NOTICE", "PICKED", "PROVIDER", "SHOWN", "THEME", "TO_JUDGE"]

# The session with its past and future, as the server last answered.
HISTORY = "history"
# What the page shows of it now.
SHOWN = "shown"
# What a verdict is asked for, and the verdict with its session.
TO_JUDGE, JUDGED = "to-judge", "judged"
# The output of clientside callbacks that send an event and change no component; Dash wants one.
PICKED = "picked"
PROVIDER = "provider"
THEME = "theme"
NOTICE = "notice"
