// SPDX-License-Identifier: GPL-3.0-or-later
// One layer's columns of a raw product on the device: eight neighbours at a time.
#pragma once

#include "kernels/device/noise.cuh"
#include "kernels/device/range.cuh"
#include "kernels/level_quantiser/level.h"
#include "kernels/optical_linear/raw_read_out.h"
#include "kernels/optical_linear/unit_codes.cuh"

namespace kernels::device {

/// cuda::RawColumns with the keys of its noise, as a kernel gets it.
struct ColumnsToRead {
  cuda::RawColumns columns;
  PhiloxRoundKeys keys;

  explicit ColumnsToRead(const cuda::RawColumns& of) : columns(of), keys(of.how.noise.key) {}
};

/// The range of a thread's raw values, two halves at a time.
class RawRange {
 public:
  template <int kCount>
  __device__ void add(const __half (&raw)[kCount]) {
#pragma unroll
    for (int j = 0; j < kCount; j += 2) {
      const __half2 two = __halves2half2(raw[j], raw[j + 1]);
      lo_ = __hmin2_nan(lo_, two);
      hi_ = __hmax2_nan(hi_, two);
    }
  }
  template <int kCount>
  __device__ void add(const float (&raw)[kCount]) {
#pragma unroll
    for (int j = 0; j < kCount; ++j) wide_.add(raw[j]);
  }

  /// Of the values that the raw ones stand for.
  __device__ RangeAccumulator scaled(float scale) const {
    ThreadRange range = wide_;
    range.lo = least(range.lo, least(to_float(lo_.x), to_float(lo_.y))) * scale;
    range.hi = greatest(range.hi, greatest(to_float(hi_.x), to_float(hi_.y))) * scale;
    return range.accumulated();
  }

 private:
  __half2 lo_ = __half2half2(__ushort_as_half(0x7C00)),
          hi_ = __half2half2(__ushort_as_half(0xFC00));
  ThreadRange wide_;
};

/// Reads out and remembers the range of what it read.
template <bool noisy>
class ColumnReader {
 public:
  __device__ explicit ColumnReader(const ColumnsToRead& from)
      : keys_(from.keys),
        grid_(from.columns.running.state, from.columns.how.levels),
        scale_(product_scale(from.columns.input_range, from.columns.weight_range)),
        time_(time_of(from.columns.how.noise)),
        first_block_(from.columns.how.noise.first_element / 4) {}

  /// Levels 0 ... L - 1 of kCount neighbours that begin with a block of noise, the first of them
  /// `element` of the layer's tensor.
  template <int kCount, typename Raw>
  __device__ void read(const Raw (&raw)[kCount], std::uint64_t element, float (&code)[kCount]) {
    constexpr int kBlocks = kCount / 4;
    PhiloxBlock words[kBlocks] = {};
    if constexpr (noisy) {
      std::uint64_t blocks[kBlocks];
#pragma unroll
      for (int i = 0; i < kBlocks; ++i) blocks[i] = first_block_ + element / 4 + i;
      noise_blocks(keys_, blocks, time_, words);
    }
    seen_.add(raw);
#pragma unroll
    for (int j = 0; j < kCount; ++j) {
      const float value = product(raw[j]);
      const float xi = noisy ? uniform_from_word(words[j / 4].word[j % 4]) - 0.5f : 0.0f;
      code[j] = grid_.code(value, xi);
    }
  }
  __device__ float value(float code) const { return grid_.value(code); }
  /// What a raw value stands for.
  template <typename Raw>
  __device__ float product(Raw raw) const {
    return to_float(raw) * scale_;
  }

  __device__ RangeAccumulator seen() const { return seen_.scaled(scale_); }

 private:
  const PhiloxRoundKeys& keys_;
  FastLevelGrid grid_;
  float scale_;
  NoiseTime time_;
  std::uint64_t first_block_;
  RawRange seen_;
};

}  // namespace kernels::device
