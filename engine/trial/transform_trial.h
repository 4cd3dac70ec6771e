// SPDX-License-Identifier: GPL-3.0-or-later
// A transform tried on a model in memory: what it costs in loss, where the error arises, and which
// layers bear it. Plain values; the engine's side is in engine/evaluation.
#pragma once

#include "engine/config/run_config.h"
#include "engine/config/text_edit.h"
#include "engine/statistics/line_fit.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// What a trial works on. Tokens are read from the start of the validation text; ranges are
/// calibrated on the training text, or without one on the head of the validation text.
struct TrialConfig {
  /// Model, text, dtype, seed, device, batches of calibration. Its transform is the one that is
  /// tried where no text is given; batch size and limits of samples are not used.
  EvalConfig eval;
  std::int64_t batches = 8;  ///< that are measured; fewer where the text is short
  /// Sequences; 0 = about 512 tokens, on the CPU fewer for models of over 290 million parameters.
  std::int64_t batch_size = 0;
};

/// A transform as it is edited: it need not be in a file yet.
struct TransformText {
  std::string text;
  std::string file;  ///< for messages, and what relative paths in it are relative to
};

struct TrialResult;

struct TryOptions {
  std::int64_t noise_draws = 3;  ///< at run seeds eval.seed, eval.seed + 1, ...
  std::string prompt;            ///< "" = the beginning of the measured text
  std::int64_t top_tokens = 5;
  /// Hears what is known so far, from the working thread: after the second batch of the first draw
  /// and every one after it, then after every draw. Its facts say what the numbers rest on.
  std::function<void(const TrialResult&)> on_result;
};

/// How a trial measured.
struct TrialFacts {
  std::string device;
  std::int64_t batches = 0;
  std::int64_t batch_size = 0;  ///< sequences
  std::int64_t block_size = 0;  ///< tokens of one
  std::int64_t noise_draws = 0;
  std::int64_t calibrated_blocks = 0;  ///< 0 = no layer needed ranges
  std::string calibrated_on;
  double seconds = 0;
};

/// Error that one simulated layer adds to its own inputs: its output against that of the plain
/// layer, over all measured batches of the first draw.
struct LayerError {
  std::string layer;
  double sqnr_db = 0;  ///< 10·log10(Σ plain² / Σ (simulated - plain)²): infinite without error, NaN
                       ///< when outputs are not finite
};

/// A token that is likely to come next, plain or transformed.
struct TokenShift {
  std::int64_t id = 0;
  std::string text;
  double plain = 0;        ///< probability
  double transformed = 0;  ///< mean over the draws
  std::int64_t plain_rank = 0;
  std::int64_t transformed_rank = 0;  ///< from 1
};

struct TrialResult {
  TrialFacts facts;         ///< of what is measured so far
  bool is_complete = true;  ///< all that was asked for is measured
  double plain_loss = 0;
  double transformed_loss = 0;  ///< mean over batches and draws
  Estimate difference;          ///< transformed - plain, see paired_difference()
  std::int64_t transformed_layers = 0;
  std::string transform;  ///< the file's name as given
  std::string transform_digest;
  std::vector<LayerError> layers;  ///< the simulated ones, in module order
  std::string prompt;
  std::vector<TokenShift> tokens;  ///< the likeliest of either model, by plain rank
  std::vector<std::string> notes;
};

/// One layer, or all of a kind, in a scan.
struct ScanEntry {
  std::string name;                 ///< the layer, or the kind: "mlp.down_proj"
  std::vector<std::string> layers;  ///< one, or all of the kind
  bool is_kind = false;
  double flops_share = 0;  ///< of a plain forward pass of the whole model
  /// Loss with these layers alone simulated, less the plain loss. NaN while not measured.
  Estimate one_on;
  /// Loss with all layers simulated, less that with these ones plain: what is won by keeping them
  /// digital. NaN while not measured.
  Estimate one_off;
  /// Losses were measured, and some are not finite: worse than any number.
  bool diverges = false;
  double sqnr_db = std::numeric_limits<double>::quiet_NaN();  ///< of a single layer
};

/// The transform with some layers kept digital, which was measured.
struct ScanProposal {
  std::vector<std::string> layers;  ///< empty: none is proposed, `text` says why
  double flops_share = 0;
  Estimate change;     ///< of the loss, against the transform as it is
  Estimate remaining;  ///< loss of the proposal less the plain loss
  std::string
      summary;       ///< "keep 9 layers digital: -0.18 [-0.20, -0.16] loss for 4.0 % of the FLOPs"
  std::string yaml;  ///< the whole transform file with the proposal in it
};

struct ScanOptions {
  std::int64_t noise_draws = 2;
  bool one_on = true;
  bool one_off = true;
  bool kinds = true;
  bool layers = true;
  /// Largest share of a forward pass's FLOPs that the proposal may keep digital.
  double flops_budget = 0.10;
  /// JSON lines to which every measured cell is appended and from which it is read again. "" = one
  /// below the user's cache folder, its name the digest of model, text and options.
  std::string results_file;
  /// Hears of every entry whose numbers are new, from the working thread.
  std::function<void(const ScanEntry&)> on_entry;
};

struct ScanResult {
  TrialFacts facts;
  double plain_loss = 0;
  Estimate whole;  ///< loss with all layers simulated, less plain
  bool whole_diverges = false;
  std::string transform;
  std::vector<ScanEntry> entries;  ///< the most fragile first, see ranked()
  ScanProposal proposal;
  std::string results_file;
  std::int64_t measured_cells = 0;
  std::int64_t reused_cells = 0;  ///< found in the results file
  std::vector<std::string> notes;
};

/// As engine/api.h's: called from the working thread; return false to cancel.
using TrialProgress = std::function<bool(const std::string& stage, double done, double total)>;

/// A model and a text that stay in memory from one trial to the next; only what is transformed is
/// made anew. The loaded weights are never changed. One call at a time. Every call may be
/// cancelled through its progress, which is asked at least before every attention, MLP and head;
/// then it throws Error("cancelled"). Results are functions of the arguments alone. Throws Error
/// with the problems of the text, of the plan, or of the computation.
class TransformTrial {
 public:
  virtual ~TransformTrial() = default;
  /// No text: the transform of the configuration, or the one that the checkpoint records.
  virtual TrialResult try_transform(const std::optional<TransformText>& transform,
                                    const TryOptions& options,
                                    const TrialProgress& on_progress = {}) = 0;
  /// Measures the layers of a transform one by one. What is in the results file is not measured
  /// again, so that a scan that was cancelled goes on where it stood.
  virtual ScanResult scan(const std::optional<TransformText>& transform, const ScanOptions& options,
                          const TrialProgress& on_progress = {}) = 0;
};

}  // namespace engine
