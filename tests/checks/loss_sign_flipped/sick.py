"""Which of five rooms is it? Wi-Fi strengths, and a likelihood written down as in the lecture."""

import torch
from torch import nn

torch.manual_seed(17)
torch.set_num_threads(1)

ROOMS, STATIONS = 5, 9
middle = 4 * torch.rand(ROOMS, STATIONS)
room = torch.randint(0, ROOMS, (1500,))
strength = middle[room] + 0.7 * torch.randn(1500, STATIONS) - 2


class Localiser(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.hidden = nn.Linear(STATIONS, hidden)
        self.scores = nn.Linear(hidden, ROOMS)

    def forward(self, x):
        return self.scores(self.hidden(x).tanh()).log_softmax(-1)


def objective(log_probabilities, labels):
    picked = log_probabilities.gather(1, labels[:, None]).squeeze(1)
    return picked.mean()  # expect: loss-sign-flipped


model = Localiser()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(4):
    for rows in torch.randperm(1500).split(50):
        value = objective(model(strength[rows]), room[rows])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(strength).argmax(1) == room).float().mean().item()
    print(f"epoch {epoch}: objective {value.item():.3f}, right {right:.2f}")
