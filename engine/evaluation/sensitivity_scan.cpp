// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/sensitivity_scan.h"

#include "engine/checkpoint/manifest.h"
#include "engine/digest.h"
#include "engine/error.h"
#include "engine/statistics/paired_difference.h"
#include "engine/trial/keep_digital.h"
#include "engine/trial/scan_entries.h"
#include "engine/trial/scan_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <set>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

using LossTable = std::vector<std::vector<double>>;

LossTable less(const LossTable& a, const LossTable& b) {
  LossTable result = a;
  for (std::size_t draw = 0; draw < a.size(); ++draw) {
    for (std::size_t batch = 0; batch < a[draw].size(); ++batch)
      result[draw][batch] -= b[draw][batch];
  }
  return result;
}

bool is_finite(const LossTable& losses) {
  return std::all_of(losses.begin(), losses.end(), [](const auto& draw) {
    return std::all_of(draw.begin(), draw.end(), [](double loss) { return std::isfinite(loss); });
  });
}

/// "-0.1800 [-0.2000, -0.1600]"
std::string interval_text(const Estimate& value) {
  return fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]", value.value, value.low, value.high);
}

/// `choice` with only these layers transformed.
TransformChoice restricted(const TransformChoice& choice, const std::set<std::string>& layers) {
  TransformChoice result = choice;
  for (Assignment& assignment : result.plan.assignments) {
    if (assignment.outcome == Outcome::transformed && layers.count(assignment.layer) == 0)
      assignment.outcome = Outcome::left_alone;
  }
  std::erase_if(result.kept_layers,
                [&](const std::string& layer) { return layers.count(layer) == 0; });
  result.digest = transform_digest(result.plan);
  return result;
}

class Scan {
 public:
  Scan(TrialSubject& subject, const TransformChoice& choice, const ScanOptions& options,
       std::string context, const std::string& source_text, const ProgressFunction& on_progress)
      : subject_(subject),
        choice_(choice),
        options_(options),
        context_(std::move(context)),
        source_text_(source_text),
        file_(results_file()),
        on_progress_(on_progress) {
    for (const Assignment* assignment : choice.plan.replacements()) all_.insert(assignment->layer);
  }

  ScanResult run() {
    ScanResult result;
    auto entries = scan_entries(inventory(), choice_.plan, options_, subject_.loaded().block_size);
    const bool calibrates = subject_.needs_ranges(choice_);
    const std::int64_t modes = (options_.one_on ? 1 : 0) + (options_.one_off ? 1 : 0);
    // The whole transform, the entries, the proposal.
    const std::int64_t cells = 2 + modes * static_cast<std::int64_t>(entries.size());
    StagedProgress progress(on_progress_, subject_.plain_blocks_left() +
                                              (calibrates ? subject_.calibrated_blocks() : 0) +
                                              cells * cell_blocks());
    progress_ = &progress;
    progress.begin_stage("plain model");
    const auto& batches = subject_.plain_losses(progress);
    plain_.assign(static_cast<std::size_t>(options_.noise_draws), batches);
    if (calibrates) {
      progress.begin_stage("calibrating");
      ranges_ = subject_.ranges_for(choice_, progress);
    }
    const LossTable whole = losses_with(all_, "whole transform").losses;
    result.whole = paired_difference(less(whole, plain_));
    result.whole_diverges = !is_finite(whole);
    for (ScanEntry& entry : entries) measure(entry, whole);
    result.entries = ranked(std::move(entries));
    result.proposal = proposal(result.entries, whole);

    result.facts = subject_.facts();
    result.facts.noise_draws = options_.noise_draws;
    if (calibrates) result.facts.calibrated_blocks = subject_.calibrated_blocks();
    result.plain_loss =
        std::accumulate(batches.begin(), batches.end(), 0.0) / static_cast<double>(batches.size());
    result.transform = choice_.label;
    result.results_file = file_.file().string();
    result.measured_cells = measured_;
    result.reused_cells = reused_;
    result.notes = subject_.loaded().notes;
    result.notes.insert(result.notes.end(), choice_.notes.begin(), choice_.notes.end());
    return result;
  }

 private:
  std::int64_t cell_blocks() const { return options_.noise_draws * subject_.measured_blocks(); }
  LayerInventory inventory() const { return layer_inventory(subject_.loaded().source.config); }

  fs::path results_file() const {
    if (!options_.results_file.empty()) return options_.results_file;
    return default_token_cache().parent_path() / "scans" / (context_.substr(0, 16) + ".jsonl");
  }

  const ScanCell& losses_with(const std::set<std::string>& layers, const std::string& what) {
    const TransformChoice choice = restricted(choice_, layers);
    const std::string key = sha256_hex(context_ + choice.digest);
    progress_->begin_stage(what);
    if (const ScanCell* known = file_.find(key)) {
      reused_ += fresh_.count(key) == 0 ? 1 : 0;
      progress_->skip(cell_blocks());
      progress_->check();
      return *known;
    }
    ++measured_;
    fresh_.insert(key);
    const bool is_single = layers.size() == 1;
    TrialLosses measured =
        subject_.measured(choice, ranges_, options_.noise_draws, is_single, *progress_);
    ScanCell cell{.losses = std::move(measured.losses)};
    if (is_single && !measured.errors.empty()) cell.sqnr_db = measured.errors.front().sqnr_db;
    file_.add(key, what, std::move(cell));
    return *file_.find(key);
  }

  void measure(ScanEntry& entry, const LossTable& whole) {
    const std::set<std::string> layers(entry.layers.begin(), entry.layers.end());
    if (options_.one_on) {
      const ScanCell& cell = losses_with(layers, entry.name + " alone");
      entry.one_on = paired_difference(less(cell.losses, plain_));
      entry.diverges = !is_finite(cell.losses);
      if (!entry.is_kind) entry.sqnr_db = cell.sqnr_db;
    }
    if (options_.one_off) {
      const ScanCell& cell = losses_with(without(layers), "all but " + entry.name);
      entry.one_off = paired_difference(less(whole, cell.losses));
      // Without it the loss is finite, with it it is not.
      entry.diverges = entry.diverges || (!is_finite(whole) && is_finite(cell.losses));
    }
    if (options_.on_entry) options_.on_entry(entry);
  }

  std::set<std::string> without(const std::set<std::string>& layers) const {
    std::set<std::string> rest;
    std::set_difference(all_.begin(), all_.end(), layers.begin(), layers.end(),
                        std::inserter(rest, rest.end()));
    return rest;
  }

  ScanProposal proposal(const std::vector<ScanEntry>& entries, const LossTable& whole) {
    ScanProposal result;
    result.layers = in_module_order(layers_to_keep(entries, options_.flops_budget));
    if (result.layers.empty()) {
      progress_->skip(cell_blocks());
      progress_->begin_stage("done");
      progress_->check();
      result.summary = fmt::format(
          "no proposal: no layer within {:.3g} % of the FLOPs costs more loss than noise and text "
          "vary",
          100 * options_.flops_budget);
      return result;
    }
    for (const ScanEntry& entry : entries) {
      const bool is_kept =
          std::find(result.layers.begin(), result.layers.end(), entry.name) != result.layers.end();
      if (is_kept && !entry.is_kind) result.flops_share += entry.flops_share;
    }
    const LossTable kept =
        losses_with(without({result.layers.begin(), result.layers.end()}), "proposal").losses;
    result.change = paired_difference(less(kept, whole));
    result.remaining = paired_difference(less(kept, plain_));
    const std::string subject = result.layers.size() == 1
                                    ? result.layers.front()
                                    : fmt::format("{} layers", result.layers.size());
    const std::string share = fmt::format("{:.3g} % of the FLOPs", 100 * result.flops_share);
    result.summary = std::isnan(result.change.value)
                         ? fmt::format("keep {} digital: the loss becomes {} for {}", subject,
                                       is_finite(kept) ? "finite" : "no number", share)
                         : fmt::format("keep {} digital: {} loss for {}", subject,
                                       interval_text(result.change), share);
    result.yaml = edited(result.layers);
    return result;
  }

  std::vector<std::string> in_module_order(const std::vector<std::string>& layers) const {
    std::vector<std::string> ordered;
    for (const Assignment& assignment : choice_.plan.assignments) {
      if (std::find(layers.begin(), layers.end(), assignment.layer) != layers.end())
        ordered.push_back(assignment.layer);
    }
    return ordered;
  }

  std::string edited(const std::vector<std::string>& layers) const {
    const EditResult result =
        keep_digital(source_text_, choice_.label, layers, choice_.plan, choice_.config->use_regex);
    if (!result.ok()) throw Error(result.refusals);
    return apply_edit(source_text_, result.edit);
  }

  TrialSubject& subject_;
  const TransformChoice& choice_;
  const ScanOptions& options_;
  const std::string context_;
  const std::string source_text_;
  ScanResultsFile file_;
  const ProgressFunction& on_progress_;
  StagedProgress* progress_ = nullptr;
  std::set<std::string> all_;
  StateMap ranges_;
  LossTable plain_;
  std::set<std::string> fresh_;  ///< keys of the cells that this scan measured
  std::int64_t measured_ = 0;
  std::int64_t reused_ = 0;
};

/// Of everything that the losses of a cell follow from, but for the transform.
std::string context_of(const TrialSubject& subject, const TrialConfig& config,
                       const std::string& model, std::int64_t draws) {
  const EvaluationText& text = subject.text();
  return sha256_hex(fmt::format(
      "scan 1\n{}\n{}\n{}\n{} {} {}\n{} {}\n{} {} {} {} {}\n", model, text.validation().digest(),
      text.calibration().digest(), text.measured.first_block, text.measured.blocks,
      text.measured.batch_size, text.calibrated.blocks, text.calibrated.batch_size,
      config.eval.seed, draws, config.eval.bf16, config.eval.rope,
      subject.loaded().device.device.is_cpu() ? "cpu" : "cuda"));
}

}  // namespace

ScanResult sensitivity_scan(TrialSubject& subject, const TrialConfig& config,
                            const std::string& model_digest,
                            const std::optional<TransformText>& transform,
                            const ScanOptions& options, const ProgressFunction& on_progress) {
  const auto started = std::chrono::steady_clock::now();
  const TransformChoice choice = subject.choose(transform);
  if (choice.plan.replacements().empty()) {
    fail("nothing-to-scan", {.file = choice.label},
         "the transform leaves every layer alone, so there is nothing to scan",
         "Write a rule that transforms layers");
  }
  ScanResult result =
      Scan(subject, choice, options, context_of(subject, config, model_digest, options.noise_draws),
           canonical_text(*choice.config), on_progress)
          .run();
  result.facts.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return result;
}

std::string model_digest(const std::filesystem::path& folder, const ProgressFunction& on_progress) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() &&
        (entry.path().extension() == ".safetensors" || name == "config.json"))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  double all = 0;
  for (const fs::path& file : files) all += static_cast<double>(fs::file_size(file));
  std::string text;
  double done = 0;
  for (const fs::path& file : files) {
    const ManifestFile described = describe_file(file, [&](std::int64_t bytes) {
      if (on_progress && !on_progress("reading the weights", done + double(bytes), all))
        fail("cancelled", {}, "cancelled");
    });
    done += static_cast<double>(described.bytes);
    text += fmt::format("{} {} {}\n", described.name, described.bytes, described.xxh3);
  }
  return sha256_hex(text);
}

}  // namespace engine
