// SPDX-License-Identifier: GPL-3.0-or-later
// A block's share of a histogram, in shared memory: the bins of kernels::Histogram, chosen by the
// same double-precision arithmetic, so that the counts are the host's.
#pragma once

#include "kernels/range_statistics/range_statistics.h"

namespace kernels::device {

class BlockHistogram {
 public:
  /// `bins`: shared memory, Histogram::kBins of them. Every thread of the block calls it.
  __device__ BlockHistogram(const float* extent, unsigned* bins) : bins_(bins), lo_(extent[0]) {
    const double width = static_cast<double>(extent[1]) - extent[0];
    scale_ = width > 0 ? Histogram::kBins / width : 0.0;
    for (int bin = threadIdx.x; bin < Histogram::kBins; bin += blockDim.x) bins_[bin] = 0;
    __syncthreads();
  }

  __device__ void add(float x) {
    const double position = (static_cast<double>(x) - lo_) * scale_;
    const double held = fmin(fmax(position, 0.0), static_cast<double>(Histogram::kBins - 1));
    atomicAdd(bins_ + static_cast<int>(held), 1u);
  }

  /// Adds the block's counts to the grid's. Every thread of the block calls it.
  __device__ void fold_into(unsigned long long* counts) const {
    __syncthreads();
    for (int bin = threadIdx.x; bin < Histogram::kBins; bin += blockDim.x) {
      if (bins_[bin] != 0) atomicAdd(counts + bin, static_cast<unsigned long long>(bins_[bin]));
    }
  }

 private:
  unsigned* bins_;
  double lo_;
  double scale_;
};

}  // namespace kernels::device
