"""The trick `float32-islands`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ..base import Trick

if TYPE_CHECKING:
    from ..stage import Stage

FUNCTIONS = ("softmax", "log_softmax", "layer_norm", "rms_norm", "group_norm", "batch_norm",
             "instance_norm", "normalize", "softplus", "cosine_similarity")  # fmt: skip
OPERATIONS = ("exp", "log", "log1p", "log2", "log10", "expm1", "logsumexp", "rsqrt", "reciprocal",
              "softmax", "log_softmax", "norm", "cumsum", "prod", "var", "std")  # fmt: skip

UNSAFE = ("binary_cross_entropy", "linear_cross_entropy")
AS_IT_IS = nullcontext()


class Float32Islands(Trick):
    """Computes logarithms, exponentials, norms and losses in float32 under half precision.

    ## What it does
    Wherever one of these functions is given a float16 or bfloat16 tensor, its floating-point
    arguments are cast to float32 first, which autocast leaves as they are. The result stays
    float32; the next matrix product casts it back. Losses that hold a matrix product, or that
    autocast refuses (`binary_cross_entropy` on a GPU), run with autocast switched off.

    ## Formula
    `f(x) -> f(float32(x))`. Source: the float32 list of torch's CUDA autocast (documentation, "CUDA
    Ops that can autocast to float32"), applied on every device.

    ## When
    Half precision by autocast on a CPU, whose own list leaves exp, log, softmax, norms and sums in
    bfloat16 (measured on torch 2.13), or a model that is wholly in half precision.

    ## Cost
    Two casts per such call, and their activations at twice the size.

    ## Conflicts and order
    Inside `amp`. Without half precision it does nothing.

    ## Common mistakes
    Computing `log(softmax(x))` in half precision: log(1e-8) is minus infinity in float16. Adding an
    eps of 1e-8 does not help there, since it is 0.
    """

    name = "float32-islands"
    family = "precision"

    def attach_to(self, stage: Stage) -> None:
        """Wraps the functions, and puts losses into float32."""
        import torch
        import torch.nn.functional as F

        Tensor, half = torch.Tensor, (torch.float16, torch.bfloat16)

        def full(args: Any, kwargs: Any) -> tuple[Any, Any]:
            return (
                tuple(
                    [v.float() if isinstance(v, Tensor) and v.dtype in half else v for v in args]
                ),
                {
                    k: v.float() if isinstance(v, Tensor) and v.dtype in half else v
                    for k, v in kwargs.items()
                },
            )

        def casting(original: Any) -> Any:
            def in_float32(*args: Any, **kwargs: Any) -> Any:
                first = args[0] if args else kwargs.get("input")
                if isinstance(first, Tensor) and first.dtype in half:
                    args, kwargs = full(args, kwargs)
                return original(*args, **kwargs)

            return in_float32

        def loss(given: Any, name: str) -> Any:
            return full(*given)

        def no_autocast(name: str) -> Any:
            if name not in UNSAFE:
                return AS_IT_IS
            return torch.autocast("cuda" if torch.cuda.is_initialized() else "cpu", enabled=False)  # type: ignore[no-untyped-call]

        for name in FUNCTIONS:
            if hasattr(F, name):
                stage.patches.wrap(F, name, casting)
        for name in OPERATIONS:
            for owner in (torch, torch.Tensor):
                if hasattr(owner, name):
                    stage.patches.wrap(owner, name, casting)
        stage.change("loss", loss)
        stage.around("loss", no_autocast)
