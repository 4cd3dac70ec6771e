// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cost_estimate_json.h"

#include "engine/runs/json_values.h"

namespace app {

using Json = nlohmann::ordered_json;
using engine::integer_member;
using engine::json_number;
using engine::real_member;
using engine::text_member;

Json json_of(const engine::CostEstimate& estimate) {
  const auto known = [](double value) { return value < 0 ? Json() : json_number(value); };
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
  json["slowdown"] = json_number(estimate.slowdown);
  json["rules"] = Json::array();
  for (const auto& rule : estimate.rules) {
    json["rules"].push_back({{"pattern", rule.pattern},
                             {"layers", rule.layers},
                             {"step_seconds", json_number(rule.step_seconds)},
                             {"slowdown", json_number(rule.slowdown)}});
  }
  json["evaluation_seconds"] = json_number(estimate.evaluation_seconds);
  json["saving_seconds"] = json_number(estimate.saving_seconds);
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

std::optional<engine::CostEstimate> cost_estimate_from(const nlohmann::json& json) {
  if (!json.is_object() || !json.contains("step_seconds")) return std::nullopt;
  engine::CostEstimate estimate;
  const auto real = [&json](const char* name) { return real_member(json, name, -1); };
  const auto count = [&json](const char* name) { return integer_member(json, name, -1); };
  estimate.device = text_member(json, "device");
  estimate.device_name = text_member(json, "device_name");
  estimate.probe_steps = integer_member(json, "probe_steps");
  estimate.max_steps = integer_member(json, "max_steps");
  estimate.batch_size = integer_member(json, "per_device_train_batch_size");
  estimate.accumulation = integer_member(json, "gradient_accumulation_steps");
  estimate.tokens_per_step = integer_member(json, "tokens_per_step");
  estimate.step_seconds = real("step_seconds");
  estimate.step_seconds_error = real("step_seconds_error");
  estimate.plain_step_seconds = real("plain_step_seconds");
  estimate.slowdown = real_member(json, "slowdown", 1);
  if (const auto rules = json.find("rules"); rules != json.end() && rules->is_array()) {
    for (const auto& rule : *rules) {
      if (!rule.is_object()) continue;
      estimate.rules.push_back({.pattern = text_member(rule, "pattern"),
                                .layers = integer_member(rule, "layers"),
                                .step_seconds = real_member(rule, "step_seconds", 0),
                                .slowdown = real_member(rule, "slowdown", 1)});
    }
  }
  estimate.evaluation_seconds = real_member(json, "evaluation_seconds", 0);
  estimate.saving_seconds = real_member(json, "saving_seconds", 0);
  estimate.total_seconds = real("total_seconds");
  estimate.total_seconds_error = real("total_seconds_error");
  estimate.peak_bytes = count("peak_bytes");
  estimate.peak_bytes_error = count("peak_bytes_error");
  estimate.available_bytes = count("available_bytes");
  estimate.fits = engine::bool_member(json, "fits");
  estimate.checkpoint_bytes = count("checkpoint_bytes");
  estimate.kept_checkpoints = integer_member(json, "kept_checkpoints");
  estimate.disk_bytes = count("disk_bytes");
  estimate.free_disk_bytes = count("free_disk_bytes");
  if (const auto notes = json.find("notes"); notes != json.end() && notes->is_array()) {
    for (const auto& note : *notes) {
      if (note.is_string()) estimate.notes.push_back(note.get<std::string>());
    }
  }
  return estimate;
}

}  // namespace app
