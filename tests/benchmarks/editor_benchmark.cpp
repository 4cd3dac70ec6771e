// SPDX-License-Identifier: GPL-3.0-or-later
// How fast the editor answers: from a keystroke to the painted window, at 1,043 modules and 20
// rules, typed into the text, the pattern and a value; and from the start of the process to the
// first paint with a 1.1B checkpoint on the command line. QT_QPA_PLATFORM=offscreen measures
// without a screen.
#include "app/workbench/edit_workspace.h"
#include "app/workbench/main_window.h"
#include "app/workbench/workbench.h"
#include "tests/benchmarks/large_llama.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/selection.h"
#include "widgets/panels/rule_form_panel.h"
#include "widgets/panels/yaml_panel.h"
#include "widgets/text/pattern_edit.h"
#include "widgets/text/yaml_edit.h"

#include <QAbstractSpinBox>
#include <QApplication>
#include <QElapsedTimer>
#include <QSettings>
#include <QTest>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>

namespace {

/// Twenty rules: ranges of blocks, projections, containers, one that is dead, a fallback.
std::string twenty_rules() {
  std::string text = "layer_name_to_config:\n";
  for (int i = 0; i < 18; ++i) {
    const char* parts[] = {
        R"(self_attn\.(q|k|v)_proj)", R"(self_attn\.o_proj)", R"(mlp\.(gate|up)_proj)",
        R"(mlp\.down_proj)",          R"(self_attn)",         R"(mlp\..*)"};
    text += "  'model\\.layers\\.([" + std::to_string(i % 8) + "-9]|[1-7]" +
            std::to_string(i % 10) + ")\\." + parts[i % 6] +
            "':\n    q_levels: " + std::to_string(16 + i) + "\n    q_lut_min: 0.020040\n";
  }
  return text + "  lm_head: null\n  default:\n    q_levels: 256\n";
}

double processor_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return double(now.tv_sec) * 1e3 + double(now.tv_nsec) / 1e6;
}

struct Times {
  std::vector<double> all;
  double processor = 0;
  void print(const char* what) {
    std::sort(all.begin(), all.end());
    const auto at = [&](double share) {
      return all[std::min(all.size() - 1, static_cast<std::size_t>(share * double(all.size())))];
    };
    std::printf("%-34s median %5.1f ms  p95 %5.1f ms  max %5.1f ms  processor %5.1f ms  (%zu)\n",
                what, at(0.5), at(0.95), all.back(), processor / double(all.size()), all.size());
  }
};

/// Sends the key and lets everything be planned and painted that follows from it.
template <class Widget>
double keystroke(app::Workbench& workbench, Widget* widget, Qt::Key key, const char* text) {
  QElapsedTimer clock;
  clock.start();
  QTest::sendKeyEvent(QTest::Press, widget, key, QString::fromLatin1(text), Qt::NoModifier);
  QTest::sendKeyEvent(QTest::Release, widget, key, QString::fromLatin1(text), Qt::NoModifier);
  do {
    QApplication::processEvents();
  } while (workbench.edit()->isPlanning());
  QApplication::processEvents();
  return double(clock.nsecsElapsed()) / 1e6;
}

/// Types a digit and takes it back, over and over.
template <class Widget>
void measure(app::Workbench& workbench, Widget* widget, int rounds, const char* what) {
  widget->setFocus();
  QApplication::processEvents();
  Times times;
  double begin = processor_ms();
  for (int i = 0; i < rounds; ++i) {
    const double there = keystroke(workbench, widget, Qt::Key_2, "2");
    const double back = keystroke(workbench, widget, Qt::Key_Backspace, "\b");
    if (i < 3) {
      begin = processor_ms();
      continue;
    }
    times.all.push_back(there);
    times.all.push_back(back);
  }
  times.processor = processor_ms() - begin;
  times.print(what);
}

double seconds_since_process_start() {
  std::ifstream stat("/proc/self/stat");
  std::string word;
  std::getline(stat, word, ')');
  for (int field = 3; field <= 22; ++field) stat >> word;
  const double started = std::stod(word) / double(sysconf(_SC_CLK_TCK));
  std::ifstream uptime("/proc/uptime");
  double now = 0;
  uptime >> now;
  return now - started;
}

}  // namespace

int main(int argc, char** argv) {
  tests::ScratchFolder folder;
  const auto small = folder.write("1.1b/config.json", benchmarks::config_json(benchmarks::k1100M));
  const auto large =
      folder.write("80-blocks/config.json", benchmarks::config_json(benchmarks::k80Blocks));
  const auto rules = folder.write("rules.yaml", twenty_rules());
  const int rounds = argc > 1 ? std::max(4, std::atoi(argv[1])) : 40;

  QApplication application(argc, argv);
  tests::FakeEngine engine;
  {
    app::Workbench workbench([&]() -> const engine::EngineApi& { return engine; }, nullptr);
    app::ProgramOptions options;
    options.size = QSize(1440, 900);
    options.open = {QString::fromStdString(small.parent_path().string())};
    double first_paint = 0;
    QObject::connect(workbench.window(), &app::MainWindow::firstPainted,
                     [&] { first_paint = seconds_since_process_start(); });
    workbench.start(options);
    while (first_paint == 0) QApplication::processEvents();
    std::printf("%-34s %.0f ms (process start to the nearest 10 ms)\n",
                "first paint, 1.1B on the command line", first_paint * 1000);
    while (!workbench.isSettled()) QApplication::processEvents();
  }

  app::Workbench workbench([&]() -> const engine::EngineApi& { return engine; }, nullptr);
  app::ProgramOptions options;
  options.size = QSize(1440, 900);
  options.open = {QString::fromStdString(large.parent_path().string()),
                  QString::fromStdString(rules.string())};
  workbench.start(options);
  while (!workbench.isSettled() || !workbench.edit()->view()->has_plan()) {
    QApplication::processEvents(QEventLoop::AllEvents, 10);
  }
  const auto& view = *workbench.edit()->view();
  // Blocks and their two containers are modules without a row of their own in the inventory.
  std::printf("%zu modules, %zu candidates, %zu rules\n",
              view.checkpoint->inventory.layers().size() + 3 * 80, view.plan.assignments.size(),
              view.transform->config.rules.size());
  workbench.selection()->setRules({3});
  QApplication::processEvents();

  auto* text = workbench.edit()->yaml()->edit();
  text->showByte(workbench.edit()->document()->text().find("q_levels: 19") + 12);
  measure(workbench, text, rounds, "text: a digit of q_levels");
  text->showByte(workbench.edit()->document()->text().find("mlp") + 3);
  measure(workbench, text, rounds, "text: inside a pattern");
  auto* form = workbench.edit()->form();
  form->pattern()->moveCursor(QTextCursor::End);
  measure(workbench, form->pattern(), rounds, "form: the pattern");
  auto* levels = form->form()->editor("q_levels")->findChild<QAbstractSpinBox*>();
  measure(workbench, levels, rounds, "form: q_levels");
  while (workbench.edit()->document()->undoStack()->canUndo()) {
    workbench.edit()->document()->undoStack()->undo();
  }
  return workbench.edit()->document()->text() == twenty_rules() ? 0 : 1;
}
