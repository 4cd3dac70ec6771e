// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_resume.h"

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "engine/remote/remote_address.h"
#include "engine/remote/remote_copy.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// Why a run in this state is not resumed; empty = it may be.
std::string obstacle_of(RunState state) {
  switch (state) {
    case RunState::stopped:
    case RunState::failed:
    case RunState::interrupted:
      return "";
    case RunState::finished:
      return "the run is finished; `paradigm runs extend RUN --max_steps N` says how it trains "
             "further";
    case RunState::unknown:
      return "it is not known whether the run still lives";
    default:
      return "the run is live";
  }
}

std::string restored_parts(const SavedCheckpoint& saved, std::int64_t lost) {
  std::string text = "weights, optimizer, place in the data, learning rate and noise";
  std::error_code ignored;
  if (fs::exists(saved.path / "simulation_state.safetensors", ignored)) {
    text += ", ranges of the simulated layers";
  }
  text += fmt::format(" as they were after step {}", saved.step);
  if (lost == 1) text += "; the step after it is done again";
  if (lost > 1) text += fmt::format("; {} steps after it are done again", lost);
  return text;
}

/// A copy is not trained on: the command is for the machine of the run.
void offer_to_go_on_there(const RemoteSign& remote, ResumeOffer& offer) {
  try {
    const RemoteAddress there = parse_remote_address(remote.address);
    offer.command = resume_command(there.path);
    offer.restores =
        fmt::format("the run is on another machine; on {}: {}", there.host, offer.command);
  } catch (const Error&) {
    offer.restores = "the run is on another machine";  // a copy of a copy, or written by hand
  }
}

/// Of a run that may go on as far as its state is concerned.
ResumeOffer offer_behind_checkpoint(const fs::path& run_dir, const RunSummary& summary) {
  ResumeOffer offer;
  std::error_code ignored;
  if (!fs::is_regular_file(RunFolder{run_dir}.run_yaml(), ignored)) {
    offer.restores = "there is no run.yaml to resume with";
    return offer;
  }
  NewestCheckpoint newest = newest_checkpoint(run_dir, FileCheck::sizes);
  offer.passed_over = std::move(newest.passed_over);
  if (!newest.checkpoint) {
    offer.restores =
        offer.passed_over.empty() ? "no checkpoint was saved" : "no checkpoint is whole";
    return offer;
  }
  offer.possible = true;
  offer.checkpoint = newest.checkpoint->path.filename().string();
  offer.step = newest.checkpoint->step;
  const std::int64_t reached = std::max(summary.last_step ? summary.last_step->step : 0,
                                        summary.status ? summary.status->step : std::int64_t{0});
  offer.lost = std::max<std::int64_t>(0, reached - offer.step);
  offer.restores = restored_parts(*newest.checkpoint, offer.lost);
  return offer;
}

}  // namespace

std::vector<std::string> resume_words(const fs::path& run_dir) {
  return {"paradigm", "train", "--config", (run_dir / "run.yaml").string()};
}

std::string resume_command(const fs::path& run_dir) {
  std::string command;
  for (const std::string& word : resume_words(run_dir)) {
    command += (command.empty() ? "" : " ") + shell_quoted(word);
  }
  return command;
}

ResumeOffer resume_offer(const fs::path& run_dir, const RunSummary& summary) {
  ResumeOffer offer;
  offer.restores = obstacle_of(summary.observed.state);
  if (!offer.restores.empty()) return offer;
  if (const auto remote = read_remote_sign(run_dir)) {
    offer_to_go_on_there(*remote, offer);
    return offer;
  }
  offer = offer_behind_checkpoint(run_dir, summary);
  if (offer.possible) offer.command = resume_command(run_dir);
  return offer;
}

ResumeOffer further_offer(const fs::path& run_dir, const RunSummary& summary) {
  ResumeOffer offer;
  if (summary.observed.state != RunState::finished) {
    offer.restores = fmt::format("the run is {}", to_string(summary.observed.state));
  } else if (read_remote_sign(run_dir)) {
    offer.restores = "the run is on another machine";
  } else {
    offer = offer_behind_checkpoint(run_dir, summary);
  }
  return offer;
}

}  // namespace engine
