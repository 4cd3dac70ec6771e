// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/command.h"
#include "app/paradigm/model_report.h"
#include "engine/checkpoint/model_folder.h"
#include "engine/data/hub_cache.h"
#include "engine/model/clm_family.h"
#include "engine/problem.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

namespace paradigm {
namespace {

/// A checkpoint folder or a safetensors file in one, a config.json, a flavour of the CLM family or
/// a hub name, in this order.
engine::ModelFolder find_model(const std::string& name) {
  std::error_code error;
  const std::filesystem::path path = name;
  if (path.extension() == ".safetensors" && std::filesystem::is_regular_file(path, error)) {
    return engine::open_model_folder(path.has_parent_path() ? path.parent_path() : ".");
  }
  if (std::filesystem::is_regular_file(name, error))
    return engine::model_folder_of(engine::read_llama_config(name));
  if (!std::filesystem::is_directory(name, error) && name.find('/') == name.npos) {
    if (auto config = engine::find_clm_config(name)) return engine::model_folder_of(*config);
  }
  return engine::open_model_folder(engine::resolve_hub_path(name, engine::HubKind::model));
}

struct Options {
  std::string model;
  bool json = false;
};

int inspect(const Options& options) {
  const engine::ModelFolder model = find_model(options.model);
  std::cout << (options.json ? model_report_json(model) : model_report(model)) << std::flush;
  return engine::has_errors(model.problems) ? kBadInput : kDone;
}

}  // namespace

Command inspect_command() {
  return {
      .name = "inspect",
      .summary =
          "Describe a checkpoint from its headers: architecture, parameters, layers, problems",
      .examples =
          "  paradigm inspect resources/demo/checkpoint\n"
          "  paradigm inspect AICrossSim/clm-60m --json     (from the local Hugging Face cache)\n"
          "  paradigm inspect clm-1.1b                      (the family's configuration, no "
          "weights)\n",
      .declare = [](CLI::App& app) -> std::function<int()> {
        auto options = std::make_shared<Options>();
        app.add_option("PATH", options->model,
                       "Checkpoint folder, config.json, hub name or flavour of the CLM family")
            ->required();
        app.add_flag("--json", options->json, "Print one JSON object");
        return [options] { return inspect(*options); };
      }};
}

}  // namespace paradigm
