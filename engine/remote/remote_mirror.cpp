// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/remote/remote_mirror.h"

#include "engine/digest.h"
#include "engine/error.h"
#include "engine/remote/child_process.h"
#include "engine/remote/remote_copy.h"
#include "engine/remote/remote_stream.h"
#include "engine/runs/process_identity.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTurn{50};                // between looks at local requests
constexpr std::chrono::seconds kDeaf{20};        // without a word a connection counts as lost
constexpr std::chrono::seconds kFirstWord{120};  // there may be a second factor to be typed
constexpr std::chrono::seconds kLinkEvery{2};
constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{30000};

/// The program with its first arguments, as words for a shell to find them in.
std::vector<std::string> ssh_words(const std::vector<std::string>& arguments) {
  const char* chosen = std::getenv("PARADIGM_SSH");
  std::vector<std::string> words{"ssh"};
  if (chosen != nullptr && *chosen != '\0') {
    words = {"sh", "-c", std::string("exec ") + chosen + " \"$@\"", "ssh"};
  }
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

std::string read_all(const FileDescriptor& from, milliseconds limit) {
  std::string text;
  const auto end = Clock::now() + limit;
  while (Clock::now() < end) {
    pollfd waited{from.get(), POLLIN, 0};
    poll(&waited, 1, 50);
    char buffer[4096];
    const auto count = read(from.get(), buffer, sizeof(buffer));
    if (count > 0) {
      text.append(buffer, static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    }
  }
  return text;
}

/// One connection for all that goes to a host, unless the user's own configuration says how.
std::vector<std::string> sharing_options(const RemoteAddress& address) {
  ChildProcess asked(ssh_words({"-G", address.host}));
  asked.close_input();
  const std::string configured = read_all(asked.output(), milliseconds(3000));
  const bool is_known = configured.find("controlmaster") != std::string::npos;
  const bool has_path = configured.find("\ncontrolpath ") != std::string::npos &&
                        configured.find("\ncontrolpath none") == std::string::npos;
  if (!is_known || has_path) return {};
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const std::string folder = runtime != nullptr && *runtime != '\0'
                                 ? std::string(runtime)
                                 : fmt::format("/tmp/paradigm-ssh-{}", getuid());
  std::error_code error;
  if (fs::create_directories(folder, error)) {
    fs::permissions(folder, fs::perms::owner_all, error);
  }
  if (error) return {};
  return {"-o", "ControlMaster=auto", "-o", "ControlPath=" + folder + "/paradigm-%C",
          "-o", "ControlPersist=60"};
}

std::string last_line(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.pop_back();
  }
  const auto begin = text.rfind('\n');
  return begin == std::string::npos ? text : text.substr(begin + 1);
}

}  // namespace

fs::path remote_cache() {
  if (const char* chosen = std::getenv("PARADIGM_REMOTE_CACHE"); chosen && *chosen) return chosen;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache) {
    return fs::path(cache) / "paradigm-workbench" / "remote";
  }
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : "/tmp") / ".cache" / "paradigm-workbench" / "remote";
}

fs::path remote_copies(const RemoteAddress& address, const fs::path& cache) {
  std::string readable = address.host + address.path;
  std::replace_if(
      readable.begin(), readable.end(),
      [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-'; }, '_');
  return cache /
         fmt::format("{}-{}", readable.substr(0, 60), sha256_hex(address.text()).substr(0, 12));
}

struct RemoteMirror::Impl {
  RemoteAddress address;
  fs::path folder;
  RemoteCopies copies;
  FileDescriptor lock;
  mutable std::mutex mutex;
  mutable std::condition_variable_any changed;
  State state;
  bool has_failed = false;
  std::jthread thread;

  Impl(RemoteAddress where, const fs::path& cache)
      : address(std::move(where)),
        folder(remote_copies(address, cache)),
        copies(folder, address.text(), fs::path(address.path).filename().string()) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
      fail("cannot-write", {.file = folder.string()},
           "the folder for copies of remote runs cannot be made: " + error.message(),
           "Set PARADIGM_REMOTE_CACHE to another folder");
    }
  }

  template <typename Change>
  void set(Change change) {
    const std::lock_guard guard(mutex);
    change(state);
    changed.notify_all();
  }

  bool pause(const std::stop_token& stop, milliseconds time) {
    std::unique_lock guard(mutex);
    changed.wait_for(guard, stop, time, [] { return false; });
    return !stop.stop_requested();
  }

  /// Whether this mirror is the one that keeps the folder.
  bool take_folder() {
    if (lock) return true;
    if (!take_copies(folder, lock)) return false;
    heard_at = copies.last_heard();
    tell_link({});
    return true;
  }

  /// Another mirror keeps the folder: as synced as that one is heard.
  void follow_other() {
    const auto age = [this] {
      std::error_code error;
      const auto time = fs::last_write_time(folder / "link.json", error);
      return error ? std::chrono::hours(1) : fs::file_time_type::clock::now() - time;
    }();
    const bool fresh = age < 3 * kLinkEvery;
    set([fresh](State& now) {
      now.is_connected = fresh;
      now.is_synced = fresh;
      now.trouble = fresh ? "" : "another program keeps the copies and hears nothing";
    });
  }

  void work(const std::stop_token& stop) {
    // Writing to a program that is gone is an error here, not the end of this one.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    milliseconds wait = kFirstPause;
    while (!stop.stop_requested()) {
      if (!take_folder()) {
        follow_other();
        if (!pause(stop, milliseconds(500))) return;
        continue;
      }
      std::string trouble;
      try {
        trouble = converse(stop);
      } catch (const Error& error) {
        trouble = error.problems().front().message;
      } catch (const std::exception& error) {
        trouble = error.what();
      }
      if (stop.stop_requested()) return;
      tell_link({.trouble = trouble});
      set([&](State& now) {
        has_failed = true;
        if (now.is_synced) wait = kFirstPause;  // it was a good connection
        now.is_connected = false;
        now.is_synced = false;
        now.trouble = trouble;
      });
      if (!pause(stop, wait)) return;
      wait = std::min(wait * 2, kLongestPause);
    }
  }

  /// Who was heard and when is added.
  void tell_link(RemoteLink link) {
    link.host = address.host;
    link.heard = heard_at;
    try {
      copies.write_link(link);
    } catch (const Error&) {
      // A full disk: the copies say so themselves.
    }
  }

  std::vector<std::string> command() const {
    std::vector<std::string> arguments{"-T",
                                       "-o",
                                       "ServerAliveInterval=5",
                                       "-o",
                                       "ServerAliveCountMax=3",
                                       "-o",
                                       "ConnectTimeout=15"};
    const auto sharing = sharing_options(address);
    arguments.insert(arguments.end(), sharing.begin(), sharing.end());
    if (address.port > 0) {
      arguments.insert(arguments.end(), {"-p", std::to_string(address.port)});
    }
    // Any login shell understands this; the script itself comes through the input, where no shell
    // can spoil its quotes.
    arguments.insert(arguments.end(),
                     {"--", address.host,
                      fmt::format("exec sh -c 'eval \"$(dd bs=1 count={} 2>/dev/null)\"'",
                                  std::strlen(kWatchScript))});
    return ssh_words(arguments);
  }

  /// One connection, to its end. Returns why it ended.
  std::string converse(const std::stop_token& stop) {
    ChildProcess child(command());
    std::string to_send = kWatchScript;
    to_send += address.path + "\n" + copies.offsets() + "GO\n";
    RemoteStream stream;
    std::string errors;
    std::string refusal;
    auto heard = Clock::now();
    bool has_heard = false;
    Clock::time_point told{};
    bool is_current = false;  // all that is there has come
    bool told_current = false;
    const auto take = [&](RemoteFrame&& frame) {
      if (frame.kind == RemoteFrame::Kind::failed) refusal = frame.name;
      copies.apply(frame);
      if (frame.kind == RemoteFrame::Kind::synced) is_current = true;
    };
    std::vector<char> buffer(1 << 18);
    while (!stop.stop_requested()) {
      to_send += copies.take_requests();
      std::array<pollfd, 3> ends{{{child.output().get(), POLLIN, 0},
                                  {child.errors().get(), POLLIN, 0},
                                  {to_send.empty() ? -1 : child.input().get(), POLLOUT, 0}}};
      poll(ends.data(), ends.size(), static_cast<int>(kTurn.count()));
      if ((ends[2].revents & (POLLOUT | POLLERR)) != 0) {
        const auto count = write(child.input().get(), to_send.data(), to_send.size());
        if (count > 0) to_send.erase(0, static_cast<std::size_t>(count));
        if (count < 0 && errno == EPIPE) to_send.clear();
      }
      if ((ends[1].revents & POLLIN) != 0) {
        const auto count = read(child.errors().get(), buffer.data(), buffer.size());
        if (count > 0) errors.append(buffer.data(), static_cast<std::size_t>(count));
        if (errors.size() > 8192) errors.erase(0, errors.size() - 8192);
      }
      const auto count = read(child.output().get(), buffer.data(), buffer.size());
      if (count > 0) {
        heard = Clock::now();
        has_heard = true;
        heard_at = unix_time();
        set([count](State& now) {
          now.is_connected = true;
          now.trouble.clear();
          now.received += static_cast<std::uint64_t>(count);
        });
        stream.feed({buffer.data(), static_cast<std::size_t>(count)}, take);
        if (heard - told > kLinkEvery || is_current != told_current) {
          told = heard;
          tell_link({.is_connected = true, .is_current = is_current});
          // Said last: whoever waits for it finds a copy that is known to be current.
          if (std::exchange(told_current, is_current) != is_current) {
            set([](State& now) { now.is_synced = true; });
          }
        }
      } else if (count == 0) {
        errors += read_all(child.errors(), milliseconds(200));
        child.end();
        if (!refusal.empty()) return refusal;
        const std::string said = last_line(errors);
        return said.empty() ? "the connection was closed" : said;
      }
      const auto patience = has_heard ? kDeaf : kFirstWord;
      if (Clock::now() - heard > patience) {
        return fmt::format("{} has said nothing for {} s", address.host, patience.count());
      }
    }
    return {};
  }

  double heard_at = 0;  ///< by this mirror or one before it
};

RemoteMirror::RemoteMirror(RemoteAddress address, const fs::path& cache)
    : impl_(std::make_unique<Impl>(std::move(address), cache)) {
  impl_->thread =
      std::jthread([impl = impl_.get()](const std::stop_token& stop) { impl->work(stop); });
}

RemoteMirror::~RemoteMirror() {
  impl_->thread.request_stop();
  impl_->changed.notify_all();
  impl_->thread.join();
}

const fs::path& RemoteMirror::folder() const { return impl_->folder; }
const RemoteAddress& RemoteMirror::address() const { return impl_->address; }

RemoteMirror::State RemoteMirror::state() const {
  const std::lock_guard guard(impl_->mutex);
  return impl_->state;
}

void RemoteMirror::wait_until_synced(milliseconds limit) const {
  std::unique_lock guard(impl_->mutex);
  impl_->changed.wait_for(guard, limit,
                          [this] { return impl_->state.is_synced || impl_->has_failed; });
  if (impl_->state.is_synced) return;
  fail("no-connection", {.file = impl_->address.text()},
       impl_->state.trouble.empty() ? "the other machine did not answer in time"
                                    : impl_->state.trouble,
       "Try it by hand: ssh " + impl_->address.host);
}

}  // namespace engine
