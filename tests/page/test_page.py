"""What the page says and holds, without a browser."""

import base64
import json
import math
import re
import time
from array import array
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.diagnosis import Diagnosis
from assay.journal.series import Series
from assay.journal.view import Event, RunView
from assay.report import Report, make_report
from assay.report.page import render_page, write_page
from assay.report.page.curves import marks, panels
from assay.report.page.data import held_out_inputs
from assay.report.page.document import policy
from assay.report.page.layers import FIRST, LAST, MISSING, NOT_FINITE, ZERO, layers
from assay.report.page.phases import first_steps
from assay.report.page.setup import facts
from assay.report.page.thinning import thinned
from assay.testing import make_run, make_training

STYLE = Path(__file__).parents[2] / "src/assay/report/page/static/page.css"


def embedded(text: str) -> Any:
    """The data of a page."""
    found = re.search(r'<script type="application/json" id="assay-data">(.*?)</script>', text)
    assert found
    return json.loads(found[1])


# -- thinning --------------------------------------------------------------------------------------


def test_a_spike_of_one_step_survives() -> None:
    values = [1.0 + 0.001 * (step % 7) for step in range(50_000)]
    values[31_234], values[44_444] = 99.0, -5.0
    curve = thinned(Series(enumerate(values)), 500)
    assert len(curve["x"]) <= 1002
    assert dict(zip(curve["x"], curve["y"], strict=True)) | {31_234: 99.0, 44_444: -5.0} == dict(
        zip(curve["x"], curve["y"], strict=True)
    )
    assert curve["x"] == sorted(curve["x"])
    assert curve["x"][0] == 0
    assert curve["x"][-1] == 49_999
    assert curve["bad"] == []


@pytest.mark.parametrize("count", [10, 5000])
def test_what_is_not_finite_is_told_by_its_steps(count: int) -> None:
    values = [float(step) for step in range(count)]
    values[3] = math.nan
    values[7] = values[8] = math.inf
    curve = thinned(Series(enumerate(values)), 50)
    assert curve["bad"] == [[3, 3], [7, 8]]
    assert not {3, 7, 8} & set(curve["x"])
    assert all(map(math.isfinite, curve["y"]))


def test_nothing_finite_is_no_curve_but_is_told() -> None:
    curve = thinned(Series(enumerate([math.nan] * 4000)), 50)
    assert curve == {"x": [], "y": [], "bad": [[0, 3999]]}


# -- curves ----------------------------------------------------------------------------------------


def titles(view: RunView) -> list[str]:
    return [panel.title for panel in panels(view)]


def test_what_was_not_recorded_has_no_panel() -> None:
    assert titles(make_run(loss=[3.0, 2.0, 1.0])) == ["Loss"]
    assert titles(make_run(loss=[1.0], grad_norm={"": [1.0, 2.0]})) == ["Gradient norm"]


def test_a_scale_is_logarithmic_where_values_are_far_apart() -> None:
    def scale(values: Iterable[float], **more: Any) -> bool:
        data = panels(make_run(grad_norm={"": list(values)}, **more))[0].as_data()
        return bool(data["log"])

    assert scale([1e-4, 1.0])
    assert not scale([0.5, 1.0])
    assert not scale([0.0, 1.0])


def test_a_rate_that_never_changes_is_drawn_to_the_end() -> None:
    view = make_run(loss=[1.0] * 50, learning_rate={"group 0": {0: 0.1}})
    rate = next(panel for panel in panels(view) if panel.key == "rate")
    assert rate.as_data()["lines"][0]["x"] == [0, 49]
    assert rate.as_data()["stepped"]


def test_update_ratio_is_that_of_largest_median_and_smallest_layer() -> None:
    norms = {f"{i}.weight": [2.0] * 3 for i in range(3)}
    moved = {f"{i}.weight": [0.2 * 10**-i] * 3 for i in range(3)}
    view = make_run(weight_norm=norms, update_norm=moved)
    panel = next(panel for panel in panels(view) if panel.key == "update")
    assert [label for label, _ in panel.lines] == ["largest", "median", "smallest"]
    assert [series.first for _, series in panel.lines] == pytest.approx([0.1, 0.01, 0.001])


# -- layers ----------------------------------------------------------------------------------------


def two_phases(began: int = 200, second: int = 145) -> Report:
    """Pre-training, of which 32 steps are sampled, then fine-tuning."""
    first = make_training(loss=[2.0] * 200, grad_norm=[1.0] * 32)
    later = make_training(index=1, optimizer="Adam", loss=[1.0] * second, grad_norm=[3.0] * 32)
    later.began = began
    return make_report(make_run(first, later), [])


def test_phases_follow_one_another_and_are_marked() -> None:
    text = render_page(two_phases())
    data = embedded(text)
    assert data["steps"] == 345
    assert data["phases"] == [
        {"step": 0, "label": "SGD #0"}, {"step": 200, "label": "Adam #1"},
    ]  # fmt: skip
    loss = next(panel for panel in data["curves"] if panel["key"] == "loss")
    assert [(line["x"][0], line["x"][-1]) for line in loss["lines"]] == [(0, 199), (200, 344)]
    assert not loss["own"]
    assert "SGD #0 from step 0, Adam #1 from step 200." in " ".join(text.split())


def test_trainings_that_take_turns_are_no_phases() -> None:
    data = embedded(render_page(two_phases(began=1, second=200)))
    assert (data["steps"], data["phases"]) == (200, [])


@pytest.mark.parametrize(("steps", "own"), [(345, True), (40, False)])
def test_sampled_curves_say_so_and_lie_on_their_own_steps(steps: int, own: bool) -> None:
    run = make_run(loss=[1.0] * steps, grad_norm=[2.0] * 32)
    curves = embedded(render_page(make_report(run, [])))["curves"]
    panel = next(panel for panel in curves if panel["key"] == "gradient")
    assert panel["own"] is own
    assert f"Sampled on 32 of {steps} steps, 0 to 31" in panel["about"]
    assert panel["about"].endswith("drawn on these.") is own
    assert "Sampled" not in next(p for p in curves if p["key"] == "loss")["about"]


def test_a_finding_of_a_later_phase_is_marked_there() -> None:
    report = two_phases()
    finding = Finding("c", "loss", "error", "exact", "s", "w", steps=(20, 30), training=1)
    (mark,) = marks(
        replace(report, diagnosis=Diagnosis((finding,), (), {})), first_steps(report.view)
    )
    assert (mark["step"], mark["own"], mark["of"]) == (220, 20, "Adam #1")


def test_a_cell_comes_back_as_it_was() -> None:
    view = make_run(grad_norm={"a.weight": [1e-6, 0.0, math.nan, 1.0], "b.weight": {0: 1e-3}})
    (heat,) = layers(view, {})["maps"]
    codes = array("H")
    codes.frombytes(base64.b64decode(heat["cells"]))
    assert heat["rows"] == ["a.weight", "b.weight"]
    assert list(codes[::2][:4]) == list(codes[1::2][:4])
    tiny, zero, wrong, one = codes[:8:2]
    assert (zero, wrong) == (ZERO, NOT_FINITE)
    assert list(codes[10:]) == [MISSING] * 6

    def value(code: int) -> float:
        part = (code - FIRST) / (LAST - FIRST)
        return float(heat["low"] * (heat["high"] / heat["low"]) ** part)

    assert value(tiny) == pytest.approx(1e-6, rel=1e-3)
    assert value(one) == pytest.approx(1.0, rel=1e-3)
    assert value(codes[8]) == pytest.approx(1e-3, rel=1e-3)


def test_a_share_that_is_nought_everywhere_has_no_map() -> None:
    view = make_run(grad_zero_share={"a.weight": [0.0] * 5}, activation_std={"a": [1.0] * 5})
    assert [heat["key"] for heat in layers(view, {})["maps"]] == ["activation_std"]
    view = make_run(grad_nonfinite_share={"a.weight": [0.0, 0.0, 0.5]})
    assert [heat["key"] for heat in layers(view, {})["maps"]] == ["grad_nonfinite_share"]


def test_a_very_deep_model_is_thinned_and_says_so() -> None:
    view = make_run(activation_std={str(i): [1.0, 2.0] for i in range(1000)})
    (heat,) = layers(view, {})["maps"]
    assert (len(heat["rows"]), heat["left_out"]) == (400, 600)


# -- the file --------------------------------------------------------------------------------------


def test_an_hours_run_is_small_and_soon_written(long_report: Report, tmp_path: Path) -> None:
    began = time.process_time()  # of this process alone, however busy the machine is
    write_page(long_report, tmp_path / "report.html")
    took = time.process_time() - began
    size = (tmp_path / "report.html").stat().st_size
    print(f"{size / 1e6:.2f} MB in {took:.2f} s")
    assert size < 2e6
    assert took < 2
    data = embedded((tmp_path / "report.html").read_text(encoding="utf-8"))
    loss = data["curves"][0]["lines"][0]
    assert loss["y"][loss["x"].index(54_321)] == 90.0
    assert len(data["layers"]["maps"][0]["rows"]) == 200


def test_no_text_can_end_the_data(hostile_page: Path, hostile: str) -> None:
    text = hostile_page.read_text(encoding="utf-8")
    assert text.count("<script") == text.count("</script>") == 3
    assert "<img" not in text
    assert hostile not in text
    data = embedded(text)
    assert data["layers"]["maps"][0]["rows"][0].startswith(hostile)
    assert "<!--" not in text.split("assay-data")[1]


def test_the_policy_allows_our_own_script_and_style_only() -> None:
    said = dict(part.strip().split(" ", 1) for part in policy().split(";"))
    assert said["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/=]+' 'sha256-[\w+/=]+'", said["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/=]+'", said["style-src"])
    assert "unsafe" not in policy()


def test_nothing_is_loaded_from_anywhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "https://github.com/leeoniya/uPlot"}
    links = re.findall(r"<(?:link|script|img|iframe)\s[^>]*?(?:src|href)=[\"'](.{5})", text)
    assert links == ["data:"]


def test_an_unseen_run_says_so_and_shows_no_empty_parts() -> None:
    text = render_page(make_report(RunView(), ()))
    assert "Not observed" in text
    for part in ("Curves", "Layers", "Data", "Trial"):
        assert f"<h2 id={part.lower()}" not in text
        assert f'id="{part.lower()}-title"' not in text


def test_inputs_of_evaluations_stand_beside_those_of_training() -> None:
    shown = make_run(
        loss=[1.0] * 9,
        input_min={"input 0": [-2.0, -3.0]}, input_max={"input 0": [2.0, 3.0]},
        input_mean={"input 0": [0.0, 0.1]}, input_std={"input 0": [1.0, 1.0]},
        eval_input_min={"input 0": [0.0]}, eval_input_max={"input 0": [255.0]},
        eval_input_mean={"input 0": [127.0]}, eval_input_std={"input 0": [70.0]},
        events=[Event("eval_input", 0, {"place": "input 0", "shape": [9, 4], "dtype": "float32"})],
    )  # fmt: skip
    (row,) = held_out_inputs(shown)
    assert (row["shape"], row["range"], row["mean"], row["std"]) == (
        "9 × 4", "0 to 255", "127", "70",
    )  # fmt: skip
    assert "Inputs in evaluations" in render_page(make_report(shown, ()))
    assert "Inputs in evaluations" not in render_page(make_report(make_run(loss=[1.0] * 9), ()))


def test_what_is_not_seen_into_stands_in_the_set_up() -> None:
    events = [
        Event("compile", 0, {"target": "Net"}, None),
        Event("checkpointing", 0, {}, None),
        Event("hook_registered", 0, {"of": "tensor"}, None),
    ]
    run = make_run(loss=[1.0] * 9, events=events)
    run.skipped["activations"] = "compiled: calls inside torch.compile can't be watched"
    lists = dict(facts(make_report(run, ())))
    assert lists["Not seen into"] == [
        ("torch.compile", "Net"),
        ("activation checkpointing", "its graphs are not read"),
        ("autograd hooks on", "tensor"),
        ("activations", "compiled: calls inside torch.compile can't be watched"),
    ]
    assert "Not seen into" not in dict(facts(make_report(make_run(loss=[1.0] * 9), ())))


def test_a_healthy_run_is_told_from_one_that_no_check_could_look_at() -> None:
    from assay.checks.registry import CHECKS

    view = make_run(loss=[1.0 / (1 + s) for s in range(100)])
    assert "Nothing wrong found" in render_page(make_report(view, CHECKS))
    assert "Not judged" in render_page(make_report(view, ()))


def contrast(one: str, other: str) -> float:
    """Ratio of luminances (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_at_least_aa(theme: str) -> None:
    blocks = re.findall(r"\{([^{}]*--paper: [^{}]*)\}", STYLE.read_text(encoding="utf-8"))
    assert len(blocks) == 3
    assert dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[1])) == dict(
        re.findall(r"--([\w-]+): (#\w{6})", blocks[2])
    ), "the two ways into the dark are the same"
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[0 if theme == "light" else 1]))
    grounds = [colours[name] for name in ("paper", "card", "sunk")]
    for name in ("ink", "muted", "brand", "error", "warning", "note", "healthy", "limit"):
        for ground in grounds:
            assert contrast(colours[name], ground) >= 4.5, (name, ground)
    for name in ("error", "warning", "note", "healthy"):
        assert contrast(colours[name], colours[f"{name}-wash"]) >= 4.5, name
    for name in (f"line-{i}" for i in range(1, 9)):
        assert contrast(colours[name], colours["card"]) >= 3, name


# -- ranks -----------------------------------------------------------------------------------------


def ranks(count: int) -> RunView:
    trainings = []
    for rank in range(count):
        slow = 2.0 if rank == 5 else 1.0
        training = make_training(
            index=rank,
            process=rank,
            loss=[3.0 - rank / 100, 2.0],
            grad_norm=[1.0, 1.0],
            time_s={0: 10.0 * rank, 10: 10.0 * rank + 10 * slow, 20: 10.0 * rank + 20 * slow},
            data_wait_s=[0.1, 0.1 * slow],
        )
        training.rank = rank
        trainings.append(training)
    return make_run(*trainings, facts={"world": count})


def test_ranks_stand_on_the_same_axes() -> None:
    found = {panel.key: panel for panel in panels(ranks(3)) if panel.key.endswith("-ranks")}
    assert list(found) == ["loss-ranks", "gradient-ranks", "time-ranks", "wait-ranks"]
    for panel in found.values():
        assert [label for label, _ in panel.lines] == ["rank 0", "rank 1", "rank 2"]
    assert [list(series.values) for _, series in found["loss-ranks"].lines] == [
        [3.0, 2.0], [2.99, 2.0], [2.98, 2.0],
    ]  # fmt: skip
    assert [list(series) for _, series in found["time-ranks"].lines] == [[(10, 1.0), (20, 1.0)]] * 3
    assert not any(panel.key.endswith("-ranks") for panel in panels(ranks(1)))


def test_of_many_ranks_the_extremes_are_drawn_and_the_slow_one_named() -> None:
    found = {panel.key: panel for panel in panels(ranks(64)) if panel.key.endswith("-ranks")}
    time_panel = found["time-ranks"]
    assert time_panel.band
    drawn = {label: list(series.values) for label, series in time_panel.lines}
    assert drawn == {"highest": [2.0, 2.0], "median": [1.0, 1.0], "lowest": [1.0, 1.0]}
    assert "64 ranks. Rank 5 is the highest at 100% of these steps." in time_panel.about
    assert "Rank" not in found["gradient-ranks"].about
