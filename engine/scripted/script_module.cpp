// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scripted/script_module.h"

#include "engine/error.h"
#include "engine/printable.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace engine::scripted {
namespace {

c10::IValue to_ivalue(const ParamValue& value) {
  struct Convert {
    c10::IValue operator()(std::monostate) const { return {}; }
    c10::IValue operator()(bool flag) const { return flag; }
    c10::IValue operator()(std::int64_t whole) const { return whole; }
    c10::IValue operator()(double number) const { return number; }
    c10::IValue operator()(const std::string& word) const { return word; }
    c10::IValue operator()(const RealPair&) const { return {}; }
    c10::IValue operator()(const ParamSchedule& schedule) const { return schedule.from; }
  };
  return std::visit(Convert{}, value);
}

bool same(const c10::IValue& held, const ParamValue& value) {
  const c10::IValue expected = to_ivalue(value);
  if (held.isDouble() && expected.isDouble()) return held.toDouble() == expected.toDouble();
  if (held.isInt() && expected.isInt()) return held.toInt() == expected.toInt();
  if (held.isBool() && expected.isBool()) return held.toBool() == expected.toBool();
  if (held.isString() && expected.isString()) return held.toStringRef() == expected.toStringRef();
  return held.isNone() && expected.isNone();
}

/// Tells whether a tensor was exchanged or written to.
struct Mark {
  const void* tensor = nullptr;
  std::int64_t version = 0;

  explicit Mark(const at::Tensor& marked)
      : tensor(marked.unsafeGetTensorImpl()), version(marked.defined() ? marked._version() : 0) {}
  bool operator==(const Mark&) const = default;
};

struct Buffer {
  std::string name;
  at::Tensor tensor;
  Mark mark;
};

std::vector<Buffer> buffers_of(const torch::jit::Module& module) {
  std::vector<Buffer> buffers;
  for (const auto& buffer : module.named_buffers())
    buffers.push_back({buffer.name, buffer.value, Mark(buffer.value)});
  return buffers;
}

std::string dtype_name(const at::Tensor& tensor) { return c10::toString(tensor.scalar_type()); }

/// From the first line that is not indented: the lines before it are source around the arrow.
std::string unindented_part(const std::string& text) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\n';
    if (next != ' ' && next != '\n') return text.substr(at + 1);
  }
  return text;
}

}  // namespace

std::string script_message(const std::string& what) {
  std::string text = what.substr(0, what.find("\nException raised from"));
  std::string where;
  const std::size_t arrow = text.rfind("<--- HERE");
  if (arrow != std::string::npos) {
    const std::size_t file = text.rfind("File \"", arrow);
    const std::size_t line = text.find("\", line ", file);
    if (file != std::string::npos && line != std::string::npos && line < arrow) {
      std::string name = text.substr(file + 6, line - file - 6);
      name = name.substr(name.rfind('/') + 1);
      const std::size_t digits = line + 8;
      const std::size_t end = text.find_first_not_of("0123456789", digits);
      where = fmt::format(" ({}, line {})", name, text.substr(digits, end - digits));
    }
    text = unindented_part(text.substr(arrow + 9));
  }
  if (text.starts_with("builtins.")) text = text.substr(9);
  const std::size_t first = text.find_first_not_of(" \n");
  text = first == std::string::npos ? "it gave no reason" : text.substr(first);
  return printable(text.substr(0, text.find('\n')), 400) + where;
}

struct ScriptModule::Module {
  torch::jit::Module module;
};

ScriptModule::ScriptModule(ScriptedFilePtr file, std::shared_ptr<Module> module)
    : file_(std::move(file)), module_(std::move(module)) {}

namespace {

[[noreturn]] void refuse(const ScriptedFile& file, const std::string& what,
                         const std::string& remedy = "") {
  fail("bad-paradigm", {.file = file.path.string()}, what, remedy);
}

/// What the file declares was read without LibTorch; here it is held against the real thing.
void check_declarations(const ScriptedFile& file, const torch::jit::Module& module) {
  for (const ParamSpec& spec : file.info.schema.specs()) {
    const bool is_own = spec.name == kScriptedSeed || spec.name == kScriptedBypass;
    if (!module.hasattr(spec.name) && is_own) continue;
    if (!module.hasattr(spec.name) || !same(module.attr(spec.name), spec.default_value))
      refuse(file,
             fmt::format("LibTorch does not find the attribute {} = {} that the file declares",
                         spec.name, to_string(spec.default_value)),
             "Write the file again with torch.jit.save");
  }
  const auto check_method = [&](const std::string& name, std::size_t arguments) {
    const auto method = module.find_method(name);
    if (!method || method->function().getSchema().arguments().size() != arguments + 1)
      refuse(file, fmt::format("LibTorch does not find the method {} that the file declares", name),
             "Write the file again with torch.jit.save");
  };
  for (const auto* method : {&file.linear, &file.attention}) {
    if (!*method) continue;
    const ScriptedMethod& wanted = **method;
    check_method(wanted.name, 3 + wanted.noises.size() + (wanted.takes_mask ? 1 : 0));
    if (!wanted.observer.empty()) check_method(wanted.observer, method == &file.linear ? 2 : 3);
  }
  for (const auto& parameter : module.named_parameters())
    refuse(
        file,
        fmt::format("it holds the nn.Parameter {}, which no optimizer would train", parameter.name),
        "Register it as a buffer");
  for (const std::string& name : file.state) {
    const at::Tensor buffer = module.attr(name).toTensor();
    if (buffer.scalar_type() != at::kFloat)
      refuse(file,
             fmt::format("its state {} is {}, but state is float32", name, dtype_name(buffer)),
             "Keep it in a float32 buffer, or leave it out of \"state\" in paradigm.json");
  }
}

}  // namespace

ScriptModule ScriptModule::load(ScriptedFilePtr file) {
  auto module = std::make_shared<Module>();
  try {
    std::istringstream stream(file->bytes);
    module->module = torch::jit::load(stream, at::kCPU);
    module->module.eval();
  } catch (const std::exception& error) {
    refuse(*file, "LibTorch cannot load it: " + script_message(error.what()),
           "Write it with torch.jit.save of LibTorch 2.11 or older, without custom operators");
  }
  check_declarations(*file, module->module);
  return {std::move(file), std::move(module)};
}

ScriptModule ScriptModule::copy_to(at::Device device) const {
  auto copy = std::make_shared<Module>();
  copy->module = module_->module.deepcopy();
  copy->module.to(device);
  return {file_, std::move(copy)};
}

void ScriptModule::set(const std::string& attribute, const ParamValue& value) {
  if (module_->module.hasattr(attribute)) module_->module.setattr(attribute, to_ivalue(value));
}

at::Tensor ScriptModule::buffer(const std::string& name) const {
  return module_->module.attr(name).toTensor();
}

namespace {

c10::IValue run(const ScriptedFile& file, const torch::jit::Module& module,
                const std::string& method, const std::vector<at::Tensor>& arguments,
                const std::string& layer) {
  std::vector<c10::IValue> stack;
  std::vector<Mark> marks;
  for (const at::Tensor& argument : arguments) {
    stack.push_back(argument.defined() ? c10::IValue(argument) : c10::IValue());
    marks.emplace_back(argument);
  }
  c10::IValue result;
  try {
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    result = module.get_method(method)(std::move(stack));
  } catch (const std::exception& error) {
    refuse(file, fmt::format("{} failed in the layer {}: {}", method, layer,
                             script_message(error.what())));
  }
  for (std::size_t i = 0; i < arguments.size(); ++i)
    if (Mark(arguments[i]) != marks[i])
      refuse(
          file,
          fmt::format("{} changed its {}. argument in place in the layer {}", method, i + 1, layer),
          "Write y = x.add(...) instead of x.add_(...)");
  return result;
}

}  // namespace

at::Tensor ScriptModule::call(const std::string& method, const std::vector<at::Tensor>& arguments,
                              const std::string& layer) const {
  const std::vector<Buffer> before = buffers_of(module_->module);
  const c10::IValue result = run(*file_, module_->module, method, arguments, layer);
  const std::vector<Buffer> after = buffers_of(module_->module);
  for (std::size_t i = 0; i < before.size(); ++i)
    if (i >= after.size() || before[i].mark != after[i].mark)
      refuse(*file_,
             fmt::format("{} changed the buffer {} in the layer {}", method, before[i].name, layer),
             "Change state in observe(x, weight), which is called in training only");
  return result.toTensor();
}

void ScriptModule::observe(const std::string& method, const std::vector<at::Tensor>& arguments,
                           const std::string& layer) const {
  const at::NoGradGuard no_gradient;
  const std::vector<Buffer> before = buffers_of(module_->module);
  run(*file_, module_->module, method, arguments, layer);
  const std::vector<Buffer> after = buffers_of(module_->module);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Buffer& was = before[i];
    const Buffer& is = after.at(i);
    if (was.mark == is.mark) continue;
    const bool is_state =
        std::find(file_->state.begin(), file_->state.end(), was.name) != file_->state.end();
    if (!is_state)
      refuse(*file_,
             fmt::format("{} changed the buffer {}, which is not in \"state\"", method, was.name),
             "Add it to \"state\" in paradigm.json");
    if (is.tensor.is_same(was.tensor)) continue;
    if (is.tensor.sizes() != was.tensor.sizes() || is.tensor.scalar_type() != at::kFloat)
      refuse(*file_,
             fmt::format("{} gave the buffer {} another shape or dtype in the layer {}", method,
                         was.name, layer),
             "Register the buffer as float32 in its final shape");
    at::Tensor kept = was.tensor;
    kept.copy_(is.tensor);
    module_->module.setattr(was.name, kept);
  }
}

}  // namespace engine::scripted
