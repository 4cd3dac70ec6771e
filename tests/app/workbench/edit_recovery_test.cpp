// SPDX-License-Identifier: GPL-3.0-or-later
// A window that is killed while somebody types in it: the next one offers what was typed, but for
// the last half minute at most. Takes 40 s, so only with PARADIGM_LONG_TESTS=1.
#include "app/workbench/edit_workspace.h"
#include "app/workbench/main_window.h"
#include "app/workbench/workbench.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"
#include "tests/widgets/sample_plan.h"
#include "widgets/models/transform_document.h"

#include <QApplication>
#include <QDateTime>
#include <QElapsedTimer>
#include <QPlainTextEdit>
#include <QProcess>
#include <QPushButton>
#include <QSettings>
#include <QTest>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace {

constexpr const char* kFolder = "PARADIGM_RECOVERY_FOLDER";
constexpr double kMostLost = 30;

double now() { return double(QDateTime::currentMSecsSinceEpoch()) / 1000; }

class EditRecovery : public testing::Test {
 protected:
  std::unique_ptr<app::Workbench> open(const std::filesystem::path& folder) {
    auto workbench = std::make_unique<app::Workbench>(
        [this]() -> const engine::EngineApi& { return engine_; },
        std::make_unique<QSettings>(QString::fromStdString((folder / "settings.ini").string()),
                                    QSettings::IniFormat));
    workbench->start({});
    return workbench;
  }
  tests::FakeEngine engine_;
};

/// The window that is killed: a digit more every tenth of a second, its time in a comment.
TEST_F(EditRecovery, DISABLED_TypesUntilItIsKilled) {
  const std::filesystem::path folder = std::getenv(kFolder);
  const auto workbench = open(folder);
  workbench->openPaths({QString::fromStdString((folder / "tiny").string()),
                        QString::fromStdString((folder / "rules.yaml").string())});
  ASSERT_TRUE(QTest::qWaitFor([&] { return workbench->isSettled(); }, 30000));
  auto* text = workbench->window()->findChild<QPlainTextEdit*>(QStringLiteral("yaml.edit"));
  ASSERT_TRUE(QTest::qWaitFor([&] { return workbench->edit()->view()->has_plan(); }, 30000));
  text->setFocus();
  text->moveCursor(QTextCursor::End);
  for (;;) {
    QTest::keyClicks(text, QStringLiteral("# at %1").arg(now(), 0, 'f', 1));
    QTest::keyClick(text, Qt::Key_Return);
    QTest::qWait(100);
  }
}

TEST_F(EditRecovery, AKilledWindowLosesHalfAMinuteAtMost) {
  const char* wanted = std::getenv("PARADIGM_LONG_TESTS");
  if (wanted == nullptr || std::string(wanted) != "1") GTEST_SKIP() << "PARADIGM_LONG_TESTS=1";
  tests::ScratchFolder folder;
  folder.write("tiny/config.json", tests::sample_config_json());
  folder.write("rules.yaml", tests::sample_transform());
  QProcess child;
  QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
  environment.insert(QLatin1String(kFolder), QString::fromStdString(folder.path().string()));
  child.setProcessEnvironment(environment);
  child.setWorkingDirectory(QString::fromStdString(folder.path().string()));
  child.start(QCoreApplication::applicationFilePath(),
              {QStringLiteral("--gtest_also_run_disabled_tests"),
               QStringLiteral("--gtest_filter=*TypesUntilItIsKilled")});
  ASSERT_TRUE(child.waitForStarted());
  QTest::qWait(40000);
  ASSERT_EQ(child.state(), QProcess::Running) << child.readAllStandardOutput().toStdString();
  child.kill();
  ASSERT_TRUE(child.waitForFinished());
  const double died = now();
  EXPECT_EQ(tests::content_of(folder / "rules.yaml"), tests::sample_transform())
      << "nobody has saved";

  const auto workbench = open(folder.path());
  auto* take = workbench->window()->findChild<QPushButton*>(QStringLiteral("recovery.take"));
  ASSERT_TRUE(QTest::qWaitFor(
      [&] {
        take = workbench->window()->findChild<QPushButton*>(QStringLiteral("recovery.take"));
        return take != nullptr && take->isVisible();
      },
      10000));
  QTest::mouseClick(take, Qt::LeftButton);
  const std::string text = workbench->edit()->document()->text();
  ASSERT_EQ(text.rfind(tests::sample_transform(), 0), 0u) << text;
  const std::size_t last = text.rfind("# at ");
  ASSERT_NE(last, std::string::npos);
  const double lost = died - std::stod(text.substr(last + 5));
  std::printf("lost: the last %.1f s\n", lost);
  EXPECT_LE(lost, kMostLost);
  workbench->edit()->document()->undoStack()->undo();
}

}  // namespace
