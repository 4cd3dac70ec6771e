// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/comparison_tables.h"

#include "engine/csv.h"
#include "engine/figures/svg_text.h"
#include "engine/transform/layer_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace engine {
namespace {

/// "step 40", "9.8k tokens", "12.4 min", "3.1e+15 FLOPs".
std::string place_text(double x, const ComparisonOptions& options) {
  switch (options.axis) {
    case XAxis::step:
      return fmt::format("step {:g}", x);
    case XAxis::tokens:
      return tick_text(std::round(x)) + " tokens";
    case XAxis::time:
      if (std::abs(x) < 120) return fmt::format("{:.3g} s", x);
      return std::abs(x) < 7200 ? fmt::format("{:.3g} min", x / 60)
                                : fmt::format("{:.3g} h", x / 3600);
    case XAxis::flops:
      return fmt::format("{:.3g} FLOPs", x);
  }
  return "";
}

std::string step_text(const ComparableRun& run) {
  double last = 0;
  for (const std::string& name : run.metrics.names())
    last = std::max(last, run.metrics.find(name)->step.back());
  return run.max_steps > 0 ? fmt::format("{:.0f}/{}", last, run.max_steps)
                           : fmt::format("{:.0f}", last);
}

void add_exact(std::string& text, double value) {
  if (std::isnan(value)) {
    text += "NaN";
  } else if (std::isinf(value)) {
    text += value > 0 ? "Infinity" : "-Infinity";
  } else {
    char digits[32];
    text.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
}

void add_known(std::string& text, double value) {
  text += ',';
  if (!std::isnan(value)) add_exact(text, value);
}

std::string layer_count(const std::vector<std::string>& layers, const char* where) {
  return fmt::format("{} layers only in {}: {}", layers.size(), where, layers_text(layers, layers));
}

}  // namespace

TextRows run_rows(const std::vector<const ComparableRun*>& runs, const RunComparison& comparison) {
  const ComparisonOptions& options = comparison.options;
  TextRows rows(1, {"run", "state", "step"});
  for (const ConfigColumn& column : comparison.columns) rows[0].push_back(column.name);
  for (const std::string& metric : options.metrics) {
    rows[0].push_back(fmt::format("{} {}", metric, to_string(options.statistic)));
    if (runs.size() > 1) rows[0].push_back("Δ");
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const bool is_baseline = i == options.baseline;
    std::vector<std::string> row = {runs[i]->name + (is_baseline ? " (baseline)" : ""),
                                    to_string(runs[i]->observed.state), step_text(*runs[i])};
    for (const ConfigColumn& column : comparison.columns) row.push_back(column.values[i]);
    for (const MetricCell& cell : comparison.runs[i].cells) {
      row.push_back(cell.value ? shown(cell.value->value) : "–");
      if (runs.size() > 1) row.push_back(cell.delta ? shown_delta(*cell.delta) : "");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> change_lines(const GroupChange& change) {
  std::vector<std::string> lines;
  if (!change.is_effect_known) {
    lines.push_back("the effect of a transform is not known: see the notes");
  } else {
    for (const EffectChange& each : change.effect.changes)
      lines.push_back(each.layers_text + ": " + each.text);
    if (!change.effect.only_in_base.empty())
      lines.push_back(layer_count(change.effect.only_in_base, "the baseline"));
    if (!change.effect.only_in_other.empty())
      lines.push_back(layer_count(change.effect.only_in_other, "this model"));
    if (change.effect.is_empty()) lines.push_back("identical effect on every layer");
  }
  for (const ValueChange& value : change.parameters)
    lines.push_back(fmt::format("{} {} → {}", value.parameter, value.from, value.to));
  return lines;
}

std::string divergence_line(const ComparableRun& run, const ComparedRun& row,
                            const ComparisonOptions& options) {
  if (!row.difference) return "";
  const CurveDifference& difference = *row.difference;
  std::string text = fmt::format("{}: {} points in common", run.name, difference.points.size());
  text += difference.first_difference
              ? ", first unequal at " + place_text(*difference.first_difference, options)
              : ", equal in all";
  if (!std::isfinite(difference.band))
    text += ", too few for a noise band";
  else if (difference.leaves_band_at)
    text += fmt::format(", leaves the noise band of ±{:.3g} at {}", difference.band,
                        place_text(*difference.leaves_band_at, options));
  else
    text += fmt::format(", never leaves the noise band of ±{:.3g}", difference.band);
  for (const DifferenceGap& gap : difference.gaps)
    text += gap.from == gap.to
                ? fmt::format("; {} at {}", to_string(gap.reason), place_text(gap.from, options))
                : fmt::format("; {} from {} to {}", to_string(gap.reason),
                              place_text(gap.from, options), place_text(gap.to, options));
  return text;
}

std::string spread_text(const SpreadSources& sources) {
  std::string text;
  if (std::isfinite(sources.between_seeds))
    text = fmt::format("spread between training seeds {:.3g}", sources.between_seeds);
  if (std::isfinite(sources.between_draws))
    text += fmt::format("{}between noise draws of one seed {:.3g}", text.empty() ? "spread " : ", ",
                        sources.between_draws);
  return text;
}

std::string curves_csv(const std::vector<const ComparableRun*>& runs,
                       const RunComparison& comparison) {
  std::string text = "run,group,seed,metric,step,tokens,seconds,value\n";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::int64_t seed = runs[i]->training_seed();
    const std::string start = csv_field(runs[i]->name) + "," +
                              csv_field(comparison.groups[comparison.runs[i].group].label) + "," +
                              (seed < 0 ? "" : std::to_string(seed)) + ",";
    for (const std::string& metric : comparison.options.metrics) {
      const auto curve = runs[i]->metrics.find(metric);
      if (!curve) continue;
      for (std::size_t k = 0; k < curve->size(); ++k) {
        text += start;
        text += csv_field(metric);
        text += ',';
        add_exact(text, curve->step[k]);
        add_known(text, curve->tokens[k]);
        add_known(text, curve->seconds[k]);
        text += ',';
        add_exact(text, curve->value[k]);
        text += '\n';
      }
    }
  }
  return text;
}

std::string statistics_csv(const std::vector<const ComparableRun*>& runs,
                           const RunComparison& comparison) {
  TextRows rows = run_rows(runs, comparison);
  const std::size_t first = 3 + comparison.columns.size();
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i > 0) {
      const auto& cells = comparison.runs[i - 1].cells;
      const std::size_t width = runs.size() > 1 ? 2 : 1;
      rows[i][0] = runs[i - 1]->name;
      for (std::size_t k = 0; k < cells.size(); ++k) {
        std::string& value = rows[i][first + width * k];
        value.clear();
        if (cells[k].value) add_exact(value, cells[k].value->value);
        if (width == 1) continue;
        std::string& delta = rows[i][first + width * k + 1];
        delta.clear();
        if (cells[k].delta) add_exact(delta, *cells[k].delta);
      }
    }
    for (std::size_t k = 0; k < rows[i].size(); ++k)
      text += (k == 0 ? "" : ",") + csv_field(rows[i][k]);
    text += '\n';
  }
  return text;
}

}  // namespace engine
