// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/document_files.h"

#include "tests/support/scratch_folder.h"
#include "widgets/models/transform_document.h"
#include "widgets/panels/message_bar.h"

#include <QApplication>
#include <QFileDialog>
#include <QLineEdit>
#include <QMessageBox>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QTimer>

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace {

const char* kText = "layer_name_to_config:\n  default: null\n";

std::string read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

class Files : public testing::Test {
 protected:
  Files() : files_(&document_, &window_, messages_) {
    document_.open(QString::fromStdString(file_.string()), kText);
    window_.resize(600, 200);
    window_.show();
  }
  void edit(const char* text = "mine: 1\n") { document_.setText(text, QStringLiteral("Edit")); }
  QPushButton* offered(const char* name) {
    return messages_->findChild<QPushButton*>(QLatin1String(name));
  }
  void answer(const char* button) {
    QTimer::singleShot(0, [button] {
      auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
      ASSERT_NE(box, nullptr);
      box->findChild<QAbstractButton*>(QLatin1String(button))->click();
    });
  }

  tests::ScratchFolder folder_;
  std::filesystem::path file_ = folder_.write("rules.yaml", kText);
  widgets::TransformDocument document_;
  QWidget window_;
  widgets::MessageBar* messages_ = new widgets::MessageBar(&window_);
  app::DocumentFiles files_;
};

TEST_F(Files, SaveWritesTheFile) {
  QSignalSpy saved(&files_, &app::DocumentFiles::saved);
  edit();
  EXPECT_TRUE(files_.save());
  EXPECT_EQ(read(file_), "mine: 1\n");
  EXPECT_EQ(saved.count(), 1);
  QTest::qWait(300);
  EXPECT_FALSE(messages_->isVisible()) << "our own writing is nobody else's";
}

TEST_F(Files, ACleanDocumentFollowsTheFileAsAStep) {
  folder_.write("rules.yaml", "theirs: 1\n");
  ASSERT_TRUE(QTest::qWaitFor([&] { return document_.text() == "theirs: 1\n"; }, 10000));
  EXPECT_FALSE(document_.isModified());
  EXPECT_TRUE(messages_->isVisible());
  document_.undoStack()->undo();
  EXPECT_EQ(document_.text(), kText);
}

TEST_F(Files, AReplacedFileIsNoticedAgainAndAgain) {
  for (const char* text : {"first: 1\n", "second: 2\n", "third: 3\n"}) {
    folder_.write("rules.tmp", text);
    std::filesystem::rename(folder_ / "rules.tmp", file_);
    ASSERT_TRUE(QTest::qWaitFor([&] { return document_.text() == text; }, 10000)) << text;
  }
}

TEST_F(Files, UnsavedEditsAreNotOverwrittenUnasked) {
  edit();
  folder_.write("rules.yaml", "theirs: 1\n");
  ASSERT_TRUE(QTest::qWaitFor([&] { return offered("disk.keep") != nullptr; }, 10000));
  EXPECT_EQ(document_.text(), "mine: 1\n");
  QTest::mouseClick(offered("disk.take"), Qt::LeftButton);
  EXPECT_EQ(document_.text(), "theirs: 1\n");
  document_.undoStack()->undo();
  EXPECT_EQ(document_.text(), "mine: 1\n");
}

TEST_F(Files, SavingLooksAtTheDiskFirst) {
  edit();
  folder_.write("rules.yaml", "theirs: 1\n");
  EXPECT_FALSE(files_.save());
  EXPECT_EQ(read(file_), "theirs: 1\n");
  ASSERT_NE(offered("disk.keep"), nullptr);
  QTest::mouseClick(offered("disk.keep"), Qt::LeftButton);
  EXPECT_TRUE(files_.save());
  EXPECT_EQ(read(file_), "mine: 1\n");
}

TEST_F(Files, AFileThatIsGoneIsSaidAndWrittenAnew) {
  edit();
  std::filesystem::remove(file_);
  ASSERT_TRUE(QTest::qWaitFor([&] { return messages_->isVisible(); }, 10000));
  EXPECT_TRUE(messages_->text().contains(QStringLiteral("rules.yaml is gone")));
  EXPECT_EQ(document_.text(), "mine: 1\n");
  EXPECT_TRUE(files_.save());
  EXPECT_EQ(read(file_), "mine: 1\n");
}

TEST_F(Files, WhatCannotBeWrittenIsSaidAndKept) {
  std::filesystem::remove_all(folder_.path());
  edit();
  EXPECT_FALSE(files_.save());
  EXPECT_TRUE(messages_->isVisible());
  EXPECT_TRUE(document_.isModified());
  EXPECT_EQ(document_.text(), "mine: 1\n");
}

TEST_F(Files, LeavingUnsavedEditsIsAsked) {
  EXPECT_TRUE(files_.mayLeave()) << "nothing to lose";
  edit();
  answer("unsaved_question.cancel");
  EXPECT_FALSE(files_.mayLeave());
  answer("unsaved_question.discard");
  EXPECT_TRUE(files_.mayLeave());
  EXPECT_EQ(read(file_), kText);
  answer("unsaved_question.save");
  EXPECT_TRUE(files_.mayLeave());
  EXPECT_EQ(read(file_), "mine: 1\n");
}

TEST_F(Files, ANewDocumentAsksForItsName) {
  document_.open(QString(), kText);
  EXPECT_TRUE(files_.mayLeave()) << "a new one that nobody touched";
  files_.setSuggestedFolder(QString::fromStdString(folder_.path().string()));
  QTimer::singleShot(0, [] {
    auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
    ASSERT_NE(dialog, nullptr);
    auto* name = dialog->findChild<QLineEdit*>(QStringLiteral("fileNameEdit"));
    name->setText(QStringLiteral("mine"));
    QTest::keyClick(name, Qt::Key_Return);
  });
  EXPECT_TRUE(files_.save());
  EXPECT_EQ(read(folder_ / "mine.yaml"), kText);
  EXPECT_EQ(document_.name(), QStringLiteral("mine.yaml"));
}

}  // namespace
