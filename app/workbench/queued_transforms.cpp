// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/queued_transforms.h"

#include "engine/error.h"
#include "engine/transform/frozen_transform.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <variant>

namespace app {
namespace {

namespace fs = std::filesystem;

/// Empty: plain, or what the checkpoint records.
std::string transform_of(const widgets::QueuedRun& run) {
  const auto value = run.request.values.get("transform_config");
  const auto* file = std::get_if<std::string>(&value);
  return file == nullptr || *file == "none" ? std::string() : *file;
}

}  // namespace

void QueuedTransforms::freeze(widgets::QueuedRun& run) {
  const std::string file = transform_of(run);
  if (file.empty()) return;
  try {
    const fs::path store = folder().toStdString();
    run.transform_copy =
        QString::fromStdString(engine::freeze_transform(file, store / "queued").string());
  } catch (const engine::Error&) {
    run.transform_copy.clear();
  }
}

std::optional<engine::Problem> QueuedTransforms::thaw(widgets::QueuedRun& run) {
  const std::string file = transform_of(run);
  const fs::path copy = run.transform_copy.toStdString();
  if (file.empty() || copy.empty() || engine::is_as_frozen(file, copy)) return std::nullopt;
  engine::Problem problem;
  problem.id = "transform-changed-since";
  problem.place.file = file;
  problem.severity = engine::Severity::warning;
  fs::path kept = copy;
  try {
    // run.yaml names it, so it outlives the queue.
    kept = engine::freeze_transform(copy, fs::path(folder().toStdString()) / "run");
    problem.message = "it has changed since " + run.folder.toStdString() +
                      " was queued, which applies it as it was then";
    problem.remedy = "That text is kept in " + kept.string();
  } catch (const engine::Error& error) {
    problem = error.problems().front();
  }
  run.request.values.set("transform_config", kept.string());
  return problem;
}

void QueuedTransforms::release(const widgets::QueuedRun& run, const widgets::RunQueue& waiting) {
  if (run.transform_copy.isEmpty()) return;
  const auto& runs = waiting.runs();
  const bool is_needed = std::any_of(runs.begin(), runs.end(), [&](const auto& other) {
    return other.folder != run.folder && other.transform_copy == run.transform_copy;
  });
  std::error_code ignored;
  if (!is_needed) fs::remove_all(fs::path(run.transform_copy.toStdString()).parent_path(), ignored);
}

QString QueuedTransforms::folder() {
  if (!data_folder_.isEmpty()) return data_folder_ + QStringLiteral("/transforms");
  if (temporary_ == nullptr) temporary_ = std::make_unique<QTemporaryDir>();
  return temporary_->path();
}

}  // namespace app
