// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/comparison_model.h"

#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"
#include "widgets/models/comparison_filter.h"
#include "widgets/models/run_notes.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace {

using tests::SampleRun;
using tests::ScratchFolder;
using widgets::ComparisonFilter;
using widgets::ComparisonModel;
using widgets::RunNotes;

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
  return widgets::make_table_view(std::move(runs), options);
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
  const auto notes = std::make_shared<RunNotes>();
  ComparisonModel model(notes);
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
  const auto notes = std::make_shared<RunNotes>();
  ComparisonModel model(notes);
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
  const auto notes = std::make_shared<RunNotes>();
  ComparisonModel model(notes);
  ComparisonFilter filter(&model);
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
  notes->set(model.keyOf(0), {.tags = {}, .text = {}, .pinned = true});
  EXPECT_EQ(order(), "64 256 16") << "pinned before the others";
  notes->set(model.keyOf(0), {});
  filter.setText(QStringLiteral("q_levels<100 run"));
  EXPECT_EQ(filter.rowCount(), 2);
  filter.setText(QStringLiteral("q_levels=16"));
  EXPECT_EQ(filter.rowCount(), 1);
  filter.setText(QStringLiteral("run-256"));
  EXPECT_EQ(filter.rowCount(), 1);
  filter.setText(QStringLiteral("no_such=1"));
  EXPECT_EQ(filter.rowCount(), 0);
  EXPECT_EQ(filter.problem(), QStringLiteral("no run has no_such"));
  filter.setText(QStringLiteral("loss < 2.1 * 2 - 1.5"));
  EXPECT_EQ(filter.rowCount(), 3) << filter.problem().toStdString();
  const double least = model.view()->comparison.runs[0].cells.back().value->value;
  filter.setText(QStringLiteral("loss <= %1").arg(least, 0, 'g', 17));
  EXPECT_EQ(filter.rowCount(), 1) << "the finest levels lose least";
  EXPECT_EQ(filter.found(), 1);
  filter.setText(QStringLiteral("learning_rate = 0.001 loss > %1").arg(least, 0, 'g', 17));
  EXPECT_EQ(filter.rowCount(), 2) << "a parameter that is equal in all has no column";
  filter.setText(QStringLiteral("state = finished"));
  EXPECT_EQ(filter.rowCount(), 3);
  filter.setText(QStringLiteral("loss < ("));
  EXPECT_EQ(filter.rowCount(), 0);
  EXPECT_FALSE(filter.problem().isEmpty());
  notes->set(model.keyOf(1), {.tags = {QStringLiteral("paper"), QStringLiteral("60M")},
                              .text = QStringLiteral("look at the head"),
                              .pinned = false});
  for (const char* text : {"tags=paper", "tags = 60m", "head", "paper look"}) {
    filter.setText(QString::fromLatin1(text));
    EXPECT_EQ(filter.rowCount(), 1) << text;
  }
  filter.setText(QStringLiteral("tags!=paper"));
  EXPECT_EQ(filter.rowCount(), 2);
  filter.setText(QString());
  EXPECT_EQ(filter.rowCount(), 3);
}

TEST(ComparisonModel, GroupsRunsUnderRowsWithTheirMeans) {
  const ScratchFolder folder;
  std::vector<widgets::ComparableRunPtr> runs;
  for (const int levels : {256, 16}) {
    for (const int seed : {1, 2, 3}) {
      SampleRun run{.seed = seed, .steps = 20, .eval_steps = 10};
      run.transform = fmt::format("layer_name_to_config:\n  default: {{q_levels: {}}}\n", levels);
      run.loss = [=](std::int64_t) { return seed + (levels == 16 ? 10.0 : 0.0); };
      const auto path = folder / fmt::format("run-{}-{}", levels, seed);
      tests::write_sample_run(path, run);
      runs.push_back(std::make_shared<engine::ComparableRun>(engine::load_run(path)));
    }
  }
  engine::ComparisonOptions options;
  options.metrics = {"loss"};
  const auto view = widgets::make_table_view(std::move(runs), options);
  const auto notes = std::make_shared<RunNotes>();
  ComparisonModel model(notes);
  ComparisonFilter filter(&model);
  QAbstractItemModelTester source_tester(&model,
                                         QAbstractItemModelTester::FailureReportingMode::Fatal);
  QAbstractItemModelTester tester(&filter, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setView(view);
  model.setGrouping(QStringLiteral("seeds"));
  ASSERT_EQ(filter.rowCount(), 2);
  const int loss = column_of(model, QStringLiteral("loss"));
  const int levels = column_of(model, QStringLiteral("q_levels"));
  EXPECT_EQ(cell(model, 1, loss), QStringLiteral("12.0000 ± 1.0000"));
  EXPECT_EQ(cell(model, 1, levels), QStringLiteral("16")) << "what all of them share";
  EXPECT_EQ(cell(model, 1, column_of(model, QStringLiteral("seed"))), QString());
  const QModelIndex group = model.index(1, 0);
  ASSERT_EQ(model.rowCount(group), 3);
  EXPECT_EQ(model.runAt(model.index(2, 0, group)), 5);
  EXPECT_EQ(model.indexOfRun(5), model.index(2, 0, group));

  EXPECT_TRUE(model.setData(model.index(0, 0, group), Qt::Checked, Qt::CheckStateRole));
  EXPECT_EQ(group.data(Qt::CheckStateRole).toInt(), Qt::PartiallyChecked);
  EXPECT_TRUE(model.setData(group, Qt::Checked, Qt::CheckStateRole));
  EXPECT_EQ(model.shownRuns().size(), 3u) << "the tick of a group is that of all its runs";

  filter.setText(QStringLiteral("loss>11.5"));
  ASSERT_EQ(filter.rowCount(), 1) << "a group is there when any of its runs is";
  EXPECT_EQ(filter.rowCount(filter.index(0, 0)), 2);
  filter.setText(QString());
  filter.sort(loss, Qt::DescendingOrder);
  EXPECT_EQ(filter.index(0, loss).data().toString(), QStringLiteral("2.0000 ± 1.0000"))
      << "the baseline's group stays first";

  model.setGrouping(QStringLiteral("tags"));
  EXPECT_EQ(model.rowCount(), 1);
  notes->set(model.keyOf(3), {.tags = {QStringLiteral("good")}, .text = {}, .pinned = false});
  EXPECT_EQ(model.rowCount(), 2) << "a new tag makes a new group";
  model.setGrouping(QStringLiteral("q_levels"));
  EXPECT_EQ(model.rowCount(), 2);
  model.setGrouping(QString());
  EXPECT_EQ(model.rowCount(), 6);
}

TEST(ComparisonModel, ARunThatEndsChangesItsGroup) {
  const ScratchFolder folder;
  const auto view = sample_view(folder);
  const auto with_state = [&](engine::RunState state) {
    std::vector<widgets::ComparableRunPtr> runs = view->runs;
    auto next = std::make_shared<engine::ComparableRun>(*runs[2]);
    next->observed.state = state;
    runs[2] = next;
    return widgets::make_table_view(runs, {});
  };
  const auto notes = std::make_shared<RunNotes>();
  ComparisonModel model(notes);
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setView(with_state(engine::RunState::running));
  model.setGrouping(QStringLiteral("state"));
  EXPECT_EQ(model.rowCount(), 2);
  QSignalSpy resets(&model, &ComparisonModel::modelReset);
  model.setView(with_state(engine::RunState::running));
  EXPECT_EQ(resets.count(), 0) << "a live update that moves no run";
  model.setView(with_state(engine::RunState::finished));
  EXPECT_EQ(model.rowCount(), 1);
}

TEST(ComparisonModel, TagsAndNotesAreWrittenInTheTable) {
  const ScratchFolder folder;
  const auto notes = std::make_shared<RunNotes>();
  ComparisonModel model(notes);
  model.setView(sample_view(folder));
  EXPECT_FALSE(model.isUsed(widgets::RunField::tags));
  const QModelIndex tags = model.index(1, model.columnOf(widgets::RunField::tags));
  EXPECT_TRUE(tags.flags().testFlag(Qt::ItemIsEditable));
  EXPECT_FALSE(model.index(1, 0).flags().testFlag(Qt::ItemIsEditable));
  EXPECT_TRUE(model.setData(tags, QStringLiteral(" paper ,60M,, paper"), Qt::EditRole));
  EXPECT_EQ(tags.data().toString(), QStringLiteral("paper, 60M"));
  EXPECT_EQ(notes->of(model.keyOf(1)).tags.size(), 2);
  EXPECT_TRUE(notes->of(model.keyOf(0)).tags.isEmpty());
  EXPECT_TRUE(model.isUsed(widgets::RunField::tags));
}

}  // namespace
