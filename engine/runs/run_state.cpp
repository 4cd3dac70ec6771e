// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_state.h"

#include "engine/runs/json_values.h"

namespace engine {
namespace {

constexpr RunState kStates[] = {RunState::queued,  RunState::starting, RunState::running,
                                RunState::paused,  RunState::stopping, RunState::finished,
                                RunState::stopped, RunState::failed,   RunState::interrupted,
                                RunState::unknown};

}  // namespace

const char* to_string(RunState state) {
  switch (state) {
    case RunState::queued:
      return "queued";
    case RunState::starting:
      return "starting";
    case RunState::running:
      return "running";
    case RunState::paused:
      return "paused";
    case RunState::stopping:
      return "stopping";
    case RunState::finished:
      return "finished";
    case RunState::stopped:
      return "stopped";
    case RunState::failed:
      return "failed";
    case RunState::interrupted:
      return "interrupted";
    case RunState::unknown:
      return "unknown";
  }
  return "unknown";
}

RunState run_state_from(const std::string& name) {
  for (const RunState state : kStates) {
    if (name == to_string(state)) return state;
  }
  return RunState::unknown;
}

std::string to_json(const RunStatus& status) {
  nlohmann::ordered_json json;
  json["state"] = to_string(status.state);
  json["pid"] = status.pid;
  json["process_start_time"] = status.process_start_time;
  json["host"] = status.host;
  json["step"] = status.step;
  json["max_steps"] = status.max_steps;
  json["updated"] = json_number(status.updated);
  json["granted_request"] = status.granted_request;
  json["granted_id"] = status.granted_id;
  return dump_line(json);
}

std::optional<RunStatus> parse_run_status(const std::string& text) {
  const nlohmann::json object = parse_object(text);
  if (object.is_discarded() || text_member(object, "state").empty()) return std::nullopt;
  RunStatus status;
  status.state = run_state_from(text_member(object, "state"));
  status.pid = integer_member(object, "pid");
  status.process_start_time = std::uint64_t(integer_member(object, "process_start_time"));
  status.host = text_member(object, "host");
  status.step = integer_member(object, "step");
  status.max_steps = integer_member(object, "max_steps");
  status.updated = real_member(object, "updated", 0);
  status.granted_request = text_member(object, "granted_request");
  status.granted_id = text_member(object, "granted_id");
  return status;
}

}  // namespace engine
