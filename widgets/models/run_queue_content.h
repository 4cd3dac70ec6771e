// SPDX-License-Identifier: GPL-3.0-or-later
// What a queue of runs holds, and its text: JSON, each run's settings as its command line has them.
#pragma once

#include "engine/problem.h"
#include "widgets/models/launch_request.h"

#include <QByteArray>
#include <QString>

#include <vector>

namespace widgets {

/// A run that waits for its turn.
struct QueuedRun {
  QString folder;  ///< absolute; request.values say the same
  LaunchRequest request;
  QString device;          ///< "cpu", "cuda:0"; "auto" until the engine has said what that is
  bool resumes = false;    ///< behind the newest checkpoint in the folder
  QString transform_copy;  ///< its transform as it was when it was queued; empty: none is kept
};

struct RunQueueContent {
  std::vector<QueuedRun> runs;
  bool held = false;
  QString why_held;
  bool continues_on_error = true;
};

QByteArray to_json(const RunQueueContent& content);
/// Runs that cannot be read are left out and named in `problems`. Never throws for the text.
RunQueueContent read_run_queue(const QByteArray& text, const QString& file,
                               std::vector<engine::Problem>& problems);

}  // namespace widgets
