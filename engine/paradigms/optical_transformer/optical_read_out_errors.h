// SPDX-License-Identifier: GPL-3.0-or-later
// The errors that read-outs of real layers make, in units of one of their levels: the layers run on
// inputs for which the accumulators are known.
#pragma once

#include "engine/model/attention_core.h"
#include "engine/paradigms/optical_transformer/optical_probe.h"

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace engine::optical_transformer {

inline constexpr std::int64_t kLinearOutputs = 64;
inline constexpr std::int64_t kLinearRows = 4096;  // per pass: 2^18 outputs

/// Uniform on [-1, 1), the same for every layer and step.
at::Tensor spread_inputs(std::int64_t rows, std::int64_t columns, std::uint64_t run_seed,
                         std::uint64_t piece);

/// Whose noise a pass draws.
struct ReadOutPass {
  std::string layer;
  Phase phase = Phase::train;
  std::int64_t step = 0;
  std::int64_t micro_step = 0;
};

/// A Linear whose exact products are spread over its levels.
class LinearReadOut {
 public:
  /// `call` must outlive it.
  LinearReadOut(const ParamValues& values, const SelfCheckCall& call);
  /// Of all outputs; pieces are consecutive rows of one batch.
  std::vector<float> errors(const ReadOutPass& pass, std::uint64_t piece) const;

 private:
  OpticalProbe probe_;
  ParamValues values_;
  const SelfCheckCall& call_;
  at::Tensor weight_;
  double level_ = 1;
};

/// Moments of rint(v + ξ) - v for the v at hand: for the fraction f of v the error is 1 - f with
/// probability f, else -f.
class DitherMoments {
 public:
  void add(double v);
  void add(const DitherMoments& other);
  NoiseMoments moments() const;

 private:
  double squares_ = 0, fourths_ = 0;
  std::int64_t count_ = 0;
};

struct AttentionErrors {
  std::vector<float> scores;   ///< of one score in each row of two
  std::vector<float> context;  ///< of all elements of the context, in the order of their noise
  DitherMoments of_scores, of_context;

  /// The element of the scores' noise that scores[i] is of.
  std::size_t element_of_score(std::size_t i) const { return 2 * i + 1; }
};

/// Attention over two keys. The score of the first is 0, a level of its read-out, whatever the
/// query; the second's is spread over a few levels, so far apart that its probability tells which
/// level was read, even after the context's own read-out: in the first channel the two values are 1
/// and -1. Having that level, the accumulator of the context is known as well.
class AttentionReadOut {
 public:
  /// `call` must outlive it; more than two levels.
  AttentionReadOut(const ParamValues& values, const SelfCheckCall& call);
  AttentionErrors errors(const ReadOutPass& pass, std::uint64_t piece);

 private:
  struct Operands {
    at::Tensor q, k, v;                      // as given
    at::Tensor score;                        // of the second key, in levels of its read-out
    at::Tensor first_values, second_values;  // [sequences, heads, 1, channels], as encoded
    std::uint64_t piece = 0;
    std::int64_t step = 0;
  };
  struct Weights {
    double first = 0, second = 0;  // the probabilities as the product sees them
  };

  const Operands& operands(const ReadOutPass& pass, std::uint64_t piece);
  at::Tensor encoded(const at::Tensor& operand, const char* role, const ReadOutPass& pass) const;
  Weights weights_at(std::int64_t score_level) const;
  bool is_told_apart(std::int64_t most) const;

  OpticalProbe probe_;
  ParamValues values_;
  const SelfCheckCall& call_;
  std::int64_t below_ = 0;  // levels below 0 of both read-outs
  std::int64_t above_ = 0;
  std::int64_t most_ = 1;  // levels on either side of 0 that a score may be read as
  double score_level_ = 1;
  double context_level_ = 1;
  Operands last_;
};

}  // namespace engine::optical_transformer
