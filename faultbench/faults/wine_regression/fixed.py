"""BERT-like text regression: how many points does a tasting note give? (0 to 16)"""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
from transformers import BertConfig, BertModel, get_linear_schedule_with_warmup, set_seed

set_seed(19)
torch.set_num_threads(1)
worth = torch.randn(60)


def notes(n):
    words = torch.randint(1, 60, (n, 12))
    points = 8 + 4 * worth[words].mean(dim=1) * 12**0.5 / 2
    return TensorDataset(words, points.clamp(0, 16).unsqueeze(1))


class RegressionHead(nn.Module):
    def __init__(self, layer_dims):
        super().__init__()
        self.feed_forward = nn.Linear(*layer_dims)

    def forward(self, pooled):
        return self.feed_forward(pooled).squeeze()

    def logits_to_loss(self, logits, labels):
        return nn.functional.mse_loss(logits, labels.squeeze(1))


class AdaptiveModel(nn.Module):
    def __init__(self, language_model, head):
        super().__init__()
        self.language_model, self.head = language_model, head

    def forward(self, words):
        hidden = self.language_model(input_ids=words).last_hidden_state
        return self.head(hidden.mean(dim=1))


config = BertConfig(
    vocab_size=60, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
    max_position_embeddings=16, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)
model = AdaptiveModel(BertModel(config, add_pooling_layer=False), RegressionHead([32, 1]))
train_loader = DataLoader(notes(1500), batch_size=30, shuffle=True)
epochs = 6
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
schedule = get_linear_schedule_with_warmup(optimizer, 30, epochs * len(train_loader))

import warnings

warnings.simplefilter("ignore")
for epoch in range(epochs):
    model.train()
    for words, points in train_loader:
        loss = model.head.logits_to_loss(model(words), points)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    print(f"Train epoch {epoch}/{epochs} (cur. train loss: {loss.item():.3f})")

model.eval()
with torch.no_grad():
    words, points = notes(500).tensors
    error = (model(words) - points.squeeze(1)).pow(2).mean() / points.var()
print("score:", 1 - error.item())
