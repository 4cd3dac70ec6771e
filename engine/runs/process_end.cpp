// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/process_end.h"

#include "engine/runs/file_descriptor.h"
#include "engine/runs/json_values.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_liveness.h"

#include <fmt/format.h>
#include <string.h>

#include <exception>

namespace engine {

void record_process_end(const std::filesystem::path& run_dir, const ProcessEnd& end) noexcept {
  try {
    const auto status = read_status(run_dir);
    const bool is_writer =
        status && status->pid == end.pid &&
        (status->process_start_time == end.process_start_time || end.process_start_time == 0);
    const bool has_said_so =
        status && (status->state == RunState::finished || status->state == RunState::stopped ||
                   status->state == RunState::failed);
    if (!is_writer || has_said_so) return;
    nlohmann::ordered_json json;
    json["pid"] = end.pid;
    json["process_start_time"] = status->process_start_time;
    json["signal"] = end.signal;
    json["exit_code"] = end.exit_code;
    json["time"] = json_number(end.time);
    replace_file(RunFolder{run_dir}.process_end(), dump_line(json) + "\n");
  } catch (const std::exception&) {
    // A full disk: the run is still seen to be gone, only not why.
  }
}

std::optional<ProcessEnd> read_process_end(const std::filesystem::path& run_dir) {
  const FileDescriptor file = open_regular_file(RunFolder{run_dir}.process_end().c_str());
  if (!file) return std::nullopt;
  const auto json = parse_object(read_at(file, 0, 4096));
  if (json.is_discarded() || integer_member(json, "pid") <= 0) return std::nullopt;
  return ProcessEnd{
      .pid = integer_member(json, "pid"),
      .process_start_time = static_cast<std::uint64_t>(integer_member(json, "process_start_time")),
      .signal = static_cast<int>(integer_member(json, "signal")),
      .exit_code = static_cast<int>(integer_member(json, "exit_code")),
      .time = real_member(json, "time", 0)};
}

std::string text_of(const ProcessEnd& end) {
  if (end.signal == 0) return fmt::format("its process ended with exit code {}", end.exit_code);
  const char* name = sigabbrev_np(end.signal);
  return fmt::format("killed by signal {}{}", end.signal,
                     name == nullptr ? std::string() : fmt::format(" (SIG{})", name));
}

}  // namespace engine
