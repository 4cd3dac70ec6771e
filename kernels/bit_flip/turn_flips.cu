// SPDX-License-Identifier: GPL-3.0-or-later
// From one layer's flips in the input to the next one's: a warp for a segment.
#include "kernels/bit_flip/noted_group.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

__global__ void __launch_bounds__(device::kThreads)
    turn_flips_kernel(const __grid_constant__ Group group, std::uint16_t* x, int from, int to) {
  const unsigned index = blockIdx.x * device::kWarps + threadIdx.x / 32;
  if (index >= group.rows.segments) return;
  const Segment segment(group.rows, index);
  const int lane = static_cast<int>(threadIdx.x % 32);
  const FlipEntry* const before = entries_of(group.notes, group.rows, from, index);
  const FlipEntry* const after = entries_of(group.notes, group.rows, to, index);
  const int before_count = count_of(group.notes, group.rows, from, index);
  const int after_count = count_of(group.notes, group.rows, to, index);
  const auto place = [&](const FlipEntry& entry) {
    return segment.start + entry.row * group.rows.columns + (entry.column & FlipEntry::kColumn);
  };
  for (int k = lane; k < after_count; k += 32) x[place(after[k])] = after[k].value;
  for (int k = lane; k < before_count; k += 32) {
    const FlipEntry entry = before[k];
    bool flips_again = false;
    for (int other = 0; other < after_count; ++other) {
      flips_again |= place(after[other]) == place(entry);
    }
    if (!flips_again) x[place(entry)] = entry.base;
  }
}

}  // namespace

void turn_flips(const NotedGroup& noted, std::uint16_t* x, std::size_t from, std::size_t to,
                Stream stream) {
  const Group group = group_of(noted);
  if (group.rows.segments == 0) return;
  turn_flips_kernel<<<(group.rows.segments + device::kWarps - 1) / device::kWarps, device::kThreads,
                      0, device::native(stream)>>>(group, x, static_cast<int>(from),
                                                   static_cast<int>(to));
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
