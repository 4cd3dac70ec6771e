// SPDX-License-Identifier: GPL-3.0-or-later
// How long watching takes: opening a run of a million logged steps and panning in it, live frames
// of eight runs, hovering, the map of layers, and what a day of watching leaves in memory.
//   monitor_benchmark [open] [live] [map] [day]        (all of them without a name)
#include "engine/runs/run_reader.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"
#include "widgets/models/run_store.h"
#include "widgets/models/selection.h"
#include "widgets/panels/layer_statistics_panel.h"
#include "widgets/panels/run_controls.h"
#include "widgets/panels/run_curves_view.h"
#include "widgets/panels/run_log_panel.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/custom_plot.h"
#include "widgets/plots/layer_step_plot.h"

#include <QApplication>
#include <QComboBox>
#include <QMouseEvent>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <functional>
#include <set>
#include <string>

namespace {

struct Spent {
  double wall = 0;
  double processor = 0;  ///< of this thread: hardly changed by a busy machine
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

Spent spent(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  const double ticks = thread_seconds();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
          thread_seconds() - ticks};
}

void report(const std::string& what, std::vector<Spent> samples, const std::string& budget) {
  std::vector<double> wall, processor;
  for (const auto& one : samples) {
    wall.push_back(one.wall * 1e3);
    processor.push_back(one.processor * 1e3);
  }
  std::sort(wall.begin(), wall.end());
  std::sort(processor.begin(), processor.end());
  fmt::print("{:<52} median {:7.2f} ms, 95 % {:7.2f}, most {:7.2f}; processor {:7.2f} ms  ({})\n",
             what, wall[wall.size() / 2], wall[wall.size() * 95 / 100], wall.back(),
             processor[processor.size() / 2], budget);
}

void turn() {
  QApplication::processEvents();  // the plots draw and queue their replots
  QApplication::processEvents();  // which are painted here
}

double noisy_loss(std::int64_t seed, std::int64_t step) {
  const auto bits = static_cast<std::uint64_t>(seed * 1'000'003 + step) * 0x9E3779B97F4A7C15u;
  return 2.0 + 100.0 / double(100 + step) + double(bits >> 40) / double(1 << 24) * 0.05;
}

engine::RunEvent step_event(std::int64_t seed, std::int64_t step) {
  engine::StepLogged logged;
  logged.step = step;
  logged.loss = noisy_loss(seed, step);
  logged.grad_norm = 1 + 0.1 * noisy_loss(seed + 1, step);
  logged.learning_rate = 1e-3;
  logged.tokens = step * 4096;
  logged.tokens_per_second = 10000 + 100 * noisy_loss(seed + 2, step);
  logged.memory_bytes = 4'000'000'000;
  return {1.7e9 + double(step) * 0.5, logged};
}

struct Window {
  widgets::Selection selection;
  widgets::RunStore runs;
  widgets::RunControls controls{&selection, &runs};
  widgets::RunMonitorPanel monitor{&selection, &runs, &controls};
  widgets::RunLogPanel log{&selection, &runs};
  widgets::LayerStatisticsPanel layers{&selection, &runs};

  Window() {
    monitor.resize(1280, 720);
    monitor.show();
  }
  void feed(const QString& folder, std::vector<engine::RunEvent> events) {
    engine::RunUpdate update;
    update.state = engine::RunState::running;
    update.events = std::move(events);
    runs.apply(folder, update);
  }
};

void measure_opening() {
  const tests::ScratchFolder folder;
  tests::SampleRun run{.seed = 1, .steps = 1'000'000, .logging_steps = 1, .eval_steps = 1000};
  run.loss = [](std::int64_t step) { return noisy_loss(1, step); };
  tests::write_sample_run(folder / "long", run);
  const QString path = QString::fromStdString((folder / "long").string());

  Window window;
  turn();
  Spent reading, applying;
  const std::clock_t ticks = std::clock();
  const Spent all = spent([&] {
    engine::RunReader reader(path.toStdString());
    bool more = true;
    while (more) {
      engine::RunUpdate update;
      const Spent read = spent([&] { update = reader.poll(); });
      more = update.more;
      const Spent applied = spent([&] { window.runs.apply(path, update); });
      reading.wall += read.wall;
      applying.wall += applied.wall;
      applying.processor += applied.processor;
    }
    window.runs.publish();
    window.selection.setRun(path);
    turn();
  });
  const double processor = double(std::clock() - ticks) / CLOCKS_PER_SEC;
  fmt::print(
      "a run of 1,000,000 logged steps: open and painted in {:.2f} s, of which {:.2f} s "
      "reading and {:.2f} s taking over; processor {:.2f} s, {:.2f} s of it taking over  "
      "(budget 1 s; the window reads on another thread)\n",
      all.wall, reading.wall, applying.wall, processor, applying.processor);

  auto* axis = window.monitor.plot()->plot()->xAxis;
  std::vector<Spent> pans;
  for (int i = 0; i < 120; ++i) {
    axis->setRange(200'000 + i * 1500, 600'000 + i * 1500);
    pans.push_back(spent(turn));
  }
  report("panning, all five curves", pans, "16.7 ms");
  pans.clear();
  for (int i = 0; i < 120; ++i) {
    const double half = 500'000 * std::pow(0.96, i);
    axis->setRange(500'000 - half, 500'000 + half);
    pans.push_back(spent(turn));
  }
  report("zooming, all five curves", pans, "16.7 ms");
}

void measure_live() {
  Window window;
  QStringList folders;
  constexpr int kRuns = 8;
  constexpr std::int64_t kSteps = 50'000;
  for (int i = 0; i < kRuns; ++i) {
    folders << QStringLiteral("/runs/run-%1").arg(i);
    std::vector<engine::RunEvent> events;
    engine::RunStarted started;
    started.max_steps = 2 * kSteps;
    events.push_back({1.7e9, started});
    for (std::int64_t step = 1; step <= kSteps; ++step) events.push_back(step_event(i, step));
    window.feed(folders.back(), std::move(events));
  }
  window.runs.publish();
  window.selection.setRun(folders.first());
  window.monitor.curves()->setBeside(folders.mid(1));
  turn();
  std::int64_t step = kSteps;
  // A step further is mostly a part of a pixel, which may need no new picture; 250 are one at
  // least.
  const auto frames = [&](const std::string& what, const char* budget, std::int64_t further = 1) {
    std::vector<Spent> samples;
    for (int frame = 0; frame < 100; ++frame) {
      step += further;
      samples.push_back(spent([&] {
        for (int i = 0; i < kRuns; ++i) window.feed(folders[i], {step_event(i, step)});
        window.runs.publish();
        turn();
      }));
    }
    report(what, samples, budget);
  };
  auto* metric = window.monitor.findChild<QComboBox*>(QStringLiteral("monitor.metric"));
  metric->setCurrentIndex(1);
  turn();
  frames("live frame, loss of 8 runs of 50,000 steps", "10 ms");
  auto* plot = window.monitor.plot()->plot();
  std::vector<Spent> hovers;
  const QRect rect = plot->axisRect()->rect();
  for (int i = 0; i < 200; ++i) {
    const QPointF at(rect.left() + 20 + (i * 5) % (rect.width() - 40), rect.center().y());
    QMouseEvent event(QEvent::MouseMove, at, plot->mapToGlobal(at), Qt::NoButton, Qt::NoButton,
                      Qt::NoModifier);
    hovers.push_back(spent([&] { QApplication::sendEvent(plot, &event); }));
  }
  report("hover over 8 runs, table of values drawn", hovers, "1 ms");
  metric->setCurrentIndex(0);
  turn();
  frames("live frame, all five curves of 8 runs", "10 ms");
  frames("live frame, all five curves of 8 runs redrawn", "10 ms", 250);
}

engine::RunEvent layer_event(int layers, std::int64_t step) {
  engine::LayerStats stats{.step = step};
  for (int i = 0; i < layers; ++i) {
    stats.values.push_back({fmt::format("model.layers.{}.mlp.{}", i / 7, i % 7), "sqnr_db",
                            20 + 10 * noisy_loss(i, step)});
  }
  return {1.7e9 + double(step), stats};
}

void measure_map() {
  for (const auto& [layers, columns] : {std::pair{225, 600}, std::pair{1000, 2000}}) {
    engine::LayerSeries series;
    for (int i = 1; i <= columns - 40; ++i) {
      series.append(std::get<engine::LayerStats>(layer_event(layers, i * 50).body));
    }
    widgets::LayerStepPlot map;
    map.resize(900, 500);
    map.show();
    map.showSeries(series, QStringLiteral("sqnr_db"), {});
    turn();
    std::vector<Spent> samples;
    for (int i = columns - 39; i <= columns; ++i) {
      const auto event = layer_event(layers, i * 50);
      series.append(std::get<engine::LayerStats>(event.body));
      samples.push_back(spent([&] {
        map.showSeries(series, QStringLiteral("sqnr_db"), {});
        turn();
      }));
    }
    report(fmt::format("map of {} layers x {} steps, one column more", layers, columns), samples,
           layers == 225 ? "3 ms" : "16 ms");
  }
}

double resident_megabytes() {
  malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  double pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * double(sysconf(_SC_PAGESIZE)) / 1e6;
}

/// A day at two steps a second, logged every 10th, evaluated and saved every 1,000th, 155 layers
/// measured every 500th: replayed as fast as it goes, with panels painted.
void measure_day() {
  constexpr std::int64_t kSteps = 24 * 3600 * 2;
  Window window;
  window.log.resize(700, 300);
  window.log.show();
  window.layers.resize(700, 300);
  window.layers.show();
  const QString folder = QStringLiteral("/runs/day");
  engine::RunStarted started;
  started.max_steps = kSteps;
  started.tokens_per_step = 4096;
  window.feed(folder, {{1.7e9, started}});
  window.selection.setRun(folder);
  double first_hour = 0;
  std::int64_t turns = 0;
  for (std::int64_t step = 10; step <= kSteps; step += 10) {
    std::vector<engine::RunEvent> events{step_event(1, step)};
    if (step % 500 == 0) events.push_back(layer_event(155, step));
    if (step % 1000 == 0) {
      events.push_back({1.7e9 + double(step), engine::Evaluated{.step = step, .eval_loss = 2.5}});
      events.push_back(
          {1.7e9 + double(step),
           engine::CheckpointSaved{.step = step, .path = fmt::format("checkpoint-{}", step)}});
    }
    window.feed(folder, std::move(events));
    if (++turns % 4 != 0) continue;
    window.runs.publish();
    turn();
    if (first_hour == 0 && step >= kSteps / 24) first_hour = resident_megabytes();
  }
  const double end = resident_megabytes();
  fmt::print(
      "a day of watching, {} logged steps: {:.1f} MB after the first hour, {:.1f} MB at the end, "
      "{:+.1f} MB  (budget 5 % of what a whole window with the engine takes)\n",
      kSteps / 10, first_hour, end, end - first_hour);
}

}  // namespace

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  const std::set<std::string> wanted(argv + 1, argv + argc);
  const auto is_wanted = [&](const char* name) { return wanted.empty() || wanted.count(name) > 0; };
  if (is_wanted("open")) measure_opening();
  if (is_wanted("live")) measure_live();
  if (is_wanted("map")) measure_map();
  if (is_wanted("day")) measure_day();
  return 0;
}
