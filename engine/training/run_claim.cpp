// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/run_claim.h"

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/config/output_file.h"
#include "engine/error.h"
#include "engine/remote/remote_copy.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_reader.h"
#include "engine/scripted/scripted_copies.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWaysOut =
    "Choose another --output_dir, or start anew in this one with --overwrite_output_dir";

/// Files of a run at the root of its folder, beside checkpoint-N.
constexpr const char* kRunFiles[] = {
    "run.yaml",         "transform.yaml",        "transform_histogram.json",
    "events.jsonl",     "status.json",           "control",
    "process_end.json", "model.safetensors",     "simulation_state.safetensors",
    "config.json",      "generation_config.json"};

/// run.lock is what an earlier claim may have left behind.
bool is_empty_folder(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename() != "run.lock") return false;
  }
  return true;
}

/// A link that leads nowhere is there: it is not ours to remove.
fs::path first_missing(const fs::path& folder) {
  const auto is_missing = [](const fs::path& at) {
    std::error_code error;
    return !fs::exists(at, error) && !fs::is_symlink(fs::symlink_status(at, error));
  };
  fs::path missing;
  for (fs::path at = folder; !at.empty() && is_missing(at); at = at.parent_path()) missing = at;
  return missing;
}

/// Whether a run was ever started here, so that its files may be taken for a run's.
bool holds_run(const fs::path& folder) {
  std::error_code error;
  for (const char* name : {"run.yaml", "events.jsonl", "status.json"}) {
    if (fs::exists(folder / name, error)) return true;
  }
  return false;
}

/// Refuses to start anew where that would remove what is no run's, or what this run starts from.
void refuse_to_remove_others(const fs::path& dir, const RunConfig& config) {
  std::error_code error;
  const fs::path model = fs::weakly_canonical(config.model_name_or_path.value_or(""), error);
  const fs::path here = fs::weakly_canonical(dir, error);
  const bool starts_from_here =
      config.model_name_or_path && fs::is_directory(model, error) &&
      std::mismatch(here.begin(), here.end(), model.begin(), model.end()).first == here.end();
  if (starts_from_here) {
    fail("output-dir-is-source", {.file = dir.string()},
         "--overwrite_output_dir would remove the checkpoint that the run starts from, " +
             *config.model_name_or_path,
         "Choose another --output_dir");
  }
  if (holds_run(dir)) return;
  std::vector<std::string> names(std::begin(kRunFiles), std::end(kRunFiles));
  for (const SavedCheckpoint& saved : list_checkpoints(dir))
    names.push_back(saved.path.filename().string());
  for (const fs::path& copy : scripted_copies_in(dir)) names.push_back(copy.filename().string());
  for (const std::string& name : names) {
    if (!fs::exists(dir / name, error)) continue;
    fail("output-dir-not-a-run", {.file = dir.string()},
         "--overwrite_output_dir would remove " + name +
             ", but no run was ever started in this folder",
         "Choose another --output_dir");
  }
}

RunState recorded_state(const fs::path& run_dir) {
  RunReader reader(run_dir);
  const RunUpdate update = reader.poll();
  return update.status ? update.status->state : RunState::unknown;
}

/// Without its lock file a live run is known by its process.
void refuse_live_process(const fs::path& run_dir) {
  if (RunLock::state(run_dir) != LockState::unknown) return;
  const RunGlance glance = glance_at(run_dir);
  const RunState state = glance.observed.state;
  const bool lives = state == RunState::starting || state == RunState::running ||
                     state == RunState::paused || state == RunState::stopping;
  if (!lives || !glance.status || glance.status->host != host_name()) return;
  fail("output-dir-locked", {.file = run_dir.string()},
       "a live run writes into this folder: process " + std::to_string(glance.status->pid),
       "Stop that run, or choose another --output_dir");
}

void remove_run_files(const fs::path& run_dir) {
  std::error_code ignored;
  for (const SavedCheckpoint& checkpoint : list_checkpoints(run_dir))
    discard_folder(checkpoint.path);
  for (const char* name : kRunFiles) fs::remove(run_dir / name, ignored);
  for (const fs::path& copy : scripted_copies_in(run_dir)) fs::remove(copy, ignored);
}

RunStart start_in(const fs::path& dir, RunState before, const RunConfig& config, FileCheck check) {
  RunStart start;
  std::error_code error;
  const auto& wanted = config.resume_from_checkpoint;
  const bool wants_newest = wanted && (*wanted == "true" || *wanted == "True");
  if (wanted && !wants_newest) {
    const fs::path checkpoint = fs::absolute(*wanted).lexically_normal();
    if (const auto damage = damage_in(checkpoint, check)) {
      fail("bad-checkpoint", {.file = *wanted}, "it is no checkpoint to resume from: " + *damage,
           "Name a checkpoint-N folder of a run, or leave --resume_from_checkpoint out");
    }
    start.resume_from = checkpoint.has_filename() ? checkpoint : checkpoint.parent_path();
    start.continues = fs::equivalent(start.resume_from->parent_path(), dir, error);
    if (start.continues || is_empty_folder(dir)) {
      start.notes.push_back("Resuming from " + start.resume_from->string());
      return start;
    }
  }
  if (is_empty_folder(dir)) return start;
  if (config.overwrite_output_dir) {
    refuse_to_remove_others(dir, config);
    start.overwrites = true;
    start.notes.push_back("Starting anew in " + dir.string() +
                          ": the earlier run in it is removed");
    if (start.resume_from) start.notes.push_back("Resuming from " + start.resume_from->string());
    return start;
  }
  if (before == RunState::finished && !wants_newest) {
    fail("output-dir-finished", {.file = dir.string()}, "this folder holds a finished run",
         std::string(kWaysOut) + "; to train further, give --resume_from_checkpoint " +
             dir.string() + "/checkpoint-N and a larger --max_steps");
  }
  if (start.resume_from || list_checkpoints(dir).empty()) {
    fail("output-dir-not-empty", {.file = dir.string()},
         start.resume_from ? "this folder holds another run or other files"
                           : "this folder is not empty and holds no checkpoint to resume from",
         kWaysOut);
  }

  NewestCheckpoint newest = newest_checkpoint(dir, check);
  start.notes = std::move(newest.passed_over);
  if (!newest.checkpoint) {
    std::string damages;
    for (const std::string& note : start.notes) damages += (damages.empty() ? "" : "; ") + note;
    fail("no-whole-checkpoint", {.file = dir.string()},
         "no checkpoint of this run is whole: " + damages, kWaysOut);
  }
  start.resume_from = newest.checkpoint->path;
  start.continues = true;
  start.notes.push_back("The run in " + dir.string() + " is unfinished: resuming from " +
                        start.resume_from->filename().string());
  return start;
}

[[noreturn]] void fail_locked(const fs::path& dir) {
  const std::string holder = RunLock::holder(dir);
  fail("output-dir-locked", {.file = dir.string()},
       "a live run writes into this folder" + (holder.empty() ? std::string() : ": " + holder),
       "Stop that run, or choose another --output_dir");
}

/// What is trained into it would be lost to the run that it copies, and the copy no copy any more.
void refuse_copy(const fs::path& folder) {
  const auto sign = read_remote_sign(folder);
  if (!sign) return;
  fail("output-dir-is-copy", {.file = folder.string()},
       "this folder is a copy of a run on another machine, " + sign->address,
       "Go on with it there, or choose another --output_dir");
}

/// Absolute, without a slash at its end.
fs::path folder_of(const RunConfig& config) {
  if (config.output_dir.empty())
    fail("no-output-dir", {.file = "--output_dir"}, "no output folder is given");
  fs::path folder = fs::absolute(config.output_dir).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error)) {
    fail("bad-output-dir", {.file = folder.string()}, "the output folder is a file",
         "Choose another --output_dir");
  }
  refuse_copy(folder);
  return folder;
}

[[noreturn]] void fail_unwritable(const fs::path& folder, const std::string& why) {
  fail("cannot-write", {.file = folder.string()}, "the output folder cannot be made: " + why,
       "Choose an --output_dir that you may write to");
}

}  // namespace

RunStart look_at_start(const RunConfig& config) {
  const fs::path dir = folder_of(config);
  const fs::path there = nearest_existing_folder(dir);
  if (const std::string why = obstacle_to_folder(dir); !why.empty()) fail_unwritable(dir, why);
  refuse_live_process(dir);
  if (RunLock::state(dir) == LockState::held) fail_locked(dir);
  const RunState before = there == dir ? recorded_state(dir) : RunState::unknown;
  return start_in(dir, before, config, FileCheck::sizes);
}

RunClaim::RunClaim(const RunConfig& config) : folder_{folder_of(config)} {
  std::error_code error;
  first_created_ = first_missing(folder_.path);
  fs::create_directories(folder_.path, error);
  if (error) {
    const std::string why = error.message();
    take_back();
    fail_unwritable(folder_.path, why);
  }
  try {
    decide(config);
  } catch (...) {
    take_back();
    throw;
  }
}

RunClaim::~RunClaim() {
  if (!is_kept_) take_back();
}

void RunClaim::decide(const RunConfig& config) {
  const fs::path& dir = folder_.path;
  std::error_code error;
  had_lock_file_ = fs::exists(folder_.lock(), error);
  const RunState before = first_created_.empty() ? recorded_state(dir) : RunState::unknown;
  refuse_live_process(dir);
  lock_ = RunLock::acquire(dir);
  if (!lock_) {
    had_lock_file_ = true;
    fail_locked(dir);
  }
  start_ = start_in(dir, before, config, FileCheck::hashes);
}

void RunClaim::make_room() {
  has_made_room_ = true;
  if (start_.overwrites) remove_run_files(folder_.path);
  if (start_.overwrites || start_.continues) sweep_leftovers(folder_.path);
  if (!start_.continues) return;
  const std::string kept = start_.resume_from->filename().string();
  const auto checkpoints = list_checkpoints(folder_.path);
  const auto resumed = std::find_if(
      checkpoints.begin(), checkpoints.end(),
      [&](const SavedCheckpoint& checkpoint) { return checkpoint.path.filename() == kept; });
  if (resumed == checkpoints.end()) return;
  for (auto later = resumed + 1; later != checkpoints.end(); ++later) {
    const std::string aside =
        "superseded-" + later->path.filename().string() + "-" + random_suffix();
    std::error_code error;
    fs::rename(later->path, folder_.path / aside, error);
    if (!error)
      start_.notes.push_back(later->path.filename().string() + " is set aside as " + aside);
  }
}

void RunClaim::take_back() {
  std::error_code ignored;
  if (!first_created_.empty()) {
    // Without the lock another run may have begun in it meanwhile: then only an empty folder goes.
    if (lock_) {
      fs::remove_all(folder_.path, ignored);
    } else {
      fs::remove(folder_.path, ignored);
    }
    for (fs::path at = folder_.path; at != first_created_ && at.has_parent_path();) {
      at = at.parent_path();
      fs::remove(at, ignored);
    }
    return;
  }
  if (has_made_room_ && !start_.continues) remove_run_files(folder_.path);
  if (lock_ && !had_lock_file_) fs::remove(folder_.lock(), ignored);
}

}  // namespace engine
