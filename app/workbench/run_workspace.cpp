// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_workspace.h"

#include "app/workbench/engine_loader.h"
#include "app/workbench/main_window.h"
#include "app/workbench/open_path.h"
#include "app/workbench/remote_runs.h"
#include "app/workbench/status_chips.h"
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "engine/remote/remote_address.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/selection.h"
#include "widgets/panels/launch_panel.h"
#include "widgets/panels/layer_statistics_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_list_panel.h"
#include "widgets/panels/run_log_panel.h"
#include "widgets/panels/run_monitor_panel.h"

#include <QAction>
#include <QDateTime>
#include <QMessageBox>
#include <QPushButton>
#include <QToolButton>

#include <filesystem>

namespace app {

RunWorkspace::RunWorkspace(widgets::Selection* selection, const EngineLoader* engine)
    : selection_(selection),
      engine_(engine),
      launch_(new widgets::LaunchPanel),
      monitor_(new widgets::RunMonitorPanel(selection, &runs_)),
      run_list_(new widgets::RunListPanel(selection, &runs_)),
      log_(new widgets::RunLogPanel(selection, &runs_)),
      layer_statistics_(new widgets::LayerStatisticsPanel(selection, &runs_)) {
  connectPanels();
  connectLauncher();
}

RunWorkspace::~RunWorkspace() = default;

void RunWorkspace::addPanels(MainWindow* window) {
  window_ = window;
  window->addPanel(QStringLiteral("launch"), tr("Launch"), launch_);
  window->addPanel(QStringLiteral("monitor"), tr("Monitor"), monitor_);
  window->addPanel(QStringLiteral("runs"), tr("Runs"), run_list_);
  window->addPanel(QStringLiteral("log"), tr("Log"), log_);
  window->addPanel(QStringLiteral("layer_statistics"), tr("Layer statistics"), layer_statistics_);
  const Actions& actions = window->actions();
  connect(actions.launch, &QAction::triggered, this, [this] {
    window_->setWorkspace(Workspace::run);
    window_->raisePanel(QStringLiteral("launch"));
    launch_->launch();
  });
  connect(actions.stop, &QAction::triggered, this,
          [this] { request(selection_->run(), engine::RunRequest::stop); });
  connect(actions.checkpoint_now, &QAction::triggered, this,
          [this] { request(selection_->run(), engine::RunRequest::checkpoint); });
  connect(window->statusChip(QStringLiteral("device")), &QToolButton::clicked, this, [this] {
    window_->setWorkspace(Workspace::run);
    launch_->form()->reveal("device");
  });
  connect(window->statusChip(QStringLiteral("run")), &QToolButton::clicked, this, [this] {
    window_->setWorkspace(Workspace::run);
    if (launcher_.isBusy()) selection_->setRun(launcher_.folder());
  });
  updateChip();
}

void RunWorkspace::connectPanels() {
  connect(&watcher_, &RunWatcher::found, this,
          [this](const QString& folder) { runs_.add(folder); });
  connect(&watcher_, &RunWatcher::updated, this, [this](const std::vector<WatchedUpdate>& batch) {
    for (const auto& one : batch) runs_.apply(one.folder, one.update);
    runs_.publish();
  });
  connect(&runs_, &widgets::RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (folders.contains(selection_->run())) {
      const auto* run = runs_.find(selection_->run());
      if (run->plan == nullptr && run->started && !plan_job_.isRunning()) readPlan(run->folder);
    }
    updateChip();
    updateActions();
  });
  connect(selection_, &widgets::Selection::runChanged, this, [this] {
    readPlan(selection_->run());
    updateActions();
  });
  connect(run_list_, &widgets::RunListPanel::openRequested, this, &RunWorkspace::openRequested);
  connect(run_list_, &widgets::RunListPanel::launchRequested, this, [this] {
    window_->raisePanel(QStringLiteral("launch"));
    launch_->launchButton()->setFocus();
  });
  connect(launch_, &widgets::LaunchPanel::launchRequested, this, &RunWorkspace::launchRequested);
  connect(monitor_, &widgets::RunMonitorPanel::requested, this, &RunWorkspace::request);
  connect(monitor_, &widgets::RunMonitorPanel::resumeRequested, this, &RunWorkspace::resume);
  connect(monitor_, &widgets::RunMonitorPanel::layerRequested, this,
          [this] { window_->raisePanel(QStringLiteral("layer_statistics")); });
}

void RunWorkspace::connectLauncher() {
  connect(&launcher_, &RunLauncher::started, this, [this](const QString& folder) {
    runs_.add(folder);
    runs_.setInWindow(folder, true);
    show(folder);
    Q_EMIT launched(folder);
  });
  connect(&launcher_, &RunLauncher::progressed, this,
          [this](const QString& folder, const QString& stage, double share) {
            const auto* run = runs_.find(folder);
            if (run != nullptr && !run->seen_live) runs_.setStage(folder, stage, share);
          });
  connect(&launcher_, &RunLauncher::refused, this,
          [this](const QString& folder, const std::vector<engine::Problem>& found) {
            const auto homeless = launch_->form()->showProblems(found);
            const auto& shown = homeless.empty() ? found.front() : homeless.front();
            launch_->messages()->showProblem(shown);
            runs_.setRefused(folder, QString::fromStdString(shown.message));
          });
  connect(&launcher_, &RunLauncher::ended, this, [this](const QString& folder) {
    runs_.setInWindow(folder, false);
    watcher_.watch(folder);
    updateActions();
    updateChip();
    if (closing_) window_->close();
  });
}

void RunWorkspace::addRoot(const QString& folder) {
  if (!engine::is_remote_address(folder.toStdString())) {
    watcher_.addRoot(folder);
    return;
  }
  if (remote_runs_ == nullptr) {
    remote_runs_ = std::make_unique<RemoteRuns>();
    connect(remote_runs_.get(), &RemoteRuns::troubled, this,
            [this](const QString& address, const QString& why) {
              window_->messages()->showMessage(
                  engine::Severity::warning, tr("%1: %2").arg(address, why),
                  tr("The connection is tried again; what has come stays."));
            });
    connect(remote_runs_.get(), &RemoteRuns::recovered, this,
            [this] { window_->messages()->dismiss(); });
  }
  watcher_.addRoot(remote_runs_->add(folder));
}

void RunWorkspace::open(const QString& folder) {
  runs_.add(folder);
  watcher_.watch(folder);
  show(folder);
}

void RunWorkspace::show(const QString& folder) {
  window_->setWorkspace(Workspace::run);
  window_->raisePanel(QStringLiteral("monitor"));
  selection_->setRun(folder);
}

void RunWorkspace::readPlan(const QString& folder) {
  const auto* run = runs_.find(folder);
  if (run == nullptr || run->plan != nullptr || !run->started) return;
  plan_job_.start([folder] { return plan_of_run(folder); },
                  [this, folder](JobResult<widgets::PlanViewPtr> result) {
                    if (!result.value) return;
                    // An unreadable plan is remembered as an empty one, so that it is not read
                    // again at every step.
                    runs_.setPlan(folder, *result.value != nullptr
                                              ? *result.value
                                              : std::make_shared<widgets::PlanView>());
                  });
}

void RunWorkspace::launch(const engine::ParamValues& values) {
  if (engine_->api() == nullptr || launcher_.isBusy()) return;
  engine::RunConfig config = engine::run_config_from(values);
  if (config.output_dir.empty()) {
    config.output_dir = engine::default_output_dir(config, QDateTime::currentSecsSinceEpoch());
  }
  config.output_dir = std::filesystem::absolute(config.output_dir).lexically_normal().string();
  launch_->messages()->dismiss();
  launcher_.start(*engine_->api(), std::move(config));
  watcher_.watch(launcher_.folder());
  updateActions();
}

void RunWorkspace::resume(const QString& folder) {
  monitor_->messages()->dismiss();
  resume_job_.start([folder] { return open_path(folder + QStringLiteral("/run.yaml")); },
                    [this, folder](JobResult<OpenedPath> result) {
                      auto found = std::move(result.problems);
                      if (result.value) {
                        auto& values = result.value->run_values;
                        values.set("output_dir", folder.toStdString());  // where it is now
                        values.set("overwrite_output_dir", false);
                        launch_->form()->setValues(values);
                        found = launch_->problems();
                      }
                      if (engine::has_errors(found)) {
                        monitor_->messages()->showProblem(found.front());
                        return;
                      }
                      launch(result.value->run_values);
                    });
}

void RunWorkspace::request(const QString& folder, engine::RunRequest request) {
  const auto* run = runs_.find(folder);
  if (run == nullptr || !run->is_live()) return;
  runs_.setRequested(folder, request);
  if (launcher_.isBusy() && launcher_.folder() == folder) {
    launcher_.request(request);
    return;
  }
  try {
    engine::write_control_request(folder.toStdString(), request);
  } catch (const engine::Error& error) {
    runs_.setRequested(folder, engine::RunRequest::none);
    monitor_->messages()->showProblem(error.problems().front());
  }
}

bool RunWorkspace::mayClose() {
  if (launcher_.isBusy() && !closing_) {
    const auto* run = runs_.find(launcher_.folder());
    QMessageBox box(QMessageBox::Question, tr("A run is training in this window"),
                    tr("%1 is training in this window and ends with it.")
                        .arg(run != nullptr ? run->name : launcher_.folder()),
                    QMessageBox::NoButton, window_);
    box.setObjectName(QStringLiteral("close_question"));
    box.setInformativeText(
        tr("It can be stopped after the current step, with a checkpoint to "
           "resume from."));
    auto* stop = box.addButton(tr("Checkpoint and &stop"), QMessageBox::AcceptRole);
    stop->setObjectName(QStringLiteral("close_question.stop"));
    auto* cancel = box.addButton(QMessageBox::Cancel);
    cancel->setObjectName(QStringLiteral("close_question.cancel"));
    box.setDefaultButton(stop);
    box.setEscapeButton(cancel);
    box.exec();
    if (box.clickedButton() != stop) return false;
    if (launcher_.isBusy()) {
      closing_ = true;
      request(launcher_.folder(), engine::RunRequest::stop);
      window_->messages()->showMessage(
          engine::Severity::note, tr("Saving a checkpoint; the window closes when it is written."));
    }
  }
  return !launcher_.isBusy();
}

void RunWorkspace::abandon() { launcher_.request(engine::RunRequest::stop); }

void RunWorkspace::updateChip() {
  if (window_ != nullptr) show_run(window_->statusChip(QStringLiteral("run")), runs_);
}

void RunWorkspace::updateActions() {
  if (window_ == nullptr) return;
  const auto* run = runs_.find(selection_->run());
  const bool live = run != nullptr && run->is_live();
  const bool stoppable = live && run->requested != engine::RunRequest::stop &&
                         run->state != engine::RunState::stopping;
  const Actions& actions = window_->actions();
  actions.stop->setEnabled(stoppable);
  actions.checkpoint_now->setEnabled(live && run->state == engine::RunState::running &&
                                     run->requested == engine::RunRequest::none);
  QString reason;
  if (engine_->state() == EngineLoader::State::unavailable) {
    reason = tr("The engine is unavailable; the status bar says why.");
  } else if (engine_->api() == nullptr) {
    reason = tr("The engine is still loading.");
  } else if (launcher_.isBusy()) {
    reason = tr("A run is training; one run at a time.");
  }
  launch_->setBlocked(reason);
  monitor_->setResumeBlocked(reason);
  actions.launch->setEnabled(reason.isEmpty());
}

}  // namespace app
