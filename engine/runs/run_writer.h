// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_event.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_state.h"

#include <memory>
#include <string>

namespace engine {

/// The only writer of events.jsonl and status.json. Training thread only. Opening cuts a torn last
/// line. Each event is one write(2) of one line. Throws Error when the disk refuses; a line that
/// got through in part is taken back first. The folder must exist.
class RunWriter {
 public:
  explicit RunWriter(RunFolder folder);
  ~RunWriter();
  RunWriter(RunWriter&&) noexcept;

  void write(const RunEventBody& body);
  /// Replaces status.json: state, step, this process, now. An empty `granted_request` keeps the
  /// last one. Cheap while only the step changes (no fsync), so it may be called for every logged
  /// step.
  void set_status(RunState state, std::int64_t step, std::int64_t max_steps,
                  const std::string& granted_request = "", const std::string& granted_id = "");
  /// Renews `updated` when the last status is some seconds old, so that a run that is paused or
  /// busy with one long step is told from one whose host is gone. Nearly free otherwise.
  void keep_alive();
  const RunFolder& folder() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
