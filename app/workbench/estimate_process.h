// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"
#include "engine/config/param_schema.h"

#include <QObject>
#include <QProcess>
#include <QString>

#include <vector>

namespace app {

/// `paradigm estimate` in a process of its own, so that the memory it measures is that of a process
/// that trains and nothing else. GUI thread.
class EstimateProcess : public QObject {
  Q_OBJECT

 public:
  /// `program` is the `paradigm` program.
  EstimateProcess(const QString& program, const engine::ParamValues& values,
                  const engine::EstimateOptions& options, QObject* parent = nullptr);
  /// Ends the process; one that does not go within moments is killed.
  ~EstimateProcess() override;

  /// Asks the process to leave its work, and tells nothing any more. This deletes itself when the
  /// process has gone.
  void abandon();

 Q_SIGNALS:
  void progressed(const QString& stage);
  void finished(const engine::CostEstimate& estimate);
  void failed(const std::vector<engine::Problem>& problems);

 private:
  void readProgress();
  void end(int code, QProcess::ExitStatus status);

  QProcess process_;
  QString last_words_;  ///< on its error stream
};

}  // namespace app
