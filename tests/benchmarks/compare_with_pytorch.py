# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain training steps of this engine against PyTorch eager's, on the same cores.

python tests/benchmarks/compare_with_pytorch.py [--build build] [--steps 5] [--rounds 3] [--cases debug 60M] [--threads 1 2]
       [--clock wall|cpu] [--bf16]

Needs torch and numpy; first `ninja -C build training_step_benchmark`. Both sides are processes that stay loaded and take
turns, step by step (A B A B ...), on the same weights and tokens; their losses are compared. The PyTorch side is a plain
module equal to Hugging Face's Llama with SDPA attention, fused AdamW and clip_grad_norm_, in bf16 under autocast. Each round has fresh processes;
printed are the medians of a round's steps, their ratio (> 1: the engine is faster), the ratios of the forward and
backward passes of head and loss and of all below the head, the peak memory above the loaded program, and at the end the worst of the rounds.
"""
import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

CASES = {  # name: (d, layers, heads, kv heads, ffn, head_dim, batch, sequence)
    "debug": (128, 2, 4, 2, 512, 32, 8, 512),
    "60M": (384, 22, 6, 2, 1408, 64, 2, 512),
}
VOCABULARY = 49152


def make_module(config, make_attention=None):
    """Hugging Face's Llama as a plain module. `make_attention` makes what stands for SDPA in each layer."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    class RmsNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(config["hidden_size"]))

        def forward(self, x):
            dtype = x.dtype
            x = x.to(torch.float32)
            variance = x.pow(2).mean(-1, keepdim=True)
            x = x * torch.rsqrt(variance + config["rms_norm_eps"])
            return self.weight * x.to(dtype)

    def rotate_half(x):
        half = x.shape[-1] // 2
        return torch.cat((-x[..., half:], x[..., :half]), dim=-1)

    class Sdpa(nn.Module):
        def forward(self, q, k, v):
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    make_attention = make_attention or Sdpa

    def linear(inputs, outputs):
        return nn.Linear(inputs, outputs, bias=False)

    d, heads, kv, D = (config[k] for k in ("hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim"))

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.q_proj, self.k_proj, self.v_proj = linear(d, heads * D), linear(d, kv * D), linear(d, kv * D)
            self.o_proj = linear(heads * D, d)
            self.core = make_attention()

        def forward(self, x, cos, sin):
            batch, length, _ = x.shape
            q = self.q_proj(x).view(batch, length, -1, D).transpose(1, 2)
            k = self.k_proj(x).view(batch, length, -1, D).transpose(1, 2)
            v = self.v_proj(x).view(batch, length, -1, D).transpose(1, 2)
            cos, sin = cos.to(q.dtype), sin.to(q.dtype)
            q = q * cos + rotate_half(q) * sin
            k = k * cos + rotate_half(k) * sin
            groups = heads // kv
            k = k[:, :, None].expand(batch, kv, groups, length, D).reshape(batch, heads, length, D)
            v = v[:, :, None].expand(batch, kv, groups, length, D).reshape(batch, heads, length, D)
            y = self.core(q, k, v)
            return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))

    class Mlp(nn.Module):
        def __init__(self):
            super().__init__()
            ffn = config["intermediate_size"]
            self.gate_proj, self.up_proj, self.down_proj = linear(d, ffn), linear(d, ffn), linear(ffn, d)

        def forward(self, x):
            return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.self_attn, self.mlp = Attention(), Mlp()
            self.input_layernorm, self.post_attention_layernorm = RmsNorm(), RmsNorm()

        def forward(self, x, cos, sin):
            x = x + self.self_attn(self.input_layernorm(x), cos, sin)
            return x + self.mlp(self.post_attention_layernorm(x))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed_tokens = nn.Embedding(VOCABULARY, d)
            self.layers = nn.ModuleList(Block() for _ in range(config["num_hidden_layers"]))
            self.norm = RmsNorm()

        def forward(self, ids):
            x = self.embed_tokens(ids)
            device = ids.device
            frequencies = 1.0 / (config["rope_theta"] ** (torch.arange(0, D, 2, device=device).float() / D))
            angles = torch.outer(torch.arange(ids.shape[1], device=device).float(), frequencies)
            angles = torch.cat((angles, angles), dim=-1)
            cos, sin = angles.cos()[None, None], angles.sin()[None, None]
            for layer in self.layers:
                x = layer(x, cos, sin)
            return self.norm(x)

    class CausalLm(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = Model()
            self.lm_head = linear(d, VOCABULARY)

        def loss_of(self, hidden, ids):
            logits = self.lm_head(hidden).float()
            labels = F.pad(ids, (0, 1), value=-100)[..., 1:].contiguous()
            return F.cross_entropy(logits.view(-1, VOCABULARY), labels.view(-1), ignore_index=-100)

        def forward(self, ids):
            return self.loss_of(self.model(ids), ids)

    return CausalLm()


def status_bytes(field):
    for line in open("/proc/self/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024


def load_module(folder, make_attention=None):
    import torch
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    model = make_module(config, make_attention)
    model.load_state_dict(torch.load(pathlib.Path(folder) / "weights.pt", mmap=True))
    return model


def serve(folder, tokens_file, batch, sequence, threads, load=load_module, bf16=False):
    """The PyTorch side: the same requests and answers as training_step_benchmark."""
    import torch
    torch.set_num_threads(threads)
    passes = lambda: torch.autocast("cpu", torch.bfloat16, enabled=bf16)
    loaded_program = status_bytes("VmRSS")
    model = load(folder)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    ids = torch.frombuffer(bytearray(pathlib.Path(tokens_file).read_bytes()), dtype=torch.int64).view(batch, sequence)

    def step():
        optimizer.zero_grad()
        with passes():
            loss = model(ids)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    for request in sys.stdin:
        request = request.strip()
        if request == "step":
            begin, cpu = time.perf_counter(), time.process_time()
            loss = step()
            answer = dict(wall=time.perf_counter() - begin, cpu=time.process_time() - cpu, loss=loss)
        elif request == "head":
            with torch.no_grad(), passes():
                hidden = model.model(ids)
            hidden.requires_grad_(True)
            optimizer.zero_grad()
            begin, cpu = time.perf_counter(), time.process_time()
            with passes():
                loss = model.loss_of(hidden, ids)
            loss.backward()
            answer = dict(wall=time.perf_counter() - begin, cpu=time.process_time() - cpu)
        elif request == "body":
            optimizer.zero_grad()
            begin, cpu = time.perf_counter(), time.process_time()
            with passes():
                hidden = model.model(ids)
            hidden.backward(torch.ones_like(hidden))
            answer = dict(wall=time.perf_counter() - begin, cpu=time.process_time() - cpu)
        else:
            answer = dict(bytes=status_bytes("VmHWM") - loaded_program)
        print(json.dumps(answer), flush=True)


def write_case(folder, case):
    import torch
    d, layers, heads, kv, ffn, head_dim, batch, sequence = CASES[case]
    config = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", hidden_size=d,
                  intermediate_size=ffn, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv,
                  head_dim=head_dim, vocab_size=VOCABULARY, rms_norm_eps=1e-5, rope_theta=10000.0,
                  max_position_embeddings=2048, tie_word_embeddings=False, torch_dtype="float32")
    (folder / "config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    model = make_module(config)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.02)
    state = model.state_dict()
    torch.save(state, folder / "weights.pt")
    write_safetensors(folder / "model.safetensors", state)
    ids = torch.randint(VOCABULARY, (batch, sequence))
    (folder / "tokens").write_bytes(ids.numpy().tobytes())
    return batch, sequence


def write_safetensors(file, state):
    header, offset = {}, 0
    for name, tensor in state.items():
        size = tensor.numel() * 4
        header[name] = dict(dtype="F32", shape=list(tensor.shape), data_offsets=[offset, offset + size])
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for tensor in state.values():
            stream.write(tensor.numpy().tobytes())


class Side:
    def __init__(self, command, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def one_round(folder, batch, sequence, threads, options):
    arguments = [str(folder), str(folder / "tokens"), str(batch), str(sequence), str(threads)]
    bf16 = ["--bf16"] if options.bf16 else []
    engine = Side([str(options.build / "bin/training_step_benchmark"), *bf16, *arguments], threads)
    pytorch = Side([sys.executable, __file__, *bf16, "--serve", *arguments], threads)
    times = {"engine": [], "pytorch": []}
    for step in range(options.warmup + options.steps):
        ours, theirs = engine.ask("step"), pytorch.ask("step")
        difference = abs(ours["loss"] - theirs["loss"]) / theirs["loss"]
        assert difference < (1e-2 if options.bf16 else 1e-3), f"the two sides compute different losses: {ours['loss']}, {theirs['loss']}"
        if step >= options.warmup:
            times["engine"].append(ours[options.clock])
            times["pytorch"].append(theirs[options.clock])
    memory = (engine.ask("memory")["bytes"], pytorch.ask("memory")["bytes"])
    parts = {part: {"engine": [], "pytorch": []} for part in ("head", "body")}
    for _ in range(options.steps):
        for part, sides in parts.items():
            sides["engine"].append(engine.ask(part)[options.clock])
            sides["pytorch"].append(pytorch.ask(part)[options.clock])
    engine.close()
    pytorch.close()
    step = {side: statistics.median(values) for side, values in times.items()}
    head, body = ({side: statistics.median(values) for side, values in parts[part].items()}
                  for part in ("head", "body"))
    return dict(engine=step["engine"], pytorch=step["pytorch"], speed=step["pytorch"] / step["engine"],
                head=head["pytorch"] / head["engine"], body=body["pytorch"] / body["engine"],
                share_engine=head["engine"] / (head["engine"] + body["engine"]),
                share_pytorch=head["pytorch"] / (head["pytorch"] + body["pytorch"]),
                memory=memory[0] / memory[1], memory_engine=memory[0], memory_pytorch=memory[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall",
                        help="cpu: processor time of all threads, for a machine that has other work too")
    parser.add_argument("--bf16", action="store_true", help="passes in bf16 over fp32 weights")
    parser.add_argument("--serve", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        folder, tokens, *numbers = options.serve
        serve(folder, tokens, *map(int, numbers), bf16=options.bf16)
        return
    for case in options.cases:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            batch, sequence = write_case(folder, case)
            tokens = batch * sequence
            for threads in options.threads:
                rounds = []
                for number in range(options.rounds):
                    r = one_round(folder, batch, sequence, threads, options)
                    rounds.append(r)
                    print(f"{case} {batch}x{sequence}, {threads} threads, round {number + 1}: "
                          f"engine {tokens / r['engine']:.0f} tok/s, PyTorch {tokens / r['pytorch']:.0f} tok/s, "
                          f"speed {r['speed']:.2f}x (head and loss {r['head']:.2f}x, below the head {r['body']:.2f}x; the head "
                          f"takes {r['share_engine']:.0%} of the engine's passes, {r['share_pytorch']:.0%} of "
                          f"PyTorch's), "
                          f"peak {r['memory_engine'] / 1e6:.0f} MB and {r['memory_pytorch'] / 1e6:.0f} MB, "
                          f"{r['memory']:.2f}x", flush=True)
                print(f"{case} {batch}x{sequence}, {threads} threads, worst of {options.rounds}: speed "
                      f"{min(r['speed'] for r in rounds):.2f}x (target >= 1.00), below the head "
                      f"{min(r['body'] for r in rounds):.2f}x, memory {max(r['memory'] for r in rounds):.2f}x "
                      f"(target <= 1.10)", flush=True)


if __name__ == "__main__":
    main()
