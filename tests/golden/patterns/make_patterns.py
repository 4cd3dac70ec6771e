# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Python's re.fullmatch which names a pattern matches, for patterns as transform files use them and random ones.

Output: the names, one a line; an empty line; then for each pattern one line of 0 and 1 (one digit a name), a space and
the pattern.
"""
import random
import re

NAMES = [f"model.layers.{i}.{m}" for i in (0, 1, 10, 21, 119) for m in (
    "self_attn", "self_attn.q_proj", "self_attn.k_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.down_proj",
    "input_layernorm")]
NAMES += ["model.embed_tokens", "model.norm", "lm_head", "default", "model.layers.0", "layers.0.attention.wq",
          "model_layers_0_self_attn", "model.layers.0.self_attn.q_proj\u00e9", "MODEL.LAYERS.0.SELF_ATTN",
          "model.layers.\u0663.self_attn", "model.layers.0.self_attn.q_proj.", "model.layers.-1.mlp.gate_proj", "aaa"]

FIXED = [
    r"model\.layers\.[0-9]+\.self_attn", r"model\.layers.[0-9]+\.self_attn\.(q|k|v|o)_proj",
    r"model\.layers\.[0-9]+\.mlp\.(gate|up|down)_proj", r"lm_head", r"default", r".*", r".+_proj", r"", r"model",
    r"model\.layers\.\d+\.self_attn", r"model\.layers\.\d{1,2}\.mlp\..*", r"(?i)model\.layers\.0\.self_attn",
    r"^model\.norm$", r"\Amodel\.norm\Z", r"model\.layers\.(?:0|1)\..*", r"model\.layers\.(?!0\.).*",
    r"model\.layers\.(?P<n>[0-9])(?P=n)\..*", r"(model\.layers\.(\d)\2.*)", r"(?=model).*(?<=proj)", r".*(?<!proj)",
    r"model\.layers\.[^.]+\.self_attn", r"[\w.]+", r"[^\W\d_]+(_[a-z]+)?", r"a|aa", r"a|aaa", r"(a|aa)+?", r"a*?", r"a{2}a",
    r"a{1,}", r"(a+)+", r"model\.layers\.(\d|1\d|2[0-3])\..*", r"\bmodel\b.*", r"[]a]+", r"[^]]+", r"a{0,2}", r"a{,b}", r"x?a{3}",
    r"model\.layers\.\d+\.self_attn\.[qkv]_proj", r"(?:model\.)?(?:layers\.\d+\.)?(?:attention|self_attn).*",
    r".*\u00e9", r".*é", r"model.*\n?", r"(?s)model.*", r"(?m)^lm_head$", r"(?x) lm _ head # comment", r"model\.layers\.\d*[02468]\..*",
    r"(?>model)\..*", r"lm_hea.++", r"(lm)?_?(?(1)head|norm)", r"\x6cm_head", r"lm\x5fhead", r"[[]", r"\S+", r"\D+", r".{7}", r".{35,}",
]

ATOMS = ["model", r"\.", ".", "layers", "[0-9]", r"\d", "(q|k|v|o)", "_proj", "self_attn", "mlp", "(?:gate|down)", "a", r"\w",
         "[a-z_]", "(a|b)", "lm_head", "[^.]", ".*", "(?:aa?)", "0", "1", "norm"]
QUANTIFIERS = ["", "", "", "", "*", "+", "?", "{1,2}", "{2}", "*?", "+?", "??"]


def random_pattern(rng):
    return "".join(rng.choice(ATOMS) + rng.choice(QUANTIFIERS) for _ in range(rng.randint(1, 7)))


def usable(pattern):
    try:
        re.compile(pattern)
    except re.error:
        return False
    return "\n" not in pattern


def cut(rng, name):
    """A pattern near a name, so that many rows match."""
    parts = re.split(r"([0-9]+|\.)", name)
    text = "".join(r"\." if p == "." else rng.choice([r"\d+", "[0-9]+", p]) if p.isdigit() else re.escape(p) for p in parts)
    return rng.choice([text, text, text + ".*", "(" + text + ")|aaa", text + r"\.\w+_proj", text[:-1] + ".", "(?:x|" + text + ")"])


rng = random.Random(3)
patterns = list(FIXED)
while len(patterns) < 130:
    patterns.append(cut(rng, rng.choice(NAMES)))
while len(patterns) < 240:
    pattern = random_pattern(rng)
    if usable(pattern):
        patterns.append(pattern)
patterns = list(dict.fromkeys(p for p in patterns if usable(p)))
print("\n".join(NAMES))
print()
for pattern in patterns:
    print("".join("01"[re.fullmatch(pattern, name) is not None] for name in NAMES), pattern)
