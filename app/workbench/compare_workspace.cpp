// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/compare_workspace.h"

#include "engine/compare/comparable_paths.h"
#include "engine/compare/comparison_export.h"
#include "engine/compare/trade_off.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "widgets/panels/compare_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/theme.h"

#include <QFileDialog>
#include <QSettings>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace app {
namespace {

constexpr int kReadAtOnce = 16;
constexpr std::size_t kTickedAtFirst = 12;
constexpr int kFollowEvery = 500;
constexpr int kTicksBetweenLooks = 8;  ///< for folders that are gone: asks the disk once a run
const QString kColors = QStringLiteral("compare/colors/");

struct Views {
  widgets::ComparisonViewPtr table;
  widgets::ComparisonViewPtr charts;
  QStringList metrics;
};

bool is_live(const engine::ComparableRun& run) {
  if (run.is_gone) return false;
  switch (run.observed.state) {
    case engine::RunState::finished:
    case engine::RunState::stopped:
    case engine::RunState::failed:
    case engine::RunState::interrupted:
      return false;
    default:
      return run.reader != nullptr;
  }
}

/// The run without its folder, the run that is there again, or null when nothing has changed.
widgets::ComparableRunPtr looked_for(const engine::ComparableRun& run) {
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(run.path, ignored);
  if (is_there != run.is_gone) return nullptr;
  if (is_there) {
    try {
      return std::make_shared<const engine::ComparableRun>(engine::load_any_run(run.path));
    } catch (const engine::Error&) {
      return nullptr;  // something else is there now
    }
  }
  auto gone = std::make_shared<engine::ComparableRun>(run);
  gone->is_gone = true;
  gone->observed = {engine::RunState::unknown, "its folder is gone"};
  gone->notes.push_back("its folder is gone: what had been read of it is shown");
  return gone;
}

QStringList metrics_of(const std::vector<widgets::ComparableRunPtr>& runs) {
  QStringList names;
  for (const auto& run : runs) {
    for (const std::string& name : run->metrics.names()) {
      if (!names.contains(QString::fromStdString(name))) names << QString::fromStdString(name);
    }
  }
  return names;
}

/// The trade-off page has a cost from the beginning, which not all runs know.
bool has_cost(const std::vector<const engine::ComparableRun*>& runs,
              const engine::ComparisonOptions& options) {
  try {
    return !engine::trade_off_points(runs, options.cost, options.metrics.front(), options.statistic)
                .empty();
  } catch (const engine::Error&) {
    return false;
  }
}

}  // namespace

CompareWorkspace::CompareWorkspace(widgets::ComparePanel* panel, QSettings* settings,
                                   QObject* parent)
    : QObject(parent), panel_(panel), settings_(settings) {
  panel_->setStore(settings_);
  connect(panel_, &widgets::ComparePanel::optionsChanged, this, &CompareWorkspace::compute);
  connect(panel_, &widgets::ComparePanel::addRequested, this, [this] {
    const QString folder = QFileDialog::getExistingDirectory(
        panel_, tr("Add a run folder, a folder of runs, or a log of another trainer"));
    if (!folder.isEmpty()) addPaths({folder});
  });
  connect(panel_, &widgets::ComparePanel::exportRequested, this, &CompareWorkspace::exportTo);
  clock_.setInterval(kFollowEvery);
  connect(&clock_, &QTimer::timeout, this, &CompareWorkspace::follow);
}

void CompareWorkspace::addPaths(const QStringList& paths) {
  to_find_ << paths;
  findNext();
}

void CompareWorkspace::findNext() {
  if (find_job_.isRunning() || to_find_.isEmpty()) return;
  find_job_.start(
      [paths = std::exchange(to_find_, {})] {
        QStringList found;
        for (const QString& path : paths) {
          for (const auto& each : engine::comparable_paths(path.toStdString()))
            found << QString::fromStdString(each.string());
        }
        return found;
      },
      [this](JobResult<QStringList> result) {
        for (const QString& path : result.value.value_or(QStringList())) {
          if (known_.contains(path)) continue;
          known_.insert(path);
          waiting_ << path;
        }
        readNext();
        findNext();
      });
}

bool CompareWorkspace::isSettled() const {
  return !find_job_.isRunning() && !read_job_.isRunning() && !view_job_.isRunning() &&
         waiting_.isEmpty() && to_find_.isEmpty();
}

void CompareWorkspace::readNext() {
  if (read_job_.isRunning() || waiting_.isEmpty()) return;
  const QStringList paths = waiting_.mid(0, kReadAtOnce);
  waiting_ = waiting_.mid(kReadAtOnce);
  using Loaded = std::pair<std::vector<engine::ComparableRun>, std::vector<engine::Problem>>;
  read_job_.start(
      [paths] {
        Loaded loaded;
        for (const QString& path : paths) {
          try {
            loaded.first.push_back(engine::load_any_run(path.toStdString()));
          } catch (const engine::Error& error) {
            loaded.second.insert(loaded.second.end(), error.problems().begin(),
                                 error.problems().end());
          }
        }
        return loaded;
      },
      [this](JobResult<Loaded> result) {
        if (result.value) {
          if (!result.value->second.empty())
            panel_->messages()->showProblem(result.value->second.front());
          take(std::move(result.value->first));
        }
        readNext();
      });
}

void CompareWorkspace::take(std::vector<engine::ComparableRun> loaded) {
  for (engine::ComparableRun& run : loaded)
    runs_.push_back(std::make_shared<const engine::ComparableRun>(std::move(run)));
  if (is_first_choice_ && !runs_.empty()) {
    std::set<QString> ticked;
    for (std::size_t i = 0; i < std::min(runs_.size(), kTickedAtFirst); ++i)
      ticked.insert(widgets::run_key(*runs_[i]));
    panel_->setShown(ticked);  // asks for a computation itself
    is_first_choice_ = runs_.size() < 2;
  }
  compute();
  if (!clock_.isActive()) clock_.start();
}

int CompareWorkspace::colorOf(const engine::ComparableRun& run) {
  const QString key = widgets::run_key(run);
  const auto known = colors_.find(key);
  if (known != colors_.end()) return known->second;
  const QString setting = kColors + key;
  bool is_remembered = false;
  int color = settings_ == nullptr ? 0 : settings_->value(setting).toInt(&is_remembered);
  if (!is_remembered || color < 0 || color >= widgets::kRunColors) {
    std::array<int, widgets::kRunColors> used{};
    for (const auto& [other, index] : colors_) ++used[static_cast<std::size_t>(index)];
    color = static_cast<int>(std::min_element(used.begin(), used.end()) - used.begin());
    if (settings_ != nullptr) settings_->setValue(setting, color);
  }
  colors_.emplace(key, color);
  return color;
}

/// The run that was chosen last, now or earlier; without one the first plain one, else the first.
std::size_t CompareWorkspace::baselineAmong(
    const std::vector<widgets::ComparableRunPtr>& runs) const {
  const auto find = [&runs](auto&& is_wanted) {
    return static_cast<std::size_t>(std::find_if(runs.begin(), runs.end(), is_wanted) -
                                    runs.begin());
  };
  for (const QString& key : panel_->baselines()) {
    const std::size_t chosen = find([&](const auto& run) { return widgets::run_key(*run) == key; });
    if (chosen < runs.size()) return chosen;
  }
  const std::size_t plain = find([](const auto& run) {
    return run->source == engine::RunSource::run_folder && run->is_effect_known &&
           run->effect.plan.assignments.empty();
  });
  return plain < runs.size() ? plain : 0;
}

void CompareWorkspace::compute() {
  if (runs_.empty()) return;
  if (view_job_.isRunning()) {  // one after the other, so that a stream of updates is never starved
    is_stale_ = true;
    return;
  }
  is_stale_ = false;
  engine::ComparisonOptions options;
  try {
    options = panel_->options();
  } catch (const engine::Error& error) {
    panel_->messages()->showProblem(error.problems().front());
    has_refused_ = true;
    return;
  }
  if (std::exchange(has_refused_, false)) panel_->messages()->dismiss();
  std::vector<widgets::ComparableRunPtr> shown;
  std::vector<int> colors, shown_colors;
  const std::size_t baseline = baselineAmong(runs_);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    colors.push_back(colorOf(*runs_[i]));
    if (i != baseline && panel_->shownRuns().count(widgets::run_key(*runs_[i])) == 0) continue;
    shown.push_back(runs_[i]);
    shown_colors.push_back(colors.back());
  }
  engine::ComparisonOptions shown_options = options;
  options.baseline = baseline;
  shown_options.baseline = baselineAmong(shown);
  view_job_.start(
      [all = runs_, colors, options, shown, shown_colors, shown_options] {
        Views views;
        views.metrics = metrics_of(all);
        views.table = widgets::make_comparison_view(all, colors, options, false);
        engine::ComparisonOptions own = shown_options;
        own.metrics = views.table->comparison.options.metrics;
        std::erase_if(own.metrics, [&](const std::string& metric) {
          return std::none_of(shown.begin(), shown.end(), [&](const auto& run) {
            return run->metrics.find(metric).has_value();
          });
        });
        views.charts = widgets::make_comparison_view(shown, shown_colors, own, true);
        return views;
      },
      [this](JobResult<Views> result) {
        if (result.value) {
          panel_->setTable(result.value->table, result.value->metrics);
          panel_->setCharts(result.value->charts);
        } else {
          panel_->messages()->showProblem(result.problems.front());
          has_refused_ = true;
        }
        if (is_stale_) compute();
      });
}

void CompareWorkspace::follow() {
  if (follow_job_.isRunning() || !panel_->isVisible()) return;
  const bool looks = ++ticks_ % kTicksBetweenLooks == 0;
  std::vector<widgets::ComparableRunPtr> live, others;
  for (const auto& run : runs_) {
    if (is_live(*run)) {
      live.push_back(run);
    }
    if (looks) others.push_back(run);
  }
  if (live.empty() && others.empty()) return;
  using Pairs = std::vector<std::pair<const engine::ComparableRun*, widgets::ComparableRunPtr>>;
  follow_job_.start(
      [live, others] {
        Pairs pairs;
        for (const auto& run : live) {
          // What is shown is shared with the GUI thread: the copy goes on.
          auto next = std::make_shared<engine::ComparableRun>(*run);
          if (next->poll()) pairs.emplace_back(run.get(), std::move(next));
        }
        for (const auto& run : others) {
          auto next = looked_for(*run);
          if (next != nullptr) pairs.emplace_back(run.get(), std::move(next));
        }
        return pairs;
      },
      [this](JobResult<Pairs> result) {
        if (!result.value || result.value->empty()) return;
        exchangeRuns(*result.value);
        compute();
      });
}

void CompareWorkspace::exchangeRuns(
    const std::vector<std::pair<const engine::ComparableRun*, widgets::ComparableRunPtr>>& pairs) {
  for (auto& run : runs_) {
    const engine::ComparableRun* before = run.get();
    for (const auto& [old, next] : pairs) {
      if (old != before) continue;
      keepTick(*before, *next);
      run = next;  // the later of two wins: that the folder is gone
    }
  }
}

/// A run that was met before it wrote its first line has another key from that line on.
void CompareWorkspace::keepTick(const engine::ComparableRun& before,
                                const engine::ComparableRun& now) {
  const QString old_key = widgets::run_key(before);
  const QString key = widgets::run_key(now);
  if (key == old_key || panel_->shownRuns().count(old_key) == 0) return;
  std::set<QString> shown = panel_->shownRuns();
  shown.erase(old_key);
  shown.insert(key);
  panel_->setShown(shown);
}

void CompareWorkspace::exportTo() {
  const QString folder =
      QFileDialog::getSaveFileName(panel_, tr("Export the ticked runs to a new folder"));
  if (folder.isEmpty()) return;
  std::vector<widgets::ComparableRunPtr> shown;
  const std::size_t baseline = baselineAmong(runs_);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (i == baseline || panel_->shownRuns().count(widgets::run_key(*runs_[i])) > 0)
      shown.push_back(runs_[i]);
  }
  engine::ComparisonOptions options = panel_->options();
  options.baseline = baselineAmong(shown);
  options.cost = panel_->cost().toStdString();
  export_job_.start(
      [shown, options, folder] {
        std::vector<const engine::ComparableRun*> runs;
        for (const auto& run : shown) runs.push_back(run.get());
        engine::ComparisonOptions full = options;
        full.with_differences = true;
        if (!has_cost(runs, full)) full.cost.clear();
        const std::string command = engine::compare_command(runs, full) + " --export " +
                                    engine::shell_quoted(folder.toStdString());
        engine::export_comparison(runs, engine::compare_runs(runs, full), folder.toStdString(),
                                  command);
        return folder;
      },
      [this](JobResult<QString> result) {
        if (result.value) {
          panel_->messages()->showMessage(engine::Severity::note,
                                          tr("Exported to %1").arg(*result.value),
                                          tr("Open page.html, or run plot.py"));
        } else {
          panel_->messages()->showProblem(result.problems.front());
        }
      });
}

}  // namespace app
