// SPDX-License-Identifier: GPL-3.0-or-later
// The flags of `paradigm eval`.
#include "engine/config/flag_tables.h"
#include "engine/config/run_config.h"

namespace engine {
namespace {

ParamSpecs model_flags() {
  return in_group(
      "Model",
      {path("model_name_or_path", unset)
           .required()
           .help("Checkpoint or run folder to evaluate, or the name of one in the local hub cache"),
       tokenizer_flag(), rope_flag()});
}

ParamSpecs evaluation_flags() {
  return in_group("Evaluation",
                  {integer("per_device_eval_batch_size", 8)
                       .range(1, kMostAtOnce)
                       .unit("sequences")
                       .help("Sequences in one batch; does not change the result"),
                   boolean("bf16", false).help("Compute in bfloat16 over fp32 weights"),
                   integer("seed", 42).range(0, kNoLimit).help("Seed of the simulated noise")});
}

ParamSpecs transform_flags() {
  return in_group(
      "Transform",
      {transform_flag(),
       integer("calibrate_batches", 8)
           .range(0, kMostAtOnce)
           .ours()
           .help("Batches of other text that calibrate ranges which the checkpoint has not; 0 = "
                 "stop with an error")});
}

ParamSpecs unsupported_eval_flags() {
  ParamSpecs flags{
      boolean("fp16", false).refused("fp16 is not built in; bf16 needs no loss scaling"),
      boolean("streaming", false).refused("text is tokenised once into a cache and mapped"),
      choice("packing", {"finetune", "pretrain"})
          .ours()
          .refused("only the blocks that training uses can be measured so far"),
      boolean("push_to_hub", false).refused("nothing is uploaded"),
      boolean("trust_remote_code", false)
          .refused("code that comes with a checkpoint is never run")};
  for (ParamSpec& flag : flags) flag.help("Not supported: " + flag.refused_because);
  return in_group("Not supported", std::move(flags));
}

}  // namespace

const ParamSchema& eval_schema() {
  static const ParamSchema schema = [] {
    ParamSpecs flags = model_flags();
    append(flags, data_flags());
    append(flags, evaluation_flags());
    append(flags, transform_flags());
    append(flags, device_flags());
    append(flags, unsupported_eval_flags());
    return ParamSchema(std::move(flags));
  }();
  return schema;
}

}  // namespace engine
