// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/estimate_report.h"

#include "app/paradigm/text_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace paradigm {
namespace {

std::string seconds_text(double seconds) {
  if (seconds < 1) return fmt::format("{:.1f} ms", 1000 * seconds);
  return seconds < 100 ? fmt::format("{:.2f} s", seconds) : duration_text(seconds);
}

/// "12.3 ms (11.9 ms … 12.7 ms)"
std::string interval_text(double value, double error) {
  if (error < 0) return seconds_text(value);
  return fmt::format("{} ({} … {})", seconds_text(value),
                     seconds_text(std::max(0.0, value - error)), seconds_text(value + error));
}

std::string bytes_text(std::int64_t bytes) {
  return bytes < 0 ? "not known" : size_text(static_cast<double>(bytes));
}

}  // namespace

std::string text_of(const engine::CostEstimate& estimate) {
  std::string text =
      fmt::format("measured with {} probe steps on {}{}\n", estimate.probe_steps, estimate.device,
                  estimate.device_name.empty() ? "" : " (" + estimate.device_name + ")");
  const auto add = [&text](const char* name, const std::string& value) {
    text += fmt::format("  {:<12}{}\n", name, value);
  };
  add("steps", fmt::format("{} of {} tokens: {} sequences × {}", estimate.max_steps,
                           estimate.tokens_per_step, estimate.batch_size, estimate.accumulation));
  add("step", interval_text(estimate.step_seconds, estimate.step_seconds_error));
  add("slowdown", fmt::format("{:.2f}× the plain step of {}", estimate.slowdown,
                              seconds_text(estimate.plain_step_seconds)));
  add("total", interval_text(estimate.total_seconds, estimate.total_seconds_error));
  add("", fmt::format("of it {} for evaluations, {} for saving",
                      seconds_text(estimate.evaluation_seconds),
                      seconds_text(estimate.saving_seconds)));
  std::string peak = bytes_text(estimate.peak_bytes);
  if (estimate.peak_bytes >= 0) peak += " ± " + bytes_text(estimate.peak_bytes_error);
  add("peak memory", fmt::format("{}, {} available{}", peak, bytes_text(estimate.available_bytes),
                                 estimate.fits ? "" : ": it does not fit"));
  add("checkpoint",
      fmt::format("{}, {} kept; all files {}, {} free", bytes_text(estimate.checkpoint_bytes),
                  estimate.kept_checkpoints, bytes_text(estimate.disk_bytes),
                  bytes_text(estimate.free_disk_bytes)));
  if (!estimate.rules.empty()) {
    TextTable table({"rule by itself", "layers", "step", "slowdown"});
    for (const auto& rule : estimate.rules) {
      table.add({rule.pattern, std::to_string(rule.layers), seconds_text(rule.step_seconds),
                 fmt::format("{:.2f}×", rule.slowdown)});
    }
    text += table.text();
  }
  for (const std::string& note : estimate.notes) text += "note: " + note + "\n";
  return text;
}

}  // namespace paradigm
