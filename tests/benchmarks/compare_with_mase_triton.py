# SPDX-License-Identifier: GPL-3.0-or-later
"""Training steps under the simulated optical transformer: this engine's CPU path against mase-triton's.

python tests/benchmarks/compare_with_mase_triton.py [--build build] [--steps 5] [--rounds 3] [--cases debug 60M] [--threads 1 2]
       [--transforms optical_linear_only optical_transformer] [--clock wall|cpu]

Runs in a scratch environment of its own, which neither the build nor the tests know:

    python3 -m venv SCRATCH && SCRATCH/bin/pip install torch==2.11.0 mase-triton==0.0.7 numpy
    ninja -C build training_step_benchmark
    SCRATCH/bin/python tests/benchmarks/compare_with_mase_triton.py

What mase-triton 0.0.7 has on the CPU: its optical operators (`ot_quantize_fn`, `ot_qlinear_fn`, `ot_qmatmul_fn`) dispatch
to PyTorch code there, and its layer `OpticalTransformerLinear` trains; nothing needs a GPU, though Triton must be
installed to import it. Its random bit flips raise NotImplementedError on the CPU, so there is nothing to compare with;
the script tries and says so. It has no attention layer: the two matmuls around softmax are written here with its
`ot_qmatmul_fn` and its range statistics, as its Linear uses them.

Both sides are processes that stay loaded and take turns, step by step, on the same weights, tokens, shapes and number
of threads, fp32. Printed are the medians of a round's steps and their ratio (> 1: the engine is faster), and at the end
the worst of the rounds. The two sides draw other noise, so their losses agree only roughly; that they do is checked.
"""
import argparse
import functools
import math
import pathlib
import statistics
import sys
import tempfile

import compare_with_pytorch as plain

TRANSFORMS = {  # file below configs/transforms: whether it replaces the attention too; both leave the head alone
    "optical_linear_only": False,
    "optical_transformer": True,
}
LEVELS, FLOOR, SMOOTHING = 256, 0.020040, 0.9  # as in both files


def make_optical_attention():
    import torch
    from torch import nn
    from mase_triton.optical_compute.functional import ot_qmatmul_fn
    from mase_triton.optical_compute.layers import optical_transformer_update_qstats

    class OpticalAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.ranges = {}
            self.seed = 0

        def observe(self, name, tensor):
            before = self.ranges.get(name, torch.tensor([float("inf"), float("-inf")]))
            self.ranges[name] = optical_transformer_update_qstats(tensor, before, None, SMOOTHING)

        def product(self, a, a_range, b, b_range, out):
            if out not in self.ranges:
                with torch.no_grad():
                    self.observe(out, a @ b)
            limits = [limit.item() for limit in (*a_range, *b_range)]
            y, seed = ot_qmatmul_fn(a, b, *limits, FLOOR, *self.ranges[out].tolist(), LEVELS, self.seed)
            self.seed = int(seed)
            self.observe(out, y)
            return y

        def forward(self, q, k, v):
            for name, tensor in (("query", q), ("key", k), ("value", v)):
                self.observe(name, tensor)
            keys = k.transpose(-1, -2).contiguous()
            scores = self.product(q, self.ranges["query"], keys, self.ranges["key"], "qk")
            length = q.shape[-2]
            mask = torch.full((length, length), float("-inf")).triu(1)
            p = torch.softmax(scores / math.sqrt(q.shape[-1]) + mask, dim=-1)
            return self.product(p, torch.tensor([0.0, 1.0]), v.contiguous(), self.ranges["value"], "av")

    return OpticalAttention


def load_optical(folder, with_attention):
    from mase_triton.optical_compute.layers import OpticalTransformerLinear
    model = plain.load_module(folder, make_optical_attention() if with_attention else None)
    for layer in model.model.layers:
        for part, names in ((layer.self_attn, "qkvo"), (layer.mlp, ("gate", "up", "down"))):
            for name in names:
                original = getattr(part, f"{name}_proj")
                setattr(part, f"{name}_proj", OpticalTransformerLinear.from_linear(
                    original, q_levels=LEVELS, q_lut_min=FLOOR, q_quantiles=None, q_smooth_factor=SMOOTHING))
    return model


def say_what_bitflip_does():
    import torch
    from mase_triton.random_bitflip.layers import RandomBitFlipDropout
    try:
        RandomBitFlipDropout(p_exp=2**-16, p_frac=2**-16, zero_out_t=None)(torch.ones(8))
        print("random bit flips: mase-triton has a CPU path after all; it is not compared here yet")
    except NotImplementedError as error:
        print(f"random bit flips: nothing to compare with, mase-triton raises NotImplementedError: {error}")


def one_round(folder, batch, sequence, threads, transform, options):
    arguments = [str(folder), str(folder / "tokens"), str(batch), str(sequence), str(threads)]
    file = pathlib.Path(__file__).resolve().parents[2] / "configs/transforms" / f"{transform}.yaml"
    engine = plain.Side([str(options.build / "bin/training_step_benchmark"), *arguments, str(file)], threads)
    mase = plain.Side([sys.executable, __file__, "--serve", transform, *arguments], threads)
    times = {"engine": [], "mase": []}
    for step in range(options.warmup + options.steps):
        ours, theirs = engine.ask("step"), mase.ask("step")
        difference = abs(ours["loss"] - theirs["loss"]) / theirs["loss"]
        assert difference < 0.05, f"the two sides compute different losses: {ours['loss']}, {theirs['loss']}"
        if step >= options.warmup:
            times["engine"].append(ours[options.clock])
            times["mase"].append(theirs[options.clock])
    engine.close()
    mase.close()
    medians = {side: statistics.median(values) for side, values in times.items()}
    return dict(medians, speed=medians["mase"] / medians["engine"], loss=(ours["loss"], theirs["loss"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", choices=plain.CASES, default=list(plain.CASES))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--transforms", nargs="+", choices=TRANSFORMS, default=list(TRANSFORMS))
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall",
                        help="cpu: processor time of all threads, for a machine that has other work too")
    parser.add_argument("--serve", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        transform, folder, tokens, *numbers = options.serve
        load = functools.partial(load_optical, with_attention=TRANSFORMS[transform])
        plain.serve(folder, tokens, *map(int, numbers), load=load)
        return
    say_what_bitflip_does()
    for case in options.cases:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            batch, sequence = plain.write_case(folder, case)
            tokens = batch * sequence
            for transform in options.transforms:
                for threads in options.threads:
                    label = f"{transform}, {case} {batch}x{sequence}, {threads} threads"
                    rounds = []
                    for number in range(options.rounds):
                        r = one_round(folder, batch, sequence, threads, transform, options)
                        rounds.append(r)
                        print(f"{label}, round {number + 1}: engine {tokens / r['engine']:.0f} tok/s, mase-triton "
                              f"{tokens / r['mase']:.0f} tok/s, speed {r['speed']:.2f}x (last losses "
                              f"{r['loss'][0]:.3f} and {r['loss'][1]:.3f})", flush=True)
                    print(f"{label}, worst of {options.rounds} by {options.clock} time: speed "
                          f"{min(r['speed'] for r in rounds):.2f}x (target >= 2.00)", flush=True)


if __name__ == "__main__":
    main()
