# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tiny Llama checkpoints, each with another feature, and their losses by transformers.

python tests/golden/models/make_models.py      (transformers 4.51.3, torch, CPU)

Every model is also run with its feature switched off: the loss must then move by more than 1e-3, or the checkpoint
would prove nothing.
"""
import json
import math
import pathlib
import shutil

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
ROWS, LENGTH = 2, 48

PLAIN = dict(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    vocab_size=128, max_position_embeddings=256, rms_norm_eps=1e-5, rope_theta=10000.0, bos_token_id=1,
    eos_token_id=2, tie_word_embeddings=False, attn_implementation="eager")
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)

# name, what differs from PLAIN, the same with the feature off (None: nothing to switch), dtype of the file
MODELS = [
    ("gqa_untied", {}, dict(rms_norm_eps=1e-1), "float32"),
    ("tied", dict(tie_word_embeddings=True, vocab_size=192), None, "float32"),
    ("rope_llama3", dict(num_attention_heads=2, num_key_value_heads=1, rope_theta=500000.0, rope_scaling=LLAMA3),
     dict(rope_scaling=None), "float32"),
    ("rope_parameters", dict(num_attention_heads=2, num_key_value_heads=1, rope_theta=20000.0,
                             rope_scaling=dict(LLAMA3, factor=4.0)), dict(rope_theta=10000.0), "float32"),
    ("rope_linear_fp16", dict(num_attention_heads=2, num_key_value_heads=2,
                              rope_scaling=dict(type="linear", factor=4.0)), dict(rope_scaling=None), "float16"),
    ("biases", dict(attention_bias=True, mlp_bias=True), "zero biases", "float32"),
    ("bf16", dict(num_key_value_heads=4), None, "bfloat16"),
    ("sharded", dict(num_key_value_heads=1), None, "float32"),
    ("head_dim", dict(head_dim=16), None, "float32"),
]


def randomise(model, seed):
    """Weights large enough that attention is far from uniform; norms around one; biases that matter."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("norm.weight"):
            value = 1 + 0.2 * noise
        elif name.endswith("bias"):
            value = 0.2 * noise
        elif "embed_tokens" in name:
            value = noise * (0.3 if model.config.tie_word_embeddings else 1.0)
        else:
            gain = 1.6 if "q_proj" in name or "k_proj" in name else 1.0
            value = gain * noise / math.sqrt(parameter.shape[1])
        parameter.data.copy_(value)


def run(model, tokens):
    with torch.no_grad():
        output = model(input_ids=tokens, labels=tokens)
    return output.loss.item(), output.logits


def write_newer_spelling(folder):
    """The config.json of transformers 5: rope fields in rope_parameters, dtype without the torch_."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    config["rope_parameters"] = dict(config.pop("rope_scaling"), rope_theta=config.pop("rope_theta"))
    config["dtype"] = config.pop("torch_dtype")
    config["transformers_version"] = "5.0.0"
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def make(index, name, changes, off, dtype):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    config = LlamaConfig(**{**PLAIN, **changes}, torch_dtype=dtype)
    model = LlamaForCausalLM(config).eval()
    randomise(model, 100 + index)
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size="36KB" if name == "sharded" else "5GB")
    model.float()
    (folder / "generation_config.json").unlink()
    if name != "rope_parameters":
        again, info = LlamaForCausalLM.from_pretrained(folder, torch_dtype=torch.float32, attn_implementation="eager",
                                                       output_loading_info=True)
        assert not info["missing_keys"] and not info["unexpected_keys"], info
        model = again.eval()
    else:
        write_newer_spelling(folder)

    generator = torch.Generator().manual_seed(200 + index)
    tokens = torch.randint(0, config.vocab_size, (ROWS, LENGTH), generator=generator)
    loss, logits = run(model, tokens)
    exact, _ = run(double_copy(model), tokens)
    assert abs(loss - exact) < 2e-6 * exact, (name, loss, exact)
    if off is not None:
        other = LlamaForCausalLM(LlamaConfig(**{**PLAIN, **changes, **(off if isinstance(off, dict) else {})})).eval()
        other.load_state_dict(model.state_dict())
        if off == "zero biases":
            for key, parameter in other.named_parameters():
                if key.endswith("bias"):
                    parameter.data.zero_()
        moved = abs(run(other, tokens)[0] - loss) / loss
        assert moved > 1e-3, (name, "feature does not matter", moved)
        print(f"{name}: without its feature the loss moves by {moved:.1e}")
    samples = [dict(row=row, position=position, values=[float(f"{v:.9g}") for v in logits[row, position, :24].tolist()])
               for row, position in ((0, 0), (0, LENGTH // 2), (1, LENGTH - 1))]
    return dict(model=name, loss=loss, tokens=tokens.tolist(), logits=samples)


def double_copy(model):
    copy = LlamaForCausalLM(model.config).eval()
    copy.load_state_dict(model.state_dict())
    return copy.double()


def main():
    torch.set_num_threads(1)
    models = [make(index, *row) for index, row in enumerate(MODELS)]
    lines = ",\n".join(json.dumps(model) for model in models)
    versions = json.dumps(dict(torch=torch.__version__, transformers=transformers.__version__))
    (HERE / "losses.json").write_text('{"made_with": ' + versions + ',\n"models": [\n' + lines + "\n]}\n")
    for model in models:
        print(f"{model['model']:18} {model['loss']:.7f}")


if __name__ == "__main__":
    main()
