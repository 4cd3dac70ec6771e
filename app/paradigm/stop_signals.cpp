// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/stop_signals.h"

#include "app/paradigm/watched_child.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <iterator>

namespace paradigm {
namespace {

std::atomic<engine::RunControl*> watched{nullptr};
std::atomic<int> first_signal{0};
/// Signals that came to this process, and those that the process that watches it passed on: a batch
/// system sends each one to both.
std::atomic<int> direct_count{0};
std::atomic<int> passed_on_count{0};
static_assert(std::atomic<int>::is_always_lock_free);

constexpr int kStopSignals[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
struct sigaction old_actions[std::size(kStopSignals)] = {};

void on_signal(int signal, siginfo_t* info, void*) {
  const int saved_errno = errno;
  const bool is_second_hand = info->si_code <= 0 && is_passed_on(info->si_pid);
  const bool is_counted = signal != SIGHUP;
  if (is_counted && ++(is_second_hand ? passed_on_count : direct_count) > 1) _exit(128 + signal);
  int none = 0;
  if (first_signal.compare_exchange_strong(none, signal)) {
    if (engine::RunControl* control = watched.load()) control->request(engine::RunRequest::stop);
    constexpr char kText[] =
        "\nstopping: finishing the step and saving; once more to quit at once\n";
    [[maybe_unused]] const auto ignored = write(STDERR_FILENO, kText, sizeof(kText) - 1);
  }
  errno = saved_errno;
}

}  // namespace

StopSignals::StopSignals(engine::RunControl& control) {
  first_signal = 0;
  direct_count = 0;
  passed_on_count = 0;
  watched = &control;
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < std::size(kStopSignals); ++i) {
    sigaction(kStopSignals[i], &action, &old_actions[i]);
    if (kStopSignals[i] == SIGHUP && old_actions[i].sa_handler == SIG_IGN)
      sigaction(SIGHUP, &old_actions[i], nullptr);
  }
}

StopSignals::~StopSignals() {
  for (std::size_t i = 0; i < std::size(kStopSignals); ++i) {
    sigaction(kStopSignals[i], &old_actions[i], nullptr);
  }
  watched = nullptr;
}

int StopSignals::received() { return first_signal; }

}  // namespace paradigm
