// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/study/study_cells.h"

#include "engine/config/transform_config.h"
#include "engine/study/study_status.h"
#include "engine/transform/paradigm_info.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <gtest/gtest.h>

#include <set>

namespace engine {
namespace {

class StudyCells : public ::testing::Test {
 protected:
  void SetUp() override {
    tests::write_tiny_llama(folder_ / "model");
    folder_.write("text.txt", tests::tiny_text(500));
    folder_.write("optical.yaml",
                  "use_regex: true\nlayer_name_to_config:\n  lm_head: null\n  default:\n    "
                  "q_levels: 256\n");
    folder_.write("run.yaml", "model_name_or_path: " + (folder_ / "model").string() +
                                  "\ntrain_file: " + (folder_ / "text.txt").string() +
                                  "\ntransform_config: " + (folder_ / "optical.yaml").string() +
                                  "\nblock_size: 16\nmax_steps: 10\n");
  }

  std::vector<StudyCell> cells(const std::string& rest) {
    problems_.clear();
    study_ = parse_study("base: " + (folder_ / "run.yaml").string() +
                             "\noutput_dir: " + (folder_ / "out").string() + "\n" + rest,
                         "study.yaml", problems_);
    return study_cells(study_, problems_);
  }

  bool told(const std::string& part) const {
    for (const Problem& problem : problems_) {
      if (to_string(problem).find(part) != std::string::npos) return true;
    }
    return false;
  }

  tests::ScratchFolder folder_;
  Study study_;
  std::vector<Problem> problems_;
};

TEST_F(StudyCells, AreAllCombinationsWithAllSeeds) {
  const auto all = cells(R"(metric: loss
axes:
  q_levels: [16, 4]
  learning_rate: [1.0e-3, 1.0e-4]
seeds: [7, 8]
)");
  ASSERT_TRUE(problems_.empty()) << to_string(problems_.front());
  ASSERT_EQ(all.size(), 8u);
  EXPECT_EQ(all[0].name(), "q_levels-16_learning_rate-1.0e-3-seed7");
  EXPECT_EQ(all[1].seed, 8);
  EXPECT_EQ(all[2].config.learning_rate, 1e-4);
  std::set<std::string> folders;
  for (const StudyCell& cell : all) folders.insert(cell.config.output_dir);
  EXPECT_EQ(folders.size(), 8u);

  const ParsedTransform parsed =
      parse_transform_config(all[4].transform_text, "cell.yaml", paradigm_infos());
  ASSERT_FALSE(has_errors(parsed.problems)) << to_string(parsed.problems.front());
  ASSERT_EQ(parsed.config.rules.size(), 2u);
  EXPECT_TRUE(parsed.config.rules[0].leave_alone);
  EXPECT_EQ(parsed.config.rules[1].values.get_int("q_levels"), 4);
  EXPECT_EQ(all[4].config.transform_config,
            (folder_ / "out/transforms/q_levels-4_learning_rate-1.0e-3.yaml").string());
}

TEST_F(StudyCells, WithoutAxesTheRunItselfIsTheCell) {
  const auto all = cells("metric: loss\n");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].label, "base");
  EXPECT_EQ(all[0].seed, 42);
  EXPECT_EQ(all[0].transform_text, "");
}

TEST_F(StudyCells, EverythingWrongIsToldBeforeAnythingStarts) {
  cells(R"(set: {train_file: nowhere.txt, max_steps: -7}
axes:
  q_levls: [16]
)");
  EXPECT_TRUE(told("max_steps"));
  cells(R"(set: {train_file: nowhere.txt}
baseline: q_level-16
axes:
  q_levels: [16, 1, many]
  warmup_ratio: [0.1, 2]
)");
  EXPECT_TRUE(told("train_file nowhere.txt does not exist"));
  EXPECT_TRUE(told("the metric is eval_loss, but the run does not evaluate"));
  EXPECT_TRUE(told("warmup_ratio"));
  EXPECT_TRUE(told("q_levels"));
  EXPECT_TRUE(told("the baseline is no cell of this study"));
  cells("metric: loss\naxes: {q_levls: [16]}\n");
  EXPECT_TRUE(told("Did you mean q_levels?"));
  cells("metric: loss\nset: {transform_config: none}\naxes: {q_levels: [16]}\n");
  EXPECT_TRUE(told("the run has no transform to have it"));
}

TEST_F(StudyCells, ACellWithoutARunIsToBeStarted) {
  const auto all = cells("metric: loss\n");
  const CellStatus status = status_of(study_, all[0]);
  EXPECT_EQ(status.action, CellAction::start);
  EXPECT_EQ(status.state, RunState::queued);
}

TEST(StudyResults, DifferencesAreTakenSeedBySeed) {
  Study study;
  study.baseline = "plain";
  const auto cell = [](const std::string& label, std::int64_t seed) {
    StudyCell made;
    made.label = label;
    made.seed = seed;
    return made;
  };
  const auto finished = [](double value) {
    CellStatus status;
    status.metric = value;
    return status;
  };
  const auto results = results_of(
      study, {cell("plain", 1), cell("plain", 2), cell("hot", 1), cell("hot", 2), cell("hot", 3)},
      {finished(2), finished(3), finished(2.5), finished(3.25), CellStatus{}});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].finished, 2);
  EXPECT_TRUE(results[0].differences.empty());
  EXPECT_EQ(results[1].seeds, 3);
  EXPECT_EQ(results[1].finished, 2);
  EXPECT_EQ(results[1].differences, (std::vector<double>{0.5, 0.25}));
}

}  // namespace
}  // namespace engine
