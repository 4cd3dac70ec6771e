// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_panel.h"

#include "engine/error.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"
#include "widgets/models/comparison_model.h"
#include "widgets/models/layer_tree_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/compare_effects.h"
#include "widgets/panels/compare_table.h"
#include "widgets/panels/comparison_details.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/custom_plot.h"
#include "widgets/plots/difference_plot.h"
#include "widgets/plots/histogram_plot.h"

#include <QCoreApplication>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPainterPath>
#include <QPointer>
#include <QSignalSpy>
#include <QStyledItemDelegate>
#include <QTabWidget>
#include <QTest>
#include <QToolButton>
#include <QTreeView>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace {

using tests::SampleRun;
using tests::ScratchFolder;
using widgets::ComparePanel;

widgets::ComparisonViewPtr study(const ScratchFolder& folder, bool for_charts) {
  std::vector<widgets::ComparableRunPtr> runs;
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
    }
  }
  engine::ComparisonOptions options;
  options.metrics = {"loss", "eval_loss"};
  return for_charts ? widgets::make_chart_view(std::move(runs), options)
                    : widgets::make_table_view(std::move(runs), options);
}

/// PARADIGM_SCREENSHOTS=DIR keeps it.
void picture(QWidget& panel, const char* name) {
  const QString folder = qEnvironmentVariable("PARADIGM_SCREENSHOTS");
  if (folder.isEmpty()) return;
  QTest::qWait(100);
  panel.grab().save(QStringLiteral("%1/compare_%2.png").arg(folder, QLatin1String(name)));
}

/// Notes whether there are notes whenever a row is laid out, which asks for them.
class LayoutProbe : public QStyledItemDelegate {
 public:
  LayoutProbe(widgets::RunNotes* notes, int* laid_out, int* without_notes)
      : notes_(notes), laid_out_(laid_out), without_notes_(without_notes) {}
  QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
    ++*laid_out_;
    if (notes_.isNull()) ++*without_notes_;
    return {50, 20};
  }

 private:
  QPointer<widgets::RunNotes> notes_;
  int* laid_out_;
  int* without_notes_;
};

class ComparePanelTest : public testing::Test {
 protected:
  void show(int width, int height) {
    panel_.resize(width, height);
    panel_.show();
  }
  void fillTable() { panel_.setTable(study(folder_, false), {"loss", "eval_loss"}); }
  void fillCharts() { panel_.setCharts(study(folder_, true)); }

  const ScratchFolder folder_;
  widgets::Selection selection_;
  ComparePanel panel_{&selection_};
};

TEST_F(ComparePanelTest, ShowsCurvesVerdictAndWhatDiffers) {
  show(900, 700);
  fillTable();
  fillCharts();
  QCoreApplication::processEvents();
  EXPECT_EQ(panel_.model()->rowCount(), 6);
  EXPECT_GT(panel_.curves()->drawnPoints(), 2 * 50) << "the mean of each group";
  EXPECT_LT(panel_.curves()->drawnPoints(), 6 * 50);
  EXPECT_EQ(panel_.differences()->plot()->graphCount(), 4)
      << "the mean, its glyph, and both ends of its band";
  panel_.findChild<QToolButton*>(QStringLiteral("compare.grouped"))->setChecked(false);
  QCoreApplication::processEvents();
  EXPECT_GT(panel_.curves()->drawnPoints(), 6 * 50);
  EXPECT_EQ(panel_.differences()->plot()->graphCount(), 2 * 5) << "a line and a glyph each";
  const auto* verdict = panel_.findChild<QLabel*>(QStringLiteral("compare.verdict"));
  ASSERT_NE(verdict, nullptr);
  EXPECT_TRUE(verdict->text().contains(QStringLiteral("paired t over 3 shared seeds")))
      << verdict->text().toStdString();

  auto* details = panel_.details();
  EXPECT_EQ(details->topLevelItemCount(), 0) << "what is not looked at is not filled";
  panel_.tabs()->setCurrentIndex(1);
  ASSERT_GE(details->topLevelItemCount(), 1);
  QTreeWidgetItem* change = nullptr;
  for (int i = 0; i < details->topLevelItem(0)->childCount(); ++i) {
    if (details->topLevelItem(0)->child(i)->text(0).startsWith(QStringLiteral("all 6 mlp.*_proj")))
      change = details->topLevelItem(0)->child(i);
  }
  ASSERT_NE(change, nullptr);
  details->setCurrentItem(change);
  EXPECT_EQ(selection_.layers().size(), 6) << "the layers light up everywhere";

  const auto& histogram = panel_.effects()->histogram()->data();
  ASSERT_EQ(histogram.bars.size(), 2u) << "one effect, and what stays plain";
  EXPECT_EQ(histogram.bars[0].label, QStringLiteral("optical_transformer (q_levels 16)"));
  EXPECT_EQ(histogram.bars[0].count(), 6);
  EXPECT_EQ(histogram.ghost_caption, QStringLiteral("plain"));
  ASSERT_NE(histogram.ghost_of(histogram.bars[1]), nullptr);
  EXPECT_EQ(histogram.ghost_of(histogram.bars[1])->count, histogram.bars[1].count() + 6)
      << "the plain run's outline";
  QStringList lit;
  for (const auto& index : panel_.effects()->tree()->selectionModel()->selectedRows())
    lit << index.data(widgets::LayerTreeModel::kLayersRole).toStringList();
  lit.removeDuplicates();
  EXPECT_EQ(lit.size(), 6) << "the same layers in the run's own tree";
  picture(panel_, "differences");
  Q_EMIT panel_.effects()->histogram()->layersClicked({histogram.bars[1].layers.value(0)});
  EXPECT_EQ(selection_.layers().size(), 1);

  fillCharts();
  ASSERT_NE(details->currentItem(), nullptr) << "a live update keeps the line";
  EXPECT_TRUE(details->currentItem()->text(0).startsWith(QStringLiteral("all 6 mlp")));
  EXPECT_EQ(selection_.layers().size(), 1) << "and chooses nothing by itself";
}

TEST_F(ComparePanelTest, ZoomIsLinked) {
  show(900, 700);
  fillTable();
  fillCharts();
  QCoreApplication::processEvents();
  panel_.differences()->plot()->xAxis->setRange(20, 40);
  EXPECT_EQ(panel_.curves()->plot()->xAxis->range().lower, 20);
  panel_.curves()->plot()->xAxis->setRange(10, 60);
  EXPECT_EQ(panel_.differences()->plot()->xAxis->range().upper, 60);
  EXPECT_FALSE(panel_.curves()->isFollowing());
}

TEST_F(ComparePanelTest, OtherMetricsHaveChartsThatShareRangeAndCursor) {
  show(900, 900);
  panel_.setTable(study(folder_, false), {"loss", "eval_loss", "grad_norm"});
  const auto whole = study(folder_, true);
  engine::ComparisonOptions options;
  options.metrics = {"loss", "eval_loss"};
  panel_.setCharts(widgets::make_chart_view(whole->runs, options, {"grad_norm", "no_such"}));
  QCoreApplication::processEvents();
  const auto shown = [&] {
    std::vector<widgets::CurvePlot*> plots;
    for (auto* plot : panel_.findChildren<widgets::CurvePlot*>()) {
      if (plot->isVisibleTo(&panel_)) plots.push_back(plot);
    }
    return plots;
  };
  ASSERT_EQ(shown().size(), 2u) << "a metric that no run has is left out";
  auto* main = panel_.curves();
  auto* other = shown()[shown()[0] == main ? 1 : 0];
  EXPECT_EQ(other->plot()->yAxis->label(), QStringLiteral("grad_norm"));
  EXPECT_GT(other->drawnPoints(), 0);
  main->plot()->xAxis->setRange(10, 60);
  EXPECT_EQ(other->plot()->xAxis->range().upper, 60);
  EXPECT_EQ(panel_.differences()->plot()->xAxis->range().upper, 60);
  EXPECT_FALSE(other->isFollowing());
  panel_.differences()->plot()->xAxis->setRange(20, 40);
  EXPECT_EQ(other->plot()->xAxis->range().lower, 20);
  Q_EMIT main->cursorMoved(30);
  EXPECT_EQ(other->cursor(), 30);
  EXPECT_TRUE(panel_.differences()->cursorText().contains(QStringLiteral("step 30")));
  fillCharts();
  EXPECT_EQ(shown().size(), 1u);
}

TEST_F(ComparePanelTest, SparseCurvesAreToldApartByShape) {
  show(900, 700);
  panel_.findChild<QToolButton*>(QStringLiteral("compare.grouped"))->setChecked(false);
  engine::ComparisonOptions options;
  options.metrics = {"eval_loss"};
  const auto whole = study(folder_, false);
  panel_.setTable(whole, {"loss", "eval_loss"});
  panel_.setCharts(widgets::make_chart_view(whole->runs, options));
  QCoreApplication::processEvents();
  std::set<std::vector<std::pair<double, double>>> shapes;
  for (int i = 0; i < panel_.curves()->plot()->graphCount(); ++i) {
    const QCPGraph* graph = panel_.curves()->plot()->graph(i);
    if (!panel_.curves()->plot()->legend->hasItemWithPlottable(graph)) continue;
    const QPainterPath path = graph->scatterStyle().customPath();
    std::vector<std::pair<double, double>> corners;
    for (int k = 0; k < path.elementCount(); ++k)
      corners.emplace_back(path.elementAt(k).x, path.elementAt(k).y);
    shapes.insert(corners);
  }
  EXPECT_EQ(shapes.size(), 6u) << "five runs and the baseline, also in the legend";
}

TEST_F(ComparePanelTest, WithoutRunsItSaysWhatToDo) {
  QSignalSpy spy(&panel_, &ComparePanel::addRequested);
  panel_.show();
  panel_.setCharts(nullptr);
  const auto* verdict = panel_.findChild<QLabel*>(QStringLiteral("compare.verdict"));
  EXPECT_EQ(verdict->text(), QStringLiteral("Tick two or more runs in the table."));
  EXPECT_TRUE(panel_.options().metrics.empty());
}

TEST_F(ComparePanelTest, ReplicasAloneAreNotCalledTooFewRuns) {
  show(900, 700);
  engine::ComparisonOptions options;
  options.metrics = {"loss"};
  const auto whole = study(folder_, false);
  const auto& replicas = whole->comparison.groups.front().runs;
  ASSERT_GT(replicas.size(), 1u);
  auto runs = whole->runs;
  runs.clear();
  for (const std::size_t i : replicas) runs.push_back(whole->runs[i]);
  panel_.setCharts(widgets::make_chart_view(runs, options));
  const auto* verdict = panel_.findChild<QLabel*>(QStringLiteral("compare.verdict"));
  EXPECT_TRUE(verdict->text().contains(QStringLiteral("differ in their seeds only")))
      << verdict->text().toStdString();
}

TEST_F(ComparePanelTest, ItsTableIsTaggedGroupedAndCopied) {
  show(1100, 700);
  fillTable();
  auto* table = panel_.table();
  const int tags = panel_.model()->columnOf(widgets::RunField::tags);
  EXPECT_TRUE(table->isColumnHidden(tags)) << "while there are none";
  table->setCurrentIndex(table->model()->index(1, 0));
  table->selectionModel()->select(table->model()->index(2, 0),
                                  QItemSelectionModel::Select | QItemSelectionModel::Rows);
  QMenu menu;
  table->fillMenu(&menu);
  const auto action = [&](const char* text) {
    for (QAction* each : menu.actions()) {
      if (each->text() == QLatin1String(text)) return each;
    }
    return static_cast<QAction*>(nullptr);
  };
  ASSERT_NE(action("Edit &tags"), nullptr);
  EXPECT_FALSE(action("Use as &baseline")->isEnabled()) << "one run can be the baseline";
  action("Edit &tags")->trigger();
  auto* editor = table->findChild<QLineEdit*>();
  ASSERT_NE(editor, nullptr);
  editor->setText(QStringLiteral("paper"));
  QTest::keyClick(editor, Qt::Key_Return);
  QCoreApplication::processEvents();
  EXPECT_FALSE(table->isColumnHidden(tags));
  int tagged = 0;
  for (int run = 0; run < 6; ++run)
    tagged += panel_.notes()->of(panel_.model()->keyOf(run)).tags.size() == 1 ? 1 : 0;
  EXPECT_EQ(tagged, 2) << "both selected runs";

  action("&Show only these in the charts")->trigger();
  EXPECT_EQ(panel_.shownRuns().size(), 2u);
  table->setGrouping(QStringLiteral("tags"));
  EXPECT_EQ(table->model()->rowCount(), 2);
  EXPECT_TRUE(table->isExpanded(table->model()->index(0, 0)));
  picture(panel_, "groups");
  table->setGrouping(QString());

  const QString rows = table->tableText(false);
  EXPECT_EQ(rows.count(QLatin1Char('\n')), 7);
  EXPECT_TRUE(rows.startsWith(QStringLiteral("Run\tState\tStep\t"))) << rows.toStdString();
  EXPECT_TRUE(table->tableText(true).contains(QStringLiteral("| --- |")));

  QSignalSpy spy(&panel_, &ComparePanel::optionsChanged);
  panel_.setBaseline(panel_.model()->keyOf(3));
  panel_.setBaseline(panel_.model()->keyOf(3));
  EXPECT_EQ(spy.count(), 1);
  EXPECT_EQ(panel_.baselines().value(0), panel_.model()->keyOf(3));
}

TEST_F(ComparePanelTest, SaysHowManyRunsPassTheFilterAndWhatIsWrongWithIt) {
  show(1100, 700);
  fillTable();
  auto* filter = panel_.findChild<QLineEdit*>(QStringLiteral("compare.filter"));
  const auto* found = panel_.findChild<QLabel*>(QStringLiteral("compare.found"));
  filter->setText(QStringLiteral("optical loss < 10"));
  EXPECT_EQ(found->text(), QStringLiteral("3 of 6"));
  filter->setText(QStringLiteral("los < 10"));
  EXPECT_EQ(found->text(), QStringLiteral("no run has los"));
  filter->clear();
  EXPECT_FALSE(found->isVisible());
}

TEST_F(ComparePanelTest, OneClickAsksForTheMissingReplicas) {
  show(1100, 700);
  const auto whole = study(folder_, true);
  fillTable();
  std::vector<widgets::ComparableRunPtr> some(whole->runs.begin(), whole->runs.begin() + 5);
  panel_.setCharts(widgets::make_chart_view(some, {}));
  auto* button = panel_.findChild<QToolButton*>(QStringLiteral("compare.replicas"));
  EXPECT_FALSE(button->isVisibleTo(&panel_)) << "nobody would answer";
  panel_.setCanQueue(true);
  ASSERT_TRUE(button->isVisibleTo(&panel_));
  EXPECT_EQ(button->text(), QStringLiteral("Queue 1 run"));
  EXPECT_TRUE(button->toolTip().contains(QStringLiteral("optical-3")))
      << "its folder_ is there: " << button->toolTip().toStdString();
  std::vector<engine::ParamValues> asked;
  QObject::connect(&panel_, &ComparePanel::replicasRequested, &panel_,
                   [&](const std::vector<engine::ParamValues>& runs) { asked = runs; });
  button->click();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(std::get<std::int64_t>(asked[0].get("seed")), 3);
  panel_.setCharts(nullptr);
  EXPECT_FALSE(button->isVisibleTo(&panel_));
}

TEST_F(ComparePanelTest, RowsThatAreLaidOutWhileItIsClosedStillHaveNotes) {
  auto panel = std::make_unique<ComparePanel>(&selection_);
  panel->resize(900, 700);
  panel->show();
  ASSERT_TRUE(QTest::qWaitForWindowExposed(panel.get()));
  panel->setTable(study(folder_, false), {"loss", "eval_loss"});
  QCoreApplication::processEvents();
  int laid_out = 0;
  int without_notes = 0;
  LayoutProbe probe(panel->notes(), &laid_out, &without_notes);
  panel->table()->setItemDelegate(&probe);
  panel->table()->reset();  // rows are laid out anew with the next event, which is its own end
  laid_out = 0;
  panel.reset();
  EXPECT_GT(laid_out, 0) << "hiding a table lays it out";
  EXPECT_EQ(without_notes, 0);
}

}  // namespace
