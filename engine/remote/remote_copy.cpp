// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/remote/remote_copy.h"

#include "engine/error.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/json_values.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <thread>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSummed = 512;
constexpr std::size_t kLongest = 1 << 16;
const char* const kSign = "remote.json";
const char* const kLink = "link.json";
const char* const kKill = "kill.json";
const char* const kKept = "mirror.lock";
constexpr std::array kFiles = {"run.yaml",    "transform.yaml",           "config.json",
                               "status.json", "transform_histogram.json", "process_end.json"};

std::string text_of(const fs::path& file) {
  const FileDescriptor input = open_regular_file(file.c_str());
  return input ? read_at(input, 0, kLongest) : std::string();
}

const char* name_of(LockState lock) {
  return lock == LockState::held ? "held" : lock == LockState::free ? "free" : "unknown";
}

LockState lock_from(const std::string& name) {
  if (name == "held") return LockState::held;
  return name == "free" ? LockState::free : LockState::unknown;
}

std::uint64_t size_of(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  return error ? 0 : size;
}

void append_to(const fs::path& file, const std::string& bytes) {
  const FileDescriptor output(open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (output && write_all(output, bytes)) return;
  fail("cannot-write", {.file = file.string()},
       std::string("the copy of a remote run cannot be written: ") + std::strerror(errno),
       "Free space, or set PARADIGM_REMOTE_CACHE to another folder");
}

/// Where there are no locks it cannot be told, and the time of the last word decides.
bool are_kept(const fs::path& folder) {
  const FileDescriptor lock = open_regular_file((folder / kKept).c_str());
  return lock && flock(lock.get(), LOCK_SH | LOCK_NB) != 0;
}

RemoteLink link_in(const fs::path& folder) {
  const auto json = parse_object(text_of(folder / kLink));
  if (json.is_discarded()) return {};
  const bool is_connected = bool_member(json, "connected") && are_kept(folder);
  return {.host = text_member(json, "host"),
          .heard = real_member(json, "heard", 0),
          .trouble = text_member(json, "trouble"),
          .is_connected = is_connected,
          .is_current = is_connected && bool_member(json, "current")};
}

}  // namespace

bool take_copies(const fs::path& folder, FileDescriptor& lock) {
  FileDescriptor file(open((folder / kKept).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file) return false;
  constexpr int kAttempts = 10;
  for (int attempt = 0; flock(file.get(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
    if (errno != EWOULDBLOCK && errno != EINTR) break;  // no locks here: one has to trust
    if (attempt >= kAttempts) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  lock = std::move(file);
  return true;
}

std::optional<RemoteSign> read_remote_sign(const fs::path& run_dir) {
  const FileDescriptor file = open_regular_file((run_dir / kSign).c_str());
  if (!file) return std::nullopt;
  const auto json = parse_object(read_at(file, 0, kLongest));
  if (json.is_discarded()) return std::nullopt;
  RemoteSign sign{.address = text_member(json, "address"),
                  .lock = lock_from(text_member(json, "lock"))};
  sign.link = link_in(run_dir.parent_path());
  return sign;
}

void write_remote_kill(const fs::path& run_dir, std::int64_t pid,
                       std::uint64_t process_start_time) {
  nlohmann::ordered_json json;
  json["pid"] = pid;
  json["process_start_time"] = process_start_time;
  replace_file(run_dir / kKill, dump_line(json) + "\n", ReplaceMode::atomic);
}

RemoteCopies::RemoteCopies(fs::path folder, std::string address, std::string root_name)
    : folder_(std::move(folder)), address_(std::move(address)), root_name_(std::move(root_name)) {}

fs::path RemoteCopies::copy_of(const std::string& run) const {
  return folder_ / (run == "." ? root_name_ : run);
}

std::string RemoteCopies::offsets() const {
  std::string lines;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const auto sign = read_remote_sign(entry.path());
    if (!sign) continue;
    const FileDescriptor events = open_regular_file(RunFolder{entry.path()}.events().c_str());
    const std::uint64_t size = size_of(RunFolder{entry.path()}.events());
    if (!events || size == 0) continue;
    const std::size_t summed = std::min<std::uint64_t>(size, kSummed);
    const bool is_root = sign->address == address_;
    lines +=
        fmt::format("O {} {} {}\n", size, posix_checksum(read_at(events, size - summed, summed)),
                    is_root ? "." : entry.path().filename().string());
  }
  return lines;
}

void RemoteCopies::write_sign(const std::string& run) const {
  const auto lock = locks_.find(run);
  nlohmann::ordered_json json;
  json["address"] = run == "." ? address_ : address_ + "/" + run;
  json["lock"] = name_of(lock == locks_.end() ? LockState::unknown : lock->second);
  replace_file(copy_of(run) / kSign, dump_line(json) + "\n", ReplaceMode::atomic);
}

void RemoteCopies::write_link(const RemoteLink& link) const {
  nlohmann::ordered_json json;
  json["host"] = link.host;
  json["heard"] = json_number(link.heard);
  json["trouble"] = link.trouble;
  json["connected"] = link.is_connected;
  json["current"] = link.is_current;
  replace_file(folder_ / kLink, dump_line(json) + "\n", ReplaceMode::atomic);
}

double RemoteCopies::last_heard() const { return link_in(folder_).heard; }

void RemoteCopies::apply(const RemoteFrame& frame) {
  using Kind = RemoteFrame::Kind;
  if (frame.run.empty()) return;
  const fs::path copy = copy_of(frame.run);
  const RunFolder files{copy};
  switch (frame.kind) {
    case Kind::run:
      fs::create_directories(copy);
      write_sign(frame.run);
      break;
    case Kind::events: {
      const std::uint64_t size = size_of(files.events());
      if (size != frame.offset) {
        fail(
            "remote-gap", {.file = files.events().string()},
            fmt::format("the copy has {} bytes and was sent what begins at {}", size, frame.offset),
            "Nothing: it connects again");
      }
      append_to(files.events(), frame.bytes);
      break;
    }
    case Kind::restarted: {
      std::error_code ignored;
      fs::remove(files.events(), ignored);
      break;
    }
    case Kind::file:
      if (std::find(kFiles.begin(), kFiles.end(), frame.name) == kFiles.end()) break;
      replace_file(copy / frame.name, frame.bytes, ReplaceMode::atomic);
      break;
    case Kind::lock:
      locks_[frame.run] = lock_from(frame.name);
      write_sign(frame.run);
      break;
    case Kind::checkpoints: {
      std::vector<std::string> names;
      std::istringstream words(frame.name);
      for (std::string name; words >> name;) {
        if (name.starts_with("checkpoint-")) names.push_back(name);
      }
      std::error_code ignored;
      for (const auto& entry : fs::directory_iterator(copy, ignored)) {
        const std::string name = entry.path().filename().string();
        const bool is_gone = name.starts_with("checkpoint-") &&
                             std::find(names.begin(), names.end(), name) == names.end();
        if (is_gone) fs::remove(entry.path(), ignored);  // empty: only its name was copied
      }
      for (const auto& name : names) fs::create_directory(copy / name, ignored);
      break;
    }
    default:
      break;
  }
}

/// From before this was made, so that nobody waits for its answer. A file's time lags the clock.
bool RemoteCopies::is_stale(const fs::path& request) const {
  std::error_code error;
  const auto written = fs::last_write_time(request, error);
  return !has_looked_ && (error || written + std::chrono::seconds(1) < made_);
}

std::string RemoteCopies::take_kill(const fs::path& copy) const {
  const auto json = parse_object(text_of(copy / kKill));
  if (json.is_discarded()) return {};
  const bool is_old = is_stale(copy / kKill);
  std::error_code ignored;
  fs::remove(copy / kKill, ignored);
  const std::int64_t pid = integer_member(json, "pid", 0);
  if (is_old || pid <= 1) return {};
  return fmt::format("K {} {}\n", pid, integer_member(json, "process_start_time", 0));
}

std::string RemoteCopies::take_requests() {
  std::string orders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string run = entry.path().filename().string();
    orders += take_kill(entry.path());
    std::string text = text_of(RunFolder{entry.path()}.control());
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    std::string& before = controls_[run];
    if (text.empty() || text == before) continue;
    before = text;
    const auto sign = read_remote_sign(entry.path());
    if (is_stale(RunFolder{entry.path()}.control()) || !sign ||
        text.find('\n') != std::string::npos)
      continue;
    orders += fmt::format("C {}\n{}\n", sign->address == address_ ? "." : run, text);
  }
  has_looked_ = true;
  return orders;
}

}  // namespace engine
