"""The list of harmless functions, against the torch that is installed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from assay.replay import effects, pure

SPACES: list[tuple[Any, str, frozenset[str]]] = [
    (torch, "", pure.TORCH), (F, "", pure.FUNCTIONAL), (torch.linalg, "linalg_", pure.LINALG),
    (torch.fft, "fft_", pure.FFT), (torch.special, "special_", pure.SPECIAL),
    (torch.Tensor, "", pure.METHODS),
]  # fmt: skip
NO_TENSOR_IS_WRITTEN = {"sort"}
"""Its schemas hold one for lists."""


def schemas(name: str) -> list[Any]:
    known = torch._C._jit_get_schemas_for_operator(f"aten::{name}")
    return [s for s in known if not any(argument.is_out for argument in s.arguments)]


@pytest.mark.parametrize(("space", "prefix", "names"), SPACES)
def test_no_schema_of_a_listed_function_writes(space: Any, prefix: str, names: Any) -> None:
    assert len(names) > 20
    for name in sorted(names - NO_TENSOR_IS_WRITTEN):
        for schema in schemas(prefix + name):
            written = [a.name for a in schema.arguments if a.alias_info and a.alias_info.is_write]
            assert not written, schema


def state() -> list[Any]:
    return [
        torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads(),
        torch.is_autocast_enabled("cpu"), torch.get_float32_matmul_precision(),
        torch.are_deterministic_algorithms_enabled(), torch.is_inference_mode_enabled(),
    ]  # fmt: skip


@pytest.mark.parametrize(("space", "prefix", "names"), SPACES)
@pytest.mark.filterwarnings("ignore")
def test_a_listed_function_leaves_its_arguments_and_torch_alone(
    space: Any, prefix: str, names: Any
) -> None:
    """Called with whatever it takes: an argument that was written to has another version."""
    tried = 0
    for name in sorted(names):
        function = getattr(space, name, None)
        x, y = torch.rand(3, 3) + 0.1, torch.rand(3, 3) + 0.1
        kept, before = (x.clone(), y.clone()), state()
        more = ((x, y), (x, 1), (x, (1, 1)), (x, y.long()))
        if "inplace" in effects.signature(function):
            more = ()  # a second argument may be this one, which the proof looks out for
        for given in ((x,), *more):
            try:
                function(*given)
            except Exception:
                continue
            tried += 1
        assert (x._version, y._version) == (0, 0), name
        assert torch.equal(x, kept[0]), name
        assert torch.equal(y, kept[1]), name
        assert state() == before, name
    assert tried > len(names) / 2


def test_whatever_is_not_listed_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    for space, _, names in SPACES[:-1]:
        for name in set(dir(space)) - names:
            function = getattr(space, name)
            if callable(function) and getattr(function, "__name__", "") == name:
                listed = effects.trusted_call(function)
                assert listed is None or name in {n for _, _, more in SPACES for n in more}, name

    def brand_new(x: Any) -> Any:
        return x

    monkeypatch.setattr(torch, "brand_new", brand_new, raising=False)
    assert effects.trusted_call(brand_new) is None
    assert effects.trusted_call(torch.relu) is not None
    assert effects.trusted_call(torch.linalg.norm) is not None
    assert effects.trusted_call(math.sqrt) is not None
    assert not effects.trusted_method(effects.DATA, "backward")
    assert not effects.trusted_method(effects.DATA, "brand_new")


@pytest.mark.parametrize("name", ["manual_seed", "set_grad_enabled", "save", "compile", "relu_",
                                  "batch_norm", "embedding_bag", "from_numpy"])  # fmt: skip
def test_functions_with_effects_are_not_listed(name: str) -> None:
    assert name not in pure.TORCH | pure.FUNCTIONAL | pure.METHODS
    assert effects.trusted_call(getattr(torch, name)) is None
