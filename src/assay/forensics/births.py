"""Where numbers that are not finite come from, and how far each has come since.

An operation whose operands are finite and whose result is not gives birth to a value that is not
finite; so does one that makes NaN of infinities, where those were meant: -inf of a mask. What is
computed from such a value has the same birth, so that a loss or a gradient can be asked for its
own. Values that never reach what was asked about are nobody's fault.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from ..watching.names import Names
from .calls import Birth, Called, Place
from .facts import (
    OPERANDS_AT_MOST,
    bytes_behind,
    described,
    first_bad,
    is_finite,
    kinds,
    looks,
    row_of,
    rows_of,
    share_of,
    storage,
    tensors_in,
    value_at,
)

UNFILLED = frozenset(("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided",
                      "resize_", "set_"))  # fmt: skip
"""Operations whose results hold what memory held."""
OVERWRITES = frozenset(("copy_", "fill_", "zero_", "normal_", "uniform_", "random_", "bernoulli_",
                        "exponential_", "log_normal_", "cauchy_", "geometric_", "_foreach_copy_",
                        "_foreach_zero_"))  # fmt: skip
"""Operations that do not read what they write into."""
MEANT = frozenset(("full", "full_like", "new_full", "fill_", "masked_fill", "masked_fill_",
                   "scalar_tensor", "lift_fresh", "constant_pad_nd", "fill", "arange"))  # fmt: skip
"""Operations that are told the value: an infinity is meant to be there."""
SAME = frozenset(("_to_copy", "view", "_unsafe_view", "unsqueeze", "squeeze", "expand", "alias",
                  "detach", "clone", "reshape", "clamp_max"))  # fmt: skip
"""Operations whose result has the zeros of what they are given."""
SMALL = 64
"""Results of so few numbers are remembered with what made them: a divisor is one of these."""
COPIED = 2**22
"""An operand of at most so many numbers is copied before it is written into; of a larger one, whose
copy may not fit, its range is noted. Ours: 16 MiB of float32."""


class Births:
    """Follows values that are not finite through the operations of torch.

    Args:
        names: Knows parameters.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self.weights: dict[int, str] = {}
        """Names of parameters that others stand for, by `storage`."""
        self._of: dict[int, Birth] = {}
        self._count = 0
        self._makers: dict[int, dict[str, Any]] = {}
        self._read: dict[float, dict[str, Any]] = {}
        self._arguments: dict[Any, list[tuple[str, bool, bool]]] = {}

    # -- following --------------------------------------------------------------------------------

    def before(self, function: Any, args: Any, kwargs: Any, place: Place) -> Called | None:
        """Notes a call that is about to be computed."""
        schema = getattr(function, "_schema", None)
        if schema is None:
            return None
        op = str(schema.name).rpartition(":")[2]
        if op in UNFILLED:
            return Called(op, place, [], [], [], args)
        called = Called(op, place, [], [], [], args)
        for index, (name, written, apart) in enumerate(self._schema(function, schema)):
            value = args[index] if index < len(args) else kwargs.get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                called.numbers.append((len(called.operands), name, float(value)))
                continue
            many = isinstance(value, (list, tuple))
            for one in value if many else (value,):
                if not isinstance(one, torch.Tensor):
                    continue
                if written:
                    called.written.append(one)
                    if apart or op in OVERWRITES:
                        continue
                    if looks(one) and one.numel() > COPIED:
                        with torch.no_grad():
                            noted = kinds(one), described(name, one)
                        called.before[len(called.operands)] = noted
                    elif looks(one):
                        birth = self._of.get(storage(one))
                        one = one.detach().clone()
                        if birth is not None:
                            self._of[storage(one)] = birth
                called.operands.append((name, one))
        return called

    def _schema(self, function: Any, schema: Any) -> list[tuple[str, bool, bool]]:
        """Returns of each argument its name, whether it is written, and whether that is all."""
        known = self._arguments.get(function)
        if known is None:
            known = self._arguments[function] = [
                (
                    str(argument.name),
                    argument.alias_info is not None and argument.alias_info.is_write,
                    argument.alias_info is not None and argument.kwarg_only,
                )
                for argument in schema.arguments
            ]
        return known

    def after(self, called: Called, result: Any) -> None:
        """Looks at what a call has given."""
        made = [*tensors_in(result), *called.written]
        if called.op in UNFILLED:
            for one in made:
                self._of.pop(storage(one), None)
            return
        if called.op == "_local_scalar_dense":
            if isinstance(result, (int, float)) and not isinstance(result, bool):
                self._note_read(called, float(result))
            return
        bad = [one for one in made if looks(one) and not is_finite(one)]
        self._note_makers(called, made)
        if not bad:
            shared = {storage(one) for _, one in called.operands}
            for one in made:
                if storage(one) not in shared or one.numel() * one.itemsize == bytes_behind(one):
                    self._of.pop(storage(one), None)
            return
        birth = self._born(called, bad[0])
        for one in bad:
            self._of[storage(one)] = birth

    def _born(self, called: Called, result: torch.Tensor) -> Birth:
        found = kinds(result)
        given = [
            (one, called.kinds(place))
            for place, (_, one) in enumerate(called.operands)
            if looks(one)
        ]
        given = [(one, kind) for one, kind in given if kind]
        if called.op in MEANT and not given and called.place.node is None:
            return self._new(called, result, meant="nan" not in found)
        with_nan = [one for one, kind in given if "nan" in kind]
        births = [self.of(one, called.place) for one in with_nan or [one for one, _ in given]]
        births.sort(key=lambda birth: (birth.meant, birth.number))
        first = births[0] if births else None
        if first is None:
            return self._new(called, result)
        if "nan" in found and not with_nan:
            if first.meant:
                return self._new(called, result)
            first.then = first.then or (called.op, called.place)
        return first

    def _new(self, called: Called, result: torch.Tensor, *, meant: bool = False) -> Birth:
        facts = self._measure(called, result)
        return Birth(called.op, called.place, None, facts, meant, number=self._next())

    def _next(self) -> int:
        self._count += 1
        return self._count

    def of(self, tensor: torch.Tensor, place: Place | None = None) -> Birth:
        """Returns the birth of what is not finite in a tensor: it was given, if none was seen."""
        birth = self._of.get(storage(tensor))
        if birth is None:
            kind = sorted(kinds(tensor))
            facts: dict[str, Any] = {"kind": kind, "shape": list(tensor.shape)}
            facts["rows"], facts["bad_rows"] = rows_of(tensor)
            facts["share"] = share_of(tensor)
            meant = "nan" not in kind and self._weight(tensor) is None  # as in a mask
            birth = Birth("", place or Place(), tensor, facts, meant)
            birth.number = self._next()
            self._of[storage(tensor)] = birth
        return birth

    # -- measuring --------------------------------------------------------------------------------

    def _measure(self, called: Called, result: torch.Tensor) -> dict[str, Any]:
        place = first_bad(result)
        operands = []
        for number, (_, one) in enumerate(called.operands[:OPERANDS_AT_MOST]):
            facts = called.described(number)
            overwritten = number in called.before
            facts["at"] = None if overwritten else value_at(one, place, result.shape)
            facts["weight"] = self._weight(one)
            if facts.get("zeros") or not one.numel():
                facts["made"] = self._makers.get(storage(one))
            operands.append(facts)
        self._add_numbers(operands, called)
        rows, bad_rows = rows_of(result)
        return {
            "kind": sorted(kinds(result)),
            "dtype": str(result.dtype).removeprefix("torch."),
            "shape": list(result.shape),
            "share": share_of(result),
            "operands": operands,
            "row": row_of(called.op, called.args, place),
            "rows": rows,
            "bad_rows": bad_rows,
        }

    def noted(self, called: Called) -> dict[str, Any]:
        """Returns what a backward pass may want to know of a forward operation."""
        operands = []
        for number, (_, one) in enumerate(called.operands[:OPERANDS_AT_MOST]):
            operands.append({**called.described(number), "weight": self._weight(one)})
        self._add_numbers(operands, called)
        return {"op": called.op, "operands": operands}

    def _add_numbers(self, operands: list[dict[str, Any]], called: Called) -> None:
        """Puts numbers of Python where the operation takes them, among its tensors."""
        for place, name, number in reversed(called.numbers[:OPERANDS_AT_MOST]):
            facts: dict[str, Any] = {"name": name}
            facts["number"] = number if math.isfinite(number) else str(number)
            if number == 0 and number in self._read:
                facts["made"] = self._read[number]
            operands.insert(place, facts)

    def _weight(self, one: torch.Tensor) -> str | None:
        """Returns the name of a parameter; None for all else."""
        if isinstance(one, torch.nn.Parameter):
            return self._names.parameter(one) or "a parameter"
        return self.weights.get(storage(one)) if self.weights else None

    def _note_makers(self, called: Called, made: list[torch.Tensor]) -> None:
        """Remembers what made a small result, as it may be a divisor, and an empty one."""
        for one in made:
            if one.numel() > SMALL or called.place.node is not None:
                self._makers.pop(storage(one), None)  # of a tensor whose memory this one has now
                continue
            given = called.operands[0][1] if called.operands else None
            known = None if given is None else self._makers.get(storage(given))
            emptied = given is not None and not given.numel()
            if (called.op in SAME or emptied) and known is not None:
                self._makers[storage(one)] = known
                continue
            self._makers[storage(one)] = {
                "op": called.op,
                "line": list(called.place.line) if called.place.line else None,
                "operands": [described(n, one) for n, one in called.operands[:2]],
            }

    def _note_read(self, called: Called, number: float) -> None:
        if called.operands and called.operands[0][1].numel() == 1:
            made = self._makers.get(storage(called.operands[0][1]))
            if made is not None:
                self._read[number] = made
            else:
                self._read.pop(number, None)
