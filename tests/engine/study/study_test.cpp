// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/study/study.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

Study read(const std::string& text, std::vector<Problem>* problems = nullptr) {
  std::vector<Problem> found;
  Study study = parse_study(text, "ablation.yaml", found);
  if (problems == nullptr) {
    EXPECT_TRUE(found.empty()) << to_string(found.front());
  }
  if (problems != nullptr) *problems = found;
  return study;
}

TEST(Study, AxesAreValuesOrLabelledSettings) {
  const Study study = read(R"(base: run.yaml
output_dir: out
set: {max_steps: 60, eval_steps: null}
axes:
  q_levels: [16, 256]
  hardware:
    plain: {transform_config: none}
    hot: {transform_config: a.yaml, q_quantiles: [0.001, 0.999]}
seeds: [1, 2]
baseline: q_levels-16_plain
metric: loss
)");
  EXPECT_EQ(study.base, "run.yaml");
  EXPECT_EQ(study.output, "out");
  ASSERT_EQ(study.settings.size(), 2u);
  EXPECT_EQ(study.settings[1].value, "null");
  EXPECT_EQ(study.settings[1].place.line, 3);
  ASSERT_EQ(study.axes.size(), 2u);
  EXPECT_EQ(study.axes[0].levels[1].label, "q_levels-256");
  EXPECT_EQ(study.axes[0].levels[1].settings[0].value, "256");
  EXPECT_EQ(study.axes[1].levels[1].label, "hot");
  EXPECT_EQ(study.axes[1].levels[1].settings[1].value, "[0.001, 0.999]");
  EXPECT_EQ(study.seeds, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(study.metric, "loss");
}

TEST(Study, HasDefaults) {
  const Study study = read("base: run.yaml\n");
  EXPECT_EQ(study.output, "runs/ablation");
  EXPECT_EQ(study.metric, "eval_loss");
  EXPECT_TRUE(study.axes.empty());
}

TEST(Study, EveryProblemIsToldAtOnceWithItsPlace) {
  std::vector<Problem> problems;
  read(R"(axis: {}
metric: accuracy
seeds: [1, x, 1]
set: 5
axes:
  q_levels: []
  hardware: {"a b": {x: 1}}
)",
       &problems);
  const auto told = [&](const std::string& part, int line) {
    for (const Problem& problem : problems) {
      if (to_string(problem).find(part) != std::string::npos && problem.place.line == line) {
        return true;
      }
    }
    return false;
  };
  EXPECT_TRUE(told("Did you mean axes?", 1));
  EXPECT_TRUE(told("there is no metric accuracy", 2));
  EXPECT_TRUE(told("a seed is a whole number, 0 or more, not x", 3));
  EXPECT_TRUE(told("this seed is named twice", 3));
  EXPECT_TRUE(told("set is a map", 4));
  EXPECT_TRUE(told("the axis q_levels has no values", 6));
  EXPECT_TRUE(told("part of a folder's name", 7));
  EXPECT_TRUE(told("no base is given", 1));
}

TEST(Study, SeedsAreNoMapAndAPathIsNoList) {
  std::vector<Problem> problems;
  const Study study = read("base: [a, b]\nseeds: {a: 1}\n", &problems);
  ASSERT_EQ(problems.size(), 3u) << "of base, seeds, and that there is no base";
  EXPECT_NE(to_string(problems[0]).find("not [a, b]"), std::string::npos);
  EXPECT_NE(to_string(problems[1]).find("seeds is a list"), std::string::npos);
  EXPECT_TRUE(study.seeds.empty());
}

TEST(Study, AnythingElseThanAMapIsRefused) {
  for (const std::string text :
       {"", "- a\n", "5\n", "base: [a]\n", "base: {a: 1}\n", "a: b: c\n"}) {
    std::vector<Problem> problems;
    read(text, &problems);
    EXPECT_TRUE(has_errors(problems)) << text;
  }
}

}  // namespace
}  // namespace engine
