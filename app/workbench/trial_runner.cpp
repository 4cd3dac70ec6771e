// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/trial_runner.h"

#include "app/workbench/job_report.h"

#include <QCoreApplication>
#include <QMetaObject>
#include <QPointer>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

namespace app {
namespace {

constexpr int kNiceness = 10;

/// The window, and a training beside, come first. Threads that LibTorch starts from this one
/// inherit it.
void stand_back() { setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNiceness); }

}  // namespace

struct TrialRunner::Job {
  int id = 0;
  const engine::EngineApi* api = nullptr;
  Subject subject;
  engine::TransformText text;
  engine::TryOptions try_options;
  std::optional<engine::ScanOptions> scan_options;  ///< set: it is a scan
};

struct TrialRunner::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::unique_ptr<Job> next;   ///< guarded by the mutex
  bool ends = false;           ///< guarded by the mutex
  std::atomic<int> wanted{0};  ///< the job that may go on; 0 = none
  std::atomic<bool> is_computing{false};
  QPointer<TrialRunner> receiver;  ///< looked at on the GUI thread only

  /// Runs `deliver` on the GUI thread, unless the job is stale by then.
  static void post(const std::shared_ptr<Shared>& shared, int id,
                   std::function<void(TrialRunner&)> deliver) {
    QMetaObject::invokeMethod(
        QCoreApplication::instance(),
        [shared, id, deliver = std::move(deliver)] {
          if (shared->receiver.isNull() || shared->receiver->id_ != id) return;
          if (!shared->receiver->busy_) return;
          deliver(*shared->receiver);
        },
        Qt::QueuedConnection);
  }
};

TrialRunner::TrialRunner(QObject* parent) : QObject(parent), shared_(std::make_shared<Shared>()) {
  shared_->receiver = this;
}

TrialRunner::~TrialRunner() {
  cancel();
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ends = true;
  }
  shared_->changed.notify_one();
  if (thread_.joinable()) thread_.join();
}

void TrialRunner::tryTransform(const engine::EngineApi& api, Subject subject,
                               engine::TransformText text, engine::TryOptions options) {
  auto job = std::make_unique<Job>();
  job->api = &api;
  job->subject = std::move(subject);
  job->text = std::move(text);
  job->try_options = std::move(options);
  request(std::move(job));
}

void TrialRunner::scan(const engine::EngineApi& api, Subject subject, engine::TransformText text,
                       engine::ScanOptions options) {
  auto job = std::make_unique<Job>();
  job->api = &api;
  job->subject = std::move(subject);
  job->text = std::move(text);
  job->scan_options = std::move(options);
  request(std::move(job));
}

void TrialRunner::request(std::unique_ptr<Job> job) {
  busy_ = true;
  job->id = ++id_;
  shared_->wanted = id_;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->next = std::move(job);
  }
  if (!thread_.joinable()) thread_ = std::thread([shared = shared_] { work(shared); });
  shared_->changed.notify_one();
}

void TrialRunner::cancel() {
  busy_ = false;
  shared_->wanted = 0;
  const std::lock_guard lock(shared_->mutex);
  shared_->next.reset();
}

bool TrialRunner::isComputing() const { return shared_->is_computing; }

void TrialRunner::work(const std::shared_ptr<Shared>& shared) {
  stand_back();
  std::unique_ptr<engine::TransformTrial> trial;
  QString loaded;  // its stamp
  for (;;) {
    std::unique_ptr<Job> job;
    {
      std::unique_lock lock(shared->mutex);
      shared->is_computing = false;
      shared->changed.wait(lock, [&] { return shared->ends || shared->next != nullptr; });
      if (shared->ends) return;
      job = std::move(shared->next);
      shared->is_computing = true;
    }
    const int id = job->id;
    ReportPace pace;
    const auto progress = [&](const std::string& stage, double done, double total) {
      if (pace.isDue()) {
        Shared::post(shared, id, [text = QString::fromStdString(stage), done, total](auto& runner) {
          Q_EMIT runner.progressed(text, done, total);
        });
      }
      return shared->wanted == id;
    };
    const auto problems = problems_of([&] {
      if (loaded != job->subject.stamp || trial == nullptr) {
        trial.reset();  // two models need not fit
        trial = job->api->open_trial(job->subject.config, progress);
        loaded = job->subject.stamp;
      }
      if (shared->wanted != id) return;
      if (job->scan_options) {
        job->scan_options->on_entry = [&](const engine::ScanEntry& entry) {
          Shared::post(shared, id, [entry](auto& runner) { Q_EMIT runner.entryMeasured(entry); });
        };
        auto result = trial->scan(job->text, *job->scan_options, progress);
        Shared::post(shared, id, [result = std::move(result)](auto& runner) {
          runner.busy_ = false;
          Q_EMIT runner.scanned(result);
        });
      } else {
        job->try_options.on_result = [&](const engine::TrialResult& result) {
          Shared::post(shared, id, [result](auto& runner) { Q_EMIT runner.triedSoFar(result); });
        };
        auto result = trial->try_transform(job->text, job->try_options, progress);
        Shared::post(shared, id, [result = std::move(result)](auto& runner) {
          runner.busy_ = false;
          Q_EMIT runner.tried(result);
        });
      }
    });
    if (problems.empty()) continue;
    Shared::post(shared, id, [problems](auto& runner) {
      runner.busy_ = false;
      Q_EMIT runner.failed(problems);
    });
  }
}

}  // namespace app
