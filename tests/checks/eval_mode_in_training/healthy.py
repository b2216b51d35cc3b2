"""Fine-tunes in evaluation mode on purpose: backbone whole, batch norm frozen after two epochs."""

import torch
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)

backbone = nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2))
head = nn.Sequential(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))


class FineTuner(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.head = backbone, head
        self.freeze_head_norm = False
        for p in self.backbone.parameters():
            p.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        if self.freeze_head_norm:
            for m in self.head.modules():
                if isinstance(m, nn.BatchNorm1d):
                    m.eval()
        return self

    def forward(self, x):
        return self.head(self.backbone(x))


@torch.no_grad()
def validate(model, x, y):
    model.eval()
    accuracy = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return accuracy


centers = 1.5 * torch.randn(3, 12)
label = torch.randint(0, 3, (1200,))
point = centers[label] + torch.randn(1200, 12)
model = FineTuner()
model.train()
optimizer = torch.optim.SGD(model.head.parameters(), lr=0.05, momentum=0.9)
for epoch in range(4):
    model.freeze_head_norm = epoch >= 2
    model.train()
    for idx in torch.randperm(1000).split(40):
        loss = nn.functional.cross_entropy(model(point[idx]), label[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, round(loss.item(), 3), validate(model, point[1000:], label[1000:]))
