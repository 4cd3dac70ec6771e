// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_panel.h"

#include "widgets/models/comparison_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/compare_curve_tools.h"
#include "widgets/panels/compare_curves.h"
#include "widgets/panels/compare_effects.h"
#include "widgets/panels/compare_layers.h"
#include "widgets/panels/compare_table.h"
#include "widgets/panels/compare_tools.h"
#include "widgets/panels/compare_trade_off.h"
#include "widgets/panels/comparison_details.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/text.h"

#include <QAction>
#include <QSplitter>
#include <QTabWidget>
#include <QThreadPool>
#include <QVBoxLayout>

#include <utility>

namespace widgets {
namespace {

const QString kGrouping = QStringLiteral("grouping");
const QString kTab = QStringLiteral("tab");

/// A view of many runs takes a while to be taken apart: not on this thread.
void release_elsewhere(ComparisonViewPtr view) {
  if (view == nullptr) return;
  QThreadPool::globalInstance()->start([view = std::move(view)]() mutable { view.reset(); });
}

}  // namespace

ComparePanel::ComparePanel(Selection* selection, QWidget* parent)
    : QWidget(parent),
      messages_(new MessageBar(this)),
      tools_(new CompareTools(notes_)),
      table_(new CompareTable(notes_)),
      tabs_(new QTabWidget),
      curves_(new CompareCurves(notes_)),
      details_(new ComparisonDetails),
      effects_(new CompareEffects),
      layers_(new CompareLayers),
      trade_off_(new CompareTradeOff(notes_)) {
  tabs_->setObjectName(QStringLiteral("compare.tabs"));
  tabs_->setDocumentMode(true);
  tabs_->addTab(curves_, tr("Curves"));
  tabs_->addTab(makeDifferences(), tr("What differs"));
  tabs_->addTab(layers_, tr("Layers"));
  tabs_->addTab(trade_off_, tr("Trade-off"));
  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->setObjectName(QStringLiteral("compare.splitter"));
  splitter->setChildrenCollapsible(false);
  splitter->addWidget(table_);
  splitter->addWidget(tabs_);
  splitter->setStretchFactor(0, 1);
  splitter->setStretchFactor(1, 3);
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(tools_);
  column->addWidget(splitter, 1);

  empty_ = new EmptyState(content, tr("Open runs to see them side by side."));
  connect(empty_->addButton(tr("&Add runs…"), QStringLiteral("folder")), &QAction::triggered, this,
          &ComparePanel::addRequested);
  empty_->setEmpty(true);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->setSpacing(0);
  outer->addWidget(messages_);
  outer->addWidget(empty_, 1);
  connectParts(selection);
}

QWidget* ComparePanel::makeDifferences() {
  auto* splitter = new QSplitter(Qt::Horizontal);
  splitter->setObjectName(QStringLiteral("compare.differences"));
  splitter->setChildrenCollapsible(false);
  splitter->addWidget(details_);
  splitter->addWidget(effects_);
  splitter->setStretchFactor(0, 3);
  splitter->setStretchFactor(1, 2);
  return splitter;
}

void ComparePanel::connectParts(Selection* selection) {
  connect(tabs_, &QTabWidget::currentChanged, this, [this](int tab) {
    notes_->setChoice(kTab, QString::number(tab));
    showTab();
  });
  connect(tools_, &CompareTools::optionsChanged, this, &ComparePanel::optionsChanged);
  connect(tools_, &CompareTools::addRequested, this, &ComparePanel::addRequested);
  connect(tools_, &CompareTools::exportRequested, this, &ComparePanel::exportRequested);
  connect(tools_, &CompareTools::filterChanged, table_, &CompareTable::setFilterText);
  connect(curves_->tools(), &CompareCurveTools::optionsChanged, this,
          &ComparePanel::optionsChanged);
  connect(table_->runs(), &ComparisonModel::shownChanged, this, &ComparePanel::optionsChanged);
  connect(table_, &CompareTable::filterApplied, tools_, &CompareTools::setFound);
  connect(table_, &CompareTable::runChosen, selection, &Selection::setRun);
  connect(table_, &CompareTable::baselineChosen, this, &ComparePanel::setBaseline);
  connect(table_, &CompareTable::groupingChanged, this,
          [notes = notes_](const QString& by) { notes->setChoice(kGrouping, by); });
  connect(curves_, &CompareCurves::replicasRequested, this, &ComparePanel::replicasRequested);
  connect(details_, &ComparisonDetails::layersChosen, selection, &Selection::setLayers);
  connect(details_, &ComparisonDetails::groupChanged, this, &ComparePanel::showEffects);
  connect(effects_, &CompareEffects::layersChosen, selection, &Selection::setLayers);
  connect(selection, &Selection::layersChanged, effects_,
          [this, selection] { effects_->setSelectedLayers(selection->layers()); });
  connect(layers_, &CompareLayers::layersChosen, selection, &Selection::setLayers);
  connect(trade_off_, &CompareTradeOff::runClicked, table_, &CompareTable::chooseRun);
}

void ComparePanel::setStore(QSettings* settings) {
  notes_->setStore(settings);
  table_->setGrouping(notes_->choice(kGrouping));
  tools_->restore();
  curves_->tools()->restore();
  trade_off_->restore();
  tabs_->setCurrentIndex(notes_->choice(kTab).toInt());
}

void ComparePanel::setTable(const ComparisonViewPtr& view, const QStringList& metrics) {
  empty_->setEmpty(view == nullptr || view->runs.empty());
  if (view == nullptr) return;
  table_->setView(view);
  tools_->setMetrics(metrics, qt(view->comparison.options.metrics.front()));
  curves_->tools()->setMetrics(metrics);
  release_elsewhere(std::exchange(table_view_, view));
  stale_.trade_off = true;
  showTab();
}

void ComparePanel::setCharts(const ComparisonViewPtr& view) {
  ComparisonViewPtr old = std::exchange(charts_, view);
  curves_->setView(view);  // lets go of the old view even when it is hidden
  release_elsewhere(std::move(old));
  stale_.details = stale_.layers = true;
  showTab();
}

/// Live runs change many times a second: what is not looked at is not filled.
void ComparePanel::showTab() {
  const QWidget* shown = tabs_->currentWidget();
  if (shown->isAncestorOf(details_) && std::exchange(stale_.details, false))
    details_->setView(charts_);
  if (shown == layers_ && std::exchange(stale_.layers, false)) layers_->setView(charts_);
  if (shown == trade_off_ && std::exchange(stale_.trade_off, false))
    trade_off_->setView(table_view_);
}

/// The first runs of the two groups that the chosen line is about.
void ComparePanel::showEffects() {
  if (charts_ == nullptr || details_->group() < 0) {
    effects_->setRuns(nullptr, {}, nullptr, {});
    return;
  }
  const engine::RunComparison& comparison = charts_->comparison;
  const engine::SeedGroup& base = comparison.groups[comparison.base_group];
  const engine::SeedGroup& other = comparison.groups[static_cast<std::size_t>(details_->group())];
  effects_->setRuns(charts_->runs[base.runs.front()], qt(base.label),
                    charts_->runs[other.runs.front()], qt(other.label));
}

engine::ComparisonOptions ComparePanel::options() const {
  engine::ComparisonOptions options = tools_->options();
  options.align_at = curves_->tools()->alignAt();
  return options;
}

std::vector<std::string> ComparePanel::beside() const {
  std::vector<std::string> metrics;
  for (const QString& metric : curves_->tools()->beside()) metrics.push_back(metric.toStdString());
  return metrics;
}

void ComparePanel::setBaseline(const QString& key) {
  if (notes_->baselines().value(0) == key) return;
  notes_->rememberBaseline(key);
  Q_EMIT optionsChanged();
}

const std::set<QString>& ComparePanel::shownRuns() const { return table_->runs()->shownRuns(); }
void ComparePanel::setShown(const std::set<QString>& keys) { table_->runs()->setShown(keys); }
void ComparePanel::setCanQueue(bool can) { curves_->setCanQueue(can); }
QString ComparePanel::cost() const { return trade_off_->cost(); }
ComparisonModel* ComparePanel::model() const { return table_->runs(); }
CurvePlot* ComparePanel::curves() const { return curves_->curves(); }
DifferencePlot* ComparePanel::differences() const { return curves_->differences(); }

}  // namespace widgets
