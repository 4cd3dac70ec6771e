// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/run_values.h"

#include "engine/config/run_config.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// Works in a folder of its own meanwhile.
class RunValues : public testing::Test {
 protected:
  RunValues() { fs::current_path(folder_.path()); }
  ~RunValues() override { fs::current_path(before_); }

  ParamValues read(const fs::path& file) {
    std::vector<Problem> problems;
    ParamValues values = read_run_values(file, problems);
    EXPECT_TRUE(problems.empty());
    return values;
  }
  /// As the run that is begun in `from` writes it.
  static std::string written(const std::string& from) {
    RunConfig config;
    config.model_name_or_path = "AICrossSim/clm-60m";
    config.train_file = "text.txt";
    config.output_dir = "runs/a";
    return run_yaml(config, from);
  }

  tests::ScratchFolder folder_;
  fs::path before_ = fs::current_path();
};

TEST_F(RunValues, RelativePathsStartWhereTheRunNotedIt) {
  folder_.write("project/text.txt", "there");
  folder_.write("text.txt", "another one, here");
  const fs::path file = folder_.write("copies/run.yaml", written((folder_ / "project").string()));
  const ParamValues values = read(file);
  EXPECT_EQ(values.get_text("train_file"), (folder_ / "project/text.txt").string());
  EXPECT_EQ(values.get_text("model_name_or_path"), "AICrossSim/clm-60m") << "a name, not a path";
  EXPECT_EQ(values.get_text("output_dir"), "runs/a") << "it lies in no run's folder";
  EXPECT_EQ(paths_noted_in(written("/a b/ü")), "/a b/ü");
  EXPECT_EQ(paths_noted_in(written("/two\nlines")), "");
  EXPECT_EQ(paths_noted_in("max_steps: 3\n# Relative paths start in: /x\n"), "");

  fs::current_path(folder_ / "project");
  EXPECT_EQ(read(file).get_text("train_file"), "text.txt") << "written as it was given";
}

TEST_F(RunValues, WithoutANoteTheyStartHereOrAboveTheFile) {
  folder_.write("project/text.txt", "there");
  const fs::path file = folder_.write("project/runs/run.yaml", "train_file: text.txt\n");
  EXPECT_EQ(read(file).get_text("train_file"), (folder_ / "project/text.txt").string());
  folder_.write("text.txt", "here");
  EXPECT_EQ(read(file).get_text("train_file"), "text.txt");
}

TEST_F(RunValues, ARunsOwnFileMeansTheFolderThatItLiesIn) {
  folder_.write("moved/events.jsonl", "");
  const fs::path file = folder_.write("moved/run.yaml", written("/gone"));
  EXPECT_EQ(read(file).get_text("output_dir"), (folder_ / "moved").string());
  EXPECT_EQ(read("moved/run.yaml").get_text("output_dir"), (folder_ / "moved").string());
  std::vector<Problem> problems;
  ParamValues given;
  given.set("output_dir", std::string("again"));
  EXPECT_EQ(values_over_file("moved", given, problems).get_text("output_dir"), "again");
}

TEST_F(RunValues, AnEditedTransformIsNotThatOfTheRun) {
  const std::string applied = "use_regex: true\nlayer_name_to_config:\n  default: {q_levels: 64}\n";
  const fs::path rules = folder_.write("rules.yaml", applied);
  folder_.write("run/events.jsonl", "");
  folder_.write("run/transform.yaml", applied);
  const fs::path file = folder_.write("run/run.yaml", "transform_config: " + rules.string() + "\n");
  EXPECT_EQ(read(file).get_text("transform_config"), rules.string());
  for (const char* since : {"use_regex: true\nlayer_name_to_config:\n  default: {q_levels: 8}\n",
                            "layer_name_to_config: [broken", ""}) {
    folder_.write("rules.yaml", since);
    if (std::string(since).empty()) fs::remove(rules);
    std::vector<Problem> problems;
    const ParamValues values = read_run_values(file, problems);
    EXPECT_EQ(values.get_text("transform_config"), (folder_ / "run/transform.yaml").string());
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems[0].severity, Severity::warning);
    EXPECT_EQ(problems[0].place.file, rules.string());
    const char* said = fs::exists(rules) ? "it has changed since" : "it is gone since";
    EXPECT_EQ(problems[0].message.find(said), 0u) << problems[0].message;
  }
}

}  // namespace
}  // namespace engine
