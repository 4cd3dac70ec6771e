// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/run_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace engine {
namespace {

/// Fills typed fields from values; field and flag share one name, so a configuration is one list of
/// names.
class FieldReader {
 public:
  FieldReader(const ParamSchema& schema, const ParamValues& given)
      : values_(schema.with_defaults(given)) {}

  void operator()(const char* name, bool& field) const { field = values_.get_bool(name); }
  void operator()(const char* name, std::int64_t& field) const { field = values_.get_int(name); }
  void operator()(const char* name, double& field) const { field = values_.get_real(name); }
  void operator()(const char* name, std::string& field) const {
    field = is_set(values_.get(name)) ? values_.get_text(name) : "";
  }
  void operator()(const char* name, std::optional<std::int64_t>& field) const {
    field = is_set(values_.get(name)) ? std::optional(values_.get_int(name)) : std::nullopt;
  }
  void operator()(const char* name, std::optional<std::string>& field) const {
    field = is_set(values_.get(name)) ? std::optional(values_.get_text(name)) : std::nullopt;
  }

  const ParamValues& values() const { return values_; }

 private:
  ParamValues values_;
};

class FieldWriter {
 public:
  template <typename T>
  void operator()(const char* name, const T& field) {
    values.set(name, field);
  }
  template <typename T>
  void operator()(const char* name, const std::optional<T>& field) {
    values.set(name, field ? ParamValue{*field} : ParamValue{});
  }
  void operator()(const char* name, const std::string& field) {
    const bool is_absent_path = field.empty() && std::string(name) == "output_dir";
    values.set(name, is_absent_path ? ParamValue{} : ParamValue{field});
  }

  ParamValues values;
};

template <typename Config, typename Visitor>
void visit_data_fields(Config& config, Visitor&& visit) {
  visit("dataset_name", config.dataset_name);
  visit("dataset_config_name", config.dataset_config_name);
  visit("train_file", config.train_file);
  visit("validation_file", config.validation_file);
  visit("validation_split_percentage", config.validation_split_percentage);
  visit("max_eval_samples", config.max_eval_samples);
  visit("keep_linebreaks", config.keep_linebreaks);
  visit("block_size", config.block_size);
}

template <typename Config, typename Visitor>
void visit_run_fields(Config& config, Visitor&& visit) {
  visit("model_name_or_path", config.model_name_or_path);
  visit("config_name", config.config_name);
  visit("tokenizer_name", config.tokenizer_name);
  visit("rope", config.rope);
  visit_data_fields(config, visit);
  visit("max_train_samples", config.max_train_samples);
  visit("preprocessing_num_workers", config.preprocessing_num_workers);
  visit("dataloader_num_workers", config.dataloader_num_workers);
  visit("output_dir", config.output_dir);
  visit("overwrite_output_dir", config.overwrite_output_dir);
  visit("do_train", config.do_train);
  visit("do_eval", config.do_eval);
  visit("resume_from_checkpoint", config.resume_from_checkpoint);
  visit("per_device_train_batch_size", config.per_device_train_batch_size);
  visit("per_device_eval_batch_size", config.per_device_eval_batch_size);
  visit("gradient_accumulation_steps", config.gradient_accumulation_steps);
  visit("num_train_epochs", config.num_train_epochs);
  visit("max_steps", config.max_steps);
  visit("eval_steps", config.eval_steps);
  visit("bf16", config.bf16);
  visit("seed", config.seed);
  visit("learning_rate", config.learning_rate);
  visit("weight_decay", config.weight_decay);
  visit("adam_beta1", config.adam_beta1);
  visit("adam_beta2", config.adam_beta2);
  visit("adam_epsilon", config.adam_epsilon);
  visit("max_grad_norm", config.max_grad_norm);
  visit("lr_scheduler_type", config.lr_scheduler_type);
  visit("warmup_steps", config.warmup_steps);
  visit("warmup_ratio", config.warmup_ratio);
  visit("lr_schedule_steps", config.lr_schedule_steps);
  visit("save_strategy", config.save_strategy);
  visit("save_steps", config.save_steps);
  visit("save_total_limit", config.save_total_limit);
  visit("save_async", config.save_async);
  visit("logging_steps", config.logging_steps);
  visit("layer_stats_steps", config.layer_stats_steps);
  visit("transform_config", config.transform_config);
  visit("allow_transform_change", config.allow_transform_change);
  visit("calibrate_batches", config.calibrate_batches);
  visit("sentinel", config.sentinel);
  visit("sentinel_spike", config.sentinel_spike);
  visit("sentinel_gradient", config.sentinel_gradient);
  visit("sentinel_plateau_steps", config.sentinel_plateau_steps);
  visit("sentinel_saturation", config.sentinel_saturation);
  visit("device", config.device);
  visit("cuda_graphs", config.cuda_graphs);
  visit("activation_checkpointing", config.activation_checkpointing);
  visit("full_determinism", config.full_determinism);
}

Problem flag_problem(const std::string& flag, const std::string& value, std::string message,
                     std::string remedy) {
  Problem problem;
  problem.id = "bad-value";
  problem.place.file = "--" + flag;
  problem.value = value;
  problem.message = std::move(message);
  problem.remedy = std::move(remedy);
  return problem;
}

/// Nobody has given it yet, which is no mistake of a form that is still being filled in.
Problem missing_flag(const std::string& flag, std::string message, std::string remedy) {
  Problem problem = flag_problem(flag, "", std::move(message), std::move(remedy));
  problem.id = kMissingSetting;
  return problem;
}

/// What training and evaluation ask of the data flags alike.
template <typename Config>
void check_data(const Config& config, std::vector<Problem>& problems) {
  const bool has_files = config.train_file || config.validation_file;
  if (config.dataset_name && has_files)
    problems.push_back(flag_problem("dataset_name", *config.dataset_name,
                                    "dataset_name and text files are both given",
                                    "Give the dataset, or train_file and validation_file"));
  if (config.dataset_config_name && !config.dataset_name)
    problems.push_back(
        flag_problem("dataset_config_name", *config.dataset_config_name,
                     "dataset_config_name names a subset, but no dataset_name is given",
                     "Give dataset_name too"));
  if (!config.dataset_name && !has_files)
    problems.push_back(missing_flag("train_file", "no text is given",
                                    "Give train_file, validation_file or dataset_name"));
}

void check_device(const std::string& device, std::vector<Problem>& problems) {
  if (!is_device_name(device))
    problems.push_back(flag_problem("device", device, fmt::format("device is \"{}\"", device),
                                    "Allowed: auto, cpu, cuda, cuda:N"));
}

std::string file_name_part(const std::string& path_text, bool without_extension) {
  std::filesystem::path path(path_text);
  if (!path.has_filename()) path = path.parent_path();
  std::string name = (without_extension ? path.stem() : path.filename()).string();
  for (char& c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '.' || c == '_' || c == '-';
    if (!plain) c = '-';
  }
  constexpr std::size_t longest = 80;
  name.resize(std::min(name.size(), longest));
  return name.empty() || name == "." || name == ".." ? "model" : name;
}

std::string transform_part(const RunConfig& config) {
  if (config.transform_config)
    return *config.transform_config == "none" ? "plain"
                                              : file_name_part(*config.transform_config, true);
  std::error_code ignored;
  const bool recorded =
      config.model_name_or_path &&
      std::filesystem::exists(std::filesystem::path(*config.model_name_or_path) / "transform.yaml",
                              ignored);
  return recorded ? "recorded" : "plain";
}

}  // namespace

RunConfig run_config_from(const ParamValues& values) {
  RunConfig config;
  const FieldReader read(train_schema(), values);
  visit_run_fields(config, read);
  config.do_train = config.do_train || !config.do_eval;
  if (!config.eval_steps && read.values().get_text("eval_strategy") == "steps")
    config.eval_steps = config.logging_steps;
  if (read.values().get_bool("use_cpu")) config.device = "cpu";
  if (read.values().get_bool("gradient_checkpointing") &&
      config.activation_checkpointing == "none") {
    config.activation_checkpointing = "layer";
  }
  return config;
}

ParamValues values_of(const RunConfig& config) {
  FieldWriter write;
  visit_run_fields(config, write);
  return write.values;
}

std::vector<Problem> problems_in(const RunConfig& config) {
  std::vector<Problem> problems;
  if (!config.model_name_or_path && !config.config_name)
    problems.push_back(
        missing_flag("model_name_or_path", "no model is given",
                     "Give model_name_or_path, or config_name to train from scratch"));
  if (config.model_name_or_path && config.config_name)
    problems.push_back(flag_problem("config_name", *config.config_name,
                                    "model_name_or_path and config_name are both given",
                                    "config_name trains from scratch; give one of the two"));
  if (!config.do_train && !config.do_eval)
    problems.push_back(flag_problem("do_train", "false",
                                    "neither training nor evaluation is asked for",
                                    "Give do_train or do_eval"));
  check_data(config, problems);
  if (config.do_train && config.validation_file && !config.train_file && !config.dataset_name)
    problems.push_back(missing_flag("train_file",
                                    "there is a validation_file but nothing to train on",
                                    "Give train_file, or only do_eval"));
  check_device(config.device, problems);
  return problems;
}

EvalConfig eval_config_from(const ParamValues& values) {
  EvalConfig config;
  const FieldReader read(eval_schema(), values);
  read("model_name_or_path", config.model_name_or_path);
  read("tokenizer_name", config.tokenizer_name);
  read("rope", config.rope);
  visit_data_fields(config, read);
  read("per_device_eval_batch_size", config.per_device_eval_batch_size);
  read("bf16", config.bf16);
  read("seed", config.seed);
  read("device", config.device);
  read("transform_config", config.transform_config);
  read("calibrate_batches", config.calibrate_batches);
  if (read.values().get_bool("use_cpu")) config.device = "cpu";
  return config;
}

std::vector<Problem> problems_in(const EvalConfig& config) {
  std::vector<Problem> problems;
  check_data(config, problems);
  check_device(config.device, problems);
  return problems;
}

bool is_device_name(const std::string& device) {
  if (device == "auto" || device == "cpu" || device == "cuda") return true;
  const std::string prefix = "cuda:";
  if (device.compare(0, prefix.size(), prefix) != 0) return false;
  const std::string index = device.substr(prefix.size());
  return !index.empty() && index.size() <= 3 &&
         std::all_of(index.begin(), index.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string default_output_dir(const RunConfig& config, std::int64_t unix_seconds) {
  const std::string model = config.model_name_or_path
                                ? file_name_part(*config.model_name_or_path, false)
                            : config.config_name ? file_name_part(*config.config_name, true)
                                                 : "model";
  const std::time_t seconds = unix_seconds;
  std::tm local{};
  localtime_r(&seconds, &local);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
  return fmt::format("runs/{}-{}-{}", model, transform_part(config), stamp);
}

}  // namespace engine
