"""A run that is interrupted twice: optimizer and scheduler go on at the rate that they had reached.

The optimizer is built with the rate of the beginning each time; the state brings the decayed one.
"""

import os
import tempfile

import torch

torch.manual_seed(8)
torch.set_num_threads(1)

grid = torch.linspace(-1, 1, 600).unsqueeze(1)
curve = torch.sin(5 * grid) * grid
path = os.path.join(tempfile.mkdtemp(), "last.ckpt")


def job(until):
    net = torch.nn.Sequential(torch.nn.Linear(1, 40), torch.nn.Tanh(), torch.nn.Linear(40, 1))
    opt = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)
    plan = torch.optim.lr_scheduler.StepLR(opt, step_size=4, gamma=0.4)
    begin = 0
    if os.path.exists(path):
        last = torch.load(path)
        net.load_state_dict(last["net"])
        opt.load_state_dict(last["opt"])
        plan.load_state_dict(last["plan"])
        begin = last["epoch"]
    for epoch in range(begin, until):
        total = 0.0
        for rows in torch.randperm(600).split(50):
            loss = torch.nn.functional.mse_loss(net(grid[rows]), curve[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() / 12
        plan.step()
        print(f"{epoch}: {total:.4f} at {opt.param_groups[0]['lr']:.3g}")
    everything = {"net": net.state_dict(), "opt": opt.state_dict(), "plan": plan.state_dict()}
    torch.save({**everything, "epoch": until}, path)


for until in (5, 9, 13):
    job(until)
os.remove(path)
