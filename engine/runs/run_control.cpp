// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_control.h"

#include "engine/runs/file_descriptor.h"
#include "engine/runs/json_values.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_folder.h"

#include <sys/stat.h>

namespace engine {
namespace {

constexpr RunRequest kRequests[] = {RunRequest::none,   RunRequest::pause,
                                    RunRequest::resume, RunRequest::checkpoint,
                                    RunRequest::stop,   RunRequest::stop_now};

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
  }
  return "none";
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
  const auto request =
      run_request_from(json.is_discarded() ? content : text_member(json, "request"));
  if (request) return *request;
  complaint_ =
      "the file " + control_file_.string() +
      " holds no request that is known (pause, resume, checkpoint, stop, stop_now): ignored";
  return RunRequest::none;
}

std::optional<std::string> RunControl::take_complaint() {
  return std::exchange(complaint_, std::nullopt);
}

void write_control_request(const std::filesystem::path& run_dir, RunRequest request) {
  nlohmann::ordered_json json;
  json["request"] = to_string(request);
  json["time"] = unix_time();
  replace_file(RunFolder{run_dir}.control(), dump_line(json) + "\n", ReplaceMode::atomic);
}

}  // namespace engine
