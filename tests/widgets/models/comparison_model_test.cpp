// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/comparison_model.h"

#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace {

using tests::SampleRun;
using tests::ScratchFolder;
using widgets::ComparisonFilter;
using widgets::ComparisonModel;

constexpr int kLevels[] = {256, 16, 64};

widgets::ComparisonViewPtr sample_view(const ScratchFolder& folder, std::size_t baseline = 0) {
  std::vector<widgets::ComparableRunPtr> runs;
  for (const int levels : kLevels) {
    SampleRun run{.steps = 20, .eval_steps = 10};
    run.transform = fmt::format("layer_name_to_config:\n  default: {{q_levels: {}}}\n", levels);
    run.loss = tests::sample_loss(1, 1.0 / levels, 0);
    const auto path = folder / fmt::format("run-{}", levels);
    tests::write_sample_run(path, run);
    runs.push_back(std::make_shared<engine::ComparableRun>(engine::load_run(path)));
  }
  engine::ComparisonOptions options;
  options.baseline = baseline;
  return widgets::make_comparison_view(std::move(runs), {0, 1, 2}, options, true);
}

QString cell(const QAbstractItemModel& model, int row, int column) {
  return model.index(row, column).data().toString();
}

int column_of(const QAbstractItemModel& model, const QString& header) {
  for (int i = 0; i < model.columnCount(); ++i) {
    if (model.headerData(i, Qt::Horizontal).toString() == header) return i;
  }
  return -1;
}

TEST(ComparisonModel, ShowsSettingsThatDifferStatisticsAndDifferences) {
  const ScratchFolder folder;
  ComparisonModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  const auto view = sample_view(folder);
  model.setView(view);
  ASSERT_EQ(model.rowCount(), 3);
  const int levels = column_of(model, QStringLiteral("q_levels"));
  const int loss = column_of(model, QStringLiteral("loss"));
  const int delta = column_of(model, QStringLiteral("Δ loss"));
  ASSERT_GE(levels, 0);
  ASSERT_GE(loss, 0);
  ASSERT_GE(delta, 0);
  EXPECT_EQ(column_of(model, QStringLiteral("learning_rate")), -1) << "equal in all";
  EXPECT_EQ(cell(model, 1, levels), QStringLiteral("16"));
  const double value = view->runs[1]->metrics.find("loss")->value.back();
  EXPECT_EQ(cell(model, 1, loss), QString::number(value, 'f', 4));
  EXPECT_EQ(cell(model, 0, delta), QString()) << "the baseline itself";
  EXPECT_TRUE(cell(model, 1, delta).startsWith(QStringLiteral("▲ +"))) << "never colour alone";
  model.setView(sample_view(folder, 1));
  EXPECT_TRUE(cell(model, 1, 0).contains(QStringLiteral("baseline")));
}

TEST(ComparisonModel, TicksSayWhatIsShown) {
  const ScratchFolder folder;
  ComparisonModel model;
  model.setView(sample_view(folder));
  QSignalSpy spy(&model, &ComparisonModel::shownChanged);
  EXPECT_TRUE(model.setData(model.index(2, 0), Qt::Checked, Qt::CheckStateRole));
  EXPECT_EQ(spy.count(), 1);
  EXPECT_TRUE(model.isShown(2));
  model.setView(sample_view(folder));
  EXPECT_TRUE(model.isShown(2)) << "a live update keeps it";
}

TEST(ComparisonFilter, SortsByValueAndHeedsExpressions) {
  const ScratchFolder folder;
  ComparisonModel model;
  ComparisonFilter filter;
  filter.setSourceModel(&model);
  QAbstractItemModelTester tester(&filter, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setView(sample_view(folder, 2));
  const int levels = column_of(model, QStringLiteral("q_levels"));
  const auto order = [&] {
    QStringList cells;
    for (int row = 0; row < filter.rowCount(); ++row) cells << cell(filter, row, levels);
    return cells.join(QLatin1Char(' ')).toStdString();
  };
  filter.sort(levels, Qt::AscendingOrder);
  EXPECT_EQ(order(), "64 16 256") << "the baseline, then as numbers, not as text";
  filter.sort(levels, Qt::DescendingOrder);
  EXPECT_EQ(order(), "64 256 16");
  filter.sort(levels, Qt::AscendingOrder);
  model.setPinned(0, true);
  EXPECT_EQ(order(), "64 256 16") << "pinned before the others";
  model.setPinned(0, false);
  filter.setText(QStringLiteral("q_levels<100 run"));
  EXPECT_EQ(filter.rowCount(), 2);
  filter.setText(QStringLiteral("q_levels=16"));
  EXPECT_EQ(filter.rowCount(), 1);
  filter.setText(QStringLiteral("run-256"));
  EXPECT_EQ(filter.rowCount(), 1);
  filter.setText(QStringLiteral("no_such=1"));
  EXPECT_EQ(filter.rowCount(), 0);
  filter.setText(QString());
  EXPECT_EQ(filter.rowCount(), 3);
}

}  // namespace
