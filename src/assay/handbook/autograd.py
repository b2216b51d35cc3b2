"""Leaves, retained gradients, the order of hooks, and graphs that are eager or compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .page import Measured, Page, Plot

if TYPE_CHECKING:
    from torch import Tensor

PAGE = Page(
    question=(
        "What are leaves, retained gradients, hooks, and eager and compiled graphs?",
        "什么是叶子、保留的梯度、钩子，动态图和编译图有什么不同?",
    ),
    shows=(
        (
            "w = ones(3, requires_grad=True) is a leaf (1: yes, {leaf:.0f}) and gets .grad; w * 2 is none ({inner:.0f}) "
            "and keeps no gradient ({kept:.0f}), unless it is told to by retain_grad() ({retained:.0f}).",
            "w = ones(3, requires_grad=True) 是叶子(1 表示是：{leaf:.0f})，会得到 .grad；w * 2 不是({inner:.0f})，不保留梯度"
            "({kept:.0f})，除非对它调用 retain_grad() ({retained:.0f})。",
        ),
        (
            "ones(3, requires_grad=True) * 0.1 is no leaf ({scaled:.0f}): an optimizer refuses it ({refused:.0f}).",
            "ones(3, requires_grad=True) * 0.1 不是叶子({scaled:.0f})：优化器拒绝它({refused:.0f})。",
        ),
        (
            "Two backward passes without a reset add up: the gradient is {twice:.0f} times the first. A second "
            "one through the same graph fails ({freed:.0f}), as its tensors were freed.",
            "两次反向传播之间不清零就会相加：梯度是第一次的 {twice:.0f} 倍。对同一张图再做一次会报错({freed:.0f})，因为其中的"
            "张量已被释放。",
        ),
        (
            "Order of hooks of one layer: forward pre {pre:.0f}, forward {forward:.0f}, full backward pre "
            "{backward_pre:.0f}, the weight's own {tensor:.0f}, when it is accumulated {post:.0f}, full backward "
            "{backward:.0f}.",
            "一层的钩子顺序：forward pre {pre:.0f}，forward {forward:.0f}，full backward pre {backward_pre:.0f}，"
            "权重自己的 {tensor:.0f}，累积之后的 {post:.0f}，full backward {backward:.0f}。",
        ),
        (
            "A weight used twice: its tensor hook is called {calls:.0f} time, with the sum of both gradients; "
            "over 2 small batches {calls_two:.0f} times, with a part each time.",
            "一个权重用了两次：它的张量钩子被调用 {calls:.0f} 次，得到两个梯度之和；分成 2 个小批次时调用 "
            "{calls_two:.0f} 次，每次只有一部分。",
        ),
        (
            "4 layers keep {saved:.0f} numbers for the backward pass, under no_grad {saved_none:.0f}, "
            "checkpointed {saved_check:.0f}.",
            "4 层为反向传播保存 {saved:.0f} 个数，在 no_grad 下 {saved_none:.0f} 个，用 checkpoint {saved_check:.0f} 个。",
        ),
        (
            "Compiled, a function without an if on values is {whole:.0f} graph, one with such an if falls into "
            "{broken:.0f}; its answers for both branches are right ({agree:.0f}).",
            "编译时，不对数值做 if 的函数是 {whole:.0f} 张图，有这种 if 的分成 {broken:.0f} 张；两个分支的结果都对"
            "({agree:.0f})。",
        ),
    ),
    plots=(
        Plot(
            ("What 4 layers keep for the backward pass", "4 层为反向传播保存多少"),
            {
                "saved": ("as usual", "通常"), "saved_check": ("checkpointed", "checkpoint"),
                "saved_none": ("under no_grad", "no_grad 下"),
            },
            x=("numbers", "个数"), bars=True,
        ),
    ),
    checks=(
        "parameters-without-gradient", "parameters-outside-optimizer", "zero-grad-missing", "loss-detached",
        "eval-builds-graph", "freeze-without-effect", "gradient-discarded",
    ),
    tricks=("zero-grad", "freeze", "unfreeze", "add-parameters"),
)  # fmt: skip


def measure() -> Measured:
    """Asks autograd what it keeps, frees, adds up and calls, and in which order."""
    import torch

    w = torch.ones(3, requires_grad=True)
    inner, told = w * 2, w * 3
    told.retain_grad()
    numbers: dict[str, float] = {"leaf": w.is_leaf, "inner": inner.is_leaf}
    loss = (inner * told).sum()
    loss.backward()
    assert w.grad is not None
    first = w.grad.clone()
    numbers |= {"kept": inner.retains_grad, "retained": told.grad is not None}
    numbers["freed"] = _raises(loss.backward)
    (w * 2 * (w * 3)).sum().backward()
    numbers["twice"] = float((w.grad / first).mean())

    scaled = torch.ones(3, requires_grad=True) * 0.1
    numbers["scaled"] = scaled.is_leaf
    numbers["refused"] = _raises(lambda: torch.optim.SGD([scaled], lr=0.1))
    numbers |= _order() | _saved() | _compiled()

    shared, calls = torch.ones((), requires_grad=True), []
    shared.register_hook(lambda gradient: calls.append(float(gradient)))
    (shared * 2 + shared * 3).backward()
    numbers["calls"] = len(calls)
    for factor in (2, 3):
        (shared * factor).backward()
    numbers["calls_two"] = len(calls) - numbers["calls"]
    return Measured({name: float(number) for name, number in numbers.items()})


def _raises(call: Any) -> bool:
    try:
        call()
    except (RuntimeError, ValueError):
        return True
    return False


def _order() -> dict[str, float]:
    """Returns the place of each hook of a layer in the order in which they are called."""
    import torch

    called: list[str] = []
    layer = torch.nn.Linear(2, 2)
    layer.register_forward_pre_hook(lambda *_: called.append("pre"))
    layer.register_forward_hook(lambda *_: called.append("forward"))
    layer.register_full_backward_pre_hook(lambda *_: called.append("backward_pre"))
    layer.register_full_backward_hook(lambda *_: called.append("backward"))
    layer.weight.register_hook(lambda _: called.append("tensor"))
    layer.weight.register_post_accumulate_grad_hook(lambda _: called.append("post"))
    layer(torch.ones(1, 2, requires_grad=True)).sum().backward()
    return {name: float(place) for place, name in enumerate(called, 1)}


def _saved() -> dict[str, float]:
    """Returns how many numbers are kept for the backward pass through four layers."""
    import torch
    from torch import nn
    from torch.autograd.graph import saved_tensors_hooks
    from torch.utils.checkpoint import checkpoint

    model = nn.Sequential(*(nn.Sequential(nn.Linear(64, 64), nn.Tanh()) for _ in range(4)))
    x = torch.ones(32, 64)
    weights = {w.untyped_storage().data_ptr() for w in model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        where = tensor.untyped_storage().data_ptr()
        if where not in weights:
            kept[where] = tensor.numel()
        return tensor

    def count(run: Any) -> float:
        kept.clear()
        with saved_tensors_hooks(note, lambda tensor: tensor):
            alive = run()  # while it lives, no other tensor takes its place
        del alive
        return float(sum(kept.values()))

    def bare() -> Tensor:
        with torch.no_grad():
            return model(x)

    return {
        "saved": count(lambda: model(x)), "saved_none": count(bare),
        "saved_check": count(lambda: checkpoint(model, x, use_reentrant=False)),
    }  # fmt: skip


def _compiled() -> dict[str, float]:
    """Returns into how many graphs functions are compiled, and whether these are right."""
    import torch

    graphs: list[object] = []

    def backend(graph: Any, _: object) -> Any:
        graphs.append(graph)
        return graph.forward

    def smooth(x: Tensor) -> Tensor:
        return (x * 2).sin() + x

    def branching(x: Tensor) -> Tensor:
        y = x * 2
        return y + 1 if y.sum() > 0 else y - 1

    one, minus = torch.ones(3), -torch.ones(3)
    torch.compile(smooth, backend=backend)(one)
    whole = len(graphs)
    compiled = torch.compile(branching, backend=backend)
    agree = all(torch.equal(compiled(x), branching(x)) for x in (one, minus))
    return {"whole": whole, "broken": len(graphs) - whole, "agree": agree}
