// SPDX-License-Identifier: GPL-3.0-or-later
// The real window on an engine without tensors, driven by clicks and keys on widgets that are found
// by their object names. PARADIGM_SCREENSHOTS=DIR keeps a picture of each stage.
#pragma once

#include "app/workbench/edit_workspace.h"
#include "app/workbench/main_window.h"
#include "app/workbench/workbench.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"
#include "tests/widgets/sample_plan.h"
#include "widgets/models/transform_document.h"

#include <QAbstractButton>
#include <QSettings>
#include <QTest>

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

namespace tests {

template <class Condition>
bool patient(Condition condition) {
  return QTest::qWaitFor(condition, 30000);
}

/// A window of 1440 × 900 in the light theme, without settings, and a sample checkpoint to open.
class EditWindow : public testing::Test {
 protected:
  explicit EditWindow(const FakeRun& run = {}) : engine_(run) {
    checkpoint_ = folder_.write("tiny/config.json", sample_config_json()).parent_path();
    workbench_ = std::make_unique<app::Workbench>(
        [this]() -> const engine::EngineApi& { return engine_; }, nullptr);
    app::ProgramOptions options;
    options.theme = widgets::Theme::light;
    options.size = QSize(1440, 900);
    workbench_->start(options);
    EXPECT_TRUE(QTest::qWaitForWindowExposed(window()));
    window()->activateWindow();
  }

  app::MainWindow* window() { return workbench_->window(); }
  app::EditWorkspace* edit() { return workbench_->edit(); }
  widgets::TransformDocument* document() { return edit()->document(); }

  void open(const std::filesystem::path& path) {
    workbench_->openPaths({QString::fromStdString(path.string())});
    ASSERT_TRUE(patient([&] { return workbench_->isSettled(); }));
  }
  void settle() {
    EXPECT_TRUE(patient([&] { return !edit()->isPlanning(); }));
  }
  template <class T>
  T* find(const char* name) {
    auto* found = window()->findChild<T*>(QLatin1String(name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  /// A button that can be seen and pressed.
  void click(const char* name) {
    auto* button = find<QAbstractButton>(name);
    ASSERT_TRUE(button->isVisible()) << name;
    ASSERT_TRUE(button->isEnabled()) << name << ": " << button->toolTip().toStdString();
    QTest::mouseClick(button, Qt::LeftButton);
  }
  void picture(const char* name) {
    const char* folder = std::getenv("PARADIGM_SCREENSHOTS");
    if (folder == nullptr) return;
    QTest::qWait(150);
    window()->grab().save(
        QStringLiteral("%1/%2.png").arg(QLatin1String(folder), QLatin1String(name)));
  }

  ScratchFolder folder_;
  FakeEngine engine_;
  std::filesystem::path checkpoint_;
  std::unique_ptr<app::Workbench> workbench_;
};

}  // namespace tests
