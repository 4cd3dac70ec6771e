// SPDX-License-Identifier: GPL-3.0-or-later
// The launches around the products of a group of bit-flip layers: microseconds of each, one behind
// the other, bf16, upstream's probabilities and thresholds. Shapes of the 60M and 1.1B models.
#include "kernels/bit_flip/flip_group.h"
#include "kernels/noise_key.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace {

using namespace kernels;

struct DeviceMemory {
  explicit DeviceMemory(std::size_t bytes) {
    cudaMalloc(&data, bytes + 64);
    cudaMemset(data, 0, bytes);
  }
  ~DeviceMemory() { cudaFree(data); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
  void* data = nullptr;
};

double microseconds(const std::function<void()>& work) {
  constexpr int kLaunches = 50;
  cudaEvent_t begin, end;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  float best = 1e9f;
  for (int round = 0; round < 5; ++round) {
    cudaEventRecord(begin);
    for (int i = 0; i < kLaunches; ++i) work();
    cudaEventRecord(end);
    cudaEventSynchronize(end);
    float milliseconds = 0;
    cudaEventElapsedTime(&milliseconds, begin, end);
    best = std::min(best, milliseconds);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return 1e3 * best / kLaunches;
}

BitFlip flips(std::uint64_t layer, double threshold) {
  BitFlip how;
  how.storage = ElementType::bf16;
  how.exponent = {noise_key(1, layer, 0, 16), 16};
  how.fraction = {noise_key(1, layer, 0, 17), 16};
  how.zero_from = zero_out_word(threshold, ElementType::bf16);
  return how;
}

void measure(const char* name, std::int64_t rows, std::int64_t in, std::vector<std::int64_t> outs) {
  const std::int64_t count = rows * in;
  const DeviceMemory x(2 * count), copies(2 * count), gradient(2 * count), held(2 * count);
  const std::int64_t tiles = cuda::tiles_of(count, 0);
  const DeviceMemory counts(4 * tiles * 3), entries(128 * tiles * 3);
  std::vector<cuda::NotedFlips> layers;
  std::vector<cuda::FlippedWeight> weights;
  std::vector<std::unique_ptr<DeviceMemory>> memory;
  const auto made = [&](std::int64_t bytes) {
    memory.push_back(std::make_unique<DeviceMemory>(static_cast<std::size_t>(bytes)));
    return memory.back()->data;
  };
  for (std::size_t i = 0; i < outs.size(); ++i) {
    layers.push_back({flips(i, 30),
                      {counts.as<int>() + static_cast<std::int64_t>(i) * tiles,
                       entries.as<cuda::FlipNotes::Entry>() +
                           static_cast<std::int64_t>(i) * tiles * cuda::FlipNotes::kSlots}});
    const std::int64_t size = outs[i] * in;
    cuda::FlippedWeight weight{.weight = static_cast<float*>(made(4 * size)),
                               .count = size,
                               .how = flips(7 + i, 1.25),
                               .zeroes = {},
                               .copy = static_cast<std::uint16_t*>(made(2 * size)),
                               .gradient = static_cast<float*>(made(4 * size))};
    weight.zeroes = {static_cast<int*>(made(4 * cuda::tiles_of(size, 0))),
                     static_cast<std::uint16_t*>(made(32 * cuda::tiles_of(size, 0)))};
    weights.push_back(weight);
  }
  const cuda::FlippedInPlace in_place{x.data, count, copies.as<std::uint16_t>()};
  const auto begin = [&](const auto& of_x, const auto& of_w) {
    return microseconds([&] { cuda::flip_group(in_place, of_x, of_w, {}); });
  };
  const std::vector<cuda::NotedFlips> no_layers;
  const std::vector<cuda::FlippedWeight> no_weights;
  auto quiet = layers, unlimited = layers;
  for (auto& layer : quiet) layer.how.exponent.rarity = layer.how.fraction.rarity = 0;
  for (auto& layer : unlimited) layer.how.zero_from = kNeverZero;
  const double both = begin(layers, weights), of_x = begin(layers, no_weights),
               of_w = begin(no_layers, weights), threshold = begin(quiet, no_weights),
               draws = begin(unlimited, no_weights);
  cuda::flip_group(in_place, layers, weights, {});
  const auto change = [&](std::span<const cuda::FlippedWeight> stopped, void* with_gradient) {
    return microseconds([&] {
      cuda::change_flips({.x = in_place,
                          .from = &layers.front(),
                          .to = &layers.back(),
                          .gradient = with_gradient,
                          .is_first = false,
                          .held_tiles = held.as<std::uint16_t>()},
                         stopped, {});
    });
  };
  std::printf(
      "%-28s begin %6.1f (x alone %6.1f: its threshold %6.1f, its flips %6.1f; weights "
      "alone %6.1f)  change %5.1f  with gradients %5.1f\n",
      name, both, of_x, threshold, draws, of_w, change({}, nullptr),
      change(weights, gradient.data));
}

}  // namespace

int main() {
  measure("60M 12x1024, q k v", 12 * 1024, 384, {384, 128, 128});
  measure("60M 12x1024, down", 12 * 1024, 1408, {384});
  measure("60M 48x2048, q k v", 48 * 2048, 384, {384, 128, 128});
  measure("60M 48x2048, down", 48 * 2048, 1408, {384});
  measure("1.1B 12x2048, gate up", 12 * 2048, 2048, {5632, 5632});
  return 0;
}
