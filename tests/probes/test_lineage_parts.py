"""The parts of a slice through a script: what binds a name, which loop a call stands in."""

from __future__ import annotations

import ast
from types import SimpleNamespace
from typing import Any

import pytest

from assay.watching import lineage
from assay.watching.lineage import Lineage, unlike


def statement(text: str) -> ast.stmt:
    return ast.parse(text).body[0]


def value(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("x = y / 255", True),
        ("x = y - mean", True),
        ("x = y * 2", True),
        ("x = y + 1", False),
        ("x = y @ w", False),
        ("x /= 255", True),
        ("x -= 1", True),
        ("x *= 2", True),
        ("x += 1", False),
        ("x = y.div_(255)", True),
        ("x = y.sub(3)", True),
        ("x = normalize(y)", True),
        ("x = load(y, normalize=True)", True),
        ("x = load(y)", False),
        ("x = y", False),
    ],
)
def test_what_computes_with_numbers(text: str, changes: bool) -> None:
    assert lineage._changes(statement(text)) is changes


@pytest.mark.parametrize(
    ("text", "called"),
    [("f(x)", "f"), ("a.b.f(x)", "f"), ("x", ""), ("f(x)[0]", ""), ("f(x)(y)", "")],
)
def test_what_is_called(text: str, called: str) -> None:
    assert lineage._called(value(text)) == called


@pytest.mark.parametrize(
    ("target", "name", "directly", "anywhere"),
    [
        ("x", "x", True, True),
        ("y", "x", False, False),
        ("x[0]", "x", True, True),
        ("self.x", "self.x", True, True),
        ("self.x[1:]", "self.x", True, True),
        ("self.x", "x", False, False),
        ("(a, x)", "x", False, True),
        ("(a, (b, *x))", "x", False, True),
        ("[x, b]", "x", False, True),
        ("(a, b)", "x", False, False),
    ],
)
def test_targets_that_bind_a_name(target: str, name: str, directly: bool, anywhere: bool) -> None:
    made: Any = statement(f"{target} = value")
    assert lineage._is(made.targets[0], name) is directly
    assert lineage._binds(made.targets[0], name) is anywhere


@pytest.mark.parametrize(
    ("text", "name", "parts"),
    [
        ("x = f(a)", "x", ["f(a)"]),
        ("a, x = f(p), g(q)", "x", ["g(q)"]),
        ("a, x = f(p), g(q)", "a", ["f(p)"]),
        ("a, x = both", "x", ["both"]),
        ("a, x = p, q, r", "x", ["(p, q, r)"]),
        ("a, x = (f(v) for v in (p, q))", "x", ["q"]),
        ("a, x = [f(v) for v in [p, q]]", "a", ["p"]),
        ("a, x = [f(v) for v in (p, q, r)]", "x", ["[f(v) for v in (p, q, r)]"]),
        ("a, x = [f(v) for w in p for v in (w, q)]", "x",
         ["[f(v) for w in p for v in (w, q)]"]),
        ("a, (b, x) = f(p), g(q)", "x", ["g(q)"]),
        ("a, b = p, q", "x", []),
    ],
)  # fmt: skip
def test_the_part_that_goes_to_a_name(text: str, name: str, parts: list[str]) -> None:
    made: Any = statement(text)
    found = lineage._parts(made.targets[0], made.value, name)
    assert [ast.unparse(part) for part in found] == parts


SCRIPT = """
x = f(a)
for x, y in load(b):
    x = x / 2
x += c
x: int = d
with f(e) as x:
    pass
x.div_(g)
x.div(h)
y = [x for x in i]
def inner():
    x = j
class Model:
    def method(self):
        self.x = k
z = lambda x: x
x = y = l
async def other():
    async for x in m:
        pass
"""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("x", [(2, "f(a)"), (3, "load(b)"), (5, "c"), (6, "d"), (9, "x.div_(g)"), (18, "l"),
               (4, "x / 2"), (7, "f(e)"), (11, "i")]),
        ("y", [(3, "load(b)"), (11, "[x for x in i]"), (18, "l")]),
        ("q", []),
    ],
)  # fmt: skip
def test_what_binds_a_name_of_the_module(name: str, found: Any) -> None:
    made = lineage._bindings(ast.parse(SCRIPT), name, whole=False)
    told = [(node.lineno, ast.unparse(part)) for node, part in made]  # type: ignore[attr-defined, arg-type]
    assert sorted(told) == sorted(found)


def test_what_binds_an_attribute_and_a_name_of_a_function() -> None:
    tree = ast.parse(SCRIPT)
    ((node, part),) = lineage._bindings(tree, "self.x", whole=True)
    assert (node.lineno, ast.unparse(part)) == (16, "k")  # type: ignore[attr-defined, arg-type]
    inner = tree.body[8]
    ((node, part),) = lineage._bindings(inner, "x", whole=False)
    assert (node.lineno, ast.unparse(part)) == (13, "j")  # type: ignore[attr-defined, arg-type]
    assert list(lineage._bindings(None, "x", whole=False)) == []


@pytest.mark.parametrize(
    ("line", "lines"),
    [(4, [3, 4]), (3, [3, 4]), (5, [2, 3, 4, 5, 6, 7, 9, 18]), (11, [11])],
)
def test_bindings_that_a_line_sees(line: int, lines: list[int]) -> None:
    bound = list(lineage._bindings(ast.parse(SCRIPT), "x", whole=False))
    found = lineage._reaching(bound, line)
    assert sorted(node.lineno for node, _ in found) == lines  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("f(x, y[i])", {"f", "x", "y", "i"}),
        ("self.data", {"self.data"}),
        ("other.data", {"other"}),
        ("self", set()),
        ("[v for v in x]", {"v", "x"}),
    ],
)
def test_names_that_are_read(text: str, names: set[str]) -> None:
    assert set(lineage._names(value(text))) == names


LOOPS = """
first(x)
for a in b:
    while c:
        second(x)
def f():
    for a in b:
        third(x)
    fourth(x)
    def g():
        fifth(x)
while True:
    for a in b:
        sixth(x)
"""


@pytest.mark.parametrize(
    ("called", "line"),
    [("first", 2), ("second", 3), ("third", 6), ("fourth", 6), ("fifth", 10), ("sixth", 12)],
)
def test_the_loop_or_function_around_a_call(called: str, line: int) -> None:
    tree = ast.parse(LOOPS)
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    (call,) = [n for n in calls if lineage._called(n) == called]
    assert lineage._loop_of(tree, call) == line


def test_the_function_of_a_code() -> None:
    tree = ast.parse("@d\n@e\ndef f():\n    pass\ndef g():\n    pass\ndef f():\n    pass\n")
    for name, first, line in (("f", 1, 3), ("f", 7, 7), ("g", 5, 5), ("g", 6, None)):
        code = SimpleNamespace(co_name=name, co_firstlineno=first)
        found: Any = lineage._function(tree, code)
        assert (found and found.lineno) == line


def made(call: int, **more: Any) -> Lineage:
    return Lineage("train.py", call, **more)


@pytest.mark.parametrize(
    ("training", "held_out", "line"),
    [
        (None, None, None),
        (None, made(9), 9),
        (made(5), None, None),
        (made(5, made=[1, 2]), made(9, made=[1, 3], changes={3}), 3),
        (made(5, made=[1, 2], changes={2}), made(9, made=[1, 3]), 2),
        (made(5, made=[1, 2], changes={2}), made(9, made=[1, 3], changes={3}), 3),
        (made(5, made=[1, 2], changes={1, 2}), made(9, made=[1, 2, 4], changes={1, 2}), 4),
        (made(5, made=[1, 2], changes={2}), made(9, made=[1], near=[2, 9]), 9),
        (made(5, made=[1], near=[4, 5], changes={4}), made(9, made=[1, 3]), 9),
        (made(5, made=[1]), made(9, made=[1, 3, 4], loaders={4}), 3),
        (made(5, made=[1]), made(9, made=[1, 3, 4], loaders={3, 4}), 4),
        (made(5, made=[1]), made(9, made=[1]), 9),
        (made(5, made=[2], changes={2}, callees={2: "load"}),
         made(9, made=[3, 4], callees={3: "load", 4: "read"}), 3),
        (made(5, made=[2], changes={2}, callees={2: "load"}),
         made(9, made=[4], callees={4: "read"}), 2),
    ],
)  # fmt: skip
def test_where_two_were_made_in_different_ways(training: Any, held_out: Any, line: Any) -> None:
    assert unlike(training, held_out) == (line and ("train.py", line))


def test_another_file_is_not_compared() -> None:
    other = Lineage("other.py", 9, made=[3], changes={3})
    assert unlike(made(5, made=[1], changes={1}), other) == ("other.py", 9)
