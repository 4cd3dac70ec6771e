// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm study` with its engine, on a model of a few thousand weights.
#include "engine/runs/run_folder.h"
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tests::ProgramRun;

class StudyCommand : public testing::Test {
 protected:
  StudyCommand() {
    tests::write_tiny_llama(scratch_ / "model");
    scratch_.write("text.txt", tests::tiny_text(4000));
    write_transform(256);
    scratch_.write(
        "run.yaml",
        "model_name_or_path: model\ntrain_file: text.txt\nblock_size: 16\n"
        "device: cpu\nsave_steps: 2\nlogging_steps: 1\nper_device_train_batch_size: 2\n");
    write_study("6");
  }

  void write_transform(int levels) {
    scratch_.write("optical.yaml",
                   "use_regex: true\nlayer_name_to_config:\n  lm_head: null\n  default:\n    "
                   "q_levels: " +
                       std::to_string(levels) + "\n");
  }

  void write_study(const std::string& max_steps) {
    scratch_.write("study.yaml", "base: run.yaml\noutput_dir: out\nset: {max_steps: " + max_steps +
                                     "}\nmetric: loss\nbaseline: plain\nseeds: [1, 2]\n"
                                     "axes:\n  hardware:\n    plain: {transform_config: none}\n"
                                     "    coarse: {transform_config: optical.yaml, q_levels: 4}\n");
  }

  ProgramRun study(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "study");
    return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", scratch_.path(),
                              {"XDG_CACHE_HOME=" + (scratch_ / "cache").string()});
  }

  json status() const { return json::parse(study({"status", "study.yaml", "--json"}).out); }

  tests::ScratchFolder scratch_;
};

TEST_F(StudyCommand, RunsWhatIsMissingOrUnfinishedAndNothingTwice) {
  const ProgramRun plan = study({"run", "study.yaml", "--dry_run"});
  ASSERT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_NE(plan.out.find("start: 4 runs"), std::string::npos) << plan.out;
  EXPECT_FALSE(fs::exists(scratch_ / "out")) << "a dry run writes nothing";

  const ProgramRun one = study({"run", "study.yaml", "--cell", "plain-seed1"});
  ASSERT_EQ(one.exit_code, 0) << one.err << one.out;
  const auto started = fs::last_write_time(scratch_ / "out/plain-seed1/model.safetensors");

  // One that was interrupted after a checkpoint, one before it had any.
  ASSERT_EQ(study({"run", "study.yaml", "--cell", "plain-seed2"}).exit_code, 0);
  const fs::path cut = scratch_ / "out/plain-seed2";
  const std::string before = tests::content_of(cut / "model.safetensors");
  fs::remove_all(cut / "checkpoint-6");
  fs::remove(cut / "status.json");
  const std::string events = tests::content_of(cut / "events.jsonl");
  const auto fifth = events.find("\"step\":5");
  scratch_.write("out/plain-seed2/events.jsonl", events.substr(0, events.rfind('\n', fifth) + 1));
  scratch_.write("out/coarse-seed1/run.yaml", "max_steps: 6\n");

  const json mixed = status();
  EXPECT_EQ(mixed.at("runs").at(0).at("action"), "nothing");
  EXPECT_EQ(mixed.at("runs").at(1).at("action"), "resume");
  EXPECT_EQ(mixed.at("runs").at(1).at("state"), "interrupted");
  EXPECT_EQ(mixed.at("runs").at(2).at("action"), "start");
  EXPECT_EQ(mixed.at("runs").at(3).at("state"), "missing");

  const ProgramRun rest = study({"run", "study.yaml", "--json"});
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  const json done = json::parse(rest.out);
  for (const json& run : done.at("runs")) {
    EXPECT_EQ(run.at("state"), "finished") << run;
    EXPECT_TRUE(run.at("value").is_number());
  }
  EXPECT_EQ(done.at("cells").at(1).at("cell"), "coarse");
  EXPECT_EQ(done.at("cells").at(1).at("difference_to_baseline").at("count"), 2);
  EXPECT_EQ(fs::last_write_time(scratch_ / "out/plain-seed1/model.safetensors"), started);
  EXPECT_TRUE(tests::content_of(cut / "model.safetensors") == before) << "resumed exactly";
  EXPECT_NE(tests::content_of(scratch_ / "out/coarse-seed1/transform.yaml").find("q_levels: 4"),
            std::string::npos);

  const ProgramRun again = study({"run", "study.yaml"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.out.find("]"), std::string::npos) << "nothing was run: " << again.out;
  EXPECT_NE(again.out.find("finished"), std::string::npos);

  write_study("8");
  const ProgramRun changed = study({"run", "study.yaml"});
  EXPECT_EQ(changed.exit_code, 2);
  EXPECT_NE(changed.err.find("max_steps was 6 and is now 8"), std::string::npos) << changed.err;
}

TEST_F(StudyCommand, AnEditOfTheTransformDoesNotReachTheCellsThatAreMissing) {
  scratch_.write("study.yaml",
                 "base: run.yaml\noutput_dir: out\nmetric: loss\nseeds: [1, 2]\n"
                 "set: {max_steps: 4, transform_config: optical.yaml}\n"
                 "axes:\n  hardware:\n    given: {}\n    cold: {q_smooth_factor: 0.5}\n");
  ASSERT_EQ(study({"run", "study.yaml", "--cell", "given-seed1"}).exit_code, 0);
  // One that is to be resumed after the edit, and how it ends without one.
  ASSERT_EQ(study({"run", "study.yaml", "--cell", "given-seed2"}).exit_code, 0);
  const fs::path cut = scratch_ / "out/given-seed2";
  const std::string undisturbed = tests::content_of(cut / "model.safetensors");
  fs::remove_all(cut / "checkpoint-4");
  fs::remove(cut / "status.json");
  const std::string events = tests::content_of(cut / "events.jsonl");
  scratch_.write("out/given-seed2/events.jsonl",
                 events.substr(0, events.rfind('\n', events.find("\"step\":3")) + 1));

  write_transform(4);
  const ProgramRun plan = study({"run", "study.yaml", "--dry_run"});
  EXPECT_NE(plan.err.find("optical.yaml: warning: it has changed since the study was first run"),
            std::string::npos)
      << plan.err;
  EXPECT_EQ(json::parse(study({"status", "study.yaml", "--json"}).out).at("problems").size(), 1u);
  const ProgramRun rest = study({"run", "study.yaml"});
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_NE(rest.err.find("which goes on with it as it was"), std::string::npos) << rest.err;
  EXPECT_TRUE(tests::content_of(cut / "model.safetensors") == undisturbed) << "resumed exactly";
  for (const char* run : {"given-seed1", "given-seed2", "cold-seed1", "cold-seed2"}) {
    const std::string applied = tests::content_of(scratch_ / "out" / run / "transform.yaml");
    EXPECT_NE(applied.find("q_levels: 256"), std::string::npos) << run << "\n" << applied;
  }

  fs::remove(scratch_ / "optical.yaml");
  const ProgramRun again = study({"run", "study.yaml"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_NE(again.err.find("it is gone since"), std::string::npos) << again.err;

  // The way out that is named: another folder takes the new text.
  write_transform(4);
  std::string other = tests::content_of(scratch_ / "study.yaml");
  other.replace(other.find("output_dir: out"), 15, "output_dir: new");
  scratch_.write("other.yaml", other);
  const ProgramRun fresh = study({"run", "other.yaml", "--cell", "given-seed1"});
  EXPECT_EQ(fresh.err.find("has changed"), std::string::npos) << fresh.err;
  EXPECT_NE(tests::content_of(scratch_ / "new/given-seed1/transform.yaml").find("q_levels: 4\n"),
            std::string::npos);
}

TEST_F(StudyCommand, GoesOnWhenACellFails) {
  scratch_.write("out/plain-seed1/thesis.tex", "mine");  // no run: it is not touched
  const ProgramRun run = study({"run", "study.yaml", "--cell", "plain"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("plain-seed1: exit code 2; the study goes on"), std::string::npos)
      << run.err;
  EXPECT_EQ(tests::content_of(scratch_ / "out/plain-seed1/thesis.tex"), "mine");
  EXPECT_EQ(status().at("runs").at(1).at("state"), "finished");
}

TEST_F(StudyCommand, BadInputStartsNothing) {
  scratch_.write("bad.yaml", "base: run.yaml\naxes: {q_levls: [4], warmup_ratio: [7]}\n");
  const ProgramRun run = study({"run", "bad.yaml", "--json"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_GE(json::parse(run.out).at("problems").size(), 1u);
  EXPECT_FALSE(fs::exists(scratch_ / "runs"));
  EXPECT_EQ(study({"run", "nowhere.yaml"}).exit_code, 2);
  EXPECT_EQ(study({"run", "study.yaml", "--cell", "hot"}).exit_code, 2);
  EXPECT_EQ(study({}).exit_code, 2);
}

TEST_F(StudyCommand, WritesASlurmArrayOverTheMissingRuns) {
  const ProgramRun run = study({"run", "study.yaml", "--slurm"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::string script = tests::content_of(scratch_ / "out/study.sbatch");
  EXPECT_NE(script.find("#SBATCH --array=0-3\n"), std::string::npos) << script;
  EXPECT_NE(script.find("  coarse-seed2\n"), std::string::npos);
  EXPECT_TRUE(fs::exists(scratch_ / "out/transforms/coarse.yaml"));
  const std::string promised = tests::content_of(scratch_ / "out/transforms/coarse.yaml");
  scratch_.write("optical.yaml",
                 "use_regex: true\nlayer_name_to_config:\n  default:\n    q_smooth_factor: 0.5\n");
  const ProgramRun task = study({"run", "study.yaml", "--cell", "coarse-seed2"});
  ASSERT_EQ(task.exit_code, 0) << task.err;
  EXPECT_EQ(tests::content_of(scratch_ / "out/coarse-seed2/transform.yaml"), promised)
      << "a task that starts later applies what the array was written for";
  EXPECT_EQ(
      tests::run_program("/bin/bash", {"-n", (scratch_ / "out/study.sbatch").string()}).exit_code,
      0);
}

TEST(ShippedStudies, AreFreeOfProblems) {
  for (const auto& entry : fs::directory_iterator(PARADIGM_SOURCE_DIR "/configs/studies")) {
    const ProgramRun run = tests::run_program(PARADIGM_BIN_DIR "/paradigm",
                                              {"study", "run", entry.path().string(), "--dry_run"},
                                              "", PARADIGM_SOURCE_DIR);
    EXPECT_EQ(run.exit_code, 0) << run.err;
  }
}

}  // namespace
