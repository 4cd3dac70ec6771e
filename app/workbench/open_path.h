// SPDX-License-Identifier: GPL-3.0-or-later
// What a path is that someone opened, dropped or named on the command line, and reading it. All of
// it may block on a slow disk: call on a background thread.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/study/study_view.h"
#include "widgets/models/plan_view.h"

#include <QString>
#include <QStringList>

#include <memory>
#include <vector>

namespace app {

enum class PathKind { checkpoint, transform, run_config, run, runs, study };

struct OpenedPath {
  PathKind kind = PathKind::checkpoint;
  QString path;  ///< absolute, or an ssh:// address
  std::shared_ptr<const widgets::OpenCheckpoint> checkpoint;
  std::shared_ptr<const engine::ParsedTransform> transform;
  engine::ParamValues run_values;  ///< of a run configuration, or of the run that left a checkpoint
  std::shared_ptr<const engine::StudyView> study;
  std::vector<engine::Problem> remarks;  ///< on a run configuration; no errors
};

/// Recognises and reads. Throws engine::Error that says what the path is not and what it could be.
OpenedPath open_path(const QString& path);

/// A text among the values, empty when it is not there or unset.
QString text_in(const engine::ParamValues& values, const std::string& name);

/// The plan of a run's own transform on its own model, as far as both can still be read; null when
/// not.
widgets::PlanViewPtr plan_of_run(const QString& folder);

}  // namespace app
