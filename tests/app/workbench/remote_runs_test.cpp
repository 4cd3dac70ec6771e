// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/remote_runs.h"

#include "app/workbench/main_window.h"
#include "app/workbench/open_path.h"
#include "app/workbench/run_workspace.h"
#include "app/workbench/workbench.h"
#include "engine/error.h"
#include "engine/runs/run_catalog.h"
#include "tests/support/fake_engine.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_list_panel.h"
#include "widgets/panels/run_monitor_panel.h"

#include <QAbstractButton>
#include <QApplication>
#include <QClipboard>
#include <QSettings>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <thread>

namespace {

TEST(RemoteRuns, AnAddressIsOpenedAsAFolderOfRuns) {
  const auto opened = app::open_path(QStringLiteral("ssh://lab1:2222/data/runs/"));
  EXPECT_EQ(opened.kind, app::PathKind::runs);
  EXPECT_EQ(opened.path, QStringLiteral("ssh://lab1:2222/data/runs"));
  EXPECT_THROW(app::open_path(QStringLiteral("ssh://lab1")), engine::Error);
}

/// Instead of ssh, for this process: a shell here, as soon as there is a file `up`.
void use_shell_for_ssh(const tests::ScratchFolder& scratch) {
  const auto program = scratch.write(
      "ssh.sh", "#!/bin/sh\n[ -e '" + (scratch / "up").string() +
                    "' ] || { echo 'lab1: no route to host' >&2; exit 255; }\n"
                    "while [ $# -gt 0 ]; do case $1 in -G) exit 0;; --) shift; break;; *) "
                    "shift;; esac; done\nshift\nexec sh -c \"$*\"\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  setenv("PARADIGM_SSH", program.c_str(), 1);
  setenv("PARADIGM_REMOTE_CACHE", (scratch / "cache").c_str(), 1);
}

TEST(RemoteRuns, TroubleIsToldOnceAndItsEndToo) {
  const tests::ScratchFolder scratch;
  tests::write_sample_run(scratch / "runs/run-a", {.steps = 20});
  use_shell_for_ssh(scratch);
  app::RemoteRuns remote;
  QSignalSpy troubled(&remote, &app::RemoteRuns::troubled);
  QSignalSpy recovered(&remote, &app::RemoteRuns::recovered);
  const QString address = QString::fromStdString("ssh://lab1" + (scratch / "runs").string());
  const QString folder = remote.add(address);
  EXPECT_EQ(remote.add(address), folder) << "one mirror for an address";
  ASSERT_TRUE(QTest::qWaitFor([&] { return troubled.size() > 0; }, 20000));
  EXPECT_EQ(troubled[0][0].toString(), address);
  EXPECT_TRUE(troubled[0][1].toString().contains(QStringLiteral("no route to host")));
  QTest::qWait(1200);
  EXPECT_EQ(troubled.size(), 1) << "the same reason is told once";
  std::ofstream(scratch / "up");
  ASSERT_TRUE(QTest::qWaitFor([&] { return recovered.size() > 0; }, 40000));
  EXPECT_TRUE(
      QTest::qWaitFor([&] { return engine::find_runs(folder.toStdString()).size() == 1; }, 20000));
}

class RemoteWindow : public testing::Test {
 protected:
  RemoteWindow() {
    use_shell_for_ssh(scratch_);
    std::ofstream(scratch_ / "up");
    std::filesystem::create_directories(scratch_ / "runs");
  }
  void open() {
    workbench_ = std::make_unique<app::Workbench>(
        [this]() -> const engine::EngineApi& { return engine_; },
        std::make_unique<QSettings>(QString::fromStdString((scratch_ / "data/w.ini").string()),
                                    QSettings::IniFormat));
    app::ProgramOptions options;
    options.workspace = QStringLiteral("run");
    workbench_->start(options);
    ASSERT_TRUE(QTest::qWaitForWindowExposed(workbench_->window()));
  }
  template <class Condition>
  static bool patient(Condition condition) {
    return QTest::qWaitFor(condition, 60000);
  }
  QAbstractButton* button(const char* name) {
    return workbench_->window()->findChild<QAbstractButton*>(QLatin1String(name));
  }
  void click(const char* name) {
    ASSERT_TRUE(patient([&] {
      return button(name) != nullptr && button(name)->isVisible() && button(name)->isEnabled();
    })) << name;
    QTest::mouseClick(button(name), Qt::LeftButton, {}, QPoint(12, button(name)->height() / 2));
  }
  /// The only one.
  const widgets::RunRecord* run() {
    const auto& runs = workbench_->run()->store().runs();
    return runs.empty() ? nullptr : runs.front().get();
  }
  bool reaches(engine::RunState state) {
    return patient([&] { return run() != nullptr && run()->state == state; });
  }

  tests::ScratchFolder scratch_;
  static tests::FakeRun slow() {
    tests::FakeRun run;
    run.step_time = std::chrono::milliseconds(5);
    return run;
  }

  tests::FakeEngine engine_{slow()};
  std::unique_ptr<app::Workbench> workbench_;
};

TEST_F(RemoteWindow, ARunOverThereIsSteeredFoundAgainAndForgotten) {
  engine::RunConfig config;
  config.output_dir = (scratch_ / "runs/run-a").string();
  config.max_steps = 100000;
  config.logging_steps = 1;
  engine::RunControl control;
  std::jthread training([&] { engine_.train(config, control); });
  const std::string address = "ssh://lab1" + (scratch_ / "runs").string();
  open();
  workbench_->openPaths({QString::fromStdString(address)});
  ASSERT_TRUE(reaches(engine::RunState::running));
  EXPECT_EQ(run()->address, QString::fromStdString(address + "/run-a"));
  ASSERT_EQ(workbench_->selection()->run(), run()->folder) << "a live run shows itself";
  click("monitor.pause");
  ASSERT_TRUE(reaches(engine::RunState::paused));
  click("monitor.proceed");
  ASSERT_TRUE(reaches(engine::RunState::running));
  click("monitor.checkpoint");
  ASSERT_TRUE(patient([&] { return run()->checkpoints.size() == 1; }));

  // Found again as it was heard last; the other machine is not asked before the user says so.
  workbench_.reset();
  std::filesystem::remove(scratch_ / "up");
  open();
  ASSERT_TRUE(patient([&] { return run() != nullptr && run()->step > 0; }));
  EXPECT_EQ(run()->state, engine::RunState::unknown)
      << "it was running, and nobody has asked since";
  EXPECT_TRUE(workbench_->run()->list()->messages()->text().contains(
      QString::fromStdString(address + " was watched before")));
  std::ofstream(scratch_ / "up");
  click("remote.reconnect");
  ASSERT_TRUE(reaches(engine::RunState::running));
  workbench_->selection()->setRun(run()->folder);
  click("monitor.stop");
  ASSERT_TRUE(reaches(engine::RunState::stopped));
  EXPECT_FALSE(button("monitor.resume")->isVisible()) << "a copy is not trained on";
  click("monitor.copy_resume");
  EXPECT_EQ(QApplication::clipboard()->text(), QStringLiteral("paradigm train --config %1/run.yaml")
                                                   .arg(QString::fromStdString(config.output_dir)));
  EXPECT_TRUE(
      workbench_->run()->monitor()->messages()->text().contains(QStringLiteral("paradigm train")));

  workbench_.reset();
  open();
  click("remote.forget");
  workbench_.reset();
  open();
  EXPECT_TRUE(workbench_->run()->list()->messages()->text().isEmpty());
}

}  // namespace
