// SPDX-License-Identifier: GPL-3.0-or-later
// The program itself, as a script or a person at a terminal starts it.
#include "tests/support/scratch_folder.h"
#include "tests/widgets/sample_plan.h"

#include <QImage>
#include <QProcess>
#include <QProcessEnvironment>

#include <gtest/gtest.h>

namespace {

struct Ended {
  int code = -1;
  QString output;
  QString errors;
};

Ended run(const QStringList& arguments, bool has_display, const QString& folder) {
  QProcess process;
  QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
  for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}) {
    environment.remove(QLatin1String(name));
  }
  if (has_display)
    environment.insert(QStringLiteral("QT_QPA_PLATFORM"), QStringLiteral("offscreen"));
  process.setProcessEnvironment(environment);
  process.setWorkingDirectory(folder);
  process.start(QStringLiteral(PARADIGM_BIN_DIR "/paradigm-workbench"), arguments);
  if (!process.waitForFinished(120000)) return {};
  return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
          QString::fromUtf8(process.readAllStandardOutput()),
          QString::fromUtf8(process.readAllStandardError())};
}

class WorkbenchProgram : public testing::Test {
 protected:
  tests::ScratchFolder folder_;
  QString path_ = QString::fromStdString(folder_.path().string());
};

TEST_F(WorkbenchProgram, HelpAndBadOptionsNeedNoDisplay) {
  const Ended help = run({QStringLiteral("--help")}, false, path_);
  EXPECT_EQ(help.code, 0);
  EXPECT_TRUE(help.output.contains(QStringLiteral("--screenshot")));
  const Ended wrong = run({QStringLiteral("--scrennshot")}, false, path_);
  EXPECT_EQ(wrong.code, 2);
  EXPECT_TRUE(wrong.errors.contains(QStringLiteral("--scrennshot")));
}

TEST_F(WorkbenchProgram, AScreenshotShowsWhatIsOpen) {
  folder_.write("tiny/config.json", tests::sample_config_json());
  folder_.write("rules.yaml", tests::sample_transform());
  QList<QImage> pictures;
  for (const char* theme : {"light", "dark"}) {
    const QString file = path_ + QStringLiteral("/%1.png").arg(QLatin1String(theme));
    const Ended ended =
        run({QStringLiteral("--open"), QStringLiteral("tiny"), QStringLiteral("rules.yaml"),
             QStringLiteral("--theme"), QLatin1String(theme), QStringLiteral("--size"),
             QStringLiteral("1200x700"), QStringLiteral("--after"), QStringLiteral("300"),
             QStringLiteral("--screenshot"), file},
            true, path_);
    EXPECT_EQ(ended.code, 0) << ended.errors.toStdString();
    pictures << QImage(file);
    ASSERT_EQ(pictures.last().size(), QSize(1200, 700));
  }
  EXPECT_GT(pictures[0].pixelColor(700, 690).lightness(), 200);
  EXPECT_LT(pictures[1].pixelColor(700, 690).lightness(), 80);
}

TEST_F(WorkbenchProgram, AScreenshotThatCannotBeWrittenIsAFailure) {
  const Ended ended = run({QStringLiteral("--after"), QStringLiteral("0"),
                           QStringLiteral("--screenshot"), QStringLiteral("no/such/folder/a.png")},
                          true, path_);
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(ended.errors.contains(QStringLiteral("no/such/folder/a.png")));
}

TEST_F(WorkbenchProgram, NoPictureIsTakenOfWhatCannotBeOpened) {
  folder_.write("notes.txt", "no model");
  folder_.write("old.png", "a picture of before");
  const QStringList picture{QStringLiteral("--after"), QStringLiteral("0"),
                            QStringLiteral("--screenshot"), QStringLiteral("old.png")};
  const auto refuses = [&](const QStringList& words, const char* why) {
    const Ended ended = run(picture + words, true, path_);
    EXPECT_EQ(ended.code, 2) << ended.errors.toStdString();
    EXPECT_EQ(ended.errors.count(QLatin1String(why)), 1) << ended.errors.toStdString();
  };
  refuses({QStringLiteral("--open"), QStringLiteral("notes.txt")}, "neither a checkpoint folder");
  refuses({QStringLiteral("--set"), QStringLiteral("max_step=5")}, "Did you mean max_steps?");
  refuses({QStringLiteral("--open"), QStringLiteral("nonexist")},
          "nonexist: there is no such file or folder");
  EXPECT_EQ(tests::content_of(folder_ / "old.png"), "a picture of before");
}

}  // namespace
