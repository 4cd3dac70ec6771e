// SPDX-License-Identifier: GPL-3.0-or-later
// The flags of `paradigm train`: run_clm.py's names, meanings and defaults, and ours.
#include "engine/config/flag_tables.h"
#include "engine/config/run_config.h"

namespace engine {
namespace {

ParamSpecs model_flags() {
  return in_group(
      "Model",
      {path("model_name_or_path", unset)
           .nullable()
           .help("Checkpoint to start from: a folder, or the name of one in the local hub cache"),
       path("config_name", unset)
           .nullable()
           .help(
               "What to train from scratch, instead of a checkpoint: a config.json, its folder, or "
               "a flavour of the CLM family such as clm-60m"),
       tokenizer_flag(), rope_flag()});
}

ParamSpecs train_data_flags() {
  ParamSpecs flags = data_flags();
  append(flags,
         in_group("Data",
                  {integer("max_train_samples", unset)
                       .nullable()
                       .range(1, kNoLimit)
                       .help("Use at most this many training blocks"),
                   integer("preprocessing_num_workers", unset)
                       .nullable()
                       .range(1, 1024)
                       .help("Threads that tokenise; null = all cores. Does not change the tokens"),
                   integer("dataloader_num_workers", 0)
                       .range(0, kNoLimit)
                       .help("Accepted; one thread prepares batches ahead, whatever the number")}));
  return flags;
}

ParamSpecs training_flags() {
  return in_group(
      "Training",
      {path("output_dir", unset)
           .nullable()
           .help("The run folder; null = runs/<model>-<transform>-<time>. An unfinished run in it "
                 "is resumed"),
       boolean("overwrite_output_dir", false)
           .help("Start anew in a run folder that is already used"),
       boolean("do_train", false).help("Train; implied unless only --do_eval is given"),
       boolean("do_eval", false).help("Evaluate on the validation text at the end"),
       path("resume_from_checkpoint", unset)
           .nullable()
           .help("Checkpoint folder of this run to go on from"),
       integer("per_device_train_batch_size", 8)
           .range(1, kMostAtOnce)
           .unit("sequences")
           .help("Sequences in one micro-batch"),
       integer("per_device_eval_batch_size", 8)
           .range(1, kMostAtOnce)
           .unit("sequences")
           .help("Sequences in one evaluation batch"),
       integer("gradient_accumulation_steps", 1)
           .range(1, kMostAtOnce)
           .help("Micro-batches in one optimizer step"),
       real("num_train_epochs", 3.0)
           .range(0, 1e6)
           .open_below()
           .help("Passes over the training text, when max_steps is not set"),
       integer("max_steps", -1)
           .range(-1, kNoLimit)
           .help("Optimizer steps; above 0 it wins over num_train_epochs"),
       choice("eval_strategy", {"no", "steps"})
           .help("steps: evaluate every eval_steps steps (logging_steps when that is not given). "
                 "A given eval_steps alone means the same"),
       integer("eval_steps", unset)
           .nullable()
           .range(1, kNoLimit)
           .unit("steps")
           .help("Evaluate every so many steps; null = only at the end, with do_eval"),
       boolean("bf16", false).help("Compute in bfloat16 over fp32 weights and optimizer state"),
       integer("seed", 42)
           .range(0, kNoLimit)
           .help("Seed of everything random: order of the blocks, dropout, simulated noise")});
}

ParamSpecs optimizer_flags() {
  return in_group("Optimizer",
                  {real("learning_rate", 5e-5)
                       .range(0, kNoLimit)
                       .log_scale()
                       .help("Highest learning rate of the schedule"),
                   real("weight_decay", 0.0)
                       .range(0, kNoLimit)
                       .help("AdamW's decoupled decay; not on biases and norm weights, but on "
                             "embeddings and head"),
                   real("adam_beta1", 0.9)
                       .range(0, 1)
                       .open_above()
                       .help("AdamW's decay of the gradient's mean"),
                   real("adam_beta2", 0.999)
                       .range(0, 1)
                       .open_above()
                       .help("AdamW's decay of the squared gradient's mean"),
                   real("adam_epsilon", 1e-8)
                       .range(0, kNoLimit)
                       .log_scale()
                       .help("AdamW's guard against division by zero"),
                   real("max_grad_norm", 1.0)
                       .range(0, kNoLimit)
                       .help("Global L2 norm that gradients are clipped to; 0 = no clipping"),
                   choice("optim", {"adamw_torch", "adamw_torch_fused"})
                       .help("Both names mean the one optimizer here: fused AdamW")});
}

ParamSpecs schedule_flags() {
  return in_group(
      "Schedule",
      {choice("lr_scheduler_type", {"linear", "cosine", "constant", "constant_with_warmup"})
           .help("Course of the learning rate after the warm-up; constant knows no warm-up"),
       integer("warmup_steps", 0)
           .range(0, kNoLimit)
           .unit("steps")
           .help("Steps over which the learning rate rises from 0; above 0 it wins over "
                 "warmup_ratio"),
       real("warmup_ratio", 0.0).range(0, 1).help("Warm-up as a share of all steps"),
       integer("lr_schedule_steps", unset)
           .nullable()
           .range(1, kNoLimit)
           .ours()
           .unit("steps")
           .help("Length of the learning rate's course when it is not max_steps; steps beyond it "
                 "run at its last rate. An extended run writes it")});
}

ParamSpecs saving_flags() {
  return in_group(
      "Saving and logging",
      {choice("save_strategy", {"steps", "no", "epoch"})
           .help("When to save; the final model is always saved"),
       integer("save_steps", 500).range(1, kNoLimit).unit("steps").help("Save every so many steps"),
       integer("save_total_limit", unset)
           .nullable()
           .range(1, kNoLimit)
           .help("Keep at most this many checkpoints; null = all"),
       boolean("save_async", true)
           .ours()
           .help(
               "Write checkpoints beside the training, from a copy in host memory; without it, or "
               "where the copy does not fit, the training waits"),
       integer("logging_steps", 10)
           .range(1, kNoLimit)
           .unit("steps")
           .help("Log every so many steps; the loss is the mean since the last log"),
       integer("layer_stats_steps", 50)
           .range(0, kNoLimit)
           .ours()
           .unit("steps")
           .help("Measure the simulated layers on every so many steps (ranges, clamp rate, SQNR, "
                 "flips: what each paradigm reports) and their gradients, and record it as "
                 "layer_stats; 0 = never"),
       text("report_to", unset)
           .nullable()
           .help("Accepted; the run folder is always written, other reporters are named in a "
                 "message")});
}

ParamSpecs transform_flags() {
  return in_group(
      "Transform",
      {transform_flag(),
       boolean("allow_transform_change", false)
           .ours()
           .help("Resume under another transform than the one the run was started with"),
       integer("calibrate_batches", 8)
           .range(0, kMostAtOnce)
           .ours()
           .help("Batches that calibrate ranges before an evaluation that has none; 0 = stop with "
                 "an error instead")});
}

ParamSpecs sentinel_flags() {
  return in_group(
      "Sentinel",
      {choice("sentinel", {"mark", "off", "checkpoint", "pause", "stop"})
           .ours()
           .help(
               "What to do when the training goes wrong, judged by what is logged: mark it in the "
               "run, also save a checkpoint, pause, or stop with a checkpoint. Plateaus and "
               "saturated ranges are only marked"),
       real("sentinel_spike", 10)
           .range(0, 1e6)
           .ours()
           .help("A loss so many robust standard deviations above the running median is a spike; 0 "
                 "= never"),
       real("sentinel_gradient", 100)
           .range(0, 1e12)
           .ours()
           .help("A gradient norm of so many times the running median is a blow-up; 0 = never"),
       integer("sentinel_plateau_steps", 1000)
           .range(0, kNoLimit)
           .ours()
           .unit("steps")
           .help("A loss that has not fallen by 0.1 % over so many steps is a plateau; 0 = never"),
       real("sentinel_saturation", 0.5)
           .range(0, 1)
           .ours()
           .help("A simulated layer that clamps more than this share of its values is saturated; 0 "
                 "= never. Needs layer_stats_steps")});
}

}  // namespace

const ParamSchema& train_schema() {
  static const ParamSchema schema = [] {
    ParamSpecs flags = model_flags();
    append(flags, train_data_flags());
    append(flags, training_flags());
    append(flags, optimizer_flags());
    append(flags, schedule_flags());
    append(flags, saving_flags());
    append(flags, transform_flags());
    append(flags, sentinel_flags());
    append(flags, training_device_flags());
    append(flags, in_group("Device", {boolean("gradient_checkpointing", false)
                                          .help("The same as --activation_checkpointing layer")}));
    append(flags, unsupported_train_flags());
    return ParamSchema(std::move(flags));
  }();
  return schema;
}

}  // namespace engine
