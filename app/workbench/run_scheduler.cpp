// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_scheduler.h"

#include "app/workbench/engine_loader.h"
#include "app/workbench/run_watcher.h"
#include "engine/config/run_config.h"
#include "engine/config/train_command.h"
#include "engine/error.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_resume.h"

#include <QDateTime>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>
#include <QScopedValueRollback>

#include <filesystem>
#include <set>

namespace app {
namespace {

using engine::RunState;
using widgets::LaunchPlace;
using widgets::QueuedRun;

const QString kAuto = QStringLiteral("auto");

QString absolute(const std::string& folder) {
  return QString::fromStdString(std::filesystem::absolute(folder).lexically_normal().string());
}

bool is_on_this_host(const widgets::RunRecord& run) {
  return !run.status || run.status->host.empty() || run.status->host == engine::host_name();
}

}  // namespace

RunScheduler::RunScheduler(const Parts& parts, QObject* parent) : QObject(parent), parts_(parts) {
  connect(&queue_, &widgets::RunQueue::changed, this, &RunScheduler::keep);
  connect(&queue_, &widgets::RunQueue::changed, this, &RunScheduler::update);
  connect(parts_.runs, &widgets::RunStore::runsChanged, this, [this] {
    noteEnds();
    update();
  });
  connect(parts_.launcher, &RunLauncher::ended, this, &RunScheduler::update);
  connect(parts_.engine, &EngineLoader::stateChanged, this, &RunScheduler::update);
  connect(parts_.detached, &DetachedRuns::gone, this, &RunScheduler::noteGone);
}

void RunScheduler::keepIn(const QString& data_folder) {
  QDir().mkpath(data_folder);
  const QString file = data_folder + QStringLiteral("/queue.json");
  lock_ = std::make_unique<QLockFile>(file + QStringLiteral(".lock"));
  lock_->setStaleLockTime(0);
  if (!lock_->tryLock()) {
    lock_.reset();
    return;
  }
  QFile kept(file);
  if (kept.open(QIODevice::ReadOnly)) {
    std::vector<engine::Problem> problems;
    queue_.setContent(widgets::read_run_queue(kept.readAll(), file, problems));
    for (const auto& problem : problems) Q_EMIT failed({}, problem);
    if (!problems.empty()) QFile::copy(file, file + QStringLiteral(".unreadable"));
  }
  file_ = file;
  transforms_.keepIn(data_folder);
  for (const QueuedRun& run : queue_.runs()) parts_.runs->add(run.folder);
  update();
}

void RunScheduler::keep() {
  if (file_.isEmpty()) return;
  const QByteArray text = widgets::to_json(queue_.content());
  QSaveFile file(file_);
  if (file.open(QIODevice::WriteOnly) && file.write(text) == text.size() && file.commit()) return;
  engine::Problem problem;
  problem.id = "cannot-write";
  problem.place.file = file_.toStdString();
  problem.message = "the queue of runs cannot be kept: " + file.errorString().toStdString();
  problem.remedy = "It is lost when the window closes";
  Q_EMIT failed({}, problem);
}

QString RunScheduler::deviceOf(const engine::ParamValues& values) const {
  return QString::fromStdString(engine::run_config_from(values).device);
}

QString RunScheduler::resolved(const QString& device) const {
  const auto& report = parts_.engine->devices();
  if (device == kAuto && report) return QString::fromStdString(report->automatic);
  return device == QLatin1String("cuda") ? QStringLiteral("cuda:0") : device;
}

QString RunScheduler::enqueue(const widgets::LaunchRequest& request) {
  QueuedRun run;
  run.request = request;
  run.device = deviceOf(request.values);
  const engine::RunConfig config = engine::run_config_from(request.values);
  if (config.output_dir.empty()) {
    const std::string name = engine::default_output_dir(config, QDateTime::currentSecsSinceEpoch());
    run.folder = absolute(name);
    // Several a second are told apart.
    for (int i = 2; queue_.find(run.folder) != nullptr || begun_.count(run.folder) != 0; ++i) {
      run.folder = absolute(name + "-" + std::to_string(i));
    }
  } else {
    run.folder = absolute(config.output_dir);
  }
  run.request.values.set("output_dir", run.folder.toStdString());
  transforms_.freeze(run);
  const QString folder = run.folder;
  add(std::move(run));
  return folder;
}

void RunScheduler::enqueueResume(const QString& folder, const engine::ParamValues& settings,
                                 LaunchPlace place) {
  QueuedRun run;
  run.folder = folder;
  run.request.values = settings;
  run.request.place = place;
  run.request.values.set("output_dir", folder.toStdString());  // where it is now
  run.request.values.set("overwrite_output_dir", false);
  run.device = deviceOf(settings);
  run.resumes = true;
  add(std::move(run));
}

void RunScheduler::add(QueuedRun run) {
  const auto* known = parts_.runs->find(run.folder);
  const bool is_queued = queue_.find(run.folder) != nullptr;
  if (is_queued || (known != nullptr && known->is_live())) {
    engine::fail(
        is_queued ? "queued-already" : "run-is-live", {.file = run.folder.toStdString()},
        is_queued ? "a run with this folder waits in the queue" : "the run in this folder is live",
        "Choose another output_dir");
  }
  parts_.runs->add(run.folder);
  queue_.add(std::move(run));
}

void RunScheduler::remove(const QString& folder) {
  const QueuedRun* run = queue_.find(folder);
  if (run == nullptr) return;
  transforms_.release(*run, queue_);
  parts_.runs->setQueued(folder, std::nullopt);
  queue_.remove(folder);
  Q_EMIT dropped(folder);
}

void RunScheduler::startNow(const QString& folder) {
  const QueuedRun* run = queue_.find(folder);
  if (run == nullptr) return;
  const QString why = whyNotIn(*run);
  if (!why.isEmpty()) {
    engine::Problem problem;
    problem.id = "cannot-start-now";
    problem.severity = engine::Severity::warning;
    problem.message =
        QFileInfo(folder).fileName().toStdString() + " waits for " + why.toStdString();
    problem.remedy = "It starts by itself; a separate process would not have to wait";
    Q_EMIT failed(folder, problem);
    return;
  }
  {
    const QScopedValueRollback guard(is_updating_, true);
    start(*run);
  }
  update();
}

/// Device and the run that takes it. One that was started here has it until its end is known: how
/// it ended decides whether the queue goes on.
std::map<QString, QString> RunScheduler::takenDevices() const {
  std::map<QString, QString> taken;
  for (const auto& [folder, begun] : begun_) {
    taken[resolved(begun.device)] = QFileInfo(folder).fileName();
  }
  for (const auto& run : parts_.runs->runs()) {
    if (run->is_live() && is_on_this_host(*run) && run->started) {
      taken[QString::fromStdString(run->started->device)] = run->name;
    }
  }
  return taken;
}

/// What keeps it from starting whether or not its device is free; empty: nothing.
QString RunScheduler::whyNotIn(const QueuedRun& run) const {
  const bool is_here = run.request.place == LaunchPlace::in_window;
  if (is_here && parts_.engine->state() == EngineLoader::State::unavailable) {
    return tr("the engine, which is unavailable");
  }
  if (is_here && parts_.engine->api() == nullptr) return tr("the engine, which is loading");
  if (is_here) {
    // Its thread may outlast what its folder says.
    for (const QString& folder : parts_.launcher->folders()) {
      const bool is_in_the_way =
          folder == run.folder || resolved(here_.at(folder).device) == resolved(run.device);
      if (is_in_the_way) return tr("%1 in this window").arg(QFileInfo(folder).fileName());
    }
  }
  const bool is_loading = parts_.engine->state() == EngineLoader::State::waiting ||
                          parts_.engine->state() == EngineLoader::State::loading;
  if (run.device == kAuto && is_loading) return tr("the engine, to know its device");
  return {};
}

void RunScheduler::update() {
  // Starting a run changes runs and queue, which asks for this again.
  if (is_updating_ || is_closing_) return;
  const QScopedValueRollback guard(is_updating_, true);
  startDue();
}

void RunScheduler::startDue() {
  if (parts_.engine->devices()) queue_.setAutomaticDevice(resolved(kAuto));
  std::map<QString, QString> taken = takenDevices();
  std::set<QString> waited_for;  // devices for which a run before waits
  std::vector<QString> waiting;
  for (const QueuedRun& run : queue_.runs()) waiting.push_back(run.folder);
  for (const QString& folder : waiting) {
    const QueuedRun* run = queue_.find(folder);
    if (run == nullptr) continue;
    const QString device = resolved(run->device);
    QString why = queue_.isHeld() ? tr("the queue to go on") : whyNotIn(*run);
    if (why.isEmpty() && waited_for.count(device) != 0) why = tr("its turn");
    if (why.isEmpty() && taken.count(device) != 0) why = taken[device];
    if (why.isEmpty()) {
      taken[device] = QFileInfo(folder).fileName();
      start(*run);
      continue;
    }
    waited_for.insert(device);
    queue_.setWaitsFor(folder, why);
    parts_.runs->setQueued(folder, tr("waits for %1").arg(why));
  }
  parts_.runs->publish();
}

void RunScheduler::start(QueuedRun run) {
  const auto problem = transforms_.thaw(run);
  transforms_.release(run, queue_);
  if (run.request.place == LaunchPlace::in_window) {
    engine::RunConfig config = engine::run_config_from(run.request.values);
    config.prediction = run.request.prediction;
    here_[run.folder] = run;
    parts_.launcher->start(*parts_.engine->api(), std::move(config));
  } else {
    startApart(run);
  }
  parts_.runs->setQueued(run.folder, std::nullopt);
  begun_[run.folder] = {.device = run.device, .time = engine::unix_time()};
  queue_.remove(run.folder);
  parts_.watcher->expect(run.folder);
  Q_EMIT started(run.folder);
  if (problem) Q_EMIT failed(run.folder, *problem);
}

void RunScheduler::startApart(const QueuedRun& run) {
  parts_.runs->setStartingApart(run.folder, true);
  try {
    parts_.detached->start(run.folder, commandOf(run));
  } catch (const engine::Error& error) {
    const engine::Problem& problem = error.problems().front();
    parts_.runs->setStartingApart(run.folder, false);
    parts_.runs->setRefused(run.folder, QString::fromStdString(problem.message));
    Q_EMIT failed(run.folder, problem);
  }
}

std::vector<std::string> RunScheduler::commandOf(const QueuedRun& run) const {
  if (!run.resumes) {
    return engine::train_command(run.request.values, {.prediction = run.request.prediction});
  }
  const std::string folder = run.folder.toStdString();
  auto command = engine::resume_words(folder);
  // Where it is now, and where its files were found, whatever its run.yaml was told.
  command.insert(command.end(), {"--output_dir", folder, "--overwrite_output_dir", "false"});
  for (const auto& entry : run.request.values.entries()) {
    const auto* spec = engine::train_schema().find(entry.name);
    const auto* path = std::get_if<std::string>(&entry.value);
    const bool is_file = spec != nullptr && spec->kind == engine::ParamKind::path &&
                         path != nullptr && entry.name != "output_dir" &&
                         std::filesystem::path(*path).is_absolute();
    if (is_file) command.insert(command.end(), {"--" + entry.name, *path});
  }
  return command;
}

void RunScheduler::continueApart(const QString& folder) {
  QueuedRun run = here_.at(folder);
  const engine::RunGlance found = engine::glance_at(folder.toStdString());
  // One that was stopped before its first step begins anew.
  run.resumes = found.observed.state == RunState::stopped;
  // One that was over before is still to train further.
  const bool has_more =
      found.status && engine::run_config_from(run.request.values).max_steps > found.status->step;
  if (found.observed.state != RunState::finished || has_more) {
    parts_.detached->start(folder, commandOf(run));
  }
}

/// A process that ended before its run began: what it wrote says why.
void RunScheduler::noteGone(const QString& folder) {
  const auto* run = parts_.runs->find(folder);
  if (run == nullptr || run->seen_live) return;
  const auto begun = begun_.find(folder);
  const auto status = engine::glance_at(folder.toStdString()).status;
  if (begun != begun_.end() && status && status->updated >= begun->second.time) {
    // It was over before the watcher looked.
    parts_.watcher->expect(folder);
    parts_.runs->setStartingApart(folder, false);
    return;
  }
  const QString tail = parts_.detached->outputTail(folder);
  parts_.runs->setOutputTail(folder, tail);
  parts_.runs->setRefused(folder, tr("its process ended before the first step"));
  parts_.runs->setStartingApart(folder, false);
  engine::Problem problem;
  problem.id = "run-not-begun";
  problem.place.file = folder.toStdString();
  problem.message = "the run's process ended before its first step";
  problem.remedy = "What it wrote stands below its name";
  Q_EMIT failed(folder, problem);
}

void RunScheduler::noteEnds() {
  for (auto it = begun_.begin(); it != begun_.end();) {
    const auto* run = parts_.runs->find(it->first);
    if (run != nullptr && run->seen_live) parts_.detached->heard(it->first);
    // Unknown: it is over, and its folder has not been read since.
    const bool is_open = run != nullptr && (run->is_live() || run->state == RunState::queued ||
                                            run->state == RunState::unknown);
    if (is_open) {
      ++it;
      continue;
    }
    const bool is_good =
        run != nullptr && (run->state == RunState::finished || run->state == RunState::stopped);
    it = begun_.erase(it);
    if (!is_good && run != nullptr && !queue_.continuesOnError() && !queue_.isEmpty()) {
      queue_.hold(true, tr("%1 %2").arg(run->name, QString::fromLatin1(to_string(run->state))));
    }
  }
}

}  // namespace app
