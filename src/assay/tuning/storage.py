"""Where a study is kept: Optuna's journal file in its folder, or a PostgreSQL server."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..launch.errors import LaunchError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

SCHEME = "postgresql"
DRIVERS = ("psycopg", "psycopg2")


def address_with_driver(address: str) -> str:
    """Returns the address as SQLAlchemy has it, with a driver that is there.

    Raises:
        LaunchError: It is no address of a PostgreSQL server, or there is no driver.
    """
    scheme, colon, rest = address.partition("://")
    base, _, driver = scheme.partition("+")
    if base not in (SCHEME, "postgres") or not colon or (driver and driver not in DRIVERS):
        raise LaunchError(
            f"--storage {shown(address)}: expected {SCHEME}://USER@HOST/DATABASE; without it a "
            "study is kept in its folder"
        )
    if not driver:
        driver = next((d for d in DRIVERS if importlib.util.find_spec(d)), "")
    if not driver or importlib.util.find_spec(driver) is None:
        raise LaunchError(
            "--storage: PostgreSQL needs a driver, and there is none: pip install 'psycopg[binary]'"
        )
    return f"{SCHEME}+{driver}://{rest}"


def shown(address: str) -> str:
    """Returns an address without its password."""
    try:
        password = urlsplit(address).password
    except ValueError:
        return "ADDRESS"
    return address.replace(f":{password}@", ":...@") if password else address


def open_storage(folder: Path, address: str | None = None) -> BaseStorage:
    """Opens, or begins, what a study is kept in.

    Raises:
        LaunchError: It can't be opened, and why.
    """
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    from .journal_lock import JournalLock

    if address is None:
        path = folder / "journal.log"
        try:
            return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalLock(path)))
        except OSError as error:
            raise LaunchError(f"can't write {folder}: {error.strerror}") from None
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return RDBStorage(address_with_driver(address), engine_kwargs={"pool_pre_ping": True})
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise LaunchError(f"--storage {shown(address)}: {reason}") from None


def close_storage(storage: BaseStorage) -> None:
    """Closes connections to a server; what is asked later opens new ones."""
    from optuna.storages import RDBStorage

    if isinstance(storage, RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def facts_on(address: str, name: str) -> dict[str, Any] | None:
    """Returns what was asked of a study on a server; None if there is none of this name.

    Raises:
        LaunchError: The server can't be reached, and why.
    """
    import optuna

    storage = open_storage(Path(), address)
    try:
        facts = optuna.load_study(study_name=name, storage=storage).user_attrs.get("facts")
        return facts if isinstance(facts, dict) else None
    except KeyError:
        return None
    finally:
        close_storage(storage)
