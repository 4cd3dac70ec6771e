// SPDX-License-Identifier: GPL-3.0-or-later
// Whether the window ever stands still, and how fast cancel is, with the real engine: the longest
// time for which the event loop did not turn while the engine is loaded, checkpoints are opened,
// text is typed and planned, files change on the disk, and transforms are tried and scanned on a
// model of a real size; and how long a cancelled job computes on.
//   editor_stall_benchmark [60M|400M|1.1B] [FOLDER for the checkpoint, kept]
// QT_QPA_PLATFORM=offscreen measures without a screen.
#include "app/engine_library.h"
#include "app/workbench/edit_workspace.h"
#include "app/workbench/main_window.h"
#include "app/workbench/trial_workspace.h"
#include "app/workbench/workbench.h"
#include "tests/benchmarks/large_llama.h"
#include "tests/support/scratch_folder.h"
#include "widgets/models/selection.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/scan_panel.h"
#include "widgets/panels/try_panel.h"
#include "widgets/panels/yaml_panel.h"
#include "widgets/text/yaml_edit.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QTest>
#include <QTimer>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

namespace {

using widgets::ScanPanel;

double thread_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) * 1e3 + double(now.tv_nsec) / 1e6;
}

/// Asks the event loop for a turn every millisecond and keeps the longest time between two.
class LoopWatch : public QObject {
 public:
  LoopWatch() {
    timer_.setTimerType(Qt::PreciseTimer);
    connect(&timer_, &QTimer::timeout, this, [this] { turn(); });
    timer_.start(1);
  }

  /// Runs the event loop until `done`, at most `seconds`. Returns whether it came.
  bool runUntil(const std::function<bool()>& done, double seconds = 900) {
    QElapsedTimer clock;
    clock.start();
    done_ = done;
    while (!done() && double(clock.elapsed()) < seconds * 1e3) {
      QTimer::singleShot(50, &loop_, &QEventLoop::quit);
      loop_.exec();
    }
    done_ = nullptr;
    return done();
  }
  void runFor(double seconds) {
    runUntil([] { return false; }, seconds);
  }

  void begin() {
    longest_ = 0;
    last_ = 0;
    watched_.start();
  }
  void end(const char* what) {
    turn();
    std::printf("%-44s longest stall %6.1f ms  (this thread computed %6.1f ms of it)  in %5.1f s\n",
                what, longest_, processor_, double(watched_.elapsed()) / 1e3);
    std::fflush(stdout);
    worst_ = std::max(worst_, longest_);
    last_ = 0;
  }
  double worst() const { return worst_; }

 private:
  void turn() {
    const double now = double(clock_.nsecsElapsed()) / 1e6;
    const double processor = thread_ms();
    if (last_ > 0 && now - last_ > longest_) {
      longest_ = now - last_;
      processor_ = processor - last_processor_;
    }
    last_ = now;
    last_processor_ = processor;
    if (done_ && done_()) loop_.quit();
  }

  QTimer timer_;
  QEventLoop loop_;
  QElapsedTimer clock_ = started();
  QElapsedTimer watched_;
  std::function<bool()> done_;
  double last_ = 0;
  double last_processor_ = 0;
  double longest_ = 0;
  double processor_ = 0;
  double worst_ = 0;

  static QElapsedTimer started() {
    QElapsedTimer clock;
    clock.start();
    return clock;
  }
};

std::string rules(int count) {
  std::string text = "layer_name_to_config:\n";
  for (int i = 0; i < count - 2; ++i) {
    const char* parts[] = {R"(self_attn\.(q|k|v)_proj)", R"(self_attn\.o_proj)",
                           R"(mlp\.(gate|up)_proj)", R"(mlp\.down_proj)", R"(self_attn)"};
    text += "  'model\\.layers\\.(" + std::to_string(i) + "|[0-9]*" + std::to_string(i % 10) +
            ")\\." + parts[i % 5] + "':\n    q_levels: " + std::to_string(16 + i) +
            "\n    q_lut_min: 0.020040\n";
  }
  return text + "  lm_head: null\n  default:\n    q_levels: 256\n";
}

class Session {
 public:
  explicit Session(const std::filesystem::path& model) : model_(model) {
    rules_ = folder_.write("rules.yaml", rules(20));
    text_ = folder_.write("text.txt", tests::tiny_text(60000));
    workbench_ = std::make_unique<app::Workbench>(app::load_engine, nullptr);
  }

  void run() {
    start();
    open();
    edit();
    changeOutside();
    if (std::getenv("PARADIGM_EDIT_ONLY") == nullptr) tryAndScan();
    QElapsedTimer clock;
    trial()->tryNow();
    watch_.runFor(1.5);
    clock.start();
    workbench_.reset();
    std::printf("%-44s %6.1f ms\n", "the window closes over a try",
                double(clock.nsecsElapsed()) / 1e6);
    std::printf("%-44s longest stall %6.1f ms\n", "all of it", watch_.worst());
  }

 private:
  app::EditWorkspace* editing() { return workbench_->edit(); }
  app::TrialWorkspace* trial() { return workbench_->trial(); }
  bool settled() { return workbench_->isSettled(); }

  void start() {
    app::ProgramOptions options;
    options.size = QSize(1440, 900);
    bool painted = false;
    QObject::connect(workbench_->window(), &app::MainWindow::firstPainted, [&] { painted = true; });
    workbench_->start(options);
    watch_.runUntil([&] { return painted; });
    watch_.begin();
    watch_.runUntil([&] { return workbench_->engine().api() != nullptr; });
    watch_.end("first paint until the engine is there");
  }

  void open() {
    watch_.begin();
    workbench_->openPaths({QString::fromStdString(model_.string())});
    watch_.runUntil([&] { return settled(); });
    watch_.end("the checkpoint is opened");
    watch_.begin();
    workbench_->openPaths({QString::fromStdString(rules_.string())});
    watch_.runUntil([&] { return settled() && editing()->view()->has_plan(); });
    watch_.runFor(0.3);
    watch_.end("a transform of 20 rules is opened");
    for (const char* panel : {"yaml", "form", "histogram", "problems", "presets", "scan", "try"}) {
      workbench_->window()->raisePanel(QLatin1String(panel));
      watch_.runFor(0.1);
    }
  }

  void type(const char* what, int characters) {
    auto* text = editing()->yaml()->edit();
    workbench_->window()->raisePanel(QStringLiteral("yaml"));
    text->showByte(editing()->document()->text().find("q_levels: 19") + 12);
    watch_.runFor(0.2);
    watch_.begin();
    for (int i = 0; i < characters; ++i) {
      const bool is_there = i % 2 == 0;
      QTest::sendKeyEvent(QTest::Press, text, is_there ? Qt::Key_2 : Qt::Key_Backspace,
                          QLatin1String(is_there ? "2" : "\b"), Qt::NoModifier);
      watch_.runFor(0.03);
    }
    watch_.runUntil([&] { return !editing()->isPlanning(); });
    watch_.end(what);
  }

  void edit() {
    type("text is typed, 20 rules", 60);
    auto* document = editing()->document();
    watch_.begin();
    document->setText(rules(1000), QStringLiteral("Paste"));
    watch_.runUntil([&] { return !editing()->isPlanning(); });
    watch_.runFor(0.3);
    watch_.end("1,000 rules are pasted and planned");
    type("text is typed, 1,000 rules", 20);
    watch_.begin();
    while (document->undoStack()->canUndo()) document->undoStack()->undo();
    watch_.runUntil([&] { return !editing()->isPlanning(); });
    watch_.end("all is undone");
  }

  void changeOutside() {
    watch_.begin();
    std::thread([this] {
      for (int i = 0; i < 10; ++i) {
        folder_.write("rules.yaml", rules(20) + "# " + std::to_string(i) + "\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
      }
    }).detach();
    watch_.runFor(2.5);
    watch_.end("another program writes the file ten times");
  }

  QAbstractButton* button(const char* name) {
    return workbench_->window()->findChild<QAbstractButton*>(QLatin1String(name));
  }

  /// Presses `cancel` and returns for how long the job computes on.
  double cancelled(const char* cancel) {
    QElapsedTimer clock;
    clock.start();
    button(cancel)->click();
    const double answered = double(clock.nsecsElapsed()) / 1e6;
    watch_.runUntil([&] { return !trial()->isComputing(); });
    answered_ = std::max(answered_, answered);
    return double(clock.nsecsElapsed()) / 1e6;
  }

  void printCancels(const char* what, std::vector<double> times) {
    std::sort(times.begin(), times.end());
    std::printf(
        "%-44s gone after %6.1f ms (median), %6.1f ms (most of %zu); the button answers in "
        "%.1f ms\n",
        what, times[times.size() / 2], times.back(), times.size(), answered_);
    std::fflush(stdout);
    answered_ = 0;
  }

  void tryAndScan() {
    workbench_->window()->raisePanel(QStringLiteral("try"));
    auto* text = workbench_->window()->findChild<QLineEdit*>(QStringLiteral("try.text"));
    text->setText(QString::fromStdString(text_.string()));
    Q_EMIT text->editingFinished();
    std::vector<double> loading;
    watch_.begin();
    for (const double after : {0.05, 0.2, 0.5, 1.0, 2.0}) {
      trial()->tryNow();
      watch_.runFor(after);
      loading.push_back(cancelled("try.cancel"));
    }
    watch_.end("a try is started and cancelled");
    printCancels("cancelled while the model is loaded", loading);

    QElapsedTimer clock;
    clock.start();
    watch_.begin();
    trial()->tryNow();
    auto* panel = trial()->tryPanel();
    watch_.runUntil([&] { return panel->result().has_value(); });
    std::printf("%-44s %6.1f s\n", "first estimate of a try", double(clock.elapsed()) / 1e3);
    watch_.runUntil([&] { return panel->result()->is_complete; }, 30);
    watch_.end("a try runs");
    std::vector<double> measuring;
    for (int i = 0; i < 12; ++i) {
      if (!trial()->isBusy()) trial()->tryNow();
      watch_.runFor(0.2 + 0.37 * i);
      if (trial()->isBusy()) measuring.push_back(cancelled("try.cancel"));
    }
    if (!measuring.empty()) printCancels("cancelled while it calibrates or measures", measuring);

    workbench_->window()->raisePanel(QStringLiteral("scan"));
    watch_.begin();
    std::vector<double> scanning;
    for (const double after : {0.3, 1.0, 2.5, 5.0, 9.0}) {
      trial()->scanNow();
      watch_.runFor(after);
      scanning.push_back(cancelled("scan.pause"));
    }
    watch_.end("a scan runs, is paused and goes on");
    printCancels("a scan is paused", scanning);
  }

  std::filesystem::path model_;
  tests::ScratchFolder folder_;
  std::filesystem::path rules_;
  std::filesystem::path text_;
  LoopWatch watch_;
  std::unique_ptr<app::Workbench> workbench_;
  double answered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  app::let_idle_threads_sleep();  // as in the program
  benchmarks::LlamaSize size = benchmarks::k60M;
  for (const auto& one : {benchmarks::k60M, benchmarks::k400M, benchmarks::k1100M}) {
    if (argc > 1 && std::strcmp(argv[1], one.name) == 0) size = one;
  }
  const tests::ScratchFolder scratch;
  const std::filesystem::path model = argc > 2 ? std::filesystem::path(argv[2]) : scratch / "model";
  if (!std::filesystem::exists(model / "model.safetensors")) {
    std::filesystem::create_directories(model);
    benchmarks::write_checkpoint(model, size);
  }
  setenv("XDG_CACHE_HOME", (scratch / "cache").c_str(), 1);
  QApplication application(argc, argv);
  std::printf("model of %s parameters, random weights\n", size.name);
  Session(model).run();
  return 0;
}
