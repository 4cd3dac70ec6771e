// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/compare_workspace.h"

#include "engine/runs/run_folder.h"
#include "engine/runs/run_writer.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"
#include "widgets/models/comparison_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/compare_panel.h"
#include "widgets/panels/message_bar.h"

#include <QSettings>
#include <QTest>

#include <gtest/gtest.h>

namespace {

using app::CompareWorkspace;
using tests::SampleRun;
using tests::ScratchFolder;

QString qt(const std::filesystem::path& path) { return QString::fromStdString(path.string()); }

struct Shown {
  widgets::Selection selection;
  widgets::ComparePanel panel{&selection};
  CompareWorkspace workspace;

  explicit Shown(QSettings* settings = nullptr) : workspace(&panel, settings) {
    panel.resize(900, 700);
    panel.show();
  }
  bool settles(int rows) {
    return QTest::qWaitFor(
        [&] { return workspace.isSettled() && panel.model()->rowCount() == rows; }, 20000);
  }
};

TEST(CompareWorkspace, ReadsFoldersOfRunsAndForeignLogs) {
  const ScratchFolder folder;
  for (const int seed : {1, 2, 3})
    tests::write_sample_run(folder / ("runs/r" + std::to_string(seed)), {.seed = seed});
  folder.write("baseline.csv", "step,loss\n1,3\n100,2\n");
  Shown shown;
  shown.workspace.addPaths({qt(folder / "runs")});
  shown.workspace.addPaths({qt(folder / "baseline.csv")});
  ASSERT_TRUE(shown.settles(4));
  shown.workspace.addPaths({qt(folder / "runs/r2")});
  ASSERT_TRUE(shown.settles(4)) << "a run is read once";
}

TEST(CompareWorkspace, BadFilesAreNamedAndTheRestIsShown) {
  const ScratchFolder folder;
  tests::write_sample_run(folder / "a", {});
  folder.write("bad.csv", "epoch,loss\n1,2\n");
  Shown shown;
  shown.workspace.addPaths({qt(folder / "bad.csv"), qt(folder / "a")});
  ASSERT_TRUE(shown.settles(1));
  EXPECT_TRUE(shown.panel.messages()->text().contains(QStringLiteral("no step column")))
      << shown.panel.messages()->text().toStdString();
}

TEST(CompareWorkspace, PlainRunIsTheBaselineUntilOneIsChosen) {
  const ScratchFolder folder;
  SampleRun optical;
  optical.transform = "layer_name_to_config:\n  default: {q_levels: 16}\n";
  tests::write_sample_run(folder / "a", optical);
  tests::write_sample_run(folder / "b", {});
  Shown shown;
  shown.workspace.addPaths({qt(folder.path())});
  ASSERT_TRUE(shown.settles(2));
  EXPECT_EQ(shown.panel.model()->baseline(), 1);
  shown.panel.setBaseline(widgets::run_key(*shown.workspace.runs()[0]));
  ASSERT_TRUE(QTest::qWaitFor([&] { return shown.panel.model()->baseline() == 0; }, 10000));
}

TEST(CompareWorkspace, RunsThatStillTrainKeepGrowing) {
  const ScratchFolder folder;
  tests::write_sample_run(folder / "a", {});
  SampleRun growing{.steps = 50};
  growing.ends = false;
  tests::write_sample_run(folder / "b", growing);
  const auto lock = engine::RunLock::acquire(folder / "b");
  engine::RunWriter writer(engine::RunFolder{folder / "b"});
  writer.set_status(engine::RunState::running, 50, 100);
  Shown shown;
  shown.workspace.addPaths({qt(folder.path())});
  ASSERT_TRUE(shown.settles(2));
  engine::StepLogged step;
  step.step = 51;
  step.loss = 1.25;
  writer.write(step);
  EXPECT_TRUE(QTest::qWaitFor(
      [&] {
        const auto curve = shown.workspace.runs()[1]->metrics.find("loss");
        return curve && curve->step.back() == 51;
      },
      10000));
}

TEST(CompareWorkspace, ColoursStayOverRestarts) {
  const ScratchFolder folder;
  for (const char* name : {"a", "b", "c"}) tests::write_sample_run(folder / name, {});
  QSettings settings(qt(folder / "settings.ini"), QSettings::IniFormat);
  std::vector<int> before;
  {
    Shown shown(&settings);
    shown.workspace.addPaths({qt(folder.path())});
    ASSERT_TRUE(shown.settles(3));
    before = shown.panel.model()->view()->colors;
  }
  Shown again(&settings);
  again.workspace.addPaths({qt(folder / "c")});
  again.workspace.addPaths({qt(folder / "a")});
  ASSERT_TRUE(again.settles(2));
  EXPECT_EQ(again.panel.model()->view()->colors, (std::vector<int>{before[2], before[0]}));
}

}  // namespace
