// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/parallel_for.h"

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>

namespace engine {

void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (count <= 0) return;
  const std::int64_t pieces =
      std::min(std::max<std::int64_t>(1, count / std::max<std::int64_t>(1, grain)),
               static_cast<std::int64_t>(8) * at::get_num_threads());
  if (pieces == 1 || at::get_num_threads() == 1 || at::in_parallel_region()) {
    body(0, count);
    return;
  }
  // LibTorch's elementwise iterator over one byte for each piece: its loop is compiled with
  // LibTorch's threads, and an element's address tells which piece it is.
  at::Tensor tickets = at::empty({pieces}, at::kByte);
  const char* first = static_cast<const char*>(tickets.const_data_ptr());
  at::TensorIterator iterator = at::TensorIterator::nullary_op(tickets);
  iterator.for_each(
      [&](char** data, const std::int64_t* strides, std::int64_t size, std::int64_t outer_size) {
        for (std::int64_t row = 0; row < outer_size; ++row) {
          const std::int64_t piece = data[0] + row * strides[1] - first;
          body(count * piece / pieces, count * (piece + size) / pieces);
        }
      },
      /*grain_size=*/1);
}

}  // namespace engine
