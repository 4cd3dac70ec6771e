// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/study/study_cells.h"

#include "engine/config/run_values.h"
#include "engine/config/transform_yaml.h"
#include "engine/data/hub_cache.h"
#include "engine/error.h"
#include "engine/study/study_transforms.h"
#include "engine/transform/paradigm_info.h"
#include "engine/transform/transform_choice.h"
#include "engine/transform/transform_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

struct Combination {
  std::string label;
  std::vector<StudySetting> settings;
};

std::vector<Combination> combinations(const Study& study) {
  std::vector<Combination> all{{"", study.settings}};
  for (const StudyAxis& axis : study.axes) {
    std::vector<Combination> finer;
    for (const Combination& coarse : all) {
      for (const StudyLevel& level : axis.levels) {
        Combination next = coarse;
        next.label += (next.label.empty() ? "" : "_") + level.label;
        next.settings.insert(next.settings.end(), level.settings.begin(), level.settings.end());
        finer.push_back(std::move(next));
      }
    }
    all = std::move(finer);
  }
  for (Combination& each : all) {
    if (each.label.empty()) each.label = "base";
  }
  return all;
}

class CellMaker {
 public:
  CellMaker(const Study& study, std::vector<Problem>& problems)
      : study_(study), problems_(problems) {}

  std::vector<StudyCell> make() {
    read_base();
    std::vector<StudyCell> cells;
    if (has_errors(problems_)) return cells;
    std::set<std::string> labels;
    for (const Combination& combination : combinations(study_)) {
      if (!labels.insert(combination.label).second) {
        report("", combination.label, "two cells are called " + combination.label,
               "Give the levels of the axes other labels");
      }
      make_cells(combination, cells);
    }
    if (!study_.baseline.empty() && labels.count(study_.baseline) == 0) {
      const std::string near = nearest_name(study_.baseline, {labels.begin(), labels.end()});
      report("", study_.baseline, "the baseline is no cell of this study",
             near.empty() ? "Cells are named by the labels of their levels, joined by _"
                          : "Did you mean " + near + "?");
    }
    return cells;
  }

 private:
  void report(const std::string& cell, const std::string& value, const std::string& message,
              const std::string& remedy) {
    Problem problem;
    problem.id = "bad-study";
    problem.severity = Severity::error;
    problem.place.file = study_.file;
    problem.value = value;
    problem.message = message;
    problem.remedy = remedy;
    add(cell, std::move(problem));
  }

  /// What is wrong in many cells alike is told once.
  void add(const std::string& cell, Problem problem) {
    if (problem.severity != Severity::error) return;
    if (!told_.insert(to_string(problem)).second) return;
    if (!cell.empty()) problem.message = fmt::format("cell {}: {}", cell, problem.message);
    problems_.push_back(std::move(problem));
  }

  void read_base() {
    try {
      base_ = read_run_values(study_.base, problems_);
    } catch (const Error& error) {
      problems_.insert(problems_.end(), error.problems().begin(), error.problems().end());
    }
  }

  void make_cells(const Combination& combination, std::vector<StudyCell>& cells) {
    ParamValues values = base_;
    std::vector<SweepAxis> transform_settings;
    for (const StudySetting& setting : combination.settings) {
      const ParamSpec* spec = train_schema().find(setting.parameter);
      if (spec == nullptr) {
        transform_settings.push_back({setting.parameter, {setting.value}});
        continue;
      }
      std::vector<Problem> found;
      values.set(setting.parameter, parse_value(*spec, setting.value, setting.place, found),
                 setting.place);
      for (Problem& problem : found) add(combination.label, std::move(problem));
    }
    const auto in_schema = problems_in(train_schema(), values);
    for (const Problem& problem : in_schema) add(combination.label, problem);
    if (has_errors(in_schema)) return;

    StudyCell cell;
    cell.label = combination.label;
    for (const auto& entry : values.entries()) cell.fixed.push_back(entry.name);
    cell.config = run_config_from(values);
    cell.config.overwrite_output_dir = false;
    cell.config.resume_from_checkpoint.reset();
    for (const Problem& problem : problems_in(cell.config)) add(combination.label, problem);
    check_files(cell);
    apply_to_transform(cell, transform_settings);
    const std::vector<std::int64_t> own_seed{cell.config.seed};
    for (const std::int64_t seed : study_.seeds.empty() ? own_seed : study_.seeds) {
      cell.seed = cell.config.seed = seed;
      cell.config.output_dir = (fs::path(study_.output) / cell.name()).string();
      cells.push_back(cell);
    }
  }

  void check_files(const StudyCell& cell) {
    const RunConfig& config = cell.config;
    for (const auto& [flag, file] : {std::pair{"train_file", config.train_file},
                                     std::pair{"validation_file", config.validation_file}}) {
      std::error_code ignored;
      if (!file || fs::exists(*file, ignored)) continue;
      report(cell.label, *file, fmt::format("{} {} does not exist", flag, *file),
             "Paths are relative to the folder that the study is run in");
    }
    const bool measures_eval = study_.metric != "loss" && study_.metric != "best_loss";
    if (measures_eval && !config.do_eval && !config.eval_steps) {
      report(cell.label, study_.metric,
             fmt::format("the metric is {}, but the run does not evaluate", study_.metric),
             "Set do_eval: true, or metric: loss");
    }
  }

  /// The rules that the cell's transform file has, with the settings that are not flags in them;
  /// all of it planned on the cell's model.
  void apply_to_transform(StudyCell& cell, const std::vector<SweepAxis>& settings) {
    try {
      RunConfig& config = cell.config;
      if (config.transform_config && *config.transform_config != "none") {
        cell.transform_source = *config.transform_config;
        config.transform_config = transform_in_effect(study_, cell.transform_source);
      }
      fs::path directory;
      LlamaConfig model;
      if (config.model_name_or_path) {
        directory = resolve_hub_path(*config.model_name_or_path, HubKind::model);
        model = read_llama_config(directory / "config.json");
      } else if (config.config_name && fs::exists(*config.config_name)) {
        const fs::path file = *config.config_name;
        model = read_llama_config(fs::is_directory(file) ? file / "config.json" : file);
      } else {
        return;  // a flavour by name: the engine knows it
      }
      const TransformChoice choice = choose_transform(config.transform_config, directory, model,
                                                      config.bf16 ? "bf16" : "fp32");
      if (settings.empty()) return;
      if (choice.is_plain()) {
        report(cell.label, settings.front().parameter,
               fmt::format("{} is no flag of a run, and the run has no transform to have it",
                           settings.front().parameter),
               "Check the name, or set transform_config");
        return;
      }
      const auto points = sweep_points(*choice.config, settings, paradigm_infos());
      with_rules(choice, points.front().config, model);
      cell.transform_text = transform_yaml(
          points.front().config, fmt::format("{} with {}, as the study {} sets it", choice.label,
                                             label_of(points.front().settings), study_.file));
      config.transform_config =
          (fs::path(study_.output) / "transforms" / (cell.label + ".yaml")).string();
    } catch (const Error& error) {
      for (const Problem& problem : error.problems()) add(cell.label, problem);
    }
  }

  const Study& study_;
  std::vector<Problem>& problems_;
  ParamValues base_;
  std::set<std::string> told_;
};

}  // namespace

std::string StudyCell::name() const { return fmt::format("{}-seed{}", label, seed); }

std::vector<StudyCell> study_cells(const Study& study, std::vector<Problem>& problems) {
  if (has_errors(problems)) return {};
  return CellMaker(study, problems).make();
}

}  // namespace engine
