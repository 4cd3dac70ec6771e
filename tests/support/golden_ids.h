// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/ops/from_blob.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace tests {

/// Token ids [rows, columns] of a golden file's array of rows.
inline at::Tensor ids_of(const nlohmann::json& rows) {
  std::vector<std::int64_t> flat;
  for (const auto& row : rows) {
    for (const auto& id : row) flat.push_back(id.get<std::int64_t>());
  }
  const auto height = static_cast<std::int64_t>(rows.size());
  return at::from_blob(flat.data(), {height, static_cast<std::int64_t>(flat.size()) / height},
                       at::TensorOptions().dtype(at::kLong))
      .clone();
}

}  // namespace tests
