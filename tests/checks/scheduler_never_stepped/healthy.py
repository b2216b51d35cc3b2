"""Three schedulers that never step themselves, each for a good reason.

Two are parts of a sequence, and the third only says what the rate should be: the script sets it.
"""

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LinearLR, SequentialLR, StepLR

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(600, 10)
y = x @ torch.randn(10, 1) + 0.3 * torch.randn(600, 1)

linear = nn.Linear(10, 1)
sgd = torch.optim.SGD(linear.parameters(), lr=0.05)
warm, decay = LinearLR(sgd, start_factor=0.1, total_iters=2), StepLR(sgd, step_size=3, gamma=0.5)
schedule = SequentialLR(sgd, [warm, decay], milestones=[2])

deep = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 1))
adam = torch.optim.Adam(deep.parameters(), lr=5e-3)
told = LambdaLR(adam, lambda epoch: 0.9**epoch)

for epoch in range(9):
    for group, factor in zip(adam.param_groups, told.lr_lambdas):
        group["lr"] = group["initial_lr"] * factor(epoch)
    for rows in torch.randperm(600).split(50):
        for model, optimizer in ((linear, sgd), (deep, adam)):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    schedule.step()
    print(epoch, f"{loss.item():.4f}", schedule.get_last_lr(), adam.param_groups[0]["lr"])
