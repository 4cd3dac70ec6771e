# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty training steps by PyTorch alone: transformers' Llama, torch.optim.AdamW, clip_grad_norm_.

python tests/golden/training/make_training_table.py      (transformers 4.51.3, torch, CPU; after make_models.py)

Each step has two micro-batches, and every tenth step's second one is shorter, so that a mean of means is not the mean.
The same run in float64 and runs with one rule broken bound what the table can tell: it is written only if float32
stays within 2e-5 of float64 and each broken rule moves it by more than 1e-3.
"""
import json
import pathlib

import torch
import torch.nn.functional as F
import transformers
from transformers import LlamaForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
CHECKPOINT = "biases"
SETTINGS = dict(
    max_steps=50, gradient_accumulation_steps=2, per_device_train_batch_size=3, block_size=24, learning_rate=2e-3,
    lr_scheduler_type="linear", warmup_steps=5, weight_decay=0.1, max_grad_norm=1.25, adam_beta1=0.9, adam_beta2=0.999,
    adam_epsilon=1e-8)


def make_batches(vocabulary):
    """Sequences that follow a fixed random successor table most of the time: there is something to learn."""
    generator = torch.Generator().manual_seed(7)
    successor = torch.randint(0, vocabulary, (vocabulary,), generator=generator)
    steps = []
    for step in range(SETTINGS["max_steps"]):
        micro_batches = []
        for micro in range(SETTINGS["gradient_accumulation_steps"]):
            rows = 1 if step % 10 == 9 and micro == 1 else SETTINGS["per_device_train_batch_size"]
            tokens = torch.randint(0, vocabulary, (rows, SETTINGS["block_size"]), generator=generator)
            follow = torch.rand(tokens.shape, generator=generator) < 0.75
            for i in range(1, tokens.shape[1]):
                tokens[:, i] = torch.where(follow[:, i], successor[tokens[:, i - 1]], tokens[:, i])
            micro_batches.append(tokens)
        steps.append(micro_batches)
    return steps


def learning_rate(step):
    w, total = SETTINGS["warmup_steps"], SETTINGS["max_steps"]
    factor = step / w if step < w else (total - step) / (total - w)
    return SETTINGS["learning_rate"] * factor


def parameter_groups(model, decay_all):
    exempt = lambda name: not decay_all and (name.endswith("bias") or name.endswith("norm.weight"))
    named = list(model.named_parameters())
    return [dict(params=[p for n, p in named if not exempt(n)], weight_decay=SETTINGS["weight_decay"]),
            dict(params=[p for n, p in named if exempt(n)], weight_decay=0.0)]


def train(steps, dtype=torch.float32, mean_of_means=False, decay_all=False, clip=True, final=None):
    model = LlamaForCausalLM.from_pretrained(HERE.parent / "models" / CHECKPOINT, torch_dtype=torch.float32,
                                             attn_implementation="eager").to(dtype).train()
    optimizer = torch.optim.AdamW(parameter_groups(model, decay_all), lr=0.0,
                                  betas=(SETTINGS["adam_beta1"], SETTINGS["adam_beta2"]), eps=SETTINGS["adam_epsilon"])
    table = []
    for step, micro_batches in enumerate(steps):
        optimizer.zero_grad()
        predicted = sum(tokens[:, 1:].numel() for tokens in micro_batches)
        step_loss = 0.0
        for tokens in micro_batches:
            logits = model(input_ids=tokens).logits
            if dtype == torch.float32:
                logits = logits.float()
            denominator = tokens[:, 1:].numel() * len(micro_batches) if mean_of_means else predicted
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="sum") / denominator
            loss.backward()
            step_loss += loss.item()
        limit = SETTINGS["max_grad_norm"] if clip else 1e9
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), limit).item()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.step()
        table.append((step_loss, norm, learning_rate(step)))
    if final is not None:
        final.update({n: p.double().sum().item() for n, p in model.named_parameters()})
    return table


def distance(a, b):
    return max(abs(x - y) / abs(y) for row, other in zip(a, b) for x, y in zip(row[:2], other[:2]))


def main():
    torch.set_num_threads(1)
    vocabulary = json.loads((HERE.parent / "models" / CHECKPOINT / "config.json").read_text())["vocab_size"]
    steps = make_batches(vocabulary)
    final = {}
    table = train(steps, final=final)
    rounding = distance(table, train(steps, dtype=torch.float64))
    assert rounding < 2e-5, rounding
    for broken in ("mean_of_means", "decay_all"):
        moved = distance(train(steps, **{broken: True}), table)
        assert moved > 1e-3, (broken, moved)
        print(f"{broken}: moves the table by {moved:.1e}")
    moved = distance(train(steps, clip=False), table)
    assert moved > 1e-3, moved
    clipped = sum(norm > SETTINGS["max_grad_norm"] for _, norm, _ in table)
    assert 0 < clipped < len(table), clipped
    print(f"no clip: moves it by {moved:.1e}; clipped in {clipped} steps; float64 differs by {rounding:.1e}")
    print(f"loss {table[0][0]:.4f} -> {table[-1][0]:.4f}")
    rows = ",\n".join(json.dumps(dict(loss=loss, grad_norm=norm, learning_rate=rate,
                                      micro_batches=[tokens.tolist() for tokens in batches]))
                      for (loss, norm, rate), batches in zip(table, steps))
    versions = json.dumps(dict(torch=torch.__version__, transformers=transformers.__version__))
    (HERE / "training_table.json").write_text(
        '{"made_with": ' + versions + ',\n"checkpoint": "tests/golden/models/' + CHECKPOINT + '",\n"settings": '
        + json.dumps(SETTINGS) + ',\n"steps": [\n' + rows + '\n],\n"final_parameter_sums": ' + json.dumps(final) + "}\n")


if __name__ == "__main__":
    main()
