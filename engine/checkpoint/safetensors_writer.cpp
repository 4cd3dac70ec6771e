// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a safetensors file so that either the old one or the whole new one is there, whatever
// happens.
#include "engine/checkpoint/safetensors_file.h"
#include "engine/checkpoint/safetensors_header.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "engine/runs/atomic_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace engine {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void bad_tensor(const fs::path& file, const TensorToWrite& tensor,
                             const std::string& reason) {
  fail("bad-tensor", {file.string()},
       fmt::format("tensor \"{}\" cannot be written: {}", printable(tensor.name), reason));
}

void check(const fs::path& file, const TensorToWrite& tensor) {
  if (tensor.name.empty() || tensor.name == "__metadata__" ||
      tensor.name.find('\0') != std::string::npos) {
    bad_tensor(file, tensor, "the name is not usable");
  }
  const std::size_t width = bytes_per_element(tensor.dtype);
  if (width == 0)
    bad_tensor(file, tensor, fmt::format("the dtype \"{}\" is unknown", printable(tensor.dtype)));
  std::uint64_t size = width;
  for (const std::int64_t extent : tensor.shape) {
    if (extent < 0 || __builtin_mul_overflow(size, static_cast<std::uint64_t>(extent), &size)) {
      bad_tensor(file, tensor,
                 fmt::format("the shape [{}] is not usable", fmt::join(tensor.shape, ", ")));
    }
  }
  if (size != tensor.bytes.size()) {
    bad_tensor(file, tensor,
               fmt::format("{} of shape [{}] has {} bytes, not {}", tensor.dtype,
                           fmt::join(tensor.shape, ", "), size, tensor.bytes.size()));
  }
}

std::string header_text(const fs::path& file, const std::vector<TensorToWrite>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    if (header.contains(tensor.name)) bad_tensor(file, tensor, "another tensor has the same name");
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail("bad-tensor", {file.string()}, "a tensor's name or the metadata is not valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kLongestSafetensorsHeader) {
    fail("bad-tensor", {file.string()},
         fmt::format("the header would have {} bytes, more than the format allows", text.size()));
  }
  return text;
}

}  // namespace

void write_safetensors(const fs::path& file, std::vector<TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata) {
  for (const TensorToWrite& tensor : tensors) check(file, tensor);
  std::sort(tensors.begin(), tensors.end(), [](const TensorToWrite& a, const TensorToWrite& b) {
    const std::size_t width_a = bytes_per_element(a.dtype);
    const std::size_t width_b = bytes_per_element(b.dtype);
    return width_a != width_b ? width_a > width_b : a.name < b.name;
  });
  const std::string header = header_text(file, tensors, metadata);
  std::string prefix(8, '\0');
  for (std::size_t i = 0; i < prefix.size(); ++i)
    prefix[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);

  AtomicFile output(file);
  output.write(prefix);
  output.write(header);
  for (const TensorToWrite& tensor : tensors) {
    output.write({reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()});
  }
  output.commit();
}

}  // namespace engine
