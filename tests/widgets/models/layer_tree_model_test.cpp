// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_tree_model.h"

#include "tests/widgets/sample_plan.h"

#include <QAbstractItemModelTester>
#include <QMimeData>
#include <QPoint>
#include <QSignalSpy>

#include <gtest/gtest.h>

namespace {

using widgets::LayerTreeModel;
using Chip = LayerTreeModel::Chip;

/// The tree as a person reads it: "name | rule", indented.
QString outline(const QAbstractItemModel& model, const QModelIndex& parent = {}, int depth = 0) {
  QString text;
  for (int row = 0; row < model.rowCount(parent); ++row) {
    const QModelIndex name = model.index(row, LayerTreeModel::kName, parent);
    text += QString(depth * 2, QLatin1Char(' ')) + name.data().toString() + QStringLiteral(" | ") +
            name.siblingAtColumn(LayerTreeModel::kRule).data().toString() + QLatin1Char('\n');
    text += outline(model, name, depth + 1);
  }
  return text;
}

Chip chip_of(const LayerTreeModel& model, const char* layer) {
  return static_cast<Chip>(
      model.indexOf(QLatin1String(layer)).data(LayerTreeModel::kChipRole).toInt());
}

TEST(LayerTreeModel, FoldsBlocksThatAreAlike) {
  LayerTreeModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setView(tests::sample_view());
  EXPECT_EQ(outline(model).toStdString(),
            "layers 0–3 | mixed\n"
            "  self_attn | 1\n"
            "    q_proj | 2\n"
            "    k_proj | 2\n"
            "    v_proj | default\n"
            "    o_proj | default\n"
            "  mlp | default\n"
            "    gate_proj | default\n"
            "    up_proj | default\n"
            "    down_proj | default\n"
            "lm_head | leave\n");
}

TEST(LayerTreeModel, ABlockWithAnotherOutcomeStandsAlone) {
  LayerTreeModel model;
  model.setView(
      tests::sample_view("layer_name_to_config:\n"
                         "  'model\\.layers\\.2\\.mlp\\.up_proj': null\n"
                         "  default: {q_levels: 128}\n"));
  QStringList top;
  for (int row = 0; row < model.rowCount(); ++row) top << model.index(row, 0).data().toString();
  EXPECT_EQ(top.join(QLatin1Char(';')).toStdString(), "layers 0–1;layers 2;layers 3;lm_head");
}

TEST(LayerTreeModel, UnfoldedListsEveryBlock) {
  LayerTreeModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setView(tests::sample_view());
  model.setFolded(false);
  EXPECT_EQ(model.rowCount(), 5);
  model.setShowsAllKinds(true);
  EXPECT_EQ(model.rowCount(), 7);
}

TEST(LayerTreeModel, ARowStandsForTheLayersOfAllItsBlocks) {
  LayerTreeModel model;
  model.setView(tests::sample_view());
  const auto query = model.indexOf(QStringLiteral("model.layers.2.self_attn.q_proj"));
  ASSERT_TRUE(query.isValid());
  EXPECT_EQ(query.data(LayerTreeModel::kLayersRole).toStringList().size(), 4);
  const auto attention = model.indexOf(QStringLiteral("model.layers.2.self_attn"));
  EXPECT_EQ(
      attention.data(LayerTreeModel::kLayersRole).toStringList(),
      (QStringList{
          QStringLiteral("model.layers.0.self_attn"), QStringLiteral("model.layers.1.self_attn"),
          QStringLiteral("model.layers.2.self_attn"), QStringLiteral("model.layers.3.self_attn")}));
}

TEST(LayerTreeModel, ChipsSayWhoWins) {
  LayerTreeModel model;
  model.setView(tests::sample_view());
  EXPECT_EQ(chip_of(model, "model.layers.0.self_attn.q_proj"), Chip::rule);
  EXPECT_EQ(chip_of(model, "model.layers.0.mlp.up_proj"), Chip::fallback);
  EXPECT_EQ(chip_of(model, "lm_head"), Chip::left_alone);
  model.setView(tests::sample_view("layer_name_to_config:\n  lm_head: {q_levels: 64}\n"));
  EXPECT_EQ(chip_of(model, "model.layers.0.mlp.up_proj"), Chip::unmatched);
}

TEST(LayerTreeModel, TheToolTipTellsTheWholeTrail) {
  LayerTreeModel model;
  model.setView(tests::sample_view());
  const QString tip = model.indexOf(QStringLiteral("model.layers.0.self_attn.k_proj"))
                          .data(Qt::ToolTipRole)
                          .toString();
  EXPECT_TRUE(tip.contains(QStringLiteral("rule 2"))) << tip.toStdString();
  EXPECT_TRUE(tip.contains(QStringLiteral("would match, but 2 comes first"))) << tip.toStdString();
}

TEST(LayerTreeModel, ShowsACheckpointWithoutATransform) {
  LayerTreeModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setView(widgets::make_plan_view(tests::sample_checkpoint(), nullptr, {}));
  EXPECT_EQ(model.rowCount(), 2);
  EXPECT_EQ(model.index(0, LayerTreeModel::kRule).data().toString().toStdString(), "");
}

/// Another text on the same checkpoint, as an edit makes it.
widgets::PlanViewPtr edited(const widgets::PlanViewPtr& before, const std::string& yaml) {
  return widgets::plan_text(before->checkpoint, yaml, "sample.yaml", engine::paradigm_infos(),
                            before);
}

TEST(LayerTreeModel, AnEditThatFoldsTheSameBlocksKeepsEveryRow) {
  LayerTreeModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  const auto before = tests::sample_view();
  model.setView(before);
  const QPersistentModelIndex head = model.indexOf(QStringLiteral("lm_head"));
  QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
  QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
  model.setView(edited(before,
                       "layer_name_to_config:\n"
                       "  model\\.layers\\.[0-9]+\\.self_attn: {q_levels: 256}\n"
                       "  model\\.layers\\.[0-9]+\\.self_attn\\.(q|k)_proj: {q_levels: 64}\n"
                       "  lm_head: {q_levels: 32}\n"
                       "  default: {q_levels: 128}\n"));
  EXPECT_EQ(reset.count(), 0);
  EXPECT_TRUE(head.isValid());
  EXPECT_EQ(chip_of(model, "lm_head"), Chip::rule);
  EXPECT_EQ(model.indexOf(QStringLiteral("lm_head"))
                .siblingAtColumn(LayerTreeModel::kRule)
                .data()
                .toString(),
            QStringLiteral("3"));
  EXPECT_GE(changed.count(), 1);
  EXPECT_LT(changed.count(), 12) << "only rows that show something else";
}

TEST(LayerTreeModel, AnEditThatSplitsBlocksFoldsAnew) {
  LayerTreeModel model;
  const auto before = tests::sample_view();
  model.setView(before);
  QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
  model.setView(edited(before,
                       "layer_name_to_config:\n"
                       "  'model\\.layers\\.[01]\\.mlp\\.up_proj': null\n"
                       "  default: {q_levels: 128}\n"));
  EXPECT_EQ(reset.count(), 1);
  EXPECT_EQ(model.index(0, 0).data().toString(), QStringLiteral("layers 0–1"));
  EXPECT_EQ(model.index(1, 0).data().toString(), QStringLiteral("layers 2–3"));
  EXPECT_EQ(model.index(1, 0).data(LayerTreeModel::kBlocksRole).toPoint(), QPoint(2, 3));
}

TEST(LayerTreeModel, SharesOfFlopsAddUpToTheWholeModel) {
  LayerTreeModel model;
  model.setShowsAllKinds(true);
  model.setView(tests::sample_view());
  double sum = 0;
  for (int row = 0; row < model.rowCount(); ++row) {
    QString text = model.index(row, LayerTreeModel::kFlops).data().toString();
    sum += text.remove(QLatin1Char('%')).trimmed().toDouble();
  }
  EXPECT_NEAR(sum, 100, 0.2);
}

TEST(LayerTreeModel, RowsAreDraggedAsTheLayersTheyStandFor) {
  LayerTreeModel model;
  model.setView(tests::sample_view());
  const auto query = model.indexOf(QStringLiteral("model.layers.0.self_attn.q_proj"));
  std::unique_ptr<QMimeData> data(model.mimeData({query, query.siblingAtColumn(1)}));
  EXPECT_EQ(data->text().split(QLatin1Char('\n')).size(), 4);
}

}  // namespace
