"""Drift of a sensor: a network in functional style, parameters in a dict."""
import torch
import torch.nn.functional as F

torch.manual_seed(88)
torch.set_num_threads(1)


def init(sizes):
    params = {}
    for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        params[f"w{i}"] = (torch.randn(n_in, n_out) * (2 / n_in) ** 0.5).requires_grad_()
        params[f"b{i}"] = torch.zeros(n_out, requires_grad=True)
    return params


def forward(params, x):
    n = len(params) // 2
    for i in range(n):
        x = x @ params[f"w{i}"] + params[f"b{i}"]
        if i < n - 1:
            x = F.relu(x)
    return x


def sgd(params, rate):
    with torch.no_grad():
        for p in params.values():
            p -= rate * p.grad
            p.grad = None


def batch(n):
    t = torch.rand(n, 3) * 2 - 1
    y = torch.sin(3 * t[:, :1]) * t[:, 1:2] + 0.5 * t[:, 2:] ** 2
    return t, y + 0.02 * torch.randn(n, 1)


params = init([3, 48, 48, 1])
for step in range(700):
    t, y = batch(64)
    loss = F.mse_loss(forward(params, t), y)
    loss.backward()
    sgd(params, 0.05)
    if step % 100 == 0:
        print(f"{step:4d} {loss.item():.5f}")

with torch.no_grad():
    t, y = batch(2000)
    print("score:", 1 - (F.mse_loss(forward(params, t), y) / y.var()).item())
