// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "engine/study/study_view.h"
#include "widgets/models/launch_request.h"

#include <QObject>
#include <QString>
#include <QTimer>

#include <memory>

namespace widgets {
class Selection;
class StudyPanel;
}  // namespace widgets

namespace app {

class MainWindow;
class RunWorkspace;

/// What stands behind the study panel: the open study.yaml, how far its runs are, and the runs that
/// it queues. GUI thread; folders are looked at on pool threads.
class StudyWorkspace : public QObject {
  Q_OBJECT

 public:
  /// Both outlive this.
  StudyWorkspace(widgets::Selection* selection, RunWorkspace* runs, QObject* parent = nullptr);

  /// Hands the panel to the window, which owns it from then on.
  void addPanel(MainWindow* window);
  void show(engine::StudyView view);
  widgets::StudyPanel* panel() const { return panel_; }
  bool isOpen() const;
  /// As the panel's button: queues what is missing, or can go on, where the panel says.
  void runMissing();

 Q_SIGNALS:
  void openRequested();  ///< a study.yaml, which the user is to choose

 private:
  void look();
  void noteQueue();
  void noteChanges();  ///< of transform files since the study was first run
  void runMissingAt(widgets::LaunchPlace place);
  void enqueue(const engine::StudyView& view, const std::vector<int>& cells,
               widgets::LaunchPlace place);

  RunWorkspace* runs_;
  MainWindow* window_ = nullptr;
  widgets::StudyPanel* panel_;
  BackgroundJob look_job_;
  BackgroundJob write_job_;
  QTimer clock_;
};

}  // namespace app
