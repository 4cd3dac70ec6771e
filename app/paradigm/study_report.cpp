// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/study_report.h"

#include "app/paradigm/text_table.h"
#include "engine/statistics/sample_statistics.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

namespace paradigm {
namespace {

std::string state_text(const engine::CellStatus& status) {
  const bool is_missing = status.state == engine::RunState::queued;
  std::string text = is_missing ? "missing" : engine::to_string(status.state);
  if (!is_missing && status.state != engine::RunState::finished) {
    text += fmt::format(" {}/{}", status.step, status.max_steps);
  }
  return text + (status.difference.empty() ? "" : " (other settings)");
}

/// "3.142 ± 0.027"; without an interval for a single value.
std::string interval_text(const std::vector<double>& values, bool with_sign) {
  if (values.empty()) return "-";
  const auto all = engine::statistics_of(values);
  std::string text = with_sign ? fmt::format("{:+.4f}", all.mean) : fmt::format("{:.4f}", all.mean);
  if (std::isfinite(all.high)) text += fmt::format(" ± {:.4f}", all.high - all.mean);
  return text;
}

/// Whether the 95 % interval of the differences leaves 0 out.
std::string verdict(const std::vector<double>& differences, bool lower_is_better) {
  const auto all = engine::statistics_of(differences);
  if (!std::isfinite(all.low)) return "";
  if (all.low <= 0 && all.high >= 0) return "not distinguishable";
  return (all.mean < 0) == lower_is_better ? "better" : "worse";
}

Json statistics_json(const std::vector<double>& values) {
  if (values.empty()) return Json();
  const auto all = engine::statistics_of(values);
  return {{"count", all.count},
          {"mean", number_json(all.mean)},
          {"low", known_json(all.low)},
          {"high", known_json(all.high)}};
}

}  // namespace

std::string plan_text(const StudyView& view) {
  TextTable table({"run", "state", "", "transform"});
  std::map<std::string, int> counts;
  for (std::size_t i = 0; i < view.cells.size(); ++i) {
    const auto& config = view.cells[i].config;
    const std::string action = engine::to_string(view.statuses[i].action);
    ++counts[action];
    table.add({view.cells[i].name(), state_text(view.statuses[i]), action,
               config.transform_config.value_or("as the checkpoint records")});
  }
  std::string text = table.text();
  for (const auto& [action, count] : counts) text += fmt::format("{}: {} runs  ", action, count);
  return text + "\n";
}

std::string status_text(const StudyView& view) {
  std::vector<std::string> header{"cell"};
  std::set<std::int64_t> seeds;
  for (const auto& cell : view.cells) seeds.insert(cell.seed);
  for (const std::int64_t seed : seeds) header.push_back(fmt::format("seed {}", seed));
  TextTable grid(header);
  std::vector<std::string> row;
  for (std::size_t i = 0; i < view.cells.size(); ++i) {
    if (row.empty() || row.front() != view.cells[i].label) {
      if (!row.empty()) grid.add(row);
      row = {view.cells[i].label};
    }
    row.push_back(state_text(view.statuses[i]));
  }
  if (!row.empty()) grid.add(row);

  const bool has_baseline = !view.study.baseline.empty();
  TextTable results(has_baseline ? std::vector<std::string>{"cell", "runs", view.study.metric,
                                                            "to " + view.study.baseline, ""}
                                 : std::vector<std::string>{"cell", "runs", view.study.metric});
  const bool lower = engine::is_better_when_lower(view.study.metric);
  for (const auto& each : engine::results_of(view.study, view.cells, view.statuses)) {
    std::vector<std::string> cells{each.label, fmt::format("{}/{}", each.finished, each.seeds),
                                   interval_text(each.values, false)};
    if (has_baseline) {
      cells.push_back(interval_text(each.differences, true));
      cells.push_back(verdict(each.differences, lower));
    }
    results.add(cells);
  }
  return grid.text() + "\n" + results.text() +
         "Means over seeds with 95 % intervals; differences are taken seed by seed.\n";
}

Json json_of(const StudyView& view) {
  Json json;
  json["study"] = view.study.file;
  json["output_dir"] = view.study.output;
  json["metric"] = view.study.metric;
  json["baseline"] = view.study.baseline.empty() ? Json() : Json(view.study.baseline);
  json["runs"] = Json::array();
  for (std::size_t i = 0; i < view.cells.size(); ++i) {
    const auto& status = view.statuses[i];
    const bool is_missing = status.state == engine::RunState::queued;
    json["runs"].push_back(
        {{"cell", view.cells[i].label},
         {"seed", view.cells[i].seed},
         {"run", view.cells[i].config.output_dir},
         {"state", is_missing ? "missing" : engine::to_string(status.state)},
         {"detail", status.detail},
         {"action", engine::to_string(status.action)},
         {"difference", status.difference.empty() ? Json() : Json(status.difference)},
         {"step", status.step},
         {"max_steps", status.max_steps},
         {"value", status.metric ? number_json(*status.metric) : Json()}});
  }
  json["cells"] = Json::array();
  for (const auto& each : engine::results_of(view.study, view.cells, view.statuses)) {
    json["cells"].push_back({{"cell", each.label},
                             {"finished", each.finished},
                             {"seeds", each.seeds},
                             {"value", statistics_json(each.values)},
                             {"difference_to_baseline", statistics_json(each.differences)}});
  }
  json["problems"] = problems_json(engine::changed_transforms_in(view));
  return json;
}

}  // namespace paradigm
