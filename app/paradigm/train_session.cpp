// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/train_session.h"

#include "app/paradigm/command.h"
#include "app/paradigm/output.h"
#include "app/paradigm/run_report.h"
#include "app/paradigm/stop_signals.h"
#include "app/paradigm/terminal_progress.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_reader.h"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace paradigm {
namespace {

using engine::TrainOutcome;

constexpr auto kPollInterval = std::chrono::milliseconds(50);

/// Shows what the run writes from now on; earlier parts of a resumed run are passed over.
class FolderTail {
 public:
  FolderTail(const std::string& run_dir, TerminalProgress& progress)
      : reader_(run_dir), progress_(progress) {
    while (reader_.poll().more) {
    }
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        show_news();
        std::this_thread::sleep_for(kPollInterval);
      }
      show_news();
    });
  }

 private:
  void show_news() {
    engine::RunUpdate update;
    do {
      update = reader_.poll();
      progress_.show(update);
    } while (update.more);
  }

  engine::RunReader reader_;
  TerminalProgress& progress_;
  std::jthread thread_;
};

/// Ctrl-C also ends the `tee` that the output goes to: writing to it must not end the run.
class IgnoredPipe {
 public:
  IgnoredPipe() {
    struct sigaction action = {};
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, &before_);
  }
  ~IgnoredPipe() { sigaction(SIGPIPE, &before_, nullptr); }
  IgnoredPipe(const IgnoredPipe&) = delete;
  IgnoredPipe& operator=(const IgnoredPipe&) = delete;

 private:
  struct sigaction before_ = {};
};

/// A full disk or a reader that has gone must not change how a run ends: failures are ignored.
void print_to(std::FILE* stream, const std::string& text) {
  std::fputs(text.c_str(), stream);
  std::fflush(stream);
}

const char* state_of(const TrainOutcome& outcome) {
  if (outcome.failed) return "failed";
  return outcome.stopped ? "stopped" : "finished";
}

int exit_code_of(const TrainOutcome& outcome) {
  if (outcome.failed) return kFailed;
  return outcome.stopped ? kStopped : kDone;
}

engine::Problem failure_problem(const TrainOutcome& outcome) {
  engine::Problem problem;
  problem.id = "run-failed";
  problem.place.file = outcome.run_dir;
  problem.message = fmt::format("the run failed after step {}: {}", outcome.step, outcome.message);
  problem.remedy = outcome.last_checkpoint.empty()
                       ? "No checkpoint was saved before"
                       : "The last good checkpoint is " + outcome.last_checkpoint;
  return problem;
}

Json outcome_json(const TrainOutcome& outcome, const std::string& run_dir,
                  const std::vector<engine::Problem>& problems) {
  const engine::RunSummary summary = engine::summarize_run(run_dir);
  Json json;
  json["state"] = state_of(outcome);
  json["run"] = run_dir;
  json["step"] = outcome.step;
  json["max_steps"] = summary.started ? Json(summary.started->max_steps) : Json();
  json["last_metrics"] = summary.last_step ? json_of(*summary.last_step) : Json();
  json["last_eval"] = summary.last_eval ? json_of(*summary.last_eval) : Json();
  json["last_checkpoint"] =
      outcome.last_checkpoint.empty() ? Json() : Json(outcome.last_checkpoint);
  json["message"] = outcome.message;
  json["problems"] = problems_json(problems);
  return json;
}

}  // namespace

int train_in_terminal(const engine::RunConfig& config, const engine::EngineApi& engine,
                      bool as_json) {
  const IgnoredPipe ignored_pipe;
  std::FILE* const text = as_json ? stderr : stdout;
  const std::string& run_dir = config.output_dir;
  print_to(text, fmt::format("run folder: {}\n", run_dir));

  TrainOutcome outcome;
  {
    engine::RunControl control;
    const StopSignals signals(control);
    TerminalProgress progress(text);
    const FolderTail tail(run_dir, progress);
    try {
      outcome =
          engine.train(config, control, [&](const std::string& stage, double done, double total) {
            progress.show_stage(stage, done, total);
            return StopSignals::received() == 0;
          });
    } catch (const engine::Error&) {
      progress.clear_bar();
      const int signal = StopSignals::received();
      if (signal == 0) throw;
      print_to(stderr, "stopped before the first step; nothing was saved\n");
      return 128 + signal;
    }
  }

  std::vector<engine::Problem> problems;
  if (outcome.failed) problems.push_back(failure_problem(outcome));
  print_problems(problems);
  if (outcome.stopped && !outcome.message.empty()) print_to(text, outcome.message + "\n");
  if (outcome.stopped) {
    print_to(text, fmt::format("stopped at step {}; go on with: paradigm train --config {}\n",
                               outcome.step, engine::shell_quoted(run_dir + "/run.yaml")));
  }
  print_to(text, fmt::format("run folder: {}\n", run_dir));
  if (as_json) print_json(outcome_json(outcome, run_dir, problems));
  return exit_code_of(outcome);
}

std::vector<engine::Problem> launcher_problems() {
  const char* text = std::getenv("WORLD_SIZE");
  if (text == nullptr || std::strtol(text, nullptr, 10) <= 1) return {};
  engine::Problem problem;
  problem.id = "not-supported";
  problem.place.file = "WORLD_SIZE";
  problem.value = text;
  problem.message =
      fmt::format("WORLD_SIZE is {}, but a run of several processes is not supported yet", text);
  problem.remedy = "Start one process, without torchrun, or unset WORLD_SIZE";
  return {problem};
}

}  // namespace paradigm
