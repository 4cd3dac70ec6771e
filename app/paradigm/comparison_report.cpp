// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/comparison_report.h"

#include "app/paradigm/text_table.h"
#include "engine/compare/comparison_tables.h"
#include "engine/compare/trade_off.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace paradigm {
namespace {

using engine::ComparableRun;
using engine::RunComparison;
using Runs = std::vector<const ComparableRun*>;

std::string section(const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = fmt::format("\n{}\n", title);
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

Json cells_json(const engine::ComparedRun& row, const std::vector<std::string>& metrics) {
  Json json = Json::object();
  for (std::size_t k = 0; k < metrics.size(); ++k) {
    const auto& [value, delta] = row.cells[k];
    json[metrics[k]] = !value ? Json()
                              : Json{{"value", number_json(value->value)},
                                     {"step", value->step},
                                     {"count", value->count},
                                     {"not_finite", value->non_finite},
                                     {"delta", delta ? number_json(*delta) : Json()}};
  }
  return json;
}

Json difference_json(const engine::CurveDifference& difference) {
  Json gaps = Json::array();
  for (const engine::DifferenceGap& gap : difference.gaps)
    gaps.push_back({{"from", number_json(gap.from)},
                    {"to", number_json(gap.to)},
                    {"reason", engine::to_string(gap.reason)}});
  const auto optional = [](const std::optional<double>& x) { return x ? number_json(*x) : Json(); };
  return {{"points", difference.points.size()},
          {"first_difference", optional(difference.first_difference)},
          {"noise_band", known_json(difference.band)},
          {"noise_band_is", engine::band_text()},
          {"leaves_band_at", optional(difference.leaves_band_at)},
          {"gaps", gaps}};
}

Json result_json(const engine::GroupResult& result) {
  Json seeds = Json::array();
  for (const engine::SeedResult& each : result.seeds)
    seeds.push_back(
        {{"seed", each.seed < 0 ? Json() : Json(each.seed)}, {"value", number_json(each.value)}});
  return {{"mean", known_json(result.mean)},
          {"runs", result.runs},
          {"not_finite", result.not_finite},
          {"seeds", seeds},
          {"spread_between_seeds", known_json(result.sources.between_seeds)},
          {"spread_between_draws", known_json(result.sources.between_draws)}};
}

Json verdict_json(const engine::Verdict& verdict, const RunComparison& comparison) {
  const engine::GroupDifference& difference = verdict.difference;
  Json json{{"metric", verdict.metric},
            {"group", comparison.groups[verdict.group].label},
            {"method", engine::to_string(difference.method)},
            {"difference", known_json(difference.difference.value)},
            {"low", known_json(difference.difference.low)},
            {"high", known_json(difference.difference.high)},
            {"confidence", comparison.options.confidence},
            {"p", known_json(difference.p)},
            {"adjusted_p", known_json(difference.adjusted_p)},
            {"compared", verdict.compared},
            {"pairs", difference.pairs},
            {"correlation", difference.correlation ? Json(*difference.correlation) : Json()}};
  json["distinguishable"] =
      difference.method == engine::ComparisonMethod::none
          ? Json()
          : Json(difference.is_distinguishable(comparison.options.confidence));
  json["more_seeds"] = verdict.needed ? Json{{"about", verdict.needed->more},
                                             {"low", verdict.needed->low},
                                             {"high", verdict.needed->high}}
                                      : Json();
  json["apart_from_step"] = verdict.delta.apart_from ? Json(*verdict.delta.apart_from) : Json();
  json["per_token_mismatch"] = verdict.is_per_token_mismatch;
  json["baseline"] = result_json(verdict.base);
  json["other"] = result_json(verdict.other);
  json["text"] = verdict.text;
  return json;
}

Json change_json(const engine::GroupChange& change, const RunComparison& comparison) {
  Json effects = Json::array();
  for (const engine::EffectChange& each : change.effect.changes) {
    Json values = Json::array();
    for (const engine::ValueChange& value : each.values)
      values.push_back({{"parameter", value.parameter}, {"from", value.from}, {"to", value.to}});
    effects.push_back({{"layers", each.layers},
                       {"group", each.layers_text},
                       {"from", each.from_paradigm.empty() ? "plain" : each.from_paradigm},
                       {"to", each.to_paradigm.empty() ? "plain" : each.to_paradigm},
                       {"values", values},
                       {"text", each.text}});
  }
  Json parameters = Json::array();
  for (const engine::ValueChange& value : change.parameters)
    parameters.push_back({{"parameter", value.parameter}, {"from", value.from}, {"to", value.to}});
  return {{"group", comparison.groups[change.group].label},
          {"effect_known", change.is_effect_known},
          {"effects", effects},
          {"layers_only_in_baseline", change.effect.only_in_base},
          {"layers_only_here", change.effect.only_in_other},
          {"parameters", parameters}};
}

/// What nothing beats in both respects, the cheapest first.
std::vector<std::string> front_lines(const Runs& runs, const RunComparison& comparison) {
  const engine::ComparisonOptions& options = comparison.options;
  if (options.cost.empty()) return {};
  const auto points =
      engine::trade_off_points(runs, options.cost, options.metrics.front(), options.statistic);
  std::vector<std::string> lines;
  for (const engine::TradeOffPoint& point : engine::pareto_front(points))
    lines.push_back(fmt::format("{}: {} {} at {:.6g}", runs[point.run]->name,
                                options.metrics.front(), engine::shown(point.result), point.cost));
  if (points.size() < runs.size())
    lines.push_back(fmt::format("{} of {} runs have no such cost or no result",
                                runs.size() - points.size(), runs.size()));
  return lines;
}

Json trade_off_json(const Runs& runs, const RunComparison& comparison) {
  const engine::ComparisonOptions& options = comparison.options;
  const auto points =
      engine::trade_off_points(runs, options.cost, options.metrics.front(), options.statistic);
  const auto json_points = [&](const std::vector<engine::TradeOffPoint>& list) {
    Json array = Json::array();
    for (const engine::TradeOffPoint& point : list)
      array.push_back({{"run", runs[point.run]->path.string()},
                       {"cost", number_json(point.cost)},
                       {"result", number_json(point.result)}});
    return array;
  };
  return {{"cost", options.cost},
          {"result", options.metrics.front()},
          {"points", json_points(points)},
          {"front", json_points(engine::pareto_front(points))}};
}

}  // namespace

std::string text_of(const Runs& runs, const RunComparison& comparison) {
  const engine::TextRows rows = engine::run_rows(runs, comparison);
  TextTable table(rows.front());
  for (std::size_t i = 1; i < rows.size(); ++i) table.add(rows[i]);
  std::string text = table.text();

  std::vector<std::string> verdicts;
  for (const engine::Verdict& verdict : comparison.verdicts)
    verdicts.push_back(comparison.groups[verdict.group].label + ": " + verdict.text);
  text += section(fmt::format("against {}", comparison.groups[comparison.base_group].label).c_str(),
                  verdicts);
  std::vector<std::string> spreads;
  for (const engine::SeedGroup& group : comparison.groups) {
    if (group.runs.size() < 2) continue;
    const auto result = engine::result_of(group, runs, comparison.options.metrics.front(),
                                          comparison.options.statistic);
    spreads.push_back(fmt::format("{}: {} runs, {} seeds, mean {} {}, {}", group.label, result.runs,
                                  result.seeds.size(), comparison.options.metrics.front(),
                                  engine::shown(result.mean), engine::spread_text(result.sources)));
  }
  text += section("seed groups", spreads);
  for (const engine::GroupChange& change : comparison.changes)
    text += section(fmt::format("what differs: {}", comparison.groups[change.group].label).c_str(),
                    engine::change_lines(change));
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::string line = engine::divergence_line(*runs[i], comparison.runs[i], comparison.options);
    if (!line.empty()) lines.push_back(std::move(line));
  }
  const bool has_band = std::any_of(comparison.runs.begin(), comparison.runs.end(),
                                    [](const engine::ComparedRun& run) {
                                      return run.difference && std::isfinite(run.difference->band);
                                    });
  if (has_band) lines.push_back(engine::band_text());
  text += section(fmt::format("where {} parts", comparison.options.metrics.front()).c_str(), lines);
  text += section(fmt::format("{} against {}: what nothing beats",
                              comparison.options.metrics.front(), comparison.options.cost)
                      .c_str(),
                  front_lines(runs, comparison));
  return text + section("notes", comparison.notes);
}

Json json_of(const Runs& runs, const RunComparison& comparison) {
  const engine::ComparisonOptions& options = comparison.options;
  Json json{{"baseline", runs[options.baseline]->path.string()},
            {"metrics", options.metrics},
            {"statistic", engine::to_string(options.statistic)},
            {"x", engine::to_string(options.axis)},
            {"align", options.align_at ? Json(*options.align_at) : Json()}};
  json["runs"] = Json::array();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const engine::ComparedRun& row = comparison.runs[i];
    Json differing = Json::object();
    for (const engine::ConfigColumn& column : comparison.columns)
      differing[column.name] = column.values[i];
    const std::int64_t seed = runs[i]->training_seed();
    json["runs"].push_back(
        {{"run", runs[i]->path.string()},
         {"name", runs[i]->name},
         {"source", engine::to_string(runs[i]->source)},
         {"state", engine::to_string(runs[i]->observed.state)},
         {"group", comparison.groups[row.group].label},
         {"seed", seed < 0 ? Json() : Json(seed)},
         {"noise_draw", runs[i]->noise_draw()},
         {"label", row.label},
         {"differing", differing},
         {"metrics", cells_json(row, options.metrics)},
         {"difference", row.difference ? difference_json(*row.difference) : Json()}});
  }
  json["verdicts"] = Json::array();
  for (const engine::Verdict& verdict : comparison.verdicts)
    json["verdicts"].push_back(verdict_json(verdict, comparison));
  json["changes"] = Json::array();
  for (const engine::GroupChange& change : comparison.changes)
    json["changes"].push_back(change_json(change, comparison));
  if (!options.cost.empty()) json["trade_off"] = trade_off_json(runs, comparison);
  json["notes"] = comparison.notes;
  return json;
}

}  // namespace paradigm
