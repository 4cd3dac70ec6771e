// SPDX-License-Identifier: GPL-3.0-or-later
// The life of a run, with the true engine and the true program, by the names of buttons: launched
// in the window, paused, extended, handed over to a process of its own when the window closes,
// found again, stopped, resumed, killed, resumed; and the same buttons on a run from a terminal.
// PARADIGM_SCREENSHOTS=DIR keeps a picture of each stage.
#include "app/workbench/detached_runs.h"
#include "app/workbench/main_window.h"
#include "app/workbench/run_workspace.h"
#include "app/workbench/workbench.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_liveness.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"
#include "widgets/forms/param_form.h"
#include "widgets/panels/launch_panel.h"

#include <QAction>
#include <QApplication>
#include <QLabel>
#include <QMessageBox>
#include <QProcess>
#include <QPushButton>
#include <QRadioButton>
#include <QSettings>
#include <QSpinBox>
#include <QTest>
#include <QTimer>
#include <QToolButton>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace {

using engine::RunState;

const char* const kModule = PARADIGM_BIN_DIR "/libparadigm_engine.so";

const engine::EngineApi& load_module() {
  void* module = dlopen(kModule, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) engine::fail("engine-unavailable", {.file = kModule}, dlerror());
  const auto entry =
      reinterpret_cast<const engine::EngineApi* (*)(int)>(dlsym(module, "paradigm_engine"));
  return *entry(engine::kEngineApiVersion);
}

template <class Condition>
bool patient(Condition condition) {
  return QTest::qWaitFor(condition, 60000);
}

class RunLife : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kModule)) GTEST_SKIP() << kModule << " is not built";
    tests::write_tiny_llama(folder_ / "tiny");
    folder_.write("text.txt", tests::tiny_text(60000));
    folder_.write("rules.yaml", "layer_name_to_config:\n  default: {q_levels: 256}\n");
    open();
  }
  void TearDown() override {
    workbench_.reset();
    // Nothing that was started may outlive the test.
    for (const char* name : {"run", "other"}) {
      const auto status = engine::read_status(folder_ / name);
      if (status && status->pid > 1 && status->pid != getpid() &&
          engine::process_start_time(status->pid) == status->process_start_time) {
        ::kill(static_cast<pid_t>(status->pid), SIGKILL);
      }
    }
  }
  void open() {
    workbench_ = std::make_unique<app::Workbench>(
        load_module,
        std::make_unique<QSettings>(QString::fromStdString((folder_ / "data/w.ini").string()),
                                    QSettings::IniFormat));
    app::ProgramOptions options;
    options.theme = widgets::Theme::light;
    options.size = QSize(1500, 900);
    workbench_->start(options);
    ASSERT_TRUE(QTest::qWaitForWindowExposed(workbench_->window()));
    ASSERT_TRUE(patient([&] { return workbench_->engine().api() != nullptr; }));
  }
  QString path(const char* name) { return QString::fromStdString((folder_ / name).string()); }
  template <class T>
  T* find(const char* name) {
    auto* found = workbench_->window()->findChild<T*>(QLatin1String(name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  void click(const char* name) {
    auto* button = find<QAbstractButton>(name);
    ASSERT_TRUE(patient([&] { return button->isVisible() && button->isEnabled(); }))
        << name << ": " << button->toolTip().toStdString();
    QTest::mouseClick(button, Qt::LeftButton, {}, QPoint(12, button->height() / 2));
  }
  void choose(const char* action) {
    auto* found = find<QAction>(action);
    ASSERT_TRUE(patient([&] { return found->isEnabled(); })) << found->toolTip().toStdString();
    found->trigger();
  }
  const widgets::RunRecord* run(const char* name) {
    return workbench_->run()->store().find(path(name));
  }
  bool reaches(const char* name, RunState state) {
    return patient([&] { return run(name) != nullptr && run(name)->state == state; });
  }
  bool goesOn(const char* name) {
    const auto step = run(name)->step;
    return patient([&] { return run(name)->step > step; });
  }
  void picture(const char* name) {
    const char* folder = std::getenv("PARADIGM_SCREENSHOTS");
    if (folder == nullptr) return;
    QTest::qWait(150);
    workbench_->window()->grab().save(
        QStringLiteral("%1/life_%2.png").arg(QLatin1String(folder), QLatin1String(name)));
  }
  std::string words(const char* name) { return (folder_ / name).string(); }

  tests::ScratchFolder folder_;
  std::unique_ptr<app::Workbench> workbench_;
};

TEST_F(RunLife, OutlivesItsWindowAndIsSteeredByTheSameButtonsThroughout) {
  // Launched in the window.
  auto* form = workbench_->run()->launchPanel()->form();
  form->setValue("model_name_or_path", words("tiny"));
  form->setValue("transform_config", words("rules.yaml"));
  form->setValue("train_file", words("text.txt"));
  form->setValue("output_dir", words("run"));
  form->setValue("block_size", std::int64_t{32});
  form->setValue("per_device_train_batch_size", std::int64_t{1});
  form->setValue("max_steps", std::int64_t{200000});
  form->setValue("logging_steps", std::int64_t{5});
  form->setValue("save_steps", std::int64_t{100000});
  form->setValue("device", std::string("cpu"));
  QTest::keyClick(workbench_->window(), Qt::Key_2, Qt::AltModifier);
  click("launch.launch");
  ASSERT_TRUE(reaches("run", RunState::running));
  ASSERT_TRUE(goesOn("run"));
  EXPECT_TRUE(find<QLabel>("monitor.facts")->text().contains(QStringLiteral("in this window")));

  // Paused: asked, then confirmed by the folder; it stands still until it is let go.
  click("monitor.pause");
  ASSERT_TRUE(reaches("run", RunState::paused));
  EXPECT_EQ(run("run")->requested, engine::RunRequest::none);
  const auto paused_at = engine::read_status(folder_ / "run")->step;
  QTest::qWait(150);
  EXPECT_EQ(engine::read_status(folder_ / "run")->step, paused_at);
  picture("1_paused");
  click("monitor.checkpoint");
  ASSERT_TRUE(patient([&] { return run("run")->checkpoints.size() == 1; }));
  EXPECT_EQ(run("run")->state, RunState::paused) << "it saves and stays paused";
  click("monitor.proceed");
  ASSERT_TRUE(reaches("run", RunState::running));
  ASSERT_TRUE(goesOn("run"));

  // Extended, with what becomes of the schedule.
  choose("action.extend");
  auto* dialog = find<QDialog>("extend");
  find<QRadioButton>("extend.continue")->click();
  find<QSpinBox>("extend.max_steps")->setValue(300000);
  EXPECT_TRUE(find<QLabel>("extend.meaning")->text().contains(QLocale().toString(200000)));
  if (const char* folder = std::getenv("PARADIGM_SCREENSHOTS")) {
    dialog->grab().save(QStringLiteral("%1/life_2_extend.png").arg(QLatin1String(folder)));
  }
  find<QPushButton>("extend.accept")->click();
  ASSERT_TRUE(patient([&] { return run("run")->max_steps == 300000; }));

  // The window closes, the run goes on behind a checkpoint in a process of its own.
  QTimer::singleShot(100, [this] {
    auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
    ASSERT_NE(box, nullptr);
    if (const char* folder = std::getenv("PARADIGM_SCREENSHOTS")) {
      box->grab().save(QStringLiteral("%1/life_3_closing.png").arg(QLatin1String(folder)));
    }
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
  ASSERT_TRUE(patient([&] { return engine::read_status(folder_ / "run")->step > apart.step; }))
      << "it trains while no window is open";

  // Reopened: found, shown and steered again.
  open();
  ASSERT_TRUE(reaches("run", RunState::running));
  EXPECT_EQ(workbench_->selection()->run(), path("run"));
  QTest::keyClick(workbench_->window(), Qt::Key_2, Qt::AltModifier);
  EXPECT_TRUE(patient(
      [&] { return find<QLabel>("monitor.facts")->text().contains(QString::number(apart.pid)); }));
  ASSERT_TRUE(goesOn("run"));
  picture("4_found_again");
  click("monitor.stop");
  ASSERT_TRUE(reaches("run", RunState::stopped));
  ASSERT_TRUE(patient([&] {
    return find<QLabel>("monitor.advice")->text().contains(QStringLiteral("Resume goes on from"));
  }));

  // Resumed as a process, which is killed: the screen says by what, where, and what is left.
  choose("action.resume_apart");
  ASSERT_TRUE(reaches("run", RunState::running));
  ASSERT_TRUE(goesOn("run"));
  const auto killed = *engine::read_status(folder_ / "run");
  EXPECT_NE(killed.pid, apart.pid);
  ::kill(static_cast<pid_t>(killed.pid), SIGKILL);
  ASSERT_TRUE(reaches("run", RunState::interrupted));
  EXPECT_TRUE(patient([&] {
    return find<QLabel>("monitor.state")->text().contains(QStringLiteral("killed by signal 9"));
  })) << find<QLabel>("monitor.state")->text().toStdString();
  EXPECT_TRUE(patient([&] {
    const QString advice = find<QLabel>("monitor.advice")->text();
    return advice.contains(QStringLiteral("Its output ends with")) &&
           advice.contains(QStringLiteral("done again"));
  })) << find<QLabel>("monitor.advice")->text().toStdString();
  picture("5_killed");

  // And resumed in the window.
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
  terminal.setWorkingDirectory(path(""));
  terminal.start(
      QStringLiteral(PARADIGM_BIN_DIR "/paradigm"),
      QStringLiteral("train --model_name_or_path tiny --train_file text.txt --output_dir "
                     "other --block_size 32 --per_device_train_batch_size 1 --max_steps "
                     "200000 --logging_steps 5 --device cpu")
          .split(QLatin1Char(' ')));
  ASSERT_TRUE(patient([&] { return std::filesystem::exists(folder_ / "other/status.json"); }));
  workbench_->openPaths({path("other")});
  ASSERT_TRUE(reaches("other", RunState::running));
  click("monitor.pause");
  ASSERT_TRUE(reaches("other", RunState::paused));
  click("monitor.proceed");
  ASSERT_TRUE(reaches("other", RunState::running));
  click("monitor.checkpoint");
  ASSERT_TRUE(patient([&] { return run("other")->checkpoints.size() == 1; }));
  EXPECT_FALSE(find<QAction>("action.kill")->isEnabled());
  EXPECT_TRUE(find<QAction>("action.kill")->toolTip().contains(QStringLiteral("First ask")));
  choose("action.stop_now");
  ASSERT_TRUE(reaches("other", RunState::stopped));
  EXPECT_EQ(run("other")->checkpoints.size(), 1u) << "the last checkpoint stands";
  ASSERT_TRUE(patient([&] { return terminal.state() == QProcess::NotRunning; }));
}

TEST_F(RunLife, AProcessThatRefusesItsSettingsSaysWhy) {
  widgets::LaunchRequest request;
  request.place = widgets::LaunchPlace::separate_process;
  request.values.set("model_name_or_path", words("nowhere"));
  request.values.set("train_file", words("text.txt"));
  request.values.set("output_dir", words("run"));
  request.values.set("device", std::string("cpu"));
  workbench_->run()->launch(request);
  ASSERT_TRUE(reaches("run", RunState::failed));
  EXPECT_TRUE(patient([&] {
    return find<QLabel>("monitor.advice")->text().contains(QStringLiteral("nowhere"));
  })) << find<QLabel>("monitor.advice")->text().toStdString();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/events.jsonl"));
}

}  // namespace
