// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_panel.h"

#include "engine/compare/comparison_figure.h"
#include "engine/compare/expression.h"
#include "engine/compare/trade_off.h"
#include "engine/error.h"
#include "widgets/models/comparison_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/comparison_details.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/panels/message_bar.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/difference_plot.h"
#include "widgets/plots/layer_difference_plot.h"
#include "widgets/plots/layer_heat_plot.h"
#include "widgets/plots/trade_off_plot.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QAction>
#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSplitter>
#include <QTabWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace widgets {
namespace {

constexpr std::size_t kMostInLegend = 8;

QString qt(const std::string& text) { return QString::fromStdString(text); }

/// What layers of both measured, as first met in `other`.
QStringList shared_statistics(const engine::ComparableRun& base,
                              const engine::ComparableRun& other) {
  std::set<std::string> known;
  for (const auto& stat : base.layer_stats->values) known.insert(stat.statistic);
  QStringList shared;
  for (const auto& stat : other.layer_stats->values) {
    if (known.count(stat.statistic) > 0 && !shared.contains(qt(stat.statistic)))
      shared << qt(stat.statistic);
  }
  return shared;
}

QComboBox* choice(const QString& name, const QString& accessible, const QString& tip) {
  auto* box = new QComboBox;
  box->setObjectName(name);
  box->setAccessibleName(accessible);
  box->setToolTip(tip);
  return box;
}

}  // namespace

ComparePanel::ComparePanel(Selection* selection, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      messages_(new MessageBar(this)),
      model_(new ComparisonModel(this)),
      filter_(new ComparisonFilter(this)) {
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(makeTools());
  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->setObjectName(QStringLiteral("compare.splitter"));
  splitter->setChildrenCollapsible(false);
  splitter->addWidget(makeTable());
  tabs_ = new QTabWidget;
  tabs_->setObjectName(QStringLiteral("compare.tabs"));
  tabs_->setDocumentMode(true);
  tabs_->addTab(makeCurves(), tr("Curves"));
  details_ = new ComparisonDetails;
  tabs_->addTab(details_, tr("What differs"));
  tabs_->addTab(makeLayers(), tr("Layers"));
  tabs_->addTab(makeTradeOff(), tr("Trade-off"));
  splitter->addWidget(tabs_);
  splitter->setStretchFactor(0, 1);
  splitter->setStretchFactor(1, 3);
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

  connect(model_, &ComparisonModel::shownChanged, this, &ComparePanel::optionsChanged);
  connect(details_, &ComparisonDetails::layersChosen, selection_, &Selection::setLayers);
}

QWidget* ComparePanel::makeTools() {
  auto* bar = new QWidget;
  auto* row = new QHBoxLayout(bar);
  row->setContentsMargins(lines(this, 0.5), lines(this, 0.3), lines(this, 0.4), lines(this, 0.3));
  row->setSpacing(lines(this, 0.4));
  metric_ = choice(QStringLiteral("compare.metric"), tr("Metric"), tr("What is compared"));
  metric_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  statistic_ = choice(QStringLiteral("compare.statistic"), tr("Statistic"),
                      tr("The number of a curve that the table and the verdicts are about; also "
                         "mean:K and at:STEP of your own"));
  statistic_->setEditable(true);
  statistic_->setInsertPolicy(QComboBox::NoInsert);
  statistic_->addItems({QStringLiteral("last"), QStringLiteral("min"), QStringLiteral("max"),
                        QStringLiteral("mean:10"), QStringLiteral("at:100")});
  axis_ = choice(QStringLiteral("compare.axis"), tr("Horizontal axis"), tr("What curves run over"));
  axis_->addItem(tr("over steps"), int(engine::XAxis::step));
  axis_->addItem(tr("over tokens"), int(engine::XAxis::tokens));
  axis_->addItem(tr("over time"), int(engine::XAxis::time));
  axis_->addItem(tr("over FLOPs"), int(engine::XAxis::flops));
  filter_text_ = new QLineEdit;
  filter_text_->setObjectName(QStringLiteral("compare.filter"));
  filter_text_->setAccessibleName(tr("Filter runs"));
  filter_text_->setPlaceholderText(tr("Filter: words, q_levels=64, eval_loss<2.3"));
  filter_text_->setClearButtonEnabled(true);
  row->addWidget(metric_);
  row->addWidget(statistic_);
  grouped_ = new QToolButton;
  grouped_->setObjectName(QStringLiteral("compare.grouped"));
  grouped_->setText(tr("Mean of seeds"));
  grouped_->setToolTip(
      tr("Runs that differ only in their seeds as one mean, with one standard deviation of a run "
         "around it (over steps)"));
  grouped_->setAccessibleName(tr("Mean of seeds"));
  grouped_->setCheckable(true);
  grouped_->setChecked(true);
  grouped_->setAutoRaise(true);
  connect(grouped_, &QToolButton::toggled, this, &ComparePanel::showCurves);
  row->addWidget(axis_);
  row->addWidget(grouped_);
  row->addWidget(filter_text_, 1);
  const auto button = [&](const QString& text, const char* icon, const QString& name,
                          const QString& tip) {
    auto* tool = new QToolButton;
    tool->setText(text);
    tool->setIcon(symbol_icon(QLatin1String(icon)));
    tool->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    tool->setAutoRaise(true);
    tool->setObjectName(name);
    tool->setToolTip(tip);
    tool->setAccessibleName(tip);
    row->addWidget(tool);
    return tool;
  };
  connect(button(tr("Add"), "folder", QStringLiteral("compare.add"),
                 tr("Add run folders, or logs of other trainers")),
          &QToolButton::clicked, this, &ComparePanel::addRequested);
  connect(button(tr("Export"), "save", QStringLiteral("compare.export"),
                 tr("Write figure, data, configurations and a page to one folder")),
          &QToolButton::clicked, this, &ComparePanel::exportRequested);
  connect(metric_, &QComboBox::activated, this, &ComparePanel::optionsChanged);
  connect(axis_, &QComboBox::activated, this, &ComparePanel::optionsChanged);
  connect(statistic_, &QComboBox::activated, this, &ComparePanel::optionsChanged);
  connect(statistic_->lineEdit(), &QLineEdit::editingFinished, this, &ComparePanel::optionsChanged);
  connect(filter_text_, &QLineEdit::textChanged, filter_, &ComparisonFilter::setText);
  return bar;
}

QTreeView* ComparePanel::makeTable() {
  filter_->setSourceModel(model_);
  filter_->setSortRole(ComparisonModel::kSortRole);
  table_ = new QTreeView;
  table_->setObjectName(QStringLiteral("compare.table"));
  table_->setAccessibleName(tr("Runs to compare"));
  table_->setModel(filter_);
  set_up_list(table_);
  table_->setSortingEnabled(true);
  table_->sortByColumn(ComparisonModel::kName, Qt::AscendingOrder);
  table_->setContextMenuPolicy(Qt::CustomContextMenu);
  table_->setMinimumHeight(lines(this, 5));
  connect(table_, &QTreeView::customContextMenuRequested, this, &ComparePanel::showContextMenu);
  connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& current) {
            const QModelIndex source = filter_->mapToSource(current);
            if (!source.isValid() || model_->view() == nullptr) return;
            const auto& run = *model_->view()->runs[static_cast<std::size_t>(source.row())];
            if (run.source == engine::RunSource::run_folder)
              selection_->setRun(qt(std::filesystem::absolute(run.path).string()));
          });
  connect(table_, &QTreeView::doubleClicked, this, [this](const QModelIndex& index) {
    const QModelIndex source = filter_->mapToSource(index).siblingAtColumn(0);
    const bool is_shown = model_->isShown(source.row());
    model_->setData(source, is_shown ? Qt::Unchecked : Qt::Checked, Qt::CheckStateRole);
  });
  return table_;
}

QWidget* ComparePanel::makeCurves() {
  auto* page = new QWidget;
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  verdict_ = new QLabel;
  verdict_->setObjectName(QStringLiteral("compare.verdict"));
  verdict_->setWordWrap(true);
  verdict_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  verdict_->setContentsMargins(lines(this, 0.5), lines(this, 0.3), lines(this, 0.5), 0);
  column->addWidget(verdict_);
  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->setChildrenCollapsible(false);
  curves_ = new CurvePlot;
  differences_ = new DifferencePlot;
  splitter->addWidget(curves_);
  splitter->addWidget(differences_);
  splitter->setStretchFactor(0, 3);
  splitter->setStretchFactor(1, 2);
  column->addWidget(splitter, 1);
  curves_->setLeftMargin(characters(this, 10));
  differences_->setLeftMargin(characters(this, 10));
  connect(curves_, &CurvePlot::xRangeChanged, differences_, &DifferencePlot::setXRange);
  connect(differences_, &DifferencePlot::xRangeChanged, curves_, &CurvePlot::setXRange);
  return page;
}

QWidget* ComparePanel::makeLayers() {
  auto* page = new QWidget;
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  auto* row = new QHBoxLayout;
  row->setContentsMargins(lines(this, 0.5), lines(this, 0.3), lines(this, 0.4), lines(this, 0.3));
  layer_run_ = choice(QStringLiteral("compare.layer_run"), tr("Run"),
                      tr("The run whose layers are looked at"));
  layer_base_ = choice(QStringLiteral("compare.layer_base"), tr("Run to compare with"),
                       tr("The run that they are compared with"));
  layer_statistic_ = choice(QStringLiteral("compare.layer_statistic"), tr("Layer statistic"),
                            tr("What the layers measured"));
  layers_note_ = new QLabel;
  layers_note_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  row->setSpacing(lines(this, 0.4));
  row->addWidget(layer_run_);
  row->addWidget(new QLabel(tr("against")));
  row->addWidget(layer_base_);
  row->addWidget(layer_statistic_);
  row->addWidget(layers_note_, 1);
  column->addLayout(row);
  layers_ = new LayerDifferencePlot;
  heat_ = new LayerHeatPlot;
  layer_plots_ = new QSplitter(Qt::Horizontal);
  layer_plots_->setChildrenCollapsible(false);
  layer_plots_->addWidget(layers_);
  layer_plots_->addWidget(heat_);
  layer_plots_->setSizes({3000, 2000});
  column->addWidget(layer_plots_, 1);
  column->addStretch(0);
  connect(layer_base_, &QComboBox::activated, this, &ComparePanel::showLayers);
  connect(heat_, &LayerHeatPlot::layerClicked, this,
          [this](const QString& layer) { selection_->setLayers({layer}); });
  connect(layer_run_, &QComboBox::activated, this, &ComparePanel::showLayers);
  connect(layer_statistic_, &QComboBox::activated, this, &ComparePanel::showLayers);
  connect(layers_, &LayerDifferencePlot::layerClicked, this,
          [this](const QString& layer) { selection_->setLayers({layer}); });
  return page;
}

QWidget* ComparePanel::makeTradeOff() {
  auto* page = new QWidget;
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  auto* row = new QHBoxLayout;
  row->setContentsMargins(lines(this, 0.5), lines(this, 0.3), lines(this, 0.4), lines(this, 0.3));
  auto* label = new QLabel(tr("&Cost"));
  cost_ = new QLineEdit(QStringLiteral("q_levels"));
  cost_->setObjectName(QStringLiteral("compare.cost"));
  cost_->setAccessibleName(tr("Cost of a run"));
  cost_->setToolTip(
      tr("A recorded quantity or an expression over them, such as output_conversions * 1.2e-12 + "
         "macs * 1e-15"));
  label->setBuddy(cost_);
  cost_log_ = new QToolButton;
  cost_log_->setText(tr("Log"));
  cost_log_->setCheckable(true);
  cost_log_->setAutoRaise(true);
  cost_log_->setToolTip(tr("Logarithmic cost"));
  cost_log_->setAccessibleName(tr("Logarithmic cost"));
  row->addWidget(label);
  row->addWidget(cost_, 1);
  row->addWidget(cost_log_);
  column->addLayout(row);
  trade_off_note_ = new QLabel;
  trade_off_note_->setWordWrap(true);
  trade_off_note_->setContentsMargins(lines(this, 0.5), 0, lines(this, 0.5), lines(this, 0.2));
  column->addWidget(trade_off_note_);
  trade_off_ = new TradeOffPlot;
  column->addWidget(trade_off_, 1);
  connect(cost_, &QLineEdit::editingFinished, this, &ComparePanel::showTradeOff);
  connect(cost_log_, &QToolButton::toggled, trade_off_, &TradeOffPlot::setLogarithmicCost);
  connect(trade_off_, &TradeOffPlot::runClicked, this, [this](int run) {
    const QModelIndex index = filter_->mapFromSource(model_->index(run, 0));
    if (index.isValid()) table_->setCurrentIndex(index);
  });
  return page;
}

void ComparePanel::setTable(const ComparisonViewPtr& view, const QStringList& metrics) {
  empty_->setEmpty(view == nullptr || view->runs.empty());
  if (view == nullptr) return;
  const int columns = model_->columnCount();
  model_->setView(view);
  const QString chosen =
      metric_->count() > 0 ? metric_->currentText() : qt(view->comparison.options.metrics.front());
  metric_->clear();
  metric_->addItems(metrics);
  metric_->setCurrentText(metrics.contains(chosen) ? chosen : metrics.value(0));
  if (columns != model_->columnCount()) {
    auto* header = table_->header();
    header->setStretchLastSection(false);
    header->resizeSection(ComparisonModel::kName, characters(this, 34));
    for (int i = 1; i < model_->columnCount(); ++i) {
      const auto words = model_->headerData(i, Qt::Horizontal, Qt::DisplayRole).toString();
      header->resizeSection(i, characters(this, std::clamp<int>(int(words.size()) + 5, 12, 26)));
    }
  }
  showTradeOff();
}

void ComparePanel::setCharts(ComparisonViewPtr view) {
  // The plot holds pointers into the view: it lets go of the old one first.
  ComparisonViewPtr old = std::move(charts_);
  charts_ = std::move(view);
  showCurves();
  details_->setView(charts_);
  showVerdict();
  fillLayerChoices();
  showLayers();
}

bool ComparePanel::isGrouped() const {
  return charts_ != nullptr && grouped_->isChecked() && !charts_->groups.empty();
}

std::vector<Curve> ComparePanel::curvesShown() const {
  std::vector<Curve> curves;
  if (charts_ == nullptr) return curves;
  const engine::RunComparison& comparison = charts_->comparison;
  const bool is_sparse = comparison.options.metrics.front().rfind("eval_", 0) == 0;
  const auto add = [&](const std::string& label, int color, const engine::RunSeries* series,
                       bool is_baseline) {
    Curve curve;
    curve.label = qt(label);
    curve.color = color;
    curve.series = series;
    curve.sparse = is_sparse;
    curve.baseline = is_baseline;
    curve.glyph = is_sparse ? -1 : color;
    curves.push_back(curve);
  };
  std::set<std::size_t> drawn;
  if (isGrouped()) {
    for (const GroupLine& line : charts_->groups) {
      const engine::SeedGroup& group = comparison.groups[line.group];
      add(tr("%1, %n seeds", nullptr, int(group.runs.size())).arg(qt(group.label)).toStdString(),
          charts_->color_of_group(line.group), &line.mean, line.group == comparison.base_group);
      curves.back().low = &line.low;
      curves.back().high = &line.high;
      drawn.insert(line.group);
    }
  }
  for (std::size_t i = 0; i < charts_->runs.size(); ++i) {
    if (drawn.count(comparison.runs[i].group) == 0)
      add(comparison.runs[i].label, charts_->colors[i], &charts_->curves[i],
          i == comparison.options.baseline);
  }
  return curves;
}

std::vector<DifferenceCurve> ComparePanel::differencesShown() const {
  std::vector<DifferenceCurve> differences;
  if (charts_ == nullptr) return differences;
  const engine::RunComparison& comparison = charts_->comparison;
  std::set<std::size_t> drawn;
  if (isGrouped()) {
    drawn.insert(comparison.base_group);
    for (const engine::Verdict& verdict : comparison.verdicts) {
      if (verdict.metric != comparison.options.metrics.front() || verdict.delta.step.empty())
        continue;
      engine::GroupDelta delta = verdict.delta;
      const double zero = comparison.options.align_at.value_or(0);
      for (double& step : delta.step) step -= zero;
      if (delta.apart_from) *delta.apart_from -= zero;
      differences.push_back({qt(comparison.groups[verdict.group].label),
                             charts_->color_of_group(verdict.group),
                             {},
                             std::move(delta)});
      drawn.insert(verdict.group);
    }
  }
  for (std::size_t i = 0; i < charts_->runs.size(); ++i) {
    const engine::ComparedRun& run = comparison.runs[i];
    if (run.difference && drawn.count(run.group) == 0)
      differences.push_back({qt(run.label), charts_->colors[i], *run.difference});
  }
  return differences;
}

void ComparePanel::showCurves() {
  std::vector<Curve> curves = curvesShown();
  QStringList drawn;
  if (charts_ != nullptr) {
    const engine::ComparisonOptions& options = charts_->comparison.options;
    const QString metric = qt(options.metrics.front());
    const QString x = options.axis == engine::XAxis::time ? tr("hours of training")
                                                          : qt(engine::axis_title(options));
    drawn << x << metric;
    double end = 0;
    for (const Curve& curve : curves) {
      if (curve.series->size() > 0) end = std::max(end, curve.series->x().back());
      drawn << QStringLiteral("%1 %2 %3").arg(curve.label).arg(curve.color).arg(curve.baseline);
    }
    if (drawn != drawn_) {
      const bool is_whole =
          options.axis == engine::XAxis::step || options.axis == engine::XAxis::tokens;
      curves_->setXAxis(x, is_whole);
      curves_->setAxisTitle(metric);
      differences_->setTitles(x, QStringLiteral("Δ ") + metric);
    }
    curves_->setExpectedEnd(end);
  }
  if (drawn == drawn_ && !drawn.isEmpty()) {
    curves_->setSeries(curves);
  } else {
    drawn_ = drawn;
    curves_->setLegendShown(curves.size() <= kMostInLegend);
    curves_->setCurves(std::move(curves));
  }
  differences_->setDifferences(differencesShown());
}

void ComparePanel::showVerdict() {
  QStringList texts;
  if (charts_ != nullptr) {
    const engine::RunComparison& comparison = charts_->comparison;
    for (const engine::Verdict& verdict : comparison.verdicts) {
      if (verdict.metric == comparison.options.metrics.front() && texts.size() < 3)
        texts << tr("%1: %2").arg(qt(comparison.groups[verdict.group].label), qt(verdict.text));
    }
    const auto all = std::count_if(
        comparison.verdicts.begin(), comparison.verdicts.end(),
        [&](const auto& verdict) { return verdict.metric == comparison.options.metrics.front(); });
    if (all > 3) texts << tr("and %n more under What differs", nullptr, int(all) - 3);
  }
  verdict_->setText(texts.isEmpty() ? tr("Tick two or more runs in the table.")
                                    : texts.join(QLatin1Char('\n')));
}

/// The ticked runs that measured their layers. At first two of different groups that measured the
/// same, the baseline among them if it can be.
void ComparePanel::fillLayerChoices() {
  const QString run = layer_run_->currentText();
  const QString base = layer_base_->currentText();
  layer_run_->clear();
  layer_base_->clear();
  if (charts_ == nullptr) return;
  std::vector<std::size_t> measured;
  for (std::size_t i = 0; i < charts_->runs.size(); ++i) {
    if (!charts_->runs[i]->layer_stats) continue;
    measured.push_back(i);
    for (QComboBox* box : {layer_run_, layer_base_})
      box->addItem(qt(charts_->runs[i]->name), int(i));
  }
  int best = -1;
  std::pair<int, int> chosen{0, 1};
  for (std::size_t a = 0; a < measured.size(); ++a) {
    for (std::size_t b = 0; b < measured.size(); ++b) {
      const auto& runs = charts_->comparison.runs;
      if (a == b ||
          shared_statistics(*charts_->runs[measured[a]], *charts_->runs[measured[b]]).isEmpty())
        continue;
      const int rank = (measured[a] == charts_->comparison.options.baseline ? 2 : 0) +
                       (runs[measured[a]].group != runs[measured[b]].group ? 1 : 0);
      if (rank <= best) continue;
      best = rank;
      chosen = {int(a), int(b)};
    }
  }
  const int known_base = layer_base_->findText(base);
  const int known_run = layer_run_->findText(run);
  const bool is_known = known_base >= 0 && known_run >= 0;
  layer_base_->setCurrentIndex(is_known ? known_base
                                        : std::min(chosen.first, layer_base_->count() - 1));
  layer_run_->setCurrentIndex(is_known ? known_run
                                       : std::min(chosen.second, layer_run_->count() - 1));
}

void ComparePanel::showLayers() {
  const QString chosen = layer_statistic_->currentText();
  layer_statistic_->clear();
  const bool has_two = charts_ != nullptr && layer_run_->count() > 1;
  for (QWidget* part :
       std::initializer_list<QWidget*>{layer_run_, layer_base_, layer_statistic_, layer_plots_})
    part->setEnabled(has_two);
  layer_plots_->setVisible(has_two);
  if (!has_two) {
    layers_note_->setText(
        tr("Simulated layers measure themselves, plain ones do not: tick two runs with a "
           "transform."));
    return;
  }
  const auto at = static_cast<std::size_t>(layer_run_->currentData().toInt());
  const auto base_at = static_cast<std::size_t>(layer_base_->currentData().toInt());
  const engine::ComparableRun& base = *charts_->runs[base_at];
  const engine::ComparableRun& other = *charts_->runs[at];
  layer_statistic_->addItems(shared_statistics(base, other));
  layer_statistic_->setCurrentIndex(std::max(0, layer_statistic_->findText(chosen)));
  const std::string statistic = layer_statistic_->currentText().toStdString();
  std::map<std::string, double> values;
  for (const auto& stat : base.layer_stats->values) {
    if (stat.statistic == statistic) values[stat.layer] = stat.value;
  }
  std::vector<LayerPair> pairs;
  for (const auto& stat : other.layer_stats->values) {
    const auto found = values.find(stat.layer);
    if (stat.statistic == statistic && found != values.end())
      pairs.push_back({qt(stat.layer), found->second, stat.value});
  }
  layers_note_->setText(pairs.empty() ? tr("Their layers measured nothing in common.")
                                      : tr("at step %1 against step %2")
                                            .arg(other.layer_stats->step)
                                            .arg(base.layer_stats->step));
  layer_plots_->setVisible(!pairs.empty());
  heat_->setLayers(pairs, layer_statistic_->currentText());
  layers_->setLayers(std::move(pairs), layer_statistic_->currentText(), qt(base.name),
                     qt(other.name), charts_->colors[at]);
}

void ComparePanel::showTradeOff() {
  const ComparisonViewPtr& view = model_->view();
  std::vector<TradeOffMark> marks;
  QString note;
  if (view != nullptr) {
    const engine::ComparisonOptions& options = view->comparison.options;
    const std::string& metric = options.metrics.front();
    try {
      const auto cost = engine::Expression::parse(cost_->text().toStdString(), "cost");
      std::size_t without = 0;
      for (std::size_t i = 0; i < view->runs.size(); ++i) {
        const engine::ComparableRun& run = *view->runs[i];
        const auto x = cost.value([&](const std::string& name) {
          return engine::quantity_of(run, name, options.statistic);
        });
        const auto y = engine::quantity_of(run, metric, options.statistic);
        if (!x || !y) {
          ++without;
          continue;
        }
        marks.push_back({qt(view->comparison.runs[i].label),
                         view->colors[i],
                         i == options.baseline,
                         {i, *x, *y}});
      }
      if (without > 0)
        note = tr("%n runs have no such cost or no %1 and are left out", nullptr, int(without))
                   .arg(qt(metric));
    } catch (const engine::Error& error) {
      note = qt(error.problems().front().message);
    }
    trade_off_->setMarks(std::move(marks), cost_->text(), qt(metric));
  }
  trade_off_note_->setText(note);
  trade_off_note_->setVisible(!note.isEmpty());
}

engine::ComparisonOptions ComparePanel::options() const {
  engine::ComparisonOptions options;
  if (metric_->count() > 0) {
    options.metrics.push_back(metric_->currentText().toStdString());
    for (const char* other : {"eval_loss", "loss"}) {
      if (options.metrics.front() != other && metric_->findText(QLatin1String(other)) >= 0)
        options.metrics.push_back(other);
    }
  }
  options.statistic = engine::parse_statistic(statistic_->currentText().toStdString(), "statistic");
  options.axis = static_cast<engine::XAxis>(axis_->currentData().toInt());
  return options;
}

void ComparePanel::setBaseline(const QString& key) {
  if (key == baseline_) return;
  baseline_ = key;
  Q_EMIT optionsChanged();
}

const std::set<QString>& ComparePanel::shownRuns() const { return model_->shownRuns(); }
void ComparePanel::setShown(const std::set<QString>& keys) { model_->setShown(keys); }

void ComparePanel::showContextMenu(const QPoint& position) {
  const QModelIndex index = filter_->mapToSource(table_->indexAt(position));
  if (!index.isValid()) return;
  const int row = index.row();
  const bool is_pinned = index.data(ComparisonModel::kPinnedRole).toBool();
  QMenu menu;
  menu.addAction(tr("Use as &baseline"), this, [this, row] {
    setBaseline(run_key(*model_->view()->runs[static_cast<std::size_t>(row)]));
  });
  menu.addAction(is_pinned ? tr("&Unpin") : tr("&Pin to the top"), this,
                 [this, row, is_pinned] { model_->setPinned(row, !is_pinned); });
  menu.exec(table_->viewport()->mapToGlobal(position));
}

void ComparePanel::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && table_ != nullptr) table_->viewport()->update();
}

}  // namespace widgets
