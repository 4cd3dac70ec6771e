// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/histogram_data.h"

#include "engine/transform/effect_diff.h"

#include <QHash>
#include <QObject>
#include <QSet>

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

void count(HistogramBar& bar, const QString& layer, bool is_attention) {
  ++(is_attention ? bar.attentions : bar.linears);
  bar.layers << layer;
}

/// Rule indices in file order, `default` after the others.
std::vector<int> rule_order(const PlanView& view) {
  std::vector<int> order;
  const auto& rules = view.transform->config.rules;
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (rules[i].is_default() == (pass == 1)) order.push_back(static_cast<int>(i));
    }
  }
  return order;
}

/// Fills in what the layers of bars weigh.
class Weights {
 public:
  explicit Weights(const PlanView& view) {
    if (view.checkpoint == nullptr) return;
    costs_ = &view.checkpoint->costs;
    for (const auto& layer : view.checkpoint->inventory.layers()) {
      const bool is_attention = layer.kind == engine::LayerKind::attention;
      if (!is_attention && layer.kind != engine::LayerKind::linear) continue;
      if (is_attention) attentions_.insert(QString::fromStdString(layer.name));
      total_.parameters += costs_->of(layer.name).parameters;
      total_.flops += costs_->of(layer.name).flops;
    }
  }
  void fill(HistogramBar& bar) const {
    if (costs_ == nullptr) return;
    for (const auto& layer : bar.layers) {
      const auto& cost = costs_->of(layer.toStdString());
      auto& sum = attentions_.contains(layer) ? bar.attention_cost : bar.linear_cost;
      sum.parameters += cost.parameters;
      sum.flops += cost.flops;
    }
    if (total_.parameters > 0) {
      bar.parameter_share = bar.size(HistogramWeight::parameters) / total_.parameters;
    }
    if (total_.flops > 0) bar.flop_share = bar.size(HistogramWeight::flops) / total_.flops;
  }

 private:
  const LayerCosts* costs_ = nullptr;
  QSet<QString> attentions_;
  LayerCosts::Cost total_;
};

double size_of(HistogramWeight weight, int count, const LayerCosts::Cost& cost) {
  switch (weight) {
    case HistogramWeight::layers:
      return count;
    case HistogramWeight::parameters:
      return cost.parameters;
    case HistogramWeight::flops:
      return cost.flops;
  }
  return 0;
}

std::optional<MeasuredSpread> spread_of(const QStringList& layers,
                                        const engine::LayerSeries& series,
                                        const std::string& statistic) {
  std::vector<double> values;
  for (const QString& layer : layers) {
    const auto* curve = series.find(layer.toStdString(), statistic);
    if (curve != nullptr && curve->size() > 0 && std::isfinite(curve->y().back())) {
      values.push_back(curve->y().back());
    }
  }
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return MeasuredSpread{values.front(), median, values.back()};
}

HistogramBar untransformed_bar() {
  HistogramBar bar;
  bar.label = QObject::tr("untransformed");
  bar.untransformed = true;
  return bar;
}

}  // namespace

double HistogramBar::attention_size(HistogramWeight weight) const {
  return size_of(weight, attentions, attention_cost);
}

double HistogramBar::linear_size(HistogramWeight weight) const {
  return size_of(weight, linears, linear_cost);
}

double HistogramGhost::size(HistogramWeight weight) const { return size_of(weight, count, cost); }

const HistogramGhost* HistogramData::ghost_of(const HistogramBar& bar) const {
  for (const auto& one : ghosts) {
    if (one.label == bar.label && one.untransformed == bar.untransformed) return &one;
  }
  return nullptr;
}

void add_ghosts(HistogramData& data, const HistogramData& other, const QString& caption,
                const QString& gone_text) {
  bool differs = data.bars.size() != other.bars.size();
  for (std::size_t i = 0; i < data.bars.size() && !differs; ++i) {
    differs =
        data.bars[i].label != other.bars[i].label || data.bars[i].layers != other.bars[i].layers;
  }
  if (!differs) return;
  data.ghost_caption = caption;
  for (const auto& bar : other.bars) {
    const auto same = [&bar](const HistogramBar& one) {
      return one.label == bar.label && one.untransformed == bar.untransformed;
    };
    HistogramGhost ghost{bar.label, bar.untransformed, bar.count(), bar.attention_cost};
    ghost.cost.parameters += bar.linear_cost.parameters;
    ghost.cost.flops += bar.linear_cost.flops;
    if (ghost.count > 0 && std::none_of(data.bars.begin(), data.bars.end(), same)) {
      HistogramBar gone;
      gone.label = bar.label;
      gone.detail = gone_text;
      data.bars.insert(data.bars.end() - (data.bars.empty() ? 0 : 1), std::move(gone));
    }
    data.ghosts.push_back(std::move(ghost));
  }
}

int HistogramData::total() const {
  int sum = 0;
  for (const auto& bar : bars) sum += bar.count();
  return sum;
}

HistogramData planned_histogram(const PlanView& view) {
  HistogramData data;
  data.caption = QObject::tr("planned");
  if (!view.has_plan()) return data;
  std::vector<HistogramBar> bars(view.transform->config.rules.size());
  HistogramBar rest = untransformed_bar();
  for (const auto& one : view.plan.assignments) {
    const bool is_attention = one.kind == engine::LayerKind::attention;
    const QString layer = QString::fromStdString(one.layer);
    if (one.outcome == engine::Outcome::transformed) {
      count(bars[static_cast<std::size_t>(one.rule)], layer, is_attention);
    } else {
      count(rest, layer, is_attention);
    }
  }
  const Weights weights(view);
  for (const int rule : rule_order(view)) {
    auto& bar = bars[static_cast<std::size_t>(rule)];
    const auto* written = view.rule(rule);
    if (written->leave_alone) continue;
    bar.label = QString::fromStdString(written->pattern);
    bar.detail = QString::fromStdString(written->paradigm);
    bar.rule = rule;
    weights.fill(bar);
    data.bars.push_back(std::move(bar));
  }
  weights.fill(rest);
  data.bars.push_back(std::move(rest));
  return data;
}

HistogramData effect_histogram(const PlanView& view,
                               const std::vector<engine::ParadigmInfo>& infos) {
  HistogramData data;
  if (view.checkpoint == nullptr) return data;
  QHash<QString, const engine::Assignment*> assignments;
  for (const auto& one : view.plan.assignments) {
    if (one.outcome == engine::Outcome::transformed)
      assignments.insert(QString::fromStdString(one.layer), &one);
  }
  QHash<QString, std::size_t> position;
  HistogramBar rest = untransformed_bar();
  for (const auto& layer : view.checkpoint->inventory.layers()) {
    const bool is_attention = layer.kind == engine::LayerKind::attention;
    if (!is_attention && layer.kind != engine::LayerKind::linear) continue;
    const QString name = QString::fromStdString(layer.name);
    const auto* assignment = assignments.value(name);
    if (assignment == nullptr) {
      count(rest, name, is_attention);
      continue;
    }
    const QString label = QString::fromStdString(engine::effect_text(assignment, infos));
    if (!position.contains(label)) {
      position.insert(label, data.bars.size());
      data.bars.emplace_back().label = label;
    }
    count(data.bars[position.value(label)], name, is_attention);
  }
  data.bars.push_back(std::move(rest));
  const Weights weights(view);
  for (auto& bar : data.bars) weights.fill(bar);
  return data;
}

HistogramData applied_histogram(const RunRecord& run, const QString& statistic) {
  HistogramData data;
  data.statistic = statistic;
  data.caption = QObject::tr("applied: %1").arg(run.name);
  const bool plan_is_known = run.plan != nullptr && run.plan->checkpoint != nullptr;
  HistogramData plan;
  if (plan_is_known) plan = planned_histogram(*run.plan);

  QHash<QString, std::size_t> position;
  for (const auto& bar : plan.bars) {
    if (bar.untransformed) continue;
    position.insert(bar.label, data.bars.size());
    HistogramBar empty;
    empty.label = bar.label;
    empty.detail = bar.detail;
    empty.planned = bar.count();
    data.bars.push_back(std::move(empty));
  }
  QSet<QString> replaced;
  for (const auto& event : run.transformed) {
    const QString pattern = QString::fromStdString(event.pattern);
    if (!position.contains(pattern)) {
      position.insert(pattern, data.bars.size());
      HistogramBar bar;
      bar.label = pattern;
      bar.detail = QString::fromStdString(event.paradigm);
      if (plan_is_known) bar.planned = 0;
      data.bars.push_back(std::move(bar));
    }
    const QString layer = QString::fromStdString(event.layer);
    count(data.bars[position.value(pattern)], layer, event.kind == "attention");
    replaced.insert(layer);
  }

  if (plan_is_known) {
    const Weights weights(*run.plan);
    HistogramBar rest = untransformed_bar();
    for (const auto& layer : run.plan->checkpoint->inventory.layers()) {
      const bool is_attention = layer.kind == engine::LayerKind::attention;
      if (!is_attention && layer.kind != engine::LayerKind::linear) continue;
      const QString name = QString::fromStdString(layer.name);
      const bool is_candidate =
          run.plan->transform == nullptr || run.plan->plan.find(layer.name) != nullptr;
      if (is_candidate && !replaced.contains(name)) count(rest, name, is_attention);
    }
    for (auto& bar : data.bars) weights.fill(bar);
    weights.fill(rest);
    data.bars.push_back(std::move(rest));
  }

  if (!statistic.isEmpty()) {
    for (auto& bar : data.bars) {
      bar.measured = spread_of(bar.layers, run.layers, statistic.toStdString());
    }
  }

  int planned = 0;
  bool differs = false;
  for (const auto& bar : data.bars) {
    if (!bar.planned) continue;
    planned += *bar.planned;
    differs = differs || *bar.planned != bar.count();
  }
  const int applied = static_cast<int>(run.transformed.size());
  if (run.transform_complete && differs) {
    data.note = QObject::tr("What was applied differs from the plan.");
    data.note_is_error = true;
  } else if (run.transform_complete && plan_is_known) {
    data.note = QObject::tr("as planned");
  } else if (applied > 0 && planned > 0) {
    data.note = QObject::tr("%1 of %2 layers so far").arg(applied).arg(planned);
  }
  return data;
}

}  // namespace widgets
