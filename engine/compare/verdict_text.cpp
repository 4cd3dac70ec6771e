// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/verdict_text.h"

#include <fmt/format.h>

#include <cmath>

namespace engine {
namespace {

std::string p_text(double p) { return p < 0.001 ? "p < 0.001" : fmt::format("p {:.2g}", p); }

std::string count_text(std::int64_t seeds) {
  return seeds >= kMostSeeds - 100 ? fmt::format("over {}", kMostSeeds - 100)
                                   : fmt::format("{}", seeds);
}

std::string needed_text(const SeedsNeeded& needed) {
  if (needed.low == needed.high)
    return fmt::format("; about {} more seed{} each would be", count_text(needed.more),
                       needed.more == 1 ? "" : "s");
  return fmt::format("; about {} more seeds each ({} to {}) would be", count_text(needed.more),
                     count_text(needed.low), count_text(needed.high));
}

std::string method_text(const GroupDifference& difference) {
  std::string text = to_string(difference.method);
  if (difference.method == ComparisonMethod::paired_t)
    text += fmt::format(" over {} shared seeds", difference.pairs);
  if (difference.correlation) text += fmt::format(", ρ {:.2f}", *difference.correlation);
  return text;
}

/// Why there is no test.
std::string missing_text(const Verdict& verdict) {
  const auto broken = [](const GroupResult& result) { return result.not_finite > 0; };
  if (broken(verdict.base) || broken(verdict.other))
    return fmt::format(
        "{} of {} runs of the baseline and {} of {} here are not finite: a mean "
        "would say nothing",
        verdict.base.not_finite, verdict.base.runs, verdict.other.not_finite, verdict.other.runs);
  if (verdict.base.runs == 0 || verdict.other.runs == 0)
    return verdict.base.runs == 0 ? "the baseline has not logged it" : "not logged here";
  return fmt::format(
      "Δ {} {} from one seed each: how much seeds differ is not known; two more seeds "
      "each would tell",
      verdict.metric, shown_delta(verdict.difference.difference.value));
}

}  // namespace

std::string verdict_text(const Verdict& verdict, const ComparisonOptions& options) {
  const GroupDifference& difference = verdict.difference;
  std::string text;
  if (difference.method == ComparisonMethod::none) {
    text = missing_text(verdict);
  } else {
    const double half = (difference.difference.high - difference.difference.low) / 2;
    const bool is_found = difference.is_distinguishable(options.confidence);
    text = fmt::format(
        "Δ {} {} ± {} ({:.0f} %) from {} + {} seeds, {}, {}{}: {}", verdict.metric,
        shown_delta(difference.difference.value), shown(half), 100 * options.confidence,
        difference.count_base, difference.count_other, method_text(difference),
        p_text(difference.adjusted_p),
        verdict.compared > 1 ? fmt::format(" (Holm over {})", verdict.compared) : "",
        is_found ? (difference.difference.value > 0 ? "higher" : "lower") : "not distinguishable");
    if (verdict.needed) text += needed_text(*verdict.needed);
    if (is_found && verdict.delta.apart_from)
      text += fmt::format("; apart from step {:.0f} on", *verdict.delta.apart_from);
  }
  if (verdict.is_per_token_mismatch) text += "; per token of different tokenizers: not comparable";
  const GroupResult& base = verdict.base;
  const GroupResult& other = verdict.other;
  if (base.runs > 0 && other.runs > 0 && base.last_step != other.last_step)
    text += fmt::format("; at step {} against {}", other.last_step, base.last_step);
  return text;
}

std::string shown(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  const double size = std::abs(value);
  if (size != 0 && (size < 1e-3 || size >= 1e6)) return fmt::format("{:.4g}", value);
  return fmt::format("{:.4f}", value);
}

std::string shown_delta(double value) { return (value >= 0 ? "+" : "") + shown(value); }

}  // namespace engine
