// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/autosave.h"

#include "tests/support/scratch_folder.h"
#include "widgets/models/transform_document.h"
#include "widgets/panels/message_bar.h"

#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace {

using app::Autosave;

const char* kText = "layer_name_to_config:\n  default: null\n";

class Recovery : public testing::Test {
 protected:
  Recovery() {
    window_.resize(700, 200);
    window_.show();
  }
  QString store() const { return QString::fromStdString((folder_ / "recovery").string()); }
  QString file() const { return QString::fromStdString(file_.string()); }
  QPushButton* offered(const char* name) {
    return messages_->findChild<QPushButton*>(QLatin1String(name));
  }
  /// Another process edits and is killed.
  void editAndDie(const QString& file, const char* text) {
    const pid_t child = fork();
    if (child == 0) {
      widgets::TransformDocument document;
      widgets::MessageBar bar;
      Autosave autosave(&document, &bar, store());
      document.open(file, kText);
      document.setText(text, QStringLiteral("Edit"));
      autosave.keep();
      autosave.finish();
      raise(SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  tests::ScratchFolder folder_;
  std::filesystem::path file_ = folder_.write("rules.yaml", kText);
  QWidget window_;
  widgets::MessageBar* messages_ = new widgets::MessageBar(&window_);
  widgets::TransformDocument document_;
};

TEST_F(Recovery, TheWorkOfAKilledWindowIsOfferedAndTaken) {
  editAndDie(file(), "mine: 1\n");
  Autosave autosave(&document_, messages_, store());
  QObject::connect(&autosave, &Autosave::recovered, &document_,
                   &widgets::TransformDocument::openUnsaved);
  autosave.offerRecovered();
  EXPECT_TRUE(messages_->text().contains(QStringLiteral("rules.yaml")));
  ASSERT_NE(offered("recovery.take"), nullptr);
  QTest::mouseClick(offered("recovery.take"), Qt::LeftButton);
  EXPECT_EQ(document_.text(), "mine: 1\n");
  EXPECT_TRUE(document_.isModified());
  EXPECT_EQ(document_.file(), file());
  document_.undoStack()->undo();
  EXPECT_EQ(document_.text(), kText) << "as it is on the disk";
}

TEST_F(Recovery, WhatIsDeclinedIsNotOfferedAgain) {
  editAndDie(QString(), "mine: 1\n");
  {
    Autosave autosave(&document_, messages_, store());
    autosave.offerRecovered();
    ASSERT_NE(offered("recovery.discard"), nullptr);
    QTest::mouseClick(offered("recovery.discard"), Qt::LeftButton);
  }
  messages_->dismiss();
  Autosave again(&document_, messages_, store());
  again.offerRecovered();
  EXPECT_TRUE(messages_->text().isEmpty());
}

TEST_F(Recovery, AFileChangedSinceIsSaid) {
  editAndDie(file(), "mine: 1\n");
  folder_.write("rules.yaml", "theirs: 1\n");
  Autosave autosave(&document_, messages_, store());
  autosave.offerRecovered();
  EXPECT_TRUE(messages_->accessibleName().contains(QStringLiteral("has been changed")));
}

TEST_F(Recovery, UnsavedWorkIsKeptByItselfAndLetGoOnceItIsSaved) {
  const auto kept = [&] {
    int files = 0;
    for (const auto& one : std::filesystem::recursive_directory_iterator(folder_ / "recovery")) {
      const auto text = tests::content_of(one.path());
      if (one.is_regular_file() && text.find("mine: 1") != std::string::npos) ++files;
    }
    return files;
  };
  Autosave autosave(&document_, messages_, store(), 30);
  document_.open(file(), kText);
  QTest::qWait(80);
  EXPECT_EQ(kept(), 0) << "nothing to lose";
  document_.setText("mine: 1\n", QStringLiteral("Edit"));
  EXPECT_TRUE(QTest::qWaitFor([&] { return kept() == 1; }, 10000));
  EXPECT_FALSE(document_.saveTo(file()));
  autosave.finish();
  EXPECT_EQ(kept(), 0);
  EXPECT_LE(Autosave::kIntervalMs, 30000);
}

TEST_F(Recovery, AFolderThatCannotBeWrittenIsSaidAndHarmless) {
  folder_.write("recovery", "a file");
  Autosave autosave(&document_, messages_, store(), 10);
  EXPECT_FALSE(messages_->text().isEmpty());
  document_.open(file(), kText);
  document_.setText("mine: 1\n", QStringLiteral("Edit"));
  autosave.keep();
  autosave.offerRecovered();
}

}  // namespace
