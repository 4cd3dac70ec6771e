// SPDX-License-Identifier: GPL-3.0-or-later
// The checks are the training's own, in its order; each is made even where an earlier one failed.
#include "engine/training/preflight.h"

#include "engine/checkpoint/model_folder.h"
#include "engine/config/output_file.h"
#include "engine/data/input_file.h"
#include "engine/data/text_format.h"
#include "engine/devices.h"
#include "engine/error.h"
#include "engine/memory_limit.h"
#include "engine/training/model_setup.h"
#include "engine/training/resume_fit.h"
#include "engine/training/run_claim.h"
#include "engine/training/training_data.h"
#include "engine/transform/transform_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// Weights, gradients and two moments in fp32.
constexpr std::int64_t kTrainingBytes = 16;
/// Weights and two moments.
constexpr std::int64_t kCheckpointBytes = 12;

double in_gb(std::int64_t bytes) { return static_cast<double>(bytes) / 1e9; }

class Preflight {
 public:
  explicit Preflight(const RunConfig& config) : config_(config) {}

  std::vector<Problem> run() {
    add(problems_in(config_));
    const bool has_model = config_.model_name_or_path || config_.config_name;
    look_at_start_of_run();
    if (has_model) check_model();
    if (config_.train_file) check_file("train_file", *config_.train_file);
    if (config_.validation_file) check_file("validation_file", *config_.validation_file);
    if (config_.dataset_name) check_dataset();
    if (is_device_name(config_.device)) check_device();
    if (source_) {
      check_memory();
      check_disk();
    }
    return std::move(problems_);
  }

 private:
  void add(std::vector<Problem> found) {
    problems_.insert(problems_.end(), std::make_move_iterator(found.begin()),
                     std::make_move_iterator(found.end()));
  }

  void say(Severity severity, const char* id, std::string place, std::string message,
           std::string remedy = "") {
    Problem problem;
    problem.id = id;
    problem.severity = severity;
    problem.place.file = std::move(place);
    problem.message = std::move(message);
    problem.remedy = std::move(remedy);
    problems_.push_back(std::move(problem));
  }

  /// At `flag` unless it has a line of its own or names another flag.
  void add_at(const char* flag, Problem problem) {
    if (problem.place.line == 0 && problem.place.file.rfind("--", 0) != 0) {
      const std::string where = std::exchange(problem.place.file, std::string("--") + flag);
      if (!where.empty() && problem.message.find(where) == std::string::npos) {
        problem.message = where + ": " + problem.message;
      }
    }
    problems_.push_back(std::move(problem));
  }

  /// What `check` throws, at `flag` unless it has a line of its own.
  template <typename Check>
  void collect(const char* flag, Check check) {
    try {
      check();
    } catch (const Error& error) {
      for (const Problem& problem : error.problems()) add_at(flag, problem);
    } catch (const std::exception& error) {
      say(Severity::error, "unexpected", std::string("--") + flag, error.what());
    }
  }

  void look_at_start_of_run() {
    if (config_.output_dir.empty()) return;
    collect("output_dir", [&] {
      start_ = look_at_start(config_);
      for (const std::string& note : start_.notes) {
        say(start_.overwrites ? Severity::warning : Severity::note, "start", "--output_dir", note);
      }
    });
  }

  void check_model() {
    const bool resumes = start_.resume_from.has_value();
    const char* flag = resumes                      ? "output_dir"
                       : config_.model_name_or_path ? "model_name_or_path"
                                                    : "config_name";
    collect(flag, [&] {
      source_ =
          resumes
              ? find_model(start_.resume_from->string(), std::nullopt, config_.tokenizer_name)
              : find_model(config_.model_name_or_path, config_.config_name, config_.tokenizer_name);
    });
    if (!source_) return check_tokenizer_alone();
    if (!source_->directory.empty()) {
      collect(flag, [&] {
        for (const Problem& problem : open_model_folder(source_->directory).problems) {
          add_at(flag, problem);
        }
      });
    }
    std::optional<Tokenizer> tokenizer;
    collect(config_.tokenizer_name ? "tokenizer_name" : flag,
            [&] { tokenizer.emplace(Tokenizer::load(source_->tokenizer_directory)); });
    collect("transform_config", [&] {
      transform_ = choose_transform(config_.transform_config, source_->directory, source_->config,
                                    config_.bf16 ? "bf16" : "fp32");
    });
    if (resumes && tokenizer && transform_) {
      const std::string checkpoint = start_.resume_from->string();
      collect("output_dir", [&] {
        TrainerState now;
        now.bf16 = config_.bf16;
        now.tokenizer_digest = tokenizer->digest();
        now.transform_digest = transform_->digest;
        require_same_transform_and_tokenizer(trainer_state_in(*start_.resume_from), now,
                                             config_.allow_transform_change, checkpoint);
      });
    }
  }

  /// A model that is not there says nothing of the other names.
  void check_tokenizer_alone() {
    if (!config_.tokenizer_name) return;
    const bool is_said = std::any_of(problems_.begin(), problems_.end(), [&](const Problem& one) {
      return one.message.find(*config_.tokenizer_name) != std::string::npos;
    });
    if (is_said) return;
    collect("tokenizer_name", [&] {
      // The name of a model of the family needs nothing but its tokenizer.
      find_model(std::nullopt, "60M", config_.tokenizer_name);
    });
  }

  void check_file(const char* flag, const std::string& file) {
    collect(flag, [&] {
      required_text_format(file);
      if (InputFile(file).size() == 0) {
        fail("no-text", {.file = file}, "the file is empty", "Give a file with text in it");
      }
    });
  }

  void check_dataset() {
    collect("dataset_name", [&] {
      const TextSources sources =
          dataset_sources(*config_.dataset_name, config_.dataset_config_name);
      for (const auto* files : {&sources.train_files, &sources.validation_files}) {
        for (const fs::path& file : *files) const InputFile readable(file);
      }
    });
  }

  void check_device() {
    const bool is_transformed = transform_ && !transform_->is_plain();
    collect("device", [&] {
      const ChosenDevice chosen = choose_device(config_.device, is_transformed);
      device_ = chosen.id;
      if (!chosen.note.empty()) say(Severity::note, "device", "--device", chosen.note);
    });
  }

  void check_memory() {
    const std::int64_t needed = source_->config.total_parameters() * kTrainingBytes;
    const auto warn = [&](std::int64_t free) {
      if (free <= 0 || needed <= free) return;
      say(Severity::warning, "little-memory", "--device",
          fmt::format("training needs more than {:.1f} GB (weights, gradients and two moments in "
                      "fp32), and {:.1f} GB are free on {} now",
                      in_gb(needed), in_gb(free), device_),
          "Close what else uses it, or choose a smaller model or another device");
    };
    if (device_ == "cpu") {
      const std::size_t before = problems_.size();
      if (config_.do_train)
        collect("model_name_or_path", [&] { require_memory(source_->config, 4); });
      if (config_.do_train && problems_.size() == before) warn(available_memory());
      return;
    }
    if (!config_.do_train) return;
    for (const DeviceInfo& info : device_report().devices) {
      if (info.id != device_) continue;
      if (info.total_memory > 0 && needed > info.total_memory) {
        say(Severity::error, "too-little-memory", "--device",
            fmt::format("training needs more than {:.1f} GB (weights, gradients and two moments in "
                        "fp32), and {} has {:.1f} GB",
                        in_gb(needed), device_, in_gb(info.total_memory)),
            "Choose a smaller model, or a device with more memory");
      } else {
        warn(info.free_memory);
      }
    }
  }

  void check_disk() {
    // An overwritten run gives its room away.
    if (!config_.do_train || start_.overwrites) return;
    const fs::path folder =
        nearest_existing_folder(config_.output_dir.empty() ? "." : config_.output_dir);
    std::error_code error;
    const fs::space_info space = fs::space(folder, error);
    if (error) return;
    const auto free = static_cast<std::int64_t>(space.available);
    const std::int64_t parameters = source_->config.total_parameters();
    const std::int64_t one = parameters * kTrainingBytes;  // a checkpoint and the final model
    const std::string there = folder.string();
    if (free < one + one / 100 + (16 << 20)) {
      say(Severity::error, "disk-full", "--output_dir",
          fmt::format(
              "a checkpoint with the final model beside it has {:.1f} GB, and {:.1f} GB are "
              "free in {}",
              in_gb(one), in_gb(free), there),
          "Free space, or choose an --output_dir on a larger disk");
      return;
    }
    if (config_.save_strategy != "steps" || config_.max_steps <= 0) return;
    const std::int64_t saved = (config_.max_steps - 1) / config_.save_steps + 1;
    const std::int64_t kept = std::min(saved, config_.save_total_limit.value_or(saved));
    const double all = static_cast<double>(parameters) *
                       (static_cast<double>(kept) * kCheckpointBytes + sizeof(float));
    if (all <= static_cast<double>(free)) return;
    say(Severity::warning, "disk-too-small", "--save_total_limit",
        fmt::format("{} checkpoints and the final model have {:.1f} GB, and {:.1f} GB are free in "
                    "{}: the run would end when the disk is full",
                    kept, all / 1e9, in_gb(free), there),
        "Keep fewer with --save_total_limit, or choose an --output_dir on a larger disk");
  }

  const RunConfig& config_;
  std::vector<Problem> problems_;
  RunStart start_;
  std::optional<ModelSource> source_;
  std::optional<TransformChoice> transform_;
  std::string device_ = "cpu";
};

}  // namespace

std::vector<Problem> preflight(const RunConfig& config) { return Preflight(config).run(); }

}  // namespace engine
