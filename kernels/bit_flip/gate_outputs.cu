// SPDX-License-Identifier: GPL-3.0-or-later
// What the outputs of gate and up lack, added on the way into SwiGLU: a block for some rows, a
// thread for eight neighbours of both layers.
#include "kernels/bit_flip/panel_lists.cuh"
#include "kernels/device/range.cuh"
#include "kernels/swiglu/gated.cuh"

#include <algorithm>
#include <cassert>

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

constexpr int kOfThread = static_cast<int>(kGroupOutputs);
constexpr int kMostThreads = 256;
constexpr int kRowsTogether = 1;  // loads of a thread under way at once
constexpr unsigned kMostRowBlocks = 6144;

struct Gating {
  unsigned lists;       ///< blocks that list flips by column come first
  unsigned chunks;      ///< blocks of a row
  unsigned row_blocks;  ///< that share the rows
  int* extent;          ///< of y, or null
};

template <typename T, bool corrects>
__device__ void gate_rows(const Group& group, const Gating& gating, unsigned block, T* gate_up,
                          T* y) {
  using Pack = device::Pack<T, kOfThread>;
  const int width = group.first_output[1];
  const int column = static_cast<int>(block % gating.chunks * blockDim.x + threadIdx.x) * kOfThread;
  device::ThreadRange range;
  if (column < width) {
    for (std::int64_t first = block / gating.chunks; first < group.rows.rows;
         first += kRowsTogether * gating.row_blocks) {
      Pack gate[kRowsTogether], up[kRowsTogether];
      RowFlips flips[kRowsTogether];
      const auto row_of = [&](int j) { return first + j * gating.row_blocks; };
      const auto place_of = [&](int j) { return gate_up + row_of(j) * 2 * width + column; };
#pragma unroll
      for (int j = 0; j < kRowsTogether; ++j) {
        if (row_of(j) >= group.rows.rows) continue;
        gate[j] = *reinterpret_cast<const Pack*>(place_of(j));
        up[j] = *reinterpret_cast<const Pack*>(place_of(j) + width);
        if constexpr (corrects) flips[j] = group.notes.rows[row_of(j)];
      }
#pragma unroll
      for (int j = 0; j < kRowsTogether; ++j) {
        const std::int64_t row = row_of(j);
        if (row >= group.rows.rows) continue;
        if (corrects && add_flips_of_row(group, flips[j], 0, row, column, gate[j])) {
          *reinterpret_cast<Pack*>(place_of(j)) = gate[j];
        }
        if (corrects && add_flips_of_row(group, flips[j], 1, row, width + column, up[j])) {
          *reinterpret_cast<Pack*>(place_of(j) + width) = up[j];
        }
        Pack out;
#pragma unroll
        for (int k = 0; k < kOfThread; ++k) {
          out.value[k] = device::from_float<T>(
              device::gated(device::to_float(gate[j].value[k]), device::to_float(up[j].value[k])));
          range.add(device::to_float(out.value[k]));
        }
        *reinterpret_cast<Pack*>(y + row * width + column) = out;
      }
    }
  }
  if (gating.extent != nullptr) range.accumulated().fold_into(gating.extent);
}

template <typename T, bool corrects>
__global__ void __launch_bounds__(kMostThreads, 5)
    gate_outputs_kernel(const __grid_constant__ Group group, const __grid_constant__ Gating gating,
                        T* gate_up, T* y) {
  if constexpr (corrects) {
    __shared__ ListShared shared;
    if (blockIdx.x < gating.lists) return list_panel(group, blockIdx.x, shared);
  }
  gate_rows<T, corrects>(group, gating, blockIdx.x - gating.lists, gate_up, y);
}

}  // namespace

void gate_outputs(const NotedGroup& noted, std::uint16_t* gate_up, std::uint16_t* y,
                  ObservedRange extent, Stream stream) {
  const Group group = group_of(noted);
  assert(group.layers == 2 && noted.outputs[0] == noted.outputs[1]);
  if (group.rows.rows == 0) return;
  const bool corrects = noted.notes.panels != nullptr;
  const auto packs = static_cast<unsigned>(group.first_output[1] / kOfThread);
  Gating gating{};
  gating.lists = corrects ? lists_of(group) : 0;
  gating.chunks = (packs + kMostThreads - 1) / kMostThreads;
  gating.row_blocks =
      static_cast<unsigned>(std::min<std::int64_t>(group.rows.rows, kMostRowBlocks));
  gating.extent = extent;
  const unsigned warps = ((packs + gating.chunks - 1) / gating.chunks + 31) / 32;
  const unsigned blocks = gating.lists + gating.row_blocks * gating.chunks;
  with_half_type(noted.type, [&](auto element) {
    using T = decltype(element);
    const auto kernel = corrects ? &gate_outputs_kernel<T, true> : &gate_outputs_kernel<T, false>;
    kernel<<<blocks, 32 * warps, 0, device::native(stream)>>>(
        group, gating, reinterpret_cast<T*>(gate_up), reinterpret_cast<T*>(y));
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
