// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/error.h"
#include "engine/evaluation/transform_trial.h"
#include "engine/model/llama_config.h"
#include "engine/transform/paradigm_info.h"
#include "engine/transform/transform_plan.h"
#include "tests/support/tiny_subject.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace engine {
namespace {

constexpr const char* kRules = R"(# every layer on the chip
layer_name_to_config:
  default: {paradigm: optical_transformer, q_levels: 256}  # eight bits
)";

/// Makes one weight of a layer so large that the levels between it and 0 are all that is left for
/// the others: the layer is fragile under any quantiser over the whole range, and no other is.
void plant_outlier(const std::filesystem::path& folder, const std::string& layer, float value) {
  const auto path = folder / "model.safetensors";
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::uint64_t size = 0;
  file.read(reinterpret_cast<char*>(&size), sizeof size);
  std::string header(size, ' ');
  file.read(header.data(), std::streamsize(size));
  const auto offsets = nlohmann::json::parse(header).at(layer + ".weight").at("data_offsets");
  file.seekp(std::streamoff(sizeof size + size + offsets.at(0).get<std::uint64_t>()));
  file.write(reinterpret_cast<const char*>(&value), sizeof value);
}

class Scan : public tests::TinySubject {
 protected:
  Scan() : TinySubject(4000, 100) {}

  TrialConfig config() const {
    TrialConfig config;
    config.eval = eval_config();
    config.eval.train_file.reset();
    config.batches = 10;
    config.batch_size = 4;
    return config;
  }
  std::unique_ptr<TransformTrial> trial() const { return open_trial(config(), {}); }
  static TransformText text(const std::string& rules = kRules) { return {rules, "edited.yaml"}; }
  ScanOptions options(const std::string& file = "scan.jsonl") const {
    ScanOptions options;
    options.noise_draws = 2;
    options.results_file = (folder_ / file).string();
    return options;
  }
};

void expect_same(const Estimate& a, const Estimate& b) {
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
}

void expect_same(const ScanResult& a, const ScanResult& b) {
  expect_same(a.whole, b.whole);
  ASSERT_EQ(a.entries.size(), b.entries.size());
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    EXPECT_EQ(a.entries[i].name, b.entries[i].name);
    expect_same(a.entries[i].one_on, b.entries[i].one_on);
    expect_same(a.entries[i].one_off, b.entries[i].one_off);
  }
  EXPECT_EQ(a.proposal.summary, b.proposal.summary);
  EXPECT_EQ(a.proposal.yaml, b.proposal.yaml);
}

// On a model that has learnt something: damage to random weights may as well lower the loss.
TEST_F(Scan, APlantedFragileLayerComesFirst) {
  const std::filesystem::path demo = PARADIGM_SOURCE_DIR "/resources/demo";
  for (const char* fragile : {"model.layers.1.mlp.down_proj", "model.layers.2.self_attn.v_proj"}) {
    std::filesystem::remove_all(folder_ / "model");
    std::filesystem::copy(demo / "checkpoint", folder_ / "model");
    plant_outlier(folder_ / "model", fragile, 60);
    TrialConfig learnt = config();
    learnt.eval.validation_file = (demo / "stories_validation.txt").string();
    learnt.eval.block_size = 32;
    learnt.batches = 4;
    const ScanResult result =
        open_trial(learnt, {})->scan(text(), options(std::string(fragile) + ".jsonl"));
    const auto first = std::find_if(result.entries.begin(), result.entries.end(),
                                    [](const ScanEntry& entry) { return !entry.is_kind; });
    ASSERT_NE(first, result.entries.end());
    EXPECT_EQ(first->name, fragile);
    EXPECT_GT(first->one_on.low, 0) << "and by more than chance";
  }
}

TEST_F(Scan, TheProposalLoadsAndKeepsItsLayersDigital) {
  // Logits of two levels cost loss whatever the weights are.
  ScanOptions wide = options();
  wide.flops_budget = 0.5;
  const ScanResult result = trial()->scan(
      text("# every layer on the chip\nlayer_name_to_config:\n  lm_head: {q_levels: 2}\n"
           "  default: {paradigm: optical_transformer, q_levels: 256}  # eight bits\n"),
      wide);
  ASSERT_FALSE(result.proposal.layers.empty()) << result.proposal.summary;
  EXPECT_EQ(result.proposal.layers.back(), "lm_head");
  EXPECT_LT(result.proposal.change.high, 0) << result.proposal.summary;
  const auto infos = paradigm_infos();
  const auto parsed = parse_transform_config(result.proposal.yaml, "proposal.yaml", infos);
  EXPECT_TRUE(parsed.problems.empty());
  const auto config = read_llama_config(folder_ / "model/config.json");
  const TransformPlan plan = plan_transform(layer_inventory(config), parsed.config, infos, "fp32");
  EXPECT_FALSE(has_errors(plan.problems));
  for (const Assignment& assignment : plan.assignments) {
    const auto& kept = result.proposal.layers;
    const bool is_kept = std::find(kept.begin(), kept.end(), assignment.layer) != kept.end();
    EXPECT_EQ(assignment.outcome, is_kept ? Outcome::left_alone : Outcome::transformed);
  }
  EXPECT_EQ(result.proposal.yaml.find("# every layer on the chip"), 0u) << "comments stay";
  // What it promises is what trying it measures.
  TryOptions same_draws;
  same_draws.noise_draws = 2;
  const TrialResult tried = trial()->try_transform(text(result.proposal.yaml), same_draws);
  EXPECT_EQ(tried.difference.value, result.proposal.remaining.value);
}

TEST_F(Scan, OneOnAndOneOffOfTheOnlyLayerAgree) {
  const ScanResult result = trial()->scan(
      text("layer_name_to_config:\n  lm_head: {q_levels: 4}\n  default: null\n"), options());
  ASSERT_EQ(result.entries.size(), 1u);
  expect_same(result.entries[0].one_on, result.whole);
  expect_same(result.entries[0].one_off, result.whole);
  EXPECT_EQ(result.measured_cells, 2) << "all layers, and none";
}

TEST_F(Scan, GoesOnWhereItWasCancelled) {
  const ScanResult whole = trial()->scan(text(), options("undisturbed.jsonl"));
  EXPECT_EQ(whole.reused_cells, 0);
  std::int64_t measured = 0;
  int cancelled = 0;
  ScanResult result;
  for (int budget = 1500;; budget += 1500) {
    int asked = 0;
    try {
      result = trial()->scan(text(), options(),
                             [&](const std::string&, double, double) { return ++asked < budget; });
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.problems().front().id, "cancelled");
      ++cancelled;
    }
  }
  EXPECT_GE(cancelled, 2);
  EXPECT_GT(result.reused_cells, 0);
  measured = result.measured_cells + result.reused_cells;
  EXPECT_EQ(measured, whole.measured_cells);
  expect_same(result, whole);
  const ScanResult again = trial()->scan(text(), options());
  EXPECT_EQ(again.measured_cells, 0);
  expect_same(again, whole);
}

TEST_F(Scan, AnEditMeasuresOnlyWhatItChanges) {
  ScanOptions alone = options();
  alone.one_off = false;
  alone.kinds = false;
  const ScanResult before = trial()->scan(text(), alone);
  const ScanResult after =
      trial()->scan(text("layer_name_to_config:\n  lm_head: {q_levels: 8}\n"
                         "  default: {paradigm: optical_transformer, q_levels: 256}\n"),
                    alone);
  // The head alone, the whole, and perhaps a proposal.
  EXPECT_LE(after.measured_cells, 3);
  EXPECT_GE(after.reused_cells, before.measured_cells - 3);
}

TEST_F(Scan, OtherModelsAndTextsShareNoCells) {
  ScanOptions alone = options();
  alone.one_off = false;
  trial()->scan(text(), alone);
  plant_outlier(folder_ / "model", "lm_head", 1);
  EXPECT_EQ(trial()->scan(text(), alone).reused_cells, 0);
}

TEST_F(Scan, HearsOfEveryEntryAndCountsTheWholeWork) {
  ScanOptions heard = options();
  std::vector<std::string> names;
  heard.on_entry = [&](const ScanEntry& entry) { names.push_back(entry.name); };
  double last = 0;
  double all = 0;
  const ScanResult result =
      trial()->scan(text(), heard, [&](const std::string& stage, double done, double total) {
        if (stage == "reading the weights") return true;
        EXPECT_GE(done, last) << stage;
        last = done;
        all = total;
        return true;
      });
  EXPECT_EQ(last, all);
  EXPECT_EQ(names.size(), result.entries.size());
  EXPECT_EQ(names.front(), "self_attn");
}

TEST_F(Scan, NothingTransformedIsNothingToScan) {
  EXPECT_THROW(trial()->scan(text("layer_name_to_config:\n  default: null\n"), options()), Error);
}

}  // namespace
}  // namespace engine
