// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/run_report.h"

#include "app/paradigm/remote_runs.h"
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "engine/remote/remote_address.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_resume.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
#include <optional>

namespace paradigm {
namespace {

Json configuration_json(const engine::RunSummary& summary, std::vector<engine::Problem>& problems) {
  Json json = Json::object();
  const std::string file = (summary.path / "run.yaml").string();
  const auto values = engine::parse_run_yaml(summary.run_yaml, file, problems);
  for (const auto& entry : values.entries()) json[entry.name] = value_json(entry.value);
  return json;
}

/// Something is there and may not be looked at.
std::optional<engine::Problem> unreadable(const std::filesystem::path& path) {
  if (access(path.c_str(), R_OK) == 0 || errno == ENOENT) return std::nullopt;
  engine::Problem problem;
  problem.id = "cannot-read";
  problem.place.file = path.string();
  problem.message = std::string("cannot be read: ") + std::strerror(errno);
  problem.remedy = "Check the permissions of the run folder";
  return problem;
}

/// Without them a finished run looks like an interrupted one.
void warn_of_unreadable_parts(const engine::RunFolder& run) {
  for (const auto& part : {run.events(), run.status()}) {
    auto problem = unreadable(part);
    if (!problem) continue;
    problem->severity = engine::Severity::warning;
    print_problems({*problem});
  }
}

std::string metrics_text(const engine::StepLogged& step) {
  return fmt::format("loss {:.4f}  grad_norm {:.4g}  learning_rate {:.4g}  epoch {:.3g}", step.loss,
                     step.grad_norm, step.learning_rate, step.epoch);
}

/// One line a statistic: its extremes over the layers and whose they are.
std::string extremes_text(const engine::LayerStats& stats) {
  struct Extremes {
    std::string statistic;
    const engine::LayerStat* lowest;
    const engine::LayerStat* highest;
    int layers;
    int unknown;
  };
  std::vector<Extremes> all;
  std::size_t width = 0;
  for (const engine::LayerStat& stat : stats.values) {
    auto found = std::find_if(all.begin(), all.end(), [&](const Extremes& each) {
      return each.statistic == stat.statistic;
    });
    if (found == all.end()) found = all.insert(all.end(), {stat.statistic, &stat, &stat, 0, 0});
    // The negations hold for a NaN that came first.
    if (!std::isnan(stat.value) && !(stat.value >= found->lowest->value)) found->lowest = &stat;
    if (!std::isnan(stat.value) && !(stat.value <= found->highest->value)) found->highest = &stat;
    if (std::isnan(stat.value)) ++found->unknown;
    ++found->layers;
    width = std::max(width, stat.statistic.size());
  }
  std::string text;
  for (const Extremes& each : all)
    text += fmt::format("    {:<{}}  {:>10.4g} {}  to {:.4g} {}  ({} layer{}{})\n", each.statistic,
                        width, each.lowest->value, each.lowest->layer, each.highest->value,
                        each.highest->layer, each.layers, each.layers == 1 ? "" : "s",
                        each.unknown == 0 ? "" : fmt::format(", {} of them NaN", each.unknown));
  return text;
}

}  // namespace

bool has_ended(engine::RunState state) {
  using engine::RunState;
  return state == RunState::finished || state == RunState::stopped || state == RunState::failed ||
         state == RunState::interrupted;
}

std::filesystem::path find_run(const std::string& given) {
  namespace fs = std::filesystem;
  if (engine::is_remote_address(given)) {
    const auto found = engine::find_runs(readable_folder(given));
    if (found.size() == 1 &&
        run_address(found.front()) == engine::parse_remote_address(given).text())
      return found.front();
    engine::fail("no-run", {.file = given},
                 found.empty() ? "there is no run at this address"
                               : fmt::format("this is a folder of {} runs", found.size()),
                 "See paradigm runs list " + given);
  }
  for (const fs::path& candidate : {fs::path(given), fs::path("runs") / given}) {
    const auto found = engine::find_runs(candidate);
    if (found.size() != 1 || found.front() != candidate) continue;
    warn_of_unreadable_parts({candidate});
    return candidate;
  }
  if (const auto problem = unreadable(given)) throw engine::Error(*problem);
  std::error_code ignored;
  const bool exists = fs::exists(given, ignored);
  engine::fail("no-run", {.file = given},
               exists ? "this folder holds no run (no events.jsonl, status.json or run.yaml)"
                      : "there is no such run folder",
               "See paradigm runs list");
}

std::string time_text(double unix_seconds) {
  if (!(unix_seconds > 0) || unix_seconds > 4e11) return "";
  const std::time_t seconds = std::time_t(unix_seconds);
  std::tm local = {};
  localtime_r(&seconds, &local);
  char text[32];
  return std::string(text, std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local));
}

Json json_of(const engine::StepLogged& step) {
  return {{"step", step.step},
          {"epoch", number_json(step.epoch)},
          {"loss", number_json(step.loss)},
          {"grad_norm", number_json(step.grad_norm)},
          {"learning_rate", number_json(step.learning_rate)},
          {"num_input_tokens_seen", step.tokens},
          {"tokens_per_second", number_json(step.tokens_per_second)},
          {"memory_bytes", step.memory_bytes}};
}

Json json_of(const engine::Evaluated& evaluation) {
  return {{"step", evaluation.step},
          {"epoch", number_json(evaluation.epoch)},
          {"eval_loss", number_json(evaluation.eval_loss)},
          {"perplexity", number_json(evaluation.perplexity)},
          {"eval_accuracy", number_json(evaluation.eval_accuracy)},
          {"eval_tokens", evaluation.eval_tokens},
          {"eval_runtime", number_json(evaluation.eval_runtime)}};
}

Json json_of(const engine::LayerStats& stats) {
  Json layers = Json::object();
  for (const engine::LayerStat& stat : stats.values)
    layers[stat.layer][stat.statistic] = number_json(stat.value);
  return {{"step", stats.step}, {"layers", std::move(layers)}};
}

Json json_of(const engine::DivergenceSeen& seen) {
  return {{"step", seen.step},
          {"kind", seen.kind},
          {"layer", seen.layer.empty() ? Json() : Json(seen.layer)},
          {"value", number_json(seen.value)},
          {"limit", number_json(seen.limit)},
          {"action", seen.action},
          {"text", seen.text}};
}

Json json_of(const engine::CostCompared& cost) {
  return {{"predicted_step_seconds", number_json(cost.predicted_step_seconds)},
          {"step_seconds", number_json(cost.step_seconds)},
          {"predicted_seconds", number_json(cost.predicted_seconds)},
          {"seconds", number_json(cost.seconds)},
          {"predicted_peak_bytes", cost.predicted_peak_bytes},
          {"peak_bytes", cost.peak_bytes},
          {"predicted_checkpoint_bytes", cost.predicted_checkpoint_bytes},
          {"checkpoint_bytes", cost.checkpoint_bytes}};
}

Json json_of(const engine::RunSummary& summary, std::vector<engine::Problem>& problems) {
  Json json;
  json["run"] = summary.path.string();
  json["state"] = engine::to_string(summary.observed.state);
  json["detail"] = summary.observed.detail;
  const engine::ResumeOffer offer = engine::resume_offer(summary.path, summary);
  json["resume"] = {{"possible", offer.possible},
                    {"checkpoint", offer.possible ? Json(offer.checkpoint) : Json()},
                    {"steps_done_again", offer.lost},
                    {"command", offer.possible ? Json(offer.command) : Json()},
                    {"what", offer.restores},
                    {"passed_over", offer.passed_over}};
  const std::int64_t status_step = summary.status ? summary.status->step : 0;
  json["step"] = summary.last_step ? std::max(summary.last_step->step, status_step) : status_step;
  json["max_steps"] = summary.started  ? summary.started->max_steps
                      : summary.status ? summary.status->max_steps
                                       : 0;
  json["started_at"] = summary.started_at > 0 ? number_json(summary.started_at) : Json();
  json["updated_at"] = summary.status ? number_json(summary.status->updated) : Json();
  if (summary.started) {
    const engine::RunStarted& started = *summary.started;
    json["run_id"] = started.run_id;
    json["device"] = started.device;
    json["device_name"] = started.device_name;
    json["engine_version"] = started.engine_version;
    json["transform_digest"] = started.transform_digest;
    json["parameters"] = started.parameters;
    json["tokens_per_step"] = started.tokens_per_step;
    json["resumed_from"] = started.resumed_from.empty() ? Json() : Json(started.resumed_from);
  }
  json["configuration"] = configuration_json(summary, problems);
  json["last_metrics"] = summary.last_step ? json_of(*summary.last_step) : Json();
  json["last_eval"] = summary.last_eval ? json_of(*summary.last_eval) : Json();
  json["layer_stats"] = summary.last_layer_stats ? json_of(*summary.last_layer_stats) : Json();
  json["best_loss"] = std::isnan(summary.best_loss) ? Json() : number_json(summary.best_loss);
  json["checkpoints"] = Json::array();
  for (const auto& saved : summary.checkpoints) {
    json["checkpoints"].push_back(
        {{"step", saved.step}, {"path", saved.path}, {"bytes", saved.bytes}});
  }
  json["messages"] = Json::array();
  for (const auto& message : summary.messages) {
    json["messages"].push_back(
        {{"step", message.step}, {"level", message.level}, {"text", message.text}});
  }
  json["divergences"] = Json::array();
  for (const auto& seen : summary.divergences) json["divergences"].push_back(json_of(seen));
  if (summary.cost) json["cost"] = json_of(*summary.cost);
  if (summary.failed) {
    json["failure"] = {{"step", summary.failed->step},
                       {"what", summary.failed->what},
                       {"last_checkpoint", summary.failed->last_checkpoint}};
  }
  return json;
}

std::string text_of(const engine::RunSummary& summary) {
  std::string text = summary.path.string() + "\n";
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<12}{}\n", name, value);
  };
  const auto& detail = summary.observed.detail;
  add("state", engine::to_string(summary.observed.state) + (detail.empty() ? "" : ": " + detail));
  const engine::ResumeOffer offer = engine::resume_offer(summary.path, summary);
  if (offer.possible) {
    add("resume", offer.command);
    add("", fmt::format("from {}: {}", offer.checkpoint, offer.restores));
    for (const std::string& damage : offer.passed_over) add("", damage);
  } else if (has_ended(summary.observed.state)) {
    add("resume", "not possible: " + offer.restores);
    for (const std::string& damage : offer.passed_over) add("", damage);
  }
  if (summary.last_step) {
    add("step", summary.started
                    ? fmt::format("{} of {}", summary.last_step->step, summary.started->max_steps)
                    : fmt::format("{}", summary.last_step->step));
  }
  add("started", time_text(summary.started_at));
  if (summary.started) {
    const auto& started = *summary.started;
    add("device", started.device_name.empty() ? started.device
                                              : started.device + " (" + started.device_name + ")");
  }
  if (summary.last_step) add("last", metrics_text(*summary.last_step));
  if (!std::isnan(summary.best_loss)) add("best loss", fmt::format("{:.4f}", summary.best_loss));
  if (summary.last_eval) {
    add("evaluation",
        fmt::format("eval_loss {:.4f}  perplexity {:.3f} at step {}", summary.last_eval->eval_loss,
                    summary.last_eval->perplexity, summary.last_eval->step));
  }
  if (summary.last_layer_stats) {
    add("layer stats", fmt::format("at step {}", summary.last_layer_stats->step));
    text += extremes_text(*summary.last_layer_stats);
  }
  for (const auto& saved : summary.checkpoints) {
    add("checkpoint", fmt::format("{} ({})", saved.path, size_text(double(saved.bytes))));
  }
  for (const auto& seen : summary.divergences) {
    add("divergence", fmt::format("step {}: {}", seen.step, seen.text));
  }
  for (const auto& message : summary.messages) {
    add(message.level.c_str(), fmt::format("step {}: {}", message.step, message.text));
  }
  if (!summary.run_yaml.empty()) {
    text += "  run.yaml\n";
    std::size_t begin = 0;
    for (std::size_t end; (end = summary.run_yaml.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      text += "    " + summary.run_yaml.substr(begin, end - begin) + "\n";
    }
  }
  return text;
}

}  // namespace paradigm
