// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/histogram_panel.h"

#include "tests/widgets/editing.h"
#include "widgets/plots/histogram_plot.h"

#include <QComboBox>

#include <gtest/gtest.h>

namespace {

using widgets::HistogramPanel;

TEST(HistogramPanel, OutlinesAreOfTheSavedFileOrOfTheSelectedRun) {
  tests::Editing editing;
  widgets::RunStore runs;
  HistogramPanel panel(&editing.selection, &runs);
  panel.setSavedView(editing.view);
  editing.onView([&](widgets::PlanViewPtr view) { panel.setView(std::move(view)); });
  panel.show();
  EXPECT_TRUE(panel.plot()->data().ghosts.empty()) << "as saved";
  editing.editor.remove({1});
  EXPECT_EQ(panel.plot()->data().ghost_caption, QStringLiteral("as saved"));

  auto* ghost = panel.findChild<QComboBox*>(QStringLiteral("histogram.ghost"));
  ghost->setCurrentIndex(1);
  EXPECT_TRUE(panel.plot()->data().ghosts.empty());
  EXPECT_EQ(panel.noteText(), QStringLiteral("Select a run to see the outlines of its transform."));
  runs.add(QStringLiteral("/runs/a"));
  runs.setPlan(QStringLiteral("/runs/a"),
               tests::sample_view("layer_name_to_config:\n  default: {q_levels: 16}\n"));
  editing.selection.setRun(QStringLiteral("/runs/a"));
  const auto& data = panel.plot()->data();
  EXPECT_EQ(data.ghost_caption, QStringLiteral("a"));
  ASSERT_FALSE(data.ghosts.empty());
  EXPECT_EQ(data.ghosts.front().label, QStringLiteral("default"));
  EXPECT_GT(data.ghosts.front().count, 0);
  ghost->setCurrentIndex(2);
  EXPECT_TRUE(panel.plot()->data().ghosts.empty());
  panel.showApplied();
  EXPECT_FALSE(ghost->isVisible()) << "what was applied is beside its own plan";
}

TEST(HistogramPanel, FillsWhileThePassRunsAndThenShowsAStatisticOfEachRule) {
  const QString folder = QStringLiteral("/runs/a");
  widgets::Selection selection;
  widgets::RunStore runs;
  HistogramPanel panel(&selection, &runs);
  panel.show();
  const auto tell = [&](engine::RunEvent event) {
    engine::RunUpdate update;
    update.state = engine::RunState::running;
    update.events.push_back(std::move(event));
    runs.apply(folder, update);
    runs.publish();
  };
  tell({1, engine::RunStarted{.max_steps = 10}});
  const auto view = tests::sample_view("layer_name_to_config:\n  default: {q_levels: 16}\n");
  runs.setPlan(folder, view);
  selection.setRun(folder);
  panel.showApplied();
  const auto count = [&panel] {
    const auto& bars = panel.plot()->data().bars;
    return bars.empty() || bars.front().untransformed ? 0 : bars.front().count();
  };
  std::vector<std::string> layers;
  for (const auto* assignment : view->plan.replacements()) layers.push_back(assignment->layer);
  ASSERT_GT(layers.size(), 2u);
  EXPECT_EQ(count(), 0);
  int done = 0;
  for (const auto& layer : layers) {
    const bool is_attention = layer.ends_with("self_attn");
    tell({2, engine::LayerTransformed{.layer = layer,
                                      .kind = is_attention ? "attention" : "linear",
                                      .pattern = "default",
                                      .paradigm = "optical_transformer"}});
    EXPECT_EQ(count(), ++done) << "a layer is seen when it is done";
    EXPECT_EQ(panel.noteText(),
              QStringLiteral("%1 of %2 layers so far").arg(done).arg(layers.size()));
  }
  tell({3, engine::TransformApplied{.layers = done, .patterns = 1}});
  EXPECT_EQ(panel.noteText(), QStringLiteral("as planned"));

  // Then what the layers of a rule measure.
  engine::LayerStats stats{.step = 5};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    stats.values.push_back({layers[i], "out_sqnr_db", 10.0 + static_cast<double>(i)});
  }
  tell({4, stats});
  auto* weight = panel.findChild<QComboBox*>(QStringLiteral("histogram.weight"));
  const int chosen = weight->findText(QStringLiteral("out_sqnr_db"));
  ASSERT_GE(chosen, 0);
  weight->setCurrentIndex(chosen);
  const auto& bar = panel.plot()->data().bars.front();
  ASSERT_TRUE(bar.measured.has_value());
  EXPECT_EQ(bar.measured->least, 10.0);
  EXPECT_EQ(bar.measured->largest, 9.0 + static_cast<double>(layers.size()));
}

}  // namespace
