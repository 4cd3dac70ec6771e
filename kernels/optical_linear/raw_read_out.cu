// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/launch.cuh"
#include "kernels/optical_linear/raw_columns.cuh"

#include <algorithm>

namespace kernels::cuda {
namespace {

struct Layer {
  device::ColumnsToRead read;
  std::uint32_t first_eight, eights_of_row;
};
struct Layers {
  Layer all[kMostLayers];
};

/// A row of blocks for each layer.
template <typename Raw, bool noisy>
__global__ void __launch_bounds__(device::kThreads, 4)
    read_out_raw_kernel(const Raw* raw, std::uint32_t rows, std::uint32_t width_in_eights,
                        const __grid_constant__ Layers layers, __nv_bfloat16* y) {
  const Layer& layer = layers.all[blockIdx.y];
  device::ColumnReader<noisy> reader(layer.read);
  const std::uint32_t eights = rows * layer.eights_of_row;
  const auto* const from = reinterpret_cast<const device::Eight<Raw>*>(raw) + layer.first_eight;
  auto* const to = reinterpret_cast<device::Eight<__nv_bfloat16>*>(y) + layer.first_eight;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < eights;
       i += gridDim.x * blockDim.x) {
    const std::uint32_t row = i / layer.eights_of_row;
    const std::uint64_t place =
        std::uint64_t{row} * width_in_eights + (i - row * layer.eights_of_row);
    const device::Eight<Raw> in = from[place];
    float code[8];
    reader.read(in.value, std::uint64_t{i} * 8, code);
    device::Eight<__nv_bfloat16> out;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      out.value[j] = device::from_float<__nv_bfloat16>(reader.value(code[j]));
    }
    to[place] = out;
  }
  device::fold_and_update(reader.seen(), layer.read.columns.running, gridDim.x);
}

}  // namespace

bool can_read_out_raw(std::span<const RawColumns> columns) {
  return !columns.empty() && columns.size() <= kMostLayers &&
         std::all_of(columns.begin(), columns.end(), [&](const RawColumns& one) {
           return one.cols % 8 == 0 && one.cols > 0 && one.how.noise.first_element % 4 == 0 &&
                  one.how.bias == nullptr && !one.how.frozen &&
                  one.how.noisy == columns[0].how.noisy;
         });
}

void read_out_raw(const void* raw, ElementType raw_type, std::int64_t rows,
                  std::span<const RawColumns> columns, void* y, Stream stream) {
  if (!can_read_out_raw(columns)) throw CudaError("read_out_raw: columns that it does not take");
  if (rows == 0) return;
  std::uint32_t first = 0;
  std::int64_t most = 0;
  const auto layer = [&](std::size_t i) {
    const RawColumns& one = columns[std::min(i, columns.size() - 1)];
    const auto eights = static_cast<std::uint32_t>(one.cols / 8);
    const Layer made{device::ColumnsToRead(one), first, eights};
    first += i < columns.size() ? eights : 0;
    most = std::max(most, rows * eights);
    return made;
  };
  const Layers layers{{layer(0), layer(1), layer(2)}};
  const auto width = static_cast<std::uint32_t>(first);
  const dim3 grid(device::grid_that_meets(most), static_cast<unsigned>(columns.size()));
  const auto launch = [&](auto element) {
    using Raw = decltype(element);
    const auto kernel =
        columns[0].how.noisy ? &read_out_raw_kernel<Raw, true> : &read_out_raw_kernel<Raw, false>;
    kernel<<<grid, device::kThreads, 0, device::native(stream)>>>(
        static_cast<const Raw*>(raw), static_cast<std::uint32_t>(rows), width, layers,
        static_cast<__nv_bfloat16*>(y));
  };
  raw_type == ElementType::fp16 ? launch(__half{}) : launch(float{});
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
