// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_record.h"

#include <algorithm>

namespace engine {
namespace {

template <typename Event>
void drop_beyond(std::vector<Event>& events, std::int64_t step) {
  std::erase_if(events, [step](const Event& event) { return event.step > step; });
}

}  // namespace

void RunRecord::apply(const RunUpdate& update) {
  if (update.restarted) {
    auto kept_status = std::move(status);
    *this = {};
    status = std::move(kept_status);
  }
  if (update.rewind_to) {
    drop_beyond(steps, *update.rewind_to);
    drop_beyond(evaluations, *update.rewind_to);
    drop_beyond(checkpoints, *update.rewind_to);
    drop_beyond(messages, *update.rewind_to);
    drop_beyond(divergences, *update.rewind_to);
    if (layer_stats && layer_stats->step > *update.rewind_to) layer_stats.reset();
  }
  for (const RunEvent& event : update.events) {
    if (const auto* start = std::get_if<RunStarted>(&event.body)) {
      if (!started) started_at = event.time;
      started = *start;
      finished.reset();
      failed.reset();
    } else if (const auto* step = std::get_if<StepLogged>(&event.body)) {
      steps.push_back(*step);
    } else if (const auto* evaluation = std::get_if<Evaluated>(&event.body)) {
      evaluations.push_back(*evaluation);
    } else if (const auto* checkpoint = std::get_if<CheckpointSaved>(&event.body)) {
      checkpoints.push_back(*checkpoint);
    } else if (const auto* stats = std::get_if<LayerStats>(&event.body)) {
      layer_stats = *stats;
    } else if (const auto* message = std::get_if<RunMessage>(&event.body)) {
      messages.push_back(*message);
    } else if (const auto* end = std::get_if<RunFinished>(&event.body)) {
      finished = *end;
    } else if (const auto* failure = std::get_if<RunFailed>(&event.body)) {
      failed = *failure;
    } else if (const auto* extended = std::get_if<RunExtended>(&event.body)) {
      if (started) started->max_steps = extended->max_steps;
    } else if (const auto* divergence = std::get_if<DivergenceSeen>(&event.body)) {
      divergences.push_back(*divergence);
    } else if (const auto* compared = std::get_if<CostCompared>(&event.body)) {
      cost = *compared;
    }
  }
  if (update.status) status = update.status;
  observed = {update.state, update.detail};
}

RunRecord read_record(const std::filesystem::path& run_dir) {
  RunReader reader(run_dir);
  RunRecord record;
  RunUpdate update;
  do {
    update = reader.poll();
    record.apply(update);
  } while (update.more);
  return record;
}

}  // namespace engine
