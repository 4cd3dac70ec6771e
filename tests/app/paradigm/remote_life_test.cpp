// SPDX-License-Identifier: GPL-3.0-or-later
// A true training that is steered by its ssh:// address alone: paused, saved, resumed, killed over
// there, gone on with by the command that is told, and stopped. A shell stands in ssh's place.
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_liveness.h"
#include "engine/runs/run_record.h"
#include "tests/support/program_run.h"
#include "tests/support/run_truth.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using engine::RunState;
using nlohmann::json;
using tests::ProgramRun;

class RemoteLife : public testing::Test {
 protected:
  RemoteLife() {
    const fs::path ssh =
        folder_.write("ssh.sh",
                      "#!/bin/sh\n"
                      "while [ $# -gt 0 ]; do case $1 in -G) exit 0;; --) shift; break;; *) "
                      "shift;; esac; done\nshift\nexec sh -c \"$*\"\n");
    fs::permissions(ssh, fs::perms::owner_all);
    environment_ = {"PARADIGM_SSH=" + ssh.string(), "OMP_NUM_THREADS=1",
                    "PARADIGM_REMOTE_CACHE=" + (folder_ / "copies").string(),
                    "XDG_CACHE_HOME=" + (folder_ / "cache").string()};
    tests::write_tiny_llama(folder_ / "there/tiny", {.layers = 1});
    folder_.write("there/text.txt", tests::tiny_text(1200));
  }
  ~RemoteLife() override {
    for (const pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  }

  fs::path run() const { return folder_ / "there/runs/long"; }
  std::string address() const { return "ssh://lab1" + run().string(); }

  /// `command`, a shell's, over there.
  void start(const std::string& command, const fs::path& folder) {
    const pid_t child = fork();
    if (child == 0) {
      for (const std::string& each : environment_) putenv(strdup(each.c_str()));
      const int nothing = open("/dev/null", O_RDWR);
      for (const int stream : {0, 1, 2}) dup2(nothing, stream);
      setenv("PATH", (std::string(PARADIGM_BIN_DIR) + ":" + std::getenv("PATH")).c_str(), 1);
      if (chdir(folder.c_str()) != 0) _exit(126);
      execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
      _exit(127);
    }
    children_.push_back(child);
  }

  ProgramRun runs(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "runs");
    return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", folder_ / "here",
                              environment_);
  }

  template <class Condition>
  static bool patient(const Condition& condition) {
    for (int tick = 0; tick < 6000 && !condition(); ++tick) usleep(10000);
    return condition();
  }
  RunState state() const { return engine::observe_state(run()).state; }

  tests::ScratchFolder folder_;
  std::vector<std::string> environment_;
  std::vector<pid_t> children_;
};

TEST_F(RemoteLife, ARunThereIsSteeredByItsAddressAndGoneOnWithByTheCommandThatIsTold) {
  fs::create_directories(folder_ / "here");
  start(
      "paradigm train --model_name_or_path tiny --train_file text.txt --output_dir runs/long "
      "--block_size 16 --per_device_train_batch_size 1 --max_steps 2000000 --logging_steps 1 "
      "--save_strategy no --device cpu",
      folder_ / "there");
  ASSERT_TRUE(patient([&] { return state() == RunState::running; }));

  const ProgramRun paused = runs({"pause", address()});
  ASSERT_EQ(paused.exit_code, 0) << paused.err;
  EXPECT_EQ(state(), RunState::paused);
  const auto step = engine::read_status(run())->step;
  ASSERT_EQ(runs({"checkpoint", address()}).exit_code, 0);
  EXPECT_TRUE(fs::exists(run() / ("checkpoint-" + std::to_string(step)))) << step;
  const ProgramRun resumed = runs({"resume", address()});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  ASSERT_TRUE(patient([&] { return engine::read_status(run())->step > step; }));

  // Killed there: `paradigm train` watches the process that trains, so the signal is known.
  kill(static_cast<pid_t>(engine::read_status(run())->pid), SIGKILL);
  ASSERT_TRUE(patient([&] { return state() == RunState::interrupted; }));
  waitpid(children_.back(), nullptr, 0);
  children_.clear();
  const ProgramRun shown = runs({"show", address(), "--json"});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_EQ(json::parse(shown.out).at("state"), "interrupted");
  EXPECT_NE(shown.out.find("killed by signal 9"), std::string::npos) << shown.out;
  const auto reached = engine::read_record(run()).steps.size();

  const ProgramRun late = runs({"pause", address()});
  EXPECT_EQ(late.exit_code, 2);
  const std::string words = "on lab1: ";
  const auto at = late.err.find(words);
  ASSERT_NE(at, std::string::npos) << late.err;
  const auto begin = at + words.size();
  const std::string command = late.err.substr(begin, late.err.find(" [", begin) - begin);
  start(command, "/");  // a login shell starts somewhere else than the run did
  ASSERT_TRUE(patient([&] {
    const auto record = engine::read_record(run());
    return record.observed.state == RunState::running && record.steps.size() > reached;
  })) << command;

  const ProgramRun stopped = runs({"stop", address()});
  EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
  EXPECT_EQ(state(), RunState::stopped);
  const auto record = engine::read_record(run());
  tests::expect_gapless(record);
  EXPECT_EQ(record.checkpoints.back().step, record.steps.back().step) << "it saved its last step";
}

}  // namespace
