"""The settings of the app: where it listens, where models are, what it allows. They never change while it runs."""

import ipaddress
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError, invalid
from topoviz.session.state import Session

__all__ = ["DEFAULT_PORT", "Settings", "user_models"]

DEFAULT_PORT = 8050


def user_models() -> Path:
    """The default folder for models trained in the app."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "topoviz" / "models"


@dataclass(frozen=True)
class Settings:
    """How the app runs.

    `models` is the folder of the user's own models, where trained ones go too; `session` is what a first visit opens
    (None: the first example). `embed` lets other pages frame the app, as notebooks do. `token` is required at a
    foreign address, and is drawn at random where none is given. `max_upload` is in bytes. Raises `InputError` on a
    port out of range, and on a foreign address without `allow_remote`.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    models: Path = field(default_factory=user_models)
    session: Session | None = None
    open_browser: bool = True
    allow_remote: bool = False
    allowed_hosts: tuple[str, ...] = ()
    token: str | None = None
    embed: bool = False
    max_upload: int = 200 * 2**20

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise invalid("port", "from 0 to 65535", self.port, "choose a free port above 1023")
        if self.is_local:
            return
        if not self.allow_remote:
            raise InputError(
                f"`host` {self.host} can be reached from other machines; add --allow-remote if that is meant."
            )
        if not self.token:
            object.__setattr__(self, "token", secrets.token_urlsafe(24))

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the app."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False
