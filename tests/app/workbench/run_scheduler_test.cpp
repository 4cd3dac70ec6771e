// SPDX-License-Identifier: GPL-3.0-or-later
// Runs that wait for their turn, with an engine that trains nothing.
#include "app/workbench/run_scheduler.h"

#include "app/workbench/main_window.h"
#include "app/workbench/run_workspace.h"
#include "app/workbench/workbench.h"
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "engine/runs/run_catalog.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"
#include "widgets/panels/compare_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_monitor_panel.h"

#include <QApplication>
#include <QFile>
#include <QMessageBox>
#include <QSettings>
#include <QTest>
#include <QTimer>
#include <QToolButton>
#include <QTreeView>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

namespace {

using app::Workbench;
using engine::RunState;

template <class Condition>
bool patient(Condition condition) {
  return QTest::qWaitFor(condition, 30000);
}

class RunSchedulerTest : public testing::Test {
 protected:
  RunSchedulerTest() { open(); }

  void open() {
    workbench_ = std::make_unique<Workbench>(
        [this]() -> const engine::EngineApi& { return engine_; },
        std::make_unique<QSettings>(QString::fromStdString((folder_ / "data/w.ini").string()),
                                    QSettings::IniFormat));
    workbench_->start({});
    EXPECT_TRUE(patient([&] { return workbench_->engine().api() != nullptr; }));
  }
  app::RunWorkspace* runs() { return workbench_->run(); }
  widgets::RunQueue* queue() { return runs()->scheduler()->queue(); }
  QString path(const char* name) { return QString::fromStdString((folder_ / name).string()); }
  QString enqueue(const char* name, std::int64_t steps = 100000, const char* device = "auto") {
    widgets::LaunchRequest request;
    if (!transform_.empty()) request.values.set("transform_config", transform_);
    request.values.set("output_dir", (folder_ / name).string());
    request.values.set("max_steps", steps);
    request.values.set("logging_steps", std::int64_t{1});
    request.values.set("device", std::string(device));
    return runs()->enqueue(request);
  }
  RunState state(const char* name) {
    const auto* run = runs()->store().find(path(name));
    return run == nullptr ? RunState::unknown : run->state;
  }
  bool reaches(const char* name, RunState wanted) {
    return patient([&] { return state(name) == wanted; });
  }
  QString waitsFor(int row) {
    return queue()->index(row, widgets::RunQueue::kWaitsFor).data().toString();
  }
  void stop(const char* name) { runs()->carryOut(widgets::RunAction::stop, path(name)); }

  static tests::FakeRun steady() {
    tests::FakeRun run;
    run.step_time = std::chrono::milliseconds(2);
    return run;
  }

  tests::ScratchFolder folder_;
  std::string transform_;  ///< of the runs that are queued from now on
  tests::FakeEngine engine_{steady()};
  std::unique_ptr<Workbench> workbench_;
};

TEST_F(RunSchedulerTest, ReplicasThatTheComparisonAsksForAreQueued) {
  enqueue("a");
  ASSERT_TRUE(reaches("a", RunState::running));
  std::vector<engine::ParamValues> replicas(2);
  for (const int seed : {1, 2}) {
    auto& values = replicas[static_cast<std::size_t>(seed - 1)];
    values.set("output_dir", (folder_ / ("replica-" + std::to_string(seed))).string());
    values.set("max_steps", std::int64_t{20});
    values.set("seed", std::int64_t{seed});
  }
  auto* panel = workbench_->window()->findChild<widgets::ComparePanel*>();
  ASSERT_NE(panel, nullptr);
  Q_EMIT panel->replicasRequested(replicas);
  EXPECT_EQ(state("replica-1"), RunState::queued);
  EXPECT_EQ(state("replica-2"), RunState::queued);
  EXPECT_EQ(panel->messages()->text(), QStringLiteral("2 runs are queued."));
  Q_EMIT panel->replicasRequested(replicas);
  EXPECT_NE(panel->messages()->text(), QStringLiteral("2 runs are queued."))
      << "they wait already, and that is said";
  stop("a");
  EXPECT_TRUE(reaches("replica-2", RunState::finished));
}

TEST_F(RunSchedulerTest, OneAfterTheOtherOnADeviceInTheOrderThatDraggingMade) {
  EXPECT_EQ(enqueue("a"), path("a"));
  ASSERT_TRUE(reaches("a", RunState::running));
  enqueue("b", 20);
  enqueue("c", 20);
  EXPECT_EQ(state("b"), RunState::queued);
  EXPECT_EQ(waitsFor(0), QStringLiteral("a in this window"));
  EXPECT_EQ(waitsFor(1), QStringLiteral("a in this window"));
  EXPECT_THROW(enqueue("b"), engine::Error) << "the folder waits already";
  EXPECT_THROW(enqueue("a"), engine::Error) << "the folder is in use";
  EXPECT_FALSE(QFile::exists(path("b"))) << "nothing is written before its turn";

  auto* list = workbench_->window()->findChild<QTreeView*>(QStringLiteral("queue.list"));
  ASSERT_NE(list, nullptr);
  if (const char* folder = std::getenv("PARADIGM_SCREENSHOTS")) {
    workbench_->window()->setWorkspace(app::Workspace::run);
    workbench_->window()->raisePanel(QStringLiteral("queue"));
    list->setCurrentIndex(queue()->index(0, 0));
    QTest::qWait(300);
    workbench_->window()->grab().save(QString::fromUtf8(folder) + QStringLiteral("/queue.png"));
  }
  queue()->move(1, 0);
  runs()->scheduler()->startNow(path("c"));
  EXPECT_EQ(state("c"), RunState::queued) << "one run at a time in this window";
  EXPECT_TRUE(runs()->monitor()->messages()->text().contains(QStringLiteral("waits for a")));
  stop("a");
  ASSERT_TRUE(reaches("c", RunState::finished));
  ASSERT_TRUE(reaches("b", RunState::finished));
  EXPECT_TRUE(queue()->isEmpty());
  EXPECT_LT(engine::summarize_run((folder_ / "c").string()).started_at,
            engine::summarize_run((folder_ / "b").string()).started_at);
}

TEST_F(RunSchedulerTest, EachDeviceTrainsARunInThisWindow) {
  enqueue("a");
  enqueue("b", 100000, "cuda:0");
  ASSERT_TRUE(reaches("a", RunState::running));
  ASSERT_TRUE(reaches("b", RunState::running));
  enqueue("c", 20, "cuda");
  enqueue("d", 20, "cpu");
  EXPECT_EQ(waitsFor(0), QStringLiteral("b in this window"));
  EXPECT_EQ(waitsFor(1), QStringLiteral("a in this window"));
  stop("b");
  ASSERT_TRUE(reaches("c", RunState::finished)) << "its device is free";
  EXPECT_EQ(state("a"), RunState::running);
  EXPECT_EQ(state("d"), RunState::queued) << "and d's is not";
  stop("a");
  ASSERT_TRUE(reaches("d", RunState::finished));
}

TEST_F(RunSchedulerTest, ClosingSavesEveryRunOfTheWindow) {
  enqueue("a");
  enqueue("b", 100000, "cuda:0");
  ASSERT_TRUE(reaches("a", RunState::running));
  ASSERT_TRUE(reaches("b", RunState::running));
  QTimer::singleShot(50, [] {
    auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
    ASSERT_NE(box, nullptr);
    EXPECT_EQ(box->text(), QStringLiteral("a, b are training in this window and end with it."));
    QTest::mouseClick(box->findChild<QAbstractButton*>(QStringLiteral("close_question.stop")),
                      Qt::LeftButton);
  });
  workbench_->window()->close();
  ASSERT_TRUE(patient([&] { return !workbench_->window()->isVisible(); }));
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(engine::observe_state(folder_ / name).state, RunState::stopped);
  }
}

TEST_F(RunSchedulerTest, ARunWithoutAFolderGetsOneAndSeveralASecondAreToldApart) {
  widgets::LaunchRequest request;
  request.values.set("model_name_or_path", (folder_ / "tiny").string());
  request.values.set("output_dir", (folder_ / "busy").string());
  request.values.set("max_steps", std::int64_t{100000});
  runs()->enqueue(request);
  request.values = {};
  request.values.set("model_name_or_path", (folder_ / "tiny").string());
  QSet<QString> folders;
  for (int i = 0; i < 3; ++i) folders << runs()->enqueue(request);
  EXPECT_EQ(folders.size(), 3);
  for (const QString& folder : folders) runs()->scheduler()->remove(folder);
  EXPECT_TRUE(queue()->isEmpty());
  EXPECT_EQ(runs()->store().runs().size(), 1u) << "runs that never began leave no trace";
  stop("busy");
  ASSERT_TRUE(reaches("busy", RunState::stopped));
}

TEST_F(RunSchedulerTest, ADeviceIsAlsoTakenByARunThatSomebodyElseStarted) {
  engine::RunConfig other;
  other.output_dir = (folder_ / "other").string();
  other.max_steps = 100000;
  engine::RunControl control;
  std::jthread training([&] { engine_.train(other, control); });
  ASSERT_TRUE(patient([&] { return QFile::exists(path("other/status.json")); }));
  runs()->open(path("other"));
  ASSERT_TRUE(reaches("other", RunState::running));
  enqueue("a");
  EXPECT_EQ(state("a"), RunState::queued);
  EXPECT_EQ(waitsFor(0), QStringLiteral("other"));
  runs()->scheduler()->startNow(path("a"));
  ASSERT_TRUE(reaches("a", RunState::running));
  enqueue("b", 10);
  stop("a");
  ASSERT_TRUE(reaches("a", RunState::stopped));
  EXPECT_EQ(state("b"), RunState::queued) << "the other run still has the device";
  control.request(engine::RunRequest::stop);
  ASSERT_TRUE(reaches("b", RunState::finished));
}

TEST_F(RunSchedulerTest, TheQueueSurvivesARestartAndGoesOn) {
  enqueue("a");
  ASSERT_TRUE(reaches("a", RunState::running));
  enqueue("b", 20);
  enqueue("c", 20);
  queue()->move(1, 0);
  workbench_.reset();  // as a crash does: nobody is asked, the run in the window ends
  EXPECT_FALSE(QFile::exists(path("b")));
  open();
  EXPECT_NE(runs()->store().find(path("a")), nullptr) << "found again";
  ASSERT_TRUE(reaches("b", RunState::finished));
  ASSERT_TRUE(reaches("c", RunState::finished));
  ASSERT_TRUE(reaches("a", RunState::stopped));
}

TEST_F(RunSchedulerTest, AHeldQueueStaysHeldOverARestart) {
  queue()->hold(true);
  enqueue("a", 20);
  EXPECT_EQ(state("a"), RunState::queued);
  EXPECT_EQ(waitsFor(0), QStringLiteral("the queue to go on"));
  workbench_.reset();
  open();
  EXPECT_TRUE(queue()->isHeld());
  EXPECT_EQ(state("a"), RunState::queued);
  auto* hold = workbench_->window()->findChild<QToolButton*>(QStringLiteral("queue.hold"));
  EXPECT_TRUE(hold->isChecked());
  hold->click();
  ASSERT_TRUE(reaches("a", RunState::finished));
}

TEST_F(RunSchedulerTest, ASecondWindowLeavesTheKeptQueueAlone) {
  queue()->hold(true);
  enqueue("a", 20);
  auto first = std::move(workbench_);
  open();
  EXPECT_TRUE(queue()->isEmpty());
  workbench_.reset();
  first.reset();
  open();
  ASSERT_EQ(queue()->rowCount(), 1);
  EXPECT_EQ(queue()->runs()[0].folder, path("a"));
}

TEST_F(RunSchedulerTest, AnEditOfTheTransformDoesNotReachARunThatWaits) {
  const std::string asked_for = "layer_name_to_config:\n  default: {q_levels: 64}\n";
  const auto file = folder_.write("rules.yaml", asked_for);
  const auto transform_of = [&](const char* run) {
    std::vector<engine::Problem> problems;
    const auto settings =
        engine::parse_run_yaml(tests::content_of(folder_ / run / "run.yaml"), "run.yaml", problems);
    return std::get<std::string>(settings.get("transform_config"));
  };
  transform_ = file.string();
  queue()->hold(true);
  enqueue("a", 20);
  enqueue("b", 20);
  enqueue("dropped", 20);
  runs()->scheduler()->remove(path("dropped"));
  workbench_.reset();
  open();
  folder_.write("rules.yaml", "layer_name_to_config:\n  default: {q_levels: 2}\n");
  enqueue("c", 20);
  QString said;
  QObject::connect(runs()->scheduler(), &app::RunScheduler::failed,
                   [&said, this](const QString&, const engine::Problem&) {
                     said += runs()->monitor()->messages()->text();
                   });
  queue()->hold(false);
  ASSERT_TRUE(reaches("c", RunState::finished));
  for (const char* run : {"a", "b"}) {
    EXPECT_EQ(state(run), RunState::finished);
    EXPECT_NE(transform_of(run), file.string()) << run;
    EXPECT_EQ(std::filesystem::path(transform_of(run)).filename(), "rules.yaml");
    EXPECT_EQ(tests::content_of(transform_of(run)), asked_for) << run;
  }
  EXPECT_TRUE(said.contains(QStringLiteral("has changed since"))) << said.toStdString();
  EXPECT_EQ(transform_of("c"), file.string()) << "what has not changed is named as it was";
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "data/transforms/queued"))
      << "what waits no more is not kept";
}

class FailingRuns : public RunSchedulerTest {
 protected:
  FailingRuns() {
    workbench_.reset();
    tests::FakeRun run = steady();
    run.fail_at = 5;
    engine_ = tests::FakeEngine(run);
    open();
  }
};

TEST_F(FailingRuns, AreFollowedByTheNextOrHoldTheQueue) {
  enqueue("a", 20);
  enqueue("b", 20);
  ASSERT_TRUE(reaches("b", RunState::failed)) << "the queue goes on when a run fails";
  EXPECT_EQ(state("a"), RunState::failed);

  queue()->setContinuesOnError(false);
  enqueue("c", 20);
  enqueue("d", 20);
  ASSERT_TRUE(reaches("c", RunState::failed))
      << to_string(state("c")) << "; held: " << queue()->whyHeld().toStdString() << "; waits for "
      << waitsFor(0).toStdString();
  ASSERT_TRUE(patient([&] { return queue()->isHeld(); }));
  EXPECT_EQ(queue()->whyHeld(), QStringLiteral("c failed"));
  EXPECT_EQ(state("d"), RunState::queued);
}

}  // namespace
