// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/detached_runs.h"

#include "tests/support/scratch_folder.h"

#include <QFile>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace {

QString path_of(const std::filesystem::path& path) { return QString::fromStdString(path.string()); }

TEST(DetachedRuns, FindsTheProgramBesideTheWorkbench) {
  EXPECT_TRUE(app::paradigm_program().endsWith(QStringLiteral("/bin/paradigm")))
      << app::paradigm_program().toStdString();
}

TEST(DetachedRuns, KeepWhatTheProcessWroteAndTellThatItIsGone) {
  tests::ScratchFolder folder;
  app::DetachedRuns runs(path_of(folder / "data"));
  QSignalSpy gone(&runs, &app::DetachedRuns::gone);
  const QString run = path_of(folder / "run");
  EXPECT_TRUE(runs.outputTail(run).isEmpty());
  runs.start(run, {"paradigm", "train", "--learning_rat", "1", "--output_dir", run.toStdString()});
  EXPECT_TRUE(runs.isStarting(run));
  ASSERT_TRUE(QTest::qWaitFor([&] { return !gone.isEmpty(); }, 30000));
  EXPECT_EQ(gone.first().first().toString(), run);
  EXPECT_FALSE(runs.isStarting(run));
  EXPECT_TRUE(runs.outputTail(run).contains(QStringLiteral("learning_rat")))
      << runs.outputTail(run).toStdString();
  EXPECT_NE(runs.outputFile(run), runs.outputFile(path_of(folder / "other/run")))
      << "runs of one name are told apart";
}

TEST(DetachedRuns, TheTailIsTheLastLinesAsATerminalWouldShowThem) {
  tests::ScratchFolder folder;
  app::DetachedRuns runs(path_of(folder.path()));
  const QString run = path_of(folder / "run");
  std::filesystem::create_directories(folder / "output");
  QFile file(runs.outputFile(run));
  ASSERT_TRUE(file.open(QIODevice::WriteOnly));
  for (int i = 0; i < 3000; ++i) file.write(QByteArray::number(i) + " of many\n");
  file.write("  1 %\r 50 %\r 99 %\n\nerror: out of memory\n");
  file.flush();
  const QStringList lines = runs.outputTail(run).split(QLatin1Char('\n'));
  ASSERT_EQ(lines.size(), 5);
  EXPECT_EQ(lines.last(), QStringLiteral("error: out of memory"));
  EXPECT_EQ(lines[3], QStringLiteral("99 %"));
  EXPECT_EQ(lines[2], QStringLiteral("2999 of many"));
  file.write("--- 2026-11-26T03:00:00\n");
  file.flush();
  EXPECT_TRUE(runs.outputTail(run).isEmpty()) << "an earlier process wrote that";
}

}  // namespace
