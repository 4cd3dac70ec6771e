// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_controls.h"

#include "widgets/models/selection.h"
#include "widgets/style/symbol_icon.h"

#include <QAction>
#include <QMenu>

namespace widgets {

RunControls::RunControls(Selection* selection, const RunStore* runs, QObject* parent)
    : QObject(parent), selection_(selection), runs_(runs) {
  make(RunAction::pause, "pause", tr("&Pause"), tr("Pause"), QStringLiteral("pause"),
       tr("Halt the shown run after its step; it keeps its memory"));
  make(RunAction::proceed, "proceed", tr("C&ontinue"), tr("Continue"), QStringLiteral("run"),
       tr("Let the paused run go on"));
  make(RunAction::checkpoint, "checkpoint_now", tr("Save a &checkpoint now"), tr("Checkpoint now"),
       QStringLiteral("save"), tr("Save a checkpoint of the shown run after its step and go on"));
  make(RunAction::stop, "stop", tr("&Stop after this step"), tr("Stop"), QStringLiteral("stop"),
       tr("Stop the shown run after its step, with a checkpoint"));
  make(RunAction::stop_now, "stop_now", tr("Stop at o&nce"), tr("Stop at once"), QString(),
       tr("Stop the shown run inside its step, which is lost; the last checkpoint stands"));
  make(RunAction::kill, "kill", tr("&Kill the process"), tr("Kill"), QString(),
       tr("End the process of the shown run, which saves nothing; the last checkpoint stands"));
  make(RunAction::extend, "extend", tr("E&xtend max_steps…"), tr("Extend…"), QString(),
       tr("Give the shown run more steps"));
  make(RunAction::further, "further", tr("Train &further…"), tr("Train further…"),
       QStringLiteral("run"), tr("Give the finished run more steps, behind its last checkpoint"));
  make(RunAction::resume_here, "resume_here", tr("&Resume in this window"), tr("Resume"),
       QStringLiteral("run"), tr("Go on behind the last checkpoint, with the run's own settings"));
  make(RunAction::resume_apart, "resume_apart", tr("Resume as a separate pr&ocess"),
       tr("Resume apart"), QString(),
       tr("Go on behind the last checkpoint, in a process that survives this window"));
  make(RunAction::copy_resume, "copy_resume", tr("Copy the command to &resume"),
       tr("Copy the command"), QStringLiteral("copy"),
       tr("Copy the command line that goes on with the run, to be run on its machine"));
  const QKeySequence stop_keys(Qt::CTRL | Qt::Key_Period);
  action(RunAction::stop)->setShortcut(stop_keys);
  tips_[static_cast<std::size_t>(RunAction::stop)] +=
      QStringLiteral(" (%1)").arg(stop_keys.toString(QKeySequence::NativeText));

  connect(selection_, &Selection::runChanged, this, &RunControls::refresh);
  connect(runs_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (folders.contains(selection_->run())) refresh();
  });
  patience_.setSingleShot(true);
  patience_.setInterval(static_cast<int>(kPatienceInSeconds * 1000) + 50);
  connect(&patience_, &QTimer::timeout, this, &RunControls::refresh);
  refresh();
}

void RunControls::make(RunAction which, const char* name, const QString& text,
                       const QString& short_text, const QString& icon, const QString& tip) {
  auto* made = new QAction(text, this);
  made->setObjectName(QStringLiteral("action.") + QLatin1String(name));
  made->setIconText(short_text);
  if (!icon.isEmpty()) made->setIcon(symbol_icon(icon));
  connect(made, &QAction::triggered, this,
          [this, which] { Q_EMIT chosen(which, selection_->run()); });
  actions_[static_cast<std::size_t>(which)] = made;
  tips_[static_cast<std::size_t>(which)] = tip;
}

void RunControls::fill(QMenu* menu) const {
  menu->clear();
  menu->setToolTipsVisible(true);
  const RunRecord* run = runs_->find(selection_->run());
  if (run == nullptr) return;
  for (const RunAction which : kRunActions) {
    if (!is_for(which, *run)) continue;
    if (which == RunAction::stop || which == RunAction::extend) menu->addSeparator();
    menu->addAction(action(which));
  }
}

void RunControls::setResumeHereBlocked(const QString& reason) {
  if (reason == resume_blocked_) return;
  resume_blocked_ = reason;
  refresh();
}

void RunControls::refresh() {
  const RunRecord* run = runs_->find(selection_->run());
  for (const RunAction which : kRunActions) {
    QString reason = why_not(which, run);
    if (which == RunAction::resume_here && reason.isEmpty()) reason = resume_blocked_;
    const QString& tip = tips_[static_cast<std::size_t>(which)];
    action(which)->setEnabled(reason.isEmpty());
    action(which)->setToolTip(reason.isEmpty() ? tip : tip + QLatin1Char('\n') + reason);
  }
  const bool paused = run != nullptr && run->state == engine::RunState::paused;
  action(RunAction::pause)->setVisible(!paused);
  action(RunAction::proceed)->setVisible(paused);
  const bool waits = run != nullptr && run->requested != engine::RunRequest::none;
  if (waits && !patience_.isActive()) patience_.start();
  if (!waits) patience_.stop();
}

}  // namespace widgets
