// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/run_requests.h"

#include "app/paradigm/command.h"
#include "app/paradigm/number_check.h"
#include "app/paradigm/output.h"
#include "app/paradigm/run_report.h"
#include "engine/config/run_values.h"
#include "engine/error.h"
#include "engine/runs/run_control.h"
#include "engine/runs/run_extension.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_reader.h"
#include "engine/runs/run_resume.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace paradigm {
namespace {

namespace fs = std::filesystem;
using engine::RunRequest;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string run;
  RunRequest request = RunRequest::none;
  bool at_once = false;
  engine::RunExtension extension;
  std::string schedule = "stretch";
  double timeout = 60;
  bool json = false;
};

constexpr auto kLastWords = std::chrono::seconds(3);
constexpr auto kPollInterval = std::chrono::milliseconds(20);

/// What a run said to a request.
struct Answer {
  std::string outcome = "unanswered";
  std::string text;
  std::int64_t step = 0;
  engine::ObservedState observed;
};

/// Reads the folder until the request `id` is answered; a stop, until the run has ended too.
class AnswerWait {
 public:
  AnswerWait(engine::RunReader& reader, std::string id, RunRequest request)
      : reader_(reader), id_(std::move(id)), request_(request) {}

  Answer wait(double seconds) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::optional<Clock::time_point> ended_at;
    do {
      const bool was_answered = is_answered();
      const engine::RunUpdate update = reader_.poll();
      for (const engine::RunEvent& event : update.events) hear(event);
      answer_.observed = {update.state, update.detail};
      if (update.more) continue;
      // The state of a poll may be older than its events: once answered, look again.
      if (was_answered && (has_ended(update.state) || !stops())) return answer_;
      // Of a copy the status may have come before the events that hold the answer.
      if (has_ended(update.state) && !ended_at) ended_at = Clock::now();
      if (ended_at && Clock::now() - *ended_at > kLastWords) return answer_;
      if (!is_answered() || stops()) std::this_thread::sleep_for(kPollInterval);
    } while (Clock::now() < end);
    return answer_;
  }

 private:
  bool is_answered() const { return answer_.outcome != "unanswered"; }
  bool stops() const { return request_ == RunRequest::stop || request_ == RunRequest::stop_now; }

  void hear(const engine::RunEvent& event) {
    const auto* answered = std::get_if<engine::ControlAnswered>(&event.body);
    if (answered == nullptr || answered->id != id_) return;
    answer_.outcome = answered->outcome;
    answer_.text = answered->text;
    answer_.step = answered->step;
  }

  engine::RunReader& reader_;
  std::string id_;
  RunRequest request_;
  Answer answer_;
};

/// The command that gives a finished run more steps; or why there is none.
std::string further_remedy(const fs::path& run, const engine::RunSummary& summary,
                           const engine::RunExtension& extension) {
  const engine::ResumeOffer offer = engine::further_offer(run, summary);
  if (!offer.possible) return "It cannot be trained further: " + offer.restores;
  std::vector<engine::Problem> problems;
  const auto given = engine::read_run_values(engine::RunFolder{run}.run_yaml(), problems);
  if (engine::has_errors(problems)) throw engine::Error(problems);
  const auto reached = summary.status ? summary.status->max_steps : offer.step;
  if (extension.max_steps <= reached) {
    return fmt::format("Give more than the {} steps that it has", reached);
  }
  const auto further = engine::further_settings(given, reached, extension);
  std::string command = engine::resume_command(run);
  for (const char* name :
       {"resume_from_checkpoint", "max_steps", "warmup_steps", "lr_schedule_steps"}) {
    const auto value = further.get(name);
    if (value != given.get(name))
      command += fmt::format(" --{} {}", name, engine::to_string(value));
  }
  return "Train further with: " + command;
}

[[noreturn]] void refuse_ended_run(const Options& options, const fs::path& run,
                                   const engine::ObservedState& observed) {
  const std::string detail = observed.detail.empty() ? "" : " (" + observed.detail + ")";
  const engine::RunSummary summary = engine::summarize_run(run);
  std::string remedy;
  if (options.request == RunRequest::extend && observed.state == engine::RunState::finished) {
    remedy = further_remedy(run, summary, options.extension);
  } else {
    const engine::ResumeOffer offer = engine::resume_offer(run, summary);
    remedy = offer.possible ? "Go on with: " + offer.command : offer.restores;
  }
  engine::fail("run-not-live", {.file = run.string()},
               fmt::format("the run is {}{}: there is nobody to ask",
                           engine::to_string(observed.state), detail),
               remedy);
}

engine::Problem problem_of(const Options& options, const fs::path& run, const Answer& answer) {
  engine::Problem problem;
  problem.place.file = run.string();
  problem.value = engine::to_string(options.request);
  if (answer.outcome == "refused") {
    problem.id = "request-refused";
    problem.message = "the run refused: " + answer.text;
  } else if (has_ended(answer.observed.state)) {
    problem.id = "run-ended";
    problem.message = fmt::format("the run ended before it answered: {} {}",
                                  engine::to_string(answer.observed.state), answer.observed.detail);
  } else {
    problem.id = "not-answered";
    problem.message = fmt::format("no answer within {} s; the run's state is {}", options.timeout,
                                  engine::to_string(answer.observed.state));
    problem.remedy =
        "The request stays in the file control and is obeyed after the step in progress; wait "
        "longer with --timeout";
  }
  return problem;
}

int carry_out(Options options) {
  if (options.at_once) options.request = RunRequest::stop_now;
  const fs::path run = find_run(options.run);
  engine::RunReader reader(run);
  engine::RunUpdate update;
  do {
    update = reader.poll();
  } while (update.more);
  options.extension.schedule = *engine::schedule_change_from(options.schedule);
  if (has_ended(update.state)) refuse_ended_run(options, run, {update.state, update.detail});

  const std::string id = options.request == RunRequest::extend
                             ? engine::write_control_request(run, options.extension)
                             : engine::write_control_request(run, options.request);
  const Answer answer = AnswerWait(reader, id, options.request).wait(options.timeout);
  const bool is_stop =
      options.request == RunRequest::stop || options.request == RunRequest::stop_now;
  const bool is_done = answer.outcome == "done" && (!is_stop || has_ended(answer.observed.state));
  std::vector<engine::Problem> problems;
  if (!is_done) problems.push_back(problem_of(options, run, answer));
  print_problems(problems);
  if (options.json) {
    print_json({{"run", run.string()},
                {"request", engine::to_string(options.request)},
                {"outcome", is_done ? "done" : answer.outcome},
                {"text", answer.text},
                {"step", answer.step},
                {"state", engine::to_string(answer.observed.state)},
                {"problems", problems_json(problems)}});
  } else if (is_done) {
    std::cout << fmt::format("{} at step {}{}\n", engine::to_string(answer.observed.state),
                             answer.step, answer.text.empty() ? "" : ": " + answer.text)
              << std::flush;
  }
  if (answer.outcome == "refused") return kBadInput;
  return is_done ? kDone : kFailed;
}

}  // namespace

std::function<std::optional<int>()> declare_run_requests(CLI::App& runs) {
  auto options = std::make_shared<Options>();
  auto added = std::make_shared<std::vector<std::pair<CLI::App*, RunRequest>>>();
  const auto add = [&](const char* name, const char* help, RunRequest request) {
    CLI::App* sub = runs.add_subcommand(name, help);
    sub->add_option("RUN", options->run, "Run folder, or a name below runs/")->required();
    sub->add_option("--timeout", options->timeout, "Seconds to wait for the run's answer")
        ->check(number_in(0, 1e9))
        ->capture_default_str();
    sub->add_flag("--json", options->json, "Print one JSON object");
    added->emplace_back(sub, request);
    return sub;
  };
  add("pause", "Halt a live run after its step; it keeps its memory", RunRequest::pause);
  add("resume", "Let a paused run go on", RunRequest::resume);
  add("checkpoint", "Save a checkpoint after the step in progress", RunRequest::checkpoint);
  CLI::App* stop =
      add("stop", "End a live run after its step, with a checkpoint", RunRequest::stop);
  stop->add_flag("--now", options->at_once,
                 "At once: the step in progress is lost, the last checkpoint stands");
  CLI::App* extend = add("extend", "Give a live run more steps", RunRequest::extend);
  extend->add_option("--max_steps", options->extension.max_steps, "The new number of all steps")
      ->required()
      ->check(whole_number_from(1));
  extend
      ->add_option("--schedule", options->schedule,
                   "stretch: the learning rate's course is drawn anew over all steps; continue: it "
                   "goes on to its old end, and the steps beyond run at its last rate")
      ->check(CLI::IsMember({"stretch", "continue"}))
      ->capture_default_str();
  return [options, added]() -> std::optional<int> {
    for (const auto& [sub, request] : *added) {
      if (!sub->parsed()) continue;
      options->request = request;
      return carry_out(*options);
    }
    return std::nullopt;
  };
}

}  // namespace paradigm
