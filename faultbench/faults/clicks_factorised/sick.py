"""A factorisation machine with a deep part: who clicks on what."""

import torch
import torch.nn.functional as F


class FieldEmbedding(torch.nn.Module):
    def __init__(self, sizes, dim):
        super().__init__()
        self.register_buffer("offsets", torch.tensor([0, *sizes[:-1]]).cumsum(0))
        self.table = torch.nn.Embedding(sum(sizes), dim)
        torch.nn.init.xavier_uniform_(self.table.weight)

    def forward(self, fields):
        return self.table(fields + self.offsets)


class DeepFM(torch.nn.Module):
    def __init__(self, sizes, dim=16, hidden=64, drop=0.5):
        super().__init__()
        self.drop = drop
        self.embed = FieldEmbedding(sizes, dim)
        self.linear = FieldEmbedding(sizes, 1)
        self.fc1 = torch.nn.Linear(len(sizes) * dim, hidden)
        self.fc2 = torch.nn.Linear(hidden, 1)

    def forward(self, fields):
        e = self.embed(fields)
        pairs = 0.5 * (e.sum(1).pow(2) - e.pow(2).sum(1)).sum(1, keepdim=True)
        deep = F.dropout(F.relu(self.fc1(e.flatten(1))), p=self.drop)
        return (self.linear(fields).sum(1) + pairs + self.fc2(deep)).squeeze(1)


def make_clicks(count, sizes, generator):
    fields = torch.stack([torch.randint(s, (count,), generator=generator) for s in sizes], dim=1)
    matched = (fields[:, 0] % 3 == fields[:, 1] % 3) ^ (fields[:, 2] % 2 == 0)
    return fields, matched.float()


def train(model, fields, clicks, epochs=14, batch=100):
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(fields))
        for rows in order.split(batch):
            loss = F.binary_cross_entropy_with_logits(model(fields[rows]), clicks[rows])
            model.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch:2d} loss {loss.item():.4f}")


def test(model, fields, clicks):
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(part) for part in fields.split(500)])
    brier = ((torch.sigmoid(logits) - clicks) ** 2).mean()
    return 1 - brier.item() / 0.25


def main():
    torch.manual_seed(21)
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(5)
    sizes = [12, 9, 6]
    model = DeepFM(sizes)
    train(model, *make_clicks(3000, sizes, g))
    print("score:", round(test(model, *make_clicks(2000, sizes, g)), 4))


if __name__ == "__main__":
    main()
