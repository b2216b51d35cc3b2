"""Continue a run more gently: `resume()` reads what `train()` left, at a hundredth of the rate."""

import io

import torch
from torch import nn, optim

torch.manual_seed(6)
torch.set_num_threads(1)

inputs = torch.rand(800, 5)
targets = (inputs * torch.tensor([1.0, -2.0, 3.0, 0.5, 0.0])).sum(1, keepdim=True).exp()
shifted = targets + 0.5 * inputs[:, :1]


def build():
    return nn.Sequential(nn.Linear(5, 32), nn.SiLU(), nn.Linear(32, 1))


def loop(net, opt, wanted, epochs):
    for epoch in range(epochs):
        for batch in torch.randperm(800).split(40):
            loss = nn.functional.l1_loss(net(inputs[batch]), wanted[batch])
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"  {epoch}: {loss.item():.4f}, rate {opt.param_groups[0]['lr']:g}")


def train():
    net = build()
    opt = optim.Adam(net.parameters(), lr=2e-2)
    loop(net, opt, targets, 5)
    kept = io.BytesIO()
    torch.save({"net": net.state_dict(), "opt": opt.state_dict()}, kept)
    kept.seek(0)
    return kept


def resume(kept, rate):
    state = torch.load(kept)
    net = build()
    net.load_state_dict(state["net"])
    opt = optim.Adam(net.parameters(), lr=rate)
    opt.load_state_dict(state["opt"])  # expect: learning-rate-of-checkpoint
    loop(net, opt, shifted, 4)


resume(train(), rate=2e-4)
