// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/transform_document.h"

#include "tests/support/scratch_folder.h"
#include "tests/widgets/sample_plan.h"

#include <QFile>
#include <QSignalSpy>

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

namespace {

using widgets::TransformDocument;
using Disk = TransformDocument::Disk;

std::string read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

class OpenDocument : public testing::Test {
 protected:
  OpenDocument() { document_.open(path(), text_); }
  QString path() const { return QString::fromStdString(file_.string()); }

  tests::ScratchFolder folder_;
  std::string text_ = tests::sample_transform();
  std::filesystem::path file_ = folder_.write("rules.yaml", text_);
  TransformDocument document_;
};

TEST_F(OpenDocument, StartsCleanWithNothingToUndo) {
  EXPECT_FALSE(document_.isModified());
  EXPECT_FALSE(document_.undoStack()->canUndo());
  EXPECT_EQ(document_.name(), QStringLiteral("rules.yaml"));
  EXPECT_EQ(document_.disk(), Disk::same);
}

TEST_F(OpenDocument, AStepHasANameAndIsTakenBackExactly) {
  QSignalSpy changed(&document_, &TransformDocument::textChanged);
  document_.apply({"Add a comment", {{0, 0, "# first\n"}, {2, 5, "1st"}}});
  EXPECT_EQ(document_.text(), "# 1st\n" + text_);
  EXPECT_EQ(document_.undoStack()->undoText(), QStringLiteral("Add a comment"));
  EXPECT_TRUE(document_.isModified());
  document_.undoStack()->undo();
  EXPECT_EQ(document_.text(), text_);
  EXPECT_FALSE(document_.isModified());
  EXPECT_EQ(changed.count(), 2);
}

TEST_F(OpenDocument, StepsOfOneFieldMergeUntilItIsLeft) {
  const auto set = [&](const std::string& text, const char* step) {
    document_.setText(text, QLatin1String(step), QStringLiteral("2 q_levels"));
  };
  set("a: 6\n", "Set to 6");
  set("a: 64\n", "Set to 64");
  EXPECT_EQ(document_.undoStack()->count(), 1);
  EXPECT_EQ(document_.undoStack()->undoText(), QStringLiteral("Set to 64"));
  document_.endMerge();
  set("a: 642\n", "Set to 642");
  EXPECT_EQ(document_.undoStack()->count(), 2);
  document_.undoStack()->undo();
  EXPECT_EQ(document_.text(), "a: 64\n");
  document_.undoStack()->undo();
  EXPECT_EQ(document_.text(), text_);
}

TEST_F(OpenDocument, AThousandRandomEditsAreAllUndone) {
  std::mt19937 random(5);
  const auto below = [&](std::size_t count) { return count == 0 ? 0 : random() % count; };
  for (int i = 0; i < 1000; ++i) {
    const std::size_t at = below(document_.text().size() + 1);
    const std::size_t length = below(std::min<std::size_t>(document_.text().size() - at, 9) + 1);
    std::string inserted;
    for (auto n = below(7); n > 0; --n) inserted += static_cast<char>(below(256));
    const QString key = below(3) == 0 ? QStringLiteral("typing") : QString();
    document_.apply({"x", {{at, length, inserted}}}, key);
    if (below(10) == 0) document_.undoStack()->undo();
    if (below(20) == 0) document_.undoStack()->redo();
    if (below(20) == 0) document_.endMerge();
  }
  while (document_.undoStack()->canUndo()) document_.undoStack()->undo();
  EXPECT_EQ(document_.text(), text_);
  EXPECT_FALSE(document_.isModified());
}

TEST_F(OpenDocument, SavingWritesTheTextByteForByteAndIsClean) {
  const std::string bytes = std::string("# caf\xC3\xA9 \xFF\r\n") + '\0' + text_;
  document_.setText(bytes, QStringLiteral("Edit"));
  EXPECT_FALSE(document_.saveTo(path()));
  EXPECT_EQ(read(file_), bytes);
  EXPECT_FALSE(document_.isModified());
  document_.undoStack()->undo();
  EXPECT_TRUE(document_.isModified());
}

TEST_F(OpenDocument, AFileThatCannotBeWrittenLosesNothing) {
  document_.setText("other\n", QStringLiteral("Edit"));
  const QString nowhere = QString::fromStdString((folder_ / "no/such/rules.yaml").string());
  const auto problem = document_.saveTo(nowhere);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->id, "unwritable-file");
  EXPECT_NE(problem->message.find("no/such/rules.yaml"), std::string::npos);
  EXPECT_TRUE(document_.isModified());
  EXPECT_EQ(document_.file(), path());
  EXPECT_EQ(read(file_), text_);
}

TEST_F(OpenDocument, SomeoneElsesChangeIsSeenAndCanBeTakenAsAStep) {
  document_.setText("mine: 1\n", QStringLiteral("Edit"));
  folder_.write("rules.yaml", "theirs: 1\n");
  EXPECT_EQ(document_.disk(), Disk::changed);
  EXPECT_FALSE(document_.takeDisk());
  EXPECT_EQ(document_.text(), "theirs: 1\n");
  EXPECT_FALSE(document_.isModified());
  EXPECT_EQ(document_.disk(), Disk::same);
  document_.undoStack()->undo();
  EXPECT_EQ(document_.text(), "mine: 1\n");
  EXPECT_TRUE(document_.isModified());
}

TEST_F(OpenDocument, SomeoneElsesChangeCanBeKeptOut) {
  folder_.write("rules.yaml", "theirs: 1\n");
  document_.acceptDisk();
  EXPECT_EQ(document_.disk(), Disk::same);
  EXPECT_TRUE(document_.isModified()) << "what is on the screen is not what is in the file";
  std::filesystem::remove(file_);
  EXPECT_EQ(document_.disk(), Disk::gone);
  EXPECT_TRUE(document_.takeDisk());
  EXPECT_EQ(document_.text(), text_);
}

TEST(TransformDocument, ANewOneIsModifiedUntilItIsSaved) {
  tests::ScratchFolder folder;
  TransformDocument document;
  EXPECT_FALSE(document.isOpen());
  document.open(QString(), "layer_name_to_config:\n  default: null\n");
  EXPECT_TRUE(document.isOpen());
  EXPECT_TRUE(document.isModified());
  const QString file = QString::fromStdString((folder / "new.yaml").string());
  EXPECT_FALSE(document.saveTo(file));
  EXPECT_FALSE(document.isModified());
  EXPECT_EQ(document.file(), file);
}

}  // namespace
