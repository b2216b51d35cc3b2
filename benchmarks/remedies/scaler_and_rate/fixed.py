"""Mixed precision by hand."""

import torch

torch.manual_seed(83)
torch.set_num_threads(1)


class Cleaner(torch.nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.inner = torch.nn.Sequential(
            torch.nn.Linear(16, width), torch.nn.GELU(), torch.nn.Linear(width, 16)
        )

    def forward(self, noisy):
        return noisy + self.inner(noisy)


def signals(count):
    phase = 6.28 * torch.rand(count, 1)
    clean = torch.sin(phase + torch.linspace(0, 6.28, 16))
    return clean + 0.5 * torch.randn_like(clean), clean


model = Cleaner()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=4096.0)
for step in range(300):
    noisy, clean = signals(64)
    loss = torch.nn.functional.mse_loss(model(noisy), clean)
    optimizer.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    if step % 100 == 0:
        print(step, loss.item())
