// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/run_comparison.h"

#include "engine/compare/verdict_text.h"
#include "engine/error.h"
#include "engine/figures/run_look.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace engine {
namespace {

using Runs = std::vector<const ComparableRun*>;

bool has_metric(const Runs& runs, const std::string& metric) {
  return std::any_of(runs.begin(), runs.end(),
                     [&](const auto* run) { return run->metrics.find(metric).has_value(); });
}

void check_metrics(const Runs& runs, const std::vector<std::string>& metrics) {
  for (const std::string& metric : metrics) {
    if (has_metric(runs, metric)) continue;
    std::set<std::string> known;
    for (const ComparableRun* run : runs) {
      for (std::string& name : run->metrics.names()) known.insert(std::move(name));
    }
    if (known.empty()) continue;  // nothing logged yet: the table still stands
    fail("no-metric", {.file = "--metric"}, fmt::format("no run has logged {}", metric),
         fmt::format("They have: {}", fmt::join(known, ", ")));
  }
}

MetricCell cell_of(const ComparableRun& run, const std::string& metric,
                   const Statistic& statistic) {
  const auto curve = run.metrics.find(metric);
  return {curve ? statistic_of(*curve, statistic) : std::nullopt, std::nullopt};
}

void fill_rows(const Runs& runs, RunComparison& result) {
  const ComparisonOptions& options = result.options;
  const std::vector<std::string> labels = differing_labels(result.columns, runs.size());
  result.runs.resize(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    ComparedRun& row = result.runs[i];
    const bool is_taken = std::count(labels.begin(), labels.end(), labels[i]) > 1;
    row.label = labels[i].empty() || is_taken ? runs[i]->name : labels[i];
    for (const std::string& metric : options.metrics)
      row.cells.push_back(cell_of(*runs[i], metric, options.statistic));
  }
  const ComparedRun& base = result.runs[options.baseline];
  const auto base_curve = runs[options.baseline]->metrics.find(options.metrics.front());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    ComparedRun& row = result.runs[i];
    if (i == options.baseline) continue;
    for (std::size_t k = 0; k < row.cells.size(); ++k) {
      if (row.cells[k].value && base.cells[k].value)
        row.cells[k].delta = row.cells[k].value->value - base.cells[k].value->value;
    }
    if (!options.with_differences) continue;
    const auto curve = runs[i]->metrics.find(options.metrics.front());
    if (curve && base_curve)
      row.difference = curve_difference(*base_curve, scale_of(*runs[options.baseline], options),
                                        *curve, scale_of(*runs[i], options));
  }
  for (std::size_t group = 0; group < result.groups.size(); ++group) {
    for (const std::size_t run : result.groups[group].runs) {
      result.runs[run].group = group;
      if (run == options.baseline) result.base_group = group;
    }
  }
}

std::vector<int> looks_of(const Runs& runs) {
  RunLooks looks;
  std::vector<int> list;
  for (const ComparableRun* run : runs) list.push_back(looks.of(lasting_key(*run)));
  return list;
}

/// A group has the look of one of its runs, in a colour that no group before it has if there is
/// one. The baseline is neutral and takes none.
void choose_group_looks(RunComparison& result) {
  std::set<int> taken;
  for (std::size_t group = 0; group < result.groups.size(); ++group) {
    SeedGroup& all = result.groups[group];
    const auto free = std::find_if(all.runs.begin(), all.runs.end(), [&](std::size_t run) {
      return taken.count(color_of_look(result.options.looks[run])) == 0;
    });
    all.look = result.options.looks[free == all.runs.end() ? all.runs.front() : *free];
    if (group != result.base_group) taken.insert(color_of_look(all.look));
  }
}

bool is_per_token(const std::string& metric) {
  return metric == "loss" || metric == "eval_loss" || metric == "perplexity" ||
         metric == "eval_accuracy";
}

const ComparableRun& first_of(const Runs& runs, const SeedGroup& group) {
  return *runs[group.runs.front()];
}

bool have_same_tokenizer(const ComparableRun& a, const ComparableRun& b) {
  return a.tokenizer_digest == b.tokenizer_digest || a.tokenizer_digest.empty() ||
         b.tokenizer_digest.empty();
}

void judge_groups(const Runs& runs, RunComparison& result) {
  const SeedGroup& base_group = result.groups[result.base_group];
  for (const std::string& metric : result.options.metrics) {
    const GroupResult base = result_of(base_group, runs, metric, result.options.statistic);
    const std::size_t first = result.verdicts.size();
    for (std::size_t group = 0; group < result.groups.size(); ++group) {
      if (group == result.base_group) continue;
      Verdict verdict{.metric = metric, .group = group, .base = base};
      verdict.other = result_of(result.groups[group], runs, metric, result.options.statistic);
      verdict.difference =
          compare_groups(base.seeds, verdict.other.seeds, result.options.confidence);
      verdict.is_per_token_mismatch =
          is_per_token(metric) &&
          !have_same_tokenizer(first_of(runs, base_group), first_of(runs, result.groups[group]));
      if (result.options.with_differences)
        verdict.delta = group_delta(base_group, result.groups[group], runs, metric,
                                    verdict.difference.method, result.options.confidence);
      result.verdicts.push_back(std::move(verdict));
    }
    std::vector<GroupDifference*> family;
    for (std::size_t i = first; i < result.verdicts.size(); ++i)
      family.push_back(&result.verdicts[i].difference);
    apply_holm(family);
    const auto compared =
        std::count_if(family.begin(), family.end(),
                      [](const GroupDifference* each) { return !std::isnan(each->p); });
    for (std::size_t i = first; i < result.verdicts.size(); ++i) {
      result.verdicts[i].compared = static_cast<std::size_t>(compared);
      result.verdicts[i].needed =
          seeds_needed(result.verdicts[i].difference, result.options.confidence);
      result.verdicts[i].text = verdict_text(result.verdicts[i], result.options);
    }
  }
}

void find_changes(const Runs& runs, RunComparison& result) {
  const ComparableRun& base = first_of(runs, result.groups[result.base_group]);
  for (std::size_t group = 0; group < result.groups.size(); ++group) {
    if (group == result.base_group) continue;
    const ComparableRun& other = first_of(runs, result.groups[group]);
    GroupChange change{.group = group};
    change.is_effect_known = base.is_effect_known && other.is_effect_known;
    if (change.is_effect_known) change.effect = diff_effects(base.effect, other.effect);
    for (const PlacedValue& entry : base.parameters.entries()) {
      const PlacedValue* found = other.parameters.find(entry.name);
      if (found == nullptr || found->value == entry.value || is_bookkeeping(entry.name) ||
          entry.name == "transform_config" || entry.name == "seed")
        continue;
      change.parameters.push_back({entry.name, to_string(entry.value), to_string(found->value)});
    }
    result.changes.push_back(std::move(change));
  }
}

void note_mismatches(const Runs& runs, RunComparison& result) {
  const ComparableRun& base = *runs[result.options.baseline];
  for (const ComparableRun* run : runs) {
    if (run == &base) continue;
    if (run->model.is_known && base.model.is_known &&
        run->model.architecture != base.model.architecture)
      result.notes.push_back(fmt::format("{} is another model than {}: {} against {}", run->name,
                                         base.name, run->model.summary, base.model.summary));
    if (!have_same_tokenizer(*run, base))
      result.notes.push_back(
          fmt::format("{} has another tokenizer than {}: loss per token cannot be compared; {}",
                      run->name, base.name,
                      run->metrics.find("eval_bits_per_byte")
                          ? "eval_bits_per_byte can"
                          : "bits per byte could, but the tokenizer or a validation text in plain "
                            "text is not at hand"));
  }
  const std::string& metric = result.options.metrics.front();
  std::int64_t least = 0;
  std::int64_t most = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto curve = runs[i]->metrics.find(metric);
    if (!curve) {
      result.notes.push_back(fmt::format("{} has not logged {}", runs[i]->name, metric));
      continue;
    }
    const auto last = static_cast<std::int64_t>(curve->step.back());
    least = least == 0 ? last : std::min(least, last);
    most = std::max(most, last);
    const auto bad = std::count_if(curve->value.begin(), curve->value.end(),
                                   [](double value) { return !std::isfinite(value); });
    if (bad == 0) continue;
    const auto first = std::find_if(curve->value.begin(), curve->value.end(),
                                    [](double value) { return !std::isfinite(value); });
    result.notes.push_back(
        fmt::format("{}: {} of {} values of {} are not finite, the first at step {}", runs[i]->name,
                    bad, curve->size(), metric,
                    static_cast<std::int64_t>(
                        curve->step[static_cast<std::size_t>(first - curve->value.begin())])));
  }
  if (least != most && result.options.statistic.kind != Statistic::Kind::at_step)
    result.notes.push_back(
        fmt::format("the runs are of different lengths: {} goes to step {} in the shortest and to "
                    "{} in the longest; at:{} compares them at the same step",
                    metric, least, most, least));
  for (const ComparableRun* run : runs) {
    for (const std::string& note : run->notes) result.notes.push_back(run->name + ": " + note);
    if (!run->failure.empty()) result.notes.push_back(run->name + " failed: " + run->failure);
  }
}

}  // namespace

std::vector<std::string> default_metrics(const Runs& runs) {
  std::vector<std::string> metrics;
  for (const char* metric : {"eval_bits_per_byte", "eval_loss", "loss"}) {
    if (has_metric(runs, metric)) metrics.push_back(metric);
  }
  for (std::size_t i = 0; metrics.empty() && i < runs.size(); ++i) {
    const auto names = runs[i]->metrics.names();
    if (!names.empty()) metrics.push_back(names.front());
  }
  if (metrics.empty()) metrics.push_back("loss");
  return metrics;
}

RunComparison compare_runs(const Runs& runs, ComparisonOptions options) {
  RunComparison result;
  if (options.metrics.empty()) options.metrics = default_metrics(runs);
  check_metrics(runs, options.metrics);
  result.options = std::move(options);
  result.columns = differing_columns(runs);
  result.groups = seed_groups(runs);
  fill_rows(runs, result);
  if (result.options.looks.size() != runs.size()) result.options.looks = looks_of(runs);
  choose_group_looks(result);
  judge_groups(runs, result);
  find_changes(runs, result);
  note_mismatches(runs, result);
  return result;
}

bool have_tokenizers_apart(const Runs& runs) {
  std::set<std::string> tokenizers;
  for (const ComparableRun* run : runs) {
    if (!run->tokenizer_digest.empty()) tokenizers.insert(run->tokenizer_digest);
  }
  return tokenizers.size() > 1;
}

void prepare_comparison(std::vector<ComparableRun>& runs) {
  std::multiset<std::string> names;
  for (const ComparableRun& run : runs) names.insert(run.name);
  Runs pointers;
  for (ComparableRun& run : runs) {
    if (names.count(run.name) > 1) run.name = run.path.string();
    pointers.push_back(&run);
  }
  if (!have_tokenizers_apart(pointers)) return;
  for (ComparableRun& run : runs) add_bits_per_byte(run, bytes_per_token(run));
}

XScale scale_of(const ComparableRun& run, const ComparisonOptions& options) {
  return {.axis = options.axis,
          .flops_per_token = run.model.is_known ? run.model.train_flops_per_token
                                                : std::numeric_limits<double>::quiet_NaN(),
          .zero_step = options.align_at};
}

}  // namespace engine
