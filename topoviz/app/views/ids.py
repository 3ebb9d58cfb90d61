"""The component ids that every panel may use; those of a panel's own parts are in its module. The scripts in `assets`
use the same words."""

__all__ = ["HISTORY", "NOTICE", "PICKED", "PROVIDER", "SHOWN", "THEME"]

# The session with its past and future, as the server last answered.
HISTORY = "history"
# What the page shows of it now.
SHOWN = "shown"
# The output of clientside callbacks that send an event and change no component; Dash wants one.
PICKED = "picked"
PROVIDER = "provider"
THEME = "theme"
NOTICE = "notice"
