// SPDX-License-Identifier: GPL-3.0-or-later
// Read-outs of a raw product against the reference's of the same values, bit for bit, and what
// follows them in one kernel against the two kernels that do it one after the other.
#include "kernels/optical_linear/raw_read_out.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/swiglu/swiglu.h"
#include "tests/support/cuda_range.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace kernels {
namespace {

using tests::CudaBuffer;
using tests::CudaRange;
using tests::CudaRows;

/// The product of operands whose ranges end at 3 and at 0.2, of one or more layers.
class Product {
 public:
  Product(std::int64_t rows, std::vector<std::int64_t> cols, unsigned seed = 1)
      : rows_(rows), cols_(std::move(cols)) {
    for (const std::int64_t count : cols_) width_ += count;
    values_ = tests::bf16_numbers(rows * width_, seed);
  }
  void set(std::int64_t place, float value) { values_[static_cast<std::size_t>(place)] = value; }

  std::int64_t rows() const { return rows_; }
  std::int64_t width() const { return width_; }
  std::int64_t cols(std::size_t layer) const { return cols_[layer]; }
  CudaBuffer<__half> halves() const {
    std::vector<__half> all;
    for (const float value : values_) all.push_back(__float2half_rn(value));
    return CudaBuffer<__half>(all);
  }
  CudaBuffer<float> floats() const { return CudaBuffer<float>(values_); }

  /// The true products: factors 2^-1 of the input and 2^2 of the weight are taken off.
  std::vector<float> of_layer(std::size_t layer, bool in_halves) const {
    std::int64_t first = 0;
    for (std::size_t i = 0; i < layer; ++i) first += cols_[i];
    std::vector<float> part;
    for (std::int64_t row = 0; row < rows_; ++row) {
      for (std::int64_t i = first; i < first + cols_[layer]; ++i) {
        const float value = values_[static_cast<std::size_t>(row * width_ + i)];
        const float raw = in_halves ? __half2float(__float2half_rn(value)) : value;
        part.push_back(raw / 2);
      }
    }
    return part;
  }

 private:
  std::int64_t rows_, width_ = 0;
  std::vector<std::int64_t> cols_;
  std::vector<float> values_;
};

constexpr float kStart[2] = {-0.9f, 1.1f};

/// Ranges of a product's layers, as they are before it.
struct Layers {
  explicit Layers(const Product& product, bool noisy = true, std::uint64_t first_element = 64)
      : input({-1, 3}), weight({-0.2f, 0.1f}) {
    for (std::size_t i = 0; i < 3 && (i == 0 || i < product_layers(product)); ++i) {
      ranges.push_back(std::make_unique<CudaRange>(std::vector<float>(kStart, kStart + 2)));
      cuda::RawColumns& one = columns.emplace_back();
      one.cols = product.cols(i);
      one.how.noisy = noisy;
      one.how.noise = {77 + i, {3, 1}, first_element + 4 * i, nullptr};
      one.running = ranges.back()->running(0.75f, /*uses_new=*/false);
      one.input_range = input.data();
      one.weight_range = weight.data();
    }
  }
  static std::size_t product_layers(const Product& product) {
    std::int64_t width = 0;
    std::size_t count = 0;
    while (width < product.width()) width += product.cols(count++);
    return count;
  }

  CudaBuffer<float> input, weight;
  std::vector<std::unique_ptr<CudaRange>> ranges;
  std::vector<cuda::RawColumns> columns;
};

void expect_reference(const Product& product, const Layers& layers, const std::vector<float>& y,
                      bool in_halves) {
  std::int64_t first = 0;
  for (std::size_t i = 0; i < layers.columns.size(); ++i) {
    const std::int64_t cols = product.cols(i);
    auto values = product.of_layer(i, in_halves);
    ReadOut how = layers.columns[i].how;
    how.range = kStart;
    const Range seen =
        reference::read_out(values.data(), product.rows(), cols, how, values.data(), cols);
    for (std::int64_t row = 0; row < product.rows(); ++row) {
      for (std::int64_t j = 0; j < cols; ++j) {
        const float expected =
            __bfloat162float(__float2bfloat16(values[static_cast<std::size_t>(row * cols + j)]));
        ASSERT_EQ(y[static_cast<std::size_t>(row * product.width() + first + j)], expected)
            << "layer " << i << ", row " << row << ", column " << j;
      }
    }
    float state[2] = {kStart[0], kStart[1]};
    update_range(state, seen, 0.75f);
    EXPECT_EQ(layers.ranges[i]->state.host(), std::vector<float>(state, state + 2));
    EXPECT_EQ(layers.ranges[i]->used.host(), std::vector<float>(kStart, kStart + 2));
    first += cols;
  }
}

TEST(RawReadOutCuda, EveryLayersColumnsAreReadOutAsATensorOfTheirOwn) {
  SKIP_WITHOUT_DEVICE();
  for (const auto& cols : {std::vector<std::int64_t>{40, 8, 24}, {64, 64}, {1000}}) {
    for (const std::int64_t rows : {1, 301}) {
      for (const bool noisy : {true, false}) {
        const Product product(rows, cols);
        for (const bool in_halves : {true, false}) {
          const Layers layers(product, noisy);
          ASSERT_TRUE(cuda::can_read_out_raw(layers.columns));
          const CudaRows y(rows * product.width(), ElementType::bf16);
          const auto halves = product.halves();
          const auto floats = product.floats();
          cuda::read_out_raw(in_halves ? static_cast<void*>(halves.data()) : floats.data(),
                             in_halves ? ElementType::fp16 : ElementType::fp32, rows,
                             layers.columns, y.data(), {});
          expect_reference(product, layers, y.host(), in_halves);
        }
      }
    }
  }
}

TEST(RawReadOutCuda, TakesWholeEightsThatBeginWithABlockOfNoise) {
  cuda::RawColumns one;
  one.cols = 12;
  EXPECT_FALSE(cuda::can_read_out_raw({&one, 1}));
  one.cols = 16;
  EXPECT_TRUE(cuda::can_read_out_raw({&one, 1}));
  one.how.noise.first_element = 2;
  EXPECT_FALSE(cuda::can_read_out_raw({&one, 1}));
}

TEST(RawReadOutCuda, SwigluOnTheWayIsReadingOutAndSwigluAfterwards) {
  SKIP_WITHOUT_DEVICE();
  for (const std::int64_t width : {8, 72, 1408}) {
    for (const std::int64_t rows : {1, 517}) {
      SCOPED_TRACE(testing::Message() << rows << " x " << width);
      const Product product(rows, {width, width});
      const auto raw = product.halves();
      const Layers apart(product), fused(product);
      const CudaRows values(2 * rows * width, ElementType::bf16),
          expected(rows * width, ElementType::bf16), y(rows * width, ElementType::bf16);
      cuda::read_out_raw(raw.data(), ElementType::fp16, rows, apart.columns, values.data(), {});
      cuda::swiglu_rows(values.data(), ElementType::bf16, rows, width, expected.data(), {});
      const CudaBuffer<std::uint8_t> codes(static_cast<std::size_t>(2 * rows * width));
      const CudaBuffer<float> code_ranges(std::size_t{4});
      const CudaRange next({-1, 1}), next_expected({-1, 1});
      cuda::swiglu_read_out(raw.data(), rows, fused.columns[0], fused.columns[1], y.data(),
                            codes.data(), code_ranges.data(), next.scratch.data(), {});
      EXPECT_EQ(y.host(), expected.host());
      cuda::observe(expected.data(), ElementType::bf16, rows * width, next_expected.scratch.data(),
                    {});
      EXPECT_EQ(next.scratch.host(), next_expected.scratch.host());
      for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(fused.ranges[i]->state.host(), apart.ranges[i]->state.host());
        EXPECT_EQ(fused.ranges[i]->used.host(), apart.ranges[i]->used.host());
        EXPECT_EQ(fused.ranges[i]->scratch.host(), apart.ranges[i]->scratch.host());
      }

      const CudaRows dy(tests::bf16_numbers(rows * width, 5), ElementType::bf16),
          gradient(2 * rows * width, ElementType::bf16),
          expected_gradient(2 * rows * width, ElementType::bf16);
      cuda::swiglu_rows_gradient(values.data(), dy.data(), ElementType::bf16, rows, width,
                                 expected_gradient.data(), {});
      cuda::swiglu_codes_gradient(codes.data(), code_ranges.data(), 256, dy.data(), rows, width,
                                  gradient.data(), {});
      EXPECT_EQ(gradient.host(), expected_gradient.host());
    }
  }
}

TEST(RawReadOutCuda, HeadsOnTheWayAreReadingOutAndSplittingAfterwards) {
  SKIP_WITHOUT_DEVICE();
  for (const cuda::QkvShape& shape : {cuda::QkvShape{1, 3, 1, 1, 4}, {2, 50, 6, 2, 32}}) {
    const std::int64_t rows = shape.batch * shape.sequence;
    const std::int64_t head = 2 * shape.half;
    const Product product(rows, {shape.heads * head, shape.kv_heads * head, shape.kv_heads * head});
    const auto raw = product.halves();
    for (const bool noisy : {true, false}) {
      const Layers apart(product, noisy), fused(product, noisy);
      const CudaBuffer<float> cos(tests::bf16_numbers(shape.sequence * shape.half, 3)),
          sin(tests::bf16_numbers(shape.sequence * shape.half, 4));
      const CudaRows values(rows * product.width(), ElementType::bf16);
      cuda::read_out_raw(raw.data(), ElementType::fp16, rows, apart.columns, values.data(), {});
      std::vector<std::unique_ptr<CudaRows>> expected, actual;
      for (std::size_t i = 0; i < 3; ++i) {
        expected.push_back(std::make_unique<CudaRows>(rows * product.cols(i), ElementType::bf16));
        actual.push_back(std::make_unique<CudaRows>(rows * product.cols(i), ElementType::bf16));
      }
      cuda::split_heads(values.data(), ElementType::bf16, shape, cos.data(), sin.data(),
                        expected[0]->data(), expected[1]->data(), expected[2]->data(), {});
      ASSERT_TRUE(cuda::can_read_out_heads(fused.columns, shape));
      cuda::heads_read_out(raw.data(), fused.columns, shape, cos.data(), sin.data(),
                           actual[0]->data(), actual[1]->data(), actual[2]->data(), {});
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(actual[i]->host(), expected[i]->host()) << i;
        EXPECT_EQ(fused.ranges[i]->state.host(), apart.ranges[i]->state.host());
        EXPECT_EQ(fused.ranges[i]->used.host(), apart.ranges[i]->used.host());
        EXPECT_EQ(fused.ranges[i]->scratch.host(), apart.ranges[i]->scratch.host());
      }
    }
  }
}

TEST(RawReadOutCuda, TheNormOnTheWayIsReadingOutAndNormingAfterwards) {
  SKIP_WITHOUT_DEVICE();
  for (const std::int64_t width : {8, 384, 960, 1536, 2048}) {
    for (const std::int64_t rows : {1, 5003}) {
      SCOPED_TRACE(testing::Message() << rows << " x " << width);
      const Product product(rows, {width});
      const auto raw = product.halves();
      const Layers apart(product), fused(product);
      const CudaBuffer<float> weight(tests::bf16_numbers(width, 3)), scale(rows),
          expected_scale(rows);
      const CudaRows x(tests::bf16_numbers(rows * width, 2), ElementType::bf16),
          delta(rows * width, ElementType::bf16), sum(rows * width, ElementType::bf16),
          y(rows * width, ElementType::bf16), expected_sum(rows * width, ElementType::bf16),
          expected(rows * width, ElementType::bf16);
      const CudaRange next({-1, 1}), expected_next({-1, 1});
      cuda::read_out_raw(raw.data(), ElementType::fp16, rows, apart.columns, delta.data(), {});
      cuda::rms_norm(x.data(), delta.data(), weight.data(), ElementType::bf16, rows, width, 1e-5f,
                     expected_sum.data(), expected.data(), expected_scale.data(),
                     expected_next.scratch.data(), {});
      ASSERT_TRUE(cuda::can_read_out_norm(fused.columns[0]));
      cuda::norm_read_out(raw.data(), x.data(), weight.data(), fused.columns[0], rows, 1e-5f,
                          sum.data(), y.data(), scale.data(), next.scratch.data(), {});
      EXPECT_EQ(sum.host(), expected_sum.host());
      EXPECT_EQ(y.host(), expected.host());
      EXPECT_EQ(scale.host(), expected_scale.host());
      EXPECT_EQ(next.scratch.host(), expected_next.scratch.host());
      EXPECT_EQ(fused.ranges[0]->state.host(), apart.ranges[0]->state.host());
      EXPECT_EQ(fused.ranges[0]->used.host(), apart.ranges[0]->used.host());
      EXPECT_EQ(fused.ranges[0]->scratch.host(), apart.ranges[0]->scratch.host());
    }
  }
}

TEST(RawReadOutCuda, ErrorsAreThoseOfTheReadOutThatFollows) {
  SKIP_WITHOUT_DEVICE();
  for (const std::int64_t rows : {1, 301, 9000}) {
    const Product product(rows, {40, 8, 24});
    for (const bool in_halves : {true, false}) {
      const Layers layers(product);
      const auto halves = product.halves();
      const auto floats = product.floats();
      std::int64_t first = 0;
      for (std::size_t i = 0; i < 3; ++i) {
        SCOPED_TRACE(testing::Message() << rows << " rows, layer " << i);
        const std::int64_t cols = product.cols(i);
        const std::int64_t compared = std::min<std::int64_t>(rows, 250);
        auto values = product.of_layer(i, in_halves);
        const auto clamped = std::count_if(values.begin(), values.end(), [](float value) {
          return value < kStart[0] || value > kStart[1];
        });
        ReadOut how = layers.columns[i].how;
        how.range = kStart;
        reference::read_out(values.data(), rows, cols, how, values.data(), cols);
        const auto wanted = tests::bf16_numbers(compared * cols, 9);
        double signal = 0, noise = 0;
        for (std::size_t j = 0; j < wanted.size(); ++j) {
          signal += std::pow(double{wanted[j]}, 2);
          noise += std::pow(double{values[j]} - wanted[j], 2);
        }

        const CudaBuffer<float> exact(wanted);
        const CudaBuffer<double> sums(static_cast<std::size_t>(cuda::kErrorSums));
        const auto measured = [&] {
          const CudaBuffer<float> errors(std::size_t{2});
          const void* const raw = in_halves ? static_cast<const void*>(halves.data() + first)
                                            : static_cast<const void*>(floats.data() + first);
          cuda::read_out_errors(raw, in_halves ? ElementType::fp16 : ElementType::fp32, rows,
                                product.width(), layers.columns[i], {exact.data(), compared},
                                sums.data(), errors.data(), {});
          return errors.host();
        };
        const auto scratch = layers.ranges[i]->scratch.host();
        const auto errors = measured();
        EXPECT_EQ(errors[0], static_cast<float>(static_cast<double>(clamped) /
                                                static_cast<double>(values.size())));
        EXPECT_NEAR(errors[1], 10 * std::log10(signal / noise), 1e-4);
        EXPECT_EQ(layers.ranges[i]->state.host(), std::vector<float>(kStart, kStart + 2));
        EXPECT_EQ(layers.ranges[i]->scratch.host(), scratch);
        EXPECT_EQ(measured(), errors);
        first += cols;
      }
    }
  }
}

TEST(RawReadOutCuda, ANanReachesTheOutputAndTheGradient) {
  SKIP_WITHOUT_DEVICE();
  Product product(4, {16, 16});
  product.set(2 * 32 + 5, NAN);  // of the gate
  const auto raw = product.halves();
  const Layers layers(product);
  const CudaRows y(64, ElementType::bf16), dy(tests::bf16_numbers(64, 5), ElementType::bf16),
      gradient(128, ElementType::bf16);
  const CudaBuffer<std::uint8_t> codes(std::size_t{128});
  const CudaBuffer<float> code_ranges(std::size_t{4});
  cuda::swiglu_read_out(raw.data(), 4, layers.columns[0], layers.columns[1], y.data(), codes.data(),
                        code_ranges.data(), nullptr, {});
  const auto out = y.host();
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(std::isnan(out[i]), i == 2 * 16 + 5) << i;
  EXPECT_EQ(layers.ranges[0]->state.host(), std::vector<float>(kStart, kStart + 2));
  EXPECT_EQ(layers.ranges[0]->rejected.host()[0], 1);
  cuda::swiglu_codes_gradient(codes.data(), code_ranges.data(), 256, dy.data(), 4, 16,
                              gradient.data(), {});
  EXPECT_TRUE(std::isnan(gradient.host()[2 * 32 + 5]));
}

}  // namespace
}  // namespace kernels

#endif
