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

}  // namespace
