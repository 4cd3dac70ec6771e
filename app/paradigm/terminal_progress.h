// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_reader.h"

#include <cstdio>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

namespace paradigm {

/// How a run looks in a terminal: one line per logged step, evaluation, checkpoint and message; on
/// a terminal also a bar with the expected end that is redrawn in place. Any thread.
class TerminalProgress {
 public:
  enum class Style { lines, bar };

  explicit TerminalProgress(std::FILE* stream);
  TerminalProgress(std::FILE* stream, Style style);
  ~TerminalProgress();

  /// What a poll of the run's reader found.
  void show(const engine::RunUpdate& update);
  /// Work that has no run folder. `total` 0 = unknown. `remark` follows the stage, but a new one
  /// does not make a new stage.
  void show_stage(const std::string& stage, double done, double total,
                  const std::string& remark = "");
  /// Removes the bar; later calls draw it again.
  void clear_bar();

 private:
  void show_event(const engine::RunEvent& event);
  void show_step(const engine::StepLogged& step, double time);
  void print_line(const std::string& line);
  void draw_bar(const std::string& text);
  void erase_bar();
  std::string expected_end() const;

  std::mutex mutex_;
  std::FILE* stream_;
  Style style_;
  std::string bar_;
  std::string stage_;
  int stage_percent_ = -1;
  std::int64_t max_steps_ = 0;
  std::deque<std::pair<double, std::int64_t>> recent_;  ///< (time, step), for the rate
};

}  // namespace paradigm
