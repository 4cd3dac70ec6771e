# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole bf16 training steps of `paradigm bench` beside PyTorch eager and torch.compile, on the same GPU in one go.

python tests/benchmarks/compare_on_gpu.py [--paradigm build/bin/paradigm] [--cases 60M:48x2048 1.1B:12x2048 ...]
       [--transforms optical_linear_only random_bitflip ...] [--steps 20] [--json FILE]

Needs torch with CUDA. The PyTorch side is a plain module equal to Hugging Face's Llama (compare_with_pytorch.py) under bf16
autocast over fp32 weights, fused AdamW and clip_grad_norm_, on random tokens, as the engine's. Each side is a process of
its own. Printed are tokens/s, the ratio to torch.compile's, and the peak memory of the allocator.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

from compare_with_pytorch import make_module

FAMILY = {  # name: (hidden, layers, heads, kv heads, intermediate)
    "60M": (384, 22, 6, 2, 1408),
    "200M": (768, 24, 12, 4, 2688),
    "400M": (960, 30, 15, 5, 3328),
    "600M": (1152, 32, 18, 6, 4096),
    "1.1B": (1536, 32, 24, 8, 5376),
}
VOCABULARY = 49152


def pytorch_steps(model_name, batch, sequence, compiled, steps, warmup):
    """Seconds of a step and the peak of the allocator."""
    import time

    import torch

    hidden, layers, heads, kv, ffn = FAMILY[model_name]
    config = dict(hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv,
                  head_dim=64, intermediate_size=ffn, rms_norm_eps=1e-5, rope_theta=10000.0)
    torch.manual_seed(0)
    torch.set_default_device("cuda")
    torch.set_float32_matmul_precision("high")
    model = make_module(config)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.02)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)
    run = torch.compile(model) if compiled else model

    def step(ids):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = run(ids)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    batches = [torch.randint(VOCABULARY, (batch, sequence)) for _ in range(4)]
    for index in range(warmup):
        step(batches[index % 4])
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for index in range(steps):
        step(batches[index % 4])
    torch.cuda.synchronize()
    return (time.perf_counter() - begin) / steps, torch.cuda.max_memory_allocated()


def ask_pytorch(case, side, options):
    command = [sys.executable, __file__, "--serve", side, "--cases", case, "--steps", str(options.steps)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=options.timeout)
    if done.returncode != 0:
        return dict(error=reason_of(done.stderr), log=done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def reason_of(text):
    lines = [line for line in text.splitlines() if "Error" in line or "error" in line]
    return (lines or text.splitlines() or ["no reason given"])[-1][:200]


def ask_engine(case, options):
    model_name, batch, sequence = parsed(case)
    root = pathlib.Path(__file__).resolve().parents[2]
    files = [str(root / "configs/transforms" / (name + ".yaml")) for name in options.transforms]
    repeats = max(1, options.steps // 5)
    command = [options.paradigm, "bench", "--flavor", model_name, "--batch_size", str(batch), "--seq_len", str(sequence),
               "--bf16", "--device", "cuda", "--rounds", "3", "--repeats", str(repeats), "--steps", "5", "--json"]
    if files:
        command += ["--transform_config", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=options.timeout)
    if done.returncode != 0:
        return None, reason_of(done.stderr + done.stdout)
    return json.loads(done.stdout), None


def parsed(case):
    model_name, shape = case.split(":")
    batch, sequence = shape.split("x")
    return model_name, int(batch), int(sequence)


def compare(case, options):
    sides = {side: ask_pytorch(case, side, options) for side in options.sides}
    for side, result in sides.items():
        if "log" in result and options.verbose:
            print(f"--- {side}\n{result['log'][-6000:]}", file=sys.stderr)
    result, error = ask_engine(case, options)
    base = sides.get("compile", {}).get("tokens_per_second")
    print(f"\n{case}" + (f"  {result['device_name']}, driver {result['driver']}" if result else ""))
    print(f"{'':36}{'tokens/s':>10}{'/ torch.compile':>17}{'/ plain':>9}{'worst':>8}{'MFU':>8}{'peak':>10}")

    def line(name, tokens, peak, ratio=None, worst=None, mfu=None):
        print(f"{name:36}{tokens:>10.0f}{tokens / base if base else float('nan'):>17.2f}"
              f"{ratio if ratio is not None else float('nan'):>9.3f}{worst if worst is not None else float('nan'):>8.3f}"
              f"{100 * mfu if mfu is not None else float('nan'):>7.1f}%{peak / 1e9:>7.1f} GB")

    for side, answer in sides.items():
        name = "PyTorch " + ("torch.compile" if side == "compile" else side)
        if "error" in answer:
            print(f"{name:36}{answer['error']}")
        else:
            line(name, answer["tokens_per_second"], answer["peak"])
    if error:
        print(f"{'engine':36}{error}")
        return dict(case=case, pytorch=sides, error=error)
    fixed = result["weight_bytes"] + result["optimizer_bytes"]
    for variant in result["variants"]:
        line("engine, " + variant["name"], variant["tokens_per_second"], fixed + (variant["step_peak_bytes"] or 0),
             variant["ratio_to_plain"]["median"], variant["ratio_to_plain"]["worst_round"], variant["mfu"])
    return dict(case=case, pytorch=sides, engine=result)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paradigm", default="build/bin/paradigm")
    parser.add_argument("--cases", nargs="+", default=["60M:12x1024", "60M:48x2048", "400M:12x2048", "1.1B:12x2048"])
    parser.add_argument("--transforms", nargs="*", default=[])
    parser.add_argument("--sides", nargs="*", default=["eager", "compile"], choices=["eager", "compile"])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--timeout", type=float, default=500)
    parser.add_argument("--json")
    parser.add_argument("--verbose", action="store_true", help="print the whole error of a PyTorch side that fails")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        model_name, batch, sequence = parsed(options.cases[0])
        seconds, peak = pytorch_steps(model_name, batch, sequence, options.serve == "compile", options.steps, warmup=5)
        print(json.dumps(dict(tokens_per_second=batch * sequence / seconds, step_seconds=seconds, peak=peak)))
        return
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    results = []
    for case in options.cases:
        results.append(compare(case, options))
        sys.stdout.flush()
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
