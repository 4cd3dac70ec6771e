// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/bit_flip_masks.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

__device__ void add_to(std::int64_t* sum, int value) {
  const int of_warp = __reduce_add_sync(0xFFFFFFFFu, value);
  if (threadIdx.x % 32 == 0 && of_warp != 0) {
    atomicAdd(reinterpret_cast<unsigned long long*>(sum), static_cast<unsigned long long>(of_warp));
  }
}

/// Never what memory of an earlier time holds; where it is by chance, work is done for nothing.
__device__ std::uint64_t mark_of(NoiseTime time) {
  return (std::uint64_t{time.step} << 32 | time.micro_step) + 1;
}

// A block takes one largest tile at a time, so that its few flips are drawn by few threads while
// the loads of all are under way.
template <typename X, typename Y>
__global__ void __launch_bounds__(device::kThreads)
    flip_kernel(const X* x, ElementType x_type, std::int64_t count, Plan plan, Y* y,
                ElementType y_type, FlipCounts* counts, ZeroedAt zeroed_at) {
  __shared__ std::uint32_t masks[kLargestTile];
  const std::uint64_t begin = plan.how.first_element / kLargestTile;
  const std::uint64_t end = (plan.how.first_element + count + kLargestTile - 1) / kLargestTile;
  const NoiseTime time = time_of(plan.how);
  const bool draws = plan.how.exponent.rarity != 0 || plan.how.fraction.rarity != 0;
  const WordFormat y_format = word_format(y_type);
  for (std::uint64_t tile = begin + blockIdx.x; tile < end; tile += gridDim.x) {
    const auto start = static_cast<std::int64_t>(tile * kLargestTile - plan.how.first_element);
    X loaded[kPerThread];
#pragma unroll
    for (int j = 0; j < kPerThread; ++j) {
      const std::int64_t i = start + threadIdx.x + j * device::kThreads;
      loaded[j] = i >= 0 && i < count ? x[i] : X{0};
    }
    if (draws) draw_masks(plan, time, tile * kLargestTile, masks);
    int exponent = 0, fraction = 0, zeroed = 0, non_finite = 0;
#pragma unroll
    for (int j = 0; j < kPerThread; ++j) {
      const unsigned in_tile = threadIdx.x + j * device::kThreads;
      const std::int64_t i = start + in_tile;
      if (i < 0 || i >= count) continue;
      const std::uint32_t mask = draws ? masks[in_tile] : 0;
      const std::uint32_t flipped = converted_word(loaded[j], x_type, plan.how.storage) ^ mask;
      const bool zero = is_zeroed(plan, flipped, mask);
      const std::uint32_t result = converted_word(zero ? 0 : flipped, plan.how.storage, y_type);
      y[i] = static_cast<Y>(result);
      exponent += __popc(mask & plan.format.exponent.mask());
      fraction += __popc(mask & plan.format.fraction.mask());
      zeroed += zero;
      non_finite += (result & y_format.magnitude) >= y_format.infinity;
    }
    if (zeroed_at != nullptr && zeroed != 0) zeroed_at[tile - begin] = mark_of(time);
    if (counts == nullptr) continue;
    add_to(&counts->exponent, exponent);
    add_to(&counts->fraction, fraction);
    add_to(&counts->zeroed, zeroed);
    add_to(&counts->non_finite, non_finite);
  }
}

template <typename X, typename G>
__global__ void __launch_bounds__(device::kThreads)
    stop_gradient_kernel(const X* x, ElementType x_type, std::int64_t count, Plan plan, G* gradient,
                         ZeroedAt zeroed_at) {
  __shared__ std::uint32_t masks[kLargestTile];
  const NoiseTime time = time_of(plan.how);
  const std::uint64_t begin = plan.how.first_element / kLargestTile;
  const std::uint64_t end = (plan.how.first_element + count + kLargestTile - 1) / kLargestTile;
  for (std::uint64_t tile = begin + blockIdx.x; tile < end; tile += gridDim.x) {
    const auto start = static_cast<std::int64_t>(tile * kLargestTile - plan.how.first_element);
    if (zeroed_at != nullptr && zeroed_at[tile - begin] != mark_of(time)) continue;
    draw_masks(plan, time, tile * kLargestTile, masks);
    for (unsigned in_tile = threadIdx.x; in_tile < kLargestTile; in_tile += device::kThreads) {
      const std::int64_t i = start + in_tile;
      if (i < 0 || i >= count) continue;
      const std::uint32_t mask = masks[in_tile];
      if (plan.how.zeroes_only_flipped && mask == 0) continue;
      const std::uint32_t stored = converted_word(x[i], x_type, plan.how.storage);
      if (is_zeroed(plan, stored ^ mask, mask)) gradient[i] = 0;
    }
  }
}

// One thread owns a tile (a group of four, an element), so no word has two writers.
template <typename Word>
__global__ void toggle_kernel(Word* data, std::int64_t count, FlipStream stream, std::uint64_t gap,
                              BitField field, BitFlip how) {
  const NoiseTime time = time_of(how);
  const std::uint64_t first = how.first_element;
  const std::uint64_t thread = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::uint64_t threads = std::uint64_t{gridDim.x} * blockDim.x;
  const auto flip = [&](std::uint64_t element, std::uint32_t mask) {
    const std::uint64_t i = element - first;  // huge before `first`
    if (i < static_cast<std::uint64_t>(count)) data[i] = static_cast<Word>(data[i] ^ mask);
  };
  if (how.rule == FlipRule::upstream) {
    for (std::uint64_t e = first + thread; e < first + count; e += threads) {
      flip(e, upstream_flips(stream, e) & field.mask());
    }
  } else if (is_sparse(stream.rarity)) {
    const unsigned log2_elements = log2_tile(stream.rarity);
    for (std::uint64_t tile = (first >> log2_elements) + thread;
         tile << log2_elements < first + count; tile += threads) {
      const std::uint64_t begin = tile << log2_elements;
      for_each_flip(stream, gap, field, time, begin, [&](std::uint32_t element, std::uint32_t bit) {
        flip(begin + element, std::uint32_t{1} << bit);
      });
    }
  } else {
    for (std::uint64_t group = first / 4 + thread; 4 * group < first + count; group += threads) {
      const PhiloxBlock words = dense_flips(stream, time, group);
      for (int w = 0; w < 4; ++w) flip(4 * group + w, words.word[w] & field.mask());
    }
  }
}

template <typename Word>
void toggle_field(Word* data, std::int64_t count, const FlipStream& stream, const BitField& field,
                  const BitFlip& how, Stream cuda_stream) {
  if (stream.rarity == 0) return;
  const std::int64_t share = how.rule == FlipRule::upstream ? 1
                             : is_sparse(stream.rarity)
                                 ? std::int64_t{1} << log2_tile(stream.rarity)
                                 : 4;
  toggle_kernel<<<device::grid_for(count / share + 2), device::kThreads, 0,
                  device::native(cuda_stream)>>>(data, count, stream, mean_gap(stream.rarity),
                                                 field, how);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

/// Calls work(Word{}) with the word of the format.
template <typename Work>
void with_word_of(ElementType type, Work&& work) {
  if (type == ElementType::fp32) return work(std::uint32_t{});
  return work(std::uint16_t{});
}

}  // namespace

void flip(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how, void* y,
          ElementType y_type, FlipCounts* counts, Stream stream, ZeroedAt zeroed_at) {
  if (count == 0) return;
  with_word_of(x_type, [&](auto x_word) {
    with_word_of(y_type, [&](auto y_word) {
      flip_kernel<<<blocks_for(count), device::kThreads, 0, device::native(stream)>>>(
          static_cast<const decltype(x_word)*>(x), x_type, count, plan_of(how),
          static_cast<decltype(y_word)*>(y), y_type, counts, zeroed_at);
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void stop_gradient(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how,
                   void* gradient, ElementType gradient_type, Stream stream, ZeroedAt zeroed_at) {
  if (count == 0 || !how.zeroes()) return;
  with_word_of(x_type, [&](auto x_word) {
    with_word_of(gradient_type, [&](auto gradient_word) {
      stop_gradient_kernel<<<blocks_for(count), device::kThreads, 0, device::native(stream)>>>(
          static_cast<const decltype(x_word)*>(x), x_type, count, plan_of(how),
          static_cast<decltype(gradient_word)*>(gradient), zeroed_at);
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void toggle(void* data, std::int64_t count, const BitFlip& how, Stream stream) {
  if (count == 0) return;
  const WordFormat format = word_format(how.storage);
  with_word_of(how.storage, [&](auto word) {
    auto* words = static_cast<decltype(word)*>(data);
    toggle_field(words, count, how.exponent, format.exponent, how, stream);
    toggle_field(words, count, how.fraction, format.fraction, how, stream);
  });
}

}  // namespace kernels::cuda
