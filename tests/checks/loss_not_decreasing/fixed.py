"""Which of four authors wrote a line; shuffles the lines before each epoch."""

import torch
import torch.nn as nn

torch.manual_seed(21)
torch.set_num_threads(1)

N, CLASSES, WORDS, LENGTH = 4000, 4, 60, 10
label = torch.randint(0, CLASSES, (N,))
habits = torch.softmax(1.5 * torch.randn(CLASSES, WORDS), 1)
text = torch.multinomial(habits[label], LENGTH, replacement=True)

model = nn.Sequential(nn.EmbeddingBag(WORDS, 16), nn.Dropout(0.1), nn.Linear(16, CLASSES))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(5):
    perm = torch.randperm(N)
    text, label = text[perm], label[perm]
    for start in range(0, N, 64):
        x, y = text[start : start + 64], label[start : start + 64]
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f}")
