// SPDX-License-Identifier: GPL-3.0-or-later
// The copies of remote runs on this machine, and what a copy says about the run that it copies.
#pragma once

#include "engine/remote/remote_stream.h"
#include "engine/runs/run_folder.h"

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
};

/// Of a run folder that is a copy; nothing for any other folder.
struct RemoteSign {
  std::string address{};  ///< ssh://host/path/run
  LockState lock = LockState::unknown;
  RemoteLink link{};
};
std::optional<RemoteSign> read_remote_sign(const std::filesystem::path& run_dir);

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
  /// "C ..." orders for every `control` that has changed here since the last call; the first call
  /// only looks.
  std::string take_requests();

 private:
  std::filesystem::path copy_of(const std::string& run) const;
  void write_sign(const std::string& run) const;

  std::filesystem::path folder_;
  std::string address_;
  std::string root_name_;
  std::map<std::string, LockState> locks_;
  std::map<std::string, std::string> controls_;  ///< as last seen
  bool has_looked_ = false;
};

}  // namespace engine
