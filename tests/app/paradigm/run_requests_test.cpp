// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm runs pause|resume|checkpoint|stop|extend` on a run of the fake engine, which lives in
// this process: to the program it is somebody else's.
#include "engine/runs/run_catalog.h"
#include "tests/support/fake_engine.h"
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

namespace {

using nlohmann::json;
using tests::ProgramRun;

class RunRequests : public testing::Test {
 protected:
  RunRequests() {
    config_.output_dir = (folder_ / "runs/live").string();
    config_.max_steps = 1000000;
    config_.logging_steps = 1;
    config_.save_strategy = "no";
    tests::FakeRun run;
    run.step_time = std::chrono::milliseconds(2);
    thread_ = std::jthread([this, run] {
      engine::RunControl control;
      tests::FakeEngine(run).train(config_, control);
    });
    for (int tick = 0; tick < 2000 && state() != engine::RunState::running; ++tick) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  ~RunRequests() override { runs({"stop", "live", "--now"}); }

  engine::RunState state() const { return engine::observe_state(config_.output_dir).state; }

  ProgramRun runs(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "runs");
    return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", folder_.path());
  }

  tests::ScratchFolder folder_;
  engine::RunConfig config_;
  std::jthread thread_;
};

TEST_F(RunRequests, AreConfirmedByTheRun) {
  const ProgramRun paused = runs({"pause", "live"});
  EXPECT_EQ(paused.exit_code, 0) << paused.err;
  EXPECT_EQ(paused.out.rfind("paused at step ", 0), 0u) << paused.out;
  EXPECT_EQ(state(), engine::RunState::paused);

  const ProgramRun resumed = runs({"resume", "live", "--json"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(json::parse(resumed.out).at("outcome"), "done");
  EXPECT_EQ(json::parse(resumed.out).at("state"), "running");

  EXPECT_EQ(runs({"checkpoint", "live"}).exit_code, 0);
  EXPECT_NE(runs({"show", "live"}).out.find("checkpoint-"), std::string::npos);

  EXPECT_EQ(runs({"extend", "live", "--max_steps", "2000000"}).exit_code, 0);
  EXPECT_EQ(json::parse(runs({"show", "live", "--json"}).out).at("max_steps"), 2000000);
  const ProgramRun refused = runs({"extend", "live", "--max_steps", "5", "--json"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(json::parse(refused.out).at("problems").at(0).at("id"), "request-refused");

  const ProgramRun stopped = runs({"stop", "live"});
  EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
  EXPECT_EQ(stopped.out.rfind("stopped at step ", 0), 0u) << stopped.out;
  EXPECT_EQ(state(), engine::RunState::stopped);
}

TEST_F(RunRequests, OfARunThatHasEndedAreRefusedWithTheWayToGoOn) {
  EXPECT_EQ(runs({"stop", "live"}).exit_code, 0);
  const ProgramRun late = runs({"pause", "live"});
  EXPECT_EQ(late.exit_code, 2);
  EXPECT_NE(late.err.find("the run is stopped"), std::string::npos) << late.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/live/control.tmp"));
}

TEST_F(RunRequests, BadInputIsRefused) {
  EXPECT_EQ(runs({"pause", "nowhere"}).exit_code, 2);
  EXPECT_EQ(runs({"extend", "live"}).exit_code, 2);
  EXPECT_EQ(runs({"extend", "live", "--max_steps", "10", "--schedule", "bend"}).exit_code, 2);
  for (const char* seconds : {"-1", "nan", "1e300"}) {
    const ProgramRun refused = runs({"pause", "live", "--timeout", seconds});
    EXPECT_EQ(refused.exit_code, 2) << seconds;
    EXPECT_NE(refused.err.find("--timeout"), std::string::npos) << refused.err;
  }
  for (const char* steps : {"0", "-3", "nan", "many", "99999999999999999999"}) {
    const ProgramRun refused = runs({"extend", "live", "--max_steps", steps});
    EXPECT_EQ(refused.exit_code, 2) << steps;
    EXPECT_NE(refused.err.find("--max_steps"), std::string::npos) << refused.err;
    EXPECT_LT(refused.err.size(), 200u) << refused.err;
  }
  EXPECT_EQ(state(), engine::RunState::running);
}

TEST(RunRequestsOfAFinishedRun, GiveTheCommandThatTrainsItFurther) {
  const tests::ScratchFolder folder;
  engine::RunConfig config;
  config.output_dir = (folder / "run").string();
  config.max_steps = 12;
  engine::RunControl control;
  tests::FakeEngine(tests::FakeRun{}).train(config, control);
  const auto extend = [&](const std::vector<std::string>& how) {
    std::vector<std::string> words = {"runs", "extend", config.output_dir};
    words.insert(words.end(), how.begin(), how.end());
    const ProgramRun run = tests::run_program(PARADIGM_BIN_DIR "/paradigm", words);
    EXPECT_EQ(run.exit_code, 2);
    return run.err;
  };
  const auto says = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  const std::string train_further = "Train further with: paradigm train --config " +
                                    config.output_dir +
                                    "/run.yaml --resume_from_checkpoint true --max_steps 30";
  says(extend({"--max_steps", "30"}), train_further + " [");
  says(extend({"--max_steps", "30", "--schedule", "continue"}),
       train_further + " --lr_schedule_steps 12");
  says(extend({"--max_steps", "12"}), "Give more than the 12 steps that it has");
  std::filesystem::remove_all(folder / "run/checkpoint-12");
  says(extend({"--max_steps", "30"}), "It cannot be trained further: no checkpoint was saved");
}

TEST(RunRequestsOfAHungRun, AreNotSaidToBeObeyed) {
  const tests::ScratchFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    engine::RunConfig config;
    config.output_dir = (folder / "run").string();
    config.max_steps = 100;
    tests::FakeRun run;
    run.hang_at = 3;
    engine::RunControl control;
    tests::FakeEngine(run).train(config, control);
    _exit(0);
  }
  for (int tick = 0; tick < 2000; ++tick) {
    const auto said = engine::summarize_run(folder / "run").messages;
    if (!said.empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const ProgramRun run = tests::run_program(
      PARADIGM_BIN_DIR "/paradigm",
      {"runs", "pause", (folder / "run").string(), "--timeout", "0.3", "--json"});
  EXPECT_EQ(run.exit_code, 1);
  const json answer = json::parse(run.out);
  EXPECT_EQ(answer.at("outcome"), "unanswered");
  EXPECT_EQ(answer.at("problems").at(0).at("id"), "not-answered");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

}  // namespace
