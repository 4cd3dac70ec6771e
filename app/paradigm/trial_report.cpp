// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/trial_report.h"

#include "app/paradigm/text_table.h"
#include "engine/printable.h"
#include "engine/statistics/paired_difference.h"

#include <fmt/format.h>

#include <cmath>

namespace paradigm {
namespace {

using engine::Estimate;
using engine::ScanEntry;
using engine::ScanResult;
using engine::TrialFacts;
using engine::TrialResult;

std::string value_text(const Estimate& estimate) {
  return std::isnan(estimate.value) ? "-" : fmt::format("{:+.4f}", estimate.value);
}

/// "[+0.0120, +0.0180]"; "" where it is not known.
std::string interval_text(const Estimate& estimate) {
  if (std::isnan(estimate.low)) return "";
  return fmt::format("[{:+.4f}, {:+.4f}]", estimate.low, estimate.high);
}

std::string verdict_text(const Estimate& estimate) {
  if (std::isnan(estimate.value)) return "not finite";
  if (std::isnan(estimate.low)) return "one batch: no interval";
  return engine::is_distinguishable(estimate) ? "" : "not distinguishable from 0";
}

Json json_of(const Estimate& estimate) {
  return {{"value", known_json(estimate.value)},
          {"low", known_json(estimate.low)},
          {"high", known_json(estimate.high)},
          {"distinguishable", engine::is_distinguishable(estimate)}};
}

Json json_of(const TrialFacts& facts) {
  return {{"device", facts.device},
          {"batches", facts.batches},
          {"batch_size", facts.batch_size},
          {"block_size", facts.block_size},
          {"noise_draws", facts.noise_draws},
          {"calibrated_blocks", facts.calibrated_blocks},
          {"calibrated_on", facts.calibrated_on},
          {"seconds", number_json(facts.seconds)}};
}

std::string text_of(const TrialFacts& facts) {
  std::string text =
      fmt::format("{} batches of {} × {} tokens, {} draws of the noise, on {}", facts.batches,
                  facts.batch_size, facts.block_size, facts.noise_draws, facts.device);
  if (facts.calibrated_blocks > 0) {
    text +=
        fmt::format("; ranges from {} blocks of {}", facts.calibrated_blocks, facts.calibrated_on);
  }
  return text + fmt::format("; {}\n", duration_text(facts.seconds));
}

std::string notes_text(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += "note: " + note + "\n";
  return text;
}

std::string decibel_text(double value) {
  if (std::isnan(value)) return "-";
  return std::isinf(value) ? "exact" : fmt::format("{:.1f}", value);
}

constexpr const char* kMethod =
    "interval: 95 %, of the paired differences over batches and draws (two-way random effects)\n";

}  // namespace

Json json_of(const TrialResult& result) {
  Json json;
  json["transform"] = result.transform;
  json["transform_digest"] = result.transform_digest;
  json["transformed_layers"] = result.transformed_layers;
  json["measured"] = json_of(result.facts);
  json["plain_loss"] = number_json(result.plain_loss);
  json["transformed_loss"] = number_json(result.transformed_loss);
  json["difference"] = json_of(result.difference);
  json["layers"] = Json::array();
  for (const auto& layer : result.layers) {
    json["layers"].push_back({{"layer", layer.layer}, {"sqnr_db", number_json(layer.sqnr_db)}});
  }
  json["prompt"] = result.prompt;
  json["tokens"] = Json::array();
  for (const auto& token : result.tokens) {
    json["tokens"].push_back({{"id", token.id},
                              {"text", token.text},
                              {"plain", number_json(token.plain)},
                              {"transformed", number_json(token.transformed)},
                              {"plain_rank", token.plain_rank},
                              {"transformed_rank", token.transformed_rank}});
  }
  json["notes"] = result.notes;
  json["problems"] = Json::array();
  return json;
}

std::string text_of(const TrialResult& result) {
  std::string text = notes_text(result.notes);
  text += fmt::format("transform    {}, {} layers\n", result.transform, result.transformed_layers);
  text += "measured     " + text_of(result.facts);
  text += fmt::format("plain        {:.4f}\ntransformed  {:.4f}\n", result.plain_loss,
                      result.transformed_loss);
  text += fmt::format("difference   {} {} {}\n\n", value_text(result.difference),
                      interval_text(result.difference), verdict_text(result.difference));
  if (!result.layers.empty()) {
    TextTable layers({"layer", "SQNR (dB)"});
    for (const auto& layer : result.layers) layers.add({layer.layer, decibel_text(layer.sqnr_db)});
    text += layers.text() + "\n";
  }
  if (!result.tokens.empty()) {
    text += "next after   " + engine::printable(result.prompt, 200) + "\n";
    TextTable tokens({"token", "plain", "transformed", "rank"});
    for (const auto& token : result.tokens) {
      tokens.add({"'" + engine::printable(token.text, 40) + "'",
                  fmt::format("{:.1f} %", 100 * token.plain),
                  fmt::format("{:.1f} %", 100 * token.transformed),
                  fmt::format("{} -> {}", token.plain_rank, token.transformed_rank)});
    }
    text += tokens.text() + "\n";
  }
  return text + kMethod;
}

Json json_of(const ScanResult& result) {
  Json json;
  json["transform"] = result.transform;
  json["measured"] = json_of(result.facts);
  json["plain_loss"] = number_json(result.plain_loss);
  json["whole"] = json_of(result.whole);
  json["entries"] = Json::array();
  for (const ScanEntry& entry : result.entries) {
    json["entries"].push_back({{"name", entry.name},
                               {"kind", entry.is_kind},
                               {"layers", entry.layers},
                               {"flops_share", number_json(entry.flops_share)},
                               {"one_on", json_of(entry.one_on)},
                               {"one_off", json_of(entry.one_off)},
                               {"diverges", entry.diverges},
                               {"sqnr_db", known_json(entry.sqnr_db)}});
  }
  const auto& proposal = result.proposal;
  json["proposal"] = {{"layers", proposal.layers},
                      {"flops_share", number_json(proposal.flops_share)},
                      {"change", json_of(proposal.change)},
                      {"remaining", json_of(proposal.remaining)},
                      {"summary", proposal.summary},
                      {"yaml", proposal.yaml.empty() ? Json() : Json(proposal.yaml)}};
  json["results_file"] = result.results_file;
  json["measured_cells"] = result.measured_cells;
  json["reused_cells"] = result.reused_cells;
  json["notes"] = result.notes;
  json["problems"] = Json::array();
  return json;
}

std::string text_of(const ScanResult& result) {
  std::string text = notes_text(result.notes);
  text += fmt::format("transform  {}\n", result.transform);
  text += "measured   " + text_of(result.facts);
  text += fmt::format("plain      {:.4f}\nwhole      {} {} {}\n", result.plain_loss,
                      result.whole_diverges ? "not finite" : value_text(result.whole),
                      interval_text(result.whole),
                      result.whole_diverges ? "" : verdict_text(result.whole));
  text += fmt::format("cells      {} measured, {} found in {}\n\n", result.measured_cells,
                      result.reused_cells, result.results_file);
  TextTable table({"layer or kind", "FLOPs", "alone", "95 % interval", "kept digital",
                   "95 % interval", "SQNR (dB)"});
  for (const ScanEntry& entry : result.entries) {
    const std::string name =
        entry.is_kind ? fmt::format("all {} {}", entry.layers.size(), entry.name) : entry.name;
    Estimate won;  // what keeping it digital does to the loss
    won.value = -entry.one_off.value;
    won.low = -entry.one_off.high;
    won.high = -entry.one_off.low;
    const std::string unknown = entry.diverges ? "not finite" : "-";
    table.add({name, fmt::format("{:.1f} %", 100 * entry.flops_share),
               std::isnan(entry.one_on.value) ? unknown : value_text(entry.one_on),
               interval_text(entry.one_on), value_text(won), interval_text(won),
               decibel_text(entry.sqnr_db)});
  }
  text += table.text() + "\n";
  text +=
      "alone: loss with it simulated and the rest plain, less plain; kept digital: what the whole "
      "transform's loss becomes\n";
  text += kMethod;
  return text + "proposal: " + result.proposal.summary + "\n";
}

}  // namespace paradigm
