// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/param_form.h"

#include "engine/config/run_config.h"
#include "widgets/forms/number_edit.h"

#include <QCheckBox>
#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace {

using widgets::NumberEdit;
using widgets::ParamForm;

engine::ParamSchema schema() {
  return {engine::integer("steps", 10).range(1, 1000).group("Training").help("How many"),
          engine::real("rate", 5e-5).range(0, 1).log_scale().group("Training"),
          engine::boolean("fast", false).group("Training"),
          engine::choice("kind", {"linear", "cosine"}).group("Schedule"),
          engine::integer("limit", engine::unset).nullable().range(1, 9).group("Schedule"),
          engine::real_pair("quantiles", engine::unset).nullable().group("Schedule"),
          engine::path("model", engine::unset).nullable().group("Schedule"),
          engine::boolean("fsdp", false).refused("not supported yet").group("Schedule")};
}

class ParamFormTest : public testing::Test {
 protected:
  ParamFormTest() : form_(schema()) {
    form_.resize(500, 600);
    form_.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&form_));
  }
  template <class T>
  T* part(const char* name) {
    return form_.editor(name)->findChild<T*>();
  }
  ParamForm form_;
};

TEST_F(ParamFormTest, NothingIsGivenUntilItDiffersFromItsDefault) {
  EXPECT_TRUE(form_.values().empty());
  QTest::keyClick(part<NumberEdit>("steps"), Qt::Key_Up);
  EXPECT_EQ(form_.values().get_int("steps"), 11);
  EXPECT_EQ(form_.values().entries().size(), 1u);
  EXPECT_TRUE(form_.isMarkedChanged("steps"));
  EXPECT_FALSE(form_.isMarkedChanged("rate"));
}

TEST_F(ParamFormTest, TypingKeepsTheDigitsOfTheUser) {
  auto* rate = part<NumberEdit>("rate");
  rate->setFocus();
  rate->selectAll();
  QTest::keyClicks(rate, QStringLiteral("3e-4"));
  EXPECT_DOUBLE_EQ(form_.values().get_real("rate"), 3e-4);
  EXPECT_EQ(rate->numberText(), QStringLiteral("3e-4"));
  QTest::keyClick(rate, Qt::Key_Up);
  EXPECT_NEAR(form_.values().get_real("rate"), 5e-4, 1e-12);
}

TEST_F(ParamFormTest, AProblemStandsUnderItsField) {
  auto* steps = part<NumberEdit>("steps");
  steps->setFocus();
  steps->selectAll();
  QTest::keyClicks(steps, QStringLiteral("5000"));
  EXPECT_TRUE(form_.problemText("steps").contains(QStringLiteral("1000")))
      << form_.problemText("steps").toStdString();
  EXPECT_TRUE(form_.findChild<QLabel*>(QStringLiteral("problem.steps"))->isVisible());
  steps->selectAll();
  QTest::keyClicks(steps, QStringLiteral("soon"));
  EXPECT_EQ(form_.textProblems().size(), 1u);
  EXPECT_FALSE(form_.values().contains("steps"));
  steps->selectAll();
  QTest::keyClicks(steps, QStringLiteral("20"));
  EXPECT_TRUE(form_.problemText("steps").isEmpty());
}

TEST_F(ParamFormTest, UnsetIsNotZero) {
  auto* set = part<QCheckBox>("limit");
  EXPECT_FALSE(part<NumberEdit>("limit")->isEnabled());
  set->click();
  QTest::keyClicks(part<NumberEdit>("limit"), QStringLiteral("3"));
  EXPECT_EQ(form_.values().get_int("limit"), 3);
  set->click();
  EXPECT_TRUE(form_.values().empty());
}

TEST_F(ParamFormTest, EveryKindComesBackAsItWasSet) {
  engine::ParamValues values;
  values.set("steps", std::int64_t{7});
  values.set("rate", 1e-3);
  values.set("fast", true);
  values.set("kind", std::string("cosine"));
  values.set("limit", std::int64_t{2});
  values.set("quantiles", engine::RealPair{0.001, 0.999});
  values.set("model", std::string("/models/tiny"));
  QSignalSpy changes(&form_, &ParamForm::changed);
  form_.setValues(values);
  EXPECT_TRUE(form_.values().same_values(values));
  EXPECT_EQ(changes.size(), 1);
  form_.setValues({});
  EXPECT_TRUE(form_.values().empty());
}

TEST_F(ParamFormTest, NullTypedIntoATextIsUnsetAsOnTheCommandLine) {
  auto* model = part<QLineEdit>("model");
  model->setText(QStringLiteral("null"));
  EXPECT_TRUE(form_.values().empty());
  EXPECT_FALSE(form_.isMarkedChanged("model"));
}

TEST(ParamFormOfARule, AScheduleIsTextThatNoArrowKeyChanges) {
  ParamForm form{engine::RuleSchema(schema())};
  engine::ParamSchedule ramp;
  ramp.from = 0.1;
  ramp.to = 0.02;
  ramp.steps = 500;
  form.setValue("rate", ramp);
  EXPECT_EQ(form.values().get("rate"), engine::ParamValue(ramp));
  EXPECT_TRUE(form.problemText("rate").isEmpty()) << form.problemText("rate").toStdString();
  auto* field = form.editor("rate")->findChild<NumberEdit*>();
  EXPECT_EQ(field->numberText(),
            QStringLiteral("{from: 0.1, to: 0.02, steps: 500, shape: linear}"));
  field->stepBy(1);
  EXPECT_EQ(form.values().get("rate"), engine::ParamValue(ramp));
  field->setNumberText(QStringLiteral("{from: 0.1, to: 7, steps: 500}"));
  EXPECT_FALSE(form.problemText("rate").isEmpty());
  field->setNumberText(QStringLiteral("0.5"));
  EXPECT_EQ(form.values().get_real("rate"), 0.5);
}

TEST_F(ParamFormTest, SearchShowsWhatMatchesAndRefusedOnesOnlyThen) {
  auto* search = form_.findChild<QLineEdit*>(QStringLiteral("param_form.search"));
  EXPECT_FALSE(form_.editor("fsdp")->isVisible());
  QTest::keyClicks(search, QStringLiteral("fsdp"));
  EXPECT_TRUE(form_.editor("fsdp")->isVisible());
  EXPECT_FALSE(form_.editor("fsdp")->isEnabled());
  EXPECT_FALSE(form_.editor("steps")->isVisible());
  search->clear();
  EXPECT_TRUE(form_.editor("steps")->isVisible());
}

TEST_F(ParamFormTest, ProblemsOfOthersComeBack) {
  engine::Problem here;
  here.place.file = "--rate";
  here.message = "too fast";
  here.remedy = "slow down";
  engine::Problem elsewhere;
  elsewhere.place.file = "config.json";
  const auto homeless = form_.showProblems({here, elsewhere});
  EXPECT_EQ(form_.problemText("rate"), QStringLiteral("too fast. slow down"));
  ASSERT_EQ(homeless.size(), 1u);
  EXPECT_EQ(homeless.front().place.file, "config.json");
}

TEST(ParamFormOfTheFlags, HoldsEveryFlagOfTheCommandLineUnderItsName) {
  ParamForm form(engine::train_schema());
  for (const auto& spec : engine::train_schema().specs()) {
    ASSERT_NE(form.editor(spec.name), nullptr) << spec.name;
  }
  EXPECT_TRUE(form.values().empty());
  EXPECT_TRUE(form.textProblems().empty());
}

}  // namespace
