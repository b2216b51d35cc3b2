"""`assay learn`: the list, an experiment in a process of its own, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli.explain import main as explain
from assay.cli.learn import main
from assay.handbook import running
from assay.handbook.catalogue import NAMES, about, page
from assay.launch.errors import LaunchError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("ASSAY_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_list_has_every_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[: len(NAMES)]] == list(NAMES)
    assert all(page(name).question[0] in line for name, line in zip(NAMES, lines, strict=False))


def test_an_experiment_prints_what_it_shows_and_draws_it(
    capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    (elsewhere / "torch.py").write_text("raise SystemExit('the wrong torch')")
    assert main(["nan", "--out", "figures"]) == 0
    said = capsys.readouterr().out
    assert "exp overflows above 88.72 in float32" in said
    assert (elsewhere / "figures" / "nan.svg").read_text(encoding="utf-8").startswith("<svg ")


@pytest.mark.parametrize(
    ("words", "variables", "place"),
    [
        (["--lang", "zh"], {}, 1),
        ([], {"ASSAY_LANG": "zh", "LANG": "en_GB.UTF-8"}, 1),
        ([], {"LANG": "zh_CN.UTF-8"}, 1),
        ([], {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, 0),
        (["--lang", "en"], {"ASSAY_LANG": "zh"}, 0),
        ([], {"LANG": "de_DE.UTF-8"}, 0),
    ],
)
def test_the_language_is_as_asked(
    words: list[str],
    variables: dict[str, str],
    place: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(words) == 0
    assert page("nan").question[place] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nann"], "no experiment is called 'nann'; did you mean nan"),
        (["quantum"], "'quantum'; `assay learn` lists them"),
        (["--lang", "de"], "--lang must be en or zh, received 'de'"),
        (["nan", "--out", "/proc/nowhere"], "--out: can't make the folder /proc/nowhere"),
    ],
)
def test_bad_input_is_one_line(words: list[str], says: str) -> None:
    with pytest.raises(LaunchError, match=says) as raised:
        main(words)
    assert raised.value.status == 2


def test_a_check_leads_to_its_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(["loss-not-finite"]) == 0
    assert f"- `assay learn nan`: {page('nan').question[0]}" in capsys.readouterr().out
    assert not about("loader-starves")
    assert explain(["loader-starves"]) == 0
    assert "assay learn" not in capsys.readouterr().out


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_LANG", "klingon")
    with pytest.raises(LaunchError, match="ASSAY_LANG must be en or zh, received 'klingon'"):
        main([])


def test_an_experiment_that_dies_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PACKAGES", Path("/nowhere"))
    monkeypatch.setattr(running, "__package__", "assay.no_such_part")
    with pytest.raises(LaunchError, match="the experiment nan did not end: ") as raised:
        main(["nan"])
    assert raised.value.status == 1
