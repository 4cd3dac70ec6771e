// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/histogram_data.h"

#include "tests/widgets/sample_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace {

using widgets::HistogramData;

std::string text(const HistogramData& data) {
  std::string lines;
  for (const auto& bar : data.bars) {
    lines += bar.label.toStdString() + ": " + std::to_string(bar.attentions) + " + " +
             std::to_string(bar.linears);
    if (bar.planned) lines += " of " + std::to_string(*bar.planned);
    lines += "\n";
  }
  return lines;
}

TEST(PlannedHistogram, BarsStandInRuleOrderAndTheUntransformedLast) {
  const auto data = widgets::planned_histogram(*tests::sample_view());
  EXPECT_EQ(text(data),
            "model\\.layers\\.[0-9]+\\.self_attn: 4 + 0\n"
            "model\\.layers\\.[0-9]+\\.self_attn\\.(q|k)_proj: 0 + 8\n"
            "model\\.layers\\.[0-9]+\\.self_attn\\.k_proj: 0 + 0\n"
            "default: 0 + 20\n"
            "untransformed: 0 + 1\n");
  EXPECT_EQ(data.total(), 33);
  double shares = 0;
  for (const auto& bar : data.bars) shares += bar.parameter_share.value_or(0);
  EXPECT_NEAR(shares, 1.0, 1e-12);
}

TEST(PlannedHistogram, LengthsMeasureLayersParametersOrFlops) {
  using Weight = widgets::HistogramWeight;
  const auto view = tests::sample_view();
  const auto data = widgets::planned_histogram(*view);
  const auto& attention = data.bars[0];
  EXPECT_EQ(attention.size(Weight::layers), 4);
  EXPECT_EQ(attention.size(Weight::parameters), 0) << "its two matmuls have none";
  EXPECT_GT(attention.size(Weight::flops), 0);
  double flops = 0;
  for (const auto& bar : data.bars) flops += bar.flop_share.value_or(0);
  EXPECT_NEAR(flops, 1.0, 1e-12);
}

TEST(PlannedHistogram, WhatIsSavedStandsBehindWhatDiffers) {
  auto data = widgets::planned_histogram(*tests::sample_view());
  const auto same = data;
  widgets::add_ghosts(data, same, QStringLiteral("as saved"), QStringLiteral("gone"));
  EXPECT_TRUE(data.ghosts.empty()) << "nothing differs";
  const auto saved = widgets::planned_histogram(*tests::sample_view(
      "layer_name_to_config:\n  lm_head: {q_levels: 32}\n  default: {q_levels: 128}\n"));
  widgets::add_ghosts(data, saved, QStringLiteral("as saved"), QStringLiteral("gone"));
  const auto& fallback = data.bars[3];
  ASSERT_NE(data.ghost_of(fallback), nullptr);
  EXPECT_EQ(data.ghost_of(fallback)->count, 32);
  const auto gone = std::find_if(data.bars.begin(), data.bars.end(), [](const auto& bar) {
    return bar.label == QStringLiteral("lm_head");
  });
  ASSERT_NE(gone, data.bars.end()) << "a rule that is no longer in the file";
  EXPECT_EQ(gone->count(), 0);
  EXPECT_EQ(data.ghost_of(*gone)->count, 1);
  EXPECT_TRUE(data.bars.back().untransformed);
}

class AppliedHistogram : public testing::Test {
 protected:
  AppliedHistogram() {
    run_.name = QStringLiteral("run-a");
    run_.plan = tests::sample_view();
  }
  void apply(int count) {
    for (const auto* one : run_.plan->plan.replacements()) {
      if (count-- == 0) return;
      run_.transformed.push_back({one->layer, engine::to_string(one->kind),
                                  run_.plan->rule(one->rule)->pattern, one->paradigm});
    }
  }
  widgets::RunRecord run_;
};

TEST_F(AppliedHistogram, FillsWhileThePassRuns) {
  apply(6);
  const auto data = widgets::applied_histogram(run_);
  EXPECT_EQ(text(data),
            "model\\.layers\\.[0-9]+\\.self_attn: 4 + 0 of 4\n"
            "model\\.layers\\.[0-9]+\\.self_attn\\.(q|k)_proj: 0 + 2 of 8\n"
            "model\\.layers\\.[0-9]+\\.self_attn\\.k_proj: 0 + 0 of 0\n"
            "default: 0 + 0 of 20\n"
            "untransformed: 0 + 27\n");
  EXPECT_EQ(data.note, QStringLiteral("6 of 32 layers so far"));
}

TEST_F(AppliedHistogram, SaysWhenAllIsAsPlanned) {
  apply(1000);
  run_.transform_complete = true;
  const auto data = widgets::applied_histogram(run_);
  EXPECT_EQ(data.note, QStringLiteral("as planned"));
  EXPECT_FALSE(data.note_is_error);
}

TEST_F(AppliedHistogram, ADifferenceFromThePlanIsAnError) {
  apply(1000);
  run_.transformed.pop_back();
  run_.transform_complete = true;
  const auto data = widgets::applied_histogram(run_);
  EXPECT_TRUE(data.note_is_error);
}

TEST_F(AppliedHistogram, WithoutAPlanTheEventsSpeakForThemselves) {
  apply(6);
  run_.plan = nullptr;
  EXPECT_EQ(text(widgets::applied_histogram(run_)),
            "model\\.layers\\.[0-9]+\\.self_attn: 4 + 0\n"
            "model\\.layers\\.[0-9]+\\.self_attn\\.(q|k)_proj: 0 + 2\n");
}

TEST_F(AppliedHistogram, ShowsWhatEachRulesLayersMeasuredLast) {
  apply(6);
  engine::LayerStats stats{.step = 10};
  double value = 10;
  for (const auto& one : run_.transformed) stats.values.push_back({one.layer, "sqnr_db", value++});
  stats.values.back().value = std::nan("");
  run_.layers.append(stats);
  const auto data = widgets::applied_histogram(run_, QStringLiteral("sqnr_db"));
  EXPECT_EQ(data.statistic, QStringLiteral("sqnr_db"));
  ASSERT_TRUE(data.bars[0].measured);
  EXPECT_EQ(data.bars[0].measured->least, 10);
  EXPECT_EQ(data.bars[0].measured->median, 11.5);
  EXPECT_EQ(data.bars[0].measured->largest, 13);
  EXPECT_EQ(data.bars[1].measured->largest, 14) << "the other one is not finite";
  EXPECT_FALSE(data.bars[3].measured);
}

}  // namespace
