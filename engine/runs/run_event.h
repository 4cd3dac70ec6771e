// SPDX-License-Identifier: GPL-3.0-or-later
// What happens in a run: plain structs, no tensors, and the one JSON form of each. One line of
// events.jsonl is one event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace engine {

struct RunStarted {
  std::string run_id{};   ///< random, once per run folder; a resume repeats it
  std::int64_t step = 0;  ///< optimizer steps already done: 0, or the checkpoint's
  std::int64_t max_steps = 0;
  std::string resumed_from{};  ///< checkpoint folder, empty when new
  std::string device{};        ///< "cpu", "cuda:0"
  std::string device_name{};
  std::string engine_version{};
  std::string transform_digest{};
  std::int64_t parameters = 0;
  std::int64_t tokens_per_step = 0;
};

struct LayerTransformed {
  std::string layer{};
  std::string kind{};
  std::string pattern{};
  std::string paradigm{};
};

struct TransformApplied {
  std::int64_t layers = 0;
  std::int64_t patterns = 0;
};

/// Logged every logging_steps; loss is the mean since the last log.
struct StepLogged {
  std::int64_t step = 0;  ///< optimizer steps done, 1-based
  double epoch = 0;
  double loss = 0;
  double grad_norm = 0;  ///< before clipping
  double learning_rate = 0;
  std::int64_t tokens = 0;  ///< input tokens consumed since step 0
  double tokens_per_second = 0;
  std::int64_t memory_bytes = 0;
};

struct Evaluated {
  std::int64_t step = 0;
  double epoch = 0;
  double eval_loss = 0;
  double perplexity = 0;
  double eval_accuracy = 0;
  std::int64_t eval_tokens = 0;
  double eval_runtime = 0;  ///< seconds
};

struct LayerStat {
  std::string layer{};
  std::string statistic{};
  double value = 0;
};

struct LayerStats {
  std::int64_t step = 0;
  std::vector<LayerStat> values{};
};

struct CheckpointSaved {
  std::int64_t step = 0;
  std::string path{};  ///< relative to the run folder: "checkpoint-500"
  std::int64_t bytes = 0;
  double seconds = 0;
  double stall_seconds = 0;  ///< of these the training stood still for so long
};

struct RunMessage {
  std::int64_t step = 0;
  std::string level{};  ///< "info", "warning", "error"
  std::string text{};
};

struct RunFinished {
  std::int64_t step = 0;
  std::string outcome{};  ///< "finished", "stopped"
  double seconds = 0;
};

struct RunFailed {
  std::int64_t step = 0;
  std::string what{};
  std::string last_checkpoint{};  ///< relative folder name, empty = none
};

/// What became of a request from the file `control`, or from the run's own process.
struct ControlAnswered {
  std::int64_t step = 0;
  std::string request{};  ///< "pause", "resume", "checkpoint", "stop", "stop_now", "extend"
  std::string id{};       ///< the request's own, empty for one without
  std::string outcome{};  ///< "done", "refused"
  std::string text{};     ///< what came of it or why not, in one sentence; may be empty
};

/// The run was given more steps, effective from `step` on.
struct RunExtended {
  std::int64_t step = 0;
  std::int64_t before = 0;  ///< the old max_steps
  std::int64_t max_steps = 0;
  std::string schedule{};  ///< "stretch", "continue": see ScheduleChange
};

/// The sentinel saw the training go wrong.
struct DivergenceSeen {
  std::int64_t step = 0;
  std::string kind{};   ///< "non_finite", "loss_spike", "gradient_blow_up", "plateau", "saturation"
  std::string layer{};  ///< whose output or range it is; empty when it is the whole model's
  double value = 0;     ///< what was measured
  double limit = 0;     ///< beyond which it is reported
  std::string action{};  ///< "mark", "checkpoint", "pause", "stop"
  std::string text{};
};

/// What a run was predicted to cost, written at its start, and again at its end beside what it did.
/// -1: not known (yet).
struct CostCompared {
  std::int64_t step = 0;
  double predicted_step_seconds = 0;
  double step_seconds = 0;
  double predicted_seconds = 0;  ///< of all steps
  double seconds = 0;
  std::int64_t predicted_peak_bytes = 0;  ///< of the device
  std::int64_t peak_bytes = 0;
  std::int64_t predicted_checkpoint_bytes = 0;
  std::int64_t checkpoint_bytes = 0;
};

/// A type this version does not know: kept so that a reader can skip it and say so.
struct UnknownEvent {
  std::string type{};
  /// its `step` member, 0 when it has none: a resume supersedes it like any other
  std::int64_t step = 0;
  std::string json{};  ///< the line as read
};

using RunEventBody =
    std::variant<RunStarted, LayerTransformed, TransformApplied, StepLogged, Evaluated, LayerStats,
                 CheckpointSaved, RunMessage, RunFinished, RunFailed, ControlAnswered, RunExtended,
                 DivergenceSeen, CostCompared, UnknownEvent>;

struct RunEvent {
  double time = 0;  ///< Unix time in seconds
  RunEventBody body;
};

/// One line without the newline. Non-finite numbers are the strings "NaN", "Infinity", "-Infinity".
std::string to_json(const RunEvent& event);
/// std::nullopt for a line that is not a JSON object with a `type`, or a known type without its
/// `step` number. Other members that are missing or of a wrong kind read as NaN (real numbers), 0
/// or empty. Never throws for content.
std::optional<RunEvent> parse_run_event(const std::string& line);

/// A number from JSON as this format writes it: the three strings are the non-finite values.
inline constexpr const char* kNotANumber = "NaN";
inline constexpr const char* kInfinity = "Infinity";
inline constexpr const char* kMinusInfinity = "-Infinity";

/// The step an event belongs to; 0 for events before the first step.
std::int64_t step_of(const RunEvent& event);

}  // namespace engine
