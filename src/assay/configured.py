"""The checks that apply here: shipped, installed and one's own, with the limits of the settings."""

from __future__ import annotations

from .checks.base import Check
from .checks.own import CheckError, load_checks
from .launch.errors import LaunchError
from .launch.settings import Settings, read_settings


def configured_checks(settings: Settings | None = None) -> tuple[Check, ...]:
    """Returns all checks, as `[tool.assay]` of the nearest pyproject.toml adds to and changes them.

    Args:
        settings: What was read already; read now if not given.

    Raises:
        LaunchError: The settings, or a check that they name, can't be used.
    """
    settings = settings or read_settings()
    try:
        return load_checks(settings.checks, settings.limits)
    except CheckError as error:
        where = f"{settings.source}: [tool.assay] " if settings.source else ""
        raise LaunchError(f"{where}{error}") from None
