// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_curves_view.h"

#include "engine/error.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_folder.h"
#include "widgets/models/run_table_model.h"
#include "widgets/models/selection.h"
#include "widgets/models/step_cursor.h"
#include "widgets/panels/message_bar.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/custom_plot.h"
#include "widgets/plots/plot_export.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"

#include <QApplication>
#include <QComboBox>
#include <QFileDialog>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QMenu>
#include <QPointer>
#include <QSpinBox>
#include <QStackedWidget>
#include <QTableView>
#include <QThreadPool>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace widgets {
namespace {

constexpr std::array kCharts = {Metric::loss, Metric::grad_norm, Metric::learning_rate,
                                Metric::tokens_per_second, Metric::memory};
constexpr int kAll = -1;
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
      metric_(new QComboBox),
      axis_choice_(new QComboBox),
      half_life_(new QSpinBox),
      raw_(new QToolButton),
      logarithmic_(new QToolButton),
      follow_(new QToolButton),
      more_(new QToolButton),
      pages_(new QStackedWidget),
      grid_(new QGridLayout),
      table_view_(new QTableView),
      table_(new RunTableModel(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  makeTools();
  auto* page = new QWidget;
  page->setLayout(grid_);
  grid_->setContentsMargins(0, 0, 0, 0);
  grid_->setSpacing(0);
  for (const Metric metric : kCharts) makeChart(metric);
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

  connect(metric_, &QComboBox::currentIndexChanged, this, &RunCurvesView::arrange);
  connect(axis_choice_, &QComboBox::currentIndexChanged, this,
          [this](int index) { setAxis(static_cast<Axis>(index)); });
  connect(half_life_, &QSpinBox::valueChanged, this, [this](int steps) {
    half_life_chosen_ = half_life_chosen_ || half_life_->hasFocus();
    for (auto& chart : charts_) chart.plot->setHalfLife(steps);
  });
  connect(raw_, &QToolButton::toggled, this, [this](bool on) {
    for (auto& chart : charts_) chart.plot->setShowsRaw(on);
  });
  connect(logarithmic_, &QToolButton::toggled, this,
          [this](bool on) { plot()->setLogarithmic(on); });
  connect(follow_, &QToolButton::toggled, this, [this](bool on) {
    for (auto& chart : charts_) chart.plot->setFollowing(on);
  });
  connect(cursor_, &StepCursor::stepChanged, this, [this](double step) {
    if (linking_) return;
    for (auto& chart : charts_) chart.plot->setCursor(placeOf(step));
  });
  connect(cursor_, &StepCursor::jumped, this, [this](double step) {
    const double x = placeOf(step);
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

void RunCurvesView::makeTools() {
  auto* tools = new QHBoxLayout;
  tools->setContentsMargins(lines(this, 0.5), lines(this, 0.2), lines(this, 0.4), lines(this, 0.2));
  metric_->setObjectName(QStringLiteral("monitor.metric"));
  metric_->setAccessibleName(tr("Metric"));
  metric_->setToolTip(tr("What the curves show"));
  metric_->addItem(tr("All curves"), kAll);
  for (const Metric metric : kCharts) {
    QString name = metric_name(metric);
    name[0] = name[0].toUpper();
    metric_->addItem(name, int(metric));
  }
  tools->addWidget(metric_);
  axis_choice_->setObjectName(QStringLiteral("monitor.axis"));
  axis_choice_->setAccessibleName(tr("Axis"));
  axis_choice_->setToolTip(tr("What the curves are drawn over"));
  axis_choice_->addItems({tr("by step"), tr("by tokens"), tr("by time")});
  tools->addWidget(axis_choice_);
  tools->addSpacing(lines(this, 0.5));
  auto* smooth_label = new QLabel(tr("EMA, &half-life"));
  half_life_->setObjectName(QStringLiteral("monitor.half_life"));
  half_life_->setAccessibleName(tr("Half-life of the smoothing in steps"));
  half_life_->setToolTip(
      tr("The smoothed line is an exponential moving average at full rate; a value "
         "weighs half after so many steps"));
  half_life_->setRange(1, 1000000);
  half_life_->setValue(20);
  half_life_->setSuffix(tr(" steps"));
  smooth_label->setBuddy(half_life_);
  tools->addWidget(smooth_label);
  tools->addSpacing(lines(this, 0.3));
  tools->addWidget(half_life_);
  tools->addStretch(1);
  const auto toggle = [&](QToolButton* button, const QString& text, const QString& tip,
                          const char* name, bool on) {
    button->setText(text);
    button->setToolTip(tip);
    button->setAccessibleName(tip);
    button->setObjectName(QLatin1String(name));
    button->setCheckable(true);
    button->setAutoRaise(true);
    button->setChecked(on);
    tools->addWidget(button);
  };
  toggle(raw_, tr("Raw"), tr("Show the raw values behind the smoothed line (R)"), "monitor.raw",
         true);
  toggle(logarithmic_, tr("Log"), tr("Logarithmic axis of the large curve (L)"), "monitor.log",
         false);
  toggle(follow_, tr("Follow"), tr("Keep the whole run in view as it grows (F)"), "monitor.follow",
         true);

  auto* menu = new QMenu(more_);
  beside_menu_ = menu->addMenu(tr("&Other runs beside it"));
  beside_menu_->setObjectName(QStringLiteral("monitor.beside"));
  connect(beside_menu_, &QMenu::aboutToShow, this, &RunCurvesView::fillBesideMenu);
  auto* logarithmic_x = menu->addAction(tr("Logarithmic &x axis"));
  logarithmic_x->setObjectName(QStringLiteral("monitor.log_x"));
  logarithmic_x->setCheckable(true);
  connect(logarithmic_x, &QAction::toggled, this, [this](bool on) {
    for (auto& chart : charts_) chart.plot->setLogarithmicX(on);
  });
  show_table_ = menu->addAction(tr("Show as &table"));
  show_table_->setObjectName(QStringLiteral("monitor.show_table"));
  show_table_->setCheckable(true);
  connect(show_table_, &QAction::toggled, this, &RunCurvesView::setTableShown);
  menu->addSeparator();
  connect(menu->addAction(tr("Export the &figure…")), &QAction::triggered, this,
          &RunCurvesView::chooseFigure);
  connect(menu->addAction(tr("Export all &values…")), &QAction::triggered, this,
          &RunCurvesView::chooseValues);
  more_->setText(tr("More"));
  more_->setObjectName(QStringLiteral("monitor.more"));
  more_->setToolTip(tr("Other runs, logarithmic x axis, table, export"));
  more_->setAccessibleName(tr("More about the curves"));
  more_->setAutoRaise(true);
  more_->setPopupMode(QToolButton::InstantPopup);
  more_->setMenu(menu);
  tools->addWidget(more_);
  static_cast<QVBoxLayout*>(layout())->addLayout(tools);
}

void RunCurvesView::makeChart(Metric metric) {
  auto* plot = new CurvePlot;
  plot->setObjectName(QStringLiteral("monitor.curve.%1").arg(int(metric)));
  plot->setPlaceText([this](double x) { return placeText(x); });
  if (metric == Metric::memory) plot->setValueText(gigabytes);
  charts_.push_back({metric, plot});
  connect(plot, &CurvePlot::showsRawChanged, raw_, &QToolButton::setChecked);
  connect(plot, &CurvePlot::logarithmicChanged, this, [this, plot](bool on) {
    if (plot == this->plot()) logarithmic_->setChecked(on);
  });
  connect(plot, &CurvePlot::followingChanged, follow_, &QToolButton::setChecked);
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
    cursor_->setStep(stepAt(x));
    linking_ = false;
  });
  connect(plot, &CurvePlot::baselineToggled, this, [this] {
    has_reference_ = !has_reference_;
    drawn_.clear();
    refresh();
  });
}

CurvePlot* RunCurvesView::plot() const {
  const int chosen = metric_->currentData().toInt();
  return plot(chosen == kAll ? Metric::loss : static_cast<Metric>(chosen));
}

CurvePlot* RunCurvesView::plot(Metric metric) const {
  for (const auto& chart : charts_) {
    if (chart.metric == metric) return chart.plot;
  }
  return charts_.front().plot;
}

bool RunCurvesView::isShown(const Chart& chart) const {
  return metric_->currentData().toInt() == kAll || chart.plot == plot();
}

void RunCurvesView::arrange() {
  const bool all = metric_->currentData().toInt() == kAll;
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
    chart.plot->setXAxis(large ? axisTitle() : QString(), axis_ != Axis::time);
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
  logarithmic_->setChecked(plot()->isLogarithmic());
}

void RunCurvesView::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  const bool was_tall = event->oldSize().height() >= lines(this, kTall);
  const bool is_tall = height() >= lines(this, kTall);
  if (was_tall != is_tall || !event->oldSize().isValid()) arrange();
}

QString RunCurvesView::axisTitle() const {
  switch (axis_) {
    case Axis::step:
      return tr("step");
    case Axis::tokens:
      return tr("tokens");
    case Axis::time:
      return tr("seconds of work");
  }
  return {};
}

void RunCurvesView::setBeside(const QStringList& folders) {
  beside_ = folders;
  refresh();
}

void RunCurvesView::setAxis(Axis axis) {
  if (axis == axis_) return;
  axis_ = axis;
  axis_choice_->setCurrentIndex(int(axis));
  placed_.clear();
  drawn_.clear();
  arrange();
  refresh();
}

void RunCurvesView::setTableShown(bool shown) {
  show_table_->setChecked(shown);
  pages_->setCurrentIndex(shown ? 1 : 0);
  refresh();
}

std::vector<const RunRecord*> RunCurvesView::shownRuns() const {
  std::vector<const RunRecord*> shown;
  if (const auto* run = runs_->find(selection_->run())) shown.push_back(run);
  for (const QString& folder : beside_) {
    const auto* run = runs_->find(folder);
    if (run != nullptr && folder != selection_->run()) shown.push_back(run);
  }
  return shown;
}

const engine::RunSeries* RunCurvesView::placed(const RunRecord& run, Metric metric) {
  if (axis_ == Axis::step) return &run.curve(metric);
  return &placed_[{run.folder, metric}].follow(
      run.curve(metric), run.curve(axis_ == Axis::tokens ? Metric::tokens : Metric::seconds));
}

double RunCurvesView::placeOf(double step) const {
  const auto* run = runs_->find(selection_->run());
  if (run == nullptr || axis_ == Axis::step) return step;
  return value_at_or_before(run->curve(axis_ == Axis::tokens ? Metric::tokens : Metric::seconds),
                            step);
}

double RunCurvesView::stepAt(double x) const {
  const auto* run = runs_->find(selection_->run());
  if (run == nullptr || axis_ == Axis::step || !std::isfinite(x)) return x;
  const auto& places = run->curve(axis_ == Axis::tokens ? Metric::tokens : Metric::seconds);
  const auto y = places.y();
  const auto found = std::lower_bound(y.begin(), y.end(), x);
  if (found == y.end()) return places.size() == 0 ? x : places.x().back();
  return places.x()[static_cast<std::size_t>(found - y.begin())];
}

QString RunCurvesView::placeText(double x) const {
  const double step = stepAt(x);
  QStringList parts{tr("step %1").arg(grouped(static_cast<std::int64_t>(std::llround(step))))};
  const auto* run = runs_->find(selection_->run());
  if (run == nullptr) return parts.first();
  const double tokens = value_at_or_before(run->curve(Metric::tokens), step);
  const double seconds = value_at_or_before(run->curve(Metric::seconds), step);
  if (std::isfinite(tokens)) parts << tr("%1 tokens").arg(short_count(tokens));
  if (std::isfinite(seconds)) parts << duration_text(seconds);
  return parts.join(QStringLiteral(" · "));
}

void RunCurvesView::refresh() {
  const auto* run = runs_->find(selection_->run());
  if (pages_->currentIndex() == 1) table_->show(run);
  showCurves();
  if (run == nullptr) return;
  double end = static_cast<double>(run->max_steps);
  if (axis_ == Axis::tokens) {
    end *= run->started ? static_cast<double>(run->started->tokens_per_step) : 0;
  } else if (axis_ == Axis::time) {
    end = 0;
  }
  for (auto& chart : charts_) chart.plot->setExpectedEnd(end);
  if (!half_life_chosen_ && run->max_steps > 0) {
    half_life_->setValue(static_cast<int>(std::clamp<std::int64_t>(run->max_steps / 50, 2, 50)));
  }
  showMarks(*run);
  for (auto& chart : charts_) chart.plot->refresh();
}

void RunCurvesView::showCurves() {
  const auto runs = shownRuns();
  QStringList wanted{QString::number(int(axis_)), QString::number(has_reference_)};
  for (const auto* run : runs) wanted << run->folder << QString::number(run->color);
  const bool is_new = wanted != drawn_;
  if (is_new) {
    drawn_ = wanted;
    marked_lines_ = static_cast<std::size_t>(-1);
  } else if (axis_ == Axis::step) {
    return;  // the plots read the records' own series
  }
  for (auto& chart : charts_) {
    std::vector<Curve> curves;
    for (const auto* run : runs) {
      const bool is_selected = run->folder == selection_->run();
      const bool single = runs.size() == 1;
      Curve curve;
      curve.label = single ? metric_name(chart.metric) : run->name;
      curve.color = run->color;
      curve.series = placed(*run, chart.metric);
      curve.by_step = &run->curve(chart.metric);
      curve.exact = chart.metric == Metric::learning_rate || chart.metric == Metric::memory;
      curve.reference = is_selected && has_reference_ && !single;
      curves.push_back(curve);
      if (chart.metric != Metric::loss) continue;
      Curve evaluations;
      evaluations.label = single ? tr("evaluation") : tr("%1, evaluation").arg(run->name);
      evaluations.color = run->color;
      evaluations.series = placed(*run, Metric::eval_loss);
      evaluations.by_step = &run->curve(Metric::eval_loss);
      evaluations.sparse = true;
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
  if (run.log.size() == marked_lines_ && axis_ == Axis::step) return;
  marked_lines_ = run.log.size();
  std::vector<StepMark> marks;
  for (const auto& line : run.log) {
    const auto kind = mark_of(line.kind);
    const double x = kind ? placeOf(static_cast<double>(line.step)) : 0;
    if (kind) marks.push_back({std::isfinite(x) ? x : 0, line.text, *kind});
  }
  std::stable_sort(marks.begin(), marks.end(),
                   [](const auto& one, const auto& other) { return one.step < other.step; });
  for (auto& chart : charts_) chart.plot->setMarks(marks);
}

void RunCurvesView::fillBesideMenu() {
  beside_menu_->clear();
  QStringList live;
  for (const auto& run : runs_->runs()) {
    if (run->folder == selection_->run()) continue;
    if (run->is_live()) live << run->folder;
    auto* choice = beside_menu_->addAction(run->name);
    choice->setCheckable(true);
    choice->setChecked(beside_.contains(run->folder));
    connect(choice, &QAction::toggled, this, [this, folder = run->folder](bool on) {
      QStringList folders = beside_;
      folders.removeAll(folder);
      if (on) folders << folder;
      setBeside(folders);
    });
  }
  if (beside_menu_->isEmpty())
    beside_menu_->addAction(tr("There is no other run"))->setEnabled(false);
  beside_menu_->addSeparator();
  auto* all_live = beside_menu_->addAction(tr("All that are &live"));
  all_live->setEnabled(!live.isEmpty());
  connect(all_live, &QAction::triggered, this, [this, live] { setBeside(live); });
  auto* none = beside_menu_->addAction(tr("&None"));
  none->setEnabled(!beside_.isEmpty());
  connect(none, &QAction::triggered, this, [this] { setBeside({}); });
}

QString RunCurvesView::exportFigure(const QString& file) const {
  std::vector<std::unique_ptr<CurvePlot>> copies;
  std::vector<FigurePart> parts;
  const QWidget* page = pages_->widget(0);
  for (const auto& chart : charts_) {
    if (!isShown(chart)) continue;
    const QRect place = chart.plot->geometry();
    copies.push_back(chart.plot->printable(place.size()));
    parts.push_back(
        {copies.back()->plot(), place.left(), place.top(), place.width(), place.height()});
  }
  return export_figure(file, parts, page->size());
}

void RunCurvesView::chooseFigure() {
  const auto* run = runs_->find(selection_->run());
  if (run == nullptr) return;
  const QString file = QFileDialog::getSaveFileName(this, tr("Export the figure"),
                                                    run->name + QStringLiteral(".svg"),
                                                    tr("Figures (*.svg *.pdf *.png)"));
  if (file.isEmpty()) return;
  const QString wrong = exportFigure(file);
  if (wrong.isEmpty()) {
    messages_->showMessage(engine::Severity::note, tr("The figure is in %1.").arg(file));
  } else {
    messages_->showMessage(engine::Severity::error, wrong);
  }
}

void RunCurvesView::exportValues(const QString& file) {
  const QString folder = selection_->run();
  QThreadPool::globalInstance()->start([view = QPointer<RunCurvesView>(this), folder, file] {
    QString wrong;
    try {
      engine::replace_file(file.toStdString(), engine::export_csv(folder.toStdString()));
    } catch (const engine::Error& error) {
      wrong = QString::fromStdString(error.problems().front().message);
    }
    QMetaObject::invokeMethod(
        qApp,
        [view, file, wrong] {
          if (view == nullptr) return;
          if (wrong.isEmpty()) {
            view->messages_->showMessage(engine::Severity::note,
                                         tr("All values are in %1.").arg(file));
          } else {
            view->messages_->showMessage(engine::Severity::error, tr("%1: %2").arg(file, wrong));
          }
        },
        Qt::QueuedConnection);
  });
}

void RunCurvesView::chooseValues() {
  const auto* run = runs_->find(selection_->run());
  if (run == nullptr) return;
  const QString file = QFileDialog::getSaveFileName(
      this, tr("Export all values"), run->name + QStringLiteral(".csv"), tr("CSV files (*.csv)"));
  if (!file.isEmpty()) exportValues(file);
}

}  // namespace widgets
