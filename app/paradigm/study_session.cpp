// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/study_session.h"

#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/train_session.h"
#include "app/paradigm/watched_child.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>

namespace paradigm {
namespace {

namespace fs = std::filesystem;

/// In the child: nothing may get out of it, or two programs would go on.
int train_cell(const engine::RunConfig& config, bool spares_stdout) {
  if (spares_stdout) dup2(STDERR_FILENO, STDOUT_FILENO);
  try {
    return train_in_terminal(config, app::load_engine(), false);
  } catch (const engine::Error& error) {
    print_problems(error.problems());
    return kBadInput;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return kFailed;
  }
}

}  // namespace

int run_study(const StudyView& view, bool as_json) {
  StudyView after = view;
  std::FILE* const text = as_json ? stderr : stdout;
  bool has_failed = false;
  int stopped_by = 0;
  for (std::size_t i = 0; i < view.cells.size() && stopped_by == 0; ++i) {
    const engine::StudyCell& cell = view.cells[i];
    // Meanwhile somebody else may have taken it on.
    const engine::CellStatus now = engine::status_of(view.study, cell);
    if (!engine::is_to_be_run(now)) continue;
    fmt::print(text, "\n[{}/{}] {}: {}\n", i + 1, view.cells.size(), cell.name(),
               engine::to_string(now.action));
    const engine::RunConfig config = engine::config_to_run(cell, now);
    const ChildEnd end =
        watch_child(config.output_dir, [&] { return train_cell(config, as_json); });
    if (end.is_child) std::exit(end.exit_code);
    stopped_by = end.passed_on;
    if (end.exit_code == kStopped && stopped_by == 0) continue;  // by its control file
    const bool is_bad = end.signal != 0 || (end.exit_code != kDone && end.exit_code != kStopped);
    if (is_bad && stopped_by == 0) {
      has_failed = true;
      fmt::print(stderr, "{}: {}; the study goes on\n", cell.name(),
                 end.signal != 0 ? fmt::format("killed by signal {}", end.signal)
                                 : fmt::format("exit code {}", end.exit_code));
    }
  }
  after.statuses = engine::statuses_of(view);
  if (as_json) {
    print_json(json_of(after));
  } else {
    std::cout << "\n" << status_text(after) << std::flush;
  }
  if (stopped_by != 0) return kStopped;
  return has_failed ? kFailed : kDone;
}

std::string write_slurm_script(const StudyView& view) {
  std::string names;
  int count = 0;
  for (std::size_t i = 0; i < view.cells.size(); ++i) {
    if (!engine::is_to_be_run(view.statuses[i])) continue;
    names += "  " + engine::shell_quoted(view.cells[i].name()) + "\n";
    ++count;
  }
  if (count == 0) return "every run of the study is finished or live\n";
  const fs::path file = fs::path(view.study.output) / "study.sbatch";
  const std::string script = fmt::format(
      "#!/bin/bash\n"
      "# One task for each run that was missing or interrupted. Submit it again after a time "
      "limit:\n"
      "# finished runs are passed over, others go on from their newest checkpoint.\n"
      "#SBATCH --job-name=study\n"
      "#SBATCH --array=0-{}\n"
      "#SBATCH --gres=gpu:1\n"
      "#SBATCH --signal=USR1@120\n"
      "#SBATCH --requeue\n"
      "#SBATCH --output={}/slurm-%A_%a.out\n"
      "cells=(\n{})\n"
      "cd {} || exit 1\n"
      "exec srun paradigm study run {} --cell \"${{cells[$SLURM_ARRAY_TASK_ID]}}\"\n",
      count - 1, fs::absolute(view.study.output).string(), names,
      engine::shell_quoted(fs::current_path().string()), engine::shell_quoted(view.study.file));
  engine::replace_file(file, script);
  return fmt::format("{} runs in {}\nsubmit with: sbatch {}\n", count, file.string(),
                     engine::shell_quoted(file.string()));
}

}  // namespace paradigm
