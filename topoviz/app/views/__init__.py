"""What the panels' layouts share: markup, controls, frames, ids."""
