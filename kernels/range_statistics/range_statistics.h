// SPDX-License-Identifier: GPL-3.0-or-later
// What a quantiser's range is made from: the least and greatest value of a tensor, or two of its
// quantiles, and their running average.
#pragma once

#include "kernels/device.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace kernels {

/// Of no element: (+inf, -inf). Of a tensor that holds a NaN: (NaN, NaN).
struct Range {
  float lo = std::numeric_limits<float>::infinity();
  float hi = -std::numeric_limits<float>::infinity();
};

bool is_finite(const Range& range);
/// The range of both tensors together; NaN wins. Independent of order.
Range merge(const Range& a, const Range& b);

/// The running average of a quantiser's range: `state` {lo, hi} becomes `observed` when it was
/// never set (+inf, -inf), else smooth * state + (1 - smooth) * observed, in fp32. Returns false,
/// state unchanged, when `observed` is not finite.
bool update_range(float* state, const Range& observed, float smooth);

/// Counts values in equal bins over [lo, hi], for quantiles of a tensor that is never stored whole.
class Histogram {
 public:
  static constexpr int kBins = 4096;

  /// `extent` must be finite and cover every value to come.
  explicit Histogram(const Range& extent);
  void add(const float* x, std::int64_t count);
  void merge(const Histogram& other);
  std::int64_t total() const { return total_; }
  /// Linear interpolation between neighbouring order statistics, each known to one bin: the error
  /// is at most one bin, (hi - lo) / kBins. NaN when nothing was counted.
  float quantile(double q) const;

 private:
  float value_of_rank(std::int64_t rank) const;

  Range extent_;
  std::vector<std::int64_t> counts_;
  std::int64_t total_ = 0;
};

namespace reference {
/// A zero bound is +0, whichever zero was met first.
Range min_max(const float* x, std::int64_t count);
/// quantile(x, q) and quantile(x, r) by linear interpolation between the sorted elements at q *
/// (count - 1), any count; (NaN, NaN) when x holds a NaN, (+inf, -inf) when it is empty. 0 <= q <=
/// r <= 1.
Range quantiles(const float* x, std::int64_t count, double q, double r);
}  // namespace reference

/// As reference, bit for bit; min_max vectorised, quantiles by selection instead of sorting.
namespace cpu {
Range min_max(const float* x, std::int64_t count);
Range quantiles(const float* x, std::int64_t count, double q, double r);
}  // namespace cpu

#ifdef PARADIGM_WITH_CUDA
namespace cuda {
/// A range being observed on the device, across any number of calls: three integers of device
/// memory.
using ObservedRange = int*;

/// Forgets what was observed. All functions are asynchronous on `stream` and read nothing back.
void clear(ObservedRange observed, Stream stream);
/// Folds in the values of x [count].
void observe(const void* x, ElementType type, std::int64_t count, ObservedRange observed,
             Stream stream);
/// As reference::min_max, bit for bit, of everything observed: `range` is {lo, hi} in device
/// memory.
void store_range(ObservedRange observed, float* range, Stream stream);
/// As update_range, bit for bit; `observed` is {lo, hi} in device memory. One that is not finite
/// changes nothing and is counted in `*rejected`.
void update_range(float* state, const float* observed, float smooth, int* rejected, Stream stream);

/// A running range in device memory that a kernel updates by itself: its last block to finish does
/// what store_range and update_range do. One kernel at a time.
struct RunningRange {
  static constexpr int kScratch = 5;

  float* state = nullptr;   ///< {lo, hi}
  int* scratch = nullptr;   ///< kScratch integers, prepared once by clear_scratch()
  int* rejected = nullptr;  ///< see update_range; other ranges may count there too
  float* used = nullptr;    ///< gets the state: as it was, or with `uses_new` as it has become
  bool uses_new = false;
  float smooth = 0;
};

void clear_scratch(int* scratch, Stream stream);
/// Observes x [count > 0] and updates the range.
void observe_into(const void* x, ElementType type, std::int64_t count, const RunningRange& range,
                  Stream stream);

/// Adds to *outside how many of x [count] lie below range[0] or above range[1]; NaN is neither.
void count_outside(const float* x, std::int64_t count, const float* range,
                   unsigned long long* outside, Stream stream);

/// The bins of a Histogram in device memory, Histogram::kBins of them.
using HistogramCounts = unsigned long long*;
inline constexpr std::size_t kHistogramBytes = Histogram::kBins * sizeof(unsigned long long);

void clear_histogram(HistogramCounts counts, Stream stream);
/// As Histogram::add, bit for bit. `extent` {lo, hi} in device memory covers every value to come;
/// nothing is counted when it is not finite.
void count_values(const void* x, ElementType type, std::int64_t count, const float* extent,
                  HistogramCounts counts, Stream stream);
/// {quantile(q), quantile(r)} of what was counted, as Histogram::quantile, bit for bit; the extent
/// itself when it is not finite.
void store_quantiles(const unsigned long long* counts, const float* extent, double q, double r,
                     float* range, Stream stream);
}  // namespace cuda
#endif

}  // namespace kernels
