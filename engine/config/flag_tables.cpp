// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/flag_tables.h"

#include <iterator>

namespace engine {

void append(ParamSpecs& flags, ParamSpecs more) {
  flags.insert(flags.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

ParamSpecs in_group(const std::string& group, ParamSpecs flags) {
  for (ParamSpec& flag : flags) flag.group(group);
  return flags;
}

ParamSpecs data_flags() {
  return in_group(
      "Data",
      {path("dataset_name", unset)
           .nullable()
           .help("Dataset: a local folder of txt, json, jsonl or parquet files, or the name of one "
                 "in the local hub cache"),
       text("dataset_config_name", unset).nullable().help("Subset of the dataset"),
       path("train_file", unset)
           .nullable()
           .help("Training text: txt, json, jsonl or parquet; column text, else the first"),
       path("validation_file", unset).nullable().help("Validation text, in the same formats"),
       integer("validation_split_percentage", 5)
           .range(1, 99)
           .unit("%")
           .help("Share of the training text that is set aside when there is no validation text; "
                 "taken from its start"),
       integer("max_eval_samples", unset)
           .nullable()
           .range(1, kNoLimit)
           .help("Use at most this many validation blocks"),
       boolean("keep_linebreaks", true).help("Keep the line breaks of txt files"),
       integer("block_size", unset)
           .nullable()
           .range(2, kLongestBlock)
           .unit("tokens")
           .help("Length of a training sequence; null = the tokenizer's longest, or, where the "
                 "model takes less than that, what the model takes, at most 1024")});
}

ParamSpec tokenizer_flag() {
  return path("tokenizer_name", unset)
      .nullable()
      .help("Folder or hub name of the tokenizer; null = the checkpoint's own");
}

ParamSpec transform_flag() {
  return path("transform_config", unset)
      .nullable()
      .help("Transform file, or none; null = what the checkpoint records, else the plain model");
}

ParamSpec rope_flag() {
  return choice("rope", {"config", "as_trained"})
      .ours()
      .help(
          "as_trained leaves out the rope scaling that the CLM exporter adds to config.json; "
          "config honours it, as transformers does");
}

ParamSpecs training_device_flags() {
  ParamSpecs flags = device_flags();
  append(flags,
         in_group("Device", {boolean("cuda_graphs", true)
                                 .ours()
                                 .help("On a GPU, record the kernels of a step once and "
                                       "replay them; changes no number, only the speed"),
                             choice("activation_checkpointing", {"none", "selective", "layer"})
                                 .ours()
                                 .help("Forget activations and compute them again in the "
                                       "backward pass: of every MLP (selective) or decoder "
                                       "layer; less memory, more time, the same numbers"),
                             boolean("full_determinism", false)
                                 .help("On a GPU, sum attention's gradients in one order: two "
                                       "equal runs, or one that was resumed, end at the same "
                                       "bits, as they always do on the CPU; slower")}));
  return flags;
}

ParamSpecs device_flags() {
  return in_group(
      "Device",
      {text("device", "auto").ours().help("auto, cpu, cuda or cuda:N; auto says what it chose"),
       boolean("use_cpu", false).help("The same as --device cpu")});
}

}  // namespace engine
