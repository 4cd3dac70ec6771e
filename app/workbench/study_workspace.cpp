// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/study_workspace.h"

#include "app/workbench/main_window.h"
#include "app/workbench/run_workspace.h"
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "widgets/models/study_model.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/study_panel.h"

#include <QSet>

namespace app {
namespace {

constexpr int kLookInterval = 2000;

/// What differs from the defaults: the command line of a cell is to be read by people.
engine::ParamValues given_values(const engine::RunConfig& config) {
  const engine::ParamValues defaults = engine::train_schema().with_defaults({});
  const engine::ParamValues all = engine::values_of(config);
  engine::ParamValues given;
  for (const auto& entry : all.entries()) {
    if (!(entry.value == defaults.get(entry.name))) given.set(entry.name, entry.value);
  }
  return given;
}

}  // namespace

StudyWorkspace::StudyWorkspace(widgets::Selection* selection, RunWorkspace* runs, QObject* parent)
    : QObject(parent), runs_(runs), panel_(new widgets::StudyPanel(selection)) {
  clock_.setInterval(kLookInterval);
  connect(&clock_, &QTimer::timeout, this, &StudyWorkspace::look);
  connect(panel_, &widgets::StudyPanel::openRequested, this, &StudyWorkspace::openRequested);
  connect(panel_, &widgets::StudyPanel::runMissingRequested, this, &StudyWorkspace::runMissingAt);
  connect(panel_, &widgets::StudyPanel::runChosen, runs_, &RunWorkspace::open);
  connect(runs_->scheduler()->queue(), &widgets::RunQueue::changed, this,
          &StudyWorkspace::noteQueue);
}

void StudyWorkspace::addPanel(MainWindow* window) {
  window_ = window;
  window->addPanel(QStringLiteral("study"), tr("Study"), panel_);
}

void StudyWorkspace::show(engine::StudyView view) {
  panel_->messages()->dismiss();
  const auto others = engine::other_runs_in(view);
  runs_->openRoot(QString::fromStdString(
      std::filesystem::absolute(view.study.output).lexically_normal().string()));
  look_job_.cancel();
  panel_->model()->setStudy(std::move(view));
  noteQueue();
  noteChanges();
  if (!others.empty()) panel_->messages()->showProblem(others.front());
  window_->setWorkspace(Workspace::run);
  window_->raisePanel(QStringLiteral("study"));
  clock_.start();
}

void StudyWorkspace::noteChanges() {
  const auto changed = engine::changed_transforms_in(panel_->model()->study());
  if (!changed.empty()) panel_->messages()->showProblem(changed.front());
}

void StudyWorkspace::look() {
  if (look_job_.isRunning() || !panel_->isVisible()) return;
  look_job_.start([view = panel_->model()->study()] { return engine::statuses_of(view); },
                  [this](JobResult<std::vector<engine::CellStatus>> result) {
                    if (!result.value) return;
                    panel_->model()->setStatuses(std::move(*result.value));
                    panel_->refresh();
                  });
}

void StudyWorkspace::noteQueue() {
  QSet<QString> folders;
  for (const auto& run : runs_->scheduler()->queue()->runs()) folders << run.folder;
  panel_->model()->setQueued(folders);
  panel_->refresh();
  if (panel_->isVisible()) look();
}

bool StudyWorkspace::isOpen() const { return !panel_->model()->study().cells.empty(); }

void StudyWorkspace::runMissing() { runMissingAt(panel_->place()); }

void StudyWorkspace::runMissingAt(widgets::LaunchPlace place) {
  panel_->messages()->dismiss();
  // Read anew: it may have been edited, and meanwhile somebody else may have taken a run on, or put
  // something in its place.
  write_job_.start(
      [file = panel_->model()->study().study.file] {
        return engine::begin_study(engine::read_study(file));
      },
      [this, place](JobResult<engine::StudyView> result) {
        if (!result.value) {
          panel_->messages()->showProblem(result.problems.front());
          return;
        }
        look_job_.cancel();
        panel_->model()->setStudy(*result.value);
        panel_->refresh();
        noteChanges();
        enqueue(*result.value, panel_->model()->missing(), place);
      });
}

void StudyWorkspace::enqueue(const engine::StudyView& view, const std::vector<int>& cells,
                             widgets::LaunchPlace place) {
  for (const int cell : cells) {
    const auto i = static_cast<std::size_t>(cell);
    const engine::RunConfig config = engine::config_to_run(view.cells[i], view.statuses[i]);
    try {
      if (view.statuses[i].action == engine::CellAction::resume) {
        runs_->scheduler()->enqueueResume(panel_->model()->folderOf(cell), given_values(config),
                                          place);
      } else {
        runs_->enqueue({.values = given_values(config), .place = place, .prediction = {}});
      }
    } catch (const engine::Error& error) {
      panel_->messages()->showProblem(error.problems().front());
    }
  }
}

}  // namespace app
