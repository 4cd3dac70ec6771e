// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_panel.h"

#include "engine/error.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"
#include "widgets/models/comparison_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/comparison_details.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/custom_plot.h"
#include "widgets/plots/difference_plot.h"

#include <QCoreApplication>
#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QToolButton>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace {

using tests::SampleRun;
using tests::ScratchFolder;
using widgets::ComparePanel;

widgets::ComparisonViewPtr study(const ScratchFolder& folder, bool for_charts) {
  std::vector<widgets::ComparableRunPtr> runs;
  std::vector<int> colors;
  for (const int seed : {1, 2, 3}) {
    for (const bool is_optical : {false, true}) {
      SampleRun run{.seed = seed, .loss = tests::sample_loss(seed, is_optical ? 0.2 : 0)};
      if (is_optical)
        run.transform =
            "layer_name_to_config:\n  'model\\.layers\\.\\d+\\.mlp\\..*': {q_levels: 16}\n"
            "  default: null\n";
      const auto path = folder / fmt::format("{}-{}", is_optical ? "optical" : "plain", seed);
      tests::write_sample_run(path, run);
      runs.push_back(std::make_shared<engine::ComparableRun>(engine::load_run(path)));
      colors.push_back(static_cast<int>(colors.size()));
    }
  }
  engine::ComparisonOptions options;
  options.metrics = {"loss", "eval_loss"};
  return widgets::make_comparison_view(std::move(runs), colors, options, for_charts);
}

TEST(ComparePanel, ShowsCurvesVerdictAndWhatDiffers) {
  const ScratchFolder folder;
  widgets::Selection selection;
  ComparePanel panel(&selection);
  panel.resize(900, 700);
  panel.show();
  panel.setTable(study(folder, false), {"loss", "eval_loss"});
  panel.setCharts(study(folder, true));
  QCoreApplication::processEvents();
  EXPECT_EQ(panel.model()->rowCount(), 6);
  EXPECT_GT(panel.curves()->drawnPoints(), 2 * 50) << "the mean of each group";
  EXPECT_LT(panel.curves()->drawnPoints(), 6 * 50);
  EXPECT_EQ(panel.differences()->plot()->graphCount(), 3) << "the mean and both ends of its band";
  panel.findChild<QToolButton*>(QStringLiteral("compare.grouped"))->setChecked(false);
  QCoreApplication::processEvents();
  EXPECT_GT(panel.curves()->drawnPoints(), 6 * 50);
  EXPECT_EQ(panel.differences()->plot()->graphCount(), 5);
  const auto* verdict = panel.findChild<QLabel*>(QStringLiteral("compare.verdict"));
  ASSERT_NE(verdict, nullptr);
  EXPECT_TRUE(verdict->text().contains(QStringLiteral("paired t over 3 shared seeds")))
      << verdict->text().toStdString();

  auto* details = panel.details();
  ASSERT_GE(details->topLevelItemCount(), 1);
  QTreeWidgetItem* change = nullptr;
  for (int i = 0; i < details->topLevelItem(0)->childCount(); ++i) {
    if (details->topLevelItem(0)->child(i)->text(0).startsWith(QStringLiteral("all 6 mlp.*_proj")))
      change = details->topLevelItem(0)->child(i);
  }
  ASSERT_NE(change, nullptr);
  details->setCurrentItem(change);
  EXPECT_EQ(selection.layers().size(), 6) << "the layers light up everywhere";
}

TEST(ComparePanel, ZoomIsLinked) {
  const ScratchFolder folder;
  widgets::Selection selection;
  ComparePanel panel(&selection);
  panel.resize(900, 700);
  panel.show();
  panel.setTable(study(folder, false), {"loss", "eval_loss"});
  panel.setCharts(study(folder, true));
  QCoreApplication::processEvents();
  panel.differences()->plot()->xAxis->setRange(20, 40);
  EXPECT_EQ(panel.curves()->plot()->xAxis->range().lower, 20);
  panel.curves()->plot()->xAxis->setRange(10, 60);
  EXPECT_EQ(panel.differences()->plot()->xAxis->range().upper, 60);
  EXPECT_FALSE(panel.curves()->isFollowing());
}

TEST(ComparePanel, WithoutRunsItSaysWhatToDo) {
  widgets::Selection selection;
  ComparePanel panel(&selection);
  QSignalSpy spy(&panel, &ComparePanel::addRequested);
  panel.show();
  panel.setCharts(nullptr);
  const auto* verdict = panel.findChild<QLabel*>(QStringLiteral("compare.verdict"));
  EXPECT_EQ(verdict->text(), QStringLiteral("Tick two or more runs in the table."));
  EXPECT_TRUE(panel.options().metrics.empty());
}

}  // namespace
