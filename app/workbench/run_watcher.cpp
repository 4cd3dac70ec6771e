// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_watcher.h"

#include "engine/remote/remote_copy.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_identity.h"
#include "engine/runs/run_state.h"

#include <QMetaObject>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <variant>

namespace app {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLiveInterval = std::chrono::milliseconds(40);
constexpr auto kRestInterval = std::chrono::seconds(2);
constexpr auto kEagerTime = std::chrono::minutes(1);
constexpr std::size_t kMostPending = 64;

bool is_ended(engine::RunState state) {
  return state == engine::RunState::finished || state == engine::RunState::stopped ||
         state == engine::RunState::failed || state == engine::RunState::interrupted;
}

QString address_of(const QString& folder) {
  const auto sign = engine::read_remote_sign(folder.toStdString());
  return sign ? QString::fromStdString(sign->address) : QString();
}

bool begins_part(const engine::RunUpdate& update) {
  return std::any_of(update.events.begin(), update.events.end(), [](const engine::RunEvent& event) {
    return std::holds_alternative<engine::RunStarted>(event.body);
  });
}

}  // namespace

struct RunWatcher::Watched {
  explicit Watched(const QString& path) : folder(path), reader(path.toStdString()) {}

  QString folder;
  engine::RunReader reader;
  engine::RunState state = engine::RunState::unknown;
  std::string detail;
  QString address;
  bool told = false;
  Clock::time_point next;
  Clock::time_point eager_until{};
};

RunWatcher::RunWatcher(QObject* parent) : QObject(parent) {
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

RunWatcher::~RunWatcher() {
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
}

void RunWatcher::watch(const QString& folder) {
  const std::lock_guard lock(mutex_);
  asked_.push_back(folder);
  hurry_ = true;
  wake_.notify_all();
}

void RunWatcher::expect(const QString& folder) {
  const std::lock_guard lock(mutex_);
  asked_.push_back(folder);
  expected_.push_back(folder);
  hurry_ = true;
  wake_.notify_all();
}

void RunWatcher::addRoot(const QString& folder) {
  const std::lock_guard lock(mutex_);
  if (std::find(roots_.begin(), roots_.end(), folder) != roots_.end()) return;
  roots_.push_back(folder);
  hurry_ = true;
  wake_.notify_all();
}

QStringList RunWatcher::roots() const {
  const std::lock_guard lock(mutex_);
  return {roots_.begin(), roots_.end()};
}

void RunWatcher::work(const std::stop_token& stop) {
  std::map<QString, std::unique_ptr<Watched>> watched;
  Clock::time_point next_scan{};
  while (!stop.stop_requested()) {
    std::vector<QString> asked;
    std::vector<QString> expected;
    std::vector<QString> roots;
    bool has_room = true;
    {
      const std::lock_guard lock(mutex_);
      asked.swap(asked_);
      expected.swap(expected_);
      roots = roots_;
      if (std::exchange(hurry_, false)) next_scan = {};
      has_room = pending_.size() < kMostPending;
    }
    std::vector<QString> found;
    const auto now = Clock::now();
    for (const auto& folder : asked) {
      auto& one = watched[folder];
      if (one == nullptr) one = std::make_unique<Watched>(folder);
      one->next = now;
    }
    for (const auto& folder : expected) watched[folder]->eager_until = now + kEagerTime;
    if (now >= next_scan) {
      next_scan = now + kRestInterval;
      for (const auto& root : roots) {
        std::vector<std::filesystem::path> runs;
        try {
          runs = engine::find_runs(root.toStdString());
        } catch (const std::exception&) {
          continue;
        }
        std::reverse(runs.begin(), runs.end());
        for (const auto& run : runs) {
          const QString folder = QString::fromStdString(run.string());
          auto& one = watched[folder];
          if (one != nullptr) continue;
          one = std::make_unique<Watched>(folder);
          found.push_back(folder);
        }
      }
    }

    std::vector<WatchedUpdate> batch;
    for (auto& [folder, one] : watched) {
      if (!has_room || stop.stop_requested()) break;
      if (Clock::now() < one->next) continue;
      engine::RunUpdate update = one->reader.poll();
      const bool has_more = update.more;
      const bool is_news = !one->told || update.restarted || update.rewind_to ||
                           !update.events.empty() || update.status || update.state != one->state ||
                           update.detail != one->detail;
      one->state = update.state;
      one->detail = update.detail;
      const bool rests = is_ended(one->state) && Clock::now() >= one->eager_until;
      one->next = Clock::now() + (has_more ? Clock::duration(0)
                                  : rests  ? Clock::duration(kRestInterval)
                                           : Clock::duration(kLiveInterval));
      if (!is_news) continue;
      if (!one->told) one->address = address_of(folder);
      one->told = true;
      const bool writable = access(qUtf8Printable(folder), W_OK) == 0;
      QString identity;
      if (begins_part(update))
        identity = QString::fromStdString(engine::run_identity(folder.toStdString()));
      batch.push_back({folder, std::move(update), writable, one->address, identity});
    }
    post(std::move(batch), std::move(found));

    auto next = next_scan;
    for (const auto& [folder, one] : watched) next = std::min(next, one->next);
    next = std::max(next, Clock::now() + std::chrono::milliseconds(has_room ? 1 : 40));
    std::unique_lock lock(mutex_);
    wake_.wait_until(lock, stop, next, [this] { return hurry_; });
  }
}

void RunWatcher::post(std::vector<WatchedUpdate> batch, std::vector<QString> found) {
  if (batch.empty() && found.empty()) return;
  const std::lock_guard lock(mutex_);
  std::move(batch.begin(), batch.end(), std::back_inserter(pending_));
  std::move(found.begin(), found.end(), std::back_inserter(pending_found_));
  if (posted_) return;
  posted_ = true;
  QMetaObject::invokeMethod(this, &RunWatcher::drain, Qt::QueuedConnection);
}

void RunWatcher::drain() {
  std::vector<WatchedUpdate> batch;
  std::vector<QString> found_now;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(pending_);
    found_now.swap(pending_found_);
    posted_ = false;
  }
  for (const auto& folder : found_now) Q_EMIT found(folder);
  if (!batch.empty()) Q_EMIT updated(batch);
}

}  // namespace app
