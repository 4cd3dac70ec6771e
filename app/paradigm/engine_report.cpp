// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/engine_report.h"

#include <fmt/format.h>

namespace paradigm {

Json json_of(const engine::EvalResult& result) {
  Json json;
  json["eval_loss"] = number_json(result.eval_loss);
  json["perplexity"] = number_json(result.perplexity);
  json["eval_accuracy"] = number_json(result.eval_accuracy);
  json["eval_tokens"] = result.eval_tokens;
  json["eval_runtime"] = number_json(result.eval_runtime);
  json["device"] = result.device;
  json["transform"] = result.transform;
  json["transform_digest"] =
      result.transform_digest.empty() ? Json() : Json(result.transform_digest);
  json["calibrated_batches"] = result.calibrated_batches;
  json["notes"] = result.notes;
  json["problems"] = Json::array();
  return json;
}

std::string text_of(const engine::EvalResult& result) {
  std::string text;
  for (const std::string& note : result.notes) text += "note: " + note + "\n";
  text += fmt::format("transform      {}\n", result.transform);
  if (result.calibrated_batches > 0) {
    text += fmt::format("calibrated on  {} batches, then frozen\n", result.calibrated_batches);
  }
  text += fmt::format("device         {}\n", result.device);
  text += fmt::format("eval_loss      {:.6f}\n", result.eval_loss);
  text += fmt::format("perplexity     {:.4f}\n", result.perplexity);
  text += fmt::format("eval_accuracy  {:.4f}\n", result.eval_accuracy);
  text += fmt::format("eval_tokens    {}\n", result.eval_tokens);
  text += fmt::format("eval_runtime   {:.2f} s\n", result.eval_runtime);
  return text;
}

Json json_of(const engine::DeviceReport& report) {
  Json json;
  json["devices"] = Json::array();
  for (const auto& device : report.devices) {
    json["devices"].push_back({{"id", device.id},
                               {"name", device.name},
                               {"total_memory", device.total_memory},
                               {"free_memory", device.free_memory},
                               {"usable", device.usable},
                               {"has_kernels", device.has_kernels},
                               {"limits", device.limits}});
  }
  json["automatic"] = report.automatic;
  json["built_for_cuda"] = report.built_for_cuda;
  json["driver_found"] = report.driver_found.empty() ? Json() : Json(report.driver_found);
  json["driver_required"] = report.driver_required;
  json["cuda_problem"] = report.cuda_problem.empty() ? Json() : Json(report.cuda_problem);
  json["torch_version"] = report.torch_version;
  json["problems"] = Json::array();
  return json;
}

std::string text_of(const engine::DeviceReport& report) {
  std::string text;
  for (const auto& device : report.devices) {
    text +=
        fmt::format("{:<8} {}, {} memory ({} free){}\n", device.id, device.name,
                    size_text(double(device.total_memory)), size_text(double(device.free_memory)),
                    device.limits.empty() ? "" : "; " + device.limits);
  }
  text += fmt::format("--device auto chooses {}\n", report.automatic);
  text += fmt::format("NVIDIA driver: {} found, {} or newer required\n",
                      report.driver_found.empty() ? "none" : report.driver_found,
                      report.driver_required);
  text += report.built_for_cuda ? "built for CUDA\n" : "built for the CPU only\n";
  if (!report.cuda_problem.empty()) text += report.cuda_problem + "\n";
  text += "LibTorch " + report.torch_version + "\n";
  return text;
}

}  // namespace paradigm
