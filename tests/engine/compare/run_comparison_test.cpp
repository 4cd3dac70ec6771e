// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/run_comparison.h"

#include "engine/compare/comparison_tables.h"
#include "engine/compare/foreign_run.h"
#include "engine/error.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace {

using namespace engine;
using tests::SampleRun;
using tests::ScratchFolder;

struct Loaded {
  std::vector<ComparableRun> runs;
  std::vector<const ComparableRun*> pointers() const {
    std::vector<const ComparableRun*> list;
    for (const ComparableRun& run : runs) list.push_back(&run);
    return list;
  }
};

Loaded load(const ScratchFolder& folder, const std::vector<std::string>& names) {
  Loaded loaded;
  for (const std::string& name : names) loaded.runs.push_back(load_any_run(folder / name));
  prepare_comparison(loaded.runs);
  return loaded;
}

bool has_note(const RunComparison& comparison, const std::string& words) {
  return std::any_of(comparison.notes.begin(), comparison.notes.end(),
                     [&](const auto& note) { return note.find(words) != std::string::npos; });
}

std::string optical(int levels, int noise_seed = 0) {
  return fmt::format("layer_name_to_config:\n  default: {{q_levels: {}, q_init_seed: {}}}\n",
                     levels, noise_seed);
}

TEST(SeedGroups, AreRunsThatDifferInSeedsOnly) {
  const ScratchFolder folder;
  for (const int seed : {1, 2}) {
    tests::write_sample_run(folder / fmt::format("plain-{}", seed), {.seed = seed});
    for (const int draw : {1, 2, 3}) {
      SampleRun run{.seed = seed, .loss = tests::sample_loss(seed * 10 + draw, 0.1)};
      run.transform = optical(16, draw);
      tests::write_sample_run(folder / fmt::format("optical-{}-{}", seed, draw), run);
    }
  }
  SampleRun other{.seed = 1, .learning_rate = 5e-4};
  tests::write_sample_run(folder / "slower", other);
  const Loaded loaded =
      load(folder, {"plain-1", "optical-1-1", "plain-2", "optical-1-2", "optical-2-1",
                    "optical-1-3", "slower", "optical-2-2", "optical-2-3"});
  const auto runs = loaded.pointers();
  const RunComparison comparison = compare_runs(runs, {});
  ASSERT_EQ(comparison.groups.size(), 3u);
  EXPECT_EQ(comparison.groups[0].runs, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(comparison.groups[1].runs.size(), 6u);
  EXPECT_EQ(comparison.groups[2].runs, std::vector<std::size_t>{6});
  const GroupResult result = result_of(comparison.groups[1], runs, "loss", {});
  EXPECT_EQ(result.seeds.size(), 2u) << "draws of one training seed are no seeds of their own";
  EXPECT_TRUE(std::isfinite(result.sources.between_draws));
  EXPECT_TRUE(std::isnan(result_of(comparison.groups[0], runs, "loss", {}).sources.between_draws));
  EXPECT_EQ(comparison.verdicts.front().difference.count_other, 2);
}

TEST(SeedGroups, HoldRunsWhoseModelCannotBeFound) {
  const ScratchFolder folder;
  for (const int seed : {1, 2, 3}) {
    SampleRun run{.seed = seed};
    run.transform = optical(16);
    tests::write_sample_run(folder / fmt::format("r{}", seed), run);
  }
  // A run that has not saved anything yet: its layers are known from its events alone, which name
  // attentions first.
  std::string attentions, linears;
  for (const std::string& layer : load_run(folder / "r1").effect.layers) {
    const bool is_attention = layer.ends_with("self_attn");
    (is_attention ? attentions : linears) +=
        fmt::format(R"({{"time": 1, "type": "layer_transformed", "layer": "{}", "kind": "{}"}})"
                    "\n",
                    layer, is_attention ? "attention" : "linear");
  }
  std::filesystem::remove(folder / "r2/config.json");
  std::string events = tests::content_of(folder / "r2/events.jsonl");
  events.insert(events.find('\n') + 1, attentions + linears);
  folder.write("r2/events.jsonl", events);
  tests::write_tiny_llama(folder / "r3", {.hidden_size = 64});
  const Loaded loaded = load(folder, {"r1", "r2", "r3"});
  EXPECT_FALSE(loaded.runs[1].model.is_known);
  const auto groups = seed_groups(loaded.pointers());
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].runs, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(groups[1].runs, std::vector<std::size_t>{2}) << "another model";
}

TEST(RunComparison, LabelsNameOnlyWhatDiffers) {
  const ScratchFolder folder;
  for (const int levels : {256, 16}) {
    SampleRun run;
    run.transform = optical(levels);
    tests::write_sample_run(folder / fmt::format("run-{}", levels), run);
  }
  const Loaded loaded = load(folder, {"run-256", "run-16"});
  const RunComparison comparison = compare_runs(loaded.pointers(), {});
  ASSERT_EQ(comparison.columns.size(), 1u);
  EXPECT_EQ(comparison.columns[0].name, "q_levels");
  EXPECT_EQ(comparison.runs[0].label, "q_levels=256");
  EXPECT_EQ(comparison.runs[1].label, "q_levels=16");
  EXPECT_EQ(change_lines(comparison.changes.at(0)).at(0), "all 17 layers: q_levels 256 → 16")
      << "attention and head included";
}

TEST(RunComparison, OtherModelsAndTokenizersAreFlagged) {
  const ScratchFolder folder;
  for (const char* name : {"a", "b"}) {
    tests::write_sample_run(folder / name, {});
    tests::write_tiny_llama(folder / name, {.layers = name[0] == 'a' ? 2 : 3});
  }
  // Another tokenizer: the same with white space behind it.
  tests::append_to(folder / "b/tokenizer.json", "\n");
  const std::string text = tests::tiny_text(4000);
  for (const char* name : {"a", "b"}) {
    folder.write("v.txt", text);
    const auto file = folder / name;
    const std::string yaml = tests::content_of(file / "run.yaml");
    const std::size_t at = yaml.find("validation_file: null");
    ASSERT_NE(at, std::string::npos) << yaml;
    folder.write(std::string(name) + "/run.yaml",
                 std::string(yaml).replace(at, 21, "validation_file: v.txt"));
  }
  const Loaded loaded = load(folder, {"a", "b"});
  const RunComparison comparison = compare_runs(loaded.pointers(), {});
  EXPECT_TRUE(has_note(comparison, "b is another model than a: 3 layers"));
  EXPECT_TRUE(has_note(comparison,
                       "another tokenizer than a: loss per token cannot be compared; "
                       "eval_bits_per_byte can"));
  EXPECT_EQ(comparison.options.metrics.front(), "eval_bits_per_byte");
  // A tokenizer of bytes: one byte a token.
  const double loss = loaded.runs[0].metrics.find("eval_loss")->value.back();
  EXPECT_NEAR(loaded.runs[0].metrics.find("eval_bits_per_byte")->value.back(), loss / std::log(2.0),
              1e-12);
  EXPECT_EQ(comparison.changes.at(0).effect.only_in_other.size(), 8u);
}

TEST(RunComparison, BranchesResumesAndLostFilesAreTold) {
  const ScratchFolder folder;
  tests::write_sample_run(folder / "a", {});
  folder.write(
      "b/events.jsonl",
      R"({"time": 1, "type": "run_started", "step": 50, "resumed_from": "a/checkpoint-50", "tokens_per_step": 256, "transform_digest": "x"}
{"time": 2, "type": "step", "step": 60, "loss": 2.0, "tokens": 15360}
{"time": 9, "type": "run_started", "step": 60, "resumed_from": "b/checkpoint-60", "tokens_per_step": 256, "transform_digest": "x"}
{"time": 10, "type": "step", "step": 70, "loss": 1.9, "tokens": 17920}
)");
  const Loaded loaded = load(folder, {"a", "b"});
  const RunComparison comparison = compare_runs(loaded.pointers(), {.metrics = {"loss"}});
  EXPECT_TRUE(has_note(comparison, "b: branched at step 50 from a/checkpoint-50"));
  EXPECT_TRUE(has_note(comparison, "b: resumed at step 60"));
  EXPECT_TRUE(has_note(comparison, "b: run.yaml is missing"));
  EXPECT_TRUE(has_note(comparison, "b: transform.yaml is missing"));
  EXPECT_FALSE(comparison.changes.at(0).is_effect_known);
  ASSERT_TRUE(comparison.runs[1].difference);
  EXPECT_EQ(comparison.runs[1].difference->points.size(), 2u);
  EXPECT_EQ(comparison.runs[1].difference->gaps.front().reason, GapReason::only_base);
}

TEST(RunComparison, AlignsByTokensTimeAndFlops) {
  const ScratchFolder folder;
  tests::write_sample_run(folder / "a", {});
  tests::write_sample_run(folder / "b", {.seed = 2});
  const Loaded loaded = load(folder, {"a", "b"});
  for (const XAxis axis : {XAxis::tokens, XAxis::time, XAxis::flops}) {
    const RunComparison comparison =
        compare_runs(loaded.pointers(), {.metrics = {"loss"}, .axis = axis});
    ASSERT_TRUE(comparison.runs[1].difference);
    EXPECT_EQ(comparison.runs[1].difference->points.size(), 100u) << to_string(axis);
  }
  const RunComparison aligned =
      compare_runs(loaded.pointers(), {.metrics = {"loss"}, .align_at = 40.0});
  EXPECT_EQ(aligned.runs[1].difference->points.front().x, -39);
}

/// Whole runs, from files to the verdict: twelve groups of equal runs, three seeds each.
TEST(RunComparison, HolmKeepsEqualGroupsApartRarely) {
  const ScratchFolder folder;
  std::vector<std::string> names;
  for (int group = 0; group < 12; ++group) {
    for (const int seed : {1, 2, 3}) {
      SampleRun run{.seed = seed, .steps = 10, .eval_steps = 10};
      run.learning_rate = 1e-3 + 1e-4 * group;  // a setting that does nothing here
      run.loss = tests::sample_loss(1000 * group + seed, 0);
      names.push_back(fmt::format("g{}-{}", group, seed));
      tests::write_sample_run(folder / names.back(), run);
    }
  }
  const Loaded loaded = load(folder, names);
  const RunComparison comparison = compare_runs(loaded.pointers(), {.metrics = {"eval_loss"}});
  ASSERT_EQ(comparison.groups.size(), 12u);
  ASSERT_EQ(comparison.verdicts.size(), 11u);
  for (const Verdict& verdict : comparison.verdicts) {
    EXPECT_EQ(verdict.compared, 11u);
    EXPECT_GE(verdict.difference.adjusted_p, verdict.difference.p);
    EXPECT_NE(verdict.text.find("not distinguishable; about "), std::string::npos) << verdict.text;
    EXPECT_NE(verdict.text.find("Holm over 11"), std::string::npos);
  }
}

TEST(RunComparison, SaysFromWhereOnGroupsAreApart) {
  const ScratchFolder folder;
  std::vector<std::string> names;
  for (const bool is_changed : {false, true}) {
    for (const int seed : {1, 2, 3, 4}) {
      SampleRun run{.seed = seed, .learning_rate = is_changed ? 2e-3 : 1e-3};
      const auto plain = tests::sample_loss(seed, 0);
      run.loss = [=](std::int64_t step) {
        std::mt19937_64 generator(static_cast<std::uint64_t>(1000 * seed + step));
        const double own = is_changed ? std::normal_distribution<double>(0, 0.02)(generator) : 0;
        return plain(step) + own + (is_changed && step > 60 ? 0.2 : 0);
      };
      names.push_back(fmt::format("{}-{}", is_changed ? "changed" : "plain", seed));
      tests::write_sample_run(folder / names.back(), run);
    }
  }
  const Loaded loaded = load(folder, names);
  const RunComparison comparison = compare_runs(loaded.pointers(), {.metrics = {"loss"}});
  ASSERT_EQ(comparison.verdicts.size(), 1u);
  const Verdict& verdict = comparison.verdicts.front();
  ASSERT_TRUE(verdict.delta.apart_from) << verdict.text;
  EXPECT_GE(*verdict.delta.apart_from, 61);
  EXPECT_LE(*verdict.delta.apart_from, 75);
  EXPECT_NE(verdict.text.find(fmt::format("apart from step {:.0f} on", *verdict.delta.apart_from)),
            std::string::npos);
}

TEST(RunComparison, FoldersThatVanishAreRefusedByName) {
  const ScratchFolder folder;
  EXPECT_THROW(load_run(folder / "gone"), Error);
  tests::write_sample_run(folder / "a", {});
  ComparableRun run = load_run(folder / "a");
  std::filesystem::remove_all(folder / "a");
  EXPECT_NO_THROW(run.poll());
  EXPECT_EQ(run.metrics.find("loss")->size(), 100u) << "what was read stays";
}

}  // namespace
