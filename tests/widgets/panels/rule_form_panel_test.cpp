// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/rule_form_panel.h"

#include "tests/widgets/editing.h"
#include "widgets/forms/number_edit.h"
#include "widgets/forms/param_form.h"
#include "widgets/text/pattern_edit.h"

#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QTest>
#include <QToolButton>

#include <gtest/gtest.h>

namespace {

using widgets::NumberEdit;
using widgets::RuleFormPanel;

const char* kFlips = R"(layer_name_to_config:
  model\.layers\.[0-9]+\.mlp\.up_proj:
    x_p_exp: 1.0e-05
    w_p_exp: 1.52587890625e-05
  default: null
)";

class RuleForm : public testing::Test {
 protected:
  explicit RuleForm(const std::string& text = tests::sample_transform())
      : editing_(text), panel_(&editing_.selection, &editing_.editor) {
    editing_.onView([this](widgets::PlanViewPtr view) { panel_.setView(std::move(view)); });
    panel_.resize(480, 700);
    panel_.show();
    panel_.activateWindow();
    EXPECT_TRUE(QTest::qWaitForWindowActive(&panel_));
  }

  NumberEdit* number(const char* name) {
    return panel_.form()->editor(name)->findChild<NumberEdit*>();
  }
  void type(NumberEdit* into, const char* text) {
    into->setFocus();
    into->selectAll();
    QTest::keyClicks(into, QString::fromLatin1(text));
  }
  template <class T>
  T* find(const char* name) {
    return panel_.findChild<T*>(QLatin1String(name));
  }

  tests::Editing editing_;
  RuleFormPanel panel_;
};

TEST_F(RuleForm, ShowsTheValuesOfTheChosenRule) {
  EXPECT_EQ(panel_.form(), nullptr);
  editing_.selection.setRules({1});
  ASSERT_NE(panel_.form(), nullptr);
  EXPECT_EQ(number("q_levels")->numberText(), QStringLiteral("64"));
  EXPECT_EQ(find<QLabel>("form.title")->text(), QStringLiteral("Rule 2"));
  EXPECT_EQ(find<QLabel>("form.counts")->text(), QStringLiteral("wins 8 of 8 matched"));
  EXPECT_EQ(panel_.form()->noteText("q_levels"), QStringLiteral("6 bits"));
  editing_.selection.setRules({0});
  EXPECT_EQ(number("q_levels")->numberText().toStdString(), editing_.value(0, "q_levels"));
}

TEST_F(RuleForm, TypingIsOneStepThatChangesOneLine) {
  editing_.selection.setRules({1});
  type(number("q_levels"), "128");
  EXPECT_EQ(editing_.value(1, "q_levels"), "128");
  std::string expected = tests::sample_transform();
  expected.replace(expected.find("64}"), 2, "128");
  EXPECT_EQ(editing_.document.text(), expected);
  EXPECT_EQ(panel_.form()->noteText("q_levels"), QStringLiteral("7 bits"));
  editing_.document.undoStack()->undo();
  EXPECT_EQ(editing_.document.text(), tests::sample_transform());
  EXPECT_EQ(number("q_levels")->numberText(), QStringLiteral("64"));
}

TEST_F(RuleForm, WhatCannotBeReadStaysInTheFieldAndOutOfTheText) {
  editing_.selection.setRules({1});
  type(number("q_levels"), "12x");
  EXPECT_EQ(editing_.value(1, "q_levels"), "12");
  EXPECT_EQ(number("q_levels")->numberText(), QStringLiteral("12x"));
  EXPECT_FALSE(panel_.form()->problemText("q_levels").isEmpty());
}

TEST_F(RuleForm, AValueOutOfRangeIsSaidUnderItsField) {
  editing_.selection.setRules({1});
  type(number("q_levels"), "1");
  EXPECT_EQ(editing_.value(1, "q_levels"), "1");
  EXPECT_TRUE(panel_.form()->problemText("q_levels").contains(QStringLiteral("q_levels")))
      << panel_.form()->problemText("q_levels").toStdString();
}

TEST_F(RuleForm, SeveralRulesAreEditedAtOnce) {
  editing_.selection.setRules({1, 2});
  EXPECT_EQ(number("q_levels")->numberText(), QString()) << "64 and 16";
  type(number("q_levels"), "32");
  EXPECT_EQ(editing_.value(1, "q_levels"), "32");
  EXPECT_EQ(editing_.value(2, "q_levels"), "32");
  editing_.document.undoStack()->undo();
  EXPECT_EQ(editing_.document.text(), tests::sample_transform());
}

TEST_F(RuleForm, ResetTakesTheKeyOut) {
  editing_.selection.setRules({1});
  type(number("q_lut_min"), "0.5");
  EXPECT_EQ(editing_.value(1, "q_lut_min"), "0.5");
  for (auto* button : panel_.form()->findChildren<QToolButton*>()) {
    if (button->accessibleName() == QLatin1String("Reset q_lut_min")) {
      QTest::mouseClick(button, Qt::LeftButton);
    }
  }
  EXPECT_FALSE(editing_.view->rule(1)->values.contains("q_lut_min"));
}

TEST_F(RuleForm, ThePatternIsEditedHereToo) {
  editing_.selection.setRules({2});
  auto* pattern = panel_.pattern();
  pattern->setFocus();
  pattern->selectAllText();
  QTest::keyClicks(pattern, QStringLiteral("lm_hea."));
  EXPECT_EQ(editing_.pattern(2), "lm_hea.");
  editing_.document.undoStack()->undo();
  EXPECT_EQ(editing_.document.text(), tests::sample_transform());
}

TEST_F(RuleForm, LeavingAloneAndAnotherParadigmAreSteps) {
  editing_.selection.setRules({1});
  QTest::mouseClick(find<QCheckBox>("form.leave_alone"), Qt::LeftButton, {}, QPoint(8, 8));
  EXPECT_TRUE(editing_.view->rule(1)->leave_alone);
  EXPECT_EQ(panel_.form(), nullptr);
  editing_.document.undoStack()->undo();
  auto* paradigm = panel_.paradigm();
  const int other = paradigm->findData(QStringLiteral("random_bitflip"));
  ASSERT_GE(other, 0);
  paradigm->setCurrentIndex(other);
  Q_EMIT paradigm->activated(other);
  EXPECT_EQ(editing_.view->rule(1)->paradigm, "random_bitflip");
  EXPECT_NE(panel_.form()->editor("w_p_exp"), nullptr);
  editing_.document.undoStack()->undo();
  EXPECT_EQ(editing_.document.text(), tests::sample_transform());
}

TEST_F(RuleForm, ABrokenTextGreysTheForm) {
  editing_.selection.setRules({1});
  editing_.document.apply({"break", {{0, 0, "a: [\n"}}});
  EXPECT_FALSE(panel_.isEnabled());
  EXPECT_EQ(number("q_levels")->numberText(), QStringLiteral("64"));
  editing_.document.undoStack()->undo();
  EXPECT_TRUE(panel_.isEnabled());
}

class FlipForm : public RuleForm {
 protected:
  FlipForm() : RuleForm(kFlips) { editing_.selection.setRules({0}); }
};

TEST_F(FlipForm, SaysWhatTakesEffectAndWhatItMeans) {
  const QString requested = panel_.form()->noteText("x_p_exp");
  EXPECT_TRUE(requested.startsWith(QStringLiteral("→ 2⁻¹⁷ = 7.62939453125e-06 takes effect")))
      << requested.toStdString();
  EXPECT_TRUE(requested.contains(QStringLiteral("flipped bits per token")));
  const QString exact = panel_.form()->noteText("w_p_exp");
  EXPECT_FALSE(exact.contains(QStringLiteral("takes effect")));
  EXPECT_TRUE(exact.contains(QStringLiteral("in every forward pass"))) << exact.toStdString();
}

TEST_F(FlipForm, SettingAnUnsetValueIsOneClick) {
  auto* set = panel_.form()->editor("w_p_frac")->findChild<QCheckBox*>();
  QTest::mouseClick(set, Qt::LeftButton, {}, QPoint(8, set->height() / 2));
  EXPECT_EQ(editing_.value(0, "w_p_frac"), engine::to_string(0x1p-16));
}

TEST_F(FlipForm, ASharedValueSaysWhereItComesFrom) {
  editing_.document.setText(
      "layer_name_to_config:\n"
      "  model\\.layers\\.0\\.mlp\\.up_proj: &flips\n"
      "    w_p_exp: 1.52587890625e-05\n"
      "  model\\.layers\\.1\\.mlp\\.up_proj:\n"
      "    <<: *flips\n"
      "  default: null\n",
      QStringLiteral("Edit"));
  editing_.selection.setRules({1});
  const std::string shared = editing_.document.text();
  const auto note = [&] { return panel_.form()->noteText("w_p_exp"); };
  EXPECT_TRUE(note().contains(QStringLiteral("&amp;flips"))) << note().toStdString();
  EXPECT_TRUE(note().contains(QStringLiteral("change for all 2"))) << note().toStdString();
  type(number("w_p_exp"), "0.5");
  EXPECT_TRUE(editing_.document.text().find("w_p_exp: 1.52587890625e-05") != std::string::npos)
      << "only this rule has another value now\n"
      << editing_.document.text();
  EXPECT_EQ(std::get<double>(editing_.view->rule(1)->values.get("w_p_exp")), 0.5);
  while (editing_.document.text() != shared) editing_.document.undoStack()->undo();

  Q_EMIT panel_.form()->noteLinkActivated(QStringLiteral("w_p_exp"), QStringLiteral("all"));
  EXPECT_TRUE(note().contains(QStringLiteral("override here"))) << note().toStdString();
  type(number("w_p_exp"), "0.25");
  for (const int rule : {0, 1})
    EXPECT_EQ(std::get<double>(editing_.view->rule(rule)->values.get("w_p_exp")), 0.25) << rule;
  EXPECT_TRUE(editing_.document.text().find("<<: *flips") != std::string::npos);
  editing_.selection.setRules({0});
  EXPECT_TRUE(note().contains(QStringLiteral("change for all 2")))
      << "where it is written it is shared too, and the choice is for one rule";
}

}  // namespace
