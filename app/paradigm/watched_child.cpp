// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/watched_child.h"

#include "engine/runs/process_end.h"
#include "engine/runs/process_identity.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <iterator>

namespace paradigm {
namespace {

constexpr int kPassedOn[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

std::atomic<pid_t> child{0};
std::atomic<int> last_signal{0};
pid_t parent_of_work = 0;

/// What the terminal sends, it sends to both; what somebody sends to the parent is for the child.
void pass_on(int signal, siginfo_t* info, void*) {
  const int saved_errno = errno;
  const pid_t to = child;
  last_signal = signal;
  if (to > 0 && info->si_code <= 0 && info->si_pid != to) kill(to, signal);
  errno = saved_errno;
}

void die_of(int signal) {
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};  // the child has left its own
  setrlimit(RLIMIT_CORE, &no_core);
  ::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  raise(signal);
}

}  // namespace

ChildEnd watch_child(const std::filesystem::path& run_dir, const std::function<int()>& work) {
  std::cout.flush();
  std::fflush(nullptr);
  const pid_t parent = getpid();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  last_signal = 0;
  const pid_t made = fork();
  if (made <= 0) {
    if (made == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(128 + SIGKILL);
      parent_of_work = parent;
    }
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return {.is_child = true, .exit_code = work()};
  }
  child = made;
  const auto start_time = engine::process_start_time(made).value_or(0);
  struct sigaction action = {};
  action.sa_sigaction = pass_on;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset(&action.sa_mask);
  struct sigaction old_actions[std::size(kPassedOn)];
  for (std::size_t i = 0; i < std::size(kPassedOn); ++i) {
    sigaction(kPassedOn[i], &action, &old_actions[i]);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);

  // Not reaped yet, the pid is not given to anybody else while it is written down.
  siginfo_t ended = {};
  while (waitid(P_PID, static_cast<id_t>(made), &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  const bool was_killed = ended.si_code != CLD_EXITED;
  const ChildEnd end{.signal = was_killed ? ended.si_status : 0,
                     .exit_code = was_killed ? 0 : ended.si_status,
                     .passed_on = last_signal};
  engine::record_process_end(run_dir, {.pid = made,
                                       .process_start_time = start_time,
                                       .signal = end.signal,
                                       .exit_code = end.exit_code,
                                       .time = engine::unix_time()});
  child = 0;
  while (waitpid(made, nullptr, 0) < 0 && errno == EINTR) {
  }
  for (std::size_t i = 0; i < std::size(kPassedOn); ++i) {
    sigaction(kPassedOn[i], &old_actions[i], nullptr);
  }
  return end;
}

int in_watched_child(const std::filesystem::path& run_dir, const std::function<int()>& work) {
  const ChildEnd end = watch_child(run_dir, work);
  if (end.signal != 0) die_of(end.signal);
  return end.signal != 0 ? 128 + end.signal : end.exit_code;
}

bool is_passed_on(int sender) { return parent_of_work != 0 && sender == parent_of_work; }

}  // namespace paradigm
