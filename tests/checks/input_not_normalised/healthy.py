"""Raw inputs that the model scales itself: bytes divided in forward, a table behind BatchNorm.

Token ids go to an embedding and may be as large as they like.
"""

import torch
from torch import nn

torch.manual_seed(6)
torch.set_num_threads(1)


class Advert(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.numbers = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 16), nn.ReLU())
        self.words = nn.EmbeddingBag(5000, 16, mode="mean")
        self.head = nn.Linear(8 + 16 + 16, 2)

    def forward(self, picture, numbers, tokens):
        picture = picture / 127.5 - 1.0
        parts = [self.image(picture), self.numbers(numbers), self.words(tokens)]
        return self.head(torch.cat(parts, dim=1))


model = Advert()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
criterion = nn.CrossEntropyLoss()

for step in range(150):
    label = torch.randint(0, 2, (32,))
    picture = (torch.rand(32, 3, 14, 14) * 155 + 100 * label.view(-1, 1, 1, 1)).floor()
    year = 1990 + 30 * torch.rand(32) + 3 * label
    price = 40_000 * torch.rand(32)
    numbers = torch.stack([year, price, torch.rand(32) * 300, price / 52], dim=1)
    tokens = torch.randint(0, 2500, (32, 12)) + 2500 * label.unsqueeze(1)
    loss = criterion(model(picture, numbers, tokens), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print("loss", round(loss.item(), 3))
