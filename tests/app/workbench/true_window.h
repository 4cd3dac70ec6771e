// SPDX-License-Identifier: GPL-3.0-or-later
// The window with the true engine and the true program, driven by the names of its widgets.
#pragma once

#include "app/engine_library.h"
#include "app/workbench/main_window.h"
#include "app/workbench/run_workspace.h"
#include "app/workbench/workbench.h"
#include "engine/error.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_liveness.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QMenu>
#include <QSettings>
#include <QTest>
#include <QToolButton>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace tests {

/// A tiny checkpoint `tiny`, a text `text.txt` and a transform `rules.yaml` in a scratch folder,
/// and a window that keeps its data there. PARADIGM_SCREENSHOTS=DIR keeps what picture() is called
/// for.
class TrueWindow : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(module())) GTEST_SKIP() << module() << " is not built";
    write_tiny_llama(folder_ / "tiny");
    folder_.write("text.txt", tiny_text(60000));
    folder_.write("rules.yaml",
                  "layer_name_to_config:\n"
                  "  'model\\.layers\\.[0-9]+\\.self_attn': {q_levels: 256}\n"
                  "  lm_head: null\n"
                  "  default: {q_levels: 256}\n");
  }
  /// Nothing that was started may outlive the test.
  void TearDown() override {
    workbench_.reset();
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      const auto status = engine::read_status(entry.path());
      if (status && status->pid > 1 && status->pid != getpid() &&
          engine::process_start_time(status->pid) == status->process_start_time) {
        ::kill(static_cast<pid_t>(status->pid), SIGKILL);
      }
    }
  }

  static std::filesystem::path module() {
    return (app::program_folder() / "../bin/libparadigm_engine.so").lexically_normal();
  }
  static const engine::EngineApi& loadModule() {
    void* opened = dlopen(module().c_str(), RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) engine::fail("engine-unavailable", {.file = module()}, dlerror());
    const auto entry =
        reinterpret_cast<const engine::EngineApi* (*)(int)>(dlsym(opened, "paradigm_engine"));
    return *entry(engine::kEngineApiVersion);
  }

  /// Opens the window; a second call is the next start of the program.
  void open(app::EngineLoader::Load load = loadModule) {
    workbench_ = std::make_unique<app::Workbench>(
        std::move(load), std::make_unique<QSettings>(path("data/w.ini"), QSettings::IniFormat));
    app::ProgramOptions options;
    options.theme = widgets::Theme::light;
    options.size = QSize(1500, 900);
    workbench_->start(options);
    ASSERT_TRUE(QTest::qWaitForWindowExposed(workbench_->window()));
    // Shortcuts reach the active window alone, and where no window manager runs nobody else
    // activates it.
    workbench_->window()->activateWindow();
    ASSERT_TRUE(QTest::qWaitForWindowActive(workbench_->window()));
  }
  void waitForEngine() {
    ASSERT_TRUE(patient([&] { return workbench_->engine().api() != nullptr; }));
  }

  template <class Condition>
  static bool patient(Condition condition) {
    return QTest::qWaitFor(condition, 120000);
  }
  QString path(const char* name) const { return QString::fromStdString((folder_ / name).string()); }
  template <class T>
  T* find(const char* name) {
    auto* found = workbench_->window()->findChild<T*>(QLatin1String(name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  /// As soon as it can be clicked.
  void click(const char* name) {
    auto* button = find<QAbstractButton>(name);
    ASSERT_TRUE(patient([&] { return button->isVisible() && button->isEnabled(); }))
        << name << ": " << button->toolTip().toStdString();
    QTest::mouseClick(button, Qt::LeftButton, {}, QPoint(12, button->height() / 2));
  }
  /// An entry of the menu at a button's arrow.
  void choose(const char* button, const char* action) {
    auto* tool = find<QToolButton>(button);
    ASSERT_TRUE(patient([&] { return tool->isVisible(); })) << button;
    auto* entry = find<QAction>(action);
    ASSERT_TRUE(patient([&] { return entry->isEnabled(); })) << entry->toolTip().toStdString();
    tool->menu()->popup(tool->mapToGlobal(QPoint(0, tool->height())));
    ASSERT_TRUE(QTest::qWaitForWindowExposed(tool->menu()));
    QTest::mouseClick(tool->menu(), Qt::LeftButton, {},
                      tool->menu()->actionGeometry(entry).center());
  }
  const widgets::RunRecord* run(const char* name) {
    return workbench_->run()->store().find(path(name));
  }
  bool reaches(const char* name, engine::RunState state) {
    return patient([&] { return run(name) != nullptr && run(name)->state == state; });
  }
  bool goesOn(const char* name) {
    const auto step = run(name)->step;
    return patient([&] { return run(name)->step > step; });
  }
  void picture(const QString& name, QWidget* of = nullptr) {
    const char* folder = std::getenv("PARADIGM_SCREENSHOTS");
    if (folder == nullptr) return;
    QTest::qWait(150);
    (of != nullptr ? of : workbench_->window())
        ->grab()
        .save(QStringLiteral("%1/%2.png").arg(QLatin1String(folder), name));
  }

  ScratchFolder folder_;
  std::unique_ptr<app::Workbench> workbench_;
};

}  // namespace tests
