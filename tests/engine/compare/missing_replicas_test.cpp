// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/missing_replicas.h"

#include "engine/config/run_config.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace {

using namespace engine;
using tests::SampleRun;

struct Loaded {
  std::vector<ComparableRun> runs;
  std::vector<const ComparableRun*> pointers;
  RunComparison comparison;

  void add(const std::filesystem::path& folder, std::int64_t seed, const std::string& transform) {
    tests::write_sample_run(folder, SampleRun{.seed = seed, .transform = transform});
    runs.push_back(load_run(folder));
  }
  void compare() {
    for (const auto& run : runs) pointers.push_back(&run);
    comparison = compare_runs(pointers, {});
  }
};

const std::string kOptical = "layer_name_to_config:\n  default: {q_levels: 16}\n";

TEST(MissingReplicas, AreTheSeedsThatOtherGroupsHave) {
  const tests::ScratchFolder folder;
  Loaded loaded;
  for (const int seed : {1, 2, 3}) loaded.add(folder / fmt::format("plain-{}", seed), seed, "");
  loaded.add(folder / "optical-seed2", 2, kOptical);
  loaded.compare();
  const auto missing = missing_replicas(loaded.pointers, loaded.comparison, {5, {0, 1}});
  ASSERT_EQ(missing.size(), 2u) << "further seeds are for groups that are complete";
  EXPECT_EQ(missing[0].seed, 1);
  EXPECT_EQ(missing[1].seed, 3);
  EXPECT_EQ(missing[1].like, 3u);
  EXPECT_EQ(missing[1].output_dir, folder / "optical-seed3") << "named as its siblings are";

  const ParamValues values = values_of(missing[1], loaded.runs[3]);
  const RunConfig config = run_config_from(values);
  EXPECT_EQ(config.seed, 3);
  EXPECT_EQ(config.output_dir, (folder / "optical-seed3").string());
  EXPECT_EQ(config.transform_config, (folder / "optical-seed2/transform.yaml").string());
  EXPECT_EQ(config.learning_rate, 1e-3);
  EXPECT_EQ(config.max_steps, 100);
}

TEST(MissingReplicas, FurtherSeedsAreCountedOn) {
  const tests::ScratchFolder folder;
  Loaded loaded;
  for (const int seed : {7, 8}) {
    loaded.add(folder / fmt::format("plain-{}", seed), seed, "");
    loaded.add(folder / fmt::format("optical-{}", seed), seed, kOptical);
  }
  std::filesystem::create_directory(folder / "plain-9");
  loaded.compare();
  EXPECT_TRUE(missing_replicas(loaded.pointers, loaded.comparison).empty());
  const auto more = missing_replicas(loaded.pointers, loaded.comparison, {2, {0, 1}});
  ASSERT_EQ(more.size(), 4u);
  EXPECT_EQ(more[0].seed, 9);
  EXPECT_EQ(more[1].seed, 10);
  EXPECT_EQ(more[0].output_dir, folder / "plain-9-2") << "what is there is not touched";
  EXPECT_EQ(more[2].output_dir, folder / "optical-9");
  EXPECT_EQ(missing_replicas(loaded.pointers, loaded.comparison, {2, {1}}).size(), 2u)
      << "for the groups that need them";
}

TEST(MissingReplicas, AreWorthItWhereFewWouldTell) {
  RunComparison comparison;
  comparison.options.metrics = {"loss"};
  const auto add = [&](std::size_t group, const char* metric, std::int64_t more) {
    Verdict verdict{.metric = metric, .group = group};
    verdict.difference.method = ComparisonMethod::paired_t;
    verdict.needed = SeedsNeeded{.more = more};
    comparison.verdicts.push_back(verdict);
  };
  add(1, "loss", 1107);
  EXPECT_EQ(seeds_worth_adding(comparison).count, 0) << "a difference too small to look for";
  add(2, "loss", 6);
  add(3, "loss", 4);
  add(4, "loss", 4);
  add(5, "eval_loss", 1);
  EXPECT_EQ(seeds_worth_adding(comparison).count, 4);
  EXPECT_EQ(seeds_worth_adding(comparison).groups, (std::set<std::size_t>{0, 3, 4}));
}

TEST(MissingReplicas, RunsOfOtherTrainersHaveNone) {
  const tests::ScratchFolder folder;
  folder.write("a.csv", "step,loss\n1,3\n100,2\n");
  Loaded loaded;
  loaded.add(folder / "plain-1", 1, "");
  loaded.add(folder / "plain-2", 2, "");
  loaded.runs.push_back(load_any_run(folder / "a.csv"));
  loaded.compare();
  EXPECT_TRUE(missing_replicas(loaded.pointers, loaded.comparison).empty());
}

}  // namespace
