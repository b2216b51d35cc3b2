"""GAN tricks: which loss has a gradient, which penalty converges, and a norm that is often wrong."""

from __future__ import annotations

import math

from .page import Measured, Page, Plot, by_step

PAGE = Page(
    question=("Why do GANs not converge, and which tricks help?", "GAN 为什么不收敛，哪些技巧有用?"),
    shows=(
        (
            "The smallest GAN, one number against another: after 500 steps of both at once the distance to the solution "
            "has gone from 1 to {both:.1f}, in turn to {turns:.2f}, with R1 to {r1:.0e}, with WGAN and clipping to {wgan:.2f}.",
            "最小的 GAN，一个数对一个数：两者同时走 500 步，到解的距离从 1 变成 {both:.1f}，轮流走 {turns:.2f}，加 R1 是 {r1:.0e}，"
            "WGAN 加裁剪是 {wgan:.2f}。",
        ),
        (
            "The average of the generator over the turns lies {mean:.2f} from the solution: that is what an EMA is for.",
            "轮流走时，生成器的平均离解 {mean:.2f}：EMA 就是为此。",
        ),
        (
            "Where the discriminator is sure (D = 0.01), log(1 - D) has the slope {saturating:.2f} for the generator, -log D "
            "{other:.2f}.",
            "判别器很有把握时(D = 0.01)，log(1 - D) 给生成器的斜率是 {saturating:.2f}，-log D 是 {other:.2f}。",
        ),
        (
            "Gradient penalty on images [16, 3, 8, 8]: the norm over all but the batch is {right:.2f}, over dim=1 on "
            "average {wrong:.3f}, and the penalty {penalty_wrong:.2f} instead of {penalty:.2f}.",
            "对 [16, 3, 8, 8] 的图像做梯度惩罚：对批次以外所有维求范数是 {right:.2f}，只对 dim=1 平均是 {wrong:.3f}，惩罚项成了 "
            "{penalty_wrong:.2f} 而不是 {penalty:.2f}。",
        ),
        (
            "Labels of 0.9 for real: where real and generated are equally frequent, the best D is {smooth_one:.2f}; with 0.1 "
            "for generated as well, where nothing real is the best D is {smooth_both:.2f} and not 0, which pulls towards "
            "old mistakes.",
            "真样本标签用 0.9：真假一样多的地方，最优的 D 是 {smooth_one:.2f}；若假样本也用 0.1，没有真样本的地方最优的 D 是 "
            "{smooth_both:.2f} 而不是 0，会把生成器拉向旧错误。",
        ),
    ),
    plots=(
        Plot(
            ("Distance to the solution", "到解的距离"),
            {
                "both": ("both at once", "同时"), "turns": ("in turn", "轮流"),
                "r1": ("in turn, R1", "轮流，R1"), "wgan": ("WGAN, clipped weights", "WGAN，裁剪权重"),
            },
            x=("step", "步"), log="y", within=(1e-6, 1e1),
        ),
        Plot(
            ("Slope for the generator, by D of its sample", "生成器得到的斜率，随 D"),
            {"saturating": ("log(1 - D)", "log(1 - D)"), "other": ("-log D", "-log D")},
            x=("D", "D"), log="x",
        ),
    ),
    checks=("loss-oscillating", "vanishing-gradient", "batchnorm-tiny-batch", "parameters-without-gradient"),
    tricks=("spectral-norm", "ema", "betas", "lr"),
)  # fmt: skip

STEPS, RATE = 500, 0.1


def measure() -> Measured:
    """Plays the Dirac GAN in several ways, and differentiates losses and penalties."""
    import torch

    curves = {}
    numbers: dict[str, float] = {}
    for name in ("both", "turns", "r1", "wgan"):
        way = _dirac(name)
        curves[name] = by_step(math.hypot(*point) for point in way)
        numbers[name] = curves[name][-1][1]
        if name == "turns":
            numbers["mean"] = abs(sum(theta for theta, _ in way) / len(way))
    chances = [10 ** (k / 10) for k in range(-40, 0)]
    curves["saturating"] = [(d, d) for d in chances]  # of log(1 - sigmoid(a)) by a
    curves["other"] = [(d, 1 - d) for d in chances]
    logit = torch.tensor(math.log(0.01 / 0.99), requires_grad=True)
    for key, loss in (
        ("saturating", (1 - logit.sigmoid()).log()),
        ("other", -logit.sigmoid().log()),
    ):
        numbers[key] = abs(float(torch.autograd.grad(loss, logit)[0]))

    images = torch.randn(16, 3, 8, 8, requires_grad=True)
    critic = torch.randn(3 * 64) / math.sqrt(3 * 64)
    (slopes,) = torch.autograd.grad((images.flatten(1) @ critic).sum(), images)
    right, wrong = slopes.flatten(1).norm(2, dim=1), slopes.norm(2, dim=1)
    numbers |= {
        "right": float(right.mean()), "wrong": float(wrong.mean()),
        "penalty": float((right - 1).square().mean()), "penalty_wrong": float((wrong - 1).square().mean()),
        "smooth_one": _best_answer(0.5, 0.9, 0.0), "smooth_both": _best_answer(0.0, 0.9, 0.1),
    }  # fmt: skip
    return Measured(numbers, curves)


def _best_answer(real: float, label: float, generated_label: float) -> float:
    """Returns the D that training comes to at a place, of which a share is real, by labels."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    logit = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([logit], lr=2.0)
    for _ in range(200):
        loss = real * loss_of(logit, torch.tensor(label))
        loss = loss + (1 - real) * loss_of(logit, torch.tensor(generated_label))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(logit.detach().sigmoid())


def _dirac(rule: str) -> list[tuple[float, float]]:
    """Plays a generator theta against a discriminator D(x) = sigmoid(psi x); the real data are 0.

    Returns:
        Both numbers, by step.
    """
    theta, psi, way = 1.0, 0.0, []
    for _ in range(STEPS + 1):
        way.append((theta, psi))
        slope = 1.0 if rule == "wgan" else 1 / (1 + math.exp(theta * psi))
        towards = -theta * (1.0 if rule == "wgan" else 1 / (1 + math.exp(-theta * psi)))
        if rule == "r1":
            towards -= psi  # the gradient of psi^2 / 2
        old = psi
        psi += RATE * towards
        if rule == "wgan":
            psi = max(-0.5, min(0.5, psi))
        if rule in ("turns", "r1"):
            slope = 1 / (1 + math.exp(theta * psi))
        theta += RATE * slope * (old if rule == "both" else psi)
    return way
