// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/launch_panel.h"

#include "engine/config/run_config.h"
#include "engine/config/train_command.h"
#include "tests/support/scratch_folder.h"
#include "widgets/forms/number_edit.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/launch_memory.h"
#include "widgets/panels/cost_view.h"
#include "widgets/panels/launch_checks.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/theme.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMenu>
#include <QPushButton>
#include <QSettings>
#include <QSignalSpy>
#include <QTest>
#include <QToolButton>

#include <gtest/gtest.h>

namespace {

using widgets::LaunchPanel;
using widgets::LaunchPlace;
using widgets::LaunchRequest;
using widgets::NumberEdit;

engine::Problem problem(const char* id, engine::Severity severity, const char* place,
                        const char* message, const char* remedy = "") {
  engine::Problem one;
  one.id = id;
  one.severity = severity;
  one.place.file = place;
  one.message = message;
  one.remedy = remedy;
  return one;
}

class LaunchPanelTest : public testing::Test {
 protected:
  LaunchPanelTest()
      : launches_(&panel_, &LaunchPanel::launchRequested),
        checks_(&panel_, &LaunchPanel::checksWanted) {
    panel_.resize(520, 800);
    panel_.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&panel_));
  }
  template <class T>
  T* find(const char* name) {
    auto* found = panel_.findChild<T*>(QLatin1String(name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  template <class T>
  T* field(const char* name) {
    return panel_.form()->editor(name)->findChild<T*>();
  }
  void type(const char* name, const QString& text) {
    auto* edit = field<QLineEdit>(name);
    edit->setFocus();
    edit->selectAll();
    QTest::keyClicks(edit, text);
  }
  void fill() {
    type("model_name_or_path", QStringLiteral("/models/tiny"));
    type("train_file", QStringLiteral("text.txt"));
  }
  void click(const char* name) { QTest::mouseClick(find<QAbstractButton>(name), Qt::LeftButton); }
  QString clipboard() { return QApplication::clipboard()->text(); }

  LaunchPanel panel_;
  QSignalSpy launches_;
  QSignalSpy checks_;
};

TEST_F(LaunchPanelTest, EverySupportedFlagOfTheCommandLineHasItsField) {
  for (const auto& spec : engine::train_schema().specs()) {
    if (!spec.refused_because.empty()) continue;
    auto* editor = panel_.form()->editor(spec.name);
    ASSERT_NE(editor, nullptr) << spec.name;
    const QString tip = editor->focusProxy() != nullptr ? editor->focusProxy()->toolTip() : "";
    EXPECT_TRUE(tip.contains(QString::fromStdString(spec.help_text).toHtmlEscaped())) << spec.name;
    const QString range = QString::fromStdString(engine::allowed_range(spec));
    EXPECT_TRUE(range.isEmpty() || tip.contains(range.toHtmlEscaped())) << spec.name;
  }
}

TEST_F(LaunchPanelTest, AFormThatNobodyHasFilledInIsGuidedNotBlamed) {
  const auto* header = find<QToolButton>("launch.checks");
  const auto is_muted = [&] {
    return header->palette().color(QPalette::ButtonText) == widgets::muted_text(panel_.palette());
  };
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("Choose a model and a text or dataset"));
  EXPECT_TRUE(is_muted());
  EXPECT_TRUE(panel_.form()->problemText("train_file").isEmpty());
  // It leads there.
  click("launch.checks");
  auto* row = find<QLabel>("launch.check.1");
  ASSERT_TRUE(row->isVisible());
  EXPECT_TRUE(row->text().contains(QStringLiteral("train_file")));
  Q_EMIT row->linkActivated(QStringLiteral("place"));
  EXPECT_TRUE(field<QLineEdit>("train_file")->hasFocus());
  // What was entered is judged at once; what is still needed is not.
  panel_.form()->setValue("device", std::string("tpu"));
  EXPECT_EQ(panel_.checks()->headline(),
            QStringLiteral("Choose a model and a text or dataset, 1 error"));
  EXPECT_FALSE(is_muted());
  panel_.form()->setValue("device", std::string("cpu"));
  type("train_file", QStringLiteral("text.txt"));
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("Choose a model"));
  EXPECT_TRUE(is_muted());
  // A launch that was tried turns it into errors; the defaults take that back.
  click("launch.launch");
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("1 error"));
  EXPECT_FALSE(is_muted());
  click("launch.reset");
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("Choose a model and a text or dataset"));
  EXPECT_TRUE(panel_.form()->problemText("model_name_or_path").isEmpty());
}

TEST_F(LaunchPanelTest, AllThatIsMissingIsNamedAtOnceAtItsField) {
  click("launch.launch");
  EXPECT_EQ(launches_.size(), 0);
  EXPECT_TRUE(panel_.form()->problemText("model_name_or_path").contains("no model is given"));
  EXPECT_TRUE(panel_.form()->problemText("train_file").contains("no text is given"));
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("2 errors"));
  EXPECT_TRUE(panel_.checks()->isOpen());
  EXPECT_TRUE(find<QLabel>("launch.check.1")->isVisible());
  // They go as they are mended.
  fill();
  EXPECT_TRUE(panel_.form()->problemText("train_file").isEmpty());
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("Nothing in the way"));
  click("launch.launch");
  ASSERT_EQ(launches_.size(), 1);
  const auto request = launches_.takeFirst().at(0).value<LaunchRequest>();
  EXPECT_EQ(request.values.get_text("train_file"), "text.txt");
  EXPECT_EQ(request.place, LaunchPlace::in_window);
  EXPECT_FALSE(request.prediction.has_value());
}

TEST_F(LaunchPanelTest, ALaunchWaitsForItsChecksAndIsHeldBackByAnError) {
  panel_.setCheckable(true);
  fill();
  checks_.clear();
  click("launch.launch");
  ASSERT_EQ(checks_.size(), 1);
  EXPECT_EQ(launches_.size(), 0);
  EXPECT_FALSE(panel_.launchButton()->isEnabled());
  const auto values = panel_.form()->values();
  panel_.setChecks({}, {});
  EXPECT_FALSE(panel_.launchButton()->isEnabled()) << "the answer to another question";

  panel_.setChecks(values, {problem("start", engine::Severity::note, "--output_dir", "resuming"),
                            problem("output-dir-finished", engine::Severity::error, "--output_dir",
                                    "this folder holds a finished run", "Choose another")});
  EXPECT_EQ(launches_.size(), 0);
  EXPECT_TRUE(panel_.launchButton()->isEnabled());
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("1 error, 1 note"));
  EXPECT_TRUE(panel_.form()->problemText("output_dir").contains("finished run"));

  // One click mends it.
  click("launch.fix.0.1");
  EXPECT_TRUE(panel_.form()->values().get_bool("overwrite_output_dir"));
  click("launch.launch");
  panel_.setChecks(panel_.form()->values(),
                   {problem("start", engine::Severity::warning, "--output_dir", "starting anew")});
  EXPECT_EQ(launches_.size(), 1) << "a warning holds nothing back";
}

TEST_F(LaunchPanelTest, ASettingThatChangesWhileChecksRunTakesTheLaunchBack) {
  panel_.setCheckable(true);
  fill();
  click("launch.launch");
  const auto values = panel_.form()->values();
  type("train_file", QStringLiteral("other.txt"));
  EXPECT_TRUE(panel_.launchButton()->isEnabled());
  panel_.setChecks(values, {});
  EXPECT_EQ(launches_.size(), 0);
}

TEST_F(LaunchPanelTest, WhileTypingChecksAreAskedForOnceItRests) {
  panel_.setCheckable(true);
  ASSERT_TRUE(QTest::qWaitFor([&] { return checks_.size() == 1; }));
  fill();
  ASSERT_TRUE(QTest::qWaitFor([&] { return checks_.size() == 2; }));
  EXPECT_TRUE(panel_.form()->problemText("train_file").isEmpty());
  panel_.setChecks(panel_.form()->values(),
                   {problem("no-file", engine::Severity::error, "--train_file", "no such file")});
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("1 error"));
  EXPECT_FALSE(panel_.checks()->isOpen()) << "nothing jumps while somebody types";
  EXPECT_TRUE(panel_.form()->problemText("train_file").isEmpty());
}

TEST_F(LaunchPanelTest, ErrorsOfTheOpenTransformCountWhereTheFormNamesIt) {
  fill();
  const QString rules = QStringLiteral("/somewhere/rules.yaml");
  const std::vector<engine::Problem> wrong = {
      problem("bad-value", engine::Severity::error, "rules.yaml", "bad rule"),
      problem("shadowed", engine::Severity::warning, "rules.yaml", "never")};
  panel_.setDocument(rules, wrong, true);
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("Nothing in the way"));
  type("transform_config", rules);
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("1 error, 1 note"));
  click("launch.launch");
  EXPECT_EQ(launches_.size(), 0);
  panel_.setDocument(rules, {}, true);
  EXPECT_EQ(panel_.checks()->headline(), QStringLiteral("Nothing in the way, 1 note"));

  // The file's old text may be wrong: it is saved over.
  panel_.setCheckable(true);
  click("launch.launch");
  auto old = problem("bad-value", engine::Severity::error, "/somewhere/rules.yaml", "old rule");
  old.place.line = 3;
  panel_.setChecks(panel_.form()->values(), {old});
  EXPECT_EQ(launches_.size(), 1);
  panel_.setDocument(rules, {}, false);
  click("launch.launch");
  panel_.setChecks(panel_.form()->values(), {old});
  EXPECT_EQ(launches_.size(), 1);
}

TEST_F(LaunchPanelTest, CopiedItDoesTheSameInAnyLocale) {
  QLocale::setDefault(QLocale(QLocale::German, QLocale::Germany));
  fill();
  auto* rate = field<NumberEdit>("learning_rate");
  rate->setFocus();
  rate->selectAll();
  QTest::keyClicks(rate, QStringLiteral("1e-5"));
  panel_.form()->setValue("bf16", true);
  type("output_dir", QStringLiteral("runs/it's mine"));
  click("launch.copy");
  EXPECT_EQ(clipboard(),
            QStringLiteral("paradigm train --model_name_or_path /models/tiny --train_file text.txt "
                           "--output_dir 'runs/it'\\''s mine' --bf16 --learning_rate 1.0e-05"));
  const auto pasted = engine::read_train_command(clipboard().toStdString());
  EXPECT_TRUE(pasted.values.same_values(panel_.form()->values()));

  QTest::mouseClick(find<QToolButton>("launch.copy"), Qt::LeftButton, Qt::ShiftModifier);
  EXPECT_TRUE(clipboard().contains(QStringLiteral(" --adam_beta2 0.999 ")));
  EXPECT_FALSE(clipboard().contains(QLatin1Char(',')));
  EXPECT_TRUE(panel_.messages()->text().contains(QStringLiteral("defaults")));
  find<QAction>("launch.copy.slurm")->trigger();
  EXPECT_TRUE(clipboard().startsWith(QStringLiteral("#!/bin/bash")));
  EXPECT_TRUE(clipboard().contains(QStringLiteral("--job-name=it-s-mine")));
  QLocale::setDefault(QLocale::c());
}

TEST_F(LaunchPanelTest, APastedCommandFillsTheFormAndSaysWhatItLeftOut) {
  panel_.setCheckable(true);
  panel_.form()->setValue("seed", std::int64_t{7});
  checks_.clear();
  QApplication::clipboard()->setText(QStringLiteral(
      "python run_clm.py --model_name_or_path AICrossSim/clm-60m \\\n"
      "  --dataset_name HuggingFaceFW/fineweb-edu --dataset_config_name \"sample-10BT\" \\\n"
      "  --per_device_train_batch_size 12 --bf16 --fp16 --report_to wandb --max_steps 100\n"));
  click("launch.paste");
  const auto values = panel_.form()->values();
  EXPECT_EQ(values.get_text("dataset_name"), "HuggingFaceFW/fineweb-edu");
  EXPECT_EQ(values.get_int("per_device_train_batch_size"), 12);
  EXPECT_TRUE(values.get_bool("bf16"));
  EXPECT_FALSE(values.contains("seed")) << "the form says what the command says";
  EXPECT_FALSE(values.contains("fp16"));
  EXPECT_TRUE(panel_.messages()->text().startsWith(QStringLiteral("7 settings taken")))
      << panel_.messages()->text().toStdString();
  EXPECT_TRUE(panel_.checks()->isOpen());
  ASSERT_FALSE(panel_.checks()->problems().empty());
  EXPECT_NE(panel_.checks()->problems()[0].message.find("fp16"), std::string::npos);
  ASSERT_EQ(checks_.size(), 1) << "what is missing here is looked for at once";
  panel_.setChecks(values, {problem("not-in-hub-cache", engine::Severity::error, "--dataset_name",
                                    "the data set is not in the local cache",
                                    "Download it with: hf download …")});
  EXPECT_TRUE(panel_.form()->problemText("dataset_name").contains("hf download"));

  click("launch.undo");
  EXPECT_EQ(panel_.form()->values().get_int("seed"), 7);
  EXPECT_EQ(panel_.form()->values().entries().size(), 1u);
}

TEST_F(LaunchPanelTest, APasteThatIsNoCommandChangesNothing) {
  fill();
  const auto before = panel_.form()->values();
  for (const char* text : {"", "hello", "python run_clm.py --seed '3", "paradigm eval --seed 3"}) {
    QApplication::clipboard()->setText(QString::fromLatin1(text));
    click("launch.paste");
    EXPECT_TRUE(panel_.messages()->isVisible()) << text;
    EXPECT_FALSE(panel_.messages()->text().isEmpty()) << text;
    EXPECT_TRUE(panel_.form()->values().same_values(before)) << text;
  }
}

TEST_F(LaunchPanelTest, DefaultsComeBackWithOneClickAndGoWithUndo) {
  fill();
  const auto before = panel_.form()->values();
  click("launch.reset");
  EXPECT_TRUE(panel_.form()->values().empty());
  click("launch.undo");
  EXPECT_TRUE(panel_.form()->values().same_values(before));
}

TEST_F(LaunchPanelTest, AnEstimateTravelsWithTheLaunchWhileItIsOfTheseSettings) {
  QSignalSpy wanted(&panel_, &LaunchPanel::estimateWanted);
  click("cost.estimate");
  EXPECT_EQ(wanted.size(), 0) << "not of a form with errors";
  fill();
  click("cost.estimate");
  ASSERT_EQ(wanted.size(), 1);
  engine::CostEstimate estimate;
  estimate.step_seconds = 0.5;
  estimate.total_seconds = 60;
  panel_.cost()->showEstimate(estimate);
  ASSERT_TRUE(panel_.request().prediction.has_value());
  EXPECT_EQ(panel_.request().prediction->step_seconds, 0.5);
  type("output_dir", QStringLiteral("elsewhere"));
  EXPECT_TRUE(panel_.request().prediction.has_value()) << "the folder's name costs nothing";
  panel_.form()->setValue("per_device_train_batch_size", std::int64_t{64});
  EXPECT_FALSE(panel_.request().prediction.has_value());
  EXPECT_TRUE(find<QLabel>("cost.status")->text().contains(QStringLiteral("other settings")));
}

TEST_F(LaunchPanelTest, ARunOfHoursIsRecommendedItsOwnProcess) {
  EXPECT_FALSE(find<QComboBox>("launch.place")->isVisible()) << "nobody can start one yet";
  panel_.setSeparateAvailable(true);
  fill();
  engine::CostEstimate estimate;
  estimate.total_seconds = 1800;
  panel_.cost()->showEstimate(estimate);
  EXPECT_FALSE(panel_.messages()->isVisible());
  estimate.total_seconds = 3 * 3600 + 600;
  panel_.cost()->showEstimate(estimate);
  EXPECT_TRUE(panel_.messages()->text().contains(QStringLiteral("3 h 10 min")));
  click("launch.use_separate");
  EXPECT_EQ(panel_.request().place, LaunchPlace::separate_process);
  panel_.messages()->dismiss();
  panel_.cost()->showEstimate(estimate);
  EXPECT_FALSE(panel_.messages()->isVisible()) << "it is chosen already";
}

TEST_F(LaunchPanelTest, WhatBlocksALaunchIsSaidBesideTheButton) {
  fill();
  QSignalSpy changes(&panel_, &LaunchPanel::canLaunchChanged);
  panel_.setHereBlocked(QStringLiteral("The engine is still loading."));
  EXPECT_FALSE(panel_.launchButton()->isEnabled());
  EXPECT_EQ(changes.size(), 1);
  EXPECT_EQ(find<QLabel>("launch.reason")->text(), QStringLiteral("The engine is still loading."));
  panel_.launch();
  EXPECT_EQ(launches_.size(), 0);
}

TEST_F(LaunchPanelTest, AProcessOfItsOwnNeedsNoEngineInThisWindow) {
  fill();
  panel_.setSeparateAvailable(true);
  panel_.setHereBlocked(QStringLiteral("The engine is unavailable."));
  EXPECT_FALSE(panel_.launchButton()->isEnabled());
  find<QComboBox>("launch.place")->setCurrentIndex(1);
  EXPECT_TRUE(panel_.launchButton()->isEnabled());
  EXPECT_TRUE(find<QLabel>("launch.reason")->text().isEmpty());
  click("launch.launch");
  ASSERT_EQ(launches_.size(), 1);
  EXPECT_EQ(launches_[0][0].value<LaunchRequest>().place, LaunchPlace::separate_process);
  find<QComboBox>("launch.place")->setCurrentIndex(0);
  EXPECT_FALSE(panel_.launchButton()->isEnabled());
}

TEST_F(LaunchPanelTest, AMicroBatchThatFitsIsTakenUpAndCanBeTakenBack) {
  QSignalSpy wanted(&panel_, &LaunchPanel::estimateWanted);
  fill();
  panel_.form()->setValue("per_device_train_batch_size", std::int64_t{48});
  find<QDoubleSpinBox>("cost.memory_limit")->setValue(8);
  click("cost.fit");
  ASSERT_EQ(wanted.size(), 1);
  const auto options = wanted[0][1].value<engine::EstimateOptions>();
  EXPECT_TRUE(options.fit);
  EXPECT_EQ(options.memory_limit, 8'000'000'000);
  engine::CostEstimate estimate;
  estimate.step_seconds = 0.5;
  estimate.batch_size = 24;
  estimate.accumulation = 2;
  panel_.showEstimate(estimate);
  EXPECT_EQ(panel_.form()->values().get_int("per_device_train_batch_size"), 24);
  EXPECT_EQ(panel_.form()->values().get_int("gradient_accumulation_steps"), 2);
  EXPECT_TRUE(panel_.messages()->text().contains(QStringLiteral("global batch of 48 is kept")));
  EXPECT_TRUE(find<QLabel>("cost.status")->text().isEmpty()) << "it is of what the form says now";
  EXPECT_TRUE(panel_.request().prediction.has_value());
  click("launch.undo");
  EXPECT_EQ(panel_.form()->values().get_int("per_device_train_batch_size"), 48);
  EXPECT_FALSE(panel_.request().prediction.has_value());

  // Nothing fits: the form keeps what it says, and no price of something else goes with it.
  click("cost.fit");
  engine::CostEstimate nothing = estimate;
  nothing.fits = false;
  nothing.batch_size = 1;
  nothing.accumulation = 48;
  panel_.showEstimate(nothing);
  EXPECT_EQ(panel_.form()->values().get_int("per_device_train_batch_size"), 48);
  EXPECT_FALSE(panel_.request().prediction.has_value());
  EXPECT_TRUE(find<QLabel>("cost.status")->text().contains(QStringLiteral("not even one")));

  // Not into a form that asks for something else by now.
  click("cost.fit");
  panel_.form()->setValue("per_device_train_batch_size", std::int64_t{64});
  panel_.showEstimate(estimate);
  EXPECT_EQ(panel_.form()->values().get_int("per_device_train_batch_size"), 64);
  EXPECT_TRUE(find<QLabel>("cost.status")->text().contains(QStringLiteral("other settings")));
}

TEST(LaunchMemory, TheLastLaunchComesBackWithoutItsFolder) {
  const tests::ScratchFolder scratch;
  const QString file = QString::fromStdString((scratch / "settings.ini").string());
  LaunchRequest request;
  request.values.set("learning_rate", 3e-4);
  request.values.set("train_file", std::string("a \"b\" $c, d.txt"));
  request.values.set("output_dir", std::string("runs/x"));
  request.values.set("overwrite_output_dir", true);
  request.place = LaunchPlace::separate_process;
  {
    QSettings settings(file, QSettings::IniFormat);
    EXPECT_TRUE(widgets::remembered_launch(settings).values.empty());
    widgets::remember_launch(settings, request);
  }
  QSettings settings(file, QSettings::IniFormat);
  const LaunchRequest last = widgets::remembered_launch(settings);
  EXPECT_EQ(last.values.entries().size(), 2u);
  EXPECT_EQ(last.values.get_real("learning_rate"), 3e-4);
  EXPECT_EQ(last.values.get_text("train_file"), "a \"b\" $c, d.txt");
  EXPECT_EQ(last.place, LaunchPlace::separate_process);
  settings.setValue(QStringLiteral("launch/command"),
                    QStringLiteral("paradigm train --gone 1 --seed 3"));
  EXPECT_EQ(widgets::remembered_launch(settings).values.entries().size(), 1u);
  settings.setValue(QStringLiteral("launch/command"), QStringLiteral("\"broken"));
  EXPECT_TRUE(widgets::remembered_launch(settings).values.empty());
}

}  // namespace
