// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/remote_runs.h"

#include "app/workbench/open_path.h"
#include "engine/error.h"
#include "engine/runs/run_catalog.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"

#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace {

TEST(RemoteRuns, AnAddressIsOpenedAsAFolderOfRuns) {
  const auto opened = app::open_path(QStringLiteral("ssh://lab1:2222/data/runs/"));
  EXPECT_EQ(opened.kind, app::PathKind::runs);
  EXPECT_EQ(opened.path, QStringLiteral("ssh://lab1:2222/data/runs"));
  EXPECT_THROW(app::open_path(QStringLiteral("ssh://lab1")), engine::Error);
}

TEST(RemoteRuns, TroubleIsToldOnceAndItsEndToo) {
  const tests::ScratchFolder scratch;
  tests::write_sample_run(scratch / "runs/run-a", {.steps = 20});
  const auto program = scratch.write(
      "ssh.sh", "#!/bin/sh\n[ -e '" + (scratch / "up").string() +
                    "' ] || { echo 'lab1: no route to host' >&2; exit 255; }\n"
                    "while [ $# -gt 0 ]; do case $1 in -G) exit 0;; --) shift; break;; *) "
                    "shift;; esac; done\nshift\nexec sh -c \"$*\"\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  setenv("PARADIGM_SSH", program.c_str(), 1);
  setenv("PARADIGM_REMOTE_CACHE", (scratch / "cache").c_str(), 1);
  app::RemoteRuns remote;
  QSignalSpy troubled(&remote, &app::RemoteRuns::troubled);
  QSignalSpy recovered(&remote, &app::RemoteRuns::recovered);
  const QString address = QString::fromStdString("ssh://lab1" + (scratch / "runs").string());
  const QString folder = remote.add(address);
  EXPECT_EQ(remote.add(address), folder) << "one mirror for an address";
  ASSERT_TRUE(QTest::qWaitFor([&] { return troubled.size() > 0; }, 20000));
  EXPECT_EQ(troubled[0][0].toString(), address);
  EXPECT_TRUE(troubled[0][1].toString().contains(QStringLiteral("no route to host")));
  QTest::qWait(1200);
  EXPECT_EQ(troubled.size(), 1) << "the same reason is told once";
  std::ofstream(scratch / "up");
  ASSERT_TRUE(QTest::qWaitFor([&] { return recovered.size() > 0; }, 40000));
  EXPECT_TRUE(
      QTest::qWaitFor([&] { return engine::find_runs(folder.toStdString()).size() == 1; }, 20000));
}

}  // namespace
