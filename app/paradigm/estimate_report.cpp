// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/estimate_report.h"

#include "app/paradigm/text_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace paradigm {
namespace {

std::string seconds_text(double seconds) {
  if (seconds < 1) return fmt::format("{:.1f} ms", 1000 * seconds);
  return seconds < 100 ? fmt::format("{:.2f} s", seconds) : duration_text(seconds);
}

/// "12.3 ms (11.9 ms … 12.7 ms)"
std::string interval_text(double value, double error) {
  if (error < 0) return seconds_text(value);
  return fmt::format("{} ({} … {})", seconds_text(value),
                     seconds_text(std::max(0.0, value - error)), seconds_text(value + error));
}

std::string bytes_text(std::int64_t bytes) {
  return bytes < 0 ? "not known" : size_text(static_cast<double>(bytes));
}

}  // namespace

std::string text_of(const engine::CostEstimate& estimate) {
  std::string text =
      fmt::format("measured with {} probe steps on {}{}\n", estimate.probe_steps, estimate.device,
                  estimate.device_name.empty() ? "" : " (" + estimate.device_name + ")");
  const auto add = [&text](const char* name, const std::string& value) {
    text += fmt::format("  {:<12}{}\n", name, value);
  };
  add("steps", fmt::format("{} of {} tokens: {} sequences × {}", estimate.max_steps,
                           estimate.tokens_per_step, estimate.batch_size, estimate.accumulation));
  add("step", interval_text(estimate.step_seconds, estimate.step_seconds_error));
  add("slowdown", fmt::format("{:.2f}× the plain step of {}", estimate.slowdown,
                              seconds_text(estimate.plain_step_seconds)));
  add("total", interval_text(estimate.total_seconds, estimate.total_seconds_error));
  add("", fmt::format("of it {} for evaluations, {} for saving",
                      seconds_text(estimate.evaluation_seconds),
                      seconds_text(estimate.saving_seconds)));
  std::string peak = bytes_text(estimate.peak_bytes);
  if (estimate.peak_bytes >= 0) peak += " ± " + bytes_text(estimate.peak_bytes_error);
  add("peak memory", fmt::format("{}, {} available{}", peak, bytes_text(estimate.available_bytes),
                                 estimate.fits ? "" : ": it does not fit"));
  add("checkpoint",
      fmt::format("{}, {} kept; all files {}, {} free", bytes_text(estimate.checkpoint_bytes),
                  estimate.kept_checkpoints, bytes_text(estimate.disk_bytes),
                  bytes_text(estimate.free_disk_bytes)));
  if (!estimate.rules.empty()) {
    TextTable table({"rule by itself", "layers", "step", "slowdown"});
    for (const auto& rule : estimate.rules) {
      table.add({rule.pattern, std::to_string(rule.layers), seconds_text(rule.step_seconds),
                 fmt::format("{:.2f}×", rule.slowdown)});
    }
    text += table.text();
  }
  for (const std::string& note : estimate.notes) text += "note: " + note + "\n";
  return text;
}

Json json_of(const engine::CostEstimate& estimate) {
  const auto known = [](double value) { return value < 0 ? Json() : number_json(value); };
  const auto bytes = [](std::int64_t value) { return value < 0 ? Json() : Json(value); };
  Json json;
  json["device"] = estimate.device;
  json["device_name"] = estimate.device_name;
  json["probe_steps"] = estimate.probe_steps;
  json["max_steps"] = estimate.max_steps;
  json["per_device_train_batch_size"] = estimate.batch_size;
  json["gradient_accumulation_steps"] = estimate.accumulation;
  json["tokens_per_step"] = estimate.tokens_per_step;
  json["step_seconds"] = known(estimate.step_seconds);
  json["step_seconds_error"] = known(estimate.step_seconds_error);
  json["plain_step_seconds"] = known(estimate.plain_step_seconds);
  json["slowdown"] = number_json(estimate.slowdown);
  json["rules"] = Json::array();
  for (const auto& rule : estimate.rules) {
    json["rules"].push_back({{"pattern", rule.pattern},
                             {"layers", rule.layers},
                             {"step_seconds", number_json(rule.step_seconds)},
                             {"slowdown", number_json(rule.slowdown)}});
  }
  json["evaluation_seconds"] = number_json(estimate.evaluation_seconds);
  json["saving_seconds"] = number_json(estimate.saving_seconds);
  json["total_seconds"] = known(estimate.total_seconds);
  json["total_seconds_error"] = known(estimate.total_seconds_error);
  json["peak_bytes"] = bytes(estimate.peak_bytes);
  json["peak_bytes_error"] = bytes(estimate.peak_bytes_error);
  json["available_bytes"] = bytes(estimate.available_bytes);
  json["fits"] = estimate.fits;
  json["checkpoint_bytes"] = bytes(estimate.checkpoint_bytes);
  json["kept_checkpoints"] = estimate.kept_checkpoints;
  json["disk_bytes"] = bytes(estimate.disk_bytes);
  json["free_disk_bytes"] = bytes(estimate.free_disk_bytes);
  json["notes"] = estimate.notes;
  return json;
}

}  // namespace paradigm
