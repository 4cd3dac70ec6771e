#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains small tokenizers with the pipelines of well-known ones and writes what Hugging Face `tokenizers` does with them.

  pip install tokenizers==0.21.4
  python tests/golden/tokenizers/make_tokenizers.py tests/golden/tokenizers

Written there:
  corpus.json             the strings
  NAME/tokenizer.json     one tokenizer a folder
  NAME/expected.bin       for each string FNV-1a 64 of its ids (each as 4 little-endian bytes) and FNV-1a 64, folded to 32
                          bits, of decode(ids): 12 bytes, little-endian
  NAME/samples.json       for every 80th string: ids, ids without special tokens, both decodings
  variants.json           other normalizers and pre-tokenizers put into a base tokenizer: one hash for every 100 strings
  decoders.json           other decoders put into a base tokenizer: one hash over all the texts they give
"""
import json
import pathlib
import random
import struct
import sys

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)

import corpus

SEED = 20240607
STRINGS = 10400
VARIANT_STRINGS = 1500
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = "|".join([
    r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
    r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
    r"""\p{N}{1,3}""", r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""", r"""\s*[\r\n]+""", r"""\s+(?!\S)""", r"""\s+"""])


def fnv1a(data, value=0xCBF29CE484222325):
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def train(pre_tokenizer, lines, size, alphabet=(), specials=(), normalizer=None):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=list(alphabet), special_tokens=list(specials), show_progress=False))
    return tokenizer


def with_flags(tokenizer):
    """Added tokens of every kind; several contain one another."""
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True, normalized=False),
                                  AddedToken("[MASK]", rstrip=True, special=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("AddedWord", normalized=False), AddedToken("Added", normalized=True),
                          AddedToken("addedword", single_word=True, normalized=False),
                          AddedToken("<a>", normalized=False), AddedToken("<ab>", normalized=True),
                          AddedToken("[lone]", single_word=True, normalized=True),
                          AddedToken("[wide]", lstrip=True, rstrip=True, normalized=False)])


def byte_level(lines, size, specials):
    return train(pre_tokenizers.ByteLevel(add_prefix_space=False), lines, size, pre_tokenizers.ByteLevel.alphabet(), specials)


def cosmo2(lines):
    t = byte_level(lines, 900, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    return t


def smollm(lines):
    t = byte_level(lines, 700, ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<pad>"])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True)])
    t.decoder = decoders.ByteLevel()
    with_flags(t)
    return t


def gpt2(lines):
    t = byte_level(lines, 800, [])
    t.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=True)])
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.decoder = decoders.ByteLevel()
    return t


def llama3(lines):
    t = train(pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                       pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
              lines, 1000, pre_tokenizers.ByteLevel.alphabet())
    data = json.loads(t.to_str())
    data["model"]["ignore_merges"] = True
    for whole in ("Ġphotonmatrix", "lightbeams", "Ġ12", "...", "Ċĉ"):  # in the vocabulary, out of reach of the merges
        data["model"]["vocab"].setdefault(whole, len(data["model"]["vocab"]))
    t = Tokenizer.from_str(json.dumps(data))
    t.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    bos = ("<|begin_of_text|>", t.token_to_id("<|begin_of_text|>"))
    t.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True, add_prefix_space=True),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                      special_tokens=[bos])])
    t.decoder = decoders.ByteLevel()
    return t


def sentencepiece(lines, size, pre_tokenizer, byte_fallback, merges_as_text=False):
    """A vocabulary laid out as Llama-2's: unk, bos, eos, the bytes, then what was trained."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained.pre_tokenizer = pre_tokenizer
    trained.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=size, limit_alphabet=80, show_progress=False))
    learnt = json.loads(trained.to_str())["model"]
    tokens = ["<unk>", "<s>", "</s>"] + ([f"<0x{b:02X}>" for b in range(256)] if byte_fallback else [])
    tokens += [t for t, _ in sorted(learnt["vocab"].items(), key=lambda item: item[1])]
    merges = [" ".join(m) for m in learnt["merges"]] if merges_as_text else learnt["merges"]
    model = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": byte_fallback, "ignore_merges": False,
             "vocab": {token: i for i, token in enumerate(tokens)}, "merges": merges}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
            "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": model}


def finish_sentencepiece(data, normalized):
    t = Tokenizer.from_str(json.dumps(data))
    t.add_special_tokens([AddedToken(c, special=True, normalized=normalized) for c in ("<unk>", "<s>", "</s>")])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1",
                                                     special_tokens=[("<s>", 1)])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                   decoders.Strip(" ", 1, 0)])
    return t


def llama2(lines):
    t = finish_sentencepiece(sentencepiece(lines, 700, pre_tokenizers.Split("▁", "merged_with_next"), True), False)
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return t


def tinyllama(lines):
    short = [" ".join(line.split(" ")[:3]) for line in lines[:1500]]  # no splitter: tokens reach over words
    t = finish_sentencepiece(sentencepiece(short, 600, None, True, merges_as_text=True), True)
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    with_flags(t)
    return t


def metaspace(lines):
    t = finish_sentencepiece(sentencepiece(lines, 650, pre_tokenizers.Split("▁", "merged_with_next"), True), False)
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    with_flags(t)
    return t


def metaspace_unk(lines):
    data = sentencepiece(lines, 500, pre_tokenizers.Split("▁", "merged_with_next"), False)
    data["model"]["fuse_unk"] = False
    t = Tokenizer.from_str(json.dumps(data))
    t.add_special_tokens(["<unk>", "<s>", "</s>"])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    t.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    return t


def prefix_space(lines):
    t = byte_level(lines, 650, ["<s>", "</s>"])
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    t.decoder = decoders.ByteLevel()
    with_flags(t)
    return t


def variants(base):
    """(name, normalizer, pre-tokenizer) to put into `base`."""
    byte_plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    result = []
    patterns = [(r"\s+", Regex(r"\s+")), ("x*", Regex("x*")), ("space", " "), ("added", "e"), (r"\d", Regex(r"\d")),
                (r"words", Regex(r"\w+|[^\w\s]+")), (r"\b", Regex(r"\b")), ("lines", Regex(r"^.*$")), ("nested", Regex(r"[a-c[x-z]]+"))]
    for label, pattern in patterns:
        for behaviour in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
            for invert in (False, True):
                result.append((f"Split {label} {behaviour} {invert}", None, pre_tokenizers.Sequence(
                    [pre_tokenizers.Split(pattern, behaviour, invert), byte_plain])))
    for label, pattern in [("llama3", LLAMA3), ("o200k", O200K), ("qwen", LLAMA3.replace("{1,3}", "")),
                           ("bloom", r" ?[^(\s|[.,!?…。，、।۔،])]+"), ("han", r"\p{Han}+|\p{P}|\p{S}|[\p{L}\p{M}]+|\p{N}"),
                           ("classes", r"[\W\d_]+|\h{2}|\P{L}\v?|[^\S\n]+"), ("look", r"(?<=\p{Ll})(?=\p{Lu})|(?<!\d)\d+")]:
        result.append((f"Split {label}", None, pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_plain])))
        result.append((f"Split {label} inverted", None, pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(pattern), "removed", invert=True), byte_plain])))
    result += [
        ("Digits runs", None, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=False), byte_plain])),
        ("Whitespace", None, pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), byte_plain])),
        ("nested sequence", None, pre_tokenizers.Sequence([pre_tokenizers.Sequence([pre_tokenizers.Whitespace()]),
                                                           pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_plain])])),
        ("ByteLevel twice", None, pre_tokenizers.Sequence([pre_tokenizers.ByteLevel(add_prefix_space=True), byte_plain])),
        ("ByteLevel first", None, pre_tokenizers.Sequence([byte_plain, pre_tokenizers.Split("Ġ", "merged_with_next")])),
        ("no splitter", None, byte_plain),
        ("no pre-tokenizer", None, None),
        ("Metaspace never", None, pre_tokenizers.Sequence([pre_tokenizers.Metaspace("_", prepend_scheme="never"), byte_plain])),
        ("Metaspace first", None, pre_tokenizers.Sequence([pre_tokenizers.Metaspace("_", prepend_scheme="first"), byte_plain])),
        ("Metaspace after a split", None, pre_tokenizers.Sequence(
            [pre_tokenizers.Whitespace(), pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False), byte_plain])),
        ("Prepend and Metaspace first", normalizers.Prepend("xy"), pre_tokenizers.Sequence(
            [pre_tokenizers.Split("y", "isolated"), pre_tokenizers.Metaspace("_", prepend_scheme="first"), byte_plain])),
        ("Replace string", normalizers.Replace("e", "EE"), byte_plain),
        ("Replace by nothing", normalizers.Replace("e", ""), byte_plain),
        ("Replace regex", normalizers.Replace(Regex(r"\s+"), " "), pre_tokenizers.ByteLevel(add_prefix_space=True)),
        ("Normalizer sequence", normalizers.Sequence([normalizers.Replace(Regex(r"\p{N}"), "0"), normalizers.Prepend("▁"),
                                                      normalizers.Replace("00", "1")]), byte_plain),
    ]
    found = []
    for name, normalizer, pre_tokenizer in result:
        t = Tokenizer.from_str(base.to_str())
        if normalizer:
            t.normalizer = normalizer
        t.pre_tokenizer = pre_tokenizer
        t = Tokenizer.from_str(t.to_str())  # added tokens are normalized when a file is read
        found.append((name, t))
    return found


def decoder_variants():
    return [decoders.ByteLevel(), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip("e", 2, 0), decoders.Strip("▁", 0, 1),
            decoders.Replace("e", "EE"), decoders.Replace(Regex(r"[aeiou]+"), "-"), decoders.Replace(Regex(r"x*"), "-"),
            decoders.Metaspace("▁", prepend_scheme="always"), decoders.Metaspace("▁", prepend_scheme="never"),
            decoders.Metaspace("▁", prepend_scheme="first"),
            decoders.Sequence([decoders.Fuse(), decoders.Replace(Regex(r"▁+|<0x"), " "), decoders.Strip(" ", 2, 0)]),
            decoders.Sequence([decoders.ByteFallback(), decoders.Sequence([decoders.Metaspace("▁"), decoders.Fuse()])])]


def ids_bytes(ids):
    return struct.pack(f"<{len(ids)}I", *ids)


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def main():
    out = pathlib.Path(sys.argv[1])
    lines = corpus.training_text(random.Random(SEED), 6000)
    strings = corpus.strings(random.Random(SEED + 1), STRINGS)
    write_json(out / "corpus.json", strings)
    makers = dict(cosmo2=cosmo2, smollm=smollm, gpt2=gpt2, llama3=llama3, llama2=llama2, tinyllama=tinyllama,
                  metaspace=metaspace, metaspace_unk=metaspace_unk, prefix_space=prefix_space)
    for name, make in makers.items():
        (out / name).mkdir(exist_ok=True)
        write_json(out / name / "tokenizer.json", json.loads(make(lines).to_str()))
        tokenizer = Tokenizer.from_file(str(out / name / "tokenizer.json"))
        expected, samples = bytearray(), []
        for i, text in enumerate(strings):
            ids = tokenizer.encode(text).ids
            decoded = tokenizer.decode(ids, skip_special_tokens=False)
            wide = fnv1a(decoded.encode())
            expected += struct.pack("<QI", fnv1a(ids_bytes(ids)), (wide ^ wide >> 32) & 0xFFFFFFFF)
            if i % 80 == 0:
                samples.append({"string": i, "ids": ids, "plain": tokenizer.encode(text, add_special_tokens=False).ids,
                                "decoded": decoded, "skipped": tokenizer.decode(ids, skip_special_tokens=True)})
        (out / name / "expected.bin").write_bytes(bytes(expected))
        write_json(out / name / "samples.json", {"size": tokenizer.get_vocab_size(), "samples": samples})
        print(name, tokenizer.get_vocab_size())

    found = []
    for name, tokenizer in variants(Tokenizer.from_file(str(out / "smollm" / "tokenizer.json"))):
        data = json.loads(tokenizer.to_str())
        hashes = []
        for first in range(0, VARIANT_STRINGS, 100):
            value = fnv1a(b"")
            for text in strings[first:first + 100]:
                value = fnv1a(ids_bytes(tokenizer.encode(text).ids + [0xFFFFFFFF]), value)
            hashes.append(f"{value:016x}")
        found.append({"name": name, "normalizer": data["normalizer"], "pre_tokenizer": data["pre_tokenizer"], "hashes": hashes})
    write_json(out / "variants.json", {"base": "smollm", "variants": found})

    tokenizer, found = Tokenizer.from_file(str(out / "llama2" / "tokenizer.json")), []
    lists = [tokenizer.encode(text).ids for text in strings[:VARIANT_STRINGS]]
    for decoder in [None] + decoder_variants():
        tokenizer.decoder = decoder
        value = fnv1a(b"")
        for ids in lists:
            value = fnv1a(tokenizer.decode(ids, skip_special_tokens=False).encode() + b"\xff", value)
        found.append({"decoder": json.loads(tokenizer.to_str())["decoder"], "hash": f"{value:016x}"})
    write_json(out / "decoders.json", {"base": "llama2", "strings": VARIANT_STRINGS, "decoders": found})


main()
