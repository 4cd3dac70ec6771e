// SPDX-License-Identifier: GPL-3.0-or-later
// What a saved module declares, from the code that TorchScript prints into the file
// (code/__torch__.py): attributes with their types, methods with their arguments. The bodies are
// not read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine::scripted {

struct Declaration {
  std::string name;
  std::string type;  ///< "Optional[float]"

  bool operator==(const Declaration&) const = default;
};

struct DeclaredMethod {
  std::string name;
  std::vector<Declaration> arguments;  ///< without self
  std::string result;
};

struct DeclaredClass {
  std::vector<std::string> parameters;  ///< names of nn.Parameter attributes
  std::vector<std::string> buffers;
  std::vector<Declaration> attributes;  ///< in order; constants (Final) are left out
  std::vector<DeclaredMethod> methods;

  const DeclaredMethod* method(const std::string& name) const;
  bool is_buffer(const std::string& name) const;
};

/// Where the code of a class is kept: "code/__torch__/devices.py" for
/// "__torch__.devices.Memristor".
std::string file_of_class(const std::string& class_name);

/// The class of that qualified name among those of `source`.
std::optional<DeclaredClass> find_declared_class(std::string_view source,
                                                 const std::string& class_name);

}  // namespace engine::scripted
