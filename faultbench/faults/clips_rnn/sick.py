"""Which way does the dot go? Frames go through a CNN, their features through a GRU."""
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(77)
torch.set_num_threads(1)
T, SIDE = 5, 6


def clips(n):
    way = torch.randint(0, 4, (n,))
    step = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])[way]
    start = torch.randint(0, SIDE, (n, 2))
    video = 0.1 * torch.randn(n, T, 1, SIDE, SIDE)
    for t in range(T):
        at = (start + t * step) % SIDE
        video[torch.arange(n), t, 0, at[:, 0], at[:, 1]] += 2.0
    return video, way


class EncoderCNN(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1, padding_mode="circular")
        self.fc = nn.Linear(8 * SIDE * SIDE, features)

    def forward(self, video):
        frames = [F.relu(self.fc(F.relu(self.conv(video[:, t])).flatten(1))) for t in range(T)]
        return torch.stack(frames, dim=1)


class DecoderRNN(nn.Module):
    def __init__(self, features, hidden, classes):
        super().__init__()
        self.features = features
        self.rnn = nn.GRU(features, hidden)
        self.fc = nn.Linear(hidden, classes)

    def forward(self, x):
        x = x.view(T, x.size(0), self.features)
        out, _ = self.rnn(x)
        return self.fc(out[-1])


cnn, rnn = EncoderCNN(48), DecoderRNN(48, 48, 4)
crnn_params = list(cnn.parameters()) + list(rnn.parameters())
optimizer = torch.optim.Adam(crnn_params, lr=4e-3)


def train(steps):
    cnn.train()
    rnn.train()
    for step in range(steps):
        video, way = clips(48)
        optimizer.zero_grad()
        loss = F.cross_entropy(rnn(cnn(video)), way)
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print("step", step, "loss", loss.item())


def validation():
    cnn.eval()
    rnn.eval()
    video, way = clips(500)
    with torch.no_grad():
        return (rnn(cnn(video)).argmax(1) == way).float().mean().item()


train(350)
print("score:", validation())
