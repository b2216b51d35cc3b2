"""The viewer in a real browser: curves grow by themselves, nothing is blocked, words stay words."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from assay.testing.folders import append_lines, optimizer_line, steps_line, write_run
from assay.viewer import Viewer

RUN, FAILED, HOSTILE = "20260401-101500-train", "20260402-101500-train", '20260403-<b>"&'
pytestmark = pytest.mark.timeout(900)  # a browser may take long to start on a busy machine


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A page that must have nothing to complain of."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    page.set_default_timeout(120_000)
    yield page
    page.close()
    assert said == []


def legend(tab: Any, key: str) -> dict[str, str]:
    """What the legend of a plot says of each curve."""
    rows = tab.locator(f'[data-plot="{key}"] .u-legend .u-series').all()
    pairs = [(r.locator(".u-label").inner_text(), r.locator(".u-value").inner_text()) for r in rows]
    return dict(pairs[1:])  # the first is the step


def shown(tab: Any, where: str, text: str, within_s: float = 20) -> None:
    """Waits for a text; as a string of JavaScript the policy would refuse it."""
    exactly = re.compile(f"^{re.escape(text)}$")
    tab.locator(where).filter(has_text=exactly).wait_for(timeout=1000 * within_s)


def test_curves_grow(tab: Any, viewer: Viewer, base: Path) -> None:
    run = write_run(base / "live", [optimizer_line(), steps_line(0, [2.0] * 30)], ended=False)
    tab.goto(f"{viewer.address}run/live/")
    tab.wait_for_selector('[data-plot="loss"] canvas')
    assert tab.inner_text('[data-steps="0"]') == "30 steps"
    assert legend(tab, "loss") == {"training": "2"}
    append_lines(run, [steps_line(30, [0.25] * 70)])
    shown(tab, '[data-steps="0"]', "100 steps", within_s=2)
    assert legend(tab, "loss") == {"training": "0.25"}
    assert tab.inner_text('[data-state="0"]') == "running"
    write_run(run)  # its end goes on record
    tab.wait_for_selector(".badge.healthy")
    assert tab.inner_text('[data-state="0"]') == "ended"
    assert tab.evaluate("document.documentElement.dataset.ready") == "done"


def test_a_zoomed_plot_stays_where_it_is(tab: Any, viewer: Viewer, base: Path) -> None:
    run = write_run(base / "live", [optimizer_line(), steps_line(0, [2.0] * 100)], ended=False)
    tab.goto(f"{viewer.address}run/live/")
    plot = tab.locator('[data-plot="loss"] .canvas')
    plot.wait_for()
    assert tab.locator("#all-steps").is_disabled()
    plot.press("+")
    assert tab.locator("#all-steps").is_enabled()
    append_lines(run, [steps_line(100, [1.0] * 50)])
    shown(tab, '[data-steps="0"]', "150 steps")
    assert tab.locator("#all-steps").is_enabled()
    tab.click("#all-steps")
    assert tab.locator("#all-steps").is_disabled()
    tab.click("#log-steps")
    append_lines(run, [steps_line(150, [0.5] * 50)])
    shown(tab, '[data-steps="0"]', "200 steps")
    assert legend(tab, "loss") == {"training": "0.5"}


def test_two_runs_are_chosen_and_compared(tab: Any, viewer: Viewer) -> None:
    tab.goto(viewer.address)
    tab.check(f'input[value="{RUN}"]')
    tab.check(f'input[value="{FAILED}"]')
    tab.click("text=Compare two runs")
    tab.wait_for_selector('[data-plot="loss"] canvas')
    assert set(re.findall(r"run=([^&]+)", tab.url)) == {RUN, FAILED}
    values = legend(tab, "loss")
    assert values == {"A training": "3", "B training": "0.5", "B held-out": "1"}
    colours = tab.evaluate(
        """[...document.querySelectorAll('[data-plot="loss"] .u-series .u-marker')]
           .map((each) => getComputedStyle(each).backgroundColor)"""
    )
    assert len(set(colours[-3:])) == 3


def test_hostile_words_are_shown(tab: Any, viewer: Viewer) -> None:
    for path in ("", f"run/{quote(HOSTILE)}/", f"run/{quote(HOSTILE)}/report.html",
                 f"compare?run={quote(HOSTILE)}&run={RUN}"):  # fmt: skip
        tab.goto(viewer.address + path)
        tab.wait_for_load_state("networkidle")
        assert tab.locator("img").count() == 0
        assert "<img src=x onerror=alert(1)>" in tab.inner_text("body")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone(tab: Any, viewer: Viewer, scheme: str) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.emulate_media(color_scheme=scheme)
    for path in ("", f"run/{RUN}/", f"compare?run={RUN}&run={FAILED}"):
        tab.goto(viewer.address + path)
        if path:
            tab.wait_for_selector('[data-plot="loss"] canvas')
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", paper)[:3])) > 600) is (scheme == "light")


def test_the_list_follows(tab: Any, viewer: Viewer, base: Path) -> None:
    run = write_run(base / "live", [optimizer_line(), steps_line(0, [2.0] * 30)], ended=False)
    tab.goto(viewer.address)
    assert tab.locator('[data-run="live"] .steps').inner_text() == "30"
    append_lines(run, [steps_line(30, [0.125] * 30)])
    shown(tab, '[data-run="live"] .steps', "60")
    assert tab.locator('[data-run="live"] .loss').inner_text() == "0.125"
    write_run(base / "newer", [steps_line(0, [1.0] * 3)])
    tab.wait_for_selector('[data-run="newer"]')
