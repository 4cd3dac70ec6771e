// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/layer_assignment_panel.h"

#include "tests/widgets/editing.h"
#include "widgets/models/layer_tree_model.h"

#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QTest>
#include <QTreeView>

#include <gtest/gtest.h>

namespace {

using widgets::LayerAssignmentPanel;
using widgets::LayerTreeModel;

class LayersPanel : public testing::Test {
 protected:
  LayersPanel() : panel_(&editing_.selection) {
    editing_.onView([this](widgets::PlanViewPtr view) { panel_.setView(std::move(view)); });
    panel_.resize(700, 500);
    panel_.show();
    panel_.activateWindow();
    EXPECT_TRUE(QTest::qWaitForWindowActive(&panel_));
  }
  QTreeView* tree() { return panel_.tree(); }
  QModelIndex row(const QString& path, const QModelIndex& above = {}) {
    for (int i = 0; i < tree()->model()->rowCount(above); ++i) {
      const QModelIndex index = tree()->model()->index(i, 0, above);
      if (index.data(LayerTreeModel::kPathRole).toString() == path) return index;
      const QModelIndex below = row(path, index);
      if (below.isValid()) return below;
    }
    return {};
  }
  void click(const QModelIndex& index) {
    QTest::mouseClick(tree()->viewport(), Qt::LeftButton, {}, tree()->visualRect(index).center());
  }
  void filter(const char* text) {
    auto* field = panel_.findChild<QLineEdit*>(QStringLiteral("layers.filter"));
    field->setText(QString::fromLatin1(text));
  }

  tests::Editing editing_;
  LayerAssignmentPanel panel_;
};

TEST_F(LayersPanel, NamesStayReadableBesideAMeasureInANarrowPanel) {
  panel_.resize(340, 500);
  EXPECT_FALSE(tree()->isColumnHidden(LayerTreeModel::kFlops));
  widgets::LayerMeasure measure;
  measure.title = QStringLiteral("SQNR");
  measure.values["lm_head"].number = 26.9;
  panel_.setMeasure(measure);
  EXPECT_FALSE(tree()->isColumnHidden(LayerTreeModel::kMeasure));
  EXPECT_TRUE(tree()->isColumnHidden(LayerTreeModel::kFlops));
  tree()->expandAll();
  const QRect box = tree()->visualRect(row(QStringLiteral("mlp.down_proj")));
  EXPECT_GE(box.width(), tree()->fontMetrics().horizontalAdvance(QStringLiteral("down_proj")));
  panel_.resize(420, 500);
  EXPECT_FALSE(tree()->isColumnHidden(LayerTreeModel::kFlops));
}

TEST_F(LayersPanel, ARowSelectsTheLayersOfAllItsBlocksAndEnterAsksForARule) {
  QSignalSpy asked(&panel_, &LayerAssignmentPanel::makeRuleRequested);
  click(row(QStringLiteral("mlp.up_proj")));
  EXPECT_EQ(editing_.selection.layers().size(), 4);
  QTest::keyClick(tree(), Qt::Key_Return);
  EXPECT_EQ(asked.count(), 1);
}

TEST_F(LayersPanel, OpenRowsStayOpenWhenBlocksAreFoldedAnew) {
  tree()->collapse(row(QStringLiteral("self_attn")));
  ASSERT_TRUE(tree()->isExpanded(row(QStringLiteral("mlp"))));
  editing_.document.setText(
      "layer_name_to_config:\n  'model\\.layers\\.[01]\\.mlp\\.up_proj': null\n"
      "  default: {q_levels: 128}\n",
      QStringLiteral("Edit"));
  ASSERT_EQ(tree()->model()->rowCount(), 3);
  for (int block = 0; block < 2; ++block) {
    const QModelIndex group = tree()->model()->index(block, 0);
    EXPECT_TRUE(tree()->isExpanded(group));
    EXPECT_FALSE(tree()->isExpanded(row(QStringLiteral("self_attn"), group)));
    EXPECT_TRUE(tree()->isExpanded(row(QStringLiteral("mlp"), group)));
  }
}

TEST_F(LayersPanel, SelectionIsKeptWhenBlocksAreFoldedAnew) {
  click(row(QStringLiteral("mlp.up_proj")));
  editing_.document.setText(
      "layer_name_to_config:\n  'model\\.layers\\.[01]\\.mlp\\.up_proj': null\n"
      "  default: {q_levels: 128}\n",
      QStringLiteral("Edit"));
  EXPECT_EQ(editing_.selection.layers().size(), 4);
  EXPECT_EQ(tree()->selectionModel()->selectedRows().size(), 2);
}

TEST_F(LayersPanel, TheFilterTakesTextAndRegularExpressions) {
  auto* found = panel_.findChild<QLabel*>(QStringLiteral("layers.found"));
  filter("up_proj");
  EXPECT_EQ(found->text(), QStringLiteral("4 layers"));
  filter("^(q|k)_proj$");
  EXPECT_EQ(found->text(), QStringLiteral("8 layers"));
  filter("(");
  EXPECT_EQ(found->text(), QStringLiteral("0 layers")) << "text where it is no expression";
  filter("");
  EXPECT_TRUE(found->text().isEmpty());
}

TEST_F(LayersPanel, SelectAllOfThisKindTakesEveryBlock) {
  panel_.model()->setFolded(false);
  tree()->expandAll();
  click(row(QStringLiteral("mlp.down_proj")));
  ASSERT_EQ(editing_.selection.layers().size(), 1);
  QTest::keyClick(tree(), Qt::Key_A, Qt::ControlModifier);
  EXPECT_EQ(editing_.selection.layers().size(), 4);
}

}  // namespace
