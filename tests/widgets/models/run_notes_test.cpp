// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_notes.h"

#include "tests/support/scratch_folder.h"

#include <QSettings>
#include <QSignalSpy>

#include <gtest/gtest.h>

namespace {

using widgets::RunNote;
using widgets::RunNotes;

TEST(RunNotes, ComeBackWithTheSettings) {
  const tests::ScratchFolder folder;
  const QString file = QString::fromStdString((folder / "settings.ini").string());
  const RunNote note{.tags = {QStringLiteral("paper"), QStringLiteral("größer")},
                     .text = QStringLiteral("100 % of it; a = b, \"c\""),
                     .pinned = true};
  {
    QSettings settings(file, QSettings::IniFormat);
    RunNotes notes;
    notes.setStore(&settings);
    QSignalSpy spy(&notes, &RunNotes::changed);
    notes.set(QStringLiteral("aa"), note);
    notes.set(QStringLiteral("aa"), note);
    EXPECT_EQ(spy.count(), 1) << "nothing new is not told";
    notes.rememberBaseline(QStringLiteral("aa"));
    notes.rememberBaseline(QStringLiteral("bb"));
    notes.rememberBaseline(QStringLiteral("aa"));
    notes.setChoice(QStringLiteral("grouping"), QStringLiteral("seeds"));
  }
  QSettings settings(file, QSettings::IniFormat);
  RunNotes notes;
  notes.setStore(&settings);
  EXPECT_EQ(notes.of(QStringLiteral("aa")), note);
  EXPECT_EQ(notes.of(QStringLiteral("bb")), RunNote());
  EXPECT_EQ(notes.baselines(), (QStringList{QStringLiteral("aa"), QStringLiteral("bb")}));
  EXPECT_EQ(notes.choice(QStringLiteral("grouping")), QStringLiteral("seeds"));
  notes.set(QStringLiteral("aa"), {});
  settings.sync();
  EXPECT_FALSE(QSettings(file, QSettings::IniFormat).contains(QStringLiteral("runs/aa/tags")))
      << "what is no longer said leaves nothing behind";
}

}  // namespace
