// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/transform_rules_panel.h"

#include "tests/widgets/editing.h"
#include "widgets/models/transform_rules_model.h"
#include "widgets/panels/message_bar.h"
#include "widgets/text/pattern_edit.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QDropEvent>
#include <QMimeData>
#include <QSignalSpy>
#include <QTest>
#include <QTreeView>

#include <gtest/gtest.h>

namespace {

using widgets::TransformRulesModel;
using widgets::TransformRulesPanel;

class RulesPanel : public testing::Test {
 protected:
  RulesPanel()
      : panel_(&editing_.selection, &editing_.editor),
        tester_(panel_.model(), QAbstractItemModelTester::FailureReportingMode::Fatal) {
    editing_.onView([this](widgets::PlanViewPtr view) { panel_.setView(std::move(view)); });
    panel_.resize(900, 400);
    panel_.show();
    panel_.activateWindow();
    EXPECT_TRUE(QTest::qWaitForWindowActive(&panel_));
  }

  void click(int row, Qt::KeyboardModifiers keys = {}) {
    auto* list = panel_.list();
    QTest::mouseClick(list->viewport(), Qt::LeftButton, keys,
                      list->visualRect(list->model()->index(row, 1)).center());
  }
  void press(int key, Qt::KeyboardModifiers keys = {}) {
    panel_.list()->setFocus();
    QTest::keyClick(panel_.list(), static_cast<Qt::Key>(key), keys);
  }
  QString cell(int row, int column) const {
    return panel_.model()->index(row, column).data().toString();
  }
  void undo() { editing_.document.undoStack()->undo(); }

  tests::Editing editing_;
  TransformRulesPanel panel_;
  QAbstractItemModelTester tester_;
};

TEST_F(RulesPanel, ShowsWhatEachRuleMatchesAndWins) {
  ASSERT_EQ(panel_.model()->rowCount(), 5);
  EXPECT_EQ(cell(1, TransformRulesModel::kWon), QStringLiteral("8"));
  EXPECT_EQ(cell(2, TransformRulesModel::kShadowed), QStringLiteral("4"));
}

TEST_F(RulesPanel, KeysMoveARuleAndTheCountsFollow) {
  click(2);
  press(Qt::Key_Up, Qt::AltModifier);
  EXPECT_EQ(editing_.pattern(1), "model\\.layers\\.[0-9]+\\.self_attn\\.k_proj");
  EXPECT_EQ(cell(1, TransformRulesModel::kWon), QStringLiteral("4"));
  EXPECT_EQ(editing_.selection.rules(), QList<int>{1}) << "the moved rule stays chosen";
  press(Qt::Key_Down, Qt::AltModifier);
  EXPECT_EQ(editing_.document.text(), tests::sample_transform());
  undo();
  undo();
  EXPECT_EQ(editing_.document.text(), tests::sample_transform());
}

TEST_F(RulesPanel, DeleteDuplicateAndLeaveAloneAreStepsWithNames) {
  click(2);
  press(Qt::Key_Delete);
  EXPECT_EQ(editing_.rules(), 4);
  EXPECT_FALSE(editing_.document.undoStack()->undoText().isEmpty());
  click(1);
  press(Qt::Key_D, Qt::ControlModifier);
  EXPECT_EQ(editing_.rules(), 5);
  EXPECT_EQ(editing_.value(2, "q_levels"), "64");
  click(1);
  press(Qt::Key_Space);
  EXPECT_TRUE(editing_.view->rule(1)->leave_alone);
  EXPECT_TRUE(panel_.actions().leave_alone->isChecked());
  press(Qt::Key_Space);
  EXPECT_FALSE(editing_.view->rule(1)->leave_alone);
  EXPECT_EQ(editing_.value(1, "q_levels"), "64") << "what stood there comes back";
  for (int i = 0; i < 4; ++i) undo();
  EXPECT_EQ(editing_.document.text(), tests::sample_transform());
}

TEST_F(RulesPanel, APatternIsEditedInItsRowWithLiveCounts) {
  click(2);
  press(Qt::Key_F2);
  auto* edit = panel_.list()->findChild<widgets::PatternEdit*>(QStringLiteral("rules.pattern"));
  ASSERT_NE(edit, nullptr);
  EXPECT_EQ(edit->pattern().toStdString(), editing_.pattern(2));
  QTest::keyClicks(edit, QStringLiteral("model\\.layers\\.0\\.mlp\\.up_proj"));
  EXPECT_EQ(cell(2, TransformRulesModel::kMatched), QStringLiteral("1")) << "while it is typed";
  QTest::keyClick(edit, Qt::Key_Return);
  EXPECT_EQ(editing_.pattern(2), "model\\.layers\\.0\\.mlp\\.up_proj");
  undo();
  EXPECT_EQ(editing_.document.text(), tests::sample_transform()) << "one step";
}

TEST_F(RulesPanel, EscapeTakesAHalfTypedPatternBack) {
  click(1);
  press(Qt::Key_F2);
  auto* edit = panel_.list()->findChild<widgets::PatternEdit*>(QStringLiteral("rules.pattern"));
  ASSERT_NE(edit, nullptr);
  QTest::keyClicks(edit, QStringLiteral("model.("));
  EXPECT_FALSE(edit->errorText().isEmpty());
  QTest::keyClick(edit, Qt::Key_Escape);
  EXPECT_EQ(editing_.document.text(), tests::sample_transform());
}

TEST_F(RulesPanel, ARuleIsDroppedBetweenOthers) {
  auto* model = panel_.model();
  std::unique_ptr<QMimeData> data(model->mimeData({model->index(0, 0)}));
  EXPECT_FALSE(model->canDropMimeData(data.get(), Qt::MoveAction, -1, -1, model->index(1, 0)))
      << "not onto a rule";
  ASSERT_TRUE(model->canDropMimeData(data.get(), Qt::MoveAction, 3, 0, {}));
  model->dropMimeData(data.get(), Qt::MoveAction, 3, 0, {});
  EXPECT_EQ(editing_.pattern(2), "model\\.layers\\.[0-9]+\\.self_attn");
  EXPECT_EQ(editing_.selection.rules(), QList<int>{2});
  EXPECT_EQ(editing_.rules(), 5);
}

TEST_F(RulesPanel, DraggingShowsTheCountsOfTheOrderToCome) {
  QSignalSpy asked(&panel_, &TransformRulesPanel::previewRequested);
  auto* model = panel_.model();
  std::unique_ptr<QMimeData> data(model->mimeData({model->index(2, 0)}));
  auto* list = panel_.list();
  const QRect first = list->visualRect(model->index(1, 1));
  const QPoint above(first.center().x(), first.top() + 1);
  QDragEnterEvent enter(above, Qt::MoveAction, data.get(), Qt::LeftButton, {});
  QApplication::sendEvent(list->viewport(), &enter);
  QDragMoveEvent move(above, Qt::MoveAction, data.get(), Qt::LeftButton, {});
  QApplication::sendEvent(list->viewport(), &move);
  ASSERT_GE(asked.count(), 1);
  EXPECT_EQ(asked.last(), (QList<QVariant>{2, 1}));
  const auto preview =
      widgets::plan_text(editing_.view->checkpoint, editing_.editor.textWithMoved(2, 1),
                         "/configs/rules.yaml", engine::paradigm_infos(), editing_.view);
  model->setPreview(preview, 2, 1);
  EXPECT_EQ(cell(2, TransformRulesModel::kWon), QStringLiteral("4")) << "k_proj would win";
  EXPECT_EQ(cell(1, TransformRulesModel::kWon), QStringLiteral("4"));
  model->setPreview(nullptr, 0, 0);
  EXPECT_EQ(cell(2, TransformRulesModel::kWon), QStringLiteral("0"));
}

TEST_F(RulesPanel, LayersDroppedOnTheListAskForARuleThere) {
  QSignalSpy between(&panel_, &TransformRulesPanel::layersDropped);
  QSignalSpy onto(&panel_, &TransformRulesPanel::layersDroppedOn);
  QMimeData data;
  data.setData(TransformRulesModel::kLayersMime, "lm_head\nmodel.layers.0.mlp.up_proj");
  auto* model = panel_.model();
  model->dropMimeData(&data, Qt::CopyAction, 1, 0, {});
  ASSERT_EQ(between.count(), 1);
  EXPECT_EQ(between[0][0].toStringList().size(), 2);
  EXPECT_EQ(between[0][1].toInt(), 1);
  model->dropMimeData(&data, Qt::CopyAction, -1, -1, model->index(2, 0));
  ASSERT_EQ(onto.count(), 1);
  EXPECT_EQ(onto[0][1].toInt(), 2);
}

TEST_F(RulesPanel, ATextThatDoesNotParseKeepsTheLastRulesAndTakesNoEdits) {
  click(1);
  editing_.document.apply({"break", {{0, 0, "a: [\n"}}});
  EXPECT_TRUE(editing_.view->is_stale);
  EXPECT_EQ(panel_.model()->rowCount(), 5);
  EXPECT_FALSE(panel_.actions().remove->isEnabled());
  EXPECT_FALSE(panel_.actions().add->isEnabled());
  undo();
  EXPECT_TRUE(panel_.actions().remove->isEnabled());
}

TEST_F(RulesPanel, WhatCannotBeEditedIsSaid) {
  click(1);
  press(Qt::Key_F2);
  auto* edit = panel_.list()->findChild<widgets::PatternEdit*>(QStringLiteral("rules.pattern"));
  ASSERT_NE(edit, nullptr);
  edit->setPattern(QString());
  QTest::keyClicks(edit, QStringLiteral("lm_head"));
  ASSERT_FALSE(editing_.refusals.empty()) << "the pattern stands in another rule already";
  EXPECT_TRUE(panel_.messages()->isVisible());
}

}  // namespace
