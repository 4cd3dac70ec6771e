// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_curves.h"

#include "engine/compare/comparison_figure.h"
#include "widgets/panels/tool_row.h"
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

constexpr std::size_t kMostInLegend = 8;
constexpr qsizetype kMostVerdicts = 3;

}  // namespace

CompareCurves::CompareCurves(QWidget* parent)
    : QWidget(parent),
      verdict_(new QLabel),
      replicas_(make_tool(QString(), QStringLiteral("add"), QStringLiteral("compare.replicas"),
                          tr("Queue the missing replicas"))),
      curves_(new CurvePlot),
      differences_(new DifferencePlot) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  verdict_->setObjectName(QStringLiteral("compare.verdict"));
  verdict_->setWordWrap(true);
  verdict_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* row = make_tool_row(this);
  row->addWidget(verdict_, 1);
  row->addWidget(replicas_, 0, Qt::AlignTop);
  column->addLayout(row);
  replicas_->hide();
  connect(replicas_, &QToolButton::clicked, this, &CompareCurves::requestReplicas);
  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->setChildrenCollapsible(false);
  splitter->addWidget(curves_);
  splitter->addWidget(differences_);
  splitter->setStretchFactor(0, 3);
  splitter->setStretchFactor(1, 2);
  column->addWidget(splitter, 1);
  curves_->setLeftMargin(characters(this, 10));
  differences_->setLeftMargin(characters(this, 10));
  connect(curves_, &CurvePlot::xRangeChanged, differences_, &DifferencePlot::setXRange);
  connect(differences_, &DifferencePlot::xRangeChanged, curves_, &CurvePlot::setXRange);
}

void CompareCurves::setView(ComparisonViewPtr view) {
  // The plot holds pointers into the view: it lets go of the old one first.
  const ComparisonViewPtr old = std::exchange(view_, std::move(view));
  showCurves();
  showVerdict();
  showReplicas();
}

void CompareCurves::setShowsMeans(bool shows) {
  shows_means_ = shows;
  showCurves();
}

bool CompareCurves::isGrouped() const {
  return view_ != nullptr && shows_means_ && !view_->groups.empty();
}

std::vector<Curve> CompareCurves::curvesShown() const {
  std::vector<Curve> curves;
  if (view_ == nullptr) return curves;
  const engine::RunComparison& comparison = view_->comparison;
  const bool is_sparse = comparison.options.metrics.front().rfind("eval_", 0) == 0;
  const auto add = [&](const QString& label, int color, const engine::RunSeries* series,
                       bool is_baseline) {
    Curve curve;
    curve.label = label;
    curve.color = color;
    curve.series = series;
    curve.sparse = is_sparse;
    curve.baseline = is_baseline;
    curve.glyph = is_sparse ? -1 : color;
    curves.push_back(curve);
  };
  std::set<std::size_t> drawn;
  if (isGrouped()) {
    for (const GroupLine& line : view_->groups) {
      const engine::SeedGroup& group = comparison.groups[line.group];
      add(tr("%1, %n seeds", nullptr, int(group.runs.size())).arg(qt(group.label)),
          view_->color_of_group(line.group), &line.mean, line.group == comparison.base_group);
      curves.back().low = &line.low;
      curves.back().high = &line.high;
      drawn.insert(line.group);
    }
  }
  for (std::size_t i = 0; i < view_->runs.size(); ++i) {
    if (drawn.count(comparison.runs[i].group) == 0)
      add(qt(comparison.runs[i].label), view_->colors[i], &view_->curves[i],
          i == comparison.options.baseline);
  }
  return curves;
}

std::vector<DifferenceCurve> CompareCurves::differencesShown() const {
  std::vector<DifferenceCurve> differences;
  if (view_ == nullptr) return differences;
  const engine::RunComparison& comparison = view_->comparison;
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
                             view_->color_of_group(verdict.group),
                             {},
                             std::move(delta)});
      drawn.insert(verdict.group);
    }
  }
  for (std::size_t i = 0; i < view_->runs.size(); ++i) {
    const engine::ComparedRun& run = comparison.runs[i];
    if (run.difference && drawn.count(run.group) == 0)
      differences.push_back({qt(run.label), view_->colors[i], *run.difference});
  }
  return differences;
}

/// Titles are set, and curves replaced, only when other curves are drawn than before: a live update
/// leaves the view as the user has it.
void CompareCurves::showCurves() {
  std::vector<Curve> curves = curvesShown();
  QStringList drawn;
  if (view_ != nullptr) {
    const engine::ComparisonOptions& options = view_->comparison.options;
    drawn << qt(engine::axis_title(options)) << qt(options.metrics.front());
    double end = 0;
    for (const Curve& curve : curves) {
      if (curve.series->size() > 0) end = std::max(end, curve.series->x().back());
      drawn << QStringLiteral("%1 %2 %3").arg(curve.label).arg(curve.color).arg(curve.baseline);
    }
    curves_->setExpectedEnd(end);
  }
  if (drawn == drawn_ && !drawn.isEmpty()) {
    curves_->setSeries(curves);
  } else {
    drawn_ = drawn;
    setTitles(curves);
    curves_->setCurves(std::move(curves));
  }
  differences_->setDifferences(differencesShown());
}

void CompareCurves::setTitles(const std::vector<Curve>& curves) {
  curves_->setLegendShown(curves.size() <= kMostInLegend);
  if (view_ == nullptr) return;
  const engine::ComparisonOptions& options = view_->comparison.options;
  const QString metric = qt(options.metrics.front());
  const QString x = qt(engine::axis_title(options));
  curves_->setXAxis(x,
                    options.axis == engine::XAxis::step || options.axis == engine::XAxis::tokens);
  curves_->setAxisTitle(metric);
  differences_->setTitles(x, QStringLiteral("Δ ") + metric);
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
  verdict_->setText(texts.isEmpty() ? tr("Tick two or more runs in the table.")
                                    : texts.join(QLatin1Char('\n')));
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
