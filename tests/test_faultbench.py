"""faultbench's own rules: what a tool gets, how its words are scored, and that the seal holds."""

from __future__ import annotations

import ast
import io
import json
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from faultbench import catalogue, sealing  # noqa: E402
from faultbench.adapters import TOOLS  # noqa: E402
from faultbench.adapters.base import Said  # noqa: E402
from faultbench.attach import find  # noqa: E402
from faultbench.catalogue import Answer, Case  # noqa: E402
from faultbench.disguise import disguised  # noqa: E402
from faultbench.running import PLAIN, Runner, Task, read_results, tasks  # noqa: E402
from faultbench.scoring import judge, right_line, score  # noqa: E402

SAID = ROOT / "tests" / "faultbench_said"
ANSWER = Answer("zero-grad-missing", frozenset({"zero-grad-missing"}), lines=(7, 9))


def said(*faults: str, severity: str = "warning", line: int | None = None) -> Said:
    return Said(severity, "words", line, frozenset(faults))


# -- what a tool gets -----------------------------------------------------------------------------

SCRIPT = '''"""The rate is far too high.

Told twice."""
import torch  # a comment


def train(rate):
    """Trains
    badly."""
    text = "# no comment"
    return text  # expect: learning-rate-too-high


class Empty:
    """Only words."""


print(train(1.0))
'''


def test_nothing_told_and_every_line_in_its_place() -> None:
    shown = disguised(SCRIPT)
    assert "far too high" not in shown
    assert "badly" not in shown
    assert "expect" not in shown
    assert "Only words" not in shown
    assert '"# no comment"' in shown
    before, after = ast.parse(SCRIPT), ast.parse(shown)
    assert [(type(n), n.lineno) for n in before.body] == [(type(n), n.lineno) for n in after.body]
    places = {"return": 11, "print": 18}
    for word, number in places.items():
        assert shown.splitlines()[number - 1].lstrip().startswith(word)


def test_all_scripts_can_be_disguised() -> None:
    for case in catalogue.cases():
        for path in case.scripts.values():
            source = path.read_text(encoding="utf-8")
            shown = disguised(source)
            assert len(shown.splitlines()) == len(source.splitlines()), path
            ast.parse(shown)
            tokens = tokenize.generate_tokens(io.StringIO(shown).readline)
            assert not [t for t in tokens if t.type == tokenize.COMMENT], path


# -- the catalogue --------------------------------------------------------------------------------


def test_each_case_has_its_answer_and_a_mend() -> None:
    cases = catalogue.cases()
    assert len({case.name for case in cases}) == len(cases) >= 142
    for case in cases:
        assert {"sick", "fixed"} <= set(case.scripts), case.name
        answer = catalogue.answer(case)
        assert answer.fault in answer.accepted
        length = len(case.scripts["sick"].read_text(encoding="utf-8").splitlines())
        assert all(0 < line <= length for line in answer.lines), case.name


def test_marks_are_read() -> None:
    case = next(c for c in catalogue.cases() if c.name == "checks/dead_units")
    answer = catalogue.answer(case)
    assert answer.fault == "dead-units"
    assert "# expect" in case.scripts["sick"].read_text().splitlines()[answer.lines[0] - 1]


def test_halves_hang_on_names_alone() -> None:
    cases = catalogue.cases()
    sealed = [case for case in cases if case.half == "sealed"]
    assert 0.35 < len(sealed) / len(cases) < 0.65
    assert catalogue.half("char_lstm") == catalogue.half("char_lstm")
    few = catalogue.sample(cases, 12)
    assert few == catalogue.sample(reversed(cases), 12)
    assert {case.origin for case in few} == {case.origin for case in cases}


def test_the_seal_holds() -> None:
    if catalogue.SEALED.exists():
        for text in json.loads(sealing.opened()).values():
            catalogue.read_answer(text)
    else:
        assert not sealing.DIGEST.exists()


def test_sealing_moves_one_half_and_breaking_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, sealed = tmp_path / "answers", tmp_path / "sealed.json"
    answers.mkdir()
    for number in range(8):
        (answers / f"case_{number}.toml").write_text(f'fault = "fault-{number}"\n')
    monkeypatch.setattr(sealing, "ANSWERS", answers)
    monkeypatch.setattr(sealing, "SEALED", sealed)
    monkeypatch.setattr(sealing, "DIGEST", sealed.with_suffix(".sha256"))
    held = sealing.seal()
    left = {path.stem for path in answers.glob("*.toml")}
    assert left == {f"case_{n}" for n in range(8) if catalogue.half(f"case_{n}") == "public"}
    assert held + len(left) == 8
    assert sealing.seal() == held  # nothing is lost by sealing again
    sealed.write_text(sealed.read_text().replace("fault-", "other-"))
    with pytest.raises(ValueError, match="not the file that was sealed"):
        sealing.opened()


# -- scoring --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "worth"),
    [
        ([], "silent"),
        ([said("zero-grad-missing")], "first"),
        ([said("dead-units"), said("zero-grad-missing")], "listed"),
        ([said("loss-not-decreasing")], "symptom"),
        ([said("loss-not-decreasing", severity="note")], "silent"),
        ([said("class-imbalance")], "wrong"),
        ([said("class-imbalance", severity="note")], "silent"),
        ([said()], "wrong"),
    ],
)
def test_what_statements_are_worth(statements: list[Said], worth: str) -> None:
    assert judge(statements, ANSWER) == worth


def test_of_two_faults_either_is_right() -> None:
    both = Answer(
        "a", frozenset({"a"}), lines=(1,), also=(Answer("b", frozenset({"b"}), lines=(2,)),)
    )
    assert judge([said("b")], both) == "first"
    assert right_line([said(line=2)], both) is True
    assert right_line([said(line=3)], both) is False
    assert right_line([said(line=3)], Answer("a", frozenset({"a"}))) is None


def test_rows() -> None:
    def line(tool: str, variant: str, cpu: float, trouble: str = "") -> dict[str, object]:
        return {
            "tool": tool, "case": "c", "variant": variant, "cpu": cpu, "trouble": trouble,
            "overran": False,
        }  # fmt: skip

    results = [
        line(PLAIN, "sick", 2.0),
        line(PLAIN, "fixed", 2.0),
        line("good", "sick", 3.0),
        line("good", "fixed", 5.0),
        line("loud", "sick", 2.0),
        line("loud", "fixed", 2.0),
        line("broken", "sick", 2.0, "it raised"),
        {
            "tool": "apart",
            "case": "c",
            "variant": "sick",
            "applies": False,
            "trouble": "not for it",
        },
    ]
    words = {
        ("good", "c", "sick"): [said("zero-grad-missing", line=7)],
        ("good", "c", "fixed"): [said("zero-grad-missing", severity="note")],
        ("loud", "c", "sick"): [said("dead-units")],
        ("loud", "c", "fixed"): [said("dead-units"), said("overfitting")],
        ("broken", "c", "sick"): [],
    }
    scores = score(results, words, {"c": ANSWER})
    assert set(scores) == {"good", "loud", "broken", "apart"}
    assert scores["good"].outcomes == {"first": 1}
    assert (scores["good"].lines, scores["good"].with_line) == (1, 1)
    assert (scores["good"].alarmed, scores["good"].right) == (0, 1)
    assert scores["good"].cost == 2.0
    assert scores["loud"].outcomes == {"symptom": 1}
    assert (scores["loud"].alarmed, scores["loud"].lines) == (1, 0)
    assert scores["broken"].outcomes == {"failed": 1}
    assert (scores["apart"].apart, scores["apart"].sick) == (1, 0)


# -- adapters -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOOLS)
def test_adapters_say_how_they_are_used(name: str) -> None:
    tool = find(name)
    assert tool.name == name
    assert tool.licence
    assert tool.setup
    known = {
        path.name.replace("_", "-") for path in catalogue.CHECKS.iterdir()
    } | catalogue.SYMPTOMS
    for _, faults in tool.rules:
        assert set(faults.split()) <= known, "names a fault that no case has"


def stored() -> list[tuple[str, str]]:
    """(tool, case) of each real output that is kept."""
    return sorted((path.parent.name, path.name) for path in SAID.glob("*/*"))


@pytest.mark.parametrize(("name", "case"), stored())
def test_rules_read_real_outputs(name: str, case: str) -> None:
    expected = json.loads((SAID / name / case / "expected.json").read_text(encoding="utf-8"))
    found = find(name)().read(SAID / name / case)
    assert found, "an output in which the tool said something"
    told = [[one.severity, sorted(one.faults), one.line] for one in found]
    assert told == expected


# -- the runner -----------------------------------------------------------------------------------


def test_a_run_is_bounded_kept_and_not_repeated(tmp_path: Path) -> None:
    script = tmp_path / "sick.py"
    script.write_text("# the answer\nprint(open(__file__).readline() == '\\n', __file__)\n")
    case = Case("checks/dead_units", {"sick": script, "fixed": script})
    runner = Runner(tmp_path / "results.jsonl", tmp_path / "out", 1)
    wanted = [task for task in tasks([], [case]) if task.tool == PLAIN]
    assert len(wanted) == 2
    runner.run(wanted)
    kept = tmp_path / "out" / PLAIN / "checks.dead_units" / "sick" / "stdout.txt"
    assert kept.read_text().startswith("True")
    assert kept.read_text().strip().endswith("script.py")
    kept.unlink()
    runner.run(wanted)
    assert not kept.exists()
    assert len(read_results(tmp_path / "results.jsonl")) == 2


def test_a_run_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faultbench.running import Plain

    monkeypatch.setattr(Plain, "limit_s", 1.0)
    script = tmp_path / "sick.py"
    script.write_text("while True: pass\n")
    task = Task(PLAIN, "checks/dead_units", "sick", script, script)
    runner = Runner(tmp_path / "results.jsonl", tmp_path / "out", 1)
    runner.run([task])
    (line,) = read_results(tmp_path / "results.jsonl")
    assert line["overran"] is True
    assert line["seconds"] < 30


# -- the page -------------------------------------------------------------------------------------


def test_the_page_leads_to_outputs_and_names_no_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faultbench import page
    from faultbench.results import Results

    def ran(tool: str, variant: str, said: list[dict[str, object]], printed: str) -> None:
        folder = tmp_path / "out" / tool / "checks.dead_units" / variant
        folder.mkdir(parents=True)
        known = {"said": said, "trouble": "", "steps": 3}
        (folder / "said.json").write_text(json.dumps(known))
        (folder / "stdout.txt").write_text(printed)
        line = {
            "tool": tool, "case": "checks/dead_units", "variant": variant, "cpu": 2.0,
            "seconds": 2.0, "exit": 0, "overran": False, "trouble": "",
        }  # fmt: skip
        with (tmp_path / "results.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    words = [{"severity": "error", "text": "Dead units in 3", "line": None}]
    for variant in ("sick", "fixed"):
        ran(PLAIN, variant, [], "")
        ran(
            "torchmortem",
            variant,
            words,
            "</script> in /srv/somebody/notes, and/or https://example.org/a/b \x1b[31mred\x1b[0m",
        )
    monkeypatch.setattr(page, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(Results, "versions", {"torchmortem": "0.1.1"})
    page.write(Results(tmp_path))
    html = (tmp_path / "docs" / "page.html").read_text()
    assert 'class="mark first alarm"' in html
    assert html.count("</script>") == 2  # what was printed can't end the data
    assert "somebody" not in html
    assert "red" in html
    assert "and/or https://example.org/a/b" in html
    text = (tmp_path / "docs" / "index.md").read_text()
    assert "| torchmortem | 0.1.1 | 1 of 1 |" in text
    assert (
        json.loads((tmp_path / "docs" / "results.json").read_text())["all"]["torchmortem"][
            "alarmed"
        ]
        == 1
    )


def test_what_trains_in_processes_of_its_own_is_asked_of_assay_alone() -> None:
    source = "import torch.multiprocessing as mp\nmp.start_processes(train, nprocs=2)\n"
    assert "processes" in find("torch-audit")().applies(source)
    assert "processes" in find("lightning")().applies("import lightning\n" + source)
    assert find("assay")().applies(source) == ""
    assert find("torch-audit")().applies("from torch.amp import GradScaler") == ""
    assert "Lightning" in find("lightning")().applies("import torch")
