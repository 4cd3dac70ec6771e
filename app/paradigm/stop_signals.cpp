// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/stop_signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace paradigm {
namespace {

std::atomic<engine::RunControl*> watched{nullptr};
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

struct sigaction old_interrupt = {};
struct sigaction old_terminate = {};

void on_signal(int signal) {
  const int saved_errno = errno;
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, signal)) _exit(128 + signal);
  if (engine::RunControl* control = watched.load()) control->request(engine::RunRequest::stop);
  constexpr char kText[] = "\nstopping: finishing the step and saving; once more to quit at once\n";
  [[maybe_unused]] const auto ignored = write(STDERR_FILENO, kText, sizeof(kText) - 1);
  errno = saved_errno;
}

}  // namespace

StopSignals::StopSignals(engine::RunControl& control) {
  first_signal = 0;
  watched = &control;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_interrupt);
  sigaction(SIGTERM, &action, &old_terminate);
}

StopSignals::~StopSignals() {
  sigaction(SIGINT, &old_interrupt, nullptr);
  sigaction(SIGTERM, &old_terminate, nullptr);
  watched = nullptr;
}

int StopSignals::received() { return first_signal; }

}  // namespace paradigm
