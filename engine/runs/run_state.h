// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace engine {

enum class RunState {
  queued,
  starting,
  running,
  paused,
  stopping,
  finished,
  stopped,
  failed,
  interrupted,
  unknown
};

const char* to_string(RunState state);
RunState run_state_from(const std::string& name);  ///< unknown for anything else

/// status.json, replaced atomically by the writer.
struct RunStatus {
  /// as recorded; what is shown also asks whether the writer lives
  RunState state = RunState::unknown;
  std::int64_t pid = 0;
  std::uint64_t process_start_time = 0;  ///< field 22 of /proc/<pid>/stat: a recycled pid differs
  std::string host{};
  std::int64_t step = 0;
  std::int64_t max_steps = 0;
  double updated = 0;             ///< Unix seconds
  std::string granted_request{};  ///< the control request acted on last
  std::string granted_id{};       ///< and its id
};

std::string to_json(const RunStatus& status);
/// std::nullopt for what is not a JSON object with a `state`. Never throws for content.
std::optional<RunStatus> parse_run_status(const std::string& text);

}  // namespace engine
