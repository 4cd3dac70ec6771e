// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/launch.cuh"
#include "kernels/optical_linear/raw_columns.cuh"

#include <algorithm>

namespace kernels::cuda {
namespace {

/// What a thread, a block, or all of them have seen of a layer's values.
struct Seen {
  double signal, noise, outside;

  __device__ void add(const volatile Seen& other) {
    signal += other.signal;
    noise += other.noise;
    outside += other.outside;
  }
  /// Of the block, in its first thread; always in the same order, so sums are reproducible.
  __device__ Seen of_block() const {
    constexpr int kWarps = device::kThreads / 32;
    __shared__ Seen of_warp[kWarps];
    Seen sum = *this;
    for (int distance = 16; distance > 0; distance /= 2) {
      const Seen other = {__shfl_xor_sync(0xFFFFFFFFu, sum.signal, distance),
                          __shfl_xor_sync(0xFFFFFFFFu, sum.noise, distance),
                          __shfl_xor_sync(0xFFFFFFFFu, sum.outside, distance)};
      sum.add(other);
    }
    __syncthreads();  // the last reduction's reader is done
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
      for (int warp = 1; warp < kWarps; ++warp) sum.add(of_warp[warp]);
    }
    return sum;
  }
};
static_assert(sizeof(Seen) * kErrorBlocks == kErrorSums * sizeof(double));

/// The last block to come by makes one of what all have seen.
template <typename Raw, bool noisy>
__global__ void __launch_bounds__(device::kThreads)
    read_out_errors_kernel(const Raw* raw, std::uint32_t rows, std::uint32_t step_in_eights,
                           const __grid_constant__ device::ColumnsToRead layer, ExactRows exact,
                           Seen* of_blocks, float* errors) {
  const RunningRange& running = layer.columns.running;
  device::ColumnReader<noisy> reader(layer);
  device::OutsideCount outside(running.state);
  const auto* const from = reinterpret_cast<const device::Eight<Raw>*>(raw);
  const auto* const wanted = reinterpret_cast<const device::Eight<float>*>(exact.values);
  const auto eights_of_row = static_cast<std::uint32_t>(layer.columns.cols / 8);
  const std::uint32_t eights = rows * eights_of_row;
  const std::uint32_t compared = static_cast<std::uint32_t>(exact.rows) * eights_of_row;
  Seen seen = {};
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < eights;
       i += gridDim.x * blockDim.x) {
    const std::uint32_t row = i / eights_of_row;
    const device::Eight<Raw> in =
        from[std::uint64_t{row} * step_in_eights + (i - row * eights_of_row)];
#pragma unroll
    for (int j = 0; j < 8; ++j) outside.add(reader.product(in.value[j]));
    if (i >= compared) continue;
    const device::Eight<float> target = wanted[i];
    float code[8], signal = 0, noise = 0;
    reader.read(in.value, std::uint64_t{i} * 8, code);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const float error = reader.value(code[j]) - target.value[j];
      signal += target.value[j] * target.value[j];
      noise += error * error;
    }
    seen.signal += signal;
    seen.noise += noise;
  }
  seen.outside = outside.count();
  seen = seen.of_block();

  __shared__ bool is_last;
  if (threadIdx.x == 0) {
    of_blocks[blockIdx.x] = seen;
    is_last = device::comes_last(running.scratch, gridDim.x);
  }
  __syncthreads();
  if (!is_last) return;
  Seen all = {};
  for (unsigned block = threadIdx.x; block < gridDim.x; block += blockDim.x) {
    all.add(of_blocks[block]);
  }
  all = all.of_block();
  if (threadIdx.x != 0) return;
  errors[0] = static_cast<float>(all.outside / (8.0 * eights));
  errors[1] = static_cast<float>(10 * log10(all.signal / all.noise));
}

}  // namespace

void read_out_errors(const void* raw, ElementType raw_type, std::int64_t rows, std::int64_t step,
                     const RawColumns& columns, const ExactRows& exact, double* sums, float* errors,
                     Stream stream) {
  if (!can_read_out_raw({&columns, 1}) || step % 8 != 0) {
    throw CudaError("read_out_errors: columns that it does not take");
  }
  if (rows == 0) return;
  const unsigned blocks = std::min<unsigned>(device::grid_for(rows * columns.cols / 8),
                                             static_cast<unsigned>(kErrorBlocks));
  const auto launch = [&](auto element) {
    using Raw = decltype(element);
    const auto kernel = columns.how.noisy ? &read_out_errors_kernel<Raw, true>
                                          : &read_out_errors_kernel<Raw, false>;
    kernel<<<blocks, device::kThreads, 0, device::native(stream)>>>(
        static_cast<const Raw*>(raw), static_cast<std::uint32_t>(rows),
        static_cast<std::uint32_t>(step / 8), device::ColumnsToRead(columns), exact,
        reinterpret_cast<Seen*>(sums), errors);
  };
  raw_type == ElementType::fp16 ? launch(__half{}) : launch(float{});
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
