// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/transform_rules_model.h"

#include "tests/widgets/sample_plan.h"

#include <QAbstractItemModelTester>

#include <gtest/gtest.h>

namespace {

using widgets::TransformRulesModel;

std::string row_text(const QAbstractItemModel& model, int row) {
  QStringList cells;
  for (const int column :
       {TransformRulesModel::kNumber, TransformRulesModel::kPattern, TransformRulesModel::kMatched,
        TransformRulesModel::kWon, TransformRulesModel::kShadowed}) {
    cells << model.index(row, column).data().toString();
  }
  return cells.join(QStringLiteral(" | ")).toStdString();
}

TEST(TransformRulesModel, CountsWhatEachRuleMatchesWinsAndLoses) {
  TransformRulesModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setView(tests::sample_view());
  ASSERT_EQ(model.rowCount(), 5);
  EXPECT_EQ(row_text(model, 0), "1 | model\\.layers\\.[0-9]+\\.self_attn | 4 | 4 | 0");
  EXPECT_EQ(row_text(model, 1), "2 | model\\.layers\\.[0-9]+\\.self_attn\\.(q|k)_proj | 8 | 8 | 0");
  EXPECT_EQ(row_text(model, 2), "3 | model\\.layers\\.[0-9]+\\.self_attn\\.k_proj | 4 | 0 | 4");
  EXPECT_EQ(row_text(model, 4), "↳ | default | – | 20 | –");
}

TEST(TransformRulesModel, ADeadRuleNamesWhatShadowsIt) {
  TransformRulesModel model;
  model.setView(tests::sample_view());
  const QString tip = model.index(2, 0).data(Qt::ToolTipRole).toString();
  EXPECT_TRUE(tip.contains(QStringLiteral("Never reached: rule 2 takes all 4 layers")))
      << tip.toStdString();
}

TEST(TransformRulesModel, DefaultComesLastWhereverItStands) {
  TransformRulesModel model;
  model.setView(
      tests::sample_view("layer_name_to_config:\n  default: null\n"
                         "  lm_head: {q_levels: 64}\n"));
  EXPECT_EQ(model.index(0, TransformRulesModel::kPattern).data().toString(),
            QStringLiteral("lm_head"));
  EXPECT_EQ(model.index(0, TransformRulesModel::kNumber).data().toString(), QStringLiteral("1"));
  EXPECT_EQ(model.index(1, TransformRulesModel::kPattern).data().toString(),
            QStringLiteral("default"));
}

TEST(TransformRulesModel, WithoutACheckpointThereAreNoCounts) {
  TransformRulesModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  auto transform = std::make_shared<engine::ParsedTransform>(engine::parse_transform_config(
      tests::sample_transform(), "sample.yaml", engine::paradigm_infos()));
  model.setView(widgets::make_plan_view(nullptr, transform, engine::paradigm_infos()));
  EXPECT_EQ(row_text(model, 0), "1 | model\\.layers\\.[0-9]+\\.self_attn | – | – | –");
}

TEST(TransformRulesModel, ARowKnowsTheLayersItWins) {
  TransformRulesModel model;
  model.setView(tests::sample_view());
  EXPECT_EQ(model.index(1, 0).data(TransformRulesModel::kLayersRole).toStringList().size(), 8);
  EXPECT_TRUE(model.index(2, 0).data(TransformRulesModel::kLayersRole).toStringList().isEmpty());
}

}  // namespace
