// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/compared_runs.h"

#include "engine/compare/comparable_paths.h"
#include "engine/error.h"
#include "engine/runs/run_identity.h"

#include <algorithm>
#include <filesystem>

namespace app {
namespace {

constexpr int kReadAtOnce = 16;
constexpr int kFollowEvery = 500;
constexpr int kTicksBetweenLooks = 8;  ///< for folders that are gone: asks the disk once a run

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
      auto back = std::make_shared<engine::ComparableRun>(engine::load_any_run(run.path));
      back->name = run.name;
      return back;
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

}  // namespace

ComparedRuns::ComparedRuns(QObject* parent) : QObject(parent) {
  clock_.setInterval(kFollowEvery);
  connect(&clock_, &QTimer::timeout, this, &ComparedRuns::follow);
}

void ComparedRuns::addPaths(const QStringList& paths) {
  to_find_ << paths;
  findNext();
}

void ComparedRuns::expect(const QStringList& folders) {
  for (const QString& folder : folders) {
    if (!expected_.contains(folder)) expected_ << folder;
  }
  if (!clock_.isActive()) clock_.start();
}

bool ComparedRuns::isReading() const {
  return find_job_.isRunning() || read_job_.isRunning() || bits_job_.isRunning() ||
         !waiting_.isEmpty() || !to_find_.isEmpty();
}

void ComparedRuns::findNext() {
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

void ComparedRuns::readNext() {
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
          if (!result.value->second.empty()) Q_EMIT troubled(result.value->second.front());
          take(std::move(result.value->first));
        }
        readNext();
      });
}

void ComparedRuns::take(std::vector<engine::ComparableRun> loaded) {
  const std::size_t first = runs_.size();
  for (engine::ComparableRun& run : loaded) {
    nameApart(run);
    runs_.push_back(std::make_shared<const engine::ComparableRun>(std::move(run)));
  }
  Q_EMIT added(first);
  addBits();
  if (!clock_.isActive()) clock_.start();
}

/// Runs of one name, from different folders, are called by their paths.
void ComparedRuns::nameApart(engine::ComparableRun& next) {
  const std::string name = next.name;
  for (widgets::ComparableRunPtr& run : runs_) {
    if (run->path.filename() != next.path.filename()) continue;
    next.name = next.path.string();
    if (run->name != name) continue;
    auto renamed_run = std::make_shared<engine::ComparableRun>(*run);
    renamed_run->name = run->path.string();
    run = renamed_run;
  }
}

/// Losses per token of different tokenizers cannot be compared, bits per byte can.
void ComparedRuns::addBits() {
  std::vector<const engine::ComparableRun*> pointers;
  std::vector<widgets::ComparableRunPtr> without;
  for (const auto& run : runs_) {
    pointers.push_back(run.get());
    if (!run->is_asked_for_bits) without.push_back(run);
  }
  if (bits_job_.isRunning() || without.empty() || !engine::have_tokenizers_apart(pointers)) return;
  using Bytes = std::vector<std::optional<double>>;
  bits_job_.start(
      [without] {
        Bytes bytes;
        for (const auto& run : without) bytes.push_back(engine::bytes_per_token(*run));
        return bytes;
      },
      [this, without](JobResult<Bytes> result) {
        if (!result.value) return;
        // A run that trains has been exchanged meanwhile: it is known by its path.
        for (std::size_t i = 0; i < without.size(); ++i) {
          for (auto& run : runs_) {
            if (run->path != without[i]->path) continue;
            auto next = std::make_shared<engine::ComparableRun>(*run);
            engine::add_bits_per_byte(*next, (*result.value)[i]);
            run = next;
          }
        }
        Q_EMIT changed();
        addBits();  // for those that were added meanwhile
      });
}

void ComparedRuns::lookForExpected() {
  if (expect_job_.isRunning() || expected_.isEmpty()) return;
  expect_job_.start(
      [folders = expected_] {
        QStringList begun;
        for (const QString& folder : folders) {
          if (!engine::run_identity(folder.toStdString()).empty()) begun << folder;
        }
        return begun;
      },
      [this](JobResult<QStringList> result) {
        const QStringList begun = result.value.value_or(QStringList());
        for (const QString& folder : begun) expected_.removeAll(folder);
        if (!begun.isEmpty()) addPaths(begun);
      });
}

void ComparedRuns::follow() {
  if (is_watched_ && !is_watched_()) return;
  lookForExpected();
  if (follow_job_.isRunning()) return;
  const bool looks = ++ticks_ % kTicksBetweenLooks == 0;
  std::vector<widgets::ComparableRunPtr> live;
  for (const auto& run : runs_) {
    if (is_live(*run)) live.push_back(run);
  }
  const std::vector<widgets::ComparableRunPtr> others =
      looks ? runs_ : std::vector<widgets::ComparableRunPtr>();
  if (live.empty() && others.empty()) return;
  follow_job_.start(
      [live, others] {
        std::vector<Exchange> exchanged;
        for (const auto& run : live) {
          // What is shown is shared with the GUI thread: the copy goes on.
          auto next = std::make_shared<engine::ComparableRun>(*run);
          if (next->poll()) exchanged.emplace_back(run.get(), std::move(next));
        }
        for (const auto& run : others) {
          auto next = looked_for(*run);
          if (next != nullptr) exchanged.emplace_back(run.get(), std::move(next));
        }
        return exchanged;
      },
      [this](JobResult<std::vector<Exchange>> result) {
        if (result.value && !result.value->empty()) exchange(*result.value);
      });
}

void ComparedRuns::exchange(const std::vector<Exchange>& exchanged) {
  for (auto& run : runs_) {
    const widgets::ComparableRunPtr before = run;
    for (const auto& [old, next] : exchanged) {
      if (old != before.get()) continue;
      run = next;  // the later of two wins: that the folder is gone
    }
    if (run == before) continue;
    const QString old_key = widgets::run_key(*before);
    if (const QString key = widgets::run_key(*run); key != old_key) Q_EMIT renamed(old_key, key);
  }
  Q_EMIT changed();
  addBits();  // for a run that is there again
}

}  // namespace app
