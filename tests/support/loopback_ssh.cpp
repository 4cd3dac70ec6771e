// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/loopback_ssh.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace tests {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Listens on a port that is free.
int listen_anywhere(int& port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 16) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port to listen on");
  }
  port = ntohs(address.sin_port);
  return listener;
}

int connect_to(int port) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return made;
  close(made);
  return -1;
}

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

struct Tunnel {
  int client = -1;
  int server = -1;
};

/// Moves what is there. False when either side has ended.
bool move_bytes(int from, int to, std::size_t limit, std::size_t& moved) {
  std::array<char, 16384> buffer;
  const auto count = recv(from, buffer.data(), std::min(buffer.size(), limit), MSG_DONTWAIT);
  moved = 0;
  if (count == 0) return false;
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  std::size_t sent = 0;
  while (sent < static_cast<std::size_t>(count)) {
    const auto part =
        send(to, buffer.data() + sent, static_cast<std::size_t>(count) - sent, MSG_NOSIGNAL);
    if (part <= 0) return false;
    sent += static_cast<std::size_t>(part);
  }
  moved = sent;
  return true;
}

}  // namespace

CuttableProxy::CuttableProxy(int target_port) : target_port_(target_port) {
  listener_ = listen_anywhere(port_);
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

CuttableProxy::~CuttableProxy() {
  thread_.request_stop();
  thread_.join();
  close(listener_);
}

void CuttableProxy::serve(const std::stop_token& stop) {
  std::vector<Tunnel> open;
  const auto end = [](Tunnel& tunnel) {
    close(tunnel.client);
    close(tunnel.server);
    tunnel = {};
  };
  constexpr int kTurn = 20;  // ms
  while (!stop.stop_requested()) {
    std::vector<pollfd> waited{{listener_, POLLIN, 0}};
    const std::int64_t rate = rate_;
    for (const auto& tunnel : open) {
      waited.push_back({tunnel.client, POLLIN, 0});
      waited.push_back({rate > 0 ? -1 : tunnel.server, POLLIN, 0});
    }
    poll(waited.data(), waited.size(), kTurn);
    if ((waited.front().revents & POLLIN) != 0) {
      Tunnel made{accept(listener_, nullptr, nullptr), -1};
      if (!is_cut_) made.server = connect_to(target_port_);
      if (made.server >= 0) {
        ++connections_;
        open.push_back(made);
      } else {
        close(made.client);
      }
    }
    const auto allowed = rate > 0 ? static_cast<std::size_t>(rate * kTurn / 1000) : std::size_t(-1);
    for (auto& tunnel : open) {
      std::size_t moved = 0;
      const bool lives = !is_cut_ &&
                         move_bytes(tunnel.client, tunnel.server, std::size_t(-1), moved) &&
                         move_bytes(tunnel.server, tunnel.client, allowed, moved);
      if (!lives) end(tunnel);
    }
    std::erase_if(open, [](const Tunnel& tunnel) { return tunnel.client < 0; });
    if (rate > 0) std::this_thread::sleep_for(std::chrono::milliseconds(kTurn));
  }
  for (auto& tunnel : open) end(tunnel);
}

LoopbackSsh::LoopbackSsh(const std::filesystem::path& folder) : folder_(folder) {
  const char* const kServer = "/usr/sbin/sshd";
  if (access(kServer, X_OK) != 0) throw std::runtime_error("/usr/sbin/sshd is not installed");
  std::filesystem::create_directories(folder);
  if (geteuid() == 0) std::filesystem::create_directories("/run/sshd");
  const std::string at = folder.string();
  for (const char* key : {"host_key", "user_key"}) {
    run("ssh-keygen -q -t ed25519 -N '' -f '" + at + "/" + key + "'");
  }
  std::filesystem::copy_file(folder / "user_key.pub", folder / "authorized_keys");
  close(listen_anywhere(port_));  // free a moment ago
  std::ofstream(folder / "server.conf")
      << "ListenAddress 127.0.0.1\nPort " << port_ << "\nHostKey " << at << "/host_key\n"
      << "AuthorizedKeysFile " << at << "/authorized_keys\nPidFile none\nStrictModes no\n"
      << "UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nPrintMotd no\n";
  server_ = fork();
  if (server_ == 0) {
    const std::string log = at + "/server.log";
    execl(kServer, kServer, "-D", "-f", (at + "/server.conf").c_str(), "-E", log.c_str(), nullptr);
    _exit(127);
  }
  int probe = -1;
  for (int i = 0; i < 100 && probe < 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    probe = connect_to(port_);
  }
  if (probe < 0) throw std::runtime_error("the ssh server does not answer; see " + at);
  close(probe);
  proxy_ = std::make_unique<CuttableProxy>(port_);
  std::ofstream(folder / "client.conf")
      << "Host loop\n  HostName 127.0.0.1\n  Port " << proxy_->port() << "\n  IdentityFile " << at
      << "/user_key\n  IdentitiesOnly yes\n  UserKnownHostsFile " << at
      << "/known_hosts\n  StrictHostKeyChecking no\n  LogLevel ERROR\n  ControlPath none\n";
}

LoopbackSsh::~LoopbackSsh() {
  proxy_.reset();
  if (server_ > 0) {
    kill(server_, SIGTERM);
    waitpid(server_, nullptr, 0);
  }
}

std::string LoopbackSsh::client() const {
  return "ssh -F '" + (folder_ / "client.conf").string() + "'";
}

}  // namespace tests
