// SPDX-License-Identifier: GPL-3.0-or-later
// The statistical tests of `paradigm probe --self-check`: which bits of equal words flip.
#include "engine/paradigms/random_bitflip/bit_flip_probe.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace engine::random_bitflip {
namespace {

constexpr std::int64_t kPiece = 1 << 18;
const char* const kLayer = "model.layers.0.mlp.up_proj";
const char* const kOtherLayer = "model.layers.1.mlp.up_proj";

struct Format {
  const char* name;
  c10::ScalarType type;
  int bits;
  int fraction_bits;
  /// Its exponent is far from all ones, so that flips hardly ever make a NaN, of which arithmetic
  /// sets the first bit of the fraction; that one is set here already.
  float value;
};

constexpr std::array kFormats = {Format{"fp32", c10::ScalarType::Float, 32, 23, 0x1.cp-42f},
                                 Format{"bf16", c10::ScalarType::BFloat16, 16, 7, 0x1.cp-42f},
                                 Format{"fp16", c10::ScalarType::Half, 16, 10, 0x1.cp-5f}};

/// Which bits flipped, word by word.
std::vector<std::uint32_t> flipped_bits(const at::Tensor& before, const at::Tensor& after,
                                        const Format& format) {
  const auto words_of = [&](const at::Tensor& tensor) {
    const at::Tensor values = tensor.to(at::kCPU).contiguous();
    const auto* bytes = static_cast<const char*>(values.const_data_ptr());
    std::vector<std::uint32_t> words(static_cast<std::size_t>(values.numel()), 0);
    const std::size_t width = static_cast<std::size_t>(format.bits) / 8;
    for (std::size_t i = 0; i < words.size(); ++i) {
      std::memcpy(&words[i], bytes + i * width, width);
    }
    return words;
  };
  std::vector<std::uint32_t> words = words_of(after);
  const std::vector<std::uint32_t> old = words_of(before);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] ^= old[i];
  return words;
}

/// 1 where a bit of `field` flipped, less nothing: correlation takes the mean out.
std::vector<float> hits(const std::vector<std::uint32_t>& flips, std::uint32_t field) {
  std::vector<float> result(flips.size());
  for (std::size_t i = 0; i < flips.size(); ++i) result[i] = (flips[i] & field) != 0 ? 1 : 0;
  return result;
}

class Flips {
 public:
  Flips(const BitFlipProbe& probe, ParamValues values, const SelfCheckCall& call,
        const Format& format)
      : probe_(probe), values_(std::move(values)), call_(call), format_(format) {
    before_ = at::full({kPiece}, format.value, at::TensorOptions().dtype(format.type));
  }

  /// Elements piece·2^18 … of an operand.
  std::vector<std::uint32_t> of(const char* role, const char* layer, std::int64_t step,
                                std::int64_t piece) const {
    EncodeCall encode{.role = role, .layer = layer, .run_seed = call_.run_seed, .range = {}};
    encode.context.phase = Phase::train;
    encode.context.compute_dtype = format_.type;
    encode.context.step = step;
    // Pieces of a weight cannot be told apart by their first sequence.
    encode.context.micro_step = std::string(role) == "weight" ? piece : 0;
    encode.context.first_sequence = std::string(role) == "weight" ? 0 : piece * kPiece;
    const at::Tensor after = probe_.encode(before_.to(call_.device), values_, encode);
    return flipped_bits(before_, after, format_);
  }

 private:
  const BitFlipProbe& probe_;
  ParamValues values_;
  const SelfCheckCall& call_;
  const Format& format_;
  at::Tensor before_;
};

void add_rates(const Flips& flips, const Format& format, const char* role, double exponent,
               double fraction, std::int64_t samples, const std::string& title,
               std::vector<NoiseCheck>& checks) {
  std::array<std::int64_t, 32> counts{};
  std::int64_t trials = 0;
  for (std::int64_t piece = 0; trials < samples; ++piece, trials += kPiece) {
    for (std::uint32_t word : flips.of(role, kLayer, 0, piece)) {
      for (; word != 0; word &= word - 1) ++counts[std::countr_zero(word)];
    }
  }
  for (int bit = format.bits - 1; bit >= 0; --bit) {
    const bool is_fraction = bit < format.fraction_bits;
    const double rate = is_fraction ? fraction : exponent;
    const char* field = is_fraction ? "fraction" : bit == format.bits - 1 ? "sign" : "exponent";
    const std::string name = fmt::format("{}: rate of bit {} ({})", title, bit, field);
    if (rate > 0) {
      checks.push_back(check_rate(name, counts[bit], trials, rate));
    } else {
      checks.push_back({.name = name + ", off",
                        .value = static_cast<double>(counts[bit]),
                        .samples = trials,
                        .pass = counts[bit] == 0});
    }
  }
}

void add_correlations(const Flips& flips, const Format& format, std::int64_t samples,
                      const std::string& title, std::vector<NoiseCheck>& checks) {
  const std::uint32_t fraction = (1u << format.fraction_bits) - 1;
  const std::uint32_t all = format.bits == 32 ? ~0u : 0xFFFFu;
  CorrelationSums next, fields, layers, steps, operands;
  for (std::int64_t piece = 0; next.count() < samples; ++piece) {
    const auto own_words = flips.of("x", kLayer, 0, piece);
    const std::vector<float> own = hits(own_words, all);
    const auto against = [&](CorrelationSums& sums, const char* role, const char* layer,
                             std::int64_t step) {
      sums.add(own.data(), hits(flips.of(role, layer, step, piece), all).data(), kPiece);
    };
    next.add(own.data(), own.data() + 1, kPiece - 1);
    fields.add(hits(own_words, fraction).data(), hits(own_words, all & ~fraction).data(), kPiece);
    against(layers, "x", kOtherLayer, 0);
    against(steps, "x", kLayer, 1);
    against(operands, "weight", kLayer, 0);
  }
  checks.push_back(check_uncorrelated(title + ": lag 1", next));
  checks.push_back(check_uncorrelated(title + ": exponent, fraction", fields));
  checks.push_back(check_uncorrelated(title + ": two layers", layers));
  checks.push_back(check_uncorrelated(title + ": two steps", steps));
  checks.push_back(check_uncorrelated(title + ": activations, weights", operands));
}

}  // namespace

std::vector<NoiseCheck> BitFlipProbe::self_check(const ParamValues& values,
                                                 const SelfCheckCall& call) const {
  const at::NoGradGuard no_gradient;
  const std::array names = {"x_p_exp", "x_p_frac", "w_p_exp", "w_p_frac"};
  const bool is_given = std::any_of(names.begin(), names.end(),
                                    [&](const char* name) { return is_set(values.get(name)); });
  std::vector<NoiseCheck> checks;
  for (const Format& format : kFormats) {
    for (const double rate : {0x1p-4, 0x1p-12}) {
      if (is_given && rate != 0x1p-4) continue;
      ParamValues used = values;
      used.set("storage_dtype", unset);
      used.set("x_zero_out_t", unset);
      used.set("w_zero_out_t", unset);
      for (const char* name : names) {
        if (!is_given) used.set(name, rate);
      }
      const auto rate_of = [&](const char* name) {
        const ParamValue value = used.get(name);
        return is_set(value) ? used.get_scheduled_real(name).at(0) : 0.0;
      };
      const std::string title =
          is_given ? format.name : fmt::format("{}, 2^{:.0f}", format.name, std::log2(rate));
      const Flips flips(*this, used, call, format);
      add_rates(flips, format, "x", rate_of("x_p_exp"), rate_of("x_p_frac"), call.samples, title,
                checks);
      if (format.bits == 32) {
        add_rates(flips, format, "weight", rate_of("w_p_exp"), rate_of("w_p_frac"), call.samples,
                  title + ", weights", checks);
        if (rate_of("x_p_exp") > 0 && rate_of("x_p_frac") > 0 && rate_of("w_p_frac") > 0) {
          add_correlations(flips, format, call.samples, title, checks);
        }
      }
    }
  }
  return checks;
}

}  // namespace engine::random_bitflip
