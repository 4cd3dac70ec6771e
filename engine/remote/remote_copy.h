// SPDX-License-Identifier: GPL-3.0-or-later
// The copies of remote runs on this machine, and what a copy says about the run that it copies.
#pragma once

#include "engine/remote/remote_stream.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/run_folder.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// Beside the copies: when the other machine was heard last.
struct RemoteLink {
  std::string host{};
  double heard = 0;  ///< Unix seconds of this machine
  std::string trouble{};
  /// Some process keeps the copies and hears that machine. Else what they say was true at `heard`.
  bool is_connected = false;
  bool is_current = false;  ///< and all that was there when it connected has come
};

/// Of a run folder that is a copy; nothing for any other folder.
struct RemoteSign {
  std::string address{};  ///< ssh://host/path/run
  LockState lock = LockState::unknown;
  RemoteLink link{};
};
std::optional<RemoteSign> read_remote_sign(const std::filesystem::path& run_dir);

/// The lock in a folder of copies that belongs to whoever keeps them; waits for a watcher's look,
/// not for another keeper. False where another one holds it.
bool take_copies(const std::filesystem::path& folder, FileDescriptor& lock);

/// Leaves the order to kill a process over there, if it is still the one that began then, for
/// whoever keeps the copies. Throws Error when the copy cannot be written.
void write_remote_kill(const std::filesystem::path& run_dir, std::int64_t pid,
                       std::uint64_t process_start_time);

/// Applies frames to a folder of copies. One thread. Throws Error when the folder cannot be written
/// or the stream does not fit to what is here.
class RemoteCopies {
 public:
  /// `root_name`: what the root itself is called here when it is a run.
  RemoteCopies(std::filesystem::path folder, std::string address, std::string root_name);

  /// "O ..." lines for the runs that are here already.
  std::string offsets() const;
  void apply(const RemoteFrame& frame);
  void write_link(const RemoteLink& link) const;
  /// When the other machine was heard last, by whoever kept the copies then; 0 = never.
  double last_heard() const;
  /// "C ..." orders for every `control` that has changed here since the last call, and "K ..."
  /// orders; for the first call, since this was made.
  std::string take_requests();

 private:
  std::filesystem::path copy_of(const std::string& run) const;
  void write_sign(const std::string& run) const;
  bool is_stale(const std::filesystem::path& request) const;
  std::string take_kill(const std::filesystem::path& copy) const;

  std::filesystem::path folder_;
  std::string address_;
  std::string root_name_;
  std::map<std::string, LockState> locks_;
  std::map<std::string, std::string> controls_;  ///< as last seen
  std::filesystem::file_time_type made_ = std::filesystem::file_time_type::clock::now();
  bool has_looked_ = false;
};

}  // namespace engine
