// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/remote/remote_address.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace engine {

/// Where the mirrors of remote runs lie: PARADIGM_REMOTE_CACHE, else paradigm-workbench/remote in
/// the user's cache folder.
std::filesystem::path remote_cache();

/// The folder in which the copies of an address lie; there once it was watched.
std::filesystem::path remote_copies(const RemoteAddress& address,
                                    const std::filesystem::path& cache = remote_cache());

/// Keeps copies of the runs below an ssh:// address in a local folder, which all readers of run
/// folders then read as any other, and carries what is written into a copy's `control` to the run.
/// One thread and one connection, made by the user's own ssh (PARADIGM_SSH names another program,
/// with its first arguments), so that jump hosts, agents and second factors work as they do there.
///
/// Only what is new travels: from the byte where the copy ends, checked by a sum over what stands
/// before it. A connection that is lost is made again, after 0.5 s and then ever longer up to 30 s;
/// the copies go on where they ended. Nothing is written there but `control`, and a temporary
/// folder that goes with the connection; write_remote_kill() asks for the one other thing done.
///
/// Two mirrors of one address, in any processes, share one folder: the first keeps it, the others
/// wait to take over.
class RemoteMirror {
 public:
  explicit RemoteMirror(RemoteAddress address, const std::filesystem::path& cache = remote_cache());
  ~RemoteMirror();
  RemoteMirror(const RemoteMirror&) = delete;
  RemoteMirror& operator=(const RemoteMirror&) = delete;

  /// Holds a folder for each run; there from the start.
  const std::filesystem::path& folder() const;
  const RemoteAddress& address() const;

  struct State {
    bool is_connected = false;
    bool is_synced = false;      ///< everything that was there at the (last) connection has come
    std::string trouble{};       ///< why not, in words; empty while it is connected or connecting
    std::uint64_t received = 0;  ///< bytes of the connections so far
  };
  State state() const;
  /// Until all that is there has come. Throws Error, with what ssh said, when the first connection
  /// fails or the time is over.
  void wait_until_synced(std::chrono::milliseconds limit) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
