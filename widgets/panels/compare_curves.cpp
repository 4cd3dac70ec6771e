// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_curves.h"

#include "engine/compare/comparison_figure.h"
#include "widgets/panels/compare_curve_tools.h"
#include "widgets/panels/tool_row.h"
#include "widgets/panels/wrapped_label.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/difference_plot.h"
#include "widgets/style/metrics.h"
#include "widgets/style/text.h"

#include <QLabel>
#include <QSplitter>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <set>
#include <utility>

namespace widgets {
namespace {

constexpr std::size_t kMostInLegend = 12;
constexpr qsizetype kMostVerdicts = 3;

bool is_whole(const engine::ComparisonOptions& options) {
  return options.axis == engine::XAxis::step || options.axis == engine::XAxis::tokens;
}

}  // namespace

CompareCurves::CompareCurves(RunNotesPtr notes, QWidget* parent)
    : QWidget(parent),
      verdict_(new WrappedLabel),
      replicas_(make_tool(QString(), QStringLiteral("add"), QStringLiteral("compare.replicas"),
                          tr("Queue the missing replicas"))),
      tools_(new CompareCurveTools(std::move(notes))),
      splitter_(new QSplitter(Qt::Vertical)),
      differences_(new DifferencePlot) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  verdict_->setObjectName(QStringLiteral("compare.verdict"));
  auto* row = make_tool_row(this);
  row->addWidget(verdict_, 1);
  row->addWidget(replicas_, 0, Qt::AlignTop);
  column->addLayout(row);
  column->addWidget(tools_);
  replicas_->hide();
  connect(replicas_, &QToolButton::clicked, this, &CompareCurves::requestReplicas);
  splitter_->setChildrenCollapsible(false);
  column->addWidget(splitter_, 1);
  addChart();
  splitter_->addWidget(differences_);
  differences_->setLeftMargin(characters(this, 10));
  connect(differences_, &DifferencePlot::xRangeChanged, this, [this](double low, double high) {
    is_linking_ = true;
    for (const Chart& chart : charts_) chart.plot->setXRange(low, high);
    is_linking_ = false;
  });
  connect(differences_, &DifferencePlot::cursorMoved, this, [this](double x) {
    for (const Chart& chart : charts_) chart.plot->setCursor(x);
  });
  connect(tools_, &CompareCurveTools::drawingChanged, this, &CompareCurves::showDrawing);
  showDrawing();
}

void CompareCurves::addChart() {
  auto* plot = new CurvePlot;
  plot->setLeftMargin(characters(this, 10));
  splitter_->insertWidget(static_cast<int>(charts_.size()), plot);
  if (!charts_.empty()) {
    plot->setObjectName(QStringLiteral("compare.chart.%1").arg(charts_.size()));
    plot->setLegendShown(false);
  }
  charts_.push_back({QString(), plot});
  linkChart(plot);
}

void CompareCurves::linkChart(CurvePlot* plot) {
  const bool is_main = charts_.size() == 1;
  connect(plot, &CurvePlot::xRangeChanged, this, [this, plot, is_main](double low, double high) {
    if (is_main || !plot->isFollowing()) differences_->setXRange(low, high);
    if (is_linking_ || plot->isFollowing()) return;  // those that follow do it by themselves
    is_linking_ = true;
    for (const Chart& chart : charts_) {
      if (chart.plot != plot) chart.plot->setXRange(low, high);
    }
    is_linking_ = false;
  });
  connect(plot, &CurvePlot::followingChanged, this, [this](bool following) {
    for (const Chart& chart : charts_) chart.plot->setFollowing(following);
  });
  connect(plot, &CurvePlot::cursorMoved, this, [this, plot](double x) {
    for (const Chart& chart : charts_) {
      if (chart.plot != plot) chart.plot->setCursor(x);
    }
    differences_->setCursor(x);
  });
}

CurvePlot* CompareCurves::curves(const QString& metric) const {
  const auto found = std::find_if(charts_.begin(), charts_.end(),
                                  [&](const Chart& chart) { return chart.metric == metric; });
  return found == charts_.end() ? nullptr : found->plot;
}

void CompareCurves::setView(ComparisonViewPtr view) {
  // The plots hold pointers into the view: they let go of the old one first.
  const ComparisonViewPtr old = std::exchange(view_, std::move(view));
  if (view_ != nullptr) {
    std::int64_t longest = 0;
    for (const ComparableRunPtr& run : view_->runs) longest = std::max(longest, run->max_steps);
    if (longest > 0)
      tools_->setUsualHalfLife(static_cast<int>(std::clamp<std::int64_t>(longest / 50, 2, 50)));
  }
  showCharts();
  showVerdict();
  showReplicas();
}

void CompareCurves::showDrawing() {
  charts_.front().plot->setLogarithmic(tools_->isLogarithmicY());
  for (const Chart& chart : charts_) {
    chart.plot->setHalfLife(tools_->halfLife());
    chart.plot->setLogarithmicX(tools_->isLogarithmicX());
  }
  differences_->setLogarithmicX(tools_->isLogarithmicX());
  showCharts();
}

bool CompareCurves::isGrouped() const {
  return view_ != nullptr && tools_->showsMeans() && !view_->charts.front().groups.empty();
}

std::vector<Curve> CompareCurves::curvesOf(const MetricCurves& metric) const {
  std::vector<Curve> curves;
  const engine::RunComparison& comparison = view_->comparison;
  const auto add = [&](const QString& label, int look, const engine::RunSeries* series,
                       bool is_baseline) {
    Curve curve;
    curve.label = label;
    curve.color = look;
    curve.series = series;
    curve.sparse = metric.metric.rfind("eval_", 0) == 0;
    curve.baseline = is_baseline;
    curve.marked = true;
    curves.push_back(curve);
  };
  std::set<std::size_t> drawn;
  if (isGrouped()) {
    for (const GroupLine& line : metric.groups) {
      const engine::SeedGroup& group = comparison.groups[line.group];
      add(tr("%1, %n seeds", nullptr, int(group.runs.size())).arg(qt(group.label)),
          view_->look_of_group(line.group), &line.mean, line.group == comparison.base_group);
      curves.back().low = &line.low;
      curves.back().high = &line.high;
      drawn.insert(line.group);
    }
  }
  for (std::size_t i = 0; i < view_->runs.size(); ++i) {
    if (drawn.count(comparison.runs[i].group) == 0)
      add(qt(comparison.runs[i].label), view_->look_of(i), &metric.runs[i],
          i == comparison.options.baseline);
  }
  // The baseline lies below the others, which would be hidden where they are equal to it.
  std::stable_partition(curves.begin(), curves.end(),
                        [](const Curve& curve) { return curve.baseline; });
  return curves;
}

std::vector<DifferenceCurve> CompareCurves::differencesShown() const {
  std::vector<DifferenceCurve> differences;
  if (view_ == nullptr) return differences;
  const engine::RunComparison& comparison = view_->comparison;
  std::set<std::size_t> drawn;
  if (isGrouped()) {
    drawn.insert(comparison.base_group);
    for (const GroupDifferenceLine& line : view_->group_differences) {
      differences.push_back({qt(comparison.groups[line.group].label),
                             view_->look_of_group(line.group), &line.series});
      drawn.insert(line.group);
    }
  }
  for (std::size_t i = 0; i < view_->runs.size(); ++i) {
    const engine::ComparedRun& run = comparison.runs[i];
    if (run.difference && drawn.count(run.group) == 0)
      differences.push_back({qt(run.label), view_->look_of(i), &view_->run_differences[i]});
  }
  return differences;
}

void CompareCurves::showCharts() {
  const std::size_t shown = view_ == nullptr ? 1 : view_->charts.size();
  while (charts_.size() < shown) {
    addChart();
    charts_.back().plot->setHalfLife(tools_->halfLife());
    charts_.back().plot->setLogarithmicX(tools_->isLogarithmicX());
  }
  for (std::size_t i = 0; i < charts_.size(); ++i) {
    if (i < shown && view_ != nullptr) {
      showChart(charts_[i], view_->charts[i]);
    } else {
      charts_[i].drawn.clear();
      charts_[i].metric.clear();
      charts_[i].plot->setCurves({});
    }
    charts_[i].plot->setVisible(i < shown);
  }
  if (shown != divided_into_) {
    divided_into_ = shown;
    QList<int> sizes(splitter_->count(), 2000);
    sizes[0] = 3000;
    splitter_->setSizes(sizes);
  }
  if (view_ != nullptr) {
    const engine::ComparisonOptions& options = view_->comparison.options;
    differences_->setTitles(qt(engine::axis_title(options)),
                            QStringLiteral("Δ ") + qt(options.metrics.front()), is_whole(options));
  }
  differences_->setDifferences(differencesShown());
}

/// Titles are set, and curves replaced, only when other curves are drawn than before: a live update
/// leaves the view as the user has it.
void CompareCurves::showChart(Chart& chart, const MetricCurves& metric) {
  std::vector<Curve> curves = curvesOf(metric);
  const engine::ComparisonOptions& options = view_->comparison.options;
  const QString x = qt(engine::axis_title(options));
  chart.metric = qt(metric.metric);
  QStringList drawn{x, chart.metric};
  double end = 0;
  for (const Curve& curve : curves) {
    if (curve.series->size() > 0) end = std::max(end, curve.series->x().back());
    drawn << QStringLiteral("%1 %2 %3").arg(curve.label).arg(curve.color).arg(curve.baseline);
  }
  chart.plot->setExpectedEnd(end);
  if (drawn == chart.drawn) {
    chart.plot->setSeries(curves);
    return;
  }
  chart.drawn = drawn;
  if (&chart == &charts_.front()) chart.plot->setLegendShown(curves.size() <= kMostInLegend);
  chart.plot->setXAxis(x, is_whole(options));
  chart.plot->setAxisTitle(chart.metric);
  chart.plot->setCurves(std::move(curves));
}

void CompareCurves::showVerdict() {
  QStringList texts;
  if (view_ != nullptr) {
    const engine::RunComparison& comparison = view_->comparison;
    int all = 0;
    for (const engine::Verdict& verdict : comparison.verdicts) {
      if (verdict.metric != comparison.options.metrics.front()) continue;
      ++all;
      if (texts.size() < kMostVerdicts)
        texts << tr("%1: %2").arg(qt(comparison.groups[verdict.group].label), qt(verdict.text));
    }
    if (all > kMostVerdicts)
      texts << tr("and %n more under What differs", nullptr, all - int(kMostVerdicts));
  }
  const bool is_one_group = view_ != nullptr && view_->comparison.groups.size() == 1 &&
                            view_->comparison.groups.front().runs.size() > 1;
  if (is_one_group) {
    texts << tr("The ticked runs differ in their seeds only: tick one with other settings, too.");
  } else if (texts.isEmpty()) {
    texts << tr("Tick two or more runs in the table.");
  }
  verdict_->setText(texts.join(QLatin1Char('\n')));
}

void CompareCurves::setCanQueue(bool can) {
  can_queue_ = can;
  showReplicas();
}

void CompareCurves::showReplicas() {
  const bool any = can_queue_ && view_ != nullptr && !view_->missing.empty();
  replicas_->setVisible(any);
  if (!any) return;
  const auto count = static_cast<int>(view_->missing.size());
  QStringList names;
  for (const engine::MissingReplica& each : view_->missing)
    names << qt(each.output_dir.filename().string());
  replicas_->setText(count == 1 ? tr("Queue 1 run") : tr("Queue %n runs", nullptr, count));
  replicas_->setToolTip(tr("Replicas that would make this tell more, one after the other: %1")
                            .arg(names.join(QStringLiteral(", "))));
}

void CompareCurves::requestReplicas() {
  if (view_ == nullptr) return;
  std::vector<engine::ParamValues> runs;
  for (const engine::MissingReplica& each : view_->missing)
    runs.push_back(engine::values_of(each, *view_->runs[each.like]));
  Q_EMIT replicasRequested(runs);
}

}  // namespace widgets
