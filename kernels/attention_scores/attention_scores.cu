// SPDX-License-Identifier: GPL-3.0-or-later
// A block of threads serves one row of scores at a time. In a row a thread serves blocks of noise,
// that is four neighbouring keys of the global tensor.
#include "kernels/attention_scores/attention_scores.h"
#include "kernels/device/balance.cuh"
#include "kernels/device/block_reduce.cuh"
#include "kernels/device/elements.cuh"
#include "kernels/device/histogram.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/noise.cuh"
#include "kernels/device/range.cuh"
#include "kernels/level_quantiser/level.h"

namespace kernels::cuda {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Where one row lies and what its query may see.
struct Row {
  std::int64_t begin;     ///< in memory
  std::int64_t visible;   ///< keys
  std::uint64_t element;  ///< of key 0, in the noise's index, counted from the first tile's first

  __device__ Row(const ScoreTiles& tiles, std::int64_t index) {
    const std::int64_t head = index / tiles.tile.rows;
    const std::int64_t row = index % tiles.tile.rows;
    const std::int64_t count = tiles.tile.first_visible + row;
    begin = index * tiles.tile.cols;
    visible = count < 0 ? 0 : (count > tiles.tile.cols ? tiles.tile.cols : count);
    element = static_cast<std::uint64_t>(head * tiles.element_step + row * tiles.tile.keys);
  }
};

/// A row as blocks of noise: block b holds keys 4 * b - offset … + 3.
struct NoisyRow {
  std::uint64_t first_block;
  std::int64_t blocks;
  int offset;  ///< of key 0 in its block

  __device__ NoisyRow(const Row& row, const NoiseStream& noise) {
    const std::uint64_t element = noise.first_element + row.element;
    first_block = element / 4;
    offset = static_cast<int>(element % 4);
    blocks = (row.visible + offset + 3) / 4;
    if (row.visible == 0) blocks = 0;
  }
};

inline unsigned grid_for_rows(std::int64_t rows) {
  return static_cast<unsigned>(std::clamp<std::int64_t>(rows, 1, 132 * 8));
}

inline std::int64_t rows_of(const ScoreTiles& tiles) { return tiles.count * tiles.tile.rows; }

// kHeld blocks of noise a thread are kept in registers between the passes over a row; 0: rows of
// any length, whose read-out is made anew in every pass.
template <int kHeld, typename Y>
__global__ void probabilities_kernel(const float* scores, ScoreTiles tiles, ScoreReadOut how,
                                     ProbabilityOperand operand, Y* out, int* observed) {
  const bool frozen = how.read_out.frozen;
  const LevelGrid grid(how.read_out.range, how.read_out.levels, frozen);
  const float unit_interval[2] = {0, 1};
  const LevelGrid unit(unit_interval, operand.levels == 0 ? 2 : operand.levels);
  const float factor =
      operand.partner == nullptr ? 1.0f : device::balance(unit_interval, operand.partner);
  const NoiseStream noise = how.read_out.noise;
  const NoiseTime time = device::time_of(noise);
  const bool noisy = how.read_out.noisy;
  const float frozen_u = frozen ? frozen_uniform(noise.key) : 0.0f;
  device::RangeAccumulator seen;

  for (std::int64_t index = blockIdx.x; index < tiles.count * tiles.tile.rows; index += gridDim.x) {
    const Row row(tiles, index);
    const NoisyRow blocks(row, noise);
    const float* raw = scores + row.begin;
    Y* probability = out + row.begin;

    const auto read_out = [&](std::int64_t block, bool observes, float* level) {
      PhiloxBlock words{};
      if (noisy && !frozen) words = noise_block(noise.key, blocks.first_block + block, time);
      for (int w = 0; w < 4; ++w) {
        const std::int64_t key = 4 * block - blocks.offset + w;
        const bool is_visible = key >= 0 && key < row.visible;
        const float value = is_visible ? raw[key] : 0.0f;
        if (is_visible && observes) seen.add(value);
        const float u = frozen ? frozen_u : uniform_from_word(words.word[w]);
        const float xi = noisy ? u - 0.5f : 0.0f;
        level[w] = is_visible ? grid.level(value, xi) : -kInfinity;
      }
    };
    const auto write = [&](std::int64_t block, const float* exponential, float sum) {
      for (int w = 0; w < 4; ++w) {
        const std::int64_t key = 4 * block - blocks.offset + w;
        if (key < 0 || key >= row.visible) continue;
        const float p = exponential[w] / sum;
        const float value = operand.levels == 0 ? p : unit.level(p, 0.0f);
        probability[key] = device::from_float<Y>(value * factor);
      }
    };

    if constexpr (kHeld > 0) {
      float held[kHeld][4];
      float greatest = -kInfinity;
#pragma unroll
      for (int i = 0; i < kHeld; ++i) {
        const std::int64_t block = std::int64_t{i} * device::kThreads + threadIdx.x;
        if (block < blocks.blocks) {
          read_out(block, true, held[i]);
          for (int w = 0; w < 4; ++w) greatest = fmaxf(greatest, held[i][w]);
        }
      }
      greatest = device::block_max(greatest);
      float sum = 0;
#pragma unroll
      for (int i = 0; i < kHeld; ++i) {
        if (std::int64_t{i} * device::kThreads + threadIdx.x < blocks.blocks) {
          for (int w = 0; w < 4; ++w) {
            held[i][w] = expf(how.scale * (held[i][w] - greatest));
            sum += held[i][w];
          }
        }
      }
      sum = device::block_sum(sum);
#pragma unroll
      for (int i = 0; i < kHeld; ++i) {
        const std::int64_t block = std::int64_t{i} * device::kThreads + threadIdx.x;
        if (block < blocks.blocks) write(block, held[i], sum);
      }
    } else {
      float level[4];
      float greatest = -kInfinity;
      for (std::int64_t block = threadIdx.x; block < blocks.blocks; block += device::kThreads) {
        read_out(block, true, level);
        for (int w = 0; w < 4; ++w) greatest = fmaxf(greatest, level[w]);
      }
      greatest = device::block_max(greatest);
      float sum = 0;
      for (std::int64_t block = threadIdx.x; block < blocks.blocks; block += device::kThreads) {
        read_out(block, false, level);
        for (int w = 0; w < 4; ++w) sum += expf(how.scale * (level[w] - greatest));
      }
      sum = device::block_sum(sum);
      for (std::int64_t block = threadIdx.x; block < blocks.blocks; block += device::kThreads) {
        read_out(block, false, level);
        for (int w = 0; w < 4; ++w) level[w] = expf(how.scale * (level[w] - greatest));
        write(block, level, sum);
      }
    }
    for (std::int64_t key = row.visible + threadIdx.x; key < tiles.tile.cols;
         key += device::kThreads) {
      probability[key] = device::from_float<Y>(0.0f);
    }
  }
  if (observed != nullptr) seen.fold_into(observed);
}

__global__ void observe_visible_kernel(const float* scores, ScoreTiles tiles, int* observed) {
  device::RangeAccumulator seen;
  for (std::int64_t index = blockIdx.x; index < tiles.count * tiles.tile.rows; index += gridDim.x) {
    const Row row(tiles, index);
    for (std::int64_t key = threadIdx.x; key < row.visible; key += device::kThreads) {
      seen.add(scores[row.begin + key]);
    }
  }
  seen.fold_into(observed);
}

__global__ void count_visible_kernel(const float* scores, ScoreTiles tiles, const float* extent,
                                     unsigned long long* counts) {
  __shared__ unsigned bins[Histogram::kBins];
  if (!isfinite(extent[0]) || !isfinite(extent[1])) return;
  device::BlockHistogram histogram(extent, bins);
  for (std::int64_t index = blockIdx.x; index < tiles.count * tiles.tile.rows; index += gridDim.x) {
    const Row row(tiles, index);
    for (std::int64_t key = threadIdx.x; key < row.visible; key += device::kThreads) {
      histogram.add(scores[row.begin + key]);
    }
  }
  histogram.fold_into(counts);
}

__global__ void count_visible_outside_kernel(const float* scores, ScoreTiles tiles,
                                             const float* range, unsigned long long* outside) {
  device::OutsideCount seen(range);
  for (std::int64_t index = blockIdx.x; index < tiles.count * tiles.tile.rows; index += gridDim.x) {
    const Row row(tiles, index);
#pragma unroll 4
    for (std::int64_t key = threadIdx.x; key < row.visible; key += device::kThreads) {
      seen.add(scores[row.begin + key]);
    }
  }
  seen.fold_into(outside);
}

__global__ void drop_kernel(ScoreTiles tiles, float drop, NoiseStream noise, float* x) {
  const NoiseTime time = device::time_of(noise);
  for (std::int64_t index = blockIdx.x; index < tiles.count * tiles.tile.rows; index += gridDim.x) {
    const Row row(tiles, index);
    const NoisyRow blocks(row, noise);
    for (std::int64_t block = threadIdx.x; block < blocks.blocks; block += device::kThreads) {
      const PhiloxBlock words = noise_block(noise.key, blocks.first_block + block, time);
      for (int w = 0; w < 4; ++w) {
        const std::int64_t key = 4 * block - blocks.offset + w;
        if (key < 0 || key >= row.visible) continue;
        float& value = x[row.begin + key];
        value = uniform_from_word(words.word[w]) >= drop ? value / (1.0f - drop) : 0.0f;
      }
    }
  }
}

template <typename D>
__global__ void score_gradient_kernel(ScoreTiles tiles, const float* probabilities, float scale,
                                      const float* scores, const float* clip_range,
                                      const float* d_probabilities, D* d_scores) {
  const float lo = clip_range == nullptr ? 0.0f : clip_range[0];
  const float hi = clip_range == nullptr ? 0.0f : clip_range[1];
  for (std::int64_t index = blockIdx.x; index < tiles.count * tiles.tile.rows; index += gridDim.x) {
    const Row row(tiles, index);
    const float* p = probabilities + row.begin;
    const float* g = d_probabilities + row.begin;
    float mean = 0;
    for (std::int64_t key = threadIdx.x; key < row.visible; key += device::kThreads) {
      mean += g[key] * p[key];
    }
    mean = device::block_sum(mean);
    for (std::int64_t key = threadIdx.x; key < tiles.tile.cols; key += device::kThreads) {
      float gradient = 0;
      if (key < row.visible) gradient = scale * (p[key] * (g[key] - mean));
      if (clip_range != nullptr && key < row.visible) {
        const float raw = scores[row.begin + key];
        if (!(lo <= raw && raw <= hi)) gradient = 0;
      }
      d_scores[row.begin + key] = device::from_float<D>(gradient);
    }
  }
}

}  // namespace

void observe_visible(const ScoreTiles& tiles, const float* scores, ObservedRange observed,
                     Stream stream) {
  if (rows_of(tiles) == 0) return;
  observe_visible_kernel<<<grid_for_rows(rows_of(tiles)), device::kThreads, 0,
                           device::native(stream)>>>(scores, tiles, observed);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void count_visible(const ScoreTiles& tiles, const float* scores, const float* extent,
                   HistogramCounts counts, Stream stream) {
  if (rows_of(tiles) == 0) return;
  count_visible_kernel<<<grid_for_rows(rows_of(tiles)), device::kThreads, 0,
                         device::native(stream)>>>(scores, tiles, extent, counts);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void count_visible_outside(const ScoreTiles& tiles, const float* scores, const float* range,
                           unsigned long long* outside, Stream stream) {
  if (rows_of(tiles) == 0) return;
  count_visible_outside_kernel<<<grid_for_rows(rows_of(tiles)), device::kThreads, 0,
                                 device::native(stream)>>>(scores, tiles, range, outside);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void probabilities(const ScoreTiles& tiles, const float* scores, const ScoreReadOut& how,
                   const ProbabilityOperand& operand, void* out, ElementType out_type,
                   ObservedRange observed, Stream stream) {
  if (rows_of(tiles) == 0) return;
  const std::int64_t blocks_a_thread =
      ((tiles.tile.cols + 3 + 3) / 4 + device::kThreads - 1) / device::kThreads;
  device::with_element_type(out_type, [&](auto element) {
    using Y = decltype(element);
    const auto launch = [&](auto kernel) {
      kernel<<<grid_for_rows(rows_of(tiles)), device::kThreads, 0, device::native(stream)>>>(
          scores, tiles, how, operand, static_cast<Y*>(out), observed);
    };
    if (blocks_a_thread <= 1) {
      launch(probabilities_kernel<1, Y>);
    } else if (blocks_a_thread <= 3) {
      launch(probabilities_kernel<3, Y>);
    } else if (blocks_a_thread <= 5) {
      launch(probabilities_kernel<5, Y>);
    } else {
      launch(probabilities_kernel<0, Y>);
    }
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void drop(const ScoreTiles& tiles, float drop, const NoiseStream& noise, float* x, Stream stream) {
  if (rows_of(tiles) == 0) return;
  drop_kernel<<<grid_for_rows(rows_of(tiles)), device::kThreads, 0, device::native(stream)>>>(
      tiles, drop, noise, x);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void score_gradient(const ScoreTiles& tiles, const float* probabilities, float scale,
                    const float* scores, const float* clip_range, const float* d_probabilities,
                    void* d_scores, ElementType d_scores_type, Stream stream) {
  if (rows_of(tiles) == 0) return;
  device::with_element_type(d_scores_type, [&](auto element) {
    using D = decltype(element);
    score_gradient_kernel<D>
        <<<grid_for_rows(rows_of(tiles)), device::kThreads, 0, device::native(stream)>>>(
            tiles, probabilities, scale, scores, clip_range, d_probabilities,
            static_cast<D*>(d_scores));
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
