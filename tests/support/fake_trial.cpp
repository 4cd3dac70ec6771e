// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/fake_trial.h"

#include "engine/error.h"
#include "engine/transform/paradigm_info.h"
#include "engine/trial/keep_digital.h"
#include "engine/trial/scan_entries.h"

#include <filesystem>
#include <thread>
#include <utility>

namespace tests {
namespace {

constexpr int kSteps = 10;

double cost_of(const std::string& layer) {
  return layer == "lm_head" || layer == "model.layers.1.mlp.down_proj" ? 0.1 : 0.01;
}

engine::Estimate around(double value) { return {value, value - 0.005, value + 0.005}; }

}  // namespace

struct FakeTrial::Planned {
  engine::TransformConfig config;
  engine::TransformPlan plan;
  double cost = 0;
};

FakeTrial::FakeTrial(const engine::TrialConfig& config, std::chrono::microseconds step_time)
    : config_(config),
      model_(engine::read_llama_config(std::filesystem::path(config.eval.model_name_or_path) /
                                       "config.json")),
      step_time_(step_time) {}

FakeTrial::Planned FakeTrial::planned(const std::optional<engine::TransformText>& transform) const {
  const auto infos = engine::paradigm_infos();
  auto parsed = engine::parse_transform_config(transform->text, transform->file, infos);
  if (engine::has_errors(parsed.problems)) throw engine::Error(parsed.problems);
  Planned result{.config = parsed.config,
                 .plan = engine::plan_transform(engine::layer_inventory(model_), parsed.config,
                                                infos, "fp32")};
  if (engine::has_errors(result.plan.problems)) throw engine::Error(result.plan.problems);
  for (const auto* assignment : result.plan.replacements())
    result.cost += cost_of(assignment->layer);
  return result;
}

void FakeTrial::step(const engine::TrialProgress& on_progress, const std::string& stage,
                     double done, double total) const {
  std::this_thread::sleep_for(step_time_);
  if (on_progress && !on_progress(stage, done, total)) engine::fail("cancelled", {}, "cancelled");
}

engine::TrialResult FakeTrial::try_transform(const std::optional<engine::TransformText>& transform,
                                             const engine::TryOptions& options,
                                             const engine::TrialProgress& on_progress) {
  const Planned planned = this->planned(transform);
  for (int i = 1; i <= kSteps; ++i) {
    step(on_progress, "measuring", i, kSteps);
    if (i != kSteps / 2 || !options.on_result) continue;
    engine::TrialResult half = result_of(planned, *transform, options);
    half.is_complete = false;
    half.facts.batches /= 2;
    half.facts.noise_draws = 1;
    half.tokens.clear();
    options.on_result(half);
  }
  return result_of(planned, *transform, options);
}

engine::TrialResult FakeTrial::result_of(const Planned& planned,
                                         const engine::TransformText& transform,
                                         const engine::TryOptions& options) const {
  engine::TrialResult result;
  result.facts = {.device = "cpu",
                  .batches = config_.batches,
                  .batch_size = 4,
                  .block_size = 128,
                  .noise_draws = options.noise_draws,
                  .calibrated_blocks = 32,
                  .calibrated_on = "the training text",
                  .seconds = 0.5};
  result.plain_loss = 3;
  result.transformed_loss = 3 + planned.cost;
  result.difference = planned.cost == 0 ? engine::Estimate{0, 0, 0} : around(planned.cost);
  result.transform = transform.file;
  for (const auto& assignment : planned.plan.assignments) {
    if (assignment.outcome != engine::Outcome::transformed) continue;
    ++result.transformed_layers;
    result.layers.push_back({assignment.layer, cost_of(assignment.layer) > 0.05 ? 8.0 : 35.0});
  }
  result.prompt = options.prompt.empty() ? "Once upon a time" : options.prompt;
  result.tokens = {{.id = 1,
                    .text = " there",
                    .plain = 0.6,
                    .transformed = 0.3,
                    .plain_rank = 1,
                    .transformed_rank = 2},
                   {.id = 2,
                    .text = " in",
                    .plain = 0.2,
                    .transformed = 0.4,
                    .plain_rank = 2,
                    .transformed_rank = 1}};
  return result;
}

engine::ScanResult FakeTrial::scan(const std::optional<engine::TransformText>& transform,
                                   const engine::ScanOptions& options,
                                   const engine::TrialProgress& on_progress) {
  const Planned planned = this->planned(transform);
  engine::ScanResult result;
  auto entries = engine::scan_entries(engine::layer_inventory(model_), planned.plan, options, 128);
  const auto total = static_cast<double>(entries.size());
  double done = 0;
  for (auto& entry : entries) {
    ++done;
    double cost = 0;
    for (const auto& layer : entry.layers) cost += cost_of(layer);
    if (measured_.count(entry.name) == 0) {
      step(on_progress, entry.name + " alone", done, total);
      measured_.insert(entry.name);
      ++result.measured_cells;
    } else {
      ++result.reused_cells;
    }
    entry.one_on = around(cost);
    entry.one_off = around(cost);
    if (!entry.is_kind) entry.sqnr_db = cost > 0.05 ? 8 : 35;
    if (options.on_entry) options.on_entry(entry);
  }
  result.facts.device = "cpu";
  result.facts.noise_draws = options.noise_draws;
  result.plain_loss = 3;
  result.whole = around(planned.cost);
  result.transform = transform->file;
  result.entries = engine::ranked(std::move(entries));
  auto& proposal = result.proposal;
  proposal.layers = engine::layers_to_keep(result.entries, options.flops_budget);
  if (proposal.layers.empty()) {
    proposal.summary = "no proposal: no layer stands out";
    return result;
  }
  const auto edit = engine::keep_digital(transform->text, transform->file, proposal.layers,
                                         planned.plan, planned.config.use_regex);
  proposal.yaml = engine::apply_edit(transform->text, edit.edit);
  proposal.flops_share = 0.04;
  proposal.change = around(-0.18);
  proposal.remaining = around(planned.cost - 0.18);
  proposal.summary = "keep " + std::to_string(proposal.layers.size()) +
                     " layers digital: -0.1800 [-0.1850, -0.1750] loss for 4 % of the FLOPs";
  return result;
}

}  // namespace tests
