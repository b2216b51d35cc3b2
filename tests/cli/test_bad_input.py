"""What can't work is told in one clear line, with the right status, before anything is started."""

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from assay.cli.main import main
from assay.launch import supervisor


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The status, and the one line on standard error."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("assay: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert isinstance(ended.value.code, int)
    return ended.value.code, err.removeprefix("assay: ").rstrip()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with some bad scripts, and no way to start a good one."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("ok.py").write_text("print('never started')\n")
    Path("binary.py").write_bytes(b"\x7fELF\0\0\0")
    Path("note.ipynb").write_text("{}")
    return tmp_path


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a script was started")

    monkeypatch.setattr(supervisor, "run", refuse)


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize("verb", ["check", "run"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "nothing to run"),
        (["missing.py"], "missing.py: no such file"),
        (["folder"], "folder: a directory without __main__.py"),
        (["binary.py"], "binary.py: not a Python file"),
        (["note.ipynb"], "a notebook; call assay.start()"),
        (["-m"], "-m needs the name of a module"),
        (["--"], "-- needs a command"),
        (["--steps", "0", "ok.py"], "--steps must be a whole number from 1, received '0'"),
        (["--steps", "-3", "ok.py"], "--steps"),
        (["--steps=1.5", "ok.py"], "--steps must be a whole number from 1, received '1.5'"),
        (["--steps", "ten", "ok.py"], "received 'ten'"),
        (["--steps"], "--steps needs a value"),
        (["--seconds", "0", "ok.py"], "--seconds must be a number above 0, received '0'"),
        (["--seconds", "nan", "ok.py"], "--seconds must be a number above 0"),
        (["--seconds", "1h", "ok.py"], "received '1h'"),
        (["--step", "3", "ok.py"], "unknown option --step; did you mean --steps?"),
        (["--lr", "3", "ok.py"], "unknown option --lr"),
        (["-q", "ok.py"], "unknown option -q"),
        (["--fail-on", "eror", "ok.py"], "received 'eror'; did you mean error?"),
        (["--ignore", "zero-grad-mising", "ok.py"],
         "no check is called 'zero-grad-mising'; did you mean zero-grad-missing?"),
        (["--only", "zero-grad-missing,xyz", "ok.py"],
         "--only: no check is called 'xyz'; `assay checks` lists them"),
        (["--only", "", "ok.py"], "no check is called ''"),
        (["--json", "no/such/report.json", "ok.py"], "--json: no directory no/such"),
        (["--json", "folder", "ok.py"], "--json: folder is a directory"),
        (["--sarif", "no/such/report.sarif", "ok.py"], "--sarif: no directory no/such"),
        (["--sarif=-", "--json=-", "ok.py"], "--json and --sarif can't both go to standard"),
        (["--python", "no-such-python", "ok.py"], "no interpreter at 'no-such-python'"),
        (["--run-dir", "ok.py", "ok.py"], "can't make run folder ok.py"),
    ],
)  # fmt: skip
def test_check_and_run(
    verb: str, words: list[str], says: str, capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    status, line = told([verb, *words], capsys)
    assert says in line
    assert status == 2
    assert not (here / ".assay").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["chek"], "no verb 'chek'; did you mean check?"),
        (["ok.py"], "did you mean: assay check ok.py"),
        (["--steps", "3"], "unknown option --steps; a verb comes first"),
        (["explain"], "name a check"),
        (["explain", "zero-grad-mising"], "did you mean zero-grad-missing?"),
        (["explain", "xyz"], "`assay checks` and `assay tricks` list them"),
        (["explain", "zero-grad-missing", "more"], "one word too many: 'more'"),
        (["checks", "--al"], "unknown option --al"),
        (["report"], "no run in .assay/runs"),
        (["report", "xyz"], "no run 'xyz' in .assay/runs"),
        (["report", "folder"], "folder: not the folder of a run"),
        (["report", "--fail-on", "note"], "--fail-on must be error or warning"),
        (["demo", "--fast"], "unknown option --fast"),
    ],
)
def test_other_verbs(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, line = told(words, capsys)
    assert says in line
    assert status == 2


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('ignore = ["zero-grad"]', "[tool.assay] ignore: no check is called 'zero-grad'"),
        ("stpes = 3", "[tool.assay] has no key 'stpes'"),
        ("steps = 0", "[tool.assay] steps must be a whole number from 1, received 0"),
    ],
)
def test_settings_file(
    table: str, says: str, capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    (here / "pyproject.toml").write_text(f"[tool.assay]\n{table}\n")
    status, line = told(["check", "ok.py"], capsys)
    assert says in line
    assert "pyproject.toml" in line
    assert status == 2


def test_a_command_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    status, line = told(["check", "--", "no-such-command"], capsys)
    assert (status, line) == (127, "no-such-command: command not found")


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_no_run_folder(
    code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    status, line = told(["check", "ok.py"], capsys)
    assert f"can't make run folder .assay/runs: {os.strerror(code)}" in line
    assert status == 2


@pytest.mark.usefixtures("nothing_starts")
def test_a_disk_that_is_full_when_the_run_is_described(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_text", refuse)
    status, line = told(["check", "ok.py"], capsys)
    assert "No space left on device" in line
    assert status == 2


def test_no_verb_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "assay check train.py" in capsys.readouterr().err


RECORD = [
    '{"k":"begin","pid":1,"rank":0,"world":1,"time":1.0,"t":0.0,"torch":"2.13.0"}',
    '{"k":"optimizer","o":0,"cls":"SGD","site":["/x/train.py",3,"main"],"groups":[]}',
    '{"k":"steps","o":0,"first":0,"loss":[2.0,1.9,1.8],"t":[0.0,1.0]}',
    '{"k":"steps","o":0,"first":3,"loss":[1.7,1.6,1.5],"t":[1.0,2.0]}',
]


def record(folder: Path, lines: list[str], account: str | None = None) -> None:
    folder.mkdir(parents=True)
    (folder / "journal-1.jsonl").write_text("".join(f"{line}\n" for line in lines))
    if account is not None:
        (folder / "run.json").write_text(account)


@pytest.mark.parametrize(
    ("lines", "account", "steps", "problem"),
    [
        (RECORD, '{"id": "a", "exit_code": 0}', 6, None),
        ([*RECORD, '{"k":"steps","o":0,"fir'], '{"id": "a"}', 6, "1 unreadable line"),
        (["\0\0\0", *RECORD], None, 6, "1 unreadable line"),
        ([*RECORD[:3], "[1, 2]", '"x"', "3", "null"], None, 3, "4 unreadable lines"),
        ([*RECORD, '{"k":"steps"}', '{"k":"sample","o":-1,"s":0,"v":{}}'], None, 6, "no sense"),
        ([*RECORD, '{"k":"sample","o":0,"s":1,"v":[1]}', '{"k":"model"}'], None, 6, "no sense"),
        (RECORD, "{", 6, "run.json can't be read"),
        (RECORD, "[1]", 6, "run.json can't be read"),
        (RECORD, '{"exit_code": 0, "seconds": "x", "command": 3}', 6, None),
        ([], '{"id": "a", "exit_code": 0}', 0, None),
    ],
)  # fmt: skip
def test_a_torn_record_is_still_reported(
    lines: list[str], account: str | None, steps: int, problem: str | None, here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    record(here / "run", lines, account)
    with pytest.raises(SystemExit) as ended:
        main(["report", "run", "--json", "report.json"])
    out, err = capsys.readouterr()
    assert err == ""
    assert ended.value.code == 0
    written = json.loads((here / "report.json").read_text())
    assert written["run"]["steps"] == steps
    assert ("not observed" in out) == (steps == 0)
    if problem is None:
        assert "problems" not in written
    else:
        assert problem in written["problems"][0]
        assert problem in out


def test_a_run_by_its_beginning(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = here / ".assay" / "runs"
    for name in ("20260101-000000-train", "20260101-000001-train", "20260202-000000-other"):
        record(base / name, RECORD, f'{{"id": "{name}", "exit_code": 0}}')
    (base / "not-a-run").mkdir()
    for words, name in (
        ([], "20260202-000000-other"),
        (["20260101-000000"], "20260101-000000-train"),
        (["20260101-000001-train"], "20260101-000001-train"),
        ([str(base / "20260101-000000-train")], "20260101-000000-train"),
    ):
        with pytest.raises(SystemExit):
            main(["report", *words])
        assert f"record: .assay/runs/{name}" in capsys.readouterr().out
    status, line = told(["report", "2026"], capsys)
    assert "3 runs begin with '2026'" in line
    assert status == 2
    moved = shutil.move(base, here / "elsewhere")
    with pytest.raises(SystemExit):
        main(["report", "--run-dir", str(moved), "20260202"])
    assert "record: elsewhere/20260202-000000-other" in capsys.readouterr().out


def test_the_report_reads_a_long_record_fast(here: Path) -> None:
    """100,000 steps, 1,300 samples, 200 parameters: the limit is 2 s on an idle machine."""
    import time

    from assay.checks.registry import CHECKS
    from assay.journal.reader import read_run
    from assay.report import make_report

    names = [f"layers.{number}.attention.weight" for number in range(200)]
    row = ",".join(f'"{name}":0.1234567' for name in names)
    signals = ("grad_norm", "weight_norm", "update_norm", "update_ratio", "grad_max")
    values = ",".join(f'"{signal}":{{{row}}}' for signal in signals)
    losses = ",".join(["1.234567"] * 64)
    lines = [RECORD[0], RECORD[1]]
    lines += [
        f'{{"k":"steps","o":0,"first":{first},"loss":[{losses}],"t":[{first},{first + 64}]}}'
        for first in range(0, 100_000, 64)
    ]
    lines += [f'{{"k":"sample","o":0,"s":{77 * n},"v":{{{values}}}}}' for n in range(1300)]
    record(here / "long", lines)
    began = time.process_time()
    report = make_report(read_run(here / "long"), CHECKS)
    took = time.process_time() - began
    assert report.view.steps >= 100_000
    assert took < 2.0, f"{took:.2f} s on {sys.platform}"


def test_a_long_wait_is_explained(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    from assay.cli import watching

    monkeypatch.setattr(watching, "PATIENCE_S", 0.02)
    with watching.note_if_slow():
        time.sleep(0.3)
    assert capsys.readouterr().err == "assay: reading the record of the run ...\n"
    with watching.note_if_slow():
        pass
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_a_fault_of_ours_does_not_cost_the_script_s_status(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    from assay.cli import watching

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(watching, "make_report", broken)
    (here / "ends.py").write_text("raise SystemExit(4)\n")
    with pytest.raises(SystemExit) as ended:
        main(["check", "--fail-on", "error", "ends.py"])
    err = capfd.readouterr().err
    assert ended.value.code == 4
    assert "the report failed, the record is safe in" in err
    assert "ZeroDivisionError: ours" in err
    (log,) = here.glob(".assay/runs/*/report-error.log")
    assert "Traceback" in log.read_text()
