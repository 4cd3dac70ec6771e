// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/bench_report.h"

#include "app/paradigm/text_table.h"
#include "engine/error.h"
#include "engine/statistics/sample_statistics.h"
#include "engine/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace paradigm {
namespace {

using engine::BenchResult;
using engine::BenchSample;
using engine::BenchVariant;
using engine::median_of;

using Measure = double BenchSample::*;

std::vector<double> measures(const std::vector<BenchSample>& samples, Measure measure) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const BenchSample& sample : samples) values.push_back(sample.*measure);
  return values;
}

std::vector<double> all_measures(const BenchVariant& variant, Measure measure) {
  std::vector<double> values;
  for (const auto& round : variant.rounds) {
    for (const BenchSample& sample : round) values.push_back(sample.*measure);
  }
  return values;
}

struct Ratio {
  double whole = 0;  ///< median of all to the plain model's median of all
  double worst = 0;  ///< highest of the rounds
  std::vector<double> rounds;
};

Ratio ratio_of(const BenchVariant& variant, const BenchVariant& plain, Measure measure) {
  Ratio ratio;
  ratio.whole = median_of(all_measures(variant, measure)) / median_of(all_measures(plain, measure));
  for (std::size_t round = 0; round < variant.rounds.size(); ++round) {
    ratio.rounds.push_back(median_of(measures(variant.rounds[round], measure)) /
                           median_of(measures(plain.rounds[round], measure)));
  }
  ratio.worst = *std::max_element(ratio.rounds.begin(), ratio.rounds.end());
  return ratio;
}

double tokens_per_step(const BenchResult& result) {
  return static_cast<double>(result.batch_size * result.seq_len);
}

/// NaN where it would say nothing: the peak is unknown, or is that of another number format.
double utilisation(const BenchResult& result, double flops_per_token, double step_seconds) {
  if (result.peak_flops <= 0 || !result.bf16) return std::nan("");
  return flops_per_token * tokens_per_step(result) / step_seconds / result.peak_flops;
}

/// NaN where it is not known.
double matmul_share(const BenchResult& result, double step_seconds) {
  return result.matmul_seconds > 0 ? result.matmul_seconds / step_seconds : std::nan("");
}

Json spread_json(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {{"median", number_json(median_of(values))},
          {"min", number_json(values.front())},
          {"max", number_json(values.back())},
          {"sd", known_json(engine::statistics_of(values).deviation)}};
}

Json ratio_json(const Ratio& ratio) {
  Json rounds = Json::array();
  for (const double round : ratio.rounds) rounds.push_back(number_json(round));
  return {{"median", number_json(ratio.whole)},
          {"worst_round", number_json(ratio.worst)},
          {"rounds", rounds}};
}

Json kernels_json(const BenchVariant& variant) {
  Json kernels = Json::array();
  for (const engine::KernelTime& each : variant.kernels) {
    kernels.push_back(
        {{"kind", each.kind}, {"seconds", number_json(each.seconds)}, {"calls", each.calls}});
  }
  return kernels;
}

Json variant_json(const BenchResult& result, const BenchVariant& variant) {
  const BenchVariant& plain = result.variants.front();
  const double step = median_of(all_measures(variant, &BenchSample::seconds));
  Json samples = Json::array();
  for (const auto& round : variant.rounds) {
    samples.push_back(measures(round, &BenchSample::seconds));
  }
  return {{"name", variant.name},
          {"transform_digest",
           variant.transform_digest.empty() ? Json() : Json(variant.transform_digest)},
          {"layers", variant.layers},
          {"tokens_per_second", number_json(tokens_per_step(result) / step)},
          {"step_seconds", spread_json(all_measures(variant, &BenchSample::seconds))},
          {"cpu_seconds", spread_json(all_measures(variant, &BenchSample::cpu_seconds))},
          {"ratio_to_plain", ratio_json(ratio_of(variant, plain, &BenchSample::seconds))},
          {"cpu_ratio_to_plain", ratio_json(ratio_of(variant, plain, &BenchSample::cpu_seconds))},
          {"mfu", known_json(utilisation(result, result.flops_per_token, step))},
          {"upstream_mfu", known_json(utilisation(result, result.upstream_flops_per_token, step))},
          {"matmul_share", known_json(matmul_share(result, step))},
          {"step_peak_bytes", variant.step_peak_bytes < 0 ? Json() : Json(variant.step_peak_bytes)},
          {"gradient_bytes", variant.gradient_bytes},
          {"working_weight_bytes", variant.working_weight_bytes},
          {"simulation_state_bytes", variant.simulation_state_bytes},
          {"kernels", kernels_json(variant)},
          {"samples", samples}};
}

std::string seconds_text(double seconds) {
  return seconds < 1 ? fmt::format("{:.2f} ms", seconds * 1e3) : fmt::format("{:.3f} s", seconds);
}

std::string percent_text(double share) {
  return std::isnan(share) ? "" : fmt::format("{:.1f} %", 100 * share);
}

std::string mfu_text(const BenchResult& result) {
  if (result.peak_flops <= 0) return "none: the peak of this device is not known";
  const std::string peak =
      fmt::format("{:.0f} TFLOP/s, dense bf16 of {}", result.peak_flops / 1e12, result.device_name);
  if (!result.bf16) return "none: computed in fp32, and the peak known is " + peak;
  return "FLOPs per token x tokens/s / " + peak;
}

using Conditions = std::vector<std::pair<std::string, std::string>>;

/// A row for each kind of kernel, two columns for each variant; empty when nothing was profiled.
std::string kernels_text(const BenchResult& result) {
  std::vector<std::string> kinds;
  std::vector<std::string> header = {"one step, by kind"};
  for (const BenchVariant& variant : result.variants) {
    header.insert(header.end(), {variant.name, "calls"});
    for (const engine::KernelTime& each : variant.kernels) {
      if (std::find(kinds.begin(), kinds.end(), each.kind) == kinds.end()) {
        kinds.push_back(each.kind);
      }
    }
  }
  if (kinds.empty()) return "";
  TextTable table(header);
  const auto add_row = [&](const std::string& name, auto&& belongs) {
    std::vector<std::string> row = {name};
    for (const BenchVariant& variant : result.variants) {
      double seconds = 0;
      std::int64_t calls = 0;
      for (const engine::KernelTime& each : variant.kernels) {
        if (!belongs(each)) continue;
        seconds += each.seconds;
        calls += each.calls;
      }
      row.push_back(calls == 0 ? "" : seconds_text(seconds));
      row.push_back(calls == 0 ? "" : fmt::format("{}", calls));
    }
    table.add(row);
  };
  for (const std::string& kind : kinds) {
    add_row(kind, [&](const engine::KernelTime& each) { return each.kind == kind; });
  }
  add_row("all", [](const engine::KernelTime&) { return true; });
  return "\n" + table.text();
}

/// What must be equal for two results to compare.
Conditions conditions_of(const BenchResult& result) {
  return {{"model", result.model},
          {"parameters", fmt::format("{}", result.parameters)},
          {"batch_size", fmt::format("{}", result.batch_size)},
          {"seq_len", fmt::format("{}", result.seq_len)},
          {"dtype", result.bf16 ? "bfloat16" : "float32"},
          {"device_name", result.device_name},
          {"threads", fmt::format("{}", result.threads)},
          {"steps", fmt::format("{}", result.steps)},
          {"torch_version", result.torch_version},
          {"driver", result.driver}};
}

std::string field_text(const nlohmann::json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

Json json_of(const BenchResult& result) {
  const BenchVariant& plain = result.variants.front();
  Json json;
  json["model"] = result.model;
  json["parameters"] = result.parameters;
  json["batch_size"] = result.batch_size;
  json["seq_len"] = result.seq_len;
  json["dtype"] = result.bf16 ? "bfloat16" : "float32";
  json["device"] = result.device;
  json["device_name"] = result.device_name;
  json["driver"] = result.driver.empty() ? Json() : Json(result.driver);
  json["torch_version"] = result.torch_version;
  json["version"] = PARADIGM_VERSION;
  json["threads"] = result.threads;
  json["warmup"] = result.warmup;
  json["rounds"] = plain.rounds.size();
  json["repeats"] = plain.rounds.empty() ? 0 : plain.rounds.front().size();
  json["steps"] = result.steps;
  json["tokens_per_step"] = result.batch_size * result.seq_len;
  json["flops_per_token"] = number_json(result.flops_per_token);
  json["upstream_flops_per_token"] = number_json(result.upstream_flops_per_token);
  json["peak_flops"] = result.peak_flops > 0 ? number_json(result.peak_flops) : Json();
  json["mfu_formula"] = mfu_text(result);
  json["matmul_seconds"] = result.matmul_seconds > 0 ? number_json(result.matmul_seconds) : Json();
  json["weight_bytes"] = result.weight_bytes;
  json["optimizer_bytes"] = result.optimizer_bytes;
  json["variants"] = Json::array();
  for (const BenchVariant& variant : result.variants) {
    json["variants"].push_back(variant_json(result, variant));
  }
  json["notes"] = result.notes;
  json["problems"] = Json::array();
  return json;
}

/// What a step's peak is made of.
std::string memory_text(const BenchResult& result) {
  TextTable table({"peak memory of a step", "gradients", "16-bit weights",
                   "activations, work space", "simulation state"});
  for (const BenchVariant& variant : result.variants) {
    const std::int64_t rest =
        variant.step_peak_bytes - variant.gradient_bytes - variant.working_weight_bytes;
    table.add({variant.name, size_text(double(variant.gradient_bytes)),
               size_text(double(variant.working_weight_bytes)),
               variant.step_peak_bytes < 0 ? "unknown" : size_text(std::max(0.0, double(rest))),
               size_text(double(variant.simulation_state_bytes))});
  }
  return table.text();
}

std::string text_of(const BenchResult& result, const std::optional<EarlierBench>& earlier) {
  const BenchVariant& plain = result.variants.front();
  const bool is_cpu = result.device == "cpu";
  std::string text;
  for (const std::string& note : result.notes) text += "note: " + note + "\n";
  if (earlier) {
    for (const std::string& note : differences(result, *earlier)) text += "note: " + note + "\n";
  }
  text += fmt::format("model     {}: {:.1f} M parameters, {}, {} x {} = {:.0f} tokens a step\n",
                      result.model, static_cast<double>(result.parameters) / 1e6,
                      result.bf16 ? "bf16" : "fp32", result.batch_size, result.seq_len,
                      tokens_per_step(result));
  text += fmt::format("device    {}, {}{}, {} threads, LibTorch {}\n", result.device,
                      result.device_name, result.driver.empty() ? "" : ", driver " + result.driver,
                      result.threads, result.torch_version);
  text += fmt::format(
      "measured  {} rounds of {} x {} steps after {} of warm-up, the variants turn by turn\n",
      plain.rounds.size(), plain.rounds.empty() ? 0 : plain.rounds.front().size(), result.steps,
      result.warmup);
  text += fmt::format(
      "FLOPs     {:.4g} G per token: 3 x forward matmuls, causal attention at half, nothing for "
      "simulation\n          ({:.4g} G by upstream's 6·N_ex + 12·L·H·D·S)\n",
      result.flops_per_token / 1e9, result.upstream_flops_per_token / 1e9);
  text += "MFU       " + mfu_text(result) + "\n";
  if (result.matmul_seconds > 0) {
    text += fmt::format(
        "matmuls   {} a step: the products of Linears and head, each measured by itself; the "
        "column "
        "is their share of a step\n",
        seconds_text(result.matmul_seconds));
  }
  text += fmt::format(
      "memory    weights {}, optimizer {}; the peak below is what a step needs above them\n\n",
      size_text(double(result.weight_bytes)), size_text(double(result.optimizer_bytes)));

  const bool has_mfu = result.peak_flops > 0 && result.bf16;
  std::vector<std::string> header = {"variant", "layers", "tokens/s", "step",
                                     "min",     "max",    "/ plain",  "worst round"};
  if (is_cpu) header.push_back("CPU time / plain");
  if (has_mfu) header.insert(header.end(), {"MFU", "upstream's"});
  header.push_back("matmuls");
  header.push_back("peak");
  if (earlier) header.push_back("/ earlier");
  TextTable table(header);
  for (const BenchVariant& variant : result.variants) {
    std::vector<double> times = all_measures(variant, &BenchSample::seconds);
    const double step = median_of(times);
    const Ratio ratio = ratio_of(variant, plain, &BenchSample::seconds);
    std::vector<std::string> row = {variant.name,
                                    fmt::format("{}", variant.layers),
                                    fmt::format("{:.0f}", tokens_per_step(result) / step),
                                    seconds_text(step),
                                    seconds_text(*std::min_element(times.begin(), times.end())),
                                    seconds_text(*std::max_element(times.begin(), times.end())),
                                    fmt::format("{:.3f}", ratio.whole),
                                    fmt::format("{:.3f}", ratio.worst)};
    if (is_cpu) {
      row.push_back(
          fmt::format("{:.3f}", ratio_of(variant, plain, &BenchSample::cpu_seconds).whole));
    }
    if (has_mfu) {
      row.push_back(percent_text(utilisation(result, result.flops_per_token, step)));
      row.push_back(percent_text(utilisation(result, result.upstream_flops_per_token, step)));
    }
    row.push_back(percent_text(matmul_share(result, step)));
    row.push_back(variant.step_peak_bytes < 0 ? "unknown"
                                              : size_text(double(variant.step_peak_bytes)));
    if (earlier) {
      for (const auto& [name, seconds] : earlier->step_seconds) {
        if (name == variant.name) row.push_back(fmt::format("{:.3f}", step / seconds));
      }
    }
    table.add(row);
  }
  return text + table.text() + "\n" + memory_text(result) + kernels_text(result);
}

EarlierBench read_earlier_bench(const std::string& file) {
  constexpr std::size_t kLargest = 64 << 20;
  constexpr const char* kWayOut = "Give a file that `paradigm bench --json` wrote";
  const auto json = engine::parse_strict_json(engine::read_text_file(file, kLargest), file);
  EarlierBench earlier{.file = file, .conditions = {}, .step_seconds = {}};
  try {
    for (const auto& [name, value] : conditions_of({})) {
      earlier.conditions.emplace_back(name, field_text(json.at(name)));
    }
    for (const auto& variant : json.at("variants")) {
      const std::string name = variant.at("name").get<std::string>();
      const double seconds = variant.at("step_seconds").at("median").get<double>();
      if (!std::isfinite(seconds) || seconds <= 0) {
        engine::fail("bad-bench", {.file = file},
                     fmt::format("the step of {} took {} seconds in it", name, seconds), kWayOut);
      }
      earlier.step_seconds.emplace_back(name, seconds);
    }
  } catch (const nlohmann::json::exception& error) {
    engine::fail("bad-bench", {.file = file},
                 "this is not the JSON of a paradigm bench: " + engine::json_reason(error),
                 kWayOut);
  }
  if (earlier.step_seconds.empty()) {
    engine::fail("bad-bench", {.file = file}, "no step was measured in it", kWayOut);
  }
  return earlier;
}

std::vector<std::string> differences(const BenchResult& now, const EarlierBench& earlier) {
  std::vector<std::string> notes;
  const Conditions conditions = conditions_of(now);
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const auto& [name, value] = conditions[i];
    const std::string& before = earlier.conditions[i].second;
    if (value == before) continue;
    notes.push_back(fmt::format("{} was {} in {}, and is {} now", name,
                                before.empty() ? "none" : before, earlier.file,
                                value.empty() ? "none" : value));
  }
  return notes;
}

}  // namespace paradigm
