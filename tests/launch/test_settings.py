"""[tool.assay]: every key, and every mistake told with file, key and what was received."""

import pytest

from assay.launch import LaunchError, Settings, read_settings


def write(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pyproject.toml"
    path.write_text(text)
    return path


def test_every_key(tmp_path):
    path = write(
        tmp_path,
        '[tool.assay]\nignore = ["dead-units"]\nonly = ["loss-not-finite"]\nfail-on = "warning"\n'
        'steps = 10\nseconds = 2.5\nquiet = true\nrun-dir = "out/runs"\nbudget = 0.05\n',
    )
    assert read_settings(tmp_path) == Settings(
        ignore=("dead-units",),
        only=("loss-not-finite",),
        fail_on="warning",
        steps=10,
        seconds=2.5,
        quiet=True,
        run_dir=tmp_path / "out" / "runs",
        budget=0.05,
        source=path,
    )


def test_the_nearest_file_counts(tmp_path):
    write(tmp_path, "[tool.assay]\nsteps = 1\n")
    near = write(tmp_path / "a", "[tool.assay]\nquiet = true\n")
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    settings = read_settings(deep)
    assert (settings.source, settings.quiet, settings.steps) == (near, True, None)


def test_silence(tmp_path, monkeypatch):
    path = write(tmp_path, "[tool.other]\nx = 1\n")
    monkeypatch.chdir(tmp_path)
    assert read_settings() == Settings(source=path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stepz = 3", "has no key 'stepz'; it knows budget, checks, fail-on, ignore, limits"),
        ("fail_on = 'error'", "has no key 'fail_on'"),
        ("ignore = 'dead-units'", "ignore must be a list of check names, received 'dead-units'"),
        ("only = [1]", "only must be a list of check names, received [1]"),
        ("fail-on = 'note'", 'fail-on must be "error" or "warning", received \'note\''),
        ("fail-on = ['error']", "received ['error']"),
        ("steps = 0", "steps must be a whole number from 1, received 0"),
        ("steps = 1.0", "received 1.0"),
        ("steps = true", "received True"),
        ("seconds = 0", "seconds must be a number above 0, received 0"),
        ("seconds = inf", "received inf"),
        ("seconds = true", "received True"),
        ("quiet = 1", "quiet must be true or false, received 1"),
        ("run-dir = ''", "run-dir must be the path of a folder, received ''"),
        ("budget = nan", "budget must be a number above 0, at most 1, received nan"),
        ("budget = 2", "received 2"),
        ("steps =", "not valid TOML"),
    ],
)
def test_mistakes(tmp_path, line, message):
    path = write(tmp_path, f"[tool.assay]\n{line}\n")
    with pytest.raises(LaunchError) as caught:
        read_settings(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.status == 2


@pytest.mark.parametrize("text", ["tool = 3\n", "[tool]\nassay = 3\n"])
def test_odd_tables(tmp_path, text):
    write(tmp_path, text)
    if "assay" in text:
        with pytest.raises(LaunchError, match="must be a table, received 3"):
            read_settings(tmp_path)
    else:
        assert read_settings(tmp_path).steps is None


def test_not_text(tmp_path):
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(LaunchError, match="not valid TOML"):
        read_settings(tmp_path)
