# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists every field of transformers' TrainingArguments and of run_clm.py's own arguments with its default."""
import dataclasses

from transformers import TrainingArguments

# run_clm.py of transformers 4.51.3: ModelArguments and DataTrainingArguments.
RUN_CLM = {
    "model_name_or_path": None, "model_type": None, "config_overrides": None, "config_name": None,
    "tokenizer_name": None, "cache_dir": None, "use_fast_tokenizer": True, "model_revision": "main",
    "token": None, "trust_remote_code": False, "torch_dtype": None, "low_cpu_mem_usage": False,
    "dataset_name": None, "dataset_config_name": None, "train_file": None, "validation_file": None,
    "max_train_samples": None, "max_eval_samples": None, "streaming": False, "block_size": None,
    "overwrite_cache": False, "validation_split_percentage": 5, "preprocessing_num_workers": None,
    "keep_linebreaks": True,
}
# Defaults that mean "nothing": written as the null they stand for.
EMPTY = {"include_for_metrics", "lr_scheduler_kwargs"}
WHOLE_NUMBERS = {"logging_steps", "save_steps"}


def text(name, value):
    if value is None or name in EMPTY:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if name == "eval_delay":
        value = float(value)
    if isinstance(value, float) and name not in WHOLE_NUMBERS:
        digits = repr(value)
        return digits.replace("e-", ".0e-") if "e-" in digits and "." not in digits else digits
    return str(getattr(value, "value", value))


for name, value in RUN_CLM.items():
    print(name, text(name, value))
for field in dataclasses.fields(TrainingArguments):
    if not field.name.startswith("_"):
        print(field.name, text(field.name, None if field.default is dataclasses.MISSING else field.default))
