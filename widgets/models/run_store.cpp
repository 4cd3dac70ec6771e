// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_store.h"

#include <QFileInfo>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace widgets {
namespace {

template <class T>
void drop_beyond(std::vector<T>& items, std::int64_t step) {
  items.erase(std::remove_if(items.begin(), items.end(),
                             [step](const T& item) { return item.step > step; }),
              items.end());
}

void refresh_losses(RunRecord& run) {
  run.last_loss.reset();
  run.best_loss.reset();
  for (const double loss : run.curve(Metric::loss).y()) {
    run.last_loss = loss;
    if (std::isfinite(loss)) run.best_loss = std::min(run.best_loss.value_or(loss), loss);
  }
}

void forget(RunRecord& run) {
  for (auto& series : run.series) series.clear();
  run.layers.clear();
  run.log.clear();
  run.checkpoints.clear();
  run.transformed.clear();
  run.transform_complete = false;
  run.failure.clear();
  run.started.reset();
  run.started_at = 0;
  run.part_began_at = 0;
  run.seconds_before_part = 0;
  run.step = 0;
  run.last_loss.reset();
  run.best_loss.reset();
}

void rewind(RunRecord& run, std::int64_t step) {
  for (auto& series : run.series) series.rewind_to(static_cast<double>(step));
  run.layers.rewind_to(step);
  drop_beyond(run.log, step);
  drop_beyond(run.checkpoints, step);
  run.step = std::min(run.step, step);
  run.failure.clear();
  refresh_losses(run);
}

class Applier {
 public:
  Applier(RunRecord& run, double time) : run_(run), time_(time) {}

  void operator()(const engine::RunStarted& event) {
    if (!run_.started || run_.started_at == 0) run_.started_at = time_;
    const auto worked = run_.curve(Metric::seconds).y();
    run_.seconds_before_part = worked.empty() ? 0 : worked.back();
    run_.part_began_at = time_;
    run_.started = event;
    run_.max_steps = event.max_steps;
    run_.step = event.step;
    run_.stage.clear();
    run_.transformed.clear();
    run_.transform_complete = false;
    if (!event.resumed_from.empty()) {
      note("info", event.step,
           QObject::tr("resumed from %1").arg(QString::fromStdString(event.resumed_from)),
           LogKind::resume);
    }
  }
  void operator()(const engine::CostCompared& event) { run_.cost = event; }
  void operator()(const engine::LayerTransformed& event) { run_.transformed.push_back(event); }
  void operator()(const engine::TransformApplied& event) {
    run_.transform_complete = true;
    note("info", 0,
         QObject::tr("transform applied: %1 layers by %2 patterns")
             .arg(event.layers)
             .arg(event.patterns));
  }
  void operator()(const engine::StepLogged& event) {
    run_.step = event.step;
    run_.epoch = event.epoch;
    run_.stage.clear();
    const auto x = static_cast<double>(event.step);
    append(Metric::loss, x, event.loss);
    append(Metric::grad_norm, x, event.grad_norm);
    append(Metric::learning_rate, x, event.learning_rate);
    append(Metric::tokens_per_second, x, event.tokens_per_second);
    if (event.memory_bytes > 0) append(Metric::memory, x, double(event.memory_bytes));
    if (event.tokens > 0) append(Metric::tokens, x, double(event.tokens));
    append(Metric::seconds, x, seconds_of_work());
    run_.last_loss = event.loss;
    if (std::isfinite(event.loss)) {
      run_.best_loss = std::min(run_.best_loss.value_or(event.loss), event.loss);
    } else {
      note("warning", event.step, QObject::tr("the loss is not finite"));
    }
  }
  void operator()(const engine::Evaluated& event) {
    append(Metric::eval_loss, static_cast<double>(event.step), event.eval_loss);
    note("info", event.step,
         QObject::tr("evaluated: loss %1, perplexity %2")
             .arg(event.eval_loss, 0, 'f', 4)
             .arg(event.perplexity, 0, 'f', 2),
         LogKind::evaluation);
  }
  void operator()(const engine::LayerStats& event) { run_.layers.append(event); }
  void operator()(const engine::CheckpointSaved& event) {
    run_.checkpoints.push_back({event.step, QString::fromStdString(event.path)});
    note("info", event.step,
         QObject::tr("saved %1 in %2 s")
             .arg(QString::fromStdString(event.path))
             .arg(event.seconds, 0, 'f', 1),
         LogKind::checkpoint);
  }
  void operator()(const engine::RunMessage& event) {
    note(event.level.c_str(), event.step, QString::fromStdString(event.text), LogKind::message);
  }
  void operator()(const engine::RunFinished& event) {
    run_.step = std::max(run_.step, event.step);
    note("info", event.step,
         event.outcome == "stopped" ? QObject::tr("stopped at step %1").arg(event.step)
                                    : QObject::tr("finished at step %1").arg(event.step));
  }
  void operator()(const engine::RunFailed& event) {
    run_.failure = QString::fromStdString(event.what);
    note("error", event.step, run_.failure, LogKind::message);
  }
  void operator()(const engine::ControlAnswered& event) {
    const bool is_ours = !event.id.empty() && event.id == run_.requested_id;
    if (is_ours) {
      run_.requested = engine::RunRequest::none;
      run_.requested_id.clear();
      if (event.outcome == "refused") run_.refused_request = QString::fromStdString(event.text);
    }
    if (event.outcome == "refused")
      note("warning", event.step,
           QObject::tr("%1 was refused: %2")
               .arg(QString::fromStdString(event.request), QString::fromStdString(event.text)),
           LogKind::answer);
    else if (!event.text.empty())
      note("info", event.step, QString::fromStdString(event.text), LogKind::answer);
  }
  void operator()(const engine::RunExtended& event) {
    run_.max_steps = event.max_steps;
    note("info", event.step,
         QObject::tr("extended from %1 to %2 steps").arg(event.before).arg(event.max_steps),
         LogKind::extension);
  }
  void operator()(const engine::DivergenceSeen& event) {
    note("warning", event.step, QString::fromStdString(event.text), LogKind::divergence,
         QString::fromStdString(event.layer));
  }
  void operator()(const engine::UnknownEvent& event) {
    note("info", run_.step,
         QObject::tr("an event of a type that this version does not know: %1")
             .arg(QString::fromStdString(event.type)));
  }

 private:
  void append(Metric metric, double x, double y) {
    run_.series[static_cast<std::size_t>(metric)].append(x, y);
  }
  /// Never less than what stands there: a clock that jumps back stretches no step over another.
  double seconds_of_work() const {
    const auto worked = run_.curve(Metric::seconds).y();
    const double now = run_.seconds_before_part + time_ - run_.part_began_at;
    return std::max(worked.empty() ? 0.0 : worked.back(), now);
  }
  void note(const char* level, std::int64_t step, const QString& text, LogKind kind = LogKind::note,
            const QString& layer = {}) {
    run_.log.push_back({time_, step, QString::fromUtf8(level), text, kind, layer});
  }

  RunRecord& run_;
  double time_;
};

bool is_confirmed(const RunRecord& run) {
  if (run.requested == engine::RunRequest::none) return false;
  const bool stops = run.requested == engine::RunRequest::stop && run.requested_id.empty();
  return !run.is_live() || (stops && run.state == engine::RunState::stopping);
}

/// What to show of what the folder says, and of what only this program knows.
void settle_state(RunRecord& run) {
  const engine::RunState before = run.state;
  run.seen_live = run.seen_live || is_live(run.observed);
  run.state = run.observed;
  run.detail = run.observed_detail;
  if (run.seen_live) run.starting_apart = false;
  if (run.queued && !is_live(run.observed)) {
    run.state = engine::RunState::queued;
    run.detail = *run.queued;
  } else if ((run.in_window || run.starting_apart) && !run.seen_live) {
    run.state = engine::RunState::starting;
    run.detail.clear();
  } else if (!run.refusal.isEmpty() && run.observed == engine::RunState::unknown) {
    run.state = engine::RunState::failed;
    run.failure = run.refusal;
    run.detail.clear();
  }
  if (is_confirmed(run)) run.requested = engine::RunRequest::none;
  if (run.state != before) run.offer.reset();
}

/// Somebody has started it: what was said of an earlier attempt no longer holds.
void begin_anew(RunRecord& run) {
  run.seen_live = false;
  run.refusal.clear();
  run.failure.clear();
  run.output_tail.clear();
}

}  // namespace

QString metric_name(Metric metric) {
  switch (metric) {
    case Metric::loss:
      return QObject::tr("loss");
    case Metric::grad_norm:
      return QObject::tr("gradient norm");
    case Metric::learning_rate:
      return QObject::tr("learning rate");
    case Metric::tokens_per_second:
      return QObject::tr("tokens/s");
    case Metric::eval_loss:
      return QObject::tr("evaluation loss");
    case Metric::memory:
      return QObject::tr("memory");
    case Metric::tokens:
      return QObject::tr("tokens");
    case Metric::seconds:
      return QObject::tr("time");
  }
  return {};
}

QString metric_title(Metric metric) {
  switch (metric) {
    case Metric::loss:
      return QObject::tr("loss (nats per token)");
    case Metric::grad_norm:
      return QObject::tr("gradient norm before clipping");
    case Metric::learning_rate:
      return QObject::tr("learning rate");
    case Metric::tokens_per_second:
      return QObject::tr("tokens per second");
    case Metric::eval_loss:
      return QObject::tr("evaluation loss (nats per token)");
    case Metric::memory:
      return QObject::tr("memory of the device (bytes)");
    case Metric::tokens:
      return QObject::tr("tokens");
    case Metric::seconds:
      return QObject::tr("seconds of work");
  }
  return {};
}

bool is_live(engine::RunState state) {
  return state == engine::RunState::starting || state == engine::RunState::running ||
         state == engine::RunState::paused || state == engine::RunState::stopping;
}

bool RunRecord::is_live() const { return widgets::is_live(state); }

RunStore::RunStore(RunLookStore* looks, QObject* parent)
    : QObject(parent), looks_(looks != nullptr ? looks : &own_looks_) {}

RunRecord& RunStore::add(const QString& folder) {
  if (auto* found = record(folder)) return *found;
  auto run = std::make_unique<RunRecord>();
  run->folder = folder;
  run->name = QFileInfo(folder).fileName();
  // Nothing is drawn of a run before its first line, which says what it is known by.
  run->look = engine::RunLooks().of(folder.toStdString());
  runs_.push_back(std::move(run));
  Q_EMIT runAdded(folder);
  return *runs_.back();
}

const RunRecord* RunStore::find(const QString& folder) const {
  return const_cast<RunStore*>(this)->record(folder);
}

RunRecord* RunStore::record(const QString& folder) {
  for (const auto& run : runs_) {
    if (run->folder == folder) return run.get();
  }
  return nullptr;
}

void RunStore::touch(const QString& folder) {
  if (!touched_.contains(folder)) touched_ << folder;
}

void RunStore::apply(const QString& folder, const engine::RunUpdate& update) {
  RunRecord& run = add(folder);
  if (update.restarted) forget(run);
  if (update.rewind_to) rewind(run, *update.rewind_to);
  for (const auto& event : update.events) {
    run.last_event_at = std::max(run.last_event_at, event.time);
    std::visit(Applier(run, event.time), event.body);
  }
  if (update.status) {
    run.status = update.status;
    run.step = std::max(run.step, update.status->step);
    if (update.status->max_steps > 0) run.max_steps = update.status->max_steps;
  }
  run.observed = update.state;
  run.observed_detail = QString::fromStdString(update.detail);
  settle_state(run);
  touch(folder);
}

void RunStore::publish() {
  if (touched_.isEmpty()) return;
  const QStringList folders = std::exchange(touched_, {});
  Q_EMIT runsChanged(folders);
}

void RunStore::remove(const QString& folder) {
  const auto found = std::find_if(runs_.begin(), runs_.end(),
                                  [&](const auto& run) { return run->folder == folder; });
  if (found == runs_.end()) return;
  Q_EMIT runToBeRemoved(folder);
  runs_.erase(found);
  touched_.removeAll(folder);
  Q_EMIT runRemoved();
}

void RunStore::setStartingApart(const QString& folder, bool starting) {
  RunRecord& run = add(folder);
  if (starting) begin_anew(run);
  run.starting_apart = starting;
  settle_state(run);
  touch(folder);
  publish();
}

void RunStore::setQueued(const QString& folder, const std::optional<QString>& waits_for) {
  RunRecord& run = add(folder);
  if (run.queued == waits_for) return;
  run.queued = waits_for;
  settle_state(run);
  touch(folder);
  publish();
}

void RunStore::setIdentity(const QString& folder, const QString& identity) {
  RunRecord& run = add(folder);
  const int look = looks_->of(identity);
  if (look == run.look) return;
  run.look = look;
  touch(folder);
}

void RunStore::setInWindow(const QString& folder, bool in_window) {
  RunRecord& run = add(folder);
  if (in_window) {
    begin_anew(run);
  } else {
    run.stage.clear();
  }
  run.in_window = in_window;
  settle_state(run);
  touch(folder);
  publish();
}

void RunStore::setPlan(const QString& folder, PlanViewPtr plan) {
  if (auto* run = record(folder)) {
    run->plan = std::move(plan);
    touch(folder);
    publish();
  }
}

void RunStore::setStage(const QString& folder, const QString& stage, double share) {
  if (auto* run = record(folder)) {
    run->stage = stage;
    run->stage_share = share;
    touch(folder);
    publish();
  }
}

void RunStore::setRequested(const QString& folder, engine::RunRequest request,
                            const std::string& id) {
  if (auto* run = record(folder)) {
    run->requested = request;
    run->requested_id = id;
    run->requested_at = std::chrono::steady_clock::now();
    touch(folder);
    publish();
  }
}

void RunStore::setWritable(const QString& folder, bool writable) {
  auto* run = record(folder);
  if (run == nullptr || run->writable == writable) return;
  run->writable = writable;
  touch(folder);
}

void RunStore::setAddress(const QString& folder, const QString& address) {
  auto* run = record(folder);
  if (run == nullptr || run->address == address) return;
  run->address = address;
  touch(folder);
}

void RunStore::setOffer(const QString& folder, engine::ResumeOffer offer) {
  if (auto* run = record(folder)) {
    run->offer = std::move(offer);
    touch(folder);
    publish();
  }
}

void RunStore::setOutputTail(const QString& folder, const QString& tail) {
  auto* run = record(folder);
  if (run == nullptr || run->output_tail == tail) return;
  run->output_tail = tail;
  touch(folder);
  publish();
}

QString RunStore::takeRefusedRequest(const QString& folder) {
  auto* run = record(folder);
  return run != nullptr ? std::exchange(run->refused_request, QString()) : QString();
}

void RunStore::setRefused(const QString& folder, const QString& why) {
  if (auto* run = record(folder)) {
    run->refusal = why;
    settle_state(*run);
    touch(folder);
    publish();
  }
}

}  // namespace widgets
