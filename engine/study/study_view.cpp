// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/study/study_view.h"

#include "engine/error.h"
#include "engine/runs/run_folder.h"
#include "engine/study/study_transforms.h"

#include <filesystem>
#include <set>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

StudyView view_of(Study study, std::vector<Problem> problems) {
  StudyView view;
  view.study = std::move(study);
  view.cells = study_cells(view.study, problems);
  if (has_errors(problems)) throw Error(problems);
  view.statuses = statuses_of(view);
  return view;
}

std::set<std::string> transform_sources(const StudyView& view) {
  std::set<std::string> files;
  for (const StudyCell& cell : view.cells) {
    if (!cell.transform_source.empty()) files.insert(cell.transform_source);
  }
  return files;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    fail("cannot-write", {.file = folder.string()},
         "the study's folder cannot be made: " + error.message(),
         "Choose an output_dir that you may write to");
  }
}

}  // namespace

StudyView read_study(const std::string& file) {
  std::vector<Problem> problems;
  Study study = parse_study(read_file(file), file, problems);
  return view_of(std::move(study), std::move(problems));
}

std::vector<CellStatus> statuses_of(const StudyView& view) {
  std::vector<CellStatus> statuses;
  for (const StudyCell& cell : view.cells) statuses.push_back(status_of(view.study, cell));
  return statuses;
}

std::vector<Problem> other_runs_in(const StudyView& view) {
  std::vector<Problem> problems;
  for (std::size_t i = 0; i < view.cells.size(); ++i) {
    if (view.statuses[i].difference.empty()) continue;
    Problem& problem = problems.emplace_back();
    problem.id = "study-changed";
    problem.place.file = view.cells[i].config.output_dir;
    problem.message = "the run that is there is another one than the study asks for: " +
                      view.statuses[i].difference;
    problem.remedy = "Give the study another output_dir, or move the run away";
  }
  return problems;
}

void refuse_other_runs(const StudyView& view) {
  const std::vector<Problem> others = other_runs_in(view);
  if (!others.empty()) throw Error(others);
}

bool is_to_be_run(const CellStatus& status) {
  return status.action == CellAction::start || status.action == CellAction::resume;
}

RunConfig config_to_run(const StudyCell& cell, const CellStatus& status) {
  RunConfig config = cell.config;
  config.overwrite_output_dir =
      status.action == CellAction::start && status.state != RunState::queued;
  return config;
}

std::vector<Problem> changed_transforms_in(const StudyView& view) {
  std::vector<Problem> problems;
  for (const std::string& file : transform_sources(view)) {
    if (auto problem = study_transform_changed(view.study, file)) problems.push_back(*problem);
  }
  return problems;
}

StudyView begin_study(const StudyView& view) {
  refuse_other_runs(view);
  const fs::path output = view.study.output;
  make_folder(output / "transforms");
  for (const std::string& file : transform_sources(view)) freeze_study_transform(view.study, file);
  // Made anew, of the copies alone.
  StudyView begun = view_of(view.study, {});
  refuse_other_runs(begun);
  replace_file(output / "study.yaml", view.study.text);
  for (const StudyCell& cell : begun.cells) {
    if (!cell.transform_text.empty()) {
      replace_file(*cell.config.transform_config, cell.transform_text);
    }
  }
  return begun;
}

}  // namespace engine
