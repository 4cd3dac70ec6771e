// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/command.h"
#include "app/paradigm/output.h"
#include "app/paradigm/plan_report.h"
#include "engine/data/hub_cache.h"
#include "engine/error.h"
#include "engine/model/clm_family.h"
#include "engine/model/llama_config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

namespace paradigm {
namespace {

struct Options {
  std::string model;
  std::string transform_config;
  bool json = false;
};

/// The folder of a checkpoint on disk or in the hub's cache; empty for a bare config.json or a
/// flavour.
std::filesystem::path model_folder(const std::string& name) {
  std::error_code error;
  if (std::filesystem::is_regular_file(name, error)) return {};
  const bool is_plain_name =
      name.find('/') == std::string::npos && !std::filesystem::is_directory(name, error);
  if (is_plain_name && engine::find_clm_config(name)) return {};
  return engine::resolve_hub_path(name, engine::HubKind::model);
}

engine::LlamaConfig model_config(const std::string& name, const std::filesystem::path& folder) {
  if (!folder.empty()) return engine::read_llama_config(folder / "config.json");
  if (const auto family = engine::find_clm_config(name)) return *family;
  return engine::read_llama_config(name);
}

std::string transform_file(const Options& options, const std::filesystem::path& folder) {
  if (!options.transform_config.empty()) return options.transform_config;
  std::error_code error;
  const std::filesystem::path recorded = folder / "transform.yaml";
  if (!folder.empty() && std::filesystem::exists(recorded, error)) return recorded.string();
  engine::fail("bad-value", {"--transform_config", 0, 0},
               fmt::format("{} records no transform", options.model),
               "Give --transform_config FILE");
}

int plan(const Options& options) {
  const std::filesystem::path folder = model_folder(options.model);
  const engine::LayerInventory inventory =
      engine::layer_inventory(model_config(options.model, folder));
  const PlanReport report = plan_report(inventory, transform_file(options, folder));
  const bool has_plan = !report.config.rules.empty();
  if (options.json)
    print_json(report.json());
  else if (has_plan)
    std::cout << report.rules_text() << report.files_text() << report.schedules_text()
              << report.formats_text() << std::flush;
  print_problems(report.problems);
  if (!options.json && has_plan) std::cout << report.totals_text() << std::flush;
  return engine::has_errors(report.problems) ? kBadInput : kDone;
}

}  // namespace

Command plan_command() {
  return {.name = "plan",
          .summary = "Which layers of a model a transform file replaces, and by which rule",
          .examples =
              "paradigm plan resources/demo/checkpoint --transform_config "
              "configs/transforms/optical_transformer.yaml\n"
              "paradigm plan AICrossSim/clm-60m --transform_config my.yaml --json",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            app.add_option("PATH", options->model,
                           "Checkpoint folder, config.json, hub name or flavour of the CLM family")
                ->required();
            app.add_option("--transform_config", options->transform_config,
                           "Transform file; without it the one that the checkpoint records");
            app.add_flag("--json", options->json, "Print one JSON object");
            return [options] { return plan(*options); };
          }};
}

}  // namespace paradigm
