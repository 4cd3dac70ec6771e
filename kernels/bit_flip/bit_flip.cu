// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/bit_flip_masks.cuh"
#include "kernels/bit_flip/zero_bits.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

__device__ void add_to(std::int64_t* sum, int value) {
  const int of_warp = __reduce_add_sync(0xFFFFFFFFu, value);
  if (threadIdx.x % 32 == 0 && of_warp != 0) {
    atomicAdd(reinterpret_cast<unsigned long long*>(sum), static_cast<unsigned long long>(of_warp));
  }
}

/// An operand and its flipped copy.
template <typename X, typename Y>
struct TileCopy {
  const X* x;
  ElementType x_type;
  std::int64_t count;
  Y* y;
  ElementType y_type;
  ZeroBits zeroed;
};

/// Called by all threads of a block, so that the few flips are drawn by few of them while the loads
/// of all are under way. `counts` is the thread's own; `masks` has room for a tile.
template <typename X, typename Y>
__device__ void flip_tile(const TileCopy<X, Y>& copy, const Plan& plan, NoiseTime time,
                          const Tile& tile, std::uint32_t* masks, FlipCounts& counts) {
  const bool draws = plan.how.exponent.rarity != 0 || plan.how.fraction.rarity != 0;
  const WordFormat y_format = word_format(copy.y_type);
  X loaded[kPerThread];
#pragma unroll
  for (int j = 0; j < kPerThread; ++j) {
    const std::int64_t i = tile.start + threadIdx.x + j * device::kThreads;
    loaded[j] = i >= 0 && i < copy.count ? copy.x[i] : X{0};
  }
  if (draws) draw_masks(plan, time, tile.first, masks);
#pragma unroll
  for (int j = 0; j < kPerThread; ++j) {
    const unsigned in_tile = threadIdx.x + j * device::kThreads;
    const std::int64_t i = tile.start + in_tile;
    const bool exists = i >= 0 && i < copy.count;
    const std::uint32_t mask = draws ? masks[in_tile] : 0;
    const std::uint32_t flipped = converted_word(loaded[j], copy.x_type, plan.how.storage) ^ mask;
    const bool zero = exists && is_zeroed(plan, flipped, mask);
    if (copy.zeroed != nullptr) {
      const std::uint32_t of_warp = __ballot_sync(0xFFFFFFFFu, zero);
      if (threadIdx.x % 32 == 0) {
        copy.zeroed[tile.index * kZeroWordsOfTile + in_tile / 32] = of_warp;
      }
    }
    if (!exists) continue;
    const std::uint32_t result = converted_word(zero ? 0 : flipped, plan.how.storage, copy.y_type);
    copy.y[i] = static_cast<Y>(result);
    counts.exponent += __popc(mask & plan.format.exponent.mask());
    counts.fraction += __popc(mask & plan.format.fraction.mask());
    counts.zeroed += zero;
    counts.non_finite += (result & y_format.magnitude) >= y_format.infinity;
  }
}

template <typename X, typename Y>
__global__ void __launch_bounds__(device::kThreads)
    flip_kernel(TileCopy<X, Y> copy, Plan plan, std::uint64_t tiles, FlipCounts* counts) {
  __shared__ std::uint32_t masks[kLargestTile];
  const NoiseTime time = time_of(plan.how);
  for (std::uint64_t index = blockIdx.x; index < tiles; index += gridDim.x) {
    FlipCounts of_thread;
    flip_tile(copy, plan, time, Tile(plan, index), masks, of_thread);
    if (counts == nullptr) continue;
    add_to(&counts->exponent, static_cast<int>(of_thread.exponent));
    add_to(&counts->fraction, static_cast<int>(of_thread.fraction));
    add_to(&counts->zeroed, static_cast<int>(of_thread.zeroed));
    add_to(&counts->non_finite, static_cast<int>(of_thread.non_finite));
  }
}

template <typename G>
__global__ void flip_stops_kernel(const std::uint32_t* zeroed, std::uint64_t words,
                                  std::uint64_t first_element, G* gradient) {
  const std::uint64_t threads = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t index = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; index < words;
       index += threads) {
    stop_word(zeroed, ZeroWord(index, first_element), gradient);
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

std::int64_t tiles_of(std::int64_t count, std::uint64_t first_element) {
  const std::uint64_t begin = first_element / kLargestTile;
  const std::uint64_t end =
      (first_element + static_cast<std::uint64_t>(count) + kLargestTile - 1) / kLargestTile;
  return static_cast<std::int64_t>(end - begin);
}

void flip(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how, void* y,
          ElementType y_type, FlipCounts* counts, Stream stream, ZeroBits zeroed) {
  if (count == 0) return;
  with_word_of(x_type, [&](auto x_word) {
    with_word_of(y_type, [&](auto y_word) {
      const TileCopy<decltype(x_word), decltype(y_word)> copy{
          static_cast<const decltype(x_word)*>(x), x_type, count,
          static_cast<decltype(y_word)*>(y),       y_type, zeroed};
      flip_kernel<<<blocks_for(count), device::kThreads, 0, device::native(stream)>>>(
          copy, plan_of(how), static_cast<std::uint64_t>(tiles_of(count, how.first_element)),
          counts);
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void stop_gradient(const std::uint32_t* zeroed, std::int64_t count, std::uint64_t first_element,
                   void* gradient, ElementType gradient_type, Stream stream) {
  if (count == 0) return;
  const std::int64_t words = zero_words(count, first_element);
  with_word_of(gradient_type, [&](auto word) {
    flip_stops_kernel<<<device::grid_for(words), device::kThreads, 0, device::native(stream)>>>(
        zeroed, static_cast<std::uint64_t>(words), first_element,
        static_cast<decltype(word)*>(gradient));
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
