// SPDX-License-Identifier: GPL-3.0-or-later
// The runs on screen: what their folders told so far. Fed by a watcher in batches, read by lists
// and plots.
#pragma once

#include "engine/runs/layer_series.h"
#include "engine/runs/run_control.h"
#include "engine/runs/run_event.h"
#include "engine/runs/run_reader.h"
#include "engine/runs/run_resume.h"
#include "engine/runs/run_series.h"
#include "engine/runs/run_state.h"
#include "widgets/models/plan_view.h"
#include "widgets/models/run_look_store.h"

#include <QObject>
#include <QString>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace widgets {

/// All by step. `tokens` and `seconds` (of work: time between the parts of a resumed run is left
/// out) say where a logged step stands on the other axes.
enum class Metric {
  loss,
  grad_norm,
  learning_rate,
  tokens_per_second,
  eval_loss,
  memory,
  tokens,
  seconds
};
inline constexpr int kMetrics = 8;

QString metric_name(Metric metric);   ///< in short: "loss", "gradient norm"
QString metric_title(Metric metric);  ///< with its unit, as an axis title

/// What a line of the log tells; all but notes and answers are marks on the axis of the plots.
enum class LogKind { note, checkpoint, evaluation, resume, message, divergence, extension, answer };

struct LogLine {
  double time = 0;
  std::int64_t step = 0;
  QString level;  ///< "info", "warning", "error"
  QString text;
  LogKind kind = LogKind::note;
  QString layer;  ///< that a divergence names, else empty
};

struct CheckpointMark {
  std::int64_t step = 0;
  QString path;
};

struct RunRecord {
  QString folder;  ///< absolute; also its identity
  QString name;
  QString address;  ///< ssh://host/path of a run on another machine, of which the folder is a copy
  int look = 0;     ///< engine/figures/run_look.h
  bool in_window = false;         ///< trained by a thread of this program
  bool starting_apart = false;    ///< its process was started from here and has said nothing yet
  std::optional<QString> queued;  ///< waits its turn: for what
  engine::RunState state = engine::RunState::unknown;  ///< what to show
  QString detail;
  engine::RunState observed = engine::RunState::unknown;  ///< what the folder says
  QString observed_detail;
  bool seen_live = false;  ///< since the thread of this program began, the folder has said so
  QString refusal;         ///< why the engine refused to begin
  std::optional<engine::RunStatus> status;
  std::optional<engine::RunStarted> started;
  double started_at = 0;
  double part_began_at = 0;        ///< Unix time of the newest run_started
  double seconds_before_part = 0;  ///< of work in the parts before it
  double last_event_at = 0;
  std::int64_t step = 0;
  std::int64_t max_steps = 0;
  double epoch = 0;  ///< passes over the training text
  std::optional<double> last_loss;
  std::optional<double> best_loss;
  std::array<engine::RunSeries, kMetrics> series;
  engine::LayerSeries layers;  ///< what simulated layers measured on sampled steps
  std::vector<LogLine> log;
  std::vector<CheckpointMark> checkpoints;
  std::vector<engine::LayerTransformed> transformed;
  std::optional<engine::CostCompared> cost;  ///< where an estimate was made before it
  bool transform_complete = false;
  QString failure;
  PlanViewPtr plan;  ///< of the run's own transform on its own model; null until read, or unknown

  bool writable = true;                                     ///< a request can be left in the folder
  engine::RunRequest requested = engine::RunRequest::none;  ///< asked for and not yet confirmed
  std::string requested_id;  ///< what the answer repeats; empty: asked within this process
  std::chrono::steady_clock::time_point requested_at;
  QString refused_request;  ///< why the run refused the last one, until taken
  /// What resuming would restore; looked up for an ended run that is shown.
  std::optional<engine::ResumeOffer> offer;
  QString output_tail;      ///< last lines that a process of this program's wrote
  QString stage;            ///< work before the first step ("tokenising"), while it goes on
  double stage_share = -1;  ///< 0..1, -1 = unknown

  const engine::RunSeries& curve(Metric metric) const {
    return series[static_cast<std::size_t>(metric)];
  }
  bool is_live() const;  ///< starting, running, paused or stopping
};

bool is_live(engine::RunState state);

/// GUI thread. Records live as long as the store; pointers stay valid until remove().
class RunStore : public QObject {
  Q_OBJECT

 public:
  /// `looks` outlives this; null: the store has looks of its own.
  explicit RunStore(RunLookStore* looks = nullptr, QObject* parent = nullptr);

  /// Adds the run when it is new. Returns its record.
  RunRecord& add(const QString& folder);
  const RunRecord* find(const QString& folder) const;
  const std::vector<std::unique_ptr<RunRecord>>& runs() const { return runs_; }

  /// Adds what one poll found. Does not signal: call publish() once for a batch.
  void apply(const QString& folder, const engine::RunUpdate& update);
  void publish();

  /// Forgets the run; its folder is not touched. No view may show it.
  void remove(const QString& folder);
  void setInWindow(const QString& folder, bool in_window);
  void setStartingApart(const QString& folder, bool starting);
  /// As engine::run_identity() says: what the run is known by from then on, and drawn by.
  void setIdentity(const QString& folder, const QString& identity);
  /// "waits for run-a on cpu"; std::nullopt when it has left the queue.
  void setQueued(const QString& folder, const std::optional<QString>& waits_for);
  void setPlan(const QString& folder, PlanViewPtr plan);
  void setStage(const QString& folder, const QString& stage, double share);
  /// `id` as write_control_request() returned it.
  void setRequested(const QString& folder, engine::RunRequest request, const std::string& id = {});
  void setWritable(const QString& folder, bool writable);
  void setAddress(const QString& folder, const QString& address);
  void setOffer(const QString& folder, engine::ResumeOffer offer);
  void setOutputTail(const QString& folder, const QString& tail);
  /// Why the run refused the last request; empty when it did not. Told once.
  QString takeRefusedRequest(const QString& folder);
  /// The engine refused the run before its folder could say anything.
  void setRefused(const QString& folder, const QString& why);

 Q_SIGNALS:
  void runAdded(const QString& folder);
  void runsChanged(const QStringList& folders);
  void runToBeRemoved(const QString& folder);
  void runRemoved();

 private:
  RunRecord* record(const QString& folder);
  void touch(const QString& folder);

  RunLookStore own_looks_;
  RunLookStore* looks_;
  std::vector<std::unique_ptr<RunRecord>> runs_;
  QStringList touched_;
};

}  // namespace widgets
