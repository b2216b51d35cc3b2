"""Training pictures are cropped, erased, mixed and made noisy; evaluation sees them as they are."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(11)
torch.set_num_threads(1)

CLASSES, SIZE, COUNT = 5, 10, 800
prototypes = torch.randn(CLASSES, 3, SIZE, SIZE)
labels = torch.randint(0, CLASSES, (COUNT,))
pictures = prototypes[labels] + 0.8 * torch.randn(COUNT, 3, SIZE, SIZE)
pictures = (pictures - pictures[:600].mean()) / pictures[:600].std()


def augment(x):
    """Shift with padding, contrast, noise, a square of zeros, and mixup."""
    dx, dy = torch.randint(-2, 3, (2,)).tolist()
    x = F.pad(x, (2, 2, 2, 2))[:, :, 2 + dy : 2 + dy + SIZE, 2 + dx : 2 + dx + SIZE]
    x = x * (0.5 + torch.rand(len(x), 1, 1, 1)) + 0.3 * torch.randn(len(x), 1, 1, 1)
    x = x + 0.4 * torch.randn_like(x)
    at = torch.randint(0, SIZE - 4, (2,)).tolist()
    x[:, :, at[0] : at[0] + 4, at[1] : at[1] + 4] = 0
    share = 0.3 * torch.rand(())
    return (1 - share) * x + share * x.flip(0), share


model = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
    nn.Flatten(), nn.Linear(64, CLASSES),
)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(600).split(40):
        x, share = augment(pictures[rows].clone())
        answers, y = model(x), labels[rows]
        loss = (1 - share) * F.cross_entropy(answers, y) + share * F.cross_entropy(
            answers, y.flip(0)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held = model(pictures[600:])
    print(epoch, round(loss.item(), 3), (held.argmax(1) == labels[600:]).float().mean().item())
