// SPDX-License-Identifier: GPL-3.0-or-later
// The life of a run, with the true engine and the true program, by the names of buttons: launched
// in the window, watched, paused, extended, handed over to a process of its own when the window
// closes, found again, stopped, resumed, killed, resumed; the same with a run from a terminal; and
// a window that has lost its engine.
#include "app/workbench/detached_runs.h"
#include "engine/error.h"
#include "tests/app/workbench/true_window.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/plots/curve_plot.h"

#include <QClipboard>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMessageBox>
#include <QProcess>
#include <QPushButton>
#include <QRadioButton>
#include <QSpinBox>
#include <QTimer>

#include <gtest/gtest.h>

#include <filesystem>

namespace {

using engine::RunState;

class RunLife : public tests::TrueWindow {
 protected:
  /// As typed into a terminal; from there or in the window.
  QString command(const char* output, const char* model = "tiny") {
    return QStringLiteral(
               "train --model_name_or_path %1 --transform_config %2 --train_file %3 "
               "--output_dir %4 --block_size 32 --per_device_train_batch_size 1 "
               "--max_steps 200000 --logging_steps 5 --save_steps 100000 --device cpu")
        .arg(path(model), path("rules.yaml"), path("text.txt"), path(output));
  }
  /// Into the form, and from there on its way.
  void launch(const QString& command) {
    QTest::keyClick(workbench_->window(), Qt::Key_2, Qt::AltModifier);
    QApplication::clipboard()->setText(QStringLiteral("paradigm ") + command);
    click("launch.paste");
    click("launch.launch");
  }
  QString text(const char* label) { return find<QLabel>(label)->text(); }
  bool says(const char* label, const QString& part) {
    return patient([&] { return text(label).contains(part); });
  }
  /// Points arrive in the curve, and are drawn.
  void watch(const char* name) {
    auto* plot = workbench_->run()->monitor()->plot();
    ASSERT_TRUE(patient([&] { return plot->isVisible() && plot->drawnPoints() > 3; }));
    ASSERT_TRUE(goesOn(name));
    EXPECT_TRUE(says("monitor.facts", QStringLiteral("tokens/s")))
        << text("monitor.facts").toStdString();
  }
  void pauseAndContinue(const char* name) {
    click("monitor.pause");
    ASSERT_TRUE(reaches(name, RunState::paused));
    EXPECT_EQ(run(name)->requested, engine::RunRequest::none) << "confirmed by the folder";
    const auto paused_at = engine::read_status(folder_ / name)->step;
    QTest::qWait(150);
    EXPECT_EQ(engine::read_status(folder_ / name)->step, paused_at);
    click("monitor.checkpoint");
    ASSERT_TRUE(patient([&] { return !run(name)->checkpoints.empty(); }));
    EXPECT_EQ(run(name)->state, RunState::paused) << "it saves and stays paused";
    picture(QStringLiteral("life_paused"));
    click("monitor.proceed");
    ASSERT_TRUE(reaches(name, RunState::running));
    ASSERT_TRUE(goesOn(name));
  }
  /// Through the dialog, with what becomes of the schedule.
  void extend(const char* name, int steps) {
    const auto before = run(name)->max_steps;
    click("monitor.extend");
    auto* dialog = find<QDialog>("extend");
    ASSERT_TRUE(QTest::qWaitForWindowExposed(dialog));
    find<QRadioButton>("extend.continue")->click();
    auto* field = find<QSpinBox>("extend.max_steps");
    field->selectAll();
    QTest::keyClicks(field, QString::number(steps));
    EXPECT_TRUE(text("extend.meaning").contains(QLocale().toString(before)));
    picture(QStringLiteral("life_extend"), dialog);
    QTest::mouseClick(find<QPushButton>("extend.accept"), Qt::LeftButton);
    ASSERT_TRUE(patient([&] { return run(name)->max_steps == steps; }));
  }
  /// Through the dialog, of a finished run.
  void trainFurther(const char* name, int steps, const char* schedule, int place) {
    const auto before = run(name)->step;
    workbench_->selection()->setRun(path(name));
    click("monitor.further");
    auto* dialog = find<QDialog>("extend");
    ASSERT_TRUE(QTest::qWaitForWindowExposed(dialog));
    EXPECT_TRUE(text("extend.from").startsWith(QStringLiteral("checkpoint-%1: ").arg(before)));
    find<QRadioButton>(schedule)->click();
    auto* field = find<QSpinBox>("extend.max_steps");
    field->selectAll();
    QTest::keyClicks(field, QString::number(steps));
    find<QComboBox>("extend.place")->setCurrentIndex(place);
    picture(QStringLiteral("life_further_%1").arg(steps), dialog);
    QTest::mouseClick(find<QPushButton>("extend.accept"), Qt::LeftButton);
    ASSERT_TRUE(patient([&] { return run(name)->is_live() || run(name)->step == steps; }));
    picture(QStringLiteral("life_further_begins_%1").arg(steps));
  }
  /// Closed and opened again while the run goes on: it is found, shown and steered.
  void reopen(const char* name) {
    const auto apart = *engine::read_status(folder_ / name);
    ASSERT_TRUE(patient([&] { return engine::read_status(folder_ / name)->step > apart.step; }))
        << "it trains while no window is open";
    open();
    ASSERT_TRUE(reaches(name, RunState::running));
    EXPECT_EQ(workbench_->selection()->run(), path(name));
    QTest::keyClick(workbench_->window(), Qt::Key_2, Qt::AltModifier);
    EXPECT_TRUE(says("monitor.facts", QStringLiteral("process %1").arg(apart.pid)));
    watch(name);
    picture(QStringLiteral("life_found_again"));
  }
  /// The sentence that tells what Resume restores, about the newest checkpoint.
  void expectResumeIsExplained(const char* name) {
    const auto step = engine::read_status(folder_ / name)->step;
    EXPECT_TRUE(says("monitor.advice",
                     QStringLiteral("Resume goes on from checkpoint-%1 with weights, optimizer, "
                                    "place in the data, learning rate and noise, ranges of the "
                                    "simulated layers as they were after step %1.")
                         .arg(step)))
        << text("monitor.advice").toStdString();
  }
};

TEST_F(RunLife, OutlivesItsWindowAndIsSteeredByTheSameButtonsThroughout) {
  open();
  waitForEngine();
  launch(command("run"));
  ASSERT_TRUE(reaches("run", RunState::running));
  EXPECT_TRUE(says("monitor.facts", QStringLiteral("in this window")));
  watch("run");
  pauseAndContinue("run");
  extend("run", 300000);

  // The window closes, the run goes on behind a checkpoint in a process of its own.
  QTimer::singleShot(100, [this] {
    auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
    ASSERT_NE(box, nullptr);
    picture(QStringLiteral("life_closing"), box);
    QTest::mouseClick(box->findChild<QAbstractButton*>(QStringLiteral("close_question.keep")),
                      Qt::LeftButton);
  });
  workbench_->window()->close();
  ASSERT_TRUE(patient([&] { return !workbench_->window()->isVisible(); }));
  workbench_.reset();
  ASSERT_TRUE(patient([&] {
    const auto status = engine::read_status(folder_ / "run");
    return status && status->pid != getpid() && status->state == RunState::running;
  }));
  const auto apart = *engine::read_status(folder_ / "run");
  EXPECT_EQ(getsid(static_cast<pid_t>(apart.pid)) == getsid(0), false) << "a session of its own";
  reopen("run");
  EXPECT_EQ(run("run")->max_steps, 300000) << "it was extended";
  click("monitor.stop");
  ASSERT_TRUE(reaches("run", RunState::stopped));
  expectResumeIsExplained("run");

  // Resumed as a process, which is killed: the screen says by what, where, and what is left.
  choose("monitor.resume", "action.resume_apart");
  ASSERT_TRUE(reaches("run", RunState::running));
  ASSERT_TRUE(goesOn("run"));
  const auto killed = *engine::read_status(folder_ / "run");
  EXPECT_NE(killed.pid, apart.pid);
  ::kill(static_cast<pid_t>(killed.pid), SIGKILL);
  ASSERT_TRUE(reaches("run", RunState::interrupted));
  EXPECT_TRUE(says("monitor.state", QStringLiteral("killed by signal 9")))
      << text("monitor.state").toStdString();
  EXPECT_TRUE(says("monitor.advice", QStringLiteral("Its output ends with")) &&
              says("monitor.advice", QStringLiteral("done again")))
      << text("monitor.advice").toStdString();
  picture(QStringLiteral("life_killed"));

  // And resumed in the window.
  waitForEngine();
  click("monitor.resume");
  ASSERT_TRUE(reaches("run", RunState::running));
  EXPECT_TRUE(run("run")->in_window);
  ASSERT_TRUE(goesOn("run"));
  click("monitor.stop");
  ASSERT_TRUE(reaches("run", RunState::stopped));
  ASSERT_TRUE(patient([&] { return !workbench_->run()->launcher().isBusy(); }));
}

TEST_F(RunLife, ARunFromATerminalObeysTheSameButtons) {
  QProcess terminal;
  terminal.start(app::paradigm_program(), command("other").split(QLatin1Char(' ')));
  ASSERT_TRUE(patient([&] { return std::filesystem::exists(folder_ / "other/status.json"); }));
  open();
  workbench_->openPaths({path("other")});
  ASSERT_TRUE(reaches("other", RunState::running));
  watch("other");
  pauseAndContinue("other");
  extend("other", 300000);
  EXPECT_FALSE(find<QAction>("action.kill")->isEnabled());
  EXPECT_TRUE(find<QAction>("action.kill")->toolTip().contains(QStringLiteral("First ask")));

  // Closing asks nothing: the run is none of this window's.
  workbench_->window()->close();
  ASSERT_TRUE(patient([&] { return !workbench_->window()->isVisible(); }));
  workbench_.reset();
  reopen("other");
  click("monitor.stop");
  ASSERT_TRUE(reaches("other", RunState::stopped));
  ASSERT_TRUE(patient([&] { return terminal.state() == QProcess::NotRunning; }));
  expectResumeIsExplained("other");
  waitForEngine();
  click("monitor.resume");
  ASSERT_TRUE(reaches("other", RunState::running));
  ASSERT_TRUE(goesOn("other"));
  choose("monitor.stop", "action.stop_now");
  ASSERT_TRUE(reaches("other", RunState::stopped));
  ASSERT_TRUE(patient([&] { return !workbench_->run()->launcher().isBusy(); }));
}

TEST_F(RunLife, AFinishedRunTrainsFurtherAsIfItHadBeenGivenAllStepsAtOnce) {
  const auto steps = [this](const char* name, const char* count) {
    return command(name).replace(QStringLiteral("200000"), QLatin1String(count));
  };
  open();
  waitForEngine();
  launch(steps("whole", "30 --lr_schedule_steps 20"));
  ASSERT_TRUE(reaches("whole", RunState::finished));
  launch(steps("run", "20"));
  ASSERT_TRUE(reaches("run", RunState::finished));
  EXPECT_FALSE(find<QToolButton>("monitor.resume")->isVisible());

  // In the window, at the rate that the schedule ended with.
  trainFurther("run", 30, "extend.continue", 0);
  EXPECT_TRUE(run("run")->in_window || run("run")->step == 30);
  ASSERT_TRUE(patient([&] { return run("run")->step == 30; }));
  ASSERT_TRUE(reaches("run", RunState::finished));
  EXPECT_EQ(tests::content_of(folder_ / "run/model.safetensors"),
            tests::content_of(folder_ / "whole/model.safetensors"))
      << "the same bits";

  // In a process of its own, over a course drawn anew.
  trainFurther("run", 40, "extend.stretch", 1);
  ASSERT_TRUE(patient([&] { return run("run")->step == 40; }));
  ASSERT_TRUE(reaches("run", RunState::finished));
  EXPECT_NE(engine::read_status(folder_ / "run")->pid, getpid());
  EXPECT_GT(run("run")->curve(widgets::Metric::learning_rate).y().back(), 0);
  EXPECT_EQ(run("run")->curve(widgets::Metric::loss).y().size(), 40u / 5u)
      << "one curve over all parts";

  // Its newest checkpoint is gone: nothing is offered that cannot be.
  for (const char* saved : {"run/checkpoint-20", "run/checkpoint-30", "run/checkpoint-40"}) {
    std::filesystem::remove_all(folder_ / saved);
  }
  workbench_->selection()->setRun(path("whole"));
  workbench_.reset();
  open();
  workbench_->openPaths({path("run")});
  ASSERT_TRUE(reaches("run", RunState::finished));
  auto* further = find<QToolButton>("monitor.further");
  ASSERT_TRUE(patient([&] {
    return further->toolTip().contains(QStringLiteral("no checkpoint was saved"));
  })) << further->toolTip().toStdString();
  EXPECT_FALSE(further->isEnabled());
}

TEST_F(RunLife, StoppedWithoutACheckpointItSaysWhyItCannotBeResumed) {
  open();
  waitForEngine();
  launch(command("run"));
  ASSERT_TRUE(reaches("run", RunState::running));
  choose("monitor.stop", "action.stop_now");
  ASSERT_TRUE(reaches("run", RunState::stopped));
  EXPECT_TRUE(
      says("monitor.advice", QStringLiteral("It cannot be resumed: no checkpoint was saved.")))
      << text("monitor.advice").toStdString();
  EXPECT_FALSE(find<QToolButton>("monitor.resume")->isEnabled());
  ASSERT_TRUE(patient([&] { return !workbench_->run()->launcher().isBusy(); }));
}

TEST_F(RunLife, AWindowThatLostItsEngineStillStartsProcesses) {
  open([]() -> const engine::EngineApi& {
    engine::fail("engine-unavailable", {.file = "libparadigm_engine.so"}, "it is not there");
  });
  ASSERT_TRUE(patient(
      [&] { return workbench_->engine().state() == app::EngineLoader::State::unavailable; }));
  QTest::keyClick(workbench_->window(), Qt::Key_2, Qt::AltModifier);
  EXPECT_FALSE(find<QPushButton>("launch.launch")->isEnabled());
  QTest::keyClick(find<QComboBox>("launch.place"), Qt::Key_Down);
  launch(command("run"));
  ASSERT_TRUE(reaches("run", RunState::running));
  watch("run");
  click("monitor.stop");
  ASSERT_TRUE(reaches("run", RunState::stopped));

  // Nothing was checked here: the process says what is wrong.
  launch(command("refused", "nowhere"));
  ASSERT_TRUE(reaches("refused", RunState::failed));
  EXPECT_TRUE(says("monitor.advice", QStringLiteral("nowhere")))
      << text("monitor.advice").toStdString();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "refused/events.jsonl"));
}

}  // namespace
