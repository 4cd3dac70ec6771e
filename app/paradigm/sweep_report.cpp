// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/sweep_report.h"

#include "app/paradigm/text_table.h"
#include "engine/config/number_text.h"
#include "engine/csv.h"
#include "engine/statistics/sample_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace paradigm {
namespace {

using engine::csv_field;
using engine::SampleStatistics;
using engine::statistics_of;
using engine::SweepCell;
using engine::SweepResult;

std::vector<double> perplexities(const std::vector<double>& losses) {
  std::vector<double> values;
  values.reserve(losses.size());
  for (const double loss : losses) values.push_back(std::exp(loss));
  return values;
}

bool has_reference(const SweepResult& result) {
  return std::any_of(result.cells.begin(), result.cells.end(),
                     [](const SweepCell& cell) { return !cell.reference_losses.empty(); });
}

std::size_t draws_of(const SweepResult& result) {
  return result.cells.empty() ? 0 : result.cells.front().losses.size();
}

Json json_of(const std::vector<double>& draws) {
  const SampleStatistics statistics = statistics_of(draws);
  Json list = Json::array();
  for (const double draw : draws) list.push_back(number_json(draw));
  return {{"mean", number_json(statistics.mean)},
          {"sd", known_json(statistics.deviation)},
          {"low", known_json(statistics.low)},
          {"high", known_json(statistics.high)},
          {"draws", list}};
}

Json measured_json(const std::vector<double>& losses) {
  return {{"eval_loss", json_of(losses)}, {"perplexity", json_of(perplexities(losses))}};
}

/// 4, 1e-05, true, null or [0.001, 0.999] as JSON has them, words as text.
Json value_json(const std::string& text) {
  const Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() ? Json(text) : value;
}

std::string spread_text(double deviation, const char* format) {
  return std::isnan(deviation) ? ""
                               : fmt::format(" ± {}", fmt::format(fmt::runtime(format), deviation));
}

std::string loss_text(const SampleStatistics& loss) {
  return fmt::format("{:.4f}", loss.mean) + spread_text(loss.deviation, "{:.4f}");
}

std::string perplexity_text(const SampleStatistics& perplexity) {
  return fmt::format("{:.4g}", perplexity.mean) + spread_text(perplexity.deviation, "{:.2g}");
}

std::string interval_text(const SampleStatistics& loss) {
  return std::isnan(loss.low) ? "" : fmt::format("{:.4f} to {:.4f}", loss.low, loss.high);
}

std::string csv_number(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

std::string csv_statistics(const std::vector<double>& losses) {
  std::string text = fmt::format("{}", losses.size());
  for (const auto& values : {losses, perplexities(losses)}) {
    const SampleStatistics s = statistics_of(values);
    for (const double value : {s.mean, s.deviation, s.low, s.high}) text += "," + csv_number(value);
  }
  return text;
}

std::string csv_row(const std::vector<std::string>& values, const std::string& semantics,
                    const std::vector<double>& losses, const std::string& rest) {
  std::string row;
  for (const std::string& value : values) row += csv_field(value) + ",";
  return row + semantics + "," + csv_statistics(losses) + "," + csv_number(losses.front()) + "," +
         rest + "\n";
}

}  // namespace

Json json_of(const SweepResult& result) {
  Json json;
  json["transform"] = result.transform;
  json["device"] = result.device;
  json["eval_tokens"] = result.eval_tokens;
  json["eval_runtime"] = number_json(result.eval_runtime);
  json["noise_seeds"] = draws_of(result);
  json["plain"] = {{"eval_loss", number_json(result.plain_loss)},
                   {"perplexity", number_json(std::exp(result.plain_loss))}};
  json["axes"] = Json::array();
  for (const auto& axis : result.axes) {
    Json values = Json::array();
    for (const std::string& value : axis.values) values.push_back(value_json(value));
    json["axes"].push_back({{"parameter", axis.parameter}, {"values", values}});
  }
  json["cells"] = Json::array();
  for (const SweepCell& cell : result.cells) {
    Json settings = Json::object();
    Json effective = Json::object();
    for (const auto& setting : cell.settings) {
      settings[setting.parameter] = value_json(setting.value);
      effective[setting.parameter] = value_json(setting.effective);
    }
    Json one = {{"settings", settings},
                {"effective", effective},
                {"transform_digest", cell.transform_digest},
                {"calibrated_batches", cell.calibrated_batches}};
    one.update(measured_json(cell.losses));
    one["reference"] =
        cell.reference_losses.empty() ? Json() : measured_json(cell.reference_losses);
    json["cells"].push_back(std::move(one));
  }
  json["notes"] = result.notes;
  json["problems"] = Json::array();
  return json;
}

std::string text_of(const SweepResult& result) {
  const bool reference = has_reference(result);
  const bool spread = draws_of(result) > 1;
  std::vector<std::string> header;
  for (const auto& axis : result.axes) header.push_back(axis.parameter);
  const std::size_t axes = std::max<std::size_t>(1, header.size());
  header.resize(axes);
  header.insert(header.end(), {"loss", "perplexity", "loss - plain"});
  if (spread) header.push_back("95 % interval");
  if (reference) header.push_back("reference");
  if (reference && spread) header.push_back("over its seeds");

  TextTable table(header);
  std::vector<std::string> plain(header.size());
  plain[0] = "plain";
  plain[axes] = fmt::format("{:.4f}", result.plain_loss);
  plain[axes + 1] = fmt::format("{:.4g}", std::exp(result.plain_loss));
  table.add(plain);
  for (const SweepCell& cell : result.cells) {
    std::vector<std::string> row;
    for (const auto& setting : cell.settings) {
      const bool differs = value_json(setting.value) != value_json(setting.effective);
      row.push_back(differs ? setting.value + " -> " + setting.effective : setting.value);
    }
    if (row.empty()) row.push_back("transform");
    const SampleStatistics loss = statistics_of(cell.losses);
    row.push_back(loss_text(loss));
    row.push_back(perplexity_text(statistics_of(perplexities(cell.losses))));
    row.push_back(fmt::format("{:+.4f}", loss.mean - result.plain_loss));
    if (spread) row.push_back(interval_text(loss));
    if (!cell.reference_losses.empty()) {
      row.push_back(fmt::format("{:.4f}", cell.reference_losses.front()));
      if (spread) row.push_back(loss_text(statistics_of(cell.reference_losses)));
    }
    table.add(row);
  }

  std::string text;
  for (const std::string& note : result.notes) text += "note: " + note + "\n";
  text += fmt::format("transform  {}\n{} predicted tokens on {}, {}\n\n", result.transform,
                      result.eval_tokens, result.device, duration_text(result.eval_runtime));
  text += table.text() + "\n";
  if (spread) {
    text += fmt::format(
        "±: standard deviation over {} draws of the noise; interval: of the mean, Student's t\n",
        draws_of(result));
  }
  if (reference) {
    text += "reference: the loss by upstream's own computation (semantics: reference), at the ";
    text += spread
                ? "seeds as they stand and over draws of those seeds: its noise knows no others\n"
                : "seeds as they stand\n";
  }
  return text;
}

std::string csv_of(const SweepResult& result) {
  std::string text;
  for (const auto& axis : result.axes) text += csv_field(axis.parameter) + ",";
  text += "semantics,draws";
  for (const char* quantity : {"eval_loss", "perplexity"}) {
    text += fmt::format(",{0},{0}_sd,{0}_low,{0}_high", quantity);
  }
  text += ",first_draw_loss,calibrated_batches,transform_digest\n";
  text += csv_row(std::vector<std::string>(result.axes.size()), "plain", {result.plain_loss}, ",");
  for (const SweepCell& cell : result.cells) {
    std::vector<std::string> values;
    for (const auto& setting : cell.settings) values.push_back(setting.value);
    const std::string batches = fmt::format("{},", cell.calibrated_batches);
    text += csv_row(values, has_reference(result) ? "intended" : "as given", cell.losses,
                    batches + cell.transform_digest);
    if (cell.reference_losses.empty()) continue;
    text += csv_row(values, "reference", cell.reference_losses, batches);
  }
  return text;
}

}  // namespace paradigm
