// SPDX-License-Identifier: GPL-3.0-or-later
// The launches around the products of a group of bit-flip layers: microseconds of each, one behind
// the other, bf16, upstream's probabilities and thresholds. Shapes of the 60M and 1.1B models.
#include "kernels/bit_flip/flip_group.h"
#include "kernels/noise_key.h"
#include "kernels/swiglu/swiglu.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
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
  const std::int64_t count = rows * in, segments = cuda::segments_of(rows, in);
  std::vector<std::unique_ptr<DeviceMemory>> memory;
  const auto made = [&](std::int64_t bytes) {
    memory.push_back(std::make_unique<DeviceMemory>(static_cast<std::size_t>(bytes)));
    return memory.back()->data;
  };
  const auto layers = static_cast<std::int64_t>(outs.size());
  std::int64_t all_outs = 0;
  for (const std::int64_t out : outs) all_outs += out;
  const cuda::GroupInput x{made(2 * count), rows, in};
  const cuda::FlipNotes notes{
      static_cast<int*>(made(4 * layers * segments)),
      static_cast<cuda::FlipEntry*>(made(8 * layers * segments * cuda::FlipNotes::kEntries)),
      static_cast<std::uint16_t*>(made(2 * layers * segments * cuda::FlipNotes::kEntries)),
      static_cast<cuda::RowFlips*>(made(8 * rows)),
      static_cast<int*>(made(4 * segments)),
      static_cast<std::uint32_t*>(made(4 * segments * cuda::FlipNotes::kLargeWords)),
      static_cast<int*>(made(4 * layers * in / cuda::ColumnFlip::kPanel)),
      static_cast<cuda::ColumnFlip*>(
          made(layers * in / cuda::ColumnFlip::kPanel * cuda::panel_room(rows, in) * 8))};
  auto* const copies = static_cast<std::uint16_t*>(made(2 * all_outs * in));
  std::vector<BitFlip> of_x;
  std::vector<cuda::FlippedWeight> weights;
  cuda::GroupGradients gradients{static_cast<std::uint16_t*>(made(2 * rows * all_outs)),
                                 static_cast<std::uint16_t*>(made(2 * count)),
                                 static_cast<float*>(made(4 * all_outs * in)),
                                 {}};
  for (std::size_t i = 0; i < outs.size(); ++i) {
    const std::int64_t size = outs[i] * in;
    of_x.push_back(flips(i, 30));
    weights.push_back({.data = static_cast<float*>(made(4 * size)),
                       .outputs = outs[i],
                       .columns = in,
                       .how = flips(7 + i, 1.25),
                       .zeroed = static_cast<std::uint32_t*>(made(4 * cuda::zero_words(size, 0))),
                       .values = copies,
                       .pitch = all_outs});
    gradients.zeroed_weights[i] = weights.back().zeroed;
  }
  void* const seen = layers == 1 ? x.data : nullptr;
  auto* const range = static_cast<int*>(made(3 * sizeof(int)));
  cuda::clear(range, {});
  cuda::observe(x.data, ElementType::bf16, count, range, {});
  const auto note = [&](cuda::GroupInput input, cuda::ObservedRange observed, void* to) {
    input.observed = observed;
    return microseconds([&] { cuda::note_flips(input, of_x, notes, to, {}); });
  };
  void* const copy = layers == 1 ? made(2 * count) : nullptr;
  const double copied = layers == 1 ? note(x, nullptr, copy) : 0, looked = note(x, nullptr, seen),
               bounded = note(x, range, seen),
               flipped = microseconds([&] { cuda::flip_weights(weights, {}); });
  const cuda::NotedGroup group{ElementType::bf16, rows, in, outs, copies, notes};
  auto* const y = static_cast<std::uint16_t*>(made(2 * rows * all_outs));
  const double outputs =
      layers == 1 ? 0 : microseconds([&] { cuda::correct_outputs(group, y, {}); });
  auto* const gated = static_cast<std::uint16_t*>(made(rows * all_outs));
  const bool gates = layers == 2;
  // Without lists nothing is corrected.
  cuda::NotedGroup unlisted = group;
  unlisted.notes.panels = nullptr;
  const double gate = gates ? microseconds([&] { cuda::gate_outputs(group, y, gated, range, {}); })
                            : 0,
               gate_alone =
                   gates ? microseconds([&] { cuda::gate_outputs(unlisted, y, gated, range, {}); })
                         : 0,
               swiglu = gates ? microseconds([&] {
                 cuda::swiglu_rows(y, ElementType::bf16, rows, outs[0], gated, {});
               })
                              : 0;
  const double corrected = microseconds([&] { cuda::correct_gradients(group, gradients, {}); });
  std::printf(
      "%-22s note %5.1f (looking %5.1f, copying %5.1f)  outputs %5.1f  with SwiGLU %5.1f "
      "(uncorrected %5.1f, alone %5.1f)  gradients %5.1f  weights %5.1f\n",
      name, bounded, looked, copied, outputs, gate, gate_alone, swiglu, corrected, flipped);
}

}  // namespace

int main() {
  measure("60M 12x1024, q k v", 12 * 1024, 384, {384, 128, 128});
  measure("60M 12x1024, gate up", 12 * 1024, 384, {1408, 1408});
  measure("60M 12x1024, o", 12 * 1024, 384, {384});
  measure("60M 12x1024, down", 12 * 1024, 1408, {384});
  measure("60M 48x2048, q k v", 48 * 2048, 384, {384, 128, 128});
  measure("60M 48x2048, o", 48 * 2048, 384, {384});
  measure("60M 48x2048, down", 48 * 2048, 1408, {384});
  measure("60M 48x2048, gate up", 48 * 2048, 384, {1408, 1408});
  measure("1.1B 12x2048, gate up", 12 * 2048, 1536, {5376, 5376});
  return 0;
}
