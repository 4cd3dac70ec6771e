// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_queue.h"

#include <QAbstractItemModelTester>
#include <QMimeData>
#include <QSignalSpy>

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace widgets {
namespace {

QueuedRun queued(const QString& name, LaunchPlace place = LaunchPlace::in_window) {
  QueuedRun run;
  run.folder = QStringLiteral("/runs/") + name;
  run.device = QStringLiteral("cpu");
  run.request.place = place;
  run.request.values.set("output_dir", run.folder.toStdString());
  run.request.values.set("learning_rate", 1e-5);
  run.request.values.set("max_steps", std::int64_t{200});
  run.request.values.set("train_file", std::string("a 'quoted' name, with \"both\".txt"));
  return run;
}

QString names(const RunQueue& queue) {
  QStringList all;
  for (const auto& run : queue.runs()) all << run.folder.section(QLatin1Char('/'), -1);
  return all.join(QLatin1Char(' '));
}

TEST(RunQueue, RowsAreMovedByDroppingThemBetweenOthers) {
  RunQueue queue;
  QAbstractItemModelTester tester(&queue, QAbstractItemModelTester::FailureReportingMode::Fatal);
  for (const char* name : {"a", "b", "c", "d"}) queue.add(queued(QLatin1String(name)));
  QSignalSpy changes(&queue, &RunQueue::changed);
  const auto drop = [&](int from, int before) {
    const std::unique_ptr<QMimeData> data(queue.mimeData({queue.index(from, 0)}));
    EXPECT_FALSE(queue.dropMimeData(data.get(), Qt::MoveAction, before, 0, {}))
        << "the view would remove the row that it dragged";
  };
  drop(3, 1);
  EXPECT_EQ(names(queue), QStringLiteral("a d b c"));
  drop(0, 4);
  EXPECT_EQ(names(queue), QStringLiteral("d b c a"));
  EXPECT_EQ(changes.size(), 2);
  drop(1, 2);  // where it stands
  EXPECT_EQ(changes.size(), 2);
  QMimeData other;
  other.setText(QStringLiteral("/runs/a"));
  EXPECT_FALSE(queue.dropMimeData(&other, Qt::MoveAction, 0, 0, {}));
  EXPECT_EQ(names(queue), QStringLiteral("d b c a"));
}

TEST(RunQueue, SaysWhatARunIsToTrain) {
  RunQueue queue;
  const auto said = [&queue](QueuedRun run) {
    queue.add(std::move(run));
    QStringList cells;
    for (const int column : {RunQueue::kTransform, RunQueue::kLength, RunQueue::kPlace}) {
      cells << queue.index(queue.rowCount() - 1, column).data().toString();
    }
    return cells.join(QStringLiteral(" | "));
  };
  QueuedRun run = queued(QStringLiteral("a"));
  EXPECT_EQ(said(run), QStringLiteral("as its checkpoint | 200 | cpu, this window"));
  run.request.values.set("transform_config", std::string("none"));
  run.request.values.set("max_steps", std::int64_t{-1});
  run.request.values.set("num_train_epochs", 2.5);
  run.device = QStringLiteral("auto");
  EXPECT_EQ(said(run), QStringLiteral("plain | 2.5 epochs | auto, this window"));
  queue.setAutomaticDevice(QStringLiteral("cuda:0"));
  run.request.values.set("transform_config", std::string("configs/optical.v2.yaml"));
  run.request.prediction = {.step_seconds = 1, .seconds = 190};
  run.request.place = LaunchPlace::separate_process;
  EXPECT_EQ(said(run), QStringLiteral("optical.v2 | 2.5 epochs, 3 min 10 s | cuda:0, own process"));
}

TEST(RunQueue, RandomMovesKeepEveryRun) {
  RunQueue queue;
  QAbstractItemModelTester tester(&queue, QAbstractItemModelTester::FailureReportingMode::Fatal);
  QStringList wanted;
  for (int i = 0; i < 6; ++i) {
    queue.add(queued(QString::number(i)));
    wanted << QString::number(i);
  }
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    const int from = static_cast<int>(random() % 6);
    const int to = static_cast<int>(random() % 7);
    queue.move(from, to);
    wanted.move(from, to > from ? to - 1 : to);
    ASSERT_EQ(names(queue), wanted.join(QLatin1Char(' '))) << from << " before " << to;
  }
}

TEST(RunQueue, ItsTextBringsEverythingBack) {
  RunQueue queue;
  queue.add(queued(QStringLiteral("a")));
  queue.add(queued(QStringLiteral("b"), LaunchPlace::separate_process));
  QueuedRun resumed = queued(QStringLiteral("c"));
  resumed.resumes = true;
  resumed.request.prediction = engine::CostPrediction{
      .step_seconds = 0.25, .seconds = 50, .peak_bytes = 1 << 30, .checkpoint_bytes = -1};
  queue.add(resumed);
  queue.setContinuesOnError(false);
  queue.hold(true, QStringLiteral("b failed"));

  std::vector<engine::Problem> problems;
  RunQueue again;
  again.setContent(
      read_run_queue(to_json(queue.content()), QStringLiteral("queue.json"), problems));
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(names(again), QStringLiteral("a b c"));
  EXPECT_TRUE(again.isHeld());
  EXPECT_EQ(again.whyHeld(), QStringLiteral("b failed"));
  EXPECT_FALSE(again.continuesOnError());
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(again.runs()[i].request.values.same_values(queue.runs()[i].request.values)) << i;
    EXPECT_EQ(again.runs()[i].request.place, queue.runs()[i].request.place) << i;
  }
  EXPECT_TRUE(again.runs()[2].resumes);
  ASSERT_TRUE(again.runs()[2].request.prediction);
  EXPECT_EQ(again.runs()[2].request.prediction->peak_bytes, 1 << 30);
  EXPECT_EQ(again.runs()[2].request.prediction->step_seconds, 0.25);
}

TEST(RunQueue, WhatCannotBeReadIsNamedAndTheRestIsKept) {
  std::vector<engine::Problem> problems;
  EXPECT_TRUE(read_run_queue("{\"runs\": [", QStringLiteral("q"), problems).runs.empty());
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].message.find("cannot be read"), std::string::npos);

  problems.clear();
  RunQueue queue;
  queue.add(queued(QStringLiteral("good")));
  QByteArray text = to_json(queue.content());
  text.replace("\"runs\": [",
               "\"runs\": [{\"folder\": \"/runs/bad\", \"settings\": "
               "{\"learning_rat\": \"1\", \"max_steps\": \"many\"}}, 7, ");
  const auto content = read_run_queue(text, QStringLiteral("q"), problems);
  ASSERT_EQ(content.runs.size(), 1u);
  EXPECT_EQ(content.runs[0].folder, QStringLiteral("/runs/good"));
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_NE(problems[0].message.find("learning_rat"), std::string::npos);
}

}  // namespace
}  // namespace widgets
