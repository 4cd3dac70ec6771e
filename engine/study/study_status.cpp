// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/study/study_status.h"

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/config/run_values.h"
#include "engine/error.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

namespace engine {
namespace {

namespace fs = std::filesystem;

std::optional<double> metric_in(const RunSummary& run, const std::string& metric) {
  if (metric == "best_loss") return run.best_loss;
  if (metric == "loss") {
    return run.last_step ? std::optional(run.last_step->loss) : std::nullopt;
  }
  if (!run.last_eval) return std::nullopt;
  if (metric == "perplexity") return run.last_eval->perplexity;
  if (metric == "eval_accuracy") return run.last_eval->eval_accuracy;
  return run.last_eval->eval_loss;
}

/// What a run resolves, or what says nothing about its result.
bool may_differ(const std::string& parameter) {
  static const std::vector<std::string> names{
      "device",    "output_dir",       "overwrite_output_dir",  "use_cpu",
      "report_to", "transform_config", "resume_from_checkpoint"};
  return std::count(names.begin(), names.end(), parameter) > 0;
}

/// "" for a file that is not there or cannot be read.
std::string content_of(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return "";
  try {
    return read_file(file);
  } catch (const Error&) {
    return "";
  }
}

/// A comment changes no run; that of a cell's own transform names the study as it was opened.
std::string without_comments(const std::string& text) {
  std::istringstream lines(text);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] != '#') kept += line + "\n";
  }
  return kept;
}

std::string transform_text_of(const StudyCell& cell) {
  if (!cell.transform_text.empty()) return cell.transform_text;
  const auto& file = cell.config.transform_config;
  return file && *file != "none" ? content_of(*file) : "";
}

/// Whether both mean the same: a path may be written in several ways.
bool is_same_setting(const std::string& name, const ParamValue& one, const ParamValue& other) {
  if (one == other) return true;
  const ParamSpec* spec = train_schema().find(name);
  const auto* a = std::get_if<std::string>(&one);
  const auto* b = std::get_if<std::string>(&other);
  if (spec == nullptr || spec->kind != ParamKind::path || a == nullptr || b == nullptr)
    return false;
  std::error_code error;
  return fs::absolute(*a).lexically_normal() == fs::absolute(*b).lexically_normal() ||
         fs::equivalent(*a, *b, error);
}

RunValues settings_of(const fs::path& run_dir) {
  std::vector<Problem> ignored;
  try {
    return recorded_run_values(RunFolder{run_dir}.run_yaml(), ignored);
  } catch (const Error&) {
    return {};
  }
}

std::string difference_to(const StudyCell& cell, const RunSummary& run) {
  const auto [written, before] = settings_of(run.path);
  const ParamValues wanted = values_of(cell.config);
  std::string text;
  for (const std::string& name : cell.fixed) {
    if (may_differ(name) || !before.contains(name) || !wanted.contains(name)) continue;
    // A study may be moved as a whole, with what its relative paths name.
    if (written.get(name) == wanted.get(name)) continue;
    if (is_same_setting(name, before.get(name), wanted.get(name))) continue;
    text += fmt::format("{}{} was {} and is now {}", text.empty() ? "" : ", ", name,
                        to_string(before.get(name)), to_string(wanted.get(name)));
  }
  const std::string wanted_text = transform_text_of(cell);
  const std::string text_before = content_of(RunFolder{run.path}.transform_yaml());
  if (!wanted_text.empty() && !text_before.empty() &&
      without_comments(wanted_text) != without_comments(text_before)) {
    text += std::string(text.empty() ? "" : ", ") + "its transform has changed";
  }
  return text;
}

CellAction action_for(const fs::path& run_dir, RunState state) {
  switch (state) {
    case RunState::finished:
      return CellAction::none;
    case RunState::starting:
    case RunState::running:
    case RunState::paused:
    case RunState::stopping:
      return CellAction::wait;
    default:
      return newest_checkpoint(run_dir, FileCheck::sizes).checkpoint ? CellAction::resume
                                                                     : CellAction::start;
  }
}

}  // namespace

const char* to_string(CellAction action) {
  switch (action) {
    case CellAction::none:
      return "nothing";
    case CellAction::start:
      return "start";
    case CellAction::resume:
      return "resume";
    case CellAction::wait:
      return "wait";
  }
  return "nothing";
}

CellStatus status_of(const Study& study, const StudyCell& cell) {
  CellStatus status;
  status.max_steps = std::max<std::int64_t>(0, cell.config.max_steps);
  const fs::path run_dir = cell.config.output_dir;
  if (find_runs(run_dir) != std::vector<fs::path>{run_dir}) return status;
  const RunSummary run = summarize_run(run_dir);
  status.state = run.observed.state;
  status.detail = run.observed.detail;
  status.action = action_for(run_dir, status.state);
  if (run.last_step) status.step = run.last_step->step;
  if (run.started) status.max_steps = run.started->max_steps;
  if (status.state == RunState::finished) status.metric = metric_in(run, study.metric);
  if (status.action != CellAction::start) status.difference = difference_to(cell, run);
  return status;
}

std::vector<CellResult> results_of(const Study& study, const std::vector<StudyCell>& cells,
                                   const std::vector<CellStatus>& statuses) {
  std::map<std::int64_t, double> baseline;  // seed -> value
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].label == study.baseline && statuses[i].metric) {
      baseline[cells[i].seed] = *statuses[i].metric;
    }
  }
  std::vector<CellResult> results;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (results.empty() || results.back().label != cells[i].label) {
      results.emplace_back().label = cells[i].label;
    }
    CellResult& result = results.back();
    ++result.seeds;
    if (!statuses[i].metric) continue;
    ++result.finished;
    result.values.push_back(*statuses[i].metric);
    const auto paired = baseline.find(cells[i].seed);
    if (paired != baseline.end() && cells[i].label != study.baseline) {
      result.differences.push_back(*statuses[i].metric - paired->second);
    }
  }
  return results;
}

}  // namespace engine
