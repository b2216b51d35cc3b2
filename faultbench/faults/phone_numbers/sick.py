"""Trains a very small GPT-2 on call records with the Hugging Face Trainer."""
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import tempfile

import torch
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

set_seed(12)
torch.set_num_threads(1)
STEP = torch.randperm(30)


class Calls(Dataset):
    """Each number is followed by the one that the exchange puts through next."""

    def __init__(self, count, length=17):
        number = torch.randint(0, 30, (count,))
        rows = [number]
        for _ in range(length - 1):
            other = torch.rand(count) < 0.05
            number = torch.where(other, torch.randint(0, 30, (count,)), STEP[number])
            rows.append(number)
        self.rows = torch.stack(rows, dim=1)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row = self.rows[i]
        return {"input_ids": row[:-1], "labels": row[1:]}


model = GPT2LMHeadModel(
    GPT2Config(vocab_size=30, n_positions=20, n_embd=32, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)
)
arguments = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    max_steps=150,
    per_device_train_batch_size=16,
    learning_rate=5e-3,
    use_cpu=True,
    report_to=[],
    save_strategy="no",
    logging_steps=50,
    disable_tqdm=True,
    seed=12,
)
trainer = Trainer(model=model, args=arguments, train_dataset=Calls(800))
trainer.train()

model.eval()
test = Calls(200).rows
with torch.no_grad():
    guess = model(input_ids=test[:, :-1]).logits.argmax(-1)
print("score:", (guess == test[:, 1:]).float().mean().item())
