// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/yaml_panel.h"

#include "tests/widgets/editing.h"
#include "widgets/text/yaml_edit.h"

#include <QApplication>
#include <QClipboard>
#include <QSignalSpy>
#include <QTest>
#include <QTextBlock>

#include <gtest/gtest.h>

namespace {

using widgets::YamlEdit;
using widgets::YamlPanel;

class Yaml : public testing::Test {
 protected:
  explicit Yaml(const std::string& text = tests::sample_transform())
      : editing_(text), panel_(&editing_.document, &editing_.selection) {
    editing_.onView([this](widgets::PlanViewPtr view) { panel_.setView(std::move(view)); });
    panel_.resize(700, 400);
    panel_.show();
    panel_.activateWindow();
    EXPECT_TRUE(QTest::qWaitForWindowActive(&panel_));
    edit()->setFocus();
  }
  YamlEdit* edit() { return panel_.edit(); }
  void putCursor(const char* behind) {
    edit()->showByte(editing_.document.text().find(behind) + strlen(behind));
  }

  tests::Editing editing_;
  YamlPanel panel_;
};

TEST_F(Yaml, TypingEditsTheDocumentAndMergesIntoOneStep) {
  putCursor("{q_levels: 25");
  QTest::keyClick(edit(), Qt::Key_Delete);
  QTest::keyClicks(edit(), QStringLiteral("5"));
  EXPECT_EQ(editing_.value(0, "q_levels"), "255");
  editing_.document.undoStack()->undo();
  EXPECT_EQ(editing_.document.text(), tests::sample_transform());
  EXPECT_EQ(edit()->toPlainText().toStdString(), tests::sample_transform());
}

TEST_F(Yaml, UndoKeysGoToTheDocument) {
  putCursor("{q_levels: 256");
  QTest::keyClicks(edit(), QStringLiteral("0"));
  QKeyEvent undo(QEvent::ShortcutOverride, Qt::Key_Z, Qt::ControlModifier);
  undo.setAccepted(false);
  QApplication::sendEvent(edit(), &undo);
  EXPECT_FALSE(undo.isAccepted()) << "the window's action takes it";
}

TEST_F(Yaml, AnEditElsewhereMovesNeitherCursorNorView) {
  putCursor("lm_head");
  const int before = edit()->textCursor().blockNumber();
  editing_.editor.insert(0, {"model\\.layers\\.0\\.mlp\\.up_proj", true, {}});
  EXPECT_EQ(edit()->textCursor().blockNumber(), before + 1);
  EXPECT_EQ(edit()->textCursor().block().text().trimmed().toStdString(), "lm_head: null");
  EXPECT_EQ(edit()->toPlainText().toStdString(), editing_.document.text());
}

TEST_F(Yaml, WhatDoesNotParseIsSaidWithItsPlace) {
  putCursor("layer_name_to_config:");
  QTest::keyClicks(edit(), QStringLiteral(" ["));
  EXPECT_TRUE(editing_.view->is_stale);
  EXPECT_TRUE(panel_.stateText().startsWith(QStringLiteral("Line ")))
      << panel_.stateText().toStdString();
  EXPECT_EQ(editing_.rules(), 5);
  ASSERT_FALSE(edit()->extraSelections().isEmpty());
  editing_.document.undoStack()->undo();
  EXPECT_FALSE(editing_.view->is_stale);
}

TEST_F(Yaml, ProblemsAreUnderlinedWhereTheyStand) {
  editing_.document.setText(
      "layer_name_to_config:\n  lm_head: {q_levels: 64, q_levls: 3}\n  default: null\n",
      QStringLiteral("Edit"));
  bool found = false;
  for (const auto& one : edit()->extraSelections()) {
    found = found || one.cursor.selectedText().startsWith(QStringLiteral("q_levls"));
  }
  EXPECT_TRUE(found);
}

TEST_F(Yaml, CtrlClickChoosesTheRule) {
  const QTextBlock block = edit()->document()->findBlockByNumber(2);
  const QRect place = edit()->cursorRect(QTextCursor(block));
  QTest::mouseClick(edit()->viewport(), Qt::LeftButton, Qt::ControlModifier, place.center());
  EXPECT_EQ(editing_.selection.rules(), QList<int>{1});
}

TEST_F(Yaml, EnterKeepsTheIndentAndOpensAKey) {
  putCursor("layer_name_to_config:");
  QTest::keyClick(edit(), Qt::Key_Return);
  EXPECT_EQ(edit()->textCursor().positionInBlock(), 2);
  putCursor("lm_head: null");
  QTest::keyClick(edit(), Qt::Key_Return);
  EXPECT_EQ(edit()->textCursor().positionInBlock(), 2);
}

class WindowsYaml : public Yaml {
 protected:
  WindowsYaml() : Yaml("layer_name_to_config:\r\n  lm_head: {q_levels: 64}  # \xC3\xA9\r\n") {}
};

TEST_F(WindowsYaml, KeepsItsLineEndsAndCharacters) {
  const std::string before = editing_.document.text();
  putCursor("q_levels: 64");
  QTest::keyClicks(edit(), QStringLiteral("0"));
  EXPECT_EQ(editing_.document.text(),
            "layer_name_to_config:\r\n  lm_head: {q_levels: 640}  # \xC3\xA9\r\n");
  edit()->moveCursor(QTextCursor::End);
  QTest::keyClicks(edit(), QStringLiteral("  default: null"));
  QTest::keyClick(edit(), Qt::Key_Return);
  EXPECT_TRUE(QString::fromStdString(editing_.document.text())
                  .endsWith(QStringLiteral("  default: null\r\n  ")));
  while (editing_.document.undoStack()->canUndo()) editing_.document.undoStack()->undo();
  EXPECT_EQ(editing_.document.text(), before);
}

}  // namespace
