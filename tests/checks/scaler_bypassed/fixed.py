"""Which of four gestures does a short recording of an accelerometer show? A mixed-precision run."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(11)
torch.set_num_threads(1)


class GestureNet(nn.Module):
    def __init__(self, classes=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(36, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.head = nn.Linear(48, classes)

    def forward(self, signal):
        return self.head(self.encoder(signal))


def recordings(count):
    gesture = torch.arange(count) % 4
    time = torch.linspace(0, 6.28, 36)
    wave = torch.sin((gesture[:, None] + 1) * time + 0.4 * torch.randn(count, 1))
    return TensorDataset(wave + 0.3 * torch.randn(count, 36), gesture)


def main():
    loader = DataLoader(recordings(960), batch_size=48, shuffle=True)
    net = GestureNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    scaler = torch.amp.GradScaler("cpu")
    criterion = nn.CrossEntropyLoss()
    for epoch in range(8):
        for signal, gesture in loader:
            with torch.autocast("cpu", dtype=torch.float16):
                loss = criterion(net(signal), gesture)
            opt.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(opt)
            scaler.update()
        print(f"epoch {epoch}: {loss.item():.3f}")


main()
