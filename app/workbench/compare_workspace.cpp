// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/compare_workspace.h"

#include "engine/compare/comparison_export.h"
#include "engine/compare/trade_off.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "widgets/panels/compare_panel.h"
#include "widgets/panels/message_bar.h"

#include <QFileDialog>
#include <QTimer>

#include <algorithm>
#include <set>
#include <utility>

namespace app {
namespace {

constexpr std::size_t kTickedAtFirst = 12;

struct Views {
  widgets::ComparisonViewPtr table;
  widgets::ComparisonViewPtr charts;
  QStringList metrics;
};

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
                                   widgets::RunLookStore* looks, QObject* parent)
    : QObject(parent),
      panel_(panel),
      own_looks_(settings),
      looks_(looks != nullptr ? looks : &own_looks_) {
  panel_->setStore(settings);
  connect(panel_, &widgets::ComparePanel::optionsChanged, this, &CompareWorkspace::compute);
  connect(panel_, &widgets::ComparePanel::addRequested, this, [this] {
    const QString folder = QFileDialog::getExistingDirectory(
        panel_, tr("Add a run folder, a folder of runs, or a log of another trainer"));
    if (!folder.isEmpty()) runs_.addPaths({folder});
  });
  connect(panel_, &widgets::ComparePanel::exportRequested, this, &CompareWorkspace::exportTo);
  runs_.setWatched([this] { return panel_->isVisible(); });
  connect(&runs_, &ComparedRuns::added, this, &CompareWorkspace::showAdded);
  connect(&runs_, &ComparedRuns::changed, this, &CompareWorkspace::compute);
  connect(&runs_, &ComparedRuns::renamed, this, &CompareWorkspace::keepTick);
  connect(&runs_, &ComparedRuns::troubled, panel_->messages(), &widgets::MessageBar::showProblem);
}

bool CompareWorkspace::isSettled() const {
  return !runs_.isReading() && !view_job_.isRunning() && !are_charts_due_;
}

void CompareWorkspace::expect(const QStringList& folders, bool with_tick) {
  if (with_tick) to_tick_.unite({folders.begin(), folders.end()});
  runs_.expect(folders);
}

void CompareWorkspace::showAdded(std::size_t first) {
  const auto& all = runs_.all();
  std::set<QString> ticked = panel_->shownRuns();
  if (is_first_choice_ && !all.empty()) {
    ticked.clear();
    for (std::size_t i = 0; i < std::min(all.size(), kTickedAtFirst); ++i)
      ticked.insert(widgets::run_key(*all[i]));
    is_first_choice_ = all.size() < 2;
  }
  for (std::size_t i = first; i < all.size(); ++i) {
    if (to_tick_.remove(QString::fromStdString(all[i]->path.string())))
      ticked.insert(widgets::run_key(*all[i]));
  }
  panel_->setShown(ticked);
  compute();
}

/// A run that has not written its first line may get another look with it: that one lasts.
int CompareWorkspace::lookOf(const engine::ComparableRun& run) {
  const bool is_new = run.source == engine::RunSource::run_folder && run.identity.empty();
  return is_new ? engine::RunLooks().of(run.path.string()) : looks_->of(widgets::run_key(run));
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

/// The ticked ones and the baseline.
std::vector<widgets::ComparableRunPtr> CompareWorkspace::shownRuns() const {
  std::vector<widgets::ComparableRunPtr> shown;
  const auto& all = runs_.all();
  const std::size_t baseline = baselineAmong(all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == baseline || panel_->shownRuns().count(widgets::run_key(*all[i])) > 0)
      shown.push_back(all[i]);
  }
  return shown;
}

void CompareWorkspace::compute() {
  const std::vector<widgets::ComparableRunPtr>& all = runs_.all();
  if (all.empty()) return;
  if (view_job_.isRunning() ||
      are_charts_due_) {  // one after the other, so that a stream of updates is never starved
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
  const auto shown = shownRuns();
  engine::ComparisonOptions shown_options = options;
  options.baseline = baselineAmong(all);
  shown_options.baseline = baselineAmong(shown);
  for (const auto& run : all) options.looks.push_back(lookOf(*run));
  for (const auto& run : shown) shown_options.looks.push_back(lookOf(*run));
  view_job_.start(
      [all, options, shown, shown_options, beside = panel_->beside()] {
        Views views;
        views.metrics = metrics_of(all);
        views.table = widgets::make_table_view(all, options);
        engine::ComparisonOptions own = shown_options;
        own.metrics = views.table->comparison.options.metrics;
        std::erase_if(own.metrics, [&](const std::string& metric) {
          return std::none_of(shown.begin(), shown.end(), [&](const auto& run) {
            return run->metrics.find(metric).has_value();
          });
        });
        views.charts = widgets::make_chart_view(shown, own, beside);
        return views;
      },
      [this](JobResult<Views> result) {
        if (result.value) {
          panel_->setTable(result.value->table, result.value->metrics);
          // In a turn of its own: between the two the window answers and paints.
          are_charts_due_ = true;
          QTimer::singleShot(0, this, [this, charts = result.value->charts] {
            are_charts_due_ = false;
            panel_->setCharts(charts);
            if (is_stale_) compute();
          });
          return;
        } else {
          panel_->messages()->showProblem(result.problems.front());
          has_refused_ = true;
        }
        if (is_stale_) compute();
      });
}

/// A run that was met before it wrote its first line has another key from that line on.
void CompareWorkspace::keepTick(const QString& old_key, const QString& key) {
  if (panel_->shownRuns().count(old_key) == 0) return;
  std::set<QString> shown = panel_->shownRuns();
  shown.erase(old_key);
  shown.insert(key);
  panel_->setShown(shown);
}

void CompareWorkspace::exportTo() {
  const QString folder =
      QFileDialog::getSaveFileName(panel_, tr("Export the ticked runs to a new folder"));
  if (folder.isEmpty()) return;
  const auto shown = shownRuns();
  engine::ComparisonOptions options = panel_->options();
  options.baseline = baselineAmong(shown);
  options.cost = panel_->cost().toStdString();
  for (const auto& run : shown) options.looks.push_back(lookOf(*run));
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
