"""Signs from the joints of a hand: CTC over a recurrent net, the span of the sentence, the signer.

Half of the pairs are of one signer; hinge embedding on distances. Batch norm over time before the
recurrent net; its average is evaluated, and the rate is cut by the sentences that are right.
"""

import argparse
import copy
import os

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", 0)))
parser.add_argument(
    "--epochs", type=int, default=max(int(8 * float(os.environ.get("LENGTH", 1))), 3)
)
parser.add_argument("--lr", type=float, default=1e-2)
parser.add_argument("--decay", type=float, default=0.9)
args = parser.parse_args()
torch.manual_seed(args.seed)
torch.set_num_threads(1)

JOINTS, SIGNS = 12, 5
poses = torch.randn(SIGNS, JOINTS)
habits = torch.randn(4, JOINTS)


def sentence():
    signs = torch.randint(1, SIGNS + 1, (int(torch.randint(2, 5, ())),))
    signer = int(torch.randint(0, 4, ()))
    frames, ends = [], []
    for _ in range(int(torch.randint(1, 5, ()))):
        frames.append(torch.zeros(JOINTS))
    ends.append(len(frames))
    for sign in signs.tolist():
        frames += [poses[sign - 1]] * int(torch.randint(1, 4, ())) + [torch.zeros(JOINTS)]
    ends.append(len(frames))
    moves = torch.stack(frames) + 0.4 * habits[signer] + 0.1 * torch.randn(len(frames), JOINTS)
    return moves, signs, torch.tensor(ends) / len(frames), signer


def batches(data, size, shuffle):
    order = torch.randperm(len(data)) if shuffle else torch.arange(len(data))
    for rows in order.split(size):
        moves, signs, ends, signer = zip(*(data[i] for i in rows.tolist()))
        yield (
            pad_sequence(moves),
            torch.tensor([len(m) for m in moves]),
            torch.cat(signs),
            torch.tensor([len(s) for s in signs]),
            torch.stack(ends),
            torch.tensor(signer),
        )


class Interpreter(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.bn = nn.BatchNorm1d(JOINTS)
        self.rnn = nn.GRU(JOINTS, hidden, bidirectional=True)
        self.signs = nn.Linear(2 * hidden, SIGNS + 1)
        self.begin, self.who = nn.Linear(2 * hidden, 1), nn.Linear(JOINTS, 4)

    def forward(self, x, lengths):
        x = self.bn(x.flatten(0, 1)).view_as(x)
        h, _ = self.rnn(x)
        inside = (torch.arange(len(x))[:, None] < lengths).float()
        first = (self.begin(h).squeeze(2) + inside.log()).softmax(0)
        clock = torch.arange(len(x))[:, None] / lengths
        mean = (x * inside[..., None]).sum(0) / lengths[:, None]
        return self.signs(h).log_softmax(2), (first * clock).sum(0), self.who(mean)


ctc, hinge = nn.CTCLoss(), nn.HingeEmbeddingLoss(margin=1.0)


def total(model, batch):
    moves, lengths, signs, counts, ends, signer = batch
    log_probs, begin, who = model(moves, lengths)
    overlap = torch.min(begin + 1, ends[:, 1]) - torch.max(begin, ends[:, 0])
    union = torch.max(begin + 1, ends[:, 1]) - torch.min(begin, ends[:, 0])
    distance = (who - who.roll(1, 0)).pow(2).sum(1).add(1e-6).sqrt()
    same = torch.where(signer == signer.roll(1), 1.0, -1.0)
    loss = ctc(log_probs, signs, lengths, counts) + hinge(distance, same)
    return loss + (1 - overlap / union).mean(), log_probs


train, test = [sentence() for _ in range(320)], [sentence() for _ in range(80)]
model = Interpreter()
shadow = copy.deepcopy(model)
for p in shadow.parameters():
    p.requires_grad = False
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, betas=(0.9, 0.99))
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=2)
for epoch in range(args.epochs):
    model.train()
    for batch in batches(train, 20, shuffle=True):
        optimizer.zero_grad()
        loss, _ = total(model, batch)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for s, p in zip(shadow.parameters(), model.parameters()):
                s.copy_(args.decay * s + (1 - args.decay) * p)
            for s, b in zip(shadow.buffers(), model.buffers()):
                s.copy_(b)
    shadow.eval()
    right = seen = 0
    with torch.no_grad():
        for batch in batches(test, 40, shuffle=False):
            _, log_probs = total(shadow, batch)
            at = 0
            for i, (n, m) in enumerate(zip(batch[1].tolist(), batch[3].tolist())):
                said = torch.unique_consecutive(log_probs[:n, i].argmax(1))
                right += said[said > 0].tolist() == batch[2][at : at + m].tolist()
                seen, at = seen + 1, at + m
    scheduler.step(right / seen)
    print(f"epoch {epoch}: loss {loss.item():.3f}, sentences right {right / seen:.1%}")
assert right / seen > 0.5
