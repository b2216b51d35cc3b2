"""The handbook's pages: whole, in both languages, and their links and numbers up to date."""

from __future__ import annotations

import importlib.util
import random
import re
import string
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from assay.checks.registry import CHECKS
from assay.handbook.catalogue import NAMES, experiment, page
from assay.tricks.catalogue import TRICKS

ROOT = Path(__file__).resolve().parents[2]
HEADINGS = {
    "en": ["Formula", "The experiment", "What people get wrong",
           "What assay looks at, and what acts here", "References"],
    "zh": ["公式", "实验", "常见误解", "assay 检查什么，什么技巧起作用", "参考文献"],
}  # fmt: skip
CHEAP = ("nan", "number-formats", "clipping", "accumulation", "gan")
"""Experiments of a few milliseconds, whose numbers do not depend on the machine."""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("handbook", ROOT / "tools" / "make_handbook.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(name: str, language: str) -> str:
    folder = ROOT / "docs" if language == "en" else ROOT / "docs" / language
    return (folder / "handbook" / f"{name}.md").read_text(encoding="utf-8")


def fields(template: str) -> Counter[tuple[str, str]]:
    parsed = string.Formatter().parse(template)
    return Counter((name, spec or "") for _, name, spec, _ in parsed if name)


def numbers(text: str) -> Counter[str]:
    """The numbers of a text; of a thousand with and without a comma the same."""
    return Counter(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3})", "", text)))


def disagreements(en: str, zh: str) -> list[str]:
    """What the two languages of a page do not have in common, of what they must."""
    problems = []
    kinds = {
        "numbers": numbers,
        "code": lambda text: Counter(re.findall(r"`[^`\n]+`", text)),
        "links": lambda text: Counter(
            target.rpartition("/")[2] for target in re.findall(r"\]\(([^)]+)\)", text)
        ),
    }
    for kind, found in kinds.items():
        ours, theirs = found(en), found(zh)
        if ours != theirs:
            problems.append(f"{kind}: only en {dict(ours - theirs)}, only zh {dict(theirs - ours)}")
    return problems


def by_hand(text: str) -> str:
    """What of a page no tool has made: without the figure and its list, and the formula's words."""
    text = re.sub(r"<!-- shown: .*?<!-- /shown -->", "", text, flags=re.DOTALL)
    return text.partition("\n*[")[0] + text.partition("`*\n")[2]  # without the line of languages


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_all_its_parts(name: str, language: str) -> None:
    text = text_of(name, language)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS[language]
    question = page(name).question[language == "zh"]
    assert text.splitlines()[0] == f"# {question}"
    assert f"`assay learn {name}`" in text
    other = f"../zh/handbook/{name}.md" if language == "en" else f"../../handbook/{name}.md"
    assert f"]({other})" in text


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_say_the_same_numbers_and_names(name: str) -> None:
    assert disagreements(by_hand(text_of(name, "en")), by_hand(text_of(name, "zh"))) == []
    for en, zh in page(name).shows:
        assert fields(en) == fields(zh)
        bare = [re.sub(r"\{[^}]*\}", "", line) for line in (en, zh)]
        assert numbers(bare[0]) == numbers(bare[1]), (en, zh)


def test_what_disagrees_is_named() -> None:
    assert disagreements("at 1,024 `a`", "在 1024 `a`") == []
    assert len(disagreements("0.5 `a` [x](y/b.md)", "0.6 `c` [x](../c.md)")) == 3


@pytest.mark.parametrize("name", NAMES)
def test_the_checks_and_tricks_of_a_page_exist(name: str) -> None:
    assert set(page(name).checks) <= {check.name for check in CHECKS}
    assert set(page(name).tricks) <= {trick.name for trick in TRICKS}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_links_and_lists_are_up_to_date(tool: ModuleType, language: str) -> None:
    stale = [
        path.name
        for path, text in tool.words(language).items()
        if path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run tools/make_handbook.py --words"
    pages = {path.name for path in tool.FOLDERS[language].glob("*.md")}
    assert pages == {f"{name}.md" for name in (*NAMES, "index", "checklist")}


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_there_in_both_languages(tool: ModuleType, name: str) -> None:
    for language in ("en", "zh"):
        drawn = (tool.FIGURES / tool.figure_name(name, language)).read_text(encoding="utf-8")
        assert f"<title>{page(name).question[language == 'zh']}</title>" in drawn
        for plot in page(name).plots:
            assert plot.title[language == "zh"] in drawn, "run tools/make_handbook.py"


@pytest.mark.parametrize("name", NAMES)
def test_titles_fit_into_the_figure(name: str) -> None:
    for plot in page(name).plots:
        for title in plot.title:  # bold, 14 units high, in a figure 520 wide
            assert sum(15 if ord(sign) > 0x2E7F else 8.3 for sign in title) <= 505, title


def as_told(template: str) -> str:
    """A pattern for a line with any numbers in its places."""
    parts = string.Formatter().parse(template)
    return "".join(re.escape(said) + (r"\S+" if name else "") for said, name, _, _ in parts)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_quotes_what_its_experiment_says_now(name: str, language: str) -> None:
    found = re.search(r"<!-- shown: .*?<!-- /shown", text_of(name, language), re.DOTALL)
    assert found
    quoted = re.findall(r"^- (.+)$", found[0], re.MULTILINE)
    templates = [line[language == "zh"] for line in page(name).shows]
    assert len(quoted) == len(templates), "run tools/make_handbook.py"
    for line, template in zip(quoted, templates, strict=True):
        assert re.fullmatch(as_told(template), line), "run tools/make_handbook.py"


@pytest.mark.parametrize("name", CHEAP)
def test_the_numbers_of_a_page_are_those_of_its_experiment(tool: ModuleType, name: str) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random.seed(0)
    measured = experiment(name)()
    torch.set_num_threads(threads)
    for language in ("en", "zh"):
        text = text_of(name, language)
        assert tool.block(text, "shown", tool.shown(name, measured, language)) == text


def test_a_page_without_the_block_is_refused(tool: ModuleType) -> None:
    with pytest.raises(SystemExit, match="no block <!-- shown"):
        tool.block("# A page", "shown", "")
