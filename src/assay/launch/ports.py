"""A port for each run of a command that starts ranks, so that runs side by side do not meet."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence

from .errors import LaunchError

_PORTS = ("--master-port", "--main-process-port")
_ENDPOINT = "--rdzv-endpoint"
_HERE = ("localhost", "127.0.0.1", "::1", "[::1]")


def free_port() -> int:
    """Returns a TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def variables(port: int) -> dict[str, str]:
    """Returns what tells torchrun, and scripts that start ranks themselves, which port to use."""
    return {"PET_MASTER_PORT": str(port), "MASTER_PORT": str(port)}


def with_port(argv: Sequence[str], port: int) -> list[str]:
    """Returns the command with this port in the place of the one that it names, if it names one.

    Raises:
        LaunchError: It waits for other machines, which are not part of this run.
    """
    changed, words = [], iter(argv)
    for word in words:
        option, equals, value = word.partition("=")
        name = option.replace("_", "-")
        if not name.startswith("--") or name not in (*_PORTS, _ENDPOINT, "--nnodes"):
            changed.append(word)
            if not word.startswith("-") and word.endswith(".py"):
                changed += words  # the script's own arguments
            continue
        if not equals:
            value = next(words, "")
        value = _changed(name, value, port)
        changed += [f"{option}={value}"] if equals else [option, value]
    return changed


def _changed(name: str, value: str, port: int) -> str:
    if name in _PORTS:
        return str(port)
    if name == "--nnodes":
        least = re.match(r"\d+", value)
        if least and int(least[0]) > 1:
            raise LaunchError(f"a trial runs on one machine, received --nnodes {value}")
        return value
    host, colon, number = value.rpartition(":")
    return f"{host}:{port}" if colon and host in _HERE and number not in ("", "0") else value
