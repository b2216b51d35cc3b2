"""A study on a PostgreSQL server, which the test starts."""

from __future__ import annotations

import getpass
import importlib.util
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

optuna = pytest.importorskip("optuna")

from assay.launch.errors import LaunchError  # noqa: E402
from assay.tuning import storage  # noqa: E402
from assay.tuning.space import read_space  # noqa: E402
from assay.tuning.storage import address_with_driver, shown  # noqa: E402
from assay.tuning.study import Study  # noqa: E402

Assay = Callable[..., "subprocess.CompletedProcess[str]"]
SPACE = read_space(["arg:--x=0.0:1.0"])
POINTS = 12


def binary(name: str) -> str | None:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(places[-1]) if places else None)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Starts a server in a folder of its own; its address."""
    if importlib.util.find_spec("psycopg") is None and importlib.util.find_spec("psycopg2") is None:
        pytest.skip("no driver for PostgreSQL: pip install 'psycopg[binary]'")
    if binary("initdb") is None or binary("postgres") is None:
        pytest.skip("PostgreSQL is not installed: there is no initdb")
    folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
    user = "nobody" if os.geteuid() == 0 else getpass.getuser()  # it refuses to be root's
    before = ["setpriv", "--reuid=nobody", "--clear-groups"] if os.geteuid() == 0 else []
    if before:  # which is why it lies in no folder of pytest's: those are root's alone
        shutil.chown(folder, "nobody")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    made = subprocess.run(
        [*before, str(binary("initdb")), "-D", str(data), "-U", user, "-A", "trust", "-N"],
        capture_output=True, text=True, cwd="/", check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"initdb does not work here: {made.stderr.strip().splitlines()[-1]}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*before, str(binary("postgres")), "-D", str(data), "-p", str(port), "-k", "",
             "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"],
            stdout=log, stderr=log, cwd="/",
        )  # fmt: skip
    try:
        for _ in range(300):
            if process.poll() is not None:
                pytest.skip(f"postgres does not start here: {(folder / 'log').read_text()[-200:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"postgresql://{user}@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # whoever is connected still
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def work(folder: Path, server: str, points: int) -> None:
    folder.mkdir(exist_ok=True)
    study = Study(folder, SPACE, "random", 0, POINTS, "none", server)
    for _ in range(points):
        asked = study.ask_within(POINTS)
        if asked is None:
            break
        study.tell(asked[0], float(asked[1]["arg:--x"]), folder=str(os.getpid()))
    study.leave()


def test_machines_share_a_study(server: str, tmp_path: Path) -> None:
    """Each with a folder of its own, as on machines of their own."""
    fork = multiprocessing.get_context("fork")
    folders = [tmp_path / name / "shared" for name in ("a", "b", "c")]
    for folder in folders:
        folder.parent.mkdir()
    work(folders[0], server, 1)
    others = [fork.Process(target=work, args=(folder, server, POINTS)) for folder in folders]
    for process in others:
        process.start()
    for process in others:
        process.join(120)
    study = Study(folders[0], SPACE, "random", 0, POINTS, "none", server)
    tried = study.tried()
    study.leave()
    assert [t.state for t in tried] == ["done"] * POINTS
    assert all(t.value == t.point["arg:--x"] for t in tried)
    assert len({t.value for t in tried}) == POINTS  # nobody drew what another had drawn


def test_what_a_dead_worker_had_is_handed_over(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.tuning import workers

    def study(name: str) -> Study:
        (tmp_path / name / "handed").mkdir(parents=True)
        return Study(tmp_path / name / "handed", SPACE, "random", 0, 9, "none", server)

    first, second = study("a"), study("b")
    number, point = first.ask()
    other, _ = second.ask()
    assert other != number
    monkeypatch.setattr(workers, "STILL_S", 0.0)  # it stands still, as far as anyone can see
    second._workers.lives(first.worker)
    assert second.ask() == (number, point)
    first.tell(number, 1.0)  # it comes back: too late
    assert second.tried()[number].state == "left"
    second.tell(number, 2.0)
    assert first.tried()[number].value == 2.0
    first.leave()
    second.leave()


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("no driver for PostgreSQL: pip install 'psycopg[binary]'")
    address = "postgresql://me:secret@127.0.0.1:1/nothing"
    with pytest.raises(LaunchError, match="--storage") as error:
        Study(tmp_path, SPACE, "random", 0, 9, "none", address)
    assert "secret" not in str(error.value)
    assert "refused" in str(error.value)


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown("postgresql://a:b@c/d") == "postgresql://a:...@c/d"
    for wrong in ("sqlite:///a.db", "postgresql:/a", "postgresql+oracle://a/b", "here"):
        with pytest.raises(LaunchError, match="expected postgresql://"):
            address_with_driver(wrong)
    monkeypatch.setattr(storage.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LaunchError, match="PostgreSQL needs a driver"):
        address_with_driver("postgresql://a/b")


SCRIPT = """
import argparse, torch
torch.set_num_threads(1)
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.001)
asked = parser.parse_args()
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=asked.lr)
for step in range(12):
    x = torch.randn(32, 4)
    loss = torch.nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_a_search_and_a_worker_of_it(server: str, assay_here: Assay, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    search = ["--search", "arg:--lr=1e-4:0.1:log", "--runs", "3", "--seeds", "2", "--study", "lr"]
    done = assay_here("tune", *search, "--storage", server, "train.py")
    assert done.returncode == 0, done.stderr
    assert "3 points by tpe" in done.stderr
    assert not (tmp_path / "lr" / "journal.log").exists()
    here = assay_here("tune", "--worker", "lr", "--storage", server)
    assert (here.returncode, here.stderr) == (
        0, "assay: 0 points ended here; nothing is left to ask for\n",
    )  # fmt: skip
    shutil.rmtree(tmp_path / "lr")  # as on another machine
    there = assay_here("tune", "--worker", "lr", "--storage", server)
    assert there.stderr == here.stderr
    nobody = assay_here("tune", "--worker", "other", "--storage", server)
    assert nobody.stderr == "assay: --worker: there is no study other on that server\n"


def test_a_study_on_a_server_is_not_begun_anew_in_its_folder(
    server: str, assay_here: Assay, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    words = ["--search", "arg:--lr=1e-4:0.1:log", "--runs", "1", "--seeds", "2", "--study", "one"]
    assert assay_here("tune", *words, "--storage", server, "train.py").returncode == 0
    again = assay_here("tune", "--study", "one", "train.py")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "the study one is kept on a server: postgresql://" in again.stderr
