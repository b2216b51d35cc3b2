"""Starts the user's real interpreter, passes signals on and returns its status."""

from .command import Command, find_python, resolve
from .environment import child_environment
from .errors import LaunchError
from .folder import RunFolder, create
from .settings import Settings, read_settings
from .supervisor import Outcome, finish, run

__all__ = [
    "Command",
    "LaunchError",
    "Outcome",
    "RunFolder",
    "Settings",
    "child_environment",
    "create",
    "find_python",
    "finish",
    "read_settings",
    "resolve",
    "run",
]
