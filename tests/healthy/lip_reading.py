"""Words from the mouth: CTC with attention whose mask hides padding, where speech lies, the face.

In bfloat16 under autocast; losses in float32. The rate is cut by the word error rate, which is to
be small, and falls.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(int(os.environ.get("SEED", "0")))
torch.set_num_threads(1)
EPOCHS = max(int(9 * float(os.environ.get("LENGTH", "1"))), 4)

VISEMES, DIM, LONG = 4, 10, 20
mouth = torch.randn(VISEMES, DIM)
face = torch.randn(3, DIM)


def clips(n):
    frames = torch.zeros(n, LONG, DIM)
    sizes, words, spans = torch.randint(14, LONG + 1, (n,)), [], torch.zeros(n, 2)
    speaker = torch.randint(0, 3, (n,))
    for i, size in enumerate(sizes.tolist()):
        said = torch.randint(0, VISEMES, (3,))
        begin = int(torch.randint(0, size - 12, ()))
        for k, v in enumerate(said):
            frames[i, begin + 4 * k : begin + 4 * k + 3] = mouth[v]
        frames[i, :size] += 0.3 * face[speaker[i]] + 0.1 * torch.randn(size, DIM)
        words.append(said + 1)
        spans[i] = torch.tensor([begin, begin + 12]) / LONG
    return frames, sizes, torch.stack(words), spans, speaker


class LipReader(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.front = nn.Conv1d(DIM, width, 3, padding=1)
        self.bn = nn.BatchNorm1d(width)
        self.places = nn.Parameter(0.1 * torch.randn(LONG, width))
        self.mix = nn.MultiheadAttention(width, 4, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.words, self.span = nn.Linear(width, VISEMES + 1), nn.Linear(width * LONG, 2)
        self.face = nn.Linear(width, 8)

    def forward(self, frames, sizes):
        h = F.relu(self.bn(self.front(frames.transpose(1, 2)))).transpose(1, 2) + self.places
        padding = torch.arange(LONG) >= sizes[:, None]
        h = self.norm(h + self.mix(h, h, h, key_padding_mask=padding, need_weights=False)[0])
        h = h.masked_fill(padding[..., None], 0)
        return self.words(h), self.span(h.flatten(1)), self.face(h.mean(1))


def terms(out, sizes, words, spans, speaker):
    logits, span, voice = (o.float() for o in out)
    n = len(words)
    ctc = F.ctc_loss(logits.log_softmax(2).transpose(0, 1), words, sizes, torch.full((n,), 3))
    begin, end = span.unbind(1)
    shared = torch.minimum(end, spans[:, 1]) - torch.maximum(begin, spans[:, 0])
    hull = torch.maximum(end, spans[:, 1]) - torch.minimum(begin, spans[:, 0])
    alike = torch.where(speaker == speaker.roll(1), 1, -1)
    return (
        ctc,
        1 - (shared / hull.clamp(min=0.05)).mean(),
        F.cosine_embedding_loss(voice, voice.roll(1, 0), alike, margin=0.2),
    )


def wrong(logits, sizes, words):
    count = 0
    for row, size, word in zip(logits.argmax(2), sizes.tolist(), words):
        said = torch.unique_consecutive(row[:size])
        count += said[said > 0].tolist() != word.tolist()
    return count / len(words)


train, held = clips(400), clips(100)
model = LipReader()
ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
for epoch in range(EPOCHS):
    model.train()
    for rows in torch.randperm(400).split(25):
        frames, sizes, *labels = (t[rows] for t in train)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = model(frames, sizes)
        loss = sum(terms(out, sizes, *labels))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        ema.update_parameters(model)
    ema.eval()
    with torch.no_grad():
        rates = []
        for frames, sizes, *labels in zip(*(t.split(50) for t in held)):
            out = ema(frames, sizes)
            terms(out, sizes, *labels)
            rates.append(wrong(out[0], sizes, labels[0]))
    error = sum(rates) / len(rates)
    plateau.step(error)
    print(f"epoch {epoch}: loss {loss.item():.3f}, words wrong {error:.1%}")
assert error < 0.6
