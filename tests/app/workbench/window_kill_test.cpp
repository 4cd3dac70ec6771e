// SPDX-License-Identifier: GPL-3.0-or-later
// The program itself, killed at random moments: while it trains on a thread of its own, and while
// it watches a run that it has started in a process of its own. What is left is read as it stands,
// and the run ends in the same bits as one from a terminal that nobody disturbed.
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_liveness.h"
#include "tests/support/program_run.h"
#include "tests/support/run_truth.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using engine::RunState;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t kSteps = 60;
constexpr auto kPatience = std::chrono::seconds(120);

bool is_long() { return std::getenv("PARADIGM_LONG_TESTS") != nullptr; }

template <class Condition>
bool patient(const Condition& condition) {
  const auto give_up = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > give_up) return false;
    usleep(500);
  }
  return true;
}

class WindowKill : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(PARADIGM_BIN_DIR "/libparadigm_engine.so"))
      GTEST_SKIP() << "no engine is built";
    tests::write_tiny_llama(folder_ / "tiny", {.layers = 1});
    folder_.write("text.txt", tests::tiny_text(1200));
    folder_.write("rules.yaml", "layer_name_to_config:\n  default: {q_levels: 64}\n");
  }
  void TearDown() override {
    for (const auto& [pid, start_time] : started_) {
      if (engine::process_start_time(pid) == start_time) kill(static_cast<pid_t>(pid), SIGKILL);
    }
  }

  std::vector<std::pair<std::string, std::string>> settings(const std::string& run) const {
    return {{"model_name_or_path", "tiny"},
            {"train_file", "text.txt"},
            {"transform_config", "rules.yaml"},
            {"output_dir", run},
            {"do_train", "true"},
            {"block_size", "16"},
            {"per_device_train_batch_size", "4"},
            {"gradient_accumulation_steps", "2"},
            {"learning_rate", "0.001"},
            {"max_steps", std::to_string(kSteps)},
            {"logging_steps", "1"},
            {"layer_stats_steps", "5"},
            {"save_steps", "6"},
            {"save_total_limit", "3"},
            {"device", "cpu"}};
  }

  std::vector<std::string> environment() const {
    return {"QT_QPA_PLATFORM=offscreen", "OMP_NUM_THREADS=1",
            "XDG_CONFIG_HOME=" + (folder_ / "config").string(),
            "XDG_CACHE_HOME=" + (folder_ / "cache").string()};
  }

  /// From a terminal, to its end.
  tests::ProgramRun train(const std::string& run, bool overwrites = false) const {
    std::vector<std::string> words{"train"};
    for (const auto& [name, value] : settings(run)) {
      words.insert(words.end(), {"--" + name, value});
    }
    if (overwrites) words.push_back("--overwrite_output_dir");
    return tests::run_program(PARADIGM_BIN_DIR "/paradigm", words, "", folder_.path(),
                              environment());
  }

  /// A window; with `run` it launches that one, else it watches what it knows.
  pid_t open_window(const std::string& run = "", bool overwrites = false) const {
    std::vector<std::string> words{PARADIGM_BIN_DIR "/paradigm-workbench"};
    if (!run.empty()) {
      words.insert(words.end(), {"--launch", "--workspace", "run", "--set"});
      for (const auto& [name, value] : settings(run)) words.push_back(name + "=" + value);
      if (overwrites) words.push_back("overwrite_output_dir=true");
    }
    const pid_t child = fork();
    if (child != 0) return child;
    for (const std::string& each : environment()) putenv(strdup(each.c_str()));
    const int nothing = open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) dup2(nothing, stream);
    if (chdir(folder_.path().c_str()) != 0) _exit(126);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }

  static void kill_window(pid_t window) {
    kill(window, SIGKILL);
    int status = 0;
    waitpid(window, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it had ended by itself with " << WEXITSTATUS(status);
  }

  bool holds_the_lock(const std::string& run) const {
    return engine::RunLock::is_held(folder_ / run);
  }
  RunState state_of(const std::string& run) const {
    return engine::observe_state(folder_ / run).state;
  }
  bool has_checkpoint(const std::string& run) const {
    return engine::newest_checkpoint(folder_ / run, engine::FileCheck::sizes)
        .checkpoint.has_value();
  }

  tests::ScratchFolder folder_;
  std::vector<std::pair<std::int64_t, std::uint64_t>> started_;  ///< processes that windows began
};

TEST_F(WindowKill, ATrainingInItsThreadIsResumedToTheSameBits) {
  ASSERT_EQ(train("through").exit_code, 0);
  // Undisturbed in a window: the same bits, and how long it takes.
  const pid_t calm = open_window("calm");
  ASSERT_TRUE(patient([&] { return holds_the_lock("calm"); }));
  const auto begin = Clock::now();
  ASSERT_TRUE(patient([&] { return state_of("calm") == RunState::finished; }));
  const auto duration = std::chrono::duration_cast<microseconds>(Clock::now() - begin).count();
  kill_window(calm);
  tests::expect_same_end(folder_ / "through", folder_ / "calm", kSteps);
  if (HasFailure()) return;

  const int wanted = is_long() ? 100 : 2;
  constexpr int kKillsOfARun = 2;
  std::mt19937_64 random(21);
  int kills = 0, before_first_step = 0, saving = 0, after_the_end = 0;
  for (int number = 0; kills < wanted; ++number) {
    const std::string run = "run" + std::to_string(number);
    bool overwrites = false;
    for (int i = 0; i < kKillsOfARun && state_of(run) != RunState::finished; ++i) {
      const pid_t window = open_window(run, overwrites);
      ASSERT_TRUE(patient([&] { return holds_the_lock(run); })) << run;
      usleep(useconds_t(random() % std::uint64_t(duration * 5 / 4)));
      kill_window(window);
      ++kills;
      tests::expect_truth(folder_ / run);
      if (HasFailure()) return;
      const auto status = engine::read_status(folder_ / run);
      before_first_step += !status || status->step == 0;
      after_the_end += state_of(run) == RunState::finished;
      for (const auto& entry : fs::directory_iterator(folder_ / run)) {
        saving += entry.path().filename().string().find(".tmp-") != std::string::npos;
      }
      overwrites = !has_checkpoint(run);
    }
    if (state_of(run) != RunState::finished) {
      const auto rest = train(run, overwrites);
      ASSERT_EQ(rest.exit_code, 0) << rest.err;
    }
    tests::expect_same_end(folder_ / "through", folder_ / run, kSteps);
    if (HasFailure()) return;
    fs::remove_all(folder_ / run);
  }
  if (is_long()) {
    std::cout << kills << " kills of a window that trains: " << before_first_step
              << " before the first step, " << saving << " while saving, " << after_the_end
              << " after the end\n";
  }
}

TEST_F(WindowKill, ARunInAProcessOfItsOwnGoesOnUndisturbed) {
  ASSERT_EQ(train("through").exit_code, 0);
  // As the launch form remembers the choice.
  folder_.write("config/paradigm-workbench/workbench.ini", "[launch]\nseparate_process=true\n");
  const int wanted = is_long() ? 100 : 2;
  std::mt19937_64 random(22);
  int kills = 0;
  for (int number = 0; kills < wanted; ++number) {
    const std::string run = "run" + std::to_string(number);
    pid_t window = open_window(run);
    std::pair<std::int64_t, std::uint64_t> writer;
    ASSERT_TRUE(patient([&] {  // the holder writes its name a moment after it has the lock
      writer = engine::RunLock::last_owner(folder_ / run);
      return holds_the_lock(run) && writer.first > 0;
    })) << run;
    started_.push_back(writer);
    EXPECT_NE(writer.first, window);
    for (int i = 0; i < 4; ++i) {
      usleep(useconds_t(random() % 150000));
      kill_window(window);
      ++kills;
      const RunState state = state_of(run);
      EXPECT_TRUE(state == RunState::starting || state == RunState::running ||
                  state == RunState::finished)
          << to_string(state);
      tests::expect_gapless(engine::read_record(folder_ / run));
      if (HasFailure() || state == RunState::finished) break;
      window = open_window();  // finds the run again and watches it
      if (i == 3) kill_window(window);
    }
    ASSERT_TRUE(patient([&] { return state_of(run) == RunState::finished; })) << run;
    EXPECT_EQ(engine::read_status(folder_ / run)->pid, writer.first) << "nobody took it over";
    tests::expect_same_end(folder_ / "through", folder_ / run, kSteps);
    if (HasFailure()) return;
    fs::remove_all(folder_ / run);
  }
  if (is_long()) std::cout << kills << " kills of a window that watches\n";
}

}  // namespace
