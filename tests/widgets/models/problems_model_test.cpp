// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/problems_model.h"

#include <QAbstractItemModelTester>

#include <gtest/gtest.h>

namespace {

using widgets::ProblemsModel;

engine::Problem problem(engine::Severity severity, const char* message, int line) {
  engine::Problem one;
  one.severity = severity;
  one.message = message;
  one.remedy = "mend it";
  one.place = {"/far/away/rules.yaml", line, 3};
  return one;
}

TEST(ProblemsModel, ErrorsComeFirstWithTheirPlaceAndRemedy) {
  ProblemsModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setProblems({problem(engine::Severity::note, "a note", 1),
                     problem(engine::Severity::error, "an error", 7)});
  EXPECT_EQ(model.index(0, ProblemsModel::kMessage).data().toString(), QStringLiteral("an error"));
  EXPECT_EQ(model.index(0, ProblemsModel::kRemedy).data().toString(), QStringLiteral("mend it"));
  EXPECT_EQ(model.index(0, ProblemsModel::kPlace).data().toString(),
            QStringLiteral("rules.yaml:7:3"));
  EXPECT_EQ(model.count(engine::Severity::error), 1);
  EXPECT_TRUE(model.index(0, 0)
                  .data(Qt::ToolTipRole)
                  .toString()
                  .contains(QStringLiteral("/far/away/rules.yaml:7:3")));
}

}  // namespace
