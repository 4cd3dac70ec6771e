// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/transform_trial.h"

#include "engine/error.h"
#include "engine/statistics/paired_difference.h"
#include "engine/training/evaluate.h"
#include "tests/support/tiny_subject.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace engine {
namespace {

constexpr const char* kAllLayers = R"(layer_name_to_config:
  default: {paradigm: optical_transformer, q_levels: 16}
)";
constexpr const char* kNone = "layer_name_to_config:\n  default: null\n";
constexpr const char* kHead = R"(layer_name_to_config:
  lm_head: {paradigm: optical_transformer, q_levels: 4}
  default: null
)";

class Trial : public tests::TinySubject {
 protected:
  Trial() : TinySubject(3000, 2000) {}

  TrialConfig config() const {
    TrialConfig config;
    config.eval = eval_config();
    config.batches = 4;
    config.batch_size = 2;
    return config;
  }
  std::unique_ptr<TransformTrial> trial() const { return open_trial(config(), {}); }
  static TransformText text(const std::string& rules) { return {rules, "edited.yaml"}; }
};

TEST_F(Trial, WhatLeavesEveryLayerAloneDiffersByExactlyNothing) {
  const TrialResult result = trial()->try_transform(text(kNone), {});
  EXPECT_EQ(result.difference.value, 0);
  EXPECT_EQ(result.difference.low, 0);
  EXPECT_EQ(result.difference.high, 0);
  EXPECT_EQ(result.transformed_loss, result.plain_loss);
  EXPECT_TRUE(result.layers.empty());
  ASSERT_FALSE(result.tokens.empty());
  for (const auto& token : result.tokens) EXPECT_NEAR(token.plain, token.transformed, 1e-15);
}

TEST_F(Trial, ASimulatedLayerThatComputesExactlyHasNoError) {
  // Without probabilities no bit is flipped.
  const TrialResult result = trial()->try_transform(
      text("layer_name_to_config:\n  default: {paradigm: random_bitflip}\n"), {});
  EXPECT_EQ(result.difference.value, 0);
  ASSERT_FALSE(result.layers.empty());
  for (const auto& layer : result.layers) EXPECT_TRUE(std::isinf(layer.sqnr_db)) << layer.layer;
}

TEST_F(Trial, LossesAreThoseOfEval) {
  TryOptions options;
  options.noise_draws = 1;
  const TrialResult result = trial()->try_transform(text(kAllLayers), options);
  EvalConfig eval = config().eval;
  eval.per_device_eval_batch_size = 2;
  eval.max_eval_samples = 8;
  eval.transform_config = folder_.write("edited.yaml", kAllLayers).string();
  EXPECT_NEAR(result.transformed_loss, evaluate(eval, {}).eval_loss, 1e-6);
  eval.transform_config = "none";
  EXPECT_NEAR(result.plain_loss, evaluate(eval, {}).eval_loss, 1e-6);
}

TEST_F(Trial, IsDeterministicAndChangesNoWeight) {
  const auto session = trial();
  const TrialResult first = session->try_transform(text(kAllLayers), {});
  const TrialResult other = session->try_transform(text(kHead), {});
  const TrialResult again = session->try_transform(text(kAllLayers), {});
  EXPECT_EQ(first.difference.value, again.difference.value);
  EXPECT_EQ(first.difference.low, again.difference.low);
  EXPECT_EQ(first.plain_loss, other.plain_loss);
  EXPECT_EQ(first.tokens[0].transformed, again.tokens[0].transformed);
  const TrialResult fresh = trial()->try_transform(text(kAllLayers), {});
  EXPECT_EQ(first.difference.value, fresh.difference.value);
  EXPECT_EQ(first.layers[3].sqnr_db, fresh.layers[3].sqnr_db);
}

TEST_F(Trial, ThePlainModelIsMeasuredOnceForAllEdits) {
  const auto session = trial();
  const auto blocks_of = [&](const std::string& rules) {
    double last = 0;
    double all = 0;
    session->try_transform(text(rules), {}, [&](const std::string&, double done, double total) {
      EXPECT_GE(done, last);
      last = done;
      all = total;
      return true;
    });
    EXPECT_EQ(last, all);
    return all;
  };
  // 4 batches of 2 under three draws, 2 batches to calibrate on, and once the plain model.
  EXPECT_EQ(blocks_of(kAllLayers), 3 * 8 + 4 + 8);
  EXPECT_EQ(blocks_of(kHead), 3 * 8 + 4);
}

TEST_F(Trial, SaysWhatItHasWhileItMeasures) {
  TryOptions options;
  std::vector<TrialResult> heard;
  options.on_result = [&](const TrialResult& result) { heard.push_back(result); };
  const TrialResult result = trial()->try_transform(text(kAllLayers), options);
  EXPECT_TRUE(result.is_complete);
  // After the batches 2 and 3 of the first draw, then after the first and the second draw.
  ASSERT_EQ(heard.size(), 4u);
  for (std::size_t i = 0; i < heard.size(); ++i) {
    EXPECT_FALSE(heard[i].is_complete);
    EXPECT_EQ(heard[i].facts.batches, i == 0 ? 2 : i == 1 ? 3 : 4);
    EXPECT_EQ(heard[i].facts.noise_draws, i < 3 ? 1 : 2);
    EXPECT_LT(heard[i].difference.low, heard[i].difference.value);
    EXPECT_EQ(heard[i].layers.size(), 17u);
    EXPECT_EQ(heard[i].tokens.empty(), i < 2);
  }
  // What is said early is what fewer batches say.
  TrialConfig brief = config();
  brief.batches = 2;
  TryOptions one;
  one.noise_draws = 1;
  const TrialResult first = open_trial(brief, {})->try_transform(text(kAllLayers), one);
  EXPECT_EQ(heard[0].difference.value, first.difference.value);
  EXPECT_EQ(heard[0].difference.high, first.difference.high);
  EXPECT_EQ(heard[0].layers[3].sqnr_db, first.layers[3].sqnr_db);
}

TEST_F(Trial, WhatIsHalfDoneIsNotMeasuredAgain) {
  const auto session = trial();
  TryOptions options;
  options.on_result = [](const TrialResult&) { fail("cancelled", {}, "enough"); };
  EXPECT_THROW(session->try_transform(text(kAllLayers), options), Error);
  double all = 0;
  const TrialResult result =
      session->try_transform(text(kAllLayers), {}, [&](const std::string&, double, double total) {
        all = total;
        return true;
      });
  EXPECT_EQ(all, 3 * 8 + 4 + 4) << "the plain model knew two batches";
  EXPECT_EQ(result.difference.value, trial()->try_transform(text(kAllLayers), {}).difference.value);
}

TEST_F(Trial, LoadingIsFollowedAndCanBeEnded) {
  std::vector<double> done;
  open_trial(config(), [&](const std::string& stage, double now, double total) {
    if (stage == "loading the model") {
      EXPECT_LT(now, total);
      done.push_back(now);
    }
    return true;
  });
  ASSERT_GT(done.size(), 10u) << "asked before every tensor";
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  int asked = 0;
  try {
    open_trial(config(), [&](const std::string&, double, double) { return ++asked < 5; });
    ADD_FAILURE() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.problems().front().id, "cancelled");
  }
  EXPECT_EQ(asked, 5);
}

TEST_F(Trial, ATextThatTheModelHasNotLearntIsSaid) {
  const TrialResult result = trial()->try_transform(text(kHead), {});  // its weights are random
  const bool is_said = std::any_of(
      result.notes.begin(), result.notes.end(),
      [](const std::string& note) { return note.find("no better than guessing") != note.npos; });
  EXPECT_EQ(is_said, result.plain_loss >= std::log(257.0));
  EXPECT_GT(result.plain_loss, 5);
}

TEST_F(Trial, ErrorArisesWhereLayersAreCoarse) {
  const auto session = trial();
  const TrialResult result = session->try_transform(
      text("layer_name_to_config:\n  model\\.layers\\.0\\.mlp\\.up_proj: {q_levels: 4}\n"
           "  default: {q_levels: 256}\n"),
      {});
  double coarse = 0;
  double worst_fine = std::numeric_limits<double>::infinity();
  for (const auto& layer : result.layers) {
    if (layer.layer == "model.layers.0.mlp.up_proj") {
      coarse = layer.sqnr_db;
    } else {
      worst_fine = std::min(worst_fine, layer.sqnr_db);
    }
  }
  EXPECT_LT(coarse + 10, worst_fine);
  ASSERT_EQ(result.layers.size(), 17u);
  EXPECT_EQ(result.layers[0].layer, "model.layers.0.self_attn");
  EXPECT_EQ(result.layers[1].layer, "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(result.layers[16].layer, "lm_head");
}

TEST_F(Trial, SeveralDrawsOfTheNoiseDiffer) {
  TryOptions one;
  one.noise_draws = 1;
  TryOptions three;
  three.noise_draws = 3;
  const auto session = trial();
  const std::string noisy = R"(layer_name_to_config:
  default: {paradigm: optical_transformer, q_levels: 16}
)";
  EXPECT_NE(session->try_transform(text(noisy), one).transformed_loss,
            session->try_transform(text(noisy), three).transformed_loss);
}

TEST_F(Trial, TokensAreTheLikeliestOfEitherModel) {
  TryOptions options;
  options.prompt = "the sun";
  options.top_tokens = 3;
  const TrialResult result = trial()->try_transform(text(kHead), options);
  EXPECT_EQ(result.prompt, "the sun");
  ASSERT_GE(result.tokens.size(), 3u);
  ASSERT_LE(result.tokens.size(), 6u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(result.tokens[i].plain_rank, int(i) + 1);
  int likely_after = 0;
  for (const auto& token : result.tokens) likely_after += token.transformed_rank <= 3 ? 1 : 0;
  EXPECT_EQ(likely_after, 3);
}

TEST_F(Trial, CancelsWithinALayerAndGoesOnAfterwards) {
  const auto session = trial();
  // Wherever it is asked, it ends; nothing half measured is kept.
  for (const int at : {1, 5, 60, 200}) {
    int asked = 0;
    EXPECT_THROW(
        session->try_transform(text(kAllLayers), {},
                               [&](const std::string&, double, double) { return ++asked < at; }),
        Error);
    EXPECT_EQ(asked, at);
  }
  const TrialResult result = session->try_transform(text(kAllLayers), {});
  EXPECT_EQ(result.difference.value, trial()->try_transform(text(kAllLayers), {}).difference.value);
}

TEST_F(Trial, IsAskedBetweenAllLayers) {
  int asked = 0;
  trial()->try_transform(text(kAllLayers), {}, [&](const std::string&, double, double) {
    ++asked;
    return true;
  });
  // 4 batches plain and 3 × 4 transformed, at least the 17 layers of each but the plain head.
  EXPECT_GE(asked, 16 * 16);
}

TEST_F(Trial, AShortTextIsDividedForBoth) {
  TrialConfig brief = config();
  brief.eval.train_file.reset();
  brief.eval.validation_file = folder_.write("brief.txt", tests::tiny_text(16 * 13)).string();
  brief.batch_size = 8;
  const TrialResult result = open_trial(brief, {})->try_transform(text(kAllLayers), {});
  EXPECT_GE(result.facts.batches, 2);
  EXPECT_GE(result.facts.calibrated_blocks, 1);
  EXPECT_FALSE(std::isnan(result.difference.low));
  EXPECT_NE(result.facts.calibrated_on.find("head"), std::string::npos);
}

TEST_F(Trial, TheTransformOfTheConfigurationIsTriedWithoutAText) {
  TrialConfig named = config();
  named.eval.transform_config = folder_.write("named.yaml", kHead).string();
  const auto session = open_trial(named, {});
  EXPECT_EQ(session->try_transform(std::nullopt, {}).difference.value,
            session->try_transform(text(kHead), {}).difference.value);
}

TEST_F(Trial, BadInputIsAProblemWithItsPlace) {
  const auto session = trial();
  const auto problem_of = [&](const std::optional<TransformText>& transform) {
    try {
      session->try_transform(transform, {});
    } catch (const Error& error) {
      return error.problems().front();
    }
    return Problem{};
  };
  EXPECT_EQ(problem_of(std::nullopt).id, "nothing-to-try");
  EXPECT_EQ(problem_of(text("layer_name_to_config: {a: [")).place.file, "edited.yaml");
  EXPECT_EQ(problem_of(text("layer_name_to_config:\n  default: {q_levels: 1}\n")).place.line, 2);
  EXPECT_EQ(problem_of(text("layer_name_to_config:\n  lm_head: {q_levels: 4}\n")).id,
            "unmatched-layer");
  TrialConfig absent = config();
  absent.eval.model_name_or_path = (folder_ / "absent").string();
  EXPECT_THROW(open_trial(absent, {}), Error);
}

}  // namespace
}  // namespace engine
