// SPDX-License-Identifier: GPL-3.0-or-later
// The products of what layers share, corrected, are the products of what each layer sees.
#include "tests/kernels/bit_flip/device_notes.h"
#include "tests/kernels/bit_flip/some_words.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include "kernels/swiglu/swiglu.h"

#include <bit>
#include <climits>
#include <cmath>
#include <deque>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace kernels {
namespace {

using enum ElementType;
using tests::CudaBuffer;
using tests::DeviceNotes;
using tests::Words;
using Numbers = std::vector<double>;

std::uint16_t word_of(double value, ElementType type) {
  return static_cast<std::uint16_t>(
      converted_word(std::bit_cast<std::uint32_t>(static_cast<float>(value)), fp32, type));
}

Numbers numbers_of(const Words& words, ElementType type) {
  Numbers numbers;
  for (const std::uint16_t word : words) {
    numbers.push_back(std::bit_cast<float>(converted_word(word, type, fp32)));
  }
  return numbers;
}

/// Between -range and range.
Words spread_words(std::size_t count, ElementType type, double range, std::uint64_t seed) {
  Words words;
  for (std::size_t i = 0; i < count; ++i) {
    const double unit = static_cast<double>(mix(seed + i) >> 11) * 0x1p-52 - 1;
    words.push_back(word_of(range * unit, type));
  }
  return words;
}

class Group {
 public:
  Group(ElementType type, std::size_t rows, std::size_t columns,
        const std::vector<std::size_t>& outputs, int h, double threshold)
      : type_(type), rows_(rows), columns_(columns), outputs_(outputs) {
    for (const std::size_t count : outputs) {
      counts_.push_back(static_cast<std::int64_t>(count));
      all_outputs_ += count;
    }
    const Words clean = spread_words(rows * columns, type, 2, 1);
    x_ = std::make_unique<CudaBuffer<std::uint16_t>>(clean);
    notes_ = std::make_unique<DeviceNotes>(rows, columns, outputs.size());
    std::vector<BitFlip> hows;
    for (std::size_t layer = 0; layer < outputs.size(); ++layer) {
      BitFlip how = tests::flips_of(type, h, h, 0);
      how.exponent.key += layer;
      how.zero_from = zero_out_word(threshold, type);
      hows.push_back(how);
      Words seen(clean.size());
      reference::flip(clean.data(), type, static_cast<std::int64_t>(seen.size()), how, seen.data(),
                      type, nullptr);
      seen_.push_back(numbers_of(seen, type));
      std::vector<float> kept(clean.size(), 1);
      reference::stop_gradient(clean.data(), type, static_cast<std::int64_t>(kept.size()), how,
                               kept.data(), fp32);
      kept_.push_back(std::move(kept));
    }
    cuda::note_flips(
        {x_->data(), static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)}, hows,
        notes_->notes(), nullptr, {});
    base_ = numbers_of(x_->host(), type);
    const Words weights = spread_words(columns * all_outputs_, type, 0.5, 2);
    weights_ = numbers_of(weights, type);
    device_weights_ = std::make_unique<CudaBuffer<std::uint16_t>>(weights);
  }

  cuda::NotedGroup noted() const {
    cuda::FlipNotes notes = notes_->notes();
    // A layer alone saw its flips itself: nothing is listed by column.
    if (outputs_.size() == 1) notes.panels = nullptr;
    return {type_,   static_cast<std::int64_t>(rows_), static_cast<std::int64_t>(columns_),
            counts_, device_weights_->data(),          notes};
  }

  std::size_t layer_of(std::size_t output) const {
    std::size_t layer = 0;
    while (output >= outputs_[layer]) output -= outputs_[layer++];
    return layer;
  }

  void list_by_column() const {
    const CudaBuffer<std::uint16_t> y(Words(rows_ * all_outputs_));
    cuda::correct_outputs(noted(), y.data(), {});
  }

  /// From the product of the shared input, in the operands' type.
  void expect_outputs() const {
    const auto output_of = [&](const auto& x_of, std::size_t row, std::size_t output) {
      double sum = 0;
      const Numbers& x = x_of(layer_of(output));
      for (std::size_t k = 0; k < columns_; ++k) {
        sum += x[row * columns_ + k] * weights_[k * all_outputs_ + output];
      }
      return sum;
    };
    const auto shared = [&](std::size_t) -> const Numbers& { return base_; };
    const auto own = [&](std::size_t layer) -> const Numbers& { return seen_[layer]; };
    Words y;
    for (std::size_t i = 0; i < rows_ * all_outputs_; ++i) {
      y.push_back(word_of(output_of(shared, i / all_outputs_, i % all_outputs_), type_));
    }
    const CudaBuffer<std::uint16_t> device(y);
    cuda::correct_outputs(noted(), device.data(), {});
    const Words corrected = device.host();
    const Numbers result = numbers_of(corrected, type_);
    std::size_t changed = 0;
    for (std::size_t i = 0; i < result.size(); ++i) {
      const double expected = output_of(own, i / all_outputs_, i % all_outputs_);
      ASSERT_NEAR(result[i], expected, 0.02 * std::abs(expected) + 0.06) << i;
      changed += corrected[i] != y[i];
    }
    EXPECT_GT(changed, 0u);
  }

  /// Of gate and up, what correct_outputs() and swiglu_rows() make one behind the other.
  void expect_gated(bool is_listed) const {
    cuda::NotedGroup group = noted();
    if (!is_listed) group.notes.panels = nullptr;
    const Words product = spread_words(rows_ * all_outputs_, type_, 3, 4);
    const auto rows = static_cast<std::int64_t>(rows_), width = counts_[0];
    struct Outcome {
      explicit Outcome(const Words& product_of)
          : gate_up(product_of), y(Words(product_of.size() / 2)) {}
      CudaBuffer<std::uint16_t> gate_up, y;
      CudaBuffer<int> range{std::vector<int>{INT_MAX, INT_MIN, 0}};
      std::vector<std::uint32_t> lists;
    };
    Outcome apart(product), together(product);
    if (is_listed) {
      cuda::correct_outputs(group, apart.gate_up.data(), {});
      apart.lists = notes_->lists();
      notes_->forget_lists();
    }
    cuda::swiglu_rows(apart.gate_up.data(), type_, rows, width, apart.y.data(), {});
    cuda::observe(apart.y.data(), type_, rows * width, apart.range.data(), {});
    cuda::gate_outputs(group, together.gate_up.data(), together.y.data(), together.range.data(),
                       {});
    if (is_listed) together.lists = notes_->lists();
    EXPECT_EQ(together.gate_up.host(), apart.gate_up.host());
    EXPECT_EQ(together.y.host(), apart.y.host());
    EXPECT_EQ(together.range.host(), apart.range.host());
    EXPECT_EQ(together.lists, apart.lists);
    EXPECT_EQ(apart.gate_up.host() == product, !is_listed);
  }

  void expect_gradients() const {
    const Words g_words = spread_words(rows_ * all_outputs_, type_, 1, 3);
    const Numbers g = numbers_of(g_words, type_);
    const CudaBuffer<std::uint16_t> outputs(g_words);
    Words dx;
    for (std::size_t i = 0; i < rows_ * columns_; ++i)
      dx.push_back(word_of(dx_of(g, i, false), type_));
    std::vector<float> dw;
    std::vector<std::vector<std::uint32_t>> zeroed;
    for (std::size_t output = 0; output < all_outputs_; ++output) {
      for (std::size_t k = 0; k < columns_; ++k) {
        dw.push_back(static_cast<float>(dw_of(g, output, k, base_)));
      }
    }
    const CudaBuffer<std::uint16_t> device_dx(dx);
    const CudaBuffer<float> device_dw(dw);
    cuda::GroupGradients gradients{outputs.data(), device_dx.data(), device_dw.data(), {}};
    std::deque<CudaBuffer<std::uint32_t>> device_zeroed;
    for (std::size_t layer = 0; layer < outputs_.size(); ++layer) {
      std::vector<std::uint32_t> bits(static_cast<std::size_t>(
          cuda::zero_words(static_cast<std::int64_t>(outputs_[layer] * columns_), 0)));
      for (std::size_t i = 0; i < outputs_[layer] * columns_; ++i) {
        if (mix(i + layer) % 100 == 0) bits[i / 32] |= 1u << (i % 32);
      }
      zeroed.push_back(bits);
      device_zeroed.emplace_back(bits);
      if (layer != 1) gradients.zeroed_weights[layer] = device_zeroed.back().data();
    }
    if (outputs_.size() > 1) list_by_column();
    cuda::correct_gradients(noted(), gradients, {});

    const Numbers dx_result = numbers_of(device_dx.host(), type_);
    for (std::size_t i = 0; i < dx_result.size(); ++i) {
      const double expected = dx_of(g, i, true);
      ASSERT_NEAR(dx_result[i], expected, 0.01 * std::abs(expected) + 1e-3) << i;
    }
    const std::vector<float> dw_result = device_dw.host();
    std::size_t first = 0;
    for (std::size_t layer = 0; layer < outputs_.size(); ++layer) {
      for (std::size_t i = 0; i < outputs_[layer] * columns_; ++i) {
        const std::size_t place = first * columns_ + i;
        const bool stops = layer != 1 && (zeroed[layer][i / 32] >> (i % 32) & 1) != 0;
        const Numbers& x = outputs_.size() > 1 ? seen_[layer] : base_;
        const double expected = stops ? 0 : dw_of(g, place / columns_, place % columns_, x);
        ASSERT_NEAR(dw_result[place], expected, stops ? 0 : 1e-4) << layer << " " << i;
      }
      first += outputs_[layer];
    }
  }

 private:
  double dx_of(const Numbers& g, std::size_t element, bool stops) const {
    const std::size_t row = element / columns_, column = element % columns_;
    double sum = 0;
    for (std::size_t output = 0; output < all_outputs_; ++output) {
      if (stops && kept_[layer_of(output)][element] == 0) continue;
      sum += g[row * all_outputs_ + output] * weights_[column * all_outputs_ + output];
    }
    return sum;
  }
  double dw_of(const Numbers& g, std::size_t output, std::size_t column, const Numbers& x) const {
    double sum = 0;
    for (std::size_t row = 0; row < rows_; ++row) {
      sum += g[row * all_outputs_ + output] * x[row * columns_ + column];
    }
    return sum;
  }

  ElementType type_;
  std::size_t rows_, columns_;
  std::vector<std::size_t> outputs_;
  std::vector<std::int64_t> counts_;
  std::size_t all_outputs_ = 0;
  std::unique_ptr<CudaBuffer<std::uint16_t>> x_, device_weights_;
  std::unique_ptr<DeviceNotes> notes_;
  std::vector<Numbers> seen_;             ///< of each layer
  std::vector<std::vector<float>> kept_;  ///< 0 where the layer's gradient stops
  Numbers base_, weights_;                ///< [columns][outputs]
};

TEST(CorrectGroupCuda, ProductsAreThoseOfWhatEveryLayerSees) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : {bf16, fp16}) {
    // One value in 40 is too large for 1.95.
    for (const double threshold : {30.0, 1.95}) {
      for (const auto& outputs :
           std::vector<std::vector<std::size_t>>{{24, 8, 8}, {40, 40}, {304, 8}}) {
        for (const auto& [rows, columns] : {std::pair{700, 64}, {90, 384}, {130, 32}}) {
          SCOPED_TRACE(testing::Message() << rows << " x " << columns << ", " << outputs.size()
                                          << " layers up to " << threshold);
          const Group group(type, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns),
                            outputs, 13, threshold);
          group.expect_outputs();
          group.expect_gradients();
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(CorrectGroupCuda, GateAndUpAreCorrectedOnTheWayIntoSwiglu) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : {bf16, fp16}) {
    for (const double threshold : {30.0, 1.95}) {
      for (const auto& [rows, columns, width] :
           {std::tuple{700, 64, 40}, {90, 384, 304}, {1300, 96, 8}, {70, 32, 2056}}) {
        SCOPED_TRACE(testing::Message()
                     << rows << " x " << columns << " x " << width << " up to " << threshold);
        const auto outputs = static_cast<std::size_t>(width);
        const Group group(type, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns),
                          {outputs, outputs}, 13, threshold);
        group.expect_gated(true);
        group.expect_gated(false);
      }
    }
  }
}

TEST(CorrectGroupCuda, OfALayerAloneGradientsStop) {
  SKIP_WITHOUT_DEVICE();
  for (const double threshold : {30.0, 1.95}) {
    Group(bf16, 300, 96, {48}, 13, threshold).expect_gradients();
  }
}

TEST(CorrectGroupCuda, InTurnsEveryLayerSeesItsOwnFlips) {
  SKIP_WITHOUT_DEVICE();
  constexpr std::int64_t kRows = 600, kColumns = 96;
  for (const double threshold : {1e9, 30.0, 0.02}) {
    const Words clean = tests::some_words(kRows * kColumns, bf16);
    std::vector<BitFlip> hows;
    for (std::uint64_t layer = 0; layer < 3; ++layer) {
      hows.push_back(tests::flips_of(bf16, 13, 13, 0));
      hows.back().exponent.key += layer;
      hows.back().zero_from = zero_out_word(threshold, bf16);
    }
    const CudaBuffer<std::uint16_t> x(clean);
    const DeviceNotes notes(kRows, kColumns, 3);
    cuda::note_flips({x.data(), kRows, kColumns}, hows, notes.notes(), x.data(), {});
    const std::vector<std::int64_t> outputs = {8, 8, 8};
    const cuda::NotedGroup group{bf16, kRows, kColumns, outputs, nullptr, notes.notes()};
    std::size_t now = 0;
    for (const std::size_t layer : {0, 1, 2, 1, 0, 2}) {
      if (layer != now) cuda::turn_flips(group, x.data(), now, layer, {});
      now = layer;
      Words expected(clean.size());
      reference::flip(clean.data(), bf16, kRows * kColumns, hows[layer], expected.data(), bf16,
                      nullptr);
      ASSERT_EQ(x.host(), expected) << layer << " up to " << threshold;
    }
  }
}

TEST(CorrectGroupCuda, SumsAreTheSameEveryTime) {
  SKIP_WITHOUT_DEVICE();
  const Group group(bf16, 4000, 32, {64, 64}, 13, 30);
  const CudaBuffer<std::uint16_t> outputs(spread_words(4000 * 128, bf16, 1, 3));
  std::vector<std::vector<float>> results;
  for (int i = 0; i < 3; ++i) {
    const CudaBuffer<std::uint16_t> dx(Words(4000 * 32));
    const CudaBuffer<float> dw(std::vector<float>(128 * 32));
    group.list_by_column();
    cuda::correct_gradients(group.noted(), {outputs.data(), dx.data(), dw.data(), {}}, {});
    results.push_back(dw.host());
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

}  // namespace
}  // namespace kernels

#else
TEST(CorrectGroupCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
