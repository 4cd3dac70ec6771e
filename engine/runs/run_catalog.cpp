// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_catalog.h"

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/csv.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_liveness.h"
#include "engine/runs/run_reader.h"
#include "engine/runs/run_record.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace engine {
namespace {

namespace fs = std::filesystem;

void hear_the_end(const fs::path& run_dir, StateEvidence& evidence,
                  std::optional<StepLogged>& last_logged) {
  constexpr std::uint64_t kEnd = 1 << 16;
  const FileDescriptor file = open_regular_file(RunFolder{run_dir}.events().c_str());
  struct stat info = {};
  if (!file || fstat(file.get(), &info) != 0) return;
  const std::uint64_t size = std::uint64_t(info.st_size);
  const std::uint64_t start = size > kEnd ? size - kEnd : 0;
  const std::string text = read_at(file, start, std::size_t(size - start));
  std::size_t begin = 0;
  if (start > 0) {
    begin = text.find('\n');
    if (begin == std::string::npos) return;
    ++begin;
  }
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const auto event = parse_run_event(text.substr(begin, end - begin));
    if (!event) continue;
    evidence.last_word.hear(*event);
    if (const auto* logged = std::get_if<StepLogged>(&event->body)) last_logged = *logged;
    evidence.last_step = step_of(*event) > 0 ? step_of(*event) : evidence.last_step;
  }
}

/// When the run began, as far as a few bytes tell; else when its files last changed.
double start_time_of(const fs::path& run_dir) {
  const FileDescriptor file = open_regular_file(RunFolder{run_dir}.events().c_str());
  if (file) {
    const std::string text = read_at(file, 0, 4096);
    const auto event = parse_run_event(text.substr(0, text.find('\n')));
    if (event && event->time > 0) return event->time;
  }
  struct stat info = {};
  return stat(run_dir.c_str(), &info) == 0 ? double(info.st_mtim.tv_sec) : 0;
}

bool is_run(const fs::path& folder) {
  std::error_code ignored;
  const RunFolder run{folder};
  return fs::is_regular_file(run.events(), ignored) || fs::is_regular_file(run.status(), ignored) ||
         fs::is_regular_file(run.run_yaml(), ignored);
}

std::int64_t bytes_below(const fs::path& folder) {
  std::error_code error;
  std::int64_t total = 0;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const auto size = it->file_size(ignored);
    if (!ignored) total += std::int64_t(size);
  }
  return total;
}

/// The folders on disk are the truth; the events add what they know about them.
std::vector<CheckpointSaved> existing_checkpoints(const fs::path& run_dir,
                                                  const std::vector<CheckpointSaved>& events) {
  std::vector<CheckpointSaved> found;
  for (const auto& [path, step] : list_checkpoints(run_dir)) {
    const std::string name = path.filename().string();
    const auto event =
        std::find_if(events.rbegin(), events.rend(),
                     [&](const CheckpointSaved& saved) { return saved.path == name; });
    found.push_back(event != events.rend() ? *event
                                           : CheckpointSaved{step, name, bytes_below(path), 0});
  }
  return found;
}

void add_number(std::string& row, double value) {
  row += ',';
  if (std::isnan(value)) {
    row += kNotANumber;
  } else if (std::isinf(value)) {
    row += value > 0 ? kInfinity : kMinusInfinity;
  } else {
    char text[32];
    row.append(text, std::to_chars(text, text + sizeof(text), value).ptr);
  }
}

void add_number(std::string& row, std::int64_t value) { row += "," + std::to_string(value); }

}  // namespace

ObservedState observe_state(const fs::path& run_dir) { return glance_at(run_dir).observed; }

RunGlance glance_at(const fs::path& run_dir) {
  RunGlance glance;
  StateEvidence evidence = look_at_folder(run_dir);
  glance.status = evidence.status = read_status(run_dir);
  hear_the_end(run_dir, evidence, glance.last_step);
  glance.observed = judge(evidence);
  glance.started_at = start_time_of(run_dir);
  return glance;
}

RunSummary summarize_run(const fs::path& run_dir) {
  RunRecord record = read_record(run_dir);
  RunSummary summary;
  summary.path = run_dir;
  summary.observed = record.observed;
  summary.status = record.status;
  if (const FileDescriptor file = open_regular_file(RunFolder{run_dir}.run_yaml().c_str())) {
    summary.run_yaml = read_at(file, 0, 1 << 20);
  }
  summary.started = record.started;
  summary.started_at = record.started_at;
  if (!record.steps.empty()) summary.last_step = record.steps.back();
  if (!record.evaluations.empty()) summary.last_eval = record.evaluations.back();
  for (const StepLogged& step : record.steps) {
    if (std::isfinite(step.loss) && !(step.loss >= summary.best_loss))
      summary.best_loss = step.loss;
  }
  summary.checkpoints = existing_checkpoints(run_dir, record.checkpoints);
  summary.messages = std::move(record.messages);
  summary.divergences = std::move(record.divergences);
  summary.cost = record.cost;
  summary.last_layer_stats = std::move(record.layer_stats);
  summary.finished = record.finished;
  summary.failed = record.failed;
  return summary;
}

std::vector<fs::path> find_runs(const fs::path& root) {
  if (is_run(root)) return {root};
  std::vector<std::pair<double, fs::path>> found;
  std::error_code error;
  for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored) && is_run(it->path())) {
      found.emplace_back(start_time_of(it->path()), it->path());
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a > b; });
  std::vector<fs::path> runs;
  runs.reserve(found.size());
  for (auto& [time, path] : found) runs.push_back(std::move(path));
  return runs;
}

std::string export_csv(const fs::path& run_dir) {
  struct Row {
    const StepLogged* step = nullptr;
    const Evaluated* evaluation = nullptr;
  };
  const RunRecord record = read_record(run_dir);
  std::map<std::int64_t, Row> rows;
  for (const StepLogged& step : record.steps) rows[step.step].step = &step;
  for (const Evaluated& evaluation : record.evaluations) {
    rows[evaluation.step].evaluation = &evaluation;
  }

  std::string text =
      "step,epoch,loss,grad_norm,learning_rate,eval_loss,perplexity,eval_accuracy,eval_tokens,"
      "eval_runtime,num_input_tokens_seen,tokens_per_second,memory_bytes\n";
  for (const auto& [number, row] : rows) {
    const auto [step, evaluation] = row;
    text += std::to_string(number);
    add_number(text, step != nullptr ? step->epoch : evaluation->epoch);
    if (step != nullptr) {
      add_number(text, step->loss);
      add_number(text, step->grad_norm);
      add_number(text, step->learning_rate);
    } else {
      text += ",,,";
    }
    if (evaluation != nullptr) {
      add_number(text, evaluation->eval_loss);
      add_number(text, evaluation->perplexity);
      add_number(text, evaluation->eval_accuracy);
      add_number(text, evaluation->eval_tokens);
      add_number(text, evaluation->eval_runtime);
    } else {
      text += ",,,,,";
    }
    if (step != nullptr) {
      add_number(text, step->tokens);
      add_number(text, step->tokens_per_second);
      add_number(text, step->memory_bytes);
    } else {
      text += ",,,";
    }
    text += '\n';
  }
  return text;
}

std::string export_layer_stats_csv(const fs::path& run_dir) {
  std::string text = "step,layer,statistic,value\n";
  const std::size_t header = text.size();
  std::map<std::int64_t, std::size_t> begins;  // where a step's rows begin in the text
  RunReader reader(run_dir);
  RunUpdate update;
  do {
    update = reader.poll();
    const auto superseded = update.restarted   ? begins.begin()
                            : update.rewind_to ? begins.upper_bound(*update.rewind_to)
                                               : begins.end();
    if (update.restarted || superseded != begins.end()) {
      text.resize(superseded == begins.end() ? header : superseded->second);
      begins.erase(superseded, begins.end());
    }
    for (const RunEvent& event : update.events) {
      const auto* stats = std::get_if<LayerStats>(&event.body);
      if (stats == nullptr) continue;
      begins.emplace(stats->step, text.size());
      for (const LayerStat& stat : stats->values) {
        text += std::to_string(stats->step) + "," + csv_field(stat.layer) + "," +
                csv_field(stat.statistic);
        add_number(text, stat.value);
        text += '\n';
      }
    }
  } while (update.more);
  return text;
}

}  // namespace engine
