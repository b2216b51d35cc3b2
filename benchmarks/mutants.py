"""Do the tests notice when a measured number is wrong?

Changes one operator, number, name or statement at a time in the probes, in what they measure with,
and in the derived signals, and runs the tests that execute the changed line until one fails. All of
it happens in forks of one process that has imported torch and collected the tests, so that a mutant
costs a fork and the tests it takes to kill it.

    python benchmarks/mutants.py --sample 1500 --keep kept.json --markdown benchmarks/mutants.md

`--only probes/gradients` looks at some files only. `--sample 1500` draws as many of all mutants, by
a digest of their text and of `--seed`: the same ones next time, and wherever it is cut off, what is
done is a sample of them all. `--keep FILE` goes on where an interrupted run was, with `--again` at
its survivors; `--report` runs nothing and says what FILE has. Beside it lies which test executes
which line, so that only tests and files that have changed are traced anew. Scripts that a test
would run in a process of their own are run in a fork as well, so that they see the mutant. Limits
of time are CPU seconds, so that a busy machine kills no mutant.

`--markdown` writes its part of the page, below the line that says so; what stands above is kept.

What is no mutant: text, annotations, defaults of arguments and of the fields of data, from which
frame on a line of the user's is looked for (frames of ours are passed over anyway), and limits of
what is kept (numbers of 50 and more, names in `AT_MOST`), whose exact value means nothing.
`EQUIVALENT` names mutants that change no number, each with its reason.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import json
import math
import os
import pickle
import runpy
import shutil
import signal
import sys
import tempfile
import time
import types
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "assay"
TARGETS = ("probes/**/*.py", "signals/**/*.py", "watching/*.py")
TESTS = ("tests/probes", "tests/seams", "tests/signals", "tests/trials/test_range_test.py")
OWN_NAME, ANOTHER = 0.5, 0.1
"""How likely a test is taken to kill a mutant of a line that it executes, before it has shown it:
one of the file's own name, and another one; at least the part of its lines that lie in the file."""


REVIEW = (
    ("probes/gradient/gradients.py", "Gradients.on_gradients_ready",
     'put("grad_norm", name, length)', 'put("grad_norm", name, length * 0.8)'),
    ("probes/gradient/gradients.py", "Gradients.on_gradients_ready",
     'put("grad_norm", "", total(lengths))', 'put("grad_norm", "", total(lengths) * 1.5)'),
    ("probes/gradient/gradients.py", "Gradients.on_gradients_ready",
     'put("grad_max", name, largest(g))', 'put("grad_max", name, 0.0)'),
    ("probes/gradient/gradients.py", "Gradients.on_gradients_ready",
     'put("grad_zero_share", name, zero_share(g))',
     'put("grad_zero_share", name, 1 - zero_share(g))'),
    ("probes/gradient/gradients.py", "Gradients.on_gradients_ready",
     'put("weight_norm", name, length)', 'put("weight_norm", name, length * 1.5)'),
    ("probes/gradient/gradients.py", "Gradients.on_step_end",
     'put("update_norm", name, norm)', 'put("update_norm", name, norm * 2)'),
    ("probes/model/activations.py", "Activations._measure",
     "moments(chosen)[1]", "moments(chosen)[0]"),
    ("probes/model/activations.py", "Activations._measure",
     "zero_share(chosen)", "1 - zero_share(chosen)"),
    ("probes/loss/losses.py", "Losses._target",
     "right.sum() / counted.sum()", "1 - right.sum() / counted.sum()"),
    ("probes/loss/losses.py", "Losses._target",
     "-(share * share.clamp_min(1e-12).log()).sum()",
     "(share * share.clamp_min(1e-12).log()).sum()"),
    ("probes/data/batches.py", "input_numbers", '"std": found.std', '"std": found.std * 3'),
    ("probes/data/batches.py", "input_numbers",
     '"fingerprint": found.total', '"fingerprint": 0.0'),
)  # fmt: skip
"""Those of the review that found the numbers untested: all at once they had failed no test."""

ALWAYS = "the numbers on the other side of the product sum to 0"
UNUSED = "never used: overwritten before it is read"
SAME = "computed in another way to the same number within rounding: it costs time alone"
DEVICE = "runs on an accelerator alone, or where there are several"
BEFORE = "a step, or the beginning of a run, sets it before anything reads it"
CLEARED = "a backward pass clears it as well, and nothing is judged before one"
EQUIVALENT: dict[str, str] = {
    "signals/trend.py line: `i - centre` -> `i + centre` in `slope = sum(((i - centre) * (v - "
    "mean) for i, v in enumerate(values))) / spread`": ALWAYS,
    "signals/trend.py line: `v - mean` -> `v + mean` in `slope = sum(((i - centre) * (v - mean) "
    "for i, v in enumerate(values))) / spread`": ALWAYS,
    "signals/sweep.py local_line: `0.0` -> `1.0` in `value, slope = (0.0, 0.0)`": UNUSED,
    "signals/sweep.py local_line: `0.0` -> `1.0` in `value, slope = (0.0, 0.0)` #2": UNUSED,
    "signals/sweep.py local_line: `1.0` -> `3.0` in `whole = sum(weights) or 1.0`":
        "a sum of weights that is 0 divides sums that are 0 as well",
    "signals/stability.py peak_stress: `0.0` -> `1.0` in `peak, shares = (max(rates.values, "
    "default=0.0), [])`": "without a rate there is no share to multiply it with",
    "probes/gradient/clearing.py Clearing.__init__: `False` -> `True` in `self._passed = False`":
        "an iteration sets it before anything reads it",
    "probes/gradient/clearing.py Clearing.iteration_begins: without `self._cleared.clear()`":
        CLEARED,
    "probes/gradient/clearing.py Clearing.iteration_begins: without `self._judged.clear()`":
        CLEARED,
    "watching/measures.py module: `1e-12` -> `1.000000000002` in `SAFE = (1e-12, 1e+18)`":
        SAME,
    "watching/measures.py norms: `device.type != 'cpu'` -> `device.type == 'cpu'`":
        SAME,
    "watching/measures.py norms: `0` -> `1` in `if not SAFE[0] < value < SAFE[1]: results"
    "[at] = _scaled_norm(part[at])`":
        SAME,
    "watching/measures.py norm: `not tensor.is_cpu` -> `tensor.is_cpu` in `if not tensor."
    "is_cpu: return norms([tensor])[0]`":
        DEVICE,
    "watching/measures.py norm: `0` -> `1` in `return norms([tensor])[0]`":
        DEVICE,
    "watching/measures.py norm: `0` -> `1` in `return found if SAFE[0] < found.item() < S"
    "AFE[1] else _scaled_norm(tensor)`":
        SAME,
    "watching/measures.py _dot: `if not a.is_cpu` in `if a.is_cpu: found = torch.dot(_at_"
    "least_float32(a), _at_least_float32(b)) if SAFE[0] <...`":
        SAME,
    "watching/measures.py _dot: `0` -> `1` in `if SAFE[0] < abs(float(found)) < math.inf:"
    " return found`":
        SAME,
    "watching/measures.py moments: `not math.isfinite(std.item()) and math.isfinite(large"
    "st(values).item())` -> `not math.isfinite(std.item()) or math.isfinite(largest(value"
    "s).item())`":
        SAME,
    "watching/measures.py summary: `if not values.is_cpu` in `if values.is_cpu: mean, std"
    " = moments(values) if math.isfinite(std.item()): low, high =...`":
        SAME,
    "watching/clock.py Clock.forget: `0` -> `1` in `self._closures = 0`":
        BEFORE,
    "watching/clock.py Clock.forget: `0.0` -> `1.0` in `self._began = 0.0`":
        BEFORE,
    "watching/clock.py Clock.forget: `1.0` -> `3.0` in `self._whole_s, self._ended_in, self._"
    "ended = (1.0, 0, monotonic())`":
        BEFORE,
    "watching/clock.py Clock.forget: `0` -> `1` in `self._whole_s, self._ended_in, self._ende"
    "d = (1.0, 0, monotonic())`":
        "the first step lies in iteration 0, and so many iterations are one at least",
    "probes/questions/weights.py _numbers: `2.0` -> `5.0` in `most, least = (weights.amax(1),"
    " weights.masked_fill(~real, 2.0).amin(1))`":
        "any number above 1 is larger than a weight",
    "probes/questions/weights.py _scores: `1` -> `2` in `if mask.dim() == scores.dim() and ma"
    "sk.shape[0] > 1: mask = mask[:SAMPLES_AT_MOST]`":
        "of two samples the first 32 are both",
    "watching/gate.py Gate.__call__: `0.0` -> `1.0` in `start, start_cpu = (perf_counter(), t"
    "hread_time() if stands_for else 0.0)`":
        "never used: where no time is taken, none is charged",
}  # fmt: skip
"""`file function: change` -> why no test can tell it from the original."""


# -- what is changed ---------------------------------------------------------------------------

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
BOUNDARIES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
"""Only in signals: what is measured of tensors lies at a boundary by chance alone."""

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}  # fmt: skip
NAMES = {
    "any": "all", "all": "any", "min": "max", "max": "min", "minimum": "maximum",
    "maximum": "minimum", "sum": "mean", "mean": "sum", "amin": "amax", "amax": "amin",
    "argmax": "argmin", "argmin": "argmax", "first": "last", "last": "first",
    "median": "max", "fmean": "sum", "isfinite": "isnan",
}  # fmt: skip
LIMIT = 50
LOOKS_FOR_A_LINE = ("user_site", "user_frame")
DEVICES = (
    "device.type == 'cuda'", "held.device.type == 'cuda'", "device.type == 'mps'",
    "not values.is_cpu", "waiting",
)  # fmt: skip
"""What stands behind these runs on an accelerator only; this benchmark needs none."""


@dataclass(frozen=True)
class Mutant:
    """One change. `function` is a qualified name, "" for the module itself."""

    file: str
    function: str
    line: int
    end: int
    change: str
    number: int

    @property
    def key(self) -> str:
        return f"{self.file} {self.function or 'module'}: {self.change}"


class Mutator(ast.NodeVisitor):
    """Lists all changes of a module; with a number, makes that one in place."""

    def __init__(self, file: str, wanted: int = -1) -> None:
        self.file, self.wanted = file, wanted
        self.found: list[Mutant] = []
        self._functions: list[str] = []
        self._statement: ast.stmt | None = None

    def visit(self, node: ast.AST) -> None:
        """Walks in a fixed order, so that numbers mean the same each time."""
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            if isinstance(node, ast.ClassDef) and _is_data(node):
                node.body = [part for part in node.body if not isinstance(part, ast.AnnAssign)]
            self._functions.append(node.name)
            self._body(node.body, is_function=isinstance(node, ast.FunctionDef))
            self._functions.pop()
            return
        if isinstance(node, ast.Module):
            self._body(node.body, is_function=False)
            return
        if isinstance(node, ast.keyword) and node.arg in ("strict", "wait"):
            return  # a guard against our own mistakes; what waits for an accelerator
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in LOOKS_FOR_A_LINE:
            return
        if isinstance(node, ast.If) and _needs_a_device(node.test):
            return
        if isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._field(node, "value")
            return
        for name, _ in ast.iter_fields(node):
            self._field(node, name)

    def _body(self, body: list[ast.stmt], *, is_function: bool) -> None:
        for position, statement in enumerate(body):
            if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass)) or _is_text(statement):
                continue
            outer, self._statement = self._statement, statement
            if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
                continue
            if is_function or not isinstance(statement, (ast.Assign, ast.AnnAssign)):
                self._maybe_drop(body, position)
            elif "AT_MOST" in ast.unparse(statement) or _names_text(statement):
                self._statement = outer
                continue
            self.visit(body[position])
            self._statement = outer

    def _maybe_drop(self, body: list[ast.stmt], position: int) -> None:
        statement = body[position]
        dropped = isinstance(statement, ast.AugAssign) or (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Call)
            and not ast.unparse(statement).startswith(("super()", "self.watch.skip", "watch.skip"))
        )
        if dropped and self._offer(statement, f"without `{_short(statement)}`"):
            body[position] = ast.copy_location(ast.Pass(), statement)

    def _field(self, owner: ast.AST, name: str) -> None:
        value = getattr(owner, name)
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            self._body(value, is_function=True)
        elif isinstance(value, list):
            for position, item in enumerate(value):
                if isinstance(item, ast.AST):
                    value[position] = self._changed(item)
                    self.visit(value[position])
        elif isinstance(value, ast.AST):
            plain = not isinstance(value, (ast.Compare, ast.UnaryOp, ast.BoolOp))
            if name == "test" and plain and self._offer(value, f"`if not {_short(value)}`"):
                setattr(owner, name, ast.copy_location(ast.UnaryOp(ast.Not(), value), value))
                return
            setattr(owner, name, self._changed(value))
            self.visit(getattr(owner, name))

    def _changed(self, node: ast.AST) -> ast.AST:
        """The node, or what stands for it in the wanted mutant."""
        for new in self._alternatives(node):
            if self._offer(node, f"`{_short(node)}` -> `{_short(new)}`"):
                return ast.copy_location(new, node)
        return node

    def _alternatives(self, node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            kind = type(node.ops[0])
            tables = (COMPARISONS, BOUNDARIES if self.file.startswith("signals/") else {})
            for table in tables:
                if kind in table:
                    yield ast.Compare(node.left, [table[kind]()], node.comparators)
        elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            if not any(map(_has_text, (node.left, node.right))):
                yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        elif isinstance(node, ast.BoolOp):
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield ast.BoolOp(other, node.values)
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
            yield node.operand
        elif isinstance(node, ast.Constant):
            if node.value is True or node.value is False:
                yield ast.Constant(not node.value)
            elif isinstance(node.value, int) and abs(node.value) < LIMIT:
                yield ast.Constant(node.value + 1)
            elif isinstance(node.value, float) and abs(node.value) < LIMIT:
                yield ast.Constant(2 * node.value + 1)
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in NAMES and called.id != "sum":
                yield ast.Call(ast.Name(NAMES[called.id], ast.Load()), node.args, node.keywords)
            elif isinstance(called, ast.Attribute) and called.attr in NAMES:
                renamed = ast.Attribute(called.value, NAMES[called.attr], ast.Load())
                yield ast.Call(renamed, node.args, node.keywords)
        elif isinstance(node, ast.Attribute) and node.attr in ("first", "last"):
            yield ast.Attribute(node.value, NAMES[node.attr], node.ctx)

    def _offer(self, node: ast.AST, change: str) -> bool:
        statement = self._statement
        line = getattr(node, "lineno", getattr(statement, "lineno", 0))
        end = getattr(node, "end_lineno", line)
        number = len(self.found)
        name = ".".join(self._functions)
        if statement is not None and statement is not node and len(change) < 40:
            change += f" in `{_short(statement).split(chr(10))[0]}`"
        same = sum(m.function == name and m.change.split(" #")[0] == change for m in self.found)
        if same:
            change += f" #{same + 1}"
        self.found.append(Mutant(self.file, name, line, end, change, number))
        return number == self.wanted


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_data(node: ast.ClassDef) -> bool:
    """The fields of such a class are arguments of its `__init__`."""
    words = " ".join(map(ast.unparse, [*node.decorator_list, *node.bases]))
    return any(word in words for word in ("dataclass", "NamedTuple", "TypedDict", "Protocol"))


def _needs_a_device(test: ast.expr) -> bool:
    return ast.unparse(test) in DEVICES


def _names_text(node: ast.stmt) -> bool:
    """A table of names or of types: text."""
    value = getattr(node, "value", None)
    numbers = [n for n in ast.walk(value) if isinstance(n, ast.Constant)] if value else []
    return all(isinstance(n.value, str) for n in numbers) if numbers else True


def _has_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def targets(only: Sequence[str]) -> list[str]:
    """Files below the package, as `probes/gradient/gradients.py`."""
    found = sorted(str(p.relative_to(SOURCE)) for glob in TARGETS for p in SOURCE.glob(glob))
    found = [file for file in found if not file.endswith("__init__.py")]
    return [file for file in found if not only or any(part in file for part in only)]


SOURCES = {file: (SOURCE / file).read_text(encoding="utf-8") for file in targets([])}
"""Read once: somebody may go on working in the folder."""


def mutants(files: Sequence[str]) -> list[Mutant]:
    """All mutants of these files."""
    found = []
    for number, (file, function, old, new) in enumerate(REVIEW):
        text = SOURCES[file]
        if text.count(old) != 1:
            raise LookupError(f"{file} has no longer one place with {old}")
        line = text[: text.index(old)].count("\n") + 1
        if file in files:
            change = f"of the review: `{old}` -> `{new}`"
            found.append(Mutant(file, function, line, line, change, number - len(REVIEW)))
    for file in files:
        mutator = Mutator(file)
        mutator.visit(ast.parse(SOURCES[file]))
        found += mutator.found
    return found


def drawn(every: list[Mutant], options: argparse.Namespace) -> list[Mutant]:
    """Returns those of the sample, in the order of their digests; without one, all as they are."""
    if options.sample is None:
        return every
    return sorted(every, key=lambda m: _digest(f"{options.seed} {m.key}"))[: options.sample]


# -- putting one in place, in a fork -----------------------------------------------------------


def put_in_place(mutant: Mutant) -> None:
    """Changes the code of the function, or the constant of the module, in this process."""
    path = SOURCE / mutant.file
    text = SOURCES[mutant.file]
    if mutant.number < 0:
        _, _, old, new = REVIEW[mutant.number]
        text = text.replace(old, new)
    tree = ast.parse(text)
    if mutant.number >= 0:
        Mutator(mutant.file, mutant.number).visit(tree)
    ast.fix_missing_locations(tree)
    name = "assay." + mutant.file.removesuffix(".py").replace("/", ".")
    module = sys.modules[name]
    code = compile(tree, str(path), "exec", dont_inherit=True)
    outermost = mutant.function.split(".")
    owner: Any = module
    for part in outermost:
        if not part:
            break
        found = (
            vars(owner).get(part)
            if not isinstance(owner, types.ModuleType)
            else getattr(owner, part)
        )
        if isinstance(found, type):
            owner = found
            continue
        function = _function(found)
        new = _find(code, function.__code__.co_qualname)
        function.__code__ = new
        return
    _assign(module, code, owner)


def _function(found: Any) -> Any:
    for attribute in ("__func__", "fget", "__wrapped__"):
        found = getattr(found, attribute, found)
    return found


def _find(code: types.CodeType, name: str) -> types.CodeType:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if constant.co_qualname == name:
                return constant
            inside = _find_or_none(constant, name)
            if inside is not None:
                return inside
    raise LookupError(name)


def _find_or_none(code: types.CodeType, name: str) -> types.CodeType | None:
    try:
        return _find(code, name)
    except LookupError:
        return None


def _assign(module: types.ModuleType, code: types.CodeType, owner: Any) -> None:
    """Constants: executed anew, and put wherever the old value was imported to."""
    fresh = types.ModuleType(module.__name__)
    vars(fresh).update(__package__=module.__package__, __file__=module.__file__)
    exec(code, vars(fresh))
    for name, old in list(vars(module).items()):
        new = vars(fresh).get(name)
        if isinstance(old, (int, float, tuple, dict)) and type(new) is type(old) and new != old:
            for other in list(sys.modules.values()):
                if getattr(other, "__name__", "").startswith("assay.") and (
                    vars(other).get(name) is old or vars(other).get(name) == old
                ):
                    setattr(other, name, new)
    if isinstance(owner, type):
        again = getattr(fresh, owner.__name__)
        for name, value in vars(again).items():
            if isinstance(value, (int, float, tuple)) and name in vars(owner):
                setattr(owner, name, value)


def run_in_fork(argv: Sequence[str], env: Any, folder: Any, seconds: float | None = None) -> Any:
    """Stands in for `launch.supervisor.run`: the script runs in a fork of this process."""
    from assay.launch.supervisor import Outcome

    began = time.monotonic()
    pid = os.fork()
    if not pid:
        _run_script(list(argv[1:]), dict(env), str(folder.path))
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    outcome = Outcome(
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        seconds=time.monotonic() - began,
        overran=False,
    )
    folder.end(exit_code=outcome.exit_code, signal=outcome.signal, seconds=outcome.seconds)
    return outcome


def _run_script(words: list[str], env: dict[str, str], folder: str) -> None:
    code = 0
    try:
        os.environ.update(env)
        from assay import session

        sys.argv[:] = words
        session.begin(folder)
        try:
            runpy.run_path(words[0], run_name="__main__")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        session.end()
    except BaseException:
        code = 1
    if _traced is not None:
        _traced.write()
    os._exit(code)


# -- which test executes which line ------------------------------------------------------------


class Tracer:
    """Notes the lines of the targets that are executed, also in forks."""

    def __init__(self, files: Sequence[str], folder: Path) -> None:
        self._names = {str(SOURCE / file): file for file in files}
        self._folder = folder
        self.lines: set[tuple[str, int]] = set()

    def start(self) -> None:
        self.lines.clear()
        sys.settrace(self._called)

    def stop(self) -> set[tuple[str, int]]:
        sys.settrace(None)
        for file in self._folder.glob("*.pickle"):
            self.lines |= pickle.loads(file.read_bytes())
            file.unlink()
        return set(self.lines)

    def write(self) -> None:
        sys.settrace(None)
        (self._folder / f"{os.getpid()}.pickle").write_bytes(pickle.dumps(self.lines))

    def _called(self, frame: Any, event: str, argument: Any) -> Any:
        file = self._names.get(frame.f_code.co_filename)
        if file is None:
            return None
        lines = self.lines

        def line(frame: Any, event: str, argument: Any) -> Any:
            lines.add((file, frame.f_lineno))
            return line

        lines.add((file, frame.f_lineno))
        return line


_traced: Tracer | None = None


class Loop:
    """The pytest plugin that runs mutants instead of tests."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.results: dict[str, str] = {}

    def pytest_runtestloop(self, session: Any) -> bool:
        from assay import observe

        keywords = observe.observe.__kwdefaults__
        assert keywords is not None
        keywords["supervise"] = run_in_fork
        import assay.testing.warm as warm

        warm.WarmRunner.__init__ = lambda self, limit=0.0: None  # type: ignore[method-assign]
        warm.WarmRunner.close = lambda self: None  # type: ignore[method-assign]
        warm.WarmRunner.run = staticmethod(run_in_fork)  # type: ignore[assignment,method-assign]
        files = targets(self.options.only)
        every = mutants(files)
        if self.options.review:
            every = [mutant for mutant in every if mutant.number < 0]
        every = drawn(every, self.options)
        items = {item.nodeid: item for item in session.items}
        print(f"{len(every)} mutants, {len(items)} tests", flush=True)
        gc.freeze()  # so that collecting in a fork copies no memory
        self._all(every, items, self._coverage(items, files))
        return True

    def _coverage(self, items: dict[str, Any], files: Sequence[str]) -> Any:
        """By test, its lines and its CPU seconds; tests that fail are left out.

        What a test did before still holds while its file and those whose lines it met are the same.
        """
        cache = Path(self.options.keep + ".lines") if self.options.keep else None
        known: dict[str, Any] = {}
        if cache and cache.exists():
            known = pickle.loads(cache.read_bytes())
        every = targets([])
        digests = {file: _digest(SOURCES[file]) for file in every}
        own = {name: _digest(item.path.read_text("utf-8")) for name, item in items.items()}

        def holds(name: str) -> bool:
            before = known.get(name)
            return before is not None and before[0] == own[name] and all(
                digests.get(file) == digest for file, digest in before[1].items()
            )  # fmt: skip

        def collect(part: list[str]) -> Any:
            global _traced
            folder = Path(tempfile.mkdtemp())
            _traced = Tracer(every, folder)
            found = {}
            for name in part:
                _traced.start()
                began = _cpu_seconds()
                passed = _passes(items[name])
                seconds = _cpu_seconds() - began
                met = _traced.stop()
                if passed:
                    touched = {file: digests[file] for file, _ in met}
                    found[name] = own[name], touched, (met, seconds)
                else:
                    sys.__stderr__.write(f"fails without any mutant: {name}\n")
            shutil.rmtree(folder)
            return found

        names, jobs = [name for name in items if not holds(name)], self.options.jobs
        for part in _in_forks(collect, [names[i::jobs] for i in range(jobs)]):
            known.update(part)
        if cache:
            cache.write_bytes(pickle.dumps(known))
        return {name: known[name][2] for name in items if name in known and holds(name)}

    def _all(self, every: list[Mutant], items: Any, covered: Any) -> None:
        by_line: dict[tuple[str, int], list[str]] = defaultdict(list)
        by_file: dict[str, set[str]] = defaultdict(set)
        for name, (lines, _) in covered.items():
            for line in lines:
                by_line[line].append(name)
                by_file[line[0]].add(name)
        within = Counter((name, file) for name, (lines, _) in covered.items() for file, _ in lines)
        killers: Counter[tuple[str, str]] = Counter()  # by file, and "" for all of them
        tried: Counter[tuple[str, str]] = Counter()

        def worth(file: str, name: str) -> float:
            """Returns how many mutants of a file a test may kill in a second."""
            lines, seconds = covered[name]
            expected = max(
                OWN_NAME if f"/test_{Path(file).stem}." in name else 0.0,
                within[name, file] / len(lines),
                (killers["", name] + ANOTHER) / (tried["", name] + 1),
            )
            share = (killers[file, name] + expected) / (tried[file, name] + 1)
            return share / (seconds + 0.01)

        keep = Path(self.options.keep) if self.options.keep else None
        if keep and keep.exists():
            self.results = json.loads(keep.read_text())
            if self.options.again:
                for mutant in every:
                    if not self.results.get(mutant.key, "").startswith("killed"):
                        self.results.pop(mutant.key, None)
        running: dict[int, tuple[Mutant, list[str], str]] = {}
        todo = [m for m in every if m.key not in self.results and m.key not in EQUIVALENT]
        done = 0
        began = time.monotonic()
        while todo or running:
            while todo and len(running) < self.options.jobs:
                mutant = todo.pop(0)
                names = {n for at in range(mutant.line, mutant.end + 1)
                         for n in by_line.get((mutant.file, at), ())}  # fmt: skip
                if not mutant.function or (
                    not mutant.function[0].islower() and "." not in mutant.function
                ):
                    names = by_file[mutant.file]
                order = sorted(names, key=lambda name: -worth(mutant.file, name))
                answer = tempfile.mktemp()
                pid = os.fork()
                if not pid:
                    self._child(mutant, [(items[n], covered[n][1]) for n in order], answer)
                running[pid] = mutant, order, answer
            pid, status = os.waitpid(-1, 0)
            mutant, order, answer = running.pop(pid)
            try:
                said, ran = json.loads(Path(answer).read_text())
                os.unlink(answer)
            except OSError:
                said, ran = f"killed by signal {status & 0x7F}", 0  # cut off, or torn apart
            self.results[mutant.key] = said
            for file in (mutant.file, ""):
                for name in order[:ran]:
                    tried[file, name] += 1
                    killers[file, name] += said == f"killed by {name}"
            done += 1
            if not said.startswith("killed"):
                print(
                    f"{said}: {mutant.file}:{mutant.line} {mutant.function}: {mutant.change}",
                    flush=True,
                )
            if done % 20 == 0:
                rate = (time.monotonic() - began) / done
                print(f"-- {done} done, {len(todo)} to go, {rate:.2f} s each", flush=True)
                if keep:
                    keep.write_text(json.dumps(self.results))
        if keep:
            keep.write_text(json.dumps(self.results))
        self.results = {m.key: self.results[m.key] for m in every if m.key in self.results}

    def _child(self, mutant: Mutant, items: list[tuple[Any, float]], answer: str) -> None:
        said = "no test executes it" if not items else "survived"
        _silence()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.alarm(int(30 * self.options.seconds) + 200)  # for one that only waits
        began = _cpu_seconds()
        try:
            put_in_place(mutant)
        except Exception as error:
            said, items = f"can't be made: {type(error).__name__}: {error}", []
        ran = 0
        for item, usual in items:
            if _cpu_seconds() - began > self.options.seconds:
                said = "survived until its time was up"
                break
            signal.setitimer(signal.ITIMER_PROF, 5 * usual + 5)  # for one that never ends
            ran += 1
            if not _passes(item):
                said = f"killed by {item.nodeid}"
                break
        Path(answer).write_text(json.dumps([said, ran]))
        os._exit(0)


def _cpu_seconds() -> float:
    """Returns what this process and the forks it has waited for have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _passes(item: Any) -> bool:
    from _pytest.config import parse_warning_filter
    from _pytest.runner import runtestprotocol

    folder = Path(tempfile.mkdtemp())
    item.config._tmp_path_factory._basetemp = folder
    try:
        with warnings.catch_warnings():
            for mark in item.iter_markers("filterwarnings"):
                for words in mark.args:
                    warnings.filterwarnings(*parse_warning_filter(words, escape=False))
            reports = runtestprotocol(item, log=False, nextitem=None)
        return not any(report.failed for report in reports)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for number in (1, 2):
        os.dup2(null, number)


def _in_forks(function: Any, parts: Sequence[Any]) -> list[Any]:
    """What a function returns for each part, computed in forks that leave nothing behind."""
    running = []
    for part in parts:
        answer = Path(tempfile.mktemp())
        pid = os.fork()
        if not pid:
            try:
                answer.write_bytes(pickle.dumps(function(part)))
            finally:
                os._exit(0)
        running.append((pid, answer))
    found = []
    for pid, answer in running:
        os.waitpid(pid, 0)
        found.append(pickle.loads(answer.read_bytes()))
        answer.unlink()
    return found


# -- the report --------------------------------------------------------------------------------

BELOW = "<!-- what follows is written by benchmarks/mutants.py -->"


def report(results: dict[str, str], every: list[Mutant]) -> str:
    """Returns the generated part of the page, in markdown."""
    folders: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in every:
        if mutant.key not in EQUIVALENT:
            folders[mutant.file.rpartition("/")[0] + "/"].append(mutant)
    lines = [BELOW, "", "| folder | killed | of | of all | share | 95 % interval |",
             "|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    whole = [mutant for inside in folders.values() for mutant in inside]
    for folder, inside in [*sorted(folders.items()), ("all", whole)]:
        done = [results[m.key] for m in inside if m.key in results]
        if done:
            killed = sum(said.startswith("killed") for said in done)
            low, high = interval(killed, len(done), len(inside))
            lines.append(
                f"| `{folder}` | {killed} | {len(done)} | {len(inside)} "
                f"| {100 * killed / len(done):.1f} % | {100 * low:.1f} to {100 * high:.1f} % |"
            )
    left = [f"- {key} ({said})" for key, said in results.items() if not said.startswith("killed")]
    cut_off = sum(line.endswith("(survived until its time was up)") for line in left)
    if cut_off:
        why = "had no CPU time left for all tests that execute them, which may kill some more"
        lines += ["", f"Of {len(left)} survivors {cut_off} {why}."]
    lines += ["", "## Survivors", "", *(sorted(left) or ["None."])]
    lines += ["", "## Equivalent, and so left out", ""]
    lines += [f"- {key}: {why}" for key, why in sorted(EQUIVALENT.items())]
    return "\n".join(lines) + "\n"


def interval(killed: int, done: int, of: int) -> tuple[float, float]:
    """Returns bounds of the share in all, of which a part was drawn (Wilson 1927), at 95 %."""
    z = 1.96 * math.sqrt(1 - done / of)  # nothing is left to chance where all were run
    middle = (killed + z * z / 2) / (done + z * z)
    half = z / (done + z * z) * math.sqrt(killed * (done - killed) / done + z * z / 4)
    return middle - half, middle + half


def write(results: dict[str, str], options: argparse.Namespace) -> None:
    """Says how many were killed, and writes the page."""
    text = report(results, mutants(targets(options.only)))
    print(text.split("## Survivors")[0])
    if options.markdown:
        page = Path(options.markdown)
        above = page.read_text(encoding="utf-8").split(BELOW)[0] if page.exists() else ""
        page.write_text(above + text, encoding="utf-8")


def main() -> None:
    """Runs them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--sample", type=int, help="how many mutants, of all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--keep")
    parser.add_argument("--seconds", type=float, default=20.0, help="for one mutant")
    parser.add_argument("--again", action="store_true", help="those that --keep has as survivors")
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--review", action="store_true", help="those of the review alone")
    parser.add_argument("--markdown")
    parser.add_argument("--report", action="store_true", help="of what --keep has, without a run")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.report:
        kept = json.loads(Path(options.keep).read_text())
        known = [m.key for m in drawn(mutants(targets(options.only)), options)]
        write({key: kept[key] for key in known if key in kept and key not in EQUIVALENT}, options)
        return
    if options.list:
        for mutant in mutants(targets(options.only)):
            print(f"{mutant.line:4} {mutant.key}")
        return
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.path.insert(0, str(ROOT / "src"))
    import importlib

    import pytest
    import torch

    torch.set_num_threads(1)
    importlib.import_module("torch._dynamo")
    for file in targets([]):
        importlib.import_module("assay." + file.removesuffix(".py").replace("/", "."))
    loop = Loop(options)
    os.chdir(ROOT)
    tests = options.tests
    quiet = ["-q", "-p", "no:cacheprovider", "--timeout=0", "-p", "no:xdist", "-s"]
    pytest.main([*quiet, *tests], plugins=[loop])
    write(loop.results, options)


if __name__ == "__main__":
    main()
