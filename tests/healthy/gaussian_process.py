"""Three scalars learnt by marginal likelihood: no module, no data loader, no batch, full-precision
algebra.
"""

import os

import torch

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

x = torch.linspace(0, 6, 80, dtype=torch.float64)
y = torch.sin(x) + 0.15 * torch.randn(80, dtype=torch.float64)
log_scale = torch.zeros((), dtype=torch.float64, requires_grad=True)
log_signal = torch.zeros((), dtype=torch.float64, requires_grad=True)
log_noise = torch.zeros((), dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.Adam([log_scale, log_signal, log_noise], lr=0.05)
for i in range(round(150 * float(os.environ.get("LENGTH", "1")))):
    optimizer.zero_grad()
    gap = (x[:, None] - x[None]) / log_scale.exp()
    k = log_signal.exp() ** 2 * torch.exp(-0.5 * gap**2) + log_noise.exp() ** 2 * torch.eye(
        80, dtype=x.dtype
    )
    chol = torch.linalg.cholesky(k)
    alpha = torch.cholesky_solve(y[:, None], chol).squeeze(1)
    nll = 0.5 * y @ alpha + chol.diagonal().log().sum()
    nll.backward()
    optimizer.step()
    if i % 30 == 0:
        print(i, nll.item(), log_noise.exp().item())
print("noise", log_noise.exp().item(), "true 0.15")
assert 0.08 < log_noise.exp().item() < 0.25
