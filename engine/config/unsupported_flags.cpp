// SPDX-License-Identifier: GPL-3.0-or-later
// Known by name, so that a script written for run_clm.py gets a reason and not "unknown flag". Each
// is accepted at its default value.
#include "engine/config/flag_tables.h"

namespace engine {
namespace {

ParamSpec optional_boolean(const std::string& name) {
  ParamSpec spec = boolean(name, false).nullable();
  spec.default_value = unset;
  return spec;
}

ParamSpec optional_text(const std::string& name) { return text(name, unset).nullable(); }

ParamSpec optional_integer(const std::string& name) { return integer(name, unset).nullable(); }

ParamSpecs refused(const std::string& reason, ParamSpecs flags) {
  for (ParamSpec& flag : flags) flag.help("Not supported: " + reason).refused(reason);
  return flags;
}

ParamSpecs model_flags() {
  ParamSpecs flags = refused("models are Llama, read from config.json; give config_name",
                             {optional_text("model_type"), optional_text("config_overrides")});
  append(flags, refused("weights keep fp32 masters; bf16 chooses the dtype of the computation",
                        {optional_text("torch_dtype")}));
  append(flags, refused("nothing is downloaded; models and datasets are found in HF_HUB_CACHE",
                        {optional_text("cache_dir"), text("model_revision", "main"),
                         optional_text("token"), optional_boolean("use_auth_token")}));
  append(flags, refused("code that comes with a checkpoint is never run",
                        {boolean("trust_remote_code", false)}));
  append(flags, refused("tokenizers are read from tokenizer.json only",
                        {boolean("use_fast_tokenizer", true)}));
  append(flags, refused("weights are always mapped from the file, not copied first",
                        {boolean("low_cpu_mem_usage", false)}));
  append(flags, refused("adapters are not built in yet",
                        {boolean("use_lora", false), optional_integer("lora_r"),
                         optional_integer("lora_alpha"), optional_text("lora_dropout"),
                         boolean("train_only_lora", false)}));
  return flags;
}

ParamSpecs data_flags_refused() {
  ParamSpecs flags =
      refused("text is tokenised once into a cache and mapped", {boolean("streaming", false)});
  append(
      flags,
      refused("the token cache is keyed by content, tokenizer and block size and cannot be stale",
              {boolean("overwrite_cache", false)}));
  append(flags, refused("the last short batch is kept", {boolean("dataloader_drop_last", false)}));
  append(flags, refused("blocks have one length", {boolean("group_by_length", false)}));
  append(flags, refused("the order of the blocks follows seed", {optional_integer("data_seed")}));
  append(flags, refused("a resumed run goes on behind the last block used",
                        {boolean("ignore_data_skip", false)}));
  append(flags, refused("the loader's threads and memory are its own",
                        {boolean("dataloader_pin_memory", true),
                         boolean("dataloader_persistent_workers", false),
                         optional_integer("dataloader_prefetch_factor")}));
  append(flags, refused("only the text column is read", {boolean("remove_unused_columns", true),
                                                         text("length_column_name", "length")}));
  return flags;
}

ParamSpecs precision_flags() {
  ParamSpecs flags = refused("fp16 is not built in; bf16 needs no loss scaling",
                             {boolean("fp16", false), text("fp16_opt_level", "O1"),
                              text("fp16_backend", "auto"), boolean("fp16_full_eval", false)});
  append(flags, refused("casts are explicit; there is one implementation of them",
                        {text("half_precision_backend", "auto")}));
  append(flags, refused("evaluation follows bf16", {boolean("bf16_full_eval", false)}));
  append(flags, refused("fp32 products are computed in fp32", {optional_boolean("tf32")}));
  return flags;
}

ParamSpecs optimizer_flags_refused() {
  ParamSpecs flags =
      refused("the optimizer is AdamW",
              {boolean("adafactor", false), optional_text("optim_args"),
               optional_text("optim_target_modules"), optional_text("lr_scheduler_kwargs")});
  append(flags, refused("the loss is plain cross-entropy", {real("label_smoothing_factor", 0.0),
                                                            optional_text("neftune_noise_alpha")}));
  append(flags, refused("recomputation is the engine's own",
                        {optional_text("gradient_checkpointing_kwargs")}));
  append(flags,
         refused("the batch size is what you give", {boolean("auto_find_batch_size", false)}));
  append(flags, refused("the step is not compiled",
                        {boolean("torch_compile", false), optional_text("torch_compile_backend"),
                         optional_text("torch_compile_mode"), optional_text("torchdynamo"),
                         boolean("use_liger_kernel", false), boolean("jit_mode_eval", false)}));
  return flags;
}

ParamSpecs distributed_flags() {
  ParamSpecs flags = refused(
      "one process trains on one device for now",
      {optional_text("deepspeed"), text("fsdp", ""), integer("fsdp_min_num_params", 0),
       optional_text("fsdp_config"), optional_text("fsdp_transformer_layer_cls_to_wrap"),
       integer("tp_size", 0), integer("local_rank", -1), optional_text("ddp_backend"),
       optional_boolean("ddp_find_unused_parameters"), optional_integer("ddp_bucket_cap_mb"),
       optional_boolean("ddp_broadcast_buffers"), integer("ddp_timeout", 1800),
       optional_text("accelerator_config"), boolean("average_tokens_across_devices", false),
       boolean("log_on_each_node", true), boolean("save_on_each_node", false),
       text("mp_parameters", ""), text("ray_scope", "last")});
  append(flags, refused("devices are cpu and cuda; give device",
                        {boolean("no_cuda", false), boolean("use_mps_device", false),
                         boolean("use_ipex", false), optional_integer("tpu_num_cores"),
                         boolean("tpu_metrics_debug", false)}));
  append(flags, refused("give per_device_train_batch_size or per_device_eval_batch_size",
                        {optional_integer("per_gpu_train_batch_size"),
                         optional_integer("per_gpu_eval_batch_size")}));
  append(flags,
         refused("memory is kept by the allocator", {optional_integer("torch_empty_cache_steps")}));
  return flags;
}

ParamSpecs evaluation_flags() {
  ParamSpecs flags =
      refused("it is called eval_strategy now", {optional_text("evaluation_strategy")});
  append(
      flags,
      refused("evaluation reports loss, perplexity and accuracy",
              {boolean("do_predict", false), boolean("prediction_loss_only", false),
               optional_integer("eval_accumulation_steps"), boolean("batch_eval_metrics", false),
               boolean("include_inputs_for_metrics", false),
               boolean("eval_do_concat_batches", true), boolean("eval_use_gather_object", false),
               optional_text("include_for_metrics"), boolean("use_legacy_prediction_loop", false),
               integer("past_index", -1), optional_text("label_names")}));
  append(flags, refused("evaluations come every eval_steps steps, from the first multiple on",
                        {real("eval_delay", 0.0), boolean("eval_on_start", false)}));
  append(flags,
         refused("checkpoints are kept by their step, not by a metric",
                 {boolean("load_best_model_at_end", false), optional_text("metric_for_best_model"),
                  optional_boolean("greater_is_better")}));
  return flags;
}

ParamSpecs saving_flags_refused() {
  ParamSpecs flags =
      refused("nothing is uploaded",
              {boolean("push_to_hub", false), optional_text("hub_model_id"),
               text("hub_strategy", "every_save"), optional_text("hub_token"),
               optional_boolean("hub_private_repo"), boolean("hub_always_push", false),
               optional_text("push_to_hub_model_id"), optional_text("push_to_hub_organization"),
               optional_text("push_to_hub_token")});
  append(flags,
         refused("weights are saved as safetensors only", {boolean("save_safetensors", true)}));
  append(flags, refused("a checkpoint always holds what resuming needs",
                        {boolean("save_only_model", false),
                         boolean("restore_callback_states_from_checkpoint", false)}));
  append(flags,
         refused("events are written every logging_steps steps",
                 {choice("logging_strategy", {"steps"}), boolean("logging_first_step", false)}));
  append(flags, refused("a non-finite loss is logged as what it is",
                        {boolean("logging_nan_inf_filter", true)}));
  append(flags, refused("the run folder is the log and its name is the run's; give output_dir",
                        {optional_text("logging_dir"), optional_text("run_name"),
                         text("log_level", "passive"), text("log_level_replica", "warning"),
                         optional_boolean("disable_tqdm"), text("debug", "")}));
  append(flags, refused("tokens and throughput are always logged",
                        {boolean("include_tokens_per_second", false),
                         boolean("include_num_input_tokens_seen", false)}));
  append(flags, refused("memory is always logged", {boolean("skip_memory_metrics", true)}));
  return flags;
}

}  // namespace

ParamSpecs unsupported_train_flags() {
  ParamSpecs flags = model_flags();
  append(flags, data_flags_refused());
  append(flags, precision_flags());
  append(flags, optimizer_flags_refused());
  append(flags, distributed_flags());
  append(flags, evaluation_flags());
  append(flags, saving_flags_refused());
  return in_group("Not supported", std::move(flags));
}

}  // namespace engine
