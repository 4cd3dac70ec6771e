// SPDX-License-Identifier: GPL-3.0-or-later
// An ssh server of its own on the loopback, reached through a proxy that can be slow or cut.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

namespace tests {

/// Passes connections on to a port of 127.0.0.1.
class CuttableProxy {
 public:
  explicit CuttableProxy(int target_port);
  ~CuttableProxy();

  int port() const { return port_; }
  /// Bytes a second towards the client; 0 = as fast as it goes.
  void set_rate(std::int64_t bytes_per_second) { rate_ = bytes_per_second; }
  void cut() { is_cut_ = true; }  ///< ends what is open and refuses what comes
  void mend() { is_cut_ = false; }
  std::int64_t connections() const { return connections_; }

 private:
  void serve(const std::stop_token& stop);

  int listener_ = -1;
  int port_ = 0;
  int target_port_;
  std::atomic<std::int64_t> rate_{0};
  std::atomic<bool> is_cut_{false};
  std::atomic<std::int64_t> connections_{0};
  std::jthread thread_;
};

/// Throws std::runtime_error with the reason when there is no server to start.
class LoopbackSsh {
 public:
  explicit LoopbackSsh(const std::filesystem::path& folder);
  ~LoopbackSsh();

  CuttableProxy& proxy() { return *proxy_; }
  /// For PARADIGM_SSH: the host `loop` is this server.
  std::string client() const;

 private:
  std::filesystem::path folder_;
  pid_t server_ = -1;
  int port_ = 0;
  std::unique_ptr<CuttableProxy> proxy_;
};

}  // namespace tests
