# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the golden data of engine/data: small files of every format, two tokenizers, and the blocks that run_clm.py
would cut from them, by a plain implementation of what it and `datasets` do.

    python tests/golden/data/make_data.py                        (tokenizers, pyarrow)
    python tests/golden/data/make_data.py --check-with-datasets  (datasets too: compares instead of writing)
"""
import argparse
import json
import pathlib
import random

import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).resolve().parent

WORDS = ("light wave phase noise optical matrix layer weight bias step loss range quantise train "
         "éclair naïve Größe 光 波 🙂 3.14 2048 can't we'll the a of and to in is").split(" ")


def sentence(rng, longest):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, longest)))


def write_inputs():
    rng = random.Random(20)
    lines = []
    for i in range(2345):
        end = "\r\n" if i % 97 == 5 else "\r" if i % 89 == 3 else "\n"
        text = "" if i % 41 == 7 else sentence(rng, 4)
        if i % 211 == 9:
            text = "  two\u2028words\x0bhere\t "
        lines.append(text + end)
    lines.append("the last line has no end")
    (HERE / "corpus.txt").write_bytes("".join(lines).encode())

    with open(HERE / "rows.jsonl", "w", newline="\n", encoding="utf-8") as out:
        for i in range(1103):
            row = {"text": sentence(rng, 2) + ("" if i % 3 else "\n")}
            if i % 10 == 0:
                row = {"id": i, **row}
            if i % 100 == 50:
                row = {"text": "", "meta": {"text": "nested", "list": ["]}", "{["]}}
            out.write(json.dumps(row, ensure_ascii=i % 7 == 0) + "\n" + ("\n" if i % 500 == 1 else ""))

    (HERE / "array.json").write_text(json.dumps(
        [{"content": f"{i}: " + sentence(rng, 12), "braces": "}{][\\\""} for i in range(40)], indent=1), encoding="utf-8")

    texts = [sentence(rng, 30) for _ in range(60)]
    texts = [None if i % 13 == 4 else texts[rng.randrange(12)] if i % 3 == 0 else text for i, text in enumerate(texts)]
    table = pa.table({"id": pa.array(range(60)), "text": pa.array(texts)})
    pq.write_table(table, HERE / "texts.parquet", compression="zstd", row_group_size=25, use_dictionary=True)
    for name, column in (("dictionary", pa.array(texts).dictionary_encode()),
                         ("large_string", pa.array(texts, pa.large_string()))):
        pq.write_table(pa.table({"text": column}), HERE / f"{name}.parquet", compression="zstd", row_group_size=25)
    pq.write_table(pa.table({"count": pa.array([1, 2, 3])}), HERE / "numbers.parquet")
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), HERE / "no_rows.parquet")


def write_tokenizers():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=["<s>", "</s>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train([str(HERE / "corpus.txt")], trainer)
    tokenizer.save(str(HERE / "tokenizer.json"), pretty=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", tokenizer.token_to_id("<s>")), ("</s>", tokenizer.token_to_id("</s>"))])
    tokenizer.save(str(HERE / "tokenizer_special.json"), pretty=False)


def texts_of(name, keep_linebreaks):
    path = HERE / name
    if name.endswith(".txt"):
        with open(path, encoding="utf-8") as file:  # universal newlines
            text = file.read()
        lines = [line + "\n" for line in text.split("\n")]
        lines[-1] = lines[-1][:-1]
        if not lines[-1]:
            lines.pop()
        return lines if keep_linebreaks else [line.rstrip("\n") for line in lines]
    if name.endswith(".jsonl"):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    elif name.endswith(".json"):
        rows = json.loads(path.read_text(encoding="utf-8"))
    else:
        rows = pq.read_table(path).to_pylist()
    column = "text" if "text" in rows[0] else next(iter(rows[0]))
    return [row[column] for row in rows if row[column] is not None]


def group(texts, tokenizer, block_size):
    blocks = []
    for begin in range(0, len(texts), 1000):
        ids = [i for text in texts[begin:begin + 1000] for i in tokenizer.encode(text).ids]
        whole = len(ids) // block_size * block_size
        blocks += [ids[i:i + block_size] for i in range(0, whole, block_size)]
    return blocks


def fnv1a(blocks):
    value = 0xCBF29CE484222325
    for block in blocks:
        for i in block:
            for byte in i.to_bytes(4, "little"):
                value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def summary(blocks):
    return {"blocks": len(blocks), "first": blocks[0] if blocks else [], "last": blocks[-1] if blocks else [],
            "fnv1a": fnv1a(blocks)}


CASES = [
    {"file": "corpus.txt", "keep_linebreaks": True, "tokenizer": "tokenizer.json", "block_size": 64, "percent": 5},
    {"file": "corpus.txt", "keep_linebreaks": False, "tokenizer": "tokenizer.json", "block_size": 32, "percent": 5},
    {"file": "corpus.txt", "keep_linebreaks": True, "tokenizer": "tokenizer_special.json", "block_size": 50, "percent": 43},
    {"file": "corpus.txt", "keep_linebreaks": True, "tokenizer": "tokenizer.json", "block_size": 7, "percent": 0},
    {"file": "rows.jsonl", "keep_linebreaks": True, "tokenizer": "tokenizer.json", "block_size": 16, "percent": 10},
    {"file": "array.json", "keep_linebreaks": True, "tokenizer": "tokenizer_special.json", "block_size": 8, "percent": 5},
    {"file": "texts.parquet", "keep_linebreaks": True, "tokenizer": "tokenizer.json", "block_size": 20, "percent": 5},
    {"file": "dictionary.parquet", "keep_linebreaks": True, "tokenizer": "tokenizer.json", "block_size": 20, "percent": 25},
    {"file": "large_string.parquet", "keep_linebreaks": True, "tokenizer": "tokenizer.json", "block_size": 20, "percent": 25},
]


def expected(case):
    tokenizer = Tokenizer.from_file(str(HERE / case["tokenizer"]))
    texts = texts_of(case["file"], case["keep_linebreaks"])
    border = round(case["percent"] * len(texts) / 100.0)
    return {"texts": len(texts), "validation_texts": border,
            "train": summary(group(texts[border:], tokenizer, case["block_size"])),
            "validation": summary(group(texts[:border], tokenizer, case["block_size"]))}


def by_datasets(case):
    """The same by the `datasets` package, with the steps of run_clm.py."""
    import tempfile

    from datasets import load_dataset
    builder = {"txt": "text", "jsonl": "json", "json": "json", "parquet": "parquet"}[case["file"].split(".")[-1]]
    more = {"keep_linebreaks": case["keep_linebreaks"]} if builder == "text" else {}
    tokenizer = Tokenizer.from_file(str(HERE / case["tokenizer"]))
    size = case["block_size"]
    counts, result = {}, {}
    with tempfile.TemporaryDirectory() as cache:
        def load(split):
            return load_dataset(builder, data_files={"train": str(HERE / case["file"])}, split=split, cache_dir=cache, **more)

        whole = load("train")
        column = "text" if "text" in whole.column_names else whole.column_names[0]
        nulls = any(text is None for text in whole[column])
        for split, part in (("validation", f"train[:{case['percent']}%]"), ("train", f"train[{case['percent']}%:]")):
            if split == "validation" and case["percent"] == 0:
                counts[split], result[split] = 0, summary([])
                continue
            if nulls:  # `datasets` hands them to the tokenizer, which refuses them: leave them out first, as we do
                kept = whole.filter(lambda row: row[column] is not None)
                border = round(case["percent"] * len(kept) / 100.0)
                data = kept.select(range(border) if split == "validation" else range(border, len(kept)))
            else:
                data = load(part)

            def tokenise(batch):
                return {"input_ids": [e.ids for e in tokenizer.encode_batch(batch[column])]}

            def group_texts(batch):
                ids = [i for row in batch["input_ids"] for i in row]
                end = len(ids) // size * size
                return {"input_ids": [ids[i:i + size] for i in range(0, end, size)]}

            ids = data.map(tokenise, batched=True, remove_columns=data.column_names)
            counts[split] = len(data)
            result[split] = summary(list(ids.map(group_texts, batched=True)["input_ids"]))
    return {"texts": counts["train"] + counts["validation"], "validation_texts": counts["validation"], **result}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--check-with-datasets", action="store_true")
    if arguments.parse_args().check_with_datasets:
        for entry in json.loads((HERE / "expected.json").read_text()):
            case = {key: entry[key] for key in CASES[0]}
            assert {**case, **by_datasets(case)} == entry, case
            print("equal:", case)
        return
    write_inputs()
    write_tokenizers()
    lines = [json.dumps({**case, **expected(case)}) for case in CASES]
    (HERE / "expected.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
