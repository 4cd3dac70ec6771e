// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_control.h"

#include "engine/runs/file_descriptor.h"
#include "engine/runs/json_values.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

namespace engine {
namespace {

constexpr RunRequest kRequests[] = {RunRequest::none,       RunRequest::pause, RunRequest::resume,
                                    RunRequest::checkpoint, RunRequest::stop,  RunRequest::stop_now,
                                    RunRequest::extend};

/// Changes whenever the file is replaced or rewritten; empty when there is none. One stat(2), no
/// read.
std::string signature_of(const std::filesystem::path& file) {
  struct stat info = {};
  if (stat(file.c_str(), &info) != 0) return "";
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) + ":" +
         std::to_string(info.st_size) + ":" + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos
             ? ""
             : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// Distinguishes a request from an earlier one of the same name, whatever the clock does.
std::string request_id() {
  static std::atomic<unsigned> counter{0};
  const auto ticks = std::chrono::steady_clock::now().time_since_epoch().count();
  return fmt::format("{:x}-{:x}-{:x}", getpid(), ticks, counter++);
}

std::string write_request(const std::filesystem::path& run_dir, nlohmann::ordered_json json) {
  const std::string id = request_id();
  json["id"] = id;
  json["time"] = unix_time();
  replace_file(RunFolder{run_dir}.control(), dump_line(json) + "\n", ReplaceMode::atomic);
  return id;
}

}  // namespace

const char* to_string(RunRequest request) {
  switch (request) {
    case RunRequest::none:
      return "none";
    case RunRequest::pause:
      return "pause";
    case RunRequest::resume:
      return "resume";
    case RunRequest::checkpoint:
      return "checkpoint";
    case RunRequest::stop:
      return "stop";
    case RunRequest::stop_now:
      return "stop_now";
    case RunRequest::extend:
      return "extend";
  }
  return "none";
}

const char* to_string(ScheduleChange change) {
  return change == ScheduleChange::stretch ? "stretch" : "continue";
}

std::optional<ScheduleChange> schedule_change_from(const std::string& name) {
  for (const ScheduleChange change : {ScheduleChange::stretch, ScheduleChange::keep}) {
    if (name == to_string(change)) return change;
  }
  return std::nullopt;
}

std::optional<RunRequest> run_request_from(const std::string& name) {
  for (const RunRequest request : kRequests) {
    if (name == to_string(request)) return request;
  }
  return std::nullopt;
}

void RunControl::watch(const std::filesystem::path& run_dir) {
  control_file_ = RunFolder{run_dir}.control();
  last_seen_ = signature_of(control_file_);
}

RunRequest RunControl::poll() {
  const auto asked = static_cast<RunRequest>(pending_.exchange(0));
  if (asked != RunRequest::none) id_.clear();
  if (asked != RunRequest::none || control_file_.empty()) return asked;
  const std::string signature = signature_of(control_file_);
  if (signature.empty() || signature == last_seen_) return RunRequest::none;

  constexpr std::size_t kLongest = 4096;
  const FileDescriptor file = open_regular_file(control_file_.c_str());
  const std::string content = file ? trimmed(read_at(file, 0, kLongest)) : "";
  // Empty: a hand-written request whose text is still to come.
  if (file && content.empty()) return RunRequest::none;
  last_seen_ = signature;
  const auto json = parse_object(content);
  auto request = run_request_from(json.is_discarded() ? content : text_member(json, "request"));
  if (request == RunRequest::extend) {
    const auto change =
        json.is_discarded() ? std::nullopt : schedule_change_from(text_member(json, "schedule"));
    if (change) extension_ = {integer_member(json, "max_steps"), *change};
    if (!change) request.reset();
  }
  if (request) {
    id_ = json.is_discarded() ? "" : text_member(json, "id");
    return *request;
  }
  complaint_ = "the file " + control_file_.string() +
               " holds no request that is known (pause, resume, checkpoint, stop, stop_now; extend "
               "with max_steps, and schedule stretch or continue): ignored";
  return RunRequest::none;
}

std::optional<std::string> RunControl::take_complaint() {
  return std::exchange(complaint_, std::nullopt);
}

std::string write_control_request(const std::filesystem::path& run_dir, RunRequest request) {
  nlohmann::ordered_json json;
  json["request"] = to_string(request);
  return write_request(run_dir, std::move(json));
}

std::string write_control_request(const std::filesystem::path& run_dir,
                                  const RunExtension& extension) {
  nlohmann::ordered_json json;
  json["request"] = to_string(RunRequest::extend);
  json["max_steps"] = extension.max_steps;
  json["schedule"] = to_string(extension.schedule);
  return write_request(run_dir, std::move(json));
}

}  // namespace engine
