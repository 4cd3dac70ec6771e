#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the demo's tokenizer: byte-level BPE with single digits, the pipeline of the cosmo2 tokenizer, and writes
tokenizer.json and tokenizer_config.json as Hugging Face lays them out. Needs Python alone.

usage: make_tokenizer.py VOCABULARY_SIZE OUTPUT_FOLDER CORPUS...
"""
import collections
import json
import pathlib
import re
import sys

END_OF_TEXT = "<|endoftext|>"


def byte_alphabet():
    """GPT-2's printable stand-ins: printable Latin-1 bytes stand for themselves, the others follow from U+0100."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table, extra = {}, 0
    for byte in range(256):
        if byte in plain:
            table[byte] = chr(byte)
        else:
            table[byte] = chr(0x100 + extra)
            extra += 1
    return table


# The demo's text is ASCII, for which this is GPT-2's split after single digits were cut out.
WORD = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")


def train(words, vocabulary_size, alphabet):
    vocabulary = [END_OF_TEXT, *sorted(alphabet.values())]
    pieces = {word: [alphabet[b] for b in word.encode()] for word in words}
    merges = []
    while len(vocabulary) < vocabulary_size:
        pairs = collections.Counter()
        for word, count in words.items():
            symbols = pieces[word]
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        vocabulary.append("".join(best))
        for word, symbols in pieces.items():
            merged, i = [], 0
            while i < len(symbols):
                if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == best:
                    merged.append("".join(best))
                    i += 2
                else:
                    merged.append(symbols[i])
                    i += 1
            pieces[word] = merged
    return vocabulary, merges


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    size, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    words = collections.Counter()
    for corpus in sys.argv[3:]:
        words.update(WORD.findall(pathlib.Path(corpus).read_text()))
    vocabulary, merges = train(words, size, byte_alphabet())
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": 0, "content": END_OF_TEXT, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True}],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence",
                          "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {token: i for i, token in enumerate(vocabulary)},
                  "merges": [f"{a} {b}" for a, b in merges]},
    }
    config = {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT, "unk_token": END_OF_TEXT, "model_max_length": 512,
              "clean_up_tokenization_spaces": False, "tokenizer_class": "GPT2Tokenizer"}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, indent=1) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    print(f"{len(vocabulary)} tokens, {len(merges)} merges")


if __name__ == "__main__":
    main()
