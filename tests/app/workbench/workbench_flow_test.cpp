// SPDX-License-Identifier: GPL-3.0-or-later
// The way of a user through the window, by clicks and keys: checkpoint, transform, counts, launch,
// live curve, stop, an earlier run. PARADIGM_SCREENSHOTS=DIR keeps a picture of each stage.
#include "app/workbench/edit_workspace.h"
#include "app/workbench/main_window.h"
#include "app/workbench/run_workspace.h"
#include "app/workbench/workbench.h"
#include "engine/runs/run_catalog.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"
#include "tests/widgets/sample_plan.h"
#include "widgets/forms/number_edit.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/layer_tree_model.h"
#include "widgets/models/run_list_model.h"
#include "widgets/models/transform_rules_model.h"
#include "widgets/panels/histogram_panel.h"
#include "widgets/panels/launch_panel.h"
#include "widgets/panels/layer_assignment_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/problems_panel.h"
#include "widgets/panels/run_list_panel.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/panels/start_page.h"
#include "widgets/panels/transform_rules_panel.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/histogram_plot.h"

#include <QAction>
#include <QApplication>
#include <QDockWidget>
#include <QDropEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QSettings>
#include <QTest>
#include <QTimer>
#include <QToolButton>
#include <QTreeView>

#include <gtest/gtest.h>

#include <cstdlib>
#include <semaphore>

namespace {

using app::Workbench;
using widgets::Metric;

/// Waits long enough for a machine that is busy with other tests.
template <class Condition>
bool patient(Condition condition) {
  return QTest::qWaitFor(condition, 30000);
}

tests::FakeRun steady() {
  tests::FakeRun run;
  run.step_time = std::chrono::milliseconds(3);
  run.layers = 6;
  return run;
}

class WorkbenchFlow : public testing::Test {
 protected:
  explicit WorkbenchFlow(tests::FakeRun run = steady()) : engine_(std::move(run)) {
    checkpoint_ = folder_.write("tiny/config.json", tests::sample_config_json()).parent_path();
    transform_ = folder_.write("rules.yaml", tests::sample_transform());
    text_ = folder_.write("text.txt", "some words to learn\n");
    workbench_ = std::make_unique<Workbench>(
        [this]() -> const engine::EngineApi& { return engine_; }, nullptr);
    app::ProgramOptions options;
    options.theme = widgets::Theme::light;
    options.size = QSize(1440, 900);
    workbench_->start(options);
    EXPECT_TRUE(QTest::qWaitForWindowExposed(workbench_->window()));
  }

  /// Drops a file or folder on the window, as a file manager does.
  void drop(const std::filesystem::path& path) {
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(QString::fromStdString(path.string()))});
    auto* window = workbench_->window();
    QDragEnterEvent enter(QPoint(20, 20), Qt::CopyAction, &data, Qt::LeftButton, {});
    QApplication::sendEvent(window, &enter);
    EXPECT_TRUE(enter.isAccepted());
    QDropEvent event(QPointF(20, 20), Qt::CopyAction, &data, Qt::LeftButton, {});
    QApplication::sendEvent(window, &event);
    EXPECT_TRUE(patient([&] { return workbench_->isSettled(); }));
  }
  template <class T>
  T* find(const char* name) {
    auto* found = workbench_->window()->findChild<T*>(QLatin1String(name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  template <class T>
  T* field(const char* name) {
    auto* found = workbench_->run()->launchPanel()->form()->editor(name)->findChild<T*>();
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  void type(QWidget* into, const QString& text) {
    into->setFocus();
    QTest::keyClick(into, Qt::Key_A, Qt::ControlModifier);
    QTest::keyClicks(into, text);
  }
  void fillLaunchForm(const std::string& run_name, const char* steps = "100000") {
    type(field<QLineEdit>("train_file"), QString::fromStdString(text_.string()));
    type(field<QLineEdit>("output_dir"), QString::fromStdString((folder_ / run_name).string()));
    type(field<widgets::NumberEdit>("max_steps"), QString::fromLatin1(steps));
    workbench_->run()->launchPanel()->form()->setValue("logging_steps", std::int64_t{1});
  }
  const widgets::RunRecord* run(const std::string& name) {
    return workbench_->run()->store().find(QString::fromStdString((folder_ / name).string()));
  }
  bool waitForState(const std::string& name, engine::RunState state) {
    return patient([&] { return run(name) != nullptr && run(name)->state == state; });
  }
  void picture(const char* name) {
    const char* folder = std::getenv("PARADIGM_SCREENSHOTS");
    if (folder == nullptr) return;
    QTest::qWait(150);
    workbench_->window()->grab().save(
        QStringLiteral("%1/%2.png").arg(QLatin1String(folder), QLatin1String(name)));
  }

  tests::ScratchFolder folder_;
  tests::FakeEngine engine_;
  std::filesystem::path checkpoint_;
  std::filesystem::path transform_;
  std::filesystem::path text_;
  std::unique_ptr<Workbench> workbench_;
};

TEST_F(WorkbenchFlow, FromACheckpointToALiveCurveAndAFinishedRun) {
  // Nothing open: the start page, and an engine that comes in behind it.
  EXPECT_TRUE(workbench_->window()->startPage()->isVisible());
  picture("1_empty");
  EXPECT_TRUE(
      patient([&] { return workbench_->engine().state() == app::EngineLoader::State::ready; }));
  EXPECT_EQ(find<QToolButton>("status.engine")->text(), QStringLiteral("engine: ready"));

  // A checkpoint: its layers.
  drop(checkpoint_);
  EXPECT_FALSE(workbench_->window()->startPage()->isVisible());
  auto* tree = find<QTreeView>("layers.tree");
  ASSERT_TRUE(tree->isVisible());
  EXPECT_EQ(tree->model()->index(0, 0).data().toString(), QStringLiteral("layers 0–3"));
  EXPECT_EQ(workbench_->edit()->histogram()->plot()->data().bars.size(), 0u);

  // A transform: winners, counts, problems, histogram.
  drop(transform_);
  const auto* rules = find<QTreeView>("rules.list")->model();
  ASSERT_EQ(rules->rowCount(), 5);
  EXPECT_EQ(rules->index(1, widgets::TransformRulesModel::kWon).data().toString(),
            QStringLiteral("8"));
  const auto q_proj = workbench_->edit()->layers()->model()->indexOf(
      QStringLiteral("model.layers.1.self_attn.q_proj"));
  EXPECT_EQ(q_proj.siblingAtColumn(widgets::LayerTreeModel::kRule).data().toString(),
            QStringLiteral("2"));
  ASSERT_GE(find<QTreeView>("problems.list")->model()->rowCount(), 1);
  auto* histogram = workbench_->edit()->histogram()->plot();
  ASSERT_EQ(histogram->data().bars.size(), 5u);
  picture("2_editing");

  // A bar selects its layers in the tree.
  QTest::mouseClick(histogram, Qt::LeftButton, {}, histogram->barRect(1).center());
  EXPECT_EQ(workbench_->selection()->layers().size(), 8);
  EXPECT_EQ(tree->selectionModel()->selectedRows().size(), 2);

  // Launch: first with something missing, then for real.
  QTest::keyClick(workbench_->window(), Qt::Key_2, Qt::AltModifier);
  auto* launch = find<QPushButton>("launch.launch");
  ASSERT_TRUE(launch->isVisible());
  ASSERT_TRUE(launch->isEnabled());
  QTest::mouseClick(launch, Qt::LeftButton);
  EXPECT_TRUE(workbench_->run()
                  ->launchPanel()
                  ->form()
                  ->problemText("train_file")
                  .contains(QStringLiteral("no text is given")));
  EXPECT_FALSE(workbench_->run()->launcher().isBusy());
  picture("3_refused");
  fillLaunchForm("run-a");
  QTest::mouseClick(launch, Qt::LeftButton);
  EXPECT_TRUE(patient([&] { return workbench_->run()->launcher().isBusy(); }));
  ASSERT_TRUE(waitForState("run-a", engine::RunState::running));

  // The curve grows by itself, and the histogram shows what was applied.
  auto* plot = workbench_->run()->monitor()->plot();
  ASSERT_TRUE(patient([&] { return plot->drawnPoints() > 5; }));
  const int before = plot->drawnPoints();
  ASSERT_TRUE(patient([&] { return plot->drawnPoints() > before; }));
  EXPECT_TRUE(workbench_->edit()->histogram()->showsApplied());
  ASSERT_TRUE(patient([&] { return histogram->data().total() >= 6; }));
  // Not the drawn points: a narrow curve is thinned to fewer, when many steps come at once.
  ASSERT_TRUE(patient([&] { return run("run-a")->curve(Metric::loss).size() > 150; }));
  picture("4_running");

  // Stop: asked, then confirmed by the run folder.
  auto* stop = find<QToolButton>("monitor.stop");
  ASSERT_TRUE(stop->isVisible());
  QTest::mouseClick(stop, Qt::LeftButton);
  EXPECT_FALSE(stop->isEnabled());
  ASSERT_TRUE(waitForState("run-a", engine::RunState::stopped));
  ASSERT_TRUE(patient([&] { return !workbench_->run()->launcher().isBusy(); }));
  EXPECT_FALSE(stop->isVisible());
  EXPECT_TRUE(find<QLabel>("monitor.state")->text().startsWith(QStringLiteral("stopped")));
  EXPECT_EQ(engine::observe_state(folder_ / "run-a").state, engine::RunState::stopped);
  EXPECT_FALSE(run("run-a")->checkpoints.empty());

  // Resume: the same folder goes on behind its checkpoint, whatever the form says meanwhile.
  const std::int64_t stopped_at = run("run-a")->step;
  auto* resume = find<QToolButton>("monitor.resume");
  ASSERT_TRUE(resume->isVisible());
  type(field<QLineEdit>("output_dir"), QStringLiteral("elsewhere"));
  ASSERT_TRUE(patient([&] { return resume->isEnabled(); }));
  picture("5_stopped");
  QTest::mouseClick(resume, Qt::LeftButton);
  ASSERT_TRUE(patient([&] { return run("run-a")->is_live() && run("run-a")->step > stopped_at; }));
  EXPECT_FALSE(resume->isVisible());
  EXPECT_EQ(run("run-a")->started->step, stopped_at);
  EXPECT_EQ(run("run-a")->curve(Metric::loss).x().front(), 1) << "the curve goes on, it is one run";
  QTest::mouseClick(stop, Qt::LeftButton);
  ASSERT_TRUE(waitForState("run-a", engine::RunState::stopped));
  ASSERT_TRUE(patient([&] { return !workbench_->run()->launcher().isBusy(); }));

  // A finished run of someone else.
  engine::RunConfig other;
  other.output_dir = (folder_ / "run-b").string();
  other.max_steps = 60;
  other.logging_steps = 1;
  engine::RunControl control;
  tests::FakeEngine().train(other, control);
  drop(folder_ / "run-b");
  ASSERT_TRUE(waitForState("run-b", engine::RunState::finished));
  EXPECT_EQ(workbench_->selection()->run(), run("run-b")->folder);
  ASSERT_TRUE(patient([&] { return plot->drawnPoints() == 60; }));
  EXPECT_EQ(find<QTreeView>("runs.list")->model()->rowCount(), 2);
  picture("6_finished");
}

TEST_F(WorkbenchFlow, ClosingAsksAboutALiveRunAndSavesIt) {
  ASSERT_TRUE(patient([&] { return workbench_->engine().api() != nullptr; }));
  drop(checkpoint_);
  fillLaunchForm("run-a");
  QTest::keyClick(workbench_->window(), Qt::Key_R, Qt::ControlModifier);
  ASSERT_TRUE(waitForState("run-a", engine::RunState::running));

  const auto answer = [](const char* button) {
    QTimer::singleShot(50, [button] {
      auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
      ASSERT_NE(box, nullptr);
      QTest::mouseClick(box->findChild<QAbstractButton*>(QLatin1String(button)), Qt::LeftButton);
    });
  };
  answer("close_question.cancel");
  workbench_->window()->close();
  EXPECT_TRUE(workbench_->window()->isVisible());
  EXPECT_EQ(run("run-a")->state, engine::RunState::running);

  answer("close_question.stop");
  workbench_->window()->close();
  ASSERT_TRUE(patient([&] { return !workbench_->window()->isVisible(); }));
  EXPECT_EQ(engine::observe_state(folder_ / "run-a").state, engine::RunState::stopped);
}

TEST_F(WorkbenchFlow, ARunOfAnotherProcessIsStoppedThroughItsFolder) {
  engine::RunConfig other;
  other.output_dir = (folder_ / "other").string();
  other.max_steps = 100000;
  other.logging_steps = 1;
  engine::RunControl control;
  std::jthread training([&] { engine_.train(other, control); });
  workbench_->openPaths({QString::fromStdString(other.output_dir)});
  ASSERT_TRUE(patient([&] {
    if (run("other") != nullptr) return run("other")->state == engine::RunState::running;
    if (workbench_->isSettled()) workbench_->openPaths({QString::fromStdString(other.output_dir)});
    return false;
  }));
  QTest::keyClick(workbench_->window(), Qt::Key_Period, Qt::ControlModifier);
  EXPECT_TRUE(waitForState("other", engine::RunState::stopped));
}

TEST_F(WorkbenchFlow, WhatCannotBeOpenedIsSaidInTheWindow) {
  drop(folder_.write("empty/readme.txt", "nothing"));
  auto* messages = workbench_->window()->messages();
  EXPECT_TRUE(messages->isVisible());
  EXPECT_TRUE(messages->text().contains(QStringLiteral("readme.txt")))
      << messages->text().toStdString();
  drop(folder_ / "empty");
  EXPECT_TRUE(messages->text().contains(QStringLiteral("config.json is missing")));
  drop(folder_
           .write("other/config.json",
                  R"({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"})")
           .parent_path());
  EXPECT_TRUE(messages->text().contains(QStringLiteral("config.json")))
      << messages->text().toStdString();
  drop(checkpoint_);
  EXPECT_FALSE(messages->isVisible());
}

TEST_F(WorkbenchFlow, ABrokenTransformShowsItsProblemsWithPlaces) {
  drop(checkpoint_);
  drop(folder_.write("broken.yaml",
                     "layer_name_to_config:\n  '(': {q_levels: 256}\n  default: {q_levls: 1}\n"));
  const auto& problems = workbench_->edit()->view()->problems;
  ASSERT_GE(problems.size(), 2u);
  EXPECT_TRUE(engine::has_errors(problems));
  EXPECT_EQ(find<QTreeView>("problems.list")->model()->rowCount(), int(problems.size()));
  EXPECT_GT(problems.front().place.line, 0);
}

TEST_F(WorkbenchFlow, ReloadReadsTheChangedFile) {
  drop(checkpoint_);
  drop(transform_);
  folder_.write("rules.yaml", "layer_name_to_config:\n  default: {q_levels: 64}\n");
  QTest::keyClick(workbench_->window(), Qt::Key_F5);
  ASSERT_TRUE(patient([&] { return workbench_->edit()->rules()->model()->rowCount() == 1; }));
}

TEST_F(WorkbenchFlow, EveryControlHasANameAndEveryActionAToolTip) {
  drop(checkpoint_);
  drop(transform_);
  QTest::keyClick(workbench_->window(), Qt::Key_2, Qt::AltModifier);
  for (auto* widget : workbench_->window()->findChildren<QWidget*>()) {
    if (widget->focusPolicy() == Qt::NoFocus || !widget->isVisible()) continue;
    if (widget->focusProxy() != nullptr) continue;
    const QString kind = QString::fromLatin1(widget->metaObject()->className());
    if (kind == QLatin1String("QTabBar") || kind.startsWith(QLatin1String("QMenu"))) continue;
    const bool inner = qobject_cast<QLineEdit*>(widget) != nullptr &&
                       qobject_cast<QAbstractSpinBox*>(widget->parentWidget()) != nullptr;
    if (inner) continue;
    EXPECT_FALSE(widget->accessibleName().isEmpty())
        << kind.toStdString() << " " << widget->objectName().toStdString() << " in "
        << widget->parentWidget()->metaObject()->className();
  }
  QMap<QString, QString> keys;
  for (auto* action : workbench_->window()->findChildren<QAction*>()) {
    if (action->text().isEmpty() || action->isSeparator()) continue;
    EXPECT_FALSE(action->toolTip().isEmpty()) << action->text().toStdString();
    const QString key = action->shortcut().toString();
    if (key.isEmpty() || action->shortcutContext() != Qt::WindowShortcut) continue;
    EXPECT_FALSE(keys.contains(key)) << key.toStdString() << ": " << action->text().toStdString()
                                     << " and " << keys.value(key).toStdString();
    keys.insert(key, action->text());
  }
}

TEST_F(WorkbenchFlow, EachWorkspaceKeepsItsOwnPanelsAndFitsASmallScreen) {
  auto* window = workbench_->window();
  window->resize(1280, 720);
  const auto shown = [window] {
    QStringList names;
    for (auto* dock : window->findChildren<QDockWidget*>()) {
      if (!dock->isHidden()) names << dock->objectName();
    }
    names.sort();
    return names.join(QLatin1Char(' '));
  };
  const auto go = [&](app::Workspace workspace) {
    window->setWorkspace(workspace);
    QTest::qWait(20);
    EXPECT_LE(window->width(), 1280) << shown().toStdString();
    EXPECT_LE(window->height(), 720) << shown().toStdString();
    return shown();
  };
  drop(checkpoint_);
  drop(transform_);
  const QString run = go(app::Workspace::run);  // while none is there
  const QString edit = go(app::Workspace::edit);
  EXPECT_FALSE(run.contains(QStringLiteral("dock.yaml")));
  EXPECT_FALSE(edit.contains(QStringLiteral("dock.monitor")));
  fillLaunchForm("run-a");
  find<QPushButton>("launch.launch")->click();
  ASSERT_TRUE(waitForState("run-a", engine::RunState::running));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(go(app::Workspace::edit), edit);
    EXPECT_EQ(go(app::Workspace::run), run);
    EXPECT_EQ(go(app::Workspace::compare), QStringLiteral("dock.compare"));
  }
  go(app::Workspace::run);
  const auto* list = find<QTreeView>("runs.list");
  EXPECT_GE(list->visualRect(list->model()->index(0, widgets::RunListModel::kName)).width(),
            list->fontMetrics().horizontalAdvance(QStringLiteral("llama-60m-optical-16")));
  picture("7_small");
}

TEST_F(WorkbenchFlow, LayoutAndRecentFilesAreRemembered) {
  const QString file = QString::fromStdString((folder_ / "settings.ini").string());
  const auto open = [&] {
    return std::make_unique<Workbench>([this]() -> const engine::EngineApi& { return engine_; },
                                       std::make_unique<QSettings>(file, QSettings::IniFormat));
  };
  {
    auto first = open();
    first->start({});
    first->openPaths({QString::fromStdString(checkpoint_.string())});
    ASSERT_TRUE(patient([&] { return first->isSettled(); }));
    first->window()->findChild<QDockWidget*>(QStringLiteral("dock.problems"))->close();
    first->window()->close();
  }
  auto second = open();
  second->start({});
  auto* recent = second->window()->findChild<QWidget*>(QStringLiteral("start.recent"));
  EXPECT_TRUE(recent->isVisible());
  second->openPaths({QString::fromStdString(checkpoint_.string())});
  ASSERT_TRUE(patient([&] { return second->isSettled(); }));
  EXPECT_FALSE(
      second->window()->findChild<QDockWidget*>(QStringLiteral("dock.problems"))->isVisible());
  EXPECT_TRUE(second->window()->findChild<QDockWidget*>(QStringLiteral("dock.rules"))->isVisible());
}

class WorkbenchRefusal : public WorkbenchFlow {
 protected:
  WorkbenchRefusal() : WorkbenchFlow(refusing()) {}
  static tests::FakeRun refusing() {
    tests::FakeRun run;
    engine::Problem problem;
    problem.place.file = "--train_file";
    problem.message = "the text is shorter than one block";
    run.problems = {problem};
    return run;
  }
};

TEST_F(WorkbenchRefusal, StandsBesideTheFieldAndOnTheRun) {
  ASSERT_TRUE(patient([&] { return workbench_->engine().api() != nullptr; }));
  drop(checkpoint_);
  fillLaunchForm("run-a");
  QTest::keyClick(workbench_->window(), Qt::Key_R, Qt::ControlModifier);
  ASSERT_TRUE(waitForState("run-a", engine::RunState::failed));
  EXPECT_TRUE(workbench_->run()
                  ->launchPanel()
                  ->form()
                  ->problemText("train_file")
                  .contains(QStringLiteral("shorter than one block")));
  EXPECT_TRUE(workbench_->run()->monitor()->messages()->isVisible());
}

TEST(WorkbenchWhileTheEngineLoads, TheWindowIsThereAndWorks) {
  tests::ScratchFolder folder;
  const auto checkpoint =
      folder.write("tiny/config.json", tests::sample_config_json()).parent_path();
  tests::FakeEngine engine;
  std::binary_semaphore loaded(0);
  Workbench workbench(
      [&]() -> const engine::EngineApi& {
        loaded.acquire();
        return engine;
      },
      nullptr);
  EXPECT_EQ(workbench.engine().state(), app::EngineLoader::State::waiting);
  workbench.start({});
  ASSERT_TRUE(
      patient([&] { return workbench.engine().state() == app::EngineLoader::State::loading; }));
  EXPECT_TRUE(workbench.window()->isVisible());
  workbench.openPaths({QString::fromStdString(checkpoint.string())});
  ASSERT_TRUE(patient([&] { return workbench.edit()->layers()->model()->rowCount() > 0; }));
  EXPECT_FALSE(workbench.run()->launchPanel()->launchButton()->isEnabled());
  loaded.release();
  ASSERT_TRUE(
      patient([&] { return workbench.engine().state() == app::EngineLoader::State::ready; }));
  EXPECT_TRUE(workbench.run()->launchPanel()->launchButton()->isEnabled());
}

TEST_F(WorkbenchFlow, ARunConfigurationFillsTheFormAndOpensWhatItNames) {
  const auto run_yaml = folder_.write("deep/run.yaml",
                                      "model_name_or_path: tiny\n"
                                      "transform_config: rules.yaml\n"
                                      "train_file: text.txt\n"
                                      "max_steps: 7\n");
  drop(run_yaml);
  ASSERT_TRUE(patient([&] { return workbench_->edit()->view()->has_plan(); }));
  const auto values = workbench_->run()->launchPanel()->form()->values();
  EXPECT_EQ(values.get_int("max_steps"), 7);
  EXPECT_EQ(values.get_text("train_file"), text_.string());
  EXPECT_EQ(values.get_text("transform_config"), transform_.string());
}

TEST(WorkbenchWithoutEngine, EverythingElseWorks) {
  tests::ScratchFolder folder;
  const auto checkpoint =
      folder.write("tiny/config.json", tests::sample_config_json()).parent_path();
  Workbench workbench(
      []() -> const engine::EngineApi& {
        engine::fail("engine-unavailable", {.file = "libparadigm_engine.so"}, "no such file",
                     "Run ./run");
      },
      nullptr);
  workbench.start({});
  ASSERT_TRUE(
      patient([&] { return workbench.engine().state() == app::EngineLoader::State::unavailable; }));
  auto* chip = workbench.window()->findChild<QToolButton*>(QStringLiteral("status.engine"));
  EXPECT_EQ(chip->text(), QStringLiteral("engine: unavailable"));
  EXPECT_TRUE(chip->toolTip().contains(QStringLiteral("no such file")));
  workbench.openPaths({QString::fromStdString(checkpoint.string())});
  ASSERT_TRUE(patient([&] { return workbench.isSettled(); }));
  EXPECT_GT(workbench.edit()->layers()->model()->rowCount(), 0);
  workbench.window()->setWorkspace(app::Workspace::run);
  EXPECT_FALSE(workbench.run()->launchPanel()->launchButton()->isEnabled());
  EXPECT_FALSE(
      workbench.window()->findChild<QLabel*>(QStringLiteral("launch.reason"))->text().isEmpty());
}

}  // namespace
