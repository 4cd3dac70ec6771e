// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/launch.cuh"
#include "kernels/device/rows.cuh"
#include "kernels/optical_linear/raw_columns.cuh"
#include "kernels/swiglu/gated.cuh"

namespace kernels::cuda {
namespace {

struct GateAndUp {
  device::ColumnsToRead gate, up;
};

/// 2^23: a float between it and twice it is an integer, in its lowest bits.
constexpr float kIntegers = 8388608.0f;

/// Eight codes, a byte each.
__device__ uint2 packed(const float (&code)[8]) {
  const auto bits = [&](int j) { return __float_as_uint(code[j] + kIntegers); };
  const auto four = [&](int first) {
    const std::uint32_t low = __byte_perm(bits(first), bits(first + 1), 0x0040);
    const std::uint32_t high = __byte_perm(bits(first + 2), bits(first + 3), 0x0040);
    return __byte_perm(low, high, 0x5410);
  };
  return make_uint2(four(0), four(4));
}

__device__ void unpack(uint2 words, float (&code)[8]) {
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const std::uint32_t word = j < 4 ? words.x : words.y;
    const std::uint32_t byte = __byte_perm(word, __float_as_uint(kIntegers), 0x7640 + j % 4);
    code[j] = __uint_as_float(byte) - kIntegers;
  }
}

/// Where eight gates lie whose outputs are the i-th eight; their ups follow a row's eights later.
__device__ std::uint64_t place_of_gates(std::uint32_t i, std::uint32_t eights_of_row) {
  return std::uint64_t{i} + i / eights_of_row * eights_of_row;
}

/// The range that a gradient decodes with; one thread, before finish().
__device__ void keep_range(const RunningRange& running, float* kept) {
  const Range observed = device::decoded(running.scratch);
  const bool has_nan = observed.lo != observed.lo;
  kept[0] = has_nan ? observed.lo : running.state[0];
  kept[1] = has_nan ? observed.lo : running.state[1];
}

template <bool noisy>
__global__ void __launch_bounds__(device::kThreads, 4)
    swiglu_read_out_kernel(const __half* raw, std::uint32_t eights, std::uint32_t eights_of_row,
                           const __grid_constant__ GateAndUp both, __nv_bfloat16* y,
                           std::uint8_t* codes, float* code_ranges, int* extent) {
  device::ColumnReader<noisy> gate(both.gate), up(both.up);
  device::ThreadRange seen;
  const auto* const from = reinterpret_cast<const device::Eight<__half>*>(raw);
  auto* const codes_of = reinterpret_cast<uint2*>(codes);
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < eights;
       i += gridDim.x * blockDim.x) {
    const std::uint64_t place = place_of_gates(i, eights_of_row);
    const device::Eight<__half> raw_gate = from[place], raw_up = from[place + eights_of_row];
    float g[8], u[8];
    gate.read(raw_gate.value, std::uint64_t{i} * 8, g);
    up.read(raw_up.value, std::uint64_t{i} * 8, u);
    codes_of[place] = packed(g);
    codes_of[place + eights_of_row] = packed(u);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      g[j] = gate.value(g[j]);
      u[j] = up.value(u[j]);
    }
    device::round_to_bf16(g);
    device::round_to_bf16(u);
    float out[8];
#pragma unroll
    for (int j = 0; j < 8; ++j) out[j] = device::gated(g[j], u[j]);
    device::round_to_bf16(out);
#pragma unroll
    for (int j = 0; j < 8; ++j) seen.add(out[j]);
    device::store(out, y + std::uint64_t{i} * 8);
  }
  const RunningRange& of_gate = both.gate.columns.running;
  const RunningRange& of_up = both.up.columns.running;
  gate.seen().fold_into(of_gate.scratch);
  up.seen().fold_into(of_up.scratch);
  if (extent != nullptr) seen.accumulated().fold_into(extent);
  __syncthreads();
  if (threadIdx.x != 0 || !device::comes_last(of_gate.scratch, gridDim.x)) return;
  keep_range(of_gate, code_ranges);
  keep_range(of_up, code_ranges + 2);
  device::finish(of_gate);
  device::finish(of_up);
}

__global__ void __launch_bounds__(device::kThreads)
    swiglu_codes_gradient_kernel(const std::uint8_t* codes, const float* code_ranges,
                                 std::int32_t levels, const __nv_bfloat16* y_gradient,
                                 std::uint32_t eights, std::uint32_t eights_of_row,
                                 __nv_bfloat16* gradient) {
  const FastLevelGrid gate(code_ranges, levels), up(code_ranges + 2, levels);
  const auto* const codes_of = reinterpret_cast<const uint2*>(codes);
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < eights;
       i += gridDim.x * blockDim.x) {
    const std::uint64_t place = place_of_gates(i, eights_of_row);
    float g[8], u[8], dy[8];
    unpack(codes_of[place], g);
    unpack(codes_of[place + eights_of_row], u);
    device::load(y_gradient + std::uint64_t{i} * 8, dy);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      g[j] = gate.value(g[j]);
      u[j] = up.value(u[j]);
    }
    device::round_to_bf16(g);
    device::round_to_bf16(u);
#pragma unroll
    for (int j = 0; j < 8; ++j) device::gated_gradient(dy[j], g[j], u[j]);
    device::store(g, gradient + place * 8);
    device::store(u, gradient + (place + eights_of_row) * 8);
  }
}

}  // namespace

void swiglu_read_out(const void* raw, std::int64_t rows, const RawColumns& gate,
                     const RawColumns& up, void* y, std::uint8_t* codes, float* code_ranges,
                     ObservedRange extent, Stream stream) {
  const RawColumns columns[] = {gate, up};
  if (!can_read_out_raw(columns) || gate.cols != up.cols || gate.how.levels > 256 ||
      up.how.levels > 256) {
    throw CudaError("swiglu_read_out: columns that it does not take");
  }
  const auto of_row = static_cast<std::uint32_t>(gate.cols / 8);
  const std::int64_t eights = rows * of_row;
  const auto kernel =
      gate.how.noisy ? &swiglu_read_out_kernel<true> : &swiglu_read_out_kernel<false>;
  kernel<<<device::grid_that_meets(eights), device::kThreads, 0, device::native(stream)>>>(
      static_cast<const __half*>(raw), static_cast<std::uint32_t>(eights), of_row,
      GateAndUp{device::ColumnsToRead(gate), device::ColumnsToRead(up)},
      static_cast<__nv_bfloat16*>(y), codes, code_ranges, extent);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void swiglu_codes_gradient(const std::uint8_t* codes, const float* code_ranges, std::int32_t levels,
                           const void* y_gradient, std::int64_t rows, std::int64_t cols,
                           void* gradient, Stream stream) {
  if (rows == 0) return;
  const auto of_row = static_cast<std::uint32_t>(cols / 8);
  const std::int64_t eights = rows * of_row;
  swiglu_codes_gradient_kernel<<<device::grid_for(eights), device::kThreads, 0,
                                 device::native(stream)>>>(
      codes, code_ranges, levels, static_cast<const __nv_bfloat16*>(y_gradient),
      static_cast<std::uint32_t>(eights), of_row, static_cast<__nv_bfloat16*>(gradient));
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
