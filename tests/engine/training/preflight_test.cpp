// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/preflight.h"

#include "engine/error.h"
#include "engine/runs/run_folder.h"
#include "engine/training/train.h"
#include "tests/support/tiny_training.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

namespace engine {
namespace {

namespace fs = std::filesystem;

class PreflightTest : public tests::TinyTraining {
 protected:
  PreflightTest() : TinyTraining(8000) {
    setenv("HF_HUB_CACHE", (folder_ / "hub").c_str(), 1);
    folder_.write("optical.yaml",
                  "layer_name_to_config:\n  lm_head: null\n  default: {q_levels: 16}\n");
  }
  ~PreflightTest() override { unsetenv("HF_HUB_CACHE"); }

  RunConfig config() const {
    RunConfig config = training("run");
    config.transform_config = (folder_ / "optical.yaml").string();
    config.per_device_train_batch_size = 2;
    config.max_steps = 4;
    config.save_steps = 2;
    return config;
  }

  /// Everything below the scratch folder with its size.
  std::set<std::string> files() const {
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      const bool is_file = entry.is_regular_file();
      found.insert(entry.path().string() + (is_file ? std::to_string(entry.file_size()) : ""));
    }
    return found;
  }
};

const Problem* find(const std::vector<Problem>& problems, const std::string& id) {
  const auto found = std::find_if(problems.begin(), problems.end(),
                                  [&](const Problem& problem) { return problem.id == id; });
  return found == problems.end() ? nullptr : &*found;
}

std::string all(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += to_string(problem) + "\n";
  return text;
}

TEST_F(PreflightTest, AGoodRunHasNothingInItsWayAndNothingIsTouched) {
  const auto before = files();
  const auto problems = preflight(config());
  EXPECT_FALSE(has_errors(problems)) << all(problems);
  EXPECT_EQ(files(), before);
  RunConfig unnamed = config();
  unnamed.output_dir.clear();
  EXPECT_FALSE(has_errors(preflight(unnamed)));
}

TEST_F(PreflightTest, AllProblemsComeAtOnceEachAtItsFlagWithAWayOut) {
  RunConfig bad = config();
  bad.model_name_or_path = "org/missing-model";
  bad.tokenizer_name = "org/missing-tokenizer";
  bad.train_file.reset();
  bad.dataset_name = "org/missing-data";
  bad.device = "cuda:77";
  bad.output_dir = (folder_ / "text.txt" / "run").string();
  const auto problems = preflight(bad);
  std::set<std::string> places;
  for (const Problem& problem : problems) {
    if (problem.severity != Severity::error) continue;
    places.insert(problem.place.file);
    EXPECT_FALSE(problem.remedy.empty()) << problem.message;
  }
  EXPECT_EQ(places, (std::set<std::string>{"--model_name_or_path", "--tokenizer_name",
                                           "--dataset_name", "--device", "--output_dir"}))
      << all(problems);
  const Problem* missing = find(problems, "not-in-hub-cache");
  ASSERT_NE(missing, nullptr);
  EXPECT_NE(missing->remedy.find("hf download org/missing-model"), std::string::npos);
}

TEST_F(PreflightTest, PlanAndFilesAreChecked) {
  RunConfig bad = config();
  bad.transform_config = folder_
                             .write("bad.yaml",
                                    "layer_name_to_config:\n  '(': {q_levels: 16}\n"
                                    "  default: {q_levls: 16}\n")
                             .string();
  bad.train_file = folder_.write("empty.txt", "").string();
  bad.validation_file = folder_.write("table.csv", "text\na\n").string();
  auto problems = preflight(bad);
  EXPECT_GE(std::count_if(problems.begin(), problems.end(),
                          [](const Problem& problem) { return problem.place.line > 0; }),
            1)
      << all(problems);
  ASSERT_NE(find(problems, "no-text"), nullptr) << all(problems);
  EXPECT_EQ(find(problems, "no-text")->place.file, "--train_file");
  EXPECT_NE(all(problems).find("--validation_file"), std::string::npos) << all(problems);

  fs::remove(folder_ / "model/model.safetensors");
  problems = preflight(config());
  EXPECT_TRUE(has_errors(problems));
  EXPECT_NE(all(problems).find("--model_name_or_path: error"), std::string::npos) << all(problems);
}

TEST_F(PreflightTest, TheFolderOfAnEarlierRunIsResumedRefusedOrOverwritten) {
  RunConfig wanted = config();
  RunControl control;
  control.request(RunRequest::stop);  // after its first step
  train(wanted, control, {});
  auto problems = preflight(wanted);
  EXPECT_FALSE(has_errors(problems)) << all(problems);
  ASSERT_NE(find(problems, "start"), nullptr) << all(problems);
  EXPECT_NE(find(problems, "start")->message.find("resuming from checkpoint-"), std::string::npos);

  // Resume fit: another transform is refused before a weight is read.
  wanted.transform_config = "none";
  problems = preflight(wanted);
  ASSERT_NE(find(problems, "transform-changed"), nullptr) << all(problems);

  RunControl go_on;
  train(config(), go_on, {});
  problems = preflight(config());
  ASSERT_NE(find(problems, "output-dir-finished"), nullptr) << all(problems);
  wanted = config();
  wanted.overwrite_output_dir = true;
  const auto before = files();
  problems = preflight(wanted);
  EXPECT_FALSE(has_errors(problems)) << all(problems);
  EXPECT_EQ(find(problems, "start")->severity, Severity::warning) << "the earlier run goes";
  EXPECT_EQ(files(), before);

  const auto lock = RunLock::acquire(folder_ / "run");
  ASSERT_TRUE(lock.has_value());
  EXPECT_NE(find(preflight(wanted), "output-dir-locked"), nullptr);
}

TEST_F(PreflightTest, AFolderThatCannotBeWrittenIsSaid) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  fs::create_directory(folder_ / "shut");
  fs::permissions(folder_ / "shut", fs::perms::owner_read | fs::perms::owner_exec);
  RunConfig bad = config();
  bad.output_dir = (folder_ / "shut/run").string();
  const auto problems = preflight(bad);
  ASSERT_NE(find(problems, "cannot-write"), nullptr) << all(problems);
  EXPECT_EQ(find(problems, "cannot-write")->place.file, "--output_dir");
}

TEST_F(PreflightTest, MoreCheckpointsThanTheDiskHoldsAreAWarning) {
  RunConfig greedy = config();
  greedy.max_steps = std::int64_t{1} << 40;
  greedy.save_steps = 1;
  const auto problems = preflight(greedy);
  ASSERT_NE(find(problems, "disk-too-small"), nullptr) << all(problems);
  EXPECT_EQ(find(problems, "disk-too-small")->severity, Severity::warning);
  greedy.save_total_limit = 2;
  EXPECT_EQ(find(preflight(greedy), "disk-too-small"), nullptr);
}

TEST_F(PreflightTest, AModelThatNoMemoryHoldsIsRefusedByItsShape) {
  folder_.write("huge/config.json", tests::tiny_llama_config({.hidden_size = 1 << 16,
                                                              .intermediate_size = 1 << 18,
                                                              .layers = 2000,
                                                              .heads = 64,
                                                              .kv_heads = 64}));
  fs::copy(folder_ / "model/tokenizer.json", folder_ / "huge/tokenizer.json");
  RunConfig huge = config();
  huge.model_name_or_path.reset();
  huge.config_name = (folder_ / "huge").string();
  const auto problems = preflight(huge);
  ASSERT_NE(find(problems, "too-little-memory"), nullptr) << all(problems);
  ASSERT_NE(find(problems, "disk-full"), nullptr) << all(problems);
}

}  // namespace
}  // namespace engine
