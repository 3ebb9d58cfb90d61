"""The page: its server, its callbacks and its views."""

from topoviz.app.server import create_app

__all__ = ["create_app"]
