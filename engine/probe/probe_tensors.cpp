// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/probe/probe_tensors.h"

#include "engine/checkpoint/safetensors_file.h"
#include "engine/error.h"

#include <ATen/ops/from_blob.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

namespace engine {
namespace {

const std::map<std::string, c10::ScalarType>& dtypes() {
  static const std::map<std::string, c10::ScalarType> known = {
      {"F32", at::kFloat}, {"BF16", at::kBFloat16}, {"F16", at::kHalf}};
  return known;
}

at::Tensor loaded(const SafetensorsFile& file, const TensorEntry& entry, c10::Device device) {
  const auto found = dtypes().find(entry.dtype);
  if (found == dtypes().end()) {
    fail("unsupported-dtype", {file.path().string()},
         fmt::format("the tensor {} has dtype {}", entry.name, entry.dtype),
         "Store it as F32, BF16 or F16");
  }
  const auto bytes = file.bytes(entry);
  // Copied at once: the mapping is read-only and may be unaligned.
  return at::from_blob(const_cast<std::byte*>(bytes.data()), entry.shape,
                       at::TensorOptions().dtype(found->second))
      .clone()
      .to(device);
}

}  // namespace

at::Tensor ProbeInputs::find(const std::string& name) const {
  for (const auto& [own, tensor] : tensors) {
    if (own == name) return tensor;
  }
  return {};
}

ProbeInputs read_probe_inputs(const ProbeConfig& config, c10::Device device) {
  const SafetensorsFile file(config.input);
  ProbeInputs inputs;
  for (const std::string& name : probe_inputs(config.operation)) {
    if (const TensorEntry* entry = file.find(name)) {
      inputs.tensors.emplace_back(name, loaded(file, *entry, device));
      continue;
    }
    if (name == "bias") continue;
    std::vector<std::string> there;
    for (const TensorEntry& entry : file.tensors()) there.push_back(entry.name);
    if (there.size() > 8) there.resize(8);
    fail(
        "missing-tensor", {config.input},
        fmt::format("has no tensor \"{}\", which --op {} needs", name, to_string(config.operation)),
        fmt::format("It holds: {}",
                    there.empty() ? "nothing" : fmt::format("{}", fmt::join(there, ", "))));
  }
  return inputs;
}

std::string safetensors_dtype(c10::ScalarType type) {
  for (const auto& [name, known] : dtypes()) {
    if (known == type) return name;
  }
  return "F64";
}

void write_probe_output(const ProbeConfig& config, const ParamValues& values, const at::Tensor& y) {
  std::map<std::string, std::string> metadata = {{"format", "pt"},
                                                 {"paradigm", config.paradigm},
                                                 {"operation", to_string(config.operation)},
                                                 {"layer", config.layer},
                                                 {"seed", std::to_string(config.seed)},
                                                 {"step", std::to_string(config.step)}};
  for (const PlacedValue& value : values.entries()) {
    metadata["param." + value.name] = to_string(value.value);
  }
  const auto* bytes = static_cast<const std::byte*>(y.const_data_ptr());
  write_safetensors(
      config.output,
      {{"y", safetensors_dtype(y.scalar_type()), y.sizes().vec(), {bytes, y.nbytes()}}}, metadata);
}

}  // namespace engine
