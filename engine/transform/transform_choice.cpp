// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_choice.h"

#include "engine/checkpoint/transform_record.h"
#include "engine/error.h"
#include "engine/scripted/scripted_file.h"
#include "engine/transform/followed_formats.h"
#include "engine/transform/paradigm_info.h"
#include "engine/transform/transform_schedules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// Errors end it, warnings become notes.
void sort_out(const std::vector<Problem>& problems, std::vector<std::string>& notes) {
  if (has_errors(problems)) {
    std::vector<Problem> errors;
    for (const Problem& problem : problems) {
      if (problem.severity == Severity::error) errors.push_back(problem);
    }
    throw Error(std::move(errors));
  }
  for (const Problem& problem : problems) {
    if (problem.severity == Severity::warning) notes.push_back(to_string(problem));
  }
}

struct Resolved {
  TransformConfig config;
  TransformPlan plan;
};

Resolved resolve(ParsedTransform parsed, const LlamaConfig& model, const std::string& compute_dtype,
                 std::vector<std::string>& notes) {
  sort_out(parsed.problems, notes);
  TransformPlan plan =
      plan_transform(layer_inventory(model), parsed.config, paradigm_infos(), compute_dtype);
  sort_out(plan.problems, notes);
  return {std::move(parsed.config), std::move(plan)};
}

Resolved resolve(const fs::path& file, const LlamaConfig& model, const std::string& compute_dtype,
                 std::vector<std::string>& notes) {
  return resolve(read_transform_config(file, paradigm_infos()), model, compute_dtype, notes);
}

std::vector<std::string> layers_in_common(const TransformPlan& plan,
                                          const TransformPlan& recorded) {
  std::vector<std::string> layers;
  for (const Assignment* assignment : plan.replacements()) {
    const Assignment* before = recorded.find(assignment->layer);
    if (before != nullptr && before->outcome == Outcome::transformed &&
        before->paradigm == assignment->paradigm &&
        before->paradigm_digest == assignment->paradigm_digest &&
        before->values.same_values(assignment->values)) {
      layers.push_back(assignment->layer);
    }
  }
  return layers;
}

void take(TransformChoice& choice, Resolved resolved, const std::string& label) {
  choice.digest = transform_digest(resolved.plan);
  choice.config = std::move(resolved.config);
  choice.plan = std::move(resolved.plan);
  choice.label = label;
  for (const RuleSchedule& each : rule_schedules(choice.plan))
    choice.notes.push_back(fmt::format(
        "Scheduled by {}: {}", choice.config->rules[static_cast<std::size_t>(each.rule)].pattern,
        each.text()));
  for (const FollowedFormat& each : followed_formats(choice.plan))
    choice.notes.push_back(fmt::format(
        "{} of {} is {}, the compute dtype", each.parameter,
        choice.config->rules[static_cast<std::size_t>(each.rule)].pattern, each.format));
  for (const ScriptedFilePtr& file : choice.config->scripted)
    choice.notes.push_back(fmt::format("The paradigm {} is {}, SHA-256 {}", file->info.id,
                                       file->path.string(), file->sha256));
}

TransformChoice recorded_again(const fs::path& file, const TransformRecord& record,
                               const LlamaConfig& config, const std::string& compute_dtype) {
  TransformChoice choice;
  choice.compute_dtype = compute_dtype;
  choice.is_recorded = true;
  take(choice, resolve(file, config, compute_dtype, choice.notes), file.string());
  choice.kept_layers = layers_in_common(choice.plan, choice.plan);
  choice.notes.push_back(fmt::format(
      "The transform recorded in the checkpoint is applied again: {} ({} layers, digest {}). "
      "--transform_config none leaves it out",
      file.string(), choice.plan.replacements().size(), choice.digest.substr(0, 12)));
  if (!record.digest.empty() && record.digest != choice.digest) {
    choice.notes.push_back(
        fmt::format("{} no longer resolves to the digest in config.json ({} instead of {}): it was "
                    "edited, a format in it follows another compute dtype, or this version "
                    "resolves it differently",
                    file.string(), choice.digest.substr(0, 12), record.digest.substr(0, 12)));
  }
  return choice;
}

/// What the checkpoint records besides: layers whose state is kept, and a note of it.
void compare_with_record(TransformChoice& choice, const std::optional<TransformRecord>& record,
                         const fs::path& recorded_file, const LlamaConfig& config) {
  if (!record) {
    choice.notes.push_back(fmt::format("The transform {} is applied to {} layers", choice.label,
                                       choice.plan.replacements().size()));
    return;
  }
  std::vector<std::string> ignored;
  std::error_code error;
  if (fs::exists(recorded_file, error)) {
    choice.kept_layers = layers_in_common(
        choice.plan, resolve(recorded_file, config, choice.compute_dtype, ignored).plan);
  }
  choice.notes.push_back(
      record->digest == choice.digest
          ? fmt::format("The transform {} is the one that the checkpoint records", choice.label)
          : fmt::format("The transform {} is applied instead of the recorded {}; state is kept for "
                        "{} of its {} layers",
                        choice.label, recorded_file.string(), choice.kept_layers.size(),
                        choice.plan.replacements().size()));
}

}  // namespace

TransformChoice choose_transform(const std::optional<std::string>& flag, const fs::path& model_dir,
                                 const LlamaConfig& config, const std::string& compute_dtype) {
  const auto record = model_dir.empty() ? std::nullopt : transform_record_of(config.source_json);
  const fs::path recorded_file = record ? model_dir / record->file : fs::path();
  if (!flag && record) return recorded_again(recorded_file, *record, config, compute_dtype);

  TransformChoice choice;
  choice.compute_dtype = compute_dtype;
  if (!flag || *flag == "none") {
    choice.notes.push_back(
        record ? fmt::format("The checkpoint records the transform {}, which --transform_config "
                             "none leaves out: the model is plain",
                             recorded_file.string())
               : std::string("No transform: the model is plain"));
    return choice;
  }

  take(choice, resolve(*flag, config, compute_dtype, choice.notes), *flag);
  compare_with_record(choice, record, recorded_file, config);
  return choice;
}

TransformChoice choose_edited_transform(const std::string& text, const std::string& file,
                                        const fs::path& model_dir, const LlamaConfig& config,
                                        const std::string& compute_dtype) {
  const auto record = model_dir.empty() ? std::nullopt : transform_record_of(config.source_json);
  TransformChoice choice;
  choice.compute_dtype = compute_dtype;
  take(choice,
       resolve(parse_transform_config(text, file, paradigm_infos()), config, compute_dtype,
               choice.notes),
       file);
  compare_with_record(choice, record, record ? model_dir / record->file : fs::path(), config);
  return choice;
}

TransformChoice with_rules(const TransformChoice& choice, TransformConfig rules,
                           const LlamaConfig& config) {
  TransformChoice changed;
  changed.compute_dtype = choice.compute_dtype;
  changed.label = choice.label;
  changed.plan =
      plan_transform(layer_inventory(config), rules, paradigm_infos(), choice.compute_dtype);
  std::vector<std::string> warnings;  // the file's own were told when it was chosen
  sort_out(changed.plan.problems, warnings);
  changed.digest = transform_digest(changed.plan);
  changed.config = std::move(rules);
  const std::vector<std::string> unchanged = layers_in_common(changed.plan, choice.plan);
  for (const std::string& layer : choice.kept_layers) {
    if (std::find(unchanged.begin(), unchanged.end(), layer) != unchanged.end()) {
      changed.kept_layers.push_back(layer);
    }
  }
  return changed;
}

std::vector<std::pair<std::string, TransformChoice>> single_rules(const TransformChoice& choice,
                                                                  const LlamaConfig& config) {
  std::vector<std::pair<std::string, TransformChoice>> singles;
  for (std::size_t kept = 0; kept < choice.config->rules.size(); ++kept) {
    if (choice.config->rules[kept].leave_alone || choice.plan.counts[kept].won == 0) continue;
    TransformConfig rules = *choice.config;
    for (std::size_t other = 0; other < rules.rules.size(); ++other) {
      if (other != kept) rules.rules[other].leave_alone = true;
    }
    singles.emplace_back(choice.config->rules[kept].pattern,
                         with_rules(choice, std::move(rules), config));
  }
  return singles;
}

}  // namespace engine
