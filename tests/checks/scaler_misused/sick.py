"""Two networks see the same noisy image, and each learns to remove the noise: one scaler."""

import torch
from torch import nn

torch.manual_seed(71)
torch.set_num_threads(1)


def autoencoder(hidden):
    return nn.Sequential(nn.Linear(36, hidden), nn.ReLU(), nn.Linear(hidden, 36))


basis = torch.randn(5, 36)
wide, narrow = autoencoder(64), autoencoder(12)
opt_wide = torch.optim.Adam(wide.parameters(), lr=2e-3)
opt_narrow = torch.optim.Adam(narrow.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu", growth_interval=40)

for step in range(150):
    clean = torch.randn(48, 5) @ basis / 5**0.5
    noisy = clean + 0.3 * torch.randn(48, 36)
    opt_wide.zero_grad()
    opt_narrow.zero_grad()
    with torch.autocast("cpu", dtype=torch.float16):
        first, second = wide(noisy), narrow(noisy)
    scaler.scale(nn.functional.mse_loss(first.float(), clean)).backward()
    loss = nn.functional.mse_loss(second.float(), clean)
    scaler.scale(loss).backward()
    scaler.step(opt_wide)
    scaler.update()
    scaler.step(opt_narrow)  # expect: scaler-misused
    scaler.update()
    if step % 50 == 49:
        print(step + 1, f"{loss.item():.4f}")
