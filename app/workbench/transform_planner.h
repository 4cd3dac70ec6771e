// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/transform/paradigm_info.h"
#include "widgets/models/plan_view.h"

#include <QObject>
#include <QThreadPool>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace app {

/// Plans the newest text on the open checkpoint, on a thread of its own. The usual plan takes a few
/// milliseconds and is waited for, so that a keystroke and what it changes are painted together;
/// one that takes longer is delivered when it is done, and of the texts that came meanwhile only
/// the newest is planned. The GUI thread never waits longer than `patience_ms`.
class TransformPlanner : public QObject {
  Q_OBJECT

 public:
  explicit TransformPlanner(int patience_ms = 20);
  ~TransformPlanner() override;  ///< stops the plan under way

  void setCheckpoint(std::shared_ptr<const widgets::OpenCheckpoint> checkpoint);
  /// `text` of `file`; no text = no transform is open.
  void setTransform(std::optional<std::string> text, const QString& file);
  /// Plans again: what a file brings along was written anew.
  void planAgain();

  const std::shared_ptr<const widgets::OpenCheckpoint>& checkpoint() const { return checkpoint_; }
  const widgets::PlanViewPtr& view() const { return view_; }
  bool isPlanning() const { return task_ != nullptr; }

 Q_SIGNALS:
  void planned();

 private:
  struct Task;

  void start();
  void finish(const std::shared_ptr<Task>& task);

  const int patience_ms_;
  const std::vector<engine::ParadigmInfo> infos_;
  QThreadPool pool_;
  std::shared_ptr<const widgets::OpenCheckpoint> checkpoint_;
  std::optional<std::string> text_;
  QString file_;
  widgets::PlanViewPtr view_;
  std::shared_ptr<Task> task_;  ///< under way
  bool is_outdated_ = false;    ///< something changed since it began
};

}  // namespace app
