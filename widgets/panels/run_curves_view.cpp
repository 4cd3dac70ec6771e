// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_curves_view.h"

#include "widgets/models/run_table_model.h"
#include "widgets/models/selection.h"
#include "widgets/models/step_cursor.h"
#include "widgets/panels/run_curves_tools.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/style/metrics.h"

#include <QGridLayout>
#include <QHeaderView>
#include <QLocale>
#include <QMenu>
#include <QResizeEvent>
#include <QStackedWidget>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <optional>

namespace widgets {
namespace {

/// Below so many lines of text the charts stand beside each other.
constexpr double kTall = 26;

/// With as many digits as tell ticks of nearly constant memory apart.
QString gigabytes(double bytes) {
  return QObject::tr("%1 GB").arg(QLocale().toString(bytes / 1e9, 'g', 4));
}

std::optional<MarkKind> mark_of(LogKind kind) {
  switch (kind) {
    case LogKind::checkpoint:
      return MarkKind::checkpoint;
    case LogKind::evaluation:
      return MarkKind::evaluation;
    case LogKind::resume:
      return MarkKind::resume;
    case LogKind::message:
      return MarkKind::message;
    case LogKind::divergence:
      return MarkKind::divergence;
    case LogKind::extension:
      return MarkKind::extension;
    default:
      return std::nullopt;
  }
}

}  // namespace

RunCurvesView::RunCurvesView(Selection* selection, const RunStore* runs, StepCursor* cursor,
                             MessageBar* messages, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      runs_(runs),
      cursor_(cursor),
      messages_(messages),
      tools_(new RunCurvesTools),
      pages_(new QStackedWidget),
      grid_(new QGridLayout),
      table_view_(new QTableView),
      table_(new RunTableModel(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(tools_);
  auto* page = new QWidget;
  page->setLayout(grid_);
  grid_->setContentsMargins(0, 0, 0, 0);
  grid_->setSpacing(0);
  for (const Metric metric : kMonitorMetrics) makeChart(metric);
  pages_->addWidget(page);
  table_view_->setObjectName(QStringLiteral("monitor.table"));
  table_view_->setAccessibleName(tr("Values of the run"));
  table_view_->setModel(table_);
  table_view_->setFrameShape(QFrame::NoFrame);
  table_view_->setShowGrid(false);
  table_view_->setAlternatingRowColors(true);
  table_view_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_view_->verticalHeader()->hide();
  table_view_->verticalHeader()->setDefaultSectionSize(lines(this, 1.45));
  table_view_->horizontalHeader()->setHighlightSections(false);
  table_view_->horizontalHeader()->setDefaultSectionSize(characters(this, 15));
  pages_->addWidget(table_view_);
  column->addWidget(pages_, 1);
  connect(table_view_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& row) {
            if (row.isValid()) cursor_->setStep(table_->step(row.row()));
          });

  connectTools();
  connect(cursor_, &StepCursor::stepChanged, this, [this](double step) {
    if (linking_) return;
    for (auto& chart : charts_) chart.plot->setCursor(placement_.placeOf(shownRun(), step));
  });
  connect(cursor_, &StepCursor::jumped, this, [this](double step) {
    const double x = placement_.placeOf(shownRun(), step);
    if (!std::isfinite(x)) return;
    plot()->bringIntoView(x);
    for (auto& chart : charts_) chart.plot->setCursor(x);
    const int row = table_->rowOf(step);
    if (row >= 0) table_view_->scrollTo(table_->index(row, 0));
  });
  connect(runs_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    const auto is_shown = [this](const QString& folder) {
      return folder == selection_->run() || beside_.contains(folder);
    };
    if (std::any_of(folders.begin(), folders.end(), is_shown)) refresh();
  });
  arrange();
}

void RunCurvesView::connectTools() {
  connect(tools_, &RunCurvesTools::metricChosen, this, &RunCurvesView::arrange);
  connect(tools_, &RunCurvesTools::axisChosen, this, &RunCurvesView::setAxis);
  connect(tools_, &RunCurvesTools::halfLifeChanged, this, [this](int steps) {
    for (auto& chart : charts_) chart.plot->setHalfLife(steps);
  });
  connect(tools_, &RunCurvesTools::rawToggled, this, [this](bool on) {
    for (auto& chart : charts_) chart.plot->setShowsRaw(on);
  });
  connect(tools_, &RunCurvesTools::logarithmicToggled, this,
          [this](bool on) { plot()->setLogarithmic(on); });
  connect(tools_, &RunCurvesTools::logarithmicXToggled, this, [this](bool on) {
    for (auto& chart : charts_) chart.plot->setLogarithmicX(on);
  });
  connect(tools_, &RunCurvesTools::followToggled, this, [this](bool on) {
    for (auto& chart : charts_) chart.plot->setFollowing(on);
  });
  connect(tools_, &RunCurvesTools::tableToggled, this, &RunCurvesView::setTableShown);
  connect(tools_, &RunCurvesTools::figureWanted, this, &RunCurvesView::chooseFigure);
  connect(tools_, &RunCurvesTools::valuesWanted, this, &RunCurvesView::chooseValues);
  connect(tools_->besideMenu(), &QMenu::aboutToShow, this, &RunCurvesView::fillBesideMenu);
}

void RunCurvesView::makeChart(Metric metric) {
  auto* plot = new CurvePlot;
  plot->setObjectName(QStringLiteral("monitor.curve.%1").arg(int(metric)));
  plot->setPlaceText([this](double x) { return placement_.placeText(shownRun(), x); });
  if (metric == Metric::memory) plot->setValueText(gigabytes);
  charts_.push_back({metric, plot});
  connect(plot, &CurvePlot::showsRawChanged, tools_, &RunCurvesTools::setRaw);
  connect(plot, &CurvePlot::logarithmicChanged, this, [this, plot](bool on) {
    if (plot == this->plot()) tools_->setLogarithmic(on);
  });
  connect(plot, &CurvePlot::followingChanged, tools_, &RunCurvesTools::setFollowing);
  connect(plot, &CurvePlot::xRangeChanged, this, [this, plot](double low, double high) {
    if (linking_ || plot->isFollowing()) return;
    linking_ = true;
    for (auto& chart : charts_) {
      if (chart.plot != plot) chart.plot->setXRange(low, high);
    }
    linking_ = false;
  });
  connect(plot, &CurvePlot::cursorMoved, this, [this, plot](double x) {
    linking_ = true;
    for (auto& chart : charts_) {
      if (chart.plot != plot) chart.plot->setCursor(x);
    }
    cursor_->setStep(placement_.stepAt(shownRun(), x));
    linking_ = false;
  });
  connect(plot, &CurvePlot::baselineToggled, this, [this] {
    has_reference_ = !has_reference_;
    drawn_.clear();
    refresh();
  });
}

const RunRecord* RunCurvesView::shownRun() const { return runs_->find(selection_->run()); }

CurvePlot* RunCurvesView::plot() const { return plot(tools_->metric().value_or(Metric::loss)); }

CurvePlot* RunCurvesView::plot(Metric metric) const {
  for (const auto& chart : charts_) {
    if (chart.metric == metric) return chart.plot;
  }
  return charts_.front().plot;
}

bool RunCurvesView::isShown(const Chart& chart) const {
  return !tools_->metric() || chart.plot == plot();
}

void RunCurvesView::arrange() {
  const bool all = !tools_->metric();
  const bool tall = height() >= lines(this, kTall);
  for (int row = 0; row < 4; ++row) grid_->setRowStretch(row, 0);
  for (int column = 0; column < 4; ++column) grid_->setColumnStretch(column, 0);
  const int margin = characters(this, 10);
  int small = 0;
  for (auto& chart : charts_) {
    grid_->removeWidget(chart.plot);
    chart.plot->setVisible(isShown(chart));
    const bool large = chart.plot == plot();
    const QString title = all ? metric_name(chart.metric) : metric_title(chart.metric);
    chart.plot->setAxisTitle(large ? title : QString());
    chart.plot->setTitle(large ? QString() : metric_name(chart.metric));
    chart.plot->setLegendShown(large);
    chart.plot->setXAxis(large ? placement_.axisTitle() : QString(),
                         placement_.axis() != RunAxis::time);
    chart.plot->setLeftMargin(margin);
    if (!isShown(chart)) continue;
    if (large) {
      if (all && tall) {
        grid_->addWidget(chart.plot, 0, 0, 1, 2);
      } else {
        grid_->addWidget(chart.plot, 0, 0, all ? 2 : 1, 1);
      }
      continue;
    }
    if (tall) {
      grid_->addWidget(chart.plot, 1 + small / 2, small % 2);
    } else {
      grid_->addWidget(chart.plot, small / 2, 1 + small % 2);
    }
    ++small;
  }
  if (all && tall) {
    grid_->setRowStretch(0, 4);
    grid_->setRowStretch(1, 3);
    grid_->setRowStretch(2, 3);
    grid_->setColumnStretch(0, 1);
    grid_->setColumnStretch(1, 1);
  } else if (all) {
    grid_->setRowStretch(0, 1);
    grid_->setRowStretch(1, 1);
    grid_->setColumnStretch(0, 6);
    grid_->setColumnStretch(1, 5);
    grid_->setColumnStretch(2, 5);
  } else {
    grid_->setRowStretch(0, 1);
    grid_->setColumnStretch(0, 1);
  }
  tools_->setLogarithmic(plot()->isLogarithmic());
}

void RunCurvesView::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  const bool was_tall = event->oldSize().height() >= lines(this, kTall);
  const bool is_tall = height() >= lines(this, kTall);
  if (was_tall != is_tall || !event->oldSize().isValid()) arrange();
}

void RunCurvesView::setBeside(const QStringList& folders) {
  beside_ = folders;
  refresh();
}

void RunCurvesView::setAxis(RunAxis axis) {
  if (axis == placement_.axis()) return;
  placement_.setAxis(axis);
  tools_->setAxis(axis);
  drawn_.clear();
  arrange();
  refresh();
}

void RunCurvesView::setTableShown(bool shown) {
  tools_->setTableShown(shown);
  pages_->setCurrentIndex(shown ? 1 : 0);
  refresh();
}

std::vector<const RunRecord*> RunCurvesView::shownRuns() const {
  std::vector<const RunRecord*> shown;
  if (const auto* run = shownRun()) shown.push_back(run);
  for (const QString& folder : beside_) {
    const auto* run = runs_->find(folder);
    if (run != nullptr && folder != selection_->run()) shown.push_back(run);
  }
  return shown;
}

void RunCurvesView::refresh() {
  const auto* run = shownRun();
  if (pages_->currentIndex() == 1) table_->show(run);
  showCurves();
  if (run == nullptr) return;
  for (auto& chart : charts_) chart.plot->setExpectedEnd(placement_.expectedEnd(*run));
  if (run->max_steps > 0) {
    tools_->suggestHalfLife(static_cast<int>(std::clamp<std::int64_t>(run->max_steps / 50, 2, 50)));
  }
  showMarks(*run);
  for (auto& chart : charts_) chart.plot->refresh();
}

void RunCurvesView::showCurves() {
  const auto runs = shownRuns();
  QStringList wanted{QString::number(int(placement_.axis())), QString::number(has_reference_)};
  for (const auto* run : runs) wanted << run->folder << QString::number(run->look);
  const bool is_new = wanted != drawn_;
  if (is_new) {
    drawn_ = wanted;
    marked_lines_ = static_cast<std::size_t>(-1);
  } else if (placement_.axis() == RunAxis::step) {
    return;  // the plots read the records' own series
  }
  for (auto& chart : charts_) {
    std::vector<Curve> curves;
    for (const auto* run : runs) {
      const bool is_selected = run->folder == selection_->run();
      const bool single = runs.size() == 1;
      Curve curve;
      curve.label = single ? metric_name(chart.metric) : run->name;
      curve.color = run->look;
      curve.series = placement_.placed(*run, chart.metric);
      curve.by_step = &run->curve(chart.metric);
      curve.exact = chart.metric == Metric::learning_rate || chart.metric == Metric::memory;
      curve.reference = is_selected && has_reference_ && !single;
      curve.marked = !single;
      curves.push_back(curve);
      if (chart.metric != Metric::loss) continue;
      Curve evaluations;
      evaluations.label = single ? tr("evaluation") : tr("%1, evaluation").arg(run->name);
      evaluations.color = run->look;
      evaluations.series = placement_.placed(*run, Metric::eval_loss);
      evaluations.by_step = &run->curve(Metric::eval_loss);
      evaluations.sparse = true;
      evaluations.marked = !single;
      evaluations.in_legend = single;
      curves.push_back(evaluations);
    }
    if (is_new) {
      chart.plot->setCurves(std::move(curves));
    } else {
      chart.plot->setSeries(curves);
    }
  }
}

void RunCurvesView::showMarks(const RunRecord& run) {
  if (run.log.size() == marked_lines_ && placement_.axis() == RunAxis::step) return;
  marked_lines_ = run.log.size();
  std::vector<StepMark> marks;
  for (const auto& line : run.log) {
    const auto kind = mark_of(line.kind);
    const double x = kind ? placement_.placeOf(&run, static_cast<double>(line.step)) : 0;
    if (kind) marks.push_back({std::isfinite(x) ? x : 0, line.text, *kind});
  }
  std::stable_sort(marks.begin(), marks.end(),
                   [](const auto& one, const auto& other) { return one.step < other.step; });
  for (auto& chart : charts_) chart.plot->setMarks(marks);
}

void RunCurvesView::fillBesideMenu() {
  QMenu* menu = tools_->besideMenu();
  menu->clear();
  QStringList live;
  for (const auto& run : runs_->runs()) {
    if (run->folder == selection_->run()) continue;
    if (run->is_live()) live << run->folder;
    auto* choice = menu->addAction(run->name);
    choice->setCheckable(true);
    choice->setChecked(beside_.contains(run->folder));
    connect(choice, &QAction::toggled, this, [this, folder = run->folder](bool on) {
      QStringList folders = beside_;
      folders.removeAll(folder);
      if (on) folders << folder;
      setBeside(folders);
    });
  }
  if (menu->isEmpty()) menu->addAction(tr("There is no other run"))->setEnabled(false);
  menu->addSeparator();
  auto* all_live = menu->addAction(tr("All that are &live"));
  all_live->setEnabled(!live.isEmpty());
  connect(all_live, &QAction::triggered, this, [this, live] { setBeside(live); });
  auto* none = menu->addAction(tr("&None"));
  none->setEnabled(!beside_.isEmpty());
  connect(none, &QAction::triggered, this, [this] { setBeside({}); });
}

}  // namespace widgets
