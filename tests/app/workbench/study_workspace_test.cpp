// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/study_workspace.h"

#include "app/workbench/main_window.h"
#include "app/workbench/run_workspace.h"
#include "app/workbench/workbench.h"
#include "engine/config/param_schema.h"
#include "engine/runs/run_catalog.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"
#include "tests/widgets/sample_plan.h"
#include "widgets/models/study_model.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/study_panel.h"

#include <QAbstractItemModelTester>
#include <QComboBox>
#include <QLabel>
#include <QPushButton>
#include <QSettings>
#include <QTableView>
#include <QTest>

#include <gtest/gtest.h>

namespace {

using engine::RunState;

template <class Condition>
bool patient(Condition condition) {
  return QTest::qWaitFor(condition, 30000);
}

class StudyWorkspaceTest : public testing::Test {
 protected:
  StudyWorkspaceTest() {
    const auto model = folder_.write("tiny/config.json", tests::sample_config_json()).parent_path();
    folder_.write("text.txt", "some words to learn\n");
    folder_.write("run.yaml", "model_name_or_path: " + model.string() +
                                  "\ntrain_file: " + (folder_ / "text.txt").string() +
                                  "\nblock_size: 16\nmax_steps: 20\nlogging_steps: 1\n");
    study_ = folder_.write("study.yaml", study_text());
    workbench_ = std::make_unique<app::Workbench>(
        [this]() -> const engine::EngineApi& { return engine_; }, nullptr);
    workbench_->start({});
    EXPECT_TRUE(patient([&] { return workbench_->engine().api() != nullptr; }));
  }
  std::string study_text() const {
    return "base: " + (folder_ / "run.yaml").string() +
           "\noutput_dir: " + (folder_ / "out").string() +
           "\nmetric: loss\naxes:\n  learning_rate: [1.0e-3, 1.0e-4]\nseeds: [7, 8]\n";
  }
  void open() {
    workbench_->openPaths({QString::fromStdString(study_.string())});
    ASSERT_TRUE(patient([&] { return workbench_->isSettled(); }));
  }
  widgets::StudyModel* model() { return workbench_->study()->panel()->model(); }
  QString text(int row, int column) { return model()->index(row, column).data().toString(); }
  QString summary() {
    return workbench_->window()->findChild<QLabel*>(QStringLiteral("study.summary"))->text();
  }

  tests::ScratchFolder folder_;
  tests::FakeEngine engine_;
  std::filesystem::path study_;
  std::unique_ptr<app::Workbench> workbench_;
};

TEST_F(StudyWorkspaceTest, ShowsEveryRunAndRunsWhatIsMissing) {
  QAbstractItemModelTester tester(model(), QAbstractItemModelTester::FailureReportingMode::Fatal);
  // One run is there already.
  engine::RunConfig config;
  config.output_dir = (folder_ / "out/learning_rate-1.0e-3-seed7").string();
  config.model_name_or_path = (folder_ / "tiny").string();
  config.train_file = (folder_ / "text.txt").string();
  config.block_size = 16;
  config.max_steps = 20;
  config.logging_steps = 1;
  config.learning_rate = 1e-3;
  config.seed = 7;
  engine::RunControl control;
  engine_.train(config, control);
  open();
  ASSERT_EQ(model()->rowCount(), 2);
  ASSERT_EQ(model()->columnCount(), 3);
  EXPECT_EQ(text(0, 0), QString::number(tests::fake_loss(20), 'f', 4));
  EXPECT_EQ(text(0, 1), QStringLiteral("missing"));
  EXPECT_TRUE(summary().contains(QStringLiteral("1 of 4 runs finished, 3 to be run")))
      << summary().toStdString();

  auto* place = workbench_->window()->findChild<QComboBox*>(QStringLiteral("study.place"));
  place->setCurrentIndex(place->findText(QStringLiteral("in this window")));
  auto* run = workbench_->window()->findChild<QPushButton*>(QStringLiteral("study.run"));
  EXPECT_TRUE(run->text().contains(QLatin1Char('3')));
  run->click();
  ASSERT_TRUE(patient([&] { return model()->count(RunState::finished) == 4; }));
  ASSERT_TRUE(patient([&] { return summary().contains(QStringLiteral("4 of 4")); }));
  EXPECT_FALSE(run->isEnabled());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/study.yaml"));

  // A click on a field shows its run.
  auto* grid = workbench_->study()->panel()->grid();
  const auto field = model()->index(1, 1);
  QTest::mouseClick(grid->viewport(), Qt::LeftButton, {}, grid->visualRect(field).center());
  EXPECT_EQ(workbench_->selection()->run(),
            QString::fromStdString((folder_ / "out/learning_rate-1.0e-4-seed8").string()));
}

TEST_F(StudyWorkspaceTest, TheLaunchOptionRunsWhatAnOpenedStudyMisses) {
  workbench_ = std::make_unique<app::Workbench>(
      [this]() -> const engine::EngineApi& { return engine_; }, nullptr);
  workbench_->study()
      ->panel()
      ->findChild<QComboBox*>(QStringLiteral("study.place"))
      ->setCurrentIndex(1);
  app::ProgramOptions options;
  options.open << QString::fromStdString(study_.string());
  options.launch = true;
  workbench_->start(options);
  EXPECT_TRUE(patient([&] { return model()->count(RunState::finished) == 4; }));
}

TEST_F(StudyWorkspaceTest, ARunOfAnotherStudyIsNamedAndNeverTakenForOurs) {
  engine::RunConfig config;
  config.output_dir = (folder_ / "out/learning_rate-1.0e-3-seed7").string();
  config.max_steps = 20;
  config.learning_rate = 5e-2;
  config.seed = 7;
  engine::RunControl control;
  engine_.train(config, control);
  open();
  auto* messages = workbench_->study()->panel()->messages();
  EXPECT_TRUE(messages->text().contains(QStringLiteral("learning_rate was 0.05")))
      << messages->text().toStdString();
  workbench_->window()->findChild<QPushButton*>(QStringLiteral("study.run"))->click();
  ASSERT_TRUE(patient([&] { return messages->isVisible(); }));
  QTest::qWait(100);
  EXPECT_EQ(engine::find_runs(folder_ / "out").size(), 1u) << "nothing was started";
}

TEST_F(StudyWorkspaceTest, ItsRunsApplyTheTransformAsItWasWhenTheyWereQueued) {
  const auto rules = [](int levels) {
    return "layer_name_to_config:\n  default: {q_levels: " + std::to_string(levels) + "}\n";
  };
  const auto file = folder_.write("rules.yaml", rules(64));
  folder_.write("study.yaml", study_text() + "set: {transform_config: " + file.string() + "}\n");
  open();
  folder_.write("rules.yaml", rules(16));  // nothing is queued yet: this is what is asked for
  auto* queue = workbench_->run()->scheduler()->queue();
  queue->hold(true);
  workbench_->window()->findChild<QPushButton*>(QStringLiteral("study.run"))->click();
  ASSERT_TRUE(patient([&] { return queue->runs().size() == 4; }));
  folder_.write("rules.yaml", rules(2));
  for (const auto& run : queue->runs()) {
    const auto copy = std::get<std::string>(run.request.values.get("transform_config"));
    EXPECT_EQ(copy.find((folder_ / "out/transforms").string()), 0u) << copy;
    EXPECT_EQ(tests::content_of(copy), rules(16));
  }
  open();
  const QString said = workbench_->study()->panel()->messages()->text();
  EXPECT_TRUE(said.contains(QStringLiteral("has changed since the study was first run")))
      << said.toStdString();
}

TEST_F(StudyWorkspaceTest, AStudyThatIsWrongIsNotOpenedAndSaysWhereItIs) {
  folder_.write("study.yaml", "base: " + (folder_ / "run.yaml").string() +
                                  "\naxes:\n  learning_rat: [1]\nseeds: [7]\n");
  open();
  const QString said = workbench_->window()->messages()->text();
  EXPECT_TRUE(said.contains(QStringLiteral("learning_rat"))) << said.toStdString();
  EXPECT_EQ(model()->rowCount(), 0);
}

}  // namespace
