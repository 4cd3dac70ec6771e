// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_look_store.h"

#include "tests/support/scratch_folder.h"
#include "widgets/models/run_store.h"

#include <QSettings>

#include <gtest/gtest.h>

namespace {

using engine::color_of_look;
using engine::shape_of_look;
using widgets::RunLookStore;
using widgets::RunStore;

QString settings_in(const tests::ScratchFolder& folder) {
  return QString::fromStdString((folder / "settings.ini").string());
}

TEST(RunLookStore, LooksComeBackWhateverElseIsOpenThen) {
  const tests::ScratchFolder folder;
  QList<int> before;
  {
    QSettings settings(settings_in(folder), QSettings::IniFormat);
    RunLookStore looks(&settings);
    for (int run = 0; run < 20; ++run) before << looks.of(QStringLiteral("run %1").arg(run));
  }
  QSettings settings(settings_in(folder), QSettings::IniFormat);
  RunLookStore looks(&settings);
  for (int other = 0; other < 5; ++other) looks.of(QStringLiteral("another %1").arg(other));
  for (int run = 19; run >= 0; --run) {
    const int look = looks.of(QStringLiteral("run %1").arg(run));
    EXPECT_EQ(color_of_look(look), color_of_look(before[run])) << run;
  }
}

TEST(RunLookStore, RunsRememberedApartDoNotLookAlikeTogether) {
  const tests::ScratchFolder folder;
  QSettings settings(settings_in(folder), QSettings::IniFormat);
  int alone = 0, other = 0;
  // Each was alone when it was met, and had the colour that its key points at.
  for (int i = 0;; ++i) {
    alone = RunLookStore().of(QStringLiteral("a"));
    other = RunLookStore().of(QStringLiteral("b%1").arg(i));
    if (alone != other) continue;
    settings.setValue(QStringLiteral("runs/a/look"), alone);
    settings.setValue(QStringLiteral("runs/b/look"), other);
    break;
  }
  RunLookStore looks(&settings);
  EXPECT_EQ(looks.of(QStringLiteral("a")), alone);
  const int moved = looks.of(QStringLiteral("b"));
  EXPECT_EQ(color_of_look(moved), color_of_look(other));
  EXPECT_NE(shape_of_look(moved), shape_of_look(alone));
  EXPECT_EQ(settings.value(QStringLiteral("runs/b/look")).toInt(), moved) << "and stays so";
}

TEST(RunLookStore, ARunOfTheListLooksAsItDoesInAComparison) {
  RunLookStore looks;
  RunStore runs(&looks);
  const int compared = looks.of(QStringLiteral("first line of a"));
  runs.add(QStringLiteral("/runs/a"));
  runs.add(QStringLiteral("/runs/b"));
  runs.setIdentity(QStringLiteral("/runs/b"), QStringLiteral("first line of b"));
  runs.setIdentity(QStringLiteral("/runs/a"), QStringLiteral("first line of a"));
  EXPECT_EQ(runs.find(QStringLiteral("/runs/a"))->look, compared);
  EXPECT_EQ(runs.find(QStringLiteral("/runs/b"))->look,
            looks.of(QStringLiteral("first line of b")));
  EXPECT_NE(runs.find(QStringLiteral("/runs/b"))->look, compared);
}

}  // namespace
