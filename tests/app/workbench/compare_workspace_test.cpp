// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/compare_workspace.h"

#include "engine/runs/run_folder.h"
#include "engine/runs/run_writer.h"
#include "tests/support/program_run.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"
#include "widgets/models/comparison_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/compare_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/custom_plot.h"

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QSettings>
#include <QSpinBox>
#include <QTest>
#include <QToolButton>

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

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
    before = shown.panel.model()->view()->comparison.options.looks;
  }
  Shown again(&settings);
  again.workspace.addPaths({qt(folder / "c")});
  again.workspace.addPaths({qt(folder / "a")});
  ASSERT_TRUE(again.settles(2));
  EXPECT_EQ(again.panel.model()->view()->comparison.options.looks,
            (std::vector<int>{before[2], before[0]}));
}

TEST(CompareWorkspace, ChoicesComeBackAfterARestart) {
  const ScratchFolder folder;
  for (const char* name : {"a", "b"}) tests::write_sample_run(folder / "runs" / name, {});
  QSettings settings(qt(folder / "settings.ini"), QSettings::IniFormat);
  const auto choose = [](widgets::ComparePanel& panel, const char* box, const QString& text) {
    auto* choice = panel.findChild<QComboBox*>(QLatin1String(box));
    choice->setCurrentText(text);
    Q_EMIT choice->activated(choice->currentIndex());
  };
  {
    Shown shown(&settings);
    shown.workspace.addPaths({qt(folder / "runs")});
    ASSERT_TRUE(shown.settles(2));
    choose(shown.panel, "compare.metric", QStringLiteral("grad_norm"));
    choose(shown.panel, "compare.statistic", QStringLiteral("mean:7"));
    choose(shown.panel, "compare.axis", QStringLiteral("over tokens"));
    shown.panel.findChild<QToolButton*>(QStringLiteral("compare.grouped"))->setChecked(false);
    shown.panel.findChild<QToolButton*>(QStringLiteral("compare.log_x"))->setChecked(true);
    shown.panel.findChild<QSpinBox*>(QStringLiteral("compare.half_life"))->setValue(33);
    shown.panel.findChild<QLineEdit*>(QStringLiteral("compare.align"))
        ->setText(QStringLiteral("40"));
    auto* cost = shown.panel.findChild<QLineEdit*>(QStringLiteral("compare.cost"));
    cost->setText(QStringLiteral("macs * 2"));
    Q_EMIT cost->editingFinished();
    ASSERT_TRUE(QTest::qWaitFor([&] { return shown.workspace.isSettled(); }, 10000));
  }
  Shown again(&settings);
  again.workspace.addPaths({qt(folder / "runs")});
  ASSERT_TRUE(again.settles(2));
  ASSERT_TRUE(QTest::qWaitFor(
      [&] {
        const auto& metrics = again.panel.model()->view()->comparison.options.metrics;
        return metrics.front() == "grad_norm";
      },
      10000));
  const engine::ComparisonOptions options = again.panel.options();
  EXPECT_EQ(engine::to_string(options.statistic), "mean:7");
  EXPECT_EQ(options.axis, engine::XAxis::tokens);
  EXPECT_EQ(options.align_at, 40.0);
  EXPECT_EQ(again.panel.cost(), QStringLiteral("macs * 2"));
  EXPECT_EQ(again.panel.findChild<QComboBox*>(QStringLiteral("compare.metric"))->currentText(),
            QStringLiteral("grad_norm"));
  EXPECT_FALSE(again.panel.findChild<QToolButton*>(QStringLiteral("compare.grouped"))->isChecked());
  EXPECT_EQ(again.panel.curves()->halfLife(), 33);
  EXPECT_EQ(again.panel.curves()->plot()->xAxis->scaleType(), QCPAxis::stLogarithmic);
}

TEST(CompareWorkspace, AMetricThatNoRunHasIsAskedForWhenOneHasIt) {
  const ScratchFolder folder;
  tests::write_sample_run(folder / "a", {});
  folder.write("b.csv", "step,bleu\n1,0.2\n2,0.3\n");
  QSettings settings(qt(folder / "settings.ini"), QSettings::IniFormat);
  settings.setValue(QStringLiteral("compare/metric"), QStringLiteral("bleu"));
  Shown shown(&settings);
  shown.workspace.addPaths({qt(folder / "a")});
  ASSERT_TRUE(shown.settles(1));
  EXPECT_EQ(shown.panel.model()->view()->comparison.options.metrics.front(), "eval_loss");
  EXPECT_TRUE(shown.panel.messages()->text().isEmpty())
      << shown.panel.messages()->text().toStdString();
  shown.workspace.addPaths({qt(folder / "b.csv")});
  EXPECT_TRUE(QTest::qWaitFor(
      [&] { return shown.panel.model()->view()->comparison.options.metrics.front() == "bleu"; },
      10000));
}

TEST(CompareWorkspace, RunsThatAreToBeginJoinByThemselves) {
  const ScratchFolder folder;
  for (const char* name : {"a", "b"}) tests::write_sample_run(folder / name, {});
  Shown shown;
  shown.workspace.addPaths({qt(folder / "a"), qt(folder / "b")});
  ASSERT_TRUE(shown.settles(2));
  shown.workspace.expect({qt(folder / "queued")}, true);
  shown.workspace.expect({qt(folder / "found")}, false);
  QTest::qWait(700);
  EXPECT_EQ(shown.panel.model()->rowCount(), 2) << "nothing has begun";
  tests::write_sample_run(folder / "queued", {.seed = 3});
  tests::write_sample_run(folder / "found", {.seed = 4});
  ASSERT_TRUE(shown.settles(4));
  const auto ticked = [&](const char* name) {
    return shown.panel.shownRuns().count(widgets::run_key(engine::load_run(folder / name))) == 1;
  };
  EXPECT_TRUE(ticked("queued"));
  EXPECT_FALSE(ticked("found"));
}

TEST(CompareWorkspace, RunsOfOneNameAreToldApart) {
  const ScratchFolder folder;
  for (const char* name : {"here/a", "there/a", "there/b"})
    tests::write_sample_run(folder / name, {});
  Shown shown;
  shown.workspace.addPaths({qt(folder / "here")});
  shown.workspace.addPaths({qt(folder / "there")});
  ASSERT_TRUE(shown.settles(3));
  std::set<std::string> names;
  for (const auto& run : shown.workspace.runs()) names.insert(run->name);
  EXPECT_EQ(names, (std::set<std::string>{(folder / "here/a").string(),
                                          (folder / "there/a").string(), "b"}));
}

/// As `runs compare` does: see RunComparison.OtherModelsAndTokenizersAreFlagged.
TEST(CompareWorkspace, OffersBitsPerByteWhereTokenizersDiffer) {
  const ScratchFolder folder;
  folder.write("v.txt", tests::tiny_text(4000));
  for (const char* name : {"a", "b"}) {
    tests::write_sample_run(folder / name, {});
    tests::write_tiny_llama(folder / name, {});
    std::string yaml = tests::content_of(folder / name / "run.yaml");
    yaml.replace(yaml.find("validation_file: null"), 21, "validation_file: v.txt");
    folder.write(std::string(name) + "/run.yaml", yaml);
  }
  tests::append_to(folder / "b/tokenizer.json", "\n");
  Shown shown;
  shown.workspace.addPaths({qt(folder / "a"), qt(folder / "b")});
  ASSERT_TRUE(shown.settles(2));
  const auto front = [&] {
    return shown.panel.model()->view()->comparison.options.metrics.front();
  };
  ASSERT_TRUE(QTest::qWaitFor([&] { return front() == "eval_bits_per_byte"; }, 10000)) << front();
  const double loss = shown.workspace.runs()[0]->metrics.find("eval_loss")->value.back();
  EXPECT_NEAR(shown.workspace.runs()[0]->metrics.find("eval_bits_per_byte")->value.back(),
              loss / std::log(2.0), 1e-12)
      << "a tokenizer of bytes: one byte a token";
}

TEST(CompareWorkspace, BaselineAndNotesComeBackAfterARestart) {
  const ScratchFolder folder;
  for (const char* name : {"a", "b"}) tests::write_sample_run(folder / "runs" / name, {});
  QSettings settings(qt(folder / "settings.ini"), QSettings::IniFormat);
  {
    Shown shown(&settings);
    shown.workspace.addPaths({qt(folder / "runs")});
    ASSERT_TRUE(shown.settles(2));
    EXPECT_EQ(shown.panel.model()->baseline(), 0);
    const QString key = shown.panel.model()->keyOf(1);
    shown.panel.setBaseline(key);
    shown.panel.notes()->set(key, {.tags = {QStringLiteral("paper")}, .text = {}, .pinned = true});
    ASSERT_TRUE(QTest::qWaitFor([&] { return shown.panel.model()->baseline() == 1; }, 10000));
  }
  std::filesystem::rename(folder / "runs", folder / "archive");
  Shown again(&settings);
  again.workspace.addPaths({qt(folder / "archive")});
  ASSERT_TRUE(again.settles(2));
  EXPECT_EQ(again.panel.model()->baseline(), 1) << "the run is known wherever it lies";
  EXPECT_EQ(again.panel.notes()->of(again.panel.model()->keyOf(1)).tags.value(0),
            QStringLiteral("paper"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "archive"))
    EXPECT_NE(entry.path().extension(), ".ini") << "nothing is written into a run folder";
}

TEST(CompareWorkspace, FoldersThatVanishWhileShownAreToldAndComeBack) {
  const ScratchFolder folder;
  for (const char* name : {"a", "b"}) tests::write_sample_run(folder / "runs" / name, {});
  Shown shown;
  shown.workspace.addPaths({qt(folder / "runs")});
  ASSERT_TRUE(shown.settles(2));
  const auto state = [&] { return shown.panel.model()->indexOfRun(1, 1).data().toString(); };
  EXPECT_EQ(state(), QStringLiteral("finished"));
  std::filesystem::rename(folder / "runs/b", folder / "away");
  ASSERT_TRUE(QTest::qWaitFor([&] { return state() == QStringLiteral("unknown"); }, 20000));
  EXPECT_TRUE(shown.panel.model()
                  ->indexOfRun(1)
                  .data(Qt::ToolTipRole)
                  .toString()
                  .contains(QStringLiteral("its folder is gone")));
  EXPECT_EQ(shown.panel.model()->rowCount(), 2) << "what was read stays in view";
  std::filesystem::rename(folder / "away", folder / "runs/b");
  EXPECT_TRUE(QTest::qWaitFor([&] { return state() == QStringLiteral("finished"); }, 20000));
}

TEST(CompareWorkspace, ShowsTheDigitsThatTheCommandLinePrints) {
  const ScratchFolder folder;
  for (const int seed : {1, 2, 3}) {
    SampleRun plain{.seed = seed, .loss = tests::sample_loss(seed, 0)};
    tests::write_sample_run(folder / ("runs/plain-" + std::to_string(seed)), plain);
    SampleRun other{.seed = seed, .loss = tests::sample_loss(seed, 0.03)};
    other.transform = "layer_name_to_config:\n  default: {q_levels: 16}\n";
    tests::write_sample_run(folder / ("runs/optical-" + std::to_string(seed)), other);
  }
  const auto printed = tests::run_program(
      PARADIGM_BIN_DIR "/paradigm", {"runs", "compare", "runs", "--baseline", "plain-1", "--json"},
      "", folder.path());
  ASSERT_EQ(printed.exit_code, 0) << printed.err;
  const auto report = nlohmann::json::parse(printed.out);
  Shown shown;
  shown.workspace.addPaths({qt(folder / "runs")});
  ASSERT_TRUE(shown.settles(6));
  const auto& model = *shown.panel.model();
  for (int run = 0; run < 6; ++run) {
    const QString name = model.indexOfRun(run).data(widgets::ComparisonModel::kTextRole).toString();
    for (const auto& each : report.at("runs")) {
      if (each.at("name") != name.toStdString()) continue;
      for (int column = 0; column < model.columnCount(); ++column) {
        const auto title = model.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
        const auto found = each.at("metrics").find(title.toStdString());
        if (found == each.at("metrics").end()) continue;
        EXPECT_EQ(model.indexOfRun(run, column).data().toString(),
                  QString::number(found->at("value").get<double>(), 'f', 4))
            << name.toStdString();
      }
    }
  }
  std::set<QString> keys;
  for (int run = 0; run < 6; ++run) keys.insert(model.keyOf(run));
  shown.panel.setShown(keys);
  const auto* verdict = shown.panel.findChild<QLabel*>(QStringLiteral("compare.verdict"));
  const QString text = qt(report.at("verdicts").at(0).at("text").get<std::string>());
  EXPECT_TRUE(QTest::qWaitFor([&] { return verdict->text().contains(text); }, 10000))
      << verdict->text().toStdString() << "\nand not\n"
      << text.toStdString();
}

}  // namespace
