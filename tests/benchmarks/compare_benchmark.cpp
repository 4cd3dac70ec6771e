// SPDX-License-Identifier: GPL-3.0-or-later
// How long comparing takes: a table of many runs from disk, an overlay of twenty, and its frames.
//   compare_benchmark [RUNS] [STEPS] [LOGGING_STEPS]        (100 runs of 100,000 steps, each 10th
//   logged)
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"
#include "widgets/models/selection.h"
#include "widgets/panels/compare_panel.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/custom_plot.h"

#include <QApplication>
#include <QToolButton>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <functional>
#include <thread>

namespace {

/// By the clock on the wall, and of the processor, which a busy machine hardly changes.
struct Spent {
  double wall = 0;
  double processor = 0;

  Spent& operator+=(const Spent& other) {
    wall += other.wall;
    processor += other.processor;
    return *this;
  }
};

Spent spent(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t ticks = std::clock();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
          double(std::clock() - ticks) / CLOCKS_PER_SEC};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// A cheap curve with noise, so that writing the runs takes less than reading them.
std::function<double(std::int64_t)> noisy(std::int64_t seed) {
  return [seed](std::int64_t step) {
    const auto bits = static_cast<std::uint64_t>(seed * 1'000'003 + step) * 0x9E3779B97F4A7C15u;
    return 2.0 + 100.0 / static_cast<double>(100 + step) +
           static_cast<double>(bits >> 40) / double(1 << 24) * 0.05;
  };
}

}  // namespace

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  const int runs = argc > 1 ? std::atoi(argv[1]) : 100;
  const std::int64_t steps = argc > 2 ? std::atoll(argv[2]) : 100'000;
  const std::int64_t logging = argc > 3 ? std::atoll(argv[3]) : 10;
  const tests::ScratchFolder folder;
  std::vector<std::filesystem::path> paths;
  for (int i = 0; i < runs; ++i) {
    tests::SampleRun run{.seed = i, .steps = steps, .logging_steps = logging, .eval_steps = 1000};
    run.loss = noisy(i);
    run.learning_rate = 1e-3 * (1 + i / 3);
    paths.push_back(folder / fmt::format("run-{:03}", i));
    tests::write_sample_run(paths.back(), run);
  }
  fmt::print("{} runs of {} steps, every {}th logged: {} lines\n", runs, steps, logging,
             runs * (steps / logging + steps / 1000));

  std::vector<widgets::ComparableRunPtr> loaded(paths.size());
  const auto load_with = [&](unsigned threads) {
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> workers;
    for (unsigned t = 0; t < threads; ++t)
      workers.emplace_back([&] {
        for (std::size_t i; (i = next++) < paths.size();)
          loaded[i] = std::make_shared<engine::ComparableRun>(engine::load_run(paths[i]));
      });
  };
  const Spent one = spent([&] { load_with(1); });
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  const Spent all = spent([&] { load_with(cores); });
  fmt::print("read from disk: {:.2f} s on one thread ({:.2f} s of processor), {:.2f} s on {}\n",
             one.wall, one.processor, all.wall, cores);

  widgets::Selection selection;
  widgets::ComparePanel panel(&selection);
  panel.resize(1280, 800);
  panel.show();
  widgets::ComparisonViewPtr table;
  const Spent tabled = spent([&] {
    table = widgets::make_table_view(loaded, {});
    panel.setTable(table, {"loss", "eval_loss"});
    QApplication::processEvents();
  });
  fmt::print("table of {}: {:.0f} ms ({:.0f} ms of processor)\n", runs, 1e3 * tabled.wall,
             1e3 * tabled.processor);

  const std::vector<widgets::ComparableRunPtr> twenty(
      loaded.begin(), loaded.begin() + std::min<std::ptrdiff_t>(20, runs));
  engine::ComparisonOptions options;
  options.metrics = {"loss"};
  const Spent overlaid = spent([&] {
    panel.setCharts(widgets::make_chart_view(twenty, options));
    QApplication::processEvents();
    panel.curves()->plot()->replot(QCustomPlot::rpImmediateRefresh);
  });
  fmt::print("overlay of {}: {:.0f} ms ({:.0f} ms of processor)\n", twenty.size(),
             1e3 * overlaid.wall, 1e3 * overlaid.processor);

  std::vector<double> frames, processor;
  for (int i = 0; i < 60; ++i) {
    panel.curves()->plot()->xAxis->setRange(i * 50.0, double(steps) - i * 50.0);
    const Spent frame = spent([] {
      QApplication::processEvents();  // both plots draw and queue their replots
      QApplication::processEvents();  // which are painted here
    });
    frames.push_back(frame.wall);
    processor.push_back(frame.processor);
  }
  fmt::print(
      "a frame while zooming: median {:.1f} ms, worst {:.1f} ms (median {:.1f} ms of "
      "processor)\n",
      1e3 * median(frames), 1e3 * *std::max_element(frames.begin(), frames.end()),
      1e3 * median(processor));

  // Twenty that still train: each frame brings a line to every run. Reading and comparing are on a
  // pool thread in the workbench; the frame is what the window does with the result.
  std::vector<widgets::ComparableRunPtr> live = twenty;
  auto* means = panel.findChild<QToolButton*>(QStringLiteral("compare.grouped"));
  std::vector<double> tables;
  std::int64_t step = steps;
  for (const bool shows_means : {true, false}) {
    means->setChecked(shows_means);
    panel.curves()->setFollowing(true);
    QApplication::processEvents();
    frames.clear();
    processor.clear();
    tables.clear();
    Spent polled, compared;
    for (int i = 0; i < 60; ++i) {
      step += logging;
      for (std::size_t r = 0; r < live.size(); ++r)
        tests::append_sample_step(paths[r], step, noisy(int(r)));
      polled += spent([&] {
        for (auto& run : live) {
          auto next = std::make_shared<engine::ComparableRun>(*run);
          next->poll();
          run = next;
        }
      });
      widgets::ComparisonViewPtr charts, rows;
      compared += spent([&] {
        rows = widgets::make_table_view(live, options);
        charts = widgets::make_chart_view(live, options);
      });
      // Two turns of the event loop, as in the workbench.
      const Spent listed = spent([&] {
        panel.setTable(rows, {"loss", "eval_loss"});
        QApplication::processEvents();
      });
      const Spent drawn = spent([&] {
        panel.setCharts(charts);
        QApplication::processEvents();
        QApplication::processEvents();
      });
      tables.push_back(listed.processor);
      frames.push_back(drawn.wall);
      processor.push_back(drawn.processor);
    }
    fmt::print(
        "a frame with {} live runs, {}: median {:.1f} ms, worst {:.1f} ms (of processor {:.1f} and "
        "{:.1f} ms); the table's {:.1f} ms; before them {:.0f} ms of reading and {:.0f} ms of "
        "comparing on another thread\n",
        live.size(), shows_means ? "as means of seeds" : "one by one", 1e3 * median(frames),
        1e3 * *std::max_element(frames.begin(), frames.end()), 1e3 * median(processor),
        1e3 * *std::max_element(processor.begin(), processor.end()), 1e3 * median(tables),
        1e3 * polled.processor / 60, 1e3 * compared.processor / 60);
  }
  return 0;
}
