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
#include "engine/remote/remote_mirror.h"
#include "engine/runs/run_resume.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/run_advice.h"
#include "widgets/models/selection.h"
#include "widgets/panels/extend_dialog.h"
#include "widgets/panels/launch_panel.h"
#include "widgets/panels/layer_statistics_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_controls.h"
#include "widgets/panels/run_list_panel.h"
#include "widgets/panels/run_log_panel.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/panels/run_queue_panel.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QFileInfo>
#include <QMenu>
#include <QPushButton>
#include <QSettings>
#include <QToolBar>
#include <QToolButton>

#include <algorithm>
#include <filesystem>

namespace app {
namespace {

using widgets::RunAction;

constexpr int kMostRemembered = 100;
const QString kRootsKey = QStringLiteral("runs/roots");
const QString kRunsKey = QStringLiteral("runs/known");

/// Where settings, queue and captured output lie.
QString data_folder(const QSettings* settings) {
  return settings != nullptr ? QFileInfo(settings->fileName()).absolutePath()
                             : QDir::tempPath() + QStringLiteral("/paradigm-workbench");
}

}  // namespace

RunWorkspace::RunWorkspace(widgets::Selection* selection, const EngineLoader* engine,
                           QSettings* settings, widgets::RunLookStore* looks)
    : selection_(selection),
      engine_(engine),
      settings_(settings),
      runs_(looks),
      detached_(data_folder(settings)),
      scheduler_({&runs_, &watcher_, &launcher_, &detached_, engine}),
      requests_(&runs_, &launcher_, &detached_),
      continuation_(&runs_),
      controls_(new widgets::RunControls(selection, &runs_)),
      launch_(new widgets::LaunchPanel),
      monitor_(new widgets::RunMonitorPanel(selection, &runs_, controls_)),
      run_list_(new widgets::RunListPanel(selection, &runs_, controls_)),
      queue_(new widgets::RunQueuePanel(selection, scheduler_.queue())),
      log_(new widgets::RunLogPanel(selection, &runs_)),
      layer_statistics_(new widgets::LayerStatisticsPanel(selection, &runs_)) {
  connectPanels();
  connectStarts();
}

RunWorkspace::~RunWorkspace() = default;

void RunWorkspace::addPanels(MainWindow* window) {
  window_ = window;
  window->addPanel(QStringLiteral("launch"), tr("Launch"), launch_);
  window->addPanel(QStringLiteral("monitor"), tr("Monitor"), monitor_);
  window->addPanel(QStringLiteral("runs"), tr("Runs"), run_list_);
  window->addPanel(QStringLiteral("queue"), tr("Queue"), queue_);
  window->addPanel(QStringLiteral("log"), tr("Log"), log_);
  window->addPanel(QStringLiteral("layer_statistics"), tr("Layer statistics"), layer_statistics_);
  connect(window->actions().launch, &QAction::triggered, this, [this] {
    window_->setWorkspace(Workspace::run);
    window_->raisePanel(QStringLiteral("launch"));
    launch_->launch();
  });
  controls_->setParent(window);
  for (const RunAction action : widgets::kRunActions) {
    window->addAction(controls_->action(action));
    const bool begins_group = action == RunAction::pause || action == RunAction::resume_here;
    if (begins_group) window->runMenu()->addSeparator();
    window->runMenu()->addAction(controls_->action(action));
  }
  for (const RunAction action : {RunAction::pause, RunAction::proceed, RunAction::stop}) {
    window->toolBar()->addAction(controls_->action(action));
  }
  window->nameToolButtons();
  connect(window->statusChip(QStringLiteral("device")), &QToolButton::clicked, this, [this] {
    window_->setWorkspace(Workspace::run);
    launch_->form()->reveal("device");
  });
  connect(window->statusChip(QStringLiteral("run")), &QToolButton::clicked, this, [this] {
    window_->setWorkspace(Workspace::run);
    if (const auto* run = run_in_progress(runs_)) selection_->setRun(run->folder);
  });
  updateChip();
}

void RunWorkspace::takeUp() {
  if (settings_ == nullptr) return;
  QStringList addresses;
  for (const auto& root : settings_->value(kRootsKey).toStringList()) {
    if (engine::is_remote_address(root.toStdString())) {
      addresses << root;
    } else if (QFileInfo::exists(root)) {
      addRoot(root);
    }
  }
  for (const auto& folder : settings_->value(kRunsKey).toStringList()) {
    if (!QFileInfo::exists(folder)) continue;
    runs_.add(folder);
    watcher_.watch(folder);
  }
  scheduler_.keepIn(data_folder(settings_));
  offerToReconnect(addresses);
}

/// Another machine may ask for a second factor: it is only reached when the user says so. What came
/// from it before is shown at once.
void RunWorkspace::offerToReconnect(const QStringList& addresses) {
  QStringList known;
  for (const QString& address : addresses) {
    try {
      const auto folder =
          engine::remote_copies(engine::parse_remote_address(address.toStdString()));
      watcher_.addRoot(QString::fromStdString(folder.string()));
      known << address;
    } catch (const engine::Error&) {
      forgetRoot(address);  // written by hand
    }
  }
  if (known.isEmpty()) return;
  auto* bar = run_list_->messages();
  bar->showMessage(engine::Severity::note,
                   tr("%1 was watched before.").arg(known.join(QStringLiteral(", "))),
                   tr("Its runs are shown as they were heard last."));
  bar->offer(QStringLiteral("remote.reconnect"), tr("&Connect again"), [this, known] {
    run_list_->messages()->dismiss();
    for (const QString& address : known) addRoot(address);
  });
  bar->offer(QStringLiteral("remote.forget"), tr("Forget it"), [this, known] {
    run_list_->messages()->dismiss();
    for (const QString& address : known) forgetRoot(address);
  });
}

void RunWorkspace::forgetRoot(const QString& folder) {
  QStringList known = settings_->value(kRootsKey).toStringList();
  known.removeAll(folder);
  settings_->setValue(kRootsKey, known);
}

void RunWorkspace::connectPanels() {
  launch_->setSeparateAvailable(!paradigm_program().isEmpty());
  connect(&watcher_, &RunWatcher::found, this,
          [this](const QString& folder) { runs_.add(folder); });
  connect(&watcher_, &RunWatcher::updated, this, [this](const std::vector<WatchedUpdate>& batch) {
    for (const auto& one : batch) {
      if (!one.identity.isEmpty()) runs_.setIdentity(one.folder, one.identity);
      runs_.apply(one.folder, one.update);
      runs_.setWritable(one.folder, one.writable);
      runs_.setAddress(one.folder, one.address);
    }
    runs_.publish();
  });
  connect(&runs_, &widgets::RunStore::runsChanged, this, &RunWorkspace::noteChanges);
  connect(selection_, &widgets::Selection::runChanged, this, [this] {
    readPlan(selection_->run());
    continuation_.look(selection_->run());
    updateActions();
  });
  connect(run_list_, &widgets::RunListPanel::openRequested, this, &RunWorkspace::openRequested);
  connect(run_list_, &widgets::RunListPanel::launchRequested, this, [this] {
    window_->raisePanel(QStringLiteral("launch"));
    launch_->launchButton()->setFocus();
  });
  connect(launch_, &widgets::LaunchPanel::launchRequested, this, &RunWorkspace::launchRequested);
  connect(launch_, &widgets::LaunchPanel::canLaunchChanged, this, &RunWorkspace::updateActions);
  connect(monitor_, &widgets::RunMonitorPanel::layerRequested, this,
          [this] { window_->raisePanel(QStringLiteral("layer_statistics")); });
  connect(controls_, &widgets::RunControls::chosen, this, &RunWorkspace::carryOut);
  connect(&requests_, &RunRequests::failed, this,
          [this](const QString&, const engine::Problem& problem) {
            monitor_->messages()->showProblem(problem);
          });
  connect(&continuation_, &RunContinuation::told, this,
          [this](const engine::Problem& problem) { monitor_->messages()->showProblem(problem); });
  connect(queue_, &widgets::RunQueuePanel::removeRequested, &scheduler_, &RunScheduler::remove);
  connect(queue_, &widgets::RunQueuePanel::startRequested, &scheduler_, &RunScheduler::startNow);
}

void RunWorkspace::connectStarts() {
  connect(&launcher_, &RunLauncher::started, this,
          [this](const QString& folder) { runs_.setInWindow(folder, true); });
  connect(&launcher_, &RunLauncher::progressed, this,
          [this](const QString& folder, const QString& stage, double share) {
            const auto* run = runs_.find(folder);
            if (run != nullptr && !run->seen_live) runs_.setStage(folder, stage, share);
          });
  connect(&launcher_, &RunLauncher::refused, this,
          [this](const QString& folder, const std::vector<engine::Problem>& found) {
            if (continued_.contains(folder)) {  // no form asked for it
              monitor_->messages()->showProblem(found.front());
              runs_.setRefused(folder, QString::fromStdString(found.front().message));
              return;
            }
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
    if (isClosing()) leave(folder);
  });
  connect(&scheduler_, &RunScheduler::started, this, [this](const QString& folder) {
    remember(kRunsKey, folder);
    // A run that comes up by itself does not push away what is looked at.
    const auto* shown = runs_.find(selection_->run());
    if (shown == nullptr || !shown->is_live()) selection_->setRun(folder);
    updateActions();
  });
  connect(&scheduler_, &RunScheduler::dropped, this, [this](const QString& folder) {
    if (QFileInfo::exists(folder)) return;
    if (selection_->run() == folder) selection_->setRun({});
    runs_.remove(folder);
  });
  connect(&scheduler_, &RunScheduler::failed, this,
          [this](const QString&, const engine::Problem& problem) {
            monitor_->messages()->showProblem(problem);
          });
  output_timer_.setInterval(1000);
  connect(&output_timer_, &QTimer::timeout, this, [this] {
    bool any = false;
    for (const auto& run : runs_.runs()) {
      if (!run->starting_apart) continue;
      readOutput(run->folder);
      any = true;
    }
    if (!any) output_timer_.stop();
  });
}

void RunWorkspace::noteChanges(const QStringList& folders) {
  for (const QString& folder : folders) {
    const auto* run = runs_.find(folder);
    if (run == nullptr) continue;
    if (run->starting_apart && !output_timer_.isActive()) output_timer_.start();
    const bool has_died =
        run->state == engine::RunState::failed || run->state == engine::RunState::interrupted;
    if (has_died) readOutput(folder);
    if (run->is_live() && runs_.find(selection_->run()) == nullptr) selection_->setRun(folder);
    const QString why = runs_.takeRefusedRequest(folder);
    if (!why.isEmpty()) {
      monitor_->messages()->showMessage(engine::Severity::warning,
                                        tr("%1 refused: %2").arg(run->name, why));
    }
    if (folder != selection_->run()) continue;
    if (run->plan == nullptr && run->started && !plan_job_.isRunning()) readPlan(folder);
    if (!continuation_.isLooking()) continuation_.look(folder);
  }
  updateChip();
  updateActions();
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

void RunWorkspace::openRoot(const QString& folder) {
  remember(kRootsKey, folder);
  addRoot(folder);
}

void RunWorkspace::open(const QString& folder) {
  remember(kRunsKey, folder);
  runs_.add(folder);
  watcher_.watch(folder);
  show(folder);
}

void RunWorkspace::remember(const QString& key, const QString& folder) {
  if (settings_ == nullptr) return;
  QStringList known = settings_->value(key).toStringList();
  known.removeAll(folder);
  known << folder;
  while (known.size() > kMostRemembered) known.removeFirst();
  settings_->setValue(key, known);
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

void RunWorkspace::readOutput(const QString& folder) {
  runs_.setOutputTail(folder, detached_.outputTail(folder));
}

void RunWorkspace::launch(const widgets::LaunchRequest& request) {
  launch_->messages()->dismiss();
  try {
    const QString folder = enqueue(request);
    continued_.remove(folder);
    show(folder);
    Q_EMIT launched(folder);
    if (scheduler_.queue()->find(folder) == nullptr) return;
    window_->raisePanel(QStringLiteral("queue"));
    launch_->messages()->showMessage(
        engine::Severity::note,
        tr("%1 waits in the queue: it %2.")
            .arg(QFileInfo(folder).fileName(), runs_.find(folder)->queued.value_or(QString())));
  } catch (const engine::Error& error) {
    launch_->messages()->showProblem(error.problems().front());
  }
}

void RunWorkspace::resume(const QString& folder, widgets::LaunchPlace place) {
  monitor_->messages()->dismiss();
  continuation_.resume(folder, place, [this, folder](const widgets::LaunchRequest& request) {
    scheduler_.enqueueResume(folder, request.values, request.place);
    continued_.insert(folder);
  });
}

void RunWorkspace::trainFurther(const QString& folder, const engine::RunExtension& extension,
                                widgets::LaunchPlace place) {
  monitor_->messages()->dismiss();
  continuation_.trainFurther(
      folder, extension, place,
      [this](const widgets::LaunchRequest& request) { continued_.insert(enqueue(request)); });
}

void RunWorkspace::carryOut(RunAction action, const QString& folder) {
  switch (action) {
    case RunAction::resume_here:
      resume(folder, widgets::LaunchPlace::in_window);
      break;
    case RunAction::resume_apart:
      resume(folder, widgets::LaunchPlace::separate_process);
      break;
    case RunAction::copy_resume:
      copyResume(folder);
      break;
    case RunAction::extend:
    case RunAction::further:
      askForSteps(folder);
      break;
    case RunAction::kill:
      requests_.kill(folder);
      break;
    default:
      requests_.ask(folder, widgets::request_of(action));
      break;
  }
}

void RunWorkspace::copyResume(const QString& folder) {
  const auto* run = runs_.find(folder);
  if (run == nullptr || !run->offer) return;
  const QString command = QString::fromStdString(run->offer->command);
  QApplication::clipboard()->setText(command);
  monitor_->messages()->showMessage(
      engine::Severity::note, tr("Copied: %1").arg(command),
      run->address.isEmpty()
          ? tr("Run it in the folder that the run was started in; it goes on here by itself.")
          : tr("Run it on %1, in the folder that the run was started in; it goes on here by "
               "itself.")
                .arg(widgets::host_of(run->address)));
}

void RunWorkspace::askForSteps(const QString& folder) {
  const auto* run = runs_.find(folder);
  if (run == nullptr) return;
  auto* dialog = new widgets::ExtendDialog(*run, window_);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  const bool has_ended = !run->is_live();
  if (has_ended) {
    dialog->offerPlaces(launch_->place(), whyNotHere(), !paradigm_program().isEmpty());
  }
  connect(dialog, &QDialog::accepted, this, [this, folder, dialog, has_ended] {
    if (has_ended) {
      trainFurther(folder, dialog->extension(), dialog->place());
    } else {
      requests_.extend(folder, dialog->extension());
    }
  });
  dialog->open();
}

bool RunWorkspace::mayClose() {
  if (!launcher_.isBusy() || isClosing()) return !launcher_.isBusy();
  QStringList names;
  for (const QString& folder : launcher_.folders()) names << QFileInfo(folder).fileName();
  closing_ =
      ask_before_closing(window_, names, static_cast<int>(scheduler_.queue()->runs().size()));
  if (!isClosing() || !launcher_.isBusy()) return isClosing();
  scheduler_.setClosing(true);
  for (const QString& folder : launcher_.folders()) {
    requests_.ask(folder, engine::RunRequest::stop);
  }
  window_->messages()->showMessage(
      engine::Severity::note,
      launcher_.folders().size() == 1
          ? tr("Saving a checkpoint; the window closes when it is written.")
          : tr("Saving checkpoints; the window closes when they are written."));
  return false;
}

/// A run in this window has ended because the window closes.
void RunWorkspace::leave(const QString& folder) {
  if (closing_ == CloseChoice::hand_over) {
    try {
      scheduler_.continueApart(folder);
    } catch (const engine::Error& error) {
      closing_ = CloseChoice::cancel;
      scheduler_.setClosing(false);
      window_->messages()->showProblem(error.problems().front());
      return;
    }
  }
  if (!launcher_.isBusy()) window_->close();
}

void RunWorkspace::abandon() {
  for (const QString& folder : launcher_.folders()) {
    launcher_.request(folder, engine::RunRequest::stop);
  }
}

void RunWorkspace::updateChip() {
  if (window_ != nullptr) show_run(window_->statusChip(QStringLiteral("run")), runs_);
}

/// Why nothing can train in this window; empty: it can.
QString RunWorkspace::whyNotHere() const {
  if (engine_->state() == EngineLoader::State::unavailable) {
    return tr("The engine is unavailable; the status bar says why.");
  }
  return engine_->api() == nullptr ? tr("The engine is still loading.") : QString();
}

void RunWorkspace::updateActions() {
  if (window_ == nullptr) return;
  const QString reason = whyNotHere();
  launch_->setHereBlocked(reason);
  controls_->setResumeHereBlocked(reason);
  window_->actions().launch->setEnabled(launch_->canLaunch());
}

}  // namespace app
