// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/open_path.h"

#include "engine/config/run_config.h"
#include "engine/config/run_values.h"
#include "engine/error.h"
#include "engine/remote/remote_address.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_folder.h"
#include "engine/transform/paradigm_info.h"

#include <filesystem>

namespace app {
namespace {

namespace fs = std::filesystem;

bool is_run(const fs::path& folder) {
  const engine::RunFolder run{folder};
  std::error_code ignored;
  return fs::exists(run.events(), ignored) || fs::exists(run.status(), ignored) ||
         fs::exists(run.run_yaml(), ignored);
}

std::shared_ptr<const widgets::OpenCheckpoint> read_checkpoint(const fs::path& folder) {
  return widgets::make_checkpoint(QString::fromStdString(folder.string()),
                                  engine::read_llama_config(folder / "config.json"));
}

/// A run configuration names flags at its top level, a transform file patterns.
bool looks_like_run_config(const std::string& text, const std::string& file) {
  if (text.find("layer_name_to_config") != std::string::npos) return false;
  std::vector<engine::Problem> ignored;
  const engine::ParamValues values = engine::parse_run_yaml(text, file, ignored);
  for (const auto& entry : values.entries()) {
    if (engine::train_schema().find(entry.name) != nullptr) return true;
  }
  return false;
}

/// A study varies a base.
bool looks_like_study(const std::string& text, const std::string& file) {
  if (text.find("layer_name_to_config") != std::string::npos) return false;
  std::vector<engine::Problem> ignored;
  return !engine::parse_study(text, file, ignored).base.empty();
}

/// What the run that left this checkpoint was given; empty when that cannot be read.
engine::ParamValues run_behind(const fs::path& checkpoint) {
  const engine::RunFolder run{checkpoint.parent_path()};
  const fs::path file = run.run_yaml();
  std::error_code ignored;
  if (!fs::exists(run.events(), ignored) || !fs::exists(file, ignored)) return {};
  try {
    std::vector<engine::Problem> problems;
    return engine::read_run_values(file, problems);
  } catch (const engine::Error&) {
    return {};
  }
}

OpenedPath open_folder(const fs::path& folder) {
  OpenedPath opened;
  opened.path = QString::fromStdString(folder.string());
  if (is_run(folder)) {
    opened.kind = PathKind::run;
    return opened;
  }
  if (fs::exists(folder / "config.json")) {
    opened.kind = PathKind::checkpoint;
    opened.checkpoint = read_checkpoint(folder);
    opened.run_values = run_behind(folder);
    return opened;
  }
  if (!engine::find_runs(folder).empty()) {
    opened.kind = PathKind::runs;
    return opened;
  }
  engine::fail("not-a-checkpoint", {.file = folder.string()},
               "this folder holds no checkpoint (config.json is missing) and no run",
               "Open a Llama checkpoint folder, a run folder, or a folder of runs");
}

}  // namespace

OpenedPath open_path(const QString& path) {
  if (engine::is_remote_address(path.toStdString())) {
    OpenedPath opened;
    opened.kind = PathKind::runs;
    opened.path = QString::fromStdString(engine::parse_remote_address(path.toStdString()).text());
    return opened;
  }
  fs::path given = fs::absolute(path.toStdString()).lexically_normal();
  if (!given.has_filename()) given = given.parent_path();
  if (!fs::exists(given)) {
    engine::fail("missing-file", {.file = given.string()}, "there is no such file or folder",
                 "Check the path");
  }
  if (fs::is_directory(given)) return open_folder(given);
  if (given.filename() == "config.json") return open_folder(given.parent_path());

  const std::string extension = given.extension().string();
  OpenedPath opened;
  opened.path = QString::fromStdString(given.string());
  const bool is_toml = extension == ".toml";
  if (extension != ".yaml" && extension != ".yml" && !is_toml) {
    engine::fail(
        "unknown-file", {.file = given.string()},
        "this is neither a checkpoint folder, a transform file (.yaml, .toml) nor a run folder",
        "Open the folder that holds config.json, or a .yaml file");
  }
  const std::string text = engine::read_file(given);
  if (!is_toml && looks_like_study(text, given.string())) {
    opened.kind = PathKind::study;
    opened.study = std::make_shared<engine::StudyView>(engine::read_study(given.string()));
    return opened;
  }
  if (!is_toml && looks_like_run_config(text, given.string())) {
    opened.kind = PathKind::run_config;
    opened.run_values = engine::read_run_values(given, opened.remarks);
    if (engine::has_errors(opened.remarks)) throw engine::Error(opened.remarks);
    return opened;
  }
  opened.kind = PathKind::transform;
  opened.transform = std::make_shared<engine::ParsedTransform>(
      engine::parse_transform_config(text, given.string(), engine::paradigm_infos()));
  return opened;
}

QString text_in(const engine::ParamValues& values, const std::string& name) {
  const engine::ParamValue value = values.get(name);
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? QString() : QString::fromStdString(*text);
}

widgets::PlanViewPtr plan_of_run(const QString& folder) {
  const engine::RunFolder run{fs::path(folder.toStdString())};
  try {
    std::vector<engine::Problem> problems;
    const auto values = engine::read_run_values(run.run_yaml(), problems);
    QString model = text_in(values, "model_name_or_path");
    if (model.isEmpty()) model = text_in(values, "config_name");
    if (model.isEmpty()) return nullptr;
    fs::path source(model.toStdString());
    if (source.filename() == "config.json") source = source.parent_path();
    if (!fs::exists(source / "config.json")) source = run.path;  // the copy of a run elsewhere
    if (!fs::exists(source / "config.json")) return nullptr;
    std::shared_ptr<const engine::ParsedTransform> transform;
    if (fs::exists(run.transform_yaml())) {
      transform = std::make_shared<engine::ParsedTransform>(
          engine::read_transform_config(run.transform_yaml(), engine::paradigm_infos()));
    }
    return widgets::make_plan_view(read_checkpoint(source), std::move(transform),
                                   engine::paradigm_infos());
  } catch (const engine::Error&) {
    return nullptr;
  }
}

}  // namespace app
