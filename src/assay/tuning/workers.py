"""Who works on a study: one asks at a time, and nobody keeps the point of one who has died.

In a folder a worker holds a lock on a file of its own, which the system takes from it when it dies,
however it dies. On a server it counts up: one whose count stands still is dead.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from ..launch.errors import LaunchError

BEAT_S = 10.0
STILL_S = 60.0
"""A worker on a server is dead after so long without a beat: six of them."""


def new_name() -> str:
    """Returns a name for a worker that no other has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Workers(Protocol):
    """All that one of them knows of the workers on a study."""

    name: str

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Waits until no other asks or tells."""

    def join(self) -> None:
        """Lets others know that this one works."""

    def leave(self) -> None:
        """Lets others know that it works no more."""

    def lives(self, name: str) -> bool:
        """Whether a worker may still be at work."""


class InFolder:
    """Workers that share a folder.

    Args:
        folder: The study's.
    """

    def __init__(self, folder: Path) -> None:
        self.name, self._folder = new_name(), folder / "workers"
        self._own: IO[str] | None = None

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Waits until no other asks or tells."""
        with self._open("turn") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def join(self) -> None:
        """Holds a lock from now on."""
        if self._own is None:
            self._own = self._open(self.name)
            weakref.finalize(self, self._own.close)
            fcntl.flock(self._own, fcntl.LOCK_EX)

    def leave(self) -> None:
        """Gives the lock back."""
        if self._own is not None:
            with contextlib.suppress(OSError):
                (self._folder / self.name).unlink()
            self._own.close()
            self._own = None

    def lives(self, name: str) -> bool:
        """Whether a worker holds its lock."""
        if name == self.name:
            return self._own is not None
        path = self._folder / Path(name).name
        try:
            with path.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def _open(self, name: str) -> IO[str]:
        try:
            self._folder.mkdir(exist_ok=True)
            return (self._folder / name).open("a")
        except OSError as error:
            raise LaunchError(f"can't write {self._folder / name}: {error.strerror}") from None


class OnServer:
    """Workers on many machines that share a PostgreSQL server.

    Args:
        engine: SQLAlchemy's, of the storage.
        study: The study's name.
        remember: Keeps a fact of the study.
        recall: Returns one.
    """

    def __init__(
        self,
        engine: Any,
        study: str,
        remember: Callable[[str, Any], None],
        recall: Callable[[str], Any],
    ) -> None:
        self.name, self._engine = new_name(), engine
        self._key = zlib.crc32(f"assay {study}".encode())
        self._remember, self._recall = remember, recall
        self._over: threading.Event | None = None
        self._seen: dict[str, tuple[int, float]] = {}

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Waits until no other asks or tells; the server ends the turn of a process that dies."""
        from sqlalchemy import text

        with self._engine.connect() as connection:
            connection.execute(text("select pg_advisory_lock(:key)"), {"key": self._key})
            try:
                yield
            finally:
                connection.execute(text("select pg_advisory_unlock(:key)"), {"key": self._key})
                connection.commit()

    def join(self) -> None:
        """Counts up from now on."""
        if self._over is not None:
            return
        self._remember(f"beat {self.name}", 1)
        over = self._over = threading.Event()

        def beat() -> None:
            count = 1
            while not over.wait(BEAT_S):
                count += 1
                with contextlib.suppress(Exception):  # a server that is away comes back, or not
                    self._remember(f"beat {self.name}", count)

        threading.Thread(target=beat, daemon=True).start()

    def leave(self) -> None:
        """Says that there will be no more."""
        if self._over is not None:
            self._over.set()
            self._over = None
            self._remember(f"beat {self.name}", 0)

    def lives(self, name: str) -> bool:
        """Whether its count has gone up lately, by our own clock alone."""
        if name == self.name:
            return self._over is not None
        count = self._recall(f"beat {name}")
        if not count:
            return False
        known, since = self._seen.get(name, (0, 0.0))
        if count != known:
            self._seen[name] = count, time.monotonic()
            return True
        return time.monotonic() - since < STILL_S
