// SPDX-License-Identifier: GPL-3.0-or-later
// The window with the true engine: a tiny checkpoint, transformed, trained for a few steps and
// stopped.
#include "app/workbench/edit_workspace.h"
#include "app/workbench/main_window.h"
#include "app/workbench/run_workspace.h"
#include "app/workbench/workbench.h"
#include "engine/runs/run_catalog.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"
#include "widgets/forms/param_form.h"
#include "widgets/panels/histogram_panel.h"
#include "widgets/panels/launch_panel.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/histogram_plot.h"

#include <QElapsedTimer>
#include <QPushButton>
#include <QSettings>
#include <QTest>
#include <QTimer>
#include <QToolButton>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace {

const char* const kModule = PARADIGM_BIN_DIR "/libparadigm_engine.so";

const engine::EngineApi& load_module() {
  void* module = dlopen(kModule, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) engine::fail("engine-unavailable", {.file = kModule}, dlerror());
  const auto entry =
      reinterpret_cast<const engine::EngineApi* (*)(int)>(dlsym(module, "paradigm_engine"));
  return *entry(engine::kEngineApiVersion);
}

template <class Condition>
bool patient(Condition condition) {
  return QTest::qWaitFor(condition, 120000);
}

TEST(WorkbenchWithTheEngine, TrainsATransformedCheckpointInItsBackground) {
  if (!std::filesystem::exists(kModule)) GTEST_SKIP() << kModule << " is not built";
  tests::ScratchFolder folder;
  tests::write_tiny_llama(folder / "tiny");
  folder.write("text.txt", tests::tiny_text(60000));
  const auto transform = folder.write("rules.yaml",
                                      "layer_name_to_config:\n"
                                      "  'model\\.layers\\.[0-9]+\\.self_attn': {q_levels: 256}\n"
                                      "  lm_head: null\n"
                                      "  default: {q_levels: 256}\n");
  app::Workbench workbench(load_module, nullptr);
  workbench.start({});

  // A heartbeat of the GUI thread, through the loading of LibTorch and the training.
  QTimer heartbeat;
  QElapsedTimer since;
  qint64 longest = 0;
  QObject::connect(&heartbeat, &QTimer::timeout,
                   [&] { longest = std::max(longest, since.restart()); });
  since.start();
  heartbeat.start(5);
  ASSERT_TRUE(patient([&] { return workbench.engine().api() != nullptr; }));
  const qint64 while_loading = std::exchange(longest, 0);

  workbench.openPaths({QString::fromStdString((folder / "tiny").string()),
                       QString::fromStdString(transform.string())});
  ASSERT_TRUE(
      patient([&] { return workbench.isSettled() && workbench.edit()->view()->has_plan(); }));
  auto* form = workbench.run()->launchPanel()->form();
  form->setValue("train_file", (folder / "text.txt").string());
  form->setValue("output_dir", (folder / "run").string());
  form->setValue("block_size", std::int64_t{32});
  form->setValue("per_device_train_batch_size", std::int64_t{2});
  form->setValue("max_steps", std::int64_t{100000});
  form->setValue("logging_steps", std::int64_t{1});
  form->setValue("device", std::string("cpu"));
  workbench.window()->setWorkspace(app::Workspace::run);
  QTest::mouseClick(workbench.run()->launchPanel()->launchButton(), Qt::LeftButton);
  ASSERT_TRUE(patient([&] { return workbench.run()->launcher().isBusy(); }));

  auto* plot = workbench.run()->monitor()->plot();
  ASSERT_TRUE(
      patient([&] { return plot->drawnPoints() >= 5 || !workbench.run()->launcher().isBusy(); }));
  ASSERT_TRUE(workbench.run()->launcher().isBusy());
  const auto* run =
      workbench.run()->store().find(QString::fromStdString((folder / "run").string()));
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->state, engine::RunState::running);

  // Applied equals planned, read from what the engine did.
  ASSERT_TRUE(patient(
      [&] { return workbench.edit()->histogram()->noteText() == QStringLiteral("as planned"); }));
  EXPECT_EQ(run->transformed.size(), 2u + 2u * 7u);

  QTest::mouseClick(workbench.window()->findChild<QToolButton*>(QStringLiteral("monitor.stop")),
                    Qt::LeftButton);
  ASSERT_TRUE(patient([&] { return !workbench.run()->launcher().isBusy(); }));
  EXPECT_EQ(engine::observe_state(folder / "run").state, engine::RunState::stopped);
  ASSERT_TRUE(patient([&] { return run->state == engine::RunState::stopped; }));
  EXPECT_FALSE(run->checkpoints.empty());

  // The budget is 100 ms; the factor is for a machine whose cores are all training other tests.
  EXPECT_LT(while_loading, 1000) << "ms without a heartbeat while the engine was loaded";
  EXPECT_LT(longest, 1000) << "ms without a heartbeat while it trained";
  RecordProperty("longest_gap_loading_ms", int(while_loading));
  RecordProperty("longest_gap_training_ms", int(longest));
  std::printf("longest gap: %lld ms while loading, %lld ms while training\n",
              static_cast<long long>(while_loading), static_cast<long long>(longest));
}

}  // namespace
